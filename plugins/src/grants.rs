//! What a stage grants to its plugin, checked and ready to be given; and what of it decides the stage's results. Not
//! concerned with how it is given.
#![cfg_attr(not(feature = "wasi"), expect(dead_code, reason = "what is granted is given by WASI alone"))]

use std::net::{IpAddr, SocketAddr, ToSocketAddrs as _};
use std::path::{Path, PathBuf};
use std::sync::{OnceLock, mpsc};
use std::thread;
use std::time::Instant;

use sternlight_engine::problem::{Problem, Segment};
use sternlight_engine::stage::{InputFile, PluginGrants, PluginRequest, StageError};

use crate::contents::{self, Look};

/// What a plugin may use. Holds the values of environment variables, so that it must not be printed.
#[derive(Default)]
pub(crate) struct Grants {
    pub(crate) directories: Vec<Directory>,
    /// Names and values.
    pub(crate) environment: Vec<(String, String)>,
    pub(crate) network: Vec<Endpoint>,
    pub(crate) clock: bool,
    /// What random numbers follow from, if it may have any.
    pub(crate) random: Option<blake3::Hash>,
    /// Whether WASI is linked, for a plugin that is granted something, or is only asked what it is.
    pub(crate) is_linked: bool,
}

/// A directory that a plugin may use.
pub(crate) struct Directory {
    /// As the pipeline names it, and as the plugin sees it.
    pub(crate) name: String,
    pub(crate) path: PathBuf,
    pub(crate) is_writable: bool,
    /// What lay in it when it was granted, if the plugin may only read it.
    seen: Option<Look>,
}

/// Where a plugin may connect to.
pub(crate) struct Endpoint {
    pub(crate) host: String,
    port: u16,
    /// Kept once they are found, so that a plugin reaches what it was told.
    addresses: OnceLock<Vec<IpAddr>>,
}

/// Why a host has no address.
#[derive(Debug)]
pub(crate) enum NoAddress {
    /// Nobody answered in time.
    TooLate,
    /// What the system says.
    Unknown(String),
}

/// Grants, and digests of what they let a plugin see.
pub(crate) struct Granted {
    pub(crate) grants: Grants,
    pub(crate) files: Vec<InputFile>,
}

/// What a plugin can be granted, as far as an interface of its imports goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Clock,
    Environment,
    Files,
    Network,
    Random,
}

impl Kind {
    /// What an interface gives, versions apart; none if it cannot be granted.
    pub(crate) fn of(interface: &str) -> Option<Self> {
        match interface.split('@').next().unwrap_or_default() {
            "wasi:cli/environment" => Some(Self::Environment),
            "wasi:sockets/udp" | "wasi:sockets/udp-create-socket" => None,
            name if name.starts_with("wasi:filesystem/") => Some(Self::Files),
            name if name.starts_with("wasi:sockets/") => Some(Self::Network),
            name if name.starts_with("wasi:clocks/") => Some(Self::Clock),
            name if name.starts_with("wasi:random/") => Some(Self::Random),
            _ => None,
        }
    }

    /// What a pipeline writes to grant it.
    pub(crate) fn how(self) -> &'static str {
        match self {
            Self::Clock => "allow: {clock: true}",
            Self::Environment => "allow: {env: [NAME]}",
            Self::Files => "allow: {read: [DIRECTORY]}",
            Self::Network => "allow: {network: ['HOST:PORT']}",
            Self::Random => "allow: {random: true}",
        }
    }
}

impl Grants {
    /// For a plugin that is only asked what it is: a language may look into its environment, which is empty, before it
    /// can answer.
    pub(crate) fn to_look() -> Self {
        Self { is_linked: cfg!(feature = "wasi"), ..Self::default() }
    }

    pub(crate) fn gives(&self, kind: Kind) -> bool {
        match kind {
            Kind::Clock => self.clock,
            Kind::Environment => !self.environment.is_empty(),
            Kind::Files => !self.directories.is_empty(),
            Kind::Network => !self.network.is_empty(),
            Kind::Random => self.random.is_some(),
        }
    }

    /// Whether what lies in directories that a plugin may read is what the keys of its results were made of.
    ///
    /// # Errors
    /// Which directory holds something else by now.
    pub(crate) fn unchanged(&self) -> Result<(), StageError> {
        for Directory { name, path, seen, .. } in &self.directories {
            if seen.as_ref().is_some_and(|seen| contents::look(path).as_ref() != Ok(seen)) {
                let message =
                    format!("what lies in `{name}`, which the plugin may read, changed since the pipeline was loaded");
                return Err(StageError::new(message).help("run again; what was computed meanwhile is not kept"));
            }
        }
        Ok(())
    }

    /// What of the world outside makes results differ that were computed from the same inputs.
    pub(crate) fn not_reproducible(&self) -> Vec<String> {
        let writes = self.directories.iter().any(|directory| directory.is_writable);
        let reasons = [("clock", self.clock), ("network", !self.network.is_empty()), ("write", writes)];
        reasons.into_iter().filter(|(_, is_so)| *is_so).map(|(name, _)| name.to_owned()).collect()
    }
}

