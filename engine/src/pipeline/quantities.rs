//! Spans of time and amounts of memory, as pipelines write them: `90s`, `2h`, `512MiB`. Checked, and kept as
//! text: no version carries them out yet.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, Error as _};

/// A number and a unit of time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Duration(String);

/// A number and a unit of memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Memory(String);

const TIME_UNITS: [&str; 4] = ["ms", "s", "m", "h"];
const MEMORY_UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];

fn is_quantity(text: &str, units: &[&str]) -> bool {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    number.parse::<u32>().is_ok_and(|number| number > 0) && units.contains(&unit)
}

impl<'de> Deserialize<'de> for Duration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if is_quantity(&text, &TIME_UNITS) {
            return Ok(Self(text));
        }
        Err(D::Error::custom(format!("expected a time such as `500ms`, `90s`, `5m` or `2h`, found `{text}`")))
    }
}

impl<'de> Deserialize<'de> for Memory {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if is_quantity(&text, &MEMORY_UNITS) {
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
        assert_eq!(time("90s"), Ok(Duration("90s".to_owned())));
        assert!(time("0s").is_err() && time("90").is_err() && time("m").is_err() && time("1 h").is_err());
        assert!(serde_yaml::from_str::<Memory>("512MiB").is_ok());
        assert!(serde_yaml::from_str::<Memory>("512MB").is_err());
    }
}
