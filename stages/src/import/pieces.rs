//! What in a name may number the pieces of one thing: `part-00001`, `00001-of-00008`, `rank0`, times, random ids, bare
//! numbers. Not concerned with other names, which decide about bare numbers.

use std::ops::Range;

/// Words that a number of pieces follows.
const PIECES: [&str; 34] = [
    "attempt",
    "batch",
    "block",
    "chunk",
    "device",
    "ep",
    "episode",
    "file",
    "gpu",
    "host",
    "job",
    "node",
    "page",
    "part",
    "partition",
    "piece",
    "proc",
    "process",
    "rank",
    "rep",
    "repeat",
    "replica",
    "rollout",
    "run",
    "sample",
    "seed",
    "segment",
    "shard",
    "slice",
    "split",
    "task",
    "trial",
    "try",
    "worker",
];

/// How names of families of models begin: numbers and dates beside them are versions.
const MODELS: [&str; 27] = [
    "chatgpt",
    "claude",
    "codestral",
    "deepseek",
    "devstral",
    "falcon",
    "gemini",
    "gemma",
    "glm",
    "gpt",
    "granite",
    "grok",
    "haiku",
    "kimi",
    "llama",
    "minimax",
    "mistral",
    "mixtral",
    "nemotron",
    "olmo",
    "opus",
    "phi",
    "qwen",
    "qwq",
    "smollm",
    "sonnet",
    "starcoder",
];

/// The shortest random id in hexadecimal: as git writes commits.
const SHORTEST_HASH: usize = 7;

/// Hexadecimal of letters alone: `facade` and `defaced` are words.
const LONGER_THAN_WORDS: usize = 8;

/// So many digits are no version and no count of pieces.
const MANY_DIGITS: usize = 6;

/// A part of a name that may number pieces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    /// Its bytes.
    pub(super) range: Range<usize>,
    /// For a number of which others have to tell what it means.
    pub(super) number: Option<Number>,
}

/// A bare number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Number {
    pub(super) value: u64,
    /// Whether it stands where the version of a model does.
    pub(super) may_be_version: bool,
}

/// Every part of a name that may number pieces, in order, none within another.
pub(super) fn pieces(name: &str) -> Vec<Piece> {
    let tokens = tokens(name);
    let texts: Vec<&str> = tokens.iter().map(|range| &name[range.clone()]).collect();
    let is_model = texts.iter().any(|text| is_model(text));
    let (mut found, mut at) = (Vec::new(), 0);
    while let (Some(range), rest) = (tokens.get(at), texts.get(at..).unwrap_or_default()) {
        let length = certain(rest, is_model);
        let last = tokens.get(at + length.max(1) - 1).unwrap_or(range);
        if length > 0 {
            found.push(Piece { range: range.start..last.end, number: None });
        } else if let Some(value) = rest.first().and_then(|text| number(text)) {
            let is_apart = name[..range.start].ends_with(['_', '(']);
            let number = Some(Number { value, may_be_version: is_model && !is_apart });
            found.push(Piece { range: around(name, range), number });
        }
        at += length.max(1);
    }
    found
}

/// Runs of letters and digits.
fn tokens(name: &str) -> Vec<Range<usize>> {
    let mut tokens: Vec<Range<usize>> = Vec::new();
    for (at, character) in name.char_indices().filter(|(_, character)| character.is_alphanumeric()) {
        match tokens.last_mut() {
            Some(last) if last.end == at => last.end = at + character.len_utf8(),
            _ => tokens.push(at..at + character.len_utf8()),
        }
    }
    tokens
}

/// With the brackets around it, as file managers number copies.
fn around(name: &str, range: &Range<usize>) -> Range<usize> {
    match name[..range.start].ends_with('(') && name[range.end..].starts_with(')') {
        true => range.start - 1..range.end + 1,
        false => range.clone(),
    }
}

/// The first word in a name that is there to be numbered: `part` of `part-00001`.
pub(super) fn piece_word(name: &str) -> Option<&str> {
    let words = tokens(name)
        .into_iter()
        .map(|range| name[range].trim_end_matches(|character: char| character.is_ascii_digit()));
    words.into_iter().find(|word| PIECES.contains(&word.to_lowercase().as_str()))
}

fn is_model(token: &str) -> bool {
    let token = token.to_lowercase();
    MODELS.iter().any(|model| token.starts_with(model)) || matches!(token.as_str(), "o1" | "o3" | "o4")
}

/// How many of the next tokens number pieces for certain.
fn certain(tokens: &[&str], is_model: bool) -> usize {
    let always = [uuid(tokens), count_of_all(tokens), counted_word(tokens)];
    let found = always.into_iter().max().unwrap_or(0);
    if found > 0 {
        return found;
    }
    let (date, time) = timestamp(tokens);
    match is_model {
        // A date alone is a version.
        true if time == 0 => 0,
        _ if date + time > 0 => date + time,
        _ => {
            usize::from(tokens.first().is_some_and(|token| is_random(token) || is_padded(token) || is_of_spark(token)))
        }
    }
}

/// `6e4d7d0c-22ab-4f61-9d2c-0a1b2c3d4e5f`
fn uuid(tokens: &[&str]) -> usize {
    const LENGTHS: [usize; 5] = [8, 4, 4, 4, 12];
    let fits = |(token, length): (&&str, usize)| token.len() == length && is_hexadecimal(token);
    match tokens.len() >= LENGTHS.len() && tokens.iter().zip(LENGTHS).all(fits) {
        true => LENGTHS.len(),
        false => 0,
    }
}

