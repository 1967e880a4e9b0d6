//! A condition, or another expression, bound to columns: typed, and with nothing left to look up or to convert implicitly. Not concerned
//! with the text it came from.

use std::collections::HashSet;
use std::fmt;

use arrow::array::ArrayRef;
use arrow::datatypes::DataType;
use regex::Regex;
use sternlight_engine::column::ColumnPath;

/// The type of every integer: exact for all that any integer column can hold, and for sums and products of them.
pub(super) const INTEGER: DataType = DataType::Decimal128(38, 0);

/// What a value is, as conditions see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The literal `null`, which fits everywhere.
    Null,
    Boolean,
    Text,
    /// Exact, as [`INTEGER`].
    Integer,
    /// A float of 32 bits.
    Single,
    /// A float of 64 bits.
    Double,
    List,
    /// A type that conditions can only test for null.
    Opaque,
}

impl Kind {
    /// How a column of an Arrow type takes part in conditions.
    pub(super) fn of(data_type: &DataType) -> Self {
        match data_type {
            DataType::Null => Self::Null,
            DataType::Boolean => Self::Boolean,
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Self::Text,
            DataType::Dictionary(_, value) if Self::of(value) == Self::Text => Self::Text,
            data_type if data_type.is_integer() => Self::Integer,
            DataType::Float16 | DataType::Float32 => Self::Single,
            DataType::Float64 | DataType::Decimal128(..) | DataType::Decimal256(..) => Self::Double,
            DataType::List(_) | DataType::LargeList(_) | DataType::FixedSizeList(..) => Self::List,
            _ => Self::Opaque,
        }
    }

    /// The Arrow type of values of this kind while a condition is evaluated; `None` where they stay as they are.
    pub(super) fn data_type(self) -> Option<DataType> {
        match self {
            Self::Boolean => Some(DataType::Boolean),
            Self::Text => Some(DataType::Utf8),
            Self::Integer => Some(INTEGER),
            Self::Single => Some(DataType::Float32),
            Self::Double => Some(DataType::Float64),
            Self::Null | Self::List | Self::Opaque => None,
        }
    }

    pub(crate) fn is_number(self) -> bool {
        matches!(self, Self::Integer | Self::Single | Self::Double)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Null => "null",
            Self::Boolean => "true or false",
            Self::Text => "text",
            Self::Integer | Self::Single | Self::Double => "a number",
            Self::List => "a list",
            Self::Opaque => "a value that can only be tested for null",
        })
    }
}

/// Operators that compare two values of one kind.
#[derive(Clone, Copy, Debug)]
pub(super) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    /// Null counts as a value of its own.
    Distinct,
    NotDistinct,
}

/// Operators that make a number of two numbers of one kind.
#[derive(Clone, Copy, Debug)]
pub(super) enum Arithmetic {
    Add,
    Subtract,
    Multiply,
    /// Of floats only.
    Divide,
    Remainder,
}

/// Functions of one text.
#[derive(Clone, Copy, Debug)]
pub(super) enum TextFunction {
    Length,
    Lower,
    Upper,
}

/// Tests of one text against another.
#[derive(Clone, Copy, Debug)]
pub(super) enum TextTest {
    Like,
    LikeIgnoringCase,
    Contains,
    StartsWith,
    EndsWith,
}

/// What becomes of the values that an expression has at the turns of a trajectory.
#[derive(Clone, Copy, Debug)]
pub(super) enum OverTurns {
    Any,
    All,
    Count,
    First,
    Last,
}

/// The constants of an `in` list, without its nulls, each in Arrow's row encoding.
#[derive(Clone, Debug)]
pub(super) struct ValueSet {
    pub(super) encoded: HashSet<Box<[u8]>>,
    /// Whether the list held a null: then nothing is certainly outside of it.
    pub(super) has_null: bool,
}

/// A bound expression. Operands of one operator have the same kind and, constants apart, the same number of
/// values: one a trajectory, or one a turn.
#[derive(Clone, Debug)]
pub(super) enum Expression {
    /// One value, in an array of its own.
    Constant(ArrayRef),
    Column(ColumnPath, Kind),
    /// The value of its trajectory for each turn.
    Spread(Box<Expression>),
    /// A number as another kind of number.
    Convert(Box<Expression>, Kind),
    Compare(Comparison, Box<Expression>, Box<Expression>),
    And(Box<Expression>, Box<Expression>),
    Or(Box<Expression>, Box<Expression>),
    Not(Box<Expression>),
    IsNull(Box<Expression>),
    IsIn(Box<Expression>, ValueSet),
    Calculate(Arithmetic, Box<Expression>, Box<Expression>),
    Absolute(Box<Expression>),
    /// The first operand, or the second where that is null.
    Coalesce(Box<Expression>, Box<Expression>),
    /// Number of elements.
    ListLength(Box<Expression>),
    Text(TextFunction, Box<Expression>),
    Test(TextTest, Box<Expression>, Box<Expression>),
    Matches(Box<Expression>, Regex),
    OverTurns(OverTurns, Box<Expression>),
}
