//! How a short answer sounds. Who acts answers with what was done; a sentence that speaks of a lack, a limit or a fault
//! instead says that it was not. Words are weak evidence: only tools whose names say that they act are heard so.

use std::sync::LazyLock;

use regex::Regex;

use super::deed::tells_deed;
use crate::pattern::in_ascii;

/// How long a sentence may be to be one's own.
const LONGEST: usize = 240;

/// Words of faults: of programs and databases as well.
const FAULTS: &str = r"fail(?:s|ed|ure|ing)?|errors?|exceptions?|invalid|illegal|malformed|corrupt(?:ed)?|broken|unclosed|unterminated|unbalanced|rolled back|cannot|can.t|couldn.t|unable|denied|refused|rejected|declined|forbidden|missing|mismatch(?:ed|es)?|conflict(?:s|ing)?|ambiguous|unknown|unexpected(?:ly)?|unsupported|unavailable|unreachable|unrecogni[sz]ed|undefined|undeclared|unresolved|unauthori[sz]ed|expired|exceed(?:s|ed)?|insufficient|overflow|time-?out|timed out|readonly|read-only|aborted|crashed|duplicate|violat(?:es|ed|ion)|locked";
/// Words of lacks and limits, of those who act.
const LACKS: &str = r"not|\w+n.t|never|no|none|nothing|nobody|neither|without|blocked|already|busy|full|closed|gone|taken|exists|overdue|cancell?ed|lost|wrong|bad|incorrect|stale|required|requires|must|only|unless|too|instead|else|another|empty|late|limit|maximum|minimum|offline|disabled|suspended|frozen|stuck|jammed|held|pending|lower|below|above|outside|hidden|stopped|obstacle|collision";

fn words(list: &str) -> Option<Regex> {
    Regex::new(&in_ascii(&format!(r"(?i)\b(?:{list})\b"))).ok()
}

static FAULT: LazyLock<Option<Regex>> = LazyLock::new(|| words(FAULTS));
static LACK: LazyLock<Option<Regex>> = LazyLock::new(|| words(&format!("{FAULTS}|{LACKS}")));

/// First words of names of tools that act on something.
const ACTS: &[&str] = &[
    "accept",
    "activate",
    "add",
    "adjust",
    "allocate",
    "apply",
    "approve",
    "archive",
    "arm",
    "assign",
    "attach",
    "authorize",
    "block",
    "book",
    "buy",
    "call",
    "cancel",
    "change",
    "charge",
    "claim",
    "close",
    "commit",
    "confirm",
    "connect",
    "convert",
    "copy",
    "create",
    "deactivate",
    "delete",
    "deliver",
    "deploy",
    "detach",
    "dial",
    "disable",
    "disconnect",
    "dispatch",
    "dispense",
    "download",
    "drive",
    "drop",
    "enable",
    "enroll",
    "exchange",
    "export",
    "extend",
    "feed",
    "fill",
    "fly",
    "forward",
    "grant",
    "grasp",
    "hire",
    "hold",
    "import",
    "increase",
    "install",
    "invite",
    "issue",
    "join",
    "launch",
    "leave",
    "lend",
    "lift",
    "link",
    "load",
    "lock",
    "login",
    "logout",
    "lower",
    "mail",
    "make",
    "mark",
    "merge",
    "modify",
    "mount",
    "notify",
    "occupy",
    "offer",
    "open",
    "order",
    "park",
    "pause",
    "pay",
    "pick",
    "place",
    "play",
    "post",
    "press",
    "process",
    "promote",
    "publish",
    "pull",
    "purchase",
    "push",
    "put",
    "raise",
    "rebook",
    "recharge",
    "redeem",
    "refuel",
    "refund",
    "register",
    "release",
    "remove",
    "rename",
    "renew",
    "rent",
    "replace",
    "reply",
    "request",
    "reschedule",
    "reserve",
    "reset",
    "resize",
    "restart",
    "restore",
    "resume",
    "return",
    "revoke",
    "rotate",
    "save",
    "schedule",
    "seal",
    "send",
    "set",
    "share",
    "ship",
    "sign",
    "spray",
    "start",
    "stop",
    "submit",
    "subscribe",
    "switch",
    "take",
    "toggle",
    "transfer",
    "turn",
    "unlock",
    "unsubscribe",
    "update",
    "upgrade",
    "upload",
    "use",
    "waive",
    "water",
];

