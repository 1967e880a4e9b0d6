//! What an import makes of other people's rows, from the file to the advantages: who is compared with whom, what counts
//! as a failure of the policy, which values are no values, and what is said of all that.

use std::collections::BTreeMap;
use std::fs::File;
use std::sync::Arc;

use arrow::array::{
    Array as _, ArrayRef, BooleanArray, Decimal128Array, Float32Array, Float64Array, Int64Array, ListArray,
    RecordBatch, StringArray, StructArray,
};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, Fields, Schema};
use parquet::arrow::ArrowWriter;
use serde_json::{Value, json};

use crate::exported::exported;
use crate::harness::{Run, Workplace};

/// Imports, compares within groups, and exports Parquet.
fn pipeline(with: &str) -> String {
    format!(
        "version: 1\nname: rows\nstages:\n  import: {{ uses: import, with: {{ {with} }} }}\n  advantage: {{ uses: \
         advantage, from: import, with: {{ estimator: dr-grpo }} }}\n  export: {{ uses: export, from: advantage, with: {{ \
         to: out.parquet, overwrite: true }} }}\n"
    )
}

/// A chat with these fields beside its messages.
fn chat(fields: Value) -> String {
    let mut record = json!({"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]});
    record.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    format!("{record}\n")
}

fn run(place: &Workplace, with: &str) -> Run {
    place.write("pipeline.yaml", pipeline(with));
    place.run()
}

/// What a stage of a run warned of.
fn warnings(run: &Run, stage: &str) -> Vec<String> {
    let finished = run.events.iter().find(|event| event["event"] == "stage_finished" && event["stage"] == stage);
    let warnings = finished.unwrap()["warnings"].as_array().unwrap();
    warnings.iter().map(|warning| warning.as_str().unwrap().to_owned()).collect()
}

/// Advantages of the first turns by trajectory, of what was exported.
fn advantages(place: &Workplace) -> BTreeMap<String, Option<f32>> {
    let batch = exported(&place.path("out.parquet"));
    let (ids, values) = (batch.text("trajectory_id").unwrap(), batch.float("turns.advantage").unwrap());
    (0..batch.rows())
        .map(|row| {
            let turn = batch.turns_of(row).start;
            (ids.value(row).to_owned(), values.is_valid(turn).then(|| values.value(turn)))
        })
        .collect()
}

fn column(place: &Workplace, name: &str) -> Vec<Option<String>> {
    let batch = exported(&place.path("out.parquet"));
    batch.text(name).unwrap().iter().map(|text| text.map(str::to_owned)).collect()
}

fn some(texts: &[&str]) -> Vec<Option<String>> {
    texts.iter().map(|text| Some((*text).to_owned())).collect()
}

#[test]
fn runs_in_folders_of_their_own_are_compared_within_each() {
    let place = Workplace::new();
    for (folder, reward) in [("alder", 1), ("birch", 0)] {
        let attempts = chat(json!({"task_id": "post", "reward": reward})).repeat(3);
        place.write(&format!("runs/{folder}/results.jsonl"), attempts);
    }
    let first = run(&place, "files: 'runs/**/results.jsonl'");
    assert!(advantages(&place).values().all(|advantage| *advantage == Some(0.0)));
    assert_eq!(column(&place, "policy")[..4], some(&["alder", "alder", "alder", "birch"]));
    insta::assert_snapshot!(warnings(&first, "import").join("\n"), @"which policy acted is told by nothing but the names of 2 files: `alder` (3 runs), `birch` (3 runs), and runs of different ones are not compared with each other; if that is wrong, name it with `policy`, map its field with `columns: { policy: … }`, or set `group_by: task`");
    // Whoever says who acted is not warned.
    assert_eq!(warnings(&run(&place, "files: 'runs/**/results.jsonl', policy: both"), "import"), [""; 0]);
    assert_eq!(advantages(&place).values().filter(|advantage| **advantage == Some(0.5)).count(), 3);
    assert_eq!(warnings(&run(&place, "files: 'runs/**/results.jsonl', group_by: task"), "import"), [""; 0]);
}

#[test]
fn pieces_of_one_run_are_compared_with_each_other() {
    let place = Workplace::new();
    for (piece, reward) in [(0, 1), (1, 0)] {
        let attempts = chat(json!({"task_id": "post", "reward": reward})).repeat(2);
        place.write(&format!("shards/part-0000{piece}.jsonl"), attempts);
    }
    let first = run(&place, "files: 'shards/*.jsonl'");
    let mut values: Vec<_> = advantages(&place).into_values().collect();
    values.sort_by(|left, right| left.partial_cmp(right).unwrap());
    assert_eq!(values, [Some(-0.5), Some(-0.5), Some(0.5), Some(0.5)]);
    insta::assert_snapshot!(warnings(&first, "import").join("\n"), @"which policy acted is told by nothing but the names of 2 files: `part` (4 runs), so that all of them are compared with each other; if that is wrong, name it with `policy`, map its field with `columns: { policy: … }`, or set `group_by: task`");
}

#[test]
fn a_file_that_joins_others_gives_them_other_policies() {
    let place = Workplace::new();
    place.write("runs/alder/results.jsonl", chat(json!({"task_id": "post", "reward": 1})).repeat(2));
    run(&place, "files: 'runs/*/*.jsonl'");
    assert_eq!(column(&place, "policy"), some(&["results", "results"]));
    place.write("runs/birch/results.jsonl", chat(json!({"task_id": "post", "reward": 0})).repeat(2));
    run(&place, "files: 'runs/*/*.jsonl'");
    assert_eq!(column(&place, "policy"), some(&["alder", "alder", "birch", "birch"]));
    // Records that name their policy need no names of files.
    place.write("runs/birch/results.jsonl", chat(json!({"task_id": "post", "reward": 0, "model": "elm"})).repeat(2));
    assert_eq!(warnings(&run(&place, "files: 'runs/*/*.jsonl'"), "import"), [""; 0]);
}

#[test]
fn groups_whose_names_hold_separators_are_told_apart() {
    let place = Workplace::new();
    let runs = [("math/7", "b", 1), ("math", "7/b", 0)];
    let chats =
        runs.map(|(task, policy, reward)| chat(json!({"task_id": task, "policy": policy, "reward": reward})).repeat(2));
    place.write("a.jsonl", chats.concat());
    run(&place, "files: a.jsonl");
    assert!(advantages(&place).values().all(|advantage| *advantage == Some(0.0)));
    let (first, second) = ("openai-chat/math%2F7/b", "openai-chat/math/7%2Fb");
    assert_eq!(column(&place, "group_id"), some(&[first, first, second, second]));
}

#[cfg(unix)]
#[test]
fn files_that_are_reached_twice_count_once() {
    use std::os::unix::fs::symlink;

    let place = Workplace::new();
    place.write("runs/2024-05-01/a.jsonl", chat(json!({"task_id": "post", "reward": 1})).repeat(4));
    symlink("2024-05-01", place.path("runs/latest")).unwrap();
    symlink(".", place.path("runs/2024-05-01/again")).unwrap();
    symlink(".", place.path("runs/2024-05-01/once-more")).unwrap();
    let through = run(&place, "files: 'runs/**/*.jsonl', policy: p");
    assert_eq!((through.rows("import"), warnings(&through, "import")), (4, Vec::new()));
    std::fs::hard_link(place.path("runs/2024-05-01/a.jsonl"), place.path("runs/2024-05-01/b.jsonl")).unwrap();
    let twice = run(&place, "files: ['runs/*/a.jsonl', 'runs/2024-05-01/*.jsonl'], policy: p");
    assert_eq!(twice.rows("import"), 4);
    insta::assert_snapshot!(warnings(&twice, "import").join("\n"), @"`runs/latest/a.jsonl` is the same file as `runs/2024-05-01/a.jsonl`, `runs/2024-05-01/a.jsonl` is named twice, `runs/2024-05-01/b.jsonl` is the same file as `runs/2024-05-01/a.jsonl`; each file is read once");
}

#[test]
fn runs_that_broke_outside_of_the_policy_take_part_in_no_statistic() {
    let place = Workplace::new();
    let lost =
        |status: &str| chat(json!({"task_id": "t", "reward": 0, "status": status, "error": "APIConnectionError"}));
    let good = chat(json!({"task_id": "t", "reward": 1, "status": "completed"}));
    place.write("log.jsonl", [good.clone(), good.clone(), lost("failed"), lost("error")].concat());
    let first = run(&place, "files: log.jsonl");
    let values: Vec<_> = advantages(&place).into_values().collect();
    assert_eq!(values, [Some(0.0), Some(0.0), None, None]);
    assert_eq!(column(&place, "status"), some(&["done", "done", "failed", "failed"]));
    assert!(column(&place, "extra")[3].as_ref().unwrap().contains(r#""recorded_reward":0,"status":"error""#));
    assert_eq!(warnings(&first, "import"), [""; 0]);
    run(&place, "files: log.jsonl, failed_reward: recorded");
    assert_eq!(advantages(&place).into_values().collect::<Vec<_>>(), [Some(0.5), Some(0.5), Some(-0.5), Some(-0.5)]);

    let unknown = ["halfway", "halfway", "paused"].map(|status| chat(json!({"reward": 0, "status": status})));
    let failed = chat(json!({"reward": 0, "status": "failed"}));
    let silent = chat(json!({"reward": 0, "error": "gone"}));
    place.write("log.jsonl", [unknown.concat(), failed, silent].concat());
    insta::assert_snapshot!(warnings(&run(&place, "files: log.jsonl"), "import")[..3].join("\n"), @"
    3 runs have a `status` that is not known, and are taken for done: `halfway` (2), `paused` (1); the page on `import` lists the words that are
    1 run failed by `status`, without an `error`, and the recorded reward does not count: a status is about what is outside of the policy; if a task that was not done is meant, set `failed_reward: recorded`
    1 run with an `error` and no `status` taken for done, with the recorded reward: if they broke for reasons outside of the policy, a `filter` with `error is null` leaves them out
    ");
}

#[test]
fn rewards_that_float32_cannot_tell_apart_are_told() {
    let place = Workplace::new();
    let of = |group: &str, rewards: &[f64]| -> String {
        rewards.iter().map(|reward| chat(json!({"group_id": group, "reward": reward}))).collect()
    };
    place.write("a.jsonl", of("cash", &[16777216.0, 16777217.0]));
    place.write("b.jsonl", of("cash", &[16777218.0, 16777219.0]) + &of("third", &[1.0 / 3.0, 1.0 / 3.0, 0.1]));
    assert_eq!(warnings(&run(&place, "files: b.jsonl"), "import"), [""; 0]);
    place.write("b.jsonl", of("cents", &[100000.01, 100000.011, 100000.012]));
    let told = run(&place, "files: '*.jsonl'");
    insta::assert_snapshot!(warnings(&told, "import").join("\n"), @"in 2 groups, rewards differ as they were recorded and are the same as 32-bit numbers, of which advantages are made: in `cents`, 100000.01 and 100000.011 are both 100000.01; subtract what they have in common, or scale them, before");
}

#[test]
fn fields_from_elsewhere_fill_columns() {
    let place = Workplace::new();
    let record = |score: f64| chat(json!({"info": {"instance": 7.0}, "scores": [{"final.one": score}], "reward": 9}));
    place.write("a.jsonl", [record(1.0), record(0.0)].concat());
    let with = "files: a.jsonl, columns: { reward: 'scores.0.\"final.one\"', task_id: info.instance, seed: info.seed }";
    let mapped = run(&place, with);
    assert_eq!(advantages(&place).into_values().collect::<Vec<_>>(), [Some(0.5), Some(-0.5)]);
    assert_eq!(column(&place, "task_id"), some(&["7", "7"]));
    assert!(column(&place, "extra")[0].as_ref().unwrap().contains(r#""reward":9"#));
    insta::assert_snapshot!(warnings(&mapped, "import").join("\n"), @"`columns` fills `seed` from `info.seed`, which no record has: the column is empty");
}

#[test]
fn what_is_not_scored_is_said() {
    let place = Workplace::new();
    let scored = chat(json!({"task_id": "t", "reward": 1}));
    place.write("a.jsonl", scored.repeat(3) + &chat(json!({"task_id": "t"})).repeat(2));
    place.write("pipeline.yaml", pipeline("files: a.jsonl"));
    let summary = place.said(&["run", "pipeline.yaml"]);
    assert!(summary.contains("scored                  3 of 5\n"), "{summary}");
    place.write("a.jsonl", chat(json!({"task_id": "t"})).repeat(2));
    insta::assert_snapshot!(warnings(&run(&place, "files: a.jsonl"), "import").join("\n"), @"none of the 2 trajectories has a reward: if a field has it, map it with `columns: { reward: … }`; else a stage has to compute one");
}

#[test]
fn values_of_other_kinds_say_what_to_do() {
    let place = Workplace::new();
    place.write("pipeline.yaml", pipeline("files: a.jsonl"));
    let mut said = String::new();
    for fields in [json!({"reward": true}), json!({"reward": "1.0"}), json!({"success": 1}), json!({"task_id": true})] {
        place.write("a.jsonl", chat(fields));
        said += &place.said(&["run", "pipeline.yaml", "-q"]).replace("exit code 1\n--- stderr\n", "");
    }
    insta::assert_snapshot!(said, @"
    error: stage `import`: a.jsonl:1: field `reward`: expected a number, found true or false
    help: call the field `success`, or say `columns: { success: … }`; `on_error: quarantine` puts such records aside
    error: stage `import`: a.jsonl:1: field `reward`: expected a number, found text
    help: write it as a number, without quotes; `on_error: quarantine` puts such records aside
    error: stage `import`: a.jsonl:1: field `success`: expected true or false, found a number
    help: call the field `reward`, or say `columns: { reward: … }`; `on_error: quarantine` puts such records aside
    error: stage `import`: a.jsonl:1: field `task_id`: expected text or a number, found true or false
    help: `on_error: quarantine` puts such records aside
    ");
}

/// Rows of one turn each, in the columns that every file must have and some more.
fn write(place: &Workplace, name: &str, more: Vec<(&str, ArrayRef)>) {
    let count = more[0].1.len();
    let text = |value: &str| -> ArrayRef { Arc::new(StringArray::from(vec![value; count])) };
    let mut columns = more;
    let ids: Vec<String> = (0..count).map(|row| format!("t{row}")).collect();
    let given: Vec<(&str, ArrayRef)> =
        vec![("trajectory_id", Arc::new(StringArray::from(ids))), ("group_id", text("g")), ("status", text("done"))];
    for (name, array) in given {
        if columns.iter().all(|(known, _)| *known != name) {
            columns.push((name, array));
        }
    }
    let fields: Fields = ["observation", "action"].map(|name| Field::new(name, DataType::Utf8, true)).to_vec().into();
    let turns = StructArray::new(fields.clone(), vec![text("o"), text("a")], None);
    let element = Arc::new(Field::new("item", DataType::Struct(fields), true));
    let turns = ListArray::new(element, OffsetBuffer::from_lengths(vec![1; count]), Arc::new(turns), None);
    columns.push(("turns", Arc::new(turns)));
    let fields: Vec<Field> =
        columns.iter().map(|(name, array)| Field::new(*name, array.data_type().clone(), true)).collect();
    let arrays = columns.into_iter().map(|(_, array)| array).collect();
    let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).unwrap();
    let mut writer = ArrowWriter::try_new(File::create(place.path(name)).unwrap(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

fn rewards(values: &[f32]) -> ArrayRef {
    Arc::new(Float32Array::from(values.to_vec()))
}

#[test]
fn a_reward_that_is_no_number_is_that_rows_fault() {
    let place = Workplace::new();
    write(&place, "log.parquet", vec![("reward", rewards(&[1.0, f32::NAN, 0.0]))]);
    let whole = pipeline("files: log.parquet");
    place.write("pipeline.yaml", &whole);
    insta::assert_snapshot!(place.said(&["run", "pipeline.yaml", "-q"]), @"
    exit code 1
    --- stderr
    error: stage `advantage`: trajectory `t1`: `reward` is NaN, expected a finite number or null
    help: a `filter` with `reward is not null` leaves such rows out, `on_error: quarantine` puts them aside
    ");
    let expected = BTreeMap::from([("t0".to_owned(), Some(0.5)), ("t2".to_owned(), Some(-0.5))]);
    // Put aside where it is met, or before.
    for stage in ["import", "advantage"] {
        place.write(
            "pipeline.yaml",
            whole.replacen(&format!("  {stage}: {{"), &format!("  {stage}: {{ on_error: quarantine,"), 1),
        );
        let run = place.run();
        assert_eq!((advantages(&place), run.rows("export")), (expected.clone(), 2), "{stage}");
        let shown = place.said(&["show", "last", stage, "--quarantine"]);
        assert!(shown.contains("t1") && shown.contains("NaN"), "{shown}");
    }
    // Or left out.
    let filter = "  keep: { uses: filter, from: import, with: { where: reward >= -100 } }\n  advantage";
    place.write(
        "pipeline.yaml",
        whole.replacen("  advantage", filter, 1).replace("from: import, with: { est", "from: keep, with: { est"),
    );
    place.run();
    assert_eq!(advantages(&place), expected);
    // An export alone names it too.
    let export = whole.replace("from: advantage", "from: import");
    place.write(
        "pipeline.yaml",
        export.replace("  advantage: { uses: advantage, from: import, with: { estimator: dr-grpo } }\n", ""),
    );
    insta::assert_snapshot!(place.said(&["run", "pipeline.yaml", "-q"]), @"
    exit code 1
    --- stderr
    error: stage `export`: HERE/log.parquet: trajectory `t1`: row 1, column `reward`: is NaN, expected a finite number or null
    help: a `filter` with `reward is not null` leaves such rows out
    ");
}

#[test]
fn parquet_of_others_is_understood_when_it_is_imported() {
    let place = Workplace::new();
    let status = ["completed", "error", "max_steps", "weird"];
    let scores = StructArray::from(vec![(
        Arc::new(Field::new("final", DataType::Decimal128(3, 1), true)),
        Arc::new(Decimal128Array::from(vec![10, 0, 5, 15]).with_precision_and_scale(3, 1).unwrap()) as ArrayRef,
    )]);
    write(
        &place,
        "log.parquet",
        vec![
            ("status", Arc::new(StringArray::from(status.to_vec()))),
            ("task_id", Arc::new(Float64Array::from(vec![7.0, 7.0, 7.5, 8.0]))),
            ("trajectory_id", Arc::new(Int64Array::from(vec![1, 2, 3, 4]))),
            ("seed", Arc::new(Int64Array::from(vec![-1, 0, 3, 4]))),
            ("success", Arc::new(BooleanArray::from(vec![true, false, false, true]))),
            ("scores", Arc::new(scores)),
        ],
    );
    let told = run(&place, "files: log.parquet, columns: { reward: scores.final }");
    assert_eq!(column(&place, "status"), some(&["done", "failed", "truncated", "done"]));
    assert_eq!(column(&place, "trajectory_id"), some(&["1", "2", "3", "4"]));
    assert_eq!(column(&place, "task_id"), some(&["7", "7", "7.5", "8"]));
    let batch = exported(&place.path("out.parquet"));
    let rewards: Vec<_> = batch.float("reward").unwrap().iter().collect();
    assert_eq!(rewards, [Some(1.0), None, Some(0.5), Some(1.5)]);
    assert_eq!(batch.boolean("success").unwrap().iter().collect::<Vec<_>>()[1], None);
    assert!(batch.column("seed").unwrap().is_null(0) && batch.column("seed").unwrap().is_valid(1));
    insta::assert_snapshot!(warnings(&told, "import").join("\n"), @"
    1 run has a `status` that is not known, and is taken for done: `weird` (1); the page on `import` lists the words that are
    1 run failed by `status`, without an `error`, and the recorded reward does not count: a status is about what is outside of the policy; if a task that was not done is meant, set `failed_reward: recorded`
    1 run with a seed below zero, which is left out
    ");
    // What was looked at is kept as any result.
    assert!(place.run().computed().is_empty());
    assert!(place.sternlight(&["verify", "last"]).status.success());
}

#[test]
fn rows_of_parquet_that_lack_what_they_need_are_named() {
    let place = Workplace::new();
    let groups = StringArray::from(vec![Some("g"), None, Some("g")]);
    write(&place, "log.parquet", vec![("group_id", Arc::new(groups)), ("reward", rewards(&[1.0, 5.0, 0.0]))]);
    let whole = pipeline("files: log.parquet");
    place.write("pipeline.yaml", &whole);
    insta::assert_snapshot!(place.said(&["run", "pipeline.yaml", "-q"]), @"
    exit code 1
    --- stderr
    error: stage `import`: log.parquet, row 1: trajectory `t1`: `group_id` is null, expected a value
    help: `on_error: quarantine` puts such rows aside
    ");
    place.write("pipeline.yaml", whole.replacen("  import: {", "  import: { on_error: quarantine,", 1));
    place.run();
    assert_eq!(advantages(&place), BTreeMap::from([("t0".to_owned(), Some(0.5)), ("t2".to_owned(), Some(-0.5))]));
    assert!(place.sternlight(&["verify", "last"]).status.success());
}
