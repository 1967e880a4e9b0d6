//! Binds a parsed condition, or another expression, to the columns of a dataset: names become columns, operators get
//! typed operands, and what SQL has but conditions have not is refused. Names: `column.rs`; functions: `call.rs`.

use std::collections::BTreeSet;
use std::iter::once;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{BooleanArray, Float64Array, NullArray, StringArray};
use sqlparser::ast::{BinaryOperator, Expr, Spanned as _, UnaryOperator, Value as Literal};
use sternlight_engine::column::{ColumnPath, TURNS};
use sternlight_engine::problem::Problem;
use sternlight_engine::trajectory::TrajectorySchema;

use super::bound::{Bound, Level, all, both, common_kind, joined};
use super::expression::{Arithmetic, Comparison, Expression, Kind, TextTest};
use super::form::Form;
use super::parse::{Condition, WHERE, problem};
use super::{evaluate, kernel};

/// A condition or another expression that can be evaluated, what its values are, and the columns that it needs.
#[derive(Clone, Debug)]
pub(super) struct BoundCondition {
    pub(super) expression: Expression,
    pub(super) kind: Kind,
    pub(super) reads: Vec<ColumnPath>,
}

/// Binds a condition to a schema.
///
/// # Errors
/// Every fault in the condition, with its place.
pub(super) fn bind(condition: &Condition, schema: &TrajectorySchema) -> Result<BoundCondition, Vec<Problem>> {
    let of_turn = condition.form() == Form::OfTurn;
    let mut binder = Binder { condition, schema, reads: BTreeSet::new(), over_turns: of_turn, in_function: false };
    if of_turn {
        // Even an expression without a column of the turns needs their number.
        binder.reads.insert(ColumnPath::from(TURNS));
    }
    let bound = binder.bind(condition.tree())?;
    let bound = match condition.form() {
        Form::Condition => binder.boolean(bound)?,
        Form::OfTrajectory => bound,
        Form::OfTurn => bound.spread_to(Level::Turn),
    };
    let mut reads = binder.reads;
    // Any column of the turns brings their counts along.
    if reads.iter().any(|path| path.turn_name().is_some()) {
        reads.remove(&ColumnPath::from(TURNS));
    }
    Ok(BoundCondition { expression: bound.expression, kind: bound.kind, reads: reads.into_iter().collect() })
}

pub(super) struct Binder<'a> {
    pub(super) condition: &'a Condition,
    pub(super) schema: &'a TrajectorySchema,
    pub(super) reads: BTreeSet<ColumnPath>,
    /// Whether the part at hand has a value for each turn: an argument of a function over turns, or all of it.
    pub(super) over_turns: bool,
    /// Whether the part at hand is an argument of a function over turns.
    pub(super) in_function: bool,
}

