//! The estimators once more: plain loops over plain values, from the formulas alone, slow and without care for
//! anything but being obviously what the formulas say. Shares no code with the stage.

use serde_yaml::Value;

use super::rows::Row;

/// One trajectory's credit; `None`: not scored.
pub(crate) type Expected = Option<Turns>;

/// One value a turn.
#[derive(Clone, Debug)]
pub(crate) struct Turns {
    /// `None` for estimators that write no return.
    pub(crate) returns: Option<Vec<f64>>,
    pub(crate) advantages: Vec<f64>,
}

struct Settings<'a>(&'a Value);

impl Settings<'_> {
    fn text(&self, key: &str, default: &str) -> String {
        self.0.get(key).and_then(Value::as_str).unwrap_or(default).to_owned()
    }

    fn number(&self, key: &str, default: f64) -> f64 {
        self.0.get(key).and_then(Value::as_f64).unwrap_or(default)
    }
}

/// What the stage should write, given its `with`.
pub(crate) fn reference(rows: &[Row], with: &str) -> Vec<Expected> {
    let with: Value = serde_yaml::from_str(with).unwrap();
    let settings = Settings(&with);
    match settings.text("estimator", "").as_str() {
        "grpo" | "dr-grpo" | "rloo" => rows.iter().map(|row| by_outcome(row, rows, &settings)).collect(),
        "reinforce++" | "reinforce++-baseline" => reinforce(rows, &settings),
        "gigpo" => gigpo(rows, &settings),
        "turn-return" => turn_return(rows, &settings),
        other => panic!("no estimator `{other}`"),
    }
}

fn mean(values: &[f64]) -> f64 {
    let mut total = 0.0;
    for value in values {
        total += value;
    }
    total / values.len() as f64
}

fn deviation(values: &[f64], less: f64) -> f64 {
    let mean = mean(values);
    let mut squares = 0.0;
    for value in values {
        squares += (value - mean) * (value - mean);
    }
    (squares / (values.len() as f64 - less)).sqrt()
}

fn all_equal(values: &[f64]) -> bool {
    values.iter().all(|value| *value == values[0])
}

fn by_outcome(row: &Row, rows: &[Row], settings: &Settings<'_>) -> Expected {
    let mine = f64::from(row.reward?);
    let mut group = Vec::new();
    let mut others = Vec::new();
    let mut everybody = Vec::new();
    for other in rows {
        let Some(reward) = other.reward else { continue };
        everybody.push(f64::from(reward));
        if other.group == row.group {
            group.push(f64::from(reward));
            if other.id != row.id {
                others.push(f64::from(reward));
            }
        }
    }
    let less = if settings.text("std", "sample") == "sample" { 1.0 } else { 0.0 };
    let eps = settings.number("eps", 1e-6);
    let advantage = if group.len() < 2 || all_equal(&group) {
        0.0
    } else {
        match (settings.text("estimator", "").as_str(), settings.text("scale", "group").as_str()) {
            ("rloo", _) => mine - mean(&others),
            ("dr-grpo", _) | ("grpo", "none") => mine - mean(&group),
            ("grpo", "batch") => (mine - mean(&group)) / (deviation(&everybody, less) + eps),
            _ => (mine - mean(&group)) / (deviation(&group, less) + eps),
        }
    };
    Some(Turns { returns: None, advantages: vec![advantage; row.turns.len()] })
}

/// The rewards of a row's turns with its outcome placed, and their sum.
fn placed(row: &Row, outcome: Option<f64>, settings: &Settings<'_>) -> Option<(Vec<f64>, f64)> {
    let has_turn_reward = row.turns.iter().any(|turn| turn.reward.is_some());
    let outcome = match settings.text("outcome", "auto").as_str() {
        "ignore" => None,
        "auto" if has_turn_reward => None,
        _ => outcome,
    };
    if !has_turn_reward && outcome.is_none() {
        return None;
    }
    let mut rewards = Vec::new();
    for turn in &row.turns {
        rewards.push(turn.reward.map_or(0.0, f64::from));
    }
    if let Some(last) = rewards.last_mut() {
        *last += outcome.unwrap_or(0.0);
    }
    let total = if rewards.is_empty() { outcome? } else { rewards.iter().sum() };
    Some((rewards, total))
}

/// Σ_{k ≥ t} γ^(k − t) r_k, term by term.
fn returns(rewards: &[f64], gamma: f64) -> Vec<f64> {
    let mut returns = Vec::new();
    for turn in 0..rewards.len() {
        let mut total = 0.0;
        for (distance, reward) in rewards[turn..].iter().enumerate() {
            total += gamma.powi(distance as i32) * reward;
        }
        returns.push(total);
    }
    returns
}

/// As verl has it: rewards on the last token of their turn, a return for every token; a turn's is its last token's.
fn returns_by_token(row: &Row, rewards: &[f64], gamma: f64) -> Vec<f64> {
    let mut of_tokens = Vec::new();
    let mut last_tokens = Vec::new();
    for (turn, reward) in row.turns.iter().zip(rewards) {
        let tokens = turn.tokens.unwrap();
        for token in 0..tokens {
            of_tokens.push(if token + 1 == tokens { *reward } else { 0.0 });
        }
        last_tokens.push(of_tokens.len() - 1);
    }
    let returns = returns(&of_tokens, gamma);
    last_tokens.into_iter().map(|token| returns[token]).collect()
}

