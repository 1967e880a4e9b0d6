//! Criteria as people write them in records: a JSON array of objects. What else stands in such an object is passed over:
//! whoever recorded it knew more than is asked here.

use std::borrow::Cow;

use serde_json::Value;

use super::criterion::Criterion;

/// Reads an array of criteria; `None` for null.
///
/// # Errors
/// What is no criterion.
pub(super) fn criteria(json: &str) -> Result<Option<Vec<Criterion<'static>>>, String> {
    let value: Value = serde_json::from_str(json).map_err(|error| format!("cannot be read as JSON: {error}"))?;
    match value {
        Value::Null => Ok(None),
        Value::Array(list) => {
            let read = |(index, value): (usize, &Value)| {
                criterion(value).map_err(|fault| format!("criterion {}, counted from 1, {fault}", index + 1))
            };
            list.iter().enumerate().map(read).collect::<Result<_, _>>().map(Some)
        }
        other => Err(format!("expected a list of objects, found {}", kind(&other))),
    }
}

fn criterion(value: &Value) -> Result<Criterion<'static>, String> {
    let Value::Object(fields) = value else { return Err(format!("is {}, expected an object", kind(value))) };
    let text = |key: &str| match fields.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(Cow::Owned(text.clone()))),
        Some(Value::Number(number)) => Ok(Some(Cow::Owned(number.to_string()))),
        Some(other) => Err(format!("has {} as `{key}`, expected a text", kind(other))),
    };
    let number = |key: &str| match fields.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Bool(is)) => Ok(Some(f32::from(*is))),
        Some(Value::Number(number)) => Ok(number.as_f64().map(|number| number as f32)),
        Some(other) => Err(format!("has {} as `{key}`, expected a number", kind(other))),
    };
    Ok(Criterion { id: text("id")?, text: text("text")?, weight: number("weight")?, satisfied: number("satisfied")? })
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_answers_are_read() {
        let read = criteria(
            r#"[{"id": 3, "text": "polite", "weight": 2, "satisfied": true, "by": "judge"},
                {"text": "brief", "satisfied": 0.5}, {"id": "c", "satisfied": null}]"#,
        );
        let read = read.unwrap().unwrap();
        let told: Vec<_> = read.iter().map(|one| (one.id.as_deref(), one.weight, one.satisfied)).collect();
        assert_eq!(told, [(Some("3"), Some(2.0), Some(1.0)), (None, None, Some(0.5)), (Some("c"), None, None)]);
        assert_eq!((criteria("null").unwrap(), criteria("[]").unwrap()), (None, Some(Vec::new())));
    }

    #[test]
    fn what_is_no_criterion_is_said() {
        let fault = |json: &str| criteria(json).unwrap_err();
        let told = [
            fault("{"),
            fault("7"),
            fault(r#"["polite"]"#),
            fault(r#"[{"id": "a"}, {"text": []}]"#),
            fault(r#"[{"id": "a", "satisfied": "yes"}]"#),
        ];
        insta::assert_snapshot!(told.join("\n"), @r"
        cannot be read as JSON: EOF while parsing an object at line 1 column 1
        expected a list of objects, found a number
        criterion 1, counted from 1, is a text, expected an object
        criterion 2, counted from 1, has a list as `text`, expected a text
        criterion 1, counted from 1, has a text as `satisfied`, expected a number
        ");
    }
}
