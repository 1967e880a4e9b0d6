//! What a file is, from its first bytes. Reads no further than it must: the first record's keys at most.

use std::collections::BTreeSet;
use std::fmt;
use std::io::{BufRead, BufReader, Read as _};

use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use sternlight_engine::stage::StageError;

use super::chat::Dialect;
use super::dialect::dialect;
use super::files::InputFile;
use super::options::Format;
use super::scan::{Container, is_white};
use super::stream::TextStream;

const PARQUET_MAGIC: &[u8] = b"PAR1";
const ZIP_MAGIC: &[u8] = b"PK\x03\x04";
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// What `import` reads, for messages.
const READABLE: &str = "`import` reads `tau-bench`, `openai-chat`, `anthropic` and `sternlight` (Parquet)";

/// A file and what it is.
#[derive(Clone, Debug)]
pub(super) struct Detected {
    /// Its format; `None` if it holds nothing that would tell: an empty JSON array.
    pub(super) format: Option<Format>,
    /// Whether it holds chats that tell by nothing whose messages they are: `format` is a guess then, and what other files
    /// of the same import are is a better one.
    pub(super) is_guess: bool,
    /// How it holds its records, if it is JSON.
    pub(super) container: Option<Container>,
    /// Whether its bytes can only be had from the beginning.
    pub(super) is_compressed: bool,
}

/// Finds out what a file is. A `format` that was chosen is believed, as far as the file can be read that way.
pub(super) fn detect(file: &InputFile, chosen: Option<Format>) -> Result<Detected, StageError> {
    let stream = TextStream::open(&file.path).map_err(|error| file.unreadable(&error))?;
    let is_compressed = stream.is_compressed();
    let mut stream = BufReader::new(stream);
    let start = beginning(&mut stream).map_err(|error| file.unreadable(&error))?;
    let container = match start.as_slice() {
        start if start.starts_with(PARQUET_MAGIC) => {
            return parquet(file, chosen, is_compressed);
        }
        start if start.starts_with(ZIP_MAGIC) => return Err(unreadable(file, "an Inspect log (`.eval`)")),
        [.., b'['] => Container::Array,
        [.., b'{'] => Container::Lines,
        [] => return Err(StageError::new(format!("`{}` is empty", file.shown)).help("remove it from `files`")),
        _ => {
            return Err(StageError::new(format!("`{}` is neither JSON nor Parquet", file.shown)).help(READABLE));
        }
    };
    if chosen == Some(Format::Sternlight) {
        return Err(StageError::new(format!(
            "`{}` is not a Parquet file, which `format: sternlight` expects",
            file.shown
        )));
    }
    let mut shape = Shape::default();
    let mut json = serde_json::Deserializer::from_reader(BufReader::new(start.as_slice().chain(stream)));
    let end = Look(&mut shape).deserialize(&mut json);
    let mut is_guess = false;
    let format = match (shape.format(), chosen) {
        (Some(Recognised::Readable(Format::OpenaiChat)), None) => {
            let again = TextStream::open(&file.path).map_err(|error| file.unreadable(&error))?;
            let mut again = BufReader::new(again);
            let start = beginning(&mut again).map_err(|error| file.unreadable(&error))?;
            let dialect = dialect(start.as_slice().chain(again));
            is_guess = dialect.is_none();
            Some(match dialect {
                Some(Dialect::Anthropic) => Format::Anthropic,
                _ => Format::OpenaiChat,
            })
        }
        (Some(Recognised::Readable(format)), None) => Some(format),
        (Some(Recognised::FewShot), _) => return Err(few_shot(file)),
        (_, Some(chosen)) => Some(chosen),
        (Some(Recognised::Other(what)), None) => return Err(unreadable(file, what)),
        (None, None) if container == Container::Array && end.is_ok() => None,
        (None, None) => return Err(unknown(file, &shape, end.err())),
    };
    Ok(Detected { format, is_guess, container: Some(container), is_compressed })
}

