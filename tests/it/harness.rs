//! What the tests of the program share: a place to work in, running the binary there, its events, and recordings.
//! No expectations.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use regex::Regex;
use serde_json::{Value, json};

/// Every family of stages once, over chats in `data/`; exports chats to `out.jsonl`.
pub(crate) const PIPELINE: &str = "\
version: 1
name: replay
seed: 7
stages:
  import:
    uses: import
    with: { files: data/*.jsonl, env: desk, policy: agent }
  filter: { uses: filter, from: import, with: { where: length(turns) > 0 } }
  reward: { uses: reward, from: filter, with: { by: outcome } }
  reflect: { uses: reflect, from: reward, with: { by: rules, rules: rules.yaml } }
  advantage: { uses: advantage, from: reflect, with: { estimator: grpo } }
  export: { uses: export, from: advantage, with: { to: out.jsonl, format: openai-chat } }
";

/// A directory of its own, with a store in it once something was run.
pub(crate) struct Workplace {
    directory: tempfile::TempDir,
}

impl Workplace {
    /// An empty one, in memory where the system has such a place: the program forces every file to disk, which tests of
    /// what it does need not wait for.
    pub(crate) fn new() -> Self {
        let in_memory = tempfile::tempdir_in("/dev/shm").ok();
        in_memory.map_or_else(Self::on_disk, |directory| Self { directory })
    }

    /// An empty one for large files.
    pub(crate) fn on_disk() -> Self {
        Self { directory: tempfile::tempdir().unwrap() }
    }

    /// An empty one below a directory.
    pub(crate) fn below(directory: &Path) -> Self {
        Self { directory: tempfile::tempdir_in(directory).unwrap() }
    }

    /// One with [`PIPELINE`] as `pipeline.yaml` and its inputs: two files of three tasks with two trials each.
    pub(crate) fn with_pipeline() -> Self {
        Self::new().and_pipeline()
    }

    /// The same in a place that is there.
    pub(crate) fn and_pipeline(self) -> Self {
        self.write("pipeline.yaml", PIPELINE);
        self.write("rules.yaml", "refusal: ['(?i)only a manager may']\n");
        self.write("data/a.jsonl", chats(0..3, 0..2));
        self.write("data/b.jsonl", chats(0..3, 2..4));
        self
    }

    /// One with the pipelines that ship, and their data.
    pub(crate) fn with_quickstart() -> Self {
        let place = Self::new();
        let shipped = shipped("");
        for directory in [shipped.clone(), shipped.join("data")] {
            for entry in fs::read_dir(directory).unwrap() {
                let path = entry.unwrap().path();
                if path.is_file() {
                    let name = Path::new("pipelines").join(path.strip_prefix(&shipped).unwrap());
                    place.write(&name.to_string_lossy(), fs::read(path).unwrap());
                }
            }
        }
        place
    }

    /// Absolute path of a name.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        // Not the symbolic link that some systems have there: the program prints real paths.
        self.directory.path().canonicalize().unwrap().join(name)
    }

    /// Writes a file and the directories above it.
    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    /// The text of a file.
    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// Replaces text in a file, which must be there.
    pub(crate) fn edit(&self, name: &str, from: &str, to: &str) {
        let text = self.read(name);
        assert!(text.contains(from), "`{from}` is not in {name}");
        self.write(name, text.replace(from, to));
    }

    /// Every file below a directory of this place, by its name there. No directory: none.
    pub(crate) fn files(&self, directory: &str) -> BTreeMap<String, Vec<u8>> {
        let mut found = BTreeMap::new();
        let root = self.path(directory);
        let mut open = vec![root.clone()];
        while let Some(next) = open.pop() {
            for entry in fs::read_dir(&next).into_iter().flatten() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    open.push(path);
                } else {
                    let name = path.strip_prefix(&root).unwrap().to_string_lossy().into_owned();
                    found.insert(name, fs::read(&path).unwrap());
                }
            }
        }
        found
    }

    /// The program, to be run here, with nothing of the caller's environment that it would mind.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sternlight"));
        command.current_dir(self.directory.path()).args(arguments).env_remove("NO_COLOR").stdin(Stdio::null());
        // Where machine code of plugins is kept: what one test compiled, the next one has.
        command.env("XDG_CACHE_HOME", env!("CARGO_TARGET_TMPDIR"));
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("STERNLIGHT_") {
                command.env_remove(name);
            }
        }
        command
    }

    /// Runs the program.
    pub(crate) fn sternlight(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// What the program said, with what differs from run to run replaced.
    pub(crate) fn said(&self, arguments: &[&str]) -> String {
        self.told(&self.sternlight(arguments))
    }

    /// Exit code, stdout and stderr, with what differs from run to run replaced.
    pub(crate) fn told(&self, output: &Output) -> String {
        let mut text = format!("exit code {}\n", exit_code(output));
        for (name, bytes) in [("stdout", &output.stdout), ("stderr", &output.stderr)] {
            let said = self.filtered(&without_notices(bytes));
            if !said.is_empty() {
                let _ = write!(text, "--- {name}\n{said}");
            }
        }
        text
    }

    fn filtered(&self, text: &str) -> String {
        let mut text = text.replace(&*self.directory.path().canonicalize().unwrap().to_string_lossy(), "HERE");
        text = text.replace(env!("CARGO_BIN_EXE_sternlight"), "sternlight");
        for (pattern, replacement) in [
            (r"\d{8}-\d{6}-\w{4}", "RUN"),
            (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "TIME"),
            (r"\d+\.\d\d s\b", "SECONDS"),
            (r"manifests/[0-9a-f]{64}", "manifests/DIGEST"),
        ] {
            text = Regex::new(pattern).unwrap().replace_all(&text, replacement).into_owned();
        }
        text.lines().map(|line| format!("{}\n", line.trim_end())).collect()
    }

    /// Runs `pipeline.yaml`, which must go well.
    pub(crate) fn run(&self) -> Run {
        self.run_with(&["run", "pipeline.yaml"], &[])
    }

    /// Runs a pipeline, which must go well.
    pub(crate) fn run_with(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Run {
        let output = self.command(arguments).arg("--json").envs(environment.iter().copied()).output().unwrap();
        Run::that_went_well(&output)
    }

    /// The datasets of a run, with bytes in place of the names of data files: these are of an attempt's own.
    pub(crate) fn datasets(&self, run: &Run) -> BTreeMap<String, Value> {
        let store = self.path(".sternlight");
        let with_bytes = |mut manifest: Value| {
            for shard in manifest["shards"].as_array_mut().unwrap() {
                for file in shard["files"].as_array_mut().unwrap() {
                    if let Some(name) = file["path"]["store"].as_str() {
                        file["path"] = json!(fs::read(store.join(name)).unwrap());
                    }
                }
            }
            manifest
        };
        let finished = run.events.last().unwrap();
        let datasets = finished["datasets"].as_array().unwrap().iter();
        datasets
            .map(|dataset| {
                let text = fs::read(dataset[1].as_str().unwrap()).unwrap();
                let manifest = serde_json::from_slice(&text).unwrap();
                (dataset[0].as_str().unwrap().to_owned(), with_bytes(manifest))
            })
            .collect()
    }
}

/// What was printed, but for what the first test says that compiles a plugin.
fn without_notices(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    text.split_inclusive('\n').filter(|line| !line.starts_with("compiling the plugin ")).collect()
}

/// A pipeline that ships, or the directory of all.
pub(crate) fn shipped(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("pipelines").join(name)
}

/// The exit code; 128 and the signal's number for a process that a signal ended.
pub(crate) fn exit_code(output: &Output) -> i32 {
    use std::os::unix::process::ExitStatusExt as _;
    output.status.code().unwrap_or_else(|| 128 + output.status.signal().unwrap())
}

/// The events of a run.
pub(crate) struct Run {
    /// As they were printed.
    pub(crate) events: Vec<Value>,
}

impl Run {
    /// What a run with `--json` printed, which must have ended well and have nothing to say besides.
    pub(crate) fn that_went_well(output: &Output) -> Self {
        let errors = without_notices(&output.stderr);
        assert_eq!((exit_code(output), errors.as_str()), (0, ""));
        Self { events: json_lines(&output.stdout) }
    }

    /// How often a stage counted something; 0 if it never did.
    pub(crate) fn counted(&self, stage: &str, metric: &str) -> u64 {
        self.finished(stage)["metrics"][metric]["count"].as_u64().unwrap_or_default()
    }

    /// How many rows a stage's dataset has.
    pub(crate) fn rows(&self, stage: &str) -> u64 {
        self.finished(stage)["rows"].as_u64().unwrap()
    }

    fn finished(&self, stage: &str) -> &Value {
        self.of_kind("stage_finished").find(|event| event["stage"] == stage).unwrap()
    }

    /// For each stage of which something was computed: how many parts.
    pub(crate) fn computed(&self) -> BTreeMap<&str, u64> {
        let finished = self.of_kind("stage_finished");
        finished
            .map(|event| (event["stage"].as_str().unwrap(), event["computed"].as_u64().unwrap()))
            .filter(|(_, computed)| *computed > 0)
            .collect()
    }

    /// What the computed parts of a stage cover, in order.
    pub(crate) fn parts(&self, stage: &str) -> Vec<&str> {
        let mut labels: Vec<&str> = self
            .of_kind("part_finished")
            .filter(|event| event["stage"] == stage)
            .map(|event| event["label"].as_str().unwrap())
            .collect();
        labels.sort_unstable();
        labels
    }

    /// Events of a kind.
    pub(crate) fn of_kind(&self, kind: &str) -> impl Iterator<Item = &Value> {
        self.events.iter().filter(move |event| event["event"] == kind)
    }
}

/// Lines of `openai-chat`, one for each trial of each task, ids among them.
pub(crate) fn chats(tasks: std::ops::Range<usize>, trials: std::ops::Range<usize>) -> String {
    let mut lines = String::new();
    for trial in trials {
        for task in tasks.clone() {
            let _ = writeln!(lines, "{}", chat(task, trial));
        }
    }
    lines
}

/// A chat of up to three calls, some of them refused or repeated, and an answer.
pub(crate) fn chat(task: usize, trial: usize) -> Value {
    let mut messages = vec![
        json!({"role": "system", "content": "You work at the desk."}),
        json!({"role": "user", "content": format!("Please refund booking R-{task}.")}),
    ];
    for step in 0..1 + (task + trial) % 3 {
        let arguments = json!({"booking": format!("R-{task}"), "step": if trial == 1 { 0 } else { step }}).to_string();
        let function = json!({"name": "refund", "arguments": arguments});
        let result = match (task + trial + step) % 3 {
            0 => "Error: no such booking".to_owned(),
            1 => "Only a manager may do this".to_owned(),
            _ => json!({"refunded": format!("R-{task}")}).to_string(),
        };
        let id = format!("call-{step}");
        let calls = json!([{"id": id, "type": "function", "function": function}]);
        messages.push(json!({"role": "assistant", "content": null, "tool_calls": calls}));
        messages.push(json!({"role": "tool", "tool_call_id": id, "name": "refund", "content": result}));
    }
    messages.push(json!({"role": "assistant", "content": "Is there anything else?"}));
    json!({
        "trajectory_id": format!("task-{task}-trial-{trial}"),
        "group_id": format!("task-{task}"),
        "task_id": format!("task-{task}"),
        "reward": f64::from(u8::try_from((task * trial) % 3).unwrap()) / 2.0,
        "messages": messages,
    })
}

/// The same chats without ids: these then tell where a record lies.
pub(crate) fn without_ids(lines: &str) -> String {
    let mut without = String::new();
    for line in lines.lines() {
        let mut record: Value = serde_json::from_str(line).unwrap();
        let object = record.as_object_mut().unwrap();
        object.remove("trajectory_id");
        object.remove("group_id");
        let _ = writeln!(without, "{record}");
    }
    without
}

/// The lines that a command prints for programs.
pub(crate) fn json_lines(text: &[u8]) -> Vec<serde_json::Value> {
    std::str::from_utf8(text).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}
