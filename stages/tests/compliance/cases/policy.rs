//! A checkpoint with a word for a vocabulary, as its parts allow.

use crate::{Case, Input};

pub(crate) fn case() -> Case {
    let config = r#"{"architectures": ["LlamaForCausalLM"], "vocab_size": 2, "hidden_size": 1, "num_hidden_layers": 1}"#;
    let tokenizer = r#"{"model": {"type": "WordLevel", "vocab": {"yes": 0, "no": 1}}}"#;
    let header = concat!(
        r#"{"model.embed_tokens.weight": {"dtype": "F32", "shape": [2, 1], "data_offsets": [0, 8]}, "#,
        r#""model.layers.0.mlp.up_proj.weight": {"dtype": "F32", "shape": [1, 1], "data_offsets": [8, 12]}}"#,
    );
    let weights = [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &[0; 12]].concat();
    let files = vec![
        ("student/config.json", config.into()),
        ("student/tokenizer.json", tokenizer.into()),
        ("student/model.safetensors", weights),
    ];
    Case { stage: "policy", options: vec!["path: student".to_owned()], input: Input::Files(files) }
}
