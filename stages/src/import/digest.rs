//! The digest of a run of records, which come in small pieces. Not concerned with what they hold.

/// Enough for the hash to be computed on many blocks at once, little enough to stay in the processor's cache.
const PENDING_BYTES: usize = 128 << 10;

/// blake3 of bytes that are hashed many at once.
#[derive(Clone, Default)]
pub(super) struct Digest {
    hasher: blake3::Hasher,
    pending: Vec<u8>,
}

impl Digest {
    /// Adds bytes.
    pub(super) fn update(&mut self, bytes: &[u8]) {
        self.pending.extend_from_slice(bytes);
        if self.pending.len() >= PENDING_BYTES {
            self.hasher.update(&self.pending);
            self.pending.clear();
        }
    }

    /// The digest of all bytes since the last time, in hexadecimal.
    pub(super) fn finish(&mut self) -> String {
        self.hasher.update(&self.pending);
        self.pending.clear();
        let digest = self.hasher.finalize().to_hex().to_string();
        self.hasher.reset();
        digest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_do_not_matter() {
        let bytes: Vec<u8> = (0..3 * PENDING_BYTES as u32).map(|number| number as u8).collect();
        let mut digest = Digest::default();
        for _ in 0..2 {
            bytes.chunks(1001).for_each(|piece| digest.update(piece));
            assert_eq!(digest.finish(), blake3::hash(&bytes).to_hex().as_str());
        }
    }
}
