//! Calls a transform for a batch, and believes nothing it returns before it was measured. Where the pipeline wants it,
//! rows that the stage cannot process are found and taken out, and the others come out as if these had never been there.
//! Not concerned with where batches come from, nor with what becomes of the rows that were taken out.

use std::collections::BTreeMap;

use arrow::array::{Array as _, ArrayRef, BooleanArray, RecordBatch, new_empty_array};
use arrow::compute::filter_record_batch;

use super::super::job::Job;
use super::super::quarantine::RowFault;
use super::super::watch::Watch;
use crate::column::ColumnPath;
use crate::contract::{AddedColumn, Contract, Effect, Scope};
use crate::dataset::{places, scatter};
use crate::failure::OnError;
use crate::stage::{Context, Output, Session, StageError};
use crate::trajectory::{TrajectoryBatch, batch_fault, rows_without_number};

/// A stage at work on a part, ready to be called.
pub(crate) struct StageCall<'a> {
    session: Box<dyn Session + 'a>,
    /// Whether it knows what to do with numbers that are none.
    takes_any_number: bool,
    contract: &'a Contract,
    on_error: OnError,
    watch: &'a Watch<'a>,
}

/// What a batch came to.
#[derive(Debug)]
pub(crate) struct Applied {
    /// One entry for each row (or turn) of the batch: null, or not kept, for rows at fault.
    pub(crate) output: Output,
    /// The rows at fault, ascending; always none where the pipeline wants them to be errors.
    pub(crate) faults: Vec<RowFault>,
}

/// What a stage made of some rows.
enum Answer {
    Output(Output),
    /// An error that is the rows' own: neither the stage's, nor one that may pass.
    Fault(StageError),
}

impl<'a> StageCall<'a> {
    pub(crate) fn new(
        job: &'a Job<'_>,
        session: Box<dyn Session + 'a>,
        takes_any_number: bool,
        watch: &'a Watch<'a>,
    ) -> Self {
        Self { session, takes_any_number, contract: &job.contract, on_error: job.failure.on_error, watch }
    }

    /// Calls the stage for a batch of whole trajectories: of any, of whole groups, or of all, as its scope wants it.
    ///
    /// # Errors
    /// What the stage cannot process, unless the rows at fault are to be taken out; what may pass; a stage that does
    /// not keep its contract.
    pub(crate) fn apply(&mut self, batch: &TrajectoryBatch, context: &mut Context) -> Result<Applied, StageError> {
        let mut faults = match self.takes_any_number {
            true => BTreeMap::new(),
            false => without_number(batch),
        };
        if self.on_error == OnError::Fail {
            if let Some((_, error)) = faults.pop_first() {
                return Err(error);
            }
            return match self.call(batch, context)? {
                Answer::Output(output) => Ok(Applied { output, faults: Vec::new() }),
                Answer::Fault(error) => Err(error),
            };
        }
        let mut named_one = false;
        loop {
            let rest: Vec<usize> = (0..batch.rows()).filter(|row| !faults.contains_key(row)).collect();
            // What was counted over rows that were taken out afterwards is forgotten.
            let mut counted = context.clone();
            match self.call_for(batch, &rest, &mut counted)? {
                Answer::Output(output) => {
                    *context = counted;
                    let output = spread(output, batch, &rest, self.adds())?;
                    let faults = faults.into_iter().map(|(row, error)| row_fault(batch, row, error)).collect();
                    return Ok(Applied { output, faults });
                }
                Answer::Fault(error) => {
                    let known = faults.len();
                    // One name after the other would cost a call for each: the second time halves are quicker.
                    if !(named_one && error.others.is_empty())
                        && let Some(named) = named(batch, &rest, &error)
                    {
                        named_one |= error.others.is_empty();
                        faults.extend(named);
                        continue;
                    }
                    let units = self.units(batch, rest);
                    self.find(batch, &units, error.clone(), &mut faults)?;
                    if faults.len() == known {
                        // Each unit passes by itself: nobody can tell who is to blame.
                        return Err(error);
                    }
                }
            }
        }
    }

