//! Where records end in a stream of bytes that arrives in pieces: lines, or the elements of a JSON array. Looks
//! at strings and brackets only; whether a record is JSON is judged when it is decoded.

use memchr::{memchr, memchr2};

/// How a file holds its records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Container {
    /// One JSON object a line; blank lines are passed over.
    Lines,
    /// The objects of one JSON array.
    Array,
}

/// A byte that cannot stand where it stands between the elements of an array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unexpected {
    /// Index in the piece.
    pub(super) at: usize,
    /// The byte.
    pub(super) found: u8,
    /// What may stand there.
    pub(super) expected: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Line { blank: bool },
    BeforeArray,
    BeforeFirst,
    BeforeNext,
    Inside { depth: u64 },
    InString { depth: u64, escaped: bool },
    AfterElement,
    AfterArray,
}

/// Finds the ends of records, however the bytes are cut into pieces.
#[derive(Clone, Debug)]
pub(super) struct Scanner(State);

impl Scanner {
    /// At the beginning of a file.
    pub(super) fn new(container: Container) -> Self {
        Self(match container {
            Container::Lines => State::Line { blank: true },
            Container::Array => State::BeforeArray,
        })
    }

    /// Right behind a record.
    pub(super) fn behind_record(container: Container) -> Self {
        Self(match container {
            Container::Lines => State::Line { blank: true },
            Container::Array => State::AfterElement,
        })
    }

    /// Goes through the next piece. `Some(n)`: a record ends with its first `n` bytes; the rest is to be given
    /// again. `None`: all was taken and no record ended.
    pub(super) fn scan(&mut self, piece: &[u8]) -> Result<Option<usize>, Unexpected> {
        let mut at = 0;
        while at < piece.len() {
            let rest = &piece[at..];
            match self.0 {
                State::Line { blank } => {
                    let end = memchr(b'\n', rest);
                    let line = &rest[..end.unwrap_or(rest.len())];
                    let blank = blank && line.iter().all(|byte| is_white(*byte));
                    self.0 = State::Line { blank: blank || end.is_some() };
                    at += line.len() + usize::from(end.is_some());
                    if end.is_some() && !blank {
                        return Ok(Some(at));
                    }
                }
                State::Inside { depth } => match rest.iter().position(|byte| is_structural(*byte)) {
                    None => return Ok(None),
                    Some(skipped) => {
                        at += skipped + 1;
                        match rest[skipped] {
                            b'"' => self.0 = State::InString { depth, escaped: false },
                            b'{' | b'[' => self.0 = State::Inside { depth: depth + 1 },
                            _ if depth == 1 => {
                                self.0 = State::AfterElement;
                                return Ok(Some(at));
                            }
                            _ => self.0 = State::Inside { depth: depth - 1 },
                        }
                    }
                },
                State::InString { depth, escaped: true } => {
                    self.0 = State::InString { depth, escaped: false };
                    at += 1;
                }
                State::InString { depth, escaped: false } => match memchr2(b'"', b'\\', rest) {
                    None => return Ok(None),
                    Some(skipped) => {
                        at += skipped + 1;
                        self.0 = match rest[skipped] {
                            b'"' => State::Inside { depth },
                            _ => State::InString { depth, escaped: true },
                        };
                    }
                },
                between => {
                    self.0 = next_between(between, rest[0]).map_err(|expected| Unexpected {
                        at,
                        found: rest[0],
                        expected,
                    })?;
                    at += 1;
                }
            }
        }
        Ok(None)
    }

    /// Whether the bytes so far are a whole file, but for a last line without a line break.
    pub(super) fn may_end(&self) -> bool {
        matches!(self.0, State::Line { .. } | State::AfterArray)
    }

    /// Whether the bytes behind the last record hold the beginning of another.
    pub(super) fn in_record(&self) -> bool {
        matches!(self.0, State::Line { blank: false } | State::Inside { .. } | State::InString { .. })
    }
}

