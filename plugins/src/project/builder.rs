//! Builds a project, and looks at what came of it before anybody uses it.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::error::ProjectError;
use super::language::Language;
use super::toolbox::Toolbox;
use super::{javascript, python, rust};
use crate::{Inspection, Plugins};

/// Builds projects. Tools that it needs are fetched into a folder of its own, and nothing is installed elsewhere.
pub struct Builder {
    toolbox: Toolbox,
    plugins: Arc<Plugins>,
}

/// A project that was built.
#[derive(Clone, Debug, PartialEq)]
pub struct Built {
    /// Where the component lies.
    pub path: PathBuf,
    /// What it is.
    pub inspection: Inspection,
}

/// A component, and what its file is called unless somebody wants it otherwise.
pub(super) struct Component {
    pub(super) file_name: String,
    pub(super) bytes: Vec<u8>,
}

impl Component {
    pub(super) fn read(file_name: String, path: &Path) -> Result<Self, ProjectError> {
        let bytes = fs::read(path).map_err(|error| ProjectError::file("read", path, &error))?;
        Ok(Self { file_name, bytes })
    }
}

impl Builder {
    /// Keeps tools in a directory; `notice` is told what is fetched. Built components are looked at through `plugins`.
    pub fn new(tools: PathBuf, plugins: Arc<Plugins>, notice: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Self { toolbox: Toolbox::new(tools, notice), plugins }
    }

    /// Builds the project in a directory, into a file beside its sources or into `output`. A component that is no plugin
    /// is an error, and what was there before stays.
    ///
    /// # Errors
    /// If there is no project, a tool is missing or cannot be fetched, or the project does not build.
    pub fn build(&self, directory: &Path, output: Option<&Path>) -> Result<Built, ProjectError> {
        let language = Language::of(directory)?;
        let whole = directory.canonicalize().map_err(|error| ProjectError::file("find", directory, &error))?;
        // Real paths: what a tool says of a file is compared with them.
        let scratch = tempfile::tempdir().and_then(|scratch| Ok((scratch.path().canonicalize()?, scratch)));
        let (place, _scratch) = scratch
            .map_err(|error| ProjectError::failed(format!("cannot make a folder for what is in between: {error}")))?;
        let component = match language {
            Language::Rust => rust::build(&whole, &self.toolbox)?,
            Language::Python => python::build(&whole, &place, &self.toolbox)?,
            Language::JavaScript => javascript::build(&whole, &place, &self.toolbox)?,
        };
        let beside = match directory == Path::new(".") {
            true => PathBuf::from(&component.file_name),
            false => directory.join(&component.file_name),
        };
        let path = output.map_or(beside, Path::to_owned);
        let inspection = self
            .plugins
            .inspect_bytes(&path.to_string_lossy(), &component.bytes)
            .map_err(|reason| ProjectError::failed(format!("it was built, but {reason}")))?;
        if let Ok(before) = fs::read(&path).map(|before| blake3::hash(&before))
            && before != blake3::hash(&component.bytes)
        {
            self.plugins.forget(&before);
        }
        replace(&path, &component.bytes).map_err(|error| ProjectError::file("write", &path, &error))?;
        Ok(Built { path, inspection })
    }
}

/// Writes a file at once: whoever reads it meanwhile has the one or the other.
fn replace(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new().make_in(directory, |path| File::create_new(path))?;
    file.write_all(bytes)?;
    file.persist(path)?;
    Ok(())
}
