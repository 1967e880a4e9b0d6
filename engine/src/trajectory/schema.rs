//! Which columns a trajectory has, and of which types; the schema of a dataset, addressed by column path.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef};

use crate::column::{ColumnPath, TURNS};

/// Version of the trajectory schema, written into every file's metadata.
pub const SCHEMA_VERSION: &str = "1";

/// Key of [`SCHEMA_VERSION`] in Parquet metadata.
pub const SCHEMA_VERSION_KEY: &str = "sternlight.schema";

fn list_of(item: DataType) -> DataType {
    DataType::List(Arc::new(Field::new("element", item, true)))
}

/// Type of a column that the schema knows; `None` for any other.
///
/// Files may bring other representations of the same values (large or dictionary strings, doubles for
/// `reward`); they are read as these types.
pub fn canonical_type(path: &ColumnPath) -> Option<DataType> {
    Some(match path.as_str() {
        "trajectory_id"
        | "group_id"
        | "task_id"
        | "env"
        | "policy"
        | "prompt"
        | "tools"
        | "final_observation"
        | "status"
        | "error"
        | "source"
        | "extra"
        | "source_trajectory_id"
        | "turns.observation"
        | "turns.action"
        | "turns.tool_name"
        | "turns.tool_arguments"
        | "turns.verdict"
        | "turns.diagnosis"
        | "turns.rule" => DataType::Utf8,
        "seed" => DataType::UInt64,
        "reward" | "relabel_confidence" | "turns.reward" | "turns.return" | "turns.advantage" | "turns.weight" => {
            DataType::Float32
        }
        "success" | "relabelled" | "turns.tool_error" | "turns.tool_answered" => DataType::Boolean,
        "turns.action_tokens" | "turns.prompt_tokens" => list_of(DataType::Int32),
        "turns.action_logprobs" => list_of(DataType::Float32),
        _ => return None,
    })
}

/// Whether every dataset must have this column, without nulls.
pub fn is_required(path: &ColumnPath) -> bool {
    matches!(path.as_str(), "trajectory_id" | "group_id" | "turns" | "status" | "turns.observation" | "turns.action")
}

/// The `turns` column over these columns of a turn, as sternlight writes it: no null lists, no null turns.
pub fn turns_field(columns: impl Into<Fields>) -> Field {
    let element = Field::new("element", DataType::Struct(columns.into()), false);
    Field::new(TURNS, DataType::List(Arc::new(element)), false)
}

/// The schema of what an importer writes: every column that a record can fill, none that stages add.
pub fn imported_schema() -> TrajectorySchema {
    const ROW: [&str; 14] = [
        "trajectory_id",
        "group_id",
        "task_id",
        "env",
        "policy",
        "prompt",
        "tools",
        "seed",
        "final_observation",
        "reward",
        "success",
        "status",
        "error",
        "source",
    ];
    const TURN: [&str; 7] =
        ["observation", "action", "tool_name", "tool_arguments", "tool_error", "tool_answered", "reward"];
    let field = |path: ColumnPath, name: &str| {
        canonical_type(&path).map(|data_type| Field::new(name, data_type, !is_required(&path)))
    };
    let turns: Vec<Field> = TURN.iter().filter_map(|name| field(ColumnPath::of_turn(name), name)).collect();
    let mut fields: Vec<Field> = ROW.iter().filter_map(|name| field(ColumnPath::new(*name), name)).collect();
    fields.push(Field::new("extra", DataType::Utf8, true));
    fields.insert(8, turns_field(turns));
    TrajectorySchema::new(Arc::new(Schema::new(fields)))
}

/// The Arrow schema of a dataset, addressed by column path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrajectorySchema(SchemaRef);

impl TrajectorySchema {
    /// Wraps an Arrow schema.
    pub fn new(schema: SchemaRef) -> Self {
        Self(schema)
    }

    /// A dataset without any column: where propagation starts.
    pub fn empty() -> Self {
        Self(Arc::new(Schema::empty()))
    }

    /// The Arrow schema.
    pub fn arrow(&self) -> &SchemaRef {
        &self.0
    }

    /// The columns of a turn; empty if there is no `turns`.
    pub fn turn_fields(&self) -> Fields {
        match self.0.field_with_name(TURNS).map(Field::data_type) {
            Ok(DataType::List(element)) => match element.data_type() {
                DataType::Struct(fields) => fields.clone(),
                _ => Fields::empty(),
            },
            _ => Fields::empty(),
        }
    }

