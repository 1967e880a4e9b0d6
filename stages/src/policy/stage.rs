//! The `policy` stage: its options, its checks, and the artifact that refers to the directory.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sternlight_engine::artifact::{self, ArtifactKind, ArtifactType, PolicyFacts};
use sternlight_engine::contract::{Contract, Effect, InputTypes, OUT, Scope};
use sternlight_engine::dataset::{FilePath, FileStamp};
use sternlight_engine::problem::Problem;
use sternlight_engine::stage::{
    BuildContext, BuiltIn, Context, Memo, Outputs, Ports, Stage, StageError, TaskContext, Whole, Work,
};

use super::config::Config;
use super::layout::{tokenizer, weight_files};
use super::weights::tensors;

/// The embedding of tokens, as all architectures that are known name it.
const EMBEDDING: &str = "model.embed_tokens.weight";

/// Options of `policy`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PolicyOptions {
    /// A directory in the layout of Hugging Face checkpoints, absolute or from the pipeline's own directory.
    pub path: String,
}

/// Brings a policy in.
#[derive(Debug)]
pub struct Policy {
    directory: PathBuf,
    /// Its files as they were when the key was made.
    surveyed: OnceLock<artifact::Policy>,
}

impl BuiltIn for Policy {
    type Options = PolicyOptions;

    const NAME: &'static str = "policy";
    const SUMMARY: &'static str = "Brings a policy in: a directory in the layout of Hugging Face checkpoints";
    const DOCUMENTATION: &'static str = include_str!("policy.md");
    const VERSION: u32 = 1;

    fn build(options: PolicyOptions, context: &BuildContext<'_>) -> Result<Self, Vec<Problem>> {
        let directory = context.directory.join(&options.path);
        let directory = directory.canonicalize().map_err(|error| {
            let message = format!("cannot read the directory `{}`: {error}", directory.display());
            vec![Problem::at(["path"], message).help("name a directory with `config.json` and `model.safetensors`")]
        })?;
        Ok(Self { directory, surveyed: OnceLock::new() })
    }
}

impl Policy {
    /// What the files say, if they go together.
    fn facts(&self) -> Result<PolicyFacts, Problem> {
        let config = Config::read(&self.directory)?;
        let tokenizer = tokenizer(&self.directory)?;
        let tensors = tensors(&weight_files(&self.directory)?)?;
        let wrong = |message: String| Problem::at(["path"], format!("`{}`: {message}", self.directory.display()));
        let embedding = tensors.get(EMBEDDING).ok_or_else(|| {
            let known: Vec<&str> = tensors.keys().take(3).map(String::as_str).collect();
            wrong(format!(
                "no tensor is named `{EMBEDDING}`; there are {} others, such as {}",
                tensors.len(),
                known.join(", ")
            ))
            .help("expected a decoder of the families of Llama, Qwen or Mistral")
        })?;
        let expected = [config.vocab_size, config.hidden_size];
        if embedding.shape != expected {
            let message =
                format!("`{EMBEDDING}` has the shape {:?}, and `config.json` promises {expected:?}", embedding.shape);
            return Err(wrong(message));
        }
        if tokenizer.tokens > config.vocab_size {
            let (tokens, embedded) = (tokenizer.tokens, config.vocab_size);
            return Err(wrong(format!("the tokenizer has {tokens} tokens, and the weights embed {embedded}")));
        }
        for layer in 0..config.num_hidden_layers {
            let prefix = format!("model.layers.{layer}.");
            if tensors.range(prefix.clone()..).next().is_none_or(|(name, _)| !name.starts_with(&prefix)) {
                let layers = config.num_hidden_layers;
                return Err(wrong(format!("no tensor of layer {layer}, and `config.json` promises {layers} layers")));
            }
        }
        let beyond = format!("model.layers.{}.", config.num_hidden_layers);
        if let Some((name, _)) = tensors.range(beyond.clone()..).next().filter(|(name, _)| name.starts_with(&beyond)) {
            let layers = config.num_hidden_layers;
            return Err(wrong(format!("there is a tensor `{name}`, and `config.json` promises {layers} layers")));
        }
        let numbers = tensors.values().map(|tensor| tensor.numbers().unwrap_or(0)).sum();
        Ok(PolicyFacts {
            architecture: config.architecture(),
            parameters: Some(numbers),
            vocabulary: Some(config.vocab_size),
            context: config.max_position_embeddings,
            weights: Some(embedding.dtype.clone()),
            tokenizer: Some(tokenizer.kind),
        })
    }

    /// The files with their digests, those that have not changed since as they are remembered.
    fn described(&self, memo: Option<&dyn Memo>) -> Result<artifact::Policy, StageError> {
        let facts = self.facts().map_err(|problem| {
            let error = StageError::new(problem.message);
            problem.help.map_or(error.clone(), |help| error.help(help))
        })?;
        let digest = |path: &Path, stamp: &FileStamp| {
            let key = format!("policy file {} {stamp:?}", path.display());
            let known = memo.filter(|_| stamp.is_settled()).and_then(|memo| memo.get(&key));
            if let Some(known) = known.and_then(|bytes| String::from_utf8(bytes).ok()) {
                return Ok(known);
            }
            let digest = artifact::Policy::digest_of(path)?;
            // What was written to just now may be written to again without its times changing.
            memo.iter().filter(|_| stamp.is_settled()).for_each(|memo| memo.put(&key, digest.as_bytes()));
            Ok(digest)
        };
        artifact::Policy::of_directory(&self.directory, FilePath::Outside(self.directory.clone()), facts, &digest)
    }
}

