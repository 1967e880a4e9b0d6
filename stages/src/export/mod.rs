//! Writes datasets outside of the store.
