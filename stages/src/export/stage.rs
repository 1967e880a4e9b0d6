//! The `export` stage: which files to write, and what to tell about them.

use std::path::Path;

use rayon::prelude::*;
use sternlight_engine::artifact::{Artifact, ArtifactKind, Inputs};
use sternlight_engine::column::ColumnPath;
use sternlight_engine::contract::{Contract, DATA, Effect, InputTypes, Scope};
use sternlight_engine::dataset::{Dataset, Shard};
use sternlight_engine::problem::Problem;
use sternlight_engine::stage::{
    BuildContext, BuiltIn, Context, InputPort, Ports, Sink, Stage, StageError, Staging, Target, Work,
};

use super::artifact::{kind_of, misfit, write_policy, write_table};
use super::card::card;
use super::chat;
use super::destination::{Destination, Encoding, ExportOptions};
use super::findings::Findings;
use super::highlight::highlight;
use super::unfit::Unfit;

/// Writes a dataset outside of the store.
#[derive(Debug)]
pub struct Export {
    destination: Destination,
    overwrite: bool,
    /// It writes a sample: of so many groups of each source the first.
    sample: Option<u64>,
}

impl BuiltIn for Export {
    type Options = ExportOptions;

    const NAME: &'static str = "export";
    const SUMMARY: &'static str =
        "Writes the dataset as ordinary Parquet or as chat messages, with a card; or a table, or a policy";
    const DOCUMENTATION: &'static str = include_str!("documentation.md");
    const VERSION: u32 = 2;

    fn build(options: ExportOptions, context: &BuildContext<'_>) -> Result<Self, Vec<Problem>> {
        let destination = Destination::of(&options, context).map_err(|problem| vec![problem])?;
        Ok(Self { destination, overwrite: options.overwrite, sample: None })
    }
}

impl Stage for Export {
    fn ports(&self) -> Ports {
        const KINDS: &[ArtifactKind] = &[ArtifactKind::Dataset, ArtifactKind::Table, ArtifactKind::Policy];
        Ports::default().input(InputPort { kinds: KINDS, ..InputPort::data() })
    }

    fn contract(&self, inputs: &InputTypes) -> Result<Contract, Vec<Problem>> {
        let kind = kind_of(inputs);
        if let Some(problem) = misfit(kind, &self.destination) {
            return Err(vec![problem]);
        }
        if kind != ArtifactKind::Dataset {
            return Ok(Contract { reads: Vec::new(), scope: Scope::Dataset, effect: Effect::Sink });
        }
        let input = inputs.data();
        let mut reads: Vec<ColumnPath> = chat::REQUIRED.into_iter().map(ColumnPath::from).collect();
        reads.extend(input.paths().into_iter().filter(|path| !chat::REQUIRED.contains(&path.as_str())));
        Ok(Contract { reads, scope: Scope::Dataset, effect: Effect::Sink })
    }

    fn work(&self) -> Work<'_> {
        Work::Sink(self)
    }
}

impl Sink for Export {
    fn target(&self) -> Target {
        Target {
            path: self.destination.path.clone(),
            beside: self.destination.stem.iter().map(|_| self.destination.card_name()).collect(),
            within: match self.destination.stem {
                Some(_) => Vec::new(),
                None => vec![self.destination.file_name(0), self.destination.card_name()],
            },
            is_directory: self.destination.stem.is_none(),
            overwrite: self.overwrite,
        }
    }

    fn sample(&self, groups: u64) -> Box<dyn Sink + '_> {
        let (destination, overwrite) = (self.destination.sample(), self.overwrite);
        Box::new(Self { destination, overwrite, sample: Some(groups) })
    }

    fn export(&self, inputs: &Inputs, staging: &mut dyn Staging, context: &mut Context) -> Result<(), StageError> {
        match inputs.all(DATA).next() {
            Some(Artifact::Table(table)) => {
                let path = staging.place(&self.destination.name)?;
                return write_table(table, self.destination.encoding, &path);
            }
            Some(Artifact::Policy(policy)) => return write_policy(policy, staging),
            Some(Artifact::Dataset(_)) | None => {}
        }
        let dataset = &inputs.data;
        let findings = Findings::of(dataset)?;
        let card_path = staging.place(&self.destination.card_name())?;
        let text = card(dataset, &findings.metrics, &self.destination, self.sample);
        std::fs::write(&card_path, text).map_err(|error| StageError::file("write", &card_path, &error))?;
        let files: Vec<&[Shard]> = match self.destination.stem {
            // Readers of a directory want at least one file to learn the columns from.
            None if !dataset.shards.is_empty() => dataset.shards.chunks(1).collect(),
            _ => vec![&dataset.shards],
        };
        let mut unfit = Unfit::default();
        let mut index = 0;
        // As many at once as there are threads, so that between them somebody may ask the run to stop.
        for files in files.chunks(rayon::current_num_threads()) {
            let mut places = Vec::new();
            for shards in files {
                places.push((shards, staging.place(&self.destination.file_name(index))?));
                index += 1;
            }
            let written = places.par_iter().map(|(shards, path)| self.write(dataset, shards, path));
            for found in written.collect::<Vec<_>>() {
                unfit.add(found?);
            }
        }
        context.warnings.extend(unfit.warnings());
        for (title, found) in [("most blamed turn", &findings.blamed), ("most praised turn", &findings.praised)] {
            if let Some(found) = found {
                context.highlights.push(highlight(dataset, title, found)?);
            }
        }
        context.metrics.merge(&findings.metrics);
        Ok(())
    }
}

