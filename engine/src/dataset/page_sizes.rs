//! How much the pages of a column chunk are once decoded: in all, and the largest of their rows. Found from the pages
//! themselves, whatever the file says about them, and without decoding: a page of a few bytes can stand for gigabytes.

use std::io::{Error, ErrorKind};

use bytes::Bytes;
use parquet::basic::{Encoding, Type};
use parquet::column::page::Page;
use parquet::schema::types::ColumnDescriptor;

use super::packed::{Differences, Runs};

type Result<T> = std::io::Result<T>;

/// What a value takes besides its own bytes, about: its levels, its end among the others.
const PLACE_BYTES: u64 = 8;

/// A leaf of a Parquet file.
#[derive(Clone, Copy, Debug)]
struct Leaf {
    /// Bytes of a value; `None` for texts.
    width: Option<u64>,
    repetition: i16,
    definition: i16,
}

/// Looks at the pages of one chunk, in order.
#[derive(Debug)]
pub(super) struct PageSizes {
    leaf: Leaf,
    /// Lengths of the texts of its dictionary, and the longest.
    dictionary: Vec<u32>,
    longest: u64,
    /// Bytes of the row that the next page may go on with.
    row_bytes: u64,
    /// Rows that have begun.
    rows: u64,
}

/// Rows of some pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct LargestRow {
    /// Bytes; no more is counted of a row than it takes to see that it is too large.
    pub(super) bytes: u64,
    /// Its number in the row group.
    pub(super) row: u64,
}

impl PageSizes {
    pub(super) fn of(column: &ColumnDescriptor) -> Self {
        let width = match column.physical_type() {
            Type::BYTE_ARRAY => None,
            Type::FIXED_LEN_BYTE_ARRAY => Some(u64::try_from(column.type_length()).unwrap_or(0)),
            Type::INT96 => Some(12),
            Type::INT64 | Type::DOUBLE => Some(8),
            Type::INT32 | Type::FLOAT | Type::BOOLEAN => Some(4),
        };
        let leaf = Leaf { width, repetition: column.max_rep_level(), definition: column.max_def_level() };
        Self { leaf, dictionary: Vec::new(), longest: 0, row_bytes: 0, rows: 0 }
    }

    /// Passes over a page with so many rows, which begin in it.
    pub(super) fn pass(&mut self, rows: u64) {
        (self.rows, self.row_bytes) = (self.rows.saturating_add(rows), 0);
    }

    /// Takes a dictionary.
    pub(super) fn dictionary(&mut self, page: &[u8]) {
        if self.leaf.width.is_none() {
            self.dictionary = plain_lengths(page).collect();
            self.longest = self.dictionary.iter().max().map_or(0, |longest| u64::from(*longest));
        }
    }

    /// Bytes of a data page once it is decoded. No more is counted than it takes to see that it is more than `most`.
    pub(super) fn total(&self, page: &DataPage<'_>, most: u64) -> Result<u64> {
        let places = page.values.saturating_mul(PLACE_BYTES + self.leaf.width.unwrap_or(0));
        if self.leaf.width.is_some() {
            return Ok(places);
        }
        let texts = match page.encoding {
            // The shorter way if it will do.
            Encoding::RLE_DICTIONARY | Encoding::PLAIN_DICTIONARY => page.values.saturating_mul(self.longest),
            Encoding::DELTA_BYTE_ARRAY => u64::MAX,
            _ => return Ok(places.saturating_add(page.buffer.len() as u64)),
        };
        let total = places.saturating_add(texts);
        if total <= most || places > most {
            return Ok(total);
        }
        let Some(parts) = page.parts(self.leaf)? else { return Ok(total) };
        let mut texts = Texts::new(self, page, parts.values)?;
        let mut total = places;
        for _ in 0..page.values {
            match texts.next()? {
                Some(bytes) if total <= most => total += bytes,
                _ => break,
            }
        }
        Ok(total)
    }

