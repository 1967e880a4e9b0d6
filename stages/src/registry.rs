//! The built-in stages. A new one is a line here, besides its own file and its test.

use sternlight_engine::stage::{Registry, StageKind};

use crate::import::Import;

/// Every built-in stage, by its name in `uses:`.
pub fn registry() -> Registry {
    Registry::new(Vec::<StageKind>::from([StageKind::of::<Import>()]))
use crate::filter::Filter;

/// Every built-in stage, by its name in `uses:`.
pub fn registry() -> Registry {
    Registry::new([StageKind::of::<Filter>()])
use crate::reflect::Reflect;
use crate::reward::Reward;

/// Every built-in stage, by its name in `uses:`.
pub fn registry() -> Registry {
    Registry::new([StageKind::of::<Reflect>(), StageKind::of::<Reward>()])
use crate::advantage::Advantage;

/// Every built-in stage, by its name in `uses:`.
pub fn registry() -> Registry {
    Registry::new([StageKind::of::<Advantage>()])
}
