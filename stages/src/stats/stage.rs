//! The `stats` stage: what it reads, and the table that it makes.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array as _, ArrayRef, AsArray as _, Float64Array, RecordBatch, StringArray, UInt64Array};
use arrow::datatypes::{DataType, Field, Float32Type, Schema, SchemaRef};
use sternlight_engine::artifact::{ArtifactKind, ArtifactType};
use sternlight_engine::column::ColumnPath;
use sternlight_engine::contract::{Contract, Effect, InputTypes, OUT, Scope};
use sternlight_engine::dataset::BatchLimit;
use sternlight_engine::problem::Problem;
use sternlight_engine::stage::{
    BuildContext, BuiltIn, Context, Figure, InputPort, Measure, Outputs, Ports, Stage, StageError, TaskContext, Whole,
    Work,
};
use sternlight_engine::trajectory::{TrajectoryBatch, TrajectorySchema};

use super::interval::{deviations, wilson};
use super::options::{StatsBy, StatsOptions};
use super::tally::{Seen, Tally};

/// What figures are made of, told as figures alone: the summary of a run is about all rows, a table often about some.
const TRAJECTORIES: &str = ".trajectories";
const JUDGED: &str = ".judged";
const SUCCESSES: &str = ".successes";

/// A number of a row of the table; `None` if it is not known.
type Measured<'a> = dyn Fn(&Tally) -> Option<f64> + 'a;

/// Tells what a dataset comes to.
#[derive(Debug)]
pub struct Stats(StatsOptions);

impl BuiltIn for Stats {
    type Options = StatsOptions;

    const NAME: &'static str = "stats";
    const SUMMARY: &'static str = "Makes a table of a dataset: counts, rewards, success with intervals, pass^k";
    const DOCUMENTATION: &'static str = include_str!("stats.md");
    const VERSION: u32 = 1;

    fn build(options: StatsOptions, _: &BuildContext<'_>) -> Result<Self, Vec<Problem>> {
        let mut problems = Vec::new();
        if !(options.confidence > 0.0 && options.confidence < 1.0) {
            let message = format!("a confidence of {}, expected one between 0 and 1", options.confidence);
            problems.push(Problem::at(["confidence"], message).help("0.95 is usual"));
        }
        if options.pass > 64 {
            problems.push(Problem::at(["pass"], format!("pass^k up to {}, expected 64 at most", options.pass)));
        }
        for (index, by) in options.by.iter().enumerate() {
            if options.by.iter().take(index).any(|before| before == by) {
                let message = format!("`{}` is named twice", by.column());
                problems.push(Problem::at([sternlight_engine::problem::Segment::from("by"), index.into()], message));
            }
        }
        if problems.is_empty() { Ok(Self(options)) } else { Err(problems) }
    }
}

impl Stats {
    /// The columns of the table, in order.
    fn schema(&self) -> SchemaRef {
        let text = |name: &str| Field::new(name, DataType::Utf8, true);
        let count = |name: &str| Field::new(name, DataType::UInt64, false);
        let number = |name: &str| Field::new(name, DataType::Float64, true);
        let by = self.0.by.iter().map(|by| text(by.column()));
        let counts = ["trajectories", "groups", "turns", "scored", "judged", "successes"].map(count);
        let numbers = [
            "turns_mean",
            "reward_mean",
            "reward_deviation",
            "reward_minimum",
            "reward_maximum",
            "success",
            "success_low",
            "success_high",
        ]
        .map(number);
        let pass = (1..=self.0.pass).map(|k| number(&format!("pass_{k}")));
        Arc::new(Schema::new(by.chain(counts).chain(numbers).chain(pass).collect::<Vec<_>>()))
    }

    fn reads(&self, input: &TrajectorySchema) -> Vec<ColumnPath> {
        let optional = ["task_id", "reward", "success", "turns"].into_iter().filter(|path| input.has(path));
        let mut reads: Vec<ColumnPath> = ["group_id"]
            .into_iter()
            .chain(optional)
            .chain(self.0.by.iter().map(|by| by.column()))
            .map(ColumnPath::from)
            .collect();
        reads.sort();
        reads.dedup();
        reads
    }

