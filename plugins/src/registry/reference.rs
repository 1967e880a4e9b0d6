//! What `oci://` addresses say.

use std::fmt;
use std::net::IpAddr;

/// The host that answers for Docker Hub.
const DOCKER_HUB: &str = "registry-1.docker.io";

/// Where a plugin lies in a registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reference {
    /// Host, and port if one is named.
    pub(super) registry: String,
    pub(super) name: String,
    pub(super) version: Version,
}

/// Which one of that name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Version {
    /// Whatever bears this tag today.
    Tag(String),
    /// This one: `sha256:` and 64 digits, of its manifest.
    Digest(String),
}

impl Reference {
    /// Of an address without `oci://`; none if it is not spelled well.
    pub(super) fn parse(address: &str) -> Option<Self> {
        let (registry, rest) = address.split_once('/')?;
        let (name, version) = match rest.split_once('@') {
            // A tag beside a digest says nothing more.
            Some((name, digest)) => (name.split(':').next()?, Version::Digest(digest.to_owned())),
            None => rest.rsplit_once(':').map(|(name, tag)| (name, Version::Tag(tag.to_owned())))?,
        };
        let is_version = match &version {
            Version::Tag(tag) => {
                tag.len() <= 128 && is_spelled(tag, |byte| byte.is_ascii_alphanumeric() || byte == b'_')
            }
            Version::Digest(digest) => is_digest(digest),
        };
        let is_name =
            name.split('/').all(|part| is_spelled(part, |byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()));
        let is_registry = is_registry(registry);
        (is_version && is_name && is_registry).then(|| Self {
            registry: registry.to_owned(),
            name: name.to_owned(),
            version,
        })
    }

    /// Whether the registry is this very machine: then, and only then, it is asked without encryption.
    pub(super) fn is_local(&self) -> bool {
        is_local(&self.registry)
    }

    /// The address under which the registry's interface begins.
    pub(super) fn url(&self, rest: &str) -> String {
        let scheme = if self.is_local() { "http" } else { "https" };
        let host = if is_docker_hub(&self.registry) { DOCKER_HUB } else { &self.registry };
        format!("{scheme}://{host}/v2/{}/{rest}", self.name)
    }
}

/// Whether a registry is Docker Hub, which has several names.
pub(super) fn is_docker_hub(registry: &str) -> bool {
    ["docker.io", "index.docker.io", DOCKER_HUB].contains(&registry)
}

/// Whether a host, with or without a port, is this machine.
pub(super) fn is_local(host: &str) -> bool {
    let host = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Whether it is `sha256:` and 64 digits.
pub(super) fn is_digest(text: &str) -> bool {
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    text.strip_prefix("sha256:").is_some_and(|digits| digits.len() == 64 && digits.bytes().all(is_digit))
}

/// Whether it is a host, or an address, with or without a port.
fn is_registry(text: &str) -> bool {
    let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, rest)) if address.parse::<IpAddr>().is_ok() => ("address", rest.strip_prefix(':')),
        Some(_) => return false,
        None => text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port))),
    };
    is_spelled(host, |byte| byte.is_ascii_alphanumeric()) && port.is_none_or(|port| port.parse::<u16>().is_ok())
}

/// Whether a text is of such letters, and of `.`, `-` and `_` after the first.
fn is_spelled(text: &str, is_letter: impl Fn(u8) -> bool) -> bool {
    let mut bytes = text.bytes();
    bytes.next().is_some_and(&is_letter) && bytes.all(|byte| is_letter(byte) || b".-_".contains(&byte))
}

impl fmt::Display for Reference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (separator, version) = match &self.version {
            Version::Tag(tag) => (':', tag),
            Version::Digest(digest) => ('@', digest),
        };
        write!(formatter, "{}/{}{separator}{version}", self.registry, self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        let digest = format!("sha256:{}", "0f".repeat(32));
        for fine in ["ghcr.io/some-one/plugins/penalty:1.2", "localhost:5000/a:latest", "[::1]:5000/a:b"] {
            assert_eq!(Reference::parse(fine).unwrap().to_string(), fine);
        }
        let pinned = Reference::parse(&format!("ghcr.io/a/b:1@{digest}")).unwrap();
        assert_eq!((pinned.name.as_str(), pinned.version), ("a/b", Version::Digest(digest.clone())));
        for wrong in [
            "ghcr.io",
            "ghcr.io/a",
            "ghcr.io/a:",
            "ghcr.io/A:1",
            "/a:1",
            "ghcr.io//a:1",
            "ghcr.io/a@sha256:0f",
            "ghcr.io/../a:1",
            "ghcr.io/a:b:1",
            "ghcr.io:no/a:1",
            "[a]/b:1",
        ] {
            assert_eq!(Reference::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn only_this_machine_is_asked_without_encryption() {
        let url = |address: &str| Reference::parse(address).unwrap().url("manifests/1");
        assert_eq!(url("127.0.0.1:5000/a:1"), "http://127.0.0.1:5000/v2/a/manifests/1");
        assert_eq!(url("localhost/a:1"), "http://localhost/v2/a/manifests/1");
        assert_eq!(url("[::1]:1/a:1"), "http://[::1]:1/v2/a/manifests/1");
        assert_eq!(url("localhost.example.com/a:1"), "https://localhost.example.com/v2/a/manifests/1");
        assert_eq!(url("docker.io/a/b:1"), "https://registry-1.docker.io/v2/a/b/manifests/1");
        assert_eq!(url("10.0.0.1/a:1"), "https://10.0.0.1/v2/a/manifests/1");
    }
}
