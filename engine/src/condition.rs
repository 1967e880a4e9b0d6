//! Conditions over a few named values: `iteration % 5 = 0`, `evaluate.success >= 0.95`. They are expressions of SQL, as those
//! of rows are, with its three-valued logic: what compares with null is null, and null is not yes.

use std::fmt;

use sqlparser::ast::{BinaryOperator, Expr, Ident, UnaryOperator, Value as Literal};
use sqlparser::dialect::GenericDialect;
use sqlparser::parser::Parser;
use sqlparser::tokenizer::Token;

use crate::problem::Problem;

/// How deeply parentheses and `not` may nest.
const MAXIMUM_NESTING: usize = 50;

/// Characters of a condition: every walk over it is recursive.
const MAXIMUM_CHARACTERS: usize = 1000;

/// A value that a condition names, or comes to.
#[derive(Clone, Debug, PartialEq)]
pub enum Scalar {
    /// Not known.
    Null,
    /// Yes or no.
    Truth(bool),
    /// A number.
    Number(f64),
    /// A text.
    Text(String),
}

/// A condition that is well-formed.
#[derive(Clone, Debug)]
pub struct Condition {
    text: String,
    tree: Node,
}

#[derive(Clone, Debug)]
enum Node {
    Name(String),
    Constant(Scalar),
    Not(Box<Self>),
    Negative(Box<Self>),
    /// Whether it is null, or is not.
    Null(Box<Self>, bool),
    Binary(Box<Self>, Operator, Box<Self>),
    /// Whether it is one of several.
    In(Box<Self>, Vec<Self>),
    /// Whether it lies between two.
    Between(Box<Self>, Box<Self>, Box<Self>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    And,
    Or,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Plus,
    Minus,
    Times,
    Divide,
    Remainder,
}

impl fmt::Display for Condition {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

impl Condition {
    /// Parses a whole text.
    ///
    /// # Errors
    /// If it is no expression, or one of a kind that is not understood.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        if text.chars().count() > MAXIMUM_CHARACTERS {
            return Err(Problem::new(format!("a condition of more than {MAXIMUM_CHARACTERS} characters")));
        }
        let dialect = GenericDialect {};
        let wrong = |message: String| {
            let message = message.trim_start_matches("sql parser error: ");
            Problem::new(format!("cannot read the condition `{text}`: {message}"))
                .help("as in `iteration % 5 = 0`, or `evaluate.success >= 0.95`")
        };
        let parser = Parser::new(&dialect).with_recursion_limit(MAXIMUM_NESTING).try_with_sql(text);
        let mut parser = parser.map_err(|error| wrong(error.to_string()))?;
        let tree = parser.parse_expr().map_err(|error| wrong(error.to_string()))?;
        let rest = parser.peek_token();
        if rest.token != Token::EOF {
            return Err(wrong(format!("expected an operator or the end, found `{}`", rest.token)));
        }
        Ok(Self { text: text.to_owned(), tree: node(&tree)? })
    }

    /// A condition that always holds, or never.
    pub fn constant(holds: bool) -> Self {
        Self { text: holds.to_string(), tree: Node::Constant(Scalar::Truth(holds)) }
    }

    /// The names that it has, dotted, in order.
    pub fn names(&self) -> Vec<&str> {
        let mut names = Vec::new();
        self.tree.names(&mut names);
        names
    }

    /// Whether it holds, given what names stand for: null is not yes.
    ///
    /// # Errors
    /// If values do not go together, or the whole is neither yes nor no.
    pub fn holds(&self, value_of: &dyn Fn(&str) -> Scalar) -> Result<bool, Problem> {
        match self.tree.value(value_of)? {
            Scalar::Truth(truth) => Ok(truth),
            Scalar::Null => Ok(false),
            other => {
                let message = format!("the condition `{}` comes to {}, expected yes or no", self.text, other.words());
                Err(Problem::new(message).help("compare it with something, as in `iteration % 5 = 0`"))
            }
        }
    }
}

impl Scalar {
    fn words(&self) -> String {
        match self {
            Self::Null => "null".to_owned(),
            Self::Truth(truth) => truth.to_string(),
            Self::Number(number) => format!("the number {number}"),
            Self::Text(text) => format!("the text '{text}'"),
        }
    }
}