impl Binder<'_> {
    pub(super) fn bind(&mut self, tree: &Expr) -> Result<Bound, Vec<Problem>> {
        match tree {
            Expr::Identifier(name) => Ok(self.column(std::slice::from_ref(name))?),
            Expr::CompoundIdentifier(names) => Ok(self.column(names)?),
            Expr::Value(value) => Ok(self.literal(&value.value, self.condition.range(value.span))?),
            Expr::Nested(inner) => {
                let bound = self.bind(inner)?;
                let range = self.condition.with_suffix(self.condition.with_prefix(bound.range.clone()), 1);
                Ok(bound.at(range))
            }
            Expr::Function(function) => self.call(function),
            Expr::BinaryOp { .. } => self.chain(tree),
            Expr::UnaryOp { op, expr } => self.unary(*op, expr),
            Expr::IsNull(operand) | Expr::IsUnknown(operand) => self.is_null(operand, false),
            Expr::IsNotNull(operand) | Expr::IsNotUnknown(operand) => self.is_null(operand, true),
            Expr::IsTrue(operand) => self.is_truth(operand, true, false),
            Expr::IsNotTrue(operand) => self.is_truth(operand, true, true),
            Expr::IsFalse(operand) => self.is_truth(operand, false, false),
            Expr::IsNotFalse(operand) => self.is_truth(operand, false, true),
            Expr::IsDistinctFrom(left, right) => self.compare(Comparison::Distinct, left, right),
            Expr::IsNotDistinctFrom(left, right) => self.compare(Comparison::NotDistinct, left, right),
            Expr::Between { expr, negated, low, high } => self.between(expr, low, high, *negated),
            Expr::InList { expr, list, negated } => self.is_in(expr, list, *negated),
            Expr::Like { negated, any: false, expr, pattern, escape_char: None } => {
                self.like(TextTest::Like, expr, pattern, *negated)
            }
            Expr::ILike { negated, any: false, expr, pattern, escape_char: None } => {
                self.like(TextTest::LikeIgnoringCase, expr, pattern, *negated)
            }
            _ => Err(self.unsupported(tree).into()),
        }
    }

    fn literal(&self, literal: &Literal, range: Range<usize>) -> Result<Bound, Problem> {
        Ok(match literal {
            Literal::Null => Bound::constant(Arc::new(NullArray::new(1)), Kind::Null, range),
            Literal::Boolean(value) => {
                Bound::constant(Arc::new(BooleanArray::from(vec![*value])), Kind::Boolean, range)
            }
            Literal::SingleQuotedString(text) => {
                Bound::constant(Arc::new(StringArray::from(vec![text.as_str()])), Kind::Text, range)
            }
            Literal::Number(digits, _) => match (digits.parse::<i128>(), digits.parse::<f64>()) {
                (Ok(integer), _) => Bound::constant(kernel::integers([Some(integer)]), Kind::Integer, range),
                (_, Ok(float)) if float.is_finite() => {
                    Bound::constant(Arc::new(Float64Array::from(vec![float])), Kind::Double, range)
                }
                _ => return Err(problem(range, format!("`{digits}` is not a number that fits 64 bits"))),
            },
            _ => {
                let (quote, plural) = (self.quote(&range), self.condition.form().plural());
                let message = format!("`{quote}` is a kind of literal that {plural} do not have");
                return Err(problem(range, message).help("write text in single quotes, numbers in decimal"));
            }
        })
    }

    /// Operators of equal precedence nest to the left, however many: walked in a loop, not by recursion.
    fn chain(&mut self, tree: &Expr) -> Result<Bound, Vec<Problem>> {
        let mut first = tree;
        let mut links = Vec::new();
        while let Expr::BinaryOp { left, op, right } = first {
            links.push((op, right.as_ref()));
            first = left;
        }
        let mut bound = self.bind(first);
        for (operator, right) in links.into_iter().rev() {
            let right = self.bind(right);
            bound = match operator {
                BinaryOperator::And => self.logical(bound, right, Expression::And),
                BinaryOperator::Or => self.logical(bound, right, Expression::Or),
                _ => both(bound, right).and_then(|(left, right)| Ok(self.binary(operator, left, right)?)),
            };
        }
        bound
    }

    fn binary(&self, operator: &BinaryOperator, left: Bound, right: Bound) -> Result<Bound, Problem> {
        match operator {
            BinaryOperator::Eq => self.comparison(Comparison::Equal, left, right),
            BinaryOperator::NotEq => self.comparison(Comparison::NotEqual, left, right),
            BinaryOperator::Lt => self.comparison(Comparison::Less, left, right),
            BinaryOperator::LtEq => self.comparison(Comparison::LessOrEqual, left, right),
            BinaryOperator::Gt => self.comparison(Comparison::Greater, left, right),
            BinaryOperator::GtEq => self.comparison(Comparison::GreaterOrEqual, left, right),
            BinaryOperator::Plus => self.arithmetic(Arithmetic::Add, left, right),
            BinaryOperator::Minus => self.arithmetic(Arithmetic::Subtract, left, right),
            BinaryOperator::Multiply => self.arithmetic(Arithmetic::Multiply, left, right),
            BinaryOperator::Divide => self.arithmetic(Arithmetic::Divide, left, right),
            BinaryOperator::Modulo => self.arithmetic(Arithmetic::Remainder, left, right),
            other => Err(problem(
                left.range.start..right.range.end,
                format!("{} do not have the operator `{other}`", self.condition.form().plural()),
            )
            .help("match patterns with `regexp_like(text, 'pattern')` or `like`")),
        }
    }

    fn logical(
        &self,
        left: Result<Bound, Vec<Problem>>,
        right: Result<Bound, Vec<Problem>>,
        expression: fn(Box<Expression>, Box<Expression>) -> Expression,
    ) -> Result<Bound, Vec<Problem>> {
        let condition = |side: Result<Bound, Vec<Problem>>| Ok(self.boolean(side?)?);
        let (left, right) = both(condition(left), condition(right))?;
        Ok(joined(Kind::Boolean, left, right, expression))
    }

    fn compare(&mut self, comparison: Comparison, left: &Expr, right: &Expr) -> Result<Bound, Vec<Problem>> {
        let (left, right) = both(self.bind(left), self.bind(right))?;
        Ok(self.comparison(comparison, left, right)?)
    }

    pub(super) fn comparison(&self, comparison: Comparison, left: Bound, right: Bound) -> Result<Bound, Problem> {
        let (left, right) = self.alike(left, right)?;
        Ok(joined(Kind::Boolean, left, right, |left, right| Expression::Compare(comparison, left, right)))
    }

    /// Two operands converted to their common kind.
    fn alike(&self, left: Bound, right: Bound) -> Result<(Bound, Bound), Problem> {
        for side in [&left, &right] {
            self.comparable(side)?;
        }
        let kind = match self.kind_of_all([&left, &right])? {
            // Two nulls: of whatever kind, the outcome is null.
            Kind::Null => Kind::Boolean,
            kind => kind,
        };
        Ok((left.converted(kind), right.converted(kind)))
    }

    /// The common kind of operands, or which of them does not fit.
    pub(super) fn kind_of_all<'b>(
        &self,
        operands: impl IntoIterator<Item = &'b Bound> + Clone,
    ) -> Result<Kind, Problem> {
        if let Some(kind) = common_kind(operands.clone()) {
            return Ok(kind);
        }
        let mut known = operands.into_iter().filter(|operand| operand.kind != Kind::Null);
        let first = known.next();
        let unlike = first.and_then(|first| known.find(|other| common_kind([first, *other]).is_none()));
        Err(match (first, unlike) {
            (Some(first), Some(unlike)) => self.mismatch(first, unlike),
            _ => Problem::at([WHERE], "these values are not of one kind"),
        })
    }

    pub(super) fn comparable(&self, bound: &Bound) -> Result<(), Problem> {
        let message = || format!("`{}` is {}, which cannot be compared", self.quote(&bound.range), bound.kind);
        match bound.kind {
            Kind::List => {
                Err(problem(bound.range.clone(), message()).help("take its `length(…)`, or test it with `is null`"))
            }
            Kind::Opaque => Err(problem(bound.range.clone(), message()).help("test it with `is null`")),
            _ => Ok(()),
        }
    }

    fn mismatch(&self, left: &Bound, right: &Bound) -> Problem {
        let message = format!(
            "`{}` is {}, but `{}` is {}",
            self.quote(&left.range),
            left.kind,
            self.quote(&right.range),
            right.kind
        );
        let range = left.range.start.min(right.range.start)..left.range.end.max(right.range.end);
        let unlike = problem(range, message).label("these two cannot be compared or combined");
        match (left, right) {
            (Bound { kind: Kind::Text, expression: Expression::Column(..), .. }, literal)
            | (literal, Bound { kind: Kind::Text, expression: Expression::Column(..), .. })
                if matches!(literal.expression, Expression::Constant(_)) =>
            {
                unlike.help(format!("write text in single quotes: `'{}'`", self.quote(&literal.range)))
            }
            (Bound { expression: Expression::Compare(..), .. }, _) => {
                unlike.help("write two comparisons joined by `and`, or `between`")
            }
            (Bound { kind: Kind::Boolean, range, .. }, _) | (_, Bound { kind: Kind::Boolean, range, .. }) => {
                unlike.help(format!("`{0}` is a condition by itself: `{0}` or `not {0}`", self.quote(range)))
            }
            _ => unlike,
        }
    }

    fn arithmetic(&self, operator: Arithmetic, left: Bound, right: Bound) -> Result<Bound, Problem> {
        let (left, right) = (self.number(left)?, self.number(right)?);
        let kind = match (operator, common_kind([&left, &right])) {
            (Arithmetic::Divide, Some(Kind::Integer | Kind::Null)) | (_, None) => Kind::Double,
            (_, Some(Kind::Null)) => Kind::Integer,
            (_, Some(kind)) => kind,
        };
        let (left, right) = (left.converted(kind), right.converted(kind));
        Ok(joined(kind, left, right, |left, right| Expression::Calculate(operator, left, right)))
    }

    fn unary(&mut self, operator: UnaryOperator, operand: &Expr) -> Result<Bound, Vec<Problem>> {
        let bound = self.bind(operand)?;
        let range = self.condition.with_prefix(bound.range.clone());
        let outcome = match operator {
            UnaryOperator::Not => Ok(self.boolean(bound)?.map(Kind::Boolean, Expression::Not)),
            UnaryOperator::Plus => self.number(bound),
            UnaryOperator::Minus => {
                let zero = Bound::constant(kernel::integers([Some(0)]), Kind::Integer, bound.range.clone());
                self.arithmetic(Arithmetic::Subtract, zero, bound)
            }
            other => {
                let plural = self.condition.form().plural();
                return Err(problem(range, format!("{plural} do not have the operator `{other}`")).into());
            }
        };
        Ok(outcome?.at(range))
    }

    fn is_null(&mut self, operand: &Expr, negated: bool) -> Result<Bound, Vec<Problem>> {
        let bound = self.bind(operand)?;
        let range = self.condition.with_suffix(bound.range.clone(), 2 + usize::from(negated));
        Ok(negate_if(negated, bound.map(Kind::Boolean, Expression::IsNull)).at(range))
    }

    fn is_truth(&mut self, operand: &Expr, truth: bool, negated: bool) -> Result<Bound, Vec<Problem>> {
        let bound = self.bind(operand)?;
        let bound = self.boolean(bound)?;
        let range = self.condition.with_suffix(bound.range.clone(), 2 + usize::from(negated));
        let constant = Box::new(Expression::Constant(Arc::new(BooleanArray::from(vec![truth]))));
        let comparison = if negated { Comparison::Distinct } else { Comparison::NotDistinct };
        Ok(bound.map(Kind::Boolean, |operand| Expression::Compare(comparison, operand, constant)).at(range))
    }

    fn between(&mut self, value: &Expr, low: &Expr, high: &Expr, negated: bool) -> Result<Bound, Vec<Problem>> {
        let ((value, low), high) = both(both(self.bind(value), self.bind(low)), self.bind(high))?;
        let above = self.comparison(Comparison::GreaterOrEqual, value.clone(), low)?;
        let below = self.comparison(Comparison::LessOrEqual, value, high)?;
        Ok(negate_if(negated, joined(Kind::Boolean, above, below, Expression::And)))
    }

    /// Constants of the list are looked up in a set; anything else is compared one by one.
    fn is_in(&mut self, value: &Expr, list: &[Expr], negated: bool) -> Result<Bound, Vec<Problem>> {
        let value = self.comparable_operand(value);
        let (value, items) = both(value, all(list.iter().map(|item| self.comparable_operand(item))))?;
        let end = items.last().map_or(value.range.end, |item| item.range.end);
        let range = self.condition.with_suffix(value.range.start..end, 1);
        let (constants, others): (Vec<_>, Vec<_>) = items.into_iter().partition(|item| item.level == Level::Constant);

        let mut outcome = None;
        if !constants.is_empty() {
            let kind = match self.kind_of_all(once(&value).chain(&constants))? {
                Kind::Null => Kind::Boolean,
                kind => kind,
            };
            let arrays = constants.into_iter().map(|item| evaluate::constant(&item.converted(kind).expression));
            let set = arrays.collect::<Result<Vec<_>, _>>().and_then(|arrays| Ok(kernel::value_set(&arrays)?));
            let set = set.map_err(|error| problem(range.clone(), error.message))?;
            let value = value.clone().converted(kind);
            outcome = Some(value.map(Kind::Boolean, |operand| Expression::IsIn(operand, set)));
        }
        for item in others {
            let equal = self.comparison(Comparison::Equal, value.clone(), item)?;
            outcome = Some(match outcome {
                None => equal,
                Some(before) => joined(Kind::Boolean, before, equal, Expression::Or),
            });
        }
        let outcome = outcome.ok_or_else(|| problem(range.clone(), "the list is empty, expected values in it"))?;
        Ok(negate_if(negated, outcome).at(range))
    }

    fn like(&mut self, test: TextTest, value: &Expr, pattern: &Expr, negated: bool) -> Result<Bound, Vec<Problem>> {
        let (value, pattern) = both(self.text_operand(value), self.text_operand(pattern))?;
        let matches = joined(Kind::Boolean, value, pattern, |value, pattern| Expression::Test(test, value, pattern));
        Ok(negate_if(negated, matches))
    }

    pub(super) fn text_operand(&mut self, operand: &Expr) -> Result<Bound, Vec<Problem>> {
        let bound = self.bind(operand)?;
        Ok(self.text(bound)?)
    }

    pub(super) fn comparable_operand(&mut self, operand: &Expr) -> Result<Bound, Vec<Problem>> {
        let bound = self.bind(operand)?;
        self.comparable(&bound)?;
        Ok(bound)
    }

    pub(super) fn boolean(&self, bound: Bound) -> Result<Bound, Problem> {
        self.expect(bound, |kind| kind == Kind::Boolean, "a condition", Kind::Boolean)
    }

    pub(super) fn text(&self, bound: Bound) -> Result<Bound, Problem> {
        self.expect(bound, |kind| kind == Kind::Text, "text", Kind::Text)
    }

    /// A number, or null.
    pub(super) fn number(&self, bound: Bound) -> Result<Bound, Problem> {
        self.expect(bound, |kind| kind.is_number() || kind == Kind::Null, "a number", Kind::Null)
    }

    fn expect(
        &self,
        bound: Bound,
        fits: impl Fn(Kind) -> bool,
        expected: &str,
        null_becomes: Kind,
    ) -> Result<Bound, Problem> {
        match bound.kind {
            kind if fits(kind) => Ok(bound),
            Kind::Null => Ok(bound.converted(null_becomes)),
            kind => {
                let message = format!("`{}` is {kind}, expected {expected}", self.quote(&bound.range));
                let unfit = problem(bound.range.clone(), message);
                Err(match (kind, expected) {
                    (kind, "a condition") if kind.is_number() => {
                        unfit.help(format!("compare it: `{} > 0`", self.quote(&bound.range)))
                    }
                    (Kind::Text, "a condition") => {
                        unfit.help(format!("compare it: `{} = '…'`", self.quote(&bound.range)))
                    }
                    _ => unfit,
                })
            }
        }
    }

    pub(super) fn quote(&self, range: &Range<usize>) -> String {
        self.condition.excerpt(range.clone())
    }

    /// Something that SQL has and the language has not.
    pub(super) fn foreign(&self, range: &Range<usize>) -> Problem {
        let (quote, plural) = (self.quote(range), self.condition.form().plural());
        problem(range.clone(), format!("`{quote}` is SQL that {plural} do not have"))
    }

    fn unsupported(&self, tree: &Expr) -> Problem {
        let range = match (self.condition.range(tree.span()), tree) {
            (range, Expr::AnyOp { .. } | Expr::AllOp { .. }) => self.condition.with_suffix(range, 1),
            (range, _) => range,
        };
        let found = self.foreign(&range);
        match tree {
            Expr::AnyOp { .. } | Expr::AllOp { .. } => {
                found.help("over the turns of a trajectory, write `any_turn(condition)` or `all_turns(condition)`")
            }
            Expr::RLike { .. } | Expr::SimilarTo { .. } => found.help("use `regexp_like(text, 'pattern')`"),
            Expr::Like { .. } | Expr::ILike { .. } => {
                found.help("write one pattern without `escape`; a backslash escapes `%` and `_`")
            }
            _ => {
                let noun = match self.condition.form() {
                    Form::Condition => "a condition",
                    Form::OfTrajectory | Form::OfTurn => "an expression",
                };
                found.help(format!("{noun} is made of columns, literals, operators and functions"))
            }
        }
    }
}

