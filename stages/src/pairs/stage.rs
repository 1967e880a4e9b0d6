//! The `pairs` stage: of each group, which trajectory is preferred to which.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array as _, AsArray as _, Float32Array, RecordBatch, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Float32Type, Schema, SchemaRef};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sternlight_engine::artifact::{ArtifactKind, ArtifactType};
use sternlight_engine::column::ColumnPath;
use sternlight_engine::contract::{Contract, Effect, InputTypes, OUT, Scope};
use sternlight_engine::dataset::BatchLimit;
use sternlight_engine::problem::Problem;
use sternlight_engine::stage::{
    BuildContext, BuiltIn, Context, InputPort, Outputs, Ports, Stage, StageError, TaskContext, Whole, Work,
};

/// Bytes that a trajectory takes beside its id while its group is gathered, about.
const ROW_BYTES: u64 = 48;

/// Bytes of a pair while it is compared and written, about.
const PAIR_BYTES: u64 = 64;

/// Which pairs of a group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PairsBy {
    /// The best against the worst.
    #[default]
    BestWorst,
    /// Every two that are `margin` apart or more.
    All,
}

/// Options of `pairs`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PairsOptions {
    /// Which pairs of a group: `best-worst`, or `all` that are `margin` apart.
    #[serde(default)]
    pub by: PairsBy,
    /// The column that says which is better: a number a trajectory.
    #[serde(default = "reward")]
    pub column: String,
    /// How far apart two must be at least. Two that are equal are never a pair.
    #[serde(default)]
    #[schemars(range(min = 0.0))]
    pub margin: f32,
    /// Pairs of a group at most: those that are furthest apart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub most: Option<usize>,
}

fn reward() -> String {
    "reward".to_owned()
}

/// Finds preference pairs.
#[derive(Debug)]
pub struct Pairs(PairsOptions);

impl BuiltIn for Pairs {
    type Options = PairsOptions;

    const NAME: &'static str = "pairs";
    const SUMMARY: &'static str =
        "Finds preference pairs of each group: the best against the worst, or all above a margin";
    const DOCUMENTATION: &'static str = include_str!("pairs.md");
    const VERSION: u32 = 1;

    fn build(options: PairsOptions, _: &BuildContext<'_>) -> Result<Self, Vec<Problem>> {
        let mut problems = Vec::new();
        if !(options.margin >= 0.0 && options.margin.is_finite()) {
            problems.push(Problem::at(["margin"], format!("a margin of {}, expected 0 or more", options.margin)));
        }
        if options.most == Some(0) {
            problems
                .push(Problem::at(["most"], "no pairs at most, expected 1 or more").help("leave `most` out for all"));
        }
        if problems.is_empty() { Ok(Self(options)) } else { Err(problems) }
    }
}

/// A trajectory of a group: its id and how good it is.
type Member = (String, f32);

impl Pairs {
    fn schema() -> SchemaRef {
        let text = |name: &str| Field::new(name, DataType::Utf8, false);
        let number = |name: &str| Field::new(name, DataType::Float32, false);
        Arc::new(Schema::new(vec![
            text("group_id"),
            text("chosen"),
            text("rejected"),
            number("chosen_value"),
            number("rejected_value"),
            number("margin"),
        ]))
    }

    fn reads(&self) -> Vec<ColumnPath> {
        ["trajectory_id", "group_id", &self.0.column].into_iter().map(ColumnPath::from).collect()
    }

    /// The pairs of a group, the furthest apart first; of those that are equally so, the earlier rows first.
    fn pairs_of<'a>(&self, members: &'a [Member]) -> Vec<(&'a Member, &'a Member)> {
        let mut order: Vec<&Member> = members.iter().collect();
        // Stable: of equals the earlier is the better, and the later the worse.
        order.sort_by(|left, right| right.1.total_cmp(&left.1));
        let is_pair = |best: &Member, worst: &Member| best.1 > worst.1 && best.1 - worst.1 >= self.0.margin;
        let mut pairs: Vec<(&Member, &Member)> = match (self.0.by, order.as_slice()) {
            (PairsBy::BestWorst, [best, .., worst]) => vec![(*best, *worst)],
            (PairsBy::BestWorst, _) => Vec::new(),
            (PairsBy::All, order) => order
                .iter()
                .enumerate()
                .flat_map(|(index, best)| order.iter().skip(index + 1).map(move |worst| (*best, *worst)))
                .collect(),
        };
        pairs.retain(|(best, worst)| is_pair(best, worst));
        pairs.sort_by(|left, right| (right.0.1 - right.1.1).total_cmp(&(left.0.1 - left.1.1)));
        pairs.truncate(self.0.most.unwrap_or(usize::MAX));
        pairs
    }
}

