//! Limits that the system sets: on open files, on the size of files, on memory. Each is said in our own words, and nothing
//! panics.

use std::process::{Command, Output};

use super::harness::{Workplace, exit_code};

/// Runs the program below a limit of the shell.
fn limited(place: &Workplace, limit: &str, arguments: &[&str]) -> (i32, String) {
    let program = place.command(&[]).get_program().to_owned();
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("ulimit {limit} && exec \"$0\" \"$@\"")]).arg(program).args(arguments);
    shell.current_dir(place.path("")).env("XDG_CACHE_HOME", env!("CARGO_TARGET_TMPDIR"));
    let output: Output = shell.output().unwrap();
    let said = String::from_utf8([output.stdout.as_slice(), output.stderr.as_slice()].concat()).unwrap();
    assert!(!said.contains("panicked"), "{limit} {arguments:?}: {said}");
    assert!(output.status.code().is_some(), "{limit} {arguments:?}: {:?} {said}", output.status);
    (exit_code(&output), said)
}

#[test]
fn files_that_may_not_grow() {
    for blocks in [0, 1, 2, 4, 8, 16, 32] {
        let place = Workplace::with_pipeline();
        let (code, said) = limited(&place, &format!("-f {blocks}"), &["run", "pipeline.yaml"]);
        if code != 0 {
            assert_eq!(code, 1, "{said}");
            assert!(said.contains("the file is larger than this process may write (`ulimit -f`)"), "{blocks}: {said}");
        }
        // What was committed is whole: it goes on from there.
        place.run();
    }
}

#[test]
fn few_open_files() {
    for files in [6, 8, 10, 12, 14, 16, 20, 24] {
        let place = Workplace::with_pipeline();
        let (code, said) = limited(&place, &format!("-n {files}"), &["run", "pipeline.yaml"]);
        if code != 0 {
            assert!(said.contains("this process has as many files open as it may (`ulimit -n`)"), "{files}: {said}");
        }
        place.run();
    }
}

#[test]
fn little_memory_for_threads() {
    // More threads than fit into the address space.
    let place = Workplace::with_pipeline();
    let (code, said) = limited(&place, "-v 1500000", &["run", "pipeline.yaml", "--threads", "512"]);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("of 512 threads: the system gives no more"), "{said}");
}
