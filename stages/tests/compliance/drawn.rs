//! Rows drawn at random: what nobody thought of.

use proptest::prelude::*;
use sternlight_engine::trajectory::{Status, TrajectoryRow, TrajectorySchema, TurnRow};

use crate::hard::HOSTILE_TEXTS;
use crate::promises::keeps_its_promises_over;
use crate::rows::{Rows, batch};
use crate::{Input, cases};

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => prop::sample::select(HOSTILE_TEXTS.to_vec()).prop_map(str::to_owned),
        3 => prop::sample::select(vec!["a", "b", "Error: x", "refund"]).prop_map(str::to_owned),
        1 => any::<String>(),
    ]
}

fn reward() -> impl Strategy<Value = Option<f32>> {
    prop_oneof![
        2 => Just(None),
        5 => prop::sample::select(vec![0.0_f32, 1.0, -1.0, 0.1]).prop_map(Some),
        1 => any::<f32>().prop_map(Some),
    ]
}

fn turn() -> impl Strategy<Value = TurnRow> {
    (text(), text(), prop::option::of((text(), text())), any::<[Option<bool>; 2]>(), reward()).prop_map(
        |(observation, action, call, [tool_error, tool_answered], reward)| TurnRow {
            observation,
            action,
            tool_name: call.as_ref().map(|(name, _)| name.clone()),
            tool_arguments: call.map(|(_, arguments)| arguments),
            tool_error,
            tool_answered,
            reward,
        },
    )
}

fn trajectory() -> impl Strategy<Value = TrajectoryRow> {
    let status = prop::sample::select(vec![Status::Done, Status::Truncated, Status::Failed]);
    let texts = (prop::option::of(text()), prop::option::of(text()), prop::option::of(text()));
    (0..3, prop::collection::vec(turn(), 0..6), texts, reward(), any::<Option<bool>>(), status).prop_map(
        |(group, turns, (prompt, final_observation, extra), reward, success, status)| TrajectoryRow {
            group_id: HOSTILE_TEXTS[group as usize].to_owned(),
            turns,
            prompt,
            final_observation,
            extra,
            reward,
            success,
            status,
            ..TrajectoryRow::default()
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4, max_shrink_iters: 40, ..ProptestConfig::default() })]

    #[test]
    fn stages_keep_their_promises_over_any_rows(
        mut rows in prop::collection::vec(trajectory(), 0..24),
        all_null in any::<bool>(),
    ) {
        rows.iter_mut().enumerate().for_each(|(index, row)| row.trajectory_id = format!("t{index}"));
        let batch = batch(&rows, all_null);
        for case in cases::all().iter().filter(|case| matches!(case.input, Input::Rows)) {
            let schema = TrajectorySchema::new(batch.schema());
            keeps_its_promises_over(case, Rows { schema, shards: vec![batch.clone()] });
        }
    }
}
