//! The built-in stages. A new one is a line here, besides its own file and its test.

use sternlight_engine::stage::{Registry, StageKind};

use crate::advantage::Advantage;
use crate::export::Export;
use crate::filter::Filter;
use crate::import::Import;
use crate::reflect::Reflect;
use crate::relabel::Relabel;
use crate::reward::Reward;
use crate::rollout::Rollout;

/// Every built-in stage, by its name in `uses:`.
pub fn registry() -> Registry {
    Registry::new([
        StageKind::of::<Advantage>(),
        StageKind::of::<Export>(),
        StageKind::of::<Filter>(),
        StageKind::of::<Import>(),
        StageKind::of::<Reflect>(),
        StageKind::of::<Relabel>(),
        StageKind::of::<Reward>(),
        StageKind::of::<Rollout>(),
    ])
}
