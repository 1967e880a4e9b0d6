//! The stage: which files, what they are, their shards, and the rows of those shards that are asked for.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, OnceLock};

use rayon::prelude::*;
use sternlight_engine::contract::{Contract, Effect, InputTypes, Scope};
use sternlight_engine::metrics::Metrics;
use sternlight_engine::problem::Problem;
use sternlight_engine::stage::{
    BuildContext, BuiltIn, Look, LookTerms, Memo, Receiver, ShardContent, Source, SourceShard, Stage, StageError,
    Survey, TaskContext, Work,
};
use sternlight_engine::trajectory::{TrajectorySchema, imported_schema};

use super::columns::Columns;
use super::detect::{Detected, detect};
use super::files::{InputFile, Listing, distinct_stems, list, matches};
use super::options::{Format, Options};
use super::parquet::{self, ParquetFile};
use super::parquet_look;
use super::parquet_schema::agree;
use super::records::RecordLimit;
use super::seen::Seen;
use super::shard::{Shard, read_shard};
use super::stream::TextStream;
use super::survey::{JsonFile, SHARD_BYTES, survey};
use super::tally;

/// Tests cut small files into many shards with this environment variable. In no key: the bytes of a shard are.
static SHARD_BYTES_IN_USE: LazyLock<u64> = LazyLock::new(|| {
    let knob = std::env::var("STERNLIGHT_SHARD_BYTES").ok().and_then(|bytes| bytes.parse().ok());
    knob.filter(|bytes| *bytes > 0).unwrap_or(SHARD_BYTES)
});

/// The `import` stage.
pub struct Import {
    options: Options,
    directory: PathBuf,
    current_directory: PathBuf,
    shard_bytes: u64,
    /// Found once, so that a run plans and reads the same files.
    inputs: OnceLock<Result<Inputs, Vec<Problem>>>,
}

/// What an import reads.
struct Inputs {
    files: Files,
    /// What looks wrong with the files as a whole.
    warnings: Vec<String>,
}

/// The files of an import, which are all of one format.
enum Files {
    Json(Vec<JsonFile>),
    Parquet { schema: TrajectorySchema, files: Vec<ParquetFile>, places: HashMap<PathBuf, usize> },
}

impl BuiltIn for Import {
    type Options = Options;

    const NAME: &'static str = "import";
    const SUMMARY: &'static str = "Brings recorded trajectories in from other programs' files";
    const DOCUMENTATION: &'static str = include_str!("import.md");
    const VERSION: u32 = 2;

    fn build(options: Options, context: &BuildContext<'_>) -> Result<Self, Vec<Problem>> {
        let problems = options.format.map(|format| options.inapplicable(format)).unwrap_or_default();
        if !problems.is_empty() {
            return Err(problems);
        }
        Ok(Self::new(options, context, *SHARD_BYTES_IN_USE))
    }
}

impl Stage for Import {
    fn contract(&self, _: &InputTypes) -> Result<Contract, Vec<Problem>> {
        let schema = match &self.inputs()?.files {
            Files::Json(_) => imported_schema(),
            Files::Parquet { schema, .. } => schema.clone(),
        };
        Ok(Contract { reads: Vec::new(), scope: Scope::Trajectory, effect: Effect::Source(schema) })
    }

    fn inputs(&self) -> Vec<PathBuf> {
        match self.inputs().map(|inputs| &inputs.files) {
            Ok(Files::Json(files)) => files.iter().map(|file| file.file.path.clone()).collect(),
            Ok(Files::Parquet { files, .. }) => files.iter().map(|file| file.file.path.clone()).collect(),
            Err(_) => Vec::new(),
        }
    }

    fn would_read(&self, place: &Path) -> bool {
        matches(&self.options.files, &self.directory, place)
    }

    fn work(&self) -> Work<'_> {
        Work::Source(self)
    }

    fn warnings(&self, metrics: &Metrics) -> Vec<String> {
        let files: Vec<&InputFile> = match self.inputs().map(|inputs| &inputs.files) {
            Ok(Files::Json(files)) => files.iter().map(|file| &file.file).collect(),
            Ok(Files::Parquet { .. }) | Err(_) => Vec::new(),
        };
        let mut warnings = tally::warnings(metrics, &self.options, &files);
        warnings.extend(Seen::warnings(metrics));
        warnings
    }
}

