//! What becomes of the columns of an input: which go, which get other names, which are made. Knows no values.

use std::collections::BTreeMap;

use arrow::datatypes::DataType;
use sternlight_engine::column::{ColumnPath, TURNS};
use sternlight_engine::contract::AddedColumn;
use sternlight_engine::problem::{Problem, Segment};
use sternlight_engine::trajectory::{TrajectorySchema, canonical_type, is_required};

use super::derived::Derived;
use super::names::{required, unknown, unusable};
use super::options::SelectOptions;

/// A column of the input under another name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Renamed {
    pub(super) from: ColumnPath,
    pub(super) to: ColumnPath,
}

impl Renamed {
    /// Every renaming that the options name.
    pub(super) fn all(options: &SelectOptions) -> Vec<Self> {
        let one = |(from, to): (&String, &String)| Self { from: from.as_str().into(), to: to.as_str().into() };
        options.rename.iter().map(one).collect()
    }

    /// Where it stands.
    fn place(&self) -> [Segment; 2] {
        ["rename".into(), self.from.as_str().into()]
    }
}

/// What is wrong with the options whatever the input's columns.
pub(super) fn faults(options: &SelectOptions) -> Vec<Problem> {
    let mut problems = Vec::new();
    let SelectOptions { keep, drop, rename, derive } = options;
    if keep.is_none() && drop.as_ref().is_none_or(Vec::is_empty) && rename.is_empty() && derive.is_empty() {
        problems.push(
            Problem::new("there is nothing to do, expected one of `keep`, `drop`, `rename` and `derive`")
                .help("write for example `drop: [extra]`"),
        );
    }
    if keep.is_some() && drop.is_some() {
        problems.push(
            Problem::at(["drop"], "`keep` and `drop` are both given, expected one of them")
                .help("what `keep` does not name goes anyway"),
        );
    }
    for (index, column) in drop.iter().flatten().enumerate() {
        let place = ["drop".into(), index.into()];
        let path = ColumnPath::from(column.as_str());
        problems.extend(required(&path, &place, "dropped"));
        if rename.contains_key(column) {
            let message = format!("`{column}` is both dropped and renamed, expected one of them");
            problems
                .push(Problem::at(place.to_vec(), message).help("under its old name a renamed column is gone anyway"));
        } else if derive.contains_key(column) {
            let message = format!("`{column}` is both dropped and derived, expected one of them");
            problems.push(
                Problem::at(place.to_vec(), message).help("a derived column replaces the one of its name anyway"),
            );
        }
    }
    let mut taken: BTreeMap<&ColumnPath, &ColumnPath> = BTreeMap::new();
    let renamed = Renamed::all(options);
    for one in &renamed {
        let place = one.place();
        let Renamed { from, to } = one;
        if let Some(problem) = required(from, &place, "renamed") {
            problems.push(problem.at_key());
        } else if let Some(problem) = unusable(to, &place) {
            problems.push(problem);
        } else if from.turn_name().is_some() != to.turn_name().is_some() {
            let (has, needs) = match from.turn_name() {
                Some(_) => ("a value for each turn", "`turns.…`"),
                None => ("one value for each trajectory", "a name without `turns.`"),
            };
            problems.push(Problem::at(place, format!("`{from}` has {has}, expected {needs} in place of `{to}`")));
        } else if from == to {
            problems.push(Problem::at(place, format!("`{to}` is its name already, expected another one")));
        } else if derive.contains_key(to.as_str()) {
            problems
                .push(Problem::at(place, format!("`{to}` is also the name of a derived column, expected another one")));
        } else if let Some(other) = taken.insert(to, from) {
            problems
                .push(Problem::at(place, format!("`{to}` is also the new name of `{other}`, expected another one")));
        }
    }
    for name in derive.keys() {
        let place = ["derive".into(), name.as_str().into()];
        let path = ColumnPath::from(name.as_str());
        let problem = required(&path, &place, "derived").map(|problem| problem.help("give the column another name"));
        problems.extend(problem.or_else(|| unusable(&path, &place)).map(Problem::at_key));
    }
    problems
}

