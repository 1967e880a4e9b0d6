//! The stage: which files, what they are, their shards, and the rows of those shards that are asked for.

use std::path::PathBuf;
use std::sync::{Arc, LazyLock, Mutex, OnceLock, PoisonError};

use rayon::prelude::*;
use sternlight_engine::contract::{Contract, Effect, Scope};
use sternlight_engine::problem::Problem;
use sternlight_engine::stage::{
    BuildContext, BuiltIn, Context, Memo, ShardContent, Source, SourceShard, Stage, StageError, Survey, Work,
};
use sternlight_engine::trajectory::{TrajectoryBatch, TrajectorySchema, imported_schema};

use super::detect::{Detected, detect};
use super::files::{InputFile, distinct_stems, list};
use super::options::{Format, Options};
use super::parquet::{self, ParquetFile};
use super::parquet_schema::agree;
use super::shard::{Shard, read_shard};
use super::stream::TextStream;
use super::survey::{JsonFile, SHARD_BYTES, survey};

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
    inputs: OnceLock<Result<Inputs, Problem>>,
    /// What the survey's shards are made of, in its order.
    surveyed: Mutex<Arc<[Shard]>>,
}

/// The files of an import, which are all of one format.
#[derive(Clone)]
enum Inputs {
    Json(Vec<JsonFile>),
    Parquet { schema: TrajectorySchema, files: Vec<ParquetFile> },
}

impl BuiltIn for Import {
    type Options = Options;

    const NAME: &'static str = "import";
    const SUMMARY: &'static str = "Bring recorded trajectories in from other programs' files.";
    const DOCUMENTATION: &'static str = include_str!("import.md");
    const VERSION: u32 = 1;

    fn build(options: Options, context: &BuildContext<'_>) -> Result<Self, Vec<Problem>> {
        let problems = options.format.map(|format| options.inapplicable(format)).unwrap_or_default();
        if !problems.is_empty() {
            return Err(problems);
        }
        Ok(Self {
            options,
            directory: context.directory.to_owned(),
            current_directory: context.current_directory.to_owned(),
            shard_bytes: *SHARD_BYTES_IN_USE,
            inputs: OnceLock::new(),
            surveyed: Mutex::default(),
        })
    }
}

impl Stage for Import {
    fn contract(&self, _: &TrajectorySchema) -> Result<Contract, Problem> {
        let schema = match self.inputs()? {
            Inputs::Json(_) => imported_schema(),
            Inputs::Parquet { schema, .. } => schema.clone(),
        };
        Ok(Contract { reads: Vec::new(), scope: Scope::Trajectory, effect: Effect::Source(schema) })
    }

    fn work(&self) -> Work<'_> {
        Work::Source(self)
    }
}

impl Import {
    fn inputs(&self) -> Result<&Inputs, Problem> {
        self.inputs.get_or_init(|| self.find_inputs()).as_ref().map_err(Clone::clone)
    }

    fn find_inputs(&self) -> Result<Inputs, Problem> {
        let files = list(&self.options.files, &self.directory, &self.current_directory)?;
        let detected: Vec<Result<Detected, StageError>> =
            files.par_iter().map(|file| detect(file, self.options.format)).collect();
        let detected: Vec<(InputFile, Detected)> = files
            .into_iter()
            .zip(detected)
            .map(|(file, detected)| Ok((file, detected.map_err(problem)?)))
            .collect::<Result<_, Problem>>()?;
        let format = one_format(&detected)?;
        if let Some(problem) = self.options.inapplicable(format).into_iter().next() {
            return Err(problem);
        }
        match format {
            Format::Sternlight => parquet_inputs(detected),
            Format::TauBench | Format::OpenaiChat => json_inputs(detected, format),
        }
    }
}

/// The format that all files have; a file that does not tell takes that of the others.
fn one_format(detected: &[(InputFile, Detected)]) -> Result<Format, Problem> {
    let mut told = detected.iter().filter_map(|(file, detected)| Some((file, detected.format?)));
    let Some((first, format)) = told.next() else { return Ok(Format::OpenaiChat) };
    match told.find(|(_, other)| *other != format) {
        None => Ok(format),
        Some((file, other)) => Err(Problem::at(
            ["files"],
            format!("`{}` is `{}`, but `{}` is `{}`", first.shown, format.name(), file.shown, other.name()),
        )
        .help("one import reads files of one format: use a stage for each, and `from: [a, b]` behind them")),
    }
}

