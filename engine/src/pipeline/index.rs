//! The text of a pipeline as a tree in which every key and value knows its place. Made by `scan`; values are
//! read from it by `values`.

use std::ops::Range;
use std::sync::Arc;

use miette::NamedSource;

use super::diagnostic::Diagnostic;
use super::narrow::narrow;
use crate::problem::Segment;

/// The key under which YAML merges other mappings into one.
pub(super) const MERGE_KEY: &str = "<<";

/// A scanned pipeline text.
#[derive(Clone, Debug)]
pub(super) struct Document {
    pub(super) source: Arc<NamedSource<String>>,
    pub(super) root: Node,
}

/// A value and its place.
#[derive(Clone, Debug)]
pub(super) struct Node {
    /// Bytes of the text.
    pub(super) span: Range<usize>,
    /// The id by which aliases refer to it; 0: none.
    pub(super) anchor: usize,
    pub(super) content: Content,
}

/// What a value is made of.
#[derive(Clone, Debug)]
pub(super) enum Content {
    /// Text without its quotes; `plain` if it had none, and may thus be a number, a truth value or null.
    Scalar { text: String, plain: bool },
    /// A list.
    Sequence(Vec<Node>),
    /// A map, in the file's order, keys unique.
    Mapping(Vec<Entry>),
    /// `*name`: the anchor's id.
    Alias(usize),
}

/// A key with its value.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) key_span: Range<usize>,
    pub(super) value: Node,
}

/// Where a path leads.
pub(super) struct Place<'a> {
    /// The key, if the path ends in one that is written there.
    pub(super) key: Option<Range<usize>>,
    /// The value. Of a path that comes in through an alias or a merge: the alias or merge.
    pub(super) node: &'a Node,
    /// Whether the whole path is written in the file.
    pub(super) exact: bool,
}

impl Document {
    /// An error at a span.
    pub(super) fn error(&self, span: Range<usize>, message: impl Into<String>) -> Diagnostic {
        Diagnostic::error(&self.source, span, message)
    }

    /// Where a path leads; as far as it is written.
    pub(super) fn place(&self, path: &[Segment]) -> Place<'_> {
        let mut place = Place { key: None, node: &self.root, exact: true };
        for segment in path {
            let next = match (&place.node.content, segment) {
                (Content::Mapping(entries), Segment::Key(key)) => entries
                    .iter()
                    .find(|entry| entry.key == *key)
                    .map(|entry| Place { key: Some(entry.key_span.clone()), node: &entry.value, exact: true })
                    .or_else(|| merged(entries)),
                (Content::Sequence(items), Segment::Index(index)) => {
                    items.get(*index).map(|node| Place { key: None, node, exact: true })
                }
                _ => None,
            };
            match next {
                Some(next) if next.exact => place = next,
                Some(next) => return next,
                None => return Place { exact: false, ..place },
            }
        }
        place
    }

    /// The span of the key at the path, or of the value if it has no key.
    pub(super) fn key_span(&self, path: &[Segment]) -> Range<usize> {
        let place = self.place(path);
        place.key.unwrap_or_else(|| self.short(place.node))
    }

    /// The span of the value at the path.
    pub(super) fn value_span(&self, path: &[Segment]) -> Range<usize> {
        let place = self.place(path);
        match (&place.node.content, place.key) {
            // The key says more than the first line of a block below it.
            (Content::Mapping(_) | Content::Sequence(_), Some(key)) if self.has_lines(place.node) => key,
            _ => self.short(place.node),
        }
    }

    /// The span of a byte range of the text of the value at the path, if that text stands in the file as it is.
    pub(super) fn span_within(&self, path: &[Segment], range: &Range<usize>) -> Range<usize> {
        let place = self.place(path);
        self.narrowed(place.node, range).filter(|_| place.exact).unwrap_or_else(|| self.value_span(path))
    }

    /// The span of a byte range of a scalar's text.
    pub(super) fn narrowed(&self, node: &Node, range: &Range<usize>) -> Option<Range<usize>> {
        let Content::Scalar { text, .. } = &node.content else { return None };
        let raw = self.source.inner().get(node.span.clone())?;
        let inner = narrow(raw, text, range)?;
        Some(node.span.start + inner.start..node.span.start + inner.end)
    }

    /// The node that an alias refers to.
    pub(super) fn anchored(&self, id: usize) -> Option<&Node> {
        find_anchor(&self.root, id)
    }

    fn has_lines(&self, node: &Node) -> bool {
        self.source.inner().get(node.span.clone()).is_some_and(|raw| raw.trim_end().contains('\n'))
    }

    /// The node's span without white space at its end, which block collections carry along.
    fn short(&self, node: &Node) -> Range<usize> {
        let raw = self.source.inner().get(node.span.clone()).unwrap_or_default();
        node.span.start..node.span.start + raw.trim_end().len()
    }
}

fn merged(entries: &[Entry]) -> Option<Place<'_>> {
    entries.iter().find(|entry| entry.key == MERGE_KEY).map(|entry| Place {
        key: Some(entry.key_span.clone()),
        node: &entry.value,
        exact: false,
    })
}

fn find_anchor(node: &Node, id: usize) -> Option<&Node> {
    if node.anchor == id {
        return Some(node);
    }
    match &node.content {
        Content::Sequence(items) => items.iter().find_map(|item| find_anchor(item, id)),
        Content::Mapping(entries) => entries.iter().find_map(|entry| find_anchor(&entry.value, id)),
        Content::Scalar { .. } | Content::Alias(_) => None,
    }
}
