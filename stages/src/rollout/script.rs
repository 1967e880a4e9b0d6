//! The scripted policy: rules over what is seen. It forgets everything between turns, so that an action follows from the
//! observation and the draw alone.

use std::fmt;
use std::sync::LazyLock;

use regex::{Captures, Regex};
use sternlight_engine::problem::Problem;

use super::options::ScriptRule;

/// No action has more bytes: one that repeats what it saw would otherwise grow with every turn.
const ACTION_BYTES: usize = 1 << 20;

/// An action that is too long to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooLong {
    /// The rule that asks for it, from 0.
    pub(super) rule: usize,
    /// Bytes.
    pub(super) bytes: usize,
}

impl fmt::Display for TooLong {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (rule, found, most) = (self.rule, self.bytes.div_ceil(1 << 20), ACTION_BYTES >> 20);
        write!(
            formatter,
            "`script[{rule}]` makes an action of {found} MiB of what is seen, more than the limit of {most} MiB"
        )
    }
}

/// Rules, the first of which that applies decides.
pub(super) struct Script {
    rules: Vec<ScriptRule>,
}

impl Script {
    /// # Errors
    /// If there is no rule, or one that does nothing, or one behind a rule that always applies, or an action with a group
    /// that its pattern has not.
    pub(super) fn new(rules: Vec<ScriptRule>) -> Result<Self, Vec<Problem>> {
        let mut problems = Vec::new();
        if rules.is_empty() {
            let problem = Problem::at(["script"], "a script without a rule");
            problems.push(problem.help("add one that always applies: `- {act: [look]}`"));
        }
        let at = |rule: usize, key: Option<&str>| {
            let mut path = vec!["script".into(), rule.into()];
            path.extend(key.map(Into::into));
            path
        };
        let always = rules.iter().position(|rule| rule.when.is_none());
        for (index, rule) in rules.iter().enumerate() {
            if rule.act.is_empty() {
                let mut problem = Problem::new("a rule that does nothing");
                problem.path = at(index, Some("act"));
                problems.push(problem.help("say what is done, as in `act: [look]`; of several, one is drawn"));
            }
            for (number, action) in rule.act.iter().enumerate() {
                let Some(unknown) = rule.when.as_ref().and_then(|pattern| unknown_group(pattern.regex(), action))
                else {
                    continue;
                };
                let mut problem = Problem::new(format!("`{unknown}` is no group of `when`"));
                problem.path = at(index, Some("act"));
                problem.path.push(number.into());
                problems.push(problem.help("write `$$` for a dollar sign, and `$${1}st` where letters follow a group"));
            }
            if always.is_some_and(|always| index == always + 1) {
                let mut problem = Problem::new("no rule behind one that always applies is ever looked at");
                problem.path = at(index, None);
                problems.push(problem.help("give the rule before it a `when`, or put it last"));
            }
        }
        if problems.is_empty() { Ok(Self { rules }) } else { Err(problems) }
    }

    /// What is done about an observation; `draw` gives a number below the one it gets. None: no rule applies.
    ///
    /// # Errors
    /// If the action would be too long.
    pub(super) fn action(
        &self,
        observation: &str,
        draw: impl FnOnce(usize) -> usize,
    ) -> Result<Option<String>, TooLong> {
        for (index, rule) in self.rules.iter().enumerate() {
            let found: Option<Captures<'_>> = match &rule.when {
                None => None,
                Some(pattern) => Some(match pattern.regex().captures(observation) {
                    Some(found) => found,
                    None => continue,
                }),
            };
            let Some(action) = rule.act.get(draw(rule.act.len())) else { return Ok(None) };
            let bytes = found.as_ref().map_or(action.len(), |found| expanded_bytes(action, found));
            if bytes > ACTION_BYTES {
                return Err(TooLong { rule: index, bytes });
            }
            let mut text = String::with_capacity(bytes);
            match found {
                Some(found) => found.expand(action, &mut text),
                None => text.push_str(action),
            }
            return Ok(Some(text));
        }
        Ok(None)
    }
}

