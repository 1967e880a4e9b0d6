//! Collects the errors of a pipeline, and remembers which values are not to be trusted any more, so that a fault
//! is told once and not again as its consequences.

use super::diagnostic::Diagnostic;
use super::index::Document;
use crate::problem::{Problem, Segment};

/// The errors found so far.
pub(super) struct Report<'a> {
    pub(super) document: &'a Document,
    pub(super) diagnostics: Vec<Diagnostic>,
    /// Paths whose values are unknown because of an error.
    unknown: Vec<Vec<Segment>>,
}

impl<'a> Report<'a> {
    pub(super) fn new(document: &'a Document) -> Self {
        Self { document, diagnostics: Vec::new(), unknown: Vec::new() }
    }

    /// Adds an error.
    pub(super) fn add(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    /// Notes that the value at the path is not known.
    pub(super) fn unknown(&mut self, path: &[Segment]) {
        self.unknown.push(path.to_vec());
    }

    /// Whether a value at, above or below the path is not known.
    pub(super) fn is_unknown(&self, path: &[Segment]) -> bool {
        self.unknown.iter().any(|unknown| related(unknown, path))
    }

    /// The unknown values below a key of the file, as dotted paths.
    pub(super) fn unknown_below(&self, key: &str) -> Vec<String> {
        let root = [Segment::from(key)];
        self.unknown
            .iter()
            .filter_map(|path| path.strip_prefix(&root))
            .map(|path| path.iter().map(ToString::to_string).collect::<Vec<_>>().join("."))
            .collect()
    }

    /// Adds problems of a value whose own path is `base`, but for consequences of what is already known.
    /// `base` is marked where a problem lies in the value as a whole.
    pub(super) fn problems(&mut self, base: &[Segment], stage: Option<&str>, problems: Vec<Problem>) {
        let earlier = self.unknown.len();
        for problem in problems {
            let path: Vec<Segment> = base.iter().cloned().chain(problem.path.iter().cloned()).collect();
            if self.unknown.iter().take(earlier).any(|unknown| related(unknown, &path)) {
                continue;
            }
            self.unknown(&path);
            let mut diagnostic = placed(self.document, &path, problem);
            diagnostic.stage = stage.map(str::to_owned);
            self.add(diagnostic);
        }
    }
}

/// Whether one path leads through the other.
fn related(one: &[Segment], other: &[Segment]) -> bool {
    one.starts_with(other) || other.starts_with(one)
}

/// A problem as a diagnostic at the place of its (full) path.
pub(super) fn placed(document: &Document, path: &[Segment], problem: Problem) -> Diagnostic {
    let span = match &problem.within {
        Some(range) => document.span_within(path, range),
        None if problem.at_key => document.key_span(path),
        None => document.value_span(path),
    };
    let mut diagnostic = document.error(span, problem.message);
    diagnostic.label = problem.label;
    diagnostic.help = problem.help;
    diagnostic
}
