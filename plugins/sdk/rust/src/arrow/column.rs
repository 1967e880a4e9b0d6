//! A column of a batch as a view into its buffers. What is at a row is looked up when asked for.

/// One column: a value, or none, for each row (or, below `turns`, for each turn of the whole batch).
#[derive(Clone, Debug)]
pub struct Column<'a> {
    pub(super) length: usize,
    /// One bit a row; `None`: all rows have a value.
    pub(super) validity: Option<&'a [u8]>,
    pub(super) values: Views<'a>,
}

/// The buffers of a column. Their lengths and offsets have been checked.
#[derive(Clone, Debug)]
pub(super) enum Views<'a> {
    /// Nothing at any row: a column of type null, or one that was not sent.
    Nothing,
    Booleans(&'a [u8]),
    Integers {
        bytes: &'a [u8],
        width: usize,
        signed: bool,
    },
    Floats32(&'a [[u8; 4]]),
    Floats64(&'a [[u8; 8]]),
    Texts {
        offsets: &'a [[u8; 4]],
        text: &'a str,
    },
    Lists {
        offsets: &'a [[u8; 4]],
        items: Box<Column<'a>>,
    },
    Structs(Vec<(&'a str, Column<'a>)>),
}

impl<'a> Column<'a> {
    /// A column that was not sent: no row has a value.
    pub(crate) fn absent() -> Self {
        Self { length: 0, validity: None, values: Views::Nothing }
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.length
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Whether the row is there and has a value.
    #[inline]
    pub fn is_valid(&self, row: usize) -> bool {
        row < self.length && self.has_bit(row) && !matches!(self.values, Views::Nothing)
    }

    /// Whether the row has a value, if it is there.
    #[inline]
    fn has_bit(&self, row: usize) -> bool {
        self.validity.is_none_or(|bits| bit(bits, row))
    }

    /// The text at a row; `None` where there is none, or if the column is not text.
    #[inline]
    pub fn text(&self, row: usize) -> Option<&'a str> {
        match &self.values {
            Views::Texts { offsets, text } if self.has_bit(row) => text.get(span(offsets, row)?),
            _ => None,
        }
    }

    /// The truth value at a row; `None` where there is none, or if the column is not of type bool.
    #[inline]
    pub fn boolean(&self, row: usize) -> Option<bool> {
        match &self.values {
            Views::Booleans(bits) if self.is_valid(row) => Some(bit(bits, row)),
            _ => None,
        }
    }

    /// The number at a row, whatever its type; integers beyond 2⁵³ are rounded.
    #[inline]
    pub fn number(&self, row: usize) -> Option<f64> {
        match &self.values {
            _ if !self.is_valid(row) => None,
            Views::Floats32(values) => values.get(row).map(|bytes| f64::from(f32::from_le_bytes(*bytes))),
            Views::Floats64(values) => values.get(row).map(|bytes| f64::from_le_bytes(*bytes)),
            _ => self.integer(row).map(|value| value as f64),
        }
    }

    /// The integer at a row; `None` where there is none, or if the column has no integers.
    #[inline]
    pub fn integer(&self, row: usize) -> Option<i128> {
        let Views::Integers { bytes, width, signed } = self.values else { return None };
        if !self.is_valid(row) {
            return None;
        }
        let bytes = bytes.get(row * width..(row + 1) * width)?;
        let filler = if signed && bytes.last()? >= &0x80 { 0xff } else { 0 };
        let mut wide = [filler; 16];
        wide.get_mut(..width)?.copy_from_slice(bytes);
        Some(i128::from_le_bytes(wide))
    }

    /// The rows of `items` that make the list at a row; `None` where there is none, or if the column has no lists.
    #[inline]
    pub fn list(&self, row: usize) -> Option<std::ops::Range<usize>> {
        match &self.values {
            Views::Lists { offsets, .. } if self.has_bit(row) => span(offsets, row),
            _ => None,
        }
    }

    /// The column below a list; `None` if the column has no lists.
    pub fn items(&self) -> Option<&Self> {
        match &self.values {
            Views::Lists { items, .. } => Some(items),
            _ => None,
        }
    }

    /// A column of a struct; `None` if there is none of that name, or if the column has no structs.
    pub fn field(&self, name: &str) -> Option<&Self> {
        match &self.values {
            Views::Structs(fields) => fields.iter().find(|(field, _)| *field == name).map(|(_, column)| column),
            _ => None,
        }
    }

    /// The type, in Arrow's words: `utf8`, `list<int32>`.
    pub fn type_name(&self) -> String {
        match &self.values {
            Views::Nothing => "null".to_owned(),
            Views::Booleans(_) => "bool".to_owned(),
            Views::Integers { width, signed, .. } => format!("{}int{}", if *signed { "" } else { "u" }, width * 8),
            Views::Floats32(_) => "float32".to_owned(),
            Views::Floats64(_) => "float64".to_owned(),
            Views::Texts { .. } => "utf8".to_owned(),
            Views::Lists { items, .. } => format!("list<{}>", items.type_name()),
            Views::Structs(fields) => {
                let fields: Vec<String> =
                    fields.iter().map(|(name, column)| format!("{name}: {}", column.type_name())).collect();
                format!("struct<{}>", fields.join(", "))
            }
        }
    }
}

#[inline]
pub(super) fn bit(bits: &[u8], row: usize) -> bool {
    bits.get(row / 8).is_some_and(|byte| byte >> (row % 8) & 1 == 1)
}

/// What lies between the offset of a row and the next; none if there is no such row.
#[inline]
fn span(offsets: &[[u8; 4]], row: usize) -> Option<std::ops::Range<usize>> {
    // One check of bounds for both: this is most of what it costs to look at a text.
    let [start, end] = offsets.get(row..)?.first_chunk()?;
    Some(u32::from_le_bytes(*start) as usize..u32::from_le_bytes(*end) as usize)
}

#[inline]
pub(super) fn offset(offsets: &[[u8; 4]], row: usize) -> usize {
    offsets.get(row).map_or(0, |bytes| u32::from_le_bytes(*bytes) as usize)
}
