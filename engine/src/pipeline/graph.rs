//! Resolves what stages take from each other, and puts them in order: names, outputs, cycles, ends.

use std::ops::Range;

use petgraph::algo::tarjan_scc;
use petgraph::graph::{DiGraph, NodeIndex};

use super::draft::{Draft, below};
use super::looping::Carried;
use super::model::{InputReference, OutputReference, StageNode};
use super::report::Report;
use super::stage_entry::{From, Names};
use super::targets::check_names;
use crate::artifact::ArtifactKind;
use crate::contract::{DATA, OUT};
use crate::problem::{Segment, nearest};
use crate::stage::{Arity, InputPort, OutputPort, Ports};

/// The stages with their inputs resolved, and an order in which each comes behind its inputs.
pub(super) fn resolve(drafts: Vec<Draft>, carried: &Carried, report: &mut Report<'_>) -> (Vec<StageNode>, Vec<usize>) {
    let known = Known { drafts: &drafts, carried };
    let inputs: Vec<Vec<InputReference>> = drafts.iter().map(|draft| references(draft, known, report)).collect();
    check_names(&drafts, report);
    let order = match check_cycles(&drafts, &inputs, report) {
        true => Vec::new(),
        false => ordered(&inputs),
    };
    let stages = drafts.into_iter().zip(inputs).map(|(draft, inputs)| StageNode { inputs, ..draft.node }).collect();
    (stages, order)
}

/// What names may lead to: stages, and what the iteration before has made.
#[derive(Clone, Copy)]
struct Known<'a> {
    drafts: &'a [Draft],
    carried: &'a Carried,
}

/// A `stage.output` as written, with its place and the port that it is bound to.
struct Written<'a> {
    text: &'a str,
    span: Range<usize>,
    path: Vec<Segment>,
    port: Option<&'a str>,
}

fn written<'a>(draft: &'a Draft, report: &Report<'_>) -> Vec<Written<'a>> {
    let path = below(&draft.path, "from");
    let one = |text: &'a str, path: Vec<Segment>, port| {
        let span = report.document.value_span(&path);
        Written { text, span, path, port }
    };
    let named = |names: &'a Names, path: Vec<Segment>, port: Option<&'a str>| match names {
        Names::One(text) => vec![one(text, path, port)],
        Names::Several(texts) => texts
            .iter()
            .enumerate()
            .map(|(index, text)| one(text, path.iter().cloned().chain([index.into()]).collect(), port))
            .collect(),
    };
    match &draft.from {
        None => Vec::new(),
        Some(From::First(names)) => named(names, path, None),
        Some(From::Ports(ports)) => {
            ports.iter().flat_map(|(port, names)| named(names, below(&path, port), Some(port.as_str()))).collect()
        }
    }
}

/// Resolves the `from` of a stage.
fn references(draft: &Draft, known: Known<'_>, report: &mut Report<'_>) -> Vec<InputReference> {
    let name = &draft.node.name;
    let ports = draft.node.built.as_ref().map(|built| built.stage.ports());
    let mut references: Vec<InputReference> = Vec::new();
    for one in written(draft, report) {
        let Some(reference) = reference(&one, draft, ports.as_ref(), known, report) else { continue };
        let same = |known: &&InputReference| {
            (&known.first, &known.carried, &known.port) == (&reference.first, &reference.carried, &reference.port)
        };
        match references.iter().find(same) {
            Some(first) => {
                let error = report.document.error(one.span, format!("`{}` is joined with itself", one.text));
                let error = error.stage(name).related(first.span.clone(), "first here");
                report.add(error.help("name each stage once"));
            }
            None => references.push(reference),
        }
    }
    if let Some(ports) = ports.as_ref().filter(|ports| check_ports(draft, ports, report)) {
        check_bound(draft, ports, &references, known.drafts, report);
        // In the order of the ports, whatever the order of a map.
        let order = |reference: &InputReference| ports.inputs.iter().position(|port| port.name == reference.port);
        references.sort_by_key(order);
    }
    references
}

