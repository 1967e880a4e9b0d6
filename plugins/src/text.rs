//! Text by a plugin, made fit for a terminal and a log: it is short, and moves no cursor.

use sternlight_engine::printable;

/// Longer texts are cut.
const BYTES: usize = 4096;

/// What a plugin says, as it is shown.
pub(crate) fn printable(text: &str) -> String {
    printable_within(text, BYTES)
}

/// The same, for a name.
pub(crate) fn printable_name(text: &str) -> String {
    printable_within(text, 64)
}

/// Why a plugin gives no value.
pub(crate) fn reason(text: &str) -> String {
    match text.trim() {
        "" => "it gives no reason".to_owned(),
        text => printable(text),
    }
}

fn printable_within(text: &str, bytes: usize) -> String {
    let is_cut = text.len() > bytes;
    let text = printable::printable(&text[..text.floor_char_boundary(bytes)]);
    if is_cut { format!("{text}…") } else { text.into_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_moves_the_cursor() {
        assert_eq!(printable("a\x1b[2Jb\nc\u{9b}d"), "a\\u{1b}[2Jb\nc\\u{9b}d");
        assert_eq!(printable_name(&"ö".repeat(40)), format!("{}…", "ö".repeat(32)));
        assert_eq!((reason(" \n"), reason(" no ")), ("it gives no reason".to_owned(), "no".to_owned()));
    }
}
