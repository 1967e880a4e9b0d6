//! Loops: unrolled, they are what one would write by hand; what is carried and has had its use goes, and comes again when it
//! is needed.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arrow::array::{Float64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema};
use proptest::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sternlight_engine::artifact::{Artifact, ArtifactKind, ArtifactType, PolicyFacts};
use sternlight_engine::contract::{Contract, Effect, InputTypes, OUT, Scope};
use sternlight_engine::event::Event;
use sternlight_engine::loading::{Checked, LoadError, Origin};
use sternlight_engine::problem::Problem;
use sternlight_engine::run::{Engine, RunError, RunOptions, RunReport};
use sternlight_engine::stage::{
    BuildContext, BuiltIn, Context, Figure, InputPort, Measure, Outputs, Ports, Progress, Registry, Stage, StageError,
    StageKind, TaskContext, Whole, Work,
};
use sternlight_engine::store::Store;

use crate::fixtures::{files_below, store};

/// Bytes of a policy.
const BYTES: usize = 1 << 20;

/// How often anything was trained.
static TRAINED: AtomicUsize = AtomicUsize::new(0);

#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Steps {
    /// Decides what comes out.
    #[serde(default)]
    salt: u64,
}

/// Makes a policy of nothing.
struct Fresh(Steps);

/// Makes a policy of another, and a table of what it cost.
struct Train(Steps);

/// Counts how good a policy is: best when it was trained four times.
struct Judge(Steps);

fn outputs(outputs: Vec<(&str, ArtifactType)>) -> Contract {
    let outputs = outputs.into_iter().map(|(name, artifact)| (name.to_owned(), artifact)).collect();
    Contract { reads: Vec::new(), scope: Scope::Dataset, effect: Effect::Whole(outputs) }
}

fn losses() -> Arc<Schema> {
    Arc::new(Schema::new(vec![Field::new("loss", DataType::Float64, true)]))
}

/// A policy whose first byte says how often it was trained.
fn write(directory: &Path, trained: u8, salt: u64) -> Result<(), StageError> {
    let mut bytes = vec![trained];
    bytes.extend(salt.to_le_bytes());
    bytes.resize(BYTES, trained);
    std::fs::write(directory.join("model.safetensors"), bytes).unwrap();
    Ok(())
}

fn trained(task: &TaskContext<'_>) -> Result<u8, StageError> {
    let policy = task.inputs().policy("policy")?;
    assert!(!policy.is_released(), "what is read is there");
    Ok(std::fs::read(policy.directory().join("model.safetensors")).unwrap()[0])
}

const POLICY: InputPort = InputPort::one("policy", &[ArtifactKind::Policy]);

impl Stage for Fresh {
    fn ports(&self) -> Ports {
        Ports::default().output(OUT, ArtifactKind::Policy)
    }

    fn contract(&self, _: &InputTypes) -> Result<Contract, Vec<Problem>> {
        Ok(outputs(vec![(OUT, ArtifactType::Policy(PolicyFacts::default()))]))
    }

    fn work(&self) -> Work<'_> {
        Work::Whole(self)
    }
}

impl Whole for Fresh {
    fn run(&self, _: &TaskContext<'_>, outputs: &mut dyn Outputs, _: &mut Context) -> Result<(), StageError> {
        outputs.policy(OUT, PolicyFacts::default(), &mut |directory| write(directory, 0, self.0.salt))
    }
}

impl Stage for Train {
    fn ports(&self) -> Ports {
        Ports::default().input(POLICY).output(OUT, ArtifactKind::Policy).output("steps", ArtifactKind::Table)
    }

    fn contract(&self, inputs: &InputTypes) -> Result<Contract, Vec<Problem>> {
        let facts = inputs.policy("policy").cloned().unwrap_or_default();
        Ok(outputs(vec![(OUT, ArtifactType::Policy(facts)), ("steps", ArtifactType::Table(losses()))]))
    }

    fn work(&self) -> Work<'_> {
        Work::Whole(self)
    }
}

impl Whole for Train {
    fn run(&self, task: &TaskContext<'_>, outputs: &mut dyn Outputs, _: &mut Context) -> Result<(), StageError> {
        TRAINED.fetch_add(1, Ordering::Relaxed);
        let before = trained(task)?;
        outputs.policy(OUT, PolicyFacts::default(), &mut |directory| write(directory, before + 1, self.0.salt))?;
        let loss = Arc::new(Float64Array::from(vec![1.0 / f64::from(before + 1)]));
        outputs.table("steps", &RecordBatch::try_new(losses(), vec![loss])?)
    }
}

