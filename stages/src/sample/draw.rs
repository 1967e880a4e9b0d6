//! The lot that each id draws: a hash of the pipeline's seed, the stage's name and the id, and so the same whatever other
//! rows there are. Not concerned with how many lots win.

use sternlight_engine::stage::{BuildContext, InputFile};

/// What lots are drawn with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Draw(blake3::Hash);

/// Floats between 0 and 1 that are 2⁻⁵³ apart: as many as a double tells apart there.
const BITS: u32 = 53;

impl Draw {
    /// For this stage of this pipeline: no two stages draw the same lots.
    pub(super) fn new(context: &BuildContext<'_>) -> Self {
        Self(blake3::hash(format!("sample {} {}", context.seed, context.stage).as_bytes()))
    }

    /// The lot of an id.
    pub(super) fn lot(self, id: &str) -> u64 {
        let hash = blake3::keyed_hash(self.0.as_bytes(), id.as_bytes());
        let [a, b, c, d, e, f, g, h, ..] = *hash.as_bytes();
        u64::from_le_bytes([a, b, c, d, e, f, g, h])
    }

    /// Whether a lot is among this fraction of all that could be drawn.
    pub(super) fn is_within(lot: u64, fraction: f64) -> bool {
        ((lot >> (u64::BITS - BITS)) as f64) < fraction * (1_u64 << BITS) as f64
    }

    /// What stands for it in keys: neither seed nor name is among the options.
    pub(super) fn in_keys(self) -> InputFile {
        InputFile { name: "seed".to_owned(), digest: self.0.to_hex().to_string() }
    }
}
