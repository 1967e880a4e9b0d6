//! What becomes of a result whose data turn out to be damaged: it is forgotten, so that the next run that needs it makes
//! it again. The file stays where it is, for whoever wants to look at it, until it is cleaned up.

use std::path::{Component, Path};

use super::files::{read, remove};
use super::key::KEY_DIGITS;
use crate::place::is_directory;

/// Removes the commit that a damaged data file belongs to, and says what to do next. `relative`: the file, from the root.
pub(crate) fn forget_damaged(root: &Path, relative: &str) -> &'static str {
    const FORGOTTEN: &str = "the file was changed, or the disk is failing; its result was forgotten: run the pipeline \
                             again, and it is computed anew";
    const KEPT: &str =
        "the file was changed, or the disk is failing; delete the file's directory, and run the pipeline again";
    let forget = || -> Option<()> {
        let mut names = Path::new(relative).components().filter_map(|part| match part {
            Component::Normal(name) => name.to_str(),
            _ => None,
        });
        let (_, shelf, attempt) = (names.next()?, names.next()?, names.next()?);
        let digits = attempt.get(..KEY_DIGITS)?;
        let shelf = root.join("commits").join(shelf);
        let commits = std::fs::read_dir(is_directory(&shelf).then_some(shelf)?).ok()?;
        for path in commits.filter_map(|entry| Some(entry.ok()?.path())) {
            let is_its = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(digits));
            // It may have been made anew since: then it has other files.
            let names_it = |text: Vec<u8>| String::from_utf8_lossy(&text).contains(attempt);
            if is_its && read(&path).ok()?.is_some_and(names_it) {
                remove(&path).ok()?;
                tracing::info!(path = %path.display(), "a result with damaged data was forgotten");
            }
        }
        Some(())
    };
    if forget().is_some() { FORGOTTEN } else { KEPT }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Store;

    #[test]
    fn only_the_result_that_has_the_file_is_forgotten() {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(directory.path()).unwrap();
        let digits = "ab".repeat(KEY_DIGITS / 2);
        let commits = store.root().join("commits/ab");
        std::fs::create_dir_all(&commits).unwrap();
        let (its, others) = (commits.join(format!("{digits}00.json")), commits.join("abc.json"));
        let attempt = format!("{digits}-x1y2z3");
        std::fs::write(&its, format!("data/ab/{digits}-remade/rows.parquet")).unwrap();
        std::fs::write(&others, &attempt).unwrap();
        let file = format!("data/ab/{attempt}/rows.parquet");
        assert!(forget_damaged(store.root(), &file).contains("was forgotten"));
        assert!(its.exists() && others.exists());
        std::fs::write(&its, &file).unwrap();
        forget_damaged(store.root(), &file);
        assert!(!its.exists() && others.exists());
        assert!(forget_damaged(store.root(), "data/elsewhere").contains("delete the file's directory"));
    }
}
