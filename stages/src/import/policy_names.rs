//! Who acted, where nothing but the names of files tells: the shortest part of their paths that tells them apart, what
//! numbers the pieces of one thing left out. Not concerned with what records say.

use std::cell::LazyCell;
use std::collections::{BTreeMap, BTreeSet};

use super::pieces::{Piece, piece_word, pieces};

/// What files are called that are all pieces of one thing without a name.
const NAMELESS: &str = "files";

/// A policy for each file, given by its path without endings. Paths are those below the part of a glob that is fixed, so
/// that where they lie does not matter.
///
/// Names that differ only in what numbers pieces (`part-00001`, a rank, a time, a random id) are those of one policy.
/// Of several names in a path that each tell all files apart, the innermost is taken, the file's own first; if none
/// does by itself, all that differ are joined.
pub(super) fn policies(stems: &[&str]) -> Vec<String> {
    if let [only] = stems {
        return vec![last_name(only).to_owned()];
    }
    let paths: Vec<Vec<Name>> = stems.iter().map(|stem| stem.split('/').map(Name::new).collect()).collect();
    let numbered = Numbered::among(&paths);
    let things: Vec<Vec<String>> = paths
        .iter()
        .map(|path| path.iter().map(|name| name.thing(&numbered)).filter(|name| !name.is_empty()).collect())
        .collect();
    let distinct: BTreeSet<&[String]> = things.iter().map(Vec::as_slice).collect();
    let labels = labels(&distinct);
    let nameless =
        LazyCell::new(|| stems.iter().filter_map(|stem| piece_word(last_name(stem))).min().unwrap_or(NAMELESS));
    let label = |thing: &Vec<String>| labels.get(thing.as_slice()).filter(|label| !label.is_empty());
    things.iter().map(|thing| label(thing).cloned().unwrap_or_else(|| (*nameless).to_owned())).collect()
}

fn last_name(stem: &str) -> &str {
    stem.rsplit_once('/').map_or(stem, |(_, name)| name)
}

/// What tells paths apart.
fn labels<'a>(paths: &BTreeSet<&'a [String]>) -> BTreeMap<&'a [String], String> {
    let from_end = |path: &'a [String], place: usize| path.iter().rev().nth(place);
    let deepest = paths.iter().map(|path| path.len()).max().unwrap_or(0);
    let single = (0..deepest).find(|place| {
        let names: BTreeSet<&String> = paths.iter().filter_map(|path| from_end(path, *place)).collect();
        names.len() == paths.len()
    });
    if let Some(place) = single {
        return paths.iter().map(|path| (*path, from_end(path, place).cloned().unwrap_or_default())).collect();
    }
    let differs = |place: usize| {
        let names: BTreeSet<Option<&String>> = paths.iter().map(|path| from_end(path, place)).collect();
        names.len() > 1
    };
    let joined = |path: &'a [String], wanted: &dyn Fn(usize) -> bool| {
        let names = path.iter().enumerate().filter(|(index, _)| wanted(path.len() - 1 - index));
        names.map(|(_, name)| name.as_str()).collect::<Vec<_>>().join("/")
    };
    let short: BTreeMap<&[String], String> = paths.iter().map(|path| (*path, joined(path, &differs))).collect();
    let is_named = short.values().all(|label| !label.is_empty());
    if is_named && short.values().collect::<BTreeSet<_>>().len() == paths.len() {
        return short;
    }
    paths.iter().map(|path| (*path, joined(path, &|_| true))).collect()
}

/// A name in a path: its text, and what in it may number pieces.
struct Name {
    text: String,
    pieces: Vec<Piece>,
}

impl Name {
    fn new(text: &str) -> Self {
        Self { text: text.to_owned(), pieces: pieces(text) }
    }

    /// The name with a mark in place of each bare number.
    fn pattern(&self) -> String {
        self.without(|piece| piece.number.is_none(), "\0")
    }

    /// The name without what numbers pieces.
    fn thing(&self, numbered: &Numbered) -> String {
        let pattern = self.pattern();
        let mut slots = 0..;
        let counts: Vec<bool> = self
            .pieces
            .iter()
            .map(|piece| match piece.number {
                None => true,
                Some(_) => slots.next().is_some_and(|slot| numbered.0.contains(&(pattern.clone(), slot))),
            })
            .collect();
        let mut counts = counts.into_iter();
        self.without(|_| counts.next().unwrap_or(false), "")
    }

