//! Kernels over whole columns that Arrow lacks, or has with other rules for zero, overflow and null.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{
    Array as _, ArrayRef, ArrowPrimitiveType, AsArray as _, BooleanArray, Decimal128Array, PrimitiveArray, StringArray,
};
use arrow::compute::cast;
use arrow::compute::kernels::arity::unary;
use arrow::datatypes::{DataType, Decimal128Type, Float32Type, Float64Type};
use arrow::error::ArrowError;
use arrow::row::{RowConverter, SortField};

use super::evaluate::Value;
use super::expression::{Arithmetic, INTEGER, Kind, ValueSet};

/// A column, or a number of any kind, as a kind. Negative zero becomes zero, which SQL takes for equal and Arrow
/// does not; what is not a number becomes null.
pub(super) fn convert(array: &ArrayRef, kind: Kind) -> Result<ArrayRef, ArrowError> {
    let Some(data_type) = kind.data_type() else { return Ok(Arc::clone(array)) };
    Ok(match (array.data_type(), kind) {
        (found, Kind::Single) if *found == INTEGER => {
            Arc::new(unary::<_, _, Float32Type>(array.as_primitive::<Decimal128Type>(), |value| value as f32))
        }
        (found, Kind::Double) if *found == INTEGER => {
            Arc::new(unary::<_, _, Float64Type>(array.as_primitive::<Decimal128Type>(), |value| value as f64))
        }
        (_, Kind::Single) => {
            let floats = cast(array, &data_type)?;
            Arc::new(floats.as_primitive::<Float32Type>().unary_opt::<_, Float32Type>(f32::certain))
        }
        (_, Kind::Double) => {
            let floats = cast(array, &data_type)?;
            Arc::new(floats.as_primitive::<Float64Type>().unary_opt::<_, Float64Type>(f64::certain))
        }
        (found, _) if *found == data_type => Arc::clone(array),
        _ => cast(array, &data_type)?,
    })
}

/// Integers in their one type.
pub(super) fn integers(values: impl IntoIterator<Item = Option<i128>>) -> ArrayRef {
    Arc::new(values.into_iter().collect::<Decimal128Array>().with_data_type(INTEGER))
}

/// Arithmetic on two numbers of one kind. Null where there is no result: a division by zero, an overflow of
/// integers, a float that is not a number.
pub(super) fn calculate(operator: Arithmetic, left: &Value, right: &Value) -> ArrayRef {
    match left.array.data_type() {
        DataType::Float32 => Arc::new(zip_numbers::<Float32Type>(left, right, |a, b| f32::calculate(operator, a, b))),
        DataType::Float64 => Arc::new(zip_numbers::<Float64Type>(left, right, |a, b| f64::calculate(operator, a, b))),
        _ => Arc::new(
            zip_numbers::<Decimal128Type>(left, right, |a, b| i128::calculate(operator, a, b)).with_data_type(INTEGER),
        ),
    }
}

/// Absolute values.
pub(super) fn absolute(array: &ArrayRef) -> ArrayRef {
    match array.data_type() {
        DataType::Float32 => Arc::new(array.as_primitive::<Float32Type>().unary::<_, Float32Type>(f32::abs)),
        DataType::Float64 => Arc::new(array.as_primitive::<Float64Type>().unary::<_, Float64Type>(f64::abs)),
        _ => integers(array.as_primitive::<Decimal128Type>().iter().map(|value| value.and_then(i128::checked_abs))),
    }
}

fn zip_numbers<T: ArrowPrimitiveType>(
    left: &Value,
    right: &Value,
    operation: impl Fn(T::Native, T::Native) -> Option<T::Native>,
) -> PrimitiveArray<T> {
    let (left_numbers, right_numbers) = (left.array.as_primitive::<T>(), right.array.as_primitive::<T>());
    let at = |numbers: &PrimitiveArray<T>, constant: bool, index: usize| {
        let index = if constant { 0 } else { index };
        numbers.is_valid(index).then(|| numbers.value(index))
    };
    let length = if left.constant { right_numbers.len() } else { left_numbers.len() };
    (0..length)
        .map(|index| operation(at(left_numbers, left.constant, index)?, at(right_numbers, right.constant, index)?))
        .collect()
}

trait Number: Copy {
    fn calculate(operator: Arithmetic, left: Self, right: Self) -> Option<Self>;
}

impl Number for i128 {
    fn calculate(operator: Arithmetic, left: Self, right: Self) -> Option<Self> {
        match operator {
            Arithmetic::Add => left.checked_add(right),
            Arithmetic::Subtract => left.checked_sub(right),
            Arithmetic::Multiply => left.checked_mul(right),
            Arithmetic::Divide => left.checked_div(right),
            Arithmetic::Remainder => left.checked_rem(right),
        }
    }
}

trait Float: Sized {
    fn certain(self) -> Option<Self>;
}

macro_rules! float {
    ($float:ty) => {
        impl Float for $float {
            fn certain(self) -> Option<Self> {
                (!self.is_nan()).then_some(self + 0.0)
            }
        }

        impl Number for $float {
            fn calculate(operator: Arithmetic, left: Self, right: Self) -> Option<Self> {
                match operator {
                    Arithmetic::Add => left + right,
                    Arithmetic::Subtract => left - right,
                    Arithmetic::Multiply => left * right,
                    Arithmetic::Divide if right == 0.0 => return None,
                    Arithmetic::Divide => left / right,
                    Arithmetic::Remainder => left % right,
                }
                .certain()
            }
        }
    };
}

float!(f32);
float!(f64);

/// Number of characters (Unicode scalar values) of each text.
pub(super) fn characters(texts: &StringArray) -> ArrayRef {
    integers(texts.iter().map(|text| text.map(|text| text.chars().count() as i128)))
}

/// The constants of an `in` list, given as arrays of one value and one type.
pub(super) fn value_set(constants: &[ArrayRef]) -> Result<ValueSet, ArrowError> {
    let mut set = ValueSet { encoded: HashSet::new(), has_null: false };
    for constant in constants {
        if constant.is_null(0) {
            set.has_null = true;
        } else {
            let encoded = rows_of(constant)?;
            set.encoded.insert(encoded.row(0).as_ref().into());
        }
    }
    Ok(set)
}

/// Which values are in the set: null where the value is, and where the set holds a null instead of the value.
pub(super) fn is_in(values: &ArrayRef, set: &ValueSet) -> Result<BooleanArray, ArrowError> {
    let encoded = rows_of(values)?;
    let answers = encoded.iter().enumerate().map(|(index, row)| match set.encoded.contains(row.as_ref()) {
        _ if values.is_null(index) => None,
        true => Some(true),
        false => (!set.has_null).then_some(false),
    });
    Ok(answers.collect())
}

fn rows_of(array: &ArrayRef) -> Result<arrow::row::Rows, ArrowError> {
    RowConverter::new(vec![SortField::new(array.data_type().clone())])?.convert_columns(&[Arc::clone(array)])
}
