//! Reader and writer against the arrow crates, and the reader against bytes that were tampered with.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray as _, BooleanArray, Float32Array, ListArray, RecordBatch, StringArray};
use arrow::array::{Float64Array, Int8Array, Int32Array, Int64Array, StructArray, UInt16Array, UInt64Array};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, Float32Type, Int32Type, Schema};
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;
use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

fn sent(batch: &RecordBatch) -> Vec<u8> {
    let mut writer = StreamWriter::try_new(Vec::new(), &batch.schema()).unwrap();
    writer.write(batch).unwrap();
    writer.into_inner().unwrap()
}

fn received(ipc: &[u8]) -> RecordBatch {
    let mut batches: Vec<_> = StreamReader::try_new(ipc, None).unwrap().map(Result::unwrap).collect();
    assert_eq!(batches.len(), 1);
    batches.remove(0)
}

/// Trajectories as the engine has them: text, numbers, truth values, and turns with lists of tokens.
fn trajectories(prompts: Vec<Option<String>>, lengths: &[usize]) -> RecordBatch {
    let rows = prompts.len();
    let total = lengths.iter().sum::<usize>();
    let actions = StringArray::from_iter_values((0..total).map(|turn| format!("action {turn} é")));
    let tokens = ListArray::from_iter_primitive::<Int32Type, _, _>(
        (0..total).map(|turn| (turn % 3 != 1).then(|| (0..turn as i32 % 4).map(Some).collect::<Vec<_>>())),
    );
    let turn = StructArray::from(vec![
        (Arc::new(Field::new("action", DataType::Utf8, false)), Arc::new(actions) as ArrayRef),
        (Arc::new(Field::new("action_tokens", tokens.data_type().clone(), true)), Arc::new(tokens) as ArrayRef),
    ]);
    let item = Arc::new(Field::new("item", turn.data_type().clone(), true));
    let turns = ListArray::new(item, OffsetBuffer::from_lengths(lengths.iter().copied()), Arc::new(turn), None);
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("prompt", Arc::new(StringArray::from(prompts))),
        ("success", Arc::new(BooleanArray::from_iter((0..rows).map(|row| (row % 3 != 0).then_some(row % 2 == 0))))),
        ("reward", Arc::new(Float32Array::from_iter((0..rows).map(|row| (row % 4 != 0).then_some(row as f32 / 4.0))))),
        ("score", Arc::new(Float64Array::from_iter_values((0..rows).map(|row| row as f64 / 3.0)))),
        ("seed", Arc::new(UInt64Array::from_iter_values((0..rows).map(|row| u64::MAX - row as u64)))),
        ("small", Arc::new(Int8Array::from_iter_values((0..rows).map(|row| -(row as i8 % 100))))),
        ("port", Arc::new(UInt16Array::from_iter_values((0..rows).map(|row| u16::MAX - row as u16)))),
        ("debt", Arc::new(Int64Array::from_iter((0..rows).map(|row| (row != 1).then_some(-(row as i64)))))),
        ("turns", Arc::new(turns)),
    ];
    RecordBatch::try_from_iter(columns).unwrap()
}

/// Every value of a column as text, through every accessor.
fn walk(column: &Column<'_>, told: &mut String) {
    for row in 0..column.len().min(1000) + 1 {
        let (text, number, integer) = (column.text(row), column.number(row), column.integer(row));
        *told += &format!("{text:?} {number:?} {integer:?} {:?} {:?};", column.boolean(row), column.list(row));
    }
    if let Some(items) = column.items() {
        walk(items, told);
        for name in ["action", "action_tokens"] {
            items.field(name).into_iter().for_each(|column| walk(column, told));
        }
    }
}

/// Every value of the batch as text.
fn told(batch: &Batch<'_>) -> String {
    let mut all = String::new();
    for path in ["prompt", "success", "reward", "score", "seed", "small", "port", "debt", "turns"] {
        batch.column(path).into_iter().for_each(|column| walk(column, &mut all));
    }
    (0..batch.rows().min(1000)).for_each(|row| all += &format!("{:?}", batch.turns_of(row)));
    all
}

