//! The `merge` stage. What one dataset lacks is null in its rows; no other value is copied.

use arrow::datatypes::{DataType, Field};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sternlight_engine::artifact::{Artifact, ArtifactKind, ArtifactType};
use sternlight_engine::contract::{AddedColumn, Contract, DATA, Effect, InputTypes, OUT, Scope};
use sternlight_engine::dataset::Dataset;
use sternlight_engine::problem::Problem;
use sternlight_engine::stage::{
    BuildContext, BuiltIn, Context, InputPort, Outputs, Ports, Stage, StageError, TaskContext, Whole, Work,
};
use sternlight_engine::trajectory::TrajectorySchema;

/// Options of `merge`: none.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MergeOptions {}

/// Joins datasets of differing columns.
#[derive(Debug)]
pub struct Merge;

impl BuiltIn for Merge {
    type Options = MergeOptions;

    const NAME: &'static str = "merge";
    const SUMMARY: &'static str = "Joins datasets of differing columns: what one lacks is null in its rows";
    const DOCUMENTATION: &'static str = include_str!("merge.md");
    const VERSION: u32 = 1;

    fn build(_: MergeOptions, _: &BuildContext<'_>) -> Result<Self, Vec<Problem>> {
        Ok(Self)
    }
}

/// The columns of all, each nullable where one of the datasets has it not.
fn merged<'a>(schemas: impl Iterator<Item = &'a TrajectorySchema>) -> Result<TrajectorySchema, Problem> {
    let mut merged: Option<TrajectorySchema> = None;
    for schema in schemas {
        let Some(before) = merged else {
            merged = Some(schema.clone());
            continue;
        };
        let mut all = before.clone();
        for path in schema.paths() {
            let Some(field) = schema.field(&path) else { continue };
            match before.field(&path) {
                Some(known) if known.data_type() != field.data_type() => {
                    let (known, found) = (known.data_type(), field.data_type());
                    let message = format!("`{path}` is {known} in one dataset and {found} in another");
                    return Err(Problem::new(message).help("let a `select` stage make columns of one type first"));
                }
                Some(_) if field.is_nullable() => {
                    all = all.with(&path, nullable(path.turn_name().unwrap_or(path.as_str()), field.data_type()));
                }
                Some(_) => {}
                None => all = all.with(&path, nullable(path.turn_name().unwrap_or(path.as_str()), field.data_type())),
            }
        }
        let lacking: Vec<_> = before.paths().into_iter().filter(|path| schema.field(path).is_none()).collect();
        for path in lacking {
            if let Some(field) = before.field(&path) {
                let field = nullable(path.turn_name().unwrap_or(path.as_str()), field.data_type());
                all = all.with(&path, field);
            }
        }
        merged = Some(all);
    }
    merged.ok_or_else(|| Problem::new("`merge` joins datasets, and none comes in"))
}

fn nullable(name: &str, data_type: &DataType) -> Field {
    Field::new(name, data_type.clone(), true)
}

/// The columns that a dataset lacks.
fn lacking(dataset: &Dataset, all: &TrajectorySchema) -> Vec<AddedColumn> {
    let lacks = |path: &sternlight_engine::column::ColumnPath| dataset.schema.field(path).is_none();
    let paths = all.paths().into_iter().filter(lacks);
    paths.filter_map(|path| Some(AddedColumn::new(path.clone(), all.field(&path)?.data_type().clone()))).collect()
}

impl Stage for Merge {
    fn ports(&self) -> Ports {
        let data = InputPort::one(DATA, &[ArtifactKind::Dataset]).several();
        Ports::default().input(data).output(OUT, ArtifactKind::Dataset)
    }

    fn contract(&self, inputs: &InputTypes) -> Result<Contract, Vec<Problem>> {
        let schemas = inputs.all(DATA).filter_map(|artifact| match artifact {
            ArtifactType::Dataset(schema) => Some(schema),
            _ => None,
        });
        let schema = merged(schemas).map_err(|problem| vec![problem])?;
        let effect = Effect::Whole(vec![(OUT.to_owned(), ArtifactType::Dataset(schema))]);
        Ok(Contract { reads: Vec::new(), scope: Scope::Dataset, effect })
    }

    fn work(&self) -> Work<'_> {
        Work::Whole(self)
    }
}

impl Whole for Merge {
    fn run(&self, task: &TaskContext<'_>, outputs: &mut dyn Outputs, context: &mut Context) -> Result<(), StageError> {
        let datasets: Vec<&Dataset> = task
            .inputs()
            .all(DATA)
            .filter_map(|artifact| match artifact {
                Artifact::Dataset(dataset) => Some(dataset.as_ref()),
                _ => None,
            })
            .collect();
        let schemas = datasets.iter().map(|dataset| &dataset.schema);
        let schema = merged(schemas).map_err(|problem| StageError::new(problem.message))?;
        for dataset in datasets {
            let nulls = lacking(dataset, &schema);
            context.metrics.count("trajectories", dataset.rows());
            for shard in &dataset.shards {
                task.check()?;
                outputs.shard(OUT, dataset, shard.clone(), &nulls)?;
            }
        }
        Ok(())
    }
}