impl Export {
    fn write(&self, dataset: &Dataset, shards: &[Shard], path: &Path) -> Result<Unfit, StageError> {
        match self.destination.encoding {
            Encoding::Parquet | Encoding::Csv => dataset.write_parquet(shards, path).map(|_| Unfit::default()),
            Encoding::Lines(compression) => chat::write(dataset, shards, path, compression),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};

    use arrow::array::RecordBatch;
    use arrow::compute::concat_batches;
    use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
    use parquet::file::metadata::ParquetMetaDataReader;
    use sternlight_engine::dataset::{BatchLimit, leaves_of};

    use super::super::sample::{Folder, columns, dataset, export, keep, many_rows, rows};
    use super::*;

    /// More rows than the store puts into a row group.
    const MANY: usize = 40_000;

    fn exported(dataset: &Dataset, directory: &Path, options: &str) -> Context {
        let mut context = Context::default();
        export(directory, options)
            .export(&Inputs::of(dataset.clone().into()), &mut Folder(directory.to_owned()), &mut context)
            .unwrap();
        context
    }

    fn small(directory: &Path) -> Dataset {
        let mut first = rows();
        let second = first.split_off(3);
        dataset(directory, [first, second])
    }

    fn read(path: &Path) -> RecordBatch {
        let builder = ParquetRecordBatchReaderBuilder::try_new(File::open(path).unwrap()).unwrap();
        let schema = builder.schema().clone();
        let batches: Vec<RecordBatch> = builder.build().unwrap().map(Result::unwrap).collect();
        concat_batches(&schema, &batches).unwrap()
    }

    /// The selected rows as the engine reads them.
    fn selected(dataset: &Dataset) -> RecordBatch {
        let batches: Vec<RecordBatch> = dataset
            .shards
            .iter()
            .flat_map(|shard| dataset.read(shard, &columns(dataset), BatchLimit::default()).unwrap())
            .map(|batch| batch.unwrap().record_batch().clone())
            .collect();
        concat_batches(&batches[0].schema(), &batches).unwrap()
    }

    fn same_rows(left: &RecordBatch, right: &RecordBatch) {
        assert_eq!(left.num_rows(), right.num_rows());
        for (field, array) in left.schema().fields().iter().zip(left.columns()) {
            let cast = arrow::compute::cast(right.column_by_name(field.name()).unwrap(), field.data_type()).unwrap();
            assert!(*array == cast, "column `{}` differs", field.name());
        }
    }

    #[test]
    fn whole_row_groups_are_copied_byte_for_byte() {
        let directory = tempfile::tempdir().unwrap();
        let dataset = dataset(directory.path(), [many_rows(MANY), rows()]);
        let path = directory.path().join("whole.parquet");
        let whole = dataset.write_parquet(&dataset.shards, &path).unwrap();
        assert_eq!((whole.spliced, whole.encoded_rows), (4, 0));
        same_rows(&selected(&dataset), &read(&path));

        let file = fs::read(&path).unwrap();
        let metadata = ParquetMetaDataReader::new().parse_and_finish(&File::open(&path).unwrap()).unwrap();
        let kinds: Vec<_> =
            metadata.file_metadata().key_value_metadata().unwrap().iter().map(|kind| &kind.key).collect();
        assert_eq!(kinds, ["sternlight.schema", "ARROW:schema"]);
        let mut groups = metadata.row_groups().iter();
        for shard in &dataset.shards {
            for group in 0..shard.row_groups.len() {
                let out = groups.next().unwrap();
                for column in columns(&dataset) {
                    let path = dataset.path_of(shard.file_of(&column).unwrap());
                    let source = ParquetRecordBatchReaderBuilder::try_new(File::open(&path).unwrap()).unwrap();
                    let from = leaves_of(source.schema(), &column).unwrap().start;
                    let to = leaves_of(dataset.schema.arrow(), &column).unwrap().start;
                    let bytes = |(start, length): (u64, u64)| start as usize..(start + length) as usize;
                    let from = bytes(source.metadata().row_group(group).column(from).byte_range());
                    let to = bytes(out.column(to).byte_range());
                    assert!(fs::read(&path).unwrap()[from] == file[to], "chunk of `{column}` differs");
                }
            }
        }
    }

    #[test]
    fn partly_kept_row_groups_are_encoded_and_empty_ones_left_out() {
        let directory = tempfile::tempdir().unwrap();
        let mut dataset = dataset(directory.path(), [many_rows(MANY), rows()]);
        let groups = dataset.shards[0].row_groups.clone();
        assert_eq!(groups, [16_384, 16_384, 7_232]);
        // Nothing of the first row group, all of the second, every seventh row of the third.
        keep(&mut dataset, 0, (16_384..32_768).chain((32_768..40_000).step_by(7)));
        keep(&mut dataset, 1, [0, 3]);
        let path = directory.path().join("part.parquet");
        let whole = dataset.write_parquet(&dataset.shards, &path).unwrap();
        assert_eq!((whole.spliced, whole.encoded_rows), (1, 1036));
        same_rows(&selected(&dataset), &read(&path));
        let again = directory.path().join("again.parquet");
        dataset.write_parquet(&dataset.shards, &again).unwrap();
        assert!(fs::read(&path).unwrap() == fs::read(&again).unwrap());

        let mut nothing = dataset.clone();
        keep(&mut nothing, 0, []);
        keep(&mut nothing, 1, []);
        let path = directory.path().join("nothing.parquet");
        nothing.write_parquet(&nothing.shards, &path).unwrap();
        assert_eq!(read(&path).num_rows(), 0);
    }

    #[test]
    fn foreign_files_that_differ_in_their_leaves_are_encoded_again() {
        use arrow::array::{Array as _, ArrayRef, AsArray as _, Float64Array, ListArray};
        use arrow::datatypes::{DataType, Field, Schema};
        use std::sync::Arc;
        use sternlight_engine::dataset::FilePath;

        let directory = tempfile::tempdir().unwrap();
        let dataset = small(directory.path());
        let rows = selected(&dataset);
        // As pyarrow writes it: everything nullable, list elements called `item`; once with doubles as rewards.
        let foreign = |name: &str, doubles: bool| {
            let mut columns: Vec<ArrayRef> = rows.columns().to_vec();
            let mut fields: Vec<Field> =
                rows.schema().fields().iter().map(|field| field.as_ref().clone().with_nullable(true)).collect();
            for (field, array) in fields.iter_mut().zip(&mut columns) {
                if field.name() == "turns" {
                    let list: &ListArray = array.as_list();
                    let element = Arc::new(Field::new("item", list.values().data_type().clone(), true));
                    let (offsets, values) = (list.offsets().clone(), list.values().clone());
                    *array = Arc::new(ListArray::new(element, offsets, values, None));
                } else if field.name() == "reward" && doubles {
                    let rewards = array.as_primitive::<arrow::datatypes::Float32Type>();
                    *array = Arc::new(rewards.iter().map(|reward| reward.map(f64::from)).collect::<Float64Array>());
                }
                *field = Field::new(field.name(), array.data_type().clone(), true);
            }
            assert!(!doubles || fields.iter().any(|field| *field.data_type() == DataType::Float64));
            let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap();
            let path = directory.path().join(name);
            let mut writer =
                parquet::arrow::ArrowWriter::try_new(File::create(&path).unwrap(), batch.schema(), None).unwrap();
            writer.write(&batch).unwrap();
            writer.close().unwrap();
            let mut shard = dataset.shards[0].clone();
            shard.row_groups = vec![batch.num_rows() as u64];
            shard.columns.values_mut().for_each(|file| *file = 0);
            shard.files.truncate(1);
            shard.files[0].path = FilePath::Outside(path);
            shard.files[0].digests = Default::default();
            shard.files[0].footer = None;
            shard
        };
        let mut mixed = dataset.clone();
        mixed.shards = vec![foreign("plain.parquet", false)];
        let path = directory.path().join("one.parquet");
        let whole = mixed.write_parquet(&mixed.shards, &path).unwrap();
        assert_eq!((whole.spliced, whole.encoded_rows), (1, 0));
        same_rows(&rows, &read(&path));

        mixed.shards.push(foreign("doubles.parquet", true));
        mixed.shards.extend(dataset.shards.clone());
        let path = directory.path().join("mixed.parquet");
        let whole = mixed.write_parquet(&mixed.shards, &path).unwrap();
        assert_eq!((whole.spliced, whole.encoded_rows), (1, 12));
        same_rows(&selected(&mixed), &read(&path));
    }

    #[test]
    fn a_damaged_column_file_is_not_exported() {
        let directory = tempfile::tempdir().unwrap();
        let dataset = small(directory.path());
        let file = dataset.path_of(&dataset.shards[0].files[0]);
        let mut bytes = fs::read(&file).unwrap();
        bytes[20] ^= 1;
        fs::write(&file, bytes).unwrap();
        let error = dataset.write_parquet(&dataset.shards, &directory.path().join("x.parquet")).unwrap_err();
        assert!(error.message.contains("the bytes are not those that were written"), "{error}");
    }

    #[test]
    fn numbers_and_turns_that_stand_out() {
        let directory = tempfile::tempdir().unwrap();
        let context = exported(&small(directory.path()), directory.path(), "{to: x.parquet}");
        let counts: Vec<String> = context.metrics.iter().map(|(name, metric)| format!("{name} {metric:?}")).collect();
        insta::assert_snapshot!(counts.join("\n"), @"
        advantage Distribution(Distribution { count: 7, mean: 0.28571428571428575, squares: 7.928571428571429, minimum: -1.0, maximum: 1.5 })
        groups Count(3)
        groups_without_signal Count(2)
        judged Count(5)
        reward Distribution(Distribution { count: 5, mean: 0.4, squares: 0.7, minimum: 0.0, maximum: 1.0 })
        scored Count(5)
        successes Count(1)
        trajectories Count(6)
        turns Count(8)
        verdict.failed Count(3)
        verdict.progress Count(4)
        ");
        insta::assert_snapshot!(format!("{:#?}", context.highlights), @r#"
        [
            Highlight {
                title: "most blamed turn",
                trajectory_id: "a",
                turn: 0,
                value: -0.5,
                lines: [
                    (
                        "verdict",
                        "failed",
                    ),
                    (
                        "action",
                        "bad",
                    ),
                    (
                        "next observation",
                        "What?",
                    ),
                ],
            },
            Highlight {
                title: "most praised turn",
                trajectory_id: "b",
                turn: 1,
                value: 1.5,
                lines: [
                    (
                        "verdict",
                        "progress",
                    ),
                    (
                        "action",
                        "good",
                    ),
                    (
                        "next observation",
                        "Thanks",
                    ),
                ],
            },
        ]
        "#);
    }

    #[test]
    fn a_card_says_what_there_is() {
        let directory = tempfile::tempdir().unwrap();
        exported(&small(directory.path()), directory.path(), "{to: out/x.parquet}");
        insta::assert_snapshot!(fs::read_to_string(directory.path().join("x.README.md")).unwrap(), @r#"
        # Agent trajectories: x.parquet

        One row is one trajectory: its turns in order, its outcome, and what the pipeline below added.

        ## Counts

        |  | number |
        |---|---|
        | trajectories | 6 |
        | groups | 3 |
        | turns | 8 |
        | success rate | 20.0 % (1 of 5) |
        | scored trajectories | 5 |
        | mean reward | 0.4000 |
        | groups without signal | 2 |
        | turns with verdict `failed` | 3 |
        | turns with verdict `progress` | 4 |

        ## Columns

        | column | type |
        |---|---|
        | `trajectory_id` | string |
        | `group_id` | string |
        | `task_id` | string |
        | `env` | string |
        | `policy` | string |
        | `prompt` | string |
        | `tools` | string |
        | `seed` | uint64 |
        | `turns` | list<struct> |
        | `turns.observation` | string |
        | `turns.action` | string |
        | `turns.tool_name` | string |
        | `turns.tool_arguments` | string |
        | `turns.tool_error` | bool |
        | `turns.tool_answered` | bool |
        | `turns.reward` | float32 |
        | `turns.verdict` | string |
        | `turns.advantage` | float32 |
        | `final_observation` | string |
        | `reward` | float32 |
        | `success` | bool |
        | `status` | string |
        | `error` | string |
        | `source` | string |
        | `extra` | string |

        ## How to read it

        ```python
        pandas.read_parquet("x.parquet")
        polars.read_parquet("x.parquet")
        duckdb.sql("SELECT * FROM 'x.parquet'")
        datasets.load_dataset("parquet", data_files="x.parquet")
        ```

        ## Provenance

        The stages that made it, in order:

        ```json
        [
          {
            "stage": "import",
            "uses": "import",
            "with": {
              "files": [
                "*.jsonl"
              ]
            }
          },
          {
            "stage": "credit",
            "uses": "reward",
            "with": {
              "by": "outcome"
            }
          }
        ]
        ```

        The rows come from:

        - `0.jsonl`: 3 rows
        - `1.jsonl`: 3 rows

        Written by sternlight 0.1.0, trajectory schema 1 (`sternlight.schema`).
        "#);
    }

    #[test]
    fn a_directory_has_a_file_for_each_shard() {
        let directory = tempfile::tempdir().unwrap();
        let context = exported(&small(directory.path()), directory.path(), "{to: out, format: openai-chat}");
        assert_eq!(context.warnings.len(), 1);
        let text = |name: &str| fs::read_to_string(directory.path().join(name)).unwrap();
        assert!(
            text("README.md").starts_with("---\nconfigs:\n- config_name: default\n  data_files: \"part-*.jsonl\"\n")
        );
        assert_eq!((text("part-00000.jsonl").lines().count(), text("part-00001.jsonl").lines().count()), (3, 3));
    }

    #[test]
    fn a_call_that_nothing_answers_is_warned_of() {
        let directory = tempfile::tempdir().unwrap();
        let mut first = rows();
        let second = first.split_off(3);
        let turn = &mut first[0].turns[0];
        let call = "<tool_call>\n{\"name\": \"find\", \"arguments\": {}}\n</tool_call>";
        turn.action = format!("{call}\n{call}");
        turn.tool_name = Some("find,find".to_owned());
        turn.tool_arguments = Some("[{},{}]".to_owned());
        let dataset = dataset(directory.path(), [first, second[1..].to_vec()]);
        let context = exported(&dataset, directory.path(), "{to: out.jsonl, format: openai-chat}");
        insta::assert_snapshot!(context.warnings.join("\n"), @"chats with a call that no tool message answers, which training services refuse: 1");
    }

    #[test]
    fn a_chat_has_messages_and_what_is_known_beside_them() {
        let directory = tempfile::tempdir().unwrap();
        let dataset = small(directory.path());
        exported(&dataset, directory.path(), "{to: x.jsonl, format: openai-chat}");
        let text = fs::read_to_string(directory.path().join("x.jsonl")).unwrap();
        let first: serde_json::Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
        insta::assert_snapshot!(format!("{first:#}"), @r#"
        {
          "trajectory_id": "b",
          "group_id": "one",
          "status": "done",
          "reward": 1.0,
          "success": true,
          "tools": [
            {
              "type": "function",
              "function": {
                "name": "find"
              }
            }
          ],
          "messages": [
            {
              "role": "system",
              "content": "Be kind."
            },
            {
              "role": "user",
              "content": "Find it"
            },
            {
              "role": "assistant",
              "content": "Looking",
              "tool_calls": [
                {
                  "id": "call_0_0",
                  "type": "function",
                  "function": {
                    "name": "find",
                    "arguments": "{\"x\": 1.0}"
                  }
                }
              ],
              "weight": 0
            },
            {
              "role": "tool",
              "tool_call_id": "call_0_0",
              "content": "Found: 7"
            },
            {
              "role": "assistant",
              "content": "good",
              "weight": 1
            },
            {
              "role": "user",
              "content": "Thanks"
            },
            {
              "role": "assistant",
              "content": "silent"
            }
          ],
          "advantages": [
            -1.0,
            1.5,
            null
          ],
          "final_observation": "Bye"
        }
        "#);
        insta::assert_snapshot!(text.lines().nth(3).unwrap(), @r#"{"trajectory_id":"d","group_id":"two","status":"done","reward":0.5,"success":false,"messages":[{"role":"system","content":"Be kind."}],"advantages":[],"final_observation":"Bye"}"#);

        exported(&dataset, directory.path(), "{to: x.jsonl.zst, format: openai-chat}");
        let packed = fs::read(directory.path().join("x.jsonl.zst")).unwrap();
        assert_eq!(zstd::decode_all(packed.as_slice()).unwrap(), text.as_bytes());
        exported(&dataset, directory.path(), "{to: x.jsonl.gz, format: openai-chat}");
        let mut unpacked = String::new();
        let packed = File::open(directory.path().join("x.jsonl.gz")).unwrap();
        std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(packed), &mut unpacked).unwrap();
        assert_eq!(unpacked, text);
    }
}
