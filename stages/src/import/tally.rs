//! What is counted over the rows of an import, and what is said of all of them: whether policies come from names of
//! files, which words of a status nobody knows, whether anything was scored. Not concerned with single records.

use std::collections::{BTreeMap, BTreeSet};

use sternlight_engine::metrics::{Metric, Metrics};

use super::files::InputFile;
use super::options::{GroupBy, Options};
use super::row::Imported;

/// Unknown words that a shard tells apart, and that people are told.
const TOLD_WORDS: usize = 16;

/// Policies that people are told.
const TOLD_POLICIES: usize = 8;

/// Rewards that a shard remembers because others may be the same in 32 bits.
const CLOSE_REWARDS: usize = 1024;

/// The longest group that is remembered by its name.
const LONGEST_GROUP: usize = 120;

/// Rewards that differ by less, relatively, differ by what was lost in computing them.
const ROUNDING_OF_DOUBLES: f64 = 1e-12;

/// Metrics that only warnings are made of, each with a name behind it.
mod hidden {
    pub(super) const NAMED_BY_FILE: &str = ".named by file ";
    pub(super) const STATUS: &str = ".status ";
    pub(super) const MORE_STATUSES: &str = ".more statuses";
    pub(super) const MAPPED: &str = ".mapped ";
    pub(super) const REWARD: &str = ".reward ";
    pub(super) const FAILED_WITHOUT_ERROR: &str = ".failed without error";
    pub(super) const ERROR_WITHOUT_STATUS: &str = ".error without status";
    pub(super) const SEEDS: &str = ".seeds left out";
    pub(super) const NO_NUMBERS: &str = ".rewards that are no numbers";
}

/// Counts over rows of one shard.
#[derive(Debug, Default)]
pub(super) struct Tally {
    named_by_file: u64,
    /// Runs that are said to have failed, without an error, and whose reward does not count.
    pub(super) failed_without_error: u64,
    /// Runs that have an error, and nothing that says that they failed.
    pub(super) error_without_status: u64,
    /// Of the columns that `columns` names.
    mapped: BTreeMap<&'static str, u64>,
    words: BTreeMap<String, u64>,
    more_words: u64,
    /// Seeds below zero.
    pub(super) seeds: u64,
    /// Rewards that are NaN or infinite.
    pub(super) no_numbers: u64,
    remembered: usize,
}

impl Tally {
    /// Counts a row.
    pub(super) fn count(&mut self, imported: &Imported, metrics: &mut Metrics) {
        let Imported { row, notes, .. } = imported;
        self.named_by_file += u64::from(notes.is_named_by_file);
        self.failed_without_error += u64::from(notes.failed_without_error);
        self.error_without_status += u64::from(notes.error_without_status);
        notes.mapped.iter().for_each(|column| self.mapped(column));
        if let Some(word) = &notes.unknown_status {
            self.unknown_status(word);
        }
        if let (Some(recorded), Some(value)) = (notes.close, row.reward) {
            self.close(&row.group_id, recorded, value, metrics);
        }
    }

    pub(super) fn mapped(&mut self, column: &'static str) {
        *self.mapped.entry(column).or_default() += 1;
    }

    pub(super) fn unknown_status(&mut self, word: &str) {
        let is_known = self.words.contains_key(word) || self.words.len() < TOLD_WORDS;
        match is_known {
            true => *self.words.entry(word.to_owned()).or_default() += 1,
            false => self.more_words += 1,
        }
    }

    /// Remembers a reward, for others of its group that may be the same number in 32 bits.
    pub(super) fn close(&mut self, group: &str, recorded: f64, value: f32, metrics: &mut Metrics) {
        if self.remembered < CLOSE_REWARDS {
            self.remembered += 1;
            let group = match group.len() <= LONGEST_GROUP {
                true => group.to_owned(),
                false => blake3::hash(group.as_bytes()).to_hex().to_string(),
            };
            metrics.observe(format!("{}{value:?} {group}", hidden::REWARD), recorded);
        }
    }

