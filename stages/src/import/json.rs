//! JSON records taken apart one level at a time, borrowing from the record's text: what no column wants keeps its
//! spelling. Not concerned with what fields mean.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

use memchr::{memchr, memchr2};
use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use sternlight_engine::stage::StageError;

use super::scan::is_white;

/// Names of so few fields are compared with each other; of more they are hashed.
const FEW_FIELDS: usize = 16;

/// What is wrong with a record, and in which of its fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    /// Path of the field: `messages[3].content`; empty for the record as a whole.
    pub(super) field: String,
    /// What was expected and what was found.
    pub(super) message: String,
    /// Line within the record, from 0, where that is known better than from the record's beginning.
    pub(super) line: u64,
    /// What can be done about it, where more can be said than what was expected.
    pub(super) help: Option<&'static str>,
}

/// What can be done about any fault of a record.
const ASIDE: &str = "`on_error: quarantine` puts such records aside";

impl Fault {
    /// A fault of the value at hand.
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self { field: String::new(), message: message.into(), line: 0, help: None }
    }

    /// With what can be done about it.
    #[must_use]
    pub(super) fn help(self, help: &'static str) -> Self {
        Self { help: Some(help), ..self }
    }

    /// As an error of the stage.
    pub(super) fn error(&self) -> StageError {
        let help = self.help.map_or_else(|| ASIDE.to_owned(), |help| format!("{help}; {ASIDE}"));
        StageError::new(self.to_string()).help(help)
    }

    /// The same fault, seen from one level further up.
    #[must_use]
    pub(super) fn within(mut self, parent: &str) -> Self {
        let separator = if self.field.is_empty() || self.field.starts_with('[') { "" } else { "." };
        self.field = format!("{parent}{separator}{}", self.field);
        self
    }

    /// The same fault, seen from the list that holds the value.
    #[must_use]
    pub(super) fn at_index(self, index: usize) -> Self {
        self.within(&format!("[{index}]"))
    }
}

impl From<serde_json::Error> for Fault {
    fn from(error: serde_json::Error) -> Self {
        let text = error.to_string();
        // The position is relative to the piece that was being read, which means nothing to a reader.
        let message = text.rsplit_once(" at line ").map_or(text.as_str(), |(message, _)| message);
        Self::new(message)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.field.is_empty() {
            write!(formatter, "field `{}`: ", self.field)?;
        }
        formatter.write_str(&self.message)
    }
}

/// The fields of an object, in recorded order, values unread.
#[derive(Debug)]
pub(super) struct Fields<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'a> Fields<'a> {
    /// Takes a record apart.
    pub(super) fn of_record(record: &'a [u8]) -> Result<Self, Fault> {
        let text = std::str::from_utf8(record).map_err(|error| invalid_utf8(record, error.valid_up_to()))?;
        serde_json::from_str(text).map_err(|error| {
            let (line, column, is_cut_off) = (error.line(), error.column(), error.is_eof());
            let fault = Fault::from(error);
            let message = match is_cut_off {
                true => format!("the record is cut off at column {column}; each line must be one whole JSON object"),
                false => format!("not a valid JSON object: {} (column {column})", fault.message),
            };
            Fault { message, line: line.saturating_sub(1) as u64, ..fault }
        })
    }

    /// Takes an object apart.
    pub(super) fn of(value: &'a RawValue) -> Result<Self, Fault> {
        expect(value, b"{", "an object")?;
        Ok(serde_json::from_str(value.get())?)
    }

