//! What other programs' words for how a run ended mean. Not concerned with where they stand.

use sternlight_engine::trajectory::Status;

/// What a word means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// One of ours.
    Plain(Status),
    /// The task was not solved: the policy's own doing, unless an error says otherwise.
    Unsolved,
}

/// The run came to its end, however good that was.
const DONE: [&str; 23] = [
    "agentstop",
    "complete",
    "completed",
    "correct",
    "done",
    "end",
    "ended",
    "endturn",
    "eos",
    "finish",
    "finished",
    "ok",
    "okay",
    "pass",
    "passed",
    "resolved",
    "solved",
    "stop",
    "submitted",
    "succeeded",
    "success",
    "successful",
    "userstop",
];

/// The run came to its end, and what was asked for was not there.
const UNSOLVED: [&str; 8] = ["fail", "failure", "incorrect", "lost", "unresolved", "unsolved", "unsuccessful", "wrong"];

/// The policy used up what it was given, or did what ends a run: that is its own doing.
const TRUNCATED: [&str; 38] = [
    "agenterror",
    "budgetexceeded",
    "contextlengthexceeded",
    "contextlimit",
    "contextwindowexceeded",
    "costlimit",
    "costlimitexceeded",
    "exitcontext",
    "exitcost",
    "incomplete",
    "iterationlimit",
    "length",
    "lengthlimit",
    "limit",
    "limitreached",
    "maxiterations",
    "maxiterationsreached",
    "maxlength",
    "maxsteps",
    "maxstepsexceeded",
    "maxstepsreached",
    "maxtokens",
    "maxturns",
    "maxturnsexceeded",
    "maxturnsreached",
    "messagelimit",
    "outofsteps",
    "outofturns",
    "steplimit",
    "steplimitexceeded",
    "steplimitreached",
    "tokenlimit",
    "tokenlimitexceeded",
    "toomanyerrors",
    "toomanysteps",
    "truncated",
    "turnlimit",
    "turnlimitexceeded",
];

/// Something beside the policy broke, or somebody ended the run.
const FAILED: [&str; 49] = [
    "abort",
    "aborted",
    "apiconnectionerror",
    "apierror",
    "apitimeout",
    "canceled",
    "cancelled",
    "connectionerror",
    "crash",
    "crashed",
    "died",
    "enverror",
    "environmenterror",
    "error",
    "errored",
    "exception",
    "exiterror",
    "failed",
    "fatal",
    "fatalerror",
    "infraerror",
    "infrastructureerror",
    "infrastructurefailure",
    "internalerror",
    "internalservererror",
    "interrupted",
    "killed",
    "networkerror",
    "oom",
    "outofmemory",
    "preempted",
    "ratelimit",
    "ratelimited",
    "ratelimiterror",
    "ratelimitexceeded",
    "runtimeerror",
    "sandboxerror",
    "servererror",
    "setuperror",
    "setupfailed",
    "systemerror",
    "terminatedbyuser",
    "testtimeout",
    "timedout",
    "timeout",
    "timeouterror",
    "toolerror",
    "unexpectederror",
    "usererror",
];

/// Bytes of the longest text that may be such a word behind the name of a type.
const LONGEST: usize = 256;

/// The meaning of a word, whatever its case, with or without `-`, `_` and spaces, and behind the name of a type
/// (`RunStatus.COMPLETED`); `None` if it is not known.
pub(super) fn ending(word: &str) -> Option<Ending> {
    match word {
        "done" => return Some(Ending::Plain(Status::Done)),
        "truncated" => return Some(Ending::Plain(Status::Truncated)),
        "failed" => return Some(Ending::Plain(Status::Failed)),
        long if long.len() > LONGEST => return None,
        _ => {}
    }
    let folded = |word: &str| -> String {
        let letters = word.chars().filter(|character| !matches!(character, '-' | '_' | ' '));
        letters.flat_map(char::to_lowercase).collect()
    };
    let known = |word: &str| {
        let tables: [(&[&str], Ending); 4] = [
            (&DONE, Ending::Plain(Status::Done)),
            (&UNSOLVED, Ending::Unsolved),
            (&TRUNCATED, Ending::Plain(Status::Truncated)),
            (&FAILED, Ending::Plain(Status::Failed)),
        ];
        tables.into_iter().find(|(words, _)| words.binary_search(&word).is_ok()).map(|(_, ending)| ending)
    };
    let word = folded(word.trim());
    known(&word).or_else(|| known(word.rsplit_once('.')?.1))
}

impl Ending {
    /// The status, given whether an error was recorded beside it.
    pub(super) fn status(self, has_error: bool) -> Status {
        match self {
            Self::Plain(status) => status,
            Self::Unsolved if has_error => Status::Failed,
            Self::Unsolved => Status::Done,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn words_are_known_in_any_spelling() {
        for word in ["completed", "COMPLETED", "Agent Stop", "agent-stop", "RunStatus.SUCCESS", " ok "] {
            assert_eq!(ending(word), Some(Ending::Plain(Status::Done)), "{word}");
        }
        for word in ["max_steps", "maxTurnsExceeded", "context_length_exceeded", "LENGTH"] {
            assert_eq!(ending(word), Some(Ending::Plain(Status::Truncated)), "{word}");
        }
        for word in
            ["error", "Crashed", "timed-out", "time out", "cancelled", "canceled", "infrastructure_error", "OOM"]
        {
            assert_eq!(ending(word), Some(Ending::Plain(Status::Failed)), "{word}");
        }
        for word in ["", "running", "7", "a.b.", "it failed"] {
            assert_eq!(ending(word), None, "{word}");
        }
        let unsolved = ending("Failure").unwrap();
        assert_eq!((unsolved.status(false), unsolved.status(true)), (Status::Done, Status::Failed));
    }

    /// Looked up by halves, so in order, and each has one meaning; the documentation lists all of them.
    #[test]
    fn words_are_sorted_and_documented() {
        let tables: [&[&str]; 4] = [&DONE, &UNSOLVED, &TRUNCATED, &FAILED];
        let all: BTreeSet<&str> = tables.into_iter().flatten().copied().collect();
        assert_eq!(all.len(), tables.iter().map(|words| words.len()).sum::<usize>());
        assert!(tables.iter().all(|words| words.is_sorted()));
        let documentation = include_str!("import.md");
        let documented: String = documentation.chars().filter(|character| *character != '_').collect();
        for word in all {
            assert!(documented.contains(&format!("`{word}`")), "`{word}` is not documented");
        }
    }
}
