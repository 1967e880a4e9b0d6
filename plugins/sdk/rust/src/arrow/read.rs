//! From the bytes of an Arrow IPC stream to columns. The bytes are not believed: every length, offset and text is checked
//! here, once, so that looking up values later needs no error.

use std::fmt;

use super::column::{Column, Views, offset};
use super::flatbuffer::Table;

/// Deepest nesting of a column; trajectories have three: `turns`, its struct, a list of tokens.
const DEEPEST: usize = 8;
/// Most columns, those within columns included: the metadata can refer to one table from many places.
const MOST_COLUMNS: usize = 4096;
/// What every message begins with.
const CONTINUATION: u32 = u32::MAX;

/// What is wrong with the bytes of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invalid(String);

impl Invalid {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}

impl fmt::Display for Invalid {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "the batch is not a valid Arrow IPC stream: {}", self.0)
    }
}

impl std::error::Error for Invalid {}

/// The columns that were sent, each a view into the bytes.
#[derive(Clone, Debug)]
pub struct Batch<'a> {
    rows: usize,
    columns: Vec<(&'a str, Column<'a>)>,
}

impl<'a> Batch<'a> {
    /// Reads a stream: a schema, one record batch, and the end.
    ///
    /// # Errors
    /// If anything lies outside of the bytes, or is of a type that is not understood.
    pub fn read(bytes: &'a [u8]) -> Result<Self, Invalid> {
        let (schema, rest) = Message::next(bytes)?;
        if schema.kind != SCHEMA {
            return Err(Invalid::new("it does not begin with a schema"));
        }
        let (batch, _) = Message::next(rest)?;
        if batch.kind != RECORD_BATCH {
            return Err(Invalid::new("the schema is not followed by a record batch"));
        }
        if batch.header.table(3)?.is_some() {
            return Err(Invalid::new("it is compressed"));
        }
        let rows = length(batch.header.long(0)?)?;
        let mut reader = Reader {
            body: batch.body,
            nodes: batch.header.vector(1, 16)?.as_chunks().0.iter(),
            buffers: batch.header.vector(2, 16)?.as_chunks().0.iter(),
            columns: 0,
        };
        let fields = schema.header.tables(1)?;
        let columns = fields.into_iter().map(|field| reader.field(field, rows, 0)).collect::<Result<_, _>>()?;
        Ok(Self { rows, columns })
    }

    /// Number of trajectories.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// A column by its path, `reward` or `turns.action`; `None` if it was not sent.
    ///
    /// A column below `turns` has one value for each turn of all trajectories; `turns_of` says whose they are.
    pub fn column(&self, path: &str) -> Option<&Column<'a>> {
        match path.split_once('.') {
            Some((outer, inner)) => self.column(outer)?.items()?.field(inner),
            None => self.columns.iter().find(|(name, _)| *name == path).map(|(_, column)| column),
        }
    }

    /// The turns of a trajectory, as rows of the columns below `turns`.
    #[inline]
    pub fn turns_of(&self, row: usize) -> std::ops::Range<usize> {
        self.column("turns").and_then(|turns| turns.list(row)).unwrap_or_default()
    }
}

const SCHEMA: u8 = 1;
const RECORD_BATCH: u8 = 3;

struct Message<'a> {
    kind: u8,
    header: Table<'a>,
    body: &'a [u8],
}

impl<'a> Message<'a> {
    /// The first message of a stream, and what follows it.
    fn next(bytes: &'a [u8]) -> Result<(Self, &'a [u8]), Invalid> {
        let ends = || Invalid::new("it ends too early");
        let (start, rest) = bytes.split_first_chunk::<8>().ok_or_else(ends)?;
        let [a, b, c, d, e, f, g, h] = *start;
        if u32::from_le_bytes([a, b, c, d]) != CONTINUATION {
            return Err(Invalid::new("a message does not begin with its mark"));
        }
        let size = u32::from_le_bytes([e, f, g, h]) as usize;
        let (metadata, rest) = rest.split_at_checked(size).ok_or_else(ends)?;
        if metadata.is_empty() {
            return Err(ends());
        }
        let message = Table::root(metadata)?;
        let header = message.table(2)?.ok_or_else(|| Invalid::new("a message has no header"))?;
        let (body, rest) = rest.split_at_checked(length(message.long(3)?)?).ok_or_else(ends)?;
        Ok((Self { kind: message.byte(1)?, header, body }, rest))
    }
}