fn json_inputs(detected: Vec<(InputFile, Detected)>, format: Format) -> Result<Inputs, Problem> {
    distinct_stems(detected.iter().map(|(file, _)| file))?;
    let files = detected.into_iter().filter_map(|(file, detected)| {
        let Detected { container, is_compressed, .. } = detected;
        Some(JsonFile { file, container: container?, format, is_compressed })
    });
    Ok(Inputs::Json(files.collect()))
}

fn parquet_inputs(detected: Vec<(InputFile, Detected)>) -> Result<Inputs, Problem> {
    let files: Vec<Result<ParquetFile, StageError>> =
        detected.par_iter().map(|(file, _)| parquet::open(file)).collect();
    let files = files.into_iter().collect::<Result<Vec<_>, _>>().map_err(problem)?;
    let Some(first) = files.first() else { return Err(Problem::at(["files"], "`files` names no file")) };
    for other in &files {
        agree((&first.file.shown, &first.schema), (&other.file.shown, &other.schema)).map_err(problem)?;
    }
    Ok(Inputs::Parquet { schema: first.schema.clone(), files })
}

/// What is wrong with an input, as a problem with the option that names it.
fn problem(error: StageError) -> Problem {
    Problem { help: error.help.clone(), ..Problem::at(["files"], error.to_string()) }
}

impl Source for Import {
    fn survey(&self, memo: &dyn Memo) -> Result<Survey, StageError> {
        let inputs = self.inputs().map_err(|problem| StageError {
            help: problem.help,
            ..StageError::new(problem.message)
        })?;
        let mut found = Survey::default();
        let mut surveyed = Vec::new();
        match inputs {
            Inputs::Parquet { files, .. } => {
                let identity = self.options.identity.unwrap_or_default();
                let shards: Vec<Result<Vec<SourceShard>, StageError>> = files
                    .par_iter()
                    .map(|file| parquet::shards(file, identity, self.shard_bytes, memo))
                    .collect();
                for shards in shards {
                    found.shards.extend(shards?);
                }
            }
            Inputs::Json(files) => {
                let surveys: Vec<_> = files.par_iter().map(|file| survey(file, self.shard_bytes, memo)).collect();
                for (index, (file, survey)) in files.iter().zip(surveys).enumerate() {
                    let survey = survey?;
                    for piece in survey.pieces {
                        let shard =
                            Shard { file: file.clone(), environment: survey.environment.clone(), piece };
                        found.shards.push(SourceShard {
                            label: shard.label(),
                            key: shard.key(),
                            stream: file.is_compressed.then_some(index),
                            content: ShardContent::Decoded,
                        });
                        surveyed.push(shard);
                    }
                }
            }
        }
        *self.surveyed.lock().unwrap_or_else(PoisonError::into_inner) = surveyed.into();
        Ok(found)
    }

    fn read(
        &self,
        _: &Survey,
        shards: &[usize],
        contexts: &mut [Context],
        emit: &mut dyn FnMut(usize, TrajectoryBatch) -> Result<(), StageError>,
    ) -> Result<(), StageError> {
        let surveyed = Arc::clone(&self.surveyed.lock().unwrap_or_else(PoisonError::into_inner));
        let mut open: Option<(&PathBuf, TextStream)> = None;
        for (index, context) in shards.iter().zip(contexts) {
            let shard = surveyed
                .get(*index)
                .ok_or_else(|| StageError::new(format!("shard {index} is not part of the import's survey")))?;
            let path = &shard.file.file.path;
            let (_, stream) = match &mut open {
                Some(same) if same.0 == path => same,
                other => {
                    let stream = TextStream::open(path).map_err(|error| StageError::file("read", path, &error))?;
                    other.insert((path, stream))
                }
            };
            read_shard(shard, stream, &self.options, context, &mut |batch| emit(*index, batch))?;
        }
        Ok(())
    }
}
