//! The arguments of a call: when two are the same, and what they are as JSON. Parsed at most once, and only when
//! something depends on it. Not concerned with a tool's schema.

use std::cell::OnceCell;
use std::hash::{DefaultHasher, Hash, Hasher as _};

use serde_json::{Number, Value};

/// The recorded text of a call's arguments.
#[derive(Debug)]
pub(super) struct Arguments<'a> {
    text: &'a str,
    parsed: OnceCell<Option<Value>>,
}

impl<'a> Arguments<'a> {
    /// Arguments of this text; a call without any has an empty one.
    pub(super) fn new(text: Option<&'a str>) -> Self {
        Self { text: text.map_or("", str::trim), parsed: OnceCell::new() }
    }

    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// The arguments as JSON, if that is what they are.
    pub(super) fn json(&self) -> Option<&Value> {
        self.parsed.get_or_init(|| serde_json::from_str(self.text).ok()).as_ref()
    }

    /// A number that is equal for arguments that are the same, so that those can be looked up.
    pub(super) fn fingerprint(&self) -> u64 {
        self.json().map_or_else(|| hash_of(&self.text), fingerprint)
    }

    /// Whether both are the same: as JSON whatever the order of keys and the spelling of numbers, else as text.
    /// Text that is no JSON is never the same as other text.
    pub(super) fn same(&self, other: &Self) -> bool {
        self.text == other.text
            || match (self.json(), other.json()) {
                (Some(mine), Some(theirs)) => same_value(mine, theirs),
                _ => false,
            }
    }
}

/// Equal for values that [`same_value`] calls the same.
fn fingerprint(value: &Value) -> u64 {
    match value {
        // Integers and floats that are the same number have the same float; adding 0 makes one zero of two.
        Value::Number(number) => hash_of(&number.as_f64().map(|number| (number + 0.0).to_bits())),
        Value::Array(items) => hash_of(&items.iter().map(fingerprint).collect::<Vec<_>>()),
        // A sum does not depend on the order of keys.
        Value::Object(fields) => {
            fields.iter().map(|(key, value)| hash_of(&(key, fingerprint(value)))).fold(1, u64::wrapping_add)
        }
        Value::String(text) => hash_of(text),
        Value::Bool(value) => hash_of(value),
        Value::Null => 0,
    }
}

fn hash_of(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

fn same_value(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => same_number(left, right),
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| same_value(left, right))
        }
        (Value::Object(left), Value::Object(right)) => {
            left.len() == right.len()
                && left.iter().all(|(key, left)| right.get(key).is_some_and(|right| same_value(left, right)))
        }
        _ => left == right,
    }
}

/// Numbers keep their spelling when parsed, so `1.0` and `1` must be compared by value. Integers are never compared
/// as floats: order numbers may have more digits than those hold.
fn same_number(left: &Number, right: &Number) -> bool {
    let whole = |number: &Number| number.is_i64() || number.is_u64();
    left == right || (!(whole(left) && whole(right)) && left.as_f64().is_some() && left.as_f64() == right.as_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(left: &str, right: &str) -> bool {
        Arguments::new(Some(left)).same(&Arguments::new(Some(right)))
    }

    #[test]
    fn json_is_compared_by_value() {
        for (left, right) in
            [(r#"{"a": 1.0, "b": [true, null]}"#, r#" {"b":[true,null],"a":1} "#), ("1e2", "100"), ("-0.0", "0")]
        {
            assert!(same(left, right), "{left} {right}");
            let fingerprint = |text| Arguments::new(Some(text)).fingerprint();
            assert_eq!(fingerprint(left), fingerprint(right), "{left} {right}");
        }
        assert!(!same(r#"{"a": 1}"#, r#"{"a": "1"}"#));
        assert!(!same(r#"{"a": 1}"#, r#"{"a": 1, "b": 2}"#));
        assert!(!same("[1, 2]", "[2, 1]"));
        assert!(!same("9007199254740993", "9007199254740992"));
    }

    #[test]
    fn other_text_is_compared_as_it_is() {
        assert!(same("{'a': 1}", "{'a': 1}\n"));
        assert!(!same("{'a': 1}", "{'a': 2}"));
        assert!(!same("{'a': 1}", r#"{"a": 1}"#));
        assert!(Arguments::new(None).same(&Arguments::new(Some(" "))));
    }
}
