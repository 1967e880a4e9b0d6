//! Loads a pipeline: text to tree, tree to values, values to entries, entries to stages. Each phase goes as far
//! as it sensibly can behind a fault, so that all errors of a file come at once.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_yaml::{Mapping, Value};

use super::diagnostic::{Diagnostic, PipelineErrors};
use super::document::{Name, PipelineEntry};
use super::draft::{Draft, Means, draft, not_supported};
use super::graph::resolve;
use super::index::{Content, Document, Entry};
use super::interpolation::Scope;
use super::load_options::LoadOptions;
use super::looping::{carried, looping};
use super::matrix::{Cell, cells};
use super::model::Pipeline;
use super::parameters::set_parameters;
use super::propagate::propagate;
use super::report::Report;
use super::scan::scan;
use super::stage_entry::StageEntry;
use super::values;
use crate::decode::decode;
use crate::problem::Segment;
use crate::stage::Registry;

/// Loads a pipeline from its text. `file` is its name, as people know it.
///
/// # Errors
/// Every error that the file has.
pub fn load(
    text: &str,
    file: &Path,
    options: &LoadOptions<'_>,
    registry: &Registry,
) -> Result<Pipeline, PipelineErrors> {
    let (document, duplicates) =
        scan(text, &file.to_string_lossy()).map_err(|diagnostic| PipelineErrors::new(vec![*diagnostic]))?;
    let mut report = Report::new(&document);
    report.diagnostics = duplicates;
    let Values { root, params, cells } = values_of(&document, options, &mut report);
    let (entry, problems) = {
        let decoded = decode::<PipelineEntry>(root);
        (decoded.value, decoded.problems)
    };
    report.problems(&[], None, problems);
    let Some(entry) = entry else { return Err(PipelineErrors::new(report.diagnostics)) };

    if entry.version.is_none() && !report.is_unknown(&["version".into()]) {
        let error = document.error(start_of(&document), "`version` is missing").label("begins without it");
        report.add(error.help("add `version: 1` as the first line"));
    }
    let (drafts, unsupported) = {
        let (iteration, params) = (entry.repeat.as_ref().map(|_| options.iteration), &params);
        let means = Means { options, registry, seed: entry.seed, params, iteration };
        drafts(entry.stages.as_ref(), means, &mut report)
    };
    let carried = entry.repeat.as_ref().map(|repeat| carried(repeat, &drafts, &mut report)).unwrap_or_default();
    let (stages, order) = resolve(drafts, &carried, &mut report);
    let repeat = entry.repeat.and_then(|repeat| looping(repeat, &stages, &order, &params, &mut report));
    let mut errors = report.diagnostics;
    let mut providers: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for kind in registry.kinds() {
        for column in kind.provides {
            providers.entry(*column).or_default().push(kind.name);
        }
    }
    let stem = || file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let pipeline = Pipeline {
        name: entry.name.map_or_else(stem, |name| name.0),
        file: PathBuf::from(file),
        directory: options.directory.to_owned(),
        seed: entry.seed,
        params,
        stages,
        order,
        repeat,
        cell: cells.get(options.cell).cloned(),
        cells: cells.len(),
        unsupported: PipelineErrors::new(unsupported).into_iter().collect(),
        document,
        providers,
    };
    if errors.is_empty() {
        return Ok(pipeline);
    }
    // The stages that are sound so far may not fit each other: everything is told at once.
    let faulty: BTreeSet<String> = errors.iter().filter_map(|error| error.stage.clone()).collect();
    errors.extend(propagate(&pipeline, &faulty).1);
    Err(PipelineErrors::new(errors))
}

fn start_of(document: &Document) -> std::ops::Range<usize> {
    match &document.root.content {
        Content::Mapping(entries) => entries.first().map_or(0..0, |entry| entry.key_span.clone()),
        _ => 0..0,
    }
}

/// The whole file as values, and what went into them.
struct Values {
    root: Value,
    params: Value,
    /// Those of the matrix, if there is one.
    cells: Vec<Cell>,
}