fn node(tree: &Expr) -> Result<Node, Problem> {
    let boxed = |tree: &Expr| node(tree).map(Box::new);
    let unknown = || {
        Problem::new(format!("`{tree}` is not understood in a condition"))
            .help("known: comparisons, `and`, `or`, `not`, `is null`, `in`, `between` and arithmetic")
    };
    Ok(match tree {
        Expr::Nested(inner) => node(inner)?,
        Expr::Identifier(name) => Node::Name(name.value.clone()),
        Expr::CompoundIdentifier(parts) => Node::Name(dotted(parts)),
        Expr::Value(value) => Node::Constant(match &value.value {
            Literal::Null => Scalar::Null,
            Literal::Boolean(truth) => Scalar::Truth(*truth),
            Literal::SingleQuotedString(text) => Scalar::Text(text.clone()),
            Literal::Number(number, _) => Scalar::Number(number.to_string().parse().map_err(|_| unknown())?),
            _ => return Err(unknown()),
        }),
        Expr::UnaryOp { op: UnaryOperator::Not, expr } => Node::Not(boxed(expr)?),
        Expr::UnaryOp { op: UnaryOperator::Minus, expr } => Node::Negative(boxed(expr)?),
        Expr::UnaryOp { op: UnaryOperator::Plus, expr } => node(expr)?,
        Expr::IsNull(expr) => Node::Null(boxed(expr)?, true),
        Expr::IsNotNull(expr) => Node::Null(boxed(expr)?, false),
        Expr::BinaryOp { left, op, right } => {
            Node::Binary(boxed(left)?, operator(op).ok_or_else(unknown)?, boxed(right)?)
        }
        Expr::InList { expr, list, negated } => {
            let any = Node::In(boxed(expr)?, list.iter().map(node).collect::<Result<_, _>>()?);
            if *negated { Node::Not(Box::new(any)) } else { any }
        }
        Expr::Between { expr, negated, low, high } => {
            let within = Node::Between(boxed(expr)?, boxed(low)?, boxed(high)?);
            if *negated { Node::Not(Box::new(within)) } else { within }
        }
        _ => return Err(unknown()),
    })
}

fn dotted(parts: &[Ident]) -> String {
    parts.iter().map(|part| part.value.as_str()).collect::<Vec<_>>().join(".")
}

fn operator(operator: &BinaryOperator) -> Option<Operator> {
    Some(match operator {
        BinaryOperator::And => Operator::And,
        BinaryOperator::Or => Operator::Or,
        BinaryOperator::Eq => Operator::Equal,
        BinaryOperator::NotEq => Operator::NotEqual,
        BinaryOperator::Lt => Operator::Less,
        BinaryOperator::LtEq => Operator::LessOrEqual,
        BinaryOperator::Gt => Operator::Greater,
        BinaryOperator::GtEq => Operator::GreaterOrEqual,
        BinaryOperator::Plus => Operator::Plus,
        BinaryOperator::Minus => Operator::Minus,
        BinaryOperator::Multiply => Operator::Times,
        BinaryOperator::Divide => Operator::Divide,
        BinaryOperator::Modulo => Operator::Remainder,
        _ => return None,
    })
}

impl Node {
    fn names<'a>(&'a self, names: &mut Vec<&'a str>) {
        match self {
            Self::Name(name) => names.push(name),
            Self::Constant(_) => {}
            Self::Not(inner) | Self::Negative(inner) | Self::Null(inner, _) => inner.names(names),
            Self::Binary(left, _, right) => {
                left.names(names);
                right.names(names);
            }
            Self::In(one, several) => {
                one.names(names);
                several.iter().for_each(|other| other.names(names));
            }
            Self::Between(one, low, high) => [one, low, high].into_iter().for_each(|part| part.names(names)),
        }
    }

    fn value(&self, value_of: &dyn Fn(&str) -> Scalar) -> Result<Scalar, Problem> {
        Ok(match self {
            Self::Name(name) => value_of(name),
            Self::Constant(value) => value.clone(),
            Self::Null(inner, is_null) => Scalar::Truth((inner.value(value_of)? == Scalar::Null) == *is_null),
            Self::Not(inner) => match inner.value(value_of)? {
                Scalar::Null => Scalar::Null,
                Scalar::Truth(truth) => Scalar::Truth(!truth),
                other => return Err(unfitting("not", &other)),
            },
            Self::Negative(inner) => match inner.value(value_of)? {
                Scalar::Null => Scalar::Null,
                Scalar::Number(number) => Scalar::Number(-number),
                other => return Err(unfitting("-", &other)),
            },
            Self::Binary(left, operator, right) => applied(left.value(value_of)?, *operator, right.value(value_of)?)?,
            Self::In(one, several) => {
                let one = one.value(value_of)?;
                let mut any = Scalar::Truth(false);
                for other in several {
                    let same = applied(one.clone(), Operator::Equal, other.value(value_of)?)?;
                    any = applied(any, Operator::Or, same)?;
                }
                any
            }
            Self::Between(one, low, high) => {
                let one = one.value(value_of)?;
                let above = applied(one.clone(), Operator::GreaterOrEqual, low.value(value_of)?)?;
                let below = applied(one, Operator::LessOrEqual, high.value(value_of)?)?;
                applied(above, Operator::And, below)?
            }
        })
    }
}

fn unfitting(sign: &str, value: &Scalar) -> Problem {
    Problem::new(format!("`{sign}` has no meaning for {}", value.words()))
}

