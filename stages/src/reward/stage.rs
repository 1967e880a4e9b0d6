//! The `reward` stage: its declaration, the recorded outcome, and the weighted sum of rules. Verdicts, rubrics and what
//! length takes off have files of their own.

use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{Array as _, ArrayRef, Float32Array, Float64Array};
use arrow::datatypes::DataType;
use sternlight_engine::column::ColumnPath;
use sternlight_engine::contract::{AddedColumn, Contract, Effect, InputTypes, Scope};
use sternlight_engine::metrics::Metrics;
use sternlight_engine::problem::Problem;
use sternlight_engine::stage::{
    BuildContext, BuiltIn, Context, InputFile, Output, Session, Stage, StageError, TaskContext, Transform, Work,
};
use sternlight_engine::trajectory::TrajectoryBatch;

use super::options::{RewardBy, RewardOptions};
use super::overlong::Overlong;
use super::rubric::Rubric;
use super::rule::{Rule, parse};
use super::verdicts::{self, Verdicts};

/// Scores trajectories: writes the column `reward`, or `turns.reward`.
#[derive(Clone, Debug)]
pub struct Reward {
    source: Source,
    overlong: Option<Overlong>,
}

#[derive(Clone, Debug)]
enum Source {
    Outcome,
    Rules(Vec<Rule>),
    Verdicts(Verdicts),
    Rubric(Rubric),
}

impl BuiltIn for Reward {
    type Options = RewardOptions;

    const NAME: &'static str = "reward";
    const SUMMARY: &'static str =
        "Scores each trajectory by its recorded outcome, by rules or by a rubric, or each turn by its verdict";
    const DOCUMENTATION: &'static str = include_str!("reward.md");
    const VERSION: u32 = 1;
    const PROVIDES: &'static [&'static str] = &["reward", "turns.reward", "criteria"];

    fn build(options: Self::Options, context: &BuildContext<'_>) -> Result<Self, Vec<Problem>> {
        let by = options.by;
        let others = [
            ("values", options.values.is_some(), RewardBy::Verdicts),
            ("criteria", options.criteria.is_some(), RewardBy::Rubric),
            ("sparse", options.sparse, RewardBy::Rubric),
        ];
        if let Some((key, _, whose)) = others.into_iter().find(|(_, given, whose)| *given && by != *whose) {
            let whose = whose.as_str();
            let problem = Problem::at([key], format!("`{key}` belongs to `by: {whose}`"));
            return Err(vec![problem.help(format!("write `by: {whose}`, or leave `{key}` out"))]);
        }
        if by != RewardBy::Rules && !options.rules.is_empty() {
            let problem = Problem::at(["rules"], format!("`by: {}` takes no rules, but some are given", by.as_str()));
            return Err(vec![problem.help("write `by: rules`, or leave `rules` out")]);
        }
        if by == RewardBy::Verdicts && options.overlong.is_some() {
            let problem = Problem::at(["overlong"], "`overlong` lowers `reward`, and `by: verdicts` writes none");
            return Err(vec![problem.help("add a stage `reward` that does, or leave `overlong` out")]);
        }
        let overlong = options.overlong.map(Overlong::new).transpose();
        let source = match by {
            RewardBy::Verdicts => Verdicts::new(options.values).map(Source::Verdicts),
            RewardBy::Outcome => Ok(Source::Outcome),
            RewardBy::Rules if options.rules.is_empty() => {
                let problem = Problem::at(["by"], "`by: rules` needs at least one rule, but there is none");
                Err(vec![problem.help("add for example `rules: [{tool_called: submit}]`")])
            }
            RewardBy::Rules => parse(options.rules).map(Source::Rules),
            RewardBy::Rubric => Rubric::new(options.criteria, options.sparse, context.directory).map(Source::Rubric),
        };
        match (source, overlong) {
            (Ok(source), Ok(overlong)) => Ok(Self { source, overlong }),
            (source, overlong) => Err([source.err(), overlong.err()].into_iter().flatten().flatten().collect()),
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
        match &self.source {
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
            }
            Source::Rubric(rubric) => {
                reads.extend(present(&["status"]));
                reads.extend(rubric.reads(input).map_err(|problem| vec![problem])?);
                adds.extend(rubric.adds(input));
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
        if let Some(overlong) = &self.overlong {
            reads.push(overlong.reads(input).map_err(|problem| vec![problem])?);
        }
        if self.overlong.is_some() || matches!(self.source, Source::Rules(_) | Source::Rubric(_)) {
            reads.sort();
            reads.dedup();
        }
        Ok(Contract { reads, scope: Scope::Trajectory, effect: Effect::Columns { adds, drops: Vec::new() } })
    }

    fn files(&self) -> Vec<InputFile> {
        match &self.source {
            Source::Rubric(rubric) => rubric.files.clone(),
            _ => Vec::new(),
        }
    }

    fn inputs(&self) -> Vec<PathBuf> {
        self.files().into_iter().map(|file| PathBuf::from(file.name)).collect()
    }

    fn work(&self) -> Work<'_> {
        Work::Transform(self)
    }

    fn warnings(&self, metrics: &Metrics) -> Vec<String> {
        match &self.source {
            Source::Outcome | Source::Rules(_) => Vec::new(),
            Source::Verdicts(_) => verdicts::warnings(metrics),
            Source::Rubric(rubric) => rubric.warnings(metrics),
        }
    }
}

