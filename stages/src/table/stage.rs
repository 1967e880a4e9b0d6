//! The `table` stage: its options and its contract.

use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sternlight_engine::artifact::{ArtifactKind, ArtifactType};
use sternlight_engine::contract::{Contract, Effect, InputTypes, OUT, Scope};
use sternlight_engine::dataset::guarded;
use sternlight_engine::problem::Problem;
use sternlight_engine::regular_file;
use sternlight_engine::stage::{
    BuildContext, BuiltIn, Context, InputFile, Memo, Outputs, Ports, Stage, StageError, TaskContext, Whole, Work,
};

use super::{csv, literal};

/// Bytes of a file that is read as a table.
const LARGEST: u64 = 256 << 20;

/// Options of `table`: one of both.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TableOptions {
    /// A CSV or Parquet file, by its ending.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The rows themselves: a list of maps from column to value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Vec<std::collections::BTreeMap<String, serde_json::Value>>>")]
    pub rows: Option<Vec<Map<String, Value>>>,
}

/// Brings a table in.
#[derive(Debug)]
pub struct Table {
    rows: RecordBatch,
    file: Option<(InputFile, PathBuf)>,
}

impl BuiltIn for Table {
    type Options = TableOptions;

    const NAME: &'static str = "table";
    const SUMMARY: &'static str = "Brings a table in: from a CSV or Parquet file, or as it stands in the pipeline";
    const DOCUMENTATION: &'static str = include_str!("table.md");
    const VERSION: u32 = 1;

    fn build(options: TableOptions, context: &BuildContext<'_>) -> Result<Self, Vec<Problem>> {
        match (options.file, options.rows) {
            (Some(name), None) => {
                let (rows, file) = read(&name, context.directory).map_err(|problem| vec![problem])?;
                Ok(Self { rows, file: Some(file) })
            }
            (None, Some(maps)) => Ok(Self { rows: literal::rows_of(&maps)?, file: None }),
            (Some(_), Some(_)) => Err(vec![
                Problem::at(["rows"], "a table comes from `file` or from `rows`, not from both").help("take one out"),
            ]),
            (None, None) => {
                let problem = Problem::new("a table needs `file` or `rows`, and has neither");
                Err(vec![problem.help("as in `file: costs.csv`, or `rows: [{policy: alder, cost: 3}]`")])
            }
        }
    }
}

/// The rows of a file, and what of it is part of the key.
fn read(name: &str, directory: &Path) -> Result<(RecordBatch, (InputFile, PathBuf)), Problem> {
    let path = directory.join(name);
    let at = |message: String| Problem::at(["file"], message);
    let ending = path.extension().map(|ending| ending.to_string_lossy().to_lowercase()).unwrap_or_default();
    let bytes =
        regular_file::read(&path, LARGEST).map_err(|error| at(format!("cannot read `{}`: {error}", path.display())))?;
    let file = (InputFile::new(name, &bytes), path);
    let rows = match ending.as_str() {
        "csv" => csv::rows_of(&bytes).map_err(|error| at(format!("`{name}`: {error}")))?,
        "parquet" => parquet_rows(bytes).map_err(|error| at(format!("`{name}`: {error}")))?,
        _ => {
            let problem = at(format!("`{name}` is no table that can be read"));
            return Err(problem.help("name a file that ends in `.csv` or `.parquet`"));
        }
    };
    Ok((rows, file))
}

fn parquet_rows(bytes: Vec<u8>) -> Result<RecordBatch, StageError> {
    guarded(|| {
        let builder = ParquetRecordBatchReaderBuilder::try_new(bytes::Bytes::from(bytes))?;
        let schema = builder.schema().clone();
        let batches = builder.build()?.collect::<Result<Vec<_>, _>>()?;
        Ok(concat_batches(&schema, &batches)?)
    })
}

impl Stage for Table {
    fn ports(&self) -> Ports {
        Ports::default().output(OUT, ArtifactKind::Table)
    }

    fn contract(&self, _: &InputTypes) -> Result<Contract, Vec<Problem>> {
        let outputs = vec![(OUT.to_owned(), ArtifactType::Table(self.rows.schema()))];
        Ok(Contract { reads: Vec::new(), scope: Scope::Dataset, effect: Effect::Whole(outputs) })
    }

    fn files(&self) -> Vec<InputFile> {
        self.file.iter().map(|(file, _)| file.clone()).collect()
    }

    fn inputs(&self) -> Vec<PathBuf> {
        self.file.iter().map(|(_, path)| path.clone()).collect()
    }

    fn work(&self) -> Work<'_> {
        Work::Whole(self)
    }
}

impl Whole for Table {
    /// Options in keys are in an order of their own, columns in that of the pipeline.
    fn outside(&self, _: &dyn Memo) -> Result<Vec<(String, String)>, StageError> {
        let schema = self.rows.schema();
        let columns: Vec<String> =
            schema.fields().iter().map(|field| format!("{} {}", field.name(), field.data_type())).collect();
        Ok(vec![("columns".to_owned(), columns.join(", "))])
    }

    fn run(&self, _: &TaskContext<'_>, outputs: &mut dyn Outputs, _: &mut Context) -> Result<(), StageError> {
        outputs.table(OUT, &self.rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn built(yaml: &str, directory: &Path) -> Result<Table, Vec<Problem>> {
        Table::build(serde_yaml::from_str(yaml).unwrap(), &BuildContext::new(directory, directory))
    }

    #[test]
    fn a_table_is_read_from_either_kind_of_file() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("costs.csv"), "policy,cost\nalder,3\n").unwrap();
        let table = built("file: costs.csv", directory.path()).unwrap();
        assert_eq!((table.rows.num_rows(), table.files()[0].name.as_str()), (1, "costs.csv"));
        let mut bytes = Vec::new();
        let mut writer = parquet::arrow::ArrowWriter::try_new(&mut bytes, table.rows.schema(), None).unwrap();
        writer.write(&table.rows).unwrap();
        writer.close().unwrap();
        std::fs::write(directory.path().join("costs.parquet"), bytes).unwrap();
        assert_eq!(built("file: costs.parquet", directory.path()).unwrap().rows, table.rows);
    }

    #[test]
    fn what_is_no_table_is_told() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("costs.parquet"), "PAR1 no").unwrap();
        std::fs::write(directory.path().join("costs.xlsx"), "").unwrap();
        let said = |yaml: &str| built(yaml, directory.path()).unwrap_err().remove(0).message;
        assert!(said("{}").contains("needs `file` or `rows`"));
        assert!(said("{file: a.csv, rows: []}").contains("not from both"));
        assert!(said("file: gone.csv").contains("cannot read"));
        assert!(said("file: costs.xlsx").contains("no table that can be read"));
        assert!(said("file: costs.parquet").contains("costs.parquet"));
    }
}
