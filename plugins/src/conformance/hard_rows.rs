//! Rows that are hard: whatever a dataset may hold has a value, or an error of its own, and breaks no batch.

use super::answers::tell_errors;
use super::calls::{Broken, Calls};
use super::report::{Check, trajectories};
use super::rows::{Nulls, RowPlan, columns, made, nullable};
use super::values::{HUGE_BYTES, Text};
use arrow::datatypes::DataType;

/// The seed of all rows.
const SEED: u64 = 11;

/// As many bytes of texts as a call has at most.
const FULL_CALL_BYTES: usize = 16 << 20;

/// A batch without rows has results for none.
pub(super) fn an_empty_batch(calls: &Calls<'_>) -> Check {
    let mut check = Check::new("empty batch", "a call for no trajectories");
    tried(calls, &mut check, &[], "return as many results as there are trajectories, also if there are none");
    check
}

/// Episodes that ended before they began, and texts without letters.
pub(super) fn nothing_in_it(calls: &Calls<'_>) -> Check {
    let mut plans: Vec<RowPlan> = (0..4).map(|row| RowPlan::plain(format!("no-turns-{row}"), 0)).collect();
    plans.extend((0..4).map(|row| RowPlan { text: Text::Empty, ..RowPlan::plain(format!("empty-texts-{row}"), row) }));
    plans.push(RowPlan { nulls: Nulls::All, ..RowPlan::plain("no-turns-and-nulls", 0) });
    let mut check = Check::new("no turns", "4 trajectories without turns, and 5 with empty texts or nothing else");
    let help = "an episode may have no turns and its texts no letters: look before you take the first or last, and before you \
                divide by how many";
    tried(calls, &mut check, &plans, help);
    check
}

/// Null in each column in turn, and in all.
pub(super) fn nulls(calls: &Calls<'_>) -> Check {
    let columns = nullable(&calls.stage.contract);
    if columns.is_empty() {
        return Check::skipped("nulls", "it reads no column in which there are nulls");
    }
    let mut plans = Vec::new();
    for path in &columns {
        let nulls = Nulls::Column(path.clone());
        plans.extend(
            (1..3)
                .map(|turns| RowPlan { nulls: nulls.clone(), ..RowPlan::plain(format!("null-{path}-{turns}"), turns) }),
        );
    }
    plans.extend(
        (0..4).map(|turns| RowPlan { nulls: Nulls::All, ..RowPlan::plain(format!("all-null-{turns}"), turns) }),
    );
    let names: Vec<String> = columns.iter().map(|path| format!("`{path}`")).collect();
    let mut check = Check::new("nulls", format!("{} in turn, and all together", names.join(", ")));
    let help = "null is what was not recorded: give such a trajectory a value, none, or an error of its own";
    tried(calls, &mut check, &plans, help);
    check
}

/// All kinds of letters.
pub(super) fn unicode(calls: &Calls<'_>) -> Check {
    let texts = text_columns(calls);
    if texts.is_empty() {
        return Check::skipped("unicode", "it reads no text");
    }
    let plan =
        |row: usize| RowPlan { text: Text::Unicode, ..RowPlan::plain(format!("unicode-{row}-日本"), 1 + row % 3) };
    let plans: Vec<RowPlan> = (0..32).map(plan).collect();
    let mut check =
        Check::new("unicode", format!("{} of many scripts, signs and control characters", trajectories(plans.len())));
    let help = "texts are UTF-8, and a letter may have four bytes: cut them between letters only";
    tried(calls, &mut check, &plans, help);
    check
}

/// Texts of a mebibyte, as many as a call can have.
pub(super) fn huge_texts(calls: &Calls<'_>) -> Check {
    let texts = text_columns(calls);
    let Some(count) = (FULL_CALL_BYTES / HUGE_BYTES).checked_div(texts.len()).filter(|_| !texts.is_empty()) else {
        return Check::skipped("huge texts", "it reads no text");
    };
    let mut plans = Vec::new();
    for path in &texts {
        let plan = |row| RowPlan { text: Text::Huge(path.clone()), ..RowPlan::plain(format!("huge-{path}-{row}"), 1) };
        plans.extend((0..count.max(1)).map(plan));
    }
    let names: Vec<String> = texts.iter().map(|path| format!("`{path}`")).collect();
    let mut check = Check::new(
        "huge texts",
        format!("1 MiB each in {}, {} in a call", names.join(", "), trajectories(plans.len())),
    );
    let help = "tool results can be long: look at as much of a text as you need, and copy no more";
    tried(calls, &mut check, &plans, help);
    check
}

fn text_columns(calls: &Calls<'_>) -> Vec<sternlight_engine::column::ColumnPath> {
    let closed = ["trajectory_id", "group_id", "status", "turns.verdict"];
    let texts = columns(&calls.stage.contract).into_iter();
    texts
        .filter(|(path, data_type)| *data_type == DataType::Utf8 && !closed.contains(&path.as_str()))
        .map(|(path, _)| path)
        .collect()
}

fn tried(calls: &Calls<'_>, check: &mut Check, plans: &[RowPlan], help: &str) {
    let called = made(&calls.stage.contract, plans, SEED).map_err(Broken::from);
    match called.and_then(|rows| Ok((calls.fresh(&rows)?, rows))) {
        Err(broken) => broken.fail(check, help),
        Ok((answers, rows)) => tell_errors(check, &answers, &rows.batch, help),
    }
}