    /// A field's value; null counts as not there.
    pub(super) fn get(&self, name: &str) -> Option<&'a RawValue> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| *value).filter(|value| value.get() != "null")
    }

    /// Takes a field out, so that it is not left over.
    pub(super) fn take(&mut self, name: &str) -> Option<&'a RawValue> {
        let index = self.0.iter().position(|(known, _)| known == name)?;
        Some(self.0.remove(index).1).filter(|value| value.get() != "null")
    }

    /// Takes a field out and reads it; what is wrong with it is told with its name.
    pub(super) fn read<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(&'a RawValue) -> Result<T, Fault>,
    ) -> Result<Option<T>, Fault> {
        self.take(name).map(read).transpose().map_err(|fault| fault.within(name))
    }

    /// As [`Self::read`], for a field that must be there.
    pub(super) fn require<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(&'a RawValue) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        self.read(name, read)?.ok_or_else(|| Fault::new("is missing or null").within(name))
    }

    /// What was not taken, nulls left out.
    pub(super) fn rest(self) -> impl Iterator<Item = (Cow<'a, str>, &'a RawValue)> {
        self.0.into_iter().filter(|(_, value)| value.get() != "null")
    }

    /// The names of the fields that are there, nulls left out.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter(|(_, value)| value.get() != "null").map(|(name, _)| name.as_ref())
    }

    /// Whether nothing but nulls is left.
    pub(super) fn is_empty(&self) -> bool {
        self.0.iter().all(|(_, value)| value.get() == "null")
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;

        impl<'de> Visitor<'de> for Object {
            type Value = Fields<'de>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields: Vec<(Cow<'de, str>, &'de RawValue)> = Vec::new();
                let mut names = HashSet::new();
                while let Some((Text(name), value)) = map.next_entry()? {
                    if fields.len() == FEW_FIELDS {
                        names.extend(fields.iter().map(|(name, _)| name.clone()));
                    }
                    let is_new = match fields.len() < FEW_FIELDS {
                        true => fields.iter().all(|(known, _)| *known != name),
                        false => names.insert(name.clone()),
                    };
                    if !is_new {
                        return Err(A::Error::custom(format_args!("the key `{name}` stands twice")));
                    }
                    fields.push((name, value));
                }
                Ok(Fields(fields))
            }
        }

        deserializer.deserialize_map(Object)
    }
}

#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// A text.
pub(super) fn text(value: &RawValue) -> Result<Cow<'_, str>, Fault> {
    expect(value, b"\"", "text")?;
    let quoted = value.get();
    let inside = quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default();
    match memchr(b'\\', inside.as_bytes()) {
        None => Ok(Cow::Borrowed(inside)),
        Some(first) => unescaped(inside, first).map(Cow::Owned),
    }
}

/// A text without its escapes, the first of which is at this byte. Long texts are most of a record: looking for escapes
/// by vector instructions, into a buffer that need not grow, is three times as fast as `serde_json`.
fn unescaped(text: &str, first: usize) -> Result<String, Fault> {
    let mut plain = String::with_capacity(text.len());
    let (mut rest, mut next) = (text, Some(first));
    while let Some(at) = next {
        plain.push_str(&rest[..at]);
        let escape = &rest[at..];
        let (character, length) = match escape.as_bytes().get(1) {
            Some(b'n') => ('\n', 2),
            Some(b't') => ('\t', 2),
            Some(b'r') => ('\r', 2),
            Some(b'b') => ('\u{8}', 2),
            Some(b'f') => ('\u{c}', 2),
            Some(same @ (b'"' | b'\\' | b'/')) => (char::from(*same), 2),
            _ => escaped_character(escape.as_bytes())?,
        };
        plain.push(character);
        rest = &escape[length..];
        next = memchr(b'\\', rest.as_bytes());
    }
    plain.push_str(rest);
    Ok(plain)
}

/// A text, or a number in digits: writers that know no whole numbers spell the same id `7.0`.
pub(super) fn label(value: &RawValue) -> Result<Cow<'_, str>, Fault> {
    match value.get().as_bytes().first() {
        Some(b'-' | b'0'..=b'9') => Ok(plain_number(value.get())),
        _ => {
            expect(value, b"\"", "text or a number")?;
            text(value)
        }
    }
}

/// The largest exponent that is written out in digits.
const LARGEST_EXPONENT: usize = 40;

/// A number as JSON spells it, without exponent and without zeros behind its point: `7` for `7.0`, `1500` for `1.5e3`.
pub(super) fn plain_number(spelled: &str) -> Cow<'_, str> {
    if spelled.bytes().all(|byte| byte.is_ascii_digit()) {
        return Cow::Borrowed(spelled);
    }
    let (mantissa, exponent) = spelled.split_once(['e', 'E']).unwrap_or((spelled, "0"));
    let (sign, mantissa) = mantissa.strip_prefix('-').map_or(("", mantissa), |rest| ("-", rest));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let Some(exponent) = exponent.parse::<isize>().ok().filter(|exponent| exponent.unsigned_abs() <= LARGEST_EXPONENT)
    else {
        return Cow::Borrowed(spelled);
    };
    // All digits, with enough zeros on both sides for the point to go anywhere among them.
    let zeros = "0".repeat(LARGEST_EXPONENT);
    let digits = format!("{zeros}{whole}{fraction}{zeros}");
    let point = (zeros.len() + whole.len()).saturating_add_signed(exponent);
    let (whole, fraction) = digits.split_at_checked(point).unwrap_or((&digits, ""));
    let (whole, fraction) = (whole.trim_start_matches('0'), fraction.trim_end_matches('0'));
    let whole = if whole.is_empty() { "0" } else { whole };
    Cow::Owned(match (whole, fraction) {
        ("0", "") => "0".to_owned(),
        (whole, "") => format!("{sign}{whole}"),
        (whole, fraction) => format!("{sign}{whole}.{fraction}"),
    })
}

