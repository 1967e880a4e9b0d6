//! The batch world's bytes: what goes to a plugin, and what comes back, of which nothing is believed before it was
//! measured.
//!
//! Both ways it is an Arrow IPC stream of one record batch in the shape of a dataset: a column a column, and the columns
//! of turns inside of `turns`, a list of structs whose offsets begin at 0. Nothing is compressed, no dictionaries.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray as _, ListArray, RecordBatch, RecordBatchOptions, StructArray};
use arrow::buffer::Buffer;
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Fields, Schema};
use arrow::ipc::reader::StreamDecoder;
use arrow::ipc::writer::StreamEncoder;
use sternlight_engine::column::TURNS;
use sternlight_engine::contract::AddedColumn;
use sternlight_engine::dataset::guarded;
use sternlight_engine::stage::StageError;
use sternlight_engine::trajectory::TrajectoryBatch;

use crate::data_type;
use crate::description::PluginContract;
use crate::fault::Fault;
use crate::text::{printable, printable_name};

/// The columns that the plugin reads, as the pieces of a stream; most are the columns' own bytes.
///
/// # Errors
/// If Arrow cannot write them.
pub(crate) fn encoded(batch: &TrajectoryBatch, contract: &PluginContract) -> Result<Vec<Buffer>, StageError> {
    let mut fields = Vec::new();
    let mut columns: Vec<ArrayRef> = Vec::new();
    for (field, column) in batch.record_batch().schema_ref().fields().iter().zip(batch.record_batch().columns()) {
        if field.name() == TURNS {
            continue;
        }
        if contract.sends(field.name()) {
            fields.push(field.as_ref().clone());
            columns.push(Arc::clone(column));
        }
    }
    if let Some(list) = batch.turns_list().filter(|_| contract.sends_turns()) {
        let list = read_turns(list, contract)?;
        fields.push(Field::new(TURNS, list.data_type().clone(), true));
        columns.push(Arc::new(list));
    }
    let schema = Arc::new(Schema::new(fields));
    let options = RecordBatchOptions::new().with_row_count(Some(batch.rows()));
    let sent = RecordBatch::try_new_with_options(Arc::clone(&schema), columns, &options)?;
    let mut encoder = StreamEncoder::try_new(&schema)?;
    let mut pieces = encoder.encode(&sent)?;
    pieces.extend(encoder.finish()?);
    Ok(pieces)
}

/// The turns with only those columns that the plugin reads.
fn read_turns(list: &ListArray, contract: &PluginContract) -> Result<ListArray, StageError> {
    let turns = list.values().as_struct();
    let (fields, columns): (Vec<Arc<Field>>, Vec<ArrayRef>) = turns
        .fields()
        .iter()
        .zip(turns.columns())
        .filter(|(field, _)| contract.sends_of_turns(field.name()))
        .map(|(field, column)| (Arc::clone(field), Arc::clone(column)))
        .unzip();
    let structs = match columns.is_empty() {
        true => StructArray::new_empty_fields(turns.len(), turns.nulls().cloned()),
        false => StructArray::try_new(Fields::from(fields), columns, turns.nulls().cloned())?,
    };
    let element = Arc::new(Field::new("element", structs.data_type().clone(), true));
    Ok(ListArray::try_new(element, list.offsets().clone(), Arc::new(structs), list.nulls().cloned())?)
}

/// What came back: an array for each column that the plugin adds.
///
/// # Errors
/// If the bytes are no Arrow IPC stream, or hold other columns, types or numbers of rows or turns than they must.
pub(crate) fn decoded(bytes: Vec<u8>, batch: &TrajectoryBatch, adds: &[AddedColumn]) -> Result<Vec<ArrayRef>, Fault> {
    if adds.is_empty() {
        return Ok(Vec::new());
    }
    let found = stream(bytes)?;
    if found.num_rows() != batch.rows() {
        return Err(Fault::result(format!(
            "it returned {} rows, expected {}, as many as it got",
            found.num_rows(),
            batch.rows()
        )));
    }
    let turns = found.column_by_name(TURNS).map(|array| turns_of(array, batch)).transpose()?;
    for field in found.schema_ref().fields().iter().filter(|field| field.name() != TURNS) {
        if !adds.iter().any(|column| column.path.as_str() == field.name()) {
            let name = printable_name(field.name());
            return Err(Fault::result(format!("it returned a column `{name}`, which its contract does not add")));
        }
    }
    adds.iter()
        .map(|column| {
            let array = match column.path.turn_name() {
                None => found.column_by_name(column.path.as_str()).cloned(),
                Some(name) => turns.as_ref().and_then(|turns| turns.column_by_name(name).cloned()),
            };
            let array = array.ok_or_else(|| Fault::result(format!("it returned no column `{}`", column.path)))?;
            as_declared(array, column)
        })
        .collect()
}

