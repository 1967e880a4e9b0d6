//! The options of `export`, and what the ending of `to` says about the files to write.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sternlight_engine::problem::Problem;
use sternlight_engine::stage::BuildContext;

/// Options of `export`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExportOptions {
    /// Where to write, relative to the directory in which the command runs: a name that ends in `.parquet`
    /// (or `.jsonl`, `.jsonl.gz`, `.jsonl.zst` with `format: openai-chat`) is one file, any other a directory with
    /// one file for each shard. A table goes into one file that ends in `.parquet` or `.csv`, a policy into a directory.
    pub to: String,
    /// What to write.
    #[serde(default)]
    pub format: Format,
    /// Replace files of these names that sternlight did not write as they are now.
    #[serde(default)]
    pub overwrite: bool,
}

/// Formats that `export` knows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// Parquet with all columns of the dataset.
    #[default]
    Parquet,
    /// Chat messages as OpenAI's fine-tuning reads them, one JSON object a line.
    OpenaiChat,
    /// The Parquet of verl. Not carried out by this version.
    Verl,
    /// The rows of TRL. Not carried out by this version.
    Trl,
}

impl Format {
    fn name(self) -> &'static str {
        match self {
            Self::Parquet => "parquet",
            Self::OpenaiChat => "openai-chat",
            Self::Verl => "verl",
            Self::Trl => "trl",
        }
    }
}

/// How a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    Parquet,
    Lines(Compression),
    /// Of tables alone.
    Csv,
}

/// How lines are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Compression {
    None,
    Gzip,
    Zstandard,
}

/// Endings that name one file, and what it is then.
const ENDINGS: [(&str, Encoding); 5] = [
    (".csv", Encoding::Csv),
    (".parquet", Encoding::Parquet),
    (".jsonl", Encoding::Lines(Compression::None)),
    (".jsonl.gz", Encoding::Lines(Compression::Gzip)),
    (".jsonl.zst", Encoding::Lines(Compression::Zstandard)),
];

/// Where to write, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Destination {
    /// Absolute if the current directory is.
    pub(super) path: PathBuf,
    /// The last part of the path.
    pub(super) name: String,
    /// The name without its known ending; `None` for a directory.
    pub(super) stem: Option<String>,
    pub(super) encoding: Encoding,
}

