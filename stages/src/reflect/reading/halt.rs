//! What a runner says of a run that it ended or that broke off: `Execution halted: …`, `The kernel appears to have
//! died.`, `[Process crashed: …]`. It stands before or after what the program printed.

use std::sync::LazyLock;

use regex::Regex;

use super::lines::Lines;
use crate::pattern::in_ascii;

static HALTED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let runs = "execution|kernel|interpreter|sandbox|container|process|session|program|script|command|cell|code|worker";
    let ended =
        "failed|halted|aborted|stopped|interrupted|killed|crashed|died|terminated|timed out|cancelled|restarted";
    let shapes = [
        // `Code execution failed at line …`, `[Kernel died]`, `Program was killed (out of memory)`.
        format!(
            r"(?:the |your |this )?(?:code |cell |script |program |command |python |sandbox |notebook |tool )?(?:{runs})(?: has| was| is| been| had| appears to have| seems to have)*(?: unexpectedly)? (?:{ended}|dead|gone)(?:$|[\s.:;,\](])"
        ),
        // `Timeout: code execution exceeded the limit …`, `Out of memory: …`.
        r"(?:time-?out|timed out|time limit|memory limit|out of memory|oom|cpu limit|resource limit)\b.*\b(?:exceeded|reached|killed|after|limit|stopped|mb|gb|s|seconds)\b".to_owned(),
        r"(?:execution|run|evaluation) time(?:d)? ?-?out\b".to_owned(),
    ];
    Regex::new(&in_ascii(&format!(r"(?i)^[\W_]*(?:{})", shapes.join("|")))).ok()
});

/// The first or the last line, if it says so.
pub(super) fn halted<'t>(lines: &Lines<'t>) -> Option<&'t str> {
    const LONGEST: usize = 300;
    let pattern = HALTED.as_ref()?;
    [lines.first(), lines.last()].into_iter().find(|line| line.len() <= LONGEST && pattern.is_match(line))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_runner_tells_that_a_run_broke_off() {
        for text in [
            "Code execution failed at line 'f(x)' due to: NameError: f",
            "step 1\n[Process crashed: bus error]",
            "The kernel appears to have died. It will restart automatically.",
            "Execution halted: over the limit of memory",
            "Timeout: code execution exceeded the limit of 30 seconds",
            "Script was killed (out of memory)",
        ] {
            assert!(halted(&Lines::of(text)).is_some(), "{text}");
        }
        for text in [
            "process list\nfine",
            "the program prints: execution is failed by design",
            "step 1\nprocess 4 of 9\ndone",
            "Script: killed.py",
            "The session lasted 3 days",
        ] {
            assert_eq!(halted(&Lines::of(text)), None, "{text}");
        }
    }
}
