//! What the tests of exports share: small datasets made of column files, and a place to write to.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, Float32Array, StringArray};
use arrow::datatypes::DataType;
use sternlight_engine::column::ColumnPath;
use sternlight_engine::contract::{AddedColumn, Contract, Effect, InputTypes, Scope};
use sternlight_engine::dataset::{Dataset, Selection};
use sternlight_engine::failure::FailurePolicy;
use sternlight_engine::problem::Problem;
use sternlight_engine::run::{Engine, Job, JobInput, RunOptions};
use sternlight_engine::stage::{
    BuildContext, BuiltIn as _, Context, Memo, Output, Receiver, Session, ShardContent, Source, SourceShard, Stage,
    StageError, Staging, Survey, TaskContext, Transform, Work,
};
use sternlight_engine::store::Store;
use sternlight_engine::trajectory::{
    TrajectoryBatch, TrajectoryBuilder, TrajectoryRow, TrajectorySchema, TurnRow, imported_schema,
};

use super::Export;

/// A source of two shards with these rows.
struct Rows([Vec<TrajectoryRow>; 2]);

impl Stage for Rows {
    fn contract(&self, _: &InputTypes) -> Result<Contract, Vec<Problem>> {
        Ok(Contract { reads: Vec::new(), scope: Scope::Trajectory, effect: Effect::Source(imported_schema()) })
    }

    fn work(&self) -> Work<'_> {
        Work::Source(self)
    }
}

impl Source for Rows {
    fn survey(&self, _: &dyn Memo) -> Result<Survey, StageError> {
        let shard = |index: usize| SourceShard {
            label: format!("runs/{index}.jsonl, records 0-{}", self.0[index].len()),
            key: vec![("index".to_owned(), index.to_string())],
            stream: None,
            content: ShardContent::Decoded(Arc::new(())),
        };
        Ok(Survey { shards: vec![shard(0), shard(1)], warnings: Vec::new() })
    }

    fn read(
        &self,
        _: &Survey,
        shards: &[usize],
        _: &TaskContext<'_>,
        receiver: &mut dyn Receiver,
    ) -> Result<(), StageError> {
        for index in shards {
            let mut builder = TrajectoryBuilder::new();
            self.0[*index].iter().for_each(|row| builder.push(row));
            receiver.rows(*index, builder.finish()?, Context::default())?;
        }
        Ok(())
    }
}

/// Adds verdicts and advantages that depend on the action.
struct Credit;

impl Stage for Credit {
    fn contract(&self, _: &InputTypes) -> Result<Contract, Vec<Problem>> {
        Ok(Contract {
            reads: vec!["turns.action".into()],
            scope: Scope::Trajectory,
            effect: Effect::Columns {
                adds: vec![
                    AddedColumn::new("turns.verdict", DataType::Utf8),
                    AddedColumn::new("turns.advantage", DataType::Float32),
                ],
                drops: Vec::new(),
            },
        })
    }

    fn work(&self) -> Work<'_> {
        Work::Transform(self)
    }
}

impl Credit {
    fn apply(&self, batch: &TrajectoryBatch, _: &mut Context) -> Result<Output, StageError> {
        let actions = batch.text("turns.action")?;
        let verdict =
            |action: &str| (action != "silent").then_some(if action == "bad" { "failed" } else { "progress" });
        let advantage = |action: &str| match action {
            "silent" => None,
            "bad" => Some(-0.5),
            "good" => Some(1.5),
            _ => Some(-1.0),
        };
        let verdicts: StringArray = actions.iter().flatten().map(verdict).collect();
        let advantages: Float32Array = actions.iter().flatten().map(advantage).collect();
        Ok(Output::Columns(vec![Arc::new(verdicts) as ArrayRef, Arc::new(advantages)]))
    }
}

impl Transform for Credit {
    fn begin<'a>(&'a self, _: &TaskContext<'a>) -> Result<Box<dyn Session + 'a>, StageError> {
        Ok(Box::new(|batch: &TrajectoryBatch, context: &mut Context| self.apply(batch, context)))
    }
}

fn words(observation: &str, action: &str) -> TurnRow {
    TurnRow { observation: observation.to_owned(), action: action.to_owned(), ..TurnRow::default() }
}

