//! Columns that the records have no field for, as JSON objects.

use arrow::array::{Array, ArrayRef, AsArray as _};
use arrow::datatypes::{
    DataType, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type, UInt32Type,
    UInt64Type,
};
use serde_json::{Map, Number, Value};
use sternlight_engine::column::ColumnPath;

/// Whether values of this type have a form in JSON here.
pub(crate) fn is_supported(data_type: &DataType) -> bool {
    match data_type {
        DataType::Null | DataType::Boolean | DataType::Utf8 | DataType::Float32 | DataType::Float64 => true,
        DataType::List(element) => is_supported(element.data_type()),
        DataType::Struct(fields) => fields.iter().all(|field| is_supported(field.data_type())),
        other => other.is_integer(),
    }
}

/// One object a row, or a turn; none where there is no such column. A null is `null`.
pub(crate) fn objects(columns: &[(&ColumnPath, &ArrayRef)], count: usize) -> Vec<String> {
    if columns.is_empty() {
        return Vec::new();
    }
    let object = |index| {
        let fields = columns.iter().map(|(path, array)| {
            let name = path.turn_name().unwrap_or(path.as_str());
            (name.to_owned(), value(array, index))
        });
        Value::Object(fields.collect()).to_string()
    };
    (0..count).map(object).collect()
}

pub(crate) fn value(array: &dyn Array, index: usize) -> Value {
    if index >= array.len() || array.is_null(index) {
        return Value::Null;
    }
    match array.data_type() {
        DataType::Boolean => Value::Bool(array.as_boolean().value(index)),
        DataType::Utf8 => Value::String(array.as_string::<i32>().value(index).to_owned()),
        DataType::Int8 => array.as_primitive::<Int8Type>().value(index).into(),
        DataType::Int16 => array.as_primitive::<Int16Type>().value(index).into(),
        DataType::Int32 => array.as_primitive::<Int32Type>().value(index).into(),
        DataType::Int64 => array.as_primitive::<Int64Type>().value(index).into(),
        DataType::UInt8 => array.as_primitive::<UInt8Type>().value(index).into(),
        DataType::UInt16 => array.as_primitive::<UInt16Type>().value(index).into(),
        DataType::UInt32 => array.as_primitive::<UInt32Type>().value(index).into(),
        DataType::UInt64 => array.as_primitive::<UInt64Type>().value(index).into(),
        DataType::Float32 => decimal(array.as_primitive::<Float32Type>().value(index).to_string()),
        DataType::Float64 => decimal(array.as_primitive::<Float64Type>().value(index).to_string()),
        DataType::List(_) => {
            let list = array.as_list::<i32>().value(index);
            Value::Array((0..list.len()).map(|element| value(&list, element)).collect())
        }
        DataType::Struct(fields) => {
            let columns = fields.iter().zip(array.as_struct().columns());
            Value::Object(
                columns.map(|(field, column)| (field.name().clone(), value(column, index))).collect::<Map<_, _>>(),
            )
        }
        _ => Value::Null,
    }
}

/// The shortest decimal that is the number; JSON has none for what is not finite.
fn decimal(text: String) -> Value {
    serde_json::from_str::<Number>(&text).map_or(Value::Null, Value::Number)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{BooleanArray, Float32Array, StringArray, UInt64Array};

    use super::*;

    #[test]
    fn values_keep_what_they_are() {
        let columns: [(ColumnPath, ArrayRef); 4] = [
            ("env".into(), Arc::new(StringArray::from(vec![Some("a\"b"), None]))),
            ("turns.weight".into(), Arc::new(Float32Array::from(vec![0.1, f32::NAN]))),
            ("big".into(), Arc::new(UInt64Array::from(vec![u64::MAX, 0]))),
            ("flag".into(), Arc::new(BooleanArray::from(vec![true, false]))),
        ];
        let columns: Vec<_> = columns.iter().map(|(path, array)| (path, array)).collect();
        insta::assert_snapshot!(objects(&columns, 2).join("\n"), @r#"
        {"env":"a\"b","weight":0.1,"big":18446744073709551615,"flag":true}
        {"env":null,"weight":null,"big":0,"flag":false}
        "#);
        assert!(objects(&[], 2).is_empty());
    }
}