/// Whether every port has what it takes.
fn check_bound(draft: &Draft, ports: &Ports, references: &[InputReference], drafts: &[Draft], report: &mut Report<'_>) {
    let (document, name) = (report.document, &draft.node.name);
    let from_path = below(&draft.path, "from");
    if report.is_unknown(&from_path) {
        return;
    }
    let example = |port: &InputPort, from: &str| match ports.inputs.first() {
        Some(first) if first == port => from.to_owned(),
        Some(first) if !first.optional => format!("{{ {}: …, {}: {from} }}", first.name, port.name),
        _ => format!("{{ {}: {from} }}", port.name),
    };
    match &draft.from {
        Some(_) if ports.inputs.is_empty() => {
            let error =
                document.error(document.key_span(&from_path), format!("`{name}` takes nothing from other stages"));
            report.add(error.stage(name).help("take `from` out"));
        }
        Some(From::First(Names::Several(list))) if list.is_empty() => {
            let error = document.error(document.value_span(&from_path), "`from` lists no stage").stage(name);
            report.add(error.help("name at least one"));
        }
        None => {
            let Some(port) = ports.inputs.iter().find(|port| !port.optional) else { return };
            let error = document.error(document.key_span(&draft.path), format!("the stage `{name}` has no `from`"));
            let from = before(draft, drafts, port).unwrap_or("import");
            let help = format!("say whose output it takes, as in `from: {}`", example(port, from));
            report.add(error.stage(name).help(help));
        }
        Some(from) => {
            for port in &ports.inputs {
                let bound: Vec<_> = references.iter().filter(|reference| reference.port == port.name).collect();
                let wanted = words(port.kinds);
                match bound.as_slice() {
                    // A name that leads nowhere was told of already.
                    [] if !port.optional && !from.names(port.name, ports) => {
                        let message = format!("`{name}` needs a {wanted} as `{}`", port.name);
                        let error = document.error(document.value_span(&from_path), message).stage(name);
                        let from = before(draft, drafts, port).unwrap_or("NAME");
                        report
                            .add(error.help(format!("name the stage that makes it: `from: {}`", example(port, from))));
                    }
                    [_, second, ..] if port.arity == Arity::One => {
                        let message = format!("`{name}` takes one {wanted} as `{}`, and several are named", port.name);
                        let error = document.error(second.span.clone(), message).stage(name);
                        report.add(error.help("name one stage"));
                    }
                    _ => {}
                }
            }
        }
    }
}

/// Kinds, for people: `policy`, `dataset or table`.
fn words(kinds: &[ArtifactKind]) -> String {
    kinds.iter().map(ArtifactKind::to_string).collect::<Vec<_>>().join(" or ")
}

/// The stage above in the file that makes what a port takes, or else the first that does.
fn before<'a>(draft: &Draft, drafts: &'a [Draft], port: &InputPort) -> Option<&'a str> {
    let at = drafts.iter().position(|other| other.node.name == draft.node.name)?;
    let fits = |other: &&'a Draft| {
        let built = other.node.built.as_ref();
        built.is_none_or(|built| built.stage.ports().outputs.iter().any(|output| port.kinds.contains(&output.kind)))
    };
    let (above, below) = drafts.split_at(at);
    let found = above.iter().rev().find(fits).or_else(|| below.iter().skip(1).find(fits))?;
    Some(&found.node.name)
}

