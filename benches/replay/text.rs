//! Seeded text: no two texts are the same, and they compress about as well as real transcripts do.

use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

/// Distinct words.
const WORDS: usize = 2000;

/// Sentences that come again and again, as they do in policies, tool results and turns of phrase.
const SENTENCES: usize = 600;

/// The seed of words and sentences; trajectories have their own.
const SEED: u64 = 20_260_101;

/// Makes texts of its words.
pub(crate) struct Vocabulary {
    words: Vec<String>,
    sentences: Vec<String>,
}

impl Vocabulary {
    pub(crate) fn new() -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(SEED);
        let words: Vec<String> = (0..WORDS).map(|_| word(&mut random)).collect();
        let sentences = (0..SENTENCES).map(|_| {
            let count = random.random_range(10..26);
            let chosen: Vec<&str> = (0..count).map(|_| words[random.random_range(0..WORDS)].as_str()).collect();
            format!("{}.", chosen.join(" "))
        });
        let sentences = sentences.collect();
        Self { words, sentences }
    }

    /// About so many bytes: sentences, and between them a word and a number that make the text unique.
    pub(crate) fn text(&self, bytes: usize, random: &mut ChaCha8Rng) -> String {
        let mut text = String::with_capacity(bytes + 200);
        while text.len() < bytes {
            text.push_str(&self.sentences[random.random_range(0..SENTENCES)]);
            let word = &self.words[random.random_range(0..WORDS)];
            text.push_str(&format!(" {word} {:06}\n", random.random_range(0..1_000_000)));
        }
        text
    }
}

fn word(random: &mut ChaCha8Rng) -> String {
    const CONSONANTS: &[u8] = b"bcdfghklmnprstvw";
    const VOWELS: &[u8] = b"aeiou";
    let syllables = random.random_range(1..5);
    let letters = (0..2 * syllables).map(|at| match at % 2 {
        0 => char::from(CONSONANTS[random.random_range(0..CONSONANTS.len())]),
        _ => char::from(VOWELS[random.random_range(0..VOWELS.len())]),
    });
    letters.collect()
}
