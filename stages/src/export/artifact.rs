//! Exports of what is no dataset: a table as one file, a policy as the directory that it is.

use std::path::Path;

use sternlight_engine::artifact::{ArtifactKind, ArtifactType, Policy, Table};
use sternlight_engine::contract::{DATA, InputTypes};
use sternlight_engine::problem::Problem;
use sternlight_engine::stage::{StageError, Staging};

use super::destination::{Destination, Encoding};
use crate::table::csv_text;

/// The kind of what comes in.
pub(super) fn kind_of(inputs: &InputTypes) -> ArtifactKind {
    inputs.all(DATA).next().map_or(ArtifactKind::Dataset, ArtifactType::kind)
}

/// Why something of this kind cannot be written so, if it cannot.
pub(super) fn misfit(kind: ArtifactKind, destination: &Destination) -> Option<Problem> {
    let name = &destination.name;
    match (kind, destination.encoding, &destination.stem) {
        (ArtifactKind::Dataset, Encoding::Csv, _) => Some(
            Problem::at(["to"], format!("`{name}` is the name of a table, and trajectories do not fit into one"))
                .help("let `to` end in `.parquet` or `.jsonl`, or export what a `stats` stage makes"),
        ),
        (ArtifactKind::Table, Encoding::Parquet | Encoding::Csv, Some(_)) => None,
        (ArtifactKind::Table, ..) => Some(
            Problem::at(["to"], format!("`{name}` is no name for a table")).help("let it end in `.csv` or `.parquet`"),
        ),
        (ArtifactKind::Policy, Encoding::Parquet, None) | (ArtifactKind::Dataset, ..) => None,
        (ArtifactKind::Policy, ..) => Some(
            Problem::at(["to"], format!("`{name}` is no name for a policy"))
                .help("name a directory, as in `to: policies/tiny`"),
        ),
    }
}

/// Writes a table into a file.
pub(super) fn write_table(table: &Table, encoding: Encoding, path: &Path) -> Result<(), StageError> {
    let rows = table.read()?;
    let unwritable = |error: std::io::Error| StageError::file("write", path, &error);
    if encoding == Encoding::Csv {
        return std::fs::write(path, csv_text(&rows)?).map_err(unwritable);
    }
    // It is that Parquet already, and was just found to be as it was written.
    std::fs::copy(table.path(), path).map_err(unwritable)?;
    Ok(())
}

/// Copies the files of a policy.
pub(super) fn write_policy(policy: &Policy, staging: &mut dyn Staging) -> Result<(), StageError> {
    for file in &policy.files {
        let (from, to) = (policy.directory().join(&file.name), staging.place(&file.name)?);
        std::fs::copy(&from, &to).map_err(|error| StageError::file("copy", &from, &error))?;
        // What was copied is what the policy is known by, whatever lies there now.
        if Policy::digest_of(&to)? != file.digest {
            let message = format!("`{}` is not what the policy was made of", from.display());
            return Err(StageError::new(message).help("run again: the policy is looked at anew"));
        }
    }
    Ok(())
}
