//! Components of Rust: cargo compiles the crate for WebAssembly, and what comes of it is wrapped here.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;
use wit_component::ComponentEncoder;

use super::about::file_name;
use super::builder::Component;
use super::error::ProjectError;
use super::program::{run, run_aloud};
use super::rust_toolchain::{TARGET, Toolchain};
use super::toolbox::Toolbox;

/// Makes a component of the project in `directory`.
pub(super) fn build(directory: &Path, toolbox: &Toolbox) -> Result<Component, ProjectError> {
    let manifest = directory.join("Cargo.toml");
    let mut metadata = Command::new("cargo");
    metadata.args(["metadata", "--quiet", "--format-version", "1", "--manifest-path"]).arg(&manifest);
    let metadata = run(metadata.current_dir(directory), "cargo cannot read the project")?;
    let metadata: Metadata = serde_json::from_slice(&metadata).map_err(unexpected)?;
    let package = metadata.packages.iter().find(|package| package.manifest_path == manifest);
    let package = package.ok_or_else(|| {
        ProjectError::wrong(format!("`{}` is no package of its own", manifest.display()))
            .help("name the folder of one of its members")
    })?;
    if !package.targets.iter().any(Target::is_component) {
        return Err(ProjectError::wrong(format!("the package `{}` is no dynamic library", package.name))
            .help("write `[lib]` and below it `crate-type = [\"cdylib\", \"rlib\"]` into its Cargo.toml"));
    }
    let toolchain = Toolchain::find(directory)?;
    let flags = flags(&metadata);
    // One folder for all plugins: what they have in common is compiled once. With other flags all of it would be compiled
    // anew, back and forth, if it lay in the same one.
    let flags_digest = blake3::hash(flags.join(" ").as_bytes()).to_hex();
    let name = format!("rust-{}-{}", toolchain.name(), &flags_digest[..16]);
    let target = toolbox.folder(&name)?;
    // Plugins of one name, built at once, would take each other's module.
    let _held = toolbox.hold(&name)?;
    let mut cargo = Command::new("cargo");
    cargo.args(["build", "--lib", "--release", "--target", TARGET, "--message-format=json-render-diagnostics"]);
    cargo.arg("--manifest-path").arg(&manifest).arg("--target-dir").arg(&target).current_dir(directory);
    cargo.env("CARGO_ENCODED_RUSTFLAGS", flags.join("\u{1f}"));
    // With `--quiet` it shows errors only, as we do.
    if !tracing::enabled!(tracing::Level::WARN) {
        cargo.arg("--quiet");
    }
    toolchain.choose(&mut cargo);
    let messages = run_aloud(&mut cargo, "cargo cannot build the plugin")?;
    let module = module(&messages, &package.id)?;
    let bytes = std::fs::read(&module).map_err(|error| ProjectError::file("read", &module, &error))?;
    let encoder = ComponentEncoder::default().validate(true).module(&bytes);
    let bytes = encoder.and_then(|mut encoder| encoder.encode()).map_err(|error| {
        ProjectError::failed(format!("what cargo built is no plugin: {error:#}"))
            .help("a macro such as `reward!` of the crate `sternlight-plugin` makes one of a function")
    })?;
    Ok(Component { file_name: file_name(&package.name), bytes })
}

/// What cargo says of a project and what it depends on.
#[derive(Debug, Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    workspace_root: PathBuf,
}

#[derive(Debug, Deserialize)]
struct Package {
    id: String,
    name: String,
    /// Where it comes from; none: from a folder.
    source: Option<String>,
    manifest_path: PathBuf,
    targets: Vec<Target>,
}

#[derive(Debug, Deserialize)]
struct Target {
    kind: Vec<String>,
}

impl Target {
    fn is_component(&self) -> bool {
        self.kind.iter().any(|kind| kind == "cdylib")
    }
}

/// A line of what cargo prints while it builds.
#[derive(Debug, Deserialize)]
struct Artifact {
    package_id: String,
    target: Target,
    filenames: Vec<PathBuf>,
}

fn unexpected(error: serde_json::Error) -> ProjectError {
    ProjectError::failed(format!("cargo said something unexpected: {error}"))
}

/// What makes loops over bytes faster by a sixth, components larger by a seventh: several bytes a turn. Each turn looks at
/// the clock that ends calls, and the engine's own compiler unrolls nothing.
const UNROLLED: [&str; 3] = ["-unroll-runtime-multi-exit", "-unroll-threshold=400", "-unroll-partial-threshold=400"];

/// The compiler's flags. All engines have SIMD by now, and text is searched three times as fast with it. Places in
/// messages of panics shall not name this machine's folders.
fn flags(metadata: &Metadata) -> Vec<String> {
    let mut flags = vec!["-Ctarget-feature=+simd128".to_owned()];
    flags.extend(UNROLLED.iter().map(|argument| format!("-Cllvm-args={argument}")));
    let cargo_home = env::var_os("CARGO_HOME").map(PathBuf::from).or_else(|| Some(env::home_dir()?.join(".cargo")));
    let mut remap = |from: &Path, to: &str| flags.push(format!("--remap-path-prefix={}={to}", from.display()));
    if let Some(home) = cargo_home {
        remap(&home.join("registry/src"), "/registry");
        remap(&home.join("git/checkouts"), "/git");
    }
    // Those within the project have short names anyway.
    for package in metadata.packages.iter().filter(|package| package.source.is_none()) {
        let folder = package.manifest_path.parent().unwrap_or(Path::new(""));
        if !folder.starts_with(&metadata.workspace_root) {
            remap(folder, &format!("/{}", package.name));
        }
    }
    flags
}

/// The module that cargo says it made of a package.
fn module(messages: &[u8], package: &str) -> Result<PathBuf, ProjectError> {
    let lines = messages.split(|byte| *byte == b'\n');
    let artifacts = lines.filter_map(|line| serde_json::from_slice::<Artifact>(line).ok());
    artifacts
        .filter(|artifact| artifact.package_id == package && artifact.target.is_component())
        .flat_map(|artifact| artifact.filenames)
        .find(|path| path.extension().is_some_and(|extension| extension == "wasm"))
        .ok_or_else(|| ProjectError::failed("cargo made no WebAssembly of the package"))
}
