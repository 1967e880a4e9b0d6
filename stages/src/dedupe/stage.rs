//! The `dedupe` stage: its contract, and which of the duplicates stays. What makes rows duplicates has its own files.

use std::collections::{BTreeSet, HashMap};

use arrow::array::BooleanArray;
use sternlight_engine::column::ColumnPath;
use sternlight_engine::contract::{Contract, Effect, InputTypes, Scope};
use sternlight_engine::problem::Problem;
use sternlight_engine::stage::{
    BuildContext, BuiltIn, Context, Output, Session, Stage, StageError, TaskContext, Transform, Work,
};
use sternlight_engine::trajectory::{TrajectoryBatch, TrajectorySchema};

use super::columns::{Column, compared};
use super::digest::digest;
use super::minhash::{Hashes, Signatures};
use super::near::Near;
use super::options::{DedupeOptions, Within};
use super::shingles::shingles;
use crate::ranked::{ranks, unranked};
use crate::row_groups::row_groups;

/// Drops trajectories that say what another one says.
#[derive(Clone, Debug)]
pub struct Dedupe {
    /// The similarity of duplicates; none if they are equal.
    similarity: Option<f64>,
    columns: Option<Vec<ColumnPath>>,
    within: Within,
    prefer: Option<String>,
}

impl BuiltIn for Dedupe {
    type Options = DedupeOptions;

    const NAME: &'static str = "dedupe";
    const SUMMARY: &'static str = "Drops trajectories that say the same as another one, or nearly the same";
    const DOCUMENTATION: &'static str = include_str!("dedupe.md");
    const VERSION: u32 = 1;

    fn build(options: DedupeOptions, _: &BuildContext<'_>) -> Result<Self, Vec<Problem>> {
        match (options.similarity(), options.named()) {
            (Ok(similarity), Ok(columns)) => {
                Ok(Self { similarity, columns, within: options.within, prefer: options.prefer })
            }
            (similarity, columns) => Err(similarity.err().into_iter().chain(columns.err()).collect()),
        }
    }
}

impl Stage for Dedupe {
    fn contract(&self, inputs: &InputTypes) -> Result<Contract, Vec<Problem>> {
        let input = inputs.data();
        let unranked = self.prefer.as_deref().and_then(|column| unranked(column, "prefer", input));
        let mut reads = match (compared(self.columns.as_deref(), input, self.similarity.is_some()), unranked) {
            (Ok(columns), None) => columns,
            (columns, unranked) => return Err(columns.err().into_iter().flatten().chain(unranked).collect()),
        };
        let scope = match self.within {
            Within::All => Scope::Dataset,
            Within::Group => {
                reads.push(ColumnPath::from("group_id"));
                Scope::Group
            }
        };
        if let Some(prefer) = &self.prefer {
            // A number that is none is an error, which names its trajectory.
            reads.extend([ColumnPath::from(prefer.as_str()), ColumnPath::from("trajectory_id")]);
        }
        let mut seen = BTreeSet::new();
        reads.retain(|path| seen.insert(path.clone()));
        Ok(Contract { reads, scope, effect: Effect::Subset })
    }

    fn work(&self) -> Work<'_> {
        Work::Transform(self)
    }
}

impl Dedupe {
    fn apply(&self, batch: &TrajectoryBatch, context: &mut Context) -> Result<Output, StageError> {
        let paths = self.compared_in(batch)?;
        let columns = Column::of(batch, &paths)?;
        let ranks = self.prefer.as_deref().map(|column| ranks(batch, column)).transpose()?;
        let sets = match self.within {
            Within::All => vec![(0..batch.rows()).collect()],
            Within::Group => row_groups(batch)?,
        };
        let hashes = Hashes::new();
        let mut keep = vec![false; batch.rows()];
        let (mut kept, mut clusters) = (0_u64, 0_u64);
        for mut rows in sets {
            if let Some(ranks) = &ranks {
                // Stable: of equal ranks the first row comes first, and those without one come last.
                let rank = |row: &usize| ranks.get(*row).copied().flatten();
                rows.sort_by(|left, right| match (rank(left), rank(right)) {
                    (Some(left), Some(right)) => (right + 0.0).total_cmp(&(left + 0.0)),
                    (left, right) => right.is_some().cmp(&left.is_some()),
                });
            }
            let duplicates = match self.similarity {
                None => equal(batch, &columns, &rows),
                Some(threshold) => alike(batch, &columns, &rows, (&hashes, threshold)),
            };
            for (row, _) in rows.iter().zip(&duplicates).filter(|(_, duplicate_of)| duplicate_of.is_none()) {
                kept += 1;
                if let Some(keep) = keep.get_mut(*row) {
                    *keep = true;
                }
            }
            clusters += duplicates.into_iter().flatten().collect::<BTreeSet<usize>>().len() as u64;
        }
        context.metrics.count("rows_kept", kept);
        context.metrics.count("duplicates", batch.rows() as u64 - kept);
        context.metrics.count("clusters", clusters);
        Ok(Output::Keep(BooleanArray::from(keep)))
    }
}