    /// The smallest sets of rows that the stage can be called for.
    fn units(&self, batch: &TrajectoryBatch, rows: Vec<usize>) -> Vec<Vec<usize>> {
        match (self.contract.scope, batch.text("group_id")) {
            (Scope::Trajectory, _) => rows.into_iter().map(|row| vec![row]).collect(),
            (Scope::Group, Ok(groups)) => {
                let mut units: Vec<Vec<usize>> = Vec::new();
                let mut known: BTreeMap<&str, usize> = BTreeMap::new();
                for row in rows {
                    let unit = *known.entry(groups.value(row)).or_insert(units.len());
                    match units.get_mut(unit) {
                        Some(unit) => unit.push(row),
                        None => units.push(vec![row]),
                    }
                }
                units
            }
            _ => vec![rows],
        }
    }

    /// Finds the rows at fault among units for which the stage gave this error, by halves: about `k log n` calls for `k`
    /// units at fault among `n`.
    fn find(
        &mut self,
        batch: &TrajectoryBatch,
        units: &[Vec<usize>],
        error: StageError,
        faults: &mut BTreeMap<usize, StageError>,
    ) -> Result<(), StageError> {
        if let [unit] = units {
            return self.find_in_unit(batch, unit.clone(), error, faults);
        }
        let (left, right) = units.split_at(units.len() / 2);
        for half in [left, right].into_iter().filter(|half| !half.is_empty()) {
            let mut rows = half.concat();
            rows.sort_unstable();
            if let Answer::Fault(error) = self.call_for(batch, &rows, &mut Context::default())? {
                self.find(batch, half, error, faults)?;
            }
        }
        Ok(())
    }

    /// A trajectory that an error names goes alone. Else all rows of a group do, and of a whole dataset none.
    fn find_in_unit(
        &mut self,
        batch: &TrajectoryBatch,
        mut rows: Vec<usize>,
        mut error: StageError,
        faults: &mut BTreeMap<usize, StageError>,
    ) -> Result<(), StageError> {
        error.others.clear();
        loop {
            let is_named = |row: &usize| error.trajectory.as_ref().is_some_and(|id| batch.name_of(*row) == *id);
            match (self.contract.scope, rows.iter().position(is_named)) {
                (Scope::Group | Scope::Dataset, Some(position)) => {
                    faults.insert(rows.remove(position), error);
                }
                (Scope::Dataset, None) => return Err(error),
                (Scope::Trajectory | Scope::Group, _) => {
                    faults.extend(rows.into_iter().map(|row| (row, error.clone())));
                    return Ok(());
                }
            }
            match self.call_for(batch, &rows, &mut Context::default())? {
                Answer::Output(_) => return Ok(()),
                Answer::Fault(next) => error = next,
            }
        }
    }

    fn call_for(
        &mut self,
        batch: &TrajectoryBatch,
        rows: &[usize],
        context: &mut Context,
    ) -> Result<Answer, StageError> {
        self.watch.check()?;
        match rows {
            _ if rows.len() == batch.rows() => self.call(batch, context),
            _ => self.call(&TrajectoryBatch::new(part_of(batch.record_batch(), rows)?)?, context),
        }
    }

