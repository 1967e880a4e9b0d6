//! Turns serde's messages into ours: what was expected, what was found, and the nearest right spelling. The
//! shapes of serde's messages are stable and known; whatever is not recognised is kept as it is.

use crate::problem::{Problem, nearest};

/// Lists of names longer than this are left to the reference.
const LONGEST_LIST: usize = 16;

/// What kind of fault it is, for those who want to go on behind it.
pub(super) enum Fault {
    /// A required key is missing.
    Missing(String),
    /// A key that is not known, and the one that was probably meant.
    UnknownKey(Option<String>),
    /// A value does not fit.
    Value,
}

/// A fault in our words; its path is still empty.
pub(super) struct Reworded {
    pub(super) fault: Fault,
    pub(super) problem: Problem,
}

/// Rewords a message of serde.
pub(super) fn reworded(message: &str) -> Reworded {
    if let Some((name, known)) = unknown(message, "unknown field `") {
        let suggestion = nearest(name, known.iter().copied());
        let problem = Problem::new(format!("unknown key `{name}`")).label("not known here").at_key();
        let help = suggestion.map_or_else(|| listing("known keys", &known), did_you_mean);
        return Reworded { fault: Fault::UnknownKey(suggestion.map(str::to_owned)), problem: problem.help(help) };
    }
    if let Some((name, known)) = unknown(message, "unknown variant `") {
        let suggestion = nearest(name, known.iter().copied());
        let help = suggestion.map_or_else(|| listing("known values", &known), did_you_mean);
        return value(Problem::new(format!("unknown value `{name}`")).label("not known here").help(help));
    }
    if let Some(name) = message.strip_prefix("missing field `").and_then(|rest| rest.strip_suffix('`')) {
        let problem = Problem::new(format!("`{name}` is missing")).label(format!("needs `{name}`"));
        return Reworded { fault: Fault::Missing(name.to_owned()), problem };
    }
    for prefix in ["invalid type: ", "invalid value: "] {
        if let Some((found, wanted)) = message.strip_prefix(prefix).and_then(|rest| rest.rsplit_once(", expected ")) {
            let wanted = expected(wanted);
            let problem = Problem::new(format!("expected {wanted}, found {}", found_words(found)));
            return value(problem.label(format!("expected {wanted}")));
        }
    }
    value(Problem::new(message))
}

fn value(problem: Problem) -> Reworded {
    Reworded { fault: Fault::Value, problem }
}

fn did_you_mean(name: &str) -> String {
    format!("did you mean `{name}`?")
}

/// `known keys: `a`, `b``, or that there are none.
fn listing(what: &str, names: &[&str]) -> String {
    if names.is_empty() {
        return format!("there are no {what} here");
    }
    let mut listed: Vec<String> = names.iter().take(LONGEST_LIST).map(|name| format!("`{name}`")).collect();
    if names.len() > LONGEST_LIST {
        listed.push("…".to_owned());
    }
    format!("{what}: {}", listed.join(", "))
}

/// The unknown name and the known ones of ``unknown field `x`, expected one of `a`, `b` ``.
fn unknown<'a>(message: &'a str, prefix: &str) -> Option<(&'a str, Vec<&'a str>)> {
    let (name, rest) = message.strip_prefix(prefix)?.split_once('`')?;
    // Names stand between backticks: every second part.
    Some((name, rest.split('`').skip(1).step_by(2).collect()))
}

/// What serde expected, in words of YAML rather than of Rust.
fn expected(wanted: &str) -> String {
    match wanted {
        "a boolean" => "`true` or `false`",
        "a string" | "string" | "str" => "text",
        "a sequence" | "a seq" => "a list",
        "a map" => "a map of keys",
        "unit" => "nothing",
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number of at least 0",
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number",
        "f32" | "f64" => "a number",
        other if other.starts_with("a nonzero u") => "a whole number of at least 1",
        other if other.starts_with("struct ") || other.starts_with("tuple struct ") => "a map of keys",
        other if other.starts_with("enum ") || other.starts_with("variant ") => "the name of a choice",
        other => other,
    }
    .to_owned()
}

/// What serde found, in words of YAML.
fn found_words(found: &str) -> String {
    let quoted = |kind: &str| found.strip_prefix(kind).map(|text| text.trim_matches(['`', '"']).to_owned());
    if let Some(text) = quoted("string ") {
        return format!("the text `{text}`");
    }
    if let Some(number) = quoted("integer ").or_else(|| quoted("floating point ")).or_else(|| quoted("boolean ")) {
        return format!("`{number}`");
    }
    match found {
        "sequence" => "a list",
        "map" => "a map of keys",
        "unit value" | "Option value" | "null" => "nothing",
        other => other,
    }
    .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(message: &str) -> String {
        let problem = reworded(message).problem;
        format!("{} ({})", problem.message, problem.help.unwrap_or_default())
    }

    #[test]
    fn shapes_of_serde() {
        let shapes = [
            "unknown field `fils`, expected `files`",
            "unknown field `zzz`, expected `files` or `format`",
            "unknown field `zzz`, expected one of `a`, `bee`, `c`",
            "unknown field `zzz`, there are no fields",
            "unknown variant `grp`, expected one of `grpo`, `rloo`, `gigpo`",
            "missing field `to`",
            "invalid type: string \"seven\", expected u64",
            "invalid value: integer `-1`, expected u32",
            "invalid type: map, expected a string",
            "invalid type: unit value, expected struct Options",
            "invalid type: boolean `true`, expected a sequence",
            "something of its own",
        ];
        let rendered: Vec<String> = shapes.iter().map(|shape| words(shape)).collect();
        insta::assert_snapshot!(rendered.join("\n"), @"
        unknown key `fils` (did you mean `files`?)
        unknown key `zzz` (known keys: `files`, `format`)
        unknown key `zzz` (known keys: `a`, `bee`, `c`)
        unknown key `zzz` (there are no known keys here)
        unknown value `grp` (did you mean `grpo`?)
        `to` is missing ()
        expected a whole number of at least 0, found the text `seven` ()
        expected a whole number of at least 0, found `-1` ()
        expected text, found a map of keys ()
        expected a map of keys, found nothing ()
        expected a list, found `true` ()
        something of its own ()
        ");
    }
}
