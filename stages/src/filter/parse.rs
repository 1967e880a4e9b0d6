//! From the text of a condition, or of another expression, to SQL's syntax tree, with the place of every part in the text. Knows no columns
//! and no types.

use std::ops::Range;

use sqlparser::ast::Expr;
use sqlparser::dialect::GenericDialect;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Location, Span, Token, Tokenizer};
use sternlight_engine::problem::Problem;

use super::form::Form;

/// The key below `with` that holds the condition.
pub(super) const WHERE: &str = "where";

/// How deeply parentheses, functions and `not` may nest.
const MAXIMUM_NESTING: usize = 50;

/// Words and signs, values and commas apart, that a condition may have. A chain of operators is as deep a tree as
/// it is long, and every walk over it is recursive: this many fit the 2 MiB stack of a thread twice, in a debug build.
const MAXIMUM_SIGNS: usize = 500;

/// Characters of the condition that a message may quote.
const MAXIMUM_EXCERPT: usize = 40;

/// A condition, or an expression of another form, that is well-formed SQL.
#[derive(Clone, Debug)]
pub(super) struct Condition {
    text: String,
    form: Form,
    places: Places,
    tokens: Vec<(Token, Range<usize>)>,
    tree: Expr,
}

impl Condition {
    /// Parses a whole text.
    ///
    /// # Errors
    /// If it is not one SQL expression, or is too deep or too long.
    pub(super) fn parse(text: &str, form: Form) -> Result<Self, Problem> {
        let places = Places::of(text);
        let end = text.trim_end().len();
        let spanned = Tokenizer::new(&GenericDialect {}, text).tokenize_with_location().map_err(|error| {
            problem(places.offset(error.location)..end, format!("cannot read this: {}", lower_first(&error.message)))
        })?;
        let tokens: Vec<_> = spanned
            .iter()
            .filter(|spanned| !matches!(spanned.token, Token::Whitespace(_)))
            .map(|spanned| (spanned.token.clone(), places.range(spanned.span)))
            .collect();
        if tokens.is_empty() {
            return Err(Problem::at([WHERE], format!("the {} is empty", form.noun())).help(form.example()));
        }
        let signs = tokens.iter().filter(|(token, _)| !is_value(token)).count();
        if signs > MAXIMUM_SIGNS {
            return Err(Problem::at(
                [WHERE],
                format!("the {} has {signs} words and signs, expected at most {MAXIMUM_SIGNS}", form.noun()),
            )
            .help(form.shorter()));
        }

        let mut parser =
            Parser::new(&GenericDialect {}).with_recursion_limit(MAXIMUM_NESTING).with_tokens_with_locations(spanned);
        let tree = parser.parse_expr().map_err(|error| syntax_problem(error, form, &places, &tokens, end))?;
        let rest = parser.peek_token();
        if rest.token != Token::EOF {
            let range = places.range(rest.span);
            return Err(problem(
                range,
                format!("expected the end of the {} or an operator, found `{}`", form.noun(), rest.token),
            )
            .help(form.end()));
        }
        Ok(Self { text: text.to_owned(), form, places, tokens, tree })
    }

    /// What it is written for.
    pub(super) fn form(&self) -> Form {
        self.form
    }

    /// The syntax tree.
    pub(super) fn tree(&self) -> &Expr {
        &self.tree
    }

    /// The bytes that a part of the tree covers, as far as the parser tells.
    pub(super) fn range(&self, span: Span) -> Range<usize> {
        match span {
            span if span == Span::empty() => 0..self.text.trim_end().len(),
            span => self.places.range(span),
        }
    }

    /// With one token more before it (`not x`, `-x`).
    pub(super) fn with_prefix(&self, range: Range<usize>) -> Range<usize> {
        let before = self.tokens.partition_point(|(_, token)| token.end <= range.start);
        let start = before.checked_sub(1).and_then(|index| self.tokens.get(index)).map(|(_, token)| token.start);
        start.unwrap_or(range.start)..range.end
    }

