//! Whether a short answer says that what was asked for was done, or answers a question with no, though it holds words
//! of failure: who blocks a card is told that it is blocked.

use std::sync::LazyLock;

use regex::Regex;

use super::read::Answer;
use crate::pattern::in_ascii;

/// What tells of the deed's failing.
const AGAINST: &[&str] = &[
    "not", "cannot", "can't", "couldn't", "could", "error", "already", "unable", "must", "should", "fully", "over",
    "no", "by", "else", "somebody", "someone", "another", "other",
];

/// What tools say that they have done.
const DONE: &[&str] = &[
    "accepted",
    "activated",
    "added",
    "applied",
    "approved",
    "archived",
    "assigned",
    "booked",
    "built",
    "clicked",
    "completed",
    "confirmed",
    "connected",
    "copied",
    "created",
    "deleted",
    "delivered",
    "deployed",
    "downloaded",
    "edited",
    "enabled",
    "entered",
    "exported",
    "filed",
    "forwarded",
    "generated",
    "imported",
    "inserted",
    "installed",
    "issued",
    "logged",
    "marked",
    "merged",
    "moved",
    "navigated",
    "noted",
    "opened",
    "paid",
    "paused",
    "placed",
    "posted",
    "pressed",
    "published",
    "queued",
    "recorded",
    "refunded",
    "registered",
    "removed",
    "renamed",
    "replaced",
    "reset",
    "restarted",
    "restored",
    "saved",
    "scheduled",
    "scrolled",
    "selected",
    "sent",
    "set",
    "shipped",
    "slept",
    "started",
    "stored",
    "submitted",
    "tagged",
    "transferred",
    "typed",
    "unlocked",
    "updated",
    "upgraded",
    "uploaded",
    "waited",
    "written",
    "wrote",
    "gebucht",
    "gespeichert",
    "gesendet",
    "angelegt",
    "erstellt",
    "storniert",
    "confirmé",
    "confirmée",
    "enregistré",
    "enregistrée",
    "envoyé",
    "envoyée",
    "créé",
    "créée",
    "confirmado",
    "confirmada",
    "guardado",
    "enviado",
    "creado",
    "confermato",
    "salvato",
    "inviato",
    "rolled",
    "reverted",
    "purged",
    "cleared",
    "resolved",
    "acknowledged",
    "subscribed",
    "retried",
    "played",
    "launched",
    "filled",
    "took",
    "loaded",
    "undid",
    "switched",
    "turned",
    "ok",
    "done",
    "success",
    "successful",
];

/// What follows what was done.
const AFTER: &[&str] = &[
    "",
    "it",
    "to",
    "with",
    "for",
    "from",
    "in",
    "into",
    "on",
    "at",
    "as",
    "by",
    "under",
    "and",
    "successfully",
    "now",
    "erfolgreich",
];

/// The first sentence of a line.
pub(super) fn first_sentence(line: &str) -> &str {
    let ends = [". ", "! ", "; ", "。", "！"];
    let end = ends.iter().filter_map(|end| line.find(end)).min().unwrap_or(line.len());
    &line[..end]
}

/// Whether a line begins with what was done: `Order placed. It must be paid on delivery.`
pub(super) fn tells_deed(line: &str) -> bool {
    const NEAR: usize = 7;
    let first = first_sentence(line).to_lowercase();
    let words: Vec<&str> = first.split(|sign: char| !sign.is_alphanumeric() && !matches!(sign, '\'' | '_')).collect();
    // `Roaming is on. It is limited to …`: a state, and more about it.
    let states =
        [" is on", " is off", " is now on", " is now off", " is active", " is ready", " is live", " is running"];
    if first.len() < line.trim_end_matches('.').len() && states.iter().any(|end| first.ends_with(end)) {
        return true;
    }
    let Some(at) = words.iter().take(NEAR).position(|word| DONE.contains(word)) else { return false };
    let against = |word: &&str| AGAINST.contains(word) || word.ends_with("n't") || word.starts_with("fail");
    // `to be paid`, `since it was changed`, `had not been sent`.
    let before = words[..at].iter();
    let others = [
        "be", "being", "since", "non", "else", "somebody", "someone", "nothing", "none", "never", "only", "if", "when",
        "until", "or", "cannot",
    ];
    let stands = at < 2
        || words
            .get(at + 1)
            .is_none_or(|next| AFTER.contains(next) || next.starts_with(|sign: char| sign.is_ascii_digit()));
    // `Delivered orders cannot be changed`.
    let head = first.split(": ").next().unwrap_or_default();
    let turned = words[at..]
        .iter()
        .filter(|word| head.contains(**word))
        .any(|word| ["already", "cannot", "can't", "must", "may", "not"].contains(word));
    stands && !turned && !before.clone().any(|word| against(word) || others.contains(word))
}

/// Whether the tool's own verb comes back as what was done: `reject_request` and `Request 7 rejected.`
pub(super) fn did_as_asked(line: &str, answer: &Answer<'_, '_>) -> bool {
    let Some(name) = answer.name else { return false };
    let sentence = first_sentence(line).to_lowercase();
    let words: Vec<&str> = sentence.split(|sign: char| !sign.is_alphanumeric() && sign != '\'').collect();
    if line.len() > 200 {
        return false;
    }
    let against = |word: &&str| AGAINST.contains(word) || word.starts_with("fail");
    let verbs = name.split(|sign: char| !sign.is_ascii_alphabetic()).map(str::to_lowercase);
    let verbs: Vec<String> = verbs.filter(|verb| verb.len() > 3).collect();
    let done = |verb: &String| {
        words.iter().enumerate().any(|(at, word)| {
            // `items to be exchanged` are not.
            is_participle(word, verb)
                && !words[..at].iter().any(against)
                && at.checked_sub(1).is_none_or(|before| !matches!(words[before], "be" | "being"))
        })
    };
    verbs.iter().any(done)
}

