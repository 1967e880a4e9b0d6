//! Texts with placeholders, by which new tasks are worded: `Reach {goal}.`

use sternlight_engine::problem::{Problem, nearest};

/// A text and the places in it where values go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Template<const N: usize>(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    /// Of the names, which one.
    Value(usize),
}

impl<const N: usize> Template<N> {
    /// Reads the text of an option. The first of the names must be among its placeholders if it is `required`. `{{` and `}}`
    /// are braces.
    ///
    /// # Errors
    /// If a placeholder is not closed or not known, or the required one is missing; marked in the text.
    pub(super) fn parse(key: &str, text: &str, names: [&str; N], required: bool) -> Result<Self, Problem> {
        let known = || names.map(|name| format!("`{{{name}}}`")).join(" and ");
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            let (before, from) = rest.split_at(at);
            literal.push_str(before);
            let start = text.len() - from.len();
            if let Some(behind) = from.strip_prefix("{{").or_else(|| from.strip_prefix("}}")) {
                literal.push_str(&from[..1]);
                rest = behind;
                continue;
            }
            let Some((name, behind)) = from.strip_prefix('{').and_then(|inside| inside.split_once('}')) else {
                let problem = Problem::at([key], "a brace that opens or closes no placeholder");
                let help = format!("placeholders are {}; `{{{{` and `}}}}` are braces themselves", known());
                return Err(problem.within(start..start + 1).help(help));
            };
            let Some(index) = names.iter().position(|known| *known == name) else {
                let problem = Problem::at([key], format!("`{{{name}}}` is no placeholder of `{key}`"));
                let help = match nearest(name, names) {
                    Some(meant) => format!("did you mean `{{{meant}}}`?"),
                    None => format!("placeholders are {}; `{{{{` and `}}}}` are braces themselves", known()),
                };
                return Err(problem.within(start..start + name.len() + 2).help(help));
            };
            parts.extend((!literal.is_empty()).then(|| Part::Text(std::mem::take(&mut literal))));
            parts.push(Part::Value(index));
            rest = behind;
        }
        literal.push_str(rest);
        parts.extend((!literal.is_empty()).then_some(Part::Text(literal)));
        let template = Self(parts);
        if text.trim().is_empty() {
            return Err(Problem::at([key], format!("an empty `{key}`")).help("say what copies are told to do"));
        }
        if let (Some(first), true) = (names.first(), required && !template.0.contains(&Part::Value(0))) {
            let problem = Problem::at([key], format!("`{key}` does not say `{{{first}}}`"));
            return Err(problem.help(format!("without it every copy is told the same: write `{{{first}}}` in it")));
        }
        Ok(template)
    }

    /// The text with these values, in the order of the names, without white space around: a value may be empty.
    pub(super) fn render(&self, values: [&str; N]) -> String {
        let mut text = String::new();
        for part in &self.0 {
            text.push_str(match part {
                Part::Text(literal) => literal,
                Part::Value(index) => values.get(*index).copied().unwrap_or_default(),
            });
        }
        let trimmed = text.trim();
        if trimmed.len() == text.len() { text } else { trimmed.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: [&str; 2] = ["goal", "prompt"];

    #[test]
    fn values_take_the_place_of_their_names() {
        let rendered = |text: &str| Template::parse("task", text, NAMES, false).unwrap().render(["7", ""]);
        let told = [
            rendered("Reach {goal}."),
            rendered("{prompt}\n\nReach {goal}, {goal}!"),
            rendered("{{goal}} is {goal}"),
            rendered("}}{{{goal}}}"),
        ];
        assert_eq!(told, ["Reach 7.", "Reach 7, 7!", "{goal} is 7", "}{7}"]);
        // What a value holds is no placeholder.
        let template = Template::parse("task", "{prompt}: {goal}", NAMES, true).unwrap();
        assert_eq!(template.render(["{prompt}", "{goal}"]), "{goal}: {prompt}");
    }

    #[test]
    fn faults_are_marked() {
        let fault = |text: &str| {
            let problem = Template::parse("task", text, NAMES, true).unwrap_err();
            format!("{}: {:?}, {}", problem.message, problem.within, problem.help.unwrap_or_default())
        };
        let told =
            [fault("Reach {gaol}."), fault("é {x}"), fault("é {goal"), fault("goal}"), fault("Go on."), fault("")];
        insta::assert_snapshot!(told.join("\n"), @r"
        `{gaol}` is no placeholder of `task`: Some(6..12), did you mean `{goal}`?
        `{x}` is no placeholder of `task`: Some(3..6), placeholders are `{goal}` and `{prompt}`; `{{` and `}}` are braces themselves
        a brace that opens or closes no placeholder: Some(3..4), placeholders are `{goal}` and `{prompt}`; `{{` and `}}` are braces themselves
        a brace that opens or closes no placeholder: Some(4..5), placeholders are `{goal}` and `{prompt}`; `{{` and `}}` are braces themselves
        `task` does not say `{goal}`: None, without it every copy is told the same: write `{goal}` in it
        an empty `task`: None, say what copies are told to do
        ");
    }
}