/// `00001-of-00008`
fn count_of_all(tokens: &[&str]) -> usize {
    match tokens {
        [index, of, all, ..] if is_digits(index) && of.eq_ignore_ascii_case("of") && is_digits(all) => 3,
        _ => 0,
    }
}

/// `part-3`, `rank0`, and `part-00001-of-00008`.
fn counted_word(tokens: &[&str]) -> usize {
    let is_piece = |word: &str| PIECES.contains(&word.to_lowercase().as_str());
    match tokens {
        [word, rest @ ..] if is_piece(word) => match rest {
            [number, ..] if is_digits(number) => 1 + count_of_all(rest).max(1),
            _ => 0,
        },
        [token, ..] => {
            let word = token.trim_end_matches(|character: char| character.is_ascii_digit());
            usize::from(word.len() < token.len() && is_piece(word))
        }
        [] => 0,
    }
}

/// How many tokens are a date, or a time since 1970, and how many behind it a time of day; the latter counts where both
/// are in one token.
fn timestamp(tokens: &[&str]) -> (usize, usize) {
    let Some((first, rest)) = tokens.split_first() else { return (0, 0) };
    let of_day = |tokens: &[&str]| match tokens {
        [hour, minute, second, ..] if is_clock(hour) && is_clock(minute) && is_second(second) => 3,
        [hour, minute, ..] if is_clock(hour) && is_clock(minute) => 2,
        [together, ..] if is_time_of_day(together) => 1,
        _ => 0,
    };
    if is_digits(first) && is_since_1970(first) {
        return (0, 1);
    }
    if let Some((date, time)) = first.split_at_checked(8)
        && is_date(date.get(..4), date.get(4..6), date.get(6..))
    {
        match time.trim_start_matches(['T', 't']) {
            "" => return (1, of_day(rest)),
            time if is_time_of_day(time) => return (0, 1 + fraction(rest)),
            hour if is_clock(hour) => return (0, 1 + of_day(&[&[hour], rest].concat()).saturating_sub(1)),
            _ => {}
        }
    }
    let [year, month, day, behind @ ..] = tokens else { return (0, 0) };
    let Some((day, time)) = day.split_at_checked(2) else { return (0, 0) };
    if !is_date(Some(*year), Some(*month), Some(day)) {
        return (0, 0);
    }
    match time.trim_start_matches(['T', 't']) {
        "" => {
            let time = of_day(behind);
            (3, time + if time == 3 { fraction(&behind[3..]) } else { 0 })
        }
        time if is_time_of_day(time) => (0, 3 + fraction(behind)),
        hour if is_clock(hour) => {
            let more = of_day(&[&[hour], behind].concat()).saturating_sub(1);
            (0, 3 + more + if more == 2 { fraction(&behind[2..]) } else { 0 })
        }
        _ => (0, 0),
    }
}

/// Digits behind a second.
fn fraction(tokens: &[&str]) -> usize {
    let is_fraction = |token: &&str| token.len() >= 3 && is_digits(token.trim_end_matches(['Z', 'z']));
    usize::from(tokens.first().is_some_and(is_fraction))
}

fn is_date(year: Option<&str>, month: Option<&str>, day: Option<&str>) -> bool {
    let number = |text: Option<&str>, length: usize| {
        text.filter(|text| text.len() == length && is_digits(text)).and_then(|text| text.parse::<u32>().ok())
    };
    matches!((number(year, 4), number(month, 2), number(day, 2)), (Some(1970..=2099), Some(1..=12), Some(1..=31)))
}

/// Two digits of a clock.
fn is_clock(token: &str) -> bool {
    token.len() == 2 && is_digits(token) && token < "60"
}

fn is_second(token: &str) -> bool {
    is_clock(token.trim_end_matches(['Z', 'z']))
}

/// `1230`, `123000`, `123000Z`
fn is_time_of_day(token: &str) -> bool {
    let digits = token.trim_end_matches(['Z', 'z']);
    matches!(digits.len(), 4 | 6)
        && is_digits(digits)
        && (0..digits.len()).step_by(2).all(|at| digits.get(at..at + 2).is_some_and(is_clock))
}

/// Seconds since 1970, or a thousand or a million times as many.
fn is_since_1970(digits: &str) -> bool {
    digits.starts_with('1') && matches!(digits.len(), 10 | 13 | 16)
}

fn is_random(token: &str) -> bool {
    if is_digits(token) {
        return token.len() >= MANY_DIGITS;
    }
    // Few words are written in the letters of digits alone, and none so long.
    let shortest = if token.bytes().any(|byte| byte.is_ascii_digit()) { SHORTEST_HASH } else { LONGER_THAN_WORDS };
    token.len() >= shortest && is_hexadecimal(token)
}

fn is_padded(token: &str) -> bool {
    token.len() > 1 && token.starts_with('0') && is_digits(token)
}

/// `c000`, as Spark ends the names of parts.
fn is_of_spark(token: &str) -> bool {
    token.len() == 4 && token.strip_prefix('c').is_some_and(is_digits)
}

fn is_digits(token: &str) -> bool {
    !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_hexadecimal(token: &str) -> bool {
    token.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn number(token: &str) -> Option<u64> {
    if is_digits(token) { token.parse().ok() } else { None }
}
