//! Who asks a registry: what `docker login` wrote into its configuration. Programs that it may name for keeping passwords
//! are not asked.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use serde::Deserialize;

use super::reference::is_docker_hub;

/// Under which `docker login` writes who you are to Docker Hub.
const DOCKER_HUB: &str = "https://index.docker.io/v1/";

#[derive(Default, Deserialize)]
#[serde(default)]
struct Configuration {
    auths: BTreeMap<String, Entry>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Entry {
    /// Name and password, as the header has them.
    auth: String,
}

/// What goes behind `Basic` in a request to a registry, if anything is known.
pub(super) fn of(registry: &str) -> Option<String> {
    let text = fs::read(path()?).ok()?;
    found(&text, registry)
}

fn path() -> Option<PathBuf> {
    let variable = |name: &str| std::env::var_os(name).map(PathBuf::from);
    let directory = variable("DOCKER_CONFIG").or_else(|| Some(variable("HOME")?.join(".docker")))?;
    Some(directory.join("config.json"))
}

fn found(text: &[u8], registry: &str) -> Option<String> {
    let mut configuration: Configuration = serde_json::from_slice(text).ok()?;
    let hub = is_docker_hub(registry).then(|| DOCKER_HUB.to_owned());
    let entry = [registry.to_owned(), format!("https://{registry}")]
        .iter()
        .chain(&hub)
        .find_map(|name| configuration.auths.remove(name))?;
    let is_fine = !entry.auth.is_empty() && entry.auth.bytes().all(|byte| byte.is_ascii_graphic());
    is_fine.then_some(entry.auth)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_registry_its_own() {
        let text = br#"{"auths": {"ghcr.io": {"auth": "YTpi"}, "https://other.io": {"auth": "Yzpk"}, "kept": {}}, "credsStore": "x"}"#;
        assert_eq!(found(text, "ghcr.io").as_deref(), Some("YTpi"));
        assert_eq!(found(text, "other.io").as_deref(), Some("Yzpk"));
        let hub = br#"{"auths": {"https://index.docker.io/v1/": {"auth": "ZTpm"}}}"#;
        assert_eq!(["docker.io", "registry-1.docker.io"].map(|name| found(hub, name).unwrap()), ["ZTpm", "ZTpm"]);
        assert_eq!((found(hub, "ghcr.io"), found(text, "docker.io")), (None, None));
        assert_eq!((found(text, "kept"), found(text, "another.io"), found(b"no", "ghcr.io")), (None, None, None));
    }
}
