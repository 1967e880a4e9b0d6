//! What `wit-bindgen` makes of the contract, a world a file: not written by hand, see `bindings.sh`.
#![allow(missing_docs, unsafe_op_in_unsafe_fn, unused_imports, dead_code, clippy::all, clippy::unwrap_used)]

pub mod batch;
pub mod environment;
pub mod relabel;