/// The columns that come, those that go, and those that must be read for it.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) adds: Vec<AddedColumn>,
    pub(super) drops: Vec<ColumnPath>,
    pub(super) reads: Vec<ColumnPath>,
}

impl Plan {
    /// What becomes of the columns of this input.
    ///
    /// # Errors
    /// Every column that is missing or in the way, and every expression that does not fit.
    pub(super) fn of(
        options: &SelectOptions,
        derived: &[Derived],
        input: &TrajectorySchema,
    ) -> Result<Self, Vec<Problem>> {
        let mut problems = missing(options, input);
        let renamed = Renamed::all(options);
        let goes = |path: &ColumnPath| {
            let is_kept = |kept: &String| path.as_str() == kept || path.turn_name().is_some() && kept == TURNS;
            let named = match (&options.keep, &options.drop) {
                (Some(keep), _) => !keep.iter().any(is_kept),
                (None, drop) => drop.iter().flatten().any(|dropped| path.as_str() == dropped),
            };
            !is_required(path) && (named || renamed.iter().any(|one| one.from == *path))
        };
        let mut plan = Self { adds: Vec::new(), drops: Vec::new(), reads: Vec::new() };
        for one in &renamed {
            let Some(field) = input.field(&one.from) else { continue };
            let data_type = field.data_type().clone();
            if input.has(one.to.as_str()) && !goes(&one.to) {
                let message = format!("there is a column `{}` already, expected another name", one.to);
                problems.push(Problem::at(one.place(), message).help("drop that one, or rename it too"));
            } else if let Some(problem) = other_type(one, &data_type) {
                problems.push(problem);
            }
            plan.adds.push(AddedColumn::new(one.to.clone(), data_type));
            plan.reads.push(one.from.clone());
        }
        for one in derived {
            match one.over(input) {
                Ok((data_type, reads)) => {
                    plan.adds.push(AddedColumn::new(one.path().clone(), data_type));
                    plan.reads.extend(reads);
                }
                Err(found) => problems.extend(found),
            }
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let comes = |path: &ColumnPath| plan.adds.iter().any(|column| column.path == *path);
        plan.drops = input.paths().into_iter().filter(|path| goes(path) && !comes(path)).collect();
        if !plan.adds.is_empty() {
            // What names the trajectory, should it have a value that does not fit.
            plan.reads.push(ColumnPath::from("trajectory_id"));
        }
        plan.reads.sort();
        plan.reads.dedup();
        // Any column of the turns brings their counts along.
        if plan.reads.iter().any(|path| path.turn_name().is_some()) {
            plan.reads.retain(|path| !path.is_turn_counts());
        }
        Ok(plan)
    }
}

/// A problem for every column that is named and not there.
fn missing(options: &SelectOptions, input: &TrajectorySchema) -> Vec<Problem> {
    let mut problems = Vec::new();
    let look = |column: &str, place: [Segment; 2]| {
        let path = ColumnPath::from(column);
        (!input.has(column)).then(|| unknown(&path, &place, input))
    };
    for (key, columns) in [("keep", &options.keep), ("drop", &options.drop)] {
        for (index, column) in columns.iter().flatten().enumerate() {
            let comes = options.derive.contains_key(column) || options.rename.values().any(|to| to == column);
            let problem = look(column, [key.into(), index.into()]);
            problems.extend(problem.map(|problem| match comes {
                true => problem.help("what is renamed or derived stays anyway: leave it out"),
                false => problem,
            }));
        }
    }
    for column in options.rename.keys() {
        problems.extend(look(column, ["rename".into(), column.as_str().into()]).map(Problem::at_key));
    }
    problems
}

/// A problem with a column whose new name is one of the schema's, which has another type.
fn other_type(renamed: &Renamed, found: &DataType) -> Option<Problem> {
    let Renamed { from, to } = renamed;
    let expected = canonical_type(to).filter(|expected| expected != found)?;
    let name = from.turn_name().unwrap_or(from.as_str());
    let message = format!("`{to}` is a column of type {expected}, and `{from}` has type {found}");
    Some(
        Problem::at(renamed.place(), message)
            .help(format!("`derive: {{{to}: {name}}}` converts it, where that can be")),
    )
}
