//! What is measured of Rust plugins that are written with the SDK: 1 if something is in one of the actions, else 0; or how
//! long the actions are, which is next to nothing beside the crossing.

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
    let mut actions = trajectory.turns().map(|turn| turn.action());
    READY.with(|ready| {
        let search = match ready.get() {
            Some(search) => search,
            None => {
                let search = Search::of(config)?;
                ready.get_or_init(|| search)
            }
        };
        let found = match search {
            Search::Nothing => return Ok(actions.map(str::len).sum::<usize>() as f32),
            Search::Text(finder) => actions.any(|action| finder.find(action.as_bytes()).is_some()),
            Search::Expression(expression) => actions.any(|action| expression.is_match(action)),
        };
        Ok(f32::from(u8::from(found)))
    })
}

reward!(search, reads: ["turns.action": "utf8"]);
