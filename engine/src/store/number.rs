//! Numbers of runs: each run gets one that is greater than those of all that began before, whatever the clock says.
//!
//! A number is taken by putting a file of its name into `numbers`, if there is none, and is good if no greater one is taken
//! by then. The greatest is never removed but by whoever has taken a greater one. So two runs never have the same, however
//! slow one of them is: whoever takes one that had been removed sees a greater one.

use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;

use super::error::StoreError;
use super::files::{Durability, remove};
use super::root::Store;

const DIRECTORY: &str = "numbers";

/// So many runs no store has: a greater number was not written here.
const LIMIT: u64 = 1 << 53;

impl Store {
    /// Takes the next number.
    pub(super) fn take_number(&self) -> Result<u64, StoreError> {
        // Where none was taken, or the files were lost, runs tell theirs.
        let mut last = match self.last_number()? {
            Some(number) => number,
            None => self.runs()?.iter().filter_map(|run| run.number).max().unwrap_or_default(),
        };
        loop {
            let next = last.saturating_add(1);
            let is_taken = Durability::Lasting.put_if_absent(&self.number_path(next), b"")?;
            let greatest = self.last_number()?.unwrap_or(next);
            if !is_taken {
                last = greatest.max(next);
                continue;
            }
            if greatest > next {
                remove(&self.number_path(next))?;
                last = greatest;
                continue;
            }
            // Those that stay do no harm.
            let lower = self.numbers()?.into_iter().filter(|number| *number < next);
            lower.for_each(|number| drop(remove(&self.number_path(number))));
            return Ok(next);
        }
    }

    fn last_number(&self) -> Result<Option<u64>, StoreError> {
        Ok(self.numbers()?.into_iter().max())
    }

    fn numbers(&self) -> Result<Vec<u64>, StoreError> {
        let directory = self.root().join(DIRECTORY);
        let entries = match fs::read_dir(&directory) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(StoreError::file("read", &directory))?,
        };
        let numbers = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
        Ok(numbers.filter(|number| *number < LIMIT).collect())
    }

    fn number_path(&self, number: u64) -> PathBuf {
        self.root().join(DIRECTORY).join(number.to_string())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_two_have_the_same_and_each_is_greater_than_those_before() {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(directory.path()).unwrap();
        let numbers: Vec<Vec<u64>> = std::thread::scope(|scope| {
            let takers: Vec<_> =
                (0..8).map(|_| scope.spawn(|| (0..50).map(|_| store.take_number().unwrap()).collect())).collect();
            takers.into_iter().map(|taker| taker.join().unwrap()).collect()
        });
        assert!(numbers.iter().all(|mine| mine.is_sorted_by(|before, after| before < after)));
        assert_eq!(numbers.iter().flatten().collect::<BTreeSet<_>>().len(), 400);
        // What others wrote there is no number, and what is in the way is passed over.
        fs::write(directory.path().join("numbers").join(u64::MAX.to_string()), "").unwrap();
        let last = store.last_number().unwrap().unwrap();
        fs::create_dir(store.number_path(last + 1)).unwrap();
        assert_eq!(store.take_number().unwrap(), last + 2);
        assert!(fs::read_dir(directory.path().join("numbers")).unwrap().count() <= 4);
    }
}
