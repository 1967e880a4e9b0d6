//! Resolves what stages take from each other, and puts them in order: names, outputs, cycles, ends.

use std::ops::Range;

use petgraph::algo::tarjan_scc;
use petgraph::graph::{DiGraph, NodeIndex};

use super::draft::{Draft, below};
use super::model::{InputReference, StageNode};
use super::report::Report;
use super::stage_entry::From;
use super::targets::check_names;
use crate::problem::{Segment, nearest};
use crate::stage::Work;

/// The output that every built-in stage has.
const DEFAULT_OUTPUT: &str = "out";

/// The stages with their inputs resolved, and an order in which each comes behind its inputs.
pub(super) fn resolve(drafts: Vec<Draft>, report: &mut Report<'_>) -> (Vec<StageNode>, Vec<usize>) {
    let inputs: Vec<Vec<InputReference>> = drafts.iter().map(|draft| references(draft, &drafts, report)).collect();
    check_names(&drafts, report);
    let order = match check_cycles(&drafts, &inputs, report) {
        true => Vec::new(),
        false => ordered(&inputs),
    };
    let stages = drafts.into_iter().zip(inputs).map(|(draft, inputs)| StageNode { inputs, ..draft.node }).collect();
    (stages, order)
}

/// A `stage.output` as written, with its place and the input that it is bound to.
struct Written<'a> {
    text: &'a str,
    span: Range<usize>,
    path: Vec<Segment>,
    binding: Option<&'a str>,
}

fn written<'a>(draft: &'a Draft, report: &Report<'_>) -> Vec<Written<'a>> {
    let path = below(&draft.path, "from");
    let one = |text: &'a str, path: Vec<Segment>, binding| {
        let span = report.document.value_span(&path);
        Written { text, span, path, binding }
    };
    match &draft.from {
        None => Vec::new(),
        Some(From::One(text)) => vec![one(text, path, None)],
        Some(From::List(texts)) => texts
            .iter()
            .enumerate()
            .map(|(index, text)| one(text, path.iter().cloned().chain([index.into()]).collect(), None))
            .collect(),
        Some(From::Named(texts)) => {
            texts.iter().map(|(name, text)| one(text, below(&path, name), Some(name.as_str()))).collect()
        }
    }
}

/// Resolves the `from` of a stage.
fn references(draft: &Draft, drafts: &[Draft], report: &mut Report<'_>) -> Vec<InputReference> {
    let document = report.document;
    let name = &draft.node.name;
    let from_path = below(&draft.path, "from");
    let work = draft.node.built.as_ref().map(|built| built.stage.work());
    match (&work, &draft.from) {
        (Some(Work::Source(_)), Some(_)) => {
            let message = format!("`{name}` brings trajectories in, and takes none from another stage");
            let error = document.error(document.key_span(&from_path), message).stage(name);
            report.add(error.help("take `from` out"));
            return Vec::new();
        }
        (Some(Work::Transform(_) | Work::Sink(_)), None) if !report.is_unknown(&from_path) => {
            let error = document.error(document.key_span(&draft.path), format!("the stage `{name}` has no `from`"));
            let example = before(draft, drafts).unwrap_or("import");
            report.add(error.stage(name).help(format!("say whose output it takes, as in `from: {example}`")));
        }
        (Some(_), Some(From::Named(_))) => {
            let message = format!("`{name}` has one input, and a map names several");
            let error = document.error(document.key_span(&from_path), message).stage(name);
            report.add(error.help("write the name of the stage alone, as in `from: import`"));
        }
        (_, Some(From::List(list))) if list.is_empty() => {
            let error = document.error(document.value_span(&from_path), "`from` lists no stage").stage(name);
            report.add(error.help("name at least one"));
        }
        _ => {}
    }
    let mut references: Vec<InputReference> = Vec::new();
    for one in written(draft, report) {
        let Some(reference) = reference(&one, name, drafts, report) else { continue };
        let twice = references.iter().find(|known| known.stage == reference.stage && known.output == reference.output);
        match twice {
            Some(first) if one.binding.is_none() => {
                let error = document.error(one.span, format!("`{}` is joined with itself", one.text)).stage(name);
                report.add(error.related(first.span.clone(), "first here").help("name each stage once"));
            }
            _ => references.push(reference),
        }
    }
    references
}

