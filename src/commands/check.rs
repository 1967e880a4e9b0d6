//! `sternlight check`: every error of some pipelines, without running anything.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;
use sternlight_engine::loading::Checked;
use sternlight_engine::pipeline::Diagnostic;
use sternlight_engine::printable::printable_line;

use crate::Outcome;
use crate::common::Common;
use crate::exit::{Exit, Failure, print_diagnostics};
use crate::loading::load_and_check;
use crate::output::{self, outln};

#[derive(Debug, Args)]
pub(crate) struct CheckArguments {
    /// The pipelines
    #[arg(value_name = "FILE", required = true)]
    pub(crate) files: Vec<PathBuf>,
}

#[derive(Serialize)]
struct Report<'a> {
    file: String,
    ok: bool,
    errors: &'a [Diagnostic],
    warnings: &'a [Diagnostic],
    stages: Vec<StageReport>,
}

#[derive(Serialize)]
struct StageReport {
    name: String,
    uses: String,
    columns: Vec<String>,
}

pub(crate) fn execute(arguments: &CheckArguments, common: &Common) -> Outcome {
    let mut wrong = false;
    for file in &arguments.files {
        let name = file.display().to_string();
        match load_and_check(file, common) {
            Ok(checked) => {
                let (warnings, stages) = (checked.pipeline.unsupported(), stage_reports(&checked));
                if common.json {
                    print_json(&Report { file: name, ok: true, errors: &[], warnings, stages })?;
                } else {
                    print_diagnostics(warnings);
                    outln!("{}: ok, {} stages", printable_line(&name), checked.pipeline.stages.len());
                }
            }
            Err(Failure::Pipeline(errors)) => {
                wrong = true;
                match common.json {
                    true => print_json(&Report {
                        file: name,
                        ok: false,
                        errors: &errors,
                        warnings: &[],
                        stages: Vec::new(),
                    })?,
                    false => print_diagnostics(&errors),
                }
            }
            Err(other) => {
                wrong = true;
                if common.json {
                    other.print_json();
                }
                other.print();
            }
        }
    }
    if wrong { Err(Failure::Told(Exit::Wrong)) } else { Ok(()) }
}

fn stage_reports(checked: &Checked) -> Vec<StageReport> {
    let reports = checked.types.iter().filter_map(|types| {
        let node = checked.pipeline.stages.get(types.stage)?;
        let output = types.contract.output(types.inputs.data());
        let columns = output.paths().iter().map(ToString::to_string).collect();
        Some(StageReport { name: node.name.clone(), uses: node.uses.clone(), columns })
    });
    reports.collect()
}

fn print_json(report: &Report<'_>) -> Outcome {
    output::json(report)
}
