//! Where the sinks of a pipeline write to: not to one place, whatever it is called, nor over anything that must stay. What
//! names alone tell is said with the faults of the file, what the disk tells when the pipeline is checked.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::diagnostic::{Diagnostic, PipelineErrors};
use super::draft::Draft;
use super::model::Pipeline;
use super::report::Report;
use crate::problem::Segment;
use crate::stage::{Stage, Work};
use crate::targets::{Refusal, Surroundings, sample_of};

/// Two sinks that write to one place would destroy each other's work.
pub(super) fn check_names(drafts: &[Draft], report: &mut Report<'_>) {
    let mut targets: BTreeMap<PathBuf, &Draft> = BTreeMap::new();
    for draft in drafts {
        let Some(built) = &draft.node.built else { continue };
        let Work::Sink(sink) = built.stage.work() else { continue };
        let target = sink.target();
        let beside = target.beside.iter().map(|name| target.path.with_file_name(name));
        let paths: Vec<PathBuf> = [target.path.clone()].into_iter().chain(beside).collect();
        if let Some((path, first)) = paths.iter().find_map(|path| Some((path, *targets.get(path)?))) {
            let (name, other) = (&draft.node.name, &first.node.name);
            let error = report
                .document
                .error(report.document.key_span(&draft.path), format!("`{name}` writes where `{other}` writes"))
                .label(format!("writes `{}`", path.display()))
                .related(report.document.key_span(&first.path), "so does this")
                .stage(name)
                .help("give each a place of its own");
            report.add(error);
        }
        for path in paths {
            targets.entry(path).or_insert(draft);
        }
    }
}

/// Checks that no sink writes over what the pipeline reads, into a store, to where another sink writes, or through a link.
/// Asked once the pipeline's contracts hold, and again by a run, before anything is written.
///
/// # Errors
/// Every sink that does.
pub fn check_targets(pipeline: &Pipeline, store: &Path) -> Result<(), PipelineErrors> {
    let built = pipeline.stages.iter().filter_map(|node| Some((node.name.as_str(), node.built.as_ref()?)));
    let stages: Vec<(&str, &dyn Stage)> = built.map(|(name, built)| (name, built.stage.as_ref())).collect();
    let file = pipeline.directory.join(pipeline.file.file_name().unwrap_or_default());
    let surroundings = Surroundings { stages, file: &file, store };
    let (mut errors, mut sinks) = (Vec::new(), Vec::new());
    for (index, (name, stage)) in surroundings.stages.iter().enumerate() {
        let Work::Sink(sink) = stage.work() else { continue };
        let refusal = surroundings.refusal(index, &sink.target(), &sinks);
        let refusal = refusal.or_else(|| surroundings.refusal(index, &sample_of(sink), &sinks));
        errors.extend(refusal.map(|refusal| diagnostic(pipeline, name, refusal)));
        sinks.push(index);
    }
    if errors.is_empty() { Ok(()) } else { Err(PipelineErrors::new(errors)) }
}

fn diagnostic(pipeline: &Pipeline, name: &str, refusal: Refusal) -> Diagnostic {
    let span = |name: &str| pipeline.document.key_span(&[Segment::from("stages"), Segment::from(name)]);
    let error = pipeline.document.error(span(name), refusal.message).stage(name).help(refusal.help);
    let error = error.label(format!("writes `{}`", refusal.place.display()));
    match refusal.other {
        Some(other) => error.related(span(&other), "so does this"),
        None => error,
    }
}
