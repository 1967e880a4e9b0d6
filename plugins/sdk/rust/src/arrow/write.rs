//! From new columns to the bytes of an Arrow IPC stream, one record batch, ready to be handed to the host.

use super::flatbuffer::{Field, Writer};

/// A new column: one value, or none, for each row.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// Type `bool`.
    Boolean(Vec<Option<bool>>),
    /// Type `int32`.
    Int32(Vec<Option<i32>>),
    /// Type `int64`.
    Int64(Vec<Option<i64>>),
    /// Type `uint64`.
    UInt64(Vec<Option<u64>>),
    /// Type `float32`.
    Float32(Vec<Option<f32>>),
    /// Type `float64`.
    Float64(Vec<Option<f64>>),
    /// Type `utf8`.
    Text(Vec<Option<String>>),
    /// Type `list<int32>`.
    Int32List(Vec<Option<Vec<i32>>>),
    /// Type `list<float32>`.
    Float32List(Vec<Option<Vec<f32>>>),
}

macro_rules! from_values {
    ($($variant:ident: $type:ty),*) => {$(
        impl From<Vec<Option<$type>>> for Values {
            fn from(values: Vec<Option<$type>>) -> Self {
                Self::$variant(values)
            }
        }

        impl From<Vec<$type>> for Values {
            fn from(values: Vec<$type>) -> Self {
                Self::$variant(values.into_iter().map(Some).collect())
            }
        }
    )*};
}
from_values!(Boolean: bool, Int32: i32, Int64: i64, UInt64: u64, Float32: f32, Float64: f64, Text: String);
from_values!(Int32List: Vec<i32>, Float32List: Vec<f32>);

macro_rules! each_kind {
    ($values:expr, $bound:ident => $do:expr) => {
        match $values {
            Values::Boolean($bound) => $do,
            Values::Int32($bound) => $do,
            Values::Int64($bound) => $do,
            Values::UInt64($bound) => $do,
            Values::Float32($bound) => $do,
            Values::Float64($bound) => $do,
            Values::Text($bound) => $do,
            Values::Int32List($bound) => $do,
            Values::Float32List($bound) => $do,
        }
    };
}

impl Values {
    /// Number of rows.
    pub fn len(&self) -> usize {
        each_kind!(self, values => values.len())
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The type, in Arrow's words.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Boolean(_) => "bool",
            Self::Int32(_) => "int32",
            Self::Int64(_) => "int64",
            Self::UInt64(_) => "uint64",
            Self::Float32(_) => "float32",
            Self::Float64(_) => "float64",
            Self::Text(_) => "utf8",
            Self::Int32List(_) => "list<int32>",
            Self::Float32List(_) => "list<float32>",
        }
    }

    /// Takes away the value of a row, where it turned out to have none.
    pub(crate) fn clear(&mut self, row: usize) {
        each_kind!(self, values => if let Some(value) = values.get_mut(row) { *value = None });
    }
}

/// Columns below `turns`.
#[derive(Clone, Copy, Debug)]
pub struct Turns<'a> {
    /// How many turns each trajectory has.
    pub counts: &'a [usize],
    /// Columns with as many rows as there are turns.
    pub columns: &'a [(String, Values)],
}

/// Writes columns of `rows` trajectories, and columns of their turns, as an Arrow IPC stream.
///
/// The lengths must fit: `rows` values in each column, as many turns as `counts` says in each column of turns.
pub fn write(rows: usize, columns: &[(String, Values)], turns: Option<Turns<'_>>) -> Vec<u8> {
    let mut stream = Vec::new();
    message(&mut stream, SCHEMA, &[], |writer| schema(writer, columns, turns));
    let mut body = Body::default();
    for (_, values) in columns {
        body.values(values);
    }
    if let Some(Turns { counts, columns }) = turns {
        let total = body.list(&vec![true; counts.len()], counts.iter().copied());
        body.node(total, 0);
        body.buffer(&[]);
        for (_, values) in columns {
            body.values(values);
        }
    }
    let Body { bytes, nodes, buffers } = body;
    message(&mut stream, RECORD_BATCH, &bytes, |writer| {
        let fields = [Field::Long(rows as i64), Field::Offset, Field::Offset];
        let (table, offsets) = writer.table(&fields);
        for (place, structs) in offsets.into_iter().zip([&nodes, &buffers]) {
            let at = writer.vector(structs.len() / 16, 8, structs);
            writer.refer(place, at);
        }
        table
    });
    // The end of the stream: a mark and no message.
    stream.extend([0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]);
    stream
}

