//! Spans of time and amounts of memory, as pipelines and the command line write them: `90s`, `2h`, `512MiB`.

use std::borrow::Cow;
use std::str::FromStr;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, Error as _};
use serde::ser::{Serialize, Serializer};

/// A number and a unit of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span(Duration);

impl Span {
    /// As the standard library has it.
    pub fn duration(self) -> Duration {
        self.0
    }
}

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        quantity(text, &TIME_UNITS)
            .map(|milliseconds| Self(Duration::from_millis(milliseconds)))
            .ok_or_else(|| format!("expected a time such as `500ms`, `90s`, `5m` or `2h`, found `{text}`"))
    }
}

/// A number and a unit of memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory(u64);

impl Memory {
    /// In bytes.
    pub fn bytes(self) -> u64 {
        self.0
    }
}

impl FromStr for Memory {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        quantity(text, &MEMORY_UNITS)
            .map(Self)
            .ok_or_else(|| format!("expected an amount such as `512MiB` or `4GiB`, found `{text}`"))
    }
}

/// In milliseconds.
const TIME_UNITS: [(&str, u64); 4] = [("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000)];
/// In bytes.
const MEMORY_UNITS: [(&str, u64); 4] = [("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("TiB", 1 << 40)];

/// The value of a number greater than 0 with a unit.
fn quantity(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let number = number.parse::<u32>().ok().filter(|number| *number > 0)?;
    let (_, size) = units.iter().find(|(name, _)| *name == unit)?;
    u64::from(number).checked_mul(*size)
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

impl<'de> Deserialize<'de> for Memory {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

/// In its smallest unit, however it was written: part of keys.
impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{}ms", self.0.as_millis()))
    }
}

impl Serialize for Memory {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{}KiB", self.0 >> 10))
    }
}

impl JsonSchema for Span {
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

/// A number of bytes for people.
pub fn readable(bytes: u64) -> String {
    match bytes {
        0..0xA0_0000 => format!("{} KiB", bytes.div_ceil(1 << 10)),
        _ => format!("{} MiB", bytes >> 20),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_with_units() {
        let time = |text: &str| serde_yaml::from_str::<Span>(text).map_err(|error| error.to_string());
        let milliseconds = |text: &str| time(text).map(|time| time.duration().as_millis());
        assert_eq!(
            ["500ms", "90s", "5m", "2h"].map(|text| milliseconds(text).unwrap()),
            [500, 90_000, 300_000, 7_200_000]
        );
        assert_eq!(
            serde_json::to_value((time("2m").unwrap(), "1GiB".parse::<Memory>().unwrap())).unwrap(),
            serde_json::json!(["120000ms", "1048576KiB"])
        );
        assert!(time("0s").is_err() && time("90").is_err() && time("m").is_err() && time("1 h").is_err());
        assert_eq!("512MiB".parse::<Memory>().map(Memory::bytes), Ok(512 << 20));
        assert!("0MiB".parse::<Memory>().is_err() && "9999999999GiB".parse::<Memory>().is_err());
        assert!(serde_yaml::from_str::<Memory>("512MB").is_err());
    }
}
