//! `retries:` of a stage as YAML spells it: a number, or a number and how long to wait.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Unexpected, Visitor};

use crate::failure::Retries;
use crate::quantities::Span;

/// More would try for hours what does not pass.
const MOST_RETRIES: u32 = 100;

/// How often to try again.
#[derive(Debug)]
pub(super) struct RetriesEntry(pub(super) Retries);

/// The long form.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Spelled {
    /// How often at most, for each part of the stage.
    #[serde(deserialize_with = "times")]
    #[schemars(range(max = MOST_RETRIES))]
    times: u32,
    /// How long to wait before the first; twice as long before each one after it, up to a minute. Default: `1s`.
    wait: Option<Span>,
}

fn times<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    u32::deserialize(deserializer).and_then(|times| within(times.into()))
}

fn within<E: Error>(times: u64) -> Result<u32, E> {
    match u32::try_from(times) {
        Ok(times) if times <= MOST_RETRIES => Ok(times),
        _ => Err(E::invalid_value(Unexpected::Unsigned(times), &format!("at most {MOST_RETRIES}").as_str())),
    }
}

impl<'de> Deserialize<'de> for RetriesEntry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Shapes;
        impl<'de> Visitor<'de> for Shapes {
            type Value = RetriesEntry;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a whole number of at least 0, or a map such as `{times: 3, wait: 2s}`")
            }

            fn visit_u64<E: Error>(self, times: u64) -> Result<RetriesEntry, E> {
                Ok(RetriesEntry(Retries { times: within(times)?, ..Retries::default() }))
            }

            fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<RetriesEntry, A::Error> {
                let Spelled { times, wait } = Deserialize::deserialize(MapAccessDeserializer::new(entries))?;
                let wait = wait.map_or(Retries::default().wait, |wait| wait.duration());
                Ok(RetriesEntry(Retries { times, wait }))
            }
        }
        deserializer.deserialize_any(Shapes)
    }
}

impl JsonSchema for RetriesEntry {
    fn schema_name() -> Cow<'static, str> {
        "Retries".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let spelled = Spelled::json_schema(generator);
        json_schema!({ "anyOf": [{ "type": "integer", "minimum": 0, "maximum": MOST_RETRIES }, spelled] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::decode;

    fn retries(text: &str) -> Result<(u32, u128), String> {
        let decoded = decode::<RetriesEntry>(serde_yaml::from_str(text).unwrap()).complete();
        let told =
            |problems: Vec<crate::problem::Problem>| problems.into_iter().map(|problem| problem.message).collect();
        decoded.map(|entry| (entry.0.times, entry.0.wait.as_millis())).map_err(told)
    }

    #[test]
    fn a_number_or_a_map() {
        assert_eq!(retries("2"), Ok((2, 1000)));
        assert_eq!(retries("{times: 3, wait: 500ms}"), Ok((3, 500)));
        assert_eq!(retries("{times: 0}"), Ok((0, 1000)));
        insta::assert_snapshot!(retries("many").unwrap_err(), @"expected a whole number of at least 0, or a map such as `{times: 3, wait: 2s}`, found the text `many`");
        insta::assert_snapshot!(retries("-1").unwrap_err(), @"expected a whole number of at least 0, or a map such as `{times: 3, wait: 2s}`, found `-1`");
        insta::assert_snapshot!(retries("101").unwrap_err(), @"expected at most 100, found `101`");
        insta::assert_snapshot!(retries("{times: 101}").unwrap_err(), @"expected at most 100, found `101`");
        insta::assert_snapshot!(retries("{time: 1}").unwrap_err(), @"unknown key `time`");
        insta::assert_snapshot!(retries("{times: 1, wait: soon}").unwrap_err(), @"expected a time such as `500ms`, `90s`, `5m` or `2h`, found `soon`");
    }
}
