//! Where results are kept: data under attempt-unique names, small commit objects published once, manifests, a
//! memory for facts about inputs, and a folder for each run.

mod abort;
mod aside;
mod commit;
mod error;
mod exchange;
mod key;
mod manifest;
mod root;
mod run_folder;

pub use abort::abort_point;
pub use aside::{Aside, AsideRow, AsideRows};
pub use commit::{Commit, Outcome};
pub use error::StoreError;
pub use exchange::Exchange;
pub use key::{Key, KeyParts};
pub use manifest::Manifest;
pub use root::{Attempt, ExportRecord, Store};
pub use run_folder::{KeyRecord, RunFolder, RunSummary};