fn applied(left: Scalar, operator: Operator, right: Scalar) -> Result<Scalar, Problem> {
    use Operator::{
        And, Divide, Equal, Greater, GreaterOrEqual, Less, LessOrEqual, Minus, NotEqual, Or, Plus, Remainder, Times,
    };
    match (operator, &left, &right) {
        (And, Scalar::Truth(false), Scalar::Truth(_) | Scalar::Null) | (And, Scalar::Null, Scalar::Truth(false)) => {
            Ok(Scalar::Truth(false))
        }
        (Or, Scalar::Truth(true), Scalar::Truth(_) | Scalar::Null) | (Or, Scalar::Null, Scalar::Truth(true)) => {
            Ok(Scalar::Truth(true))
        }
        (_, Scalar::Null, _) | (_, _, Scalar::Null) => Ok(Scalar::Null),
        (And, Scalar::Truth(_), Scalar::Truth(right)) | (Or, Scalar::Truth(_), Scalar::Truth(right)) => {
            Ok(Scalar::Truth(*right))
        }
        (Equal, left, right) if kind(left) == kind(right) => Ok(Scalar::Truth(left == right)),
        (NotEqual, left, right) if kind(left) == kind(right) => Ok(Scalar::Truth(left != right)),
        (Less, Scalar::Number(left), Scalar::Number(right)) => Ok(Scalar::Truth(left < right)),
        (LessOrEqual, Scalar::Number(left), Scalar::Number(right)) => Ok(Scalar::Truth(left <= right)),
        (Greater, Scalar::Number(left), Scalar::Number(right)) => Ok(Scalar::Truth(left > right)),
        (GreaterOrEqual, Scalar::Number(left), Scalar::Number(right)) => Ok(Scalar::Truth(left >= right)),
        (Plus, Scalar::Number(left), Scalar::Number(right)) => Ok(Scalar::Number(left + right)),
        (Minus, Scalar::Number(left), Scalar::Number(right)) => Ok(Scalar::Number(left - right)),
        (Times, Scalar::Number(left), Scalar::Number(right)) => Ok(Scalar::Number(left * right)),
        // As in conditions over rows: what is divided by nothing is not known.
        (Divide | Remainder, Scalar::Number(_), Scalar::Number(0.0)) => Ok(Scalar::Null),
        (Divide, Scalar::Number(left), Scalar::Number(right)) => Ok(Scalar::Number(left / right)),
        (Remainder, Scalar::Number(left), Scalar::Number(right)) => Ok(Scalar::Number(left % right)),
        _ => {
            Err(Problem::new(format!("{} and {} cannot be compared or computed with so", left.words(), right.words())))
        }
    }
}

fn kind(value: &Scalar) -> std::mem::Discriminant<Scalar> {
    std::mem::discriminant(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value_of(name: &str) -> Scalar {
        match name {
            "iteration" => Scalar::Number(10.0),
            "last" => Scalar::Truth(false),
            "params.mode" => Scalar::Text("fast".to_owned()),
            "evaluate-small.success" => Scalar::Number(0.5),
            _ => Scalar::Null,
        }
    }

    #[test]
    fn conditions_are_those_of_sql() {
        let holds = |text: &str| Condition::parse(text).unwrap().holds(&value_of).unwrap();
        for text in [
            "iteration % 5 = 0",
            "iteration between 10 and 12 and not last",
            "params.mode in ('slow', 'fast') or last",
            "\"evaluate-small\".success >= 0.5",
            "unknown is null and iteration is not null",
            "true",
            "-iteration < 3 * (2 - 1)",
            "last or unknown is null",
            "params.mode <> 'x'",
        ] {
            assert!(holds(text), "{text}");
        }
        // What is not known is not yes, and neither is its opposite.
        for text in
            ["unknown > 3", "not unknown > 3", "iteration / 0 = 1", "last and unknown", "last", "iteration > 10"]
        {
            assert!(!holds(text), "{text}");
        }
    }

    #[test]
    fn what_is_no_condition_is_told() {
        let read = |text: &str| Condition::parse(text).and_then(|read| read.holds(&value_of)).unwrap_err().message;
        insta::assert_snapshot!(
            ["iteration %", "iteration", "iteration = 'x'", "count(iteration) > 1", "not params.mode", "1 2"]
                .map(read)
                .join("\n"),
            @"
            cannot read the condition `iteration %`: Expected: an expression, found: EOF
            the condition `iteration` comes to the number 10, expected yes or no
            the number 10 and the text 'x' cannot be compared or computed with so
            `count(iteration)` is not understood in a condition
            `not` has no meaning for the text 'fast'
            cannot read the condition `1 2`: expected an operator or the end, found `2`
            "
        );
    }

    #[test]
    fn a_side_is_evaluated_once_however_long_a_chain_is() {
        let text = format!("1 in (1, 1){}", " in (true, true)".repeat(60));
        assert!(Condition::parse(&text).unwrap().holds(&value_of).unwrap());
    }

    #[test]
    fn names_are_told_in_order() {
        let read = Condition::parse("iteration > 3 and evaluate.success >= params.goal").unwrap();
        assert_eq!(read.names(), ["iteration", "evaluate.success", "params.goal"]);
    }
}