const SCHEMA: u8 = 1;
const RECORD_BATCH: u8 = 3;
/// Version 5 of the format, the first with the layout that is written here.
const VERSION: i16 = 4;

fn message(stream: &mut Vec<u8>, kind: u8, body: &[u8], header: impl FnOnce(&mut Writer) -> usize) {
    let mut writer = Writer::new();
    let fields = [Field::Short(VERSION), Field::Byte(kind), Field::Offset, Field::Long(body.len() as i64)];
    let (root, offsets) = writer.table(&fields);
    writer.refer(0, root);
    let header = header(&mut writer);
    for place in offsets {
        writer.refer(place, header);
    }
    writer.align(8, 0);
    stream.extend([0xff; 4]);
    stream.extend((writer.bytes.len() as u32).to_le_bytes());
    stream.extend(&writer.bytes);
    stream.extend(body);
}

fn schema(writer: &mut Writer, columns: &[(String, Values)], turns: Option<Turns<'_>>) -> usize {
    let mut fields: Vec<Described<'_>> = columns.iter().map(|(name, values)| describe(name, values)).collect();
    if let Some(Turns { columns, .. }) = turns {
        let columns = columns.iter().map(|(name, values)| describe(name, values)).collect();
        let item = Described { name: "item", kind: STRUCT, about: Vec::new(), children: columns };
        fields.push(Described { name: "turns", kind: LIST, about: Vec::new(), children: vec![item] });
    }
    let (table, places) = writer.table(&[Field::Absent, Field::Offset]);
    let list = write_fields(writer, &fields);
    for place in places {
        writer.refer(place, list);
    }
    table
}

const INT: u8 = 2;
const FLOAT: u8 = 3;
const TEXT: u8 = 5;
const BOOLEAN: u8 = 6;
const LIST: u8 = 12;
const STRUCT: u8 = 13;

/// A field of the schema.
struct Described<'a> {
    name: &'a str,
    kind: u8,
    /// What the table of its type holds.
    about: Vec<Field>,
    children: Vec<Self>,
}

fn describe<'a>(name: &'a str, values: &Values) -> Described<'a> {
    let simple = |name, kind, about| Described { name, kind, about, children: Vec::new() };
    let int = |name, bits, signed| simple(name, INT, vec![Field::Int(bits), Field::Byte(u8::from(signed))]);
    let float = |name, precision| simple(name, FLOAT, vec![Field::Short(precision)]);
    let list = |item| Described { name, kind: LIST, about: Vec::new(), children: vec![item] };
    match values {
        Values::Boolean(_) => simple(name, BOOLEAN, Vec::new()),
        Values::Int32(_) => int(name, 32, true),
        Values::Int64(_) => int(name, 64, true),
        Values::UInt64(_) => int(name, 64, false),
        Values::Float32(_) => float(name, 1),
        Values::Float64(_) => float(name, 2),
        Values::Text(_) => simple(name, TEXT, Vec::new()),
        Values::Int32List(_) => list(int("item", 32, true)),
        Values::Float32List(_) => list(float("item", 1)),
    }
}