/// The only record batch of a stream.
fn stream(bytes: Vec<u8>) -> Result<RecordBatch, Fault> {
    let decode = || {
        let mut buffer = Buffer::from_vec(bytes);
        let mut decoder = StreamDecoder::new();
        let mut batches = Vec::new();
        while !buffer.is_empty() && batches.len() < 2 {
            match decoder.decode(&mut buffer) {
                Ok(Some(batch)) => batches.push(batch),
                Ok(None) => break,
                Err(error) => return Err(error.to_string()),
            }
        }
        match (batches.pop(), batches.is_empty()) {
            (Some(batch), true) => Ok(batch),
            (None, _) => Err("it ends before a record batch".to_owned()),
            (Some(_), false) => Err("it holds more than one record batch".to_owned()),
        }
    };
    // The decoder is somebody else's, and what it reads is anybody's.
    match guarded::<_, StageError>(|| Ok(decode())) {
        Ok(Ok(batch)) => Ok(batch),
        Ok(Err(reason)) => Err(Fault::result(format!("it returned no Arrow IPC stream: {}", first_line(&reason)))),
        Err(_) => Err(Fault::result("it returned no Arrow IPC stream: it cannot be decoded")),
    }
}

fn first_line(text: &str) -> String {
    printable(text.lines().next().unwrap_or_default())
}

/// The columns of the turns that came back, if there are as many turns as there were.
fn turns_of(array: &ArrayRef, batch: &TrajectoryBatch) -> Result<StructArray, Fault> {
    let list = array.as_list_opt::<i32>().filter(|list| list.values().as_struct_opt().is_some());
    let list = list.ok_or_else(|| {
        let found = shown(array.data_type());
        Fault::result(format!("it returned `turns` of type {found}, expected a list of structs"))
    })?;
    for row in 0..batch.rows() {
        let (found, expected) = (list.value_length(row), batch.turns_of(row).len());
        if usize::try_from(found) != Ok(expected) {
            return Err(Fault::result(format!(
                "it returned {found} turns for trajectory `{}`, expected {expected}",
                batch.name_of(row)
            )));
        }
    }
    let offsets = list.value_offsets();
    let (first, last) = (offsets.first().copied().unwrap_or(0), offsets.last().copied().unwrap_or(0));
    Ok(list.values().as_struct().slice(first as usize, (last - first) as usize))
}

/// With the very type that the contract declares: elements of lists may be called otherwise.
fn as_declared(array: ArrayRef, column: &AddedColumn) -> Result<ArrayRef, Fault> {
    if *array.data_type() == column.data_type {
        return Ok(array);
    }
    let differs = || {
        Fault::result(format!(
            "it returned `{}` of type {}, expected `{}`",
            column.path,
            shown(array.data_type()),
            data_type::name(&column.data_type)
        ))
    };
    if !data_type::is_alike(array.data_type(), &column.data_type) {
        return Err(differs());
    }
    cast(&array, &column.data_type).map_err(|_| differs())
}

fn shown(data_type: &DataType) -> String {
    format!("`{}`", printable_name(&data_type::name(data_type)))
}

#[cfg(test)]
mod tests {
    use arrow::array::{Float32Array, StringArray};
    use arrow::ipc::writer::StreamWriter;
    use proptest::prelude::*;
    use sternlight_engine::trajectory::{TrajectoryBuilder, TrajectoryRow, TurnRow};

    use super::*;

    fn batch() -> TrajectoryBatch {
        batch_of(&[2, 0, 1])
    }

