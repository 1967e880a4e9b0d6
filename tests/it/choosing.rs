//! Stages that choose rows and columns, through the whole program: what decides their results, whoever computes them, and
//! pipelines in which they stand together.

use std::collections::BTreeMap;

use super::exported::{exported, paths};
use super::harness::{Run, Workplace, exit_code};

const PIPELINE: &str = "\
version: 1
name: choosing
seed: 7
stages:
  import: { uses: import, with: { files: pipelines/data/service-desk-*, env: desk, policy: agent } }
  reward: { uses: reward, from: import, with: { by: outcome } }
  tenth: { uses: sample, from: reward, with: { fraction: 0.1 } }
  groups: { uses: sample, from: reward, with: { of: groups, count: 9 } }
  dedupe: { uses: dedupe, from: reward, with: { by: near } }
  signal: { uses: dynamic-sampling, from: reward }
  best: { uses: best-of, from: signal, with: { count: 2 } }
";

fn place() -> Workplace {
    let place = Workplace::with_quickstart();
    place.write("pipeline.yaml", PIPELINE);
    place
}

#[test]
fn rows_are_chosen_and_counted() {
    let run = place().run();
    assert_eq!(run.rows("import"), 400);
    assert!((20..60).contains(&run.rows("tenth")), "{}", run.rows("tenth"));
    assert_eq!((run.counted("groups", "groups_kept"), run.rows("groups")), (9, run.counted("groups", "rows_kept")));
    assert_eq!(run.rows("dedupe") + run.counted("dedupe", "duplicates"), 400);
    let groups = run.counted("signal", "groups_kept");
    assert!(groups > 0 && run.counted("signal", "groups_tied") > 0);
    assert_eq!(run.rows("best"), 2 * groups);
}

#[test]
fn the_seed_decides_what_is_drawn_and_nothing_else() {
    let place = place();
    place.run();
    assert_eq!(place.run().computed(), BTreeMap::new());
    place.edit("pipeline.yaml", "seed: 7", "seed: 8");
    let other: Vec<String> = place.run().computed().into_keys().map(str::to_owned).collect();
    assert_eq!(other, ["groups", "tenth"]);
    // Another name is another draw.
    place.edit("pipeline.yaml", "tenth:", "few:");
    assert!(place.run().computed().contains_key("few"));
}

#[test]
fn other_processes_draw_the_same_and_verify_finds_it_again() {
    let results = ["local", "processes"].map(|executor| {
        let place = place();
        let knobs = ["--executor", executor, "--partition-bytes", "200"];
        let run = place.run_with(&[&["run", "pipeline.yaml"][..], &knobs].concat(), &[]);
        let verified = place.sternlight(&["verify", "last"]);
        assert_eq!(exit_code(&verified), 0, "{}", String::from_utf8_lossy(&verified.stdout));
        place.datasets(&run)
    });
    assert!(results[0] == results[1]);
}

#[test]
fn two_estimators_stand_side_by_side() {
    let place = Workplace::with_quickstart();
    place.write(
        "pipeline.yaml",
        "\
version: 1
stages:
  import: { uses: import, with: { files: pipelines/data/service-desk-*, env: desk, policy: agent } }
  reward: { uses: reward, from: import, with: { by: outcome } }
  grpo: { uses: advantage, from: reward, with: { estimator: grpo } }
  select:
    uses: select
    from: grpo
    with:
      drop: [extra]
      rename: { turns.advantage: turns.advantage_grpo }
      derive: { turns.length: length(action), long: length(turns) > 5 }
  rloo: { uses: advantage, from: select, with: { estimator: rloo } }
  export: { uses: export, from: rloo, with: { to: out.parquet } }
",
    );
    let run: Run = place.run();
    assert!(run.of_kind("stage_finished").all(|stage| stage["warnings"].as_array().is_none_or(Vec::is_empty)));
    let rows = exported(&place.path("out.parquet"));
    let (grpo, rloo) = (rows.float("turns.advantage_grpo").unwrap(), rows.float("turns.advantage").unwrap());
    let pairs: Vec<_> = grpo.iter().zip(rloo.iter()).filter_map(|(grpo, rloo)| grpo.zip(rloo)).collect();
    assert!(pairs.iter().any(|(grpo, rloo)| grpo != rloo));
    assert!(pairs.iter().all(|(grpo, rloo)| grpo.partial_cmp(&0.0) == rloo.partial_cmp(&0.0)));
    let paths = paths(&rows);
    assert!(["turns.length", "long"].iter().all(|path| paths.iter().any(|known| known == path)), "{paths:?}");
    assert!(!paths.iter().any(|path| path == "extra"), "{paths:?}");
}
