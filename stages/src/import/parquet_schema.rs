//! Which columns Parquet files have, as the engine will read them. Not concerned with rows.

use std::collections::HashSet;

use arrow::datatypes::{DataType, Field, FieldRef, Fields, Schema};
use sternlight_engine::column::{ColumnPath, TURNS};
use sternlight_engine::problem::nearest;
use sternlight_engine::stage::StageError;
use sternlight_engine::trajectory::{TrajectorySchema, canonical_type, is_required, turns_field};

use super::columns::Columns;

/// Columns without which rows are no trajectories.
const REQUIRED: [&str; 6] = ["trajectory_id", "group_id", "status", TURNS, "turns.observation", "turns.action"];

/// The dataset's schema for a file whose columns Parquet describes so: known columns with the types that they are
/// read as, others as they are.
pub(super) fn dataset_schema(
    file: &str,
    inferred: &Schema,
    columns: Option<&Columns>,
) -> Result<TrajectorySchema, StageError> {
    refuse_unclear_names(file, inferred)?;
    let is_mapped = |name: &str| columns.is_some_and(|columns| columns.given().any(|(column, _)| column == name));
    let fields = inferred
        .fields()
        .iter()
        // A column that is filled from elsewhere hides the file's own.
        .filter(|field| !is_mapped(field.name()))
        .map(|field| match field.name() == TURNS {
            true => Ok(turns_field(turn_fields(file, field)?)),
            false => column(file, &ColumnPath::new(field.name()), field),
        })
        .collect::<Result<Vec<Field>, StageError>>()?;
    let mut schema = TrajectorySchema::new(Schema::new(fields).into());
    for (name, path) in columns.into_iter().flat_map(Columns::given) {
        let found = field_at(inferred.fields(), path.keys()).ok_or_else(|| {
            StageError::new(format!("`{file}` has no field `{path}`, which `columns` fills `{name}` from"))
                .help("keys are joined by dots; one with a dot in it stands in double quotes")
        })?;
        let path = ColumnPath::new(name);
        let field = column(file, &path, &found.as_ref().clone().with_name(name).into())?;
        schema = schema.with(&path, field);
    }
    let missing = REQUIRED.into_iter().find(|path| !schema.has(path));
    match missing {
        None => Ok(schema),
        Some(path) => {
            let paths = schema.paths();
            let error = StageError::new(format!("`{file}` has no column `{path}`, which every trajectory needs"));
            Err(match nearest(path, paths.iter().map(ColumnPath::as_str)) {
                Some(near) => error.help(format!("is `{near}` meant? rename it")),
                None => error.help("`sternlight stages import` lists the columns that a file must have"),
            })
        }
    }
}

/// The field that keys lead to.
pub(super) fn field_at<'a>(fields: &'a Fields, keys: &[String]) -> Option<&'a FieldRef> {
    let (first, rest) = keys.split_first()?;
    let (_, field) = fields.find(first)?;
    match field.data_type() {
        _ if rest.is_empty() => Some(field),
        DataType::Struct(fields) => field_at(fields, rest),
        _ => None,
    }
}

/// Columns are told apart by their paths alone.
fn refuse_unclear_names(file: &str, inferred: &Schema) -> Result<(), StageError> {
    let mut names = HashSet::new();
    for name in inferred.fields().iter().map(|field| field.name()) {
        if ColumnPath::new(name).turn_name().is_some() {
            return Err(StageError::new(format!(
                "column `{name}` of `{file}` is called like a column of the turns, but stands beside `turns`"
            ))
            .help("rename it, or move it into `turns`"));
        }
        if !names.insert(name) {
            return Err(StageError::new(format!("`{file}` has two columns `{name}`")).help("rename one of them"));
        }
    }
    Ok(())
}

/// Checks that a further file has the columns of the first.
pub(super) fn agree(first: (&str, &TrajectorySchema), other: (&str, &TrajectorySchema)) -> Result<(), StageError> {
    let lacks = |having: (&str, &TrajectorySchema), lacking: (&str, &TrajectorySchema)| {
        let path = having.1.paths().into_iter().find(|path| !lacking.1.has(path.as_str()))?;
        Some(StageError::new(format!("`{}` has no column `{path}`, but `{}` has", lacking.0, having.0)))
    };
    let differs = || {
        first.1.paths().into_iter().find_map(|path| {
            let (mine, theirs) = (first.1.field(&path)?, other.1.field(&path)?);
            (mine.data_type() != theirs.data_type()).then(|| {
                StageError::new(format!(
                    "column `{path}` has type {} in `{}`, but {} in `{}`",
                    theirs.data_type(),
                    other.0,
                    mine.data_type(),
                    first.0
                ))
            })
        })
    };
    match lacks(first, other).or_else(|| lacks(other, first)).or_else(differs) {
        None => Ok(()),
        Some(error) => Err(error.help("files of one import must have the same columns: import them apart")),
    }
}

