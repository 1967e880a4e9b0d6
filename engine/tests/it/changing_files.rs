//! Files outside of the store that change while a run reads them: what was made of other bytes than the key says is not
//! kept, whatever the file looks like in the end.

use std::fs::{self, File, FileTimes};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use arrow::array::{ArrayRef, Float32Array};
use arrow::datatypes::DataType;
use sternlight_engine::artifact::Inputs;
use sternlight_engine::column::ColumnPath;
use sternlight_engine::contract::{AddedColumn, Contract, Effect, InputTypes, Scope};
use sternlight_engine::problem::Problem;
use sternlight_engine::run::RunOptions;
use sternlight_engine::stage::{
    Context, Output, Session, Sink, Stage, StageError, Staging, Target, TaskContext, Transform, Work,
};
use sternlight_engine::trajectory::TrajectoryBatch;

use super::fixtures::{AtLeast, Chain, InPlace, files_below, options, store};
use super::replay::{foreign_file, foreign_schema};

/// Copies rewards, while somebody rewrites the file and brings it back, time and all.
struct Copy {
    scope: Scope,
    file: PathBuf,
    is_disturbed: AtomicBool,
    seen: Mutex<Vec<f32>>,
}

impl Copy {
    fn new(scope: Scope, file: &Path) -> Self {
        Self { scope, file: file.to_owned(), is_disturbed: AtomicBool::new(false), seen: Mutex::default() }
    }
}

impl Stage for Copy {
    fn contract(&self, _: &InputTypes) -> Result<Contract, Vec<Problem>> {
        let adds = vec![AddedColumn::new("copied", DataType::Float32)];
        Ok(Contract {
            reads: vec![ColumnPath::from("group_id"), ColumnPath::from("reward")],
            scope: self.scope,
            effect: Effect::Columns { adds, drops: Vec::new() },
        })
    }

    fn work(&self) -> Work<'_> {
        Work::Transform(self)
    }
}

impl Copy {
    fn apply(&self, batch: &TrajectoryBatch, _: &mut Context) -> Result<Output, StageError> {
        let rewards: Float32Array = batch.float("reward")?.iter().collect();
        self.seen.lock().unwrap().extend(rewards.values());
        if self.is_disturbed.load(Ordering::Relaxed) {
            disturb(&self.file);
        }
        Ok(Output::Columns(vec![Arc::new(rewards) as ArrayRef]))
    }
}

impl Transform for Copy {
    fn begin<'a>(&'a self, _: &TaskContext<'a>) -> Result<Box<dyn Session + 'a>, StageError> {
        Ok(Box::new(|batch: &TrajectoryBatch, context: &mut Context| self.apply(batch, context)))
    }
}

/// Exports nothing but a word.
#[derive(Clone)]
struct Word {
    place: PathBuf,
    file: PathBuf,
}

impl Stage for Word {
    fn contract(&self, inputs: &InputTypes) -> Result<Contract, Vec<Problem>> {
        let input = inputs.data();
        Ok(Contract { reads: input.paths(), scope: Scope::Dataset, effect: Effect::Sink })
    }

    fn work(&self) -> Work<'_> {
        Work::Sink(self)
    }
}

impl Sink for Word {
    fn target(&self) -> Target {
        let (beside, within) = (Vec::new(), Vec::new());
        Target { path: self.place.clone(), beside, within, is_directory: false, overwrite: false }
    }

    fn sample(&self, _: u64) -> Box<dyn Sink + '_> {
        Box::new(self.clone())
    }

    fn export(&self, _: &Inputs, staging: &mut dyn Staging, _: &mut Context) -> Result<(), StageError> {
        let name = self.place.file_name().unwrap().to_string_lossy().into_owned();
        fs::write(staging.place(&name)?, "word").unwrap();
        disturb(&self.file);
        Ok(())
    }
}

/// Other bytes for a moment; afterwards all is as it was, but for what nobody can set.
fn disturb(path: &Path) {
    let (bytes, modified) = (fs::read(path).unwrap(), fs::metadata(path).unwrap().modified().unwrap());
    fs::write(path, "something else").unwrap();
    // Clocks of file systems tick every few milliseconds.
    std::thread::sleep(std::time::Duration::from_millis(20));
    fs::write(path, bytes).unwrap();
    File::options().append(true).open(path).unwrap().set_times(FileTimes::new().set_modified(modified)).unwrap();
}

#[test]
fn what_was_made_while_a_file_was_something_else_is_not_kept() {
    for (scope, rows_each) in [(Scope::Trajectory, 3), (Scope::Group, 3), (Scope::Dataset, 1)] {
        let (directory, store) = store();
        let path = directory.path().join("foreign.parquet");
        foreign_file(&path, &["x", "y", "z"], &[1, 1, 1]);
        let source = InPlace(path.clone(), 3, foreign_schema(&[]));
        let copy = Copy::new(scope, &path);
        let chain = Chain { stages: vec![("in place", &source), ("copy", &copy)] };
        copy.is_disturbed.store(true, Ordering::Relaxed);
        let error = chain.run(&store, &options(1, rows_each)).err().unwrap().to_string();
        assert!(error.starts_with("stage `copy`: `"), "{error}");
        assert!(error.ends_with("foreign.parquet` was changed since it was imported"), "{error}");
        let committed = files_below(&store.root().join("commits"));
        assert_eq!(committed.len(), 1, "that of the source: {committed:?}");
        // Left alone, the same run goes through, and computes.
        copy.is_disturbed.store(false, Ordering::Relaxed);
        copy.seen.lock().unwrap().clear();
        chain.run(&store, &options(1, rows_each)).unwrap();
        assert_eq!(*copy.seen.lock().unwrap(), [0.0, 1.0, 2.0]);
    }
}

#[test]
fn a_file_that_changed_before_a_stage_began_is_not_read() {
    let (directory, store) = store();
    let path = directory.path().join("foreign.parquet");
    foreign_file(&path, &["x", "y", "z"], &[3]);
    let source = InPlace(path.clone(), 1, foreign_schema(&[]));
    let copy = Copy::new(Scope::Trajectory, &path);
    // The first stage has its result when the file becomes something else for a moment.
    let observe = |record: &sternlight_engine::event::Record| {
        if let sternlight_engine::event::Event::StageFinished(result) = &record.event
            && result.stage == "copy"
        {
            disturb(&path);
        }
    };
    let chain = Chain { stages: vec![("in place", &source), ("copy", &copy), ("filter", &AtLeast(1))] };
    let error = chain.run_observed(&store, &RunOptions::default(), &[], &observe).err().unwrap().to_string();
    assert!(error.starts_with("stage `filter`: `"), "{error}");
}

#[test]
fn an_export_of_a_file_that_changed_meanwhile_leaves_what_was_there() {
    let (directory, store) = store();
    let path = directory.path().join("foreign.parquet");
    foreign_file(&path, &["x", "y", "z"], &[3]);
    let source = InPlace(path.clone(), 1, foreign_schema(&[]));
    let word = Word { place: directory.path().join("word.txt"), file: path };
    let chain = Chain { stages: vec![("in place", &source), ("word", &word)] };
    let error = chain.run_observed(&store, &RunOptions::default(), &[], &|_| {}).err().unwrap().to_string();
    assert!(error.contains("was changed since it was imported"), "{error}");
    assert!(!word.place.exists());
}
