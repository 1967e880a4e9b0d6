//! What is wrong (or not carried out) in a pipeline, and where. Rendering as plain text is in `plain`; on a
//! terminal, `miette` renders it.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

pub use miette::Severity;
use miette::{LabeledSpan, NamedSource, SourceCode};
use serde::ser::{Serialize, SerializeStruct as _, Serializer};

use super::position::Position;
use crate::printable::{is_hidden, printable, printable_line};

/// Name of the command line, where `--set` is at fault rather than a file.
pub(super) const COMMAND_LINE: &str = "command line";

/// A fault of a pipeline, at its place in the text.
#[derive(Clone, Debug)]
pub struct Diagnostic {
    /// An error, or a warning about what this version does not carry out.
    pub severity: Severity,
    /// What is wrong: lower case, no full stop.
    pub message: String,
    /// The text at fault, with its name: a pipeline file, or the command line for `--set`.
    pub source: Arc<NamedSource<String>>,
    /// Bytes of the text.
    pub span: Range<usize>,
    /// A few words that stand beside the marked place.
    pub label: Option<String>,
    /// What to do next.
    pub help: Option<String>,
    /// The stage that it is about.
    pub stage: Option<String>,
    /// Other places that belong to it, each with its own words.
    pub related: Vec<(Range<usize>, String)>,
}

impl Diagnostic {
    /// An error at a place.
    pub fn error(source: &Arc<NamedSource<String>>, span: Range<usize>, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            message: message.into(),
            source: Arc::clone(source),
            span,
            label: None,
            help: None,
            stage: None,
            related: Vec::new(),
        }
    }

    /// The same as a warning.
    #[must_use]
    pub fn warning(mut self) -> Self {
        self.severity = Severity::Warning;
        self
    }

    /// With words beside the marked place.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// With the next action.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// About this stage.
    #[must_use]
    pub fn stage(mut self, stage: impl Into<String>) -> Self {
        self.stage = Some(stage.into());
        self
    }

    /// With another place that belongs to it.
    #[must_use]
    pub fn related(mut self, span: Range<usize>, label: impl Into<String>) -> Self {
        self.related.push((span, label.into()));
        self
    }

    /// The same, fit for people to see: what in it would act on a terminal is spelled out, and places move along.
    #[must_use]
    pub fn printable(&self) -> Cow<'_, Self> {
        let (name, text) = (self.source.name(), self.source.inner());
        let words = [Some(&self.message), self.label.as_ref(), self.help.as_ref()];
        let words = words.into_iter().flatten().chain(self.related.iter().map(|(_, label)| label));
        let is_plain = |text: &str| !text.contains(is_hidden);
        if is_plain(text) && is_plain(name) && !name.contains('\n') && words.into_iter().all(|text| is_plain(text)) {
            return Cow::Borrowed(self);
        }
        let place = |byte: usize| text.get(..byte).map_or(byte, |before| printable(before).len());
        let moved = |span: &Range<usize>| place(span.start)..place(span.end);
        let shown = |text: &String| printable(text).into_owned();
        Cow::Owned(Self {
            severity: self.severity,
            message: shown(&self.message),
            source: Arc::new(NamedSource::new(printable_line(name), shown(text))),
            span: moved(&self.span),
            label: self.label.as_ref().map(shown),
            help: self.help.as_ref().map(shown),
            stage: self.stage.clone(),
            related: self.related.iter().map(|(span, label)| (moved(span), shown(label))).collect(),
        })
    }

    /// Line and column at which it begins, both from 1, the column in characters.
    pub fn position(&self) -> (usize, usize) {
        let position = Position::of(self.source.inner(), self.span.start);
        (position.line, position.column)
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for Diagnostic {}

impl miette::Diagnostic for Diagnostic {
    fn severity(&self) -> Option<Severity> {
        Some(self.severity)
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help.as_ref().map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(self.source.as_ref())
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let main = LabeledSpan::new_primary_with_span(self.label.clone(), self.span.clone());
        let related =
            self.related.iter().map(|(span, label)| LabeledSpan::new_with_span(Some(label.clone()), span.clone()));
        Some(Box::new([main].into_iter().chain(related)))
    }
}

impl Serialize for Diagnostic {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let start = Position::of(self.source.inner(), self.span.start);
        let end = Position::of(self.source.inner(), self.span.end);
        let severity = if self.severity == Severity::Error { "error" } else { "warning" };
        let mut object = serializer.serialize_struct("Diagnostic", 10)?;
        object.serialize_field("severity", severity)?;
        object.serialize_field("file", self.source.name())?;
        object.serialize_field("line", &start.line)?;
        object.serialize_field("column", &start.column)?;
        object.serialize_field("end_line", &end.line)?;
        object.serialize_field("end_column", &end.column)?;
        object.serialize_field("message", &self.message)?;
        object.serialize_field("label", &self.label)?;
        object.serialize_field("help", &self.help)?;
        object.serialize_field("stage", &self.stage)?;
        object.end()
    }
}

/// Every error of a pipeline, by position.
#[derive(Clone, Debug)]
pub struct PipelineErrors(Vec<Diagnostic>);

impl PipelineErrors {
    /// Sorts the errors by where they are: the command line first, then the file from its top.
    pub fn new(mut diagnostics: Vec<Diagnostic>) -> Self {
        diagnostics.sort_by(|left, right| {
            let key = |one: &Diagnostic| (one.source.name() != COMMAND_LINE, one.span.start);
            key(left).cmp(&key(right))
        });
        Self(diagnostics)
    }

    /// The errors.
    pub fn diagnostics(&self) -> &[Diagnostic] {
        &self.0
    }
}

impl std::error::Error for PipelineErrors {}

impl IntoIterator for PipelineErrors {
    type Item = Diagnostic;
    type IntoIter = std::vec::IntoIter<Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}