impl Reward {
    fn apply(&self, batch: &TrajectoryBatch, context: &mut Context) -> Result<Output, StageError> {
        let mut criteria: Option<ArrayRef> = None;
        let mut rewards = match &self.source {
            Source::Outcome => outcome(batch)?,
            Source::Rules(rules) => weighted_sum(rules, batch, context)?,
            Source::Verdicts(values) => {
                let rewards = values.rewards(batch, broke(batch)?, context)?;
                report(&rewards, context);
                return Ok(Output::Columns(vec![Arc::new(rewards)]));
            }
            Source::Rubric(rubric) => {
                let judged = rubric.judge(batch, broke(batch)?, context)?;
                criteria = judged.criteria;
                judged.rewards
            }
        };
        if let Some(overlong) = &self.overlong {
            rewards = overlong.shaped(&rewards, batch, context)?;
        }
        for (row, reward) in rewards.iter().enumerate() {
            if let Some(reward) = reward.filter(|reward| !reward.is_finite()) {
                let message = format!("the reward is {reward}, expected a finite number or null");
                return Err(StageError::new(message).trajectory(batch.name_of(row)));
            }
        }
        report(&rewards, context);
        Ok(Output::Columns([Arc::new(rewards) as ArrayRef].into_iter().chain(criteria).collect()))
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
        let scores: Float64Array = rule.test.scores(batch, 0..batch.rows())?;
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
        insta::assert_snapshot!(fault("{by: rules, rules: [{exact: a}], criteria: recorded}"), @"criteria: `criteria` belongs to `by: rubric`");
        insta::assert_snapshot!(fault("{by: outcome, sparse: true}"), @"sparse: `sparse` belongs to `by: rubric`");
        insta::assert_snapshot!(fault("{by: verdicts, values: {failed: 0}, overlong: {limit: 2, buffer: 1}}"), @"overlong: `overlong` lowers `reward`, and `by: verdicts` writes none");
        insta::assert_snapshot!(fault("{by: outcome, overlong: {limit: 2}}"), @"overlong: `buffer` is missing");
        insta::assert_snapshot!(fault("{by: rubric, criteria: recored}"), @"criteria: expected `recorded`, a map with the `file` of a rubric, or a list of criteria, found the text `recored`");
        insta::assert_snapshot!(fault("{by: rubric, criteria: [{id: a, regex: '['}]}"), @"criteria.0.regex: `[` is no regular expression: unclosed character class");
        insta::assert_snapshot!(fault("{by: rubric, criteria: {files: a}}"), @"criteria.files: unknown key `files`");
    }

    fn tasks(rows: &[(&str, &str, Status)]) -> Vec<TrajectoryRow> {
        let one = |(task, action, status): &(&str, &str, Status)| TrajectoryRow {
            task_id: (!task.is_empty()).then(|| (*task).to_owned()),
            status: *status,
            ..row(&[*action], None)
        };
        rows.iter().map(one).collect()
    }

    #[test]
    fn criteria_are_decided_by_rules_and_written() {
        let rows = tasks(&[("", "call pay", Status::Done), ("", "no", Status::Done), ("", "call pay", Status::Failed)]);
        let yaml = "{by: rubric, criteria: [{id: paid, text: It was paid., weight: 3, tool_called: pay}, \
            {id: said, regex: done, on: final_observation}]}";
        let mut context = Context::default();
        let stage = reward(yaml);
        let Output::Columns(columns) = stage.apply(&batch(&rows), &mut context).unwrap() else { panic!() };
        // Nobody knows whether it was said: there is no final observation.
        let rewards: Vec<_> = columns[0].as_primitive::<Float32Type>().iter().collect();
        assert_eq!(rewards, [Some(0.75), Some(0.0), None]);
        let criteria = columns[1].as_list::<i32>();
        assert!(criteria.is_valid(0) && criteria.is_null(2));
        let first = criteria.value(0);
        let satisfied = first.as_struct().column_by_name("satisfied").unwrap().as_primitive::<Float32Type>();
        assert_eq!(satisfied.iter().collect::<Vec<_>>(), [Some(1.0), None]);
        assert_eq!(context.metrics.distribution("criterion.paid").unwrap().mean, 0.5);
        let counted = ["criteria.satisfied", "criteria.unmet", "criteria.unclear"].map(|n| context.metrics.counted(n));
        assert_eq!(counted, [1, 1, 2]);
        let contract = stage.contract(&InputTypes::from(&imported_schema())).unwrap();
        let Effect::Columns { adds, .. } = contract.effect else { panic!() };
        assert_eq!(adds.iter().map(|column| column.path.as_str()).collect::<Vec<_>>(), ["reward", "criteria"]);
        assert!(adds.iter().zip(&columns).all(|(column, array)| column.data_type == *array.data_type()));
    }

