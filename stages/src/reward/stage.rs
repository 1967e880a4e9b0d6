//! The `reward` stage: its declaration, the recorded outcome, and the weighted sum of rules. Verdicts have a file of
//! their own.

use std::sync::Arc;

use arrow::array::{Array as _, Float32Array, Float64Array};
use arrow::datatypes::DataType;
use sternlight_engine::column::ColumnPath;
use sternlight_engine::contract::{AddedColumn, Contract, Effect, InputTypes, Scope};
use sternlight_engine::metrics::Metrics;
use sternlight_engine::problem::Problem;
use sternlight_engine::stage::{
    BuildContext, BuiltIn, Context, Output, Session, Stage, StageError, TaskContext, Transform, Work,
};
use sternlight_engine::trajectory::TrajectoryBatch;

use super::options::{RewardBy, RewardOptions};
use super::rule::{Rule, parse};
use super::verdicts::{self, Verdicts};

/// Scores trajectories: writes the column `reward`, or `turns.reward`.
#[derive(Clone, Debug)]
pub struct Reward(Source);

#[derive(Clone, Debug)]
enum Source {
    Outcome,
    Rules(Vec<Rule>),
    Verdicts(Verdicts),
}

impl BuiltIn for Reward {
    type Options = RewardOptions;

    const NAME: &'static str = "reward";
    const SUMMARY: &'static str =
        "Scores each trajectory by its recorded outcome or by rules, or each turn by its verdict";
    const DOCUMENTATION: &'static str = include_str!("reward.md");
    const VERSION: u32 = 1;
    const PROVIDES: &'static [&'static str] = &["reward", "turns.reward"];

    fn build(options: Self::Options, _: &BuildContext<'_>) -> Result<Self, Vec<Problem>> {
        if options.by != RewardBy::Verdicts && options.values.is_some() {
            let problem = Problem::at(["values"], "`values` belongs to `by: verdicts`");
            return Err(vec![problem.help("write `by: verdicts`, or leave `values` out")]);
        }
        match (options.by, options.rules.is_empty()) {
            (RewardBy::Verdicts, true) => Verdicts::new(options.values).map(|values| Self(Source::Verdicts(values))),
            (RewardBy::Verdicts, false) => {
                let problem = Problem::at(["rules"], "`by: verdicts` takes no rules, but some are given");
                Err(vec![problem.help("write `by: rules`, or leave `rules` out")])
            }
            (RewardBy::Outcome, true) => Ok(Self(Source::Outcome)),
            (RewardBy::Outcome, false) => {
                let problem = Problem::at(["rules"], "`by: outcome` takes no rules, but some are given");
                Err(vec![problem.help("write `by: rules`, or leave `rules` out")])
            }
            (RewardBy::Rules, true) => {
                let problem = Problem::at(["by"], "`by: rules` needs at least one rule, but there is none");
                Err(vec![problem.help("add for example `rules: [{tool_called: submit}]`")])
            }
            (RewardBy::Rules, false) => parse(options.rules).map(|rules| Self(Source::Rules(rules))),
        }
    }
}

impl Stage for Reward {
    fn contract(&self, inputs: &InputTypes) -> Result<Contract, Vec<Problem>> {
        let input = inputs.data();
        let present = |paths: &[&str]| -> Vec<ColumnPath> {
            paths.iter().filter(|path| input.has(path)).map(|path| ColumnPath::from(*path)).collect()
        };
        let mut reads = vec![ColumnPath::from("trajectory_id")];
        let mut adds = vec![AddedColumn::new("reward", DataType::Float32)];
        match &self.0 {
            Source::Outcome => {
                let outcomes = present(&["reward", "success"]);
                if outcomes.is_empty() {
                    let message = "`by: outcome` takes `reward` or `success`, and the input has neither";
                    let help = "`import` fills both where the record has them; else score with `by: rules`";
                    return Err(vec![Problem::at(["by"], message).help(help)]);
                }
                reads.extend(outcomes);
            }
            Source::Rules(rules) => {
                reads.extend(present(&["status"]));
                reads.extend(rules.iter().flat_map(|rule| rule.test.reads(input)));
                reads.sort();
                reads.dedup();
            }
            Source::Verdicts(_) => {
                if let Some(problem) = verdicts::missing(input) {
                    return Err(vec![problem]);
                }
                reads.push(ColumnPath::from(verdicts::VERDICT));
                reads.extend(present(&[verdicts::TURN_REWARD, "status"]));
                adds = vec![AddedColumn::new(verdicts::TURN_REWARD, DataType::Float32)];
            }
        }
        Ok(Contract { reads, scope: Scope::Trajectory, effect: Effect::Columns { adds, drops: Vec::new() } })
    }