/// What follows a byte between elements.
fn next_between(state: State, byte: u8) -> Result<State, &'static str> {
    match (state, byte) {
        (_, byte) if is_white(byte) => Ok(state),
        (State::BeforeArray, b'[') => Ok(State::BeforeFirst),
        (State::BeforeFirst | State::BeforeNext, b'{') => Ok(State::Inside { depth: 1 }),
        (State::AfterElement, b',') => Ok(State::BeforeNext),
        (State::BeforeFirst | State::AfterElement, b']') => Ok(State::AfterArray),
        (State::BeforeArray, _) => Err("`[`"),
        (State::BeforeFirst, _) => Err("an object or `]`"),
        (State::BeforeNext, _) => Err("an object"),
        (State::AfterElement, _) => Err("`,` or `]`"),
        _ => Err("nothing more"),
    }
}

pub(super) fn is_white(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

fn is_structural(byte: u8) -> bool {
    matches!(byte, b'"' | b'{' | b'}' | b'[' | b']')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Offsets at which records end, the text being given in pieces of these lengths.
    fn ends(container: Container, text: &[u8], pieces: &[usize]) -> Vec<usize> {
        let (mut scanner, mut ends, mut offset) = (Scanner::new(container), Vec::new(), 0);
        let mut lengths = pieces.iter().copied().chain(std::iter::repeat(text.len()));
        while offset < text.len() {
            let end = text.len().min(offset + lengths.next().unwrap().max(1));
            while offset < end {
                match scanner.scan(&text[offset..end]).unwrap() {
                    Some(taken) => {
                        offset += taken;
                        ends.push(offset);
                    }
                    None => offset = end,
                }
            }
        }
        assert!(scanner.may_end());
        ends
    }

    /// Objects whose strings are full of what the scanner must not fall for.
    fn element() -> impl Strategy<Value = serde_json::Value> {
        let text = r#"[\[\]{}",:\\ a\n/é]{0,12}"#;
        let leaf = prop_oneof![
            text.prop_map(serde_json::Value::from),
            any::<i32>().prop_map(serde_json::Value::from),
            Just(serde_json::Value::Null)
        ];
        let value = leaf.prop_recursive(3, 16, 4, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(serde_json::Value::from),
                prop::collection::vec((text, inner), 0..4)
                    .prop_map(|entries| serde_json::Value::Object(entries.into_iter().collect())),
            ]
        });
        prop::collection::vec((text, value), 0..4)
            .prop_map(|entries| serde_json::Value::Object(entries.into_iter().collect()))
    }

    proptest! {
        #[test]
        fn array_elements_end_where_they_were_written(
            elements in prop::collection::vec((element(), any::<bool>()), 0..6),
            separator in "[ \n\t]{0,2},[ \n]{0,2}",
            pieces in prop::collection::vec(1usize..9, 0..200),
        ) {
            let (mut text, mut expected) = (" [\n".to_owned(), Vec::new());
            for (index, (element, pretty)) in elements.iter().enumerate() {
                if index > 0 {
                    text.push_str(&separator);
                }
                text.push_str(&if *pretty { format!("{element:#}") } else { element.to_string() });
                expected.push(text.len());
            }
            text.push_str(" ]\n");
            prop_assert_eq!(ends(Container::Array, text.as_bytes(), &pieces), expected);
        }

        #[test]
        fn lines_end_at_line_breaks_but_for_blank_ones(
            lines in prop::collection::vec("[ a{}\r\"]{0,6}", 0..12),
            pieces in prop::collection::vec(1usize..5, 0..80),
        ) {
            let (mut text, mut expected) = (String::new(), Vec::new());
            for line in &lines {
                text.push_str(line);
                text.push('\n');
                if !line.trim().is_empty() {
                    expected.push(text.len());
                }
            }
            prop_assert_eq!(ends(Container::Lines, text.as_bytes(), &pieces), expected);
        }
    }

    #[test]
    fn what_cannot_stand_between_elements_is_named() {
        let error = |text: &str| Scanner::new(Container::Array).scan(text.as_bytes()).unwrap_err();
        assert_eq!(error("{").expected, "`[`");
        assert_eq!(error("[1]"), Unexpected { at: 1, found: b'1', expected: "an object or `]`" });
        let mut scanner = Scanner::new(Container::Array);
        assert_eq!(scanner.scan(b"[{}").unwrap(), Some(3));
        assert_eq!(scanner.clone().scan(b"{").unwrap_err().expected, "`,` or `]`");
        assert_eq!(scanner.clone().scan(b", ]").unwrap_err().expected, "an object");
        assert!(!scanner.may_end());
        assert_eq!(scanner.scan(b"] x").unwrap_err().expected, "nothing more");
    }
}