fn assert_same(batch: &Batch<'_>, expected: &RecordBatch) {
    assert_eq!(batch.rows(), expected.num_rows());
    let column = |path| batch.column(path).unwrap();
    let array = |name| expected.column_by_name(name).unwrap();
    let turns = array("turns").as_list::<i32>();
    for row in 0..batch.rows() {
        let prompts = array("prompt").as_string::<i32>();
        assert_eq!(column("prompt").text(row), prompts.is_valid(row).then(|| prompts.value(row)));
        let successes = array("success").as_boolean();
        assert_eq!(column("success").boolean(row), successes.is_valid(row).then(|| successes.value(row)));
        let rewards = array("reward").as_primitive::<Float32Type>();
        assert_eq!(column("reward").number(row), rewards.is_valid(row).then(|| f64::from(rewards.value(row))));
        let seeds = array("seed").as_primitive::<arrow::datatypes::UInt64Type>();
        assert_eq!(column("seed").integer(row), Some(i128::from(seeds.value(row))));
        let smalls = array("small").as_primitive::<arrow::datatypes::Int8Type>();
        assert_eq!(column("small").integer(row), Some(i128::from(smalls.value(row))));
        let debts = array("debt").as_primitive::<arrow::datatypes::Int64Type>();
        assert_eq!(column("debt").integer(row), debts.is_valid(row).then(|| i128::from(debts.value(row))));
        let own = turns.value(row);
        let own = own.as_struct();
        let range = batch.turns_of(row);
        assert_eq!(range.len(), own.len());
        for (turn, place) in range.enumerate() {
            assert_eq!(column("turns.action").text(place), Some(own.column(0).as_string::<i32>().value(turn)));
            let lists = own.column(1).as_list::<i32>();
            let tokens = column("turns.action_tokens");
            let read = tokens
                .list(place)
                .map(|range| range.map(|token| tokens.items().unwrap().integer(token).unwrap()).collect::<Vec<_>>());
            let expected = lists.is_valid(turn).then(|| {
                lists.value(turn).as_primitive::<Int32Type>().values().iter().map(|token| i128::from(*token)).collect()
            });
            assert_eq!(read, expected);
        }
    }
}

#[test]
fn types_are_told_in_the_words_of_arrow() {
    let ipc = sent(&trajectories(vec![None], &[1]));
    let batch = Batch::read(&ipc).unwrap();
    let types = ["prompt", "success", "reward", "score", "seed", "small", "turns.action_tokens"];
    let told: Vec<String> = types.iter().map(|path| batch.column(path).unwrap().type_name()).collect();
    assert_eq!(told, ["utf8", "bool", "float32", "float64", "uint64", "int8", "list<int32>"]);
    assert!(batch.column("turns.absent").is_none() && batch.column("prompt.x").is_none());
}

#[test]
fn what_is_wrong_is_told() {
    let whole = sent(&trajectories(vec![Some("a".to_owned())], &[2]));
    let told = |ipc: &[u8]| Batch::read(ipc).unwrap_err().to_string();
    let prefix = "the batch is not a valid Arrow IPC stream: ";
    assert_eq!(told(b""), format!("{prefix}it ends too early"));
    assert_eq!(told(b"junkjunkjunk"), format!("{prefix}a message does not begin with its mark"));
    let dates = RecordBatch::try_from_iter([("day", Arc::new(arrow::array::Date32Array::from(vec![1])) as ArrayRef)]);
    let message = told(&sent(&dates.unwrap()));
    assert_eq!(message, format!("{prefix}column `day` has a type that is not understood (number 8)"));
    for length in 0..whole.len() - 8 {
        assert!(Batch::read(&whole[..length]).is_err(), "{length} of {} bytes", whole.len());
    }
}