/// The bytes up to the first that is not white space, or as many as a magic number has.
fn beginning(stream: &mut impl BufRead) -> std::io::Result<Vec<u8>> {
    let mut start = Vec::new();
    let mut byte = [0];
    // Files may begin with any amount of white space.
    loop {
        let there = stream.fill_buf()?;
        let blank = there.iter().take_while(|byte| is_white(**byte)).count();
        let is_more = blank > 0 && blank == there.len();
        stream.consume(blank);
        if !is_more {
            break;
        }
    }
    while stream.read(&mut byte)? == 1 {
        let blank = is_white(byte[0]);
        if !blank || !start.is_empty() {
            start.push(byte[0]);
        }
        if start == BYTE_ORDER_MARK {
            start.clear();
        }
        let may_continue = [PARQUET_MAGIC, ZIP_MAGIC, BYTE_ORDER_MARK]
            .iter()
            .any(|magic| start.len() < magic.len() && magic.starts_with(&start));
        if !start.is_empty() && !may_continue {
            break;
        }
    }
    Ok(start)
}

fn parquet(file: &InputFile, chosen: Option<Format>, is_compressed: bool) -> Result<Detected, StageError> {
    match chosen {
        Some(chosen @ (Format::TauBench | Format::OpenaiChat | Format::Anthropic)) => Err(StageError::new(format!(
            "`{}` is a Parquet file, but `format: {}` expects JSON",
            file.shown,
            chosen.name()
        ))),
        _ if is_compressed => Err(StageError::new(format!("`{}` is a compressed Parquet file", file.shown))
            .help("decompress it: Parquet is read where it lies, and compresses its columns by itself")),
        _ => Ok(Detected { format: Some(Format::Sternlight), is_guess: false, container: None, is_compressed }),
    }
}

fn unreadable(file: &InputFile, what: &str) -> StageError {
    StageError::new(format!("`{}` is {what}, which `import` does not read yet", file.shown)).help(READABLE)
}

fn few_shot(file: &InputFile) -> StageError {
    StageError::new(format!(
        "`{}` holds few-shot demonstrations (`messages_display`): dialogues printed as text, from which the tool \
         calls cannot be recovered",
        file.shown
    ))
    .help("import the result files that the demonstrations were made from")
}

fn unknown(file: &InputFile, shape: &Shape, error: Option<serde_json::Error>) -> StageError {
    let message = match error {
        Some(error) if !error.is_data() => {
            let error = format!("`{}` is not valid JSON: {error}", file.shown);
            return StageError::new(error).help("expected one JSON object a line, or one JSON array of objects");
        }
        _ if shape.keys.is_empty() => format!("`{}` does not begin with an object that has keys", file.shown),
        _ => {
            let keys: Vec<String> = shape.keys.iter().take(8).map(|key| format!("`{key}`")).collect();
            format!("cannot tell what `{}` is: its first record has the keys {}", file.shown, keys.join(", "))
        }
    };
    StageError::new(message).help(format!("{READABLE}; say which with `format`"))
}

/// What the first keys of a file say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Recognised {
    Readable(Format),
    FewShot,
    Other(&'static str),
}

/// The keys of a file's first object.
#[derive(Debug, Default)]
struct Shape {
    /// Whether the object is an element of an array.
    in_array: bool,
    keys: BTreeSet<String>,
}

impl Shape {
    fn has(&self, key: &str) -> bool {
        self.keys.contains(key)
    }

    /// The most particular format that the keys fit.
    fn format(&self) -> Option<Recognised> {
        if !self.in_array {
            if self.has("steps") && self.has("agent") {
                return Some(Recognised::Other("an ATIF trajectory"));
            }
            if self.has("simulations") {
                return Some(Recognised::Other("a τ²-bench result file"));
            }
            if (self.has("samples") || self.has("eval")) && !self.has("messages") {
                return Some(Recognised::Other("an Inspect log"));
            }
        }
        if self.has("task_id") && self.has("traj") {
            return Some(Recognised::Readable(Format::TauBench));
        }
        if self.has("messages") {
            return Some(Recognised::Readable(Format::OpenaiChat));
        }
        if self.has("input") && (self.has("output") || self.has("instructions") || self.has("previous_response_id")) {
            return Some(Recognised::Other("a log of OpenAI's Responses API"));
        }
        if self.has("conversations") {
            return Some(Recognised::Other("a ShareGPT file"));
        }
        self.has("messages_display").then_some(Recognised::FewShot)
    }

