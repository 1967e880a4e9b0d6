/**
 * Reading and writing the one layout in which batches cross: an Arrow IPC stream with a schema and one record batch. Our own,
 * because a library of a megabyte for one layout would cost time at each start. The twin of the modules of the SDKs for Rust
 * and Python.
 */

export { Invalid, read } from "./read.js";
export { write } from "./write.js";