impl Granted {
    /// Checks what a stage grants.
    ///
    /// # Errors
    /// Everything that cannot be granted, placed below `allow`.
    pub(crate) fn check(request: &PluginRequest<'_>) -> Result<Self, Vec<Problem>> {
        let PluginGrants { read, write, env, network, clock, random } = request.allow;
        let mut problems = Vec::new();
        let (mut grants, mut files) = (Grants { clock: *clock, ..Grants::default() }, Vec::new());
        let mut names: Vec<&str> = Vec::new();
        for (key, written, is_writable) in [("read", read, false), ("write", write, true)] {
            for (index, name) in written.iter().enumerate() {
                let place = |message: String| Problem::at(at(key, index), message);
                match directory(name, request.directory, is_writable) {
                    Err(problem) => problems.push(Problem { path: at(key, index).to_vec(), ..problem }),
                    Ok(directory) if names.contains(&directory.name.as_str()) => {
                        problems.push(place(format!("`{name}` is granted twice")));
                    }
                    Ok(mut directory) => {
                        names.push(name.trim_end_matches('/'));
                        if !is_writable {
                            match contents::digest(&directory.path) {
                                Ok((digest, look)) => {
                                    files.push(InputFile { name: format!("allow.read {name}"), digest });
                                    directory.seen = Some(look);
                                }
                                Err(reason) => problems.push(place(format!("`{name}` cannot be granted: {reason}"))),
                            }
                        }
                        grants.directories.push(directory);
                    }
                }
            }
        }
        problems.extend(nested(&grants.directories, write));
        for (index, name) in env.iter().enumerate() {
            match variable(name) {
                Ok(value) => {
                    let digest = blake3::derive_key("sternlight: value of an environment variable", value.as_bytes());
                    let digest = blake3::Hash::from_bytes(digest).to_hex().to_string();
                    files.push(InputFile { name: format!("allow.env {name}"), digest });
                    grants.environment.push((name.clone(), value));
                }
                Err(message) => problems.push(Problem::at(at("env", index), message)),
            }
        }
        for (index, address) in network.iter().enumerate() {
            match endpoint(address) {
                Some(endpoint) => grants.network.push(endpoint),
                None => {
                    let message = format!("expected `host:port`, found `{address}`");
                    problems.push(Problem::at(at("network", index), message).help("as in `localhost:8080`"));
                }
            }
        }
        if *random {
            grants.random = Some(seed_of(request.seed, request.stage));
        }
        grants.is_linked = *request.allow != PluginGrants::default();
        if problems.is_empty() { Ok(Self { grants, files }) } else { Err(problems) }
    }
}

/// What the key of a stage must hold of its grants, beyond digests of what they let a plugin see.
pub(crate) fn key(request: &PluginRequest<'_>) -> serde_json::Value {
    let mut key = serde_json::json!(request.allow);
    if let (true, Some(object)) = (request.allow.random, key.as_object_mut()) {
        object.insert("seed".to_owned(), serde_json::json!([request.seed, request.stage]));
    }
    key
}

fn at(key: &str, index: usize) -> [Segment; 3] {
    ["allow".into(), key.into(), index.into()]
}

fn directory(name: &str, pipeline: &Path, is_writable: bool) -> Result<Directory, Problem> {
    let written = Path::new(name);
    if name.is_empty() || written.components().any(|part| part == std::path::Component::ParentDir) {
        let message = format!("expected a directory below the pipeline's own, or an absolute one, found `{name}`");
        return Err(Problem::new(message));
    }
    let path = pipeline.join(written);
    if !path.is_dir() {
        let found = if path.exists() { "is no directory" } else { "is not there" };
        let help = format!("paths begin at the pipeline's own directory: `{}`", path.display());
        return Err(Problem::new(format!("`{name}` {found}")).help(help));
    }
    let name = name.trim_end_matches('/').to_owned();
    Ok(Directory { name, path, is_writable, seen: None })
}

/// Directories to write in that share files with such as are read: what is written would change what keys were made of.
fn nested(directories: &[Directory], written: &[String]) -> Vec<Problem> {
    let place = |directory: &Directory| directory.path.canonicalize().unwrap_or_else(|_| directory.path.clone());
    let (writable, readable): (Vec<_>, Vec<_>) = directories.iter().partition(|directory| directory.is_writable);
    let mut problems = Vec::new();
    for (one, other) in writable.iter().flat_map(|one| readable.iter().map(move |other| (one, other))) {
        let (path, other_path) = (place(one), place(other));
        if path.starts_with(&other_path) || other_path.starts_with(&path) {
            let (name, other) = (&one.name, &other.name);
            let index = written.iter().position(|written| written.trim_end_matches('/') == name).unwrap_or(0);
            let message = format!("`{name}` can be written and `{other}` read, and one lies within the other");
            let help = "grant directories that lie apart; what may be written may be read as well";
            problems.push(Problem::at(at("write", index), message).help(help));
        }
    }
    problems
}