    /// Whether further keys would not change what the file is taken for.
    fn is_settled(&self) -> bool {
        matches!(self.format(), Some(Recognised::Other("an ATIF trajectory" | "a τ²-bench result file")))
    }
}

/// Collects the keys of the first object into a shape, and stops there.
struct Look<'a>(&'a mut Shape);

impl<'de> DeserializeSeed<'de> for Look<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Look<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
        self.0.in_array = true;
        match elements.next_element_seed(Look(self.0))? {
            None => Ok(()),
            // The rest of the array may be large: an error is how a visitor stops.
            Some(()) => Err(A::Error::custom("the first element was seen")),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key()? {
            self.0.keys.insert(key);
            if self.0.is_settled() {
                return Err(A::Error::custom("enough was seen"));
            }
            map.next_value::<IgnoredAny>()?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::input_file;
    use super::*;

    fn look(bytes: &[u8], chosen: Option<Format>) -> Result<Detected, String> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        std::fs::write(&path, bytes).unwrap();
        let file = InputFile { path, ..input_file("file") };
        detect(&file, chosen).map_err(|error| error.to_string())
    }

    fn format(text: &str) -> Option<Format> {
        look(text.as_bytes(), None).unwrap().format
    }

    #[test]
    fn formats_are_told_by_the_first_keys() {
        let tau = " [ {\"reward\": 0, \"task_id\": 1, \"traj\": []}, garbage";
        assert_eq!(format(tau), Some(Format::TauBench));
        assert_eq!(look(tau.as_bytes(), None).unwrap().container, Some(Container::Array));
        assert_eq!(format("\u{feff}{\"messages\": []}\ngarbage"), Some(Format::OpenaiChat));
        assert_eq!(format("[{\"messages\": []}]"), Some(Format::OpenaiChat));
        assert_eq!(format("[]"), None);
        assert_eq!(look(b"PAR1....", None).unwrap().format, Some(Format::Sternlight));
        let zipped = zstd::encode_all(tau.as_bytes(), 1).unwrap();
        assert!(look(&zipped, None).unwrap().is_compressed);
        assert_eq!(look(b"{\"x\": 1}", Some(Format::OpenaiChat)).unwrap().format, Some(Format::OpenaiChat));
    }

    #[test]
    fn what_is_not_read_is_refused_by_its_name() {
        let refusals = [
            "",
            " \n ",
            "PK\u{3}\u{4}...",
            "{\"steps\": [], \"agent\": {}, broken",
            "{\"info\": {}, \"simulations\": [",
            "{\"eval\": {}, \"samples\": []}",
            "{\"conversations\": []}",
            "{\"messages_display\": \"\"}",
            "{\"a\": 1, \"b\": 2}",
            "{\"a\": ",
            "[7]",
            "Thought: hello",
        ];
        let messages: Vec<String> = refusals.iter().map(|text| look(text.as_bytes(), None).unwrap_err()).collect();
        insta::assert_snapshot!(messages.join("\n"), @"
        `file` is empty
        `file` is empty
        `file` is an Inspect log (`.eval`), which `import` does not read yet
        `file` is an ATIF trajectory, which `import` does not read yet
        `file` is a τ²-bench result file, which `import` does not read yet
        `file` is an Inspect log, which `import` does not read yet
        `file` is a ShareGPT file, which `import` does not read yet
        `file` holds few-shot demonstrations (`messages_display`): dialogues printed as text, from which the tool calls cannot be recovered
        cannot tell what `file` is: its first record has the keys `a`, `b`
        `file` is not valid JSON: EOF while parsing a value at line 1 column 6
        `file` does not begin with an object that has keys
        `file` is neither JSON nor Parquet
        ");
    }

    #[test]
    fn a_chosen_format_must_fit_the_container() {
        insta::assert_snapshot!(look(b"PAR1", Some(Format::TauBench)).unwrap_err(), @"`file` is a Parquet file, but `format: tau-bench` expects JSON");
        insta::assert_snapshot!(look(b"{}", Some(Format::Sternlight)).unwrap_err(), @"`file` is not a Parquet file, which `format: sternlight` expects");
    }
}
