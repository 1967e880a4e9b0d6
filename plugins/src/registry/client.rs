//! Three requests to a registry: for a manifest, for a blob, and for a token where the registry wants one.

use std::io::Read as _;
use std::time::Duration;

use serde::Deserialize;
use ureq::http::{Response, StatusCode, header};
use ureq::tls::{RootCerts, TlsConfig};
use ureq::{Agent, Body};

use super::reference::{Reference, is_local};
use super::{credentials, manifest};
use crate::text::printable;

/// Until a registry answers at all.
const CONNECT: Duration = Duration::from_secs(10);
/// For all of an answer, which may be a large plugin over a slow line.
const ANSWER: Duration = Duration::from_secs(600);
/// A manifest, or a token.
const SMALL: u64 = 1 << 20;

/// Why a registry did not give what it was asked for.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) message: String,
    pub(super) help: Option<String>,
    /// Whether nobody answered.
    pub(super) is_unreachable: bool,
}

impl Refusal {
    pub(super) fn new(message: String) -> Self {
        Self { message, help: None, is_unreachable: false }
    }
}

/// Asks one registry.
pub(super) struct Client<'a> {
    reference: &'a Reference,
    agent: Agent,
    /// What goes into the header of a request, once the registry asked for it.
    authorization: Option<String>,
}

#[derive(Deserialize)]
struct Token {
    #[serde(alias = "access_token")]
    token: String,
}

impl<'a> Client<'a> {
    pub(super) fn new(reference: &'a Reference) -> Self {
        let mut config = Agent::config_builder()
            .http_status_as_error(false)
            .https_only(!reference.is_local())
            .tls_config(TlsConfig::builder().root_certs(RootCerts::PlatformVerifier).build())
            .timeout_connect(Some(CONNECT))
            .timeout_global(Some(ANSWER))
            .user_agent(concat!("sternlight/", env!("CARGO_PKG_VERSION")));
        if reference.is_local() {
            config = config.proxy(None);
        }
        Self { reference, agent: config.build().new_agent(), authorization: None }
    }

    /// The manifest of a tag or digest.
    pub(super) fn manifest(&mut self, version: &str) -> Result<Vec<u8>, Refusal> {
        self.get(&format!("manifests/{version}"), SMALL)
    }

    /// A blob of this length.
    pub(super) fn blob(&mut self, digest: &str, length: u64) -> Result<Vec<u8>, Refusal> {
        self.get(&format!("blobs/{digest}"), length)
    }

    fn get(&mut self, rest: &str, limit: u64) -> Result<Vec<u8>, Refusal> {
        let url = self.reference.url(rest);
        let mut response = self.ask(&url)?;
        if response.status() == StatusCode::UNAUTHORIZED && self.authorization.is_none() {
            self.authorize(&response)?;
            response = self.ask(&url)?;
        }
        let (registry, status) = (&self.reference.registry, response.status());
        match status {
            StatusCode::OK => self.read(response, limit),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Err(self.closed()),
            StatusCode::NOT_FOUND => Err(Refusal::new(format!("`{registry}` has nothing of that name"))),
            _ => Err(Refusal::new(format!("`{registry}` answered {status}"))),
        }
    }

    fn ask(&self, url: &str) -> Result<Response<Body>, Refusal> {
        let mut request = self.agent.get(url).header(header::ACCEPT, manifest::ACCEPTED);
        if let Some(authorization) = &self.authorization {
            request = request.header(header::AUTHORIZATION, authorization);
        }
        request.call().map_err(|error| self.unreachable(&error))
    }

    fn read(&self, response: Response<Body>, limit: u64) -> Result<Vec<u8>, Refusal> {
        let mut bytes = Vec::new();
        let read = response.into_body().into_reader().take(limit + 1).read_to_end(&mut bytes);
        read.map_err(|error| self.unreachable(&error))?;
        match bytes.len() as u64 <= limit {
            true => Ok(bytes),
            false => Err(Refusal::new(format!("`{}` sent more than {limit} bytes", self.reference.registry))),
        }
    }

    /// Gets what the registry asks for: a token from where it says, or name and password.
    fn authorize(&mut self, response: &Response<Body>) -> Result<(), Refusal> {
        let known = credentials::of(&self.reference.registry).map(|known| format!("Basic {known}"));
        let asked = response.headers().get(header::WWW_AUTHENTICATE).and_then(|value| value.to_str().ok());
        let Some(asked) = asked.and_then(|asked| asked.strip_prefix("Bearer ")) else {
            self.authorization = Some(known.ok_or_else(|| self.closed())?);
            return Ok(());
        };
        let realm = parameter(asked, "realm").ok_or_else(|| self.closed())?;
        let host = realm.split("//").nth(1).and_then(|rest| rest.split('/').next()).unwrap_or_default();
        let is_safe = realm.starts_with("https://") || self.reference.is_local() && is_local(host);
        if !is_safe {
            let message = format!("`{}` wants a token from `{}`", self.reference.registry, printable(realm));
            return Err(Refusal::new(format!("{message}, which is not encrypted")));
        }
        let scope = format!("repository:{}:pull", self.reference.name);
        let mut request = self.agent.get(realm).query("scope", parameter(asked, "scope").unwrap_or(&scope));
        if let Some(service) = parameter(asked, "service") {
            request = request.query("service", service);
        }
        if let Some(known) = known {
            request = request.header(header::AUTHORIZATION, known);
        }
        let response = request.call().map_err(|error| self.unreachable(&error))?;
        if response.status() != StatusCode::OK {
            return Err(self.closed());
        }
        let token = self.read(response, SMALL)?;
        let Token { token } = serde_json::from_slice(&token).map_err(|_| self.closed())?;
        if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(self.closed());
        }
        self.authorization = Some(format!("Bearer {token}"));
        Ok(())
    }

    fn closed(&self) -> Refusal {
        let Reference { registry, name, .. } = self.reference;
        let help = format!("log in with `docker login {registry}`, or look whether the name is right");
        let message = format!("`{registry}` does not let you have `{name}`");
        Refusal { help: Some(help), ..Refusal::new(message) }
    }

    fn unreachable(&self, error: &dyn std::error::Error) -> Refusal {
        let message = format!("`{}` cannot be reached: {}", self.reference.registry, printable(&error.to_string()));
        Refusal { is_unreachable: true, ..Refusal::new(message) }
    }
}

/// A parameter of a challenge: `realm="https://…",service="…"`.
fn parameter<'a>(challenge: &'a str, name: &str) -> Option<&'a str> {
    let mut rest = challenge;
    loop {
        let (key, after) = rest.split_once("=\"")?;
        let (value, after) = after.split_once('"')?;
        if key.trim_start_matches([',', ' ']).eq_ignore_ascii_case(name) {
            return Some(value);
        }
        rest = after;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn challenges_are_taken_apart() {
        let challenge =
            r#"realm="https://auth.example.com/token?a=b", service="registry",scope="repository:a:pull,push""#;
        let found = ["realm", "service", "scope", "error"].map(|name| parameter(challenge, name));
        let expected = ["https://auth.example.com/token?a=b", "registry", "repository:a:pull,push"].map(Some);
        assert_eq!(found[..3], expected);
        assert_eq!((found[3], parameter("realm", "realm"), parameter("realm=\"", "realm")), (None, None, None));
    }
}