/// Resolves one name. `ports`: of the stage that takes it, if they are known.
fn reference(
    one: &Written<'_>,
    draft: &Draft,
    ports: Option<&Ports>,
    known: Known<'_>,
    report: &mut Report<'_>,
) -> Option<InputReference> {
    if report.is_unknown(&one.path) {
        return None;
    }
    let stage = draft.node.name.as_str();
    let port = match (one.port, ports) {
        // One that is no port is reported once, whatever is named for it.
        (Some(name), Some(ports)) => Some(ports.inputs.iter().find(|port| port.name == name)?),
        (None, Some(ports)) => Some(ports.inputs.first()?),
        (_, None) => None,
    };
    let carried = known.carried.get(one.text);
    let is_stage = known.drafts.iter().any(|draft| draft.node.name == one.text);
    let (first, carried) = match carried {
        // The output was looked for where it is carried.
        Some(carried) => {
            if let Some(port) = port.filter(|port| !is_stage && !port.optional) {
                let message = format!(
                    "`{}` is there from the second iteration on, and `{}` must not be missing",
                    one.text, port.name
                );
                let error = report.document.error(one.span.clone(), message).stage(stage);
                report.add(error.help(format!(
                    "let `carry` name a stage, which serves the first iteration, instead of `{}`",
                    one.text
                )));
                return None;
            }
            let then = output_of(&carried.text, one, draft, port, known.drafts, report)?;
            let first = match is_stage {
                true => Some(output_of(one.text, one, draft, port, known.drafts, report)?),
                false => None,
            };
            (first, Some(then))
        }
        None => (Some(output_of(one.text, one, draft, port, known.drafts, report)?), None),
    };
    let port = port.map_or(DATA, |port| port.name).to_owned();
    Some(InputReference { first, carried, port, span: one.span.clone() })
}

/// The output that a text names, if it fits a port.
fn output_of(
    text: &str,
    one: &Written<'_>,
    draft: &Draft,
    port: Option<&InputPort>,
    drafts: &[Draft],
    report: &mut Report<'_>,
) -> Option<OutputReference> {
    let stage = draft.node.name.as_str();
    let (name, output) = match text.split_once('.') {
        Some((name, output)) => (name, Some(output)),
        None => (text, None),
    };
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
    let mut found = output.unwrap_or(OUT).to_owned();
    if let Some(built) = &target.node.built {
        let outputs = built.stage.ports().outputs;
        let output = match resolved(&outputs, name, output) {
            Ok(output) => output,
            Err(Unresolved { message, label, help }) => {
                let error = error(message).help(help);
                report.add(match label {
                    Some(label) => error.label(label),
                    None => error,
                });
                return None;
            }
        };
        if let Some(port) = port.filter(|port| !port.kinds.contains(&output.kind)) {
            let wanted = words(port.kinds);
            let message = format!("`{stage}` takes a {wanted} as `{}`, and `{}` is a {}", port.name, text, output.kind);
            let makes = |draft: &&Draft| {
                let built = draft.node.built.as_ref();
                built.is_some_and(|built| built.stage.ports().outputs.iter().any(|one| port.kinds.contains(&one.kind)))
            };
            let others = drafts.iter().filter(|other| other.node.name != *stage);
            let fitting: Vec<String> = others.filter(makes).map(|draft| format!("`{}`", draft.node.name)).collect();
            let help = match fitting.as_slice() {
                [] => format!("no stage of the pipeline makes a {wanted}"),
                _ => format!("what makes one: {}", fitting.join(", ")),
            };
            report.add(error(message).help(help));
            return None;
        }
        found.clone_from(&output.name);
    }
    Some(OutputReference { stage: index, output: found })
}

/// Reports names of a map that are no ports.
fn check_ports(draft: &Draft, ports: &Ports, report: &mut Report<'_>) -> bool {
    let (Some(From::Ports(named)), false) = (&draft.from, ports.inputs.is_empty()) else { return true };
    let (stage, path) = (&draft.node.name, below(&draft.path, "from"));
    let strange: Vec<&String> =
        named.keys().filter(|name| ports.inputs.iter().all(|port| port.name != name.as_str())).collect();
    for name in &strange {
        let span = report.document.key_span(&below(&path, name));
        let error = report.document.error(span, format!("`{stage}` has no input `{name}`")).stage(stage);
        let names: Vec<String> = ports.inputs.iter().map(|port| format!("`{}`", port.name)).collect();
        let error = error.label(match names.as_slice() {
            [only] => format!("its only input is {only}"),
            _ => format!("its inputs are {}", names.join(", ")),
        });
        report.add(match nearest(name, ports.inputs.iter().map(|port| port.name)) {
            Some(meant) => error.help(format!("did you mean `{meant}`?")),
            None => error,
        });
    }
    strange.is_empty()
}

