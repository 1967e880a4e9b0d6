//! Binds names to columns of trajectories and of their turns, and explains those that it does not find.

use std::ops::Range;

use sqlparser::ast::Ident;
use sternlight_engine::column::{ColumnPath, TURNS};
use sternlight_engine::problem::{Problem, nearest};
use sternlight_engine::trajectory::canonical_type;

use super::bind::Binder;
use super::bound::{Bound, Level};
use super::expression::{Expression, Kind};
use super::form::Form;
use super::parse::problem;

/// The qualifier that reaches a trajectory's column where one of its turns has the same name.
const TRAJECTORY: &str = "trajectory";

impl Binder<'_> {
    pub(super) fn column(&mut self, names: &[Ident]) -> Result<Bound, Problem> {
        let range = match (names.first(), names.last()) {
            (Some(first), Some(last)) => self.condition.range(first.span).start..self.condition.range(last.span).end,
            _ => 0..0,
        };
        let written: Vec<&str> = names.iter().map(|name| name.value.as_str()).collect();
        let (of_turn, of_trajectory) = match written.as_slice() {
            [name] => (self.over_turns.then(|| ColumnPath::of_turn(name)), Some(ColumnPath::new(*name))),
            [TURNS, name] => (Some(ColumnPath::of_turn(name)), None),
            [TRAJECTORY, name] => (None, Some(ColumnPath::new(*name))),
            _ => (None, None),
        };
        let of_trajectory = of_trajectory.filter(|path| path.turn_name().is_none());
        for (path, level) in [(of_turn, Level::Turn), (of_trajectory, Level::Trajectory)] {
            let Some(path) = path else { continue };
            let Some(field) = self.schema.field(&path) else { continue };
            if level == Level::Turn && !self.over_turns {
                return Err(self.turn_column_outside(range, &path));
            }
            let kind = Kind::of(field.data_type());
            self.reads.insert(path.clone());
            return Ok(Bound { expression: Expression::Column(path, kind), kind, level, range });
        }
        Err(self.unknown_column(&written, names.iter().any(|name| name.quote_style == Some('"')), range))
    }

    fn unknown_column(&self, written: &[&str], quoted: bool, range: Range<usize>) -> Problem {
        let name = written.join(".");
        let last = written.last().copied().unwrap_or_default();
        let in_turn = ColumnPath::of_turn(last);
        if written.len() == 1 && self.schema.field(&in_turn).is_some() {
            return self.turn_column_outside(range, &in_turn);
        }
        let paths = self.schema.paths();
        let known = paths.iter().filter_map(|path| match (path.turn_name(), written) {
            (Some(turn), [_]) => self.over_turns.then_some(turn),
            (Some(_), [TURNS, _]) => Some(path.as_str()),
            (None, [_]) => Some(path.as_str()),
            _ => None,
        });
        let unknown = problem(range, format!("there is no column `{name}`"));
        let canonical = [ColumnPath::new(name.as_str()), in_turn];
        if quoted {
            unknown.help(format!("text is written in single quotes: `'{name}'`"))
        } else if let Some(path) = canonical.iter().find(|path| canonical_type(path).is_some()) {
            unknown.help(format!("the trajectory schema has `{path}`, but no stage before this one provides it"))
        } else if let Some(near) = nearest(&name, known) {
            unknown.help(format!("did you mean `{near}`?"))
        } else {
            let names: Vec<String> = paths.iter().map(|path| format!("`{path}`")).collect();
            unknown.help(format!("the columns are {}", names.join(", ")))
        }
    }

    fn turn_column_outside(&self, range: Range<usize>, path: &ColumnPath) -> Problem {
        let name = path.turn_name().unwrap_or(path.as_str());
        let help = match self.condition.form() {
            Form::Condition => {
                format!("say of which turns: `any_turn({name} …)`, `all_turns({name} …)`, `count_turns({name} …)`")
            }
            Form::OfTrajectory | Form::OfTurn => {
                format!("say of which turn: `first_turn({name})`, `last_turn({name})`; or derive a column of turns")
            }
        };
        problem(range, format!("`{name}` is a column of turns: a trajectory has as many values as turns"))
            .label("outside of a function over turns")
            .help(help)
    }
}

