//! What is opened as a file and is none: pipes, devices, sockets, directories. Each is named at once, and none is waited for.

use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use super::harness::{Workplace, exit_code};

/// Links to what is no file, and what each is.
const SPECIAL: [(&str, &str); 4] =
    [("pipe", "a pipe"), ("device", "a device"), ("socket", "a socket"), ("folder", "a directory")];

fn place() -> (Workplace, UnixListener) {
    let place = Workplace::with_pipeline();
    assert!(Command::new("mkfifo").arg(place.path("real-pipe")).status().unwrap().success());
    let socket = UnixListener::bind(place.path("real-socket")).unwrap();
    for (link, target) in
        [("pipe", "real-pipe"), ("device", "/dev/zero"), ("socket", "real-socket"), ("folder", "data")]
    {
        symlink(target, place.path(link)).unwrap();
    }
    (place, socket)
}

/// What is said about something of a kind, at once.
fn refused(place: &Workplace, arguments: &[&str], kind: &str) {
    let started = Instant::now();
    let Output { status, stdout, stderr } = place.command(arguments).output().unwrap();
    let said = String::from_utf8([stdout.as_slice(), stderr.as_slice()].concat()).unwrap();
    assert!(said.contains(&format!("it is {kind}, expected a regular file")), "{arguments:?}: {said}");
    assert!(!status.success() && started.elapsed() < Duration::from_secs(20), "{arguments:?}");
}

#[test]
fn pipelines() {
    let (place, _socket) = place();
    for (name, kind) in SPECIAL {
        for command in ["check", "run", "plan"] {
            refused(&place, &[command, name], kind);
        }
    }
    for (name, kind) in [("real-pipe", "a pipe"), ("real-socket", "a socket"), ("data", "a directory")] {
        refused(&place, &["part", name, "import:map", "0"], kind);
    }
    let text = place.read("pipeline.yaml");
    symlink("pipeline.yaml", place.path("link.yaml")).unwrap();
    assert!(place.command(&["check", "link.yaml"]).output().unwrap().status.success());
    place.write("large.yaml", format!("{text}\n#{}", "x".repeat(1 << 20)));
    let output = place.command(&["check", "large.yaml"]).output().unwrap();
    let said = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(exit_code(&output), 2);
    assert!(
        said.starts_with("error: cannot read `large.yaml`: it has 1049") && said.contains("expected 1048576 at most"),
        "{said}"
    );
}

#[test]
fn rule_files_and_inputs() {
    let (place, _socket) = place();
    let text = place.read("pipeline.yaml");
    for (name, kind) in SPECIAL {
        place.write("rules.yaml.yaml", text.replace("rules: rules.yaml", &format!("rules: {name}")));
        refused(&place, &["check", "rules.yaml.yaml"], kind);
        if kind != "a directory" {
            place.write("inputs.yaml", text.replace("data/*.jsonl", name));
            refused(&place, &["check", "inputs.yaml"], kind);
            place.write(
                "inputs.yaml",
                text.replace(
                    "files: data/*.jsonl, env: desk, policy: agent",
                    &format!("files: {name}, format: sternlight"),
                ),
            );
            refused(&place, &["check", "inputs.yaml"], kind);
        }
    }
    place.write("rules.yaml", "#".repeat((1 << 20) + 1));
    let output = place.command(&["check", "pipeline.yaml"]).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.contains("cannot read the rule file `rules.yaml`: it has 1048577 bytes, expected 1048576 at most"),
        "{said}"
    );
}

#[cfg(feature = "plugins")]
#[test]
fn plugins() {
    let (place, _socket) = place();
    for (name, kind) in SPECIAL {
        let text = format!(
            "version: 1\nstages:\n  import: {{ uses: import, with: {{ files: data/*.jsonl }} }}\n  score: {{ uses: ./{name}.wasm, from: import }}\n"
        );
        place.write("plugin.yaml", text);
        symlink(name, place.path(&format!("{name}.wasm"))).unwrap();
        refused(&place, &["check", "plugin.yaml"], kind);
        for command in ["inspect", "test", "bench"] {
            refused(&place, &["plugin", command, name], kind);
        }
    }
}

#[test]
fn files_of_a_store() {
    let (place, _socket) = place();
    place.run();
    let files: Vec<String> = place.files(".sternlight").into_keys().collect();
    // One of each folder and kind.
    let mut seen = std::collections::BTreeSet::new();
    for file in files {
        let (folder, name) = file.rsplit_once('/').unwrap_or(("", &file));
        let kind = (
            folder.split('/').next().unwrap_or_default().to_owned(),
            name.rsplit_once('.').map(|(_, kind)| kind.to_owned()),
        );
        if !seen.insert(kind) {
            continue;
        }
        let path = place.path(&format!(".sternlight/{file}"));
        let aside = place.path("aside");
        std::fs::rename(&path, &aside).unwrap();
        assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
        for arguments in [
            &["show", "last", "advantage"][..],
            &["runs"],
            &["verify", "last"],
            &["plan", "pipeline.yaml"],
            &["gc"],
            &["diff", "last", "last"],
        ] {
            let mut child = place
                .command(arguments)
                .stdout(std::process::Stdio::null())
                .stderr(std::process::Stdio::null())
                .spawn()
                .unwrap();
            let started = Instant::now();
            while child.try_wait().unwrap().is_none() {
                if started.elapsed() > Duration::from_secs(20) {
                    child.kill().unwrap();
                    panic!("{arguments:?} waits for {file}");
                }
                std::thread::sleep(Duration::from_millis(5));
            }
        }
        std::fs::rename(&aside, &path).unwrap();
    }
}