struct Reader<'a> {
    body: &'a [u8],
    nodes: std::slice::Iter<'a, [u8; 16]>,
    buffers: std::slice::Iter<'a, [u8; 16]>,
    columns: usize,
}

impl<'a> Reader<'a> {
    /// Reads a field with the next nodes and buffers; it has `rows` rows, or more where a struct or list is longer.
    fn field(&mut self, field: Table<'a>, rows: usize, depth: usize) -> Result<(&'a str, Column<'a>), Invalid> {
        let name = field.text(0)?;
        self.columns += 1;
        if depth > DEEPEST || self.columns > MOST_COLUMNS {
            return Err(Invalid::new("its columns are nested too deeply or are too many"));
        }
        let [node, nulls] = pair(self.nodes.next().ok_or_else(|| Invalid::new("it has too few columns"))?)?;
        if node < rows {
            return Err(wrong(name, &format!("has {node} rows, expected {rows}")));
        }
        if field.table(4)?.is_some() {
            return Err(wrong(name, "is a dictionary"));
        }
        let kind = field.byte(2)?;
        let about = field.table(3)?;
        let validity = if kind == 1 { None } else { self.validity(name, node, nulls)? };
        let values = match kind {
            1 => Views::Nothing,
            2 => self.integers(name, node, about)?,
            3 => self.floats(name, node, about)?,
            5 => self.texts(name, node)?,
            6 => Views::Booleans(self.sized(name, node.div_ceil(8))?),
            12 => self.lists(name, node, field, depth)?,
            13 => {
                let fields = field.tables(5)?.into_iter().map(|child| self.field(child, node, depth + 1));
                Views::Structs(fields.collect::<Result<_, _>>()?)
            }
            other => return Err(wrong(name, &format!("has a type that is not understood (number {other})"))),
        };
        Ok((name, Column { length: node, validity, values }))
    }

