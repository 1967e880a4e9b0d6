//! Three requests to a registry: for a manifest, for a blob, and for a token where the registry wants one.

use std::io::Read as _;
use std::time::{Duration, Instant};

use serde::Deserialize;
use ureq::http::{HeaderMap, Response, StatusCode, Uri, header};
use ureq::tls::{RootCerts, TlsConfig};
use ureq::{Agent, Body, Timeout};

use super::reference::{Reference, is_local};
use super::{credentials, manifest};
use crate::limits::measured_time;
use crate::text::printable;

/// How long a registry is waited for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// Until a connection stands.
    connect: Duration,
    /// From a request to the head of its answer.
    answer: Duration,
    /// While nothing comes.
    silence: Duration,
    /// For all of an answer, which may be a large plugin over a slow line.
    whole: Duration,
    /// Bytes a second that an answer has in the mean, once it has lasted as long as silence may.
    least_rate: u64,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            answer: Duration::from_secs(30),
            silence: Duration::from_secs(20),
            whole: Duration::from_secs(600),
            least_rate: 4 << 10,
        }
    }
}

/// A manifest, or a token.
const SMALL: u64 = 1 << 20;

/// How often a registry may send on: to where it keeps what is large.
const REDIRECTS: usize = 5;

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

/// Asks one registry. Who asks is told to the registry itself, and to where it has tokens made; nobody to whom it sends on
/// is told.
pub(super) struct Client<'a> {
    reference: &'a Reference,
    agent: Agent,
    patience: Patience,
    /// What goes into the header of a request, once the registry asked for it.
    authorization: Option<String>,
}

/// An answer, and from whom it is.
struct Answer {
    response: Response<Body>,
    host: String,
    /// Whether the registry itself gave it.
    is_own: bool,
}

/// Registries say it under either name, or under both.
#[derive(Deserialize)]
struct Token {
    token: Option<String>,
    access_token: Option<String>,
}

impl<'a> Client<'a> {
    pub(super) fn new(reference: &'a Reference, patience: Patience) -> Self {
        let mut config = Agent::config_builder()
            .http_status_as_error(false)
            .https_only(!reference.is_local())
            // Where a registry sends on is looked at first.
            .max_redirects(0)
            .tls_config(TlsConfig::builder().root_certs(RootCerts::PlatformVerifier).build())
            .timeout_resolve(Some(patience.connect))
            .timeout_connect(Some(patience.connect))
            .timeout_recv_response(Some(patience.answer))
            .timeout_per_read(Some(patience.silence))
            .timeout_per_write(Some(patience.silence))
            .timeout_global(Some(patience.whole))
            .user_agent(concat!("sternlight/", env!("CARGO_PKG_VERSION")));
        if reference.is_local() {
            config = config.proxy(None);
        }
        Self { reference, agent: config.build().new_agent(), patience, authorization: None }
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
        let mut answer = self.ask(rest)?;
        // Only the registry itself may ask who this is.
        if answer.response.status() == StatusCode::UNAUTHORIZED && answer.is_own && self.authorization.is_none() {
            self.authorize(&answer.response)?;
            answer = self.ask(rest)?;
        }
        let (registry, status) = (&self.reference.registry, answer.response.status());
        match status {
            StatusCode::OK => self.read(answer, limit),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Err(self.closed()),
            StatusCode::NOT_FOUND => Err(Refusal::new(format!("`{registry}` has nothing of that name"))),
            _ => Err(Refusal::new(format!("`{registry}` answered {status}"))),
        }
    }

    /// Asks the registry, and whom it sends on to.
    fn ask(&self, rest: &str) -> Result<Answer, Refusal> {
        let registry = &self.reference.registry;
        let sent_on = |place: &str, reason: &str| {
            Refusal::new(format!("`{registry}` sends on to `{}`, which {reason}", printable(place)))
        };
        let url = self.reference.url(rest);
        let own: Uri = url.parse().map_err(|_| sent_on(&url, "is no address"))?;
        let mut address = own.clone();
        for _ in 0..=REDIRECTS {
            let is_own = is_same_place(&address, &own);
            let mut request = self.agent.get(&address).header(header::ACCEPT, manifest::ACCEPTED);
            if let Some(authorization) = self.authorization.as_ref().filter(|_| is_own) {
                request = request.header(header::AUTHORIZATION, authorization);
            }
            let host = match is_own {
                true => registry.clone(),
                false => address.authority().map(ToString::to_string).unwrap_or_default(),
            };
            let response = request.call().map_err(|error| self.unreachable(&host, &error))?;
            if !response.status().is_redirection() {
                return Ok(Answer { response, host, is_own });
            }
            let place = response.headers().get(header::LOCATION).and_then(|place| place.to_str().ok());
            let place = place.unwrap_or_default();
            address = destination(&address, place)
                .and_then(|address| open_address(address, self.reference.is_local()))
                .map_err(|reason| sent_on(place, reason))?;
        }
        Err(Refusal::new(format!("`{registry}` sends on more than {REDIRECTS} times")))
    }