fn write_fields(writer: &mut Writer, fields: &[Described<'_>]) -> usize {
    let (list, slots) = writer.offsets(fields.len());
    for (slot, field) in slots.into_iter().zip(fields) {
        let at = write_field(writer, field);
        writer.refer(slot, at);
    }
    list
}

fn write_field(writer: &mut Writer, field: &Described<'_>) -> usize {
    const NULLABLE: Field = Field::Byte(1);
    let layout = [Field::Offset, NULLABLE, Field::Byte(field.kind), Field::Offset, Field::Absent, Field::Offset];
    let (table, places) = writer.table(&layout);
    let name = writer.text(field.name);
    let (about, _) = writer.table(&field.about);
    let children = write_fields(writer, &field.children);
    for (place, target) in places.into_iter().zip([name, about, children]) {
        writer.refer(place, target);
    }
    table
}

/// The body of a record batch, with what is said about it.
#[derive(Default)]
struct Body {
    bytes: Vec<u8>,
    nodes: Vec<u8>,
    buffers: Vec<u8>,
}

impl Body {
    fn values(&mut self, values: &Values) {
        match values {
            Values::Boolean(values) => {
                self.start(values);
                let bits = bits(values.iter().map(|value| value.unwrap_or_default()));
                self.buffer(&bits);
            }
            Values::Int32(values) => self.numbers(values, |value| value.to_le_bytes()),
            Values::Int64(values) => self.numbers(values, |value| value.to_le_bytes()),
            Values::UInt64(values) => self.numbers(values, |value| value.to_le_bytes()),
            Values::Float32(values) => self.numbers(values, |value| value.to_le_bytes()),
            Values::Float64(values) => self.numbers(values, |value| value.to_le_bytes()),
            Values::Text(values) => {
                let valid: Vec<bool> = values.iter().map(Option::is_some).collect();
                self.list(&valid, values.iter().map(|value| value.as_ref().map_or(0, String::len)));
                let text: Vec<u8> = values.iter().flatten().flat_map(|value| value.bytes()).collect();
                self.buffer(&text);
            }
            Values::Int32List(values) => self.number_lists(values, |value| value.to_le_bytes()),
            Values::Float32List(values) => self.number_lists(values, |value| value.to_le_bytes()),
        }
    }

    fn numbers<T: Copy + Default, const N: usize>(&mut self, values: &[Option<T>], bytes: impl Fn(T) -> [u8; N]) {
        self.start(values);
        let bytes: Vec<u8> = values.iter().flat_map(|value| bytes(value.unwrap_or_default())).collect();
        self.buffer(&bytes);
    }

    fn number_lists<T: Copy>(&mut self, values: &[Option<Vec<T>>], bytes: impl Fn(T) -> [u8; 4]) {
        let valid: Vec<bool> = values.iter().map(Option::is_some).collect();
        let total = self.list(&valid, values.iter().map(|value| value.as_ref().map_or(0, Vec::len)));
        self.node(total, 0);
        self.buffer(&[]);
        let bytes: Vec<u8> = values.iter().flatten().flatten().flat_map(|value| bytes(*value)).collect();
        self.buffer(&bytes);
    }

    /// Node, validity and offsets of a column of lists or texts; gives how long they are together.
    fn list(&mut self, valid: &[bool], lengths: impl Iterator<Item = usize>) -> usize {
        self.validity(valid);
        let mut end = 0;
        let mut offsets = vec![0; 4];
        for length in lengths {
            end += length;
            offsets.extend((end as u32).to_le_bytes());
        }
        self.buffer(&offsets);
        end
    }

    fn start<T>(&mut self, values: &[Option<T>]) {
        let valid: Vec<bool> = values.iter().map(Option::is_some).collect();
        self.validity(&valid);
    }

    /// Node and validity of a column.
    fn validity(&mut self, valid: &[bool]) {
        let nulls = valid.iter().filter(|valid| !**valid).count();
        self.node(valid.len(), nulls);
        let bits = if nulls == 0 { Vec::new() } else { bits(valid.iter().copied()) };
        self.buffer(&bits);
    }

    fn node(&mut self, rows: usize, nulls: usize) {
        self.nodes.extend((rows as i64).to_le_bytes());
        self.nodes.extend((nulls as i64).to_le_bytes());
    }

    fn buffer(&mut self, bytes: &[u8]) {
        self.buffers.extend((self.bytes.len() as i64).to_le_bytes());
        self.buffers.extend((bytes.len() as i64).to_le_bytes());
        self.bytes.extend(bytes);
        self.bytes.resize(self.bytes.len().next_multiple_of(8), 0);
    }
}

fn bits(values: impl Iterator<Item = bool>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (row, value) in values.enumerate() {
        if row % 8 == 0 {
            bytes.push(0);
        }
        if let Some(byte) = bytes.last_mut() {
            *byte |= u8::from(value) << (row % 8);
        }
    }
    bytes
}