    fn table(&self, tallies: &BTreeMap<Vec<Option<String>>, Tally>) -> Result<RecordBatch, StageError> {
        let z = deviations(self.0.confidence);
        let all: Vec<&Tally> = tallies.values().collect();
        let mut columns: Vec<ArrayRef> = Vec::new();
        for index in 0..self.0.by.len() {
            let names = tallies.keys().map(|key| key.get(index).and_then(Option::as_deref));
            columns.push(Arc::new(names.collect::<StringArray>()));
        }
        let counts: [fn(&Tally) -> u64; 6] = [
            |tally| tally.trajectories,
            Tally::groups,
            |tally| tally.turns,
            |tally| tally.rewards.count,
            |tally| tally.judged,
            |tally| tally.successes,
        ];
        for count in counts {
            columns.push(Arc::new(UInt64Array::from_iter_values(all.iter().map(|tally| count(tally)))));
        }
        let success = |tally: &Tally| (tally.judged > 0).then(|| tally.successes as f64 / tally.judged as f64);
        let interval = |tally: &Tally| wilson(tally.successes, tally.judged, z);
        let numbers: [&Measured<'_>; 8] = [
            &|tally| (tally.trajectories > 0).then(|| tally.turns as f64 / tally.trajectories as f64),
            &|tally| tally.rewards.mean(),
            &|tally| tally.rewards.deviation(),
            &|tally| tally.rewards.range().map(|(low, _)| low),
            &|tally| tally.rewards.range().map(|(_, high)| high),
            &success,
            &|tally| interval(tally).map(|(low, _)| low),
            &|tally| interval(tally).map(|(_, high)| high),
        ];
        for number in numbers {
            columns.push(Arc::new(all.iter().map(|tally| number(tally)).collect::<Float64Array>()));
        }
        for k in 1..=self.0.pass {
            columns.push(Arc::new(all.iter().map(|tally| tally.attempts.pass(k)).collect::<Float64Array>()));
        }
        Ok(RecordBatch::try_new(self.schema(), columns)?)
    }
}

impl Stage for Stats {
    fn ports(&self) -> Ports {
        Ports::default().input(InputPort::data()).output(OUT, ArtifactKind::Table)
    }

    fn contract(&self, inputs: &InputTypes) -> Result<Contract, Vec<Problem>> {
        let outputs = vec![(OUT.to_owned(), ArtifactType::Table(self.schema()))];
        Ok(Contract { reads: self.reads(inputs.data()), scope: Scope::Dataset, effect: Effect::Whole(outputs) })
    }

    fn figures(&self) -> Vec<Figure> {
        vec![
            Figure { name: "trajectories", meaning: "trajectories", measure: Measure::Count(TRAJECTORIES) },
            Figure {
                name: "success",
                meaning: "share of the judged trajectories that succeeded",
                measure: Measure::Share(SUCCESSES, JUDGED),
            },
        ]
    }

    fn work(&self) -> Work<'_> {
        Work::Whole(self)
    }
}

impl Whole for Stats {
    fn run(&self, task: &TaskContext<'_>, outputs: &mut dyn Outputs, context: &mut Context) -> Result<(), StageError> {
        let dataset = &task.inputs().data;
        let reads = self.reads(&dataset.schema);
        let mut tallies: BTreeMap<Vec<Option<String>>, Tally> = BTreeMap::new();
        if self.0.by.is_empty() {
            tallies.insert(Vec::new(), Tally::default());
        }
        for shard in &dataset.shards {
            for batch in dataset.read(shard, &reads, BatchLimit::default())? {
                task.check()?;
                count(&batch?, &self.0.by, &mut tallies)?;
                let held: u64 = tallies.values().map(Tally::held).sum();
                if held > task.memory() {
                    let message = format!("{} rows of the table take more than `--memory` allows", tallies.len());
                    return Err(
                        StageError::new(message).help("raise `--memory`, or leave `task` or `group` out of `by`")
                    );
                }
            }
        }
        let rows = self.table(&tallies)?;
        for tally in tallies.values() {
            context.metrics.count(TRAJECTORIES, tally.trajectories);
            context.metrics.count(JUDGED, tally.judged);
            context.metrics.count(SUCCESSES, tally.successes);
        }
        outputs.table(OUT, &rows)
    }
}

/// Counts a batch.
fn count(
    batch: &TrajectoryBatch,
    by: &[StatsBy],
    tallies: &mut BTreeMap<Vec<Option<String>>, Tally>,
) -> Result<(), StageError> {
    let groups = batch.text("group_id")?;
    let tasks = batch.text("task_id").ok();
    let rewards = batch.column("reward").and_then(|array| array.as_primitive_opt::<Float32Type>());
    let successes = batch.column("success").and_then(|array| array.as_boolean_opt());
    let keys: Vec<&StringArray> = by.iter().map(|by| batch.text(by.column())).collect::<Result<_, _>>()?;
    let has_turns = batch.column("turns").is_some() || batch.turn_offsets().len() > 1;
    for row in 0..batch.rows() {
        let key = keys.iter().map(|array| array.is_valid(row).then(|| array.value(row).to_owned())).collect();
        let group = groups.value(row);
        let task = tasks.filter(|tasks| tasks.is_valid(row)).map_or(group, |tasks| tasks.value(row));
        tallies.entry(key).or_default().add(&Seen {
            group,
            task,
            turns: if has_turns { batch.turns_of(row).len() as u64 } else { 0 },
            reward: rewards
                .filter(|array| array.is_valid(row))
                .map(|array| array.value(row))
                .filter(|one| one.is_finite()),
            success: successes.filter(|array| array.is_valid(row)).map(|array| array.value(row)),
        });
    }
    Ok(())
}
