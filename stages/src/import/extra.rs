//! Builds the `extra` column: one JSON object of what found no column, and under `turns` one array a key with the
//! leftovers of each turn.

use std::collections::HashSet;

use serde_json::value::RawValue;

use super::json::{Fault, Fields, append_compact};

/// Keys of `extra` that are ours: a recorded field of such a name is kept as `record.<name>`.
const RESERVED: [&str; 7] =
    ["turns", "final_observed", "prompt_messages", "recorded_reward", "recorded_success", "text_agent", "info"];

/// A JSON object under construction.
#[derive(Debug, Default)]
pub(super) struct ObjectText {
    text: String,
    keys: HashSet<String>,
}

impl ObjectText {
    /// Adds a field whose value is JSON text already. A key that is there gets another name.
    pub(super) fn json(&mut self, key: &str, json: &str) {
        self.key(key);
        self.text.push_str(json);
    }

    /// Adds a field as it was recorded.
    pub(super) fn raw(&mut self, key: &str, value: &RawValue) -> Result<(), Fault> {
        self.key(key);
        append_compact(&mut self.text, value).map_err(|fault| fault.within(key))
    }

    /// Adds a field whose value is a text.
    pub(super) fn text(&mut self, key: &str, value: &str) {
        self.json(key, &json_text(value));
    }

    /// Adds every field that was not taken from an object.
    pub(super) fn rest(&mut self, fields: Fields<'_>) -> Result<(), Fault> {
        fields.rest().try_for_each(|(key, value)| self.raw(&key, value))
    }

    /// As [`Self::rest`] for the fields of the record itself.
    pub(super) fn rest_of_record(&mut self, fields: Fields<'_>) -> Result<(), Fault> {
        fields.rest().try_for_each(|(key, value)| match RESERVED.contains(&key.as_ref()) {
            true => self.raw(&format!("record.{key}"), value),
            false => self.raw(&key, value),
        })
    }

    /// Whether nothing was added.
    pub(super) fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The object.
    pub(super) fn finish(self) -> String {
        if self.is_empty() { "{}".to_owned() } else { self.text + "}" }
    }

    fn key(&mut self, key: &str) {
        let mut name = key.to_owned();
        while self.keys.contains(&name) {
            name.insert_str(0, "record.");
        }
        self.text.push(if self.keys.is_empty() { '{' } else { ',' });
        self.text.push_str(&json_text(&name));
        self.text.push(':');
        self.keys.insert(name);
    }
}

/// Leftovers of turns: for each key one value a turn, null where it has none.
#[derive(Debug, Default)]
pub(super) struct TurnLeftovers(Vec<(String, Vec<(usize, String)>)>);

impl TurnLeftovers {
    /// Adds JSON text for one turn; turns come in order.
    pub(super) fn put(&mut self, turn: usize, key: &str, json: String) {
        match self.0.iter_mut().find(|(known, _)| known == key) {
            Some((_, values)) => values.push((turn, json)),
            None => self.0.push((key.to_owned(), vec![(turn, json)])),
        }
    }

    /// The object of arrays, if there is anything in it.
    pub(super) fn finish(self, turns: usize) -> Option<String> {
        if self.0.is_empty() {
            return None;
        }
        let mut object = ObjectText::default();
        for (key, values) in self.0 {
            let mut values = values.into_iter().peekable();
            let column = (0..turns).map(|turn| match values.next_if(|(at, _)| *at == turn) {
                Some((_, json)) => json,
                None => "null".to_owned(),
            });
            object.json(&key, &json_list(column));
        }
        Some(object.finish())
    }
}

/// A JSON array of values that are JSON text already.
pub(super) fn json_list(values: impl IntoIterator<Item = String>) -> String {
    let values: Vec<String> = values.into_iter().collect();
    format!("[{}]", values.join(","))
}

/// A JSON string literal.
pub(super) fn json_text(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_overwritten() {
        let value: Box<RawValue> =
            serde_json::from_str(r#"{"turns": 1, "a": 2.50, "record.a": 3, "n": null}"#).unwrap();
        let mut object = ObjectText::default();
        object.json("a", "0");
        object.rest_of_record(Fields::of(&value).unwrap()).unwrap();
        assert_eq!(object.finish(), r#"{"a":0,"record.turns":1,"record.a":2.50,"record.record.a":3}"#);
        assert_eq!(ObjectText::default().finish(), "{}");
    }

    #[test]
    fn leftovers_stand_in_turn_order() {
        let mut leftovers = TurnLeftovers::default();
        leftovers.put(1, "id", "7".to_owned());
        leftovers.put(2, "weight", "0".to_owned());
        assert_eq!(leftovers.finish(3).unwrap(), r#"{"id":[null,7,null],"weight":[null,null,0]}"#);
        assert_eq!(TurnLeftovers::default().finish(3), None);
    }
}
