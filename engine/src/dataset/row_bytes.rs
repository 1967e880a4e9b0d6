//! Decoded size of each row of a batch: what batches and row groups are cut by.

use arrow::array::{Array, AsArray as _, RecordBatch};
use arrow::datatypes::DataType;

/// Decoded bytes of each row: text by its length, lists by their elements, everything else by its width.
/// A property of the rows alone, whatever batch they stand in.
pub(crate) fn row_bytes(batch: &RecordBatch) -> Vec<u64> {
    let mut sizes = vec![0; batch.num_rows()];
    batch.columns().iter().for_each(|column| add(column.as_ref(), &mut sizes));
    sizes
}

fn add(array: &dyn Array, sizes: &mut [u64]) {
    match array.data_type() {
        DataType::Utf8 => {
            let offsets = array.as_string::<i32>().value_offsets();
            for (row, size) in sizes.iter_mut().enumerate() {
                *size += (offsets[row + 1] - offsets[row]) as u64 + 4;
            }
        }
        DataType::Binary => {
            let offsets = array.as_binary::<i32>().value_offsets();
            for (row, size) in sizes.iter_mut().enumerate() {
                *size += (offsets[row + 1] - offsets[row]) as u64 + 4;
            }
        }
        DataType::Struct(_) => array.as_struct().columns().iter().for_each(|column| add(column.as_ref(), sizes)),
        DataType::List(_) => {
            let list = array.as_list::<i32>();
            let mut elements = vec![0; list.values().len()];
            add(list.values().as_ref(), &mut elements);
            let offsets = list.value_offsets();
            for (row, size) in sizes.iter_mut().enumerate() {
                *size += 4 + elements[offsets[row] as usize..offsets[row + 1] as usize].iter().sum::<u64>();
            }
        }
        other => {
            let width = other.primitive_width().unwrap_or(1) as u64;
            sizes.iter_mut().for_each(|size| *size += width);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trajectory::{TrajectoryBuilder, TrajectoryRow, TurnRow};

    #[test]
    fn a_row_weighs_the_same_in_any_batch() {
        let turn = TurnRow { observation: "o".repeat(100), action: "a".to_owned(), ..TurnRow::default() };
        let mut builder = TrajectoryBuilder::new();
        for turns in 0..5 {
            builder.push(&TrajectoryRow { turns: vec![turn.clone(); turns], ..TrajectoryRow::default() });
        }
        let batch = builder.finish().unwrap();
        let whole = row_bytes(batch.record_batch());
        let sliced: Vec<u64> = (0..5).flat_map(|row| row_bytes(&batch.record_batch().slice(row, 1))).collect();
        assert_eq!(whole, sliced);
        assert!(whole.windows(2).all(|pair| (101..160).contains(&(pair[1] - pair[0]))), "{whole:?}");
    }
}
