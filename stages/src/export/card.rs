//! The card of an exported dataset: what it holds, where it comes from and how to read it. Markdown that depends on
//! the dataset alone: no times, no absolute paths.

use std::fmt::Write as _;

use arrow::datatypes::DataType;
use serde_json::{Value, json};
use sternlight_engine::column::TURNS;
use sternlight_engine::dataset::Dataset;
use sternlight_engine::metrics::{Metric, Metrics};
use sternlight_engine::trajectory::{SCHEMA_VERSION, SCHEMA_VERSION_KEY};

use super::destination::{Destination, Encoding};

/// Sources that are listed by name.
const LISTED_SOURCES: usize = 50;

/// The card's text.
pub(super) fn card(dataset: &Dataset, metrics: &Metrics, destination: &Destination, sample: Option<u64>) -> String {
    let mut sections = Vec::new();
    if destination.stem.is_none() {
        // Tells the Hugging Face hub which of the files hold rows.
        sections.push(format!(
            "---\nconfigs:\n- config_name: default\n  data_files: \"{}\"\ntags:\n- sternlight\n---",
            destination.pattern()
        ));
    }
    sections.push(format!("# Agent trajectories: {}", destination.name));
    if let Some(groups) = sample {
        let first = if groups == 1 { "the first group".to_owned() } else { format!("the first {groups} groups") };
        sections.push(format!("**This is a sample:** {first} of each source (`--limit {groups}`), and no more."));
    }
    sections.push(
        "One row is one trajectory: its turns in order, its outcome, and what the pipeline below added.".to_owned(),
    );
    sections.push(format!("## Counts\n\n{}", counts(metrics)));
    sections.push(match destination.encoding {
        Encoding::Parquet | Encoding::Csv => format!("## Columns\n\n{}", columns(dataset)),
        Encoding::Lines(_) => format!("## Keys\n\n{KEYS}"),
    });
    sections.push(format!("## How to read it\n\n{}", reading(destination)));
    sections.push(format!("## Provenance\n\n{}", provenance(dataset)));
    sections.push(format!(
        "Written by sternlight {}, trajectory schema {SCHEMA_VERSION} (`{SCHEMA_VERSION_KEY}`).",
        env!("CARGO_PKG_VERSION")
    ));
    sections.join("\n\n") + "\n"
}

const KEYS: &str = "Each line has `messages` as chat models are trained on, and beside it `trajectory_id`, `group_id`, \
    `task_id`, `env`, `policy`, `seed`, `status`, `error`, `reward`, `success`, `tools`, `advantages` (one for each \
    assistant message) and `final_observation` (what came back after the last one), where they are known. `weight` is \
    0 on messages that should not be learned from.";

fn table(header: [&str; 2], rows: impl IntoIterator<Item = (String, String)>) -> String {
    let mut table = format!("| {} | {} |\n|---|---|", header[0], header[1]);
    for (left, right) in rows {
        // A bar would end the cell.
        let _infallible = write!(table, "\n| {} | {} |", left.replace('|', "\\|"), right.replace('|', "\\|"));
    }
    table
}

fn counts(metrics: &Metrics) -> String {
    let mut rows: Vec<(String, String)> = ["trajectories", "groups", "turns"]
        .iter()
        .map(|name| ((*name).to_owned(), metrics.counted(name).to_string()))
        .collect();
    let mut add = |name: &str, value: String| rows.push((name.to_owned(), value));
    let (successes, judged) = (metrics.counted("successes"), metrics.counted("judged"));
    if judged > 0 {
        let rate = 100.0 * successes as f64 / judged as f64;
        add("success rate", format!("{rate:.1} % ({successes} of {judged})"));
    }
    if let Some(reward) = metrics.distribution("reward") {
        add("scored trajectories", reward.count.to_string());
        add("mean reward", format!("{:.4}", reward.mean));
    }
    if metrics.iter().any(|(name, _)| name == "groups_without_signal") {
        add("groups without signal", metrics.counted("groups_without_signal").to_string());
    }
    for (name, metric) in metrics.iter() {
        if let (Some(verdict), Metric::Count(count)) = (name.strip_prefix("verdict."), metric) {
            add(&format!("turns with verdict `{verdict}`"), count.to_string());
        }
    }
    table(["", "number"], rows)
}

