//! The `relabel` stage: its declaration, and which way its options choose.

use sternlight_engine::column::ColumnPath;
use sternlight_engine::contract::{Contract, Effect, InputTypes, Keep, Scope};
use sternlight_engine::metrics::Metrics;
use sternlight_engine::problem::Problem;
use sternlight_engine::stage::{
    BuildContext, BuiltIn, Context, InputFile, Output, Session, Stage, StageError, TaskContext, Transform, Work,
};
use sternlight_engine::trajectory::TrajectoryBatch;

use super::achieved::Achieved;
use super::attempts::{ALWAYS, Attempts, OPTIONAL};
use super::draw::seed_of;
use super::failure::Classifier;
use super::goal::{self, ByGoal};
use super::hindsight::{self, ByRules};
use super::options::{RelabelBy, RelabelOptions, Strategy};
use super::outcome::{self, ByOutcome, Outcomes};
use super::results::Results;
use super::satisfied::{self, BySatisfied};
use super::template::Template;
use super::way::{Way, present};

/// Says of attempts what else they are examples of.
pub struct Relabel {
    way: Box<dyn Way>,
    keep: Keep,
    /// What it draws from, as part of the key, if it draws.
    seed: Option<InputFile>,
}

/// Metric: rows that were looked at.
const TRAJECTORIES: &str = "trajectories";
/// Metric: copies that were made.
const COPIES: &str = "copies";

impl BuiltIn for Relabel {
    type Options = RelabelOptions;

    const NAME: &'static str = "relabel";
    const SUMMARY: &'static str = "Copies attempts as successes at what they did achieve";
    const DOCUMENTATION: &'static str = include_str!("relabel.md");
    const VERSION: u32 = 1;
    const PROVIDES: &'static [&'static str] = &["source_trajectory_id", "relabelled", "relabel_confidence"];

    fn build(options: Self::Options, context: &BuildContext<'_>) -> Result<Self, Vec<Problem>> {
        let mut faults = Faults(options.misplaced());
        let (by, keep, strategy) = (options.by, options.keep, options.strategy.unwrap_or_default());
        let seed = seed_of(context.seed, context.stage);
        let way: Option<Box<dyn Way>> = match by {
            RelabelBy::Goal => by_goal(options, seed, &mut faults).map(|way| Box::new(way) as _),
            RelabelBy::OutcomeInstruction => by_outcome(&options, &mut faults).map(|way| Box::new(way) as _),
            RelabelBy::SatisfiedCriteria => by_satisfied(&options, &mut faults).map(|way| Box::new(way) as _),
            RelabelBy::Rules => by_rules(&options, &mut faults).map(|way| Box::new(way) as _),
        };
        let Some(way) = way.filter(|_| faults.0.is_empty()) else { return Err(faults.0) };
        let draws = by == RelabelBy::Goal && strategy != Strategy::Final;
        let seed = draws.then(|| InputFile { name: "seed".to_owned(), digest: seed.to_hex().to_string() });
        Ok(Self { way, keep, seed })
    }
}

/// What is wrong with the options: all of it is told at once.
struct Faults(Vec<Problem>);

impl Faults {
    fn but<T>(&mut self, result: Result<T, Problem>) -> Option<T> {
        result.map_err(|problem| self.0.push(problem)).ok()
    }
}

fn by_goal(options: RelabelOptions, seed: blake3::Hash, faults: &mut Faults) -> Option<ByGoal> {
    let strategy = options.strategy.unwrap_or_default();
    let achieved = options.achieved.map_or_else(
        || {
            let problem = Problem::at(["by"], "`by: goal` needs `achieved`, what a turn achieved, but there is none");
            let help = "name a column, as `achieved: turns.state`, or write `achieved: {pattern: 'value: (\\d+)'}`";
            Err(problem.help(help))
        },
        Achieved::new,
    );
    let task = options.task.as_deref().map_or_else(
        || {
            let problem = Problem::at(["by"], "`by: goal` needs `task`, how the new task is worded, but there is none");
            Err(problem.help("add for example `task: 'Reach {goal}.'`"))
        },
        |task| Template::parse("task", task, goal::NAMES, true),
    );
    let (achieved, task) = (faults.but(achieved), faults.but(task));
    let count = faults.but(goal::count(strategy, options.count))?;
    Some(ByGoal { achieved: achieved?, strategy, count, task: task?, seed })
}

