//! Whether what a plugin says of itself is true: always the same, and options that its schema takes are taken.

use std::collections::BTreeSet;

use serde_json::{Map, Value};
use sternlight_engine::contract::Scope;
use sternlight_engine::stage::canonical_json;

use super::report::{Check, counted};
use crate::description::{Description, PluginContract, contract, description};
use crate::fault::Fault;
use crate::guest::Guest;
use crate::limits::Limits;
use crate::options::problems;
use crate::plugin::Plugin;
use crate::text;

/// A key that no plugin has.
const NO_OPTION: &str = "no-such-option-please";

/// More samples of a schema's own are not tried.
const SAMPLES: usize = 32;

/// `describe` gives the same answer whenever it is asked.
pub(super) fn description_is_stable(plugin: &Plugin, options: &str, limits: Limits) -> Check {
    let mut check = Check::new("describe", "asked three times, and after `configure`, on two instances");
    let help = "`describe` depends on nothing: return the same text always";
    let known = &plugin.description;
    let asked = (|| -> Result<Vec<(&str, Description)>, String> {
        let told = |fault: Fault| fault.to_string();
        let mut guest = Guest::start(plugin, limits).map_err(told)?;
        let mut found = Vec::new();
        for when in ["the second time", "the third time"] {
            found.push((when, description(guest.describe().map_err(told)?)?));
        }
        let mut configured = Guest::start(plugin, limits).map_err(told)?;
        let _ = configured.configure(options).map_err(told)?;
        found.push(("after `configure`", description(configured.describe().map_err(told)?)?));
        Ok(found)
    })();
    match asked {
        Err(reason) => check.fail(reason, help),
        Ok(answers) => {
            for (when, found) in answers {
                let texts = [
                    ("name", &known.name, &found.name),
                    ("version", &known.version, &found.version),
                    ("summary", &known.summary, &found.summary),
                ];
                for (what, first, now) in texts.into_iter().filter(|(_, first, now)| first != now) {
                    let (first, now) = (text::printable_name(first), text::printable_name(now));
                    check.fail(format!("its {what} is `{first}` at first and `{now}` {when}"), help);
                }
                if known.schema != found.schema {
                    check.fail(format!("the schema of its options is another {when}"), help);
                }
            }
        }
    }
    check
}

/// `configure` gives the same contract whenever it is asked with the same options.
pub(super) fn contract_is_stable(plugin: &Plugin, options: &str, limits: Limits, known: &PluginContract) -> Check {
    let columns = known.reads.len() + known.adds.len() + known.drops.len();
    let did = format!("{} under {options}, asked four times on two instances", counted(columns, "column", "columns"));
    let mut check = Check::new("contract", did);
    let help = "what a plugin reads and adds may depend on its options, and on nothing else";
    for instance in ["one instance", "another instance"] {
        let asked = Guest::start(plugin, limits)
            .and_then(|mut guest| Ok([guest.configure(options)?, guest.configure(options)?]));
        let answers = match asked {
            Ok(answers) => answers,
            Err(fault) => {
                check.fail(fault.to_string(), help);
                break;
            }
        };
        for (when, told) in ["first", "second"].into_iter().zip(answers) {
            let found = told.map_err(|reason| text::reason(&reason)).and_then(|told| contract(told, plugin.world));
            match found {
                Ok(found) if found == *known => {}
                Ok(found) => check.fail(
                    format!("on {instance}, the {when} time, it {}; before, it {}", shown(&found), shown(known)),
                    help,
                ),
                Err(reason) => check.fail(format!("on {instance}, the {when} time: {reason}"), help),
            }
        }
    }
    check
}

fn shown(contract: &PluginContract) -> String {
    let paths = |paths: Vec<&str>| if paths.is_empty() { "nothing".to_owned() } else { paths.join(", ") };
    let reads = paths(contract.reads.iter().map(|(path, _)| path.as_str()).collect());
    let adds = paths(contract.adds.iter().map(|column| column.path.as_str()).collect());
    let scope = match contract.scope {
        Scope::Group => "group",
        Scope::Trajectory | Scope::Dataset => "trajectory",
    };
    format!("sees a {scope} at once, reads {reads} and adds {adds}")
}