    /// The name without some of the pieces, and the separators that only they had; other numbers become a mark if there
    /// is one.
    fn without(&self, mut goes: impl FnMut(&Piece) -> bool, mark: &str) -> String {
        let (mut kept, mut from) = (String::new(), 0);
        for piece in &self.pieces {
            kept.push_str(&self.text[from..piece.range.start]);
            from = piece.range.end;
            if goes(piece) {
                kept.truncate(kept.trim_end_matches(is_separator).len());
            } else if mark.is_empty() {
                kept.push_str(&self.text[piece.range.clone()]);
            } else {
                kept.push_str(mark);
            }
        }
        kept.push_str(&self.text[from..]);
        kept.trim_matches(is_separator).to_owned()
    }
}

fn is_separator(character: char) -> bool {
    matches!(character, '-' | '_' | '.' | ' ' | '=' | '+' | '~')
}

/// Bare numbers that count pieces: the pattern of a name, and which of its numbers.
struct Numbered(BTreeSet<(String, usize)>);

impl Numbered {
    /// A number alone may be anything: `alder-1` a piece, `gpt-4` a name. Numbers count if there are several and they
    /// begin at 0 or 1, or if there are many, without many gaps.
    fn among(paths: &[Vec<Name>]) -> Self {
        let mut seen: BTreeMap<(String, usize), Seen> = BTreeMap::new();
        let mut patterns = BTreeSet::new();
        for name in paths.iter().flatten() {
            let pattern = name.pattern();
            let numbers = name.pieces.iter().filter_map(|piece| piece.number);
            for (slot, number) in numbers.enumerate() {
                let seen = seen.entry((pattern.clone(), slot)).or_default();
                seen.values.insert(number.value);
                seen.may_be_version |= number.may_be_version;
            }
            patterns.insert(pattern);
        }
        let counts = |(pattern, _): &(String, usize), seen: &Seen| {
            let base = pattern.strip_suffix('\0').map(|base| base.trim_end_matches(is_separator));
            seen.count()
                || (seen.values.len() == 1 && base.is_some_and(|base| !base.is_empty() && patterns.contains(base)))
        };
        let counting: BTreeSet<(String, usize)> =
            seen.iter().filter(|(slot, seen)| counts(slot, seen)).map(|(slot, _)| slot.clone()).collect();
        // What counts at the end of one name counts at the end of another.
        let mut at_end: BTreeMap<char, BTreeSet<u64>> = BTreeMap::new();
        for (slot, seen) in seen.iter().filter(|(slot, _)| counting.contains(*slot)) {
            if let Some(separator) = before_end(slot) {
                at_end.entry(separator).or_default().extend(&seen.values);
            }
        }
        let counts_elsewhere = |(slot, seen): &(&(String, usize), &Seen)| {
            let elsewhere = before_end(slot).and_then(|separator| at_end.get(&separator));
            elsewhere.is_some_and(|values| seen.values.is_subset(values))
        };
        let alike = seen.iter().filter(counts_elsewhere).map(|(slot, _)| slot.clone());
        Self(alike.chain(counting.iter().cloned()).collect())
    }
}

/// What stands before a number, if it is the last of a name and ends it.
fn before_end((pattern, slot): &(String, usize)) -> Option<char> {
    let is_last = pattern.matches('\0').count() == slot + 1;
    pattern.strip_suffix('\0').filter(|_| is_last).and_then(|before| before.chars().next_back())
}

/// The numbers at one place of names that are alike otherwise.
#[derive(Default)]
struct Seen {
    values: BTreeSet<u64>,
    /// Whether they stand where versions of models do.
    may_be_version: bool,
}

/// So many numbers are no versions.
const MANY: u64 = 4;

