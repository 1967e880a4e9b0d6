//! Takes off a result what logs and frameworks put around it: colours of a terminal, labels, tags, fences, JSON with
//! one text in it. What wrappers say about the result is kept.

use std::borrow::Cow;

use super::envelope::{self, Content, Signals};
use crate::reflect::rule_set::RuleSet;

/// How many layers are taken off.
const LAYERS: usize = 8;

/// Parts of the names of tags that logs put around results.
const TAG_WORDS: [&str; 10] =
    ["result", "output", "response", "observation", "error", "stdout", "stderr", "tool", "content", "return"];

/// A result without its wrapping.
#[derive(Debug)]
pub(super) struct Peeled<'a> {
    pub(super) text: Cow<'a, str>,
    /// What wrappers said about it.
    pub(super) signals: Signals,
    /// Whether the text is JSON that nobody's words stand in.
    pub(super) is_data: bool,
    /// Whether a tag said that it is an error: then it is the framework that speaks.
    pub(super) tagged_error: bool,
}

/// Peels a result. For `asks_for_state` see [`envelope::open`].
pub(super) fn peel<'a>(result: &'a str, asks_for_state: bool, rules: &RuleSet) -> Peeled<'a> {
    let mut text = if memchr::memchr(ESCAPE, result.as_bytes()).is_some() {
        Cow::Owned(without_escapes(result))
    } else {
        Cow::Borrowed(result)
    };
    let mut signals = Signals::default();
    let (mut is_data, mut tagged_error) = (false, false);
    for _ in 0..LAYERS {
        text = trimmed(text);
        // A value that a notebook shows is what was asked for, also if it is the text of an error.
        if is_shown_value(&text) {
            is_data = true;
            break;
        }
        if let Some((plain, told)) = without_markup(&text) {
            tagged_error |= told;
            text = Cow::Owned(plain);
            continue;
        }
        if let Some(rest) = unlabelled(&text, rules).map(|rest| text.len() - rest.len()) {
            text = from(text, rest);
            continue;
        }
        if let Some((name, start, end)) = in_tag(&text).or_else(|| in_fence(&text)) {
            tagged_error |= name.contains("error") || tells_of_error(&text[name.len()..start]);
            text = between(text, start, end);
            continue;
        }
        match envelope::open(&text, asks_for_state, rules, &mut signals) {
            Content::Text(inner) => text = Cow::Owned(inner),
            Content::Data => {
                is_data = true;
                break;
            }
            Content::Plain => break,
        }
    }
    Peeled { text, signals, is_data, tagged_error }
}

/// `Out[3]: 'a'`.
fn is_shown_value(text: &str) -> bool {
    let value = text.strip_prefix("Out[").and_then(|rest| rest.split_once("]:")).map(|(_, value)| value.trim());
    value.is_some_and(|value| value.len() > 1 && value.starts_with(['"', '\'']) && value.ends_with(['"', '\'']))
}

/// The text of an output cell that a notebook wrote as HTML, and whether its class says that it is an error.
fn without_markup(text: &str) -> Option<(String, bool)> {
    const LONGEST: usize = 20_000;
    let is_cell = ["<div class=\"output", "<pre class=\"output", "<div class='output"];
    if text.len() > LONGEST || !is_cell.iter().any(|begin| text.starts_with(begin)) || !text.ends_with('>') {
        return None;
    }
    let told = text.split('>').next().is_some_and(|tag| tag.contains("error"));
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('<') {
        plain.push_str(before);
        rest = behind.split_once('>').map_or("", |(_, after)| after);
    }
    plain.push_str(rest);
    let plain = plain.replace("&lt;", "<").replace("&gt;", ">").replace("&#39;", "'").replace("&quot;", "\"");
    Some((plain.replace("&amp;", "&"), told))
}

fn trimmed(text: Cow<'_, str>) -> Cow<'_, str> {
    let start = text.len() - text.trim_start().len();
    let end = text.trim_end().len().max(start);
    between(text, start, end)
}

fn from(text: Cow<'_, str>, start: usize) -> Cow<'_, str> {
    let end = text.len();
    between(text, start, end)
}

fn between(text: Cow<'_, str>, start: usize, end: usize) -> Cow<'_, str> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(&text[start..end]),
        Cow::Owned(text) if start == 0 && end == text.len() => Cow::Owned(text),
        Cow::Owned(text) => Cow::Owned(text[start..end].to_owned()),
    }
}

/// What follows a label like `Output:`.
fn unlabelled<'t>(text: &'t str, rules: &RuleSet) -> Option<&'t str> {
    let prefixed = rules.result_prefixes.iter().find_map(|prefix| text.strip_prefix(prefix.as_str()));
    prefixed.or_else(|| rules.labels.iter().find_map(|label| text.strip_prefix(label.as_str())))
}