#[test]
fn offsets_lie_between_characters_and_do_not_fall() {
    let texts: ArrayRef = Arc::new(StringArray::from(vec!["aé", "b"]));
    let whole = sent(&RecordBatch::try_from_iter([("text", texts)]).unwrap());
    let offsets: Vec<u8> = [0, 3, 4].into_iter().flat_map(i32::to_le_bytes).collect();
    let at = whole.windows(offsets.len()).position(|window| window == offsets).unwrap();
    let read = |second: u8| {
        let mut ipc = whole.clone();
        ipc[at + 4] = second;
        let batch = Batch::read(&ipc).map_err(|invalid| invalid.to_string())?;
        Ok(batch.column("text").and_then(|column| column.text(0)).map(str::to_owned))
    };
    let wrong =
        |what: &str| Err(format!("the batch is not a valid Arrow IPC stream: column `text` has offsets {what}"));
    let text = |text: &str| Ok(Some(text.to_owned()));
    assert_eq!([0, 1, 3, 4].map(read), [text(""), text("a"), text("aé"), text("aéb")]);
    assert_eq!([read(2), read(5)], [wrong("within a character"), wrong("that fall")]);
}

/// Bytes of other implementations, which the tests of the SDKs for other languages read and write as well.
#[test]
fn what_others_write_is_read() {
    let golden = [
        include_bytes!("../../../golden/by_pyarrow.arrow").as_slice(),
        include_bytes!("../../../golden/by_sdk.arrow").as_slice(),
    ];
    let [first, second] = golden.map(|ipc| Batch::read(ipc).unwrap());
    let told: serde_json::Value = serde_json::from_str(include_str!("../../../golden/columns.json")).unwrap();
    for (path, column) in told["columns"].as_object().unwrap() {
        let (first, second) = (first.column(path).unwrap(), second.column(path).unwrap());
        assert_eq!(
            (first.type_name(), second.type_name()),
            (column["type"].as_str().unwrap().to_owned(), first.type_name())
        );
        let mut values = [String::new(), String::new()];
        walk(first, &mut values[0]);
        walk(second, &mut values[1]);
        assert_eq!(values[0], values[1], "{path}");
    }
    let prompts: Vec<_> = (0..4).map(|row| first.column("prompt").unwrap().text(row)).collect();
    assert_eq!(prompts, [Some("go north"), Some(""), None, Some("größer 日本 🌲")]);
    assert_eq!((0..4).map(|row| second.turns_of(row)).collect::<Vec<_>>(), [0..2, 2..2, 2..3, 3..6]);
}

#[test]
fn a_batch_without_rows_or_columns_is_read() {
    let empty = sent(&trajectories(Vec::new(), &[]));
    assert_eq!(Batch::read(&empty).unwrap().rows(), 0);
    let none = RecordBatch::try_new_with_options(
        Arc::new(Schema::empty()),
        Vec::new(),
        &arrow::array::RecordBatchOptions::new().with_row_count(Some(3)),
    );
    assert_eq!(Batch::read(&sent(&none.unwrap())).unwrap().rows(), 3);
    assert_eq!(received(&write(0, &[("x".to_owned(), Values::Text(Vec::new()))], None)).num_rows(), 0);
}

fn values(rows: usize) -> impl Strategy<Value = Values> {
    prop_oneof![
        vec(any::<Option<bool>>(), rows).prop_map(Values::Boolean),
        vec(any::<Option<i32>>(), rows).prop_map(Values::Int32),
        vec(any::<Option<i64>>(), rows).prop_map(Values::Int64),
        vec(any::<Option<u64>>(), rows).prop_map(Values::UInt64),
        vec(proptest::option::of(-1e6_f32..1e6), rows).prop_map(Values::Float32),
        vec(proptest::option::of(-1e6..1e6), rows).prop_map(Values::Float64),
        vec(any::<Option<String>>(), rows).prop_map(Values::Text),
        vec(proptest::option::of(vec(any::<i32>(), 0..4)), rows).prop_map(Values::Int32List),
        vec(proptest::option::of(vec(-1e6_f32..1e6, 0..4)), rows).prop_map(Values::Float32List),
    ]
}