/// Six trajectories of three groups; one calls tools, one has no turn.
pub(super) fn rows() -> Vec<TrajectoryRow> {
    let row = |id: &str, group: &str, reward: Option<f32>, turns: Vec<TurnRow>| TrajectoryRow {
        trajectory_id: id.to_owned(),
        group_id: group.to_owned(),
        prompt: Some("Be kind.".to_owned()),
        reward,
        success: reward.map(|reward| reward == 1.0),
        turns,
        final_observation: Some("Bye".to_owned()),
        ..TrajectoryRow::default()
    };
    let call = TurnRow {
        tool_name: Some("find".to_owned()),
        tool_arguments: Some("{\"x\": 1.0}".to_owned()),
        ..words("Find it", "Looking\n<tool_call>\n{\"name\": \"find\", \"arguments\": {\"x\": 1.0}}\n</tool_call>")
    };
    let mut tools = row("b", "one", Some(1.0), vec![call, words("Found: 7", "good"), words("Thanks", "silent")]);
    tools.tools = Some("[{\"type\": \"function\",\n \"function\": {\"name\": \"find\"}}]".to_owned());
    vec![
        tools,
        row("a", "one", Some(0.0), vec![words("Hi", "bad"), words("What?", "bad")]),
        row("c", "two", Some(0.5), vec![words("Hi", "good")]),
        row("d", "two", Some(0.5), Vec::new()),
        row("e", "three", None, vec![words("", "bad")]),
        row("f", "three", Some(0.0), vec![words("Hi", "good")]),
    ]
}

/// Many trajectories whose row groups the store cuts.
pub(super) fn many_rows(count: usize) -> Vec<TrajectoryRow> {
    (0..count)
        .map(|index| TrajectoryRow {
            trajectory_id: format!("t{index:06}"),
            group_id: format!("g{}", index / 4),
            reward: (index % 3 > 0).then_some(index as f32),
            turns: (0..index % 4)
                .map(|turn| words(&format!("see {index} {turn}"), ["good", "bad", "silent"][(index + turn) % 3]))
                .collect(),
            ..TrajectoryRow::default()
        })
        .collect()
}

/// A dataset of two shards: imported rows, and credit in files of its own. The directory holds the store.
pub(super) fn dataset(directory: &Path, shards: [Vec<TrajectoryRow>; 2]) -> Dataset {
    let store = Store::open(&directory.join("store")).unwrap();
    let (source, credit) = (Rows(shards), Credit);
    let empty = TrajectorySchema::empty();
    let contract = source.contract(&InputTypes::from(&empty)).unwrap();
    let imported = contract.output(&empty);
    let import = Job {
        name: "import",
        uses: "import",
        kind: "import",
        version: 1,
        options: "{\"files\":[\"/home/somebody/runs/*.jsonl\"]}",
        stage: &source,
        inputs: Vec::new(),
        contract,
        output: imported.clone(),
        cache: true,
        failure: FailurePolicy::default(),
        turn: None,
    };
    let contract = credit.contract(&InputTypes::from(&imported)).unwrap();
    let output = contract.output(&imported);
    let credit = Job {
        name: "credit",
        uses: "reward",
        kind: "reward",
        version: 1,
        options: "{\"by\":\"outcome\"}",
        stage: &credit,
        inputs: vec![JobInput::data(0)],
        contract,
        output,
        cache: true,
        failure: FailurePolicy::default(),
        turn: None,
    };
    let options = RunOptions::default();
    let report = Engine::new(&store, &options).run("test", Path::new("test.yaml"), &[import, credit], &|_| {}).unwrap();
    store.dataset(report.stages[1].dataset.as_ref().unwrap()).unwrap()
}

/// Keeps these rows of a shard.
pub(super) fn keep(dataset: &mut Dataset, shard: usize, rows: impl IntoIterator<Item = u64>) {
    dataset.shards[shard].selection = Some(rows.into_iter().collect::<Selection>());
}

/// Places directly in a directory.
pub(super) struct Folder(pub(super) PathBuf);

impl Staging for Folder {
    fn place(&mut self, name: &str) -> Result<PathBuf, StageError> {
        Ok(self.0.join(name))
    }
}

/// The stage with these options, for a command that runs in this directory.
pub(super) fn export(directory: &Path, options: &str) -> Export {
    let context = BuildContext::new(directory, directory);
    Export::build(serde_yaml::from_str(options).unwrap(), &context).unwrap()
}

/// Every column of a dataset's rows.
pub(super) fn columns(dataset: &Dataset) -> Vec<ColumnPath> {
    dataset.schema.paths()
}
