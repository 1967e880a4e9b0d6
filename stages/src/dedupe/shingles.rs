//! The passages of texts: hashes of runs of words, by which texts that are nearly the same are found. Not concerned with
//! what is made of them.

/// Words of a passage. Shorter ones are met in unlike texts, longer ones are broken by every change.
pub(super) const SHINGLE_WORDS: usize = 5;

/// Calls `each` with the hash of every passage of a text: so many words as they follow each other or, of a text with
/// fewer, all of them. `kind` tells apart passages of texts that have nothing to do with each other.
pub(super) fn shingles(text: &str, kind: u64, mut each: impl FnMut(u64)) {
    let mut window = [0_u64; SHINGLE_WORDS];
    let mut words = 0_usize;
    for_each_word(text, |word| {
        window.rotate_left(1);
        if let Some(last) = window.last_mut() {
            *last = word;
        }
        words += 1;
        if words >= SHINGLE_WORDS {
            each(hash_of(kind, &window));
        }
    });
    if (1..SHINGLE_WORDS).contains(&words)
        && let Some(last) = window.get(SHINGLE_WORDS - words..)
    {
        each(hash_of(kind, last));
    }
}

fn hash_of(kind: u64, words: &[u64]) -> u64 {
    words.iter().fold(mixed(kind), |hash, word| mixed(hash ^ word))
}

/// Calls `each` with the hash of every word: a run of letters and digits, in lower case. Every other character that is no
/// white space is a word of its own, and so is a character of a script that sets no spaces between words: what has no
/// letters has words all the same, and is not taken for empty.
fn for_each_word(text: &str, mut each: impl FnMut(u64)) {
    let mut word = None;
    for character in text.chars() {
        if character.is_alphanumeric() && !stands_alone(character) {
            let before = word.unwrap_or(FNV_OFFSET);
            word = Some(match character.is_ascii() {
                // What most texts are made of, and as the tables have it.
                true => fnv(before, character.to_ascii_lowercase()),
                false => character.to_lowercase().fold(before, fnv),
            });
            continue;
        }
        word.take().into_iter().for_each(&mut each);
        if !character.is_whitespace() {
            each(fnv(FNV_OFFSET, character));
        }
    }
    word.into_iter().for_each(each);
}

/// Whether a character belongs to a script without spaces between words: Thai to Lao, Burmese, Khmer, and from the
/// radicals of Chinese to its ideographs with the syllables of Japanese between them.
fn stands_alone(character: char) -> bool {
    matches!(u32::from(character), 0x0E00..=0x0EFF | 0x1000..=0x109F | 0x1780..=0x17FF | 0x2E80..=0x9FFF | 0x20000..=0x3FFFF)
}

/// FNV-1a of 64 bits, over code points in place of bytes.
fn fnv(hash: u64, character: char) -> u64 {
    (hash ^ u64::from(u32::from(character))).wrapping_mul(FNV_PRIME)
}

const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0000_0100_0000_01b3;

/// SplitMix64's finalizer (Steele, Lea and Flood 2014): every bit of the input moves every bit of the output.
pub(super) fn mixed(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn of(text: &str) -> BTreeSet<u64> {
        let mut found = BTreeSet::new();
        shingles(text, 0, |shingle| {
            found.insert(shingle);
        });
        found
    }

    #[test]
    fn passages_are_runs_of_words() {
        assert_eq!(of("one two three four five six").len(), 2);
        assert_eq!(of("One  TWO\nthree four five"), of("one two three four five"));
        assert_eq!(of("a b").len(), 1);
        assert_ne!(of("a b"), of("ab"));
        assert_eq!(of(" \n").len(), 0);
        assert_eq!(of("{\"id\": 7}").len(), 3, "braces, quotes and colons are words");
        assert_eq!(of("退款已经完成了").len(), 3, "seven words, one a character");
        assert_ne!(of("🧭"), of("👩"));
    }

    #[test]
    fn passages_of_other_kinds_are_others() {
        let mut kinds = BTreeSet::new();
        (0..3).for_each(|kind| shingles("a b", kind, |shingle| assert!(kinds.insert(shingle))));
    }
}
