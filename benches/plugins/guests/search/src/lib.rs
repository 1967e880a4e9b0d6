//! What is measured of Rust plugins that are written with the SDK: 1 if something is in one of the actions, else 0; or how
//! long the actions are, which is next to nothing beside the crossing.

use std::cell::RefCell;

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

thread_local! {
    static COMPILED: RefCell<Option<Regex>> = const { RefCell::new(None) };
}

/// The reward of one trajectory.
pub fn search(trajectory: &Trajectory, config: &Config) -> Result<f32> {
    let mut actions = trajectory.turns().map(|turn| turn.action());
    if let Some(text) = &config.text {
        let finder = memchr::memmem::Finder::new(text.as_bytes());
        return Ok(f32::from(u8::from(actions.any(|action| finder.find(action.as_bytes()).is_some()))));
    }
    let Some(pattern) = &config.regex else {
        return Ok(actions.map(str::len).sum::<usize>() as f32);
    };
    COMPILED.with_borrow_mut(|compiled| {
        if compiled.is_none() {
            *compiled = Some(Regex::new(pattern)?);
        }
        let found = compiled.as_ref().is_some_and(|compiled| actions.any(|action| compiled.is_match(action)));
        Ok(f32::from(u8::from(found)))
    })
}

reward!(search, reads: ["turns.action": "utf8"]);
