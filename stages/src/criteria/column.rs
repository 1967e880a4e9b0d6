//! The column `criteria`, as sternlight writes it and reads it from others: a list of structs, one list a trajectory.

use std::borrow::Cow;
use std::sync::Arc;

use arrow::array::{
    Array as _, ArrayRef, AsArray as _, Float32Array, Float32Builder, ListArray, StringArray, StringBuilder,
    StructArray,
};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Fields};
use sternlight_engine::stage::StageError;

use super::CRITERIA;
use super::criterion::Criterion;

fn fields() -> Fields {
    let (text, number) = (DataType::Utf8, DataType::Float32);
    let columns = [("id", text.clone()), ("text", text), ("weight", number.clone()), ("satisfied", number)];
    columns.into_iter().map(|(name, data_type)| Field::new(name, data_type, true)).collect()
}

/// The type of the column.
pub(crate) fn data_type() -> DataType {
    DataType::List(Arc::new(Field::new("element", DataType::Struct(fields()), true)))
}

/// Whether a column of this type can be read as lists of criteria.
pub(super) fn is_list_of_criteria(data_type: &DataType) -> bool {
    let DataType::List(element) = data_type else { return false };
    let DataType::Struct(fields) = element.data_type() else { return false };
    let has = |name: &str| fields.iter().any(|field| field.name() == name);
    has("satisfied") && (has("text") || has("id"))
}

/// The column under construction, row by row.
#[derive(Default)]
pub(crate) struct CriteriaBuilder {
    lengths: Vec<usize>,
    known: Vec<bool>,
    id: StringBuilder,
    text: StringBuilder,
    weight: Float32Builder,
    satisfied: Float32Builder,
}

impl CriteriaBuilder {
    /// Adds a row; `None`: it has no criteria.
    pub(crate) fn push(&mut self, criteria: Option<&[Criterion<'_>]>) {
        let of_row = criteria.unwrap_or_default();
        self.known.push(criteria.is_some());
        self.lengths.push(of_row.len());
        for criterion in of_row {
            self.id.append_option(criterion.id.as_deref());
            self.text.append_option(criterion.text.as_deref());
            self.weight.append_option(criterion.weight);
            self.satisfied.append_option(criterion.satisfied);
        }
    }

    /// The column.
    ///
    /// # Errors
    /// If Arrow cannot put it together.
    pub(crate) fn finish(mut self) -> Result<ArrayRef, StageError> {
        let arrays: Vec<ArrayRef> = vec![
            Arc::new(self.id.finish()),
            Arc::new(self.text.finish()),
            Arc::new(self.weight.finish()),
            Arc::new(self.satisfied.finish()),
        ];
        let structs = StructArray::try_new(fields(), arrays, None)?;
        let element = Arc::new(Field::new("element", structs.data_type().clone(), true));
        let offsets = OffsetBuffer::from_lengths(self.lengths);
        Ok(Arc::new(ListArray::try_new(element, offsets, Arc::new(structs), Some(NullBuffer::from(self.known)))?))
    }
}

/// Lists of criteria in a batch, whoever wrote them: with other kinds of numbers and texts, or without a field.
pub(crate) struct Lists<'a> {
    list: &'a ListArray,
    id: Option<StringArray>,
    text: Option<StringArray>,
    weight: Option<Float32Array>,
    satisfied: Option<Float32Array>,
}

impl<'a> Lists<'a> {
    /// # Errors
    /// If the column is none of criteria.
    pub(super) fn of(column: &'a ArrayRef) -> Result<Self, StageError> {
        let wrong = || StageError::new(format!("column `{CRITERIA}` has type {}", column.data_type()));
        let list = column.as_list_opt::<i32>().ok_or_else(wrong)?;
        let structs = list.values().as_struct_opt().ok_or_else(wrong)?;
        let field = |name: &str, as_type: &DataType| -> Result<Option<ArrayRef>, StageError> {
            structs.column_by_name(name).map(|array| Ok(cast(array, as_type)?)).transpose()
        };
        let texts = |name| Ok::<_, StageError>(field(name, &DataType::Utf8)?.map(|array| array.as_string().clone()));
        let numbers =
            |name| Ok::<_, StageError>(field(name, &DataType::Float32)?.map(|array| array.as_primitive().clone()));
        let (weight, satisfied) = (numbers("weight")?, numbers("satisfied")?);
        Ok(Self { list, id: texts("id")?, text: texts("text")?, weight, satisfied })
    }

    /// The criteria of a row; `None` if it has no list.
    pub(super) fn row(&self, row: usize) -> Option<Vec<Criterion<'static>>> {
        if self.list.is_null(row) {
            return None;
        }
        let offsets = self.list.value_offsets();
        let (start, end) = (*offsets.get(row)? as usize, *offsets.get(row + 1)? as usize);
        let text = |column: &Option<StringArray>, index: usize| {
            let column = column.as_ref().filter(|column| column.is_valid(index))?;
            Some(Cow::Owned(column.value(index).to_owned()))
        };
        let number = |column: &Option<Float32Array>, index: usize| {
            column.as_ref().filter(|column| column.is_valid(index)).map(|column| column.value(index))
        };
        let criterion = |index: usize| Criterion {
            id: text(&self.id, index),
            text: text(&self.text, index),
            weight: number(&self.weight, index),
            satisfied: number(&self.satisfied, index),
        };
        Some((start..end).map(criterion).collect())
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{BooleanArray, Float64Array, Int64Array};

    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let criterion = |id: &'static str, satisfied| Criterion {
            id: Some(id.into()),
            text: Some("ü".into()),
            weight: Some(2.0),
            satisfied,
        };
        let rows = [Some(vec![criterion("a", Some(1.0)), criterion("b", None)]), None, Some(Vec::new())];
        let mut builder = CriteriaBuilder::default();
        rows.iter().for_each(|row| builder.push(row.as_deref()));
        let column = builder.finish().unwrap();
        assert_eq!(*column.data_type(), data_type());
        assert!(is_list_of_criteria(column.data_type()));
        let lists = Lists::of(&column).unwrap();
        assert_eq!([0, 1, 2].map(|row| lists.row(row)), rows);
        // A slice has its own rows.
        let slice = column.slice(1, 2);
        assert_eq!([0, 1].map(|row| Lists::of(&slice).unwrap().row(row)), rows[1..]);
    }

    #[test]
    fn others_may_write_other_numbers() {
        let columns: Vec<(Arc<Field>, ArrayRef)> = vec![
            (Arc::new(Field::new("id", DataType::Int64, true)), Arc::new(Int64Array::from(vec![7, 8]))),
            (Arc::new(Field::new("weight", DataType::Float64, true)), Arc::new(Float64Array::from(vec![0.5, 1.0]))),
            (
                Arc::new(Field::new("satisfied", DataType::Boolean, true)),
                Arc::new(BooleanArray::from(vec![Some(true), None])),
            ),
        ];
        let structs = StructArray::from(columns);
        let element = Arc::new(Field::new("item", structs.data_type().clone(), true));
        let list: ArrayRef =
            Arc::new(ListArray::new(element, OffsetBuffer::from_lengths([2]), Arc::new(structs), None));
        assert!(is_list_of_criteria(list.data_type()));
        let read = Lists::of(&list).unwrap().row(0).unwrap();
        assert_eq!((read[0].words(), read[0].weight, read[0].satisfied), ("7", Some(0.5), Some(1.0)));
        assert_eq!(read[1].satisfied, None);
    }
}