impl Stage for Judge {
    fn ports(&self) -> Ports {
        Ports::default().input(POLICY).output(OUT, ArtifactKind::Table)
    }

    fn contract(&self, _: &InputTypes) -> Result<Contract, Vec<Problem>> {
        Ok(outputs(vec![(OUT, ArtifactType::Table(losses()))]))
    }

    fn figures(&self) -> Vec<Figure> {
        let measure = Measure::Share("successes", "judged");
        vec![Figure { name: "success", meaning: "share of episodes", measure }]
    }

    fn work(&self) -> Work<'_> {
        Work::Whole(self)
    }
}

impl Whole for Judge {
    fn run(&self, task: &TaskContext<'_>, outputs: &mut dyn Outputs, context: &mut Context) -> Result<(), StageError> {
        let trained = trained(task)?;
        // It rises and falls.
        let good = if trained <= 4 { trained } else { 8_u8.saturating_sub(trained) };
        context.metrics.count("successes", u64::from(good) + self.0.salt);
        context.metrics.count("judged", 10);
        let share = Arc::new(Float64Array::from(vec![f64::from(trained) / 10.0]));
        outputs.table(OUT, &RecordBatch::try_new(losses(), vec![share])?)
    }
}

/// Trains in ten steps, each of which it saves.
struct Long(Steps);

/// Steps that were done, and the one behind which it fails next.
static DONE: AtomicUsize = AtomicUsize::new(0);
static FAILS_AFTER: AtomicUsize = AtomicUsize::new(usize::MAX);

impl Stage for Long {
    fn ports(&self) -> Ports {
        Ports::default().input(POLICY).output(OUT, ArtifactKind::Policy)
    }

    fn contract(&self, _: &InputTypes) -> Result<Contract, Vec<Problem>> {
        Ok(outputs(vec![(OUT, ArtifactType::Policy(PolicyFacts::default()))]))
    }

    fn work(&self) -> Work<'_> {
        Work::Whole(self)
    }
}

impl Whole for Long {
    fn run(&self, task: &TaskContext<'_>, outputs: &mut dyn Outputs, _: &mut Context) -> Result<(), StageError> {
        let before = trained(task)?;
        let mut state = vec![before];
        let mut step = 0;
        if let Some(checkpoint) = task.checkpoint()? {
            step = checkpoint.step;
            state = std::fs::read(checkpoint.directory.join("state")).unwrap();
        }
        while step < 10 {
            state.push(blake3::hash(&state).as_bytes()[0] ^ self.0.salt as u8);
            step += 1;
            DONE.fetch_add(1, Ordering::Relaxed);
            task.save_checkpoint(step, &mut |directory| {
                std::fs::write(directory.join("state"), &state).unwrap();
                Ok(())
            })?;
            let figures = [("loss".to_owned(), 1.0 / step as f64)].into();
            task.progress(Progress { step, of: Some(10), figures })?;
            if FAILS_AFTER.compare_exchange(step as usize, usize::MAX, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
                return Err(StageError::new("the machine went away"));
            }
        }
        assert!(task.scratch()?.is_dir());
        outputs.policy(OUT, PolicyFacts::default(), &mut |directory| {
            state.insert(0, before + 1);
            std::fs::write(directory.join("model.safetensors"), &state).unwrap();
            Ok(())
        })
    }
}

macro_rules! built_in {
    ($($stage:ident $name:literal),*) => {
        $(impl BuiltIn for $stage {
            type Options = Steps;
            const NAME: &'static str = $name;
            const SUMMARY: &'static str = "";
            const DOCUMENTATION: &'static str = "";
            const VERSION: u32 = 1;

            fn build(options: Steps, _: &BuildContext<'_>) -> Result<Self, Vec<Problem>> {
                Ok(Self(options))
            }
        })*
    };
}

built_in!(Fresh "fresh", Train "train", Judge "judge", Long "long");

fn registry() -> Registry {
    Registry::new([
        StageKind::of::<Fresh>(),
        StageKind::of::<Train>(),
        StageKind::of::<Judge>(),
        StageKind::of::<Long>(),
    ])
}

fn loaded(yaml: &str) -> Result<Checked, LoadError> {
    let text = format!("version: 1\n{yaml}");
    Origin::written(Path::new("loop.yaml"), text, std::env::temp_dir()).check(&registry())
}

