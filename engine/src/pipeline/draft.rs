//! One stage of a pipeline: its entry, checked by itself, and the stage that is built from it, by its kind or by a loader
//! of plugins. Not concerned with the other stages.

use serde_yaml::{Mapping, Value};

use super::diagnostic::Diagnostic;
use super::index::Document;
use super::load_options::LoadOptions;
use super::model::{BuiltStage, StageNode};
use super::parameters::find_scalar;
use super::report::Report;
use super::stage_entry::{From, StageEntry, When};
use crate::condition::Condition;
use crate::failure::{FailurePolicy, OnError, Retries};
use crate::problem::{Problem, Segment, nearest};
use crate::quantities::Memory;
use crate::stage::{
    BuildContext, Built, PluginGrants, PluginLimits, PluginLoader, PluginRequest, Registry, StageKind, Work,
};

/// What every stage is built with.
#[derive(Clone, Copy)]
pub(super) struct Means<'a> {
    pub(super) options: &'a LoadOptions<'a>,
    pub(super) registry: &'a Registry,
    pub(super) seed: u64,
    /// The parameters, for conditions.
    pub(super) params: &'a Value,
    /// Which iteration of the loop the stages are built for, if there is a loop.
    pub(super) iteration: Option<u64>,
}

impl Means<'_> {
    /// What a stage is built under: what it draws follows from that, and ids of what it makes. In the first iteration they
    /// are those of a pipeline without a loop.
    fn instance(&self, name: &str) -> String {
        match self.iteration {
            None | Some(0) => name.to_owned(),
            Some(iteration) => instance_name(name, iteration),
        }
    }
}

/// A stage of an iteration, as `distill@3`.
pub(crate) fn instance_name(stage: &str, iteration: u64) -> String {
    format!("{stage}@{iteration}")
}

/// A stage whose `from` is not resolved yet.
pub(super) struct Draft {
    pub(super) node: StageNode,
    pub(super) from: Option<From>,
    /// Its path in the file.
    pub(super) path: Vec<Segment>,
}

/// Where a `uses` leads.
fn is_plugin(uses: &str) -> bool {
    uses.starts_with("oci://") || uses.contains('/') || uses.ends_with(".wasm")
}

/// What can be told of a stage by itself, and how it is built.
pub(super) fn draft(
    name: &str,
    path: Vec<Segment>,
    entry: StageEntry,
    means: Means<'_>,
    report: &mut Report<'_>,
    unsupported: &mut Vec<Diagnostic>,
) -> Draft {
    let registry = means.registry;
    let document = report.document;
    let uses_path = below(&path, "uses");
    // What only a run can tell cannot be decoded now.
    let later = report.is_unknown(&below(&path, "with"));
    let with = match &entry.with {
        None | Some(Value::Null) => Value::Mapping(Mapping::new()),
        Some(with) => with.clone(),
    };
    let uses_span = document.value_span(&uses_path);
    let is_wanted = means.options.only.is_none_or(|only| only.contains(name));
    let mut built = None;
    match &entry.uses {
        None if report.is_unknown(&uses_path) => {}
        None => {
            let error = document.error(document.key_span(&path), format!("the stage `{name}` has no `uses`"));
            let kinds: Vec<String> = registry.kinds().map(|kind| format!("`{}`", kind.name)).collect();
            report.add(error.stage(name).help(format!("say what it does: `uses:` one of {}", kinds.join(", "))));
        }
        Some(_) if report.is_unknown(&uses_path) || !is_wanted => {}
        Some(uses) if is_plugin(uses) => match registry.plugins() {
            Some(loader) if !later => built = build_plugin(loader, uses, &entry, &with, name, &path, means, report),
            Some(_) => {}
            None => unsupported.push(
                document
                    .error(uses_span.clone(), format!("the plugin `{uses}` is not carried out by this version"))
                    .warning()
                    .stage(name)
                    .help("use a built-in stage"),
            ),
        },
        Some(uses) => match registry.get(uses) {
            None => report.add(unknown_kind(document, &uses_path, uses, registry).stage(name)),
            Some(kind) => {
                for (key, given) in [
                    ("keep", entry.keep.is_some()),
                    ("sha256", entry.sha256.is_some()),
                    ("allow", entry.allow.is_some()),
                    ("limits", entry.limits.is_some()),
                ] {
                    if given {
                        let span = document.key_span(&below(&path, key));
                        let error = document.error(span, format!("`{key}` is for plugins, and `{uses}` is built in"));
                        let help = if kind.has_option(key) {
                            format!("write it in `with`, where `{uses}` has it")
                        } else {
                            "take it out".to_owned()
                        };
                        report.add(error.stage(name).help(help));
                    }
                }
                built = build(kind, &with, name, &path, means, report).filter(|_| !later);
                if entry.on_error == OnError::Quarantine
                    && let Some(Work::Sink(_) | Work::Whole(_)) = built.as_ref().map(|built| built.stage.work())
                {
                    let span = document.key_span(&below(&path, "on_error"));
                    let message =
                        format!("`{uses}` takes its whole input or nothing: it cannot put trajectories aside");
                    let help = "take it out; the stages before it may have `on_error: quarantine`";
                    report.add(document.error(span, message).stage(name).help(help));
                }
            }
        },
    }
    let node = StageNode {
        name: name.to_owned(),
        uses: entry.uses.unwrap_or_default(),
        inputs: Vec::new(),
        with,
        built,
        cache: entry.cache,
        when: when(entry.when, name, &path, means, report),
        failure: FailurePolicy {
            on_error: entry.on_error,
            retries: entry.retries.map_or_else(Retries::default, |retries| retries.0),
            timeout: entry.timeout.map(|timeout| timeout.duration()),
        },
        uses_span,
    };
    Draft { node, from: entry.from, path }
}

