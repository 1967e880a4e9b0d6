//! A disk that is full, whichever page of it a run asks for first in vain: the run says so and leaves nothing half-written,
//! and goes on once there is room.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::PathBuf;

use super::crashes::{RUN, check_directory, exporting, place, recover, undisturbed};
use super::harness::{Workplace, exit_code, json_lines};
use super::store_contents::StoreContents;

/// What file systems give out.
const PAGE: u64 = 4 << 10;

/// Nothing larger is filled: it is not meant for it.
const LARGEST: u64 = 64 << 20;

/// An empty file system that may be filled.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn of_environment() -> Self {
        match std::env::var_os("STERNLIGHT_SMALL_DISK") {
            Some(disk) => Self(disk.into()),
            None => panic!("STERNLIGHT_SMALL_DISK names no small disk: run this by `.ci/with-small-disk`"),
        }
    }

    /// Leaves so many bytes free until the file is removed, which is what is returned.
    fn fill_but(&self, free: u64) -> PathBuf {
        let path = self.0.join("filling");
        let mut file = File::create(&path).unwrap();
        let mut length = 0;
        for bytes in [1 << 20, PAGE as usize] {
            while file.write_all(&vec![0; bytes]).is_ok() {
                length = file.metadata().unwrap().len();
                assert!(length < LARGEST, "{} is no small disk", self.0.display());
            }
        }
        assert!(free < length);
        file.set_len(file.metadata().unwrap().len() - free).unwrap();
        path
    }
}

/// What the run was at: the stage that failed, and the step that it had last completed a part of.
fn moment(events: &[u8]) -> String {
    let events = json_lines(events);
    let Some(failed) = events.iter().find(|event| event["event"] == "stage_failed") else {
        return "between stages".to_owned();
    };
    let is_own = |event: &&serde_json::Value| event["event"] == "part_finished" && event["stage"] == failed["stage"];
    let step = events.iter().rfind(is_own).map_or("begun", |event| event["step"].as_str().unwrap());
    format!("{}: {step}", failed["stage"].as_str().unwrap())
}

#[test]
#[ignore = "needs STERNLIGHT_SMALL_DISK"]
fn a_full_disk_at_any_page_loses_nothing() {
    let disk = SmallDisk::of_environment();
    let expected = undisturbed(&place(), &[]);
    let mut moments = BTreeSet::new();
    for page in 0.. {
        let place = exporting(Workplace::below(&disk.0).and_pipeline());
        let filling = disk.fill_but(u64::from(page) * PAGE);
        let output = place.command(&RUN).args(["--json", "--threads", "1"]).output().unwrap();
        let told = place.told(&output);
        if exit_code(&output) == 0 {
            fs::remove_file(filling).unwrap();
            break;
        }
        let what = format!("{page} pages: {}", told.lines().last().unwrap());
        assert_eq!(exit_code(&output), 1, "{what}");
        let error = told.lines().find(|line| line.starts_with("error: ")).unwrap();
        assert!(
            error.ends_with(": the disk is full") && error.contains(".sternlight/") | error.contains("HERE/out"),
            "{error}"
        );
        let left_over = StoreContents::of(&place).left_over;
        assert!(left_over.is_empty(), "{what}: {left_over:?}");
        check_directory(&place, &[&expected.exports], page);
        let hidden: Vec<String> =
            place.files("out").into_keys().filter(|name| name.contains("/.") | name.starts_with('.')).collect();
        assert!(hidden.is_empty(), "{what}: {hidden:?}");
        moments.insert(moment(&output.stdout));
        fs::remove_file(filling).unwrap();
        let runs = place.sternlight(&["runs", "--json"]);
        assert_eq!(exit_code(&runs), 0, "{what}: {}", String::from_utf8_lossy(&runs.stderr));
        let left_over = recover(&place, &[], &expected, &what).store.left_over;
        assert!(left_over.is_empty(), "{what}: {left_over:?}");
    }
    for expected in [
        "import: begun",
        "advantage: begun",
        "advantage: scatter",
        "advantage: group",
        "advantage: gather",
        "export: begun",
        "chats: begun",
        "between stages",
    ] {
        assert!(moments.contains(expected), "the disk was never full at `{expected}`: {moments:?}");
    }
}
