//! Binds calls of functions: which there are, what they take, and what they give.

use std::iter::once;
use std::ops::Range;

use regex::Regex;
use sqlparser::ast::{
    Expr, Function as Call, FunctionArg, FunctionArgExpr, FunctionArguments, ObjectNamePart, Spanned as _, Value,
    ValueWithSpan,
};
use sternlight_engine::column::{ColumnPath, TURNS};
use sternlight_engine::problem::{Problem, nearest};

use super::bind::Binder;
use super::bound::{Bound, Level, all, both, joined};
use super::expression::{Expression, Kind, OverTurns, TextFunction, TextTest};
use super::parse::problem;

/// Every function, with its arguments as messages show them.
const FUNCTIONS: [(&str, &str, Function); 14] = [
    ("abs", "number", Function::Absolute),
    ("all_turns", "condition", Function::OverTurns(OverTurns::All)),
    ("any_turn", "condition", Function::OverTurns(OverTurns::Any)),
    ("coalesce", "value, value, …", Function::Coalesce),
    ("contains", "text, text", Function::Test(TextTest::Contains)),
    ("count_turns", "condition", Function::OverTurns(OverTurns::Count)),
    ("ends_with", "text, text", Function::Test(TextTest::EndsWith)),
    ("first_turn", "value", Function::OverTurns(OverTurns::First)),
    ("last_turn", "value", Function::OverTurns(OverTurns::Last)),
    ("length", "text or list", Function::Length),
    ("lower", "text", Function::Text(TextFunction::Lower)),
    ("regexp_like", "text, 'pattern'", Function::Matches),
    ("starts_with", "text, text", Function::Test(TextTest::StartsWith)),
    ("upper", "text", Function::Text(TextFunction::Upper)),
];

#[derive(Clone, Copy, Debug)]
enum Function {
    Absolute,
    Coalesce,
    Length,
    Matches,
    OverTurns(OverTurns),
    Test(TextTest),
    Text(TextFunction),
}

