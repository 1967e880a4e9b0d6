//! The single stream of what happens in a run: written to `events.jsonl`, shown to people, printed for programs.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};
use serde_json::{Map, Value};

use crate::artifact::ArtifactKind;
use crate::contract::OUT;
use crate::metrics::Metrics;
use crate::stage::{ExportedFile, Highlight, LogLevel};

/// An event and its time. As JSON one flat object: `at`, `event` (the kind), and the event's own fields.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// RFC 3339, in UTC.
    pub at: String,
    /// What happened.
    pub event: Event,
}

impl Record {
    /// The event, now.
    pub fn now(event: Event) -> Self {
        Self { at: jiff::Timestamp::now().to_string(), event }
    }
}

// Written by hand: serde's own flat form buffers numbers, which does not work with numbers kept as spelled.
impl Serialize for Record {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let tagged = serde_json::to_value(&self.event).map_err(ser::Error::custom)?;
        let mut flat = Map::new();
        flat.insert("at".to_owned(), Value::String(self.at.clone()));
        if let Value::Object(tagged) = tagged {
            for (kind, fields) in tagged {
                flat.insert("event".to_owned(), Value::String(kind));
                if let Value::Object(fields) = fields {
                    flat.extend(fields);
                }
            }
        }
        flat.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Record {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut flat = Map::deserialize(deserializer)?;
        let mut text = |key: &'static str| match flat.remove(key) {
            Some(Value::String(text)) => Ok(text),
            _ => Err(de::Error::missing_field(key)),
        };
        let (at, kind) = (text("at")?, text("event")?);
        let tagged = Map::from_iter([(kind, Value::Object(flat))]);
        let event = serde_json::from_value(Value::Object(tagged)).map_err(de::Error::custom)?;
        Ok(Self { at, event })
    }
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunStatus {
    /// Every stage has its result.
    Done,
    /// A stage failed.
    Failed,
    /// Somebody stopped it.
    Interrupted,
}

impl fmt::Display for RunStatus {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Interrupted => "interrupted",
        })
    }
}

/// A stage of a run, as the first event lists them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageName {
    /// Its name in the pipeline.
    pub name: String,
    /// Its kind.
    pub uses: String,
}

/// What a stage came to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StageResult {
    /// Its name.
    pub stage: String,
    /// Its kind.
    pub uses: String,
    /// Parts of its work (shards, or one for all) whose results were already there.
    pub cached: usize,
    /// Parts that were computed in this run.
    pub computed: usize,
    /// Rows of its dataset, or else of its first output that has rows; of its input for a stage that exports.
    pub rows: u64,
    /// Seconds it took.
    pub seconds: f64,
    /// What it counted, in this run or when it was computed.
    pub metrics: Metrics,
    /// What it found worth showing.
    pub highlights: Vec<Highlight>,
    /// What looked wrong but did not stop it.
    pub warnings: Vec<String>,
    /// The manifest of its dataset `out`; `None` for a stage without one.
    pub dataset: Option<PathBuf>,
    /// What of that which it counted is read by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub figures: BTreeMap<String, f64>,
    /// Its other outputs: policies, tables, and datasets of other names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outputs: Vec<OutputResult>,
    /// What it exported to.
    pub target: Option<PathBuf>,
    /// Files that it exported.
    pub files: Vec<ExportedFile>,
    /// How many trajectories it put aside.
    #[serde(default)]
    pub quarantined: u64,
    /// The manifest of those, if there are any.
    #[serde(default)]
    pub quarantine: Option<PathBuf>,
    /// What its results depend on beyond their inputs, in a word each: computed anew, they may be others.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_reproducible: Vec<String>,
    /// It is a sample: of so many groups of each source, the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sample: Option<u64>,
}

impl StageResult {
    /// Whether it is one of several that a loop has made.
    pub fn is_repeated(&self) -> bool {
        self.stage.contains('@')
    }

    /// Names of its outputs, as `from` spells them, and their manifests.
    pub fn manifests(&self) -> impl Iterator<Item = (String, PathBuf)> {
        let dataset = self.dataset.iter().map(|manifest| (self.stage.clone(), manifest.clone()));
        let others = self.outputs.iter().map(|output| {
            let name = match output.name.as_str() {
                OUT => self.stage.clone(),
                other => format!("{}.{other}", self.stage),
            };
            (name, output.manifest.clone())
        });
        dataset.chain(others)
    }
}

