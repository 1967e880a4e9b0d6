//! The `split` stage. Which part a task goes to follows from its own name alone, so that it stays where it is when others
//! are added.

use std::collections::{BTreeMap, HashMap};

use arrow::array::{Array as _, StringArray};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sternlight_engine::artifact::{ArtifactKind, ArtifactType};
use sternlight_engine::column::ColumnPath;
use sternlight_engine::contract::{Contract, Effect, InputTypes, Scope};
use sternlight_engine::dataset::{BatchLimit, Selection, Shard};
use sternlight_engine::problem::Problem;
use sternlight_engine::stage::{
    BuildContext, BuiltIn, Context, InputPort, Memo, Outputs, Ports, Stage, StageError, TaskContext, Whole, Work,
};

/// Shares may differ from 1 by so much in sum: they are written by people.
const TOLERANCE: f64 = 1e-6;

/// What holds rows together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SplitBy {
    /// The task: all attempts at it, of whichever policy, go to one part.
    #[default]
    Task,
    /// The group.
    Group,
}

/// Options of `split`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SplitOptions {
    /// The parts, each an output of this name, and the share of all tasks that goes to it. The shares add up to 1.
    #[serde(default = "train_and_validation")]
    pub parts: BTreeMap<String, f64>,
    /// What goes to one part as a whole: a `task` (rows without one by their group), or a `group`.
    #[serde(default)]
    pub by: SplitBy,
    /// Drawn anew with another number; the pipeline's seed if not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
}

fn train_and_validation() -> BTreeMap<String, f64> {
    [("train".to_owned(), 0.9), ("validation".to_owned(), 0.1)].into()
}

/// Splits trajectories into parts.
#[derive(Debug)]
pub struct Split {
    /// Names of the parts, and where each ends between 0 and 1.
    parts: Vec<(String, f64)>,
    by: SplitBy,
    seed: u64,
}

impl BuiltIn for Split {
    type Options = SplitOptions;

    const NAME: &'static str = "split";
    const SUMMARY: &'static str = "Splits trajectories into parts, such as train and validation, by task";
    const DOCUMENTATION: &'static str = include_str!("split.md");
    const VERSION: u32 = 1;

    fn build(options: SplitOptions, context: &BuildContext<'_>) -> Result<Self, Vec<Problem>> {
        let mut problems = Vec::new();
        for (name, share) in &options.parts {
            if !(*share > 0.0 && *share < 1.0) {
                let message = format!("the part `{name}` has a share of {share}, expected one between 0 and 1");
                problems.push(Problem::at(["parts", name], message).help("as in `{train: 0.9, validation: 0.1}`"));
            }
            if !name.chars().all(|one| one.is_ascii_lowercase() || one.is_ascii_digit() || one == '-') {
                let message = format!("`{name}` is no name of an output: small letters, digits and `-`");
                problems.push(Problem::at(["parts", name], message));
            }
        }
        let sum: f64 = options.parts.values().sum();
        if problems.is_empty() && (sum - 1.0).abs() > TOLERANCE {
            let problem = Problem::at(["parts"], format!("the shares add up to {sum}, expected 1"));
            problems.push(problem.help("give what is left over a part of its own: whoever does not read it drops it"));
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let mut end = 0.0;
        let parts = options.parts.into_iter().map(|(name, share)| {
            end += share;
            (name, end)
        });
        Ok(Self { parts: parts.collect(), by: options.by, seed: options.seed.unwrap_or(context.seed) })
    }
}

impl Split {
    /// The part that something of this name goes to.
    fn part_of(&self, name: &str) -> usize {
        let digest = blake3::Hasher::new()
            .update(&self.seed.to_le_bytes())
            .update(&[match self.by {
                SplitBy::Task => 0,
                SplitBy::Group => 1,
            }])
            .update(name.as_bytes())
            .finalize();
        let bytes = digest.as_bytes().first_chunk::<8>().copied().unwrap_or_default();
        // The 53 bits that a double holds, as a number from 0 to 1.
        let draw = (u64::from_le_bytes(bytes) >> 11) as f64 / (1_u64 << 53) as f64;
        let last = self.parts.len().saturating_sub(1);
        self.parts.iter().position(|(_, end)| draw < *end).unwrap_or(last)
    }

    fn reads(&self, inputs: &InputTypes) -> Vec<ColumnPath> {
        let task = (self.by == SplitBy::Task && inputs.data().has("task_id")).then_some("task_id");
        ["trajectory_id", "group_id"].into_iter().chain(task).map(ColumnPath::from).collect()
    }
}

impl Stage for Split {
    fn ports(&self) -> Ports {
        let ports = Ports::default().input(InputPort::data());
        self.parts.iter().fold(ports, |ports, (name, _)| ports.output(name.as_str(), ArtifactKind::Dataset))
    }