/// Why a name stands for no output.
struct Unresolved {
    message: String,
    label: Option<String>,
    help: String,
}

/// The output of a stage that a name stands for: the stage's name alone for `out`, or for the only one.
fn resolved<'a>(outputs: &'a [OutputPort], stage: &str, output: Option<&str>) -> Result<&'a OutputPort, Unresolved> {
    let names = || outputs.iter().map(|port| format!("`{}`", port.name)).collect::<Vec<_>>().join(", ");
    let written = || outputs.iter().map(|port| format!("`{stage}.{}`", port.name)).collect::<Vec<_>>();
    match (outputs, output) {
        ([], _) => Err(Unresolved {
            message: format!("`{stage}` writes files, and hands nothing on"),
            label: None,
            help: format!("name the stage from which `{stage}` takes what it writes"),
        }),
        ([only], None) => Ok(only),
        (several, None) => several.iter().find(|port| port.name == OUT).ok_or_else(|| Unresolved {
            message: format!("`{stage}` has several outputs"),
            label: Some("does not say which".to_owned()),
            help: format!("name one of {}", written().join(", ")),
        }),
        (several, Some(output)) => several.iter().find(|port| port.name == output).ok_or_else(|| Unresolved {
            message: format!("`{stage}` has no output `{output}`"),
            label: Some(match several {
                [only] => format!("its only output is `{}`", only.name),
                _ => format!("its outputs are {}", names()),
            }),
            help: match several {
                [_] => format!("write `{stage}`"),
                _ => format!("name one of {}", written().join(", ")),
            },
        }),
    }
}

/// Reports every cycle once; whether there was any.
fn check_cycles(drafts: &[Draft], inputs: &[Vec<InputReference>], report: &mut Report<'_>) -> bool {
    let mut graph = DiGraph::<(), ()>::new();
    let nodes: Vec<NodeIndex> = drafts.iter().map(|_| graph.add_node(())).collect();
    for (stage, references) in inputs.iter().enumerate() {
        for reference in references.iter().filter_map(|reference| reference.first.as_ref()) {
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
        let leads = |reference: &InputReference| Some((reference.first.as_ref()?.stage, reference.span.clone()));
        let (next, span) = inputs.get(at)?.iter().filter_map(leads).find(|(stage, _)| members.contains(stage))?;
        walked.push((at, span));
        at = next;
    }
    let begin = walked.iter().position(|(stage, _)| *stage == at)?;
    Some(walked.split_off(begin))
}

/// Each stage behind its inputs; among those that are free, the first in the file.
fn ordered(inputs: &[Vec<InputReference>]) -> Vec<usize> {
    let mut order: Vec<usize> = Vec::with_capacity(inputs.len());
    while let Some(next) = inputs.iter().enumerate().position(|(stage, references)| {
        let mut first = references.iter().filter_map(|reference| reference.first.as_ref());
        !order.contains(&stage) && first.all(|reference| order.contains(&reference.stage))
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
        demo.yaml:3:22: error: `read` takes nothing from other stages
          |
        3 |   read: {uses: read, from: other, with: {files: a}}
          |                      ^^^^
          = help: take `from` out

        demo.yaml:5:3: error: the stage `score` has no `from`
          |
        5 |   score: {uses: score}
          |   ^^^^^
          = help: say whose output it takes, as in `from: other`

        demo.yaml:8:3: error: `two` writes where `one` writes
          |
        7 |   one: {uses: write, from: read, with: {to: x}}
          |   --- so does this
        8 |   two: {uses: write, from: one, with: {to: x}}
          |   ^^^ writes `/here/x`
          = help: give each a place of its own

        demo.yaml:8:28: error: `one` writes files, and hands nothing on
          |
        8 |   two: {uses: write, from: one, with: {to: x}}
          |                            ^^^
          = help: name the stage from which `one` takes what it writes

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
