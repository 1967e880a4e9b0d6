//! The estimator that options ask for, with every default filled in: the only place where defaults stand. What users
//! may write, and what goes together, is in `options`.

use serde::{Serialize, Serializer};
use sternlight_engine::column::ColumnPath;

use super::gigpo::Gigpo;
use super::options::{Estimator, Options, Scale};
use super::outcome::GroupRelative;
use super::turn_return::TurnReturn;
use super::whitening::Whitening;

/// verl's; TRL has 1e-4.
const DEFAULT_EPS: f64 = 1e-6;
/// The paper's, and its code's.
const DEFAULT_GIGPO_GAMMA: f64 = 0.95;
const DEFAULT_GAMMA: f64 = 1.0;
const DEFAULT_OMEGA: f64 = 1.0;
/// What the agent saw: two turns of a group that saw the same were in the same state.
pub(super) const DEFAULT_ANCHOR: &str = "turns.observation";

/// Where advantages go.
pub(super) const DEFAULT_INTO: &str = "turns.advantage";

/// An estimator with its settings.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) enum Method {
    GroupRelative(GroupRelative),
    Whitening(Whitening),
    Gigpo(Gigpo),
    TurnReturn(TurnReturn),
}

impl From<&Options> for Method {
    fn from(options: &Options) -> Self {
        let outcome = options.outcome.unwrap_or_default();
        let scaled = options.scale == Some(Scale::Std);
        let whitening = |group_baseline| {
            Self::Whitening(Whitening {
                gamma: options.gamma.unwrap_or(DEFAULT_GAMMA),
                discount: options.discount.unwrap_or_default(),
                weight: options.weight,
                outcome,
                group_baseline,
            })
        };
        match options.estimator {
            Estimator::Grpo => {
                let std = options.std.unwrap_or_default();
                let eps = options.eps.unwrap_or(DEFAULT_EPS);
                Self::GroupRelative(match options.scale {
                    Some(Scale::Batch) => GroupRelative::ScaledByBatch { std, eps },
                    Some(Scale::None) => GroupRelative::Centred,
                    Some(Scale::Group | Scale::Std) | None => GroupRelative::Scaled { std, eps },
                })
            }
            Estimator::DrGrpo => Self::GroupRelative(GroupRelative::Centred),
            Estimator::Rloo => Self::GroupRelative(GroupRelative::LeaveOneOut),
            Estimator::ReinforcePlusPlus => whitening(false),
            Estimator::ReinforcePlusPlusBaseline => whitening(true),
            Estimator::Gigpo => Self::Gigpo(Gigpo {
                gamma: options.gamma.unwrap_or(DEFAULT_GIGPO_GAMMA),
                omega: options.omega.unwrap_or(DEFAULT_OMEGA),
                outcome,
                anchor: ColumnPath::new(options.anchor.as_deref().unwrap_or(DEFAULT_ANCHOR)),
                episode_over: options.episode_over.unwrap_or_default(),
                scaled,
            }),
            Estimator::TurnReturn => Self::TurnReturn(TurnReturn {
                gamma: options.gamma.unwrap_or(DEFAULT_GAMMA),
                outcome,
                baseline: options.baseline.unwrap_or_default(),
                scaled,
            }),
        }
    }
}

/// As the stage's key sees them: what they ask for, so that a default spelled out changes nothing.
impl Serialize for Options {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let method = Method::from(self);
        match self.into.as_deref().filter(|into| *into != DEFAULT_INTO) {
            Some(into) => (method, into).serialize(serializer),
            None => method.serialize(serializer),
        }
    }
}