    fn contract(&self, inputs: &InputTypes) -> Result<Contract, Vec<Problem>> {
        let part = |(name, _): &(String, f64)| (name.clone(), ArtifactType::Dataset(inputs.data().clone()));
        let effect = Effect::Whole(self.parts.iter().map(part).collect());
        Ok(Contract { reads: self.reads(inputs), scope: Scope::Dataset, effect })
    }

    fn work(&self) -> Work<'_> {
        Work::Whole(self)
    }
}

impl Whole for Split {
    fn outside(&self, _: &dyn Memo) -> Result<Vec<(String, String)>, StageError> {
        Ok(vec![("seed".to_owned(), self.seed.to_string())])
    }

    fn run(&self, task: &TaskContext<'_>, outputs: &mut dyn Outputs, context: &mut Context) -> Result<(), StageError> {
        let dataset = &task.inputs().data;
        let columns = self.reads(&InputTypes::from(&dataset.schema));
        // By digests: names may be long, and many.
        let mut of_group: HashMap<[u8; 16], usize> = HashMap::new();
        let mut counts = vec![0; self.parts.len()];
        for shard in &dataset.shards {
            let all = Selection::first(shard.base_rows());
            let mut rows = shard.selection.as_ref().unwrap_or(&all).iter();
            let mut selections = vec![Selection::default(); self.parts.len()];
            for batch in dataset.read(shard, &columns, BatchLimit::default())? {
                task.check()?;
                let batch = batch?;
                let groups = batch.text("group_id")?;
                let tasks = batch.text("task_id").ok().filter(|_| self.by == SplitBy::Task);
                for row in 0..batch.rows() {
                    let group = groups.value(row);
                    let part = self.part_of(name(tasks, groups, row));
                    let digest: [u8; 16] =
                        blake3::hash(group.as_bytes()).as_bytes().first_chunk().copied().unwrap_or_default();
                    if *of_group.entry(digest).or_insert(part) != part {
                        let message = format!("group `{group}` has trajectories of several tasks, and would be split");
                        let help = "write `by: group`, or mend the tasks: a group answers one task";
                        return Err(StageError::new(message).trajectory(batch.name_of(row)).help(help));
                    }
                    if let (Some(base), Some(selection)) = (rows.next(), selections.get_mut(part)) {
                        selection.push(base);
                    }
                }
            }
            for (((name, _), selection), count) in self.parts.iter().zip(selections).zip(&mut counts) {
                *count += selection.rows();
                if selection.rows() > 0 {
                    let part = Shard { selection: Some(selection), ..shard.clone() };
                    outputs.shard(name, dataset, part, &[])?;
                }
            }
        }
        for ((name, _), count) in self.parts.iter().zip(counts) {
            context.metrics.count(format!("rows_{name}"), count);
            if count == 0 && dataset.rows() > 0 {
                context.warnings.push(format!("no trajectory went to `{name}`: there are too few tasks for its share"));
            }
        }
        Ok(())
    }
}

/// What decides the part of a row.
fn name<'a>(tasks: Option<&'a StringArray>, groups: &'a StringArray, row: usize) -> &'a str {
    match tasks {
        Some(tasks) if tasks.is_valid(row) => tasks.value(row),
        _ => groups.value(row),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn split(yaml: &str) -> Result<Split, Vec<Problem>> {
        Split::build(serde_yaml::from_str(yaml).unwrap(), &BuildContext::new(Path::new(""), Path::new("")))
    }

    #[test]
    fn shares_are_met_and_what_is_drawn_depends_on_seed_and_name_alone() {
        let split_by = split("{parts: {a: 0.5, b: 0.3, c: 0.2}}").unwrap();
        let mut counts = [0; 3];
        (0..10_000).for_each(|task| counts[split_by.part_of(&format!("task-{task}"))] += 1);
        // Three standard deviations of a binomial are 150 at most.
        assert!(
            [5000, 3000, 2000].iter().zip(counts).all(|(share, count)| count - 150 < *share && count + 150 > *share),
            "{counts:?}"
        );
        let other = split("{parts: {a: 0.5, b: 0.3, c: 0.2}, seed: 1}").unwrap();
        assert!((0..100).any(|task| other.part_of(&task.to_string()) != split_by.part_of(&task.to_string())));
    }

    #[test]
    fn a_larger_first_part_takes_from_the_next_and_gives_nothing_up() {
        let (small, large) = (split("{parts: {a: 0.2, b: 0.8}}").unwrap(), split("{parts: {a: 0.4, b: 0.6}}").unwrap());
        assert!(
            (0..1000).map(|task| task.to_string()).all(|task| small.part_of(&task) != 0 || large.part_of(&task) == 0)
        );
    }

    #[test]
    fn shares_that_cannot_be_are_told() {
        let said = |yaml: &str| split(yaml).unwrap_err().remove(0).message;
        assert_eq!(said("{parts: {a: 0.5, b: 0.4}}"), "the shares add up to 0.9, expected 1");
        assert!(said("{parts: {a: 1.5, b: -0.5}}").contains("expected one between 0 and 1"));
        assert!(said("{parts: {A: 0.5, b: 0.5}}").contains("no name of an output"));
    }
}
