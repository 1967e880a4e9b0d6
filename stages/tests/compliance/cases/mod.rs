//! A file a stage; its name here.

use crate::Case;
use crate::promises::keeps_its_promises;

macro_rules! cases {
    ($($stage:ident),* $(,)?) => {
        $(pub(crate) mod $stage;)*

        pub(crate) fn all() -> Vec<Case> {
            vec![$($stage::case()),*]
        }

        $(#[test]
        fn $stage() {
            keeps_its_promises(&$stage::case());
        })*
    };
}

cases!(
    advantage,
    best_of,
    dedupe,
    dynamic_sampling,
    export,
    filter,
    import,
    merge,
    pairs,
    policy,
    reflect,
    relabel,
    reward,
    rollout,
    sample,
    select,
    split,
    stats,
    table,
);
