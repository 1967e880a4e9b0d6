//! Rows that stages like to fall over.

use arrow::array::RecordBatch;
use sternlight_engine::trajectory::{Status, TrajectoryRow, TrajectorySchema, TurnRow};

use crate::rows::{Rows, batch, ordinary, required_columns, row, turn};

/// Rows, and what a stage may say about them.
pub(crate) struct Hard {
    pub(crate) name: &'static str,
    pub(crate) rows: Rows,
    /// Whether a stage may refuse a row, by its name: its numbers are not finite, or too large to be added.
    pub(crate) may_be_refused: bool,
    /// Whether a stage may refuse the columns.
    pub(crate) lacks_columns: bool,
    /// Whether working on them takes so long that once must do.
    pub(crate) is_large: bool,
}

/// Empty, combining, right to left, beyond the basic plane, control characters with NUL, line ends of all kinds, and what
/// has a meaning for somebody.
pub(crate) const HOSTILE_TEXTS: [&str; 10] = [
    "",
    " \t ",
    "e\u{301}e\u{301}\u{327}",
    "\u{202e}مرحبا שלום",
    "🧭👩‍👩‍👧‍👦🇩🇪",
    "\0\u{1}\u{7f}\u{85}\u{feff}\u{ffff}",
    "a\r\nb\rc\u{2028}d\n",
    "'; drop table x; --\\\"${env.HOME}%_{{",
    "<tool_call>\n{\"name\": \"x\", \"arguments\": {}}\n</tool_call>",
    "{\"error\": [1, {\"deep\": null}], \"success\": false}",
];

/// So many megabytes.
pub(crate) fn long_text(megabytes: usize) -> String {
    "0123456789é".repeat((megabytes << 20) / 12)
}

fn rows_of(shards: Vec<RecordBatch>, schema: &RecordBatch) -> Rows {
    Rows { schema: TrajectorySchema::new(schema.schema()), shards }
}

fn whole(rows: &[TrajectoryRow]) -> Rows {
    let batch = batch(rows, false);
    rows_of(vec![batch.clone()], &batch)
}

/// All of them.
pub(crate) fn all() -> Vec<Hard> {
    let hard = |name, rows| Hard { name, rows, may_be_refused: false, lacks_columns: false, is_large: false };
    let nothing = batch(&[], false);
    vec![
        hard("ordinary rows in two shards", {
            let batch = batch(&ordinary(60), false);
            rows_of(vec![batch.slice(0, 37), batch.slice(37, 23)], &batch)
        }),
        hard("no shard", rows_of(Vec::new(), &nothing)),
        hard("a shard without rows", rows_of(vec![nothing.clone()], &nothing)),
        hard("a shard without rows among others", {
            let batch = batch(&ordinary(9), false);
            rows_of(vec![batch.slice(0, 4), nothing.clone(), batch.slice(4, 5)], &nothing)
        }),
        hard("nulls wherever they may be", {
            let batch = batch(&nulls(), true);
            rows_of(vec![batch.clone()], &batch)
        }),
        hard("no turns at all", whole(&without_turns())),
        hard("groups of one", {
            let rows = (0..9).map(|index| row(&index.to_string(), &index.to_string(), Some(1.0), turns(index % 3)));
            whole(&rows.collect::<Vec<_>>())
        }),
        hard("one row", whole(&[row("only", "g", Some(1.0), turns(2))])),
        hard(
            "equal rewards",
            whole(&(0..8).map(|index| row(&index.to_string(), "g", Some(0.1), turns(index % 3))).collect::<Vec<_>>()),
        ),
        hard("hostile texts", whole(&hostile())),
        Hard {
            lacks_columns: true,
            ..hard("required columns alone", {
                let batch = required_columns(&batch(&ordinary(20), false));
                rows_of(vec![batch.clone()], &batch)
            })
        },
        Hard {
            may_be_refused: true,
            ..hard("numbers at the edges", whole(&with_rewards(&[f32::MAX, f32::MIN, -0.0, 1e-45, f32::MAX])))
        },
        Hard {
            may_be_refused: true,
            ..hard("numbers that are none", whole(&with_rewards(&[0.0, f32::NAN, f32::INFINITY, f32::NEG_INFINITY])))
        },
        Hard { is_large: true, ..hard("texts of ten megabytes", whole(&long())) },
        Hard {
            is_large: true,
            ..hard(
                "five thousand turns",
                whole(&[row("many", "g", Some(1.0), turns(5000)), row("few", "g", Some(0.0), turns(1))]),
            )
        },
    ]
}

fn turns(count: usize) -> Vec<TurnRow> {
    (0..count).map(|index| turn(&format!("seen {}", index % 9), &format!("done {}", index % 7), None)).collect()
}

fn nulls() -> Vec<TrajectoryRow> {
    let one = |index: usize| TrajectoryRow {
        trajectory_id: index.to_string(),
        group_id: (index % 2).to_string(),
        turns: vec![TurnRow { observation: "o".to_owned(), action: "a".to_owned(), ..TurnRow::default() }; index % 3],
        ..TrajectoryRow::default()
    };
    (0..8).map(one).collect()
}

fn without_turns() -> Vec<TrajectoryRow> {
    (0..6).map(|index| row(&index.to_string(), "g", Some(index as f32), Vec::new())).collect()
}

/// Every column a hostile text; ids and groups as well.
fn hostile() -> Vec<TrajectoryRow> {
    let one = |(index, text): (usize, &&str)| {
        let own = || Some((*text).to_owned());
        TrajectoryRow {
            trajectory_id: (*text).to_owned(),
            group_id: HOSTILE_TEXTS[index / 2].to_owned(),
            task_id: own(),
            env: own(),
            policy: own(),
            prompt: own(),
            tools: own(),
            seed: Some(u64::MAX - index as u64),
            turns: HOSTILE_TEXTS
                .iter()
                .cycle()
                .skip(index)
                .take(12)
                .map(|other| TurnRow {
                    observation: (*other).to_owned(),
                    action: (*text).to_owned(),
                    tool_name: own(),
                    tool_arguments: Some((*other).to_owned()),
                    tool_error: Some(index % 2 == 0),
                    tool_answered: Some(index % 3 != 0),
                    reward: Some(index as f32),
                })
                .collect(),
            final_observation: own(),
            reward: Some(index as f32),
            success: Some(true),
            status: Status::Truncated,
            error: own(),
            source: own(),
            extra: own(),
        }
    };
    HOSTILE_TEXTS.iter().enumerate().map(one).collect()
}

fn with_rewards(rewards: &[f32]) -> Vec<TrajectoryRow> {
    let one = |(index, reward): (usize, &f32)| {
        let turns = vec![turn("o", "a", Some(*reward)), turn("p", "b", Some(-*reward))];
        row(&format!("t{index}"), &format!("g{}", index % 2), Some(*reward), turns)
    };
    rewards.iter().enumerate().map(one).collect()
}

fn long() -> Vec<TrajectoryRow> {
    let (text, longest) = (long_text(1), long_text(10));
    let mut first = row("long", "g", Some(1.0), vec![turn(&text, &longest, None), turn("o", "a", None)]);
    first.final_observation = Some(text.clone());
    first.extra = Some(format!("{{\"x\": \"{text}\"}}"));
    first.turns[0].tool_arguments = Some(text);
    vec![first, row("short", "g", Some(0.0), turns(1))]
}