    fn batch_of(turns: &[usize]) -> TrajectoryBatch {
        let mut builder = TrajectoryBuilder::new();
        for turns in turns.iter().copied() {
            let turn = TurnRow { observation: "saw".to_owned(), action: "did".to_owned(), ..TurnRow::default() };
            builder.push(&TrajectoryRow {
                trajectory_id: format!("t{turns}"),
                turns: vec![turn; turns],
                ..TrajectoryRow::default()
            });
        }
        builder.finish().unwrap()
    }

    fn contract(reads: &[&str], adds: Vec<AddedColumn>) -> PluginContract {
        let reads = reads.iter().map(|path| ((*path).into(), None)).collect();
        PluginContract { reads, adds, ..PluginContract::default() }
    }

    fn bytes_of(batch: &RecordBatch) -> Vec<u8> {
        let mut writer = StreamWriter::try_new(Vec::new(), batch.schema_ref()).unwrap();
        writer.write(batch).unwrap();
        writer.finish().unwrap();
        writer.into_inner().unwrap()
    }

    fn columns(columns: Vec<(&str, ArrayRef)>) -> Vec<u8> {
        bytes_of(&RecordBatch::try_from_iter(columns).unwrap())
    }

    fn fault(bytes: Vec<u8>, adds: &[AddedColumn]) -> String {
        decoded(bytes, &batch(), adds).unwrap_err().to_string()
    }

    #[test]
    fn only_what_is_read_is_sent() {
        let sent = |batch: &TrajectoryBatch, contract: &PluginContract| {
            let pieces = encoded(batch, contract).unwrap();
            stream(pieces.iter().flat_map(|piece| piece.as_slice()).copied().collect()).unwrap()
        };
        let all = sent(&batch(), &contract(&["trajectory_id", "turns.action"], Vec::new()));
        let names: Vec<&String> = all.schema_ref().fields().iter().map(|field| field.name()).collect();
        assert_eq!(names, ["trajectory_id", "turns"]);
        let turns = all.column(1).as_list::<i32>();
        assert_eq!(
            (turns.value_offsets(), turns.values().as_struct().column_names()),
            (&[0, 2, 2, 3][..], vec!["action"])
        );
        let counts = contract(&[], vec![AddedColumn::new("turns.advantage", DataType::Float32)]);
        let counted = sent(&batch(), &counts);
        assert_eq!(counted.column(0).as_list::<i32>().value_offsets(), [0, 2, 2, 3]);
        // A part of a batch is a batch.
        let part = TrajectoryBatch::new(batch().record_batch().slice(2, 1)).unwrap();
        let part = sent(&part, &contract(&["turns.action"], Vec::new()));
        assert_eq!(part.column(0).as_list::<i32>().value_offsets(), [0, 1]);
    }

    #[test]
    fn what_comes_back_is_measured() {
        let reward = [AddedColumn::new("reward", DataType::Float32)];
        let three: ArrayRef = Arc::new(Float32Array::from(vec![Some(1.0), None, Some(2.0)]));
        let good = decoded(columns(vec![("reward", Arc::clone(&three))]), &batch(), &reward).unwrap();
        assert_eq!(good.len(), 1);
        let two: ArrayRef = Arc::new(Float32Array::from(vec![1.0, 2.0]));
        let text: ArrayRef = Arc::new(StringArray::from(vec!["a", "b", "c"]));
        insta::assert_snapshot!(fault(columns(vec![("reward", two)]), &reward), @"it returned 2 rows, expected 3, as many as it got");
        insta::assert_snapshot!(fault(columns(vec![("reward", Arc::clone(&text))]), &reward), @"it returned `reward` of type `utf8`, expected `float32`");
        insta::assert_snapshot!(fault(columns(vec![("other", three)]), &reward), @"it returned a column `other`, which its contract does not add");
        insta::assert_snapshot!(fault(columns(vec![("turns", Arc::clone(&text))]), &reward), @"it returned `turns` of type `utf8`, expected a list of structs");
        insta::assert_snapshot!(fault(Vec::new(), &reward), @"it returned no Arrow IPC stream: it ends before a record batch");
        let turns = [AddedColumn::new("turns.length", DataType::Float32)];
        let flat: ArrayRef = Arc::new(Float32Array::from(vec![1.0, 2.0, 3.0]));
        let list = |lengths: [usize; 3]| -> ArrayRef {
            let structs =
                StructArray::from(vec![(Arc::new(Field::new("length", DataType::Float32, true)), Arc::clone(&flat))]);
            let element = Arc::new(Field::new("element", structs.data_type().clone(), true));
            Arc::new(ListArray::new(
                element,
                arrow::buffer::OffsetBuffer::from_lengths(lengths),
                Arc::new(structs),
                None,
            ))
        };
        assert_eq!(decoded(columns(vec![("turns", list([2, 0, 1]))]), &batch(), &turns).unwrap()[0].len(), 3);
        insta::assert_snapshot!(fault(columns(vec![("turns", list([1, 1, 1]))]), &turns), @"it returned 1 turns for trajectory `t2`, expected 2");
        let sent = RecordBatch::try_from_iter(vec![("reward", text)]).unwrap();
        let mut writer = StreamWriter::try_new(Vec::new(), sent.schema_ref()).unwrap();
        (0..2).for_each(|_| writer.write(&sent).unwrap());
        writer.finish().unwrap();
        insta::assert_snapshot!(fault(writer.into_inner().unwrap(), &reward), @"it returned no Arrow IPC stream: it holds more than one record batch");
    }