struct Ran {
    report: RunReport,
    events: Vec<Event>,
}

impl Ran {
    /// Names of the stages that have a result, and whether it was computed.
    fn stages(&self) -> Vec<(String, bool)> {
        self.report.stages.iter().map(|stage| (stage.stage.clone(), stage.computed > 0)).collect()
    }
}

fn run(yaml: &str, store: &Store) -> Ran {
    tried(yaml, store).unwrap_or_else(|error| panic!("{error}"))
}

fn tried(yaml: &str, store: &Store) -> Result<Ran, RunError> {
    let checked = loaded(yaml).unwrap_or_else(|error| panic!("{error}"));
    let jobs = checked.jobs().unwrap();
    let events = std::sync::Mutex::new(Vec::new());
    let options = RunOptions { threads: 1, ..RunOptions::default() };
    let engine = Engine::new(store, &options).with_loop(checked.loop_control());
    let observe = |record: &sternlight_engine::event::Record| events.lock().unwrap().push(record.event.clone());
    let report = engine.run("loop", Path::new("loop.yaml"), &jobs, &observe)?;
    Ok(Ran { report, events: events.into_inner().unwrap() })
}

/// What tells one artifact from another, by the name of the output.
fn made(ran: &Ran, store: &Store) -> Vec<(String, String)> {
    let all = ran.report.stages.iter().flat_map(|stage| stage.manifests());
    all.map(|(name, manifest)| match store.artifact(&manifest).unwrap() {
        Artifact::Policy(policy) => (name, policy.digest()),
        Artifact::Table(table) => (name, table.digest.clone()),
        Artifact::Dataset(_) => panic!("no dataset"),
    })
    .collect()
}

/// Bytes of policies that lie in the store.
fn policy_bytes(store: &Store) -> u64 {
    let files = files_below(&store.root().join("data"));
    files.iter().filter(|path| path.ends_with("model.safetensors")).map(|path| path.metadata().unwrap().len()).sum()
}

const STAGES: &str = "
stages:
  student: {uses: fresh}
  train: {uses: train, from: {policy: student}}
  judge: {uses: judge, from: {policy: train}}
";

#[test]
fn a_loop_is_what_one_would_write_by_hand() {
    let (_one, store) = store();
    let looped = run(&format!("loop: {{times: 3, carry: {{student: train}}, keep: 9}}{STAGES}"), &store);
    let by_hand = "
stages:
  student: {uses: fresh}
  train-0: {uses: train, from: {policy: student}}
  judge-0: {uses: judge, from: {policy: train-0}}
  train-1: {uses: train, from: {policy: train-0}}
  judge-1: {uses: judge, from: {policy: train-1}}
  train-2: {uses: train, from: {policy: train-1}}
  judge-2: {uses: judge, from: {policy: train-2}}
";
    let hand = run(by_hand, &store);
    assert!(hand.stages().iter().all(|(_, computed)| !computed), "equal keys: {:?}", hand.stages());
    let renamed = |name: &str| name.replace('@', "-");
    let looped: BTreeSet<_> =
        made(&looped, &store).into_iter().map(|(name, digest)| (renamed(&name), digest)).collect();
    assert_eq!(looped, made(&hand, &store).into_iter().collect());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// The order in which a file names its stages, and so that in which those that are ready run, reaches no result.
    #[test]
    fn any_graph_comes_to_the_same_in_any_order(
        edges in proptest::collection::vec((any::<prop::sample::Index>(), any::<bool>()), 1..7),
        order in any::<u64>(),
    ) {
        let mut stages = vec!["  p0: {uses: fresh}".to_owned()];
        for (index, (from, is_judge)) in edges.iter().enumerate() {
            let policies: Vec<usize> =
                (0..=index).filter(|at| *at == 0 || !edges[*at - 1].1).collect();
            let from = policies[from.index(policies.len())];
            let (name, uses) = if *is_judge { ("j", "judge") } else { ("p", "train") };
            stages.push(format!("  {name}{}: {{uses: {uses}, from: {{policy: p{from}}}}}", index + 1));
        }
        let (_one, store_of_one) = store();
        let expected: BTreeSet<_> =
            made(&run(&format!("stages:\n{}", stages.join("\n")), &store_of_one), &store_of_one).into_iter().collect();
        // Rotated and turned round: a few of all orders.
        let places = stages.len();
        stages.rotate_left(order as usize % places);
        if order % 2 == 0 {
            stages.reverse();
        }
        let (_other, store_of_other) = store();
        let ran = run(&format!("stages:\n{}", stages.join("\n")), &store_of_other);
        prop_assert_eq!(made(&ran, &store_of_other).into_iter().collect::<BTreeSet<_>>(), expected);
    }
}

