//! Counts what contents hold besides words, and warns of it. Not concerned with what a part is.

use std::collections::BTreeMap;

use serde_json::value::RawValue;
use sternlight_engine::metrics::Metrics;

use super::json::Fields;
use super::parts::Medium;

/// A warning names so many types.
const SHOWN_TYPES: usize = 10;

/// What was seen among parts, apart from words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Seen {
    /// How many of each medium.
    pub(super) media: BTreeMap<Medium, u64>,
    /// How many of each type that is not known.
    pub(super) unknown: BTreeMap<String, u64>,
    /// How many messages and records have media in fields of their own, beside contents.
    pub(super) beside: u64,
}

/// Beginnings of the names of metrics.
const MEDIA_METRIC: &str = "parts.";
const UNKNOWN_METRIC: &str = "parts.unknown.";
const BESIDE_METRIC: &str = "parts.beside";

/// Fields in which some keep pictures, sounds and files of a message or of a whole record.
const MEDIA_FIELDS: [&str; 7] = ["images", "image", "audio", "audios", "video", "videos", "attachments"];

impl Seen {
    /// Looks whether there are media in fields of their own.
    pub(super) fn look_beside(&mut self, fields: &Fields<'_>) {
        let is_empty = |value: &RawValue| matches!(value.get(), "[]" | "{}" | "\"\"" | "false");
        let mut media = fields.names().filter(|name| MEDIA_FIELDS.contains(name));
        self.beside += u64::from(media.any(|name| fields.get(name).is_some_and(|value| !is_empty(value))));
    }

    /// Counts them into the stage's metrics.
    pub(super) fn measure(&self, metrics: &mut Metrics) {
        for (medium, count) in &self.media {
            metrics.count(format!("{MEDIA_METRIC}{}", medium.name()), *count);
        }
        if self.beside > 0 {
            metrics.count(BESIDE_METRIC, self.beside);
        }
        for (kind, count) in &self.unknown {
            metrics.count(format!("{UNKNOWN_METRIC}{kind}"), *count);
        }
    }

    /// What to say about what was counted over a whole import.
    pub(super) fn warnings(metrics: &Metrics) -> Vec<String> {
        let mut warnings = Vec::new();
        let media = Medium::ALL.into_iter().filter_map(|medium| {
            let count = metrics.counted(&format!("{MEDIA_METRIC}{}", medium.name()));
            (count > 0).then(|| format!("`{}` {count}", medium.placeholder()))
        });
        let media: Vec<String> = media.collect();
        if !media.is_empty() {
            warnings.push(format!(
                "pictures, sounds and files stand as placeholders in the texts: {}; the parts are in `extra`, and an \
                 export of chats gives them back",
                media.join(", ")
            ));
        }
        let beside = metrics.counted(BESIDE_METRIC);
        if beside > 0 {
            warnings.push(format!(
                "messages or records with pictures, sounds or files in fields of their own: {beside}; they are in `extra`, \
                 and no text or chat shows them"
            ));
        }
        let unknown = metrics.iter().filter_map(|(name, _)| name.strip_prefix(UNKNOWN_METRIC).map(|kind| (kind, name)));
        let unknown: Vec<String> = unknown.map(|(kind, name)| format!("`{kind}` {}", metrics.counted(name))).collect();
        if let Some((first, others)) = unknown.split_at_checked(SHOWN_TYPES.min(unknown.len())) {
            let more = if others.is_empty() { String::new() } else { format!(", and {} more types", others.len()) };
            if !first.is_empty() {
                warnings.push(format!(
                    "parts of unknown types stand as placeholders in the texts: {}{more}; the parts are in `extra`",
                    first.join(", ")
                ));
            }
        }
        warnings
    }

    /// Adds what another conversation has.
    pub(super) fn add(&mut self, other: &Self) {
        for (medium, count) in &other.media {
            *self.media.entry(*medium).or_default() += count;
        }
        self.beside += other.beside;
        for (kind, count) in &other.unknown {
            *self.unknown.entry(kind.clone()).or_default() += count;
        }
    }
}
