//! What is measured of Rust plugins that are written with the SDK: 1 if something is in one of the actions, and 1 if it is
//! in one of the observations; or how long all of them are, which is next to nothing beside the crossing.

use std::cell::OnceCell;

use memchr::memmem::Finder;
use regex::Regex;
use schemars::JsonSchema;
use serde::Deserialize;
use sternlight_plugin::{Result, Trajectory, reward};

/// What to look for; nothing: lengths are added up.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// A text.
    pub text: Option<String>,
    /// A regular expression.
    pub regex: Option<String>,
}

/// What is looked for, made ready once an instance.
enum Search {
    Nothing,
    Text(Finder<'static>),
    Expression(Regex),
}

impl Search {
    fn of(config: &Config) -> Result<Self> {
        Ok(match (&config.text, &config.regex) {
            (Some(text), _) => Self::Text(Finder::new(text).into_owned()),
            (None, Some(pattern)) => Self::Expression(Regex::new(pattern)?),
            (None, None) => Self::Nothing,
        })
    }
}

thread_local! {
    static READY: OnceCell<Search> = const { OnceCell::new() };
}

/// The reward of one trajectory.
pub fn search(trajectory: &Trajectory, config: &Config) -> Result<f32> {
    READY.with(|ready| {
        let search = match ready.get() {
            Some(search) => search,
            None => {
                let search = Search::of(config)?;
                ready.get_or_init(|| search)
            }
        };
        Ok(match search {
            Search::Nothing => {
                trajectory.turns().map(|turn| turn.action().len() + turn.observation().len()).sum::<usize>() as f32
            }
            Search::Text(finder) => score(trajectory, |text| finder.find(text.as_bytes()).is_some()),
            Search::Expression(expression) => score(trajectory, |text| expression.is_match(text)),
        })
    })
}

fn score(trajectory: &Trajectory, found: impl Fn(&str) -> bool) -> f32 {
    let done = trajectory.turns().any(|turn| found(turn.action()));
    let seen = trajectory.turns().any(|turn| found(turn.observation()));
    f32::from(u8::from(done) + u8::from(seen))
}

reward!(search, reads: ["turns.action": "utf8", "turns.observation": "utf8"]);