    #[test]
    fn a_file_has_criteria_by_task() {
        let directory = tempfile::tempdir().unwrap();
        let rubric = "book: [{id: paid, tool_called: pay}, {id: brief, turns: {max: 1}}]\n\
            '*': [{id: long, length: {min: 9}}]\n";
        std::fs::write(directory.path().join("rubrics.yaml"), rubric).unwrap();
        let options = serde_yaml::from_str("{by: rubric, sparse: true, criteria: {file: rubrics.yaml}}").unwrap();
        let stage = Reward::build(options, &BuildContext::new(directory.path(), Path::new(""))).unwrap();
        assert_eq!(stage.files(), [InputFile::new("rubrics.yaml", rubric.as_bytes())]);
        let done = Status::Done;
        let rows =
            tasks(&[("book", "call pay", done), ("book", "no", done), ("x", "call pay!", done), ("", "no", done)]);
        let output = stage.apply(&batch(&rows), &mut Context::default()).unwrap();
        let Output::Columns(columns) = output else { panic!() };
        let rewards: Vec<_> = columns[0].as_primitive::<Float32Type>().iter().collect();
        assert_eq!(rewards, [Some(1.0), Some(0.0), Some(1.0), Some(0.0)]);
        let reads: Vec<String> = stage
            .contract(&InputTypes::from(&imported_schema()))
            .unwrap()
            .reads
            .iter()
            .map(ToString::to_string)
            .collect();
        insta::assert_snapshot!(reads.join(" "), @"status task_id trajectory_id turns turns.action turns.tool_name");
    }

    #[test]
    fn recorded_criteria_are_the_reward() {
        let with = |extra: &str| TrajectoryRow { extra: Some(extra.to_owned()), ..row_of_one() };
        let rows = [
            with(r#"{"criteria": [{"id": "a", "weight": 3, "satisfied": true}, {"id": "b", "satisfied": false}]}"#),
            with(r#"{"criteria": [{"id": "a", "weight": -1, "satisfied": 1}]}"#),
            with("{}"),
        ];
        let (rewards, context) = apply("{by: rubric}", &rows);
        assert_eq!(rewards, [Some(0.75), None, None]);
        assert_eq!(context.metrics.counted("without_criteria"), 1);
        insta::assert_snapshot!(reward("{by: rubric}").warnings(&context.metrics).join("\n"), @"1 criterion has a negative weight, which counts nothing here: `by: rules` takes rewards off");
        let wrong = TrajectoryRow { trajectory_id: "a#1".into(), ..with(r#"{"criteria": [{}]}"#) };
        let error = reward("{by: rubric}").apply(&batch(&[wrong]), &mut Context::default()).unwrap_err();
        insta::assert_snapshot!(error.to_string(), @"trajectory `a#1`: `criteria`: criterion 1, counted from 1, has neither `text` nor `id`");
        let problem =
            reward("{by: rubric}").contract(&InputTypes::from(&TrajectorySchema::empty())).unwrap_err().remove(0);
        insta::assert_snapshot!(problem.message, @"the input has no column `criteria`, and no `extra` that could hold them");
    }

    #[test]
    fn length_lowers_any_reward() {
        let of = |action: &str, reward| TrajectoryRow { reward, ..row(&[action], None) };
        let rows = [of("12345", Some(1.0)), of("1234567890", Some(0.0)), of("1234567890ü", None)];
        let (rewards, context) =
            apply("{by: outcome, overlong: {limit: 10, buffer: 8, factor: 0.5, length: characters}}", &rows);
        assert_eq!(rewards, [Some(0.8125), Some(-0.5), None]);
        assert_eq!(context.metrics.counted("overlong"), 2);
        let tokens = reward("{by: outcome, overlong: {limit: 10, buffer: 8}}");
        let problem = tokens.contract(&InputTypes::from(&imported_schema())).unwrap_err().remove(0);
        insta::assert_snapshot!(problem.message, @"`overlong` counts `turns.action_tokens`, and the input has none");
        let error = tokens.apply(&batch(&rows[..1]), &mut Context::default()).unwrap_err();
        insta::assert_snapshot!(error.to_string(), @"trajectory ``: turn 0 has no `turns.action_tokens`, which `overlong` counts");
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