impl Stage for Pairs {
    fn ports(&self) -> Ports {
        Ports::default().input(InputPort::data()).output(OUT, ArtifactKind::Table)
    }

    fn contract(&self, inputs: &InputTypes) -> Result<Contract, Vec<Problem>> {
        let path = ColumnPath::from(self.0.column.as_str());
        if path.turn_name().is_some() {
            let message = format!("`{path}` has a value a turn, and pairs are of whole trajectories");
            return Err(vec![Problem::at(["column"], message).help("name a column with a number a trajectory")]);
        }
        if let Some(field) = inputs.data().field(&path)
            && !field.data_type().is_numeric()
        {
            let message = format!("`{path}` is {}, expected a number", field.data_type());
            return Err(vec![Problem::at(["column"], message)]);
        }
        let outputs = vec![(OUT.to_owned(), ArtifactType::Table(Self::schema()))];
        Ok(Contract { reads: self.reads(), scope: Scope::Dataset, effect: Effect::Whole(outputs) })
    }

    fn work(&self) -> Work<'_> {
        Work::Whole(self)
    }
}

impl Whole for Pairs {
    fn run(&self, task: &TaskContext<'_>, outputs: &mut dyn Outputs, context: &mut Context) -> Result<(), StageError> {
        let dataset = &task.inputs().data;
        // In the order in which groups come up.
        let mut groups: HashMap<String, usize> = HashMap::new();
        let mut members: Vec<(String, Vec<Member>)> = Vec::new();
        let (mut held, mut unscored) = (0_u64, 0_u64);
        for shard in &dataset.shards {
            for batch in dataset.read(shard, &self.reads(), BatchLimit::default())? {
                task.check()?;
                let batch = batch?;
                let (ids, names) = (batch.text("trajectory_id")?, batch.text("group_id")?);
                let missing = || StageError::new(format!("there is no column `{}`", self.0.column));
                let values = cast(batch.column(&self.0.column).ok_or_else(missing)?, &DataType::Float32)?;
                let values = values.as_primitive::<Float32Type>();
                for row in 0..batch.rows() {
                    if values.is_null(row) || !values.value(row).is_finite() {
                        unscored += 1;
                        continue;
                    }
                    let (id, name) = (ids.value(row), names.value(row));
                    held += ROW_BYTES + id.len() as u64;
                    let group = match groups.get(name) {
                        Some(group) => *group,
                        None => {
                            held += 2 * (ROW_BYTES + name.len() as u64);
                            members.push((name.to_owned(), Vec::new()));
                            groups.insert(name.to_owned(), members.len() - 1);
                            members.len() - 1
                        }
                    };
                    if let Some((_, members)) = members.get_mut(group) {
                        members.push((id.to_owned(), values.value(row)));
                    }
                }
                if held > task.memory() {
                    let message = format!(
                        "ids and values of the groups take {held} bytes and more, which `--memory` does not allow"
                    );
                    return Err(
                        StageError::new(message).help("raise `--memory`, or filter or sample before this stage")
                    );
                }
            }
        }
        let schema = Self::schema();
        let (mut texts, mut numbers): ([Vec<&str>; 3], [Vec<f32>; 3]) = Default::default();
        let mut without = 0;
        for (group, members) in &members {
            let count = members.len() as u64;
            let pairs_bytes =
                if self.0.by == PairsBy::All { PAIR_BYTES * count * count.saturating_sub(1) / 2 } else { 0 };
            if held + pairs_bytes > task.memory() {
                let message =
                    format!("the pairs of group `{group}`, of {count} trajectories, take more than `--memory` allows");
                return Err(
                    StageError::new(message).help("write `by: best-worst`, raise `--memory`, or `sample` before")
                );
            }
            let pairs = self.pairs_of(members);
            held += PAIR_BYTES * pairs.len() as u64;
            without += u64::from(pairs.is_empty());
            for ((chosen, best), (rejected, worst)) in pairs {
                for (column, value) in texts.iter_mut().zip([group.as_str(), chosen, rejected]) {
                    column.push(value);
                }
                for (column, value) in numbers.iter_mut().zip([*best, *worst, best - worst]) {
                    column.push(value);
                }
            }
        }
        let [group, chosen, rejected] = texts.map(|column| Arc::new(StringArray::from(column)) as _);
        let [best, worst, margin] = numbers.map(|column| Arc::new(Float32Array::from(column)) as _);
        let rows = RecordBatch::try_new(schema, vec![group, chosen, rejected, best, worst, margin])?;
        context.metrics.count("pairs", rows.num_rows() as u64);
        context.metrics.count("groups_with_pairs", members.len() as u64 - without);
        context.metrics.count("groups_without_pairs", without);
        if unscored > 0 {
            context.metrics.count("rows_without_value", unscored);
        }
        if rows.num_rows() == 0 && dataset.rows() > 0 {
            context.warnings.push(format!("no group has two trajectories whose `{}` differs enough", self.0.column));
        }
        outputs.table(OUT, &rows)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use proptest::prelude::*;

    use super::*;

    fn pairs(yaml: &str) -> Pairs {
        Pairs::build(serde_yaml::from_str(yaml).unwrap(), &BuildContext::new(Path::new(""), Path::new(""))).unwrap()
    }

    fn members(values: &[f32]) -> Vec<Member> {
        values.iter().enumerate().map(|(index, value)| (index.to_string(), *value)).collect()
    }

    fn named(pairs: &Pairs, values: &[f32]) -> Vec<String> {
        pairs.pairs_of(&members(values)).iter().map(|(best, worst)| format!("{}>{}", best.0, worst.0)).collect()
    }

    #[test]
    fn the_best_and_the_worst_are_a_pair_unless_they_are_equal() {
        assert_eq!(named(&pairs("{}"), &[0.0, 1.0, 0.5, 1.0, 0.0]), ["1>4"]);
        assert!(named(&pairs("{}"), &[1.0, 1.0]).is_empty() && named(&pairs("{}"), &[1.0]).is_empty());
        assert!(named(&pairs("{margin: 2}"), &[0.0, 1.0]).is_empty());
    }

    #[test]
    fn of_all_pairs_the_furthest_apart_come_first() {
        assert_eq!(named(&pairs("{by: all}"), &[0.0, 1.0, 3.0]), ["2>0", "2>1", "1>0"]);
        assert_eq!(named(&pairs("{by: all, margin: 1.5}"), &[0.0, 1.0, 3.0]), ["2>0", "2>1"]);
        assert_eq!(named(&pairs("{by: all, most: 1}"), &[0.0, 1.0, 3.0]), ["2>0"]);
    }

    proptest! {
        /// No pair prefers what is not better by the margin, and no pair is left out.
        #[test]
        fn pairs_are_those_above_the_margin(values in proptest::collection::vec(-4_i8..4, 0..9), margin in 0_u8..4) {
            let values: Vec<f32> = values.into_iter().map(f32::from).collect();
            let found = named(&pairs(&format!("{{by: all, margin: {margin}}}")), &values);
            let mut expected: Vec<String> = Vec::new();
            for (one, best) in values.iter().enumerate() {
                for (other, worst) in values.iter().enumerate() {
                    if best > worst && best - worst >= f32::from(margin) {
                        expected.push(format!("{one}>{other}"));
                    }
                }
            }
            let mut sorted = found.clone();
            sorted.sort();
            expected.sort();
            prop_assert_eq!(sorted, expected);
        }
    }
}
