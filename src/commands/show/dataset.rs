//! A dataset, and one trajectory of it.

use arrow::array::{Array as _, AsArray as _};
use arrow::datatypes::{DataType, Float32Type};
use arrow::json::WriterBuilder;
use arrow::json::writer::LineDelimited;
use arrow::util::display::array_value_to_string;
use sternlight_engine::column::ColumnPath;
use sternlight_engine::dataset::{BatchLimit, Dataset};
use sternlight_engine::printable::printable_line;
use sternlight_engine::stage::StageError;
use sternlight_engine::trajectory::TrajectoryBatch;

use crate::Outcome;
use crate::common::Common;
use crate::exit::Failure;
use crate::output::{self, hanging, out, outln};
use crate::style;

/// Why a trajectory was put aside: a column that only such datasets have.
const REASON: &str = "quarantine_reason";

/// Rows of a dataset that are listed.
const LISTED_ROWS: usize = 10;

pub(super) fn show(name: &str, dataset: &Dataset, common: &Common) -> Outcome {
    let columns: Vec<(String, String)> = dataset
        .schema
        .paths()
        .into_iter()
        .map(|path| {
            let data_type = dataset.schema.field(&path).map(|field| field.data_type().to_string()).unwrap_or_default();
            (path.to_string(), data_type)
        })
        .collect();
    if common.json {
        let columns: Vec<_> =
            columns.iter().map(|(name, data_type)| serde_json::json!({"name": name, "type": data_type})).collect();
        let shown = serde_json::json!({"stage": name, "rows": dataset.rows(), "shards": dataset.shards.len(), "columns": columns});
        return output::json(&shown);
    }
    let rows = dataset.rows();
    outln!("{}: {rows} trajectories in {} shards\n", style::title(name), dataset.shards.len());
    for (name, data_type) in columns {
        outln!("  {:<24} {}", printable_line(&name), style::dim(data_type));
    }
    outln!();
    let wanted: Vec<ColumnPath> =
        ["trajectory_id", "group_id", "reward", "status", "turns", REASON].into_iter().map(ColumnPath::from).collect();
    let mut left = LISTED_ROWS;
    for shard in &dataset.shards {
        for batch in dataset.read_as_it_is(shard, &wanted, BatchLimit::default())? {
            let batch = batch?;
            for row in 0..batch.rows().min(left) {
                let name = batch.name_of(row);
                let name = printable_line(&name);
                if let Some(reason) = value(&batch, REASON, row)? {
                    outln!("  {name:<32} {}", hanging(&reason));
                    continue;
                }
                let reward = value(&batch, "reward", row)?.unwrap_or_else(|| "-".to_owned());
                let status = value(&batch, "status", row)?.unwrap_or_default();
                let group = value(&batch, "group_id", row)?.unwrap_or_default();
                outln!(
                    "  {name:<32} {:<40} reward {reward:<6} {:>3} turns  {}",
                    printable_line(&group),
                    batch.turns_of(row).len(),
                    printable_line(&status)
                );
            }
            left -= batch.rows().min(left);
            if left == 0 {
                let more = rows.saturating_sub(LISTED_ROWS as u64);
                if more > 0 {
                    outln!("  {}", style::dim(format!("and {more} more")));
                }
                return Ok(());
            }
        }
    }
    Ok(())
}

/// A value as text; `None` if it is null or there is no such column.
fn value(batch: &TrajectoryBatch, path: &str, index: usize) -> Result<Option<String>, StageError> {
    match batch.column(path) {
        Some(array) if array.is_valid(index) => Ok(Some(array_value_to_string(array, index)?)),
        _ => Ok(None),
    }
}

pub(super) fn show_trajectory(id: &str, dataset: &Dataset, common: &Common) -> Outcome {
    for shard in &dataset.shards {
        let mut first = 0;
        for batch in dataset.read_as_it_is(shard, &[ColumnPath::from("trajectory_id")], BatchLimit::default())? {
            let batch = batch?;
            if let Some(row) = batch.text("trajectory_id")?.iter().position(|known| known == Some(id)) {
                let mut skipped = 0;
                for whole in dataset.read_as_it_is(shard, &dataset.schema.paths(), BatchLimit::default())? {
                    let whole = whole?;
                    if first + row < skipped + whole.rows() {
                        return print_trajectory(&whole, first + row - skipped, dataset, common);
                    }
                    skipped += whole.rows();
                }
            }
            first += batch.rows();
        }
    }
    Err(Failure::usage(
        format!("the dataset has no trajectory `{id}`"),
        "`sternlight show RUN STAGE` lists some; a filter above may have dropped it",
    ))
}

