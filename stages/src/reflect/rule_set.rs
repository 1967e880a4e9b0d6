//! The rules that hold for a stage: the built-in document with the pipeline's own changes, compiled. Not concerned
//! with turns.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{LazyLock, OnceLock};

use sternlight_engine::problem::{Problem, Segment};
use sternlight_engine::stage::{InputFile, StageError};

use super::document::{ListChange, RuleDocument};
use super::options::{RuleSource, RuleSources};
use super::reading::{ToolKind, ToolWords};
use super::rule::Rule;
use crate::pattern::{Pattern, Patterns, in_ascii};
use crate::yaml_file;

const BUILT_IN: &str = include_str!("default_rules.yaml");

/// The built-in rules, read and compiled once in a process.
static BUILT_IN_RULES: LazyLock<Result<(RuleDocument, RuleSet), String>> = LazyLock::new(|| {
    let document = serde_yaml::from_str(&in_ascii(BUILT_IN))
        .map_err(|error| format!("the built-in rules cannot be read: {error}"))?;
    let compiled = RuleSet::merge(&document, &[], None).map_err(too_large)?;
    Ok((document, compiled))
});

fn too_large(error: regex::Error) -> String {
    format!("the patterns of a list are too large: {error}")
}

/// Digest of the built-in rules.
pub(super) fn built_in_digest() -> String {
    blake3::hash(BUILT_IN.as_bytes()).to_hex().to_string()
}

/// What the sources of a pipeline add to four of the lists: believed wherever it matches, whoever speaks.
#[derive(Clone, Debug)]
pub(super) struct OwnPatterns {
    pub(super) unknown_action: Patterns,
    pub(super) malformed_arguments: Patterns,
    pub(super) refusal: Patterns,
    pub(super) error: Patterns,
}

/// Rules ready for use. Meanings: the keys of [`RuleDocument`].
#[derive(Clone, Debug)]
pub(super) struct RuleSet {
    pub(super) result_prefixes: Vec<String>,
    pub(super) every_action_is_a_call: bool,
    pub(super) unknown_action: Patterns,
    pub(super) malformed_arguments: Patterns,
    pub(super) refusal: Patterns,
    pub(super) error: Patterns,
    pub(super) own: OwnPatterns,
    pub(super) unreadable_arguments: Patterns,
    pub(super) alternatives: Patterns,
    pub(super) wrapper_refusal: Patterns,
    pub(super) error_sentences: Patterns,
    pub(super) state_sentences: Patterns,
    pub(super) reader_errors: Patterns,
    pub(super) service_errors: Patterns,
    pub(super) empty_answers: Patterns,
    pub(super) success_sentences: Patterns,
    pub(super) framework_errors: Patterns,
    pub(super) diagnostics: Patterns,
    pub(super) failed_summaries: Patterns,
    pub(super) passed_summaries: Patterns,
    pub(super) standing_messages: Patterns,
    pub(super) game_errors: Patterns,
    pub(super) failure_words: Patterns,
    pub(super) success_words: Patterns,
    pub(super) labels: Vec<String>,
    pub(super) reading_commands: Vec<String>,
    pub(super) error_fields: Vec<String>,
    pub(super) success_fields: Vec<String>,
    pub(super) failure_fields: Vec<String>,
    pub(super) tool_words: ToolWords,
    pub(super) write_verbs: Vec<String>,
    pub(super) writes: BTreeMap<String, bool>,
    pub(super) kinds: BTreeMap<String, ToolKind>,
    pub(super) refusal_characters: usize,
    pub(super) no_change_characters: usize,
    pub(super) quote_characters: usize,
    pub(super) loop_period: usize,
    pub(super) loop_repeats: usize,
    /// Rules to ask, in order.
    pub(super) order: Vec<Rule>,
}

/// The rules of a stage: read and checked at once, compiled when they are first asked. Where all results are in the
/// store already they never are, and compiling takes longer than all else that a stage does then.
#[derive(Clone, Debug)]
pub(super) struct Rules {
    own: Vec<RuleDocument>,
    compiled: OnceLock<Result<Box<RuleSet>, String>>,
}