/// First words of names of tools that do not.
const LOOKS: &[&str] = &["get", "list", "find", "search", "show", "read", "view", "fetch", "lookup", "query", "count"];

/// Whether a name has a verb of those that act.
pub(super) fn acts(name: &str) -> bool {
    let last = name.rsplit("__").next().unwrap_or(name);
    let words = last.split(|sign: char| !sign.is_alphanumeric());
    let verb = |word: &str| {
        let end = word.char_indices().skip(1).find(|(_, sign)| sign.is_uppercase()).map_or(word.len(), |(at, _)| at);
        word[..end].to_lowercase()
    };
    // `orders_cancel` acts, `get_order` does not.
    let mut verbs = words.map(verb);
    let Some(first) = verbs.next() else { return false };
    ACTS.contains(&first.as_str())
        || !LOOKS.contains(&first.as_str()) && verbs.any(|verb| ACTS.contains(&verb.as_str()))
}

fn sounds(line: &str, words: &LazyLock<Option<Regex>>) -> bool {
    let first = line.split(". ").next().unwrap_or_default().split(" (").next().unwrap_or_default();
    // `Now playing: Error`: what follows is a name.
    let first = first.split_once(": ").map_or(first, |(head, _)| if head.contains(' ') { head } else { first });
    // `errors, failed_jobs`: names; `{"error": …}`: data.
    let is_list = first.split(", ").count() > 1 && first.split(", ").all(|name| !name.contains(' '));
    if is_list || line.contains(['{', '|', '\t']) || counts(line) {
        return false;
    }
    // A value that is shown.
    if line.len() > 1 && line.starts_with(['"', '\'']) && line.ends_with(['"', '\'']) {
        return false;
    }
    if ["SELECT ", "INSERT ", "UPDATE ", "DELETE ", "WITH ", "CREATE "].iter().any(|word| line.starts_with(word)) {
        return false;
    }
    let begins = line.starts_with(|sign: char| sign.is_alphabetic() || matches!(sign, '\'' | '"' | '`' | '“'));
    begins
        && line.len() <= LONGEST
        && first.split_whitespace().count() > 1
        && words.as_ref().is_some_and(|words| words.is_match(first))
        && !tells_deed(line)
}

/// `Failed: 0, passed: 3`: sums, not a sentence.
fn counts(line: &str) -> bool {
    let is_digit = |sign: char| sign.is_ascii_digit();
    let mut parts = line.split([':', '=']).skip(1);
    parts.any(|rest| rest.trim_start().starts_with(is_digit)) || line.starts_with(is_digit)
}

/// Whether the answer of a tool that acts sounds as if it had not.
pub(super) fn sounds_undone(line: &str) -> bool {
    sounds(line, &LACK)
}

/// Whether a sentence of a program speaks of a fault.
pub(super) fn sounds_faulty(line: &str) -> bool {
    sounds(line, &FAULT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_who_acts() {
        for name in ["book_table", "cancelOrder", "crm__orders_ship", "pay"] {
            assert!(acts(name), "{name}");
        }
        for name in ["get_order", "weather", "listOrders", "payments"] {
            assert!(!acts(name), "{name}");
        }
    }

    #[test]
    fn lacks_and_limits_are_heard() {
        for line in
            ["Line busy.", "Target exists", "The lid is not on the jar", "You have 3 points; only 5 are enough."]
        {
            assert!(sounds_undone(line), "{line}");
        }
        for line in [
            "Done. Nothing else to do.",
            "Order placed. It must be paid.",
            "The lamp is on",
            "true",
            "{}",
            "Now playing: Error",
            "Failed: 0, passed: 3",
        ] {
            assert!(!sounds_undone(line), "{line}");
        }
        assert!(sounds_faulty("the image of the disk is malformed") && !sounds_faulty("the lid is full"));
    }
}
