//! Digests of the column chunks of a file, held in little memory: a dataset of many small shards has very many.

use std::collections::BTreeMap;

use blake3::Hash;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::shared::Shared;
use crate::column::ColumnPath;

/// For each column of a file, a blake3 of its chunks in each row group. Written as hexadecimal lists by column.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Digests {
    /// In order.
    columns: Shared<Vec<ColumnPath>>,
    row_groups: usize,
    /// Of every row group of the first column, then of the next.
    of_chunks: Shared<Vec<Hash>>,
}

impl Digests {
    /// From the digests of each column, which are as many for all. `None` if they are not.
    pub(crate) fn of_columns(columns: BTreeMap<ColumnPath, Vec<Hash>>) -> Option<Self> {
        let row_groups = columns.values().next().map_or(0, Vec::len);
        if columns.values().any(|digests| digests.len() != row_groups) {
            return None;
        }
        let (columns, digests): (Vec<ColumnPath>, Vec<Vec<Hash>>) = columns.into_iter().unzip();
        Some(Self { columns: columns.into(), row_groups, of_chunks: digests.concat().into() })
    }

    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }

    /// The columns of which they are known.
    pub(crate) fn columns(&self) -> &[ColumnPath] {
        &self.columns
    }

    /// Of each row group of a column.
    pub(crate) fn of(&self, column: &ColumnPath) -> Option<&[Hash]> {
        let index = self.columns.binary_search(column).ok()?;
        self.of_chunks.get(index * self.row_groups..(index + 1) * self.row_groups)
    }

    /// Those of some of the row groups. Of row groups that there are not, none is known.
    pub(crate) fn row_group_range(&self, range: std::ops::Range<usize>) -> Self {
        let kept = |column: &ColumnPath| self.of(column).and_then(|digests| digests.get(range.clone()));
        let of_chunks: Option<Vec<&[Hash]>> = self.columns.iter().map(kept).collect();
        let (row_groups, of_chunks) = of_chunks.map_or((0, Vec::new()), |digests| (range.len(), digests.concat()));
        Self { columns: self.columns.clone(), row_groups, of_chunks: of_chunks.into() }
    }

    /// Names the same columns only once in memory.
    pub(crate) fn share_with(&mut self, other: &Self) {
        self.columns.share_with(&other.columns);
    }
}

impl Serialize for Digests {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let hexadecimal = |digest: &Hash| digest.to_hex().to_string();
        let digests = |column| self.of(column).unwrap_or_default().iter().map(hexadecimal).collect::<Vec<_>>();
        serializer.collect_map(self.columns.iter().map(|column| (column, digests(column))))
    }
}

impl<'de> Deserialize<'de> for Digests {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let written = BTreeMap::<ColumnPath, Vec<String>>::deserialize(deserializer)?;
        let digest = |text: &String| Hash::from_hex(text).map_err(D::Error::custom);
        let read =
            |(column, digests): (_, Vec<String>)| Ok((column, digests.iter().map(digest).collect::<Result<_, _>>()?));
        let columns = written.into_iter().map(read).collect::<Result<_, D::Error>>()?;
        Self::of_columns(columns).ok_or_else(|| D::Error::custom("columns have digests of different row groups"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digests(columns: &[(&str, &[u8])]) -> Option<Digests> {
        let of = |(column, chunks): &(&str, &[u8])| {
            (ColumnPath::from(*column), chunks.iter().map(|byte| blake3::hash(&[*byte])).collect())
        };
        Digests::of_columns(columns.iter().map(of).collect())
    }

    #[test]
    fn they_are_read_as_they_were_written() {
        let two = digests(&[("reward", &[1, 2]), ("error", &[3, 4])]).unwrap();
        let text = serde_json::to_string(&two).unwrap();
        let hexadecimal = blake3::hash(&[4]).to_hex().to_string();
        assert!(
            text.starts_with(r#"{"error":[""#) && text.contains(&format!(r#","{hexadecimal}"],"reward":["#)),
            "{text}"
        );
        let mut read: Digests = serde_json::from_str(&text).unwrap();
        assert_eq!(read, two);
        read.share_with(&two);
        assert_eq!(read, two);
        for wrong in [r#"{"a":["00"]}"#.to_owned(), text.replace(&format!(r#","{hexadecimal}""#), ""), "[]".to_owned()]
        {
            assert!(serde_json::from_str::<Digests>(&wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn chunks_are_found_by_column_and_row_group() {
        let all = digests(&[("a", &[1, 2, 3]), ("b", &[4, 5, 6])]).unwrap();
        let some = all.row_group_range(1..3);
        assert_eq!(some, digests(&[("a", &[2, 3]), ("b", &[5, 6])]).unwrap());
        assert_eq!(some.of(&ColumnPath::from("b")), Some(&[blake3::hash(&[5]), blake3::hash(&[6])][..]));
        assert_eq!(
            (some.of(&ColumnPath::from("c")), all.row_group_range(2..4).of(&ColumnPath::from("a"))),
            (None, Some(&[][..]))
        );
        assert_eq!((digests(&[("a", &[1]), ("b", &[])]), Digests::default().is_empty()), (None, true));
    }
}
