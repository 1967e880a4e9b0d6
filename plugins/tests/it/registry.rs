//! Plugins from a registry, which is a few answers by hand on a port of this machine.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::json;
use sha2::{Digest as _, Sha256};
use sternlight_engine::stage::{Built, InputFile};

use super::guest::{Host, component, honest};

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// What is answered for a path.
#[derive(Clone)]
struct Answer {
    status: &'static str,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
    /// The header without which the answer is that of `closed`.
    wants: Option<String>,
}

fn answer(status: &'static str, body: impl Into<Vec<u8>>) -> Answer {
    Answer { status, headers: Vec::new(), body: body.into(), wants: None }
}

#[derive(Clone, Default)]
struct Answers {
    by_path: Arc<Mutex<BTreeMap<String, Answer>>>,
    asked: Arc<Mutex<Vec<String>>>,
}

/// Answers until the test ends.
struct Registry {
    port: u16,
    answers: Answers,
}

impl Registry {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (port, answers) = (listener.local_addr().unwrap().port(), Answers::default());
        let served = answers.clone();
        thread::spawn(move || listener.incoming().flatten().for_each(|connection| serve(connection, &served, port)));
        Self { port, answers }
    }

    fn put(&self, path: &str, answer: Answer) {
        self.answers.by_path.lock().unwrap().insert(path.to_owned(), answer);
    }

    /// Puts a plugin under a tag, as one layer of a type; its manifest's digest.
    fn push(&self, tag: &str, layer_type: &str, bytes: &[u8]) -> String {
        let layer = json!({"mediaType": layer_type, "digest": digest(bytes), "size": bytes.len()});
        self.put(&format!("/v2/a/guest/blobs/{}", digest(bytes)), answer("200 OK", bytes));
        self.push_manifest(tag, &json!({"schemaVersion": 2, "mediaType": MANIFEST, "layers": [layer]}))
    }

    fn push_manifest(&self, tag: &str, manifest: &serde_json::Value) -> String {
        let manifest = manifest.to_string().into_bytes();
        for name in [tag, &digest(&manifest)] {
            self.put(&format!("/v2/a/guest/manifests/{name}"), answer("200 OK", manifest.clone()));
        }
        digest(&manifest)
    }

    fn address(&self, version: &str) -> String {
        format!("oci://127.0.0.1:{}/a/guest{version}", self.port)
    }

    /// What was asked for since the last time.
    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut *self.answers.asked.lock().unwrap())
    }

    fn said(&self, host: &Host, version: &str) -> String {
        let problems = host.load_from(&self.address(version), None).err().unwrap();
        let [problem] = problems.as_slice() else { panic!("{problems:?}") };
        let text = format!("{}\n{}", problem.message, problem.help.as_deref().unwrap_or_default());
        text.replace(&self.port.to_string(), "PORT").trim_end().to_owned()
    }
}

fn serve(mut connection: TcpStream, answers: &Answers, port: u16) {
    let mut lines = BufReader::new(connection.try_clone().unwrap()).lines().map_while(Result::ok);
    let Some(request) = lines.next() else { return };
    let headers: Vec<String> = lines.take_while(|line| !line.is_empty()).map(|line| line.to_lowercase()).collect();
    let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
    answers.asked.lock().unwrap().push(path.rsplit('/').nth(1).unwrap_or(&path).to_owned());
    let found = answers.by_path.lock().unwrap().get(path.split('?').next().unwrap_or_default()).cloned();
    let found = found.unwrap_or_else(|| answer("404 Not Found", "{}"));
    let is_open = found.wants.as_ref().is_none_or(|wanted| headers.contains(&wanted.to_lowercase()));
    let found = if is_open { found } else { closed(port) };
    let mut text =
        format!("HTTP/1.1 {}\r\nContent-Length: {}\r\nConnection: close\r\n", found.status, found.body.len());
    found.headers.iter().for_each(|(name, value)| text.push_str(&format!("{name}: {value}\r\n")));
    let _ = connection.write_all(format!("{text}\r\n").as_bytes()).and_then(|()| connection.write_all(&found.body));
}