    fn buffer(&mut self) -> Result<&'a [u8], Invalid> {
        let [at, size] = pair(self.buffers.next().ok_or_else(|| Invalid::new("it has too few buffers"))?)?;
        at.checked_add(size)
            .and_then(|end| self.body.get(at..end))
            .ok_or_else(|| Invalid::new("a buffer reaches beyond the end"))
    }

    /// The next buffer, which holds at least `size` bytes.
    fn sized(&mut self, name: &str, size: usize) -> Result<&'a [u8], Invalid> {
        let buffer = self.buffer()?;
        buffer.get(..size).ok_or_else(|| wrong(name, &format!("has {} bytes of values, expected {size}", buffer.len())))
    }

    fn validity(&mut self, name: &str, rows: usize, nulls: usize) -> Result<Option<&'a [u8]>, Invalid> {
        let bits = self.buffer()?;
        if nulls == 0 {
            return Ok(None);
        }
        let needed = rows.div_ceil(8);
        bits.get(..needed).map(Some).ok_or_else(|| wrong(name, "says too little about which rows have a value"))
    }

    fn integers(&mut self, name: &str, rows: usize, about: Option<Table<'a>>) -> Result<Views<'a>, Invalid> {
        let about = about.ok_or_else(|| wrong(name, "does not say its type"))?;
        let width = match about.int(0)? {
            8 => 1,
            16 => 2,
            32 => 4,
            64 => 8,
            bits => return Err(wrong(name, &format!("has integers of {bits} bits"))),
        };
        let size = rows.checked_mul(width).ok_or_else(|| wrong(name, "is too long"))?;
        Ok(Views::Integers { bytes: self.sized(name, size)?, width, signed: about.byte(1)? != 0 })
    }

    fn floats(&mut self, name: &str, rows: usize, about: Option<Table<'a>>) -> Result<Views<'a>, Invalid> {
        let about = about.ok_or_else(|| wrong(name, "does not say its type"))?;
        let too_long = || wrong(name, "is too long");
        match about.short(0)? {
            1 => {
                let size = rows.checked_mul(4).ok_or_else(too_long)?;
                Ok(Views::Floats32(self.sized(name, size)?.as_chunks().0))
            }
            2 => {
                let size = rows.checked_mul(8).ok_or_else(too_long)?;
                Ok(Views::Floats64(self.sized(name, size)?.as_chunks().0))
            }
            _ => Err(wrong(name, "has floating-point numbers of 16 bits")),
        }
    }

    fn offsets(&mut self, name: &str, rows: usize) -> Result<&'a [[u8; 4]], Invalid> {
        let buffer = self.buffer()?.as_chunks::<4>().0;
        if rows == 0 {
            return Ok(&[]);
        }
        let offsets = rows.checked_add(1).and_then(|count| buffer.get(..count));
        let offsets = offsets.ok_or_else(|| wrong(name, "has too few offsets"))?;
        // Without a branch for each row, so that it is done for several at once.
        let falling = offsets.windows(2).fold(false, |falling, pair| match pair {
            [before, after] => falling | (i32::from_le_bytes(*before) > i32::from_le_bytes(*after)),
            _ => falling,
        });
        if falling || offsets.first().is_some_and(|first| i32::from_le_bytes(*first) < 0) {
            return Err(wrong(name, "has offsets that fall"));
        }
        Ok(offsets)
    }

    fn texts(&mut self, name: &str, rows: usize) -> Result<Views<'a>, Invalid> {
        let offsets = self.offsets(name, rows)?;
        let bytes = self.buffer()?;
        let used = bytes.get(..offset(offsets, rows)).ok_or_else(|| wrong(name, "has offsets beyond its text"))?;
        let text = simdutf8::basic::from_utf8(used).map_err(|_| wrong(name, "is not UTF-8"))?;
        // Those that do not begin a character are counted rather than looked for: without a branch for each row.
        let begins = |at: &[u8; 4]| used.get(u32::from_le_bytes(*at) as usize).is_none_or(|byte| *byte as i8 >= -64);
        if offsets.iter().filter(|at| !begins(at)).count() > 0 {
            return Err(wrong(name, "has offsets within a character"));
        }
        Ok(Views::Texts { offsets, text })
    }

    fn lists(&mut self, name: &str, rows: usize, field: Table<'a>, depth: usize) -> Result<Views<'a>, Invalid> {
        let offsets = self.offsets(name, rows)?;
        let children = field.tables(5)?;
        let [child] = children.as_slice() else { return Err(wrong(name, "is a list without a type")) };
        let (_, items) = self.field(*child, offset(offsets, rows), depth + 1)?;
        Ok(Views::Lists { offsets, items: Box::new(items) })
    }
}

fn pair(bytes: &[u8; 16]) -> Result<[usize; 2], Invalid> {
    let [a, b, c, d, e, f, g, h, rest @ ..] = *bytes;
    Ok([length(i64::from_le_bytes([a, b, c, d, e, f, g, h]))?, length(i64::from_le_bytes(rest))?])
}

/// A length within the address space, and far enough from its end for sums of a few.
fn length(value: i64) -> Result<usize, Invalid> {
    usize::try_from(value)
        .ok()
        .filter(|value| *value <= i32::MAX as usize)
        .ok_or_else(|| Invalid::new(format!("a length is {value}")))
}

fn wrong(name: &str, what: &str) -> Invalid {
    Invalid::new(format!("column `{name}` {what}"))
}
