//! Keeps somebody's Parquet from taking more memory than there is. A page of a few bytes can stand for gigabytes, and a
//! footer may say anything: so the pages of a row group are looked at on their way to the decoder, and what would not fit is
//! an error before it is decoded. Files of the store are as they were written, and need no gate.

use std::io::{Cursor, Read};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use parquet::arrow::arrow_reader::RowGroups;
use parquet::column::page::{Page, PageIterator, PageMetadata, PageReader};
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::{ParquetMetaData, RowGroupMetaData};
use parquet::file::reader::{ChunkReader, Length};
use parquet::file::serialized_reader::SerializedPageReader;

use super::chunks::Chunks;
use super::packed::{number, signed};
use super::page_sizes::{DataPage, PageSizes};

/// What is held at once of a row: as it comes, in one piece with its neighbours, and what a stage makes of it.
pub(super) const ROW_COPIES: u64 = 3;

/// No row may be larger: its texts must fit Arrow arrays, whose offsets end at 2 GiB.
const MAX_ROW_BYTES: u64 = 1 << 30;

/// How large a row may be that is read with so much memory.
pub(super) fn row_limit(memory: u64) -> u64 {
    (memory / ROW_COPIES).min(MAX_ROW_BYTES)
}

/// In what steps a row group is decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pace {
    /// Rows at once.
    pub(super) rows: usize,
    /// Whether the size of each row is looked at. Need not be while the whole row group fits.
    pub(super) by_row: bool,
}

/// Why the gate let no more through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Closed {
    /// So many rows at once may be too much.
    Slower(Pace),
    /// A row of the row group, by its number there, has at least so many bytes in a leaf.
    Row { row: u64, leaf: usize, bytes: u64 },
    /// A page of a leaf has so many bytes.
    Page { leaf: usize, bytes: u64 },
}

/// What went through, of all leaves.
#[derive(Debug)]
struct Passed {
    total: u64,
    /// Bytes of the largest row of each leaf.
    largest: Vec<u64>,
    closed: Option<Closed>,
}

/// The gate of one row group.
#[derive(Debug)]
pub(super) struct Gate {
    memory: u64,
    pace: Pace,
    passed: Mutex<Passed>,
}

impl Gate {
    pub(super) fn new(memory: u64, pace: Pace, leaves: usize) -> Arc<Self> {
        let passed = Passed { total: 0, largest: vec![0; leaves], closed: None };
        Arc::new(Self { memory, pace, passed: Mutex::new(passed) })
    }

    /// Why it let no more through, if so.
    pub(super) fn closed(&self) -> Option<Closed> {
        self.lock().closed
    }

    fn lock(&self) -> MutexGuard<'_, Passed> {
        self.passed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn close(&self, why: Closed) -> ParquetError {
        self.lock().closed.get_or_insert(why);
        ParquetError::General("it takes more memory than there is".to_owned())
    }

    fn look(&self, leaf: usize, sizes: &mut PageSizes, page: &DataPage<'_>) -> Result<()> {
        if page.held_bytes() > self.memory {
            return Err(self.close(Closed::Page { leaf, bytes: page.held_bytes() }));
        }
        let limit = row_limit(self.memory);
        if !self.pace.by_row {
            let room = limit.saturating_sub(self.lock().total);
            let total = sizes.total(page, room)?;
            if total > room {
                return Err(self.close(Closed::Slower(Pace { by_row: true, ..self.pace })));
            }
            self.lock().total += total;
            return Ok(());
        }
        let largest = sizes.largest_row(page, limit)?;
        if largest.bytes > limit {
            return Err(self.close(Closed::Row { row: largest.row, leaf, bytes: largest.bytes }));
        }
        let of_row: u64 = {
            let mut passed = self.lock();
            if let Some(known) = passed.largest.get_mut(leaf) {
                *known = (*known).max(largest.bytes);
            }
            passed.largest.iter().sum()
        };
        let fitting = limit / of_row.max(1);
        if self.pace.rows > 1 && fitting < self.pace.rows as u64 {
            // Fewer than would do, so that somewhat larger rows need no other pace.
            let rows = (fitting / 2).max(1) as usize;
            return Err(self.close(Closed::Slower(Pace { rows, by_row: true })));
        }
        // The largest of each leaf need not be of one row.
        if of_row > 2 * limit {
            return Err(self.close(Closed::Row { row: largest.row, leaf, bytes: of_row }));
        }
        Ok(())
    }
}

/// A row group whose pages go through a gate.
pub(super) struct GatedRowGroup<'a> {
    pub(super) chunks: Arc<Chunks>,
    pub(super) metadata: &'a ParquetMetaData,
    pub(super) index: usize,
    pub(super) gate: Arc<Gate>,
}

