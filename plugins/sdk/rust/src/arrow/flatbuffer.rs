//! Tables of FlatBuffers, in which Arrow describes schemas and batches: reading within bounds, and writing front to back.
//! Not concerned with what the tables mean.

use super::read::Invalid;

/// A table within a buffer. Every access checks that it stays within the buffer.
#[derive(Clone, Copy)]
pub(super) struct Table<'a> {
    bytes: &'a [u8],
    at: usize,
    vtable: usize,
    vtable_length: usize,
}

impl<'a> Table<'a> {
    /// The table that a buffer begins with.
    pub(super) fn root(bytes: &'a [u8]) -> Result<Self, Invalid> {
        Self::at(bytes, offset(bytes, 0)?)
    }

    fn at(bytes: &'a [u8], at: usize) -> Result<Self, Invalid> {
        let back = i32::from_le_bytes(array(bytes, at)?);
        let vtable = i64::try_from(at).ok().and_then(|at| usize::try_from(at - i64::from(back)).ok());
        let vtable = vtable.ok_or(Invalid::new("a table of the metadata lies outside of it"))?;
        let vtable_length = usize::from(u16::from_le_bytes(array(bytes, vtable)?));
        Ok(Self { bytes, at, vtable, vtable_length })
    }

    /// Where a field lies; `None` if it has its default.
    fn field(&self, index: usize) -> Result<Option<usize>, Invalid> {
        let slot = 4 + 2 * index;
        if slot + 2 > self.vtable_length {
            return Ok(None);
        }
        let within = u16::from_le_bytes(array(self.bytes, self.vtable + slot)?);
        Ok((within != 0).then_some(self.at + usize::from(within)))
    }

    fn scalar<const N: usize>(&self, index: usize) -> Result<Option<[u8; N]>, Invalid> {
        self.field(index)?.map(|at| array(self.bytes, at)).transpose()
    }

    pub(super) fn byte(&self, index: usize) -> Result<u8, Invalid> {
        Ok(self.scalar::<1>(index)?.map_or(0, |[byte]| byte))
    }

    pub(super) fn short(&self, index: usize) -> Result<i16, Invalid> {
        Ok(self.scalar(index)?.map_or(0, i16::from_le_bytes))
    }

    pub(super) fn int(&self, index: usize) -> Result<i32, Invalid> {
        Ok(self.scalar(index)?.map_or(0, i32::from_le_bytes))
    }

    pub(super) fn long(&self, index: usize) -> Result<i64, Invalid> {
        Ok(self.scalar(index)?.map_or(0, i64::from_le_bytes))
    }

    pub(super) fn table(&self, index: usize) -> Result<Option<Self>, Invalid> {
        self.field(index)?.map(|at| Self::at(self.bytes, at + offset(self.bytes, at)?)).transpose()
    }

    pub(super) fn text(&self, index: usize) -> Result<&'a str, Invalid> {
        let bytes = self.vector(index, 1)?;
        std::str::from_utf8(bytes).map_err(|_| Invalid::new("a name in the metadata is not UTF-8"))
    }

    /// The elements of a vector of structs or scalars of `size` bytes, as bytes.
    pub(super) fn vector(&self, index: usize, size: usize) -> Result<&'a [u8], Invalid> {
        let Some(field) = self.field(index)? else { return Ok(&[]) };
        let at = field + offset(self.bytes, field)?;
        let length = offset(self.bytes, at)?;
        let end = length.checked_mul(size).and_then(|bytes| bytes.checked_add(at + 4));
        end.and_then(|end| self.bytes.get(at + 4..end))
            .ok_or(Invalid::new("a vector of the metadata reaches beyond it"))
    }

    /// The tables of a vector.
    pub(super) fn tables(&self, index: usize) -> Result<Vec<Self>, Invalid> {
        let Some(field) = self.field(index)? else { return Ok(Vec::new()) };
        let first = field + offset(self.bytes, field)? + 4;
        let count = self.vector(index, 4)?.len() / 4;
        (0..count).map(|i| first + 4 * i).map(|at| Self::at(self.bytes, at + offset(self.bytes, at)?)).collect()
    }
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> Result<[u8; N], Invalid> {
    at.checked_add(N)
        .and_then(|end| bytes.get(at..end))
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or(Invalid::new("the metadata refers to a place outside of it"))
}

