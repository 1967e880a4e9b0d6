//! Tells folders that are tables: they keep files of older versions beside those that count, and only the table's own
//! log says which is which. Not concerned with reading such logs.

use std::collections::BTreeSet;
use std::path::Path;

use super::files::InputFile;

/// A warning if files lie in a table of a kind that keeps old versions.
pub(super) fn table_folders(files: &[InputFile]) -> Option<String> {
    let mut looked_at = BTreeSet::new();
    let found = files.iter().find_map(|file| {
        let depth = file.name.matches('/').count();
        let mut directory = file.path.parent()?;
        for level in 0.. {
            if !looked_at.insert(directory.to_owned()) {
                return None;
            }
            if let Some(kind) = table(directory) {
                return Some((kind, directory.to_owned()));
            }
            let goes_on = level < depth || is_part_of_table(directory);
            directory = directory.parent().filter(|_| goes_on)?;
        }
        None
    });
    found.map(|(kind, directory)| {
        let named = directory.file_name().unwrap_or(directory.as_os_str()).to_string_lossy();
        format!(
            "the files lie in a table of {kind} (`{named}`), which also keeps files of older versions and of rows that \
             were deleted: all that `files` names is read; have the table's own program write out the version that is meant"
        )
    })
}

/// What kind of table a directory is.
fn table(directory: &Path) -> Option<&'static str> {
    if directory.join("_delta_log").is_dir() {
        return Some("Delta Lake");
    }
    if directory.join(".hoodie").is_dir() || directory.join(".hoodie_partition_metadata").is_file() {
        return Some("Apache Hudi");
    }
    let listed = std::fs::read_dir(directory.join("metadata")).ok()?;
    let mut names = listed.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    names.any(|name| name.ends_with(".metadata.json")).then_some("Apache Iceberg")
}

/// Whether a directory is called as those within tables are: `data`, or `date=2024-05-01`.
fn is_part_of_table(directory: &Path) -> bool {
    let name = directory.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    name == "data" || name.contains('=')
}

#[cfg(test)]
mod tests {
    use super::super::testing::input_file;
    use super::*;

    fn told(beside: &str, file: &str, name: &str) -> Option<String> {
        let tree = tempfile::tempdir().unwrap();
        for path in [beside, file] {
            let path = tree.path().join("shop").join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "x").unwrap();
        }
        let path = tree.path().join("shop").join(file);
        let file = InputFile { path, ..input_file(name) };
        table_folders(&[file]).map(|told| told.split_once(" (`shop`)").unwrap().0.to_owned())
    }

    #[test]
    fn tables_are_told_by_what_lies_beside_their_files() {
        let delta = Some("the files lie in a table of Delta Lake".to_owned());
        assert_eq!(told("_delta_log/0.json", "a.parquet", "a.parquet"), delta);
        assert_eq!(told("_delta_log/0.json", "day=1/a.parquet", "day=1/a.parquet"), delta);
        assert_eq!(told("_delta_log/0.json", "day=1/a.parquet", "a.parquet"), delta);
        let hudi = Some("the files lie in a table of Apache Hudi".to_owned());
        assert_eq!(told(".hoodie/hoodie.properties", "a.parquet", "a.parquet"), hudi);
        let iceberg = Some("the files lie in a table of Apache Iceberg".to_owned());
        assert_eq!(told("metadata/v1.metadata.json", "data/a.parquet", "a.parquet"), iceberg);
        assert_eq!(told("metadata/notes.json", "data/a.parquet", "a.parquet"), None);
        assert_eq!(told("_delta_log/0.json", "other/a.parquet", "a.parquet"), None);
    }
}