    fn work(&self) -> Work<'_> {
        Work::Transform(self)
    }

    fn warnings(&self, metrics: &Metrics) -> Vec<String> {
        match self.0 {
            Source::Outcome | Source::Rules(_) => Vec::new(),
            Source::Verdicts(_) => verdicts::warnings(metrics),
        }
    }
}

impl Reward {
    fn apply(&self, batch: &TrajectoryBatch, context: &mut Context) -> Result<Output, StageError> {
        let rewards = match &self.0 {
            Source::Outcome => outcome(batch)?,
            Source::Rules(rules) => weighted_sum(rules, batch, context)?,
            Source::Verdicts(values) => {
                let rewards = values.rewards(batch, broke(batch)?, context)?;
                report(&rewards, context);
                return Ok(Output::Columns(vec![Arc::new(rewards)]));
            }
        };
        for (row, reward) in rewards.iter().enumerate() {
            if let Some(reward) = reward.filter(|reward| !reward.is_finite()) {
                let message = format!("the reward is {reward}, expected a finite number or null");
                return Err(StageError::new(message).trajectory(batch.name_of(row)));
            }
        }
        report(&rewards, context);
        Ok(Output::Columns(vec![Arc::new(rewards)]))
    }
}

impl Transform for Reward {
    fn begin<'a>(&'a self, _: &TaskContext<'a>) -> Result<Box<dyn Session + 'a>, StageError> {
        Ok(Box::new(|batch: &TrajectoryBatch, context: &mut Context| self.apply(batch, context)))
    }
}

/// Counts what was scored: trajectories, or turns.
fn report(rewards: &Float32Array, context: &mut Context) {
    context.metrics.observe_all("reward", rewards.iter().flatten().map(f64::from));
    context.metrics.count("scored", (rewards.len() - rewards.null_count()) as u64);
    context.metrics.count("unscored", rewards.null_count() as u64);
}

/// Whether a row's run broke for reasons outside the policy.
fn broke(batch: &TrajectoryBatch) -> Result<impl Fn(usize) -> bool, StageError> {
    let statuses = batch.column("status").map(|_| batch.text("status")).transpose()?;
    Ok(move |row: usize| statuses.is_some_and(|statuses| statuses.is_valid(row) && statuses.value(row) == "failed"))
}

/// The recorded reward, else 1 for a success and 0 for none.
fn outcome(batch: &TrajectoryBatch) -> Result<Float32Array, StageError> {
    let rewards = batch.column("reward").map(|_| batch.float("reward")).transpose()?;
    let successes = batch.column("success").map(|_| batch.boolean("success")).transpose()?;
    Ok((0..batch.rows())
        .map(|row| {
            let reward = rewards.filter(|rewards| rewards.is_valid(row)).map(|rewards| rewards.value(row));
            reward.or_else(|| {
                successes.filter(|successes| successes.is_valid(row)).map(|successes| f32::from(successes.value(row)))
            })
        })
        .collect())
}

