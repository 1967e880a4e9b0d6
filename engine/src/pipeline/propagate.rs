//! Checks that every stage gets the columns that it reads, by carrying schemas through the graph before anything
//! runs. Sources open their inputs for it, just far enough to know their columns.

use std::collections::BTreeSet;

use crate::artifact::ArtifactType;
use crate::column::ColumnPath;
use crate::contract::{Contract, DATA, Effect, InputTypes, Scope};
use crate::failure::OnError;
use crate::problem::{Problem, nearest};
use crate::stage::{Arity, OutputPort};
use crate::trajectory::TrajectorySchema;

use super::diagnostic::{Diagnostic, PipelineErrors};
use super::draft::options_path;
use super::model::{InputReference, OutputReference, Pipeline, StageNode};
use super::report::placed;

/// What goes into a stage and what comes out.
#[derive(Clone, Debug)]
pub struct StageTypes {
    /// Index of the stage in [`Pipeline::stages`].
    pub stage: usize,
    /// What it is given.
    pub inputs: InputTypes,
    /// What it declares for that.
    pub contract: Contract,
    /// What it hands on, by the names of its outputs.
    pub outputs: Vec<(String, ArtifactType)>,
}

/// Carries schemas through a pipeline; in the order of [`Pipeline::order`]. Stages that this version does not
/// carry out, and those behind them, are left out.
///
/// # Errors
/// Every stage whose input does not fit it; those behind it are passed over.
pub fn check(pipeline: &Pipeline) -> Result<Vec<StageTypes>, PipelineErrors> {
    let (known, errors) = propagate(pipeline, &BTreeSet::new());
    if errors.is_empty() { Ok(known) } else { Err(PipelineErrors::new(errors)) }
}

/// What is known of the stages, and the faults found. Stages that are `faulty` already, and those behind them, are
/// passed over.
pub(super) fn propagate(pipeline: &Pipeline, faulty: &BTreeSet<String>) -> (Vec<StageTypes>, Vec<Diagnostic>) {
    let mut known: Vec<StageTypes> = Vec::new();
    let mut errors = Vec::new();
    for stage in &pipeline.order {
        let Some(node) = pipeline.stages.get(*stage).filter(|node| !faulty.contains(&node.name)) else { continue };
        let fed = |reference: &InputReference| match &reference.first {
            None => Fed::Nothing,
            Some(OutputReference { stage, output }) => {
                output_type(&known, *stage, output).map_or(Fed::Unknown, Fed::Known)
            }
        };
        match check_stage(pipeline, *stage, node, &fed) {
            Ok(types) => known.extend(types),
            Err(found) => errors.extend(found),
        }
    }
    (known, errors)
}

/// The type of an output among those that are known.
fn output_type<'a>(known: &'a [StageTypes], stage: usize, output: &str) -> Option<&'a ArtifactType> {
    let types = known.iter().find(|types| types.stage == stage)?;
    types.outputs.iter().find(|(name, _)| name == output).map(|(_, artifact)| artifact)
}

/// What comes in for a reference.
pub(crate) enum Fed<'a> {
    /// Something of this type.
    Known(&'a ArtifactType),
    /// Nothing, which is well.
    Nothing,
    /// What cannot be told, since there is a fault before.
    Unknown,
}

