//! Guests that use what they are granted: they get that, and nothing else.

use std::fs;
use std::io::Write as _;
use std::net::TcpListener;
use std::thread;
use std::time::{Duration, Instant};

use arrow::array::AsArray as _;
use arrow::datatypes::Float32Type;
use sternlight_engine::stage::{Built, Context, Output, PluginGrants, PluginLimits, TaskContext, Work};
use sternlight_engine::store::Store;

use super::guest::{Host, batch, component, granted_directory};

const TIME: Duration = Duration::from_millis(500);

fn limits() -> PluginLimits {
    PluginLimits { memory: Some(16 << 20), call_time: Some(TIME) }
}

/// Puts a guest at its place, with texts put in.
fn place(host: &Host, name: &str, texts: &[(&str, &str)]) {
    let mut text = fs::read_to_string(granted_directory().join(format!("{name}.wat"))).unwrap();
    for (marker, value) in texts {
        text = text.replace(&format!("{{{marker}}}"), value);
    }
    host.write("guest.wasm", &component("granted", "work", &text));
}

fn load(host: &Host, allow: &PluginGrants) -> Built {
    host.load_with("{}", None, limits(), allow).unwrap_or_else(|problems| panic!("{problems:?}"))
}

/// What the guest gives to trajectories, and what is said about it.
fn work_on(built: &Built, turns: &[usize]) -> (Result<f32, String>, Vec<String>) {
    let Work::Transform(transform) = built.stage.work() else { panic!("a plugin is a transform") };
    let mut context = Context::default();
    let mut shard = transform.begin(&TaskContext::alone()).unwrap();
    let number = match shard.apply(&batch(turns), &mut context) {
        Ok(Output::Columns(columns)) => Ok(columns[0].as_primitive::<Float32Type>().value(0)),
        Ok(other) => panic!("a reward gives columns, not {other:?}"),
        Err(error) => Err(format!("{error}; {}", error.help.clone().unwrap_or_default())),
    };
    (number, context.warnings)
}

fn work(host: &Host, allow: &PluginGrants) -> (Result<f32, String>, Vec<String>) {
    work_on(&load(host, allow), &[1])
}

fn number(host: &Host, allow: &PluginGrants) -> f32 {
    work(host, allow).0.unwrap()
}

fn clock() -> PluginGrants {
    PluginGrants { clock: true, ..PluginGrants::default() }
}

fn random() -> PluginGrants {
    PluginGrants { random: true, ..PluginGrants::default() }
}

fn reading(directory: &str) -> PluginGrants {
    PluginGrants { read: vec![directory.to_owned()], ..PluginGrants::default() }
}

fn writing(directory: &str) -> PluginGrants {
    PluginGrants { write: vec![directory.to_owned()], ..PluginGrants::default() }
}

fn network(port: u16) -> PluginGrants {
    PluginGrants { network: vec![format!("127.0.0.1:{port}")], ..PluginGrants::default() }
}

