//! Reads a stream record by record. Memory holds one record and a little more, never the file: white space between records
//! is passed over as it comes, and of a record that is too large only its size is found out.

use std::io::Read;

use memchr::memchr_iter;
use sternlight_engine::quantities::readable;
use sternlight_engine::stage::StageError;

use super::digest::Digest;
use super::files::InputFile;
use super::place::place;
use super::scan::{Container, Scanner, is_white};

/// No record may be larger: one row's text must fit an Arrow array, whose offsets end at 2 GiB, with room for the
/// forms that it takes there.
const MAX_RECORD_BYTES: u64 = 1 << 30;

/// How much is read at once.
const READ_BYTES: usize = 1 << 20;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// How large records may be that are read with so much memory.
#[derive(Clone, Copy, Debug)]
pub(super) struct RecordLimit {
    memory: u64,
}

impl RecordLimit {
    /// What is held at once of a record: its bytes, with room to grow; what is decoded of them; the row that becomes of
    /// it; and that row on its way into a file.
    pub(super) const COPIES: u64 = 6;

    /// That of any memory.
    #[cfg(test)]
    pub(super) const UNBOUNDED: Self = Self { memory: u64::MAX };

    /// Of what may use `memory` bytes.
    pub(super) fn of(memory: u64) -> Self {
        Self { memory }
    }

    /// Whether a record may have so many bytes.
    pub(super) fn allows(self, bytes: u64) -> bool {
        bytes <= self.bytes()
    }

    fn bytes(self) -> u64 {
        (self.memory / Self::COPIES).min(MAX_RECORD_BYTES)
    }

    /// Why a record of so many bytes is refused, and what to do.
    fn exceeded(self, found: u64) -> (String, &'static str) {
        match self.bytes() == MAX_RECORD_BYTES {
            true => (
                format!("the record has {}, more than the limit of {}", readable(found), readable(MAX_RECORD_BYTES)),
                "leave it out, or split it",
            ),
            false => (
                format!(
                    "the record has {}; importing it takes {} times as much, more than the {} of `--memory`",
                    readable(found),
                    Self::COPIES,
                    readable(self.memory)
                ),
                "raise `--memory`, or leave the record out",
            ),
        }
    }
}

/// One record of a file.
#[derive(Debug)]
pub(super) struct Record<'a> {
    /// The record itself.
    pub(super) body: &'a [u8],
    /// Index in the file, from 0.
    pub(super) index: u64,
    /// Line on which the body begins, from 1.
    pub(super) line: u64,
    /// Offset in the file's decoded bytes behind it and its line break.
    pub(super) end: u64,
}

/// What lies behind the last record and is no longer in the buffer.
#[derive(Clone, Copy, Debug, Default)]
struct Passed {
    bytes: u64,
    line_breaks: u64,
}

/// Where reading begins: at the start of a file, or right behind one of its records.
#[derive(Clone, Copy, Debug)]
pub(super) struct Start {
    /// Offset in the decoded bytes.
    pub(super) offset: u64,
    /// Index of the next record.
    pub(super) record: u64,
    /// Line of the offset, from 1.
    pub(super) line: u64,
}

impl Start {
    /// The start of a file.
    pub(super) const FILE: Self = Self { offset: 0, record: 0, line: 1 };
}

/// The records of a stream.
pub(super) struct Records<'a, R> {
    input: R,
    file: &'a InputFile,
    container: Container,
    scanner: Scanner,
    /// Whether the stream ends with the file, so that an array must be closed.
    whole: bool,
    buffer: Vec<u8>,
    /// The part of the buffer that is filled and not given out yet, and how far it was scanned.
    begin: usize,
    scanned: usize,
    filled: usize,
    exhausted: bool,
    next: Start,
    passed: Passed,
    limit: RecordLimit,
    /// Of all bytes from the record before last time it was asked for to the last record, and of those that were passed
    /// since then.
    digest: Digest,
    digest_at_record: Option<Digest>,
}

impl<'a, R: Read> Records<'a, R> {
    /// The records of a whole file.
    pub(super) fn of_file(input: R, file: &'a InputFile, container: Container, limit: RecordLimit) -> Self {
        Self { whole: true, ..Self::of_range(input, file, container, Start::FILE, limit) }
    }