fn turn_fields(file: &str, field: &Field) -> Result<Fields, StageError> {
    let element = match field.data_type() {
        DataType::List(element) | DataType::LargeList(element) => element.data_type(),
        other => other,
    };
    match element {
        DataType::Struct(fields) if element != field.data_type() => {
            let columns = fields.iter().map(|turn| column(file, &ColumnPath::of_turn(turn.name()), turn));
            Ok(columns.collect::<Result<Vec<Field>, _>>()?.into())
        }
        _ => Err(StageError::new(format!(
            "column `turns` of `{file}` has type {}, expected a list of structs",
            field.data_type()
        ))),
    }
}

fn column(file: &str, path: &ColumnPath, field: &FieldRef) -> Result<Field, StageError> {
    let name = field.name();
    match canonical_type(path) {
        None => Ok(Field::new(name, field.data_type().clone(), true)),
        Some(expected)
            if can_be_read_as(field.data_type(), &expected)
                || ((is_id(path) || path.as_str() == "seed") && is_number(values(field.data_type()))) =>
        {
            Ok(Field::new(name, expected, !is_required(path)))
        }
        Some(expected) => Err(StageError::new(format!(
            "column `{path}` of `{file}` has type {}, expected {expected}",
            field.data_type()
        ))
        .help(match (path.as_str(), values(field.data_type())) {
            ("reward", DataType::Boolean) => {
                "call the column `success`, or say `columns: { success: reward }`".to_owned()
            }
            ("reward", DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View) => {
                "write it as numbers, not as text".to_owned()
            }
            ("success", found) if is_number(found) => {
                "call the column `reward`, or say `columns: { reward: success }`".to_owned()
            }
            _ => format!("write it as {expected}, or under another name"),
        })),
    }
}

/// Columns that name something: numbers in them are read as text.
pub(super) fn is_id(path: &ColumnPath) -> bool {
    matches!(path.as_str(), "trajectory_id" | "group_id" | "task_id" | "env" | "policy" | "source_trajectory_id")
}

/// The type of a column's values, whether they stand in a dictionary or not.
fn values(found: &DataType) -> &DataType {
    match found {
        DataType::Dictionary(_, values) => values,
        other => other,
    }
}

fn is_number(found: &DataType) -> bool {
    found.is_numeric()
}

