//! Shows a turn to people: what was done, what came of it, and what was said about it.

use arrow::array::Array as _;
use sternlight_engine::column::ColumnPath;
use sternlight_engine::dataset::{BatchLimit, Dataset, Selection};
use sternlight_engine::stage::{Highlight, StageError};
use sternlight_engine::trajectory::TrajectoryBatch;

use super::findings::Turn;

/// Characters of a text that are shown: a few lines of a terminal.
const SHOWN_CHARACTERS: usize = 300;

/// What is read of the trajectory.
const COLUMNS: [&str; 6] =
    ["turns.observation", "turns.action", "turns.verdict", "turns.rule", "turns.diagnosis", "final_observation"];

/// A turn with its texts.
pub(super) fn highlight(dataset: &Dataset, title: &str, found: &Turn) -> Result<Highlight, StageError> {
    let gone = || StageError::new("the turn that was found is no longer there").trajectory(&found.trajectory_id);
    let batch = read_row(dataset, found).ok_or_else(gone)??;
    let turns = batch.turns_of(0);
    let index = turns.start + found.turn;
    let of_turn = |path: &str| text(&batch, path, index);
    let next = match index + 1 < turns.end {
        true => text(&batch, "turns.observation", index + 1),
        false => text(&batch, "final_observation", 0),
    };
    let lines = [
        ("verdict", of_turn("turns.verdict")),
        ("rule", of_turn("turns.rule")),
        ("diagnosis", of_turn("turns.diagnosis")),
        ("action", of_turn("turns.action")),
        ("next observation", next),
    ];
    Ok(Highlight {
        title: title.to_owned(),
        trajectory_id: found.trajectory_id.clone(),
        turn: found.turn,
        value: found.advantage,
        lines: lines
            .into_iter()
            .filter_map(|(label, text)| Some((label.to_owned(), shortened(text?))))
            .filter(|(_, text)| !text.is_empty())
            .collect(),
    })
}

/// Only the row group of the trajectory is decoded.
fn read_row(dataset: &Dataset, found: &Turn) -> Option<Result<TrajectoryBatch, StageError>> {
    let mut shard = dataset.shards.get(found.shard)?.clone();
    let row = match &shard.selection {
        Some(selection) => selection.iter().nth(found.row as usize)?,
        None => found.row,
    };
    let mut end = 0;
    let group = shard.row_groups.iter().position(|rows| {
        end += rows;
        row < end
    })?;
    shard.selection = Some(Selection::from_iter([row]));
    let columns: Vec<ColumnPath> =
        COLUMNS.iter().filter(|path| dataset.schema.has(path)).map(|path| ColumnPath::from(*path)).collect();
    match dataset.read(&shard.row_group_range(group..group + 1), &columns, BatchLimit::default()) {
        Ok(mut batches) => batches.next(),
        Err(error) => Some(Err(error)),
    }
}

fn text<'a>(batch: &'a TrajectoryBatch, path: &str, index: usize) -> Option<&'a str> {
    let column = batch.text(path).ok()?;
    (index < column.len() && column.is_valid(index)).then(|| column.value(index))
}

/// White space as single spaces, cut where it gets long.
fn shortened(text: &str) -> String {
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match words.char_indices().nth(SHOWN_CHARACTERS) {
        Some((end, _)) => format!("{} …", words[..end].trim_end()),
        None => words,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_cut_between_characters() {
        assert_eq!(shortened("a\n\n  b\t"), "a b");
        let long = shortened(&"ä".repeat(400));
        assert_eq!(long.chars().count(), SHOWN_CHARACTERS + 2);
        assert_eq!(shortened(&"x".repeat(SHOWN_CHARACTERS)).len(), SHOWN_CHARACTERS);
    }
}