fn columns(dataset: &Dataset) -> String {
    let mut rows = Vec::new();
    for field in dataset.schema.arrow().fields() {
        if field.name() == TURNS {
            rows.push(("`turns`".to_owned(), "list<struct>".to_owned()));
            let turns = dataset.schema.turn_fields();
            rows.extend(turns.iter().map(|turn| (format!("`turns.{}`", turn.name()), type_name(turn.data_type()))));
        } else {
            rows.push((format!("`{}`", field.name()), type_name(field.data_type())));
        }
    }
    table(["column", "type"], rows)
}

fn type_name(data_type: &DataType) -> String {
    match data_type {
        DataType::Utf8 => "string".to_owned(),
        DataType::Boolean => "bool".to_owned(),
        DataType::List(element) => format!("list<{}>", type_name(element.data_type())),
        DataType::Struct(fields) => {
            let fields: Vec<String> =
                fields.iter().map(|field| format!("{}: {}", field.name(), type_name(field.data_type()))).collect();
            format!("struct<{}>", fields.join(", "))
        }
        other => other.to_string().to_lowercase(),
    }
}

fn reading(destination: &Destination) -> String {
    let (pattern, first) = (destination.pattern(), destination.file_name(0));
    let lines = match destination.encoding {
        Encoding::Parquet | Encoding::Csv => [
            format!("pandas.read_parquet(\"{first}\")"),
            format!("polars.read_parquet(\"{pattern}\")"),
            format!("duckdb.sql(\"SELECT * FROM '{pattern}'\")"),
            format!("datasets.load_dataset(\"parquet\", data_files=\"{pattern}\")"),
        ],
        Encoding::Lines(_) => [
            format!("pandas.read_json(\"{first}\", lines=True)"),
            format!("duckdb.sql(\"SELECT * FROM read_json('{pattern}')\")"),
            format!("datasets.load_dataset(\"json\", data_files=\"{pattern}\")"),
            format!("# in a pipeline: import {{files: \"{pattern}\", format: openai-chat}}"),
        ],
    };
    format!("```python\n{}\n```", lines.join("\n"))
}

fn provenance(dataset: &Dataset) -> String {
    let steps: Vec<Value> = dataset
        .lineage
        .iter()
        .map(|step| {
            let options = serde_json::from_str(&step.options).unwrap_or_else(|_| Value::from(step.options.as_str()));
            json!({"stage": step.stage, "uses": step.uses, "with": without_directories(options, false)})
        })
        .collect();
    let steps = format!("{:#}", Value::Array(steps));
    let fence = "`".repeat(3.max(longest_run(&steps, '`') + 1));
    let mut text = format!("The stages that made it, in order:\n\n{fence}json\n{steps}\n{fence}");
    let sources = sources(dataset);
    if !sources.is_empty() {
        text.push_str("\n\nThe rows come from:\n");
        for (source, rows) in sources.iter().take(LISTED_SOURCES) {
            let _infallible = write!(text, "\n- `{source}`: {rows} rows");
        }
        if let Some(more) = sources.len().checked_sub(LISTED_SOURCES).filter(|more| *more > 0) {
            let _infallible = write!(text, "\n- and {more} more files");
        }
    }
    text
}

/// Files and the rows that came from each, in the dataset's order. A shard is called after its file.
fn sources(dataset: &Dataset) -> Vec<(String, u64)> {
    let mut sources: Vec<(String, u64)> = Vec::new();
    for shard in &dataset.shards {
        let file = shard.label.rsplit_once(", ").map_or(shard.label.as_str(), |(file, _)| file);
        let name = file_name(file);
        match sources.iter_mut().find(|(known, _)| known == name) {
            Some((_, rows)) => *rows += shard.rows(),
            None => sources.push((name.to_owned(), shard.rows())),
        }
    }
    sources
}

/// Options that name files keep the names and lose the directories: those tell of a machine, not of the data.
fn without_directories(options: Value, names_files: bool) -> Value {
    match options {
        Value::Object(entries) => Value::Object(
            entries
                .into_iter()
                .map(|(key, value)| {
                    let names_files = key == "files";
                    (key, without_directories(value, names_files))
                })
                .collect(),
        ),
        Value::Array(items) => {
            Value::Array(items.into_iter().map(|item| without_directories(item, names_files)).collect())
        }
        Value::String(text) if names_files => Value::String(file_name(&text).to_owned()),
        other => other,
    }
}

fn file_name(path: &str) -> &str {
    path.rsplit(['/', '\\']).next().unwrap_or(path)
}

fn longest_run(text: &str, wanted: char) -> usize {
    text.split(|character| character != wanted).map(str::len).max().unwrap_or(0)
}