#[cfg(test)]
mod tests {
    use sternlight_engine::contract::InputTypes;
    use sternlight_engine::stage::Stage as _;
    use sternlight_engine::trajectory::imported_schema;

    use super::super::sample::{filter, refusal};

    #[test]
    fn every_column_of_the_schema_can_be_named() {
        for path in imported_schema().paths() {
            let condition = match path.turn_name() {
                Some(name) => format!("any_turn({name} is null and turns.{name} is null)"),
                None => format!("{path} is null"),
            };
            let contract = filter(&condition).unwrap().contract(&InputTypes::from(&imported_schema())).unwrap();
            assert_eq!(contract.reads, [path]);
        }
    }

    #[test]
    fn unknown_columns_are_explained() {
        insta::assert_snapshot!(refusal("rewrad > 0"), @r"
        rewrad > 0
        ^^^^^^
        there is no column `rewrad`
        help: did you mean `reward`?
        ");
        insta::assert_snapshot!(refusal("success and\nany_turn(tol_name = 'x')"), @r"
        any_turn(tol_name = 'x')
                 ^^^^^^^^
        there is no column `tol_name`
        help: did you mean `tool_name`?
        ");
        insta::assert_snapshot!(refusal("tool_name = 'refund'"), @r"
        tool_name = 'refund'
        ^^^^^^^^^ outside of a function over turns
        `tool_name` is a column of turns: a trajectory has as many values as turns
        help: say of which turns: `any_turn(tool_name …)`, `all_turns(tool_name …)`, `count_turns(tool_name …)`
        ");
        insta::assert_snapshot!(refusal("turns.reward > 0"), @r"
        turns.reward > 0
        ^^^^^^^^^^^^ outside of a function over turns
        `reward` is a column of turns: a trajectory has as many values as turns
        help: say of which turns: `any_turn(reward …)`, `all_turns(reward …)`, `count_turns(reward …)`
        ");
        insta::assert_snapshot!(refusal("any_turn(advantage > 0)"), @r"
        any_turn(advantage > 0)
                 ^^^^^^^^^
        there is no column `advantage`
        help: the trajectory schema has `turns.advantage`, but no stage before this one provides it
        ");
        insta::assert_snapshot!(refusal("env = \"shop\""), @r#"
        env = "shop"
              ^^^^^^
        there is no column `shop`
        help: text is written in single quotes: `'shop'`
        "#);
        insta::assert_snapshot!(refusal("any_turn(turns.tool_nam = 'x')"), @r"
        any_turn(turns.tool_nam = 'x')
                 ^^^^^^^^^^^^^^
        there is no column `turns.tool_nam`
        help: did you mean `turns.tool_name`?
        ");
        insta::assert_snapshot!(refusal("a.b.c = 1"), @r"
        a.b.c = 1
        ^^^^^
        there is no column `a.b.c`
        help: the columns are `trajectory_id`, `group_id`, `task_id`, `env`, `policy`, `prompt`, `tools`, `seed`, `turns.observation`, `turns.action`, `turns.tool_name`, `turns.tool_arguments`, `turns.tool_error`, `turns.tool_answered`, `turns.reward`, `final_observation`, `reward`, `success`, `status`, `error`, `source`, `extra`
        ");
        insta::assert_snapshot!(refusal("temperature > 1"), @r"
        temperature > 1
        ^^^^^^^^^^^
        there is no column `temperature`
        help: the columns are `trajectory_id`, `group_id`, `task_id`, `env`, `policy`, `prompt`, `tools`, `seed`, `turns.observation`, `turns.action`, `turns.tool_name`, `turns.tool_arguments`, `turns.tool_error`, `turns.tool_answered`, `turns.reward`, `final_observation`, `reward`, `success`, `status`, `error`, `source`, `extra`
        ");
    }
}