    /// The largest row that ends, begins or goes on in a data page; the first that has more than `most` bytes if there is
    /// one.
    pub(super) fn largest_row(&mut self, page: &DataPage<'_>, most: u64) -> Result<LargestRow> {
        let leaf = self.leaf;
        let Some(parts) = page.parts(leaf)? else {
            // Where its rows end cannot be told: as if it were one.
            self.row_bytes = self.row_bytes.saturating_add(self.total(page, most)?);
            return Ok(LargestRow { bytes: self.row_bytes, row: self.rows });
        };
        let (mut rows, mut row_bytes) = (self.rows, self.row_bytes);
        let mut largest = LargestRow::default();
        {
            let mut texts = match leaf.width {
                None => Some(Texts::new(self, page, parts.values)?),
                Some(_) => None,
            };
            let mut repetition = Runs::new(parts.repetition, bit_width(leaf.repetition))?;
            let mut definition = Runs::new(parts.definition, bit_width(leaf.definition))?;
            for _ in 0..page.values {
                if leaf.repetition == 0 || repetition.next()? == 0 {
                    (rows, row_bytes) = (rows + 1, 0);
                }
                let is_there = leaf.definition == 0 || definition.next()? == leaf.definition as u32;
                let bytes = match (is_there, &mut texts) {
                    (false, _) => 0,
                    (true, None) => leaf.width.unwrap_or(0),
                    (true, Some(texts)) => texts.next()?.unwrap_or(0),
                };
                row_bytes = row_bytes.saturating_add(PLACE_BYTES + bytes);
                if row_bytes > largest.bytes {
                    largest = LargestRow { bytes: row_bytes, row: rows.saturating_sub(1) };
                }
                if row_bytes > most {
                    break;
                }
            }
        }
        (self.rows, self.row_bytes) = (rows, row_bytes);
        Ok(largest)
    }
}

/// A data page of either version.
#[derive(Debug)]
pub(super) struct DataPage<'a> {
    buffer: &'a Bytes,
    /// Values, or places of such: nulls and empty lists have one.
    values: u64,
    encoding: Encoding,
    levels: LevelsLie,
}

/// Where the levels of a page are.
#[derive(Clone, Copy, Debug)]
enum LevelsLie {
    /// At its beginning, behind their lengths; and whether those of repetition and of definition are packed in an old way,
    /// which tells no length.
    Within(bool, bool),
    /// At its beginning: so many bytes of each.
    OfBytes(usize, usize),
}

/// The parts of a data page.
#[derive(Debug)]
struct Parts<'a> {
    repetition: &'a [u8],
    definition: &'a [u8],
    values: &'a [u8],
}

impl<'a> DataPage<'a> {
    /// `None` for a dictionary.
    pub(super) fn of(page: &'a Page) -> Option<Self> {
        match page {
            Page::DataPage { buf, num_values, encoding, def_level_encoding, rep_level_encoding, .. } => {
                let [repetition, definition] = [rep_level_encoding, def_level_encoding].map(|of| *of != Encoding::RLE);
                let levels = LevelsLie::Within(repetition, definition);
                Some(Self { buffer: buf, values: u64::from(*num_values), encoding: *encoding, levels })
            }
            Page::DataPageV2 { buf, num_values, encoding, def_levels_byte_len, rep_levels_byte_len, .. } => {
                let levels = LevelsLie::OfBytes(*rep_levels_byte_len as usize, *def_levels_byte_len as usize);
                Some(Self { buffer: buf, values: u64::from(*num_values), encoding: *encoding, levels })
            }
            Page::DictionaryPage { .. } => None,
        }
    }

    /// Bytes that decoding any of it takes: some encodings hold the lengths of all texts.
    pub(super) fn held_bytes(&self) -> u64 {
        let lengths = match self.encoding {
            Encoding::DELTA_BYTE_ARRAY | Encoding::DELTA_LENGTH_BYTE_ARRAY => self.values.saturating_mul(PLACE_BYTES),
            _ => 0,
        };
        lengths.saturating_add(self.buffer.len() as u64)
    }

