//! All that the program writes: results to stdout, everything else to stderr. Whatever is printed goes through here, so
//! that no command can forget two things. What others wrote (recordings, names, keys of a pipeline, words of plugins and
//! of the system) is spelled out where it would act on a terminal, and reads the same in a pipe. And an output that cannot
//! be written to is neither a panic nor silence: the command goes on, writes no more of it, and `main` tells in the end.

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt::{self, Write as _};
use std::fs;
use std::io::{self, ErrorKind, Write as _};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::Serialize;
use sternlight_engine::printable::{is_hidden, printable, write_printable};

use crate::Outcome;

/// Prints a line of results.
macro_rules! outln {
    () => { $crate::output::write_out(format_args!("\n")) };
    ($($argument:tt)*) => { $crate::output::write_out(format_args!("{}\n", format_args!($($argument)*))) };
}

/// Prints a part of a line of results.
macro_rules! out {
    ($($argument:tt)*) => { $crate::output::write_out(format_args!($($argument)*)) };
}

/// Prints a line for people, beside the results.
macro_rules! errln {
    ($($argument:tt)*) => { $crate::output::write_err(format_args!("{}\n", format_args!($($argument)*))) };
}

pub(crate) use {errln, out, outln};

thread_local! {
    /// Whether what is being formatted is a code of ours, which a terminal is to obey.
    static IS_OURS: Cell<bool> = const { Cell::new(false) };
}

/// Why stdout took no more, once it did not.
static UNWRITTEN: OnceLock<io::Error> = OnceLock::new();

/// Whether there was no stdout when the program began.
static IS_CLOSED: AtomicBool = AtomicBool::new(false);

ctor::declarative::ctor! {
    /// Looks for stdout before Rust opens `/dev/null` in the place of one that is closed, which would swallow results.
    #[ctor(unsafe)]
    fn look_for_stdout() {
        let are_listed = fs::metadata("/dev/fd").is_ok();
        IS_CLOSED.store(are_listed && fs::symlink_metadata("/dev/fd/1").is_err(), Ordering::Relaxed);
    }
}

/// Text on its way out: what others wrote becomes printable, codes of ours stay.
#[derive(Default)]
pub(crate) struct Page(String);

impl Page {
    pub(crate) fn push_str(&mut self, text: &str) {
        let _ = self.write_str(text);
    }
}

impl fmt::Write for Page {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        match IS_OURS.get() {
            true => self.0.write_str(text),
            false => write_printable(text, &mut self.0),
        }
    }
}

/// Writes a code of ours, that of a style: [`Page`] lets it through. Anywhere else it is text like any other, and will be
/// spelled out before it is printed.
pub(crate) fn write_code(code: impl fmt::Display, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
    let before = IS_OURS.replace(true);
    let written = write!(formatter, "{code}");
    IS_OURS.set(before);
    written
}

fn page(text: fmt::Arguments<'_>) -> Page {
    let mut page = Page::default();
    // Fails only where somebody's `Display` does.
    let _ = page.write_fmt(text);
    page
}

/// Prints results.
pub(crate) fn write_out(text: fmt::Arguments<'_>) {
    out_page(&page(text));
}

/// Prints results that were put together before.
pub(crate) fn out_page(page: &Page) {
    written(|| anstream::stdout().lock().write_all(page.0.as_bytes()));
}

/// Prints text for programs that is no JSON. It goes to a terminal as what others wrote does, and to others as it is.
pub(crate) fn out_raw(text: &str) {
    use std::io::IsTerminal as _;
    match io::stdout().is_terminal() {
        true => out_page(&page(format_args!("{text}"))),
        false => written(|| io::stdout().lock().write_all(text.as_bytes())),
    }
}

/// Prints a value for programs, on a line of its own.
pub(crate) fn json(value: &impl Serialize) -> Outcome {
    json_text(&serde_json::to_string(value)?);
    Ok(())
}

/// Prints JSON and ends its line. What would act on a terminal becomes escapes of JSON, which mean the same.
pub(crate) fn json_text(text: &str) {
    let text = text.trim_end_matches('\n');
    written(|| {
        let mut stdout = io::stdout().lock();
        stdout.write_all(json_printable(text).as_bytes())?;
        stdout.write_all(b"\n")
    });
}

/// JSON holds such characters in strings alone, newlines apart.
fn json_printable(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for letter in text.chars() {
        match is_hidden(letter) {
            true => letter.encode_utf16(&mut [0; 2]).iter().for_each(|unit| {
                let _ = write!(out, "\\u{unit:04x}");
            }),
            false => out.push(letter),
        }
    }
    Cow::Owned(out)
}