    /// Hands over all that was counted.
    pub(super) fn hand_over(self, file: &InputFile, metrics: &mut Metrics) {
        let named = [
            (format!("{}{}", hidden::NAMED_BY_FILE, file.name), self.named_by_file),
            (hidden::MORE_STATUSES.to_owned(), self.more_words),
            (hidden::FAILED_WITHOUT_ERROR.to_owned(), self.failed_without_error),
            (hidden::ERROR_WITHOUT_STATUS.to_owned(), self.error_without_status),
            (hidden::SEEDS.to_owned(), self.seeds),
            (hidden::NO_NUMBERS.to_owned(), self.no_numbers),
        ];
        let words = self.words.into_iter().map(|(word, count)| (format!("{}{word}", hidden::STATUS), count));
        let mapped = self.mapped.into_iter().map(|(column, count)| (format!("{}{column}", hidden::MAPPED), count));
        for (name, count) in named.into_iter().chain(words).chain(mapped).filter(|(_, count)| *count > 0) {
            metrics.count(name, count);
        }
    }
}

/// What looks wrong with an import as a whole.
pub(super) fn warnings(metrics: &Metrics, options: &Options, files: &[&InputFile]) -> Vec<String> {
    let all = [
        policies(metrics, options, files),
        scored(metrics),
        statuses(metrics),
        failures(metrics),
        errors(metrics),
        not_numbers(metrics),
        seeds(metrics),
        close_rewards(metrics),
    ];
    all.into_iter().flatten().chain(mapped(metrics, options)).collect()
}

/// Counts of metrics of a sort, by what stands behind.
fn counts<'a>(metrics: &'a Metrics, sort: &'a str) -> impl Iterator<Item = (&'a str, u64)> {
    metrics.iter().filter_map(move |(name, _)| Some((name.strip_prefix(sort)?, metrics.counted(name))))
}

fn policies(metrics: &Metrics, options: &Options, files: &[&InputFile]) -> Option<String> {
    if options.group_by == Some(GroupBy::Task) {
        return None;
    }
    let policy_of: BTreeMap<&str, &str> = files.iter().map(|file| (file.name.as_str(), file.policy.as_str())).collect();
    let (mut named, mut deciding) = (BTreeMap::<&str, u64>::new(), 0);
    for (file, rows) in counts(metrics, hidden::NAMED_BY_FILE) {
        *named.entry(policy_of.get(file)?).or_default() += rows;
        deciding += 1;
    }
    if deciding < 2 {
        return None;
    }
    let told: Vec<String> =
        named.iter().take(TOLD_POLICIES).map(|(policy, rows)| format!("`{policy}` ({})", runs(*rows))).collect();
    let more = more(named.len(), TOLD_POLICIES);
    let meaning = match named.len() {
        1 => "so that all of them are compared with each other",
        _ => "and runs of different ones are not compared with each other",
    };
    Some(format!(
        "which policy acted is told by nothing but the names of {deciding} files: {}{more}, {meaning}; if that is wrong, \
         name it with `policy`, map its field with `columns: {{ policy: … }}`, or set `group_by: task`",
        told.join(", ")
    ))
}

fn scored(metrics: &Metrics) -> Option<String> {
    let trajectories = metrics.counted("trajectories");
    (trajectories > 0 && metrics.counted("scored") == 0).then(|| {
        format!(
            "none of the {} has a reward: if a field has it, map it with `columns: {{ reward: … }}`; else a stage has to \
             compute one",
            super::tally::trajectories(trajectories)
        )
    })
}

