//! From YAML text to a tree with places: one document, within limits, keys unique. Syntax only; nothing here
//! knows what a pipeline is.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use miette::NamedSource;
use saphyr_parser::{Event, Marker, Parser, ScalarStyle, ScanError, Span, StrInput};

use super::diagnostic::Diagnostic;
use super::index::{Content, Document, Entry, MERGE_KEY, Node};

/// Bytes of a pipeline. It is written by people: a text beyond this is a mistake (a data file named instead of a pipeline).
pub const MAXIMUM_BYTES: usize = 1024 * 1024;
/// Values inside of values.
const MAXIMUM_DEPTH: usize = 64;
/// Keys and values, as written.
const MAXIMUM_NODES: usize = 20_000;
/// Uses of anchors.
const MAXIMUM_ALIASES: usize = 100;
/// Keys and values once aliases are put in: a few lines of nested aliases can grow to billions.
const MAXIMUM_EXPANDED_NODES: usize = 100_000;

/// Scans a text. Duplicate keys come back beside the document, which keeps the first of each.
///
/// # Errors
/// What makes the rest of the text unreadable.
pub(super) fn scan(text: &str, name: &str) -> Result<(Document, Vec<Diagnostic>), Box<Diagnostic>> {
    let source = Arc::new(NamedSource::new(name, text.to_owned()).with_language("YAML"));
    if text.len() > MAXIMUM_BYTES {
        let message = format!("a pipeline may have {MAXIMUM_BYTES} bytes, this file has {}", text.len());
        let help = "is this a data file? A pipeline names its data under `with`";
        return Err(Box::new(Diagnostic::error(&source, 0..0, message).help(help)));
    }
    let mut scanner = Scanner {
        parser: Parser::new_from_str(text),
        characters: text.char_indices().map(|(byte, _)| byte).collect(),
        lines: std::iter::once(0)
            .chain(text.chars().enumerate().filter(|(_, one)| *one == '\n').map(|(at, _)| at + 1))
            .collect(),
        text,
        source: Arc::clone(&source),
        duplicates: Vec::new(),
        nodes: 0,
        aliases: 0,
        sizes: BTreeMap::new(),
    };
    let root = scanner.document()?;
    Ok((Document { source, root }, scanner.duplicates))
}

type Scanned<T> = Result<T, Box<Diagnostic>>;

struct Scanner<'a> {
    parser: Parser<'a, StrInput<'a>>,
    text: &'a str,
    /// Byte at which each character begins.
    characters: Vec<usize>,
    /// Character at which each line begins.
    lines: Vec<usize>,
    source: Arc<NamedSource<String>>,
    duplicates: Vec<Diagnostic>,
    nodes: usize,
    aliases: usize,
    /// How many nodes each finished anchor stands for, aliases inside of it put in.
    sizes: BTreeMap<usize, usize>,
}

impl<'a> Scanner<'a> {
    fn document(&mut self) -> Scanned<Node> {
        loop {
            match self.event()?.0 {
                Event::StreamEnd => return Err(self.fail(0..0, "the file is empty", "begin with `version: 1`")),
                Event::DocumentStart(_) => break,
                _ => {}
            }
        }
        let first = self.event()?;
        let (root, _) = self.node(first, 0)?;
        loop {
            let (event, range) = self.event()?;
            match event {
                Event::StreamEnd => return Ok(root),
                Event::DocumentStart(_) => {
                    let help = "write each pipeline into a file of its own";
                    return Err(self.fail(range, "a second document: a pipeline is one", help));
                }
                _ => {}
            }
        }
    }