/// What goes into a stage and comes out of it; `None` if that cannot be told, since there is a fault before.
pub(crate) fn check_stage<'a>(
    pipeline: &Pipeline,
    stage: usize,
    node: &StageNode,
    fed: &dyn Fn(&InputReference) -> Fed<'a>,
) -> Result<Option<StageTypes>, Vec<Diagnostic>> {
    let Some(built) = &node.built else { return Ok(None) };
    let ports = built.stage.ports();
    let is_joined = |name: &str| ports.inputs.iter().any(|port| port.name == name && port.arity == Arity::Joined);
    let (mut joined, mut beside) = (Vec::new(), Vec::new());
    for reference in &node.inputs {
        match fed(reference) {
            Fed::Unknown => return Ok(None),
            Fed::Nothing => {}
            Fed::Known(ArtifactType::Dataset(schema)) if reference.port == DATA && is_joined(DATA) => {
                joined.push((reference, schema));
            }
            Fed::Known(artifact) => beside.push((reference.port.clone(), artifact.clone())),
        }
    }
    let others = beside.iter().filter(|(port, _)| port == DATA && is_joined(DATA)).count();
    if others > 0 && others + joined.len() > 1 {
        let message = format!("`{}` joins datasets, and takes one policy or table alone", node.name);
        return Err(vec![pipeline.stage_error(stage, message).help("name one stage in `from`")]);
    }
    let input = joined.first().map_or_else(TrajectorySchema::empty, |(_, first)| (*first).clone());
    check_joined(pipeline, node, &joined)?;
    let inputs = InputTypes::new(input, beside);
    let mut contract = built.stage.contract(&inputs).map_err(|problems| {
        let options = options_path(&pipeline.document, &["stages".into(), node.name.as_str().into()]);
        let diagnostic = |problem: Problem| {
            let path: Vec<_> = options.iter().chain(&problem.path).cloned().collect();
            placed(&pipeline.document, &path, problem).stage(&node.name)
        };
        problems.into_iter().map(diagnostic).collect::<Vec<_>>()
    })?;
    let input = inputs.data();
    let missing: Vec<Diagnostic> = contract
        .reads
        .iter()
        .filter(|path| !input.has(path.as_str()))
        .map(|path| missing_column(pipeline, stage, node, path, input))
        .collect();
    if !missing.is_empty() {
        return Err(missing);
    }
    if matches!(contract.effect, Effect::Relabelled { .. }) && contract.scope != Scope::Trajectory {
        let message =
            format!("`{}` makes copies and must see several trajectories at once, which cannot be", node.name);
        return Err(vec![pipeline.stage_error(stage, message).help("copies are made of single trajectories")]);
    }
    if node.failure.on_error == OnError::Quarantine && !joined.is_empty() {
        read_what_names_rows(&mut contract, input);
    }
    let outputs = contract.outputs(input);
    let promised = outputs.iter().map(|(name, artifact)| OutputPort::new(name.as_str(), artifact.kind()));
    if !promised.eq(ports.outputs) {
        let message = format!("`{}` promises other outputs than it has", node.name);
        return Err(vec![pipeline.stage_error(stage, message).help("this is a fault of the stage")]);
    }
    Ok(Some(StageTypes { stage, inputs, contract, outputs }))
}

/// Where trajectories are put aside, what names them, tells where they came from, and holds them together is read too.
fn read_what_names_rows(contract: &mut Contract, input: &TrajectorySchema) {
    let group = (contract.scope == Scope::Group).then_some("group_id");
    for path in ["trajectory_id", "source"].into_iter().chain(group).map(ColumnPath::from) {
        if input.field(&path).is_some() && !contract.reads.contains(&path) {
            contract.reads.push(path);
        }
    }
}

fn missing_column(
    pipeline: &Pipeline,
    stage: usize,
    node: &StageNode,
    path: &ColumnPath,
    input: &TrajectorySchema,
) -> Diagnostic {
    let name = &node.name;
    let message = format!("`{name}` reads `{path}`, which nothing upstream provides");
    let error = pipeline.stage_error(stage, message).label(format!("reads `{path}`"));
    let upstream = node.inputs.last().and_then(|reference| pipeline.stages.get(reference.first.as_ref()?.stage));
    let providers = pipeline.providers.get(path.as_str()).map(Vec::as_slice).unwrap_or_default();
    let columns = input.paths();
    match (providers, upstream) {
        ([provider, ..], Some(upstream)) => {
            error.help(format!("add a `{provider}` stage between `{}` and `{name}`", upstream.name))
        }
        _ => match nearest(path.as_str(), columns.iter().map(ColumnPath::as_str)) {
            Some(meant) => error.help(format!("there is a column `{meant}`")),
            None => {
                let columns: Vec<String> = columns.iter().map(|column| format!("`{column}`")).collect();
                error.help(format!("its input has {}", columns.join(", ")))
            }
        },
    }
}

