//! What a rule found against a call: the rule, the text of the row that shows it, and what the rule knows besides;
//! and the diagnosis in words.

use std::fmt;

use super::rule::Rule;

/// A hit.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Finding<'a> {
    pub(super) rule: Rule,
    /// Stands in the row, letter for letter.
    pub(super) quote: &'a str,
    pub(super) note: Note,
}

/// What a rule knows besides the text.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Note {
    Nothing,
    /// The existing tool whose name is nearest.
    Nearest(String),
    /// What is wrong with the arguments by the tool's schema.
    Schema(String),
    /// The turn that did the same, from 0.
    Turn(usize),
    /// How many actions the block has, and how often it came.
    Block(usize, usize),
}

impl<'a> Finding<'a> {
    pub(super) fn new(rule: Rule, quote: &'a str) -> Self {
        Self { rule, quote, note: Note::Nothing }
    }

    pub(super) fn with(self, note: Note) -> Self {
        Self { note, ..self }
    }
}

impl fmt::Display for Finding<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let quote = self.quote;
        match self.rule {
            Rule::UnknownAction => write!(formatter, "there is no action \"{quote}\"")?,
            Rule::MalformedArguments => write!(formatter, "malformed arguments: \"{quote}\"")?,
            Rule::PolicyRefusal => write!(formatter, "refused: \"{quote}\"")?,
            Rule::ToolError => write!(formatter, "error: \"{quote}\"")?,
            Rule::RepeatedCall => write!(formatter, "\"{quote}\" again, with the same result")?,
            Rule::NoChange => write!(formatter, "nothing changed; the observation still is \"{quote}\"")?,
            Rule::Loop => write!(formatter, "\"{quote}\" goes round in a loop")?,
        }
        match &self.note {
            Note::Nothing => Ok(()),
            Note::Nearest(name) => write!(formatter, "; the nearest tool is \"{name}\""),
            Note::Schema(violation) => write!(formatter, "; {violation}"),
            Note::Turn(turn) => write!(formatter, " as in turn {turn}"),
            Note::Block(1, times) => write!(formatter, ": the same action {times} times"),
            Note::Block(period, times) => write!(formatter, ": the same {period} actions {times} times"),
        }
    }
}

/// The first so many characters.
pub(super) fn head(text: &str, characters: usize) -> &str {
    // No text has more characters than bytes: most need not be counted.
    if text.len() <= characters {
        return text;
    }
    text.char_indices().nth(characters).map_or(text, |(end, _)| &text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_are_cut_between_characters() {
        assert_eq!(head("añb", 2), "añ");
        assert_eq!(head("añb", 3), "añb");
        assert_eq!(head("", 3), "");
    }

    #[test]
    fn diagnoses_read_as_sentences() {
        let show = |rule, note| Finding::new(rule, "look").with(note).to_string();
        let lines = [
            show(Rule::UnknownAction, Note::Nearest("book".into())),
            show(Rule::MalformedArguments, Note::Schema("argument `id` is required and missing".into())),
            show(Rule::PolicyRefusal, Note::Nothing),
            show(Rule::ToolError, Note::Nothing),
            show(Rule::RepeatedCall, Note::Turn(3)),
            show(Rule::NoChange, Note::Nothing),
            show(Rule::Loop, Note::Block(1, 3)),
            show(Rule::Loop, Note::Block(2, 3)),
        ];
        insta::assert_snapshot!(lines.join("\n"), @r#"
        there is no action "look"; the nearest tool is "book"
        malformed arguments: "look"; argument `id` is required and missing
        refused: "look"
        error: "look"
        "look" again, with the same result as in turn 3
        nothing changed; the observation still is "look"
        "look" goes round in a loop: the same action 3 times
        "look" goes round in a loop: the same 2 actions 3 times
        "#);
    }
}