/// The name of a tag around the whole text, and where what it holds begins and ends.
fn in_tag(text: &str) -> Option<(&str, usize, usize)> {
    let inner = text.strip_prefix('<')?;
    let end = inner.find('>').filter(|end| *end <= 200)?;
    let name = inner[..end].split_whitespace().next()?;
    let is_name = |sign: char| sign.is_ascii_alphanumeric() || "_-:.".contains(sign);
    if !name.chars().all(is_name) || !TAG_WORDS.iter().any(|word| name.contains(word)) {
        return None;
    }
    let (begin, closing) = (end + 2, format!("</{name}>"));
    let close = text.find(&closing)?;
    (close + closing.len() == text.len()).then_some((name, begin, close))
}

/// Whether the attributes of a tag say so: `status="error"`, `is_error=true`.
fn tells_of_error(attributes: &str) -> bool {
    let plain: String = attributes.chars().filter(|sign| !matches!(sign, '"' | '\'')).collect();
    ["=error", "error=true", "=failed", "=failure", "success=false"].iter().any(|told| plain.contains(told))
}

/// The same for a fence of back quotes; its name is that of a language.
fn in_fence(text: &str) -> Option<(&str, usize, usize)> {
    const FENCE: &str = "```";
    let rest = text.strip_prefix(FENCE)?;
    let name = rest.lines().next()?;
    let begin = FENCE.len() + name.len();
    let close = text.len().checked_sub(FENCE.len()).filter(|close| *close > begin && text.ends_with(FENCE))?;
    (!text[begin..close].contains("\n```")).then_some((name, begin, close))
}

const ESCAPE: u8 = 0x1b;
const BELL: char = '\u{7}';

/// A text without the sequences that colour it, move the cursor or set a title.
fn without_escapes(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut signs = text.chars();
    while let Some(sign) = signs.next() {
        if sign != char::from(ESCAPE) {
            plain.push(sign);
            continue;
        }
        match signs.next() {
            // Parameters, then one letter that ends the sequence.
            Some('[') => while signs.next().is_some_and(|sign| !('\u{40}'..='\u{7e}').contains(&sign)) {},
            Some(']') => {
                let mut before = ' ';
                while let Some(sign) = signs.next().filter(|sign| *sign != BELL) {
                    if (before, sign) == (char::from(ESCAPE), '\\') {
                        break;
                    }
                    before = sign;
                }
            }
            _ => {}
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(result: &str) -> String {
        peel(result, true, &RuleSet::built_in()).text.into_owned()
    }

    #[test]
    fn layers_come_off_whatever_their_order() {
        for wrapped in [
            "Observation: a",
            "  Output:\na\n",
            "<result>a</result>",
            "<tool_response>\n<output>\na\n</output>\n</tool_response>",
            "```text\na\n```",
            "Tool result: ```\na\n```",
            "<div class=\"output_text\"><pre><span class=\"k\">a</span></pre></div>",
            "\u{1b}[1;32ma\u{1b}[0m",
            "\u{1b}]0;title\u{7}a",
            "[{\"type\": \"text\", \"text\": \"<output>a</output>\"}]",
        ] {
            assert_eq!(text(wrapped), "a", "{wrapped}");
        }
    }

    #[test]
    fn what_is_no_wrapping_stays() {
        for plain in
            ["<html>a</html>", "<output>a</output> and <output>b</output>", "```\na\n```\nand\n```\nb\n```", "a <b>"]
        {
            assert_eq!(text(plain), plain);
        }
    }

    #[test]
    fn tags_may_say_that_it_is_an_error() {
        let tagged = |result| peel(result, true, &RuleSet::built_in()).tagged_error;
        assert!(tagged("<div class=\"output_error\"><pre>a &lt; b</pre></div>"));
        assert!(!tagged("<div class=\"output_text\"><pre>an error</pre></div>"));
        assert!(tagged("<tool_use_error>a</tool_use_error>"));
        assert!(tagged("<tool_result status=\"error\">a</tool_result>"));
        assert!(!tagged("<tool_result status=\"ok\">an error</tool_result>"));
    }
}