/// What the schema of `with` offers, `configure` takes; nothing that it allows makes the plugin trap.
pub(super) fn schema_is_true(plugin: &Plugin, options: &Value, limits: Limits) -> Check {
    let schema = &plugin.description.schema;
    let samples = samples(schema.value(), options);
    let mut check = Check::new("schema", format!("{} of its own tried", counted(samples.len(), "sample", "samples")));
    let help = "let the schema of `with` say what `configure` takes: its types, bounds, defaults and names";
    for Sample { options, promised, what } in samples {
        let is_valid = match problems(schema, &options) {
            Ok(problems) => problems.is_empty(),
            Err(reason) => {
                check.fail(reason, help);
                return check;
            }
        };
        let Ok(text) = canonical_json(&options) else { continue };
        if !is_valid {
            if promised {
                check.fail(format!("the schema offers {what}, and does not allow {text}"), help);
            }
            continue;
        }
        match Guest::start(plugin, limits).and_then(|mut guest| guest.configure(&text)) {
            Err(fault) => check.fail(format!("{what}, {text}: {fault}"), help),
            Ok(Err(reason)) if promised => {
                check.fail(
                    format!("the schema offers {what}, and `configure` refuses {text}: {}", text::reason(&reason)),
                    help,
                );
            }
            Ok(_) => {}
        }
    }
    let mut misspelt = options.clone();
    if let Some(map) = misspelt.as_object_mut() {
        map.insert(NO_OPTION.to_owned(), Value::Bool(true));
        let taken = || {
            let told = Guest::start(plugin, limits).and_then(|mut guest| guest.configure(&misspelt.to_string()));
            matches!(told, Ok(Ok(_)))
        };
        if problems(schema, &misspelt).is_ok_and(|problems| problems.is_empty()) && taken() {
            check.note("an option that is misspelt goes unnoticed: say `additionalProperties: false` in the schema");
        }
    }
    check
}

/// Options that the schema speaks of.
struct Sample {
    options: Value,
    /// Whether the schema offers just this, rather than a bound.
    promised: bool,
    what: String,
}

/// The given options, with one of them changed to what the schema says of it.
fn samples(schema: &Value, given: &Value) -> Vec<Sample> {
    let mut samples = vec![Sample { options: given.clone(), promised: true, what: "the given options".to_owned() }];
    let mut known: BTreeSet<String> = BTreeSet::from([given.to_string()]);
    let properties = schema.get("properties").and_then(Value::as_object).cloned().unwrap_or_default();
    for (name, property) in &properties {
        for (what, promised, value) in offers(property) {
            let mut options = given.as_object().cloned().unwrap_or_else(Map::new);
            options.insert(name.clone(), value);
            let options = Value::Object(options);
            if samples.len() < SAMPLES && known.insert(options.to_string()) {
                samples.push(Sample { options, promised, what: format!("{what} of `{name}`") });
            }
        }
    }
    samples
}

/// What a property's schema says about its values: what kind of word, whether it offers them, and each.
fn offers(property: &Value) -> Vec<(&'static str, bool, Value)> {
    let list = |key: &str| property.get(key).and_then(Value::as_array).cloned().unwrap_or_default();
    let one = |key: &str| property.get(key).cloned().into_iter().collect::<Vec<_>>();
    let offered = [("the default", one("default")), ("a value", list("enum")), ("an example", list("examples"))];
    let bounds = [("the minimum", one("minimum")), ("the maximum", one("maximum"))];
    let of = |promised: bool| {
        move |(what, values): (&'static str, Vec<Value>)| values.into_iter().map(move |value| (what, promised, value))
    };
    offered.into_iter().flat_map(of(true)).chain(bounds.into_iter().flat_map(of(false))).collect()
}