    /// With so many tokens more behind it (`x is null`).
    pub(super) fn with_suffix(&self, range: Range<usize>, tokens: usize) -> Range<usize> {
        let after = self.tokens.partition_point(|(_, token)| token.start < range.end);
        let last = (after + tokens).checked_sub(1).and_then(|index| self.tokens.get(index));
        range.start..last.map_or(range.end, |(_, token)| token.end)
    }

    /// A function's name together with its parenthesised arguments.
    pub(super) fn call(&self, name: Range<usize>) -> Range<usize> {
        let mut open = 0_usize;
        for (token, range) in self.tokens.iter().filter(|(_, range)| range.start >= name.end) {
            match token {
                Token::LParen => open += 1,
                Token::RParen if open <= 1 => return name.start..range.end,
                Token::RParen => open -= 1,
                _ => {}
            }
        }
        name
    }

    /// A part of the text for use inside a sentence: on one line, and not long.
    pub(super) fn excerpt(&self, range: Range<usize>) -> String {
        let part = self.text.get(range).unwrap_or(&self.text);
        let mut line = part.split_whitespace().collect::<Vec<_>>().join(" ");
        if let Some((cut, _)) = line.char_indices().nth(MAXIMUM_EXCERPT) {
            line.truncate(cut);
            line.push('…');
        }
        line
    }
}

/// A problem with a part of the condition. The tokenizer may place an error behind white space at the end, which is no
/// part.
pub(super) fn problem(range: Range<usize>, message: impl Into<String>) -> Problem {
    Problem::at([WHERE], message).within(range.start.min(range.end)..range.end)
}

/// Byte offset of every character, by line and column as the tokenizer counts them.
#[derive(Clone, Debug)]
struct Places {
    characters: Vec<(Location, usize)>,
    end: usize,
}

impl Places {
    fn of(text: &str) -> Self {
        let mut place = Location { line: 1, column: 1 };
        let characters = text.char_indices().map(|(offset, character)| {
            let here = (place, offset);
            place = match character {
                '\n' => Location { line: place.line + 1, column: 1 },
                _ => Location { line: place.line, column: place.column + 1 },
            };
            here
        });
        Self { characters: characters.collect(), end: text.len() }
    }

    fn offset(&self, location: Location) -> usize {
        let found = self.characters.binary_search_by_key(&location, |(place, _)| *place);
        found.ok().and_then(|index| self.characters.get(index)).map_or(self.end, |(_, offset)| *offset)
    }

    fn range(&self, span: Span) -> Range<usize> {
        self.offset(span.start)..self.offset(span.end)
    }
}

fn is_value(token: &Token) -> bool {
    matches!(token, Token::Comma | Token::Number(..) | Token::SingleQuotedString(_))
}

fn lower_first(message: &str) -> String {
    let mut characters = message.chars();
    characters.next().map_or_else(String::new, |first| first.to_lowercase().chain(characters).collect())
}

/// The parser's message in our words. It tells the place only inside its text: `… at Line: 1, Column: 5`.
fn syntax_problem(
    error: ParserError,
    form: Form,
    places: &Places,
    tokens: &[(Token, Range<usize>)],
    end: usize,
) -> Problem {
    let message = match error {
        ParserError::RecursionLimitExceeded => {
            let message = format!("the {} nests more than {MAXIMUM_NESTING} levels deep", form.noun());
            return problem(0..end, message);
        }
        ParserError::TokenizerError(message) | ParserError::ParserError(message) => message,
    };
    let (said, place) = match message.rsplit_once(" at Line: ") {
        Some((said, place)) => (said, location(place)),
        None => (message.as_str(), None),
    };
    let start = place.map_or(end, |place| places.offset(place));
    let range = tokens.iter().map(|(_, range)| range).find(|range| range.start == start);
    let range = range.cloned().unwrap_or(start..end.max(start));
    let words = said.strip_prefix("Expected: ").and_then(|expected| expected.rsplit_once(", found: "));
    match words {
        Some((expected, "EOF")) => {
            problem(end..end, format!("expected {expected}, found the end of the {}", form.noun()))
        }
        Some((expected, found)) => problem(range, format!("expected {expected}, found `{found}`")),
        None => problem(range, lower_first(said)),
    }
}

