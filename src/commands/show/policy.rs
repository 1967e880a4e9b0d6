//! A policy: what is known of it, and its files.

use serde_json::json;
use sternlight_engine::artifact::Policy;
use sternlight_engine::printable::printable_line;
use sternlight_engine::quantities::readable;

use crate::Outcome;
use crate::common::Common;
use crate::output::{self, outln};
use crate::style;

pub(super) fn show(name: &str, policy: &Policy, common: &Common) -> Outcome {
    let (directory, digest) = (policy.directory(), policy.digest());
    if common.json {
        let (files, facts) = (&policy.files, &policy.facts);
        return output::json(
            &json!({"stage": name, "directory": directory, "digest": digest, "facts": facts, "files": files}),
        );
    }
    outln!("{}: a policy in {}\n", style::title(name), printable_line(&directory.display().to_string()));
    let facts = &policy.facts;
    let number = |number: Option<u64>| number.map(|number| number.to_string());
    let known = [
        ("architecture", facts.architecture.clone()),
        ("parameters", number(facts.parameters)),
        ("vocabulary", number(facts.vocabulary)),
        ("context", number(facts.context)),
        ("weights", facts.weights.clone()),
        ("tokenizer", facts.tokenizer.clone()),
        ("digest", Some(digest)),
    ];
    for (fact, value) in known {
        if let Some(value) = value {
            outln!("  {fact:<16}{}", printable_line(&value));
        }
    }
    outln!();
    for file in &policy.files {
        outln!("  {:<32} {:>12}", printable_line(&file.name), style::dim(readable(file.bytes)));
    }
    Ok(())
}