impl Import {
    /// The stage with options that fit each other.
    pub(super) fn new(options: Options, context: &BuildContext<'_>, shard_bytes: u64) -> Self {
        Self {
            options,
            directory: context.directory.to_owned(),
            current_directory: context.current_directory.to_owned(),
            shard_bytes,
            inputs: OnceLock::new(),
        }
    }

    fn inputs(&self) -> Result<&Inputs, Vec<Problem>> {
        self.inputs.get_or_init(|| self.find_inputs()).as_ref().map_err(Clone::clone)
    }

    fn find_inputs(&self) -> Result<Inputs, Vec<Problem>> {
        let Listing { mut files, warnings } = list(&self.options.files, &self.directory, &self.current_directory)?;
        if self.options.policy.is_some() {
            // Names that decide nothing belong in no key.
            files.iter_mut().for_each(|file| file.policy.clear());
        }
        let detected: Vec<Result<Detected, StageError>> =
            files.par_iter().map(|file| detect(file, self.options.format)).collect();
        let detected: Vec<(InputFile, Detected)> = files.into_iter().zip(all(detected)?).collect();
        let format = one_format(&detected)?;
        let inapplicable = self.options.inapplicable(format);
        if !inapplicable.is_empty() {
            return Err(inapplicable);
        }
        let files = match format {
            Format::Sternlight => parquet_inputs(detected, self.options.columns.as_ref()),
            Format::TauBench | Format::OpenaiChat | Format::Anthropic => json_inputs(detected, format),
        }?;
        Ok(Inputs { files, warnings })
    }
}

/// The format that all files have; a file that does not tell takes that of the others, and one of chats that could be of
/// either kind is of that which the others are.
fn one_format(detected: &[(InputFile, Detected)]) -> Result<Format, Problem> {
    let is_certain = |detected: &Detected| detected.format.is_some() && !detected.is_guess;
    let certain = detected.iter().find(|(_, detected)| is_certain(detected));
    let guess = detected.iter().find(|(_, detected)| detected.format.is_some());
    let Some((first, format)) = certain.or(guess).and_then(|(file, detected)| Some((file, detected.format?))) else {
        return Ok(Format::OpenaiChat);
    };
    let is_chat = |format: Format| matches!(format, Format::OpenaiChat | Format::Anthropic);
    let told = detected.iter().filter_map(|(file, detected)| Some((file, detected, detected.format?)));
    let mut others = told.filter(|(_, detected, other)| *other != format && !(detected.is_guess && is_chat(format)));
    match others.next().map(|(file, _, other)| (file, other)) {
        None => Ok(format),
        Some((file, other)) => Err(Problem::at(
            ["files"],
            format!("`{}` is `{}`, but `{}` is `{}`", first.shown, format.name(), file.shown, other.name()),
        )
        .help("one import reads files of one format: use a stage for each, and `from: [a, b]` behind them")),
    }
}

fn json_inputs(detected: Vec<(InputFile, Detected)>, format: Format) -> Result<Files, Vec<Problem>> {
    distinct_stems(detected.iter().map(|(file, _)| file))?;
    let files = detected.into_iter().filter_map(|(file, detected)| {
        let Detected { container, is_compressed, .. } = detected;
        Some(JsonFile { file, container: container?, format, is_compressed })
    });
    Ok(Files::Json(files.collect()))
}

fn parquet_inputs(detected: Vec<(InputFile, Detected)>, columns: Option<&Columns>) -> Result<Files, Vec<Problem>> {
    let files: Vec<Result<ParquetFile, StageError>> =
        detected.par_iter().map(|(file, _)| parquet::open(file, columns)).collect();
    let files = all(files)?;
    let Some(first) = files.first() else { return Err(Problem::at(["files"], "`files` names no file").into()) };
    all(files.iter().map(|other| agree((&first.file.shown, &first.schema), (&other.file.shown, &other.schema))))?;
    let places = files.iter().enumerate().map(|(index, file)| (file.file.path.clone(), index)).collect();
    Ok(Files::Parquet { schema: first.schema.clone(), files, places })
}

/// A glob may match a thousand files that are something else: so many are told one by one.
const MAXIMUM_PROBLEMS: usize = 10;

