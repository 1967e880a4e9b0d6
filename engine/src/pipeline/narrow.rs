//! Finds a part of a scalar's text in the YAML that it was written as: through quotes, escapes, folded lines and
//! the indentation of block scalars.

use std::ops::Range;

/// The bytes of `raw` (a scalar as written, quotes or block header included) that give the bytes `range` of its
/// `text`. `None` if the two cannot be laid side by side.
pub(super) fn narrow(raw: &str, text: &str, range: &Range<usize>) -> Option<Range<usize>> {
    let places = align(raw, text)?;
    let start = *places.get(range.start)?;
    let end = match range.end.checked_sub(1) {
        // Just behind the last character that is marked: the newline of a fold never belongs to it.
        Some(last) if range.end > range.start => {
            let last = (0..=last).rev().find(|byte| text.is_char_boundary(*byte))?;
            let width = raw.get(*places.get(last)?..)?.chars().next()?.len_utf8();
            *places.get(last)? + width
        }
        _ => start,
    };
    Some(start..end)
}

/// For every byte of `text`, and its end, the byte of `raw` at which it was written.
fn align(raw: &str, text: &str) -> Option<Vec<usize>> {
    let quote = raw.chars().next().filter(|first| matches!(first, '"' | '\''));
    let block = raw.starts_with(['|', '>']);
    let mut at = match quote {
        Some(_) => 1,
        // Content begins on the line behind the header.
        None if block => raw.find('\n')? + 1,
        None => 0,
    };
    if block {
        at += blanks(raw, at).saturating_sub(blanks(text, 0));
    }
    let mut places = Vec::with_capacity(text.len() + 1);
    for (byte, wanted) in text.char_indices() {
        loop {
            let found = raw.get(at..)?.chars().next();
            if found == Some(wanted) || (found == Some('\n') && wanted == ' ') {
                break;
            }
            match found {
                // A line break that folds away, or blanks around one.
                Some('\n' | '\r' | ' ' | '\t') => at += 1,
                Some('\\') if quote == Some('"') => break,
                // The newline that a block scalar gains at the end of a text without one.
                None if wanted == '\n' && byte + 1 == text.len() => break,
                _ => return None,
            }
        }
        places.extend(std::iter::repeat_n(at, wanted.len_utf8()));
        at += step(raw.get(at..)?, wanted, quote);
        if wanted == '\n' || raw.get(..at)?.ends_with('\n') {
            // The indentation of a line is not part of the text, unless it is more than the block's.
            let kept = blanks(text, byte + wanted.len_utf8());
            at += blanks(raw, at).saturating_sub(kept);
        }
    }
    places.push(at.min(raw.len()));
    Some(places)
}

/// How many bytes of `raw` stand for one character.
fn step(raw: &str, wanted: char, quote: Option<char>) -> usize {
    match (raw.as_bytes(), quote) {
        ([b'\'', b'\'', ..], Some('\'')) => 2,
        ([b'\\', b'x', ..], Some('"')) => 4,
        ([b'\\', b'u', ..], Some('"')) => 6,
        ([b'\\', b'U', ..], Some('"')) => 10,
        ([b'\\', ..], Some('"')) => 1 + raw.chars().nth(1).map_or(0, char::len_utf8),
        ([], _) => 0,
        _ if raw.starts_with('\n') => 1,
        _ => wanted.len_utf8(),
    }
}

fn blanks(text: &str, from: usize) -> usize {
    text.get(from..).unwrap_or_default().bytes().take_while(|byte| *byte == b' ').count()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is marked for the first `needle` of the text.
    fn marked(raw: &str, text: &str, needle: &str) -> Option<String> {
        let start = text.find(needle).unwrap();
        let span = narrow(raw, text, &(start..start + needle.len()))?;
        Some(raw[span].to_owned())
    }

    #[test]
    fn plain_and_quoted() {
        assert_eq!(marked("reward > zero", "reward > zero", "zero").unwrap(), "zero");
        assert_eq!(marked("'it''s rewrd'", "it's rewrd", "rewrd").unwrap(), "rewrd");
        assert_eq!(marked(r#""a \"b\" é\n rewrd""#, "a \"b\" é\n rewrd", "rewrd").unwrap(), "rewrd");
        assert_eq!(marked(r#""\u00e9 x""#, "é x", "x").unwrap(), "x");
    }

    #[test]
    fn several_lines() {
        assert_eq!(marked("|\n    a = 1\n      and b\n", "a = 1\n  and b\n", "b").unwrap(), "b");
        assert_eq!(marked(">\n    a = 1\n    and b\n", "a = 1 and b\n", "b").unwrap(), "b");
        assert_eq!(marked(">-\n  a\n\n  b c\n", "a\nb c", "c").unwrap(), "c");
        assert_eq!(marked("a = 1\n      and bad", "a = 1 and bad", "bad").unwrap(), "bad");
        assert_eq!(marked("|\n\n  first\n", "\nfirst\n", "first").unwrap(), "first");
    }

    #[test]
    fn an_empty_range_marks_the_place_behind() {
        assert_eq!(narrow("'ab'", "ab", &(2..2)), Some(3..3));
        assert_eq!(narrow("ab", "other", &(0..2)), None);
    }
}