    /// A node and how many nodes it stands for.
    fn node(&mut self, (event, range): (Event<'a>, Range<usize>), depth: usize) -> Scanned<(Node, usize)> {
        self.nodes += 1;
        if self.nodes > MAXIMUM_NODES {
            let message = format!("more than {MAXIMUM_NODES} keys and values");
            return Err(self.fail(range, &message, "a pipeline names its data, it does not hold it"));
        }
        if depth > MAXIMUM_DEPTH {
            let message = format!("nested deeper than {MAXIMUM_DEPTH} levels");
            return Err(self.fail(range, &message, "flatten this part"));
        }
        let (node, size) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                self.refuse_tag(tag.is_some(), &range)?;
                let plain = style == ScalarStyle::Plain;
                (Node { span: range, anchor, content: Content::Scalar { text: text.into_owned(), plain } }, 1)
            }
            Event::SequenceStart(anchor, tag) => {
                self.refuse_tag(tag.is_some(), &range)?;
                self.sequence(range, anchor, depth)?
            }
            Event::MappingStart(anchor, tag) => {
                self.refuse_tag(tag.is_some(), &range)?;
                self.mapping(range, anchor, depth)?
            }
            Event::Alias(anchor) => self.alias(range, anchor)?,
            _ => return Err(self.fail(range, "expected a value", "see what stands before this place")),
        };
        if size > MAXIMUM_EXPANDED_NODES {
            let message = format!("aliases grow this to more than {MAXIMUM_EXPANDED_NODES} keys and values");
            return Err(self.fail(node.span, &message, "do not nest aliases"));
        }
        if node.anchor != 0 {
            self.sizes.insert(node.anchor, size);
        }
        Ok((node, size))
    }

    fn sequence(&mut self, start: Range<usize>, anchor: usize, depth: usize) -> Scanned<(Node, usize)> {
        let (mut items, mut size) = (Vec::new(), 1);
        loop {
            let (event, range) = self.event()?;
            if event == Event::SequenceEnd {
                let span = start.start..range.end.max(start.end);
                return Ok((Node { span, anchor, content: Content::Sequence(items) }, size));
            }
            let (node, nodes) = self.node((event, range), depth + 1)?;
            size += nodes;
            items.push(node);
        }
    }

    fn mapping(&mut self, start: Range<usize>, anchor: usize, depth: usize) -> Scanned<(Node, usize)> {
        let (mut entries, mut size) = (Vec::<Entry>::new(), 1);
        loop {
            let (event, range) = self.event()?;
            let key = match event {
                Event::MappingEnd => {
                    let span = start.start..range.end.max(start.end);
                    return Ok((Node { span, anchor, content: Content::Mapping(entries) }, size));
                }
                Event::Scalar(key, ..) => key.into_owned(),
                _ => return Err(self.fail(range, "a key must be text", "write `key: value`")),
            };
            let next = self.event()?;
            let (value, nodes) = self.node(next, depth + 1)?;
            size += nodes;
            match entries.iter().find(|entry| entry.key == key) {
                Some(first) => {
                    let help = if key == MERGE_KEY {
                        "merge several with a list: `<<: [*first, *second]`"
                    } else {
                        "keep one of the two"
                    };
                    let duplicate = Diagnostic::error(&self.source, range, format!("the key `{key}` is there twice"))
                        .label("again here")
                        .related(first.key_span.clone(), "first here")
                        .help(help);
                    self.duplicates.push(duplicate);
                }
                None => entries.push(Entry { key, key_span: range, value }),
            }
        }
    }

    fn alias(&mut self, range: Range<usize>, anchor: usize) -> Scanned<(Node, usize)> {
        self.aliases += 1;
        if self.aliases > MAXIMUM_ALIASES {
            let message = format!("more than {MAXIMUM_ALIASES} aliases");
            return Err(self.fail(range, &message, "write some of the values out"));
        }
        match self.sizes.get(&anchor) {
            Some(size) => Ok((Node { span: range, anchor: 0, content: Content::Alias(anchor) }, *size)),
            None => Err(self.fail(range, "an alias inside of what it stands for", "write the value out")),
        }
    }

    fn refuse_tag(&self, tagged: bool, range: &Range<usize>) -> Scanned<()> {
        if !tagged {
            return Ok(());
        }
        Err(self.fail(
            range.clone(),
            "tags (`!name`) mean nothing in a pipeline",
            "leave the tag out, or quote the text",
        ))
    }

    fn event(&mut self) -> Scanned<(Event<'a>, Range<usize>)> {
        match self.parser.next_event() {
            Some(Ok((event, span))) => {
                let range = self.range(span);
                Ok((event, range))
            }
            Some(Err(error)) => Err(self.syntax_error(&error)),
            None => Ok((Event::StreamEnd, self.text.len()..self.text.len())),
        }
    }

    /// Places come as line and column in characters.
    fn range(&self, span: Span) -> Range<usize> {
        let start = self.byte(span.start);
        start..self.byte(span.end).max(start)
    }

    fn byte(&self, marker: Marker) -> usize {
        self.line_start(marker.line())
            .and_then(|start| self.characters.get(start + marker.col()))
            .copied()
            .unwrap_or(self.text.len())
    }

    /// The character at which a line, counted from 1, begins.
    fn line_start(&self, line: usize) -> Option<usize> {
        self.lines.get(line.checked_sub(1)?).copied()
    }

    fn fail(&self, range: Range<usize>, message: &str, help: &str) -> Box<Diagnostic> {
        Box::new(Diagnostic::error(&self.source, range, message).help(help))
    }

    fn syntax_error(&self, error: &ScanError) -> Box<Diagnostic> {
        let at = self.byte(*error.marker());
        if let Some(tab) = self.tab_in_indentation(error.marker().line()) {
            return self.fail(tab..tab + 1, "a tab cannot indent YAML", "indent with spaces");
        }
        if let Some(range) = self.unquoted_interpolation(at) {
            let written = self.text.get(range.clone()).unwrap_or_default();
            let help = format!("write \"{written}\", with quotes");
            return self.fail(range, "inside `{ }` and `[ ]`, YAML wants `${…}` in quotes", &help);
        }
        let message = format!("this is not YAML: {}", error.info());
        let end = at + self.text.get(at..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8);
        let mut diagnostic = Diagnostic::error(&self.source, at..end, message).label("here, or just before");
        if error.info().contains("mapping values are not allowed") {
            diagnostic.help = Some("put a text that contains `: ` in quotes".to_owned());
        }
        Box::new(diagnostic)
    }

    /// The first tab that indents the line of an error, or the line before it.
    fn tab_in_indentation(&self, line: usize) -> Option<usize> {
        [line, line.saturating_sub(1), line + 1].into_iter().find_map(|line| {
            let start = *self.characters.get(self.line_start(line)?)?;
            let text = self.text.get(start..)?.lines().next()?;
            let indentation = text.len() - text.trim_start().len();
            text.get(..indentation)?.find('\t').map(|tab| start + tab)
        })
    }

    /// A `${…}` in a flow collection that begins on the line of the error or shortly before, without quotes.
    fn unquoted_interpolation(&self, at: usize) -> Option<Range<usize>> {
        let line_end = self.text.get(at..)?.find('\n').map_or(self.text.len(), |newline| at + newline);
        let start = self.text.get(..line_end)?.rfind("${")?;
        let line_start = self.text.get(..start)?.rfind('\n').map_or(0, |newline| newline + 1);
        let before = self.text.get(line_start..start)?;
        let in_flow = before.contains(['{', '[']);
        let quoted = before.matches('"').count() % 2 == 1 || before.matches('\'').count() % 2 == 1;
        let end = start + self.text.get(start..line_end)?.find('}')? + 1;
        (in_flow && !quoted).then_some(start..end)
    }
}

