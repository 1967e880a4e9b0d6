//! Text that somebody else wrote, made fit for people to see: whatever would move a cursor, set a title, reorder a line or
//! hide in it is spelled out, as in `\u{1b}`. Not concerned with colours, nor with how long a text is.

use std::borrow::Cow;
use std::fmt;

/// Whether a character acts on a terminal or on the order of a line, or is not seen, and so is spelled out: controls but
/// for the newline and the tab, what sets the direction of writing, what separates lines otherwise, and what has neither
/// ink nor width. The joiners U+200C and U+200D and the selectors U+FE00 to U+FE0F stay: scripts and emoji need them.
pub fn is_hidden(letter: char) -> bool {
    match letter {
        '\n' | '\t' => false,
        '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' => true,
        ..'\u{ad}' => false,
        '\u{ad}'
        | '\u{34f}'
        | '\u{61c}'
        | '\u{115f}'..='\u{1160}'
        | '\u{17b4}'..='\u{17b5}'
        | '\u{180e}'
        | '\u{200b}'
        | '\u{200e}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{3164}'
        | '\u{feff}'
        | '\u{ffa0}'
        | '\u{fff9}'..='\u{fffb}'
        | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}' => true,
        _ => false,
    }
}

/// A text of any number of lines, as it is shown.
pub fn printable(text: &str) -> Cow<'_, str> {
    spelled(text, is_hidden)
}

/// A text that is to stay within a line, as it is shown: newlines and tabs are spelled out too.
pub fn printable_line(text: &str) -> Cow<'_, str> {
    spelled(text, |letter| is_hidden(letter) || matches!(letter, '\n' | '\t'))
}

/// Writes a text as [`printable`] gives it.
///
/// # Errors
/// Those of the writer.
pub fn write_printable(text: &str, out: &mut impl fmt::Write) -> fmt::Result {
    write_spelled(text, is_hidden, out)
}

fn spelled(text: &str, is_spelled: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.chars().any(&is_spelled) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    // A string takes whatever is written.
    let _ = write_spelled(text, is_spelled, &mut out);
    Cow::Owned(out)
}

fn write_spelled(text: &str, is_spelled: impl Fn(char) -> bool, out: &mut impl fmt::Write) -> fmt::Result {
    let mut rest = text;
    while let Some((at, letter)) = rest.char_indices().find(|(_, letter)| is_spelled(*letter)) {
        let (before, after) = rest.split_at(at);
        out.write_str(before)?;
        rest = &after[letter.len_utf8()..];
        // The end of a line, as Windows and HTTP write it, moves nothing.
        let is_line_end = letter == '\r' && rest.starts_with('\n') && !is_spelled('\n');
        if !is_line_end {
            write!(out, "{}", letter.escape_unicode())?;
        }
    }
    out.write_str(rest)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn nothing_acts_on_a_terminal() {
        let shown = printable("a\u{1b}]0;title\u{7}b\u{9b}2Jc\u{202e}d\u{200b}e\rf");
        assert_eq!(shown, r"a\u{1b}]0;title\u{7}b\u{9b}2Jc\u{202e}d\u{200b}e\u{d}f");
        assert_eq!(printable("one\r\ntwo\tthree\n"), "one\ntwo\tthree\n");
        assert_eq!(printable_line("one\r\ntwo\t"), r"one\u{d}\u{a}two\u{9}");
    }

    #[test]
    fn what_people_write_stays() {
        for fine in ["Grüße, 日本語, שלום, سلام", "👩‍💻 ❤️ नमस्ते می‌خواهم", r"C:\dir \u{1b}", ""]
        {
            assert!(matches!(printable(fine), Cow::Borrowed(same) if same == fine), "{fine}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_written_nothing_hidden_is_left(text in any::<String>(), hidden in "[\\x00-\\x1f\\x7f-\\x9f\u{ad}\u{200e}-\u{200f}\u{2028}-\u{202e}\u{2060}-\u{206f}\u{feff}]{0,8}") {
            let text = format!("{text}{hidden}{text}");
            prop_assert!(!printable(&text).chars().any(is_hidden));
            prop_assert!(!printable_line(&text).chars().any(|letter| is_hidden(letter) || letter == '\n'));
            let mut written = String::new();
            write_printable(&text, &mut written).unwrap();
            prop_assert_eq!(written, printable(&text));
        }
    }
}
