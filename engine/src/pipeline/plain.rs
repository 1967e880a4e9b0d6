//! Diagnostics as plain text: place and message, the source line with the fault underlined, then what to do.
//! Without colours, so that it reads the same in a log, a test and a terminal.

use std::fmt::{self, Write as _};
use std::ops::Range;

use miette::Severity;
use unicode_width::UnicodeWidthChar as _;

use super::diagnostic::{Diagnostic, PipelineErrors};
use super::position::Position;

/// What a tab is shown as.
const TAB: &str = "    ";

impl fmt::Display for PipelineErrors {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, diagnostic) in self.diagnostics().iter().enumerate() {
            let gap = if index == 0 { "" } else { "\n" };
            write!(formatter, "{gap}{}", render_plain(diagnostic))?;
        }
        Ok(())
    }
}

/// Renders a diagnostic as lines of plain text, the last one ended.
pub fn render_plain(diagnostic: &Diagnostic) -> String {
    // Places are told as they are in the file.
    let place = Position::of(diagnostic.source.inner(), diagnostic.span.start);
    let diagnostic = diagnostic.printable();
    let text = diagnostic.source.inner().as_str();
    let severity = if diagnostic.severity == Severity::Error { "error" } else { "warning" };
    let mut out =
        format!("{}:{}:{}: {severity}: {}\n", diagnostic.source.name(), place.line, place.column, diagnostic.message);

    let mut marks: Vec<Mark<'_>> = vec![Mark::new(text, &diagnostic.span, '^', diagnostic.label.as_deref())];
    marks.extend(diagnostic.related.iter().map(|(span, label)| Mark::new(text, span, '-', Some(label))));
    marks.sort_by_key(|mark| (mark.place.line, mark.place.column));
    let gutter = marks.iter().map(|mark| mark.place.line.to_string().len()).max().unwrap_or(1);

    let _ = writeln!(out, "{:gutter$} |", "");
    let mut shown: Option<usize> = None;
    for mark in &marks {
        if shown.is_some_and(|line| line + 1 < mark.place.line) {
            let _ = writeln!(out, "{:gutter$} …", "");
        }
        if shown != Some(mark.place.line) {
            let line = format!("{:gutter$} | {}", mark.place.line, mark.line.replace('\t', TAB));
            let _ = writeln!(out, "{}", line.trim_end());
        }
        shown = Some(mark.place.line);
        let _ = writeln!(out, "{:gutter$} | {}", "", mark.underline());
    }
    if let Some(help) = &diagnostic.help {
        let _ = writeln!(out, "{:gutter$} = help: {help}", "");
    }
    out
}

/// A place that is underlined.
struct Mark<'a> {
    place: Position,
    line: &'a str,
    /// Bytes of the line; what lies on further lines is not underlined.
    range: Range<usize>,
    sign: char,
    label: Option<&'a str>,
}

impl<'a> Mark<'a> {
    fn new(text: &'a str, span: &Range<usize>, sign: char, label: Option<&'a str>) -> Self {
        let place = Position::of(text, span.start);
        let line = text.get(place.start..).and_then(|rest| rest.lines().next()).unwrap_or_default();
        let start = span.start.saturating_sub(place.start).min(line.len());
        let end = span.end.saturating_sub(place.start).clamp(start, line.len());
        Self { place, line, range: start..end, sign, label }
    }

    fn underline(&self) -> String {
        let before = columns(self.line.get(..self.range.start).unwrap_or_default());
        let marked = columns(self.line.get(self.range.clone()).unwrap_or_default()).max(1);
        let signs = String::from(self.sign).repeat(marked);
        let label = self.label.unwrap_or_default();
        format!("{:before$}{signs} {label}", "").trim_end().to_owned()
    }
}

/// How many columns of a terminal the text takes.
fn columns(text: &str) -> usize {
    text.chars().map(|one| if one == '\t' { TAB.len() } else { one.width().unwrap_or(0) }).sum()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use miette::NamedSource;

    use super::*;

    fn source(text: &str) -> Arc<NamedSource<String>> {
        Arc::new(NamedSource::new("p.yaml", text.to_owned()))
    }

    #[test]
    fn place_snippet_and_help() {
        let text = source("version: 1\nstages:\n  reword:\n    uses: reward\n");
        let diagnostic = Diagnostic::error(&text, 27..33, "`x` reads `y`").label("here").help("add a stage");
        insta::assert_snapshot!(render_plain(&diagnostic.related(0..7, "first")), @"
        p.yaml:3:9: error: `x` reads `y`
          |
        1 | version: 1
          | ------- first
          …
        3 |   reword:
          |         ^ here
          = help: add a stage
        ");
    }

    #[test]
    fn tabs_and_wide_characters_keep_the_carets_in_place() {
        let text = source("a: \t日本 x");
        insta::assert_snapshot!(render_plain(&Diagnostic::error(&text, 11..12, "m")), @"
        p.yaml:1:8: error: m
          |
        1 | a:     日本 x
          |             ^
        ");
    }

    #[test]
    fn the_end_of_the_text_has_a_place() {
        let text = source("a: [");
        insta::assert_snapshot!(render_plain(&Diagnostic::error(&text, 4..4, "m")), @"
        p.yaml:1:5: error: m
          |
        1 | a: [
          |     ^
        ");
    }
}
