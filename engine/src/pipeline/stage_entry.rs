//! The keys of a stage in a pipeline file, as YAML spells them. Private: `load` turns them into a `StageNode`.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_yaml::Value;

use super::retries::RetriesEntry;
use crate::contract::Keep;
use crate::failure::OnError;
use crate::quantities::{Memory, Span};
use crate::stage::{PluginGrants, Ports};

/// A stage: what it does, on what, and how.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Stage")]
pub(super) struct StageEntry {
    /// The kind of stage (see `sternlight stages`), or a plugin: `./name.wasm`, `oci://…`.
    #[schemars(required)]
    pub(super) uses: Option<String>,
    /// The stage whose output this one takes: `reward`, or `split.validation` for an output of another name. A
    /// list joins datasets of the same columns; a map binds inputs by their names, as in `{data: reward, policy: student}`.
    pub(super) from: Option<From>,
    /// The stage's options.
    #[schemars(with = "Option<BTreeMap<String, serde_json::Value>>")]
    pub(super) with: Option<Value>,
    /// Whether results are kept and used again; `false` runs the stage every time.
    #[serde(default = "enabled")]
    pub(super) cache: bool,
    /// What becomes of a trajectory that the stage cannot process.
    #[serde(default)]
    pub(super) on_error: OnError,
    /// How often to try again what may pass: errors of the network and of busy disks, and a `timeout`. A number, or
    /// `{times: 3, wait: 2s}`; the wait (`1s`) doubles before each further try, up to a minute.
    pub(super) retries: Option<RetriesEntry>,
    /// How long a part of the stage may take, as in `10m`. Looked at between batches: a single call that hangs is not
    /// ended by it.
    pub(super) timeout: Option<Span>,
    /// What the stage needs. Not carried out by this version.
    pub(super) resources: Option<Resources>,
    /// In which iterations of a `loop` the stage runs: a condition on `iteration`, which counts from 0, `last` and
    /// `params.NAME`, as in `iteration % 5 = 0`. Whoever reads the stage in another reads its newest result.
    pub(super) when: Option<When>,
    /// Which rows a plugin that relabels trajectories hands on; both if not given.
    pub(super) keep: Option<Keep>,
    /// The SHA-256 that a plugin's file must have.
    pub(super) sha256: Option<String>,
    /// What a plugin may use beyond its input: nothing but what is listed.
    pub(super) allow: Option<PluginGrants>,
    /// What a plugin may take.
    pub(super) limits: Option<Limits>,
}

fn enabled() -> bool {
    true
}

/// What a stage needs to run.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "checked; carried out by a later version")]
pub(super) struct Resources {
    /// Processor cores.
    pub(super) cpus: Option<f64>,
    /// Graphics processors.
    pub(super) gpus: Option<f64>,
    /// Memory, as in `4GiB`.
    pub(super) memory: Option<Memory>,
}

/// What a plugin may take.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Limits {
    /// Memory, as in `256MiB`; 512 MiB if not given.
    pub(super) memory: Option<Memory>,
    /// Time for one call, which is some hundred trajectories, as in `5s`; 10 seconds if not given.
    pub(super) call_time: Option<Span>,
}

/// `true`, `false`, or an expression.
#[derive(Debug)]
pub(super) enum When {
    Constant(bool),
    Expression(String),
}

impl<'de> Deserialize<'de> for When {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct WhenVisitor;
        impl Visitor<'_> for WhenVisitor {
            type Value = When;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("`true`, `false` or an expression")
            }

            fn visit_bool<E>(self, holds: bool) -> Result<When, E> {
                Ok(When::Constant(holds))
            }

            fn visit_str<E>(self, text: &str) -> Result<When, E> {
                Ok(When::Expression(text.to_owned()))
            }
        }
        deserializer.deserialize_any(WhenVisitor)
    }
}

impl JsonSchema for When {
    fn schema_name() -> Cow<'static, str> {
        "When".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["boolean", "string"] })
    }
}

/// Where a stage's inputs come from.
#[derive(Debug)]
pub(super) enum From {
    /// What its first port takes.
    First(Names),
    /// What its ports take, by their names.
    Ports(BTreeMap<String, Names>),
}

/// What a port takes.
#[derive(Debug)]
pub(super) enum Names {
    /// The output of one stage.
    One(String),
    /// Several, in order.
    Several(Vec<String>),
}

impl From {
    /// Whether anything is named for a port, be it there or not.
    pub(super) fn names(&self, port: &str, ports: &Ports) -> bool {
        match self {
            Self::First(_) => ports.inputs.first().is_some_and(|first| first.name == port),
            Self::Ports(named) => named.contains_key(port),
        }
    }
}

impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NamesVisitor;
        impl<'de> Visitor<'de> for NamesVisitor {
            type Value = Names;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("the name of a stage, or a list of names")
            }

            fn visit_str<E>(self, name: &str) -> Result<Names, E> {
                Ok(Names::One(name.to_owned()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<Names, A::Error> {
                Deserialize::deserialize(SeqAccessDeserializer::new(items)).map(Names::Several)
            }
        }
        deserializer.deserialize_any(NamesVisitor)
    }
}

impl<'de> Deserialize<'de> for From {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct FromVisitor;
        impl<'de> Visitor<'de> for FromVisitor {
            type Value = From;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("the name of a stage, a list of names, or a map of names")
            }

            fn visit_str<E>(self, name: &str) -> Result<From, E> {
                Ok(From::First(Names::One(name.to_owned())))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<From, A::Error> {
                let names = Deserialize::deserialize(SeqAccessDeserializer::new(items))?;
                Ok(From::First(Names::Several(names)))
            }

            fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<From, A::Error> {
                Deserialize::deserialize(MapAccessDeserializer::new(entries)).map(From::Ports)
            }
        }
        deserializer.deserialize_any(FromVisitor)
    }
}

impl JsonSchema for From {
    fn schema_name() -> Cow<'static, str> {
        "From".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let several = json_schema!({ "type": "array", "items": { "type": "string" }, "minItems": 1 });
        let names = json_schema!({ "anyOf": [{ "type": "string" }, several] });
        json_schema!({ "anyOf": [
            { "type": "string" },
            several,
            { "type": "object", "additionalProperties": names, "minProperties": 1 },
        ] })
    }
}
