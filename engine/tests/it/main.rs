//! The engine through its public interface, with small stages made for the purpose.

#![expect(clippy::unwrap_used, reason = "what is not there fails the test")]

mod changing_files;
mod collect;
mod damage;
mod exports;
mod failure;
mod faulty_stages;
mod fixtures;
mod gather;
mod loops;
mod relabel;
mod replay;
mod sessions;
mod store;
