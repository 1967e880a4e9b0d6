//! Several processes on one store at once: each comes to what it would have come to alone.

use std::process::{Child, Stdio};

use serde_json::Value;

use super::crashes::{RUN, Results, place, undisturbed};
use super::harness::{Run, Workplace, chats, exit_code, json_lines};

fn started(place: &Workplace, arguments: &[&str]) -> Child {
    let mut command = place.command(arguments);
    command.arg("--json").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Waits for runs, all of which must go well.
fn ended(children: Vec<Child>) -> Vec<Run> {
    children.into_iter().map(|child| Run::that_went_well(&child.wait_with_output().unwrap())).collect()
}

#[test]
fn two_runs_of_one_pipeline_come_to_the_same() {
    let expected = undisturbed(&place(), &[]);
    let mut shared = 0;
    for round in 0..10 {
        let place = place();
        let runs = ended(vec![started(&place, &RUN), started(&place, &RUN)]);
        let what = format!("round {round}");
        let found = Results::of(&place);
        found.assert_same(&expected, &what);
        // Who loses a race for a result deletes its own.
        assert!(found.store.left_over.is_empty(), "{what}: {:?}", found.store.left_over);
        assert!(place.datasets(&runs[0]) == place.datasets(&runs[1]), "{what}");
        let datasets = |run: &Run| run.events.last().unwrap()["datasets"].clone();
        assert_eq!(datasets(&runs[0]), datasets(&runs[1]), "{what}");
        let computed = |run: &Run| run.computed().len();
        shared += usize::from(computed(&runs[0]) > 0 && computed(&runs[1]) > 0);
    }
    assert!(shared > 0, "one run of each pair had ended before the other began");
}

/// Another estimator and other targets: the import, the filter and the reward are shared.
fn another(place: &Workplace) {
    let pipeline = place.read("pipeline.yaml");
    place.write("other.yaml", pipeline.replace("estimator: grpo", "estimator: rloo").replace("to: out/", "to: other/"));
}

const OTHER: [&str; 4] = ["run", "other.yaml", RUN[2], RUN[3]];

#[test]
fn two_pipelines_share_what_they_have_in_common() {
    let alone = [RUN, OTHER].map(|arguments| {
        let place = place();
        another(&place);
        let run = place.run_with(&arguments, &[]);
        (place.datasets(&run), place.files("out"), place.files("other"))
    });
    for round in 0..5 {
        let place = place();
        another(&place);
        let runs = ended(vec![started(&place, &RUN), started(&place, &OTHER)]);
        for (run, alone) in runs.iter().zip(&alone) {
            assert!(place.datasets(run) == alone.0, "round {round}");
        }
        assert!(place.files("out") == alone[0].1 && place.files("other") == alone[1].2, "round {round}");
        let of_import = |run: &Run| run.of_kind("stage_finished").next().unwrap()["dataset"].clone();
        assert_eq!(of_import(&runs[0]), of_import(&runs[1]), "round {round}");
    }
}

#[test]
fn a_store_can_be_looked_into_while_runs_go_on() {
    let place = place();
    place.write("data/a.jsonl", chats(0..40, 0..2));
    place.write("data/b.jsonl", chats(0..40, 2..4));
    another(&place);
    let first = place.run_with(&RUN, &[]);
    let first = first.of_kind("run_started").next().unwrap()["run"].as_str().unwrap().to_owned();
    // More rows, so that everything is computed again.
    place.write("data/c.jsonl", chats(0..40, 4..6));
    let mut children = vec![started(&place, &RUN), started(&place, &OTHER)];
    let mut seen_unfinished = false;
    while children.iter_mut().any(|child| child.try_wait().unwrap().is_none()) {
        let look = |arguments: &[&str]| -> Vec<Value> {
            let output = place.sternlight(arguments);
            assert_eq!(exit_code(&output), 0, "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
            json_lines(&output.stdout)
        };
        let runs = look(&["runs", "--json"]);
        assert!(runs.iter().any(|run| run["id"] == first.as_str() && run["status"] == "done"), "{runs:?}");
        seen_unfinished |= runs.iter().any(|run| run["status"].is_null());
        look(&["show", "--json"]);
        let shown = look(&["show", &first, "advantage", "--json"]);
        assert_eq!(shown[0]["rows"], 160);
    }
    assert!(seen_unfinished);
    ended(children);
}