fn arrow_array(values: &Values) -> ArrayRef {
    fn list<T: arrow::array::ArrowPrimitiveType>(values: &[Option<Vec<T::Native>>]) -> ArrayRef {
        let lists = values.iter().map(|value| value.as_ref().map(|list| list.iter().copied().map(Some)));
        Arc::new(ListArray::from_iter_primitive::<T, _, _>(lists))
    }
    match values {
        Values::Boolean(values) => Arc::new(BooleanArray::from(values.clone())),
        Values::Int32(values) => Arc::new(Int32Array::from(values.clone())),
        Values::Int64(values) => Arc::new(Int64Array::from(values.clone())),
        Values::UInt64(values) => Arc::new(UInt64Array::from(values.clone())),
        Values::Float32(values) => Arc::new(Float32Array::from(values.clone())),
        Values::Float64(values) => Arc::new(Float64Array::from(values.clone())),
        Values::Text(values) => Arc::new(StringArray::from(values.clone())),
        Values::Int32List(values) => list::<Int32Type>(values),
        Values::Float32List(values) => list::<Float32Type>(values),
    }
}

proptest! {
    #[test]
    fn what_arrow_writes_is_read(
        prompts in vec(any::<Option<String>>(), 0..12),
        lengths in vec(0_usize..5, 12),
        from in 0_usize..12,
    ) {
        let whole = trajectories(prompts.clone(), &lengths[..prompts.len()]);
        let from = from.min(whole.num_rows());
        for batch in [whole.clone(), whole.slice(from, whole.num_rows() - from)] {
            let ipc = sent(&batch);
            assert_same(&Batch::read(&ipc).unwrap(), &batch);
        }
    }

    #[test]
    fn arrow_reads_what_is_written(
        (rows, row_values, turn_values) in vec(0_usize..4, 0..10).prop_flat_map(|counts| {
            let total = counts.iter().sum();
            (Just(counts.clone()), vec(values(counts.len()), 0..4), vec(values(total), 1..4))
        }),
    ) {
        let named = |values: &[Values]| -> Vec<_> {
            values.iter().enumerate().map(|(i, values)| (format!("column_{i}"), values.clone())).collect()
        };
        let (of_rows, of_turns) = (named(&row_values), named(&turn_values));
        let ipc = write(rows.len(), &of_rows, Some(Turns { counts: &rows, columns: &of_turns }));
        let batch = received(&ipc);
        prop_assert_eq!(batch.num_rows(), rows.len());
        for (name, values) in &of_rows {
            prop_assert_eq!(batch.column_by_name(name).unwrap(), &arrow_array(values));
        }
        let turns = batch.column_by_name("turns").unwrap().as_list::<i32>();
        let counts: Vec<usize> = turns.offsets().lengths().collect();
        prop_assert_eq!(counts, rows.clone());
        for (name, values) in &of_turns {
            prop_assert_eq!(turns.values().as_struct().column_by_name(name).unwrap(), &arrow_array(values));
        }
        prop_assert_eq!(Batch::read(&ipc).unwrap().rows(), rows.len());
    }

    #[test]
    fn bytes_that_were_tampered_with_never_panic(
        changes in vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in any::<Option<prop::sample::Index>>(),
    ) {
        let mut ipc = sent(&trajectories(vec![Some("déjà".to_owned()), None, Some("vu".to_owned())], &[2, 0, 3]));
        for (place, byte) in changes {
            let place = place.index(ipc.len());
            ipc[place] = byte;
        }
        if let Some(cut) = cut {
            ipc.truncate(cut.index(ipc.len()));
        }
        if let Ok(batch) = Batch::read(&ipc) {
            told(&batch);
        }
    }
}