/// How long an action becomes, or more than that where it is short anyway.
fn expanded_bytes(action: &str, found: &Captures<'_>) -> usize {
    let seen = found.get(0).map_or(0, |whole| whole.len());
    let most = action.matches('$').count().saturating_mul(seen).saturating_add(action.len());
    match most <= ACTION_BYTES {
        true => most,
        false => references(action).fold(action.len(), |bytes, name| {
            let group = match name.parse() {
                Ok(number) => found.get(number),
                Err(_) => found.name(name),
            };
            bytes.saturating_add(group.map_or(0, |group| group.len()))
        }),
    }
}

/// The groups that an action refers to.
fn references(action: &str) -> impl Iterator<Item = &str> {
    static REFERENCE: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r"\$(?:\$|\{([^}]*)\}|([0-9A-Za-z_]+))").ok());
    let found = REFERENCE.iter().flat_map(|reference| reference.captures_iter(action));
    found.filter_map(|found| found.get(1).or(found.get(2))).map(|name| name.as_str())
}

/// What an action refers to and a pattern has not, by the rules of [`regex::Captures::expand`].
fn unknown_group<'a>(pattern: &Regex, action: &'a str) -> Option<&'a str> {
    references(action).find(|name| {
        let is_known = match name.parse::<usize>() {
            Ok(number) => number < pattern.captures_len(),
            Err(_) => pattern.capture_names().flatten().any(|known| known == *name),
        };
        !is_known
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn script(yaml: &str) -> Result<Script, Vec<Problem>> {
        Script::new(serde_yaml::from_str(yaml).unwrap())
    }

    #[test]
    fn the_first_rule_that_applies_decides() {
        let script = script("[{when: 'a (lamp|key)', act: [take $1]}, {when: dark, act: [a, b, c]}]").unwrap();
        let action = |seen: &str, number: usize| script.action(seen, |count| number % count).unwrap();
        assert_eq!(action("You see a key. It is dark.", 0).as_deref(), Some("take key"));
        assert_eq!([0, 1, 5].map(|number| action("It is dark.", number).unwrap()), ["a", "b", "c"]);
        assert_eq!(action("Nothing.", 0), None);
    }

    #[test]
    fn a_dollar_without_a_pattern_is_a_dollar() {
        assert_eq!(script("[{act: ['pay $1']}]").unwrap().action("x", |_| 0).unwrap().as_deref(), Some("pay $1"));
    }

    #[test]
    fn an_action_that_repeats_what_it_saw_ends_somewhere() {
        let script = script("[{when: '(?s)(?<all>.*)', act: ['$all ${1}$0', 'a$$']}]").unwrap();
        let long = "x".repeat(ACTION_BYTES / 3 - 10);
        assert_eq!(script.action(&long, |_| 0).unwrap().map(|action| action.len()), Some(3 * long.len() + 1));
        let longer = "x".repeat(ACTION_BYTES / 2);
        let error = script.action(&longer, |_| 0).unwrap_err();
        insta::assert_snapshot!(error, @"`script[0]` makes an action of 2 MiB of what is seen, more than the limit of 1 MiB");
        assert_eq!(script.action(&longer, |_| 1).unwrap().as_deref(), Some("a$"));
    }

    #[test]
    fn rules_that_cannot_be_meant() {
        let told = |yaml: &str| {
            let problems = script(yaml).err().unwrap();
            problems
                .iter()
                .map(|problem| format!("{:?}: {}", problem.path, problem.message))
                .collect::<Vec<_>>()
                .join("\n")
        };
        insta::assert_snapshot!(told("[]"), @r#"[Key("script")]: a script without a rule"#);
        insta::assert_snapshot!(told("[{when: a, act: []}]"), @r#"[Key("script"), Index(0), Key("act")]: a rule that does nothing"#);
        insta::assert_snapshot!(told("[{when: '(?<thing>a)', act: ['$1 $thing $0 $$2', '$2', 'the $1st', '${1}st ${what}']}]"), @r#"
        [Key("script"), Index(0), Key("act"), Index(1)]: `2` is no group of `when`
        [Key("script"), Index(0), Key("act"), Index(2)]: `1st` is no group of `when`
        [Key("script"), Index(0), Key("act"), Index(3)]: `what` is no group of `when`
        "#);
        insta::assert_snapshot!(told("[{act: [a]}, {when: x, act: [b]}, {act: [c]}]"), @r#"[Key("script"), Index(1)]: no rule behind one that always applies is ever looked at"#);
    }
}
