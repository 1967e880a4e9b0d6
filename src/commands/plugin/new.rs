//! `sternlight plugin new`: makes a project in a folder of its own.

use std::path::Path;

use clap::{Args, ValueEnum};
use sternlight_plugins::World;
use sternlight_plugins::project::{Language, create};

use crate::Outcome;
use crate::common::Common;
use crate::output::{self, outln};

#[derive(Debug, Args)]
pub(crate) struct NewArguments {
    /// What the plugin is called, as in `few-calls`: the folder gets this name
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// The language that it is written in
    #[arg(long, value_name = "LANGUAGE", value_enum)]
    pub(crate) lang: LanguageChoice,
    /// What it is to do
    #[arg(long, value_name = "KIND", value_enum)]
    pub(crate) kind: KindChoice,
}

/// A language with an SDK.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum LanguageChoice {
    Rust,
    Python,
    /// JavaScript
    Js,
}

/// The kinds of plugins.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum KindChoice {
    /// Scores trajectories
    Reward,
    /// Judges turns
    Reflect,
    /// Copies trajectories under other goals
    Relabel,
    /// Gives turns their advantages
    Advantage,
    /// Adds any columns
    Batch,
    /// A world that agents act in
    Environment,
}

pub(super) fn execute(arguments: &NewArguments, common: &Common) -> Outcome {
    let name = &arguments.name;
    let language = Language::from(arguments.lang);
    let files = create(Path::new(""), name, language, arguments.kind.into())?;
    if common.json {
        return output::json(&serde_json::json!({"directory": name, "files": files}));
    }
    if common.quiet {
        return Ok(());
    }
    let test = match language {
        Language::Rust => "cargo test",
        Language::Python => "python3 -m unittest",
        Language::JavaScript => "npm test",
    };
    outln!("made the plugin {name} in {language}; its README.md tells more");
    let steps = [
        (format!("cd {name}"), ""),
        (test.to_owned(), "runs its tests, without WebAssembly"),
        ("sternlight plugin build".to_owned(), "makes the component"),
        ("sternlight run pipeline.yaml".to_owned(), "uses it in a pipeline"),
    ];
    for (command, about) in steps {
        outln!("{}", format!("  {command:<32}{about}").trim_end());
    }
    Ok(())
}

impl From<LanguageChoice> for Language {
    fn from(choice: LanguageChoice) -> Self {
        match choice {
            LanguageChoice::Rust => Self::Rust,
            LanguageChoice::Python => Self::Python,
            LanguageChoice::Js => Self::JavaScript,
        }
    }
}

impl From<KindChoice> for World {
    fn from(choice: KindChoice) -> Self {
        match choice {
            KindChoice::Reward => Self::Reward,
            KindChoice::Reflect => Self::Reflect,
            KindChoice::Relabel => Self::Relabel,
            KindChoice::Advantage => Self::Advantage,
            KindChoice::Batch => Self::Batch,
            KindChoice::Environment => Self::Environment,
        }
    }
}
