//! The files of a policy's directory: which there must be, and what the tokenizer says of itself.

use std::path::{Path, PathBuf};

use serde_json::Value;
use sternlight_engine::problem::Problem;
use sternlight_engine::regular_file;

/// Bytes of a JSON file: tokenizers have megabytes.
const LARGEST: u64 = 256 << 20;

/// Reads a JSON file of the directory.
pub(super) fn json_of(path: &Path) -> Result<Value, Problem> {
    let shown = path.display();
    let bytes = regular_file::read(path, LARGEST).map_err(|error| {
        Problem::at(["path"], format!("cannot read `{shown}`: {error}"))
            .help("name a directory with `config.json`, `tokenizer.json` and `model.safetensors`, as Hugging Face lays them out")
    })?;
    serde_json::from_slice(&bytes).map_err(|error| Problem::at(["path"], format!("`{shown}` is not JSON: {error}")))
}

/// The safetensors files: one, or those that an index names.
pub(super) fn weight_files(directory: &Path) -> Result<Vec<PathBuf>, Problem> {
    let single = directory.join("model.safetensors");
    let index = directory.join("model.safetensors.index.json");
    if !index.exists() {
        return Ok(vec![single]);
    }
    let value = json_of(&index)?;
    let map = value.get("weight_map").and_then(Value::as_object).ok_or_else(|| {
        Problem::at(["path"], format!("`{}` has no `weight_map`", index.display()))
            .help("it maps the name of each tensor to the file that holds it")
    })?;
    let mut names: Vec<&str> = map.values().filter_map(Value::as_str).collect();
    names.sort_unstable();
    names.dedup();
    if let Some(name) = names.iter().find(|name| name.contains(['/', '\\'])) {
        return Err(Problem::at(["path"], format!("`{}` names `{name}`, which is no file beside it", index.display())));
    }
    Ok(names.into_iter().map(|name| directory.join(name)).collect())
}

/// What a tokenizer is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tokenizer {
    /// Its kind (`BPE`), as its file says.
    pub(super) kind: String,
    /// One more than the greatest number of a token.
    pub(super) tokens: u64,
}

/// Reads what the tokenizer says of itself.
pub(super) fn tokenizer(directory: &Path) -> Result<Tokenizer, Problem> {
    let path = directory.join("tokenizer.json");
    let value = json_of(&path)?;
    let unknown = |what: &str| {
        Problem::at(["path"], format!("`{}` has no {what}", path.display()))
            .help("expected a tokenizer as the `tokenizers` library writes it")
    };
    let model = value.get("model").ok_or_else(|| unknown("`model`"))?;
    let kind = model.get("type").and_then(Value::as_str).unwrap_or("unknown").to_owned();
    let greatest_in = |vocabulary: &Value| match vocabulary {
        Value::Object(map) => map.values().filter_map(Value::as_u64).max(),
        Value::Array(list) => (list.len() as u64).checked_sub(1),
        _ => None,
    };
    let greatest = model.get("vocab").and_then(greatest_in).ok_or_else(|| unknown("`model.vocab`"))?;
    let added = value.get("added_tokens").and_then(Value::as_array).into_iter().flatten();
    let added = added.filter_map(|token| token.get("id").and_then(Value::as_u64)).max().unwrap_or(0);
    Ok(Tokenizer { kind, tokens: greatest.max(added).saturating_add(1) })
}
