//! The built-in stages. A new one is a line here, besides its own file and its test.

use sternlight_engine::stage::{Registry, StageKind};

use crate::advantage::Advantage;
use crate::best_of::BestOf;
use crate::dedupe::Dedupe;
use crate::dynamic_sampling::DynamicSampling;
use crate::export::Export;
use crate::filter::Filter;
use crate::import::Import;
use crate::merge::Merge;
use crate::pairs::Pairs;
use crate::policy::Policy;
use crate::reflect::Reflect;
use crate::relabel::Relabel;
use crate::reward::Reward;
use crate::rollout::Rollout;
use crate::sample::Sample;
use crate::select::Select;
use crate::split::Split;
use crate::stats::Stats;
use crate::table::Table;

/// Every built-in stage, by its name in `uses:`.
pub fn registry() -> Registry {
    Registry::new([
        StageKind::of::<Advantage>(),
        StageKind::of::<BestOf>(),
        StageKind::of::<Dedupe>(),
        StageKind::of::<DynamicSampling>(),
        StageKind::of::<Export>(),
        StageKind::of::<Filter>(),
        StageKind::of::<Import>(),
        StageKind::of::<Merge>(),
        StageKind::of::<Pairs>(),
        StageKind::of::<Policy>(),
        StageKind::of::<Reflect>(),
        StageKind::of::<Relabel>(),
        StageKind::of::<Reward>(),
        StageKind::of::<Rollout>(),
        StageKind::of::<Sample>(),
        StageKind::of::<Select>(),
        StageKind::of::<Split>(),
        StageKind::of::<Stats>(),
        StageKind::of::<Table>(),
    ])
}
