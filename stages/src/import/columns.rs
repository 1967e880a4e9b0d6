//! The option `columns`: which field of a record fills a column, where it is not called like it.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::value::RawValue;

use super::json::{Fault, Fields, list};

/// Which fields fill columns.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the columns say it")]
pub struct Columns {
    pub trajectory_id: Option<FieldPath>,
    pub group_id: Option<FieldPath>,
    pub task_id: Option<FieldPath>,
    pub env: Option<FieldPath>,
    pub policy: Option<FieldPath>,
    pub seed: Option<FieldPath>,
    pub reward: Option<FieldPath>,
    pub success: Option<FieldPath>,
    pub status: Option<FieldPath>,
    pub error: Option<FieldPath>,
}

impl Columns {
    /// Each column that is given, with the path of its field; in the order of the columns.
    pub(super) fn given(&self) -> impl Iterator<Item = (&'static str, &FieldPath)> {
        let all = [
            ("trajectory_id", &self.trajectory_id),
            ("group_id", &self.group_id),
            ("task_id", &self.task_id),
            ("env", &self.env),
            ("policy", &self.policy),
            ("seed", &self.seed),
            ("reward", &self.reward),
            ("success", &self.success),
            ("status", &self.status),
            ("error", &self.error),
        ];
        all.into_iter().filter_map(|(column, path)| Some((column, path.as_ref()?)))
    }
}

/// Where a field lies in a record: keys from the outermost in, and numbers of elements of lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldPath(Vec<String>);

impl FieldPath {
    /// Reads `metadata.scores.0`; a key with a dot in it stands in double quotes.
    fn parse(written: &str) -> Result<Self, String> {
        let (mut keys, mut rest) = (Vec::new(), written);
        loop {
            let (key, behind) = match rest.strip_prefix('"') {
                Some(quoted) => {
                    quoted.split_once('"').ok_or_else(|| format!("the quotes in `{written}` are not closed"))?
                }
                None => rest.split_at(rest.find('.').unwrap_or(rest.len())),
            };
            if key.is_empty() {
                return Err(format!(
                    "a key in `{written}` is empty, expected keys with dots between: `metadata.reward`"
                ));
            }
            keys.push(key.to_owned());
            match behind.strip_prefix('.') {
                Some(more) => rest = more,
                None if behind.is_empty() => return Ok(Self(keys)),
                None => return Err(format!("expected a dot behind `\"{key}\"` in `{written}`")),
            }
        }
    }

    /// The keys.
    pub(super) fn keys(&self) -> &[String] {
        &self.0
    }

    /// The value that a record has there; null counts as none.
    pub(super) fn value<'a>(&self, record: &Fields<'a>) -> Result<Option<&'a RawValue>, Fault> {
        let Some((first, rest)) = self.0.split_first() else { return Ok(None) };
        let mut found = record.get(first);
        for key in rest {
            let Some(value) = found else { return Ok(None) };
            found = match (value.get().as_bytes().first(), key.parse::<usize>()) {
                (Some(b'{'), _) => Fields::of(value)?.get(key),
                (Some(b'['), Ok(index)) => list(value)?.get(index).copied().filter(|element| element.get() != "null"),
                _ => None,
            };
        }
        Ok(found)
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, key) in self.0.iter().enumerate() {
            let dot = if index == 0 { "" } else { "." };
            match key.contains('.') {
                true => write!(formatter, "{dot}\"{key}\"")?,
                false => write!(formatter, "{dot}{key}")?,
            }
        }
        Ok(())
    }
}

impl Serialize for FieldPath {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for FieldPath {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let written = String::deserialize(deserializer)?;
        Self::parse(&written).map_err(de::Error::custom)
    }
}

impl JsonSchema for FieldPath {
    fn schema_name() -> Cow<'static, str> {
        "FieldPath".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "minLength": 1 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(yaml: &str) -> Result<Columns, String> {
        serde_yaml::from_str(yaml).map_err(|error| error.to_string())
    }

    fn found(record: &str, path: &str) -> Option<String> {
        let record = Fields::of_record(record.as_bytes()).unwrap();
        FieldPath::parse(path).unwrap().value(&record).unwrap().map(|value| value.get().to_owned())
    }

    #[test]
    fn paths_lead_into_objects_and_lists() {
        let record = r#"{"a": {"b": 1, "c.d": {"e": [2, null, {"f": "x"}]}, "n": null}, "g": "text"}"#;
        assert_eq!(found(record, "a.b").as_deref(), Some("1"));
        assert_eq!(found(record, "a.\"c.d\".e.0").as_deref(), Some("2"));
        assert_eq!(found(record, "a.\"c.d\".e.2.f").as_deref(), Some("\"x\""));
        for nowhere in ["a.n", "a.x", "x.b", "g.b", "a.\"c.d\".e.1", "a.\"c.d\".e.9", "a.\"c.d\".e.f", "\"a.b\""] {
            assert_eq!(found(record, nowhere), None, "{nowhere}");
        }
    }

    #[test]
    fn paths_are_written_back_as_they_were() {
        let given = columns("{reward: 'a.\"c.d\".e', task_id: id}").unwrap();
        let told: Vec<String> = given.given().map(|(column, path)| format!("{column} {path}")).collect();
        assert_eq!(told, ["task_id id", "reward a.\"c.d\".e"]);
        for wrong in ["''", "'.a'", "'a.'", "'a..b'", "'\"a'", "'\"a\"b'"] {
            assert!(columns(&format!("reward: {wrong}")).is_err(), "{wrong}");
        }
        assert!(columns("rewards: a").is_err());
    }
}