impl Seen {
    fn count(&self) -> bool {
        let (Some(first), Some(last)) = (self.values.first(), self.values.last()) else { return false };
        let count = self.values.len() as u64;
        let begins = *first == 0 || (*first == 1 && !self.may_be_version);
        let is_dense = last - first < 2 * count;
        count > 1 && is_dense && (begins || count >= MANY)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(stems: &[&str]) -> String {
        policies(stems).join(" ")
    }

    #[test]
    fn the_shortest_part_that_tells_files_apart() {
        assert_eq!(named(&["alder/results", "birch/results"]), "alder birch");
        assert_eq!(named(&["a/alder", "a/birch"]), "alder birch");
        assert_eq!(named(&["x/alder/out/results", "y/birch/out/results"]), "alder birch");
        // The innermost of several.
        assert_eq!(named(&["one/alder", "two/birch"]), "alder birch");
        assert_eq!(
            named(&["alder/shop", "alder/bank", "birch/shop", "birch/bank"]),
            "alder/shop alder/bank birch/shop birch/bank"
        );
        assert_eq!(named(&["results", "birch/results"]), "results birch/results");
        assert_eq!(named(&["a", "x/a", "y/a", "y/b"]), "a x/a y/a y/b");
        assert_eq!(named(&["runs/alder/results"]), "results");
    }

    #[test]
    fn pieces_of_one_thing_are_one_policy() {
        for pieces in [
            ["part-00000", "part-00001"],
            ["part-00000-of-00008", "part-00003-of-00008"],
            ["part_0", "part_9"],
            [
                "part-00000-6e4d7d0c-22ab-4f61-9d2c-0a1b2c3d4e5f-c000",
                "part-00001-6e4d7d0c-22ab-4f61-9d2c-0a1b2c3d4e5f-c000",
            ],
            ["Part0", "part7"],
            ["alder/part-0", "alder/part-1"],
            ["0/part-0", "1/part-0"],
            ["rank0/part", "rank1/part"],
            ["2024-05-01/part", "2024-05-02/part"],
        ] {
            assert!(["part", "alder", "Part"].contains(&named(&pieces).split(' ').next().unwrap()), "{pieces:?}");
            assert_eq!(BTreeSet::from_iter(policies(&pieces)).len(), 1, "{pieces:?}");
        }
        assert_eq!(named(&["00001-of-00008", "00002-of-00008"]), "files files");
        assert_eq!(named(&["0", "1"]), "files files");
        assert_eq!(named(&["alder_0", "alder_1", "birch_0"]), "alder alder birch");
        assert_eq!(named(&["alder-shard-3", "birch-shard-3"]), "alder birch");
        assert_eq!(
            named(&["alder/rank0/out_1714550400", "alder/rank1/out_1714550401", "birch/rank0/out_1714550402"]),
            "alder alder birch"
        );
        assert_eq!(named(&["results", "results_1", "results_2"]), "results results results");
        assert_eq!(named(&["results", "results (1)"]), "results results");
        assert_eq!(named(&["run_20240501_120000", "run_20240501_130000"]), "run run");
        assert_eq!(named(&["results-2024-05-01T12-30-00Z", "results-2024-05-02T12:30:00.123"]), "results results");
        assert_eq!(named(&["57", "58", "59", "61", "62"]), "files files files files files");
    }

    #[test]
    fn names_with_numbers_in_them_are_names() {
        for names in [
            ["gpt-4", "gpt-5"],
            ["gpt-4o-2024-05-13", "gpt-4o-2024-08-06"],
            ["gpt-3.5-turbo-0613", "gpt-3.5-turbo-0125"],
            ["phi-1", "phi-2"],
            ["qwen2", "qwen3"],
            ["llama-3-8b", "llama-3-70b"],
            ["alder-v1", "alder-v2"],
            ["checkpoint-100", "checkpoint-200"],
            ["step_0", "step_500"],
            ["alder-7b", "alder-13b"],
        ] {
            assert_eq!(policies(&names), names);
        }
        assert_eq!(named(&["gpt-4o_0", "gpt-4o_1", "gpt-4.1_0"]), "gpt-4o gpt-4o gpt-4.1");
        assert_eq!(named(&["gpt-4-part-00000", "gpt-4-part-00001", "gpt-5-part-00000"]), "gpt-4 gpt-4 gpt-5");
    }

    #[test]
    fn random_ids_of_runs_are_no_names() {
        let runs = [
            "sums/outputs/evals/sums--gpt-4.1-mini/0a1b2c3d/results",
            "sums/outputs/evals/sums--gpt-4.1-mini/deadbeef/results",
            "words/outputs/evals/words--gpt-4.1-mini/12345678/results",
            "words/outputs/evals/words--qwen3-8b/5bd0e2aa/results",
        ];
        assert_eq!(named(&runs), "sums--gpt-4.1-mini sums--gpt-4.1-mini words--gpt-4.1-mini words--qwen3-8b");
    }

    proptest::proptest! {
        /// Files of one policy differ in nothing but numbers; the same files in any order have the same policies; and a
        /// policy has a name.
        #[test]
        fn policies_follow_from_the_set_of_names(
            stems in proptest::collection::btree_set("[a-c]{0,2}[0-9]{0,2}(/[ab]?-?[0-2]{0,2}x){0,2}", 1..8),
        ) {
            let stems: Vec<&str> = stems.iter().map(String::as_str).collect();
            let forwards = policies(&stems);
            let backwards: Vec<&str> = stems.iter().rev().copied().collect();
            let mut turned = policies(&backwards);
            turned.reverse();
            let letters = |stem: &str| -> String { stem.chars().filter(|character| character.is_alphabetic()).collect() };
            for (left, left_policy) in stems.iter().zip(&forwards) {
                for (right, right_policy) in stems.iter().zip(&forwards) {
                    proptest::prop_assert!(left_policy != right_policy || letters(left) == letters(right));
                }
            }
            if stems.len() > 1 {
                proptest::prop_assert!(forwards.iter().all(|policy| !policy.is_empty()));
                proptest::prop_assert_eq!(BTreeSet::from_iter(&forwards), BTreeSet::from_iter(&turned));
            }
        }
    }
}