#[cfg(test)]
mod tests {
    use super::super::plain::render_plain;
    use super::*;

    fn failure(text: &str) -> String {
        match scan(text, "p.yaml") {
            Ok((_, duplicates)) => duplicates.iter().map(render_plain).collect(),
            Err(diagnostic) => render_plain(&diagnostic),
        }
    }

    #[test]
    fn places_of_keys_and_values() {
        let text = "# é comment\na: 'b c'\nlist:\n  - x: 1\n  - |\n    text\n    more\n";
        let (document, _) = scan(text, "p.yaml").unwrap();
        let span = |path: &[crate::problem::Segment]| &text[document.value_span(path)];
        assert_eq!(span(&["a".into()]), "'b c'");
        assert_eq!(span(&["list".into(), 0.into(), "x".into()]), "1");
        assert_eq!(span(&["list".into()]), "list");
        let within = document.span_within(&["list".into(), 1.into()], &(5..9));
        assert_eq!(&text[within.clone()], "more");
        assert_eq!(&text[document.key_span(&["list".into(), 0.into(), "x".into()])], "x");
    }

    #[test]
    fn what_comes_through_a_merge_points_at_the_merge() {
        let text = "base: &base {a: 1}\nmine:\n  <<: *base\n  b: 2\nother: *base\n";
        let (document, _) = scan(text, "p.yaml").unwrap();
        assert_eq!(&text[document.key_span(&["mine".into(), "a".into()])], "<<");
        assert_eq!(&text[document.value_span(&["other".into(), "a".into()])], "*base");
    }

