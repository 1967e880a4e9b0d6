//! Spans of time and amounts of memory, as pipelines write them: `90s`, `2h`, `512MiB`. Memory is checked and kept as
//! text: no version carries it out yet.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, Error as _};

/// A number and a unit of time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Duration(pub(super) std::time::Duration);

/// A number and a unit of memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Memory(String);

/// With their milliseconds.
const TIME_UNITS: [(&str, u64); 4] = [("ms", 1), ("s", 1000), ("m", 60 * 1000), ("h", 60 * 60 * 1000)];
const MEMORY_UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];

/// A number above 0, and what stands behind it.
fn quantity(text: &str) -> Option<(u32, &str)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    Some((number.parse().ok().filter(|number| *number > 0)?, unit))
}

fn duration(text: &str) -> Option<std::time::Duration> {
    let (number, unit) = quantity(text)?;
    let (_, milliseconds) = TIME_UNITS.iter().find(|(known, _)| *known == unit)?;
    Some(std::time::Duration::from_millis(u64::from(number) * milliseconds))
}

impl<'de> Deserialize<'de> for Duration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        duration(&text).map(Self).ok_or_else(|| {
            D::Error::custom(format!("expected a time such as `500ms`, `90s`, `5m` or `2h`, found `{text}`"))
        })
    }
}

impl<'de> Deserialize<'de> for Memory {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if quantity(&text).is_some_and(|(_, unit)| MEMORY_UNITS.contains(&unit)) {
            return Ok(Self(text));
        }
        Err(D::Error::custom(format!("expected an amount such as `512MiB` or `4GiB`, found `{text}`")))
    }
}

impl JsonSchema for Duration {
    fn schema_name() -> Cow<'static, str> {
        "Duration".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^[1-9][0-9]*(ms|s|m|h)$", "examples": ["90s", "5m"] })
    }
}

impl JsonSchema for Memory {
    fn schema_name() -> Cow<'static, str> {
        "Memory".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^[1-9][0-9]*(KiB|MiB|GiB|TiB)$", "examples": ["512MiB", "4GiB"] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_with_units() {
        let time = |text: &str| serde_yaml::from_str::<Duration>(text).map_err(|error| error.to_string());
        let milliseconds = |text: &str| time(text).map(|time| time.0.as_millis());
        assert_eq!(
            ["500ms", "90s", "5m", "2h"].map(|text| milliseconds(text).unwrap()),
            [500, 90_000, 300_000, 7_200_000]
        );
        assert!(time("0s").is_err() && time("90").is_err() && time("m").is_err() && time("1 h").is_err());
        assert!(serde_yaml::from_str::<Memory>("512MiB").is_ok());
        assert!(serde_yaml::from_str::<Memory>("512MB").is_err());
    }
}