impl Rules {
    /// Reads the sources; also the files that were read.
    ///
    /// # Errors
    /// Every file that cannot be read or understood, with its line and column.
    pub(super) fn load(sources: &RuleSources, directory: &Path) -> Result<(Self, Vec<InputFile>), Vec<Problem>> {
        let mut files = Vec::new();
        let mut problems = Vec::new();
        let mut own: Vec<RuleDocument> = Vec::new();
        for (index, source) in sources.iter() {
            match source {
                RuleSource::Inline(document) => own.push(document.as_ref().clone()),
                RuleSource::File(name) => match read(name, directory, &mut files) {
                    Ok(document) => own.push(document),
                    Err(message) => {
                        let path = [Segment::from("rules")].into_iter().chain(index.map(Segment::from));
                        let help = match yaml_file::meant(&message) {
                            Some(name) => format!("did you mean `{name}`?"),
                            None => "the manual's page on `reflect` shows the built-in rule file".to_owned(),
                        };
                        problems.push(Problem::at(path, message).help(help));
                    }
                },
            }
        }
        if !own.is_empty() && problems.is_empty() {
            // Without the built-in ones, which are known to be small enough.
            RuleSet::merge(&RuleDocument::default(), &own, None)
                .map_err(|error| vec![Problem::at(["rules"], too_large(error))])?;
        }
        if problems.is_empty() { Ok((Self { own, compiled: OnceLock::new() }, files)) } else { Err(problems) }
    }

    /// The rules, compiled.
    ///
    /// # Errors
    /// If the patterns of a list are too large together with the built-in ones.
    pub(super) fn get(&self) -> Result<&RuleSet, StageError> {
        let compiled = self.compiled.get_or_init(|| RuleSet::compile(&self.own).map(Box::new));
        compiled.as_deref().map_err(|message| StageError::new(message.clone()))
    }

    /// The built-in rules alone.
    #[cfg(test)]
    pub(super) fn built_in() -> Self {
        Self { own: Vec::new(), compiled: OnceLock::new() }
    }
}

impl RuleSet {
    /// The built-in rules alone.
    #[cfg(test)]
    pub(super) fn built_in() -> Self {
        Self::compile(&[]).unwrap()
    }

    /// Reads the sources and applies them to the built-in rules; also the files that were read.
    #[cfg(test)]
    pub(super) fn load(sources: &RuleSources, directory: &Path) -> Result<(Self, Vec<InputFile>), Vec<Problem>> {
        let (rules, files) = Rules::load(sources, directory)?;
        Ok((rules.get().unwrap().clone(), files))
    }

    fn compile(own: &[RuleDocument]) -> Result<Self, String> {
        let (document, compiled) = BUILT_IN_RULES.as_ref().map_err(Clone::clone)?;
        if own.is_empty() {
            return Ok(compiled.clone());
        }
        Self::merge(document, own, Some(compiled)).map_err(too_large)
    }