/// An output of a stage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutputResult {
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: ArtifactKind,
    /// Its manifest.
    pub manifest: PathBuf,
    /// Rows, of what has rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<u64>,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// A run began.
    RunStarted {
        /// Its name.
        run: String,
        /// Its number: greater than that of every run of the store that began before. Runs of earlier versions have none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        number: Option<u64>,
        /// The pipeline's name.
        pipeline: String,
        /// The pipeline's file.
        file: PathBuf,
        /// The version of sternlight.
        version: String,
        /// The stages, in the order in which they run.
        stages: Vec<StageName>,
    },
    /// A stage's work is known.
    StageStarted {
        /// The stage.
        stage: String,
        /// Parts of its work.
        parts: usize,
        /// Parts whose results are already there.
        cached: usize,
    },
    /// A task was carried out: a part was computed and committed (`map`, `gather`), or rows were brought together for it.
    PartFinished {
        /// The stage.
        stage: String,
        /// What was done: `map`; `scatter`, `group`, `gather` where groups are scattered over shards.
        step: String,
        /// Which part, from 0; a partition for `group`.
        part: usize,
        /// What it covers, for people.
        label: String,
        /// Seconds it took.
        seconds: f64,
    },
    /// A long task has come so far. Told now and then.
    Progressed {
        /// The stage.
        stage: String,
        /// Which part, from 0.
        part: usize,
        /// Steps that are done.
        step: u64,
        /// Steps that there are, if that is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        of: Option<u64>,
        /// What it measures on the way, by name.
        figures: BTreeMap<String, f64>,
    },
    /// What may pass went wrong, and is tried again.
    Retried {
        /// The stage.
        stage: String,
        /// What was done, as in `part_finished`.
        step: String,
        /// Which part, from 0; a partition for `group`.
        part: usize,
        /// What it covers, for people.
        label: String,
        /// Which retry, from 1.
        attempt: u32,
        /// Why the try before it failed.
        reason: String,
        /// Seconds that it waits before.
        wait: f64,
    },
    /// A trajectory was put aside. Told of the first of a stage; its result says how many there are.
    Quarantined {
        /// The stage.
        stage: String,
        /// The trajectory's id.
        trajectory: String,
        /// Why.
        reason: String,
        /// Where it came from, if that is known.
        place: Option<String>,
    },
    /// A stage said something, in this run or when it was computed. Told of the first lines of a stage.
    Logged {
        /// The stage.
        stage: String,
        /// How much it matters.
        level: LogLevel,
        /// What it said.
        message: String,
    },
    /// A stage has its result.
    StageFinished(StageResult),
    /// An iteration of the loop is done.
    IterationFinished {
        /// Which, from 0.
        iteration: u64,
        /// How many there are at most.
        of: u64,
        /// Whether it was the last.
        last: bool,
    },
    /// A stage could not finish.
    StageFailed {
        /// The stage.
        stage: String,
        /// Why.
        message: String,
        /// What to do.
        help: Option<String>,
    },
    /// The run could not go on for a reason that is no stage's: the store failed.
    RunFailed {
        /// Why.
        message: String,
        /// What to do.
        help: Option<String>,
    },
    /// The run ended.
    RunFinished {
        /// Its name.
        run: String,
        /// How.
        status: RunStatus,
        /// Seconds it took.
        seconds: f64,
        /// Stages whose every part was already there.
        stages_cached: usize,
        /// Stages of which something was computed.
        stages_computed: usize,
        /// Name and manifest of every output: `reward`, or `split.validation` for one of another name than `out`.
        datasets: Vec<(String, PathBuf)>,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_one_flat_object_and_comes_back() {
        let mut metrics = Metrics::default();
        metrics.observe("advantage", 0.25);
        let result = StageResult { stage: "advantage".to_owned(), metrics, seconds: 0.5, ..StageResult::default() };
        let record = Record { at: "2026-01-01T00:00:00Z".to_owned(), event: Event::StageFinished(result) };
        let text = serde_json::to_string(&record).unwrap();
        assert!(
            text.starts_with(r#"{"at":"2026-01-01T00:00:00Z","event":"stage_finished","stage":"advantage","#),
            "{text}"
        );
        assert_eq!(serde_json::from_str::<Record>(&text).unwrap(), record);
    }
}
