//! What a pipeline repeats: which stages, what an iteration hands to the next, and when it ends.

use std::collections::BTreeMap;

use serde_yaml::Value;

use super::document::LoopEntry;
use super::draft::Draft;
use super::index::{Content, Document, Node};
use super::interpolation::names_iteration;
use super::model::{Figured, Looping, OutputReference, StageNode};
use super::parameters::find_scalar;
use super::report::Report;
use crate::condition::Condition;
use crate::problem::{Problem, Segment, nearest};

/// Iterations and stages of each that a run may have: what is planned ahead is held in memory.
const MOST_INSTANCES: u64 = 20_000;

/// The figure that a text names, as `evaluate.success`.
fn figured(text: &str) -> Option<Figured> {
    let (stage, figure) = text.split_once('.')?;
    Some(Figured { stage: stage.to_owned(), figure: figure.to_owned() })
}

/// What is carried, by the name under which the next iteration reads it.
#[derive(Debug, Default)]
pub(super) struct Carried(BTreeMap<String, CarriedOutput>);

/// The output that is carried, as it is written.
#[derive(Debug)]
pub(super) struct CarriedOutput {
    pub(super) text: String,
}

impl Carried {
    pub(super) fn get(&self, name: &str) -> Option<&CarriedOutput> {
        self.0.get(name)
    }
}

/// What an iteration hands to the next; names that lead nowhere are reported and left out.
pub(super) fn carried(repeat: &LoopEntry, drafts: &[Draft], report: &mut Report<'_>) -> Carried {
    let document = report.document;
    let mut carried = BTreeMap::new();
    for (name, text) in &repeat.carry {
        let path: Vec<Segment> = ["loop", "carry", name].map(Segment::from).to_vec();
        let stage = text.split('.').next().unwrap_or_default();
        let names = || drafts.iter().map(|draft| draft.node.name.as_str());
        if report.is_unknown(&path) {
            continue;
        }
        if !names().any(|known| known == stage) {
            let mut error = document.error(document.value_span(&path), format!("there is no stage named `{stage}`"));
            error.help = nearest(stage, names()).map(|meant| format!("did you mean `{meant}`?"));
            report.add(error);
            continue;
        }
        carried.insert(name.clone(), CarriedOutput { text: text.clone() });
    }
    if repeat.carry.is_empty() && !report.is_unknown(&["loop".into(), "carry".into()]) {
        let error = document.error(document.key_span(&["loop".into(), "carry".into()]), "a loop that carries nothing");
        report.add(error.help("name what the next iteration reads, as in `carry: {student: distill}`"));
    }
    Carried(carried)
}

/// The loop over stages whose inputs are resolved.
pub(super) fn looping(
    repeat: LoopEntry,
    stages: &[StageNode],
    order: &[usize],
    params: &Value,
    report: &mut Report<'_>,
) -> Option<Looping> {
    let path = |key: &str| vec![Segment::from("loop"), key.into()];
    let in_loop = repeated(stages, order, report);
    let carried: Vec<OutputReference> =
        unique(stages.iter().flat_map(|stage| &stage.inputs).filter_map(|input| input.carried.clone()));
    let document = report.document;
    if carried.is_empty() && !report.diagnostics.is_empty() {
        // Whoever reads it may be what is at fault.
        return None;
    }
    if carried.is_empty() && !repeat.carry.is_empty() {
        let names: Vec<&str> = repeat.carry.keys().map(String::as_str).collect();
        let error = document.error(
            document.key_span(&path("carry")),
            format!("no stage reads what is carried: `{}`", names.join("`, `")),
        );
        report.add(error.help("let a stage take it by its name, as in `from: {policy: student}`"));
        return None;
    }
    for output in &carried {
        if !in_loop.contains(&output.stage) {
            let name = stages.get(output.stage).map_or("", |stage| stage.name.as_str());
            let error = document.error(
                document.key_span(&path("carry")),
                format!("`{name}` reads nothing that is carried, so that each iteration would carry the same"),
            );
            report.add(error.help("carry what a stage makes that depends on what is carried"));
            return None;
        }
    }
    if repeat.times == 0 || repeat.times.saturating_mul(in_loop.len() as u64) > MOST_INSTANCES {
        let (times, count) = (repeat.times, in_loop.len());
        let message = format!(
            "a loop of {times} iterations over {count} stages, expected 1 to {} iterations",
            MOST_INSTANCES / (count as u64).max(1)
        );
        report.add(document.error(document.value_span(&path("times")), message));
        return None;
    }
    let until = repeat.until.and_then(|text| until(&text, &path("until"), (stages, &in_loop), params, report));
    let keep_best = repeat.keep_best.and_then(|text| {
        let unnamed = || Problem::new(format!("`{text}` names no figure")).help("as in `evaluate.success`");
        let found = figured(&text)
            .ok_or_else(unnamed)
            .and_then(|found| figure_problem(&found, stages, &in_loop).map_or(Ok(found), Err));
        found.map_err(|problem| report.problems(&path("keep_best"), None, vec![problem])).ok()
    });
    let (now, last): (Vec<usize>, Vec<usize>) = in_loop.iter().partition(|stage| !waits_for_last(**stage, stages));
    for stage in &now {
        let reads_last = |input: &&super::model::InputReference| {
            let outputs = [&input.first, &input.carried];
            outputs.into_iter().flatten().any(|output| waits_for_last(output.stage, stages))
        };
        let Some(node) = stages.get(*stage) else { continue };
        if let Some(input) = node.inputs.iter().find(reads_last) {
            let message = format!("`{}` runs in every iteration, and takes what only the last one makes", node.name);
            let error = document.error(input.span.clone(), message).stage(&node.name);
            report.add(error.help("give both the same `when`"));
        }
    }
    let stages = now.into_iter().chain(last).collect();
    Some(Looping { times: repeat.times, stages, carried, until, keep: repeat.keep, keep_best })
}

