//! Every format, into a file and into a directory.

use crate::{Case, Input};

const OPTIONS: [&str; 6] = [
    "{to: out.parquet}",
    "{to: parquet}",
    "{to: chats.jsonl, format: openai-chat}",
    "{to: zipped.jsonl.gz, format: openai-chat}",
    "{to: small.jsonl.zst, format: openai-chat}",
    "{to: chats, format: openai-chat, overwrite: true}",
];

pub(crate) fn case() -> Case {
    Case { stage: "export", options: OPTIONS.map(str::to_owned).to_vec(), input: Input::Rows }
}
