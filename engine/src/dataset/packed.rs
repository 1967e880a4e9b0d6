//! Small numbers as Parquet packs them, one after the other without holding them: runs and bit-packed groups (levels, and
//! indices into dictionaries), and differences (lengths of texts). Enough to know how much there is to decode.
//!
//! The formats: <https://parquet.apache.org/docs/file-format/data-pages/encodings/>.

use std::io::{Error, ErrorKind};

type Result<T> = std::io::Result<T>;

fn damaged(what: &str) -> Error {
    Error::new(ErrorKind::InvalidData, format!("a page is damaged: {what}"))
}

/// Reads an unsigned number in groups of seven bits.
pub(super) fn number(bytes: &[u8], at: &mut usize) -> Result<u64> {
    let (mut value, mut shift) = (0_u64, 0_u32);
    loop {
        let byte = *bytes.get(*at).ok_or_else(|| damaged("it ends within a number"))?;
        *at += 1;
        value |= u64::from(byte & 0x7f).checked_shl(shift).ok_or_else(|| damaged("a number is too long"))?;
        if byte < 0x80 {
            return Ok(value);
        }
        shift += 7;
    }
}

/// The number of `width` bits that begins at a bit. What lies behind the end is zero.
fn bits(bytes: &[u8], bit: u64, width: u32) -> u64 {
    let (mut value, first) = (0_u128, (bit / 8) as usize);
    for (index, byte) in bytes.iter().skip(first).take(9).enumerate() {
        value |= u128::from(*byte) << (8 * index);
    }
    let mask = (1_u128 << width) - 1;
    ((value >> (bit % 8)) & mask) as u64
}

/// Numbers in runs of one value and in bit-packed groups of eight.
#[derive(Clone, Debug)]
pub(super) struct Runs<'a> {
    bytes: &'a [u8],
    width: u32,
    at: usize,
    left: u64,
    run: Run,
}

#[derive(Clone, Copy, Debug)]
enum Run {
    Of(u32),
    /// The bit at which the next one begins.
    Packed(u64),
}

impl<'a> Runs<'a> {
    /// `width`: bits of each number.
    pub(super) fn new(bytes: &'a [u8], width: u32) -> Result<Self> {
        match width <= 32 {
            true => Ok(Self { bytes, width, at: 0, left: 0, run: Run::Of(0) }),
            false => Err(damaged("its numbers are too wide")),
        }
    }

    pub(super) fn next(&mut self) -> Result<u32> {
        // Of no bits there is nothing but zeros.
        if self.width == 0 {
            return Ok(0);
        }
        while self.left == 0 {
            self.begin_run()?;
        }
        self.left -= 1;
        match &mut self.run {
            Run::Of(value) => Ok(*value),
            Run::Packed(bit) => {
                let value = bits(self.bytes, *bit, self.width);
                *bit += u64::from(self.width);
                Ok(value as u32)
            }
        }
    }

    fn begin_run(&mut self) -> Result<()> {
        let header = number(self.bytes, &mut self.at)?;
        if header & 1 == 0 {
            self.left = header >> 1;
            let length = self.width.div_ceil(8) as usize;
            let value = self.bytes.get(self.at..self.at + length).ok_or_else(|| damaged("it ends within a run"))?;
            self.run = Run::Of(value.iter().rev().fold(0, |number, byte| number << 8 | u32::from(*byte)));
            self.at += length;
        } else {
            let groups = header >> 1;
            let there = self.bytes.len().saturating_sub(self.at);
            if there == 0 {
                return Err(damaged("it ends before a run"));
            }
            self.run = Run::Packed(8 * self.at as u64);
            self.left = groups.saturating_mul(8);
            let length = groups.saturating_mul(u64::from(self.width));
            self.at += (length as usize).min(there);
        }
        Ok(())
    }
}

/// Numbers by their differences, in blocks of bit-packed miniblocks.
#[derive(Clone, Debug)]
pub(super) struct Differences<'a> {
    bytes: &'a [u8],
    at: usize,
    left: u64,
    miniblocks: u64,
    of_miniblock: u64,
    last: i64,
    is_first: bool,
    least: i64,
    widths: &'a [u8],
    /// Of the miniblock at hand: numbers left, width, and the bit at which the next one begins.
    left_here: u64,
    width: u32,
    bit: u64,
}

