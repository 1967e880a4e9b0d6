//! `sternlight plugin new`: makes a project in a folder of its own.

use std::path::Path;

use sternlight_plugins::World;
use sternlight_plugins::project::{Language, create};

use crate::Outcome;
use crate::arguments::{Common, KindChoice, LanguageChoice, NewArguments};
use crate::output::{self, outln};

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