    fn read(&self, answer: Answer, limit: u64) -> Result<Vec<u8>, Refusal> {
        let Answer { response, host, .. } = answer;
        let mut body = response.into_body().into_reader();
        let (mut bytes, mut piece, started) = (Vec::new(), vec![0; 64 << 10], Instant::now());
        loop {
            match body.read(&mut piece).map_err(|error| self.unreachable(&host, &error))? {
                0 => return Ok(bytes),
                length => bytes.extend_from_slice(&piece[..length]),
            }
            let length = bytes.len() as u64;
            if length > limit {
                return Err(Refusal::new(format!("`{host}` sent more than {limit} bytes")));
            }
            let elapsed = started.elapsed();
            if elapsed > self.patience.silence && length < elapsed.as_secs() * self.patience.least_rate {
                let message = format!("`{host}` sends too slowly: {length} bytes in {} s", elapsed.as_secs());
                return Err(Refusal { is_unreachable: true, ..Refusal::new(message) });
            }
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
        let address = realm.parse().map_err(|_| "is no address");
        let address =
            address.and_then(|address| open_address(address, self.reference.is_local())).map_err(|reason| {
                let message = format!("`{}` wants a token from `{}`", self.reference.registry, printable(realm));
                Refusal::new(format!("{message}, which {reason}"))
            })?;
        let host = address.authority().map(ToString::to_string).unwrap_or_default();
        let scope = format!("repository:{}:pull", self.reference.name);
        let mut request = self.agent.get(address).query("scope", parameter(asked, "scope").unwrap_or(&scope));
        if let Some(service) = parameter(asked, "service") {
            request = request.query("service", service);
        }
        if let Some(known) = known {
            request = request.header(header::AUTHORIZATION, known);
        }
        let response = request.call().map_err(|error| self.unreachable(&host, &error))?;
        if response.status().is_redirection() {
            let message = format!("`{host}`, where tokens for `{}` are made, sends on", self.reference.registry);
            let help = "name and password are brought nowhere else: the registry has to name the right place itself";
            return Err(Refusal { help: Some(help.to_owned()), ..Refusal::new(message) });
        }
        if response.status() != StatusCode::OK {
            return Err(self.closed());
        }
        let token = self.read(Answer { response, host, is_own: false }, SMALL)?;
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

    fn unreachable(&self, host: &str, error: &(dyn std::error::Error + 'static)) -> Refusal {
        let message = match timeout(error) {
            Some(Timeout::PerRead | Timeout::PerWrite) => {
                format!("`{host}` stalls: nothing came for {}", measured_time(self.patience.silence))
            }
            Some(Timeout::RecvResponse) => {
                format!("`{host}` does not answer within {}", measured_time(self.patience.answer))
            }
            _ => format!("`{host}` cannot be reached: {}", printable(&error.to_string())),
        };
        Refusal { is_unreachable: true, ..Refusal::new(message) }
    }
}

/// What took too long, if that is what went wrong.
fn timeout(error: &(dyn std::error::Error + 'static)) -> Option<Timeout> {
    let inside = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
    let error = match inside {
        Some(inside) => inside.downcast_ref::<ureq::Error>(),
        None => error.downcast_ref::<ureq::Error>(),
    };
    match error {
        Some(ureq::Error::Timeout(timeout)) => Some(*timeout),
        _ => None,
    }
}

/// What a registry says of the token that it wants, if it wants one.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    headers.get_all(header::WWW_AUTHENTICATE).iter().find_map(|challenge| {
        let (scheme, asked) = challenge.to_str().ok()?.trim_start().split_once(' ')?;
        scheme.eq_ignore_ascii_case("Bearer").then_some(asked)
    })
}

/// An address that a registry names, if it may be asked: by an encrypted line, or this machine by a registry on it.
fn open_address(address: Uri, is_local_registry: bool) -> Result<Uri, &'static str> {
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

/// Where a redirect leads from an address.
fn destination(from: &Uri, place: &str) -> Result<Uri, &'static str> {
    let scheme = from.scheme_str().unwrap_or("https");
    let authority = from.authority().map(ToString::to_string).unwrap_or_default();
    let whole = match place {
        place if place.contains("://") => place.to_owned(),
        place if place.starts_with("//") => format!("{scheme}:{place}"),
        place if place.starts_with('/') => format!("{scheme}://{authority}{place}"),
        _ => return Err("is no address"),
    };
    whole.parse().map_err(|_| "is no address")
}