    fn adds(&self) -> &'a [AddedColumn] {
        match &self.contract.effect {
            Effect::Columns { adds, .. } => adds,
            _ => &[],
        }
    }

    fn call(&mut self, batch: &TrajectoryBatch, context: &mut Context) -> Result<Answer, StageError> {
        if batch.rows() == 0 {
            return Ok(Answer::Output(match &self.contract.effect {
                Effect::Subset => Output::Keep(BooleanArray::from(Vec::<bool>::new())),
                Effect::Relabelled { .. } => Output::Relabelled(Vec::new()),
                _ => Output::Columns(self.adds().iter().map(|column| new_empty_array(&column.data_type)).collect()),
            }));
        }
        match self.session.apply(batch, context) {
            Ok(output) => self.measured(output, batch).map(Answer::Output),
            Err(error) if error.may_pass => Err(error),
            Err(error) => Ok(Answer::Fault(error)),
        }
    }

    fn measured(&self, output: Output, batch: &TrajectoryBatch) -> Result<Output, StageError> {
        match (&output, &self.contract.effect) {
            (Output::Keep(mask), Effect::Subset) if mask.len() == batch.rows() => Ok(output),
            (Output::Columns(arrays), Effect::Columns { adds, .. }) if arrays.len() == adds.len() => {
                for (array, column) in arrays.iter().zip(adds) {
                    let expected = if column.path.turn_name().is_some() { batch.turn_count() } else { batch.rows() };
                    if array.len() != expected || *array.data_type() != column.data_type {
                        return Err(StageError::new(format!(
                            "the stage returned {} values of type {} for column `{}`, expected {expected} of type {}",
                            array.len(),
                            array.data_type(),
                            column.path,
                            column.data_type
                        )));
                    }
                }
                Ok(output)
            }
            (Output::Relabelled(copies), Effect::Relabelled { .. })
                if copies.is_sorted_by_key(|copy| copy.row)
                    && copies.last().is_none_or(|copy| copy.row < batch.rows()) =>
            {
                match batch_fault(copies, batch) {
                    None => Ok(output),
                    Some(fault) => Err(StageError::new(format!("the stage returned what no copy can be: {fault}"))),
                }
            }
            _ => Err(StageError::new("the stage returned something else than its contract promises")),
        }
    }
}

/// The rows with a number that is none, where the schema promises finite ones. No stage need know of such.
fn without_number(batch: &TrajectoryBatch) -> BTreeMap<usize, StageError> {
    let error = |row: usize, column: ColumnPath, number: f32| {
        StageError::new(format!("`{column}` is {number}, expected a finite number or null"))
            .trajectory(batch.name_of(row))
            .help(format!(
                "a `filter` with `{column} is not null` leaves such rows out, `on_error: quarantine` puts them aside"
            ))
    };
    rows_without_number(batch).into_iter().map(|(row, (column, number))| (row, error(row, column, number))).collect()
}

/// The rows that an error names, if it can be told which ones they are.
fn named(batch: &TrajectoryBatch, rows: &[usize], error: &StageError) -> Option<Vec<(usize, StageError)>> {
    let mut places: BTreeMap<String, Option<usize>> = BTreeMap::new();
    for row in rows {
        places.entry(batch.name_of(*row)).and_modify(|place| *place = None).or_insert(Some(*row));
    }
    let mut one = error.clone();
    let all = std::mem::take(&mut one.others);
    let place = |error: StageError| {
        let row = (*places.get(error.trajectory.as_ref()?)?)?;
        Some((row, error))
    };
    std::iter::once(one).chain(all).map(place).collect()
}

fn row_fault(batch: &TrajectoryBatch, row: usize, error: StageError) -> RowFault {
    let source = || {
        let sources = batch.text("source").ok()?;
        sources.is_valid(row).then(|| sources.value(row).to_owned())
    };
    RowFault { row, trajectory: batch.name_of(row), reason: error.message, place: error.place.or_else(source) }
}

/// Some rows of a batch, ascending. Neighbours are not copied.
fn part_of(batch: &RecordBatch, rows: &[usize]) -> Result<RecordBatch, StageError> {
    if let ([first, ..], [.., last]) = (rows, rows)
        && last - first + 1 == rows.len()
    {
        return Ok(batch.slice(*first, rows.len()));
    }
    Ok(filter_record_batch(batch, &mask(batch.num_rows(), rows))?)
}

