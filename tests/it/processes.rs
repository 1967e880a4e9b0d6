//! Runs whose parts are carried out by other processes: they come to the same, and each part can be done by hand.

use std::fs;

use super::harness::{Run, Workplace, exit_code};

/// Several partitions, and groups in several files.
const KNOBS: [&str; 2] = ["--partition-bytes", "200"];

fn plan_of(run: &Run) -> String {
    let started = run.of_kind("run_started").next().unwrap();
    format!(".sternlight/runs/{}/plan.json", started["run"].as_str().unwrap())
}

#[test]
fn a_run_in_processes_comes_to_the_same() {
    let results = ["local", "processes"].map(|executor| {
        let place = Workplace::with_quickstart();
        let arguments = [&["run", "pipelines/quickstart.yaml", "--executor", executor][..], &KNOBS].concat();
        let run = place.run_with(&arguments, &[]);
        let steps = ["map", "scatter", "group", "gather"]
            .map(|step| run.of_kind("part_finished").filter(|event| event["step"] == step).count());
        assert!(steps.iter().all(|count| *count > 1), "{executor}: {steps:?}");
        let again = place.run_with(&arguments, &[]);
        assert!(again.computed().is_empty());
        (place.datasets(&run), place.files("sternlight-output"), steps)
    });
    assert!(results[0] == results[1]);
}

#[test]
fn every_part_can_be_carried_out_by_hand() {
    let place = Workplace::with_pipeline();
    let run = place.run_with(&[&["run", "pipeline.yaml"][..], &KNOBS].concat(), &[]);
    let expected = (place.datasets(&run), place.read("out.jsonl"));
    let plan = plan_of(&run);
    let tasks: Vec<(String, String)> = run
        .of_kind("part_finished")
        .map(|event| {
            let text = |name: &str| event[name].as_str().unwrap().to_owned();
            (format!("{}:{}", text("stage"), text("step")), event["part"].to_string())
        })
        .collect();
    for kept in ["commits", "data", "manifests", "exports"] {
        fs::remove_dir_all(place.path(".sternlight").join(kept)).unwrap();
    }
    // A stage waits for those above it.
    let early = place.sternlight(&["part", &plan, "advantage:scatter", "0"]);
    assert_eq!(exit_code(&early), 1);
    let told = String::from_utf8_lossy(&early.stdout).into_owned();
    assert!(told.contains("stage `advantage` needs its result, which is not there yet"), "{told}");
    for is_again in [false, true] {
        for (step, part) in &tasks {
            let output = place.sternlight(&["part", &plan, step, part]);
            assert_eq!(exit_code(&output), 0, "{step} {part}: {}", String::from_utf8_lossy(&output.stderr));
            // Of what is read in one stream, only what was missing is told.
            let is_told = !(is_again && step.starts_with("import:"));
            assert_eq!(String::from_utf8_lossy(&output.stdout).contains("part_finished"), is_told, "{step} {part}");
        }
    }
    let after = place.run_with(&[&["run", "pipeline.yaml"][..], &KNOBS].concat(), &[]);
    assert!(after.computed().is_empty(), "{:?}", after.computed());
    assert!((place.datasets(&after), place.read("out.jsonl")) == expected);
}

#[test]
fn a_part_that_is_not_there_is_named() {
    let place = Workplace::with_pipeline();
    let run = place.run_with(&["run", "pipeline.yaml"], &[]);
    let plan = plan_of(&run);
    let said = |arguments: &[&str]| {
        let output = place.sternlight(&[&["part"][..], arguments].concat());
        let text = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
        (exit_code(&output), String::from_utf8_lossy(&text).into_owned())
    };
    for (arguments, code, expected) in [
        (&["nowhere.json", "import:map", "0"][..], 2, "cannot use the plan `nowhere.json`"),
        (&[&plan, "import", "0"], 2, "expected a stage and a step, as in `reward:map`"),
        (&[&plan, "import:reduce", "0"], 2, "expected one of `map`, `scatter`, `group`, `gather`, found `reduce`"),
        (&[&plan, "nothing:map", "0"], 1, "the pipeline has no such stage"),
        (&[&plan, "import:map", "7"], 1, "there is nothing to map with number 7"),
        (&[&plan, "import:gather", "0"], 1, "there is nothing to gather with number 0"),
        (&[&plan, "advantage:group", "9999"], 1, "there is nothing to group with number 9999"),
    ] {
        let (found, text) = said(arguments);
        assert!(found == code && text.contains(expected), "{arguments:?}: {found} {text}");
    }
}
