//! Trajectories made by hand, for tests.

use std::collections::BTreeMap;

use crate::arrow::{Batch, Turns, Values, write};
use crate::definition::Columns;
use crate::trajectory::{Rows, Trajectory};

/// A trajectory for a test.
///
/// ```
/// use sternlight_plugin::testing::{Sample, SampleTurn};
///
/// let sample = Sample::new()
///     .with("success", true)
///     .turn(SampleTurn::new().with("tool_name", "search").with("tool_error", false));
/// assert_eq!(sample.trajectory().success(), Some(true));
/// assert_eq!(sample.trajectory().turns().next().and_then(|turn| turn.tool_name()), Some("search"));
/// ```
#[derive(Clone, Debug, Default)]
pub struct Sample {
    columns: BTreeMap<String, Value>,
    turns: Vec<SampleTurn>,
}

/// A turn of a [`Sample`].
#[derive(Clone, Debug, Default)]
pub struct SampleTurn {
    columns: BTreeMap<String, Value>,
}

/// A value of a column of a sample; of text, `true`, a number, or lists of tokens and log-probabilities by `into()`.
#[derive(Clone, Debug)]
pub struct Value(Values);

macro_rules! values {
    ($($type:ty),*) => {$(
        impl From<$type> for Value {
            fn from(value: $type) -> Self {
                Self(Values::from(vec![value]))
            }
        }
    )*};
}
values!(bool, i32, i64, u64, f32, f64, String, Vec<i32>, Vec<f32>);

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        value.to_owned().into()
    }
}

impl Sample {
    /// A trajectory without turns and without values, but for an id and a group.
    pub fn new() -> Self {
        Self::default().with("trajectory_id", "sample").with("group_id", "group")
    }

    /// Gives a column a value.
    #[must_use]
    pub fn with(mut self, column: &str, value: impl Into<Value>) -> Self {
        self.columns.insert(column.to_owned(), value.into());
        self
    }

    /// Adds a turn.
    #[must_use]
    pub fn turn(mut self, turn: SampleTurn) -> Self {
        self.turns.push(turn);
        self
    }

    /// The sample with these columns, and what says which trajectory it is.
    pub(crate) fn only(&self, reads: Columns) -> Self {
        let read = |path: &str| reads.iter().any(|(read, _)| *read == path);
        let kept = |prefix: &str, columns: &BTreeMap<String, Value>| -> BTreeMap<String, Value> {
            let kept = columns.iter().filter(|(name, _)| read(&format!("{prefix}{name}")));
            kept.map(|(name, value)| (name.clone(), value.clone())).collect()
        };
        let mut columns = kept("", &self.columns);
        for name in ["trajectory_id", "group_id"] {
            columns.extend(self.columns.get(name).map(|value| (name.to_owned(), value.clone())));
        }
        let turns = self.turns.iter().map(|turn| SampleTurn { columns: kept("turns.", &turn.columns) });
        Self { columns, turns: turns.collect() }
    }

    /// The trajectory as plugins see it. Its memory is never given back: for tests only.
    pub fn trajectory(&self) -> Trajectory<'static> {
        let batch: &'static Batch<'static> = Box::leak(Box::new(leaked(write_all(std::slice::from_ref(self), None))));
        let rows: &'static Rows<'static> = match Rows::new(batch) {
            Ok(rows) => Box::leak(Box::new(rows)),
            Err(error) => panic!("{error}"),
        };
        match rows.trajectories().next() {
            Some(trajectory) => trajectory,
            None => unreachable!("one sample is one row"),
        }
    }

    /// Several trajectories as one batch. Its memory is never given back: for tests only.
    pub fn batch(samples: &[Self]) -> Batch<'static> {
        leaked(write_all(samples, None))
    }
}

impl SampleTurn {
    /// A turn that saw and did nothing.
    pub fn new() -> Self {
        Self::default().with("observation", "").with("action", "")
    }

    /// Gives a column a value.
    #[must_use]
    pub fn with(mut self, column: &str, value: impl Into<Value>) -> Self {
        self.columns.insert(column.to_owned(), value.into());
        self
    }
}

fn leaked(ipc: Vec<u8>) -> Batch<'static> {
    match Batch::read(Box::leak(ipc.into_boxed_slice())) {
        Ok(batch) => batch,
        Err(error) => unreachable!("{error}"),
    }
}

/// The samples as a batch, with the columns named or else all. Turns are there if they are, or `turns` is, named.
pub(crate) fn write_all(samples: &[Sample], reads: Option<Columns>) -> Vec<u8> {
    let sent = |path: &str| reads.is_none_or(|reads| reads.iter().any(|(read, _)| *read == path));
    let rows: Vec<_> = samples.iter().map(|sample| &sample.columns).collect();
    let turns: Vec<_> = samples.iter().flat_map(|sample| &sample.turns).map(|turn| &turn.columns).collect();
    let counts: Vec<usize> = samples.iter().map(|sample| sample.turns.len()).collect();
    let of_rows = columns(&rows, sent);
    let of_turns = columns(&turns, |name| sent(&format!("turns.{name}")));
    let turns = Turns { counts: &counts, columns: &of_turns };
    let knows_turns = reads.is_none_or(|reads| reads.iter().any(|(path, _)| path.starts_with("turns")));
    write(samples.len(), &of_rows, knows_turns.then_some(turns))
}

fn columns(rows: &[&BTreeMap<String, Value>], sent: impl Fn(&str) -> bool) -> Vec<(String, Values)> {
    let names: std::collections::BTreeSet<&String> = rows.iter().flat_map(|row| row.keys()).collect();
    names.into_iter().filter(|name| sent(name)).map(|name| (name.clone(), column(rows, name))).collect()
}

/// One column of all rows, in the type that its first value has.
fn column(rows: &[&BTreeMap<String, Value>], name: &str) -> Values {
    macro_rules! gather {
        ($($variant:ident),*) => {
            match rows.iter().find_map(|row| row.get(name)) {
                $(Some(Value(Values::$variant(_))) => Values::$variant(rows.iter().map(|row| match row.get(name) {
                    Some(Value(Values::$variant(one))) => one.first().cloned().flatten(),
                    None => None,
                    Some(Value(other)) => panic!("column `{name}` has values of type {} too", other.type_name()),
                }).collect()),)*
                None => Values::Text(vec![None; rows.len()]),
            }
        };
    }
    gather!(Boolean, Int32, Int64, UInt64, Float32, Float64, Text, Int32List, Float32List)
}
