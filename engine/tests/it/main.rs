//! The engine through its public interface, with small stages made for the purpose.

mod fixtures;
mod replay;
mod store;
