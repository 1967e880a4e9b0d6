//! The `select` stage: its contract, and the columns that it hands on. What becomes of which column is planned apart.

use std::sync::Arc;

use sternlight_engine::contract::{Contract, Effect, InputTypes, Scope};
use sternlight_engine::problem::Problem;
use sternlight_engine::stage::{
    BuildContext, BuiltIn, Context, Output, Session, Stage, StageError, TaskContext, Transform, Work,
};
use sternlight_engine::trajectory::TrajectoryBatch;

use super::derived::{Derived, Deriving};
use super::options::SelectOptions;
use super::plan::{Plan, Renamed, faults};

/// Chooses, renames and derives columns.
#[derive(Debug)]
pub struct Select {
    options: SelectOptions,
    renamed: Vec<Renamed>,
    derived: Vec<Derived>,
}

impl BuiltIn for Select {
    type Options = SelectOptions;

    const NAME: &'static str = "select";
    const SUMMARY: &'static str = "Keeps, drops, renames and derives columns";
    const DOCUMENTATION: &'static str = include_str!("select.md");
    const VERSION: u32 = 1;

    fn build(options: SelectOptions, _: &BuildContext<'_>) -> Result<Self, Vec<Problem>> {
        let mut problems = faults(&options);
        let mut derived = Vec::new();
        for (name, text) in &options.derive {
            match Derived::new(name, text) {
                Ok(column) => derived.push(column),
                Err(problem) => problems.push(problem),
            }
        }
        if problems.is_empty() { Ok(Self { renamed: Renamed::all(&options), derived, options }) } else { Err(problems) }
    }
}

impl Stage for Select {
    fn contract(&self, inputs: &InputTypes) -> Result<Contract, Vec<Problem>> {
        let input = inputs.data();
        let Plan { adds, drops, reads } = Plan::of(&self.options, &self.derived, input)?;
        Ok(Contract { reads, scope: Scope::Trajectory, effect: Effect::Columns { adds, drops } })
    }

    fn work(&self) -> Work<'_> {
        Work::Transform(self)
    }
}

impl Transform for Select {
    fn begin<'a>(&'a self, _: &TaskContext<'a>) -> Result<Box<dyn Session + 'a>, StageError> {
        Ok(Box::new(Selecting { renamed: &self.renamed, derived: self.derived.iter().map(Derived::begin).collect() }))
    }
}

/// A selection at work.
struct Selecting<'a> {
    renamed: &'a [Renamed],
    derived: Vec<Deriving<'a>>,
}

