//! `sternlight stages`: what pipelines may use.

use clap::Args;
use sternlight_engine::problem::nearest;
use sternlight_engine::stage::StageKind;

use crate::Outcome;
use crate::common::Common;
use crate::exit::Failure;
use crate::output::{self, outln};
use crate::style;

#[derive(Debug, Args)]
pub(crate) struct StagesArguments {
    /// The stage to explain
    #[arg(value_name = "NAME")]
    pub(crate) name: Option<String>,
}

pub(crate) fn execute(arguments: &StagesArguments, common: &Common) -> Outcome {
    let registry = sternlight_stages::registry();
    let Some(name) = &arguments.name else {
        let width = registry.kinds().map(|kind| kind.name.len()).max().unwrap_or_default();
        for kind in registry.kinds() {
            match common.json {
                true => output::json(&described(kind))?,
                false => outln!("  {:<width$} {}", kind.name, kind.summary),
            }
        }
        return Ok(());
    };
    let kind = registry.get(name).ok_or_else(|| {
        let names: Vec<&str> = registry.kinds().map(|kind| kind.name).collect();
        let help = match nearest(name, names.iter().copied()) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => format!("known stages: {}", names.join(", ")),
        };
        Failure::usage(format!("there is no stage `{name}`"), help)
    })?;
    match common.json {
        true => output::json(&described(kind))?,
        false => {
            outln!("{}: {}\n\n{}", style::title(kind.name), kind.summary, kind.documentation.trim());
            outln!("\n{}\n{}", style::title("Options"), serde_json::to_string_pretty(&options(kind))?);
        }
    }
    Ok(())
}

fn options(kind: &StageKind) -> serde_json::Value {
    let mut generator = schemars::generate::SchemaSettings::draft07()
        .with(|settings| settings.inline_subschemas = true)
        .into_generator();
    (kind.schema)(&mut generator).to_value()
}

fn described(kind: &StageKind) -> serde_json::Value {
    serde_json::json!({
        "name": kind.name,
        "summary": kind.summary,
        "version": kind.version,
        "documentation": kind.documentation,
        "with": options(kind),
    })
}