    /// The rules of both. Lists that only the built-in document has are taken from where they are `compiled`.
    fn merge(built_in: &RuleDocument, own: &[RuleDocument], compiled: Option<&Self>) -> Result<Self, regex::Error> {
        let documents: Vec<&RuleDocument> = [built_in].into_iter().chain(own).collect();
        let (documents, own) = (documents.as_slice(), documents.get(1..).unwrap_or_default());
        type Change = fn(&RuleDocument) -> Option<&ListChange<Pattern>>;
        let patterns = |change: Change, known: Option<&Patterns>| match known {
            Some(known) if own.iter().all(|document| change(document).is_none()) => Ok(known.clone()),
            _ => Patterns::new(list(documents, change)),
        };
        let marks = || documents.iter().flat_map(|document| &document.tools);
        let mut tool_words = BTreeMap::new();
        for (kind, change) in documents.iter().flat_map(|document| &document.tool_words) {
            change.apply(tool_words.entry(*kind).or_default());
        }
        Ok(Self {
            result_prefixes: list(documents, |document| document.result_prefixes.as_ref()),
            every_action_is_a_call: last(documents, |document| document.every_action_is_a_call).unwrap_or_default(),
            unknown_action: patterns(
                |document| document.unknown_action.as_ref(),
                compiled.map(|rules| &rules.unknown_action),
            )?,
            malformed_arguments: patterns(
                |document| document.malformed_arguments.as_ref(),
                compiled.map(|rules| &rules.malformed_arguments),
            )?,
            refusal: patterns(|document| document.refusal.as_ref(), compiled.map(|rules| &rules.refusal))?,
            error: patterns(|document| document.error.as_ref(), compiled.map(|rules| &rules.error))?,
            own: OwnPatterns {
                unknown_action: Patterns::new(list(own, |document| document.unknown_action.as_ref()))?,
                malformed_arguments: Patterns::new(list(own, |document| document.malformed_arguments.as_ref()))?,
                refusal: Patterns::new(list(own, |document| document.refusal.as_ref()))?,
                error: Patterns::new(list(own, |document| document.error.as_ref()))?,
            },
            unreadable_arguments: patterns(
                |document| document.unreadable_arguments.as_ref(),
                compiled.map(|rules| &rules.unreadable_arguments),
            )?,
            alternatives: patterns(
                |document| document.alternatives.as_ref(),
                compiled.map(|rules| &rules.alternatives),
            )?,
            wrapper_refusal: patterns(
                |document| document.wrapper_refusal.as_ref(),
                compiled.map(|rules| &rules.wrapper_refusal),
            )?,
            error_sentences: patterns(
                |document| document.error_sentences.as_ref(),
                compiled.map(|rules| &rules.error_sentences),
            )?,
            state_sentences: patterns(
                |document| document.state_sentences.as_ref(),
                compiled.map(|rules| &rules.state_sentences),
            )?,
            reader_errors: patterns(
                |document| document.reader_errors.as_ref(),
                compiled.map(|rules| &rules.reader_errors),
            )?,
            service_errors: patterns(
                |document| document.service_errors.as_ref(),
                compiled.map(|rules| &rules.service_errors),
            )?,
            empty_answers: patterns(
                |document| document.empty_answers.as_ref(),
                compiled.map(|rules| &rules.empty_answers),
            )?,
            success_sentences: patterns(
                |document| document.success_sentences.as_ref(),
                compiled.map(|rules| &rules.success_sentences),
            )?,
            framework_errors: patterns(
                |document| document.framework_errors.as_ref(),
                compiled.map(|rules| &rules.framework_errors),
            )?,
            diagnostics: patterns(|document| document.diagnostics.as_ref(), compiled.map(|rules| &rules.diagnostics))?,
            failed_summaries: patterns(
                |document| document.failed_summaries.as_ref(),
                compiled.map(|rules| &rules.failed_summaries),
            )?,
            passed_summaries: patterns(
                |document| document.passed_summaries.as_ref(),
                compiled.map(|rules| &rules.passed_summaries),
            )?,
            standing_messages: patterns(
                |document| document.standing_messages.as_ref(),
                compiled.map(|rules| &rules.standing_messages),
            )?,
            game_errors: patterns(|document| document.game_errors.as_ref(), compiled.map(|rules| &rules.game_errors))?,
            failure_words: patterns(
                |document| document.failure_words.as_ref(),
                compiled.map(|rules| &rules.failure_words),
            )?,
            success_words: patterns(
                |document| document.success_words.as_ref(),
                compiled.map(|rules| &rules.success_words),
            )?,
            labels: list(documents, |document| document.labels.as_ref()),
            reading_commands: list(documents, |document| document.reading_commands.as_ref()),
            error_fields: list(documents, |document| document.error_fields.as_ref()),
            success_fields: list(documents, |document| document.success_fields.as_ref()),
            failure_fields: list(documents, |document| document.failure_fields.as_ref()),
            tool_words: ToolWords::new(&tool_words),
            write_verbs: list(documents, |document| document.write_verbs.as_ref()),
            writes: marks().filter_map(|(name, mark)| Some((name.clone(), mark.writes?))).collect(),
            kinds: marks().filter_map(|(name, mark)| Some((name.clone(), mark.kind?))).collect(),
            refusal_characters: last(documents, |document| document.refusal_characters).map_or(0, |n| n.get()),
            no_change_characters: last(documents, |document| document.no_change_characters).map_or(0, |n| n.get()),
            quote_characters: last(documents, |document| document.quote_characters).map_or(0, |n| n.get()),
            loop_period: last(documents, |document| document.loops?.period).map_or(0, |n| n.get()),
            loop_repeats: last(documents, |document| document.loops?.repeats).map_or(0, |n| n.get()),
            order: order(documents),
        })
    }
}

/// What the last document that speaks of it says.
fn last<T>(documents: &[&RuleDocument], value: impl Fn(&RuleDocument) -> Option<T>) -> Option<T> {
    documents.iter().rev().find_map(|document| value(document))
}

/// A list after every document's change.
fn list<T: Clone>(documents: &[&RuleDocument], change: impl Fn(&RuleDocument) -> Option<&ListChange<T>>) -> Vec<T> {
    let mut list = Vec::new();
    for change in documents.iter().filter_map(|document| change(document)) {
        change.apply(&mut list);
    }
    list
}

fn order(documents: &[&RuleDocument]) -> Vec<Rule> {
    let off = last(documents, |document| document.off.clone()).unwrap_or_default();
    let mut order = Vec::with_capacity(Rule::ALL.len());
    for rule in last(documents, |document| document.order.clone()).into_iter().flatten().chain(Rule::ALL) {
        if !order.contains(&rule) && !off.contains(&rule) {
            order.push(rule);
        }
    }
    order
}