fn values_of(document: &Document, options: &LoadOptions<'_>, report: &mut Report<'_>) -> Values {
    let entries: &[Entry] = match &document.root.content {
        Content::Mapping(entries) => entries,
        _ => &[],
    };
    let find = |key: &str| entries.iter().find(|entry| entry.key == key);
    let iteration = find("loop").map(|_| options.iteration);
    let none = BTreeSet::new();
    let mut unknown_parameters = BTreeSet::new();
    let scope = |parameters, unknown_parameters, cell| Scope {
        parameters,
        unknown_parameters,
        environment: options.environment,
        cell,
        iteration,
    };
    let mut params = match find("params") {
        // They are the same in every iteration.
        Some(entry) => {
            let scope = Scope { iteration: None, ..scope(None, &none, None) };
            values::value(&entry.value, &mut vec!["params".into()], &scope, report)
        }
        None => Value::Mapping(Mapping::new()),
    };
    unknown_parameters.extend(report.unknown_below("params"));
    unknown_parameters.extend(set_parameters(&mut params, options.set, report));
    if entries.is_empty() {
        let scope = scope(Some(&params), &unknown_parameters, None);
        let root = values::value(&document.root, &mut Vec::new(), &scope, report);
        return Values { root, params, cells: Vec::new() };
    }
    let matrix = find("matrix").map(|entry| {
        let scope = scope(Some(&params), &unknown_parameters, None);
        values::value(&entry.value, &mut vec!["matrix".into()], &scope, report)
    });
    let cells = matrix.map(|matrix| cells(&matrix, report)).unwrap_or_default();
    let scope = scope(Some(&params), &unknown_parameters, cells.get(options.cell));
    let mut root = Mapping::new();
    for entry in entries {
        let value = match entry.key.as_str() {
            "params" => params.clone(),
            // Its values stand in the cells.
            "matrix" => Value::Mapping(Mapping::new()),
            key => values::value(&entry.value, &mut vec![key.into()], &scope, report),
        };
        root.insert(Value::String(entry.key.clone()), value);
    }
    values::merge(&mut root);
    if let Some(seed) = cells.get(options.cell).and_then(|cell| cell.get("seed")) {
        root.insert(Value::String("seed".to_owned()), seed.clone());
    }
    Values { root: Value::Mapping(root), params, cells }
}

