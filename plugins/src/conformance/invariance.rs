//! Whether results depend on nothing but their trajectories: neither on calls before, nor on what else is in the batch.

use sternlight_engine::contract::Scope;

use super::answers::{Answer, difference, names, tell_errors};
use super::calls::{Broken, Calls};
use super::random::Random;
use super::report::{Check, trajectories};
use super::rows::{Rows, made, ordinary};

/// Ordinary trajectories.
const ROWS: usize = 64;

/// The seed of rows and cuts.
const SEED: u64 = 7;

/// Random cuts of all rows that are tried.
const CUTS: usize = 3;

const FIT: &str =
    "return what the contract declares: one result for each trajectory, one value for each turn, finite numbers";
const PURE: &str = "a result may depend on its trajectory (or group) and the options only: keep nothing from row to row and \
                    from call to call";

/// Ordinary trajectories, and what the plugin answers for them in one call.
///
/// # Errors
/// Why there are no answers.
fn ordinary_answers(calls: &Calls<'_>) -> Result<(Rows, Vec<Answer>), Broken> {
    let rows = made(&calls.stage.contract, &ordinary(ROWS), SEED)?;
    let answers = calls.fresh(&rows)?;
    Ok((rows, answers))
}

/// What comes back is what was declared.
pub(super) fn columns_are_declared(calls: &Calls<'_>) -> Check {
    let contract = &calls.stage.contract;
    let names = names(contract);
    let what: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    let mut check = Check::new("columns", format!("{} for {}", what.join(", "), trajectories(ROWS)));
    let (rows, answers) = match ordinary_answers(calls) {
        Ok(answered) => answered,
        Err(broken) => {
            broken.fail(&mut check, FIT);
            return check;
        }
    };
    tell_errors(&mut check, &answers, &rows.batch, FIT);
    for (index, name) in names.iter().enumerate() {
        let is_nothing = |value: &String| value.chars().all(|letter| "[]nul,".contains(letter));
        let mut values = answers.iter().filter_map(|answer| match answer {
            Answer::Values(values) => values.get(index),
            Answer::Error(_) | Answer::Refused(_) => None,
        });
        if values.all(is_nothing) {
            check.note(format!("`{name}` has no value for any of them"));
        }
    }
    check
}

/// The same trajectories have the same results, also when an instance has seen them before.
pub(super) fn again_is_the_same(calls: &Calls<'_>) -> Check {
    let did = format!("{} three times: twice on an instance, once on another", trajectories(ROWS));
    let mut check = Check::new("again", did);
    let tried = (|| -> Result<(), Broken> {
        let (rows, first) = ordinary_answers(calls)?;
        let mut guest = calls.start()?;
        let other = calls.call(&mut guest, &rows)?;
        compare(&mut check, calls, &rows, &first, &other, ["on an instance", "on another one"]);
        let second = calls.call(&mut guest, &rows)?;
        compare(&mut check, calls, &rows, &first, &second, ["the first time", "the second time"]);
        Ok(())
    })();
    if let Err(broken) = tried {
        broken.fail(&mut check, PURE);
    }
    check
}

/// Of a plugin that says that results depend on what it saw before.
pub(super) fn state_is_kept() -> Check {
    let mut check = Check::new("again", "not tried".to_owned());
    check.note("it keeps state from call to call, so the same trajectories may have other results");
    check
}

/// However rows are cut into calls, and in whatever order they come, each has the same result.
pub(super) fn cuts_do_not_matter(calls: &Calls<'_>) -> Check {
    let unit = match calls.stage.contract.scope {
        Scope::Group => "group by group",
        _ => "one by one",
    };
    let did = format!("{} in one call, {unit}, cut at random {CUTS} times, and in another order", trajectories(ROWS));
    let mut check = Check::new("split", did);
    if let Err(broken) = try_cuts(calls, &mut check, unit) {
        broken.fail(&mut check, PURE);
    }
    check
}

fn try_cuts(calls: &Calls<'_>, check: &mut Check, unit: &str) -> Result<(), Broken> {
    let (rows, whole) = ordinary_answers(calls)?;
    let mut random = Random::new(SEED);
    let mut guest = calls.start()?;
    let mut apart = Vec::with_capacity(whole.len());
    for index in 0..rows.units.len() {
        apart.extend(calls.call(&mut guest, &rows.part(index..index + 1)?)?);
    }
    compare(check, calls, &rows, &whole, &apart, ["in one call", unit]);
    for _ in 0..CUTS {
        let mut pieces = Vec::with_capacity(whole.len());
        let mut start = 0;
        while start < rows.units.len() {
            let end = (start + 1 + random.below(rows.units.len() / 2)).min(rows.units.len());
            // As in another shard: what an instance counted is not known there.
            pieces.extend(calls.fresh(&rows.part(start..end)?)?);
            start = end;
        }
        compare(check, calls, &rows, &whole, &pieces, ["in one call", "in a part of it"]);
    }
    let mut order: Vec<usize> = (0..rows.units.len()).collect();
    random.shuffle(&mut order);
    let (shuffled, from) = rows.reordered(&order)?;
    let answers = calls.fresh(&shuffled)?;
    let restored = restored(&answers, &from);
    compare(check, calls, &rows, &whole, &restored, ["in one order", "in another"]);
    Ok(())
}

fn restored(answers: &[Answer], from: &[usize]) -> Vec<Answer> {
    let mut pairs: Vec<(usize, &Answer)> = from.iter().copied().zip(answers).collect();
    pairs.sort_by_key(|(row, _)| *row);
    pairs.into_iter().map(|(_, answer)| answer.clone()).collect()
}

fn compare(check: &mut Check, calls: &Calls<'_>, rows: &Rows, left: &[Answer], right: &[Answer], ways: [&str; 2]) {
    for (row, (left, right)) in left.iter().zip(right).enumerate() {
        if let Some(difference) = difference(left, right, &calls.stage.contract, ways) {
            check.fail(format!("trajectory `{}`: {difference}", rows.batch.name_of(row)), PURE);
        }
    }
}