#[test]
fn the_clock_is_there_only_where_it_is_granted() {
    let host = Host::new();
    place(&host, "clock", &[]);
    assert_eq!(number(&host, &clock()), 1.0);
    insta::assert_snapshot!(work(&host, &random()).0.unwrap_err(), @"
    trajectory `t0`: plugin `guest` 1.0.0: it asked for the clock (`wasi:clocks/wall-clock@0.2.0#now`), which is not granted
        in number; if it may have that, write `allow: {clock: true}` into the stage
    ");
    insta::assert_snapshot!(work(&host, &PluginGrants::default()).0.unwrap_err(), @"
    trajectory `t0`: plugin `guest` 1.0.0: it asked for the clock (`wasi:clocks/wall-clock@0.2.0#now`), which is not granted
        in number; if it may have that, write `allow: {clock: true}` into the stage
    ");
}

#[test]
fn random_numbers_follow_from_the_trajectories() {
    let host = Host::new();
    place(&host, "random", &[]);
    let built = load(&host, &random());
    let first = work_on(&built, &[1, 1]).0.unwrap();
    assert_eq!(work_on(&built, &[2]).0.unwrap(), first);
    assert_eq!(number(&host.again(), &random()), first);
    // A call that begins with another trajectory.
    let Work::Transform(transform) = built.stage.work() else { panic!("a plugin is a transform") };
    let mut shard = transform.begin(&TaskContext::alone()).unwrap();
    let all = batch(&[1, 1]);
    let numbers = [0, 1].map(|row| {
        let one = sternlight_engine::trajectory::TrajectoryBatch::new(all.record_batch().slice(row, 1)).unwrap();
        let Ok(Output::Columns(columns)) = shard.apply(&one, &mut Context::default()) else { panic!() };
        columns[0].as_primitive::<Float32Type>().value(0)
    });
    assert_eq!(numbers[0], first);
    assert_ne!(numbers[1], first);
    // A shard of which a filter left nothing.
    assert!(shard.apply(&batch(&[]), &mut Context::default()).is_ok());
    assert!(built.options.contains(r#""seed":[7,"score"]"#), "{}", built.options);
    assert!(built.stage.not_reproducible().is_empty());
    insta::assert_snapshot!(work(&host, &clock()).0.unwrap_err(), @"
    trajectory `t0`: plugin `guest` 1.0.0: it asked for random numbers (`wasi:random/random@0.2.0#get-random-u64`), which is not granted
        in number; if it may have that, write `allow: {random: true}` into the stage
    ");
}

#[test]
fn files_are_read_within_the_grant_and_nowhere_else() {
    let host = Host::new();
    for directory in ["data/below", "data-2"] {
        fs::create_dir_all(host.path(directory)).unwrap();
    }
    for (name, text) in [("data/a.txt", "12345"), ("data/below/b.txt", "123"), ("secret.txt", "1"), ("data-2/c", "1")] {
        host.write(name, text.as_bytes());
    }
    #[cfg(unix)]
    for (link, target) in [("data/out", "../secret.txt"), ("data/absolute", "/etc/passwd"), ("data/in", "below/b.txt")]
    {
        std::os::unix::fs::symlink(target, host.path(link)).unwrap();
    }
    let read = |path: &str| {
        place(&host, "read", &[("path", path), ("length", &path.len().to_string())]);
        number(&host, &reading("data"))
    };
    assert_eq!(["a.txt", "below/b.txt", "below/../a.txt"].map(read), [5.0, 3.0, 5.0]);
    let is_refused = |path: &str| assert!(read(path) < 0.0, "{path}");
    ["../secret.txt", "below/../../secret.txt", "/etc/passwd", "nothing", "../data-2/c"]
        .iter()
        .copied()
        .for_each(is_refused);
    #[cfg(unix)]
    {
        assert_eq!(read("in"), 3.0);
        ["out", "absolute"].iter().copied().for_each(is_refused);
    }
    // What is read is part of the key.
    let digests =
        || load(&host, &reading("data")).stage.files().into_iter().map(|file| file.digest).collect::<Vec<_>>();
    let before = digests();
    assert_eq!((before.len(), digests()), (2, before.clone()));
    host.write("data/below/b.txt", b"124");
    assert_ne!(digests(), before);
    insta::assert_snapshot!(work(&host, &clock()).0.unwrap_err(), @"
    trajectory `t0`: plugin `guest` 1.0.0: it asked for files (`wasi:filesystem/preopens@0.2.0#get-directories`), which is not granted
        in open
        in number; if it may have that, write `allow: {read: [DIRECTORY]}` into the stage
    ");
}

#[test]
fn a_store_in_a_granted_directory_is_no_part_of_what_is_granted() {
    let host = Host::new();
    for directory in ["data/other", "data/.store"] {
        fs::create_dir_all(host.path(directory)).unwrap();
    }
    host.write("data/a.txt", b"12345");
    Store::open(&host.path("data/.store")).unwrap();
    fs::create_dir(host.path("data/.store/data")).unwrap();
    host.write("data/.store/data/b.txt", b"123");
    // What only has one of its names is none.
    host.write("data/other/format", b"1");
    host.write("data/other/b.txt", b"123");
    #[cfg(unix)]
    std::os::unix::fs::symlink(".store/data", host.path("data/way")).unwrap();
    let tried = |guest: &str, path: &str, allow: &PluginGrants| {
        place(&host, guest, &[("path", path), ("length", &path.len().to_string())]);
        number(&host, allow)
    };
    assert_eq!(["a.txt", "other/b.txt"].map(|path| tried("read", path, &reading("data"))), [5.0, 3.0]);
    for path in [".store/data/b.txt", "./other/../.store/format", "way/b.txt", ".store/nothing"] {
        assert!(tried("read", path, &reading("data")) < 0.0, "{path}");
        assert!(tried("write", path, &writing("data")) < 0.0, "{path}");
    }
    assert_eq!(fs::read(host.path("data/.store/format")).unwrap(), b"1");
    assert!(!host.path("data/.store/nothing").exists());
    // It changes with every run, and keys do not.
    let files = || load(&host, &reading("data")).stage.files();
    let before = files();
    host.write("data/.store/data/b.txt", b"124");
    assert_eq!(files(), before);
}

#[test]
fn what_may_be_read_must_stay_as_it_was() {
    let host = Host::new();
    host.write("guest.wasm", &component("granted", "", ""));
    fs::create_dir(host.path("rules")).unwrap();
    host.write("rules/one.txt", b"1");
    let built = load(&host, &reading("rules"));
    assert!(built.stage.unchanged().is_ok());
    host.write("rules/two.txt", b"2");
    let error = built.stage.unchanged().unwrap_err();
    insta::assert_snapshot!(format!("{error}; {}", error.help.as_deref().unwrap()), @"what lies in `rules`, which the plugin may read, changed since the pipeline was loaded; run again; what was computed meanwhile is not kept");
    assert!(load(&host, &reading("rules")).stage.unchanged().is_ok());
    fs::create_dir(host.path("rules/cache")).unwrap();
    let both = PluginGrants {
        read: vec!["rules".to_owned()],
        write: vec!["rules/cache".to_owned()],
        ..PluginGrants::default()
    };
    let problems = host.load_with("{}", None, limits(), &both).err().unwrap();
    let path: Vec<String> = problems[0].path.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(format!("{}: {}", path.join("."), problems[0].message), @"allow.write.0: `rules/cache` can be written and `rules` read, and one lies within the other");
    // What it may write changes by its own doing.
    let built = load(&host, &writing("rules"));
    host.write("rules/two.txt", b"3");
    assert!(built.stage.unchanged().is_ok());
}

#[test]
fn files_are_written_only_where_that_is_granted() {
    let host = Host::new();
    fs::create_dir(host.path("out")).unwrap();
    host.write("out/old", b"old");
    let write = |path: &str, allow: &PluginGrants| {
        place(&host, "write", &[("path", path), ("length", &path.len().to_string())]);
        number(&host, allow)
    };
    assert!(write("new", &reading("out")) < 0.0 && write("old", &reading("out")) < 0.0);
    assert_eq!(fs::read(host.path("out/old")).unwrap(), b"old");
    assert!(!host.path("out/new").exists());
    assert_eq!(write("made", &writing("out")), 4.0);
    assert_eq!(fs::read(host.path("out/made")).unwrap(), b"made");
    assert!(write("../made", &writing("out")) < 0.0);
    assert!(!host.path("made").exists());
    assert_eq!(load(&host, &writing("out")).stage.not_reproducible(), ["write"]);
}

#[test]
fn environment_variables_are_those_that_are_named() {
    let host = Host::new();
    place(&host, "environment", &[]);
    let name = "PATH";
    let value = std::env::var(name).unwrap();
    let allow = PluginGrants { env: vec![name.to_owned()], ..PluginGrants::default() };
    assert_eq!(number(&host, &allow), 100.0 + value.len() as f32);
    assert_eq!(number(&host, &clock()), 0.0);
    let built = load(&host, &allow);
    let key = format!("{} {:?}", built.options, built.stage.files());
    assert!(key.contains(name) && !key.contains(&value), "{key}");
}

#[test]
fn connections_go_where_the_grant_says() {
    let host = Host::new();
    let (granted, other) = (TcpListener::bind("127.0.0.1:0").unwrap(), TcpListener::bind("127.0.0.1:0").unwrap());
    let port = granted.local_addr().unwrap().port();
    let served = thread::spawn(move || {
        let (mut connection, _) = granted.accept().unwrap();
        connection.write_all(b"hello").unwrap();
    });
    place(&host, "connect", &[("port", &port.to_string())]);
    assert_eq!(number(&host, &network(port)), 5.0);
    served.join().unwrap();
    let denied = other.local_addr().unwrap().port();
    place(&host, "connect", &[("port", &denied.to_string())]);
    let (number, warnings) = work(&host, &network(port));
    let warnings = warnings.join("\n").replace(&denied.to_string(), "PORT");
    // `access-denied`.
    assert_eq!(number, Ok(-2.0));
    insta::assert_snapshot!(warnings, @"plugin `guest`: it tried to connect to 127.0.0.1:PORT, which `allow: {network: […]}` does not name");
    other.set_nonblocking(true).unwrap();
    assert!(other.accept().is_err(), "nobody came");
    insta::assert_snapshot!(work(&host, &clock()).0.unwrap_err(), @"
    trajectory `t0`: plugin `guest` 1.0.0: it asked for the network (`wasi:sockets/tcp-create-socket@0.2.0#create-tcp-socket`), which is not granted
        in number; if it may have that, write `allow: {network: ['HOST:PORT']}` into the stage
    ");
    assert_eq!(load(&host, &network(port)).stage.not_reproducible(), ["network"]);
}

#[test]
fn names_are_looked_up_for_granted_hosts_alone() {
    let host = Host::new();
    let lookup = |name: &str| {
        place(&host, "lookup", &[("path", name), ("length", &name.len().to_string())]);
        let allow = PluginGrants { network: vec!["localhost:80".to_owned()], ..PluginGrants::default() };
        work(&host, &allow)
    };
    assert!(lookup("localhost").0.unwrap() >= 1.0);
    let (number, warnings) = lookup("secret.example.com");
    assert_eq!(number, Ok(-2.0));
    insta::assert_snapshot!(warnings.join("\n"), @"plugin `guest`: it asked for the address of `secret.example.com`, which `allow: {network: […]}` does not name");
}

/// What was refused may be why a call failed.
#[test]
fn what_was_tried_in_vain_is_told_with_the_error() {
    let host = Host::new();
    let said = |how: &str| {
        place(&host, "give-up", &[("path", "other"), ("length", "5"), ("how", how)]);
        work(&host, &network(80)).0.unwrap_err()
    };
    insta::assert_snapshot!(said("(unreachable)"), @"
    trajectory `t0`: plugin `guest` 1.0.0: it trapped: it reached code that it takes for unreachable, as after a panic
        before that, it asked for the address of `other`, which `allow: {network: […]}` does not name;
    ");
    insta::assert_snapshot!(said(""), @"
    trajectory `t0`: plugin `guest` 1.0.0: no judge
        before that, it asked for the address of `other`, which `allow: {network: […]}` does not name;
    ");
}

#[test]
fn there_are_no_datagrams() {
    let host = Host::new();
    place(&host, "udp", &[]);
    insta::assert_snapshot!(work(&host, &network(80)).0.unwrap_err(), @"
    trajectory `t0`: plugin `guest` 1.0.0: it asked for the network (`wasi:sockets/udp-create-socket@0.2.0#create-udp-socket`), which is not granted
        in number; plugins cannot be granted that
    ");
}

/// The deadline of a call ends waiting as well.
#[test]
fn nobody_waits_longer_than_a_call_may_take() {
    let host = Host::new();
    place(&host, "sleep", &[]);
    let started = Instant::now();
    insta::assert_snapshot!(work(&host, &clock()).0.unwrap_err(), @"
    trajectory `t0`: plugin `guest` 1.0.0: a call took longer than its limit of 500ms
        in number; mend the plugin, or raise `limits: {call_time}` of the stage
    ");
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    place(&host, "connect", &[("port", &port.to_string())]);
    insta::assert_snapshot!(work(&host, &network(port)).0.unwrap_err(), @"
    trajectory `t0`: plugin `guest` 1.0.0: a call took longer than its limit of 500ms
        in number; mend the plugin, or raise `limits: {call_time}` of the stage
    ");
    assert!(started.elapsed() < 20 * TIME, "{:?}", started.elapsed());
}

#[test]
fn what_is_written_to_standard_error_explains_a_trap() {
    let host = Host::new();
    place(&host, "errors", &[]);
    insta::assert_snapshot!(work(&host, &clock()).0.unwrap_err(), @"
    trajectory `t0`: plugin `guest` 1.0.0: thread panicked
    at plugin.rs:7
        in number;
    ");
}

#[test]
fn who_ends_itself_is_told_to_have_done_so() {
    let host = Host::new();
    place(&host, "exit", &[]);
    insta::assert_snapshot!(work(&host, &clock()).0.unwrap_err(), @"
    trajectory `t0`: plugin `guest` 1.0.0: it ended itself with status 1: no such model
        in number;
    ");
}

/// Opening a pipe waits until somebody writes to it.
#[cfg(unix)]
#[test]
fn pipes_are_not_opened() {
    let host = Host::new();
    fs::create_dir(host.path("out")).unwrap();
    let pipe = host.path("out/pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    place(&host, "read", &[("path", "pipe"), ("length", "4")]);
    // Ends what waits all the same, so that this fails, and does not hang.
    thread::spawn(move || {
        thread::sleep(40 * TIME);
        fs::write(pipe, b"12345")
    });
    let (number, warnings) = work(&host, &writing("out"));
    // `not-permitted`.
    assert_eq!(number, Ok(-32.0));
    insta::assert_snapshot!(warnings.join("\n"), @"plugin `guest`: it tried to open `pipe`, which is neither file nor directory");
}

/// The process has but a thousand or so of them.
#[test]
fn who_closes_nothing_is_ended() {
    let host = Host::new();
    fs::create_dir(host.path("data")).unwrap();
    host.write("data/a.txt", b"12345");
    place(&host, "hoard", &[("path", "a.txt"), ("length", "5")]);
    insta::assert_snapshot!(work(&host, &reading("data")).0.unwrap_err(), @"
    trajectory `t0`: plugin `guest` 1.0.0: it wants to have more than 64 files, connections and streams open at a time
        in open
        in number; let it close what it has read and written, and drop its connections and streams
    ");
    place(&host, "read", &[("path", "a.txt"), ("length", "5")]);
    assert_eq!(number(&host, &reading("data")), 5.0);
}

#[test]
fn what_cannot_be_granted_has_its_place() {
    let host = Host::new();
    place(&host, "clock", &[]);
    host.write("file", b"");
    let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    let allow = PluginGrants {
        read: texts(&["nowhere", "file", "../up", ""]),
        write: texts(&["."]),
        env: texts(&["NOT_SET_ANYWHERE", "A=B"]),
        network: texts(&["localhost", "http://a:80", "a:0"]),
        clock: true,
        random: true,
    };
    let problems = host.load_with("{}", None, limits(), &allow).err().unwrap();
    let told = problems.iter().map(|problem| {
        let path: Vec<String> = problem.path.iter().map(ToString::to_string).collect();
        let help = problem.help.as_deref().unwrap_or_default();
        let help = help.replace(host.path("").to_str().unwrap(), "HERE/");
        format!("{}: {} ({help})", path.join("."), problem.message)
    });
    insta::assert_snapshot!(told.collect::<Vec<_>>().join("\n"), @"
    allow.read.0: `nowhere` is not there (paths begin at the pipeline's own directory: `HERE/nowhere`)
    allow.read.1: `file` is no directory (paths begin at the pipeline's own directory: `HERE/file`)
    allow.read.2: expected a directory below the pipeline's own, or an absolute one, found `../up` ()
    allow.read.3: expected a directory below the pipeline's own, or an absolute one, found `` ()
    allow.env.0: the environment variable `NOT_SET_ANYWHERE` is not set ()
    allow.env.1: `A=B` is no name of an environment variable ()
    allow.network.0: expected `host:port`, found `localhost` (as in `localhost:8080`)
    allow.network.1: expected `host:port`, found `http://a:80` (as in `localhost:8080`)
    allow.network.2: expected `host:port`, found `a:0` (as in `localhost:8080`)
    ");
}
