//! Where results are kept: data under attempt-unique names, small commit objects published once, manifests, a
//! memory for facts about inputs, and a folder for each run.

mod abort;
mod artifacts;
mod aside;
mod checkpoint;
mod collect;
mod commit;
mod damage;
mod error;
mod exchange;
mod export_record;
mod files;
mod format;
mod hold;
mod key;
mod manifest;
mod memo;
mod number;
mod past_run;
mod reach;
mod root;
mod run_files;
mod run_folder;
mod sealed;
mod wait;

pub use abort::abort_point;
pub use aside::{Aside, AsideRow, AsideRows};
pub use collect::{CollectOptions, Collected, Collection, Kind};
pub use commit::{Commit, Outcome, StoredArtifact};
pub(crate) use damage::forget_damaged;
pub use error::StoreError;
pub use exchange::Exchange;
pub use export_record::ExportRecord;
pub(crate) use files::{as_others_may, sync_files};
pub(crate) use format::looks_like_store;
pub use hold::Hold;
pub use key::{Key, KeyParts};
pub use manifest::Manifest;
pub use past_run::{PastStatus, RunSummary};
pub use root::{Attempt, Store};
pub use run_files::KeyRecord;
pub use run_folder::RunFolder;
