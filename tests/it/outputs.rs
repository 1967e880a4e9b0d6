//! Outputs that take nothing, or no more: full, closed, or with a reader who went away. Nobody panics, no run is lost, and
//! results that were not written are no success.

use std::fs::File;
use std::process::{Output, Stdio};

use super::commands::after_a_run;
use super::harness::{Workplace, exit_code, json_lines};

/// What prints something, and ends well.
const COMMANDS: [&[&str]; 18] = [
    &["show", "last"],
    &["show", "last", "import"],
    &["show", "last", "--json"],
    &["runs"],
    &["runs", "--json"],
    &["diff", "last", "last"],
    &["diff", "last", "last", "--json"],
    &["plan", "pipeline.yaml"],
    &["plan", "pipeline.yaml", "--json"],
    &["check", "pipeline.yaml"],
    &["check", "pipeline.yaml", "--json"],
    &["verify", "last", "--quiet"],
    &["stages"],
    &["stages", "import"],
    &["schema"],
    &["--help"],
    &["run", "--help"],
    &["--version"],
];

fn full() -> Stdio {
    File::options().write(true).open("/dev/full").unwrap().into()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// The status of the newest run.
fn last_status(place: &Workplace) -> String {
    let runs = place.command(&["runs", "--json"]).output().unwrap();
    json_lines(&runs.stdout)[0]["status"].as_str().unwrap().to_owned()
}

#[test]
fn a_full_stdout_is_an_error_in_a_line() {
    let place = after_a_run();
    for arguments in COMMANDS {
        let output = place.command(arguments).stdout(full()).output().unwrap();
        let said = stderr(&output);
        assert_eq!(
            (exit_code(&output), said.as_str()),
            (1, "error: cannot write to stdout: the disk is full\n"),
            "{arguments:?}"
        );
    }
}

#[test]
fn a_closed_stdout_is_an_error_in_a_line() {
    let place = after_a_run();
    for arguments in COMMANDS.into_iter().chain([&["run", "pipeline.yaml", "--json"][..]]) {
        let output = closed(&place, arguments);
        let said = stderr(&output);
        assert_eq!(
            (exit_code(&output), said.as_str()),
            (1, "error: cannot write to stdout: it is closed\n"),
            "{arguments:?}"
        );
    }
    assert_eq!(last_status(&place), "done");
    // Who wants nothing gets nothing.
    let quiet = place.command(&["show", "last"]).stdout(Stdio::null()).output().unwrap();
    assert_eq!((exit_code(&quiet), stderr(&quiet).as_str()), (0, ""));
}

/// Runs a command whose stdout a shell closed.
fn closed(place: &Workplace, arguments: &[&str]) -> Output {
    let mut shell = place.command(&[]);
    let program = shell.get_program().to_owned();
    let variables: Vec<_> =
        shell.get_envs().map(|(name, value)| (name.to_owned(), value.map(ToOwned::to_owned))).collect();
    shell = std::process::Command::new("sh");
    for (name, value) in variables {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    shell.args(["-c", "exec \"$0\" \"$@\" >&-"]).arg(program).args(arguments);
    shell.current_dir(place.path("")).stdin(Stdio::null()).output().unwrap()
}

#[test]
fn a_reader_who_went_away_has_read_enough() {
    let place = after_a_run();
    for arguments in COMMANDS.into_iter().chain([&["run", "pipeline.yaml", "--json"][..], &["run", "pipeline.yaml"]]) {
        let mut child = place.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        let said = stderr(&output);
        assert_eq!(exit_code(&output), 0, "{arguments:?}: {said}");
        assert!(!said.contains("error") && !said.contains("panicked"), "{said}");
    }
    assert_eq!(last_status(&place), "done");
}

#[test]
fn a_run_goes_on_whatever_takes_no_more() {
    let place = Workplace::with_pipeline();
    let output = place.command(&["run", "pipeline.yaml"]).stdout(Stdio::null()).stderr(full()).output().unwrap();
    assert_eq!((exit_code(&output), last_status(&place).as_str()), (0, "done"));
    for arguments in [
        &["run", "pipeline.yaml"][..],
        &["run", "pipeline.yaml", "--json"],
        &["run", "pipeline.yaml", "--json", "--executor", "processes"],
    ] {
        let place = Workplace::with_pipeline();
        let output = place.command(arguments).stdout(full()).output().unwrap();
        assert_eq!(exit_code(&output), 1, "{arguments:?}");
        assert!(stderr(&output).ends_with("error: cannot write to stdout: the disk is full\n"), "{}", stderr(&output));
        assert_eq!(last_status(&place), "done");
        assert!(place.path("out.jsonl").exists());
        let events = place.files(".sternlight/runs");
        let events = events.iter().find(|(name, _)| name.ends_with("events.jsonl")).unwrap().1;
        assert_eq!(json_lines(events).last().unwrap()["event"], "run_finished");
    }
    // Both at once.
    let output = place.command(&["run", "pipeline.yaml", "--json"]).stdout(full()).stderr(full()).output().unwrap();
    assert_eq!(exit_code(&output), 1);
    // An error keeps its code.
    place.edit("pipeline.yaml", "by: outcome", "by: outcom");
    let output = place.command(&["check", "pipeline.yaml", "--json"]).stdout(full()).stderr(full()).output().unwrap();
    assert_eq!(exit_code(&output), 2);
}