impl Destination {
    /// What the options say.
    pub(super) fn of(options: &ExportOptions, context: &BuildContext<'_>) -> Result<Self, Problem> {
        let directory_encoding = match options.format {
            Format::Parquet => Encoding::Parquet,
            Format::OpenaiChat => Encoding::Lines(Compression::None),
            other => {
                return Err(Problem::at(
                    ["format"],
                    format!("format `{}` is not carried out by this version", other.name()),
                )
                .help("use `parquet` or `openai-chat`"));
            }
        };
        // Without the `.` of `./out`: two ways to write one place are one place.
        let path: PathBuf = context.current_directory.join(&options.to).components().collect();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).filter(|_| !options.to.is_empty());
        let Some(name) = name else {
            return Err(Problem::at(["to"], format!("`{}` does not name a file or directory", options.to))
                .help("name one, as in `to: out/trajectories.parquet`"));
        };
        let known = ENDINGS.iter().find_map(|(ending, encoding)| {
            let stem = name.strip_suffix(ending).filter(|stem| !stem.is_empty())?;
            (!options.to.ends_with(['/', '\\'])).then(|| (stem.to_owned(), *encoding))
        });
        let Some((stem, encoding)) = known else {
            return Ok(Self { path, name, stem: None, encoding: directory_encoding });
        };
        let is_lines = matches!(encoding, Encoding::Lines(_));
        if is_lines == (options.format == Format::Parquet) {
            let (fitting, other) = match encoding {
                Encoding::Parquet | Encoding::Csv => (Format::Parquet, "`.jsonl`"),
                Encoding::Lines(_) => (Format::OpenaiChat, "`.parquet`"),
            };
            let message = format!("`{name}` does not have the ending of a file of format `{}`", options.format.name());
            return Err(Problem::at(["to"], message)
                .help(format!("set `format: {}`, or let `to` end in {other}", fitting.name())));
        }
        Ok(Self { path, name, stem: Some(stem), encoding })
    }

    /// The place beside it for a sample of what it is for: `out.sample`, `chats.sample.jsonl.gz`.
    pub(super) fn sample(&self) -> Self {
        let with_mark = |stem: &str| format!("{stem}.sample");
        let stem = self.stem.as_deref().map(with_mark);
        let name = match (&stem, &self.stem) {
            (Some(marked), Some(stem)) => {
                format!("{marked}{}", self.name.strip_prefix(stem.as_str()).unwrap_or_default())
            }
            _ => with_mark(&self.name),
        };
        Self { path: self.path.with_file_name(&name), name, stem, encoding: self.encoding }
    }

    /// The name of the file of a shard; of the only file if there is but one.
    pub(super) fn file_name(&self, shard: usize) -> String {
        match (&self.stem, self.encoding) {
            (Some(_), _) => self.name.clone(),
            (None, Encoding::Parquet | Encoding::Csv) => format!("part-{shard:05}.parquet"),
            (None, Encoding::Lines(_)) => format!("part-{shard:05}.jsonl"),
        }
    }

    /// What stands for all files that hold rows.
    pub(super) fn pattern(&self) -> String {
        match (&self.stem, self.encoding) {
            (Some(_), _) => self.name.clone(),
            (None, Encoding::Parquet | Encoding::Csv) => "part-*.parquet".to_owned(),
            (None, Encoding::Lines(_)) => "part-*.jsonl".to_owned(),
        }
    }

    /// The name of the card.
    pub(super) fn card_name(&self) -> String {
        match &self.stem {
            Some(stem) => format!("{stem}.README.md"),
            None => "README.md".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn destination(yaml: &str) -> Result<Destination, Problem> {
        let context = BuildContext::new(Path::new("/pipelines"), Path::new("/here"));
        Destination::of(&serde_yaml::from_str(yaml).unwrap(), &context)
    }

    #[test]
    fn the_ending_tells_files_from_directories() {
        let file = destination("{to: out/a.b.parquet}").unwrap();
        assert_eq!(
            (file.path.as_path(), file.file_name(0).as_str()),
            (Path::new("/here/out/a.b.parquet"), "a.b.parquet")
        );
        assert_eq!(file.card_name(), "a.b.README.md");
        let directory = destination("{to: out, format: openai-chat}").unwrap();
        assert_eq!(
            (directory.file_name(12).as_str(), directory.card_name().as_str()),
            ("part-00012.jsonl", "README.md")
        );
        let zstd = destination("{to: x.jsonl.zst, format: openai-chat}").unwrap();
        assert_eq!(
            (zstd.encoding, zstd.card_name().as_str()),
            (Encoding::Lines(Compression::Zstandard), "x.README.md")
        );
        assert_eq!(destination("{to: x.parquet/}").unwrap().stem, None);
    }

    #[test]
    fn a_sample_lies_beside_and_keeps_the_ending() {
        let sample = |yaml| {
            let sample = destination(yaml).unwrap().sample();
            (sample.path.display().to_string(), sample.file_name(0), sample.card_name())
        };
        let told = |path: &str, file: &str, card: &str| (path.to_owned(), file.to_owned(), card.to_owned());
        let expected = told("/here/out/a.b.sample.parquet", "a.b.sample.parquet", "a.b.sample.README.md");
        assert_eq!(sample("{to: out/a.b.parquet}"), expected);
        let expected = told("/here/x.sample.jsonl.gz", "x.sample.jsonl.gz", "x.sample.README.md");
        assert_eq!(sample("{to: x.jsonl.gz, format: openai-chat}"), expected);
        assert_eq!(sample("{to: out/}"), told("/here/out.sample", "part-00000.parquet", "README.md"));
    }

    #[test]
    fn problems_are_placed_and_say_what_to_do() {
        let told = |yaml| {
            let problem = destination(yaml).unwrap_err();
            format!("{}: {}; {}", problem.path[0], problem.message, problem.help.unwrap())
        };
        insta::assert_snapshot!(told("{to: x, format: verl}"), @"format: format `verl` is not carried out by this version; use `parquet` or `openai-chat`");
        insta::assert_snapshot!(told("{to: x.jsonl}"), @"to: `x.jsonl` does not have the ending of a file of format `parquet`; set `format: openai-chat`, or let `to` end in `.parquet`");
        insta::assert_snapshot!(told("{to: x.parquet, format: openai-chat}"), @"to: `x.parquet` does not have the ending of a file of format `openai-chat`; set `format: parquet`, or let `to` end in `.jsonl`");
        insta::assert_snapshot!(told("{to: ''}"), @"to: `` does not name a file or directory; name one, as in `to: out/trajectories.parquet`");
    }
}