fn statuses(metrics: &Metrics) -> Option<String> {
    let mut words: Vec<(&str, u64)> = counts(metrics, hidden::STATUS).collect();
    let all: u64 = words.iter().map(|(_, count)| count).sum::<u64>() + metrics.counted(hidden::MORE_STATUSES);
    words.sort_by(|left, right| right.1.cmp(&left.1).then(left.0.cmp(right.0)));
    let told: Vec<String> = words.iter().take(TOLD_WORDS).map(|(word, count)| format!("`{word}` ({count})")).collect();
    let more = if metrics.counted(hidden::MORE_STATUSES) > 0 { ", …" } else { &more(words.len(), TOLD_WORDS) };
    (all > 0).then(|| {
        format!(
            "{} a `status` that is not known, and {} taken for done: {}{more}; the page on `import` lists the words that are",
            if all == 1 { "1 run has".to_owned() } else { format!("{all} runs have") },
            if all == 1 { "is" } else { "are" },
            told.join(", ")
        )
    })
}

fn failures(metrics: &Metrics) -> Option<String> {
    let count = metrics.counted(hidden::FAILED_WITHOUT_ERROR);
    (count > 0).then(|| {
        format!(
            "{} failed by `status`, without an `error`, and the recorded reward does not count: a status is about what \
             is outside of the policy; if a task that was not done is meant, set `failed_reward: recorded`",
            runs(count)
        )
    })
}

fn errors(metrics: &Metrics) -> Option<String> {
    let count = metrics.counted(hidden::ERROR_WITHOUT_STATUS);
    (count > 0).then(|| {
        format!(
            "{} with an `error` and no `status` taken for done, with the recorded reward: if they broke for reasons outside \
             of the policy, a `filter` with `error is null` leaves them out",
            runs(count)
        )
    })
}

fn not_numbers(metrics: &Metrics) -> Option<String> {
    let count = metrics.counted(hidden::NO_NUMBERS);
    (count > 0).then(|| {
        format!(
            "{} with a reward that is no finite number, which is an error wherever it is used: a `filter` with `reward is not \
             null` leaves such runs out, and `on_error: quarantine` puts them aside",
            runs(count)
        )
    })
}

fn seeds(metrics: &Metrics) -> Option<String> {
    let count = metrics.counted(hidden::SEEDS);
    (count > 0).then(|| format!("{} with a seed below zero, which is left out", runs(count)))
}

fn close_rewards(metrics: &Metrics) -> Option<String> {
    let same = metrics.iter().filter_map(|(name, metric)| {
        let (value, group) = name.strip_prefix(hidden::REWARD)?.split_once(' ')?;
        let Metric::Distribution(found) = metric else { return None };
        let differs =
            found.maximum - found.minimum > ROUNDING_OF_DOUBLES * found.maximum.abs().max(found.minimum.abs());
        differs.then_some((group, value, found))
    });
    let same: Vec<_> = same.collect();
    let groups: BTreeSet<&str> = same.iter().map(|(group, ..)| *group).collect();
    same.first().map(|(group, value, found)| {
        format!(
            "in {}, rewards differ as they were recorded and are the same as 32-bit numbers, of which advantages are \
             made: in `{group}`, {} and {} are both {value}; subtract what they have in common, or scale them, before",
            if groups.len() == 1 { "1 group".to_owned() } else { format!("{} groups", groups.len()) },
            found.minimum,
            found.maximum
        )
    })
}

fn mapped<'a>(metrics: &'a Metrics, options: &'a Options) -> impl Iterator<Item = String> + 'a {
    let given = options.columns.iter().flat_map(|columns| columns.given());
    let is_found = |column: &str| metrics.counted(&format!("{}{column}", hidden::MAPPED)) > 0;
    given.filter(move |(column, _)| metrics.counted("trajectories") > 0 && !is_found(column)).map(|(column, path)| {
        format!("`columns` fills `{column}` from `{path}`, which no record has: the column is empty")
    })
}

fn more(all: usize, told: usize) -> String {
    match all.saturating_sub(told) {
        0 => String::new(),
        more => format!(" and {more} more"),
    }
}

fn runs(count: u64) -> String {
    if count == 1 { "1 run".to_owned() } else { format!("{count} runs") }
}

fn trajectories(count: u64) -> String {
    if count == 1 { "1 trajectory".to_owned() } else { format!("{count} trajectories") }
}