fn by_outcome(options: &RelabelOptions, faults: &mut Faults) -> Option<ByOutcome> {
    let template = |key: &str, text: &Option<String>, default: &str| {
        Template::parse(key, text.as_deref().unwrap_or(default), outcome::NAMES, false)
    };
    let outcomes = faults.but(Outcomes::new(options.success_reward));
    let right = faults.but(template("right", &options.right, outcome::RIGHT));
    let wrong = faults.but(template("wrong", &options.wrong, outcome::WRONG))?;
    let right = right?;
    if right == wrong {
        let problem = Problem::at(["wrong"], "right and wrong attempts are told the same");
        faults.0.push(problem.help("the instruction must say which outcome is asked for"));
    }
    Some(ByOutcome { outcomes: outcomes?, right, wrong })
}

fn by_satisfied(options: &RelabelOptions, faults: &mut Faults) -> Option<BySatisfied> {
    let minimum_share = faults.but(share("minimum_share", options.minimum_share, satisfied::MINIMUM_SHARE));
    let task = options.task.as_deref().unwrap_or(satisfied::TASK);
    let task = faults.but(Template::parse("task", task, satisfied::NAMES, true))?;
    Some(BySatisfied { minimum_share: minimum_share?, task })
}

fn by_rules(options: &RelabelOptions, faults: &mut Faults) -> Option<ByRules> {
    let wrong = |error: regex::Error| Problem::new(format!("the built-in patterns cannot be read: {error}"));
    let task = options.task.as_deref().unwrap_or(hindsight::TASK);
    let outcomes = faults.but(Outcomes::new(options.success_reward));
    let task = faults.but(Template::parse("task", task, hindsight::NAMES, true));
    let severity = share("minimum_severity", options.minimum_severity, hindsight::MINIMUM_SEVERITY);
    let confidence = share("minimum_confidence", options.minimum_confidence, hindsight::MINIMUM_CONFIDENCE);
    let (severity, confidence) = (faults.but(severity), faults.but(confidence));
    let results = faults.but(Results::new().map_err(wrong));
    let classifier = faults.but(Classifier::new().map_err(wrong))?;
    Some(ByRules {
        outcomes: outcomes?,
        results: results?,
        classifier,
        task: task?,
        minimum_severity: severity?,
        minimum_confidence: confidence?,
        weight: options.weight.unwrap_or_default(),
    })
}

/// A number from 0 to 1.
fn share(key: &str, given: Option<f64>, default: f64) -> Result<f64, Problem> {
    let number = given.unwrap_or(default);
    match (0.0..=1.0).contains(&number) {
        true => Ok(number),
        false => Err(Problem::at([key], format!("`{key}` is {number:?}, expected a number from 0 to 1"))),
    }
}

impl Stage for Relabel {
    fn contract(&self, inputs: &InputTypes) -> Result<Contract, Vec<Problem>> {
        let input = inputs.data();
        let mut reads = ALWAYS.map(ColumnPath::from).to_vec();
        reads.extend(present(input, &OPTIONAL));
        reads.extend(self.way.reads(input)?);
        reads.sort();
        reads.dedup();
        Ok(Contract { reads, scope: Scope::Trajectory, effect: Effect::relabelled(input, self.keep) })
    }

    fn files(&self) -> Vec<InputFile> {
        self.seed.iter().cloned().collect()
    }

    fn work(&self) -> Work<'_> {
        Work::Transform(self)
    }

    fn warnings(&self, metrics: &Metrics) -> Vec<String> {
        let rows = metrics.counted(TRAJECTORIES);
        if rows == 0 || metrics.counted(COPIES) > 0 {
            return Vec::new();
        }
        let none = if rows == 1 { "the only trajectory".to_owned() } else { format!("any of {rows} trajectories") };
        vec![format!("no copy was made of {none}: nothing is known that they achieved")]
    }
}