impl<'a> Differences<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Result<Self> {
        let mut at = 0;
        let block = number(bytes, &mut at)?;
        let miniblocks = number(bytes, &mut at)?;
        let left = number(bytes, &mut at)?;
        let first = signed(number(bytes, &mut at)?);
        let of_miniblock = block.checked_div(miniblocks).filter(|rows| *rows > 0 && rows % 8 == 0);
        let of_miniblock = of_miniblock.ok_or_else(|| damaged("its blocks have no size"))?;
        Ok(Self {
            bytes,
            at,
            left,
            miniblocks,
            of_miniblock,
            last: first,
            is_first: true,
            least: 0,
            widths: &[],
            left_here: 0,
            width: 0,
            bit: 0,
        })
    }

    /// The next length; no length is below zero.
    pub(super) fn next(&mut self) -> Result<Option<u64>> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        if std::mem::take(&mut self.is_first) {
            return Ok(Some(u64::try_from(self.last).unwrap_or(0)));
        }
        if self.left_here == 0 {
            self.begin_miniblock()?;
        }
        self.left_here -= 1;
        let difference = bits(self.bytes, self.bit, self.width) as i64;
        self.bit += u64::from(self.width);
        self.last = self.last.wrapping_add(self.least).wrapping_add(difference);
        Ok(Some(u64::try_from(self.last).unwrap_or(0)))
    }

    /// Where what follows these numbers begins. `most`: how many there can be.
    pub(super) fn end(mut self, most: u64) -> Result<usize> {
        if self.left > most {
            return Err(damaged("it has more lengths than values"));
        }
        while self.next()?.is_some() {}
        Ok(self.at)
    }

    fn begin_miniblock(&mut self) -> Result<()> {
        if self.widths.is_empty() {
            self.least = signed(number(self.bytes, &mut self.at)?);
            let end = self.at.saturating_add(usize::try_from(self.miniblocks).unwrap_or(usize::MAX));
            self.widths = self.bytes.get(self.at..end).ok_or_else(|| damaged("it ends within a block"))?;
            self.at = end;
        }
        let Some((width, others)) = self.widths.split_first() else { return Err(damaged("a block is empty")) };
        if *width > 64 {
            return Err(damaged("its differences are too wide"));
        }
        (self.width, self.widths) = (u32::from(*width), others);
        self.left_here = self.of_miniblock;
        self.bit = 8 * self.at as u64;
        let length = self.of_miniblock / 8 * u64::from(self.width);
        self.at = self.at.saturating_add(usize::try_from(length).unwrap_or(usize::MAX)).min(self.bytes.len());
        Ok(())
    }
}

/// A number whose sign is its lowest bit.
pub(super) fn signed(number: u64) -> i64 {
    (number >> 1) as i64 ^ -((number & 1) as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_and_packed_groups_come_out_one_by_one() {
        // A run of five 300s, 16 bits wide; then eight packed numbers, 3 bits wide, as in the specification.
        let mut runs = Runs::new(&[10, 0x2c, 0x01], 16).unwrap();
        assert_eq!((0..5).map(|_| runs.next().unwrap()).collect::<Vec<_>>(), [300; 5]);
        assert!(runs.next().is_err());
        let mut packed = Runs::new(&[3, 0x88, 0xc6, 0xfa], 3).unwrap();
        assert_eq!((0..8).map(|_| packed.next().unwrap()).collect::<Vec<_>>(), (0..8).collect::<Vec<_>>());
        assert!(packed.next().is_err());
        assert_eq!(Runs::new(&[], 0).unwrap().next().unwrap(), 0);
        assert!(Runs::new(&[], 33).is_err());
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_give_numbers_or_an_error(bytes in proptest::collection::vec(0_u8.., 0..60), width in 0_u32..40) {
            if let Ok(mut runs) = Runs::new(&bytes, width) {
                (0..500).try_for_each(|_| runs.next().map(drop)).ok();
            }
            if let Ok(mut differences) = Differences::new(&bytes) {
                (0..500).try_for_each(|_| differences.next().map(drop)).ok();
            }
        }
    }
}