fn location(words: &str) -> Option<Location> {
    let (line, column) = words.split_once(", Column: ")?;
    Some(Location { line: line.parse().ok()?, column: column.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::super::sample::refusal;
    use super::*;

    #[test]
    fn syntax_errors_point_into_the_text() {
        insta::assert_snapshot!(refusal("reward >"), @r"
        reward >
                ^
        expected an expression, found the end of the condition
        ");
        insta::assert_snapshot!(refusal("reward > > 0"), @r"
        reward > > 0
                 ^
        expected an expression, found `>`
        ");
        insta::assert_snapshot!(refusal("(reward > 0"), @r"
        (reward > 0
                   ^
        expected ), found the end of the condition
        ");
        insta::assert_snapshot!(refusal("env = 'größe' and\n  env = 'Öl' limit 3"), @r"
          env = 'Öl' limit 3
                     ^^^^^
        expected the end of the condition or an operator, found `limit`
        help: join conditions with `and` or `or`; write text in single quotes
        ");
        insta::assert_snapshot!(refusal("reward > 0; drop table x"), @r"
        reward > 0; drop table x
                  ^
        expected the end of the condition or an operator, found `;`
        help: join conditions with `and` or `or`; write text in single quotes
        ");
        insta::assert_snapshot!(refusal("status = done it"), @r"
        status = done it
                      ^^
        expected the end of the condition or an operator, found `it`
        help: join conditions with `and` or `or`; write text in single quotes
        ");
        insta::assert_snapshot!(refusal("env = 'shop"), @r"
        env = 'shop
              ^^^^^
        cannot read this: unterminated string literal
        ");
        insta::assert_snapshot!(refusal("env = $$shop\n"), @"
        env = $$shop
                    ^
        cannot read this: unterminated dollar-quoted string
        ");
        insta::assert_snapshot!(refusal("env in ()"), @r"
        env in ()
                ^
        expected an expression, found `)`
        ");
        insta::assert_snapshot!(refusal(" \n"), @r"
        the condition is empty
        help: write a condition over columns: `reward > 0 and length(turns) < 30`
        ");
    }

    #[test]
    fn neither_depth_nor_length_overflows_the_stack() {
        insta::assert_snapshot!(refusal(&format!("{}true{}", "(".repeat(60), ")".repeat(60))), @r"
        ((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((true))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))
        ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
        the condition nests more than 50 levels deep
        ");
        insta::assert_snapshot!(refusal(&vec!["success"; 1_000].join(" or ")), @r"
        the condition has 1999 words and signs, expected at most 500
        help: list the values of a column as `column in ('a', 'b')`, or use several `filter` stages
        ");
        let longest = format!("{} > 0", vec!["1"; 500].join(" + "));
        assert_eq!(super::super::sample::letters(&longest), "yyyy");
        let list = format!("env in ({})", vec!["'shop'"; 20_000].join(", "));
        assert_eq!(super::super::sample::letters(&list), "yn??");
    }

    #[test]
    fn ranges_cover_whole_calls_and_quote_on_one_line() {
        let text = "not coalesce(length(turns),\n  (1)) is null";
        let condition = Condition::parse(text, Form::Condition).unwrap();
        assert_eq!(condition.call(4..12), 4..34);
        assert_eq!(condition.with_suffix(4..34, 2), 4..text.len());
        assert_eq!(condition.with_prefix(4..34), 0..34);
        assert_eq!(condition.excerpt(4..34), "coalesce(length(turns), (1))");
    }
}
