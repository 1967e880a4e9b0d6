//! Pipelines whose plugins are granted something: what `check`, `plan`, `run` and `verify` say of it, and what is kept.

use std::path::Path;
use std::process::Command;

use serde_json::json;

use super::harness::{Workplace, exit_code};
use super::plugins::{FINE, place};

/// A pipeline as `plugins` has it, whose plugin is granted something.
fn granting(allow: &str) -> Workplace {
    let place = place(FINE);
    place.write("words/list.txt", "one two\n");
    place.edit(
        "pipeline.yaml",
        "    with: { penalty: 0.25 }\n",
        &format!("    with: {{ penalty: 0.25 }}\n    allow: {allow}\n"),
    );
    place
}

#[test]
fn what_depends_on_the_world_outside_is_said_to_do_so() {
    let place = granting("{ clock: true, write: [words] }");
    let first = place.run();
    let finished = first.of_kind("stage_finished").find(|stage| stage["stage"] == "reward").unwrap();
    assert_eq!(finished["not_reproducible"], json!(["clock", "write"]));
    // Results are kept as any other.
    assert!(place.run().computed().is_empty());
    insta::assert_snapshot!(place.said(&["plan", "pipeline.yaml"]), @"
    exit code 0
    --- stdout
      import                                  cached, 6 trajectories
      reward         from import              cached, 6 trajectories; not reproducible: clock, write
      advantage      from reward              cached, 6 trajectories
      export         from advantage           cached, 6 trajectories
    ");
    insta::assert_snapshot!(place.said(&["verify", "last", "--quiet"]), @"
    exit code 0
    --- stdout
    RUN penalised, done, started TIME

    stored             3 manifests, 6 files, 4.15 KiB read
    exported           4 files
    computed again     1 stages: 44 columns of 2 shards, and all figures
                       everything came out the same
    not computed again reward: it depends on more than its inputs: clock, write
    not computed again advantage: it comes after such a stage
    not computed again export: it comes after such a stage
    ");
    let summary = place.said(&["run", "pipeline.yaml", "--quiet"]);
    assert!(
        summary.contains("not reproducible        reward depends on more than its inputs: clock, write\n"),
        "{summary}"
    );
}

#[test]
fn the_directory_of_the_pipeline_may_be_granted_beside_the_store() {
    let place = granting("{ read: [.] }");
    place.run();
    // What was exported lies there as well, by now.
    place.run();
    assert!(place.run().computed().is_empty());
    assert_eq!(exit_code(&place.sternlight(&["verify", "last", "-q"])), 0);
    place.write("words/list.txt", "one two three\n");
    assert_eq!(place.run().computed().get("reward"), Some(&2));
}

#[test]
fn what_a_plugin_may_read_is_in_its_key() {
    let place = granting("{ read: [words] }");
    place.run();
    assert!(place.run().computed().is_empty());
    place.write("words/list.txt", "one two three\n");
    insta::assert_snapshot!(place.said(&["plan", "pipeline.yaml", "--why", "reward"]), @"
    exit code 0
    --- stdout
    reward
      changed: file allow.read words (2 parts, the first a.jsonl, records 0-2)
    ");
    insta::assert_snapshot!(place.said(&["verify", "last"]), @"
    exit code 1
    --- stdout
    RUN penalised, done, started TIME

    stored             3 manifests, 6 files, 4.15 KiB read
    exported           4 files
    --- stderr
    error: the inputs of run `RUN` are not what they were:
      reward: allow.read words (contents)
    help: bring them back, or verify with `--stored-only`
    ");
    assert_eq!(place.run().computed()["reward"], 2);
}

#[test]
fn the_value_of_a_variable_is_kept_nowhere() {
    let place = granting("{ env: [JUDGE_KEY] }");
    let computed = |value: &str| {
        let run = place.run_with(&["run", "pipeline.yaml"], &[("JUDGE_KEY", value)]);
        run.computed().get("reward").copied()
    };
    let (first, second) = ("correct-horse-battery-staple", "another-horse");
    assert_eq!([first, first, second].map(computed), [Some(2), None, Some(2)]);
    let kept = place.files(".sternlight");
    assert!(kept.len() > 10, "{}", kept.len());
    for (name, bytes) in kept {
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains(first) && !text.contains(second), "{name}");
    }
    insta::assert_snapshot!(place.said(&["check", "pipeline.yaml"]), @"
    exit code 2
    --- stderr
    pipeline.yaml:9:20: error: the environment variable `JUDGE_KEY` is not set
      |
    9 |     allow: { env: [JUDGE_KEY] }
      |                    ^^^^^^^^^

    error: 1 problem
    ");
}

#[test]
fn what_check_says_of_grants() {
    let said = |allow: &str| granting(allow).said(&["check", "pipeline.yaml"]);
    insta::assert_snapshot!(said("{ clok: true }"), @"
    exit code 2
    --- stderr
    pipeline.yaml:9:14: error: unknown key `clok`
      |
    9 |     allow: { clok: true }
      |              ^^^^ not known here
      = help: did you mean `clock`?

    error: 1 problem
    ");
    insta::assert_snapshot!(said("[clock]"), @"
    exit code 2
    --- stderr
    pipeline.yaml:9:12: error: expected a map of keys, found a list
      |
    9 |     allow: [clock]
      |            ^^^^^^^ expected a map of keys

    error: 1 problem
    ");
    insta::assert_snapshot!(said("{ read: [wrds, ../words], network: [localhost] }"), @"
    exit code 2
    --- stderr
    pipeline.yaml:9:21: error: `wrds` is not there
      |
    9 |     allow: { read: [wrds, ../words], network: [localhost] }
      |                     ^^^^
      = help: paths begin at the pipeline's own directory: `HERE/wrds`

    pipeline.yaml:9:27: error: expected a directory below the pipeline's own, or an absolute one, found `../words`
      |
    9 |     allow: { read: [wrds, ../words], network: [localhost] }
      |                           ^^^^^^^^

    pipeline.yaml:9:48: error: expected `host:port`, found `localhost`
      |
    9 |     allow: { read: [wrds, ../words], network: [localhost] }
      |                                                ^^^^^^^^^
      = help: as in `localhost:8080`

    error: 3 problems
    ");
    let place = granting("{ clock: true }");
    place.edit("pipeline.yaml", "uses: ./tool_penalty.wasm", "uses: reward");
    place.edit("pipeline.yaml", "with: { penalty: 0.25 }", "with: { by: outcome }");
    insta::assert_snapshot!(place.said(&["check", "pipeline.yaml"]), @"
    exit code 2
    --- stderr
    pipeline.yaml:9:5: error: `allow` is for plugins, and `reward` is built in
      |
    9 |     allow: { clock: true }
      |     ^^^^^
      = help: take it out

    error: 1 problem
    ");
}

/// Of the SDK's, with componentize-py from the network.
#[test]
#[ignore = "needs the Python toolchain for WebAssembly"]
fn plugins_in_python_get_what_they_need() {
    let place = granting("{ clock: true }");
    let python = |name: &str, text: &str| {
        place.write(&format!("{name}/plugin.py"), text);
        build(&place, name);
    };
    python(
        "timely",
        "import time\nfrom sternlight import reward\n\n\n@reward(reads=['turns.action'], needs=['clock'])\n\
         def timely(trajectory):\n    return float(time.time() > 1e9)\n",
    );
    python(
        "counting",
        "import os\nfrom sternlight import reward\n\n\n@reward(reads=['turns.action'], needs=['environment', 'files'])\n\
         def counting(trajectory):\n    with open('words/list.txt') as words:\n        \
         return len(words.read().split()) + len(os.environ['MINE'])\n",
    );
    place.edit("pipeline.yaml", "    with: { penalty: 0.25 }\n", "");
    let mean = |environment: &[(&str, &str)]| {
        let run = place.run_with(&["run", "pipeline.yaml"], environment);
        let finished = run.of_kind("stage_finished").find(|stage| stage["stage"] == "reward").unwrap();
        finished["metrics"]["reward"]["distribution"]["mean"].as_f64().unwrap()
    };
    place.edit("pipeline.yaml", "./tool_penalty.wasm", "./timely.wasm");
    assert!((mean(&[]) - 1.0).abs() < 1e-6);
    place.edit("pipeline.yaml", "{ clock: true }", "{ random: true }");
    insta::assert_snapshot!(place.said(&["run", "pipeline.yaml", "--quiet"]), @"
    exit code 1
    --- stderr
    error: stage `reward`: trajectory `t0`: plugin `timely` 0.1.0: it asked for the clock (`wasi:clocks/wall-clock@0.2.9#now`), which is not granted
        in wall_clock_now
        in __clock_gettime
        in PyTime_Time
        in time_time
        in cfunction_vectorcall_NOARGS
        in _PyVectorcall_Call
        in _PyObject_Call
        in PyObject_Call
    help: if it may have that, write `allow: {clock: true}` into the stage
    ");
    place.edit("pipeline.yaml", "    allow: { random: true }\n", "");
    insta::assert_snapshot!(place.said(&["run", "pipeline.yaml", "--quiet"]), @"
    exit code 2
    --- stderr
    pipeline.yaml:6:11: error: `./timely.wasm` cannot be used: it cannot say what it is: it asked for environment variables (`wasi:cli/environment@0.2.9#get-environment`), which is not granted
        in componentize_py_runtime::bindings::wasi::cli0_2_0::environment::get_environment
        in <std::sys::sync::once::no_threads::Once>::call::<<std::sync::once::Once>::call_once<<componentize_py_runtime::MyInterpreter>::export_call_::{closure#0}::{closure#0}>::{closure#0}>
        in wit_dylib_export_call
        in sternlight:plugin/plugin@1.0.0#describe
      |
    6 |     uses: ./timely.wasm
      |           ^^^^^^^^^^^^^
      = help: it was built to be granted something: `allow` says what, as in `allow: {clock: true}`

    error: 1 problem
    ");
    place.edit("pipeline.yaml", "./timely.wasm\n", "./counting.wasm\n    allow: { read: [words], env: [MINE] }\n");
    assert!((mean(&[("MINE", "12345")]) - 7.0).abs() < 1e-6);
    place.edit("pipeline.yaml", "read: [words], env: [MINE]", "clock: true");
    insta::assert_snapshot!(place.said(&["run", "pipeline.yaml", "--quiet"]), @"
    exit code 1
    --- stderr
    error: stage `reward`: trajectory `t0`: plugin `counting` 0.1.0: it asked for files (`wasi:filesystem/preopens@0.2.9#get-directories`), which is not granted
        in filesystem_preopens_get_directories
        in __wasilibc_populate_preopens
        in __wasilibc_find_abspath
        in __wasilibc_find_relpath_alloc
        in open
        in _io_FileIO___init__
        in type_call
        in _PyObject_MakeTpCall
    help: if it may have that, write `allow: {read: [DIRECTORY]}` into the stage
    ");
}

/// Makes `NAME.wasm` of `NAME/plugin.py`, with WASI left to the host.
fn build(place: &Workplace, name: &str) {
    let plugins = Path::new(env!("CARGO_MANIFEST_DIR")).join("plugins");
    let tools = Path::new(env!("CARGO_TARGET_TMPDIR")).join("componentize-py");
    let done = |command: &mut Command| {
        let output = command.output().unwrap();
        assert_eq!(exit_code(&output), 0, "{}", String::from_utf8_lossy(&output.stderr));
    };
    if !tools.join("bin/componentize-py").exists() {
        done(Command::new("python3").args(["-m", "venv"]).arg(&tools));
        done(Command::new(tools.join("bin/pip")).args(["install", "--quiet", "componentize-py==0.25.1"]));
    }
    done(
        Command::new(tools.join("bin/componentize-py"))
            .current_dir(place.path(name))
            .arg("-d")
            .arg(plugins.join("wit"))
            .args(["-w", "reward", "componentize", "-p", ".", "-p"])
            .arg(plugins.join("sdk/python"))
            .args(["sternlight.worlds.reward", "-o", &format!("../{name}.wasm")]),
    );
    // It can be looked at without a grant; and what is compiled now is not told later.
    done(&mut place.command(&["plugin", "inspect", &format!("{name}.wasm")]));
}