/// Writes to stdout, unless it took no more before.
fn written(write: impl FnOnce() -> io::Result<()>) {
    if UNWRITTEN.get().is_some() {
        return;
    }
    let done = match IS_CLOSED.load(Ordering::Relaxed) {
        true => Err(io::Error::other("it is closed")),
        false => write(),
    };
    if let Err(error) = done {
        let _ = UNWRITTEN.set(error);
    }
}

/// Writes what is left.
///
/// # Errors
/// Why not all results could be written. A reader who went away, as `head` does, has read what he wanted.
pub(crate) fn finish() -> Result<(), &'static io::Error> {
    // Where nothing was printed, nothing is missing from one that is closed.
    if !IS_CLOSED.load(Ordering::Relaxed) {
        written(|| io::stdout().lock().flush());
    }
    match UNWRITTEN.get() {
        Some(error) if error.kind() != ErrorKind::BrokenPipe => Err(error),
        _ => Ok(()),
    }
}

/// Prints for people. Where that cannot be written there is nobody to tell.
pub(crate) fn write_err(text: fmt::Arguments<'_>) {
    let _ = anstream::stderr().lock().write_all(page(text).0.as_bytes());
}

/// A text of several lines behind a few words of ours: no line of it begins where one of ours would.
pub(crate) fn hanging(text: &str) -> Cow<'_, str> {
    let mut lines = text.split('\n');
    if lines.by_ref().skip(1).all(|line| line.is_empty() || line.starts_with(' ')) {
        return Cow::Borrowed(text);
    }
    let indented = |(number, line): (usize, &str)| match number > 0 && !line.is_empty() && !line.starts_with(' ') {
        true => format!("    {line}"),
        false => line.to_owned(),
    };
    Cow::Owned(text.split('\n').enumerate().map(indented).collect::<Vec<_>>().join("\n"))
}

/// Prints what a library drew for people, of parts that are printable: its styles stay.
pub(crate) fn err_drawn(text: &str) {
    let _ = anstream::stderr().lock().write_all(drawn(text).as_bytes());
}

/// The same for stdout.
pub(crate) fn out_drawn(text: &str) {
    written(|| anstream::stdout().lock().write_all(drawn(text).as_bytes()));
}

/// Makes a text printable, but for the codes that set styles.
fn drawn(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("\u{1b}[") {
        out.push_str(&printable(before));
        let parameters =
            after.len() - after.trim_start_matches(|letter: char| letter.is_ascii_digit() || letter == ';').len();
        match after[parameters..].strip_prefix('m') {
            Some(behind) => {
                out.push_str("\u{1b}[");
                out.push_str(&after[..=parameters]);
                rest = behind;
            }
            None => {
                out.push_str(&printable("\u{1b}["));
                rest = after;
            }
        }
    }
    out.push_str(&printable(rest));
    out
}

/// Where logs go: stderr, like all that is for people. What they say of others they have spelled out themselves where they
/// set styles of their own.
pub(crate) struct Log;

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        err_drawn(&String::from_utf8_lossy(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::style;

    #[test]
    fn styles_are_ours_and_nobody_elses() {
        let shown = page(format_args!("{} {}", style::title("a\u{1b}[31mb"), "\u{1b}[31m")).0;
        assert_eq!(shown, "\u{1b}[1ma\\u{1b}[31mb\u{1b}[0m \\u{1b}[31m");
        // One that went through a text first is no longer known to be ours.
        let text = style::title("a").to_string();
        assert_eq!(page(format_args!("{text}")).0, r"\u{1b}[1ma\u{1b}[0m");
    }

    #[test]
    fn what_is_drawn_keeps_its_styles_alone() {
        assert_eq!(
            drawn("\u{1b}[1;31mx\u{1b}[0m\u{1b}[2J\u{1b}]0;t\u{7}\u{1b}["),
            "\u{1b}[1;31mx\u{1b}[0m\\u{1b}[2J\\u{1b}]0;t\\u{7}\\u{1b}["
        );
    }

    #[test]
    fn escapes_of_json_mean_the_same() {
        let text = serde_json::json!({"a\u{9b}": "\u{1b}]0;\u{202e}\u{e0041}é\u{7f}\n"}).to_string();
        let shown = json_printable(&text);
        assert!(!shown.chars().any(is_hidden), "{shown}");
        assert_eq!(shown, r#"{"a\u009b":"\u001b]0;\u202e\udb40\udc41é\u007f\n"}"#);
        let back: serde_json::Value = serde_json::from_str(&shown).unwrap();
        assert_eq!(back.to_string(), text);
    }
}