#[test]
fn conditions_decide_what_runs_and_when_the_loop_ends() {
    let (_directory, store) = store();
    let yaml = "
params: {goal: 0.4}
loop: {times: 9, carry: {student: train}, until: judge.success >= params.goal}
stages:
  student: {uses: fresh}
  train: {uses: train, from: {policy: student}}
  judge: {uses: judge, from: {policy: train}, when: iteration % 2 = 1}
  last: {uses: judge, from: {policy: train}, with: {salt: 3}, when: last}
";
    let ran = run(yaml, &store);
    let names: Vec<String> = ran.stages().into_iter().map(|(name, _)| name).collect();
    // It is judged after the second and the fourth training: 0.2, then 0.4.
    assert_eq!(names, ["student", "train@0", "train@1", "judge@1", "train@2", "train@3", "judge@3", "last@3"]);
    let ends: Vec<(u64, bool)> = ran
        .events
        .iter()
        .filter_map(|event| match event {
            Event::IterationFinished { iteration, last, .. } => Some((*iteration, *last)),
            _ => None,
        })
        .collect();
    assert_eq!(ends, [(0, false), (1, false), (2, false), (3, true)]);
}

#[test]
fn what_has_had_its_use_goes_and_the_store_stays_flat() {
    for (keep, expected) in [(0, 2), (2, 4)] {
        let (_directory, store) = store();
        let yaml = format!("loop: {{times: 30, carry: {{student: train}}, keep: {keep}}}{STAGES}");
        run(&yaml, &store);
        // The fresh one, the last, and those that are kept besides.
        assert_eq!(policy_bytes(&store), expected * BYTES as u64);
        let again = run(&yaml, &store);
        assert!(again.stages().iter().all(|(_, computed)| !computed), "what is known of them is enough");
    }
}

#[test]
fn the_best_one_stays() {
    let (_directory, store) = store();
    let ran = run(&format!("loop: {{times: 6, carry: {{student: train}}, keep_best: judge.success}}{STAGES}"), &store);
    let figures: Vec<f64> =
        ran.report.stages.iter().filter_map(|stage| stage.figures.get("success").copied()).collect();
    assert_eq!(figures, [0.1, 0.2, 0.3, 0.4, 0.3, 0.2]);
    assert_eq!(policy_bytes(&store), 3 * BYTES as u64, "the fresh one, the best, and the last");
}

#[test]
fn the_newest_stays_though_it_is_of_an_earlier_iteration() {
    let (_directory, store) = store();
    let yaml = "
loop: {times: 2, carry: {student: train}}
stages:
  student: {uses: fresh}
  train: {uses: train, from: {policy: student}, when: iteration % 2 = 0}
  judge: {uses: judge, from: {policy: train}}
";
    let names: Vec<String> = run(yaml, &store).stages().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["student", "train@0", "judge@0", "judge@1"]);
    assert_eq!(policy_bytes(&store), 2 * BYTES as u64, "the fresh one, and what the loop came to");
}

#[test]
fn the_best_is_what_was_judged_not_what_was_made_meanwhile() {
    let (_directory, store) = store();
    let yaml = "
loop: {times: 7, carry: {student: train}, keep_best: judge.success}
stages:
  student: {uses: fresh}
  judge: {uses: judge, from: {policy: student}}
  train: {uses: train, from: {policy: student}}
";
    let ran = run(yaml, &store);
    let figures: Vec<f64> =
        ran.report.stages.iter().filter_map(|stage| stage.figures.get("success").copied()).collect();
    assert_eq!(figures, [0.0, 0.1, 0.2, 0.3, 0.4, 0.3, 0.2]);
    let policy = |name: &str| {
        let manifest = ran.report.stages.iter().find(|stage| stage.stage == name).unwrap().outputs[0].manifest.clone();
        let Artifact::Policy(policy) = store.artifact(&manifest).unwrap() else { panic!("a policy") };
        policy
    };
    // Judged in the fifth iteration, made in the fourth.
    let there: Vec<bool> = (0..7).map(|iteration| !policy(&format!("train@{iteration}")).is_released()).collect();
    assert_eq!(there, [false, false, false, true, false, false, true]);
}

