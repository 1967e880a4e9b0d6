//! Regular expressions as people write them in options and rule files: checked where they are read, so that a
//! fault is placed at its text. Not concerned with what a match means.

use std::borrow::Cow;
use std::fmt;

use regex::{Regex, RegexSet, RegexSetBuilder};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde::{Serialize, Serializer};

/// A regular expression, compiled when it is read.
#[derive(Clone, Debug)]
pub struct Pattern(Regex);

impl Pattern {
    /// The compiled expression.
    pub fn regex(&self) -> &Regex {
        &self.0
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_str() == other.0.as_str()
    }
}

impl Serialize for Pattern {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.as_str())
    }
}

impl<'de> Deserialize<'de> for Pattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        // Compiled inside of the visitor: YAML then marks a fault at the text itself, not at the list around it.
        impl Visitor<'_> for Text {
            type Value = Pattern;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a regular expression")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Pattern, E> {
                if text.is_empty() {
                    return Err(E::custom("an empty regular expression matches everything"));
                }
                Regex::new(text).map(Pattern).map_err(|error| {
                    E::custom(format!("`{text}` is no regular expression: {}", reason(&error.to_string())))
                })
            }
        }
        deserializer.deserialize_str(Text)
    }
}

/// The sentence of a syntax error that stands below the drawing of the expression.
fn reason(error: &str) -> &str {
    error.lines().last().map_or(error, |line| line.trim().trim_start_matches("error: "))
}

impl JsonSchema for Pattern {
    fn schema_name() -> Cow<'static, str> {
        "Pattern".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "format": "regex",
            "minLength": 1,
            "description": "A regular expression in the syntax of Rust's `regex` crate; `(?i)` ignores case."
        })
    }
}

/// How much a set may remember of what it has seen. Long lists need more than regex's default: they would forget and
/// find anew with every text.
const CACHE_BYTES: usize = 8 << 20;
/// How large a set may be; regex's default is a third of it.
const PROGRAM_BYTES: usize = 32 << 20;

/// Expressions that are asked together whether any of them matches.
#[derive(Clone, Debug)]
pub(crate) struct Patterns {
    any: RegexSet,
    each: Vec<Pattern>,
}

impl Patterns {
    /// Compiles the expressions together.
    ///
    /// # Errors
    /// If together they are too large.
    pub(crate) fn new(each: Vec<Pattern>) -> Result<Self, regex::Error> {
        let any = RegexSetBuilder::new(each.iter().map(|pattern| pattern.0.as_str()))
            .dfa_size_limit(CACHE_BYTES)
            .size_limit(PROGRAM_BYTES)
            .build()?;
        Ok(Self { any, each })
    }

    /// Whether any expression matches somewhere in the text.
    pub(crate) fn is_match(&self, text: &str) -> bool {
        self.any.is_match(text)
    }

    /// Where the first expression that matches does, from the beginning of its match.
    pub(crate) fn find<'a>(&self, text: &'a str) -> Option<&'a str> {
        let first = self.any.matches(text).iter().next()?;
        let found = self.each.get(first)?.0.find(text)?;
        Some(&text[found.start()..])
    }
}

/// Expressions with the classes of ASCII in place of those of Unicode: for those of our own that every turn is asked for,
/// in any language. Unicode's classes are large, and boundaries of its words are only found by regex's slow machine.
pub(crate) fn in_ascii(expressions: &str) -> String {
    const CLASSES: [(&str, &str); 7] = [
        (r"\b", r"(?-u:\b)"),
        (r"\w", "[0-9A-Za-z_]"),
        (r"\W", "[^0-9A-Za-z_]"),
        (r"\d", "[0-9]"),
        (r"\D", "[^0-9]"),
        (r"\s", r"[\t\n\r ]"),
        (r"\S", r"[^\t\n\r ]"),
    ];
    CLASSES.iter().fold(expressions.to_owned(), |text, (class, in_ascii)| text.replace(class, in_ascii))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Pattern, serde_yaml::Error> {
        serde_yaml::from_str(text)
    }

    #[test]
    fn a_fault_says_which_expression_and_why() {
        insta::assert_snapshot!(
            read("'a('").unwrap_err().to_string(),
            @"`a(` is no regular expression: unclosed group"
        );
        insta::assert_snapshot!(read("''").unwrap_err().to_string(), @"an empty regular expression matches everything");
    }

    #[test]
    fn the_first_expression_in_the_list_is_quoted() {
        let each = ["c+", "^a"].map(|text| read(text).unwrap()).to_vec();
        let patterns = Patterns::new(each).unwrap();
        assert_eq!(patterns.find("abccd"), Some("ccd"));
        assert_eq!(patterns.find("abd"), Some("abd"));
        assert_eq!(patterns.find("bd"), None);
        assert!(!Patterns::new(Vec::new()).unwrap().is_match("anything"));
    }
}