fn negate_if(negated: bool, bound: Bound) -> Bound {
    if negated { bound.map(Kind::Boolean, Expression::Not) } else { bound }
}

#[cfg(test)]
mod tests {
    use sternlight_engine::contract::InputTypes;
    use sternlight_engine::stage::Stage as _;
    use sternlight_engine::trajectory::imported_schema;

    use super::super::sample::{filter, refusal};
    use super::*;

    fn reads(condition: &str) -> String {
        let contract = filter(condition).unwrap().contract(&InputTypes::from(&imported_schema())).unwrap();
        contract.reads.iter().map(ColumnPath::as_str).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn only_the_columns_used_are_read() {
        assert_eq!(reads("reward > 0 and length(turns) < 30"), "reward turns");
        assert_eq!(
            reads("reward > 0 and length(turns) < 30 and any_turn(tool_name = 'refund')"),
            "reward turns.tool_name"
        );
        assert_eq!(reads("any_turn(reward > trajectory.reward)"), "reward turns.reward");
        assert_eq!(reads("count_turns(env = 'shop') > 2"), "env turns");
        assert_eq!(reads("true"), "");
    }

    #[test]
    fn types_that_do_not_fit_are_explained() {
        insta::assert_snapshot!(refusal("reward > 'high'"), @r"
        reward > 'high'
        ^^^^^^^^^^^^^^^ these two cannot be compared or combined
        `reward` is a number, but `'high'` is text
        ");
        insta::assert_snapshot!(refusal("env = 3"), @r"
        env = 3
        ^^^^^^^ these two cannot be compared or combined
        `env` is text, but `3` is a number
        help: write text in single quotes: `'3'`
        ");
        insta::assert_snapshot!(refusal("success = 1"), @r"
        success = 1
        ^^^^^^^^^^^ these two cannot be compared or combined
        `success` is true or false, but `1` is a number
        help: `success` is a condition by itself: `success` or `not success`
        ");
        insta::assert_snapshot!(refusal("reward"), @r"
        reward
        ^^^^^^
        `reward` is a number, expected a condition
        help: compare it: `reward > 0`
        ");
        insta::assert_snapshot!(refusal("'größe' = env and env"), @r"
        'größe' = env and env
                          ^^^
        `env` is text, expected a condition
        help: compare it: `env = '…'`
        ");
        insta::assert_snapshot!(refusal("turns = 3"), @r"
        turns = 3
        ^^^^^
        `turns` is a list, which cannot be compared
        help: take its `length(…)`, or test it with `is null`
        ");
        insta::assert_snapshot!(refusal("(reward > 0) + 1 = 2"), @r"
        (reward > 0) + 1 = 2
        ^^^^^^^^^^^^
        `(reward > 0)` is true or false, expected a number
        ");
        insta::assert_snapshot!(refusal("env in ('a', 3)"), @r"
        env in ('a', 3)
        ^^^^^^^^^^^^^^ these two cannot be compared or combined
        `env` is text, but `3` is a number
        help: write text in single quotes: `'3'`
        ");
        insta::assert_snapshot!(refusal("seed like '1%'"), @r"
        seed like '1%'
        ^^^^
        `seed` is a number, expected text
        ");
        insta::assert_snapshot!(refusal("(reward is not null) > 0"), @r"
        (reward is not null) > 0
        ^^^^^^^^^^^^^^^^^^^^^^^^ these two cannot be compared or combined
        `(reward is not null)` is true or false, but `0` is a number
        help: `(reward is not null)` is a condition by itself: `(reward is not null)` or `not (reward is not null)`
        ");
        insta::assert_snapshot!(refusal("1 < reward < 2"), @r"
        1 < reward < 2
        ^^^^^^^^^^^^^^ these two cannot be compared or combined
        `1 < reward` is true or false, but `2` is a number
        help: write two comparisons joined by `and`, or `between`
        ");
        insta::assert_snapshot!(refusal("coalesce(reward, 'none') = 1"), @r"
        coalesce(reward, 'none') = 1
                 ^^^^^^^^^^^^^^ these two cannot be compared or combined
        `reward` is a number, but `'none'` is text
        ");
    }

    #[test]
    fn every_fault_of_a_condition_is_told() {
        let condition = "rewrad > 0 and env and any_turn(tol_name = 3) or env in (statu, reward > 'x') and \
            reward between seeed and 3 and regexp_like(envv, '(') and contains(seed, sedd) and coalesce(a1, b1) = 1";
        let said = filter(condition).unwrap().contract(&InputTypes::from(&imported_schema())).unwrap_err();
        let messages: Vec<&str> = said.iter().map(|problem| problem.message.as_str()).collect();
        insta::assert_snapshot!(messages.join("\n"), @"
        there is no column `rewrad`
        `env` is text, expected a condition
        there is no column `tol_name`
        there is no column `statu`
        `reward` is a number, but `'x'` is text
        there is no column `seeed`
        there is no column `envv`
        not a regular expression: unclosed group
        `seed` is a number, expected text
        there is no column `sedd`
        there is no column `a1`
        there is no column `b1`
        ");
    }

    #[test]
    fn sql_beyond_conditions_is_refused() {
        for condition in [
            "reward > any(1)",
            "exists (select 1)",
            "reward in (select 1)",
            "case when success then true else false end",
            "cast(seed as text) = '1'",
            "env similar to 'a'",
            "env like 'a!%' escape '!'",
            "env ~ 'a'",
            "env || 'x' = 'y'",
            "seed & 1 = 1",
            "date '2024-01-01' > reward",
            "env = x'00'",
            "1e999 > reward",
            "success = ?",
        ] {
            let refused = refusal(condition);
            assert!(!refused.starts_with("accepted"), "{condition}: {refused}");
        }
        insta::assert_snapshot!(refusal("reward > any(1)"), @r"
        reward > any(1)
        ^^^^^^^^^^^^^^^
        `reward > any(1)` is SQL that conditions do not have
        help: over the turns of a trajectory, write `any_turn(condition)` or `all_turns(condition)`
        ");
        insta::assert_snapshot!(refusal("success or case when success then true end"), @r"
        success or case when success then true end
                   ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
        `case when success then true end` is SQL that conditions do not have
        help: a condition is made of columns, literals, operators and functions
        ");
        insta::assert_snapshot!(refusal("env ~ 'a'"), @r"
        env ~ 'a'
        ^^^^^^^^^
        conditions do not have the operator `~`
        help: match patterns with `regexp_like(text, 'pattern')` or `like`
        ");
    }
}