/// An unsigned offset or length. Half of what 32 bits hold, so that sums of a few stay within `usize` of 32 bits.
fn offset(bytes: &[u8], at: usize) -> Result<usize, Invalid> {
    let offset = u32::from_le_bytes(array(bytes, at)?);
    if offset > i32::MAX as u32 / 4 {
        return Err(Invalid::new("the metadata refers to a place outside of it"));
    }
    Ok(offset as usize)
}

/// Writes tables front to back: a table comes before what it refers to, and its offsets are filled in afterwards.
#[derive(Default)]
pub(super) struct Writer {
    pub(super) bytes: Vec<u8>,
}

/// A field of a table that is being written.
#[derive(Clone, Copy)]
pub(super) enum Field {
    Absent,
    Byte(u8),
    Short(i16),
    Int(i32),
    Long(i64),
    /// Filled in by `refer`.
    Offset,
}

impl Field {
    fn size(self) -> usize {
        match self {
            Self::Absent => 0,
            Self::Byte(_) => 1,
            Self::Short(_) => 2,
            Self::Int(_) | Self::Offset => 4,
            Self::Long(_) => 8,
        }
    }
}

impl Writer {
    /// A buffer whose first word refers to its root table, which comes next.
    pub(super) fn new() -> Self {
        Self { bytes: vec![0; 4] }
    }

    /// Writes a table and gives the places of its offsets, in the order of the fields.
    pub(super) fn table(&mut self, fields: &[Field]) -> (usize, Vec<usize>) {
        self.align(8, 0);
        let vtable = self.bytes.len();
        let vtable_length = 4 + 2 * fields.len();
        self.bytes.resize(vtable + vtable_length, 0);
        self.align(8, 0);
        let table = self.bytes.len();
        self.bytes.extend(((table - vtable) as i32).to_le_bytes());
        let mut offsets = Vec::new();
        for (index, field) in fields.iter().enumerate() {
            if field.size() == 0 {
                continue;
            }
            self.align(field.size(), 0);
            let at = self.bytes.len();
            self.put_short(vtable + 4 + 2 * index, at - table);
            match *field {
                Field::Absent => {}
                Field::Byte(value) => self.bytes.push(value),
                Field::Short(value) => self.bytes.extend(value.to_le_bytes()),
                Field::Int(value) => self.bytes.extend(value.to_le_bytes()),
                Field::Long(value) => self.bytes.extend(value.to_le_bytes()),
                Field::Offset => {
                    offsets.push(at);
                    self.bytes.extend([0; 4]);
                }
            }
        }
        self.put_short(vtable, vtable_length);
        self.put_short(vtable + 2, self.bytes.len() - table);
        (table, offsets)
    }

    /// Fills in an offset: what lies at `place` refers to what lies at `target`, further on.
    pub(super) fn refer(&mut self, place: usize, target: usize) {
        self.bytes[place..place + 4].copy_from_slice(&((target - place) as u32).to_le_bytes());
    }

    pub(super) fn text(&mut self, text: &str) -> usize {
        let at = self.vector(text.len(), 1, text.as_bytes());
        self.bytes.push(0);
        at
    }

    /// A vector of structs or scalars, aligned to 8 bytes.
    pub(super) fn vector(&mut self, length: usize, align: usize, elements: &[u8]) -> usize {
        self.align(align.max(4), 4);
        let at = self.bytes.len();
        self.bytes.extend((length as u32).to_le_bytes());
        self.bytes.extend(elements);
        at
    }

    /// A vector of offsets and their places.
    pub(super) fn offsets(&mut self, length: usize) -> (usize, Vec<usize>) {
        let at = self.vector(length, 4, &vec![0; 4 * length]);
        (at, (0..length).map(|i| at + 4 + 4 * i).collect())
    }

    /// Pads until what comes `after` bytes further on is aligned.
    pub(super) fn align(&mut self, align: usize, after: usize) {
        while !(self.bytes.len() + after).is_multiple_of(align) {
            self.bytes.push(0);
        }
    }

    fn put_short(&mut self, at: usize, value: usize) {
        self.bytes[at..at + 2].copy_from_slice(&(value as u16).to_le_bytes());
    }
}
