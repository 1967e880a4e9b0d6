//! The `reflect` stage: its declaration, and the columns it makes of judgements.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{Array as _, StringBuilder};
use arrow::datatypes::DataType;
use sternlight_engine::column::ColumnPath;
use sternlight_engine::contract::{AddedColumn, Contract, Effect, InputTypes, Scope};
use sternlight_engine::metrics::Metrics;
use sternlight_engine::problem::Problem;
use sternlight_engine::stage::{
    BuildContext, BuiltIn, Context, InputFile, Output, Session, Stage, StageError, TaskContext, Transform, Work,
};
use sternlight_engine::trajectory::TrajectoryBatch;

use super::episode::{Columns, Episode};
use super::judge::{Judgement, judge};
use super::options::{ReflectBy, ReflectOptions};
use super::rule::{PROGRESS, Rule, Verdict};
use super::rule_set::Rules;

/// Judges turns by the observation that followed them.
#[derive(Clone, Debug)]
pub struct Reflect {
    pub(super) rules: Rules,
    pub(super) files: Vec<InputFile>,
}

/// Read where the input has them.
const OPTIONAL: [&str; 7] = [
    "turns.tool_name",
    "turns.tool_arguments",
    "turns.tool_error",
    "turns.tool_answered",
    "final_observation",
    "tools",
    "extra",
];

const VERDICT: &str = "turns.verdict";

/// Metric: verdicts that were there and are not any more.
const REPLACED: &str = "verdicts_replaced";

impl BuiltIn for Reflect {
    type Options = ReflectOptions;

    const NAME: &'static str = "reflect";
    const SUMMARY: &'static str = "Judges each turn by what the environment said next";
    const DOCUMENTATION: &'static str =
        concat!(include_str!("reflect.md"), "```yaml\n", include_str!("default_rules.yaml"), "```\n");
    // The built-in rules are in the key by their digest; this is raised when the code that asks them changes.
    const VERSION: u32 = 2;
    const PROVIDES: &'static [&'static str] = &["turns.verdict", "turns.diagnosis", "turns.rule"];

    fn build(options: Self::Options, context: &BuildContext<'_>) -> Result<Self, Vec<Problem>> {
        if options.by != ReflectBy::Rules {
            let message = format!("`by: {}` is not carried out by this version", options.by.as_str());
            return Err(vec![Problem::at(["by"], message).help("use `by: rules`")]);
        }
        let (rules, files) = Rules::load(&options.rules, context.directory)?;
        Ok(Self { rules, files })
    }
}

impl Stage for Reflect {
    fn contract(&self, inputs: &InputTypes) -> Result<Contract, Vec<Problem>> {
        let input = inputs.data();
        // What is replaced is counted, so that it is not lost silently.
        let optional = OPTIONAL.into_iter().chain([VERDICT]).filter(|path| input.has(path));
        let reads = ["turns.observation", "turns.action"].into_iter().chain(optional).map(ColumnPath::from).collect();
        let adds = ["verdict", "diagnosis", "rule"]
            .map(|name| AddedColumn::new(ColumnPath::of_turn(name), DataType::Utf8))
            .to_vec();
        Ok(Contract { reads, scope: Scope::Trajectory, effect: Effect::Columns { adds, drops: Vec::new() } })
    }

    fn files(&self) -> Vec<InputFile> {
        self.files.clone()
    }

    fn inputs(&self) -> Vec<PathBuf> {
        self.files.iter().map(|file| PathBuf::from(&file.name)).collect()
    }

    fn work(&self) -> Work<'_> {
        Work::Transform(self)
    }

    fn warnings(&self, metrics: &Metrics) -> Vec<String> {
        let replaced = metrics.counted(REPLACED);
        let warning = || format!("replaces the verdicts of an earlier stage, or of the record, on {replaced} turns");
        (replaced > 0).then(warning).into_iter().collect()
    }
}