/// The stages, as far as each can be understood by itself.
fn drafts(stages: Option<&Mapping>, means: Means<'_>, report: &mut Report<'_>) -> (Vec<Draft>, Vec<Diagnostic>) {
    let (mut drafts, mut unsupported) = (Vec::new(), Vec::new());
    let key: Segment = "stages".into();
    match stages {
        None if !report.is_unknown(std::slice::from_ref(&key)) => {
            let error = report.document.error(start_of(report.document), "`stages` is missing");
            report.add(error.help("add the stages of the pipeline: `stages:`, and below it each stage by its name"));
        }
        Some(stages) if stages.is_empty() => {
            let error = report
                .document
                .error(report.document.key_span(std::slice::from_ref(&key)), "a pipeline without a stage");
            report
                .add(error.help("add one below `stages`, as in `import: {uses: import, with: {files: data/*.json}}`"));
        }
        _ => {}
    }
    for (name, value) in stages.into_iter().flatten() {
        let name = name.as_str().unwrap_or_default();
        let path = vec![key.clone(), name.into()];
        if !Name::fits(name) {
            let message = format!("`{name}` is not a name: small letters, digits and `-`, beginning with a letter");
            let mut error = report.document.error(report.document.key_span(&path), message).stage(name);
            error.help = Name::suggestion(name).map(|meant| format!("call it `{meant}`"));
            report.add(error);
        }
        let decoded = decode::<StageEntry>(value.clone());
        report.problems(&path, Some(name), decoded.problems);
        let Some(entry) = decoded.value else { continue };
        unsupported.extend(not_supported(&entry, &path, name, report.document));
        drafts.push(draft(name, path, entry, means, report, &mut unsupported));
    }
    (drafts, unsupported)
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use super::super::fixtures::{loaded, registry};
    use super::{LoadOptions, load};
    use crate::problem::Problem;
    use crate::stage::{Built, EnvironmentKind, PluginLoader, PluginRequest};

    fn errors(text: &str, set: &[&str]) -> String {
        loaded(text, set).map_or_else(|errors| errors.to_string(), |pipeline| panic!("loaded: {pipeline:?}"))
    }

    const WHOLE: &str = "\
version: 1
seed: 7
params: {files: a.json, limit: 3}
stages:
  # The source stands last on purpose.
  write: {uses: write, from: credit, with: {to: out}}
  credit: {uses: credit, from: score, cache: false}
  score: {uses: score, from: [read], with: {weights: [0.5, 1]}}
  read:
    uses: read
    with:
      files: ${env.HOME}/${params.files}
      limit: ${params.limit}
";

    #[test]
    fn a_whole_pipeline() {
        let pipeline = loaded(WHOLE, &["params.limit=9"]).unwrap();
        assert_eq!((pipeline.name.as_str(), pipeline.seed), ("demo", 7));
        assert_eq!(pipeline.order, [3, 2, 1, 0]);
        let (index, read) = pipeline.stage("read").unwrap();
        assert_eq!(index, 3);
        let options = &read.built.as_ref().unwrap().options;
        assert_eq!(options, r#"{"files":"/home/me/a.json","format":"tau-bench","limit":9,"scored":false}"#);
        assert!(!pipeline.stages[1].cache && pipeline.stages[2].cache);
        assert_eq!(pipeline.stages[2].inputs[0].first.as_ref().map(|output| output.stage), Some(3));
        assert!(pipeline.unsupported().is_empty());
    }

    /// Likes no plugin, and says what it was asked for.
    struct Picky;

    impl PluginLoader for Picky {
        fn load(&self, request: &PluginRequest<'_>) -> Result<Built, Vec<Problem>> {
            let asked = format!("{} {:?} {:?}", request.address, request.sha256, request.limits);
            let option = Problem::at(["with", "target"], format!("`{}` must be even", request.stage)).at_key();
            Err(vec![Problem::at(["uses"], asked), Problem::at(["sha256"], "not this one"), option])
        }

        fn environment(&self, request: &PluginRequest<'_>) -> Result<Arc<dyn EnvironmentKind>, Vec<Problem>> {
            Err(Problem::at(["uses"], request.address).into())
        }
    }

    #[test]
    fn problems_of_plugins_have_their_place() {
        let text = "\
version: 1
stages:
  read: {uses: read, with: {files: a}}
  plugin:
    uses: ./penalty.wasm
    from: read
    sha256: 00ff
    limits: {memory: 1MiB, call_time: 2s}
    with: {target: 3}
  bare: {uses: oci://example.com/penalty, from: read}
";
        let here = Path::new("/here");
        let environment = |_: &str| None;
        let options = LoadOptions {
            set: &[],
            environment: &environment,
            directory: here,
            current_directory: here,
            cell: 0,
            iteration: 0,
            only: None,
        };
        let registry = registry().with_plugins(Arc::new(Picky));
        let errors = load(text, "demo.yaml".as_ref(), &options, &registry).unwrap_err();
        insta::assert_snapshot!(errors, @r#"
        demo.yaml:5:11: error: ./penalty.wasm Some("00ff") PluginLimits { memory: Some(1048576), call_time: Some(2s) }
          |
        5 |     uses: ./penalty.wasm
          |           ^^^^^^^^^^^^^^

        demo.yaml:7:13: error: not this one
          |
        7 |     sha256: 00ff
          |             ^^^^

        demo.yaml:9:12: error: `plugin` must be even
          |
        9 |     with: {target: 3}
          |            ^^^^^^

        demo.yaml:10:10: error: `bare` must be even
           |
        10 |   bare: {uses: oci://example.com/penalty, from: read}
           |          ^^^^

        demo.yaml:10:16: error: oci://example.com/penalty None PluginLimits { memory: None, call_time: None }
           |
        10 |   bare: {uses: oci://example.com/penalty, from: read}
           |                ^^^^^^^^^^^^^^^^^^^^^^^^^

        demo.yaml:10:16: error: not this one
           |
        10 |   bare: {uses: oci://example.com/penalty, from: read}
           |                ^^^^^^^^^^^^^^^^^^^^^^^^^
        "#);
    }

    #[test]
    fn all_errors_come_at_once() {
        let text = "\
version: 1
sede: 7
params: {limit: 3}
stages:
  read:
    uses: read
    with: {fils: a.json, format: taubench, limit: many}
    retry: 3
  Score:
    uses: scor
    from: raed
  credit:
    uses: credit
    from: [read, read.validation, write]
  write:
    uses: write
    from: credit
    with: {to: \"${params.limits}\"}
";
        insta::assert_snapshot!(errors(text, &["params.limit=x"]), @r#"
        command line:1:20: error: `--set params.limit` wants a whole number, as its default is, and got `x`
          |
        1 | --set params.limit=x
          |                    ^

        demo.yaml:2:1: error: unknown key `sede`
          |
        2 | sede: 7
          | ^^^^ not known here
          = help: did you mean `seed`?

        demo.yaml:7:12: error: unknown key `fils`
          |
        7 |     with: {fils: a.json, format: taubench, limit: many}
          |            ^^^^ not known here
          = help: did you mean `files`?

        demo.yaml:7:34: error: unknown value `taubench`
          |
        7 |     with: {fils: a.json, format: taubench, limit: many}
          |                                  ^^^^^^^^ not known here
          = help: did you mean `tau-bench`?

        demo.yaml:7:51: error: expected a whole number of at least 0, found the text `many`
          |
        7 |     with: {fils: a.json, format: taubench, limit: many}
          |                                                   ^^^^ expected a whole number of at least 0

        demo.yaml:8:5: error: unknown key `retry`
          |
        8 |     retry: 3
          |     ^^^^^ not known here
          = help: known keys: `uses`, `from`, `with`, `cache`, `on_error`, `retries`, `timeout`, `resources`, `when`, `keep`, `sha256`, `allow`, `limits`

        demo.yaml:9:3: error: `Score` is not a name: small letters, digits and `-`, beginning with a letter
          |
        9 |   Score:
          |   ^^^^^
          = help: call it `score`

        demo.yaml:10:11: error: there is no stage `scor`
           |
        10 |     uses: scor
           |           ^^^^ not known
           = help: did you mean `score`?

        demo.yaml:11:11: error: there is no stage named `raed`
           |
        11 |     from: raed
           |           ^^^^ not among `stages`
           = help: did you mean `read`?

        demo.yaml:14:35: error: the stages go round in a circle: credit -> write -> credit
           |
        14 |     from: [read, read.validation, write]
           |                                   ^^^^^ `credit` takes this
           …
        17 |     from: credit
           |           ------ `write` takes this
           = help: let one of them take its trajectories from a stage outside of the circle

        demo.yaml:18:17: error: there is no parameter `limits`
           |
        18 |     with: {to: "${params.limits}"}
           |                 ^^^^^^^^^^^^^^^^ not in `params`
           = help: did you mean `params.limit`?
        "#);
    }

    #[test]
    fn every_problem_of_a_built_stage_is_placed_within_its_text() {
        let text = "version: 1\nstages:\n  read: {uses: read, with: {files: 'a?b'}}\n";
        insta::assert_snapshot!(errors(text, &[]), @"
        demo.yaml:3:37: error: a glob of one file
          |
        3 |   read: {uses: read, with: {files: 'a?b'}}
          |                                     ^

        demo.yaml:3:38: error: a glob of one file
          |
        3 |   read: {uses: read, with: {files: 'a?b'}}
          |                                      ^
        ");
    }

    #[test]
    fn what_is_not_carried_out_is_a_warning_at_its_place() {
        let text = "\
version: 1
stages:
  read:
    uses: read
    retries: 2
    resources: {cpus: 2}
    on_error: quarantine
    with: {files: a}
  plugin:
    uses: ./plugins/penalty.wasm
    from: {left: read}
    sha256: 9f2c
    allow: {clock: true}
    limits: {memory: 64MiB, call_time: 5s}
";
        let pipeline = loaded(text, &[]).unwrap();
        let told: Vec<String> =
            pipeline.unsupported().iter().map(|one| format!("{:?} {}", one.position(), one.message)).collect();
        insta::assert_snapshot!(told.join("\n"), @"
        (6, 5) `resources` is not carried out by this version
        (10, 11) the plugin `./plugins/penalty.wasm` is not carried out by this version
        ");
    }

    proptest::proptest! {
        #[test]
        fn whatever_the_text_every_error_has_a_place_in_it(parts in proptest::collection::vec(PART, 0..40)) {
            let text = parts.concat();
            if let Err(errors) = loaded(&text, &[]) {
                for diagnostic in errors.diagnostics() {
                    proptest::prop_assert!(text.get(diagnostic.span.clone()).is_some(), "{diagnostic:?}");
                    proptest::prop_assert!(!super::super::render_plain(diagnostic).is_empty());
                }
            }
        }
    }

    /// Pieces that pipelines and their mistakes are made of.
    const PART: &str = "version: 1\n|stages:\n|params:\n|  read:\n|  é: |    uses: read\n|    with: |    from: \
        |\\[read, |\\]|\\{|\\}|\\{files: |\\$\\{params\\.x\\}|\\$\\{|\"|'|\n|  |\t|- |# 日本\n|&a |\\*a|<<: |\\|\n|>\n|: |\\?|!x |---\n|x";

    #[test]
    fn a_diagnostic_is_data_for_programs() {
        let errors = loaded("version: 1\nstages:\n  é: {uses: reed}\n", &[]).unwrap_err();
        let json = serde_json::to_string_pretty(&errors.diagnostics().last()).unwrap();
        insta::assert_snapshot!(json, @r#"
        {
          "severity": "error",
          "file": "demo.yaml",
          "line": 3,
          "column": 13,
          "end_line": 3,
          "end_column": 17,
          "message": "there is no stage `reed`",
          "label": "not known",
          "help": "did you mean `read`?",
          "stage": "é"
        }
        "#);
    }
}