    /// The records of a range that begins at `start` and ends right behind a record; `input` ends there.
    pub(super) fn of_range(
        input: R,
        file: &'a InputFile,
        container: Container,
        start: Start,
        limit: RecordLimit,
    ) -> Self {
        let scanner = match start.offset {
            0 => Scanner::new(container),
            _ => Scanner::behind_record(container),
        };
        Self {
            input,
            file,
            container,
            scanner,
            whole: false,
            buffer: Vec::new(),
            begin: 0,
            scanned: 0,
            filled: 0,
            exhausted: false,
            next: start,
            passed: Passed::default(),
            limit,
            digest: Digest::default(),
            digest_at_record: None,
        }
    }

    /// The digest of all bytes up to the last record's end: white space and separators, records, line breaks; from the
    /// start, or from where it was asked for the last time.
    pub(super) fn digest(&mut self) -> String {
        match self.digest_at_record.take() {
            // What was passed since then is told to none: it is followed by no record.
            Some(mut at_record) => at_record.finish(),
            None => self.digest.finish(),
        }
    }

    /// Where the next record begins, with the white space and separators before it.
    pub(super) fn position(&self) -> Start {
        self.next
    }

    /// The next record.
    pub(super) fn next(&mut self) -> Result<Option<Record<'_>>, StageError> {
        loop {
            match self.scanner.scan(&self.buffer[self.scanned..self.filled]) {
                Ok(Some(taken)) => {
                    self.scanned += taken;
                    return Ok(Some(self.give()));
                }
                Ok(None) => {
                    self.scanned = self.filled;
                    if !self.scanner.in_record() {
                        self.pass();
                    }
                }
                Err(unexpected) => {
                    let until = self.scanned + unexpected.at;
                    let found = char::from(unexpected.found).escape_default();
                    let message = format!("expected {}, found `{found}`", unexpected.expected);
                    return Err(self.error(until, message));
                }
            }
            if self.exhausted {
                return self.finish();
            }
            if !self.limit.allows((self.filled - self.begin) as u64) {
                return Err(self.too_large()?);
            }
            self.fill()?;
        }
    }

    /// Forgets what lies between records.
    fn pass(&mut self) {
        let between = &self.buffer[self.begin..self.scanned];
        if between.is_empty() {
            return;
        }
        if self.digest_at_record.is_none() {
            self.digest_at_record = Some(self.digest.clone());
        }
        self.digest.update(between);
        self.passed.bytes += between.len() as u64;
        self.passed.line_breaks += line_breaks(between);
        self.begin = self.scanned;
    }

    /// Finds out how large the record is that has begun, without holding it.
    fn too_large(&mut self) -> Result<StageError, StageError> {
        let before = self.separators(&self.buffer[self.begin..self.filled]);
        let told = self.error(self.begin + before, String::new());
        let mut found = (self.filled - self.begin - before) as u64;
        while !self.exhausted {
            self.begin = self.filled;
            self.scanned = self.filled;
            self.fill()?;
            match self.scanner.scan(&self.buffer[self.begin..self.filled]) {
                Ok(None) => found += (self.filled - self.begin) as u64,
                Ok(Some(taken)) => {
                    found += taken as u64;
                    break;
                }
                Err(_) => break,
            }
        }
        let (message, help) = self.limit.exceeded(found);
        Ok(StageError { message, ..told }.help(help))
    }

    /// What is left when the stream has ended: perhaps a last line without a line break.
    fn finish(&mut self) -> Result<Option<Record<'_>>, StageError> {
        let in_record = self.scanner.in_record();
        if self.container == Container::Lines && in_record {
            self.scanner = Scanner::behind_record(self.container);
            return Ok(Some(self.give()));
        }
        if self.whole && !self.scanner.may_end() {
            let message = if in_record {
                "the file ends within this element: it is cut off"
            } else {
                "the file ends before the array is closed: it is cut off"
            };
            let at = self.begin + self.separators(&self.buffer[self.begin..self.filled]);
            return Err(self.error(at, message.to_owned()));
        }
        Ok(None)
    }

    fn fill(&mut self) -> Result<(), StageError> {
        if self.begin > 0 {
            self.buffer.copy_within(self.begin..self.filled, 0);
            self.scanned -= self.begin;
            self.filled -= self.begin;
            self.begin = 0;
        }
        if self.filled == self.buffer.len() {
            let most = usize::try_from(self.limit.bytes()).unwrap_or(usize::MAX).saturating_add(READ_BYTES);
            self.buffer.resize((self.buffer.len() * 2).clamp(READ_BYTES, most.max(self.filled + READ_BYTES)), 0);
        }
        let read = loop {
            match self.input.read(&mut self.buffer[self.filled..]) {
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.file.unreadable(&error)),
                Ok(read) => break read,
            }
        };
        if self.next.offset + self.passed.bytes == 0 && self.filled < BYTE_ORDER_MARK.len() {
            blank_byte_order_mark(&mut self.buffer[..self.filled + read]);
        }
        self.filled += read;
        self.exhausted = read == 0;
        Ok(())
    }

    /// The bytes up to where the scanner stands, as a record.
    fn give(&mut self) -> Record<'_> {
        let span = &self.buffer[self.begin..self.scanned];
        let body_at = self.separators(span);
        let Passed { bytes, line_breaks: passed_lines } = std::mem::take(&mut self.passed);
        self.digest_at_record = None;
        self.digest.update(span);
        let first_line = self.next.line + passed_lines;
        let record = Record {
            body: span[body_at..].trim_ascii_end(),
            index: self.next.record,
            line: first_line + line_breaks(&span[..body_at]),
            end: self.next.offset + bytes + span.len() as u64,
        };
        self.begin = self.scanned;
        self.next = Start { offset: record.end, record: record.index + 1, line: first_line + line_breaks(span) };
        record
    }

    /// Number of bytes before the record itself.
    fn separators(&self, span: &[u8]) -> usize {
        let separates = |byte: &u8| match self.container {
            Container::Lines => is_white(*byte),
            Container::Array => is_white(*byte) || matches!(byte, b'[' | b','),
        };
        span.iter().take_while(|byte| separates(byte)).count()
    }

    /// An error about the next record, at this index of the buffer.
    fn error(&self, at: usize, message: String) -> StageError {
        let line = self.next.line + self.passed.line_breaks + line_breaks(&self.buffer[self.begin..at]);
        StageError::new(message).place(place(&self.file.shown, self.container, self.next.record, line))
    }
}