fn variable(name: &str) -> Result<String, String> {
    if name.is_empty() || name.contains(['=', '\0']) {
        return Err(format!("`{name}` is no name of an environment variable"));
    }
    match std::env::var(name) {
        Ok(value) => Ok(value),
        Err(std::env::VarError::NotPresent) => Err(format!("the environment variable `{name}` is not set")),
        Err(std::env::VarError::NotUnicode(_)) => Err(format!("the environment variable `{name}` is not UTF-8")),
    }
}

fn endpoint(address: &str) -> Option<Endpoint> {
    let (host, port) = address.rsplit_once(':')?;
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let port = port.parse().ok().filter(|port| *port > 0)?;
    let is_address = bare.parse::<IpAddr>().is_ok() && (bare != host || !bare.contains(':'));
    let is_part =
        |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let is_name = host.split('.').all(is_part);
    let addresses = bare.parse().map_or_else(|_| OnceLock::new(), |address| vec![address].into());
    (is_address || is_name).then(|| Endpoint { host: bare.to_owned(), port, addresses })
}

impl Endpoint {
    /// The addresses that its name stands for.
    ///
    /// # Errors
    /// If they cannot be found until then. Whoever asks again may be luckier.
    pub(crate) fn addresses(&self, until: Instant) -> Result<&[IpAddr], NoAddress> {
        if let Some(known) = self.addresses.get() {
            return Ok(known);
        }
        let time = until.checked_duration_since(Instant::now()).ok_or(NoAddress::TooLate)?;
        let (sender, receiver) = mpsc::channel();
        let (host, port) = (self.host.clone(), self.port);
        // The system's own lookup cannot be ended, but left alone.
        let lookup = move || {
            let found = (host.as_str(), port).to_socket_addrs();
            // Nobody may wait for it any more.
            let _ = sender.send(found.map(|found| found.map(|address| address.ip()).collect::<Vec<_>>()));
        };
        let unknown = |error: std::io::Error| NoAddress::Unknown(error.to_string());
        thread::Builder::new().name("lookup".to_owned()).spawn(lookup).map_err(unknown)?;
        let found = receiver.recv_timeout(time).map_err(|_| NoAddress::TooLate)?.map_err(unknown)?;
        if found.is_empty() {
            return Err(NoAddress::Unknown("nobody knows one".to_owned()));
        }
        Ok(self.addresses.get_or_init(|| found))
    }

    pub(crate) fn is(&self, address: SocketAddr, until: Instant) -> bool {
        address.port() == self.port && self.addresses(until).is_ok_and(|known| known.contains(&address.ip()))
    }
}

/// What the random numbers of a stage follow from.
fn seed_of(seed: u64, stage: &str) -> blake3::Hash {
    blake3::Hasher::new()
        .update(b"random numbers of a plugin")
        .update(&seed.to_le_bytes())
        .update(stage.as_bytes())
        .finalize()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn addresses_have_a_host_and_a_port() {
        for fine in ["localhost:80", "10.0.0.1:8080", "[::1]:443", "a-b.example.com:1"] {
            assert!(endpoint(fine).is_some(), "{fine}");
        }
        for wrong in
            ["localhost", "localhost:", "localhost:0", "localhost:65536", ":80", "::1:80", "a b:1", "http://a:1"]
        {
            assert!(endpoint(wrong).is_none(), "{wrong}");
        }
        let local = endpoint("127.0.0.1:80").unwrap();
        let is = |address: &str| local.is(address.parse().unwrap(), Instant::now());
        assert!(is("127.0.0.1:80") && !is("127.0.0.1:81") && !is("127.0.0.2:80"));
    }

    #[test]
    fn nobody_waits_for_an_address_for_longer_than_asked() {
        let local = endpoint("localhost:80").unwrap();
        let past = Instant::now();
        assert!(matches!(local.addresses(past), Err(NoAddress::TooLate)));
        // Which is not kept; what is found is.
        assert!(!local.addresses(past + Duration::from_secs(60)).unwrap().is_empty());
        assert!(local.addresses(past).is_ok());
        let nobody = endpoint("nobody.invalid:80").unwrap();
        assert!(nobody.addresses(Instant::now() + Duration::from_millis(100)).is_err());
        assert!(past.elapsed() < Duration::from_secs(60) && nobody.addresses.get().is_none());
    }

    #[test]
    fn interfaces_are_told_by_what_they_give() {
        let kinds = ["wasi:clocks/wall-clock@0.2.9", "wasi:sockets/udp@0.2.0", "wasi:cli/stdout@0.2.0"].map(Kind::of);
        assert_eq!(kinds, [Some(Kind::Clock), None, None]);
    }
}
