//! The options of `import`, and which of them belong to which format. Not concerned with files.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{SeqAccess, Visitor, value::SeqAccessDeserializer};
use serde::{Deserialize, Deserializer, Serialize};
use sternlight_engine::problem::Problem;

use super::columns::Columns;

/// Options of `import`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Options {
    /// The files: a path, a glob, or a list of these, relative to the pipeline's own directory.
    // Left out of the key: every shard's own key says which file it is, so that a file added to the list does not
    // make the others be imported again.
    #[serde(skip_serializing)]
    pub files: Files,
    /// What the files are; found out from their first bytes if not given.
    #[serde(default)]
    pub format: Option<Format>,
    /// The policy that acted; else what the record names, else the shortest part of the paths that tells the files
    /// apart, without what numbers the pieces of one thing.
    #[serde(default)]
    pub policy: Option<String>,
    /// The environment; else what the record tells, else the format's name.
    #[serde(default)]
    pub env: Option<String>,
    /// What makes a group, besides environment and task: `policy` (the default) or `task`, which leaves the
    /// policy out, so that runs of several policies are compared with each other.
    #[serde(default)]
    pub group_by: Option<GroupBy>,
    /// `recorded`: a run that failed for reasons outside the policy keeps its recorded reward, which is null
    /// otherwise.
    #[serde(default)]
    pub failed_reward: Option<FailedReward>,
    /// `placeholder`: parts of contents whose type is not known do not make a record faulty; their types stand in the
    /// text in place of them, they are kept in `extra`, and a warning counts them.
    #[serde(default)]
    pub unknown_parts: Option<UnknownParts>,
    /// Which fields of a record fill columns, as `{ reward: metadata.final_reward, task_id: info.instance }`, where they
    /// are not called like them. Keys are joined by dots; one with a dot in it stands in double quotes. For chats and
    /// `sternlight`.
    #[serde(default)]
    pub columns: Option<Columns>,
    /// `first_user`: a record without a task id gets a digest of its prompt and first observation as one, so that
    /// runs that began alike form a group. For `openai-chat` and `anthropic`.
    #[serde(default)]
    pub task_from: Option<TaskFrom>,
    /// `include`: recorded reasoning is put first in the action, inside `<think>` tags. Otherwise it is kept in
    /// `extra` only.
    #[serde(default)]
    pub reasoning: Option<Reasoning>,
    /// What tells that a Parquet file is unchanged: `stat` (size, footer and modification time; the default) or
    /// `content` (a digest of all its bytes, which also tells a file that was rewritten in place and given its old time
    /// between two runs). For `sternlight`.
    #[serde(default)]
    pub identity: Option<Identity>,
}

/// Formats that `import` reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// Result files of the first τ-bench: a JSON array, one element a run.
    TauBench,
    /// Chat messages as the OpenAI API spells them, one JSON object a line.
    OpenaiChat,
    /// Chat messages as Anthropic's API spells them, one JSON object a line.
    Anthropic,
    /// Parquet with the columns of the trajectory schema, whoever wrote it.
    Sternlight,
}

impl Format {
    /// The name in `format:`.
    pub fn name(self) -> &'static str {
        match self {
            Self::TauBench => "tau-bench",
            Self::OpenaiChat => "openai-chat",
            Self::Anthropic => "anthropic",
            Self::Sternlight => "sternlight",
        }
    }
}

/// What makes a group, besides environment and task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum GroupBy {
    /// Runs of one task by one policy.
    #[default]
    Policy,
    /// Runs of one task, whoever acted.
    Task,
}

/// What becomes of the reward of a failed run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FailedReward {
    /// It stays as recorded.
    Recorded,
}

/// Where a task id comes from if the record has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TaskFrom {
    /// A digest of the prompt and the first observation.
    FirstUser,
}

/// What becomes of recorded reasoning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Reasoning {
    /// It is put first in the action.
    Include,
}

/// What becomes of parts of contents whose type is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum UnknownParts {
    /// Their types stand in the text, in square brackets.
    Placeholder,
}

/// What tells that a Parquet file is unchanged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Identity {
    /// Its size, footer and modification time.
    #[default]
    Stat,
    /// All its bytes.
    Content,
}

impl Options {
    /// Options that were given but mean nothing for this format.
    pub(super) fn inapplicable(&self, format: Format) -> Vec<Problem> {
        use Format::{Anthropic, OpenaiChat, Sternlight, TauBench};
        const MESSAGES: &[Format] = &[TauBench, OpenaiChat, Anthropic];
        let given: [(&str, bool, &[Format]); 8] = [
            ("policy", self.policy.is_some(), MESSAGES),
            ("env", self.env.is_some(), MESSAGES),
            ("group_by", self.group_by.is_some(), MESSAGES),
            ("columns", self.columns.is_some(), &[OpenaiChat, Anthropic, Sternlight]),
            ("task_from", self.task_from.is_some(), &[OpenaiChat, Anthropic]),
            ("reasoning", self.reasoning.is_some(), MESSAGES),
            ("unknown_parts", self.unknown_parts.is_some(), MESSAGES),
            ("identity", self.identity.is_some(), &[Sternlight]),
        ];
        given
            .into_iter()
            .filter(|(_, given, formats)| *given && !formats.contains(&format))
            .map(|(option, _, formats)| {
                let names: Vec<String> = formats.iter().map(|format| format!("`{}`", format.name())).collect();
                Problem::at(
                    [option],
                    format!(
                        "option `{option}` belongs to {}, but the files are `{}`",
                        names.join(" and "),
                        format.name()
                    ),
                )
                .help(format!("remove `{option}`"))
            })
            .collect()
    }
}

/// The paths and globs of `files`, in order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Files(pub Vec<String>);

impl<'de> Deserialize<'de> for Files {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneOrMany;

        impl<'de> Visitor<'de> for OneOrMany {
            type Value = Files;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a path, a glob, or a list of these")
            }

            fn visit_str<E>(self, path: &str) -> Result<Files, E> {
                Ok(Files(vec![path.to_owned()]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, paths: A) -> Result<Files, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(paths)).map(Files)
            }
        }

        deserializer.deserialize_any(OneOrMany)
    }
}

impl JsonSchema for Files {
    fn schema_name() -> Cow<'static, str> {
        "Files".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "oneOf": [
                { "type": "string" },
                { "type": "array", "items": { "type": "string" }, "minItems": 1 }
            ]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(yaml: &str) -> Result<Options, serde_yaml::Error> {
        serde_yaml::from_str(yaml)
    }

    #[test]
    fn files_are_a_text_or_a_list() {
        assert_eq!(options("files: a.json").unwrap().files, Files(vec!["a.json".to_owned()]));
        assert_eq!(options("files: [a, b]").unwrap().files.0.len(), 2);
        insta::assert_snapshot!(
            options("files: {a: b}").unwrap_err(),
            @"files: invalid type: map, expected a path, a glob, or a list of these at line 1 column 8"
        );
    }

    #[test]
    fn an_option_of_another_format_is_named() {
        let problems = options("{files: a, identity: content, columns: {reward: score}, env: shop}")
            .unwrap()
            .inapplicable(Format::TauBench);
        let messages: Vec<_> = problems.into_iter().map(|problem| problem.message).collect();
        insta::assert_snapshot!(messages.join("\n"), @"
        option `columns` belongs to `openai-chat` and `anthropic` and `sternlight`, but the files are `tau-bench`
        option `identity` belongs to `sternlight`, but the files are `tau-bench`
        ");
    }
}