fn reinforce(rows: &[Row], settings: &Settings<'_>) -> Vec<Expected> {
    let gamma = settings.number("gamma", 1.0);
    let mut results: Vec<Option<Vec<f64>>> = Vec::new();
    for row in rows {
        let mut outcome = row.reward.map(f64::from);
        if settings.text("estimator", "") == "reinforce++-baseline" {
            let mut group = Vec::new();
            for other in rows {
                if other.group == row.group {
                    group.extend(other.reward.map(f64::from));
                }
            }
            outcome = outcome.map(|reward| reward - mean(&group));
        }
        results.push(placed(row, outcome, settings).map(|(rewards, _)| {
            if settings.text("discount", "turn") == "token" {
                returns_by_token(row, &rewards, gamma)
            } else {
                returns(&rewards, gamma)
            }
        }));
    }
    let scored = || rows.iter().zip(&results).filter_map(|(row, returns)| Some((row, returns.as_ref()?)));
    let all_known = scored().all(|(row, _)| row.turns.iter().all(|turn| turn.tokens.is_some()));
    let weight = settings.text("weight", if all_known { "tokens" } else { "turns" });
    // Pairs of value and weight, and how many things were weighed.
    let mut weighed = Vec::new();
    let mut count = 0.0;
    for (row, returns) in scored() {
        for (turn, value) in row.turns.iter().zip(returns) {
            match weight.as_str() {
                "tokens" => {
                    for _ in 0..turn.tokens.unwrap() {
                        weighed.push((*value, 1.0));
                        count += 1.0;
                    }
                }
                "turns" => {
                    weighed.push((*value, 1.0));
                    count += 1.0;
                }
                _ => weighed.push((*value, 1.0 / row.turns.len() as f64)),
            }
        }
        if weight == "trajectories" && !row.turns.is_empty() {
            count += 1.0;
        }
    }
    let mean = weighed.iter().map(|(value, weight)| value * weight).sum::<f64>() / count;
    let squares = weighed.iter().map(|(value, weight)| weight * (value - mean) * (value - mean)).sum::<f64>();
    let divisor = (squares / (count - 1.0) + 1e-8).sqrt();
    results
        .into_iter()
        .map(|returns| {
            let returns = returns?;
            let advantages =
                returns.iter().map(|value| if count < 2.0 { 0.0 } else { (value - mean) / divisor }).collect();
            Some(Turns { returns: Some(returns), advantages })
        })
        .collect()
}

/// A value against the set that it is part of.
fn against(value: f64, set: &[f64], settings: &Settings<'_>) -> f64 {
    if set.len() < 2 || all_equal(set) {
        return 0.0;
    }
    let divisor = if settings.text("scale", "none") == "std" { deviation(set, 1.0) + 1e-6 } else { 1.0 };
    (value - mean(set)) / divisor
}

fn gigpo(rows: &[Row], settings: &Settings<'_>) -> Vec<Expected> {
    let gamma = settings.number("gamma", 0.95);
    let omega = settings.number("omega", 1.0);
    let episodes: Vec<Option<(Vec<f64>, f64)>> = rows
        .iter()
        .map(|row| {
            placed(row, row.reward.map(f64::from), settings).map(|(rewards, total)| (returns(&rewards, gamma), total))
        })
        .collect();
    let mut results = Vec::new();
    for (row, episode) in rows.iter().zip(&episodes) {
        let Some((mine, total)) = episode else {
            results.push(None);
            continue;
        };
        let mut totals = Vec::new();
        for (other, episode) in rows.iter().zip(&episodes) {
            let Some((_, total)) = episode else { continue };
            if other.group == row.group {
                let times =
                    if settings.text("episode_over", "trajectories") == "turns" { other.turns.len() } else { 1 };
                totals.extend(vec![*total; times]);
            }
        }
        let mut advantages = Vec::new();
        for (turn, value) in row.turns.iter().zip(mine) {
            let mut met_the_same = Vec::new();
            for (other, episode) in rows.iter().zip(&episodes) {
                let Some((theirs, _)) = episode else { continue };
                for (their_turn, their_return) in other.turns.iter().zip(theirs) {
                    if other.group == row.group && their_turn.observation == turn.observation {
                        met_the_same.push(*their_return);
                    }
                }
            }
            advantages.push(against(*total, &totals, settings) + omega * against(*value, &met_the_same, settings));
        }
        results.push(Some(Turns { returns: Some(mine.clone()), advantages }));
    }
    results
}

fn turn_return(rows: &[Row], settings: &Settings<'_>) -> Vec<Expected> {
    let gamma = settings.number("gamma", 1.0);
    let baseline = settings.text("baseline", "none");
    let all: Vec<Option<Vec<f64>>> = rows
        .iter()
        .map(|row| placed(row, row.reward.map(f64::from), settings).map(|(rewards, _)| returns(&rewards, gamma)))
        .collect();
    let mut results = Vec::new();
    for (row, mine) in rows.iter().zip(&all) {
        let Some(mine) = mine else {
            results.push(None);
            continue;
        };
        let mut advantages = Vec::new();
        for (index, value) in mine.iter().enumerate() {
            let mut set = Vec::new();
            for (other, theirs) in rows.iter().zip(&all) {
                for (their_index, their_return) in theirs.iter().flatten().enumerate() {
                    if other.group == row.group && (baseline == "group" || their_index == index) {
                        set.push(*their_return);
                    }
                }
            }
            advantages.push(if baseline == "none" { *value } else { against(*value, &set, settings) });
        }
        results.push(Some(Turns { returns: Some(mine.clone()), advantages }));
    }
    results
}