/// Whether two addresses are of one server: name, port and line.
fn is_same_place(left: &Uri, right: &Uri) -> bool {
    let port =
        |address: &Uri| address.port_u16().unwrap_or(if address.scheme_str() == Some("http") { 80 } else { 443 });
    let host = |address: &Uri| address.host().unwrap_or_default().to_ascii_lowercase();
    left.scheme_str() == right.scheme_str() && host(left) == host(right) && port(left) == port(right)
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
        let open = |realm: &str, is_local| {
            realm.parse().map_err(|_| "is no address").and_then(|address| open_address(address, is_local))
        };
        let asked = |realm: &str| open(realm, true).map(|address| address.to_string());
        for fine in ["https://auth.example.com/token?a=b", "http://127.0.0.1:80/token", "http://[::1]:5000/token"] {
            assert_eq!(asked(fine).as_deref(), Ok(fine));
        }
        assert_eq!(open("http://127.0.0.1:80/token", false), Err("is not encrypted"));
        assert_eq!(asked("http://evil.example/token"), Err("is not encrypted"));
        for user in ["http://127.0.0.1:80@evil.example/token", "https://a@evil.example/", "http://evil@127.0.0.1/"] {
            assert_eq!(asked(user), Err("names a user"), "{user}");
        }
        assert_eq!((asked("/token"), asked("a b")), (Err("is no address"), Err("is no address")));
    }

    #[test]
    fn redirects_lead_somewhere() {
        let from: Uri = "https://a.example:5000/v2/x/blobs/y".parse().unwrap();
        let to = |place: &str| destination(&from, place).map(|address| address.to_string());
        assert_eq!(to("/z?a=b").as_deref(), Ok("https://a.example:5000/z?a=b"));
        assert_eq!(to("//b.example/z").as_deref(), Ok("https://b.example/z"));
        assert_eq!(to("http://b.example/z").as_deref(), Ok("http://b.example/z"));
        assert_eq!((to(""), to("z"), to("a b://")), (Err("is no address"), Err("is no address"), Err("is no address")));
    }

    #[test]
    fn servers_are_told_apart() {
        let same = |left: &str, right: &str| is_same_place(&left.parse().unwrap(), &right.parse().unwrap());
        assert!(same("https://a.example/x", "https://A.example:443/y") && same("http://[::1]:80/", "http://[::1]/"));
        for other in ["https://b.example/", "https://a.example:444/", "http://a.example/", "https://a.example.evil/"] {
            assert!(!same("https://a.example/", other), "{other}");
        }
    }

    /// A registry on this machine that says something, byte by byte or not at all, to whoever connects.
    fn server(say: impl Fn(std::net::TcpStream) + Send + 'static) -> Reference {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let reference = format!("{}/a:1", listener.local_addr().unwrap());
        std::thread::spawn(move || listener.incoming().flatten().for_each(say));
        Reference::parse(&reference).unwrap()
    }

    #[test]
    fn who_stalls_is_given_up() {
        use std::io::Write as _;

        let patience = Patience {
            answer: Duration::from_millis(700),
            silence: Duration::from_millis(300),
            least_rate: 4 << 20,
            ..Patience::default()
        };
        let said = |say: fn(std::net::TcpStream)| {
            let reference = server(say);
            let started = Instant::now();
            let refusal = Client::new(&reference, patience).manifest("1").unwrap_err();
            assert!(refusal.is_unreachable && started.elapsed() < Duration::from_secs(10), "{refusal:?}");
            refusal.message.replace(&reference.registry, "HOST")
        };
        insta::assert_snapshot!(said(|_connection| std::thread::sleep(Duration::from_secs(60))), @"`HOST` stalls: nothing came for 300.0 ms");
        let trickled_head = |mut connection: std::net::TcpStream| {
            let _ = connection.write_all(b"HTTP/1.1 200 OK\r\nX: ");
            while connection.write_all(b"x").is_ok() {
                std::thread::sleep(Duration::from_millis(100));
            }
        };
        insta::assert_snapshot!(said(trickled_head), @"`HOST` does not answer within 700.0 ms");
        let silent_body = |mut connection: std::net::TcpStream| {
            let _ = connection.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx");
            std::thread::sleep(Duration::from_secs(60));
        };
        insta::assert_snapshot!(said(silent_body), @"`HOST` stalls: nothing came for 300.0 ms");
        let trickled_body = |mut connection: std::net::TcpStream| {
            let _ = connection.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n");
            while connection.write_all(b"x").is_ok() {
                std::thread::sleep(Duration::from_millis(100));
            }
        };
        let said = said(trickled_body);
        assert!(said.starts_with("`HOST` sends too slowly: "), "{said}");
    }

    #[test]
    fn what_does_not_end_is_not_read_to_its_end() {
        use std::io::Write as _;

        let reference = server(|mut connection| {
            let _ = connection.write_all(b"HTTP/1.1 200 OK\r\n\r\n");
            while connection.write_all(&[b' '; 1 << 16]).is_ok() {}
        });
        let refusal = Client::new(&reference, Patience::default()).manifest("1").unwrap_err();
        assert_eq!(refusal.message, format!("`{}` sent more than {SMALL} bytes", reference.registry));
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
