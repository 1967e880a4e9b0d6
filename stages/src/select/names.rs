//! Names of columns that a pipeline makes up, and those that it may not touch.

use sternlight_engine::column::ColumnPath;
use sternlight_engine::problem::{Problem, Segment, nearest};
use sternlight_engine::trajectory::{TrajectorySchema, is_required};

/// A problem with a column that every dataset has, if this is one.
pub(super) fn required(path: &ColumnPath, place: &[Segment], what: &str) -> Option<Problem> {
    let why = match path.as_str() {
        "trajectory_id" => "trajectories are told apart by it",
        "group_id" => "groups are held together by it",
        "turns" => "they are what a trajectory is made of",
        "status" => "it says whether the run broke for reasons outside the policy",
        _ => "without it a turn is none",
    };
    is_required(path).then(|| {
        Problem::at(place.to_vec(), format!("`{path}` cannot be {what}: every dataset has it, since {why}"))
            .help("`derive` makes another column of it")
    })
}

/// A problem with a name that is to be a column's, if it cannot be one.
pub(super) fn unusable(path: &ColumnPath, place: &[Segment]) -> Option<Problem> {
    let name = path.turn_name().unwrap_or(path.as_str());
    let plain = |sign: char| sign.is_alphanumeric() || sign == '_' || sign == '-';
    let usable = !name.is_empty() && name.chars().all(plain) && !path.is_turn_counts();
    (!usable).then(|| {
        let message = format!("`{path}` is no name of a column, expected letters, digits, `_` and `-`");
        Problem::at(place.to_vec(), message).help("columns of the turns are called `turns.…`, as in `turns.length`")
    })
}

/// A problem with a column that the input does not have.
pub(super) fn unknown(path: &ColumnPath, place: &[Segment], input: &TrajectorySchema) -> Problem {
    let paths = input.paths();
    let unknown = Problem::at(place.to_vec(), format!("there is no column `{path}`"));
    match nearest(path.as_str(), paths.iter().map(ColumnPath::as_str)) {
        Some(near) => unknown.help(format!("did you mean `{near}`?")),
        None => {
            let names: Vec<String> = paths.iter().map(|path| format!("`{path}`")).collect();
            unknown.help(format!("the columns are {}", names.join(", ")))
        }
    }
}
