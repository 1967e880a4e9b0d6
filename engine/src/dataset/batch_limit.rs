//! How large batches may get.

/// How large a batch may get. A single larger row is a batch alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchLimit {
    /// Rows.
    pub rows: usize,
    /// Bytes of decoded columns.
    pub bytes: usize,
}

impl Default for BatchLimit {
    fn default() -> Self {
        // What is decoded stays in the processor's cache, and below what the allocator fetches from the system anew.
        Self { rows: 1024, bytes: 1 << 20 }
    }
}
