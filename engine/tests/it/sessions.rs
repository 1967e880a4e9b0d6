//! A transform keeps something from batch to batch in a session, of which each shard has its own, and batches end where it
//! wants.

use std::sync::Arc;

use arrow::array::Float32Array;
use arrow::datatypes::DataType;
use sternlight_engine::column::ColumnPath;
use sternlight_engine::contract::{AddedColumn, Contract, Effect, InputTypes, Scope};
use sternlight_engine::dataset::BatchLimit;
use sternlight_engine::problem::Problem;
use sternlight_engine::stage::{Context, Output, Session, Stage, StageError, TaskContext, Transform, Work};
use sternlight_engine::trajectory::TrajectoryBatch;

use crate::fixtures::{Chain, Rows, digests, options, rows, store};

/// Gives each row the number of its call: what a plugin could do that counts.
struct Counting;

struct Counter(u32);

impl Stage for Counting {
    fn contract(&self, _: &InputTypes) -> Result<Contract, Vec<Problem>> {
        let adds = vec![AddedColumn::new("call", DataType::Float32)];
        let reads = vec![ColumnPath::from("trajectory_id")];
        Ok(Contract { reads, scope: Scope::Trajectory, effect: Effect::Columns { adds, drops: Vec::new() } })
    }

    fn work(&self) -> Work<'_> {
        Work::Transform(self)
    }
}

impl Transform for Counting {
    fn begin<'a>(&'a self, _: &TaskContext<'a>) -> Result<Box<dyn Session + 'a>, StageError> {
        Ok(Box::new(Counter(0)))
    }

    fn batch_limit(&self) -> Option<BatchLimit> {
        Some(BatchLimit { rows: 10, bytes: 1 << 20 })
    }
}

impl Session for Counter {
    fn apply(&mut self, batch: &TrajectoryBatch, context: &mut Context) -> Result<Output, StageError> {
        let call = self.0;
        self.0 += 1;
        context.metrics.count("calls", 1);
        Ok(Output::Columns(vec![Arc::new(Float32Array::from(vec![call as f32; batch.rows()]))]))
    }
}

#[test]
fn what_it_counts_depends_on_neither_threads_nor_batches() {
    let all = rows(75);
    let source = Rows(vec![all[..45].to_vec(), all[45..52].to_vec(), all[52..].to_vec()]);
    let mut found = Vec::new();
    for options in [options(1, 1024), options(4, 3)] {
        let (_directory, store) = store();
        let ran = Chain { stages: vec![("rows", &source), ("counting", &Counting)] }.run(&store, &options).unwrap();
        assert_eq!(ran.stages[1].metrics.counted("calls"), 5 + 1 + 3);
        found.push(digests(&ran.dataset));
    }
    assert_eq!(found[0], found[1]);
}