impl Binder<'_> {
    pub(super) fn call(&mut self, call: &Call) -> Result<Bound, Vec<Problem>> {
        let name_range = self.condition.range(call.name.span());
        let range = self.condition.call(name_range.clone());
        let written = match call.name.0.as_slice() {
            [ObjectNamePart::Identifier(name)] => name.value.to_lowercase(),
            _ => call.name.to_string(),
        };
        let Some((name, takes, function)) = FUNCTIONS.into_iter().find(|(name, ..)| *name == written) else {
            return Err(unknown_function(&written, name_range).into());
        };
        let arguments =
            plain_arguments(call).ok_or_else(|| self.foreign(&range).help(format!("write `{name}({takes})`")))?;
        let wrong_number =
            || problem(range.clone(), format!("expected `{name}({takes})`, found {} arguments", arguments.len()));
        let bound = match (function, arguments.as_slice()) {
            (Function::OverTurns(over), [argument]) => self.over_turns(name, over, argument, &range),
            (Function::Absolute, [argument]) => {
                let argument = self.bind(argument)?;
                let number = self.number(argument)?;
                let number = if number.kind == Kind::Null { number.converted(Kind::Integer) } else { number };
                Ok(number.clone().map(number.kind, Expression::Absolute))
            }
            (Function::Length, [argument]) => self.length(argument),
            (Function::Text(function), [argument]) => {
                Ok(self.text_operand(argument)?.map(Kind::Text, |text| Expression::Text(function, text)))
            }
            (Function::Test(test), [text, part]) => {
                let (text, part) = both(self.text_operand(text), self.text_operand(part))?;
                Ok(joined(Kind::Boolean, text, part, |text, part| Expression::Test(test, text, part)))
            }
            (Function::Matches, [text, pattern]) => self.matches(text, pattern),
            (Function::Coalesce, [first, rest @ ..]) => self.coalesce(first, rest),
            _ => Err(wrong_number().into()),
        }?;
        Ok(Bound { range, ..bound })
    }

    fn over_turns(
        &mut self,
        name: &str,
        over: OverTurns,
        argument: &Expr,
        range: &Range<usize>,
    ) -> Result<Bound, Vec<Problem>> {
        if self.in_function {
            return Err(problem(range.clone(), format!("`{name}` is inside of another function over turns"))
                .help("each of them goes over all turns of the trajectory; join them with `and` or `or`")
                .into());
        }
        // Even a condition without a column of the turns needs their number.
        self.reads.insert(ColumnPath::from(TURNS));
        let around = self.over_turns;
        (self.over_turns, self.in_function) = (true, true);
        let argument = self.bind(argument);
        (self.over_turns, self.in_function) = (around, false);
        let argument = argument?.spread_to(Level::Turn);
        let (argument, kind) = match over {
            OverTurns::Any | OverTurns::All => (self.boolean(argument)?, Kind::Boolean),
            OverTurns::Count => (self.boolean(argument)?, Kind::Integer),
            OverTurns::First | OverTurns::Last => {
                let kind = argument.kind;
                (argument, kind)
            }
        };
        let over = argument.map(kind, |operand| Expression::OverTurns(over, operand));
        Ok(Bound { level: Level::Trajectory, ..over })
    }

    fn length(&mut self, argument: &Expr) -> Result<Bound, Vec<Problem>> {
        let argument = self.bind(argument)?;
        match argument.kind {
            Kind::List => Ok(argument.map(Kind::Integer, Expression::ListLength)),
            Kind::Text | Kind::Null => {
                Ok(self.text(argument)?.map(Kind::Integer, |text| Expression::Text(TextFunction::Length, text)))
            }
            kind => {
                let message = format!("`{}` is {kind}, expected text or a list", self.quote(&argument.range));
                Err(problem(argument.range, message).into())
            }
        }
    }

    fn matches(&mut self, text: &Expr, pattern: &Expr) -> Result<Bound, Vec<Problem>> {
        let pattern = self.pattern(pattern).map_err(Vec::from);
        let (text, pattern) = both(self.text_operand(text), pattern)?;
        Ok(text.map(Kind::Boolean, |text| Expression::Matches(text, pattern)))
    }

    fn pattern(&self, written: &Expr) -> Result<Regex, Problem> {
        let place = self.condition.range(written.span());
        let Expr::Value(ValueWithSpan { value: Value::SingleQuotedString(written), .. }) = written else {
            return Err(problem(place, "expected the pattern as a literal in single quotes"));
        };
        Regex::new(written).map_err(|error| {
            problem(place, format!("not a regular expression: {}", reason(&error)))
                .help("the syntax is that of the Rust crate `regex`: no look-around, no back-references")
        })
    }

    fn coalesce(&mut self, first: &Expr, rest: &[&Expr]) -> Result<Bound, Vec<Problem>> {
        let operands = all(once(&first).chain(rest).map(|operand| self.comparable_operand(operand)))?;
        let kind = self.kind_of_all(&operands)?;
        let mut operands = operands.into_iter().map(|operand| operand.converted(kind)).rev();
        let last = operands.next().ok_or_else(|| problem(0..0, "`coalesce` takes values, found none"))?;
        Ok(operands.fold(last, |second, first| joined(kind, first, second, Expression::Coalesce)))
    }
}

/// The arguments of a call that has no more to it than a name and values.
fn plain_arguments(call: &Call) -> Option<Vec<&Expr>> {
    let bare = call.over.is_none()
        && call.filter.is_none()
        && call.null_treatment.is_none()
        && call.within_group.is_empty()
        && matches!(call.parameters, FunctionArguments::None);
    let FunctionArguments::List(list) = &call.args else { return None };
    if !bare || list.duplicate_treatment.is_some() || !list.clauses.is_empty() {
        return None;
    }
    let plain = |argument| match argument {
        &FunctionArg::Unnamed(FunctionArgExpr::Expr(ref value)) => Some(value),
        _ => None,
    };
    list.args.iter().map(plain).collect()
}

fn unknown_function(written: &str, range: Range<usize>) -> Problem {
    let unknown = problem(range, format!("there is no function `{written}`"));
    match written {
        "any" | "some" | "exists" => unknown.help("over the turns of a trajectory, write `any_turn(condition)`"),
        "all" | "every" => unknown.help("over the turns of a trajectory, write `all_turns(condition)`"),
        "count" | "sum" => unknown.help("over the turns of a trajectory, write `count_turns(condition)`"),
        _ => match nearest(written, FUNCTIONS.iter().map(|(name, ..)| *name)) {
            Some(near) => unknown.help(format!("did you mean `{near}`?")),
            None => {
                let names: Vec<String> = FUNCTIONS.iter().map(|(name, ..)| format!("`{name}`")).collect();
                unknown.help(format!("the functions are {}", names.join(", ")))
            }
        },
    }
}