#[test]
fn what_a_pinned_run_needs_is_released_by_no_other() {
    let (_directory, store) = store();
    let yaml = |keep: u64| format!("loop: {{times: 4, carry: {{student: train}}, keep: {keep}}}{STAGES}");
    run(&yaml(9), &store);
    let pinned = store.runs().unwrap().remove(0);
    store.pin(&pinned).unwrap();
    run(&yaml(0), &store);
    assert_eq!(policy_bytes(&store), 5 * BYTES as u64);
    store.unpin(&pinned).unwrap();
    run(&yaml(0), &store);
    assert_eq!(policy_bytes(&store), 2 * BYTES as u64);
}

#[test]
fn the_iteration_may_come_in_through_an_anchor() {
    let (_directory, store) = store();
    let yaml = "
loop: {times: 2, carry: {student: train}}
stages:
  student: {uses: fresh}
  train: {uses: train, from: {policy: student}, with: &options {salt: '${iteration}'}}
  other: {uses: fresh, with: *options}
";
    let names: BTreeSet<String> = run(yaml, &store).stages().into_iter().map(|(name, _)| name).collect();
    assert!(names.contains("other@0") && names.contains("other@1"), "{names:?}");
}

#[test]
fn a_policy_that_is_needed_after_all_is_made_again() {
    let (_directory, store) = store();
    let yaml = |salt: u64| {
        format!(
            "
loop: {{times: 5, carry: {{student: train}}}}
stages:
  student: {{uses: fresh}}
  train: {{uses: train, from: {{policy: student}}}}
  judge: {{uses: judge, from: {{policy: train}}, with: {{salt: {salt}}}}}
"
        )
    };
    let before = made(&run(&yaml(0), &store), &store);
    let trained = TRAINED.load(Ordering::Relaxed);
    let ran = run(&yaml(1), &store);
    let computed: Vec<String> =
        ran.stages().into_iter().filter(|(_, computed)| *computed).map(|(name, _)| name).collect();
    assert_eq!(computed, ["judge@0", "judge@1", "judge@2", "judge@3", "judge@4"]);
    assert!(TRAINED.load(Ordering::Relaxed) > trained, "what was released was trained again");
    let policies = |made: &[(String, String)]| -> Vec<(String, String)> {
        made.iter().filter(|(name, _)| name.starts_with("train@")).cloned().collect()
    };
    assert_eq!(policies(&before), policies(&made(&ran, &store)));
    assert_eq!(policy_bytes(&store), 2 * BYTES as u64, "and has gone again");
    // One from the middle: of those that lead to it none stays longer than it is read.
    let late = yaml(0).replace("with: {salt: 0}", "when: iteration = 3, with: {salt: 7}");
    let computed: Vec<String> =
        run(&late, &store).stages().into_iter().filter(|(_, computed)| *computed).map(|(name, _)| name).collect();
    assert_eq!(computed, ["judge@3"]);
    assert_eq!(policy_bytes(&store), 2 * BYTES as u64);
}

#[test]
fn a_long_stage_goes_on_from_where_it_was_and_leaves_nothing() {
    let yaml = "
loop: {times: 2, carry: {student: long}, keep: 9}
stages:
  student: {uses: fresh}
  long: {uses: long, from: {policy: student}}
";
    let (_one, undisturbed) = store();
    let expected = made(&run(yaml, &undisturbed), &undisturbed);
    let (_other, store) = store();
    let before = DONE.load(Ordering::Relaxed);
    for step in [7, 3] {
        FAILS_AFTER.store(step, Ordering::Relaxed);
        let error = tried(yaml, &store).err().unwrap();
        assert!(error.to_string().contains("the machine went away"), "{error}");
    }
    let ran = run(yaml, &store);
    assert_eq!(made(&ran, &store), expected);
    // Seven, then the other three and three of the second iteration, then the rest: no step twice.
    assert_eq!(DONE.load(Ordering::Relaxed) - before, 20);
    let left: Vec<_> =
        ["checkpoints", "scratch"].iter().flat_map(|name| files_below(&store.root().join(name))).collect();
    assert!(left.is_empty(), "{left:?}");
    let told = ran.events.iter().filter(|event| matches!(event, Event::Progressed { .. })).count();
    assert!(told >= 1, "the last step is always told");
}