/// A finite number.
pub(super) fn number(value: &RawValue) -> Result<f64, Fault> {
    expect(value, b"-0123456789", "a number")?;
    match value.get().parse::<f64>() {
        Ok(number) if number.is_finite() => Ok(number),
        _ => Err(Fault::new(format!("{} is out of range", value.get()))),
    }
}

/// True or false.
pub(super) fn boolean(value: &RawValue) -> Result<bool, Fault> {
    expect(value, b"tf", "true or false")?;
    Ok(value.get() == "true")
}

/// The values of a list.
pub(super) fn list(value: &RawValue) -> Result<Vec<&RawValue>, Fault> {
    expect(value, b"[", "a list")?;
    Ok(serde_json::from_str(value.get())?)
}

/// The objects of a list.
pub(super) fn objects(value: &RawValue) -> Result<Vec<Fields<'_>>, Fault> {
    expect(value, b"[", "a list")?;
    // In one pass where nothing is wrong; else again, to name the element at fault.
    serde_json::from_str(value.get()).or_else(|error: serde_json::Error| {
        let elements = list(value)?;
        let read = |(index, element)| Fields::of(element).map_err(|fault| fault.at_index(index));
        match elements.into_iter().enumerate().map(read).collect::<Result<Vec<_>, _>>() {
            Ok(_) => Err(error.into()),
            Err(fault) => Err(fault),
        }
    })
}

/// Appends a value without the white space between its tokens, every token spelled as it was.
pub(super) fn append_compact(into: &mut String, value: &RawValue) -> Result<(), Fault> {
    let text = value.get();
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let run = bytes[at..].iter().position(|byte| *byte == b'"' || is_white(*byte)).unwrap_or(bytes.len() - at);
        into.push_str(&text[at..at + run]);
        at += run;
        if bytes.get(at) == Some(&b'"') {
            let length = string_length(&bytes[at..])?;
            into.push_str(&text[at..at + length]);
            at += length;
        } else {
            at += bytes[at..].iter().take_while(|byte| is_white(**byte)).count();
        }
    }
    Ok(())
}

/// A value without the white space between its tokens.
pub(super) fn compact(value: &RawValue) -> Result<String, Fault> {
    let mut text = String::with_capacity(value.get().len());
    append_compact(&mut text, value)?;
    Ok(text)
}

/// Length of the string literal that the bytes begin with, its surrogates checked: `serde_json` skips over values
/// that it does not decode without looking at them.
fn string_length(bytes: &[u8]) -> Result<usize, Fault> {
    let mut at = 1;
    loop {
        // A text that was cut off may end within an escape.
        let rest = bytes.get(at..).unwrap_or_default();
        at += memchr2(b'"', b'\\', rest).ok_or_else(|| Fault::new("a string does not end"))?;
        if bytes[at] == b'"' {
            return Ok(at + 1);
        }
        at += match bytes.get(at + 1) {
            Some(b'u') => escaped_character(&bytes[at..])?.1,
            _ => 2,
        };
    }
}

/// The character of the `\u` escape, or pair of them, that the bytes begin with, and its length there.
fn escaped_character(bytes: &[u8]) -> Result<(char, usize), Fault> {
    let unit = escaped_unit(bytes).ok_or_else(|| Fault::new("a string holds an unknown escape"))?;
    let low = || bytes.get(6..).and_then(escaped_unit);
    let units = match unit {
        0xD800..=0xDBFF => [Some(unit), low()],
        _ => [Some(unit), None],
    };
    match char::decode_utf16(units.into_iter().flatten()).next() {
        Some(Ok(character)) => Ok((character, 6 * character.len_utf16())),
        _ => Err(Fault::new("a string holds a lone surrogate escape")),
    }
}

/// The UTF-16 unit of a `\u` escape that the bytes begin with.
fn escaped_unit(bytes: &[u8]) -> Option<u16> {
    let digits = bytes.strip_prefix(b"\\u")?.get(..4)?;
    u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

/// What a value is, in words.
pub(super) fn kind(value: &RawValue) -> &'static str {
    match value.get().as_bytes().first() {
        Some(b'{') => "an object",
        Some(b'[') => "a list",
        Some(b'"') => "text",
        Some(b't' | b'f') => "true or false",
        Some(b'n') => "null",
        _ => "a number",
    }
}

