//! The command lines that a call hands to a shell: which programs they start, and whether all of them only show
//! something. Not a parser of shells: quotes are seen, substitutions are not.

use serde_json::{Map, Value};

use crate::reflect::rule_set::RuleSet;

/// Names of arguments that hold a command line.
const KEYS: [&str; 19] = [
    "command",
    "cmd",
    "script",
    "commands",
    "input",
    "keys",
    "keystrokes",
    "bash_command",
    "line",
    "command_line",
    "cmdline",
    "bash",
    "shell",
    "shell_command",
    "text",
    "data",
    "chars",
    "argv",
    "args",
];

/// The command line of these arguments.
pub(super) fn line(arguments: &Map<String, Value>) -> Option<&str> {
    KEYS.iter().find_map(|key| match arguments.get(*key)? {
        Value::String(line) => Some(line.as_str()),
        // `["bash", "-lc", "make"]`: the script is last; `["ls", "-l"]` begins with its program.
        Value::Array(words) => {
            let scripted =
                words.iter().any(|word| word.as_str().is_some_and(|word| word.starts_with('-') && word.ends_with('c')));
            if scripted { words.last() } else { words.first() }.and_then(Value::as_str)
        }
        _ => None,
    })
}

/// The commands of a line, as the words that each begins with: its program and what follows.
pub(super) fn commands(line: &str) -> impl Iterator<Item = Vec<&str>> {
    segments(line)
        .into_iter()
        .map(|segment| {
            let words = segment.split_whitespace();
            let skipped = |word: &&str| {
                matches!(
                    *word,
                    "sudo"
                        | "time"
                        | "env"
                        | "command"
                        | "exec"
                        | "nohup"
                        | "then"
                        | "do"
                        | "else"
                        | "if"
                        | "("
                        | "{"
                        | "!"
                ) || word.split_once('=').is_some_and(|(name, _)| {
                    !name.is_empty() && name.chars().all(|sign| sign.is_ascii_alphanumeric() || sign == '_')
                })
            };
            words.skip_while(skipped).take(4).collect::<Vec<_>>()
        })
        .filter(|words| !words.is_empty())
}

/// The name of a program without its directory.
pub(super) fn program(word: &str) -> &str {
    word.rsplit(['/', '\\']).next().unwrap_or(word).trim_matches(['"', '\'', '(', ')', '$'])
}

/// Whether every command of the line only shows something: files, logs, states, hits.
pub(super) fn only_shows(line: &str, rules: &RuleSet) -> bool {
    let mut shows = false;
    for words in commands(line) {
        let (name, rest) = (program(words[0]), &words[1..]);
        if matches!(name, "cd" | "set" | "export" | "sleep" | "true" | "pushd" | "popd" | "clear") {
            continue;
        }
        // `gh pr view`: a program and its first words, without options.
        let is_listed = |known: &String| {
            let mut listed = known.split(' ');
            let mut called = rest.iter().filter(|word| !word.starts_with('-'));
            listed.next() == Some(name) && listed.all(|word| called.next() == Some(&word))
        };
        let known = rules.reading_commands.iter().any(is_listed)
            || rest.iter().any(|word| matches!(*word, "--help" | "--version"));
        if !known {
            return false;
        }
        shows = true;
    }
    shows
}

/// The line cut at the signs between commands, but not within quotes.
fn segments(line: &str) -> Vec<&str> {
    let mut segments = Vec::new();
    let (mut quote, mut start) = (None, 0);
    let mut before = ' ';
    for (at, sign) in line.char_indices() {
        match quote {
            Some(open) if sign == open => quote = None,
            Some(_) => {}
            None if matches!(sign, '"' | '\'') && before != '\\' => quote = Some(sign),
            None if matches!(sign, '|' | ';' | '\n') || (sign == '&' && before == '&') => {
                segments.push(line[start..at].trim_end_matches('&'));
                start = at + sign.len_utf8();
            }
            None => {}
        }
        before = sign;
    }
    segments.push(&line[start..]);
    segments
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(json: &str) -> Map<String, Value> {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn the_command_line_is_found_in_either_shape() {
        assert_eq!(line(&arguments(r#"{"cmd": "ls"}"#)), Some("ls"));
        assert_eq!(line(&arguments(r#"{"command": ["bash", "-lc", "make all"]}"#)), Some("make all"));
        assert_eq!(line(&arguments(r#"{"command": ["ls", "-l"]}"#)), Some("ls"));
        assert_eq!(line(&arguments(r#"{"path": "a"}"#)), None);
    }

    #[test]
    fn only_commands_that_show_something_are_reading() {
        let rules = RuleSet::built_in();
        for shows in [
            "cat a.log",
            "cd /srv && grep -rn 'a | b; rm' . | head -3",
            "LANG=C sudo tail -f /var/log/syslog",
            "git log --oneline -4",
            "git --no-pager show HEAD",
            "/usr/bin/docker logs web",
            "make --help",
            "gh pr view 3",
            "docker compose logs web",
        ] {
            assert!(only_shows(shows, &rules), "{shows}");
        }
        for acts in
            ["make", "git push", "cat a && rm a", "grep a b || make", "cd /srv", "", "docker run a", "gh pr create"]
        {
            assert!(!only_shows(acts, &rules), "{acts}");
        }
    }
}
