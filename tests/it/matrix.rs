//! A matrix: one file, several runs, and what they have in common is computed once. Also a run of a part of a pipeline.

use super::harness::Workplace;

const MATRIX: &str = "\
version: 1
name: cells
matrix: { estimator: [grpo, rloo], seed: [1, 2] }
stages:
  import: { uses: import, with: { files: data/*.jsonl } }
  advantage: { uses: advantage, from: import, with: { estimator: '${matrix.estimator}' } }
  export: { uses: export, from: advantage, with: { to: 'out/${matrix.estimator}-${matrix.seed}.parquet' } }
";

#[test]
fn each_cell_is_a_run_and_shares_what_does_not_differ() {
    let place = Workplace::with_pipeline();
    place.write("pipeline.yaml", MATRIX);
    assert!(place.said(&["check", "pipeline.yaml"]).contains("ok, 3 stages, 4 cells"));
    let events = super::harness::json_lines(&place.sternlight(&["run", "pipeline.yaml", "--json"]).stdout);
    let cells: Vec<&str> = events.iter().filter_map(|event| event["cell"].as_str()).collect();
    assert_eq!(
        cells,
        ["estimator=grpo, seed=1", "estimator=grpo, seed=2", "estimator=rloo, seed=1", "estimator=rloo, seed=2"]
    );
    let computed = |stage: &str| -> Vec<u64> {
        let of = |event: &&serde_json::Value| event["event"] == "stage_finished" && event["stage"] == stage;
        events.iter().filter(of).map(|event| event["computed"].as_u64().unwrap()).collect()
    };
    assert_eq!(computed("import"), [2, 0, 0, 0]);
    assert!(
        computed("advantage")[0] > 0 && computed("advantage")[1] == 0,
        "it does not draw: {:?}",
        computed("advantage")
    );
    assert_eq!(computed("export"), [1, 1, 1, 1]);
    let names: Vec<String> = place.files("out").into_keys().filter(|name| name.ends_with("parquet")).collect();
    assert_eq!(names.len(), 4, "{names:?}");
    assert!(place.said(&["runs"]).contains("cells (estimator=rloo, seed=2)"));
}

#[test]
fn cells_do_not_write_over_each_other() {
    let place = Workplace::with_pipeline();
    place.write("pipeline.yaml", MATRIX.replace("-${matrix.seed}.parquet", ".parquet"));
    let output = place.sternlight(&["check", "pipeline.yaml"]);
    assert!(!output.status.success());
    let told = place.told(&output);
    assert!(told.contains("every cell of the matrix would write to") && told.contains("${matrix.seed}"), "{told}");
}

#[test]
fn another_seed_splits_otherwise() {
    let place = Workplace::with_pipeline();
    let yaml = "version: 1\nseed: 7\nstages:\n  import: { uses: import, with: { files: data/*.jsonl } }\n  \
                split: { uses: split, from: import }\n";
    place.write("pipeline.yaml", yaml);
    assert_eq!(place.run().computed()["split"], 1);
    assert_eq!(place.run().computed().get("split"), None);
    place.edit("pipeline.yaml", "seed: 7", "seed: 8");
    assert_eq!(place.run().computed()["split"], 1);
}

#[test]
fn a_run_until_a_stage_leaves_out_what_is_behind_it() {
    let place = Workplace::with_pipeline();
    let stages = |output: &std::process::Output| -> Vec<String> {
        let events = super::harness::json_lines(&output.stdout);
        let of = |event: &&serde_json::Value| event["event"] == "stage_finished";
        events.iter().filter(of).map(|event| event["stage"].as_str().unwrap().to_owned()).collect()
    };
    let output = place.sternlight(&["run", "pipeline.yaml", "--json", "--until", "reward"]);
    assert_eq!(stages(&output), ["import", "filter", "reward"]);
    place.write(
        "loop.yaml",
        "version: 1\nloop: { times: 2, carry: { import: best } }\nstages:\n  import: { uses: import, with: { files: data/*.jsonl } }\n  \
         best: { uses: filter, from: import, with: { where: 'true' } }\n  counts: { uses: stats, from: best }\n",
    );
    assert_eq!(
        stages(&place.sternlight(&["run", "loop.yaml", "--json", "--until", "best"])),
        ["import", "best@0", "best@1"]
    );
    let told = place.told(&place.sternlight(&["run", "pipeline.yaml", "--until", "rewards"]));
    assert!(told.contains("the pipeline has no stage `rewards`"), "{told}");
}