impl Relabel {
    fn apply(&self, batch: &TrajectoryBatch, context: &mut Context) -> Result<Output, StageError> {
        let attempts = Attempts::of(batch)?;
        let copies = self.way.copies(&attempts, context)?;
        let relabelled = copies.chunk_by(|left, right| left.row == right.row).count();
        context.metrics.count(TRAJECTORIES, batch.rows() as u64);
        context.metrics.count("trajectories_relabelled", relabelled as u64);
        context.metrics.count("trajectories_passed_over", (batch.rows() - attempts.rows().count()) as u64);
        context.metrics.count(COPIES, copies.len() as u64);
        Ok(Output::Relabelled(copies))
    }
}

impl Transform for Relabel {
    fn begin<'a>(&'a self, _: &TaskContext<'a>) -> Result<Box<dyn Session + 'a>, StageError> {
        Ok(Box::new(|batch: &TrajectoryBatch, context: &mut Context| self.apply(batch, context)))
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use sternlight_engine::stage::StageKind;
    use sternlight_engine::trajectory::{
        Relabelled, Status, TrajectoryBuilder, TrajectoryRow, TrajectorySchema, TurnRow, imported_schema,
    };

    use super::*;

    fn relabel(yaml: &str) -> Relabel {
        let context = BuildContext::new(Path::new(""), Path::new(""));
        Relabel::build(serde_yaml::from_str(yaml).unwrap(), &context).unwrap()
    }

    fn row(id: &str, observations: &[&str], success: Option<bool>) -> TrajectoryRow {
        let turn =
            |text: &&str| TurnRow { observation: (*text).to_owned(), action: "go".to_owned(), ..TurnRow::default() };
        TrajectoryRow {
            trajectory_id: id.to_owned(),
            prompt: Some("Be kind.".to_owned()),
            turns: observations.iter().map(turn).collect(),
            success,
            ..TrajectoryRow::default()
        }
    }

    fn copies(yaml: &str, rows: &[TrajectoryRow]) -> (Vec<Relabelled>, Context) {
        let mut builder = TrajectoryBuilder::new();
        rows.iter().for_each(|row| builder.push(row));
        let mut context = Context::default();
        let output = relabel(yaml).apply(&builder.finish().unwrap(), &mut context).unwrap();
        let Output::Relabelled(copies) = output else { panic!("expected copies") };
        (copies, context)
    }

    fn prompts(copies: &[Relabelled]) -> Vec<&str> {
        copies.iter().filter_map(|copy| copy.prompt.as_deref()).collect()
    }

    #[test]
    fn goals_that_were_achieved_become_tasks() {
        let rows = [
            row("a", &["value: 0", "value: 1", "value: 2"], Some(false)),
            row("b", &["value: 0"], None),
            row("d", &["value: 0", "value: 1", "value: 0"], None),
            TrajectoryRow { status: Status::Failed, ..row("c", &["value: 0", "value: 1"], None) },
        ];
        let yaml = r#"{by: goal, achieved: {pattern: 'value: (\d+)'}, task: "{prompt} Reach {goal}."}"#;
        let (made, context) = copies(yaml, &rows);
        assert_eq!(prompts(&made), ["Be kind. Reach 2."]);
        assert_eq!((made[0].reward, made[0].success, made[0].keep_turns), (Some(1.0), Some(true), None));
        let counted = ["trajectories", "copies", "trajectories_relabelled", "trajectories_passed_over", "without_goal"];
        assert_eq!(counted.map(|name| context.metrics.counted(name)), [4, 1, 1, 1, 2]);
        let (made, _) = copies(&yaml.replace("by: goal", "by: goal, strategy: episode"), &rows);
        let mut ends: Vec<_> = made.iter().map(|copy| (copy.prompt.clone().unwrap(), copy.keep_turns)).collect();
        ends.sort();
        assert_eq!(ends, [1, 1, 2].map(|goal| (format!("Be kind. Reach {goal}."), Some(goal))));
    }

    #[test]
    fn instructions_say_what_came_of_the_attempt() {
        let rewarded = |reward| TrajectoryRow { reward: Some(reward), prompt: None, ..row("c", &["x"], None) };
        let rows = [
            row("a", &["x"], Some(true)),
            row("b", &["x"], Some(false)),
            rewarded(0.5),
            rewarded(1.0),
            row("d", &["x"], None),
            row("e", &[], Some(true)),
        ];
        let (made, context) = copies("{by: outcome-instruction}", &rows);
        insta::assert_snapshot!(prompts(&made).join("\n---\n"), @r"
        Be kind.

        Solve this task correctly.
        ---
        Be kind.

        Give a wrong solution to this task.
        ---
        Give a wrong solution to this task.
        ---
        Solve this task correctly.
        ");
        // What was asked for was done, also where it was to be wrong.
        assert!(made.iter().all(|copy| copy.success == Some(true) && copy.reward == Some(1.0)));
        assert_eq!(context.metrics.counted("outcome.unknown"), 1);
        let (made, _) = copies("{by: outcome-instruction, success_reward: 0.5, right: R, wrong: W}", &rows);
        assert_eq!(prompts(&made), ["R", "W", "R", "R"]);
    }

    #[test]
    fn criteria_that_are_satisfied_are_a_task() {
        let with = |criteria: &str| TrajectoryRow {
            extra: Some(format!(r#"{{"criteria": {criteria}}}"#)),
            ..row("a", &["x"], Some(false))
        };
        let rows = [
            with(r#"[{"text": "Greet.", "satisfied": 1}, {"text": "Be kind.", "satisfied": 0}]"#),
            with(r#"[{"text": "a", "satisfied": 1}, {"text": "b"}, {"text": "c"}]"#),
            with(r#"[{"text": "a", "satisfied": 1}]"#),
            with("null"),
        ];
        let (made, context) = copies("{by: satisfied-criteria}", &rows);
        insta::assert_snapshot!(prompts(&made).join("\n---\n"), @r"
        What is asked for:
        - Greet.
        ");
        assert_eq!((made[0].row, made[0].confidence), (0, Some(0.5)));
        let counted = ["satisfied_too_few", "without_criteria"].map(|name| context.metrics.counted(name));
        assert_eq!(counted, [1, 1]);
        let (made, _) = copies("{by: satisfied-criteria, minimum_share: 0.3, task: '{criteria}'}", &rows);
        assert_eq!(prompts(&made), ["- Greet.", "- a"]);
    }

    #[test]
    fn failures_that_came_to_something_are_worded_anew() {
        let results = ["hello", "three bookings were found", "Error: gone", "the price is 40 euros"];
        let mut failed = row("a", &results, Some(false));
        failed.final_observation = Some("a colleague takes over".to_owned());
        let rows = [failed.clone(), TrajectoryRow { success: Some(true), ..failed.clone() }];
        let (made, context) = copies("{by: rules}", &rows);
        insta::assert_snapshot!(prompts(&made).join("\n---\n"), @r"
        Find out the following, step by step:
        - three bookings were found
        - the price is 40 euros
        - a colleague takes over
        ");
        assert_eq!((made[0].confidence, made[0].turns.len()), (Some(0.75), 4));
        assert!(made[0].turns.iter().all(|edit| edit.weight == Some(0.75) && edit.reward.is_none()));
        assert_eq!(context.metrics.counted("failure.tool-error"), 1);
        let (made, _) = copies("{by: rules, weight: severity}", &rows);
        assert_eq!(made[0].turns[0].weight, Some(0.4));
        for (none, metric) in [
            ("{by: rules, minimum_confidence: 0.8}", "refused.confidence"),
            ("{by: rules, minimum_severity: 0.5}", "refused.severity"),
        ] {
            let (made, context) = copies(none, &rows);
            assert_eq!((made.len(), context.metrics.counted(metric)), (0, 1), "{none}");
            let expected = "no copy was made of any of 2 trajectories: nothing is known that they achieved";
            assert_eq!(relabel(none).warnings(&context.metrics), [expected], "{none}");
        }
    }

    #[test]
    fn the_seed_is_in_the_key_of_what_draws() {
        let with = |seed: u64, stage: &'static str, strategy: &str| {
            let yaml = format!("{{by: goal, strategy: {strategy}, achieved: seed, task: '{{goal}}'}}");
            let context = BuildContext { seed, stage, ..BuildContext::new(Path::new(""), Path::new("")) };
            Relabel::build(serde_yaml::from_str(&yaml).unwrap(), &context).unwrap().files()
        };
        assert_eq!(with(1, "a", "final"), []);
        assert_eq!(with(1, "a", "future"), with(1, "a", "future"));
        assert!(with(1, "a", "future") != with(2, "a", "future") && with(1, "a", "random") != with(1, "b", "random"));
    }

    #[test]
    fn columns_are_read_only_where_they_matter() {
        let reads = |yaml: &str, input: &TrajectorySchema| {
            let contract = relabel(yaml).contract(&InputTypes::from(input)).unwrap();
            contract.reads.iter().map(ColumnPath::to_string).collect::<Vec<_>>().join(" ")
        };
        let schema = imported_schema();
        let told = [
            reads("{by: goal, achieved: {pattern: '(a)'}, task: '{goal}'}", &schema),
            reads("{by: goal, achieved: {pattern: '(a)', in: action}, task: '{goal}'}", &TrajectorySchema::empty()),
            reads("{by: goal, achieved: turns.state, task: '{goal}'}", &schema),
            reads("{by: outcome-instruction}", &schema),
            reads("{by: satisfied-criteria}", &schema),
            reads("{by: rules}", &schema),
        ];
        insta::assert_snapshot!(told.join("\n"), @r"
        final_observation prompt status trajectory_id turns turns.observation
        trajectory_id turns turns.action
        prompt status trajectory_id turns turns.state
        prompt reward status success trajectory_id turns
        extra prompt status trajectory_id turns
        final_observation prompt reward status success trajectory_id turns turns.action turns.observation turns.tool_answered turns.tool_error
        ");
    }

    #[test]
    fn faults_of_the_options_are_placed() {
        let fault = |yaml: &str| {
            let context = BuildContext::new(Path::new(""), Path::new(""));
            let problems =
                StageKind::of::<Relabel>().build(serde_yaml::from_str(yaml).unwrap(), &context).err().unwrap();
            let line = |problem: &Problem| {
                let path: Vec<String> = problem.path.iter().map(ToString::to_string).collect();
                format!("{}: {}", path.join("."), problem.message)
            };
            problems.iter().map(line).collect::<Vec<_>>().join("\n")
        };
        let told = [
            fault("{by: goal}"),
            fault("{by: goal, achieved: seed, task: 'Go.', count: 2}"),
            fault("{by: goal, achieved: {pattern: '(a)', in: prompt}, task: '{goal}'}"),
            fault("{by: outcome-instruction, task: a, count: 1}"),
            fault("{by: outcome-instruction, right: '{goal}'}"),
            fault("{by: outcome-instruction, right: a, wrong: a}"),
            fault("{by: satisfied-criteria, minimum_share: 2, task: a, count: 3}"),
            fault("{by: rules, weight: sure}"),
            fault("{by: rules, success_reward: .nan}"),
            fault("{by: echo}"),
        ];
        insta::assert_snapshot!(told.join("\n"), @r"
        by: `by: goal` needs `achieved`, what a turn achieved, but there is none
        by: `by: goal` needs `task`, how the new task is worded, but there is none
        task: `task` does not say `{goal}`
        count: `count` is 2, and an episode has one final goal
        achieved.in: unknown value `prompt`
        task: `task` belongs to `by: goal` or `by: satisfied-criteria` or `by: rules`, and this is `by: outcome-instruction`
        count: `count` belongs to `by: goal`, and this is `by: outcome-instruction`
        right: `{goal}` is no placeholder of `right`
        wrong: right and wrong attempts are told the same
        count: `count` belongs to `by: goal`, and this is `by: satisfied-criteria`
        minimum_share: `minimum_share` is 2.0, expected a number from 0 to 1
        task: `task` does not say `{criteria}`
        weight: unknown value `sure`
        success_reward: `success_reward` is NaN, expected a finite number
        by: unknown value `echo`
        ");
    }
}