/// Whether values of a type are the same values in another representation.
fn can_be_read_as(found: &DataType, expected: &DataType) -> bool {
    let is_whole = |found: &DataType| found.is_integer();
    match (found, expected) {
        (DataType::Null, _) => true,
        (DataType::Dictionary(_, values), _) => can_be_read_as(values, expected),
        (DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View, DataType::Utf8) => true,
        (found, DataType::Float32) => found.is_numeric(),
        (found, DataType::UInt64 | DataType::Int32) => is_whole(found),
        (DataType::List(found) | DataType::LargeList(found), DataType::List(expected)) => {
            can_be_read_as(found.data_type(), expected.data_type())
        }
        (found, expected) => found == expected,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn schema(row: &[(&str, DataType)], turn: &[(&str, DataType)]) -> Schema {
        let fields = |columns: &[(&str, DataType)]| -> Vec<Field> {
            columns.iter().map(|(name, data_type)| Field::new(*name, data_type.clone(), true)).collect()
        };
        let element = Field::new("item", DataType::Struct(fields(turn).into()), true);
        let mut all = fields(row);
        all.push(Field::new(TURNS, DataType::LargeList(Arc::new(element)), true));
        Schema::new(all)
    }

    const ROW: [(&str, DataType); 4] = [
        ("trajectory_id", DataType::LargeUtf8),
        ("group_id", DataType::Utf8View),
        ("status", DataType::Utf8),
        ("reward", DataType::Float64),
    ];
    const TURN: [(&str, DataType); 2] = [("observation", DataType::Utf8), ("action", DataType::LargeUtf8)];

    #[test]
    fn known_columns_are_read_as_the_schema_says_and_others_pass() {
        let mut row = ROW.to_vec();
        row.push(("mine", DataType::Date32));
        let schema = dataset_schema("a.parquet", &schema(&row, &TURN), None).unwrap();
        let described: Vec<String> = schema
            .paths()
            .iter()
            .map(|path| {
                let field = schema.field(path).unwrap();
                format!("{path} {}{}", field.data_type(), if field.is_nullable() { "?" } else { "" })
            })
            .collect();
        insta::assert_snapshot!(described.join(", "), @"trajectory_id Utf8, group_id Utf8, status Utf8, reward Float32?, mine Date32?, turns.observation Utf8, turns.action Utf8");
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let error = |row: &[(&str, DataType)], turn: &[(&str, DataType)]| {
            let error = dataset_schema("a.parquet", &schema(row, turn), None).unwrap_err();
            format!("{error}; {}", error.help.as_deref().unwrap())
        };
        let misspelled = [ROW[0].clone(), ("groupid", DataType::Utf8), ROW[2].clone()];
        insta::assert_snapshot!(error(&misspelled, &TURN), @"`a.parquet` has no column `group_id`, which every trajectory needs; is `groupid` meant? rename it");
        insta::assert_snapshot!(error(&ROW, &TURN[..1]), @"`a.parquet` has no column `turns.action`, which every trajectory needs; `sternlight stages import` lists the columns that a file must have");
        let with = |name, data_type| [ROW[0].clone(), ROW[1].clone(), ROW[2].clone(), (name, data_type)];
        insta::assert_snapshot!(error(&with("task_id", DataType::Boolean), &TURN), @"column `task_id` of `a.parquet` has type Boolean, expected Utf8; write it as Utf8, or under another name");
        insta::assert_snapshot!(error(&with("prompt", DataType::Int64), &TURN), @"column `prompt` of `a.parquet` has type Int64, expected Utf8; write it as Utf8, or under another name");
        insta::assert_snapshot!(error(&with("reward", DataType::Boolean), &TURN), @"column `reward` of `a.parquet` has type Boolean, expected Float32; call the column `success`, or say `columns: { success: reward }`");
        insta::assert_snapshot!(error(&with("reward", DataType::LargeUtf8), &TURN), @"column `reward` of `a.parquet` has type LargeUtf8, expected Float32; write it as numbers, not as text");
        insta::assert_snapshot!(error(&with("success", DataType::Int8), &TURN), @"column `success` of `a.parquet` has type Int8, expected Boolean; call the column `reward`, or say `columns: { reward: success }`");
    }

    #[test]
    fn numbers_are_read_in_any_type_and_fields_from_anywhere() {
        let scores = vec![Field::new("final", DataType::Decimal128(2, 1), true)];
        let mut row = ROW[..3].to_vec();
        row.push(("task_id", DataType::Int64));
        row.push(("scores", DataType::Struct(scores.into())));
        let read = |columns: &str| {
            let columns: Columns = serde_yaml::from_str(columns).unwrap();
            dataset_schema("a.parquet", &schema(&row, &TURN), Some(&columns)).map_err(|error| error.to_string())
        };
        let schema = read("{reward: scores.final, group_id: task_id}").unwrap();
        let types =
            ["reward", "group_id", "task_id"].map(|name| schema.field(&name.into()).unwrap().data_type().clone());
        assert_eq!(types, [DataType::Float32, DataType::Utf8, DataType::Utf8]);
        insta::assert_snapshot!(read("reward: scores.last").unwrap_err(), @"`a.parquet` has no field `scores.last`, which `columns` fills `reward` from");
        insta::assert_snapshot!(read("success: scores.final").unwrap_err(), @"column `success` of `a.parquet` has type Decimal128(2, 1), expected Boolean");
    }

    #[test]
    fn names_that_are_unclear_are_refused() {
        let error = |name: &str| {
            let mut row = ROW.to_vec();
            row.push((name, DataType::Float32));
            let error = dataset_schema("a.parquet", &schema(&row, &TURN), None).unwrap_err();
            format!("{error}; {}", error.help.as_deref().unwrap())
        };
        insta::assert_snapshot!(error("turns.reward"), @"column `turns.reward` of `a.parquet` is called like a column of the turns, but stands beside `turns`; rename it, or move it into `turns`");
        insta::assert_snapshot!(error("reward"), @"`a.parquet` has two columns `reward`; rename one of them");
    }

    #[test]
    fn files_must_agree() {
        let one = dataset_schema("a", &schema(&ROW, &TURN), None).unwrap();
        let mut row = ROW.to_vec();
        row.push(("mine", DataType::Int32));
        let two = dataset_schema("b", &schema(&row, &TURN), None).unwrap();
        row[4].1 = DataType::Int64;
        let three = dataset_schema("c", &schema(&row, &TURN), None).unwrap();
        assert!(agree(("a", &one), ("a", &one)).is_ok());
        insta::assert_snapshot!(agree(("a", &one), ("b", &two)).unwrap_err(), @"`a` has no column `mine`, but `b` has");
        insta::assert_snapshot!(agree(("b", &two), ("c", &three)).unwrap_err(), @"column `mine` has type Int64 in `c`, but Int32 in `b`");
    }
}
