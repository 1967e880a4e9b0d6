//! Three requests to a registry: for a manifest, for a blob, and for a token where the registry wants one.

use std::io::Read as _;
use std::time::Duration;

use serde::Deserialize;
use ureq::http::{HeaderMap, Response, StatusCode, Uri, header};
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

/// Registries say it under either name, or under both.
#[derive(Deserialize)]
struct Token {
    token: Option<String>,
    access_token: Option<String>,
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
        let Some(asked) = bearer(response.headers()) else {
            self.authorization = Some(known.ok_or_else(|| self.closed())?);
            return Ok(());
        };
        let realm = parameter(asked, "realm").ok_or_else(|| self.closed())?;
        let address = token_address(realm, self.reference.is_local()).map_err(|reason| {
            let message = format!("`{}` wants a token from `{}`", self.reference.registry, printable(realm));
            Refusal::new(format!("{message}, which {reason}"))
        })?;
        let scope = format!("repository:{}:pull", self.reference.name);
        let mut request = self.agent.get(address).query("scope", parameter(asked, "scope").unwrap_or(&scope));
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
        let Token { token, access_token } = serde_json::from_slice(&token).map_err(|_| self.closed())?;
        let token = token.or(access_token).unwrap_or_default();
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

/// What a registry says of the token that it wants, if it wants one.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    headers.get_all(header::WWW_AUTHENTICATE).iter().find_map(|challenge| {
        let (scheme, asked) = challenge.to_str().ok()?.trim_start().split_once(' ')?;
        scheme.eq_ignore_ascii_case("Bearer").then_some(asked)
    })
}

/// Where a token is asked for, if name and password may be sent there: by an encrypted line, or to this machine by a
/// registry on it.
fn token_address(realm: &str, is_local_registry: bool) -> Result<Uri, &'static str> {
    let address: Uri = realm.parse().map_err(|_| "is no address")?;
    let host = address.host().ok_or("is no address")?;
    if address.authority().is_some_and(|authority| authority.as_str().contains('@')) {
        return Err("names a user");
    }
    match address.scheme_str() {
        Some("https") => Ok(address),
        Some("http") if is_local_registry && is_local(host) => Ok(address),
        _ => Err("is not encrypted"),
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
    use ureq::http::HeaderValue;

    use super::*;

    #[test]
    fn tokens_are_asked_for_whatever_else_may_be_shown() {
        let found = |challenges: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for challenge in challenges {
                headers.append(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
            }
            bearer(&headers).map(str::to_owned)
        };
        assert_eq!(found(&["Basic realm=\"a\"", "bearer realm=\"b\""]).as_deref(), Some("realm=\"b\""));
        assert_eq!((found(&["Basic realm=\"a\""]), found(&["Bearer"]), found(&[])), (None, None, None));
    }

    #[test]
    fn passwords_go_nowhere_else() {
        let asked = |realm: &str| token_address(realm, true).map(|address| address.to_string());
        for fine in ["https://auth.example.com/token?a=b", "http://127.0.0.1:80/token", "http://[::1]:5000/token"] {
            assert_eq!(asked(fine).as_deref(), Ok(fine));
        }
        assert_eq!(token_address("http://127.0.0.1:80/token", false), Err("is not encrypted"));
        assert_eq!(asked("http://evil.example/token"), Err("is not encrypted"));
        for user in ["http://127.0.0.1:80@evil.example/token", "https://a@evil.example/", "http://evil@127.0.0.1/"] {
            assert_eq!(asked(user), Err("names a user"), "{user}");
        }
        assert_eq!((asked("/token"), asked("a b")), (Err("is no address"), Err("is no address")));
    }

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