impl Stage for Policy {
    fn ports(&self) -> Ports {
        Ports::default().output(OUT, ArtifactKind::Policy)
    }

    fn contract(&self, _: &InputTypes) -> Result<Contract, Vec<Problem>> {
        let facts = self.facts().map_err(|problem| vec![problem])?;
        let outputs = vec![(OUT.to_owned(), ArtifactType::Policy(facts))];
        Ok(Contract { reads: Vec::new(), scope: Scope::Dataset, effect: Effect::Whole(outputs) })
    }

    fn inputs(&self) -> Vec<PathBuf> {
        vec![self.directory.clone()]
    }

    fn work(&self) -> Work<'_> {
        Work::Whole(self)
    }
}

impl Whole for Policy {
    fn outside(&self, memo: &dyn Memo) -> Result<Vec<(String, String)>, StageError> {
        let described = self.described(Some(memo))?;
        let digest = described.digest();
        let _ = self.surveyed.set(described);
        // The result refers to these very files.
        let place = self.directory.to_string_lossy().into_owned();
        Ok(vec![("policy".to_owned(), digest), ("in place".to_owned(), place)])
    }

    fn run(&self, _: &TaskContext<'_>, outputs: &mut dyn Outputs, context: &mut Context) -> Result<(), StageError> {
        let policy = match self.surveyed.get() {
            Some(policy) => policy.clone(),
            None => self.described(None)?,
        };
        policy.unchanged()?;
        context.metrics.count("parameters", policy.facts.parameters.unwrap_or(0));
        outputs.policy_in_place(OUT, policy)
    }
}

#[cfg(test)]
mod tests {
    use super::super::weights::tests::write;
    use super::*;

    fn checkpoint(directory: &Path, layers: u64, tokens: u64) {
        let config = serde_json::json!({
            "architectures": ["LlamaForCausalLM"], "vocab_size": 8, "hidden_size": 4,
            "num_hidden_layers": layers, "max_position_embeddings": 64,
        });
        std::fs::write(directory.join("config.json"), config.to_string()).unwrap();
        let vocabulary: serde_json::Map<_, _> = (0..tokens).map(|token| (token.to_string(), token.into())).collect();
        let tokenizer = serde_json::json!({"model": {"type": "BPE", "vocab": vocabulary}});
        std::fs::write(directory.join("tokenizer.json"), tokenizer.to_string()).unwrap();
        let tensors: [(&str, &[u64]); 3] = [
            (EMBEDDING, &[8, 4]),
            ("model.layers.0.mlp.up_proj.weight", &[4, 4]),
            ("model.layers.1.mlp.up_proj.weight", &[4, 4]),
        ];
        write(&directory.join("model.safetensors"), &tensors);
    }

    fn contract(directory: &Path) -> Result<Contract, Vec<Problem>> {
        let options = PolicyOptions { path: directory.display().to_string() };
        let policy = Policy::build(options, &BuildContext::new(Path::new(""), Path::new("")))?;
        policy.contract(&InputTypes::from(&sternlight_engine::trajectory::TrajectorySchema::empty()))
    }

    #[test]
    fn what_the_files_say_is_known_before_anything_runs() {
        let directory = tempfile::tempdir().unwrap();
        checkpoint(directory.path(), 2, 8);
        let Effect::Whole(outputs) = contract(directory.path()).unwrap().effect else { panic!("a policy") };
        let ArtifactType::Policy(facts) = &outputs[0].1 else { panic!("a policy") };
        assert_eq!(
            *facts,
            PolicyFacts {
                architecture: Some("LlamaForCausalLM".to_owned()),
                parameters: Some(64),
                vocabulary: Some(8),
                context: Some(64),
                weights: Some("F32".to_owned()),
                tokenizer: Some("BPE".to_owned()),
            }
        );
    }

    #[test]
    fn files_that_do_not_go_together_are_told() {
        let directory = tempfile::tempdir().unwrap();
        let said = || contract(directory.path()).unwrap_err().remove(0).message;
        assert!(said().contains("config.json"));
        checkpoint(directory.path(), 2, 9);
        assert!(said().ends_with("the tokenizer has 9 tokens, and the weights embed 8"));
        checkpoint(directory.path(), 3, 8);
        assert!(said().ends_with("no tensor of layer 2, and `config.json` promises 3 layers"));
        checkpoint(directory.path(), 1, 8);
        assert!(said().contains("there is a tensor `model.layers.1."));
        checkpoint(directory.path(), 2, 8);
        write(&directory.path().join("model.safetensors"), &[(EMBEDDING, &[4, 8])]);
        assert!(said().contains("has the shape [4, 8], and `config.json` promises [8, 4]"));
        write(&directory.path().join("model.safetensors"), &[("wte.weight", &[8, 4])]);
        assert!(said().contains("no tensor is named `model.embed_tokens.weight`"));
    }
}