/// The stage above in the file, or the first.
fn before<'a>(draft: &Draft, drafts: &'a [Draft]) -> Option<&'a str> {
    let at = drafts.iter().position(|other| other.node.name == draft.node.name)?;
    drafts.get(at.checked_sub(1)?).map(|other| other.node.name.as_str())
}

fn reference(one: &Written<'_>, stage: &str, drafts: &[Draft], report: &mut Report<'_>) -> Option<InputReference> {
    if report.is_unknown(&one.path) {
        return None;
    }
    let (name, output) = one.text.split_once('.').unwrap_or((one.text, DEFAULT_OUTPUT));
    let error = |message: String| report.document.error(one.span.clone(), message).stage(stage);
    let Some(index) = drafts.iter().position(|draft| draft.node.name == name) else {
        let error = error(format!("there is no stage named `{name}`")).label("not among `stages`");
        let names = || drafts.iter().map(|draft| draft.node.name.as_str()).filter(|known| *known != stage);
        let error = match nearest(name, names()) {
            Some(meant) => error.help(format!("did you mean `{meant}`?")),
            None => {
                let known: Vec<String> = names().map(|known| format!("`{known}`")).collect();
                error.help(format!("stages: {}", known.join(", ")))
            }
        };
        report.add(error);
        return None;
    };
    let target = drafts.get(index)?;
    if target.node.built.as_ref().is_some_and(|built| matches!(built.stage.work(), Work::Sink(_))) {
        let error = error(format!("`{name}` writes files, and hands no trajectories on"));
        report.add(error.help(format!("name the stage from which `{name}` takes its trajectories")));
        return None;
    }
    if target.has_one_output && output != DEFAULT_OUTPUT {
        let error = error(format!("`{name}` has no output `{output}`")).label("its only output is `out`");
        report.add(error.help(format!("write `{name}`")));
        return None;
    }
    let binding = one.binding.map(str::to_owned);
    Some(InputReference { stage: index, output: output.to_owned(), binding, span: one.span.clone() })
}

/// Reports every cycle once; whether there was any.
fn check_cycles(drafts: &[Draft], inputs: &[Vec<InputReference>], report: &mut Report<'_>) -> bool {
    let mut graph = DiGraph::<(), ()>::new();
    let nodes: Vec<NodeIndex> = drafts.iter().map(|_| graph.add_node(())).collect();
    for (stage, references) in inputs.iter().enumerate() {
        for reference in references {
            if let (Some(from), Some(to)) = (nodes.get(reference.stage), nodes.get(stage)) {
                graph.update_edge(*from, *to, ());
            }
        }
    }
    let mut found = false;
    for component in tarjan_scc(&graph) {
        let members: Vec<usize> = component.iter().map(|node| node.index()).collect();
        let Some(cycle) = cycle_in(&members, inputs) else { continue };
        found = true;
        let name = |stage: usize| drafts.get(stage).map_or("", |draft| draft.node.name.as_str());
        let Some((first, others)) = cycle.split_first() else { continue };
        // Each names the one before it; trajectories would go the other way.
        let flow: Vec<&str> =
            [first].into_iter().chain(others.iter().rev()).chain([first]).map(|one| name(one.0)).collect();
        let round = flow.join(" -> ");
        let mut error = report
            .document
            .error(first.1.clone(), format!("the stages go round in a circle: {round}"))
            .label(format!("`{}` takes this", name(first.0)))
            .stage(name(first.0))
            .help("let one of them take its trajectories from a stage outside of the circle");
        for (stage, span) in others {
            error = error.related(span.clone(), format!("`{}` takes this", name(*stage)));
        }
        report.add(error);
    }
    found
}

/// A cycle among these stages: each with the place where it names the next, beginning with the first in the
/// file. `None` if the only member does not take from itself.
fn cycle_in(members: &[usize], inputs: &[Vec<InputReference>]) -> Option<Vec<(usize, Range<usize>)>> {
    let start = *members.iter().min()?;
    let mut walked: Vec<(usize, Range<usize>)> = Vec::new();
    let mut at = start;
    // Every stage of the component takes from another one of it: walking on must come back to a stage.
    while !walked.iter().any(|(stage, _)| *stage == at) {
        let next = inputs.get(at)?.iter().find(|reference| members.contains(&reference.stage))?;
        walked.push((at, next.span.clone()));
        at = next.stage;
    }
    let begin = walked.iter().position(|(stage, _)| *stage == at)?;
    Some(walked.split_off(begin))
}

