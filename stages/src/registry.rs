//! The built-in stages. A new one is a line here, besides its own file and its test.

use sternlight_engine::stage::{Registry, StageKind};

use crate::export::Export;

/// Every built-in stage, by its name in `uses:`.
pub fn registry() -> Registry {
    Registry::new([StageKind::of::<Export>()])
}