impl Session for Selecting<'_> {
    fn apply(&mut self, batch: &TrajectoryBatch, _: &mut Context) -> Result<Output, StageError> {
        let renamed = self.renamed.iter().map(|Renamed { from, .. }| {
            let column = batch.column(from.as_str());
            column.map(Arc::clone).ok_or_else(|| StageError::new(format!("column `{from}` was not read")))
        });
        let derived = self.derived.iter_mut().map(|column| column.values(batch));
        Ok(Output::Columns(renamed.chain(derived).collect::<Result<_, _>>()?))
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use arrow::array::{Array as _, ArrayRef, AsArray as _};
    use arrow::datatypes::{Float32Type, Float64Type, Int64Type, UInt64Type};
    use sternlight_engine::trajectory::{TrajectoryBuilder, TrajectoryRow, TurnRow, imported_schema};

    use super::*;

    fn select(yaml: &str) -> Result<Select, Vec<Problem>> {
        Select::build(serde_yaml::from_str(yaml).unwrap(), &BuildContext::new(Path::new(""), Path::new("")))
    }

    /// What becomes of the columns that an importer writes.
    fn contract(yaml: &str) -> Result<String, Vec<Problem>> {
        let contract = select(yaml)?.contract(&InputTypes::from(&imported_schema()))?;
        let Effect::Columns { adds, drops } = &contract.effect else { panic!("expected columns") };
        let adds: Vec<String> = adds.iter().map(|column| format!("+{}: {}", column.path, column.data_type)).collect();
        let drops: Vec<String> = drops.iter().map(|path| format!("-{path}")).collect();
        let reads: Vec<&str> = contract.reads.iter().map(|path| path.as_str()).collect();
        Ok(format!("{} {} | {}", adds.join(" "), drops.join(" "), reads.join(" ")))
    }

    fn columns(yaml: &str) -> Result<Vec<ArrayRef>, StageError> {
        let turn = |action: &str, reward| TurnRow { action: action.to_owned(), reward, ..TurnRow::default() };
        let mut builder = TrajectoryBuilder::new();
        for (id, turns, reward, seed) in [
            ("a", vec![turn("look", Some(0.5)), turn("pay", None)], Some(1.0), Some(u64::MAX)),
            ("b", vec![], None, None),
            ("c", vec![turn("refund it", Some(-1.0))], Some(3e38), Some(3)),
        ] {
            let trajectory_id = id.to_owned();
            builder.push(&TrajectoryRow { trajectory_id, turns, reward, seed, ..TrajectoryRow::default() });
        }
        let output = select(yaml).unwrap().apply_once(&builder.finish().unwrap(), &mut Context::default())?;
        let Output::Columns(columns) = output else { panic!("expected columns") };
        Ok(columns)
    }

    fn column(yaml: &str) -> ArrayRef {
        columns(yaml).unwrap().remove(0)
    }

    #[test]
    fn columns_stay_go_and_change_their_names() {
        insta::assert_snapshot!(contract("{drop: [extra, turns.reward]}").unwrap(), @" -turns.reward -extra | ");
        insta::assert_snapshot!(contract("{keep: [reward, turns]}").unwrap(), @" -task_id -env -policy -prompt -tools -seed -final_observation -success -error -source -extra | ");
        insta::assert_snapshot!(contract("{keep: [turns.reward], rename: {reward: score}}").unwrap(), @"+score: Float32 -task_id -env -policy -prompt -tools -seed -turns.tool_name -turns.tool_arguments -turns.tool_error -turns.tool_answered -final_observation -reward -success -error -source -extra | reward trajectory_id");
        insta::assert_snapshot!(contract("{rename: {turns.reward: turns.reward_env}}").unwrap(), @"+turns.reward_env: Float32 -turns.reward | trajectory_id turns.reward");
        insta::assert_snapshot!(contract("{rename: {env: policy, policy: env}}").unwrap(), @"+policy: Utf8 +env: Utf8  | env policy trajectory_id");
        insta::assert_snapshot!(contract("{rename: {reward: raw}, derive: {reward: reward / 2}}").unwrap(), @"+raw: Float32 +reward: Float32  | reward trajectory_id");
    }

    #[test]
    fn what_is_renamed_is_the_same() {
        assert_eq!(column("{rename: {turns.reward: turns.x}}").as_primitive::<Float32Type>().null_count(), 1);
        assert_eq!(column("{rename: {seed: draw}}").as_primitive::<UInt64Type>().value(0), u64::MAX);
    }

    #[test]
    fn derived_columns_have_the_type_of_their_values() {
        let whole = column("{derive: {turn_count: length(turns)}}");
        assert_eq!(whole.as_primitive::<Int64Type>().iter().collect::<Vec<_>>(), [Some(2), Some(0), Some(1)]);
        let float = column("{derive: {half: length(turns) / 2}}");
        assert_eq!(float.as_primitive::<Float64Type>().values()[..], [1.0, 0.0, 0.5]);
        let single = column("{derive: {half: 'coalesce(reward, 0) / 2'}}");
        assert_eq!(single.as_primitive::<Float32Type>().value(0), 0.5);
        let known = column("{derive: {reward: length(turns) / 4}}");
        assert_eq!(known.as_primitive::<Float32Type>().values()[..], [0.5, 0.0, 0.25]);
        let texts = column("{derive: {last: upper(last_turn(action))}}");
        assert_eq!(texts.as_string::<i32>().iter().collect::<Vec<_>>(), [Some("PAY"), None, Some("REFUND IT")]);
        let truths = column("{derive: {good: reward > 0}}");
        assert_eq!(truths.as_boolean().iter().collect::<Vec<_>>(), [Some(true), None, Some(true)]);
        assert_eq!(column("{derive: {one: '1'}}").len(), 3);
    }

    #[test]
    fn columns_of_turns_have_a_value_for_each() {
        let lengths = column("{derive: {turns.length: length(action)}}");
        assert_eq!(lengths.as_primitive::<Int64Type>().values()[..], [4, 3, 9]);
        let dense = column("{derive: {turns.reward: 'coalesce(reward, 0) + trajectory.reward / length(turns)'}}");
        assert_eq!(dense.as_primitive::<Float32Type>().iter().collect::<Vec<_>>(), [Some(1.0), Some(0.5), Some(3e38)]);
        insta::assert_snapshot!(contract("{derive: {turns.one: '1'}}").unwrap(), @"+turns.one: Int64  | trajectory_id turns");
    }

    #[test]
    fn a_value_that_does_not_fit_names_its_trajectory() {
        let said = |yaml: &str| columns(yaml).unwrap_err().to_string();
        insta::assert_snapshot!(said("{derive: {reward: reward * 10}}"), @"trajectory `c`: `reward` is inf, expected a finite number or null");
        insta::assert_snapshot!(said("{derive: {next: seed + 1}}"), @"trajectory `a`: `next` is 18446744073709551616, expected a whole number that fits 64 bits");
        insta::assert_snapshot!(said("{derive: {seed: 0 - seed}}"), @"trajectory `a`: `seed` is -18446744073709551615, expected a whole number that fits 64 bits");
        insta::assert_snapshot!(said("{derive: {turns.reward: trajectory.reward * 10}}"), @"trajectory `c`: turn 0: `turns.reward` is inf, expected a finite number or null");
        assert!(columns("{derive: {huge: reward * 10}}").is_ok(), "a column that the schema does not know");
    }

    fn fault(yaml: &str) -> String {
        let problem = contract(yaml).unwrap_err().remove(0);
        let path: Vec<String> = problem.path.iter().map(ToString::to_string).collect();
        let key = if problem.at_key { " (key)" } else { "" };
        format!("{}{key}: {}", path.join("."), problem.message)
    }

    #[test]
    fn what_every_dataset_has_stays() {
        insta::assert_snapshot!(fault("{drop: [extra, group_id]}"), @"drop.1: `group_id` cannot be dropped: every dataset has it, since groups are held together by it");
        insta::assert_snapshot!(fault("{drop: [turns]}"), @"drop.0: `turns` cannot be dropped: every dataset has it, since they are what a trajectory is made of");
        insta::assert_snapshot!(fault("{rename: {trajectory_id: id}}"), @"rename.trajectory_id (key): `trajectory_id` cannot be renamed: every dataset has it, since trajectories are told apart by it");
        insta::assert_snapshot!(fault("{derive: {turns.action: lower(action)}}"), @"derive.turns.action (key): `turns.action` cannot be derived: every dataset has it, since without it a turn is none");
    }

    #[test]
    fn names_must_be_there_and_free() {
        insta::assert_snapshot!(fault("{}"), @": there is nothing to do, expected one of `keep`, `drop`, `rename` and `derive`");
        insta::assert_snapshot!(fault("{keep: [env], drop: [extra]}"), @"drop: `keep` and `drop` are both given, expected one of them");
        insta::assert_snapshot!(fault("{drop: [rewrad]}"), @"drop.0: there is no column `rewrad`");
        insta::assert_snapshot!(fault("{rename: {turns.advantage: turns.advantage_grpo}}"), @"rename.turns.advantage (key): there is no column `turns.advantage`");
        insta::assert_snapshot!(fault("{rename: {reward: success}}"), @"rename.reward: there is a column `success` already, expected another name");
        insta::assert_snapshot!(fault("{drop: [seed], rename: {reward: seed}}"), @"rename.reward: `seed` is a column of type UInt64, and `reward` has type Float32");
        insta::assert_snapshot!(fault("{rename: {reward: turns.total}}"), @"rename.reward: `reward` has one value for each trajectory, expected a name without `turns.` in place of `turns.total`");
        insta::assert_snapshot!(fault("{rename: {env: x, policy: x}}"), @"rename.policy: `x` is also the new name of `env`, expected another one");
        insta::assert_snapshot!(fault("{rename: {env: 'a.b'}}"), @"rename.env: `a.b` is no name of a column, expected letters, digits, `_` and `-`");
        insta::assert_snapshot!(fault("{rename: {env: env}}"), @"rename.env: `env` is its name already, expected another one");
        insta::assert_snapshot!(fault("{rename: {env: x}, derive: {x: '1'}}"), @"rename.env: `x` is also the name of a derived column, expected another one");
        insta::assert_snapshot!(fault("{rename: {env: x}, drop: [env]}"), @"drop.0: `env` is both dropped and renamed, expected one of them");
        assert!(serde_yaml::from_str::<SelectOptions>("{remove: [env]}").is_err());
    }

    #[test]
    fn expressions_are_checked_where_they_stand() {
        insta::assert_snapshot!(fault("{derive: {x: reward + env}}"), @"derive.x: `env` is text, expected a number");
        insta::assert_snapshot!(fault("{derive: {x: 'null'}}"), @"derive.x: `x` would be null everywhere, expected a value");
        insta::assert_snapshot!(fault("{derive: {x: turns}}"), @"derive.x: the expression is a whole column that is neither number, text, nor true or false");
        insta::assert_snapshot!(fault("{derive: {reward: env}}"), @"derive.reward: the expression is text, but `reward` is a column of type Float32");
        insta::assert_snapshot!(fault("{derive: {x: action}}"), @"derive.x: `action` is a column of turns: a trajectory has as many values as turns");
        let problem = contract("{derive: {x: 'reward + rewrad'}}").unwrap_err().remove(0);
        assert_eq!((problem.within, problem.help.as_deref()), (Some(9..15), Some("did you mean `reward`?")));
    }
}