#[test]
fn loops_that_cannot_be_are_told_at_their_place() {
    let said = |yaml: &str| loaded(yaml).err().map_or_else(|| "nothing".to_owned(), |error| error.to_string());
    let faults = [
        format!("loop: {{times: 3, carry: {{student: trian}}}}{STAGES}"),
        format!("loop: {{times: 3, carry: {{student: judge}}}}{STAGES}"),
        format!("loop: {{times: 3, carry: {{pupil: train}}}}{STAGES}"),
        format!("loop: {{times: 0, carry: {{student: train}}}}{STAGES}"),
        format!("loop: {{times: 3, carry: {{student: train}}, until: judge.loss > 1}}{STAGES}"),
        format!("loop: {{times: 3, carry: {{student: train}}, until: iteration > 1}}{STAGES}"),
        format!("loop: {{times: 3, carry: {{student: train}}, keep_best: student.success}}{STAGES}"),
        format!("loop: {{times: 3, carry: {{}}}}{STAGES}"),
        "loop: {times: 3, carry: {student: train}}\nstages:\n  student: {uses: fresh}\n  train: {uses: train, from: {policy: student}}\n  judge: {uses: judge, from: {policy: train}, when: other > 3}".to_owned(),
        "loop: {times: 3, carry: {student: train}}\nstages:\n  student: {uses: fresh}\n  train: {uses: train, from: {policy: student}, when: iteration > 0}\n  judge: {uses: judge, from: {policy: train}}".to_owned(),
        "loop: {times: 3, carry: {before: train}}\nstages:\n  train: {uses: train, from: {policy: before}}".to_owned(),
    ];
    insta::assert_snapshot!(faults.iter().map(|yaml| said(yaml)).collect::<Vec<_>>().join("\n"),
        @"
    loop.yaml:2:35: error: there is no stage named `trian`
      |
    2 | loop: {times: 3, carry: {student: trian}}
      |                                   ^^^^^
      = help: did you mean `train`?

    loop.yaml:5:39: error: `train` takes a policy as `policy`, and `judge` is a table
      |
    5 |   train: {uses: train, from: {policy: student}}
      |                                       ^^^^^^^
      = help: what makes one: `student`

    loop.yaml:2:18: error: no stage reads what is carried: `pupil`
      |
    2 | loop: {times: 3, carry: {pupil: train}}
      |                  ^^^^^
      = help: let a stage take it by its name, as in `from: {policy: student}`

    loop.yaml:2:15: error: a loop of 0 iterations over 2 stages, expected 1 to 10000 iterations
      |
    2 | loop: {times: 0, carry: {student: train}}
      |               ^

    loop.yaml:2:50: error: `judge` has no figure `loss`
      |
    2 | loop: {times: 3, carry: {student: train}, until: judge.loss > 1}
      |                                                  ^^^^^^^^^^^^^^
      = help: it has `success`

    loop.yaml:2:50: error: `until` looks at no figure of a stage
      |
    2 | loop: {times: 3, carry: {student: train}, until: iteration > 1}
      |                                                  ^^^^^^^^^^^^^
      = help: as in `evaluate.success >= 0.95`; `times` counts iterations

    loop.yaml:2:54: error: `student` is not repeated, so that its figures never change
      |
    2 | loop: {times: 3, carry: {student: train}, keep_best: student.success}
      |                                                      ^^^^^^^^^^^^^^^
      = help: name a stage that reads what is carried

    loop.yaml:2:18: error: a loop that carries nothing
      |
    2 | loop: {times: 3, carry: {}}
      |                  ^^^^^
      = help: name what the next iteration reads, as in `carry: {student: distill}`

    loop.yaml:6:53: error: `other` has no meaning in `when`
      |
    6 |   judge: {uses: judge, from: {policy: train}, when: other > 3}
      |                                                     ^^^^^^^^^
      = help: known: `iteration`, `last`, and `params.NAME` for parameters that are no lists or maps

    loop.yaml:6:17: error: `judge` takes what `train` makes, which `when` leaves out up to iteration 0
      |
    6 |   judge: {uses: judge, from: {policy: train}}
      |                 ^^^^^
      = help: give both the same `when`, or let the one that is read run first

    loop.yaml:4:39: error: `before` is there from the second iteration on, and `policy` must not be missing
      |
    4 |   train: {uses: train, from: {policy: before}}
      |                                       ^^^^^^
      = help: let `carry` name a stage, which serves the first iteration, instead of `before`
    "
    );
}
