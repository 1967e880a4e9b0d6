//! Who asks a registry is told to that registry, and to nobody to whom it sends on.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use super::harness::{Workplace, exit_code};

/// `somebody:secret`, as `docker login` keeps it.
const KNOWN: &str = "c29tZWJvZHk6c2VjcmV0";

/// A server on this machine, which gives one answer to everything, and keeps what it was told.
struct Server {
    port: u16,
    told: Arc<Mutex<Vec<String>>>,
}

impl Server {
    fn answering(answer: impl Fn(&str) -> String + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (port, told) = (listener.local_addr().unwrap().port(), Arc::default());
        let kept: Arc<Mutex<Vec<String>>> = Arc::clone(&told);
        thread::spawn(move || {
            for mut connection in listener.incoming().flatten() {
                let request = request(&connection);
                // Before the answer: whoever has it may ask what was told.
                kept.lock().unwrap().push(request.clone());
                let _ = connection.write_all(answer(&request).as_bytes());
            }
        });
        Self { port, told }
    }

    /// Whether anybody said who he is, in whatever spelling.
    fn was_told_who(&self) -> bool {
        self.told
            .lock()
            .unwrap()
            .iter()
            .any(|request| request.to_lowercase().contains("authorization") || request.contains(KNOWN))
    }

    fn was_asked(&self) -> bool {
        !self.told.lock().unwrap().is_empty()
    }
}

fn request(connection: &TcpStream) -> String {
    let lines = BufReader::new(connection.try_clone().unwrap()).lines().map_while(Result::ok);
    lines.take_while(|line| !line.is_empty()).map(|line| line + "\n").collect()
}

fn answer(status: &str, headers: &str) -> String {
    format!("HTTP/1.1 {status}\r\n{headers}Content-Length: 0\r\nConnection: close\r\n\r\n")
}

/// What `check` says of a plugin in the registry, for somebody who is logged in to it.
fn said(registry: &Server) -> String {
    let place = Workplace::with_pipeline();
    let host = format!("127.0.0.1:{}", registry.port);
    place.write("docker/config.json", format!(r#"{{"auths": {{"{host}": {{"auth": "{KNOWN}"}}}}}}"#));
    place.write(
        "plugin.yaml",
        format!(
            "version: 1\nstages:\n  import: {{ uses: import, with: {{ files: data/*.jsonl }} }}\n  score: {{ uses: 'oci://{host}/a/b:1', from: import }}\n"
        ),
    );
    let output = place.command(&["check", "plugin.yaml"]).env("DOCKER_CONFIG", place.path("docker")).output().unwrap();
    assert_eq!(exit_code(&output), 2);
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn the_registry_itself_is_told() {
    for challenge in ["WWW-Authenticate: Basic realm=\"a\"\r\n", ""] {
        let registry = Server::answering(move |_| answer("401 Unauthorized", challenge));
        let said = said(&registry);
        assert!(said.contains("does not let you have `a/b`") && registry.was_told_who(), "{said}");
    }
}

#[test]
fn nobody_else_is_told_along_a_redirect() {
    for status in
        ["301 Moved Permanently", "302 Found", "303 See Other", "307 Temporary Redirect", "308 Permanent Redirect"]
    {
        let challenges = [
            "WWW-Authenticate: Basic realm=\"a\"\r\n",
            "WWW-Authenticate: Bearer realm=\"http://127.0.0.1:HERE/token\"\r\n",
        ];
        for challenge in challenges {
            // The port of the other server is not known before it listens.
            let own_port = Arc::new(Mutex::new(0));
            let port = Arc::clone(&own_port);
            let other = Server::answering(move |_| {
                answer("401 Unauthorized", &challenge.replace("HERE", &port.lock().unwrap().to_string()))
            });
            *own_port.lock().unwrap() = other.port;
            let location = format!("Location: http://127.0.0.1:{}/elsewhere\r\n", other.port);
            let registry = Server::answering(move |_| answer(status, &location));
            let said = said(&registry);
            assert!(said.contains("does not let you have `a/b`"), "{said}");
            assert!(other.was_asked() && !other.was_told_who(), "{status} {challenge}");
            assert!(!registry.was_told_who(), "it did not ask");
            // The same once the registry knows who asks.
            let location = format!("Location: http://127.0.0.1:{}/elsewhere\r\n", other.port);
            let registry = Server::answering(move |request| match request.to_lowercase().contains("authorization") {
                true => answer(status, &location),
                false => answer("401 Unauthorized", "WWW-Authenticate: Basic realm=\"a\"\r\n"),
            });
            self::said(&registry);
            assert!(registry.was_told_who() && !other.was_told_who(), "{status} {challenge}");
        }
    }
}

#[test]
fn where_tokens_are_made_sends_nobody_on() {
    let other = Server::answering(|_| answer("200 OK", ""));
    let location = format!("Location: http://127.0.0.1:{}/token\r\n", other.port);
    let tokens = Server::answering(move |_| answer("307 Temporary Redirect", &location));
    let challenge = format!("WWW-Authenticate: Bearer realm=\"http://127.0.0.1:{}/token\"\r\n", tokens.port);
    let registry = Server::answering(move |_| answer("401 Unauthorized", &challenge));
    let said = said(&registry);
    assert!(said.contains("where tokens for") && said.contains("sends on"), "{said}");
    assert!(tokens.was_told_who() && !other.was_asked());
}

#[test]
fn it_sends_on_to_what_is_encrypted_and_not_for_ever() {
    for (place, reason) in [
        ("http://example.com/x", "is not encrypted"),
        ("https://a@example.com/", "names a user"),
        ("", "is no address"),
    ] {
        let location = format!("Location: {place}\r\n");
        let registry = Server::answering(move |_| answer("302 Found", &location));
        let said = said(&registry);
        assert!(said.contains(&format!("sends on to `{place}`, which {reason}")), "{said}");
    }
    let registry = Server::answering(|_| answer("302 Found", "Location: /v2/again\r\n"));
    let said = said(&registry);
    assert!(said.contains("sends on more than 5 times"), "{said}");
}