impl Reflect {
    fn apply(&self, batch: &TrajectoryBatch, context: &mut Context) -> Result<Output, StageError> {
        let rules = self.rules.get()?;
        let columns = Columns::of(batch)?;
        let mut written = Written::default();
        let mut tally = Tally::default();
        for row in 0..batch.rows() {
            let episode = Episode::of(&columns, row, batch.turns_of(row), rules);
            let mut flagged = false;
            judge(rules, &episode, |judgement| {
                flagged |= tally.add(&judgement);
                written.push(&judgement);
            });
            tally.trajectories += 1;
            tally.flagged += u64::from(flagged);
        }
        tally.report(&mut context.metrics);
        let replaced = batch.column(VERDICT).map_or(0, |column| column.len() - column.null_count());
        if replaced > 0 {
            context.metrics.count(REPLACED, replaced as u64);
        }
        Ok(Output::Columns(vec![
            Arc::new(written.verdict.finish()),
            Arc::new(written.diagnosis.finish()),
            Arc::new(written.rule.finish()),
        ]))
    }
}

impl Transform for Reflect {
    fn begin<'a>(&'a self, _: &TaskContext<'a>) -> Result<Box<dyn Session + 'a>, StageError> {
        Ok(Box::new(|batch: &TrajectoryBatch, context: &mut Context| self.apply(batch, context)))
    }
}

/// The columns on their way.
#[derive(Default)]
struct Written {
    verdict: StringBuilder,
    diagnosis: StringBuilder,
    rule: StringBuilder,
    text: String,
}

impl Written {
    fn push(&mut self, judgement: &Judgement<'_>) {
        self.verdict.append_option(judgement.verdict().map(Verdict::as_str));
        let Judgement::Hits(findings) = judgement else {
            self.diagnosis.append_null();
            self.rule.append_option(judgement.verdict().map(|_| PROGRESS));
            return;
        };
        self.rule.append_option(judgement.worst().map(|finding| finding.rule.as_str()));
        self.text.clear();
        for finding in findings {
            let separator = if self.text.is_empty() { "" } else { "\n" };
            // Writing to a string cannot fail.
            let _ = write!(self.text, "{separator}{finding}");
        }
        self.diagnosis.append_value(&self.text);
    }
}

/// Counts of a batch.
#[derive(Default)]
struct Tally {
    trajectories: u64,
    flagged: u64,
    none: u64,
    /// In the order of [`VERDICTS`].
    verdicts: [u64; VERDICTS.len()],
    /// In the order of [`Rule::ALL`].
    rules: [u64; Rule::ALL.len()],
}

const VERDICTS: [Verdict; 4] = [Verdict::Progress, Verdict::Redundant, Verdict::Failed, Verdict::Invalid];

impl Tally {
    /// Whether the turn was found fault with.
    fn add(&mut self, judgement: &Judgement<'_>) -> bool {
        match judgement.verdict() {
            None => self.none += 1,
            Some(verdict) => self.verdicts[verdict as usize] += 1,
        }
        match judgement.worst() {
            None => false,
            Some(finding) => {
                self.rules[finding.rule as usize] += 1;
                true
            }
        }
    }