    /// Its parts; `None` if they cannot be told apart.
    fn parts(&self, leaf: Leaf) -> Result<Option<Parts<'a>>> {
        let buffer: &'a [u8] = self.buffer;
        let split = |bytes: &'a [u8], at: usize| bytes.split_at_checked(at).ok_or_else(too_short);
        let behind_length = |bytes: &'a [u8], most: i16| match most > 0 {
            false => Ok((&bytes[..0], bytes)),
            true => {
                let (length, rest) = bytes.split_first_chunk::<4>().ok_or_else(too_short)?;
                split(rest, u32::from_le_bytes(*length) as usize)
            }
        };
        let ((repetition, rest), definition_bytes) = match self.levels {
            LevelsLie::Within(repetition, definition)
                if (repetition && leaf.repetition > 0) || (definition && leaf.definition > 0) =>
            {
                return Ok(None);
            }
            LevelsLie::Within(..) => (behind_length(buffer, leaf.repetition)?, None),
            LevelsLie::OfBytes(repetition, definition) => (split(buffer, repetition)?, Some(definition)),
        };
        let (definition, values) = match definition_bytes {
            None => behind_length(rest, leaf.definition)?,
            Some(definition) => split(rest, definition)?,
        };
        Ok(Some(Parts { repetition, definition, values }))
    }
}

/// Lengths of the texts of a page.
enum Texts<'a> {
    Plain(&'a [u8]),
    Indices(Runs<'a>, &'a [u32]),
    Lengths(Differences<'a>),
    /// Of what is shared with the text before, and of the rest.
    Shared(Differences<'a>, Differences<'a>),
}

impl<'a> Texts<'a> {
    fn new(sizes: &'a PageSizes, page: &DataPage<'_>, values: &'a [u8]) -> Result<Self> {
        Ok(match page.encoding {
            Encoding::RLE_DICTIONARY | Encoding::PLAIN_DICTIONARY => match values.split_first() {
                Some((width, indices)) => Self::Indices(Runs::new(indices, u32::from(*width))?, &sizes.dictionary),
                None => Self::Plain(values),
            },
            Encoding::DELTA_LENGTH_BYTE_ARRAY => Self::Lengths(Differences::new(values)?),
            Encoding::DELTA_BYTE_ARRAY => {
                let shared = Differences::new(values)?;
                let rest = values.get(shared.clone().end(page.values)?..).ok_or_else(too_short)?;
                Self::Shared(shared, Differences::new(rest)?)
            }
            _ => Self::Plain(values),
        })
    }

    fn next(&mut self) -> Result<Option<u64>> {
        match self {
            Self::Plain(bytes) => Ok(plain_length(bytes).map(u64::from)),
            // Where nulls are not counted, fewer indices come than places.
            Self::Indices(indices, dictionary) => match indices.next() {
                Ok(index) => Ok(dictionary.get(index as usize).map(|length| u64::from(*length))),
                Err(_) => Ok(None),
            },
            Self::Lengths(lengths) => lengths.next(),
            Self::Shared(shared, rest) => Ok(match (shared.next()?, rest.next()?) {
                (Some(shared), Some(rest)) => Some(shared.saturating_add(rest)),
                _ => None,
            }),
        }
    }
}

/// The length of the first of texts that each stand behind their length, which is passed over.
fn plain_length(bytes: &mut &[u8]) -> Option<u32> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    let length = u32::from_le_bytes(*length);
    *bytes = rest.get(length as usize..)?;
    Some(length)
}

fn plain_lengths(mut bytes: &[u8]) -> impl Iterator<Item = u32> {
    std::iter::from_fn(move || plain_length(&mut bytes))
}

/// Bits of levels up to this one.
fn bit_width(most: i16) -> u32 {
    i16::BITS - most.max(0).leading_zeros()
}

fn too_short() -> Error {
    Error::new(ErrorKind::InvalidData, "a page is damaged: it is shorter than it says")
}