    /// The SDKs for Python and JavaScript write these very bytes, which their own tests see to.
    #[test]
    fn what_sdks_write_is_taken() {
        let told: serde_json::Value = serde_json::from_str(include_str!("../sdk/golden/columns.json")).unwrap();
        let turns: Vec<usize> = serde_json::from_value(told["turns"].clone()).unwrap();
        let batch = batch_of(&turns);
        let columns = told["columns"].as_object().unwrap().iter();
        let data_type = |column: &serde_json::Value| data_type::parse(column["type"].as_str().unwrap()).unwrap();
        let adds: Vec<AddedColumn> =
            columns.map(|(path, column)| AddedColumn::new(path.as_str(), data_type(column))).collect();
        let found = decoded(include_bytes!("../sdk/golden/by_sdk.arrow").to_vec(), &batch, &adds).unwrap();
        let other = stream(include_bytes!("../sdk/golden/by_pyarrow.arrow").to_vec()).unwrap();
        let other_turns = turns_of(other.column_by_name(TURNS).unwrap(), &batch).unwrap();
        for (column, found) in adds.iter().zip(found) {
            let expected = match column.path.turn_name() {
                None => other.column_by_name(column.path.as_str()),
                Some(name) => other_turns.column_by_name(name),
            };
            let expected = as_declared(Arc::clone(expected.unwrap()), column).unwrap();
            assert_eq!(found.as_ref(), expected.as_ref(), "{}", column.path);
        }
    }

    proptest! {
        /// Whatever a guest returns, the host goes on.
        #[test]
        fn damaged_streams_are_faults_or_right(places in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6), cut in any::<prop::sample::Index>(), is_cut in any::<bool>()) {
            let adds = [AddedColumn::new("note", DataType::Utf8), AddedColumn::new("turns.length", DataType::Float32)];
            let note: ArrayRef = Arc::new(StringArray::from(vec![Some("a"), None, Some("c")]));
            let flat: ArrayRef = Arc::new(Float32Array::from(vec![1.0, 2.0, 3.0]));
            let structs = StructArray::from(vec![(Arc::new(Field::new("length", DataType::Float32, true)), flat)]);
            let element = Arc::new(Field::new("element", structs.data_type().clone(), true));
            let turns: ArrayRef = Arc::new(ListArray::new(element, arrow::buffer::OffsetBuffer::from_lengths([2, 0, 1]), Arc::new(structs), None));
            let mut bytes = columns(vec![("note", note), ("turns", turns)]);
            if is_cut {
                bytes.truncate(cut.index(bytes.len()));
            }
            for (place, value) in &places {
                if !bytes.is_empty() {
                    let index = place.index(bytes.len());
                    bytes[index] = *value;
                }
            }
            if let Ok(arrays) = decoded(bytes, &batch(), &adds) {
                prop_assert_eq!((arrays[0].len(), arrays[1].len()), (3, 3));
                prop_assert!(arrays.iter().all(|array| array.to_data().validate_full().is_ok()));
            }
        }
    }
}
