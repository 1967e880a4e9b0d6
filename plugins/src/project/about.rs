//! What the SDKs for Python and JavaScript tell of a project before it is built.

use serde::Deserialize;

use super::error::ProjectError;

/// What one is told.
#[derive(Debug, Deserialize)]
pub(super) struct About {
    /// The plugin's name, in kebab-case.
    pub(super) name: String,
    /// The world that it is to be built for.
    pub(super) world: String,
    /// What makes a component of the plugin: the name of a module (Python), or its text (JavaScript).
    pub(super) app: String,
    /// What it needs beyond the contract. Then WASI stays imported, for pipelines to grant.
    pub(super) needs: Vec<String>,
}

impl About {
    /// Reads what an SDK printed; a plugin that prints while it is imported has done so before.
    pub(super) fn read(printed: &[u8]) -> Result<Self, ProjectError> {
        let text = format!("\n{}", String::from_utf8_lossy(printed));
        let told = text.rfind("\n{\n").and_then(|begin| text.get(begin..)).unwrap_or_default();
        serde_json::from_str(told)
            .map_err(|error| ProjectError::failed(format!("the SDK did not say what the plugin is: {error}")))
    }

    /// The name of the component's file.
    pub(super) fn file_name(&self) -> String {
        file_name(&self.name)
    }
}

/// The name of the file of the component of a plugin of this name.
pub(super) fn file_name(name: &str) -> String {
    format!("{}.wasm", name.replace('-', "_"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_plugin_prints_does_not_matter() {
        let told = "{\n  \"world\": \"reward\",\n  \"app\": \"a\",\n  \"name\": \"few-calls\",\n  \"needs\": []\n}\n";
        for before in ["", "hello\n", "{\n}\n"] {
            let about = About::read(format!("{before}{told}").as_bytes()).unwrap();
            assert_eq!((about.world.as_str(), about.file_name().as_str()), ("reward", "few_calls.wasm"));
        }
        assert!(About::read(b"hello").is_err());
    }
}
