//! Projects that are built: every kind in every language from `plugin new` to a run, and the examples that are committed,
//! built again. Needs the toolchains that CONTRIBUTING.md names; what is fetched and compiled is kept for the next time.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};
use sternlight_engine::trajectory::TrajectoryBatch;

use super::exported::{exported, paths};
use super::harness::{Workplace, exit_code, shipped};

/// What is kept for the next time.
fn kept(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// Where the program runs: with tools that were fetched before, but machine code that goes with this place. Two builds of
/// a plugin in Python differ, and the machine code of each has 36 MB.
struct Workshop {
    place: Workplace,
    /// The project: always the same folder, or cargo would keep what it compiles for each.
    folder: PathBuf,
}

impl Workshop {
    fn new(name: &str) -> Self {
        let place = Workplace::on_disk();
        fs::create_dir_all(place.path("cache/sternlight")).unwrap();
        std::os::unix::fs::symlink(kept("sternlight/builds"), place.path("cache/sternlight/builds")).unwrap();
        let folder = kept("projects").join(name);
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir(&folder).unwrap();
        Self { place, folder: folder.canonicalize().unwrap() }
    }

    /// Runs the program in the folder; it must go well.
    fn sternlight(&self, arguments: &[&str]) -> Vec<u8> {
        let mut command = self.place.command(arguments);
        command.current_dir(&self.folder).env("XDG_CACHE_HOME", self.place.path("cache"));
        succeeded(&command.output().unwrap())
    }

    /// What each of the sample episodes has after a stage of the project's pipeline, as `pick` has it.
    fn run(&self, stage: &str, pick: impl Fn(&Value) -> Value) -> String {
        self.sternlight(&["run", "pipeline.yaml"]);
        let sample = fs::read_to_string(self.folder.join("data/trajectories.jsonl")).unwrap();
        let row = |line: &str| {
            let id = json(line.as_bytes())["trajectory_id"].as_str().unwrap().to_owned();
            let row = json(&self.sternlight(&["show", "last", stage, &id, "--json"]));
            format!("{id}: {}\n", pick(&row))
        };
        sample.lines().map(row).collect()
    }
}

fn succeeded(output: &Output) -> Vec<u8> {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(exit_code(output), 0, "{said}{}", String::from_utf8_lossy(&output.stdout));
    output.stdout.clone()
}

fn json(text: &[u8]) -> Value {
    serde_json::from_slice(text).unwrap()
}

/// A new project, tested as its README says, and built; and what is to be told of it.
fn project(language: &str, kind: &str) -> (Workshop, Value) {
    project_in(&format!("{language}-{kind}"), language, kind)
}

fn project_in(folder: &str, language: &str, kind: &str) -> (Workshop, Value) {
    let mut workshop = Workshop::new(folder);
    workshop.sternlight(&["plugin", "new", "tried", "--lang", language, "--kind", kind]);
    workshop.folder.push("tried");
    let mut test = match language {
        "rust" => Command::new("cargo"),
        "python" => Command::new("python3"),
        _ => Command::new("npm"),
    };
    match language {
        // What the projects have in common is compiled once.
        "rust" => test.args(["test", "--quiet", "--target-dir"]).arg(kept("native")),
        "python" => test.args(["-m", "unittest"]),
        _ => test.arg("test"),
    };
    succeeded(&test.current_dir(&workshop.folder).output().unwrap());
    let built = json(&workshop.sternlight(&["plugin", "build", "--json"]));
    assert_eq!((&built["name"], &built["path"]), (&json!("tried"), &json!("tried.wasm")));
    let world = if language == "rust" && !["relabel", "environment"].contains(&kind) { "batch" } else { kind };
    assert_eq!((&built["world"], &built["imports"]), (&json!(world), &json!([])));
    let inspected = json(&workshop.sternlight(&["plugin", "inspect", "tried.wasm", "--json"]));
    assert_eq!(inspected["sha256"], built["sha256"]);
    (workshop, inspected)
}

/// One value of each turn.
fn of_turns(row: &Value, column: &str) -> Value {
    row["turns"].as_array().unwrap().iter().map(|turn| turn[column].clone()).collect()
}

fn reward(language: &str) {
    let (workshop, plugin) = project(language, "reward");
    assert_eq!(plugin["columns"]["adds"], json!([["reward", "float32"]]));
    insta::allow_duplicates! {
        insta::assert_snapshot!(workshop.run("reward", |row| row["reward"].clone()), @"
        planning-1: 1.0
        planning-2: 0.6
        planning-3: 0.0
        planning-4: 0.0
        move-review-1: 1.0
        move-review-2: 0.8
        move-review-3: 0.0
        move-review-4: null
        ");
    }
}

fn reflect(language: &str) {
    let (workshop, _) = project(language, "reflect");
    insta::allow_duplicates! {
        insta::assert_snapshot!(workshop.run("reflect", |row| of_turns(row, "diagnosis")), @r#"
        planning-1: [null,null,null]
        planning-2: [null,null,null,null,null]
        planning-3: [null,"call number 2 of `book` with these arguments","call number 3 of `book` with these arguments",null]
        planning-4: [null,null,null]
        move-review-1: [null,null,null]
        move-review-2: [null,null,null,null]
        move-review-3: [null,null,null]
        move-review-4: [null,"call number 2 of `find_meeting` with these arguments",null]
        "#);
    }
}

fn relabel(language: &str) {
    let (workshop, _) = project(language, "relabel");
    workshop.sternlight(&["run", "pipeline.yaml"]);
    let shown = json(&workshop.sternlight(&["show", "last", "relabel", "--json"]));
    // Of the three failures one had no call that worked.
    assert_eq!(shown["rows"], 10);
    let copy = json(&workshop.sternlight(&["show", "last", "relabel", "move-review-3#relabel-1", "--json"]));
    assert_eq!(copy["prompt"], "Call `cancel_meeting` with the arguments {\"id\": 12}.");
    assert_eq!(
        (&copy["reward"], &copy["success"], copy["turns"].as_array().unwrap().len()),
        (&json!(1.0), &json!(true), 2)
    );
}

fn environment(language: &str) {
    let (workshop, _) = project(language, "environment");
    workshop.sternlight(&["run", "pipeline.yaml"]);
    let shown = json(&workshop.sternlight(&["show", "last", "rollout", "--json"]));
    assert_eq!(shown["rows"], 32);
}

fn advantage(language: &str) {
    let (workshop, plugin) = project(language, "advantage");
    assert_eq!(plugin["columns"]["scope"], "group");
    insta::allow_duplicates! {
        insta::assert_snapshot!(workshop.run("advantage", |row| of_turns(row, "advantage")), @"
        planning-1: [0.6666667,0.6666667,0.6666667]
        planning-2: [0.6666667,0.6666667,0.6666667,0.6666667,0.6666667]
        planning-3: [-0.6666667,-0.6666667,-0.6666667,-0.6666667]
        planning-4: [-0.6666667,-0.6666667,-0.6666667]
        move-review-1: [0.5,0.5,0.5]
        move-review-2: [0.5,0.5,0.5,0.5]
        move-review-3: [-1.0,-1.0,-1.0]
        move-review-4: [null,null,null]
        ");
    }
}

fn batch(language: &str) {
    let (workshop, plugin) = project(language, "batch");
    assert_eq!(plugin["columns"]["adds"], json!([["turns.action_length", "int32"], ["action_length", "int32"]]));
    let lengths = |row: &Value| json!([row["action_length"], of_turns(row, "action_length")]);
    insta::allow_duplicates! {
        insta::assert_snapshot!(workshop.run("measure", lengths), @"
        planning-1: [28,[10,11,7]]
        planning-2: [47,[9,9,10,11,8]]
        planning-3: [41,[11,11,11,8]]
        planning-4: [29,[10,15,4]]
        move-review-1: [25,[7,11,7]]
        move-review-2: [38,[11,7,11,9]]
        move-review-3: [20,[7,7,6]]
        move-review-4: [19,[7,7,5]]
        ");
    }
    // Whatever a dataset may hold: no row breaks a batch, and none depends on what else is in it.
    workshop.sternlight(&["plugin", "test", "tried.wasm", "--data", "data/trajectories.jsonl"]);
}

/// A filter that goes from shard to shard, in the place of the template's plugin.
fn selection(language: &str, file: &str, source: &str) {
    let mut workshop = Workshop::new(&format!("{language}-selection"));
    workshop.sternlight(&["plugin", "new", "tried", "--lang", language, "--kind", "batch"]);
    workshop.folder.push("tried");
    fs::write(workshop.folder.join(file), source).unwrap();
    let pipeline = "version: 1
stages:
  import: { uses: import, with: { files: data/*.jsonl } }
  long: { uses: ./tried.wasm, from: import }
";
    fs::write(workshop.folder.join("pipeline.yaml"), pipeline).unwrap();
    workshop.sternlight(&["plugin", "build"]);
    let plugin = json(&workshop.sternlight(&["plugin", "inspect", "tried.wasm", "--json"]));
    assert_eq!((&plugin["columns"]["rows"], &plugin["columns"]["state"]), (&json!("subset"), &json!("reused")));
    workshop.sternlight(&["plugin", "test", "tried.wasm"]);
    workshop.sternlight(&["run", "pipeline.yaml"]);
    let rows = |stage: &str| json(&workshop.sternlight(&["show", "last", stage, "--json"]))["rows"].clone();
    assert_eq!((rows("import"), rows("long")), (json!(8), json!(3)));
    for id in ["planning-2", "planning-3", "move-review-2"] {
        let row = json(&workshop.sternlight(&["show", "last", "long", id, "--json"]));
        assert!(row["turns"].as_array().unwrap().len() > 3, "{row}");
    }
}

#[test]
#[ignore = "needs the Rust toolchain for WebAssembly"]
fn a_choice_of_trajectories_in_rust() {
    let source = "use sternlight_plugin::{Batch, NoConfig, Result, batch};

fn long(batch: &Batch, _: &NoConfig) -> Result<Vec<bool>> {
    Ok((0..batch.rows()).map(|row| batch.turns_of(row).len() > 3).collect())
}

batch!(long, reads: [\"turns\": \"\"], selects, keeps_state);
";
    selection("rust", "src/lib.rs", source);
}

#[test]
#[ignore = "needs the Python toolchain for WebAssembly"]
fn a_choice_of_trajectories_in_python() {
    let source = "from sternlight import Batch, batch


@batch(reads=[\"turns\"], selects=True, keeps_state=True)
def tried(batch: Batch) -> list[bool]:
    return [len(turns) > 3 for turns in batch.turns]
";
    selection("python", "plugin.py", source);
}

#[test]
#[ignore = "needs the JavaScript toolchain for WebAssembly"]
fn a_choice_of_trajectories_in_javascript() {
    let source = "import { batch } from \"sternlight\";

export default batch({
  name: \"tried\",
  reads: [\"turns\"],
  selects: true,
  keepsState: true,
  process: (batch) => batch.turns.map(({ start, end }) => end - start > 3),
});
";
    selection("js", "plugin.js", source);
}

#[test]
#[ignore = "needs the Rust toolchain for WebAssembly"]
fn a_reward_in_rust() {
    reward("rust");
}

#[test]
#[ignore = "needs the Python toolchain for WebAssembly"]
fn a_reward_in_python() {
    reward("python");
}

#[test]
#[ignore = "needs the JavaScript toolchain for WebAssembly"]
fn a_reward_in_javascript() {
    reward("js");
}

#[test]
#[ignore = "needs the Rust toolchain for WebAssembly"]
fn a_reflection_in_rust() {
    reflect("rust");
}

#[test]
#[ignore = "needs the Python toolchain for WebAssembly"]
fn a_reflection_in_python() {
    reflect("python");
}

#[test]
#[ignore = "needs the JavaScript toolchain for WebAssembly"]
fn a_reflection_in_javascript() {
    reflect("js");
}

#[test]
#[ignore = "needs the Rust toolchain for WebAssembly"]
fn an_advantage_in_rust() {
    advantage("rust");
}

#[test]
#[ignore = "needs the Python toolchain for WebAssembly"]
fn an_advantage_in_python() {
    advantage("python");
}

#[test]
#[ignore = "needs the JavaScript toolchain for WebAssembly"]
fn an_advantage_in_javascript() {
    advantage("js");
}

#[test]
#[ignore = "needs the Rust toolchain for WebAssembly"]
fn columns_of_batches_in_rust() {
    batch("rust");
}

#[test]
#[ignore = "needs the Python toolchain for WebAssembly"]
fn columns_of_batches_in_python() {
    batch("python");
}

#[test]
#[ignore = "needs the JavaScript toolchain for WebAssembly"]
fn columns_of_batches_in_javascript() {
    batch("js");
}

#[test]
#[ignore = "needs the Rust toolchain for WebAssembly"]
fn a_relabeller_and_an_environment_in_rust() {
    relabel("rust");
    environment("rust");
}

#[test]
#[ignore = "needs the Python toolchain for WebAssembly"]
fn a_relabeller_and_an_environment_in_python() {
    relabel("python");
    environment("python");
}

#[test]
#[ignore = "needs the JavaScript toolchain for WebAssembly"]
fn a_relabeller_and_an_environment_in_javascript() {
    relabel("js");
    environment("js");
}

#[test]
#[ignore = "needs the JavaScript toolchain for WebAssembly"]
fn a_reward_in_typescript() {
    let (workshop, _) = project_in("typescript", "js", "reward");
    let folder = &workshop.folder;
    let plugin = fs::read_to_string(folder.join("plugin.js")).unwrap();
    let typed = plugin.replace("const beyond =", "const beyond: number =").replace("Math.max(0, 1 - ", "worth(");
    assert!(typed.contains("worth(config") && typed.contains(": number"));
    fs::remove_file(folder.join("plugin.js")).unwrap();
    fs::write(folder.join("plugin.ts"), format!("import {{ worth }} from \"./worth.ts\";\n{typed}")).unwrap();
    fs::write(folder.join("worth.ts"), "export const worth = (cost: number): number => Math.max(0, 1 - cost);\n")
        .unwrap();
    workshop.sternlight(&["plugin", "build", "--quiet"]);
    let rewards = workshop.run("reward", |row| row["reward"].clone());
    assert!(rewards.contains("planning-1: 1.0\n"), "{rewards}");
}

#[test]
#[ignore = "needs the JavaScript and Python toolchains for WebAssembly"]
fn what_a_plugin_has_wrong_is_told_and_what_was_built_before_stays() {
    let (workshop, before) = project_in("wrong", "js", "reward");
    let folder = &workshop.folder;
    let plugin = fs::read_to_string(folder.join("plugin.js")).unwrap();
    let built = || {
        let mut command = workshop.place.command(&["plugin", "build"]);
        command.current_dir(folder).env("XDG_CACHE_HOME", workshop.place.path("cache"));
        let output = command.output().unwrap();
        assert_eq!(exit_code(&output), 1);
        String::from_utf8(output.stderr).unwrap()
    };
    fs::write(folder.join("plugin.js"), plugin.replace("integer, number", "integer, numbr")).unwrap();
    let told = built();
    assert!(told.starts_with("error: `plugin.js` cannot be imported:\n"), "{told}");
    assert!(told.contains("does not provide an export named 'numbr'"), "{told}");
    assert!(told.contains(&format!("{}/plugin.js", folder.display())), "{told}");
    // What node has and QuickJS has not shows when the component is made.
    fs::write(folder.join("plugin.js"), format!("import \"node:fs\";\n{plugin}")).unwrap();
    let told = built();
    assert!(told.starts_with("error: componentize-qjs cannot make a component of `plugin.js`:\n"), "{told}");
    let after = json(&workshop.sternlight(&["plugin", "inspect", "tried.wasm", "--json"]));
    assert_eq!(after, before);
    fs::remove_file(folder.join("plugin.js")).unwrap();
    fs::write(folder.join("plugin.py"), "import numpy\n").unwrap();
    let told = built();
    assert!(told.starts_with("error: `plugin.py` cannot be imported:\n"), "{told}");
    assert!(told.ends_with("ModuleNotFoundError: No module named 'numpy'\n"), "{told}");
}

#[test]
#[ignore = "needs the Rust toolchain for WebAssembly"]
fn a_crate_without_a_plugin_replaces_nothing() {
    let workshop = Workshop::new("no-plugin");
    let folder = &workshop.folder;
    let package = "[package]\nname = \"few\"\nedition = \"2024\"\n[lib]\ncrate-type = [\"cdylib\"]\n[workspace]\n";
    fs::create_dir(folder.join("src")).unwrap();
    fs::write(folder.join("Cargo.toml"), package).unwrap();
    fs::write(folder.join("src/lib.rs"), "").unwrap();
    fs::write(folder.join("few.wasm"), "before").unwrap();
    let mut command = workshop.place.command(&["plugin", "build", "--quiet"]);
    command.current_dir(folder).env("XDG_CACHE_HOME", workshop.place.path("cache"));
    let told = workshop.place.told(&command.output().unwrap());
    insta::assert_snapshot!(told, @"
    exit code 1
    --- stderr
    error: it was built, but `few.wasm` cannot be used: it is a component, but no plugin: it exports no interface
    ");
    assert_eq!(fs::read_to_string(folder.join("few.wasm")).unwrap(), "before");
}

/// An example, built again into the workshop's folder; and the one that is committed, if there is one.
fn example(workshop: &Workshop, name: &str, language: &str) -> (Vec<u8>, Option<Vec<u8>>) {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("plugins/examples").join(name).join(language);
    workshop.sternlight(&["plugin", "build", &source.to_string_lossy(), "--output", "example.wasm", "--quiet"]);
    let committed = fs::read(source.join(format!("{name}.wasm"))).ok();
    (fs::read(workshop.folder.join("example.wasm")).unwrap(), committed)
}

/// What is told of a component, but for what another build changes.
fn told_of(workshop: &Workshop, component: &[u8]) -> Value {
    fs::write(workshop.folder.join("plugin.wasm"), component).unwrap();
    let mut told = json(&workshop.sternlight(&["plugin", "inspect", "plugin.wasm", "--json"]));
    let told_fields = told.as_object_mut().unwrap();
    told_fields.remove("sha256");
    told_fields.remove("bytes");
    told
}

/// The dataset that a component makes of the sample recordings.
fn worked(workshop: &Workshop, component: &[u8]) -> TrajectoryBatch {
    let files = shipped("data/service-desk-0.json.zst");
    let pipeline = format!(
        "version: 1\nname: example\nstages:\n  import: {{ uses: import, with: {{ files: {} }} }}\n  \
         work: {{ uses: ./plugin.wasm, from: import }}\n  \
         export: {{ uses: export, from: work, with: {{ to: out.parquet }} }}\n",
        files.display()
    );
    fs::write(workshop.folder.join("plugin.wasm"), component).unwrap();
    fs::write(workshop.folder.join("pipeline.yaml"), pipeline).unwrap();
    workshop.sternlight(&["run", "pipeline.yaml"]);
    exported(&workshop.folder.join("out.parquet"))
}

/// The episodes that a pipeline plays in a component that is an environment.
fn played(workshop: &Workshop, component: &[u8]) -> TrajectoryBatch {
    fs::write(workshop.folder.join("plugin.wasm"), component).unwrap();
    fs::copy(shipped("plugins/text-adventure.yaml"), workshop.folder.join("pipeline.yaml")).unwrap();
    workshop.sternlight(&["run", "pipeline.yaml", "--set", "params.plugin=./plugin.wasm"]);
    exported(&workshop.folder.join("sternlight-output/text-adventure.parquet"))
}

/// The same columns with the same values.
fn assert_same(first: &TrajectoryBatch, second: &TrajectoryBatch) {
    assert_eq!(paths(first), paths(second));
    for path in paths(first) {
        let path = path.as_str();
        assert!(first.column(path).unwrap() == second.column(path).unwrap(), "column `{path}` differs");
    }
}

#[test]
#[ignore = "needs the Rust toolchain for WebAssembly"]
fn examples_in_rust_are_what_is_committed() {
    for name in ["tool_call_efficiency", "repetition"] {
        let workshop = Workshop::new(&format!("example-{name}"));
        let (built, committed) = example(&workshop, name, "rust");
        let committed = committed.unwrap();
        assert_eq!(told_of(&workshop, &built), told_of(&workshop, &committed));
        assert_same(&worked(&workshop, &built), &worked(&workshop, &committed));
    }
    let workshop = Workshop::new("example-text_adventure");
    let (built, committed) = example(&workshop, "text_adventure", "rust");
    let committed = committed.unwrap();
    assert_eq!(told_of(&workshop, &built), told_of(&workshop, &committed));
    assert_same(&played(&workshop, &built), &played(&workshop, &committed));
}

#[test]
#[ignore = "needs the JavaScript toolchain for WebAssembly"]
fn examples_in_javascript_are_what_is_committed() {
    for name in ["tool_call_efficiency", "hindsight", "tool_errors", "repetition"] {
        let workshop = Workshop::new(&format!("example-js-{name}"));
        let (built, committed) = example(&workshop, name, "js");
        let committed = committed.unwrap();
        assert_eq!(told_of(&workshop, &built), told_of(&workshop, &committed));
        assert_same(&worked(&workshop, &built), &worked(&workshop, &committed));
    }
}

/// None of them is committed: each is far larger than all the rest. They do what those in other languages do.
#[test]
#[ignore = "needs the Python toolchain for WebAssembly"]
fn examples_in_python() {
    let workshop = Workshop::new("example-python");
    let (reward, _) = example(&workshop, "tool_call_efficiency", "python");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("plugins/examples");
    let rust = root.join("tool_call_efficiency/rust/tool_call_efficiency.wasm");
    assert_same(&worked(&workshop, &reward), &worked(&workshop, &fs::read(rust).unwrap()));
    let (reflection, _) = example(&workshop, "tool_errors", "python");
    let javascript = root.join("tool_errors/js/tool_errors.wasm");
    assert_same(&worked(&workshop, &reflection), &worked(&workshop, &fs::read(javascript).unwrap()));
    let (columns, _) = example(&workshop, "repetition", "python");
    let rust = root.join("repetition/rust/repetition.wasm");
    assert_same(&worked(&workshop, &columns), &worked(&workshop, &fs::read(rust).unwrap()));
    let (adventure, _) = example(&workshop, "text_adventure", "python");
    assert_eq!(told_of(&workshop, &adventure)["world"], "environment");
}