fn print_trajectory(batch: &TrajectoryBatch, row: usize, dataset: &Dataset, common: &Common) -> Outcome {
    if common.json {
        return print_trajectory_json(batch, row);
    }
    let (row_paths, turn_paths): (Vec<ColumnPath>, Vec<ColumnPath>) =
        dataset.schema.paths().into_iter().partition(|path| path.turn_name().is_none());
    // A record that never became a row is all in `extra`.
    let is_record = dataset.schema.has(REASON) && batch.turns_of(row).is_empty();
    for path in &row_paths {
        if matches!(path.as_str(), "prompt" | "tools" | "final_observation") || (path.as_str() == "extra" && !is_record)
        {
            continue;
        }
        if let Some(text) = value(batch, path.as_str(), row)? {
            let name = format!("{:<16}", printable_line(path.as_str()));
            outln!("{} {}", style::dim(name), text.replace('\n', &format!("\n{:17}", "")));
        }
    }
    for (number, turn) in batch.turns_of(row).enumerate() {
        let advantage = batch.column("turns.advantage").and_then(|array| {
            let array = array.as_primitive_opt::<Float32Type>()?;
            array.is_valid(turn).then(|| array.value(turn))
        });
        out!("\n{}", style::title(format!("turn {number}")));
        if let Some(verdict) = value(batch, "turns.verdict", turn)? {
            out!("  {}", style::verdict(&printable_line(&verdict)));
        }
        if let Some(rule) = value(batch, "turns.rule", turn)?.filter(|rule| rule != "progress") {
            out!(" ({})", printable_line(&rule));
        }
        if let Some(advantage) = advantage {
            out!("  advantage {}", style::signed(advantage));
        }
        outln!();
        print_text("observed", value(batch, "turns.observation", turn)?);
        print_text("did", value(batch, "turns.action", turn)?);
        print_text("diagnosis", value(batch, "turns.diagnosis", turn)?);
        // That a call has a result is the rule: only the exception is worth a line.
        let unanswered = value(batch, "turns.tool_answered", turn)?.filter(|answered| answered == "false");
        print_text("answered", unanswered.map(|_| "no".to_owned()));
        for path in &turn_paths {
            let known = [
                "observation",
                "action",
                "verdict",
                "rule",
                "diagnosis",
                "advantage",
                "tool_name",
                "tool_arguments",
                "tool_answered",
            ];
            if path.turn_name().is_some_and(|name| known.contains(&name)) || is_long(batch, path) {
                continue;
            }
            print_text(path.turn_name().unwrap_or_default(), value(batch, path.as_str(), turn)?);
        }
    }
    if let Some(last) = value(batch, "final_observation", row)?.filter(|text| !text.is_empty()) {
        outln!("\n{}", style::title("in the end"));
        print_text("observed", Some(last));
    }
    Ok(())
}

/// Token lists and the like: not for reading.
fn is_long(batch: &TrajectoryBatch, path: &ColumnPath) -> bool {
    batch
        .column(path.as_str())
        .is_some_and(|array| matches!(array.data_type(), DataType::List(_) | DataType::Struct(_)))
}

fn print_text(label: &str, text: Option<String>) {
    if let Some(text) = text {
        outln!("  {:<12}{}", printable_line(label), text.trim_end().replace('\n', "\n              "));
    }
}

fn print_trajectory_json(batch: &TrajectoryBatch, row: usize) -> Outcome {
    let mut writer = WriterBuilder::new().with_explicit_nulls(true).build::<_, LineDelimited>(Vec::new());
    writer.write(&batch.record_batch().slice(row, 1)).map_err(StageError::from)?;
    writer.finish().map_err(StageError::from)?;
    output::json_text(&String::from_utf8_lossy(&writer.into_inner()));
    Ok(())
}
