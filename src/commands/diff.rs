//! `sternlight diff`: what differs between two runs.

use clap::Args;
use sternlight_engine::column::ColumnPath;
use sternlight_engine::compare::{
    KeyChange, OrderChanges, Presence, RowChanges, RunComparison, StageComparison, ValueChanges, compare_runs,
};
use sternlight_engine::printable::printable_line;
use sternlight_engine::store::RunSummary;

use crate::Outcome;
use crate::common::Common;
use crate::output::{self, outln};
use crate::past_runs::{find_run, store_of_runs};
use crate::style;

#[derive(Debug, Args)]
pub(crate) struct DiffArguments {
    /// The run to begin from, as `sternlight runs` names it; `last` is the newest, `last~1` the one before
    #[arg(value_name = "FIRST")]
    pub(crate) first: String,
    /// The run to compare it with
    #[arg(value_name = "SECOND")]
    pub(crate) second: String,
}

pub(crate) fn execute(arguments: &DiffArguments, common: &Common) -> Outcome {
    let store = store_of_runs(common)?;
    let (first, second) = (find_run(&store, &arguments.first)?, find_run(&store, &arguments.second)?);
    let comparison = compare_runs(&store, &first, &second)?;
    match common.json {
        true => output::json(&comparison)?,
        false => print(&comparison),
    }
    Ok(())
}

fn print(comparison: &RunComparison) {
    for (name, run) in [("first", &comparison.first), ("second", &comparison.second)] {
        outln!("{name:<8}{}", of_run(run));
    }
    let (same, differing): (Vec<&StageComparison>, Vec<_>) = comparison.stages.iter().partition(|stage| is_same(stage));
    for stage in differing {
        outln!("\n{}", style::title(printable_line(&stage.stage)));
        print_stage(stage);
    }
    if !same.is_empty() {
        let names: Vec<&str> = same.iter().map(|stage| stage.stage.as_str()).collect();
        outln!("\nthe same in both: {}", printable_line(&names.join(", ")));
    }
}

fn of_run(run: &RunSummary) -> String {
    format!("{}  {}, {}, started {}", run.id, printable_line(&run.pipeline), run.status, run.started)
}

/// A stage of which nothing is to be told.
fn is_same(stage: &StageComparison) -> bool {
    let columns = [&stage.columns_gone, &stage.columns_new, &stage.columns_changed];
    stage.presence == Presence::Both
        && stage.keys.is_empty()
        && columns.iter().all(|columns| columns.is_empty())
        && stage.outputs_changed.is_empty()
        && stage.rows.is_none()
}

fn print_stage(stage: &StageComparison) {
    match stage.presence {
        Presence::OnlyFirst => return outln!("  only in the first"),
        Presence::OnlySecond => return outln!("  only in the second"),
        Presence::Both => {}
    }
    for KeyChange { differing, labels } in &stage.keys {
        let parts = format!("{} of {} {}", labels.len(), stage.parts, if stage.parts == 1 { "part" } else { "parts" });
        match differing.is_empty() {
            true => outln!("  {parts} new"),
            false => outln!("  {parts} with another key: {}", differing.join(", ")),
        }
    }
    let columns = [
        ("columns gone", &stage.columns_gone),
        ("columns new", &stage.columns_new),
        ("columns changed", &stage.columns_changed),
    ];
    for (what, columns) in columns.into_iter().filter(|(_, columns)| !columns.is_empty()) {
        let names: Vec<&str> = columns.iter().map(ColumnPath::as_str).collect();
        outln!("  {what}: {}", printable_line(&names.join(", ")));
    }
    if !stage.outputs_changed.is_empty() {
        outln!("  other outputs changed: {}", printable_line(&stage.outputs_changed.join(", ")));
    }
    if let Some(rows) = &stage.rows {
        print_rows(rows);
    }
    for (column, changes) in &stage.values {
        print_values(column, changes);
    }
}

fn print_rows(rows: &RowChanges) {
    outln!("  trajectories in both: {}", rows.in_both);
    let sides = [
        ("only in the first", rows.only_first, &rows.named_first),
        ("only in the second", rows.only_second, &rows.named_second),
    ];
    for (what, count, named) in sides.into_iter().filter(|(_, count, _)| *count > 0) {
        let more = if count > named.len() as u64 { ", …" } else { "" };
        outln!("  {what}: {count} ({}{more})", printable_line(&named.join(", ")));
    }
}

fn print_values(column: &ColumnPath, changes: &ValueChanges) {
    let (changed, trajectories) = (changes.trajectories_changed, changes.trajectories);
    if changed + changes.other_turns == 0 {
        outln!(
            "  {}: the same in the {trajectories} trajectories of both",
            style::title(printable_line(column.as_str()))
        );
        return;
    }
    outln!("  {}", style::title(printable_line(column.as_str())));
    outln!("    trajectories      {changed} of {trajectories} changed");
    let counts = [(changes.new, "came"), (changes.gone, "went")];
    let counts: Vec<String> =
        counts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!(", {count} {what}")).collect();
    outln!("    values            {} of {} changed{}", changes.changed, changes.values, counts.concat());
    if changes.other_turns > 0 {
        outln!("    not compared      {} with another number of turns", changes.other_turns);
    }
    if let (Some(mean), Some(largest)) = (changes.mean_change, &changes.largest) {
        let turn = largest.turn.map_or(String::new(), |turn| format!(" turn {turn}"));
        let place = format!("{}{turn}", largest.trajectory_id);
        outln!("    change            {mean:.4} on average where changed");
        outln!("    largest           {}: {:.4} to {:.4}", printable_line(&place), largest.from, largest.to);
    }
    print_orders(&changes.orders);
}

fn print_orders(orders: &OrderChanges) {
    if orders.pairs == 0 {
        return;
    }
    let (flipped, pairs) = (orders.flipped, orders.pairs);
    outln!(
        "    order in groups   {flipped} of {pairs} pairs turned round, in {} of {} groups",
        orders.groups_flipped,
        orders.groups
    );
    if orders.tied + orders.untied > 0 {
        let (tied, untied) = (orders.tied, orders.untied);
        outln!("                      {tied} became equal, {untied} were equal before");
    }
    if let Some(worst) = &orders.worst {
        let (flipped, pairs) = (worst.flipped, worst.pairs);
        outln!("    most in           {}: {flipped} of {pairs} pairs", printable_line(&worst.group_id));
    }
}