    #[test]
    fn syntax() {
        insta::assert_snapshot!(failure("a: 1\nb: 2\na: 3\n"), @"
        p.yaml:3:1: error: the key `a` is there twice
          |
        1 | a: 1
          | - first here
          …
        3 | a: 3
          | ^ again here
          = help: keep one of the two
        ");
        insta::assert_snapshot!(failure("with: { policy: ${params.policy}, n: 1 }\n"), @r#"
        p.yaml:1:17: error: inside `{ }` and `[ ]`, YAML wants `${…}` in quotes
          |
        1 | with: { policy: ${params.policy}, n: 1 }
          |                 ^^^^^^^^^^^^^^^^
          = help: write "${params.policy}", with quotes
        "#);
        insta::assert_snapshot!(failure("a:\n\tb: 1\n"), @"
        p.yaml:2:1: error: a tab cannot indent YAML
          |
        2 |     b: 1
          | ^^^^
          = help: indent with spaces
        ");
        insta::assert_snapshot!(failure("a: [1, 2\nb: 3\n"), @"
        p.yaml:2:2: error: this is not YAML: illegal placement of ':' indicator
          |
        2 | b: 3
          |  ^ here, or just before
        ");
        insta::assert_snapshot!(failure("a: b: c\n"), @"
        p.yaml:1:5: error: this is not YAML: mapping values are not allowed in this context
          |
        1 | a: b: c
          |     ^ here, or just before
          = help: put a text that contains `: ` in quotes
        ");
        insta::assert_snapshot!(failure("a: 1\n---\nb: 2\n"), @"
        p.yaml:2:1: error: a second document: a pipeline is one
          |
        2 | ---
          | ^^^
          = help: write each pipeline into a file of its own
        ");
        insta::assert_snapshot!(failure(""), @"
        p.yaml:1:1: error: the file is empty
          |
        1 |
          | ^
          = help: begin with `version: 1`
        ");
        insta::assert_snapshot!(failure("a: !custom b"), @"
        p.yaml:1:4: error: tags (`!name`) mean nothing in a pipeline
          |
        1 | a: !custom b
          |    ^^^^^^^^^
          = help: leave the tag out, or quote the text
        ");
        insta::assert_snapshot!(failure("? [a, b]\n: c"), @"
        p.yaml:1:3: error: a key must be text
          |
        1 | ? [a, b]
          |   ^
          = help: write `key: value`
        ");
        insta::assert_snapshot!(failure("a: &x [*x]"), @"
        p.yaml:1:8: error: an alias inside of what it stands for
          |
        1 | a: &x [*x]
          |        ^^
          = help: write the value out
        ");
    }

    #[test]
    fn limits() {
        let first = |text: &str| failure(text).lines().next().unwrap_or_default().to_owned();
        insta::assert_snapshot!(first(&"a".repeat(MAXIMUM_BYTES + 1)), @"p.yaml:1:1: error: a pipeline may have 1048576 bytes, this file has 1048577");
        insta::assert_snapshot!(first(&"[".repeat(100)), @"p.yaml:1:66: error: nested deeper than 64 levels");
        insta::assert_snapshot!(first(&format!("[{}]", "1,".repeat(MAXIMUM_NODES + 1))), @"p.yaml:1:40000: error: more than 20000 keys and values");
        insta::assert_snapshot!(first(&format!("[&a x,{}]", "*a,".repeat(MAXIMUM_ALIASES + 1))), @"p.yaml:1:307: error: more than 100 aliases");
        let mut bomb = "a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n".to_owned();
        for level in 1..8 {
            let alias = format!("*a{}", level - 1);
            bomb += &format!("a{level}: &a{level} [{}]\n", [alias.as_str(); 10].join(", "));
        }
        insta::assert_snapshot!(first(&bomb), @"p.yaml:5:5: error: aliases grow this to more than 100000 keys and values");
    }
}
