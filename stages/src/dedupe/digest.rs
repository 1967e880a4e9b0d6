//! What a trajectory says, as a digest: equal if and only if it says the same. Not concerned with what is nearly the same.

use sternlight_engine::trajectory::TrajectoryBatch;

use super::columns::Column;

/// The digest of a row over these columns. Lengths and counts go into it, so that no text can be taken for two.
pub(super) fn digest(batch: &TrajectoryBatch, columns: &[Column<'_>], row: usize) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new();
    for column in columns {
        let places = column.places(batch, row);
        hasher.update(&(places.len() as u64).to_le_bytes());
        for place in places {
            match column.bytes(place) {
                // No length of a text: null is not the empty one.
                None => hasher.update(&u64::MAX.to_le_bytes()),
                Some(bytes) => hasher.update(&(bytes.len() as u64).to_le_bytes()).update(bytes),
            };
        }
    }
    hasher.finalize()
}