/// Reads a rule file and notes what was read. A file of nothing but comments changes nothing.
fn read(name: &str, directory: &Path, files: &mut Vec<InputFile>) -> Result<RuleDocument, String> {
    yaml_file::read("rule file", name, directory, files).map(Option::unwrap_or_default)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_file(text: &str) -> Result<RuleSet, String> {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("shop.yaml"), text).unwrap();
        let sources = serde_yaml::from_str("shop.yaml").unwrap();
        RuleSet::load(&sources, directory.path())
            .map(|(rules, files)| {
                assert_eq!(files[0].name, "shop.yaml");
                rules
            })
            .map_err(|problems| problems[0].message.clone())
    }

    fn inline(text: &str) -> RuleSet {
        RuleSet::load(&serde_yaml::from_str(text).unwrap(), Path::new("")).unwrap().0
    }

    #[test]
    fn lists_extend_or_replace_and_values_take_the_place() {
        let rules = with_file(
            "error: ['^FATAL']\nresult_prefixes: {replace: ['> ']}\nquote_characters: 20\nloop: {repeats: 4}\n\
             tools: {refund: {writes: true}}\n",
        )
        .unwrap();
        assert!(rules.error.is_match("FATAL: no") && rules.error.is_match("Error: no"));
        assert_eq!(rules.result_prefixes, ["> "]);
        assert_eq!((rules.quote_characters, rules.loop_period, rules.loop_repeats), (20, 3, 4));
        assert_eq!(rules.writes.get("refund"), Some(&true));
    }

    #[test]
    fn sources_are_applied_in_order() {
        let rules = inline("[{quote_characters: 5, write_verbs: [buy]}, {quote_characters: 6, write_verbs: [pay]}]");
        assert_eq!(rules.quote_characters, 6);
        assert_eq!(rules.write_verbs[8..], ["buy", "pay"]);
    }

    #[test]
    fn an_order_puts_rules_first_and_off_takes_them_out() {
        let rules = inline("{order: [loop, tool-error], off: [no-change]}");
        assert_eq!(
            rules.order,
            [
                Rule::Loop,
                Rule::ToolError,
                Rule::UnknownAction,
                Rule::MalformedArguments,
                Rule::PolicyRefusal,
                Rule::RepeatedCall
            ]
        );
        assert_eq!(RuleSet::built_in().order, Rule::ALL);
    }

    #[test]
    fn an_empty_file_changes_nothing() {
        assert_eq!(with_file("# nothing yet\n").unwrap().result_prefixes, RuleSet::built_in().result_prefixes);
    }

    #[test]
    fn faults_of_a_file_are_placed() {
        insta::assert_snapshot!(with_file("error:\n  - '^E'\n  - 'a('\n").unwrap_err(), @"shop.yaml:3:5: error[1]: `a(` is no regular expression: unclosed group");
        insta::assert_snapshot!(with_file("loop:\n  repeats: 1\n").unwrap_err(), @"shop.yaml:2:12: loop.repeats: invalid value: integer `1`, expected a whole number of at least 2");
        insta::assert_snapshot!(with_file("off: [loops]\n").unwrap_err(), @"shop.yaml:1:7: off[0]: unknown variant `loops`, expected one of `unknown-action`, `malformed-arguments`, `policy-refusal`, `tool-error`, `repeated-call`, `no-change`, `loop`");
        insta::assert_snapshot!(with_file("\nerrors: []\n").unwrap_err(), @"shop.yaml:2:1: unknown field `errors`, expected one of `result_prefixes`, `labels`, `tool_words`, `reading_commands`, `error_fields`, `success_fields`, `failure_fields`, `failure_words`, `success_words`, `every_action_is_a_call`, `unknown_action`, `malformed_arguments`, `refusal`, `unreadable_arguments`, `alternatives`, `wrapper_refusal`, `error`, `error_sentences`, `state_sentences`, `reader_errors`, `service_errors`, `empty_answers`, `success_sentences`, `framework_errors`, `diagnostics`, `failed_summaries`, `passed_summaries`, `standing_messages`, `game_errors`, `write_verbs`, `tools`, `refusal_characters`, `no_change_characters`, `quote_characters`, `loop`, `order`, `off`");
        insta::assert_snapshot!(with_file("refusal: 3\n").unwrap_err(), @"shop.yaml:1:10: refusal: invalid type: integer `3`, expected a list that extends the defaults, or `{replace: [...]}`");
    }

    #[test]
    fn a_missing_file_is_named() {
        let sources = serde_yaml::from_str("[{}, gone.yaml]").unwrap();
        let problem = RuleSet::load(&sources, Path::new("nowhere")).unwrap_err().remove(0);
        assert_eq!(problem.path, [Segment::from("rules"), Segment::from(1)]);
        assert!(problem.message.starts_with("cannot read the rule file `gone.yaml`"), "{}", problem.message);
    }
}