fn expect(value: &RawValue, first: &[u8], what: &str) -> Result<(), Fault> {
    match value.get().as_bytes().first() {
        Some(byte) if first.contains(byte) => Ok(()),
        _ => Err(expected(value, what)),
    }
}

/// What to say of a value that is something else than was expected.
pub(super) fn expected(value: &RawValue, what: &str) -> Fault {
    Fault::new(format!("expected {what}, found {}", kind(value)))
}

/// Names the innermost field around a byte that is not UTF-8, by the last key that stands before it.
fn invalid_utf8(record: &[u8], at: usize) -> Fault {
    let (before, line) = (&record[..at], memchr::memchr_iter(b'\n', &record[..at]).count() as u64);
    let field = last_key(before).unwrap_or_default();
    Fault { field, line, ..Fault::new(format!("is not valid UTF-8 at byte {at} of the record")) }
}

/// The last complete string that a colon follows.
fn last_key(before: &[u8]) -> Option<String> {
    let (mut at, mut key) = (0, None);
    while let Some(quote) = memchr::memchr(b'"', &before[at..]) {
        let start = at + quote;
        let Ok(length) = string_length(&before[start..]) else { break };
        at = start + length;
        let colon = before[at..].iter().find(|byte| !is_white(**byte));
        if colon == Some(&b':') {
            key = Some(String::from_utf8_lossy(&before[start + 1..at - 1]).into_owned());
        }
    }
    key
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn raw(text: &str) -> Box<RawValue> {
        RawValue::from_string(text.to_owned()).unwrap()
    }

    #[test]
    fn compact_keeps_spelling_and_drops_white_space() {
        let value = raw(" {\"a b\" : [ 1.50,\n 1e3 , \"x\\\" : y\\u00e9\" ] , \"\\\\\":null }");
        assert_eq!(compact(&value).unwrap(), r#"{"a b":[1.50,1e3,"x\" : y\u00e9"],"\\":null}"#);
    }

    #[test]
    fn lone_surrogates_are_refused_and_pairs_kept() {
        assert_eq!(compact(&raw(r#"["\ud83d\ude00"]"#)).unwrap(), r#"["\ud83d\ude00"]"#);
        for lone in [r#""\ud83d""#, r#""\ude00""#, r#""\ud83d\u0041""#, r#""\ud83dx""#] {
            assert!(compact(&raw(lone)).is_err() && text(&raw(lone)).is_err(), "{lone}");
        }
    }

    #[test]
    fn faults_name_the_field() {
        let fault = |record: &[u8]| Fields::of_record(record).unwrap_err().to_string();
        insta::assert_snapshot!(fault(b"{\"a\": 1, \"b\": \"x\xff\"}"), @"field `b`: is not valid UTF-8 at byte 16 of the record");
        insta::assert_snapshot!(fault(b"{\"b\": \"x\\\xff\"}"), @"field `b`: is not valid UTF-8 at byte 9 of the record");
        insta::assert_snapshot!(fault(b"{\"a\": 1, \"a\": 2}"), @"not a valid JSON object: the key `a` stands twice (column 16)");
        insta::assert_snapshot!(fault(b"{\"a\": "), @"the record is cut off at column 6; each line must be one whole JSON object");
        let value = raw(r#"{"list": [{}, 7]}"#);
        let mut fields = Fields::of(&value).unwrap();
        insta::assert_snapshot!(
            fields.require("list", objects).unwrap_err(),
            @"field `list[1]`: expected an object, found a number"
        );
    }

    /// Comparing each key with all before it would take minutes.
    #[test]
    fn many_keys_take_linear_time() {
        let record: String = (0..200_000).map(|key| format!(",\"{key}\":1")).collect();
        let fields = Fields::of_record(format!("{{\"a\":1{record}}}").as_bytes()).map(|fields| fields.rest().count());
        assert_eq!(fields.unwrap(), 200_001);
    }

    proptest! {
        #[test]
        fn compact_is_the_same_value(text in r#"[\[\]{}",:\\ a\n/é😀]{0,12}"#, number in any::<f64>()) {
            let value = serde_json::json!({ "a": [text, number], (text): { "b": [] } });
            let pretty = format!("{value:#}");
            prop_assert_eq!(compact(&raw(&pretty)).unwrap(), value.to_string());
        }
    }
}