fn build(
    kind: &StageKind,
    with: &Value,
    name: &str,
    path: &[Segment],
    means: Means<'_>,
    report: &mut Report<'_>,
) -> Option<BuiltStage> {
    let Means { options: LoadOptions { directory, current_directory, .. }, registry, seed, .. } = means;
    let instance = means.instance(name);
    let context = BuildContext { stage: &instance, seed, directory, current_directory, plugins: registry.plugins() };
    match kind.build(with.clone(), &context) {
        Ok(built) => Some(stage_of(built)),
        Err(problems) => {
            report.problems(&options_path(report.document, path), Some(name), problems);
            None
        }
    }
}

fn stage_of(built: Built) -> BuiltStage {
    BuiltStage { kind: built.kind, version: built.version, stage: built.stage, options: built.options }
}

#[expect(clippy::too_many_arguments, reason = "as `draft`, whose plugins it builds")]
fn build_plugin(
    loader: &dyn PluginLoader,
    address: &str,
    entry: &StageEntry,
    with: &Value,
    name: &str,
    path: &[Segment],
    means: Means<'_>,
    report: &mut Report<'_>,
) -> Option<BuiltStage> {
    let limits = entry.limits.as_ref().map_or_else(PluginLimits::default, |limits| PluginLimits {
        memory: limits.memory.map(Memory::bytes),
        call_time: limits.call_time.map(|time| time.duration()),
    });
    let nothing = PluginGrants::default();
    let instance = means.instance(name);
    let request = PluginRequest {
        stage: &instance,
        address,
        with,
        sha256: entry.sha256.as_deref(),
        keep: entry.keep,
        limits,
        allow: entry.allow.as_ref().unwrap_or(&nothing),
        seed: means.seed,
        directory: means.options.directory,
    };
    match loader.load(&request) {
        Ok(built) => Some(stage_of(built)),
        Err(mut problems) => {
            let is_written = |problem: &Problem| {
                report.document.place(&[path, &problem.path[..problem.path.len().min(1)]].concat()).exact
            };
            // Without a `with`, what is wrong with it is told at `uses`.
            problems.iter_mut().filter(|problem| !is_written(problem)).for_each(|problem| {
                problem.path = vec!["uses".into()];
            });
            report.problems(path, Some(name), problems);
            None
        }
    }
}

fn unknown_kind(document: &Document, path: &[Segment], uses: &str, registry: &Registry) -> Diagnostic {
    let error = document.error(document.value_span(path), format!("there is no stage `{uses}`")).label("not known");
    match nearest(uses, registry.kinds().map(|kind| kind.name)) {
        Some(meant) => error.help(format!("did you mean `{meant}`?")),
        None => {
            let known: Vec<String> = registry.kinds().map(|kind| format!("`{}`", kind.name)).collect();
            error.help(format!("known stages: {}; a plugin is a path such as `./name.wasm`", known.join(", ")))
        }
    }
}

/// What the entry asks for and this version does not do.
pub(super) fn not_supported(entry: &StageEntry, path: &[Segment], name: &str, document: &Document) -> Vec<Diagnostic> {
    let asked = [("resources", entry.resources.is_some())];
    let keys = asked.into_iter().filter(|(_, asked)| *asked).map(|(key, _)| key);
    keys.map(|key| not_carried_out(document.error(document.key_span(&below(path, key)), ""), key).stage(name)).collect()
}

/// A key that is checked, and that `run` refuses.
pub(super) fn not_carried_out(mut diagnostic: Diagnostic, key: &str) -> Diagnostic {
    diagnostic.message = format!("`{key}` is not carried out by this version");
    diagnostic.warning().help("take it out to run the pipeline")
}

/// When the stage runs; `None`: always.
fn when(
    entry: Option<When>,
    name: &str,
    path: &[Segment],
    means: Means<'_>,
    report: &mut Report<'_>,
) -> Option<Condition> {
    let path = below(path, "when");
    let text = match entry? {
        _ if report.is_unknown(&path) => return None,
        When::Constant(holds) => return Some(Condition::constant(holds)),
        When::Expression(text) => text,
    };
    match Condition::parse(&text) {
        Ok(condition) => {
            for known in condition.names() {
                if !matches!(known, "iteration" | "last") && find_scalar(means.params, known).is_none() {
                    let problem = Problem::new(format!("`{known}` has no meaning in `when`"));
                    let help = "known: `iteration`, `last`, and `params.NAME` for parameters that are no lists or maps";
                    report.problems(&path, Some(name), vec![problem.help(help)]);
                    return None;
                }
            }
            Some(condition)
        }
        Err(problem) => {
            report.problems(&path, Some(name), vec![problem]);
            None
        }
    }
}

/// Where problems with a stage's options lie: at its `with`, or at `uses` if it has none.
pub(super) fn options_path(document: &Document, stage: &[Segment]) -> Vec<Segment> {
    let with = below(stage, "with");
    if document.place(&with).exact { with } else { below(stage, "uses") }
}

/// The path of a key.
pub(super) fn below(path: &[Segment], key: &str) -> Vec<Segment> {
    path.iter().cloned().chain([key.into()]).collect()
}