/// A byte order mark says nothing in UTF-8: it becomes white space.
fn blank_byte_order_mark(start: &mut [u8]) {
    if let Some(mark) = start.get_mut(..BYTE_ORDER_MARK.len())
        && mark == BYTE_ORDER_MARK
    {
        mark.fill(b' ');
    }
}

fn line_breaks(bytes: &[u8]) -> u64 {
    memchr_iter(b'\n', bytes).count() as u64
}

#[cfg(test)]
mod tests {
    use super::super::testing::input_file;
    use super::*;

    fn file() -> InputFile {
        input_file("runs.json")
    }

    fn read(container: Container, text: &str) -> Result<Vec<(String, u64, u64, u64)>, String> {
        let file = file();
        let mut records = Records::of_file(text.as_bytes(), &file, container, RecordLimit::UNBOUNDED);
        let mut seen = Vec::new();
        while let Some(record) = records.next().map_err(|error| error.to_string())? {
            let body = String::from_utf8_lossy(record.body).into_owned();
            seen.push((body, record.index, record.line, record.end));
        }
        Ok(seen)
    }

    #[test]
    fn records_know_their_place() {
        let lines = read(Container::Lines, "\u{feff}{}\n\n  \n {\"a\":1} \r\n{}").unwrap();
        assert_eq!(
            lines,
            [("{}".to_owned(), 0, 1, 6), ("{\"a\":1}".to_owned(), 1, 4, 21), ("{}".to_owned(), 2, 5, 23)]
        );
        let elements = read(Container::Array, "[\n {},\n\n {\"a\":\n[]}]\n").unwrap();
        assert_eq!(elements, [("{}".to_owned(), 0, 2, 5), ("{\"a\":\n[]}".to_owned(), 1, 4, 18)]);
        assert_eq!(read(Container::Array, "[]").unwrap(), []);
        assert_eq!(read(Container::Lines, "\n \n").unwrap(), []);
    }

    #[test]
    fn a_cut_or_broken_array_is_named() {
        insta::assert_snapshot!(
            read(Container::Array, "[\n{},\n{\"a\": [").unwrap_err(),
            @"runs.json, element 1 (line 3): the file ends within this element: it is cut off"
        );
        insta::assert_snapshot!(
            read(Container::Array, "[{}\n").unwrap_err(),
            @"runs.json, element 1 (line 2): the file ends before the array is closed: it is cut off"
        );
        insta::assert_snapshot!(
            read(Container::Array, "[{},\n\n 7]").unwrap_err(),
            @"runs.json, element 1 (line 3): expected an object, found `7`"
        );
    }
}