fn closed(port: u16) -> Answer {
    let challenge = format!(r#"Bearer realm="http://127.0.0.1:{port}/token",service="tests""#);
    Answer { headers: vec![("WWW-Authenticate", challenge)], ..answer("401 Unauthorized", "{}") }
}

fn digest(bytes: &[u8]) -> String {
    let digits: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{digits}")
}

/// A plugin that calls itself by a version.
fn guest(version: &str) -> Vec<u8> {
    component("reward", "describe", &honest("describe").replace("1.0.0\")", &format!("{version}\")")))
}

fn plugin_of(built: &Built) -> InputFile {
    built.stage.files().into_iter().find(|file| file.name == "plugin").unwrap()
}

#[test]
fn a_plugin_is_fetched_once_and_what_a_tag_stands_for_is_looked_up() {
    let (registry, host) = (Registry::start(), Host::new());
    let (old, new) = (guest("1.0.0"), guest("1.0.1"));
    registry.push("latest", "application/wasm", &old);
    let first = host.load_from(&registry.address(":latest"), None).ok().unwrap();
    assert_eq!(registry.asked(), ["manifests", "blobs"]);
    assert_eq!(plugin_of(&first).digest, blake3::hash(&old).to_hex().to_string());
    let again = host.load_from(&registry.address(":latest"), None).ok().unwrap();
    assert_eq!((registry.asked(), plugin_of(&again)), (vec!["manifests".to_owned()], plugin_of(&first)));
    // The tag moved, and its layer is of the older type.
    registry.push("latest", "application/vnd.wasm.content.layer.v1+wasm", &new);
    let moved = host.load_from(&registry.address(":latest"), None).ok().unwrap();
    assert_eq!(registry.asked(), ["manifests", "blobs"]);
    assert_eq!(plugin_of(&moved).digest, blake3::hash(&new).to_hex().to_string());
}

#[test]
fn who_pins_a_digest_asks_once() {
    let (registry, host) = (Registry::start(), Host::new());
    let bytes = guest("1.0.0");
    let manifest = registry.push("1", "application/wasm", &bytes);
    let pinned = registry.address(&format!("@{manifest}"));
    host.load_from(&pinned, None).ok().unwrap();
    assert_eq!(registry.asked(), ["manifests", "blobs"]);
    host.load_from(&pinned, None).ok().unwrap();
    // Pinned by the digest of the plugin itself, as `sha256` has it.
    let sha256 = digest(&bytes).replace("sha256:", "");
    host.load_from(&registry.address(":1"), Some(&sha256)).ok().unwrap();
    assert!(registry.asked().is_empty());
    let other = host.load_from(&registry.address(":1"), Some(&"0".repeat(64))).err().unwrap();
    assert!(other[0].message.starts_with("the plugin's SHA-256 is"), "{other:?}");
}

#[test]
fn what_was_fetched_is_not_believed_if_it_was_changed() {
    let (registry, host) = (Registry::start(), Host::new());
    let bytes = guest("1.0.0");
    let manifest = registry.push("1", "application/wasm", &bytes);
    host.load_from(&registry.address(":1"), None).ok().unwrap();
    registry.asked();
    host.write(&format!("cache/registries/{}", digest(&bytes).replace(':', "-")), b"changed");
    host.load_from(&registry.address(":1"), None).ok().unwrap();
    assert_eq!(registry.asked(), ["manifests", "blobs"]);
    // The registry itself sends something else.
    let (pinned, host) = (format!("@{manifest}"), Host::new());
    registry.put(&format!("/v2/a/guest/blobs/{}", digest(&bytes)), answer("200 OK", vec![0; bytes.len()]));
    let said = registry.said(&host, ":1");
    assert!(said.contains("what the registry sent has the digest sha256:"), "{said}");
    registry.put(&format!("/v2/a/guest/manifests/{manifest}"), answer("200 OK", "{}"));
    let said = registry.said(&host, &pinned);
    assert!(said.contains("asked for sha256:"), "{said}");
    // More than it said.
    registry.put(&format!("/v2/a/guest/blobs/{}", digest(&bytes)), answer("200 OK", vec![0; bytes.len() + 1]));
    let said = registry.said(&host, ":1").replace(&bytes.len().to_string(), "LENGTH");
    insta::assert_snapshot!(said, @"`oci://127.0.0.1:PORT/a/guest:1`: `127.0.0.1:PORT` sent more than LENGTH bytes");
}

#[test]
fn tokens_are_got_from_where_the_registry_says() {
    let (registry, host) = (Registry::start(), Host::new());
    let bytes = guest("1.0.0");
    registry.push("1", "application/wasm", &bytes);
    let paths: Vec<String> = registry.answers.by_path.lock().unwrap().keys().cloned().collect();
    for path in paths {
        let mut all = registry.answers.by_path.lock().unwrap();
        all.get_mut(&path).unwrap().wants = Some("Authorization: Bearer secret".to_owned());
    }
    registry.put("/token", answer("200 OK", r#"{"token": "other"}"#));
    insta::assert_snapshot!(registry.said(&host, ":1"), @"
    `oci://127.0.0.1:PORT/a/guest:1`: `127.0.0.1:PORT` does not let you have `a/guest`
    log in with `docker login 127.0.0.1:PORT`, or look whether the name is right
    ");
    registry.put("/token", answer("403 Forbidden", "{}"));
    insta::assert_snapshot!(registry.said(&host, ":1"), @"
    `oci://127.0.0.1:PORT/a/guest:1`: `127.0.0.1:PORT` does not let you have `a/guest`
    log in with `docker login 127.0.0.1:PORT`, or look whether the name is right
    ");
    for token in [r#"{"access_token": "secret"}"#, r#"{"token": "secret", "access_token": "secret"}"#] {
        registry.put("/token", answer("200 OK", token));
        registry.asked();
        Host::new().load_from(&registry.address(":1"), None).ok().unwrap();
        assert_eq!(registry.asked().len(), 4, "a manifest in vain, a token, the manifest, the plugin");
    }
}

#[test]
fn a_token_is_not_got_from_another_machine_in_the_name_of_this_one() {
    let (registry, host) = (Registry::start(), Host::new());
    let challenge = r#"Bearer realm="http://127.0.0.1:80@evil.example/token""#.to_owned();
    let closed = Answer { headers: vec![("WWW-Authenticate", challenge)], ..answer("401 Unauthorized", "{}") };
    registry.put("/v2/a/guest/manifests/1", closed);
    insta::assert_snapshot!(registry.said(&host, ":1"), @"`oci://127.0.0.1:PORT/a/guest:1`: `127.0.0.1:PORT` wants a token from `http://127.0.0.1:80@evil.example/token`, which names a user");
}

#[test]
fn what_is_said_when_there_is_no_plugin() {
    let (registry, host) = (Registry::start(), Host::new());
    insta::assert_snapshot!(registry.said(&host, ":1"), @"`oci://127.0.0.1:PORT/a/guest:1`: `127.0.0.1:PORT` has nothing of that name");
    insta::assert_snapshot!(registry.said(&host, ""), @"
    `oci://127.0.0.1:PORT/a/guest` is no address of a plugin
    expected `oci://registry/name:tag` or `oci://registry/name@sha256:…`, names in small letters
    ");
    registry.put("/v2/a/guest/manifests/1", answer("500 Internal Server Error", ""));
    insta::assert_snapshot!(registry.said(&host, ":1"), @"`oci://127.0.0.1:PORT/a/guest:1`: `127.0.0.1:PORT` answered 500 Internal Server Error");
    registry.put("/v2/a/guest/manifests/1", answer("200 OK", "<html>"));
    insta::assert_snapshot!(registry.said(&host, ":1"), @"`oci://127.0.0.1:PORT/a/guest:1`: its manifest cannot be read: expected value at line 1 column 1");
    registry.push("1", "application/vnd.oci.image.layer.v1.tar+gzip", b"no");
    insta::assert_snapshot!(registry.said(&host, ":1"), @"`oci://127.0.0.1:PORT/a/guest:1`: it is no plugin: expected a layer of the type `application/wasm`, found `application/vnd.oci.image.layer.v1.tar+gzip`");
    let huge = json!({"layers": [{"mediaType": "application/wasm", "digest": digest(b""), "size": 1_u64 << 40}]});
    registry.push_manifest("1", &huge);
    insta::assert_snapshot!(registry.said(&host, ":1"), @"`oci://127.0.0.1:PORT/a/guest:1`: it has 1099511627776 bytes, too many for a plugin");
    registry.push("1", "application/wasm", b"text");
    insta::assert_snapshot!(registry.said(&host, ":1"), @"`oci://127.0.0.1:PORT/a/guest:1` is no WebAssembly");
}

#[test]
fn what_is_here_when_nobody_answers() {
    let (registry, host) = (Registry::start(), Host::new());
    let manifest = registry.push("1", "application/wasm", &guest("1.0.0"));
    host.load_from(&registry.address(":1"), None).ok().unwrap();
    // It says nothing that is an answer, as somebody else would at its port.
    registry.put("/v2/a/guest/manifests/1", answer("", ""));
    let said = registry.said(&host, ":1");
    let (message, help) = said.split_once('\n').unwrap();
    assert!(message.contains("cannot be reached"), "{message}");
    assert_eq!(help, format!("the one that was fetched last is here: `uses: oci://127.0.0.1:PORT/a/guest@{manifest}`"));
    assert!(!registry.said(&Host::new(), ":1").contains('\n'));
}