/// The sum of weight × score; null if any score is null, or if the run broke for reasons outside the policy.
fn weighted_sum(rules: &[Rule], batch: &TrajectoryBatch, context: &mut Context) -> Result<Float32Array, StageError> {
    let failed = broke(batch)?;
    let mut sums: Vec<Option<f64>> = (0..batch.rows()).map(|row| (!failed(row)).then_some(0.0)).collect();
    for rule in rules {
        let scores: Float64Array = rule.test.scores(batch)?;
        let metric = format!("rule.{}", rule.name);
        let judged = scores.iter().enumerate().filter(|(row, _)| !failed(*row));
        context.metrics.observe_all(&metric, judged.filter_map(|(_, score)| score));
        for (sum, score) in sums.iter_mut().zip(&scores) {
            *sum = sum.zip(score).map(|(sum, score)| sum + rule.weight * score);
        }
    }
    Ok(sums.into_iter().map(|sum| sum.map(|sum| sum as f32)).collect())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use arrow::array::{AsArray as _, RecordBatch};
    use arrow::datatypes::Float32Type;
    use proptest::prelude::*;
    use sternlight_engine::stage::StageKind;
    use sternlight_engine::trajectory::{
        Status, TrajectoryBuilder, TrajectoryRow, TrajectorySchema, TurnRow, imported_schema,
    };

    use super::*;

    fn here() -> BuildContext<'static> {
        BuildContext::new(Path::new(""), Path::new(""))
    }

    fn reward(yaml: &str) -> Reward {
        Reward::build(serde_yaml::from_str(yaml).unwrap(), &here()).unwrap()
    }

    fn batch(rows: &[TrajectoryRow]) -> TrajectoryBatch {
        let mut builder = TrajectoryBuilder::new();
        rows.iter().for_each(|row| builder.push(row));
        builder.finish().unwrap()
    }

    fn apply(yaml: &str, rows: &[TrajectoryRow]) -> (Vec<Option<f32>>, Context) {
        let mut context = Context::default();
        let Output::Columns(columns) = reward(yaml).apply(&batch(rows), &mut context).unwrap() else {
            panic!("expected columns")
        };
        (columns[0].as_primitive::<Float32Type>().iter().collect(), context)
    }

    fn row(actions: &[&str], final_observation: Option<&str>) -> TrajectoryRow {
        let turn = |action: &&str| TurnRow {
            observation: format!("saw {action}"),
            action: (*action).to_owned(),
            tool_name: action.strip_prefix("call ").map(str::to_owned),
            ..TurnRow::default()
        };
        TrajectoryRow {
            turns: actions.iter().map(turn).collect(),
            final_observation: final_observation.map(str::to_owned),
            ..TrajectoryRow::default()
        }
    }

    fn rules(yaml: &str, row: TrajectoryRow) -> Option<f32> {
        apply(&format!("{{by: rules, rules: {yaml}}}"), &[row]).0[0]
    }

    #[test]
    fn the_outcome_is_the_reward_else_the_success() {
        let with = |reward, success| TrajectoryRow { reward, success, ..TrajectoryRow::default() };
        let rows = [with(Some(0.5), Some(true)), with(None, Some(true)), with(None, Some(false)), with(None, None)];
        let (rewards, context) = apply("{by: outcome}", &rows);
        assert_eq!(rewards, [Some(0.5), Some(1.0), Some(0.0), None]);
        assert_eq!((context.metrics.counted("scored"), context.metrics.counted("unscored")), (3, 1));
        assert_eq!(context.metrics.distribution("reward").unwrap().mean, 0.5);
    }

    /// Rows of turns with these verdicts, as `reflect` or a plugin leaves them.
    fn judged(verdicts: &[&[Option<&str>]], status: Status) -> TrajectoryBatch {
        let rows: Vec<TrajectoryRow> = verdicts
            .iter()
            .map(|turns| TrajectoryRow {
                trajectory_id: "a#1".into(),
                turns: turns.iter().map(|_| TurnRow { reward: Some(9.0), ..TurnRow::default() }).collect(),
                status,
                ..TrajectoryRow::default()
            })
            .collect();
        let batch = batch(&rows);
        let schema = TrajectorySchema::new(batch.record_batch().schema());
        let turns = batch.turns_list().unwrap();
        let words: arrow::array::StringArray = verdicts.iter().copied().flatten().copied().collect();
        let (mut fields, mut columns, nulls) = turns.values().as_struct().clone().into_parts();
        let verdict = arrow::datatypes::Field::new("verdict", DataType::Utf8, true);
        fields = fields.iter().map(|field| field.as_ref().clone()).chain([verdict]).collect();
        columns.push(Arc::new(words));
        let elements = arrow::array::StructArray::new(fields.clone(), columns, nulls);
        let field = sternlight_engine::trajectory::turns_field(fields);
        let DataType::List(element) = field.data_type() else { panic!("expected a list") };
        let list = arrow::array::ListArray::new(Arc::clone(element), turns.offsets().clone(), Arc::new(elements), None);
        let place = schema.arrow().index_of("turns").unwrap();
        let mut all: Vec<_> = schema.arrow().fields().iter().map(|field| field.as_ref().clone()).collect();
        all[place] = field;
        let mut columns = batch.record_batch().columns().to_vec();
        columns[place] = Arc::new(list);
        let schema = Arc::new(arrow::datatypes::Schema::new(all));
        TrajectoryBatch::new(RecordBatch::try_new(schema, columns).unwrap()).unwrap()
    }

    const BY_VERDICTS: &str = "{by: verdicts, values: {failed: -0.5, invalid: -1, progress: 0.25}}";

    #[test]
    fn verdicts_are_worth_what_is_written() {
        let batch = judged(
            &[&[Some("failed"), None, Some("progress")], &[], &[Some("redundant"), Some("invalid")]],
            Status::Done,
        );
        let mut context = Context::default();
        let stage = reward(BY_VERDICTS);
        let Output::Columns(columns) = stage.apply(&batch, &mut context).unwrap() else { panic!("expected columns") };
        let rewards: Vec<_> = columns[0].as_primitive::<Float32Type>().iter().collect();
        // No verdict is no reward; a verdict that nothing was said about is worth nothing.
        assert_eq!(rewards, [Some(-0.5), None, Some(0.25), Some(0.0), Some(-1.0)]);
        assert_eq!((context.metrics.counted("scored"), context.metrics.counted("unscored")), (4, 1));
        insta::assert_snapshot!(stage.warnings(&context.metrics).join("\n"), @"replaces `turns.reward` of 5 turns, which the record or an earlier stage had given");
    }

    #[test]
    fn runs_that_broke_outside_of_the_policy_have_no_turn_rewards() {
        let batch = judged(&[&[Some("failed")]], Status::Failed);
        let output = reward(BY_VERDICTS).apply(&batch, &mut Context::default()).unwrap();
        let Output::Columns(columns) = output else { panic!("expected columns") };
        assert!(columns[0].is_null(0));
    }

    #[test]
    fn a_verdict_of_another_word_names_its_turn() {
        let batch = judged(&[&[Some("progress"), Some("fail")]], Status::Done);
        let error = reward(BY_VERDICTS).apply(&batch, &mut Context::default()).unwrap_err();
        insta::assert_snapshot!(error.to_string(), @"trajectory `a#1`: turn 1: the verdict is `fail`, expected `progress`, `redundant`, `failed`, `invalid` or null, perhaps `failed`");
    }

    #[test]
    fn values_and_verdicts_belong_together() {
        let fault =
            |yaml: &str| Reward::build(serde_yaml::from_str(yaml).unwrap(), &here()).unwrap_err().remove(0).message;
        insta::assert_snapshot!(fault("{by: verdicts}"), @"`by: verdicts` needs `values`, what a turn of each verdict is worth, but there is none");
        insta::assert_snapshot!(fault("{by: verdicts, values: {failed: .inf}}"), @"the value of `failed` is inf, expected a finite number");
        insta::assert_snapshot!(fault("{by: outcome, values: {failed: -1}}"), @"`values` belongs to `by: verdicts`");
        insta::assert_snapshot!(fault("{by: verdicts, values: {failed: -1}, rules: [{exact: a}]}"), @"`by: verdicts` takes no rules, but some are given");
        let problem = reward(BY_VERDICTS).contract(&InputTypes::from(&imported_schema())).unwrap_err().remove(0);
        insta::assert_snapshot!(problem.message, @"`by: verdicts` reads `turns.verdict`, and the input has none");
    }

    #[test]
    fn a_reward_that_is_no_number_names_its_trajectory() {
        let row = TrajectoryRow { trajectory_id: "a#1".into(), reward: Some(f32::NAN), ..TrajectoryRow::default() };
        let error = reward("{by: outcome}").apply(&batch(&[row]), &mut Context::default()).unwrap_err();
        insta::assert_snapshot!(error.to_string(), @"trajectory `a#1`: the reward is NaN, expected a finite number or null");
        let row = TrajectoryRow { trajectory_id: "a#2".into(), ..row_of_one() };
        let huge = "{by: rules, rules: [{turns: {min: 1}, weight: 3e38}, {turns: {min: 1}, weight: 3e38}]}";
        let error = reward(huge).apply(&batch(&[row]), &mut Context::default()).unwrap_err();
        insta::assert_snapshot!(error.to_string(), @"trajectory `a#2`: the reward is inf, expected a finite number or null");
    }

    fn row_of_one() -> TrajectoryRow {
        row(&["call pay"], Some("done"))
    }

    #[test]
    fn each_test_looks_where_it_should() {
        let two = || row(&["call look,pay", " thanks\n"], Some("bye"));
        assert_eq!(rules("[{exact: thanks}]", two()), Some(1.0));
        assert_eq!(rules("[{exact: thank}]", two()), Some(0.0));
        assert_eq!(rules("[{regex: '^call'}]", two()), Some(0.0));
        assert_eq!(rules("[{regex: '^call', on: any_action}]", two()), Some(1.0));
        assert_eq!(rules("[{regex: saw, on: any_observation}]", two()), Some(1.0));
        assert_eq!(rules("[{regex: bye, on: any_observation}]", two()), Some(1.0));
        assert_eq!(rules("[{regex: saw, on: final_observation}]", two()), Some(0.0));
        assert_eq!(rules("[{tool_called: pay}]", two()), Some(1.0));
        assert_eq!(rules("[{tool_called: pa}]", two()), Some(0.0));
        assert_eq!(rules("[{turns: {max: 1}}]", two()), Some(0.0));
        assert_eq!(rules("[{length: {max: 10, ramp: 6}, on: any_action}]", two()), Some(1.0));
        assert_eq!(rules("[{length: {max: 1, ramp: 4}, on: final_observation}]", two()), Some(0.5));
        assert_eq!(rules("[{turns: {min: 2}, weight: 2}, {tool_called: pay, weight: -0.5}]", two()), Some(1.5));
    }

    #[test]
    fn what_cannot_be_judged_is_null_and_makes_the_sum_null() {
        let empty = || row(&[], None);
        for place in ["last_action", "any_action", "any_observation", "final_observation"] {
            assert_eq!(rules(&format!("[{{regex: a, on: {place}}}]"), empty()), None, "{place}");
        }
        assert_eq!(rules("[{turns: {max: 1}}, {tool_called: pay}]", empty()), Some(1.0));
        assert_eq!(rules("[{turns: {max: 1}}, {regex: a}]", empty()), None);
        assert_eq!(rules("[{turns: {max: 1}}]", TrajectoryRow { status: Status::Failed, ..empty() }), None);
    }

    #[test]
    fn scores_are_metrics_by_name() {
        let rows = [row_of_one(), row(&[], None)];
        let yaml = "{by: rules, rules: [{regex: pay, name: paid, weight: 3}, {turns: {max: 0}}]}";
        let (rewards, context) = apply(yaml, &rows);
        assert_eq!(rewards, [Some(3.0), None]);
        let paid = context.metrics.distribution("rule.paid").unwrap();
        assert_eq!((paid.count, paid.mean), (1, 1.0));
        assert_eq!(context.metrics.distribution("rule.rule-2").unwrap().mean, 0.5);
    }

    #[test]
    fn columns_are_read_only_where_they_matter() {
        let reads = |yaml: &str, input: &TrajectorySchema| {
            let contract = reward(yaml).contract(&InputTypes::from(input)).unwrap();
            contract.reads.iter().map(ColumnPath::to_string).collect::<Vec<_>>().join(" ")
        };
        let schema = imported_schema();
        insta::assert_snapshot!(reads("{by: outcome}", &schema), @"trajectory_id reward success");
        insta::assert_snapshot!(reads("{by: outcome}", &schema.without(&"reward".into())), @"trajectory_id success");
        insta::assert_snapshot!(reads("{by: rules, rules: [{turns: {max: 3}}, {exact: a}, {regex: a}]}", &schema), @"status trajectory_id turns turns.action");
        insta::assert_snapshot!(reads("{by: rules, rules: [{exact: a, on: any_observation}]}", &TrajectorySchema::empty()), @"trajectory_id turns.observation");
        let problem =
            reward("{by: outcome}").contract(&InputTypes::from(&TrajectorySchema::empty())).unwrap_err().remove(0);
        insta::assert_snapshot!(problem.message, @"`by: outcome` takes `reward` or `success`, and the input has neither");
    }

    #[test]
    fn faults_of_the_options_are_placed() {
        let fault = |yaml: &str| {
            let problem =
                StageKind::of::<Reward>().build(serde_yaml::from_str(yaml).unwrap(), &here()).err().unwrap().remove(0);
            let path: Vec<String> = problem.path.iter().map(ToString::to_string).collect();
            format!("{}: {}", path.join("."), problem.message)
        };
        insta::assert_snapshot!(fault("{by: rules}"), @"by: `by: rules` needs at least one rule, but there is none");
        insta::assert_snapshot!(fault("{by: outcome, rules: [{exact: a}]}"), @"rules: `by: outcome` takes no rules, but some are given");
        insta::assert_snapshot!(fault("{by: rules, rules: [{exact: a}, {regex: '['}]}"), @"rules.1.regex: `[` is no regular expression: unclosed character class");
        insta::assert_snapshot!(fault("{by: rules, rules: [{regexp: a}]}"), @"rules.0.regexp: unknown key `regexp`");
        insta::assert_snapshot!(fault("{by: guess}"), @"by: unknown value `guess`");
    }

    proptest! {
        /// Any cut into batches gives the same rewards.
        #[test]
        fn rows_are_independent(
            rows in prop::collection::vec((prop::collection::vec("(call )?[ab]{1,3}", 0..4), prop::option::of("[ab]{0,3}")), 1..8),
            cut in 0_usize..8,
        ) {
            let rows: Vec<TrajectoryRow> = rows.iter().map(|(actions, last)| {
                row(&actions.iter().map(String::as_str).collect::<Vec<_>>(), last.as_deref())
            }).collect();
            let yaml = "{by: rules, rules: [{regex: aa, on: any_observation}, {length: {max: 2, ramp: 3}, weight: 0.3}, \
                {tool_called: ab, weight: -1}, {exact: b, on: any_action}]}";
            let cut = cut.min(rows.len());
            let whole = batch(&rows);
            let parts: [RecordBatch; 2] =
                [whole.record_batch().slice(0, cut), whole.record_batch().slice(cut, rows.len() - cut)];
            let stage = reward(yaml);
            let mut cut_rewards = Vec::new();
            for part in parts {
                let part = TrajectoryBatch::new(part).unwrap();
                let Output::Columns(columns) = stage.apply(&part, &mut Context::default()).unwrap() else { panic!() };
                cut_rewards.extend(columns[0].as_primitive::<Float32Type>().iter());
            }
            prop_assert_eq!(cut_rewards, apply(yaml, &rows).0);
        }
    }
}