fn is_participle(word: &str, verb: &str) -> bool {
    let stem = verb.strip_suffix(['e', 'y']).unwrap_or(verb);
    match word.strip_prefix(stem) {
        Some(rest) => matches!(rest, "ed" | "ied" | "led" | "ped" | "ted" | "red" | "ned" | "d"),
        None => verb == "freeze" && word == "frozen",
    }
}

/// What says that a question was not answered, at its beginning.
static NO_ANSWER: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let shapes = [
        r"\bnot found\b|\bno such\b|\bunknown \w+|\bdoes(?:n.t| not) exist\b",
        r"\btimed out\b|\btime-?out\b|\btry again\b|\bunreachable\b|\bconnection (?:was )?(?:refused|reset|lost)\b",
        r"\b(?:could not|couldn.t|cannot|failed to|unable to) (?:be )?(?:check|checked|verify|verified|reach|connect|load|read|determine|find)\b",
        r"\b(?:check|lookup|verification|query|request) failed\b",
    ];
    Regex::new(&in_ascii(&format!("(?i){}", shapes.join("|")))).ok()
});

/// What a tool that looks something up says of itself, not of what it found.
static OWN: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let begins = "no|unknown|invalid|missing|errors?|cannot|can.t|could not|couldn.t|failed|unable|access|permission|not|\
        unauthori[sz]ed|forbidden|wrong|bad|too|unexpected|unsupported|internal|request|service|server|sorry|something|tool|usage|please";
    let says = "must be|required|requires|invalid|not (?:found|available|supported|connected|authori[sz]ed|valid)|\
        do(?:es)?(?:n.t| not) (?:exist|match)|timed out|unavailable|limit|quota|expired|expected|unexpected|\
        missing|argument|parameter|unknown|not logged in|error";
    Regex::new(&in_ascii(&format!(r"(?i)^(?:{begins})\b|^[^,;]*\b(?:{says})\b|[^\x00-\x7f]"))).ok()
});

/// Whether a line says so.
pub(super) fn is_own_fault(line: &str) -> bool {
    OWN.as_ref().is_some_and(|pattern| pattern.is_match(first_sentence(line)))
}

/// Whether a line says so: `no` is an answer, `not found` is none.
pub(super) fn is_no_answer(line: &str) -> bool {
    let clause = first_sentence(line).split(", ").next().unwrap_or_default();
    NO_ANSWER.as_ref().is_some_and(|pattern| pattern.is_match(clause))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reflect::arguments::Arguments;

    #[test]
    fn who_asked_for_it_is_told_that_it_was_done() {
        let arguments = Arguments::new(None);
        for (name, line, expected) in [
            ("reject_request", "Request 7 rejected.", true),
            ("block_card", "Card 7 is now blocked", true),
            ("freeze_account", "Account 7 is frozen", true),
            ("deny_access", "Access denied for 7.", true),
            ("disable_user", "User 7 is disabled and cannot log in", true),
            ("cancel_plan", "Plan cancelled. You will not be charged.", true),
            ("cancel_order", "Order 7 was already cancelled.", false),
            ("block_card", "Card 7 could not be blocked", false),
            ("exchange_items", "The number of items to be exchanged differs", false),
            ("book_table", "We are fully booked", false),
            ("pay", "Payment was declined", false),
        ] {
            let answer = Answer { name: Some(name), arguments: &arguments, result: line, marked_error: false };
            assert_eq!(did_as_asked(line, &answer), expected, "{line}");
        }
    }

    #[test]
    fn what_was_done_comes_first() {
        for line in [
            "Order placed. It must be paid on delivery.",
            "Email sent to ann with subject 'Error: payment failed'",
            "Saved memory: ann cannot log in",
            "Roaming is on. It is limited to 2 GB.",
            "Gebucht. Eine Stornierung ist nicht möglich.",
        ] {
            assert!(tells_deed(line), "{line}");
        }
        for line in [
            "Nothing was sent.",
            "Delivered orders cannot be changed.",
            "Per policy, delivered orders stay as they are.",
            "The order must be paid first.",
            "This bill was paid already.",
            "Error: order placed twice",
            "The lid is stuck. Order placed on hold.",
        ] {
            assert!(!tells_deed(line), "{line}");
        }
    }

    #[test]
    fn who_looks_up_tells_of_what_it_found() {
        for own in ["No user with id 7.", "id must be a number", "City 'x' not found"] {
            assert!(is_own_fault(own), "{own}");
        }
        assert!(!is_own_fault("Ticket 7: the printer does not work. Open."));
    }

    #[test]
    fn no_is_an_answer() {
        assert!(is_no_answer("Order 7 not found"));
        assert!(is_no_answer("The balance could not be checked."));
        for answer in [
            "It could not be delivered; the address was not found.",
            "No, it is not refundable.",
            "Your phone cannot send pictures.",
            "not eligible",
        ] {
            assert!(!is_no_answer(answer), "{answer}");
        }
    }
}
