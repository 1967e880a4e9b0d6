//! A checkpoint with a word for a vocabulary, as its parts allow.

use crate::{Case, Input};

pub(crate) fn case() -> Case {
    let files = checkpoint().into_iter().map(|(name, bytes)| match name {
        "config.json" => ("student/config.json", bytes),
        "tokenizer.json" => ("student/tokenizer.json", bytes),
        _ => ("student/model.safetensors", bytes),
    });
    Case { stage: "policy", options: vec!["path: student".to_owned()], input: Input::Files(files.collect()) }
}

/// The files of a policy.
pub(crate) fn checkpoint() -> [(&'static str, Vec<u8>); 3] {
    let config = r#"{"architectures": ["LlamaForCausalLM"], "vocab_size": 2, "hidden_size": 1, "num_hidden_layers": 1}"#;
    let tokenizer = r#"{"model": {"type": "WordLevel", "vocab": {"yes": 0, "no": 1}}}"#;
    let header = concat!(
        r#"{"model.embed_tokens.weight": {"dtype": "F32", "shape": [2, 1], "data_offsets": [0, 8]}, "#,
        r#""model.layers.0.mlp.up_proj.weight": {"dtype": "F32", "shape": [1, 1], "data_offsets": [8, 12]}}"#,
    );
    let weights = [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &[0; 12]].concat();
    [("config.json", config.into()), ("tokenizer.json", tokenizer.into()), ("model.safetensors", weights)]
}
