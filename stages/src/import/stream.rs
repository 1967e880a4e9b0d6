//! The decoded bytes of a file: plain, gzip or Zstandard, by its first bytes. Not concerned with what they mean.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek as _, SeekFrom};
use std::path::Path;

use sternlight_engine::regular_file;

const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];
const ZSTANDARD_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// A file's bytes, decompressed as they are read.
pub(super) struct TextStream {
    source: Source,
    position: u64,
}

enum Source {
    Plain(File),
    Compressed(Box<dyn Read + Send>),
}

impl TextStream {
    /// Opens a file at its beginning.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let mut file = regular_file::open(path)?;
        let mut magic = Vec::with_capacity(ZSTANDARD_MAGIC.len());
        file.by_ref().take(ZSTANDARD_MAGIC.len() as u64).read_to_end(&mut magic)?;
        file.rewind()?;
        let source = if magic.starts_with(&GZIP_MAGIC) {
            Source::Compressed(Box::new(flate2::bufread::MultiGzDecoder::new(BufReader::new(file))))
        } else if magic.starts_with(&ZSTANDARD_MAGIC) {
            Source::Compressed(Box::new(zstd::stream::read::Decoder::new(file)?))
        } else {
            Source::Plain(file)
        };
        Ok(Self { source, position: 0 })
    }

    /// Whether the bytes can only be had from the beginning.
    pub(super) fn is_compressed(&self) -> bool {
        matches!(self.source, Source::Compressed(_))
    }

    /// Moves forward to an offset of the decoded bytes.
    pub(super) fn skip_to(&mut self, offset: u64) -> io::Result<()> {
        match &mut self.source {
            Source::Plain(file) => {
                file.seek(SeekFrom::Start(offset))?;
            }
            Source::Compressed(decoder) => {
                let wanted = offset.saturating_sub(self.position);
                if io::copy(&mut decoder.by_ref().take(wanted), &mut io::sink())? < wanted {
                    return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the file has become shorter"));
                }
            }
        }
        self.position = offset;
        Ok(())
    }
}

impl Read for TextStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = match &mut self.source {
            Source::Plain(file) => file.read(buffer)?,
            Source::Compressed(decoder) => decoder.read(buffer)?,
        };
        self.position += read as u64;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn plain_gzip_and_zstandard_give_the_same_bytes_from_any_offset() {
        let directory = tempfile::tempdir().unwrap();
        let text: Vec<u8> = (0..100_000u32).flat_map(|number| number.to_le_bytes()).collect();
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(&text).unwrap();
        let forms = [text.clone(), gzip.finish().unwrap(), zstd::encode_all(text.as_slice(), 1).unwrap()];
        for (form, bytes) in forms.iter().enumerate() {
            let path = directory.path().join("file");
            std::fs::write(&path, bytes).unwrap();
            let mut stream = TextStream::open(&path).unwrap();
            assert_eq!(stream.is_compressed(), form > 0);
            for (start, length) in [(3, 10), (70_000, 5), (399_990, 100)] {
                stream.skip_to(start as u64).unwrap();
                let mut read = Vec::new();
                stream.by_ref().take(length).read_to_end(&mut read).unwrap();
                assert_eq!(read, text[start..text.len().min(start + length as usize)]);
            }
        }
    }

    #[test]
    fn a_compressed_file_cut_in_half_is_an_error() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file.zst");
        let text: Vec<u8> = (0..100_000u32).flat_map(|number| number.to_le_bytes()).collect();
        let whole = zstd::encode_all(text.as_slice(), 1).unwrap();
        std::fs::write(&path, &whole[..whole.len() / 2]).unwrap();
        let mut read = Vec::new();
        assert!(TextStream::open(&path).unwrap().read_to_end(&mut read).is_err());
    }
}