    /// The field at a path; `turns` gives the whole list.
    pub fn field(&self, path: &ColumnPath) -> Option<Field> {
        match path.turn_name() {
            Some(name) => self.turn_fields().find(name).map(|(_, field)| field.as_ref().clone()),
            None => self.0.field_with_name(path.as_str()).ok().cloned(),
        }
    }

    /// Whether the column is there.
    pub fn has(&self, path: &str) -> bool {
        self.field(&ColumnPath::from(path)).is_some()
    }

    /// Every column path, `turns` itself left out, in the schema's order.
    pub fn paths(&self) -> Vec<ColumnPath> {
        let mut paths = Vec::new();
        for field in self.0.fields() {
            if field.name() == TURNS {
                paths.extend(self.turn_fields().iter().map(|turn| ColumnPath::of_turn(turn.name())));
            } else {
                paths.push(ColumnPath::new(field.name()));
            }
        }
        paths
    }

    /// The same schema with the column added at the end of its level, or replaced in its place.
    pub fn with(&self, path: &ColumnPath, field: Field) -> Self {
        let mut fields: Vec<Field> = self.0.fields().iter().map(|field| field.as_ref().clone()).collect();
        match path.turn_name() {
            None => put(&mut fields, field),
            Some(_) => {
                let mut turns: Vec<Field> = self.turn_fields().iter().map(|field| field.as_ref().clone()).collect();
                put(&mut turns, field);
                put(&mut fields, turns_field(turns));
            }
        }
        Self(Arc::new(Schema::new_with_metadata(fields, self.0.metadata().clone())))
    }

    /// The same schema without the column. Without their last column the turns themselves go: no file can hold a struct of
    /// nothing.
    pub fn without(&self, path: &ColumnPath) -> Self {
        let keep = |name: &str, field: &Field| field.name() != name;
        let mut fields: Vec<Field> = self.0.fields().iter().map(|field| field.as_ref().clone()).collect();
        match path.turn_name() {
            None => fields.retain(|field| keep(path.as_str(), field)),
            Some(name) => {
                let turns = self.turn_fields();
                let kept: Vec<Field> =
                    turns.iter().filter(|field| keep(name, field)).map(|field| field.as_ref().clone()).collect();
                match kept.is_empty() {
                    true => fields.retain(|field| keep(TURNS, field)),
                    false => put(&mut fields, turns_field(kept)),
                }
            }
        }
        Self(Arc::new(Schema::new_with_metadata(fields, self.0.metadata().clone())))
    }

    /// Only the given columns, in this schema's order. `turns` asks for the list without any of its columns'
    /// text; a path that is not there is passed over.
    pub fn project(&self, paths: &[ColumnPath]) -> Self {
        let mut fields = Vec::new();
        for field in self.0.fields() {
            if field.name() == TURNS {
                if paths.iter().any(|path| path.is_turn_counts() || path.turn_name().is_some()) {
                    let turns: Vec<Field> = self
                        .turn_fields()
                        .iter()
                        .filter(|turn| paths.contains(&ColumnPath::of_turn(turn.name())))
                        .map(|turn| turn.as_ref().clone())
                        .collect();
                    fields.push(turns_field(turns));
                }
            } else if paths.contains(&ColumnPath::new(field.name())) {
                fields.push(field.as_ref().clone());
            }
        }
        Self(Arc::new(Schema::new_with_metadata(fields, self.0.metadata().clone())))
    }
}

fn put(fields: &mut Vec<Field>, field: Field) {
    match fields.iter_mut().find(|known| known.name() == field.name()) {
        Some(known) => *known = field,
        None => fields.push(field),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_go_and_the_turns_with_the_last_of_them() {
        let turns = turns_field(vec![
            Field::new("observation", DataType::Utf8, false),
            Field::new("action", DataType::Utf8, false),
        ]);
        let schema = TrajectorySchema::new(Arc::new(Schema::new(vec![Field::new("env", DataType::Utf8, true), turns])));
        let paths = |schema: &TrajectorySchema| schema.paths().iter().map(ToString::to_string).collect::<Vec<_>>();
        let without = schema.without(&"turns.observation".into()).without(&"turns.nothing".into());
        assert_eq!(paths(&without), ["env", "turns.action"]);
        let without = without.without(&"turns.action".into());
        assert_eq!((paths(&without), without.has(TURNS)), (vec!["env".to_owned()], false));
        assert_eq!(paths(&without.without(&"env".into())), Vec::<String>::new());
    }
}