fn mask(length: usize, rows: &[usize]) -> BooleanArray {
    let mut mask = vec![false; length];
    rows.iter().for_each(|row| mask[*row] = true);
    BooleanArray::from(mask)
}

/// An output for some rows of a batch as one for all of them.
fn spread(output: Output, batch: &TrajectoryBatch, rows: &[usize], adds: &[AddedColumn]) -> Result<Output, StageError> {
    if rows.len() == batch.rows() {
        return Ok(output);
    }
    let present = mask(batch.rows(), rows);
    Ok(match output {
        Output::Keep(kept) => {
            let mut all = vec![false; batch.rows()];
            rows.iter().zip(kept.iter()).for_each(|(row, kept)| all[*row] = kept == Some(true));
            Output::Keep(BooleanArray::from(all))
        }
        Output::Columns(arrays) => {
            let row_places = places(&present, |_| 1);
            let turn_places = places(&present, |row| batch.turns_of(row).len());
            let spread = arrays.iter().zip(adds).map(|(array, column)| match column.path.turn_name() {
                None => scatter(array, &row_places),
                Some(_) => scatter(array, &turn_places),
            });
            Output::Columns(spread.collect::<Result<Vec<ArrayRef>, _>>()?)
        }
        Output::Relabelled(mut copies) => {
            for copy in &mut copies {
                copy.row = *rows.get(copy.row).ok_or_else(|| StageError::new("a copy is of no row"))?;
            }
            Output::Relabelled(copies)
        }
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::atomic::AtomicBool;
    use std::sync::{Arc, Mutex};

    use arrow::array::{AsArray as _, Float32Array};
    use arrow::datatypes::{DataType, Float32Type};
    use proptest::prelude::*;

    use super::*;
    use crate::trajectory::{TrajectoryBuilder, TrajectoryRow, TurnRow};

    /// Gives every row, and every turn, how many rows its group has, and cannot process some rows.
    struct Picky {
        faulty: BTreeSet<String>,
        names: bool,
        /// Whether an error names all rows at fault, or the first only.
        names_all: bool,
        calls: Mutex<u32>,
    }

    impl Picky {
        fn apply(&self, batch: &TrajectoryBatch, context: &mut Context) -> Result<Output, StageError> {
            *self.calls.lock().unwrap() += 1;
            let ids = batch.text("trajectory_id")?;
            let error = || StageError::new("cannot be processed");
            let mut faulty = ids.iter().flatten().filter(|id| self.faulty.contains(*id));
            if let Some(id) = faulty.next() {
                let others = faulty.filter(|_| self.names_all).map(|id| error().trajectory(id)).collect();
                return Err(if self.names { StageError { others, ..error().trajectory(id) } } else { error() });
            }
            let groups = batch.text("group_id")?;
            let size = |group: Option<&str>| groups.iter().filter(|other| *other == group).count() as f32;
            let sizes: Vec<f32> = groups.iter().map(size).collect();
            let turns = (0..batch.rows()).flat_map(|row| batch.turns_of(row).map(|_| sizes[row]).collect::<Vec<_>>());
            let turns = Float32Array::from_iter_values(turns);
            ids.iter()
                .flatten()
                .for_each(|id| context.metrics.observe("ids", 1.0 / (id.len() as f64 + sizes[0] as f64)));
            Ok(Output::Columns(vec![Arc::new(Float32Array::from(sizes)), Arc::new(turns)]))
        }
    }

    fn id(row: usize) -> String {
        "t".repeat(row + 1)
    }

    fn batch(rows: impl Iterator<Item = usize>, groups: usize) -> TrajectoryBatch {
        let mut builder = TrajectoryBuilder::new();
        rows.for_each(|row| {
            builder.push(&TrajectoryRow {
                trajectory_id: id(row),
                group_id: format!("g{}", row % groups),
                turns: vec![TurnRow::default(); row % 3],
                source: (row % 2 == 0).then(|| format!("a.jsonl#{row}")),
                ..TrajectoryRow::default()
            });
        });
        builder.finish().unwrap()
    }

    fn contract(scope: Scope) -> Contract {
        let adds = vec![
            AddedColumn::new("size", DataType::Float32),
            AddedColumn::new(ColumnPath::of_turn("size"), DataType::Float32),
        ];
        Contract { reads: Vec::new(), scope, effect: Effect::Columns { adds, drops: Vec::new() } }
    }

    fn applied(
        stage: &Picky,
        scope: Scope,
        on_error: OnError,
        batch: &TrajectoryBatch,
        context: &mut Context,
    ) -> Result<Applied, StageError> {
        let (interrupted, contract) = (AtomicBool::new(false), contract(scope));
        let watch = Watch::new(&interrupted, None, String::new());
        let session = Box::new(|batch: &TrajectoryBatch, context: &mut Context| stage.apply(batch, context));
        let takes_any_number = false;
        StageCall { session, takes_any_number, contract: &contract, on_error, watch: &watch }.apply(batch, context)
    }

    /// Row values, and turn values, of an output.
    fn values(output: &Output) -> [Vec<Option<f32>>; 2] {
        let Output::Columns(arrays) = output else { panic!("{output:?}") };
        [0, 1].map(|index| arrays[index].as_primitive::<Float32Type>().iter().collect())
    }

    fn picky(faulty: impl IntoIterator<Item = usize>, names: bool) -> Picky {
        Picky { faulty: faulty.into_iter().map(id).collect(), names, names_all: false, calls: Mutex::default() }
    }

    fn naming_all(faulty: impl IntoIterator<Item = usize>) -> Picky {
        Picky { names_all: true, ..picky(faulty, true) }
    }

    proptest! {
        /// Exactly the rows at fault go; the others, and what is counted, are as if these had never been there.
        #[test]
        fn the_others_come_out_as_if_faulty_rows_had_never_been_there(
            count in 1usize..30,
            groups in 1usize..6,
            faulty in proptest::collection::btree_set(0usize..30, 0..8),
            scope in prop_oneof![Just(Scope::Trajectory), Just(Scope::Group), Just(Scope::Dataset)],
            names in any::<bool>(),
            names_all in any::<bool>(),
        ) {
            let faulty: BTreeSet<usize> = faulty.into_iter().filter(|row| *row < count).collect();
            let expected: BTreeSet<usize> = match (scope, names) {
                (Scope::Group, false) => (0..count).filter(|row| faulty.iter().any(|bad| bad % groups == row % groups)).collect(),
                (Scope::Dataset, false) if !faulty.is_empty() => BTreeSet::new(),
                _ => faulty.clone(),
            };
            let stage = Picky { names_all, ..picky(faulty.iter().copied(), names) };
            // A stage that is called for the dataset or for groups may look beyond a row; one for trajectories may not.
            let groups_seen = if scope == Scope::Trajectory { usize::MAX } else { groups };
            let all = batch(0..count, groups_seen);
            let mut context = Context::default();
            context.metrics.observe("ids", 0.3);
            let mut expected_context = context.clone();
            let outcome = applied(&stage, scope, OnError::Quarantine, &all, &mut context);
            if scope == Scope::Dataset && !names && !faulty.is_empty() {
                prop_assert_eq!(outcome.unwrap_err().message, "cannot be processed");
                return Ok(());
            }
            let outcome = outcome.unwrap();
            let gone: BTreeSet<usize> = outcome.faults.iter().map(|fault| fault.row).collect();
            prop_assert_eq!(&gone, &expected);
            let left = batch((0..count).filter(|row| !expected.contains(row)), groups_seen);
            let alone = applied(&picky([], true), scope, OnError::Fail, &left, &mut expected_context).unwrap();
            prop_assert_eq!(context, expected_context);
            let [rows, turns] = values(&outcome.output);
            let [alone_rows, alone_turns] = values(&alone.output);
            let is_here = |row: &usize| !expected.contains(row);
            prop_assert_eq!((0..count).filter(is_here).map(|row| rows[row]).collect::<Vec<_>>(), alone_rows);
            prop_assert!(expected.iter().all(|row| rows[*row].is_none()));
            let here = (0..count).filter(is_here).flat_map(|row| all.turns_of(row)).map(|turn| turns[turn]);
            prop_assert_eq!(here.collect::<Vec<_>>(), alone_turns);
        }
    }

    #[test]
    fn few_calls_find_few_faults() {
        let stage = picky([700], false);
        let outcome =
            applied(&stage, Scope::Trajectory, OnError::Quarantine, &batch(0..1024, 7), &mut Context::default());
        let faults = outcome.unwrap().faults;
        let (trajectory, place) = (id(700), Some("a.jsonl#700".to_owned()));
        assert_eq!(faults, [RowFault { row: 700, trajectory, reason: "cannot be processed".to_owned(), place }]);
        // All, both halves on ten levels, the rest.
        assert_eq!(*stage.calls.lock().unwrap(), 1 + 2 * 10 + 1);
    }

    #[test]
    fn faults_that_are_all_named_take_one_call_more() {
        let many = (0..1024).step_by(3);
        let stage = naming_all(many.clone());
        let outcome =
            applied(&stage, Scope::Trajectory, OnError::Quarantine, &batch(0..1024, 7), &mut Context::default());
        assert_eq!(outcome.unwrap().faults.len(), many.count());
        assert_eq!(*stage.calls.lock().unwrap(), 2);
    }

    #[test]
    fn of_rows_of_one_name_each_is_tried() {
        let twins = batch([4, 9, 9, 2].into_iter(), 7);
        let outcome =
            applied(&naming_all([9]), Scope::Trajectory, OnError::Quarantine, &twins, &mut Context::default());
        let rows: Vec<usize> = outcome.unwrap().faults.iter().map(|fault| fault.row).collect();
        assert_eq!(rows, [1, 2]);
    }

    #[test]
    fn where_faults_are_errors_the_first_is_told_and_nothing_more_is_called() {
        let stage = picky([3, 5], true);
        let error = applied(&stage, Scope::Trajectory, OnError::Fail, &batch(0..9, 7), &mut Context::default());
        assert_eq!(error.unwrap_err(), StageError::new("cannot be processed").trajectory(id(3)));
        assert_eq!(*stage.calls.lock().unwrap(), 1);
    }

    #[test]
    fn what_no_trajectory_is_to_blame_for_stays_an_error() {
        let (interrupted, contract) = (AtomicBool::new(false), contract(Scope::Trajectory));
        let watch = Watch::new(&interrupted, None, String::new());
        let said = |fail: fn(&TrajectoryBatch) -> Result<Output, StageError>| {
            let mut call = StageCall {
                session: Box::new(move |batch: &TrajectoryBatch, _: &mut Context| fail(batch)),
                takes_any_number: false,
                contract: &contract,
                on_error: OnError::Quarantine,
                watch: &watch,
            };
            call.apply(&batch(0..4, 2), &mut Context::default()).unwrap_err().message
        };
        assert_eq!(said(|_| Err(StageError::new("no answer").may_pass())), "no answer");
        assert!(said(|_| Ok(Output::Columns(Vec::new()))).contains("something else than its contract promises"));
        let only_together = |batch: &TrajectoryBatch| match batch.rows() {
            4 => Err(StageError::new("four are too many")),
            rows => {
                let sizes = Float32Array::from(vec![0.0; rows]);
                let turns = Float32Array::from(vec![0.0; batch.turn_count()]);
                Ok(Output::Columns(vec![Arc::new(sizes), Arc::new(turns)]))
            }
        };
        assert_eq!(said(only_together), "four are too many");
    }
}
