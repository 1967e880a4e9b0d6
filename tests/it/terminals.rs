//! What others wrote reaches no terminal as something that it obeys: not in what any command says, and not in an error. In a
//! pipe it reads the same, and is whole.

use proptest::prelude::*;
use regex::Regex;
use serde_json::json;
use sternlight_engine::printable::is_hidden;

use super::harness::{Workplace, json_lines};

/// Titles, a clipboard, a cleared screen, controls of one byte, a line that runs backwards, what is not seen; and in the end
/// something that a terminal would wait for the end of.
const HOSTILE: &str = "x\u{1b}]0;title\u{7}\u{1b}]52;c;cm0=\u{7}\u{1b}[2J\u{1b}[31m\u{9b}2J\u{85}\u{7f}\u{8}\u{202e}\u{2066}\
                       \u{200e}\u{200b}\u{feff}\u{2028}\u{e0041}\rover\u{1b}P1\u{1b}]0;open";

/// Chats of a task, all of whose texts are one.
fn chats(text: &str, tasks: usize) -> String {
    let chat = |reward: i32| {
        let call = json!({"id": "1", "type": "function", "function": {"name": text, "arguments": "{}"}});
        let messages = json!([
            {"role": "user", "content": format!("{text} first")},
            {"role": "assistant", "content": format!("{text} did"), "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "1", "content": format!("Error: {text}\r\nsecond line {text}")},
            {"role": "assistant", "content": "answered"},
        ]);
        json!({"messages": messages, "reward": reward, "status": text, "info": {text: text}})
    };
    let lines = (0..tasks).flat_map(|task| {
        [0, 1].map(|reward| {
            let mut line = chat(reward);
            line["task_id"] = json!(format!("{text}{task}"));
            format!("{line}\n")
        })
    });
    lines.collect()
}

fn place(text: &str) -> Workplace {
    let place = Workplace::new();
    place.write("chats.jsonl", chats(text, 2));
    let pipeline = json!({
        "version": 1,
        "name": "terminals",
        "stages": {
            "import": {"uses": "import", "with": {"files": "chats.jsonl", "format": "openai-chat", "policy": text}},
            "reflect": {"uses": "reflect", "from": "import", "with": {"by": "rules"}},
            "advantage": {"uses": "advantage", "from": "reflect", "with": {"estimator": "grpo"}},
        },
    });
    place.write("pipeline.yaml", pipeline.to_string());
    place
}

/// What a command says, on stdout and stderr, as on a terminal or in a pipe; styles are taken out.
fn said(place: &Workplace, arguments: &[&str], is_terminal: bool) -> String {
    let mut command = place.command(arguments);
    if is_terminal {
        command.env("CLICOLOR_FORCE", "1");
    }
    let output = command.output().unwrap();
    let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert!(!text.contains("panicked"), "{text}");
    let styles = Regex::new("\u{1b}\\[[0-9;]*m").unwrap();
    assert!(is_terminal || !styles.is_match(&text), "{text:?}");
    styles.replace_all(&text, "").into_owned()
}

/// The id of the first trajectory that is listed.
fn first_id(place: &Workplace) -> String {
    let listed = said(place, &["show", "last", "import"], false);
    let line = listed.lines().find(|line| line.contains(" turns ")).unwrap();
    line.trim().split("  ").next().unwrap().to_owned()
}

fn assert_harmless(text: &str, arguments: &[&str]) {
    let found = text.lines().find(|line| line.contains(is_hidden));
    assert_eq!(found, None, "{arguments:?}");
}

#[test]
fn no_command_obeys_what_is_recorded() {
    let place = place(HOSTILE);
    let hostile_name = "na\u{1b}[2Jme\n.yaml";
    place.write(hostile_name, format!("version: 1\nstages:\n  a: {{ uses: \"{}\" }}\n", HOSTILE.escape_default()));
    place.write(
        "raw.yaml",
        "version: 1\nst\u{202e}ages: {}\nna\u{9b}me: é\nstages: { a: { uses: import, \u{200b}with: 1 } }\n",
    );
    assert_harmless(&said(&place, &["run", "pipeline.yaml", "-v"], true), &["run"]);
    place.write("chats.jsonl", chats(HOSTILE, 3));
    assert_harmless(&said(&place, &["run", "pipeline.yaml"], false), &["run"]);
    let id = first_id(&place);
    for arguments in [
        &["show", "last"][..],
        &["show", "last", "import"],
        &["show", "last", "advantage"],
        &["show", "last", "advantage", &id],
        &["show", "last", "advantage", "\u{1b}[2J"],
        &["show", "last", HOSTILE],
        &["show", HOSTILE],
        &["diff", "last", "last~1"],
        &["runs"],
        &["plan", "pipeline.yaml"],
        &["plan", "pipeline.yaml", "--why", "import"],
        &["plan", "pipeline.yaml", "--why", HOSTILE],
        &["verify", "last"],
        &["check", "pipeline.yaml", hostile_name, "raw.yaml", HOSTILE],
        &["run", hostile_name],
        &["stages", HOSTILE],
        &["stages", "import"],
        &["gc", "--store", HOSTILE],
        &["show", "last", "import", "--json"],
        &["show", "last", "advantage", &id, "--json"],
        &["diff", "last", "last~1", "--json"],
        &["runs", "--json"],
        &["check", "raw.yaml", hostile_name, "--json"],
        &["run", "pipeline.yaml", "--json"],
        &["run", "pipeline.yaml", "--set", HOSTILE],
        &[HOSTILE],
        &["run", &format!("--{HOSTILE}")],
    ] {
        for is_terminal in [true, false] {
            assert_harmless(&said(&place, arguments, is_terminal), arguments);
        }
    }
}

#[test]
fn texts_are_whole_in_a_pipe_and_on_a_terminal() {
    let place = place(HOSTILE);
    said(&place, &["run", "pipeline.yaml"], false);
    let id = first_id(&place);
    let piped = said(&place, &["show", "last", "advantage", &id], false);
    assert_eq!(piped, said(&place, &["show", "last", "advantage", &id], true));
    for whole in [
        r"x\u{1b}]0;title\u{7}",
        r"\u{9b}2J\u{85}\u{7f}\u{8}\u{202e}",
        r"\u{e0041}\u{d}over\u{1b}P1\u{1b}]0;open first",
        "answered",
    ] {
        assert!(piped.contains(whole), "{whole}: {piped}");
    }
    // Within its layout, what has lines keeps them, and only that.
    assert!(piped.lines().any(|line| line.starts_with("              second line x")), "{piped}");
    let output = place.command(&["show", "last", "advantage", &id, "--json"]).output().unwrap();
    let turns = &json_lines(&output.stdout)[0]["turns"];
    assert_eq!(turns[0]["observation"], json!(format!("{HOSTILE} first")));
}

#[test]
fn colours_are_our_own() {
    let place = place("\u{1b}[31mred\u{1b}[0m");
    said(&place, &["run", "pipeline.yaml"], false);
    let shown = place.command(&["show", "last"]).env("CLICOLOR_FORCE", "1").output().unwrap();
    let shown = String::from_utf8(shown.stdout).unwrap();
    assert!(shown.contains("\u{1b}[1m") && !shown.contains("\u{1b}[31mred"), "{shown:?}");
    let wrong = place.command(&["check", "nowhere.yaml"]).env("CLICOLOR_FORCE", "1").output().unwrap();
    assert!(String::from_utf8(wrong.stderr).unwrap().starts_with("\u{1b}[1m\u{1b}[31merror: "));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn whatever_is_recorded_is_shown_harmlessly(text in "[\\x01-\\x1f\\x7f-\\x9fa\u{ad}\u{200b}-\u{200f}\u{2028}-\u{202e}\u{2060}-\u{206f}]{1,24}") {
        let place = place(&format!("a{text}"));
        assert_harmless(&said(&place, &["run", "pipeline.yaml"], true), &["run"]);
        let id = first_id(&place);
        for arguments in [&["show", "last", "import"][..], &["show", "last", "advantage", &id], &["show", "last", "import", &id, "--json"]] {
            let shown = said(&place, arguments, true);
            assert_harmless(&shown, arguments);
            prop_assert!(arguments.len() == 3 || shown.contains("answered"), "{}", shown);
        }
    }
}