impl Transform for Dedupe {
    fn begin<'a>(&'a self, _: &TaskContext<'a>) -> Result<Box<dyn Session + 'a>, StageError> {
        Ok(Box::new(|batch: &TrajectoryBatch, context: &mut Context| self.apply(batch, context)))
    }
}

impl Dedupe {
    /// A batch has the columns that were read: those of the schema that the input has, in the same order.
    fn compared_in(&self, batch: &TrajectoryBatch) -> Result<Vec<ColumnPath>, StageError> {
        let schema = TrajectorySchema::new(batch.record_batch().schema());
        compared(self.columns.as_deref(), &schema, self.similarity.is_some()).map_err(|problems| {
            let messages: Vec<String> = problems.into_iter().map(|problem| problem.message).collect();
            StageError::new(messages.join("; "))
        })
    }
}

/// For each of the rows, in their order, the place of the first one that is equal to it, if that is not itself.
fn equal(batch: &TrajectoryBatch, columns: &[Column<'_>], rows: &[usize]) -> Vec<Option<usize>> {
    let mut first: HashMap<[u8; 32], usize> = HashMap::with_capacity(rows.len());
    let mut place_of = |(place, row): (usize, &usize)| {
        let first = *first.entry(*digest(batch, columns, *row).as_bytes()).or_insert(place);
        (first != place).then_some(first)
    };
    rows.iter().enumerate().map(&mut place_of).collect()
}

/// For each of the rows, in their order, the place of one before it that stays and that it is like, if there is one.
fn alike(
    batch: &TrajectoryBatch,
    columns: &[Column<'_>],
    rows: &[usize],
    (hashes, threshold): (&Hashes, f64),
) -> Vec<Option<usize>> {
    let mut signatures = Signatures::with_capacity(rows.len());
    for row in rows {
        let mut signature = Hashes::empty();
        for (kind, column) in (0_u64..).zip(columns) {
            let texts = column.places(batch, *row).filter_map(|place| column.text(place));
            texts.for_each(|text| shingles(text, kind, |passage| hashes.add(passage, &mut signature)));
        }
        signatures.push(&signature);
    }
    let mut near = Near::new(&signatures, threshold);
    (0..rows.len()).map(|place| near.kept_before(place)).collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use proptest::prelude::*;
    use sternlight_engine::trajectory::{TrajectoryBuilder, TrajectoryRow, TurnRow, imported_schema};

    use super::*;

    fn dedupe(yaml: &str) -> Result<Dedupe, Vec<Problem>> {
        Dedupe::build(serde_yaml::from_str(yaml).unwrap(), &BuildContext::new(Path::new(""), Path::new("")))
    }

    fn turn(observation: &str, action: &str) -> TurnRow {
        TurnRow { observation: observation.to_owned(), action: action.to_owned(), ..TurnRow::default() }
    }

    fn row(group: &str, actions: &[&str], reward: Option<f32>) -> TrajectoryRow {
        TrajectoryRow {
            group_id: group.to_owned(),
            turns: actions.iter().map(|action| turn("seen", action)).collect(),
            reward,
            ..TrajectoryRow::default()
        }
    }

    fn kept(yaml: &str, rows: &[TrajectoryRow]) -> (Vec<usize>, [u64; 3]) {
        let mut builder = TrajectoryBuilder::new();
        rows.iter().for_each(|row| builder.push(row));
        let mut context = Context::default();
        let output = dedupe(yaml).unwrap().apply(&builder.finish().unwrap(), &mut context).unwrap();
        let Output::Keep(keep) = output else { panic!("expected a choice of rows") };
        let counts = ["rows_kept", "duplicates", "clusters"].map(|name| context.metrics.counted(name));
        ((0..keep.len()).filter(|row| keep.value(*row)).collect(), counts)
    }

    #[test]
    fn of_equal_trajectories_the_first_or_the_preferred_stays() {
        let rows = [
            row("a", &["look", "pay"], None),
            row("a", &["look"], Some(0.0)),
            row("b", &["look", "pay"], Some(0.5)),
            row("a", &["look", "pay"], Some(1.0)),
            row("b", &["lookpay"], Some(1.0)),
            row("b", &["look", "pay"], Some(1.0)),
        ];
        assert_eq!(kept("{by: exact}", &rows), (vec![0, 1, 4], [3, 3, 1]));
        assert_eq!(kept("{by: exact, within: group}", &rows), (vec![0, 1, 2, 4], [4, 2, 2]));
        assert_eq!(kept("{by: exact, prefer: reward}", &rows), (vec![1, 3, 4], [3, 3, 1]));
        assert_eq!(kept("{by: exact, prefer: reward, within: group}", &rows).0, [1, 3, 4, 5]);
        assert_eq!(kept("{by: exact, columns: [group_id, reward]}", &rows).0, [0, 1, 2, 3, 4]);
        assert_eq!(kept("{by: exact, columns: [turns.observation]}", &rows).0, [0, 1], "how many turns counts");
    }

    #[test]
    fn null_and_the_empty_text_are_told_apart_and_texts_do_not_run_together() {
        let of = |prompt: Option<&str>, last: Option<&str>| TrajectoryRow {
            prompt: prompt.map(str::to_owned),
            final_observation: last.map(str::to_owned),
            ..TrajectoryRow::default()
        };
        let rows = [
            of(None, None),
            of(Some(""), None),
            of(None, Some("")),
            of(Some("ab"), Some("c")),
            of(Some("a"), Some("bc")),
        ];
        assert_eq!(kept("{by: exact}", &rows).0.len(), 5);
    }

    /// Two hundred words, of which some are replaced.
    fn text(replaced: &[usize]) -> String {
        let word =
            |index: usize| if replaced.contains(&index) { format!("other{index}") } else { format!("word{index}") };
        (0..200).map(word).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn what_is_nearly_the_same_goes_and_what_is_rather_the_same_stays() {
        let texts =
            [text(&[]), text(&[100]), text(&[20, 60, 100, 140, 180]), text(&[]).to_uppercase(), "else".to_owned()];
        let rows: Vec<_> = texts.iter().map(|text| row("a", &[text.as_str()], None)).collect();
        // A word is in five passages of 196: similarities of 0.95 and 0.77.
        assert_eq!(kept("{by: near}", &rows), (vec![0, 2, 4], [3, 2, 1]));
        assert_eq!(kept("{by: near, threshold: 0.6}", &rows).0, [0, 4]);
        assert_eq!(kept("{by: near, threshold: 1}", &rows).0, [0, 1, 2, 4]);
    }

    #[test]
    fn options_and_columns_are_checked() {
        let fault = |yaml: &str| {
            let problem = dedupe(yaml)
                .and_then(|stage| stage.contract(&InputTypes::from(&imported_schema())))
                .unwrap_err()
                .remove(0);
            let path: Vec<String> = problem.path.iter().map(ToString::to_string).collect();
            format!("{}: {}", path.join("."), problem.message)
        };
        insta::assert_snapshot!(fault("{by: exact, threshold: 0.5}"), @"threshold: `threshold` belongs to `by: near`");
        insta::assert_snapshot!(fault("{by: near, threshold: 0}"), @"threshold: `threshold` is 0.0, expected a number above 0, at most 1");
        insta::assert_snapshot!(fault("{by: exact, columns: []}"), @"columns: `columns` is empty: without any, all trajectories are equal");
        insta::assert_snapshot!(fault("{by: exact, columns: [env, turns]}"), @"columns.1: `turns` holds all columns of the turns, expected one of them");
        insta::assert_snapshot!(fault("{by: exact, columns: [env, env]}"), @"columns.1: `env` is named twice");
        insta::assert_snapshot!(fault("{by: near, columns: [prompt, seed]}"), @"columns.1: `seed` is UInt64, expected texts: `by: near` compares their words");
        insta::assert_snapshot!(fault("{by: exact, prefer: env}"), @"prefer: `env` is Utf8, expected numbers, or true and false");
    }

    #[test]
    fn only_what_is_compared_is_read() {
        let contract = |yaml: &str| {
            let contract = dedupe(yaml).unwrap().contract(&InputTypes::from(&imported_schema())).unwrap();
            let reads: Vec<&str> = contract.reads.iter().map(ColumnPath::as_str).collect();
            format!("{:?} {}", contract.scope, reads.join(" "))
        };
        insta::assert_snapshot!(contract("{by: exact}"), @"Dataset prompt turns.observation turns.action turns.tool_name turns.tool_arguments final_observation");
        insta::assert_snapshot!(contract("{by: near, columns: [turns.action], within: group, prefer: reward}"), @"Group turns.action group_id reward trajectory_id");
    }

    proptest! {
        /// One of each kind stays, whichever way it is looked for, and rows that stay are in the order they were.
        #[test]
        fn exactly_one_of_each_stays(texts in prop::collection::vec("[ab]{0,2}", 0..30)) {
            let rows: Vec<_> = texts.iter().map(|text| row("a", &[text.as_str()], None)).collect();
            let mut seen = BTreeSet::new();
            let first: Vec<usize> = (0..texts.len()).filter(|row| seen.insert(&texts[*row])).collect();
            prop_assert_eq!(&kept("{by: exact}", &rows).0, &first);
            prop_assert_eq!(&kept("{by: near, threshold: 1}", &rows).0, &first);
            let preferred = kept("{by: exact, prefer: reward}", &rows).0;
            prop_assert_eq!(preferred, first);
        }
    }
}