/// What was found in every file, or what is wrong with each.
fn all<T>(found: impl IntoIterator<Item = Result<T, StageError>>) -> Result<Vec<T>, Vec<Problem>> {
    let (mut values, mut problems) = (Vec::new(), Vec::new());
    for outcome in found {
        match outcome {
            Ok(value) => values.push(value),
            Err(error) => problems.push(problem(error)),
        }
    }
    if problems.is_empty() {
        return Ok(values);
    }
    let more = problems.len().saturating_sub(MAXIMUM_PROBLEMS);
    problems.truncate(MAXIMUM_PROBLEMS);
    if more > 0 {
        problems.push(Problem::at(["files"], format!("{more} more files cannot be imported")));
    }
    Err(problems)
}

/// What is wrong with an input, as a problem with the option that names it.
fn problem(error: StageError) -> Problem {
    Problem { help: error.help.clone(), ..Problem::at(["files"], error.to_string()) }
}

/// The first of the problems: the others were told when the pipeline was checked.
fn stage_error(problems: Vec<Problem>) -> StageError {
    let first = problems.into_iter().next().unwrap_or_else(|| Problem::new("the inputs cannot be read"));
    StageError { help: first.help, ..StageError::new(first.message) }
}

impl Source for Import {
    fn held_bytes(&self, survey: &Survey, shards: &[usize]) -> u64 {
        let shards = shards.iter().filter_map(|index| decoded(survey, *index));
        RecordLimit::COPIES * shards.map(|shard| shard.piece.largest).max().unwrap_or(0)
    }

    fn survey(&self, memo: &dyn Memo) -> Result<Survey, StageError> {
        let inputs = self.inputs().map_err(stage_error)?;
        let mut found = Survey { warnings: inputs.warnings.clone(), ..Survey::default() };
        match &inputs.files {
            Files::Parquet { files, .. } => {
                let identity = self.options.identity.unwrap_or_default();
                let shards: Vec<Result<Vec<SourceShard>, StageError>> =
                    files.par_iter().map(|file| parquet::shards(file, identity, self.shard_bytes, memo)).collect();
                for shards in shards {
                    found.shards.extend(shards?);
                }
            }
            Files::Json(files) => {
                let limit = RecordLimit::of(memo.memory());
                let surveys: Vec<_> =
                    files.par_iter().map(|file| survey(file, self.shard_bytes, limit, memo)).collect();
                for (index, (file, survey)) in files.iter().zip(surveys).enumerate() {
                    let survey = survey?;
                    for piece in survey.pieces {
                        let shard = Shard { file: file.clone(), environment: survey.environment.clone(), piece };
                        found.shards.push(SourceShard {
                            label: shard.label(),
                            key: shard.key(),
                            stream: file.is_compressed.then_some(index),
                            content: ShardContent::Decoded(Arc::new(shard)),
                        });
                    }
                }
            }
        }
        Ok(found)
    }

    fn help_for_lone_groups(&self) -> Option<&'static str> {
        Some(
            "name the `policy` that acted, set `group_by: task`, or, for chats that name no task, `task_from: first_user`",
        )
    }

    fn look(&self, survey: &Survey, shard: usize, terms: &LookTerms<'_>) -> Result<Look, StageError> {
        let inputs = self.inputs().map_err(stage_error)?;
        match (survey.shards.get(shard).map(|shard| &shard.content), &inputs.files) {
            (Some(ShardContent::InPlace { path, row_groups, .. }), Files::Parquet { files, places, .. }) => {
                let file = places.get(path).and_then(|index| files.get(*index));
                let file = file.ok_or_else(|| StageError::new(format!("`{}` is no input", path.display())))?;
                parquet_look::look(file, row_groups.clone(), &self.options, terms)
            }
            _ => Ok(Look::default()),
        }
    }

    fn read(
        &self,
        survey: &Survey,
        shards: &[usize],
        task: &TaskContext<'_>,
        receiver: &mut dyn Receiver,
    ) -> Result<(), StageError> {
        let mut open: Option<(&PathBuf, TextStream)> = None;
        for index in shards {
            let shard = decoded(survey, *index)
                .ok_or_else(|| StageError::new(format!("shard {index} is not part of the import's survey")))?;
            let path = &shard.file.file.path;
            let (_, stream) = match &mut open {
                Some(same) if same.0 == path => same,
                other => {
                    let stream = TextStream::open(path).map_err(|error| shard.file.file.unreadable(&error))?;
                    other.insert((path, stream))
                }
            };
            read_shard((*index, shard), stream, &self.options, task, receiver)?;
        }
        Ok(())
    }
}

