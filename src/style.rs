//! Colours. Meaning never rests on them alone; `NO_COLOR` and pipes turn them off, `CLICOLOR_FORCE` turns them on.

use std::fmt;

use anstream::stream::RawStream;
use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};

use crate::output::write_code;

/// Text in a style; the reset is written behind it.
pub(crate) struct Styled<T>(Style, T);

impl<T: fmt::Display> fmt::Display for Styled<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_code(self.0, formatter)?;
        self.1.fmt(formatter)?;
        write_code(self.0.render_reset(), formatter)
    }
}

fn coloured<T>(colour: AnsiColor, text: T) -> Styled<T> {
    Styled(Style::new().fg_color(Some(colour.into())), text)
}

pub(crate) fn error<T>(text: T) -> Styled<T> {
    Styled(Style::new().bold().fg_color(Some(AnsiColor::Red.into())), text)
}

pub(crate) fn warning<T>(text: T) -> Styled<T> {
    Styled(Style::new().bold().fg_color(Some(AnsiColor::Yellow.into())), text)
}

pub(crate) fn help<T>(text: T) -> Styled<T> {
    coloured(AnsiColor::Cyan, text)
}

pub(crate) fn title<T>(text: T) -> Styled<T> {
    Styled(Style::new().bold(), text)
}

pub(crate) fn dim<T>(text: T) -> Styled<T> {
    Styled(Style::new().dimmed(), text)
}

/// A verdict: green for progress, red for what went wrong, yellow between.
pub(crate) fn verdict(text: &str) -> Styled<&str> {
    let colour = match text {
        "progress" => AnsiColor::Green,
        "redundant" => AnsiColor::Yellow,
        _ => AnsiColor::Red,
    };
    coloured(colour, text)
}

/// A number whose sign matters.
pub(crate) fn signed(value: f32) -> Styled<String> {
    let colour = match value.partial_cmp(&0.0) {
        Some(std::cmp::Ordering::Greater) => AnsiColor::Green,
        Some(std::cmp::Ordering::Less) => AnsiColor::Red,
        _ => AnsiColor::White,
    };
    coloured(colour, format!("{value:+.3}"))
}

/// Whether a stream shows colours.
pub(crate) fn is_coloured(stream: &impl RawStream) -> bool {
    AutoStream::choice(stream) != ColorChoice::Never
}