/// Each stage behind its inputs; among those that are free, the first in the file.
fn ordered(inputs: &[Vec<InputReference>]) -> Vec<usize> {
    let mut order: Vec<usize> = Vec::with_capacity(inputs.len());
    while let Some(next) = inputs.iter().enumerate().position(|(stage, references)| {
        !order.contains(&stage) && references.iter().all(|reference| order.contains(&reference.stage))
    }) {
        order.push(next);
    }
    order
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::loaded;

    fn errors(stages: &str) -> String {
        loaded(&format!("version: 1\nstages:\n{stages}"), &[]).unwrap_err().to_string()
    }

    #[test]
    fn circles_are_named_once() {
        let stages = "  read: {uses: read, with: {files: a}}
  a: {uses: score, from: c}
  b: {uses: score, from: [read, a]}
  c: {uses: score, from: b}
  self: {uses: credit, from: self}
";
        insta::assert_snapshot!(errors(stages), @"
        demo.yaml:4:26: error: the stages go round in a circle: a -> b -> c -> a
          |
        4 |   a: {uses: score, from: c}
          |                          ^ `a` takes this
        5 |   b: {uses: score, from: [read, a]}
          |                                 - `b` takes this
        6 |   c: {uses: score, from: b}
          |                          - `c` takes this
          = help: let one of them take its trajectories from a stage outside of the circle

        demo.yaml:7:30: error: the stages go round in a circle: self -> self
          |
        7 |   self: {uses: credit, from: self}
          |                              ^^^^ `self` takes this
          = help: let one of them take its trajectories from a stage outside of the circle
        ");
    }

    #[test]
    fn ends_of_the_graph() {
        let stages = "  read: {uses: read, from: other, with: {files: a}}
  other: {uses: read, with: {files: b}}
  score: {uses: score}
  credit: {uses: credit, from: {data: read}}
  one: {uses: write, from: read, with: {to: x}}
  two: {uses: write, from: one, with: {to: x}}
  three: {uses: write, from: read, with: {to: x.old}}
  joined: {uses: score, from: [other, other]}
  empty: {uses: score, from: []}
";
        insta::assert_snapshot!(errors(stages), @"
        demo.yaml:3:22: error: `read` brings trajectories in, and takes none from another stage
          |
        3 |   read: {uses: read, from: other, with: {files: a}}
          |                      ^^^^
          = help: take `from` out

        demo.yaml:5:3: error: the stage `score` has no `from`
          |
        5 |   score: {uses: score}
          |   ^^^^^
          = help: say whose output it takes, as in `from: other`

        demo.yaml:6:26: error: `credit` has one input, and a map names several
          |
        6 |   credit: {uses: credit, from: {data: read}}
          |                          ^^^^
          = help: write the name of the stage alone, as in `from: import`

        demo.yaml:8:3: error: `two` writes where `one` writes
          |
        7 |   one: {uses: write, from: read, with: {to: x}}
          |   --- so does this
        8 |   two: {uses: write, from: one, with: {to: x}}
          |   ^^^ writes `/here/x`
          = help: give each a place of its own

        demo.yaml:8:28: error: `one` writes files, and hands no trajectories on
          |
        8 |   two: {uses: write, from: one, with: {to: x}}
          |                            ^^^
          = help: name the stage from which `one` takes its trajectories

        demo.yaml:9:3: error: `three` writes where `one` writes
          |
        7 |   one: {uses: write, from: read, with: {to: x}}
          |   --- so does this
          …
        9 |   three: {uses: write, from: read, with: {to: x.old}}
          |   ^^^^^ writes `/here/x.card`
          = help: give each a place of its own

        demo.yaml:10:39: error: `other` is joined with itself
           |
        10 |   joined: {uses: score, from: [other, other]}
           |                                ----- first here
           |                                       ^^^^^
           = help: name each stage once

        demo.yaml:11:30: error: `from` lists no stage
           |
        11 |   empty: {uses: score, from: []}
           |                              ^^
           = help: name at least one
        ");
    }
}