fn unique(outputs: impl Iterator<Item = OutputReference>) -> Vec<OutputReference> {
    let mut found: Vec<OutputReference> = Vec::new();
    for output in outputs {
        if !found.contains(&output) {
            found.push(output);
        }
    }
    found
}

fn waits_for_last(stage: usize, stages: &[StageNode]) -> bool {
    let when = stages.get(stage).and_then(|stage| stage.when.as_ref());
    when.is_some_and(|when| when.names().contains(&"last"))
}

/// The stages that are repeated: those that read what is carried, have the iteration in their options or in `when`, and all
/// that read one of these.
fn repeated(stages: &[StageNode], order: &[usize], report: &Report<'_>) -> Vec<usize> {
    let mut found: Vec<usize> = Vec::new();
    for stage in order {
        let Some(node) = stages.get(*stage) else { continue };
        let reads = node.inputs.iter().any(|input| {
            input.carried.is_some() || input.first.as_ref().is_some_and(|output| found.contains(&output.stage))
        });
        let of_iteration =
            node.when.as_ref().is_some_and(|when| when.names().iter().any(|name| !name.starts_with("params.")));
        let place = report.document.place(&["stages".into(), node.name.as_str().into()]);
        if reads || of_iteration || mentions_iteration(place.node, report.document) {
            found.push(*stage);
        }
    }
    found
}

fn mentions_iteration(node: &Node, document: &Document) -> bool {
    match &node.content {
        Content::Scalar { text, .. } => names_iteration(text),
        Content::Sequence(items) => items.iter().any(|item| mentions_iteration(item, document)),
        Content::Mapping(entries) => entries.iter().any(|entry| mentions_iteration(&entry.value, document)),
        Content::Alias(id) => document.anchored(*id).is_some_and(|target| mentions_iteration(target, document)),
    }
}

fn until(
    text: &str,
    path: &[Segment],
    (stages, in_loop): (&[StageNode], &[usize]),
    params: &Value,
    report: &mut Report<'_>,
) -> Option<Condition> {
    let condition = match Condition::parse(text) {
        Ok(condition) => condition,
        Err(problem) => {
            report.problems(path, None, vec![problem]);
            return None;
        }
    };
    let names = condition.names();
    let known = |name: &str| name == "iteration" || find_scalar(params, name).is_some();
    let figures: Vec<Figured> = names.iter().filter(|name| !known(name)).filter_map(|name| figured(name)).collect();
    let mut problems: Vec<Problem> = names
        .iter()
        .filter(|name| !known(name) && figured(name).is_none())
        .map(|name| {
            Problem::new(format!("`{name}` names no figure of a stage")).help("as in `evaluate.success >= 0.95`")
        })
        .collect();
    problems.extend(figures.iter().filter_map(|figured| figure_problem(figured, stages, in_loop)));
    if figures.is_empty() && problems.is_empty() {
        problems.push(
            Problem::new("`until` looks at no figure of a stage")
                .help("as in `evaluate.success >= 0.95`; `times` counts iterations"),
        );
    }
    if let Some(figured) = figures.iter().find(|figured| {
        stages.iter().position(|stage| stage.name == figured.stage).is_some_and(|stage| waits_for_last(stage, stages))
    }) {
        let message = format!("`{}` runs only once it is known which iteration is the last", figured.stage);
        problems.push(Problem::new(message).help("look at a stage that runs before"));
    }
    match problems.is_empty() {
        true => Some(condition),
        false => {
            problems.truncate(1);
            report.problems(path, None, problems);
            None
        }
    }
}

/// Why a figure is none.
fn figure_problem(figured: &Figured, stages: &[StageNode], in_loop: &[usize]) -> Option<Problem> {
    let Figured { stage, figure } = figured;
    let found = stages.iter().enumerate().find(|(_, node)| node.name == *stage);
    let Some((index, node)) = found else {
        let problem = Problem::new(format!("there is no stage named `{stage}`"));
        return Some(match nearest(stage, stages.iter().map(|node| node.name.as_str())) {
            Some(meant) => problem.help(format!("did you mean `{meant}.{figure}`?")),
            None => problem.help("write a name with `-` in double quotes: `\"evaluate-small\".success`"),
        });
    };
    if !in_loop.contains(&index) {
        let problem = Problem::new(format!("`{stage}` is not repeated, so that its figures never change"));
        return Some(problem.help("name a stage that reads what is carried"));
    }
    let figures = node.built.as_ref()?.stage.figures();
    if figures.iter().any(|known| known.name == figure) {
        return None;
    }
    let problem = Problem::new(format!("`{stage}` has no figure `{figure}`"));
    let names: Vec<String> = figures.iter().map(|known| format!("`{}`", known.name)).collect();
    Some(match names.as_slice() {
        [] => problem.help(format!("`{}` has none", node.uses)),
        _ => problem.help(format!("it has {}", names.join(", "))),
    })
}