/// Datasets that are joined must have the same columns.
fn check_joined(
    pipeline: &Pipeline,
    node: &StageNode,
    inputs: &[(&InputReference, &TrajectorySchema)],
) -> Result<(), Vec<Diagnostic>> {
    let Some(((first_reference, first), others)) = inputs.split_first() else { return Ok(()) };
    let mut errors = Vec::new();
    for (reference, other) in others {
        let name = |reference: &InputReference| {
            let stage = reference.first.as_ref().and_then(|output| pipeline.stages.get(output.stage));
            stage.map_or("", |stage| stage.name.as_str())
        };
        let (first_name, other_name) = (name(first_reference), name(reference));
        let mut paths = first.paths();
        paths.extend(other.paths().into_iter().filter(|path| first.field(path).is_none()));
        let difference = paths.iter().find_map(|path| match (first.field(path), other.field(path)) {
            (Some(_), None) => Some(format!("`{first_name}` has `{path}`, `{other_name}` has not")),
            (None, Some(_)) => Some(format!("`{other_name}` has `{path}`, `{first_name}` has not")),
            (Some(left), Some(right)) if left.data_type() != right.data_type() => Some(format!(
                "`{path}` is {} in `{first_name}` and {} in `{other_name}`",
                left.data_type(),
                right.data_type()
            )),
            _ => None,
        });
        if let Some(difference) = difference {
            let message = format!("`from` joins datasets of different columns: {difference}");
            let error = pipeline.document.error(reference.span.clone(), message).stage(&node.name);
            let error = error.label(format!("differs from `{first_name}`"));
            errors.push(
                error.help("let both pass through the same stages before they are joined, or join them by `merge`"),
            );
        }
    }
    if errors.is_empty() { Ok(()) } else { Err(errors) }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use super::super::fixtures::{loaded, registry};
    use super::super::{LoadOptions, load};
    use super::*;
    use crate::contract::Keep;
    use crate::stage::{
        Built, Context, EnvironmentKind, Output, PluginLoader, PluginRequest, Session, Stage, StageError, TaskContext,
        Transform, Work,
    };
    use crate::trajectory::TrajectoryBatch;

    #[test]
    fn a_stage_that_puts_trajectories_aside_reads_what_names_them() {
        let stages = "  read: {uses: read, with: {files: a, scored: true}, on_error: quarantine}
  score: {uses: score, from: read, on_error: quarantine}
  credit: {uses: credit, from: score, on_error: quarantine}
  again: {uses: score, from: credit}
";
        let reads: Vec<String> = checked(stages)
            .unwrap()
            .iter()
            .map(|schemas| schemas.contract.reads.iter().map(ColumnPath::as_str).collect::<Vec<_>>().join(" "))
            .collect();
        assert_eq!(reads, ["", "turns trajectory_id source", "reward turns trajectory_id source group_id", "turns"]);
    }

    fn checked(stages: &str) -> Result<Vec<StageTypes>, PipelineErrors> {
        check(&loaded(&format!("version: 1\nstages:\n{stages}"), &[]).unwrap())
    }

    #[test]
    fn columns_are_carried_along() {
        let schemas =
            checked("  credit: {uses: credit, from: read}\n  read: {uses: read, with: {files: a, scored: true}}\n")
                .unwrap();
        let stages: Vec<usize> = schemas.iter().map(|schemas| schemas.stage).collect();
        assert_eq!(stages, [1, 0]);
        assert!(!schemas[1].inputs.data().has("turns.advantage"));
        let output = schemas[1].contract.output(schemas[1].inputs.data());
        assert!(output.has("turns.advantage") && output.has("reward"));
    }

    #[test]
    fn a_missing_column_names_who_would_provide_it() {
        let stages = "  read: {uses: read, with: {files: a}}
  credit:
    uses: credit
    from: read
  again: {uses: credit, from: credit}
";
        insta::assert_snapshot!(checked(stages).unwrap_err(), @"
        demo.yaml:5:11: error: `credit` reads `reward`, which nothing upstream provides
          |
        5 |     uses: credit
          |           ^^^^^^ reads `reward`
          = help: add a `score` stage between `read` and `credit`
        ");
    }

    #[test]
    fn joined_datasets_must_be_alike() {
        let stages = "  read: {uses: read, with: {files: a}}
  score: {uses: score, from: read}
  both: {uses: score, from: [read, score]}
";
        insta::assert_snapshot!(checked(stages).unwrap_err(), @"
        demo.yaml:5:36: error: `from` joins datasets of different columns: `score` has `reward`, `read` has not
          |
        5 |   both: {uses: score, from: [read, score]}
          |                                    ^^^^^ differs from `read`
          = help: let both pass through the same stages before they are joined, or join them by `merge`
        ");
    }

    /// Wants to make copies of what it sees.
    struct Relabeller(Scope);

    impl Stage for Relabeller {
        fn contract(&self, inputs: &InputTypes) -> Result<Contract, Vec<Problem>> {
            let input = inputs.data();
            let effect = Effect::relabelled(input, Keep::Both);
            Ok(Contract { reads: Vec::new(), scope: self.0, effect })
        }

        fn work(&self) -> Work<'_> {
            Work::Transform(self)
        }
    }

    impl Relabeller {
        fn apply(&self, _: &TrajectoryBatch, _: &mut Context) -> Result<Output, StageError> {
            Ok(Output::Relabelled(Vec::new()))
        }
    }

    impl Transform for Relabeller {
        fn begin<'a>(&'a self, _: &TaskContext<'a>) -> Result<Box<dyn Session + 'a>, StageError> {
            Ok(Box::new(|batch: &TrajectoryBatch, context: &mut Context| self.apply(batch, context)))
        }
    }

    impl PluginLoader for Relabeller {
        fn load(&self, request: &PluginRequest<'_>) -> Result<Built, Vec<Problem>> {
            assert_eq!(request.keep, Some(Keep::Relabelled));
            let (kind, options) = ("plugin".to_owned(), String::new());
            Ok(Built { stage: Box::new(Self(self.0)), kind, version: 1, options })
        }

        fn environment(&self, request: &PluginRequest<'_>) -> Result<Arc<dyn EnvironmentKind>, Vec<Problem>> {
            Err(Problem::at(["uses"], request.address).into())
        }
    }

    #[test]
    fn copies_are_made_of_single_trajectories() {
        let text = "\
version: 1
stages:
  read: {uses: read, with: {files: a, scored: true}}
  again: {uses: ./again.wasm, from: read, keep: relabelled}
  credit: {uses: credit, from: again}
";
        let here = Path::new("/here");
        let environment = |_: &str| None;
        let options = LoadOptions {
            set: &[],
            environment: &environment,
            directory: here,
            current_directory: here,
            iteration: 0,
            only: None,
        };
        let checked = |scope| {
            let registry = registry().with_plugins(Arc::new(Relabeller(scope)));
            check(&load(text, "demo.yaml".as_ref(), &options, &registry).unwrap())
        };
        assert!(checked(Scope::Trajectory).unwrap()[2].inputs.data().has("relabelled"));
        insta::assert_snapshot!(checked(Scope::Group).unwrap_err(), @"
        demo.yaml:4:17: error: `again` makes copies and must see several trajectories at once, which cannot be
          |
        4 |   again: {uses: ./again.wasm, from: read, keep: relabelled}
          |                 ^^^^^^^^^^^^
          = help: copies are made of single trajectories
        ");
    }

    #[test]
    fn what_lies_behind_a_plugin_is_passed_over() {
        let stages = "  read: {uses: read, with: {files: a}}
  plugin: {uses: ./p.wasm, from: read}
  credit: {uses: credit, from: plugin}
";
        assert_eq!(checked(stages).unwrap().len(), 1);
    }
}