    fn report(&self, metrics: &mut Metrics) {
        metrics.count("trajectories", self.trajectories);
        metrics.count("trajectories_flagged", self.flagged);
        metrics.count("verdict.none", self.none);
        for (verdict, count) in VERDICTS.iter().zip(self.verdicts) {
            metrics.count(format!("verdict.{}", verdict.as_str()), count);
        }
        for (rule, count) in Rule::ALL.iter().zip(self.rules) {
            metrics.count(format!("rule.{}", rule.as_str()), count);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use arrow::array::{AsArray as _, RecordBatch};
    use proptest::prelude::*;
    use sternlight_engine::trajectory::{TrajectoryBuilder, TrajectoryRow, TrajectorySchema, TurnRow, imported_schema};

    use super::*;

    /// Compiled once for all cases.
    static STAGE: LazyLock<Reflect> = LazyLock::new(|| Reflect { rules: Rules::built_in(), files: Vec::new() });

    fn rows(count: usize) -> TrajectoryBatch {
        let mut builder = TrajectoryBuilder::new();
        for row in 0..count {
            let turn = |index: usize| TurnRow {
                observation: if index % 3 == 1 { "Error: gone".to_owned() } else { format!("seen {}", index % 2) },
                action: "look".to_owned(),
                tool_name: (row % 2 == 0).then(|| "look".to_owned()),
                ..TurnRow::default()
            };
            builder.push(&TrajectoryRow { turns: (0..row % 7).map(turn).collect(), ..TrajectoryRow::default() });
        }
        builder.finish().unwrap()
    }

    fn apply(batch: &TrajectoryBatch) -> (Vec<[Option<String>; 3]>, Context) {
        let mut context = Context::default();
        let Output::Columns(columns) = STAGE.apply(batch, &mut context).unwrap() else { panic!("expected columns") };
        assert!(columns.iter().all(|column| column.len() == batch.turn_count()));
        let value = |column: usize, turn: usize| {
            let texts = columns[column].as_string::<i32>();
            (!columns[column].is_null(turn)).then(|| texts.value(turn).to_owned())
        };
        ((0..batch.turn_count()).map(|turn| [0, 1, 2].map(|column| value(column, turn))).collect(), context)
    }

    #[test]
    fn optional_columns_are_read_only_if_they_are_there() {
        let reads = |schema: &TrajectorySchema| {
            let paths: Vec<String> =
                STAGE.contract(&InputTypes::from(schema)).unwrap().reads.iter().map(ToString::to_string).collect();
            paths.join(" ")
        };
        insta::assert_snapshot!(reads(&imported_schema()), @"turns.observation turns.action turns.tool_name turns.tool_arguments turns.tool_error turns.tool_answered final_observation tools extra");
        insta::assert_snapshot!(reads(&TrajectorySchema::empty()), @"turns.observation turns.action");
    }

    #[test]
    fn columns_that_are_not_there_are_not_missed() {
        let batch = rows(7);
        let paths = ["turns.observation", "turns.action"].map(ColumnPath::from);
        let schema = TrajectorySchema::new(batch.record_batch().schema()).project(&paths);
        let turns = batch.turns_list().unwrap();
        let fields = schema.turn_fields();
        let columns = paths.iter().map(|path| Arc::clone(batch.column(path.as_str()).unwrap())).collect();
        let flat = arrow::array::StructArray::new(fields.clone(), columns, None);
        let element = Arc::new(arrow::datatypes::Field::new("element", DataType::Struct(fields), false));
        let list = arrow::array::ListArray::new(element, turns.offsets().clone(), Arc::new(flat), None);
        let narrow = RecordBatch::try_new(Arc::clone(schema.arrow()), vec![Arc::new(list)]).unwrap();
        let (judged, context) = apply(&TrajectoryBatch::new(narrow).unwrap());
        assert_eq!(judged[0][2].as_deref(), None);
        // Nobody calls a tool, so nobody's `Error` is one.
        assert_eq!(context.metrics.counted("verdict.failed"), 0);
    }

    #[test]
    fn counts_are_metrics() {
        let (judged, context) = apply(&rows(7));
        let count = |name: &str| context.metrics.counted(name);
        assert_eq!(count("trajectories"), 7);
        assert_eq!(count("trajectories_flagged"), 3);
        let with_rule = |rule: &str| judged.iter().filter(|turn| turn[2].as_deref() == Some(rule)).count() as u64;
        assert!(count("rule.tool-error") > 0);
        assert_eq!(count("rule.tool-error"), with_rule("tool-error"));
        assert_eq!(count("verdict.failed"), with_rule("tool-error"));
        assert_eq!(count("verdict.progress"), with_rule("progress"));
        assert_eq!(count("verdict.none"), judged.iter().filter(|turn| turn[0].is_none()).count() as u64);
    }

    proptest! {
        /// Any cut into batches gives the same columns.
        #[test]
        fn rows_are_independent(count in 0_usize..20, cut in 0_usize..20) {
            let (whole, cut) = (rows(count), cut.min(count));
            let mut parts = Vec::new();
            for part in [whole.record_batch().slice(0, cut), whole.record_batch().slice(cut, count - cut)] {
                parts.extend(apply(&TrajectoryBatch::new(part).unwrap()).0);
            }
            prop_assert_eq!(parts, apply(&whole).0);
        }
    }
}