/// The last line of a regex error says what is wrong; those before it draw the pattern, which the problem's own
/// mark does already.
fn reason(error: &regex::Error) -> String {
    let said = error.to_string();
    let last = said.lines().last().unwrap_or_default();
    last.strip_prefix("error: ").unwrap_or(last).to_owned()
}

#[cfg(test)]
mod tests {
    use super::super::sample::refusal;
    use super::FUNCTIONS;

    #[test]
    fn wrong_calls_are_explained() {
        insta::assert_snapshot!(refusal("any(tool_name = 'refund')"), @r"
        any(tool_name = 'refund')
        ^^^
        there is no function `any`
        help: over the turns of a trajectory, write `any_turn(condition)`
        ");
        insta::assert_snapshot!(refusal("reward > 0 and anyturn(tool_name = 'refund')"), @r"
        reward > 0 and anyturn(tool_name = 'refund')
                       ^^^^^^^
        there is no function `anyturn`
        help: did you mean `any_turn`?
        ");
        insta::assert_snapshot!(refusal("substring_index(env, 'a') = 'b'"), @r"
        substring_index(env, 'a') = 'b'
        ^^^^^^^^^^^^^^^
        there is no function `substring_index`
        help: the functions are `abs`, `all_turns`, `any_turn`, `coalesce`, `contains`, `count_turns`, `ends_with`, `first_turn`, `last_turn`, `length`, `lower`, `regexp_like`, `starts_with`, `upper`
        ");
        insta::assert_snapshot!(refusal("contains(env)"), @r"
        contains(env)
        ^^^^^^^^^^^^^
        expected `contains(text, text)`, found 1 arguments
        ");
        insta::assert_snapshot!(refusal("count(*) > 3"), @r"
        count(*) > 3
        ^^^^^
        there is no function `count`
        help: over the turns of a trajectory, write `count_turns(condition)`
        ");
        insta::assert_snapshot!(refusal("any_turn(any_turn(reward > 0))"), @r"
        any_turn(any_turn(reward > 0))
                 ^^^^^^^^^^^^^^^^^^^^
        `any_turn` is inside of another function over turns
        help: each of them goes over all turns of the trajectory; join them with `and` or `or`
        ");
        insta::assert_snapshot!(refusal("any_turn(distinct success)"), @r"
        any_turn(distinct success)
        ^^^^^^^^^^^^^^^^^^^^^^^^^^
        `any_turn(distinct success)` is SQL that conditions do not have
        help: write `any_turn(condition)`
        ");
        insta::assert_snapshot!(refusal("length(reward) > 1"), @r"
        length(reward) > 1
               ^^^^^^
        `reward` is a number, expected text or a list
        ");
        insta::assert_snapshot!(refusal("regexp_like(env, 'gr(ö')"), @r"
        regexp_like(env, 'gr(ö')
                         ^^^^^^
        not a regular expression: unclosed group
        help: the syntax is that of the Rust crate `regex`: no look-around, no back-references
        ");
        insta::assert_snapshot!(refusal("regexp_like(env, env)"), @r"
        regexp_like(env, env)
                         ^^^
        expected the pattern as a literal in single quotes
        ");
        insta::assert_snapshot!(refusal("length(reward) over () > 1"), @r"
        length(reward) over () > 1
        ^^^^^^^^^^^^^^
        `length(reward)` is SQL that conditions do not have
        help: write `length(text or list)`
        ");
        insta::assert_snapshot!(refusal("any_turn(tool_name)"), @r"
        any_turn(tool_name)
                 ^^^^^^^^^
        `tool_name` is text, expected a condition
        help: compare it: `tool_name = '…'`
        ");
    }

    #[test]
    fn functions_are_listed_and_documented() {
        assert!(FUNCTIONS.is_sorted_by_key(|(name, ..)| *name));
        let documentation = include_str!("documentation.md");
        for (name, takes, _) in FUNCTIONS {
            assert!(documentation.contains(&format!("`{name}({takes})`")), "`{name}({takes})` is not documented");
        }
    }
}
