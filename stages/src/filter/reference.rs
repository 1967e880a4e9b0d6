//! Compares conditions with an interpreter that was written apart from them: a tree of its own, evaluated a value
//! at a time. Random conditions over random trajectories must agree, however the rows are cut into batches.

use arrow::array::BooleanArray;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use sternlight_engine::trajectory::{TrajectoryBatch, TrajectoryBuilder, TrajectoryRow, TurnRow};

use super::sample::answers;

/// A number as the documentation has it: integers exact, 32-bit floats apart from 64-bit ones.
#[derive(Clone, Copy, Debug)]
enum Number {
    Integer(i128),
    Single(f32),
    Double(f64),
}

impl Number {
    fn wide(self) -> f64 {
        match self {
            Self::Integer(value) => value as f64,
            Self::Single(value) => f64::from(value),
            Self::Double(value) => value,
        }
    }

    fn narrow(self) -> f32 {
        match self {
            Self::Integer(value) => value as f32,
            Self::Single(value) => value,
            Self::Double(value) => value as f32,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Width {
    Integer,
    Single,
    Double,
}

#[derive(Clone, Debug)]
enum Numeric {
    Reward,
    Seed,
    Turns,
    Length(Box<Textual>),
    Count(Box<Truth>),
    LastReward,
    Whole(i64),
    Fraction(f64),
    Absolute(Box<Numeric>),
    Operation(&'static str, Box<Numeric>, Box<Numeric>),
}

#[derive(Clone, Debug)]
enum Textual {
    Env,
    Tool,
    Literal(&'static str),
    Lower(Box<Textual>),
    Coalesce(Box<Textual>, Box<Textual>),
}

#[derive(Clone, Debug)]
enum Truth {
    Literal(Option<bool>),
    Success,
    ToolError,
    Not(Box<Truth>),
    Both(Box<Truth>, Box<Truth>),
    Either(Box<Truth>, Box<Truth>),
    Is(Box<Truth>, bool),
    Numbers(&'static str, Numeric, Numeric),
    Between(Numeric, Numeric, Numeric),
    AmongNumbers(Numeric, Vec<i64>, bool),
    Texts(&'static str, Textual, Textual),
    AmongTexts(Textual, Vec<Option<&'static str>>),
    Contains(Textual, &'static str),
    NumberIsNull(Numeric),
    AnyTurn(Box<Truth>),
    AllTurns(Box<Truth>),
}

/// One trajectory, and the turn at hand inside of a function over turns.
#[derive(Clone, Copy)]
struct Place<'a> {
    row: &'a TrajectoryRow,
    turn: Option<&'a TurnRow>,
}

impl<'a> Place<'a> {
    fn turns(self) -> impl Iterator<Item = Place<'a>> {
        self.row.turns.iter().map(move |turn| Place { turn: Some(turn), ..self })
    }
}

impl Numeric {
    fn sql(&self) -> String {
        match self {
            Self::Reward => "reward".into(),
            Self::Seed => "seed".into(),
            Self::Turns => "length(turns)".into(),
            Self::Length(text) => format!("length({})", text.sql()),
            Self::Count(truth) => format!("count_turns({})", truth.sql()),
            Self::LastReward => "last_turn(reward)".into(),
            Self::Whole(value) => value.to_string(),
            Self::Fraction(value) => format!("{value:?}"),
            Self::Absolute(number) => format!("abs({})", number.sql()),
            Self::Operation(operator, left, right) => format!("({} {operator} {})", left.sql(), right.sql()),
        }
    }

    /// The width of the outcome, and whether no column takes part.
    fn width(&self) -> (Width, bool) {
        match self {
            Self::Reward | Self::LastReward => (Width::Single, false),
            Self::Seed | Self::Turns | Self::Count(_) => (Width::Integer, false),
            Self::Length(text) => (Width::Integer, text.is_constant()),
            Self::Whole(_) => (Width::Integer, true),
            Self::Fraction(_) => (Width::Double, true),
            Self::Absolute(number) => number.width(),
            Self::Operation(operator, left, right) => match common(left, right) {
                (Width::Integer, constant) if *operator == "/" => (Width::Double, constant),
                other => other,
            },
        }
    }

    fn value(&self, place: Place<'_>) -> Option<Number> {
        Some(match self {
            Self::Reward => Number::Single(place.turn.map_or(place.row.reward, |turn| turn.reward)?),
            Self::Seed => Number::Integer(place.row.seed?.into()),
            Self::Turns => Number::Integer(place.row.turns.len() as i128),
            Self::Length(text) => Number::Integer(text.value(place)?.chars().count() as i128),
            Self::Count(truth) => {
                Number::Integer(place.turns().filter(|turn| truth.value(*turn) == Some(true)).count() as i128)
            }
            Self::LastReward => Number::Single(place.row.turns.last()?.reward?),
            Self::Whole(value) => Number::Integer((*value).into()),
            Self::Fraction(value) => Number::Double(*value),
            Self::Absolute(number) => match number.value(place)? {
                Number::Integer(value) => Number::Integer(value.abs()),
                Number::Single(value) => Number::Single(value.abs()),
                Number::Double(value) => Number::Double(value.abs()),
            },
            Self::Operation(operator, left, right) => {
                let (a, b) = (left.value(place)?, right.value(place)?);
                match (self.width().0, a, b) {
                    (Width::Integer, Number::Integer(a), Number::Integer(b)) => Number::Integer(match *operator {
                        "+" => a + b,
                        "-" => a - b,
                        "*" => a.checked_mul(b)?,
                        _ => a.checked_rem(b)?,
                    }),
                    (Width::Single, ..) => {
                        Number::Single(float(operator, a.narrow().into(), b.narrow().into())? as f32)
                    }
                    _ => Number::Double(float(operator, a.wide(), b.wide())?),
                }
            }
        })
    }
}

/// For 32-bit operands too: rounding the 64-bit result of one operation to 32 bits is rounding it once.
fn float(operator: &str, a: f64, b: f64) -> Option<f64> {
    let result = match operator {
        "+" => a + b,
        "-" => a - b,
        "*" => a * b,
        "/" if b == 0.0 => return None,
        "/" => a / b,
        _ => a % b,
    };
    (!result.is_nan()).then_some(result)
}

/// Constants take the width of columns; among columns the wider wins.
fn common(left: &Numeric, right: &Numeric) -> (Width, bool) {
    let ((left, left_constant), (right, right_constant)) = (left.width(), right.width());
    let width = match (left_constant, right_constant) {
        _ if left == right => left,
        (false, true) if left == Width::Single => Width::Single,
        (true, false) if right == Width::Single => Width::Single,
        _ => Width::Double,
    };
    (width, left_constant && right_constant)
}

fn ordering(left: &Numeric, right: &Numeric, place: Place<'_>) -> Option<std::cmp::Ordering> {
    let (a, b) = (left.value(place)?, right.value(place)?);
    match (common(left, right).0, a, b) {
        (Width::Integer, Number::Integer(a), Number::Integer(b)) => Some(a.cmp(&b)),
        (Width::Single, ..) => a.narrow().partial_cmp(&b.narrow()),
        _ => a.wide().partial_cmp(&b.wide()),
    }
}

fn holds(operator: &str, ordering: std::cmp::Ordering) -> bool {
    match operator {
        "=" => ordering.is_eq(),
        "<>" => ordering.is_ne(),
        "<" => ordering.is_lt(),
        "<=" => ordering.is_le(),
        ">" => ordering.is_gt(),
        _ => ordering.is_ge(),
    }
}

impl Textual {
    fn sql(&self) -> String {
        match self {
            Self::Env => "env".into(),
            Self::Tool => "tool_name".into(),
            Self::Literal(text) => quoted(text),
            Self::Lower(text) => format!("lower({})", text.sql()),
            Self::Coalesce(first, second) => format!("coalesce({}, {})", first.sql(), second.sql()),
        }
    }

    fn is_constant(&self) -> bool {
        match self {
            Self::Env | Self::Tool => false,
            Self::Literal(_) => true,
            Self::Lower(text) => text.is_constant(),
            Self::Coalesce(first, second) => first.is_constant() && second.is_constant(),
        }
    }

    fn value(&self, place: Place<'_>) -> Option<String> {
        match self {
            Self::Env => place.row.env.clone(),
            Self::Tool => place.turn.and_then(|turn| turn.tool_name.clone()),
            Self::Literal(text) => Some((*text).to_owned()),
            Self::Lower(text) => text.value(place).map(|text| text.to_lowercase()),
            Self::Coalesce(first, second) => first.value(place).or_else(|| second.value(place)),
        }
    }
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

impl Truth {
    fn sql(&self) -> String {
        match self {
            Self::Literal(value) => value.map_or("null".into(), |value| value.to_string()),
            Self::Success => "success".into(),
            Self::ToolError => "tool_error".into(),
            Self::Not(truth) => format!("not ({})", truth.sql()),
            Self::Both(left, right) => format!("({}) and ({})", left.sql(), right.sql()),
            Self::Either(left, right) => format!("({}) or ({})", left.sql(), right.sql()),
            Self::Is(truth, value) => format!("({}) is {value}", truth.sql()),
            Self::Numbers(operator, left, right) => format!("{} {operator} {}", left.sql(), right.sql()),
            Self::Between(value, low, high) => {
                format!("{} between {} and {}", value.sql(), low.sql(), high.sql())
            }
            Self::AmongNumbers(value, list, null) => {
                let mut items: Vec<String> = list.iter().map(i64::to_string).collect();
                items.extend(null.then(|| "null".to_owned()));
                format!("{} in ({})", value.sql(), items.join(", "))
            }
            Self::Texts(operator, left, right) => format!("{} {operator} {}", left.sql(), right.sql()),
            Self::AmongTexts(value, list) => {
                let items: Vec<String> = list.iter().map(|item| item.map_or("null".into(), quoted)).collect();
                format!("{} in ({})", value.sql(), items.join(", "))
            }
            Self::Contains(text, part) => format!("contains({}, {})", text.sql(), quoted(part)),
            Self::NumberIsNull(number) => format!("{} is null", number.sql()),
            Self::AnyTurn(truth) => format!("any_turn({})", truth.sql()),
            Self::AllTurns(truth) => format!("all_turns({})", truth.sql()),
        }
    }

    fn value(&self, place: Place<'_>) -> Option<bool> {
        match self {
            Self::Literal(value) => *value,
            Self::Success => place.row.success,
            Self::ToolError => place.turn.and_then(|turn| turn.tool_error),
            Self::Not(truth) => truth.value(place).map(|value| !value),
            Self::Both(left, right) => conjunction([left.value(place), right.value(place)]),
            Self::Either(left, right) => disjunction([left.value(place), right.value(place)]),
            Self::Is(truth, value) => Some(truth.value(place) == Some(*value)),
            Self::Numbers(operator, left, right) => {
                ordering(left, right, place).map(|ordering| holds(operator, ordering))
            }
            Self::Between(value, low, high) => conjunction([
                ordering(value, low, place).map(|ordering| ordering.is_ge()),
                ordering(value, high, place).map(|ordering| ordering.is_le()),
            ]),
            Self::AmongNumbers(value, list, null) => {
                let equal =
                    |item: &i64| ordering(value, &Numeric::Whole(*item), place).map(|ordering| ordering.is_eq());
                let mut answers: Vec<_> = list.iter().map(equal).collect();
                answers.extend(null.then_some(None));
                disjunction(answers)
            }
            Self::Texts(operator, left, right) => Some(holds(operator, left.value(place)?.cmp(&right.value(place)?))),
            Self::AmongTexts(value, list) => {
                let value = value.value(place);
                disjunction(list.iter().map(|item| Some(value.as_deref()? == (*item)?)))
            }
            Self::Contains(text, part) => text.value(place).map(|text| text.contains(part)),
            Self::NumberIsNull(number) => Some(number.value(place).is_none()),
            Self::AnyTurn(truth) => disjunction(place.turns().map(|turn| Some(truth.value(turn) == Some(true)))),
            Self::AllTurns(truth) => conjunction(place.turns().map(|turn| Some(truth.value(turn) == Some(true)))),
        }
    }
}

fn disjunction(answers: impl IntoIterator<Item = Option<bool>>) -> Option<bool> {
    let answers: Vec<_> = answers.into_iter().collect();
    if answers.contains(&Some(true)) { Some(true) } else { (!answers.contains(&None)).then_some(false) }
}

fn conjunction(answers: impl IntoIterator<Item = Option<bool>>) -> Option<bool> {
    disjunction(answers.into_iter().map(|answer| answer.map(|value| !value))).map(|value| !value)
}

const TEXTS: [&str; 5] = ["", "a", "ö'a", "Ab", "shop"];
const COMPARISONS: [&str; 6] = ["=", "<>", "<", "<=", ">", ">="];

fn numeric(in_turn: bool) -> BoxedStrategy<Numeric> {
    let mut leaves = vec![
        Just(Numeric::Reward).boxed(),
        Just(Numeric::Seed).boxed(),
        Just(Numeric::Turns).boxed(),
        textual(in_turn).prop_map(|text| Numeric::Length(Box::new(text))).boxed(),
        (0..4_i64).prop_map(Numeric::Whole).boxed(),
        select(vec![0.0, 0.1, 0.5, 2.0]).prop_map(Numeric::Fraction).boxed(),
    ];
    if !in_turn {
        leaves.push(Just(Numeric::LastReward).boxed());
        leaves.push(truth(true).prop_map(|truth| Numeric::Count(Box::new(truth))).boxed());
    }
    proptest::strategy::Union::new(leaves)
        .prop_recursive(2, 6, 2, |inner| {
            prop_oneof![
                inner.clone().prop_map(|number| Numeric::Absolute(Box::new(number))),
                (select(vec!["+", "-", "*", "/", "%"]), inner.clone(), inner)
                    .prop_map(|(operator, left, right)| Numeric::Operation(operator, left.into(), right.into())),
            ]
        })
        .boxed()
}

fn textual(in_turn: bool) -> BoxedStrategy<Textual> {
    let column = if in_turn { Textual::Tool } else { Textual::Env };
    prop_oneof![Just(Textual::Env), Just(column), select(TEXTS.to_vec()).prop_map(Textual::Literal)]
        .prop_recursive(2, 4, 2, |inner| {
            prop_oneof![
                inner.clone().prop_map(|text| Textual::Lower(Box::new(text))),
                (inner.clone(), inner).prop_map(|(first, second)| Textual::Coalesce(first.into(), second.into())),
            ]
        })
        .boxed()
}

fn truth(in_turn: bool) -> BoxedStrategy<Truth> {
    let comparison = || select(COMPARISONS.to_vec());
    let number = move || numeric(in_turn);
    let mut leaves = vec![
        option::of(any::<bool>()).prop_map(Truth::Literal).boxed(),
        Just(if in_turn { Truth::ToolError } else { Truth::Success }).boxed(),
        (comparison(), number(), number()).prop_map(|(by, left, right)| Truth::Numbers(by, left, right)).boxed(),
        (number(), number(), number()).prop_map(|(value, low, high)| Truth::Between(value, low, high)).boxed(),
        (number(), proptest::collection::vec(0..4_i64, 1..4), any::<bool>())
            .prop_map(|(value, list, null)| Truth::AmongNumbers(value, list, null))
            .boxed(),
        (comparison(), textual(in_turn), textual(in_turn))
            .prop_map(|(by, left, right)| Truth::Texts(by, left, right))
            .boxed(),
        (textual(in_turn), proptest::collection::vec(option::of(select(TEXTS.to_vec())), 1..4))
            .prop_map(|(value, list)| Truth::AmongTexts(value, list))
            .boxed(),
        (textual(in_turn), select(TEXTS.to_vec())).prop_map(|(text, part)| Truth::Contains(text, part)).boxed(),
        number().prop_map(Truth::NumberIsNull).boxed(),
    ];
    if !in_turn {
        leaves.push(truth(true).prop_map(|truth| Truth::AnyTurn(Box::new(truth))).boxed());
        leaves.push(truth(true).prop_map(|truth| Truth::AllTurns(Box::new(truth))).boxed());
    }
    proptest::strategy::Union::new(leaves)
        .prop_recursive(3, 8, 2, |inner| {
            prop_oneof![
                inner.clone().prop_map(|truth| Truth::Not(Box::new(truth))),
                (inner.clone(), inner.clone()).prop_map(|(left, right)| Truth::Both(left.into(), right.into())),
                (inner.clone(), inner.clone()).prop_map(|(left, right)| Truth::Either(left.into(), right.into())),
                (inner, any::<bool>()).prop_map(|(truth, value)| Truth::Is(truth.into(), value)),
            ]
        })
        .boxed()
}

fn reward() -> impl Strategy<Value = Option<f32>> {
    option::of(select(vec![0.0_f32, -0.0, 0.1, 0.5, 1.0, -2.0]))
}

fn row() -> impl Strategy<Value = TrajectoryRow> {
    let text = || option::of(select(TEXTS.to_vec()).prop_map(str::to_owned));
    let turn = (text(), option::of(any::<bool>()), reward()).prop_map(|(tool_name, tool_error, reward)| TurnRow {
        tool_name,
        tool_error,
        reward,
        ..TurnRow::default()
    });
    let seed = option::of(select(vec![0, 1, 2, 3, u64::MAX]));
    (proptest::collection::vec(turn, 0..4), text(), seed, reward(), option::of(any::<bool>())).prop_map(
        |(turns, env, seed, reward, success)| TrajectoryRow {
            turns,
            env,
            seed,
            reward,
            success,
            ..TrajectoryRow::default()
        },
    )
}

fn batch(rows: &[TrajectoryRow]) -> TrajectoryBatch {
    let mut builder = TrajectoryBuilder::new();
    rows.iter().for_each(|row| builder.push(row));
    builder.finish().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn conditions_say_what_the_interpreter_says(
        truth in truth(false),
        rows in proptest::collection::vec(row(), 0..8),
        cut in 0..8_usize,
    ) {
        let condition = truth.sql();
        let expected: Vec<_> = rows.iter().map(|row| truth.value(Place { row, turn: None })).collect();
        let whole = batch(&rows);
        prop_assert_eq!(&answers(&condition, &whole), &BooleanArray::from(expected), "{}", condition);

        let cut = cut.min(rows.len());
        let parts = [whole.record_batch().slice(0, cut), whole.record_batch().slice(cut, rows.len() - cut)];
        let parts = parts.map(|part| answers(&condition, &TrajectoryBatch::new(part).unwrap()));
        let joined: Vec<_> = parts.iter().flat_map(BooleanArray::iter).collect();
        prop_assert_eq!(&answers(&condition, &whole), &BooleanArray::from(joined), "{}", condition);
    }
}