/// A shard of JSON records.
fn decoded(survey: &Survey, index: usize) -> Option<&Shard> {
    match &survey.shards.get(index)?.content {
        ShardContent::Decoded(shard) => shard.downcast_ref(),
        ShardContent::InPlace { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use sternlight_engine::problem::Segment;
    use sternlight_engine::stage::Context;
    use sternlight_engine::trajectory::TrajectoryBatch;

    use super::super::testing::{Notes, import, import_in_shards, stage};
    use super::*;

    fn write(directory: &Path, name: &str, bytes: impl AsRef<[u8]>) {
        std::fs::write(directory.join(name), bytes).unwrap();
    }

    const CHAT: &str = r#"{"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "yes"}]}"#;
    const RUN: &str = r#"{"task_id": 1, "reward": 1.0, "info": {"reward_info": {}}, "traj": []}"#;

    #[test]
    fn rows_do_not_depend_on_shards_or_compression() {
        let directory = tempfile::tempdir().unwrap();
        let lines = format!("{CHAT}\n\n").repeat(50);
        let array = format!("[{}]", vec![CHAT; 50].join(",\n"));
        for (name, text) in [("a.jsonl", &lines), ("a.json", &array)] {
            write(directory.path(), name, text);
            let whole = import(directory.path(), &format!("files: {name}")).unwrap();
            assert_eq!((whole.rows.len(), whole.survey.shards.len()), (50, 1));
            assert_eq!(whole.rows[49]["source"], format!("{name}#49"));
            let cut = import_in_shards(directory.path(), &format!("files: {name}"), 500).unwrap();
            assert!(cut.survey.shards.len() > 5 && cut.survey.shards.iter().all(|shard| shard.stream.is_none()));
            assert_eq!((&cut.rows, &cut.context.metrics), (&whole.rows, &whole.context.metrics));
            let zipped = format!("{name}.zst");
            write(directory.path(), &zipped, zstd::encode_all(text.as_bytes(), 1).unwrap());
            let cut = import_in_shards(directory.path(), &format!("{{files: {zipped}, policy: a}}"), 500).unwrap();
            assert!(cut.survey.shards.iter().all(|shard| shard.stream == Some(0)));
            let without_source = |rows: &[serde_json::Value]| -> Vec<serde_json::Value> {
                let mut rows = rows.to_vec();
                rows.iter_mut().for_each(|row| row["source"] = "".into());
                rows
            };
            assert_eq!(without_source(&cut.rows), without_source(&whole.rows));
        }
    }

    #[test]
    fn keys_know_a_file_by_its_name_and_bytes_not_by_its_directory() {
        let key = |name: &str, text: &str| {
            let directory = tempfile::tempdir().unwrap();
            write(directory.path(), name, text);
            import(directory.path(), &format!("files: {name}")).unwrap().survey.shards.remove(0).key
        };
        assert_eq!(key("a.jsonl", CHAT), key("a.jsonl", CHAT));
        assert_ne!(key("a.jsonl", CHAT), key("b.jsonl", CHAT));
        assert_ne!(key("a.jsonl", CHAT), key("a.jsonl", &CHAT.replace("yes", "no")));
    }

    #[test]
    fn only_the_shards_that_are_asked_for_are_read() {
        let directory = tempfile::tempdir().unwrap();
        let text = format!("{CHAT}\n").repeat(50);
        write(directory.path(), "a.jsonl.zst", zstd::encode_all(text.as_bytes(), 1).unwrap());
        let stage = stage(directory.path(), "files: a.jsonl.zst", 500).unwrap();
        let survey = stage.survey(&Notes::default()).unwrap();
        let mut seen = Vec::new();
        let mut emit = |shard: usize, batch: TrajectoryBatch, _: Context| {
            if batch.rows() > 0 {
                seen.push((shard, batch.text("trajectory_id").unwrap().value(0).to_owned()));
            }
            Ok(())
        };
        stage.read(&survey, &[1, 3], &TaskContext::alone(), &mut emit).unwrap();
        let first = |label: &str| label.split(['-', ' ']).nth(2).unwrap().to_owned();
        let expected: Vec<_> =
            [1, 3].map(|shard| (shard, format!("a#{}", first(&survey.shards[shard].label)))).to_vec();
        assert_eq!(seen, expected);
        assert!(
            stage
                .read(&survey, &[99], &TaskContext::alone(), &mut |_: usize, _: TrajectoryBatch, _: Context| Ok(()))
                .is_err()
        );
    }

    #[test]
    fn the_environment_is_a_fact_of_the_file() {
        let directory = tempfile::tempdir().unwrap();
        let failed = r#"{"task_id": 1, "reward": 0.0, "info": {"error": "x"}, "traj": []}"#;
        let telling =
            r##"{"task_id": 2, "info": {}, "traj": [{"role": "system", "content": "# Airline Agent Policy"}]}"##;
        write(directory.path(), "a.json", format!("[{failed},{failed},{telling}]"));
        let outcome = import_in_shards(directory.path(), "files: a.json", 10).unwrap();
        assert!(outcome.rows.iter().all(|row| row["env"] == "tau-bench/airline"));
        assert!(
            outcome
                .survey
                .shards
                .iter()
                .all(|shard| { shard.key.contains(&("environment".to_owned(), "tau-bench/airline".to_owned())) })
        );
    }

    #[test]
    fn broken_data_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let truncated = zstd::encode_all(format!("{CHAT}\n").repeat(9999).as_bytes(), 1).unwrap();
        let files: [(&str, Vec<u8>); 9] = [
            ("cut.jsonl", format!("{CHAT}\n\n{}", &CHAT[..40]).into_bytes()),
            ("cut.json", format!("[{RUN},\n{}", &RUN[..40]).into_bytes()),
            ("type.jsonl", format!("{CHAT}\n{{\"messages\": 7}}\n").into_bytes()),
            ("type.json", format!("[{RUN},\n\n{{\"task_id\": 1, \"traj\": [{{}}]}}]").into_bytes()),
            ("utf8.jsonl", b"{\"messages\": [], \"note\": \"\xff\"}".to_vec()),
            ("utf8.json", [b"[".as_slice(), b"{\"task_id\": 1,\n \"traj\": [{\"content\": \"\xff\"}]}]"].concat()),
            ("surrogate.jsonl", br#"{"messages": [{"role": "user", "content": "\ud800"}]}"#.to_vec()),
            ("empty.json", Vec::new()),
            ("damaged.jsonl.zst", truncated[..truncated.len() / 2].to_vec()),
        ];
        let mut errors = Vec::new();
        for (name, bytes) in files {
            write(directory.path(), name, bytes);
            errors.push(import(directory.path(), &format!("files: {name}")).unwrap_err());
        }
        insta::assert_snapshot!(errors.join("\n"), @"
        cut.jsonl:3: the record is cut off at column 40; each line must be one whole JSON object
        cut.json, element 1 (line 2): the file ends within this element: it is cut off
        type.jsonl:2: field `messages`: expected a list, found a number
        type.json, element 1 (line 3): field `traj[0].role`: is missing or null
        utf8.jsonl:1: field `note`: is not valid UTF-8 at byte 26 of the record
        utf8.json, element 0 (line 2): field `content`: is not valid UTF-8 at byte 38 of the record
        surrogate.jsonl:1: field `messages[0].content`: a string holds a lone surrogate escape
        `empty.json` is empty
        cannot read `damaged.jsonl.zst`: incomplete frame
        ");
        write(directory.path(), "none.json", "[ ]");
        assert_eq!(import(directory.path(), "files: none.json").unwrap().rows.len(), 0);
    }

    #[test]
    fn calls_without_results_are_a_warning() {
        let directory = tempfile::tempdir().unwrap();
        let call =
            r#"{"role": "assistant", "tool_calls": [{"id": "1", "function": {"name": "x", "arguments": "{}"}}]}"#;
        write(directory.path(), "a.jsonl", format!("{{\"messages\": [{call}, {call}]}}\n"));
        let outcome = import(directory.path(), "files: a.jsonl").unwrap();
        assert_eq!(outcome.context.warnings, ["a.jsonl, records 0-0: 2 calls without a result"]);
    }

    #[test]
    fn mixed_files_and_foreign_options_are_refused() {
        let directory = tempfile::tempdir().unwrap();
        write(directory.path(), "a.jsonl", CHAT);
        write(directory.path(), "b.json", format!("[{RUN}]"));
        write(directory.path(), "c.parquet", "PAR1");
        let refused = |options: &str| import(directory.path(), options).unwrap_err();
        insta::assert_snapshot!(refused("files: [a.jsonl, b.json]"), @"`b.json` is `tau-bench`, but `a.jsonl` is `openai-chat`");
        insta::assert_snapshot!(refused("files: [b.json, c.parquet]"), @"`b.json` is `tau-bench`, but `c.parquet` is `sternlight`");
        insta::assert_snapshot!(refused("{files: b.json, task_from: first_user}"), @"option `task_from` belongs to `openai-chat` and `anthropic`, but the files are `tau-bench`");
        insta::assert_snapshot!(refused("{files: a.jsonl, format: openai-chat, identity: stat}"), @"option `identity` belongs to `sternlight`, but the files are `openai-chat`");
    }

    /// A file of words alone is what the other files are: a directory of Anthropic's messages may hold some.
    #[test]
    fn a_file_that_does_not_tell_is_what_the_others_are() {
        let directory = tempfile::tempdir().unwrap();
        let blocks = r#"{"messages": [{"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a"}]}]}"#;
        let role = r#"{"messages": [{"role": "tool", "content": "x"}]}"#;
        write(directory.path(), "a.jsonl", CHAT);
        write(directory.path(), "b.jsonl", blocks);
        write(directory.path(), "c.jsonl", role);
        write(directory.path(), "d.json", "[]");
        let environments = |files: &str| {
            let outcome = import(directory.path(), &format!("files: {files}"));
            outcome.map(|outcome| {
                outcome.rows.iter().map(|row| row["env"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
            })
        };
        assert_eq!(environments("[a.jsonl, b.jsonl, d.json]").unwrap(), ["anthropic", "anthropic"]);
        assert_eq!(environments("[a.jsonl, c.jsonl]").unwrap(), ["openai-chat", "openai-chat"]);
        assert_eq!(environments("[a.jsonl, d.json]").unwrap(), ["openai-chat"]);
        let refused = environments("[a.jsonl, b.jsonl, c.jsonl]").unwrap_err();
        insta::assert_snapshot!(refused, @"`b.jsonl` is `anthropic`, but `c.jsonl` is `openai-chat`");
    }

    #[test]
    fn a_thousand_wrong_files_are_not_told_one_by_one() {
        let directory = tempfile::tempdir().unwrap();
        (0..25).for_each(|number| write(directory.path(), &format!("{number}.jsonl"), "x"));
        let problems = stage(directory.path(), "files: '*.jsonl'", 500)
            .unwrap()
            .contract(&InputTypes::from(&TrajectorySchema::empty()));
        let problems = problems.unwrap_err();
        assert_eq!(problems.len(), 11);
        insta::assert_snapshot!(problems[10].message, @"15 more files cannot be imported");
    }

    #[test]
    fn a_missing_file_is_a_problem_of_the_option() {
        let directory = tempfile::tempdir().unwrap();
        let stage = stage(directory.path(), "files: none.json", 500).unwrap();
        let problem = stage.contract(&InputTypes::from(&TrajectorySchema::empty())).unwrap_err().remove(0);
        assert_eq!(problem.path, [Segment::from("files")]);
        assert!(stage.survey(&Notes::default()).is_err());
    }

    #[test]
    fn a_file_that_changes_after_the_survey_is_noticed() {
        let directory = tempfile::tempdir().unwrap();
        write(directory.path(), "a.jsonl", CHAT);
        let stage = stage(directory.path(), "files: a.jsonl", 500).unwrap();
        let survey = stage.survey(&Notes::default()).unwrap();
        write(directory.path(), "a.jsonl", CHAT.replace("yes", "no!"));
        let error = stage
            .read(&survey, &[0], &TaskContext::alone(), &mut |_: usize, _: TrajectoryBatch, _: Context| Ok(()))
            .unwrap_err();
        insta::assert_snapshot!(error, @"`a.jsonl` changed while it was imported");
    }
}