impl GatedRowGroup<'_> {
    fn row_group(&self) -> &RowGroupMetaData {
        self.metadata.row_group(self.index)
    }
}

impl RowGroups for GatedRowGroup<'_> {
    fn num_rows(&self) -> usize {
        usize::try_from(self.row_group().num_rows()).unwrap_or(0)
    }

    fn column_chunks(&self, leaf: usize) -> Result<Box<dyn PageIterator>> {
        let column = self.row_group().column(leaf);
        let headers = Headers { chunks: Arc::clone(&self.chunks), leaf, gate: Arc::clone(&self.gate) };
        let pages = SerializedPageReader::new(Arc::new(headers), column, self.num_rows(), None)?;
        let sizes = PageSizes::of(column.column_descr());
        let is_flat = column.column_descr().max_rep_level() == 0;
        let pages = GatedPages { pages, leaf, sizes, is_flat, gate: Arc::clone(&self.gate) };
        Ok(Box::new(OneChunk(Some(Box::new(pages)))))
    }

    fn row_groups(&self) -> Box<dyn Iterator<Item = &RowGroupMetaData> + '_> {
        Box::new(std::iter::once(self.row_group()))
    }

    fn metadata(&self) -> &ParquetMetaData {
        self.metadata
    }
}

struct OneChunk(Option<Box<dyn PageReader>>);

impl Iterator for OneChunk {
    type Item = Result<Box<dyn PageReader>>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.take().map(Ok)
    }
}

impl PageIterator for OneChunk {}

/// The pages of one leaf.
struct GatedPages {
    pages: SerializedPageReader<Headers>,
    leaf: usize,
    sizes: PageSizes,
    is_flat: bool,
    gate: Arc<Gate>,
}

impl PageReader for GatedPages {
    fn get_next_page(&mut self) -> Result<Option<Page>> {
        let page = self.pages.get_next_page()?;
        match &page {
            Some(Page::DictionaryPage { buf, .. }) => self.sizes.dictionary(buf),
            Some(page) => {
                if let Some(page) = DataPage::of(page) {
                    self.gate.look(self.leaf, &mut self.sizes, &page)?;
                }
            }
            None => {}
        }
        Ok(page)
    }

    fn peek_next_page(&mut self) -> Result<Option<PageMetadata>> {
        self.pages.peek_next_page()
    }

    fn skip_next_page(&mut self) -> Result<()> {
        if let Some(page) = self.pages.peek_next_page()? {
            let rows = page.num_rows.or(page.num_levels.filter(|_| self.is_flat));
            self.sizes.pass(rows.unwrap_or(0) as u64);
        }
        self.pages.skip_next_page()
    }

    fn at_record_boundary(&mut self) -> Result<bool> {
        self.pages.at_record_boundary()
    }
}

impl Iterator for GatedPages {
    type Item = Result<Page>;

    fn next(&mut self) -> Option<Self::Item> {
        self.get_next_page().transpose()
    }
}

/// The chunks of a row group, with an eye on what the headers of pages say before these are decompressed.
struct Headers {
    chunks: Arc<Chunks>,
    leaf: usize,
    gate: Arc<Gate>,
}

/// The type and the size of a page stand in the first bytes of its header.
const HEADER_BYTES: u64 = 16;

impl Length for Headers {
    fn len(&self) -> u64 {
        self.chunks.len()
    }
}

impl ChunkReader for Headers {
    type T = Box<dyn Read + Send>;

    /// Only headers are read this way.
    fn get_read(&self, start: u64) -> Result<Self::T> {
        let mut read = self.chunks.get_read(start)?;
        let mut first = Vec::with_capacity(HEADER_BYTES as usize);
        read.by_ref().take(HEADER_BYTES).read_to_end(&mut first)?;
        match page_bytes(&first) {
            Some(bytes) if bytes > self.gate.memory => Err(self.gate.close(Closed::Page { leaf: self.leaf, bytes })),
            Some(_) => Ok(Box::new(Cursor::new(first).chain(read))),
            None => Err(ParquetError::General("the header of a page is damaged".to_owned())),
        }
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        self.chunks.get_bytes(start, length)
    }
}

/// The uncompressed size that a page's header says, which is its second field; `None` if there is no such.
fn page_bytes(header: &[u8]) -> Option<u64> {
    /// A 32-bit number in the field behind the one before, in Thrift's compact form.
    const NEXT_NUMBER: u8 = 0x15;
    let mut at = 0;
    let mut size = None;
    for _ in 0..2 {
        if header.get(at) != Some(&NEXT_NUMBER) {
            return None;
        }
        at += 1;
        size = u64::try_from(signed(number(header, &mut at).ok()?)).ok();
    }
    size
}
