//! Values of a column: plausible ones for the columns that everybody knows, and such as no plugin should break at.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Float64Array, Int64Array, ListArray, StringArray, new_null_array};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use sternlight_engine::column::ColumnPath;
use sternlight_engine::stage::StageError;
use sternlight_engine::trajectory::is_required;

use super::random::Random;
use super::rows::{Nulls, RowPlan};

/// Length of a huge text.
pub(crate) const HUGE_BYTES: usize = 1 << 20;

/// What the texts of a row are made of.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Text {
    /// Sentences of a few words.
    Plain,
    /// Sentences of about so many bytes.
    Long(usize),
    /// Scripts, signs and control characters of all kinds.
    Unicode,
    /// Nothing.
    Empty,
    /// A mebibyte in this column.
    Huge(ColumnPath),
}

const WORDS: [&str; 20] = [
    "the", "agent", "found", "37", "results", "for", "a", "door", "opened", "error", "key", "order", "refund",
    "search", "12", "items", "customer", "and", "went", "north",
];

/// Texts that programs trip over: more bytes than characters, right to left, combined, beyond the first plane, of no width,
/// and control characters.
const UNICODE: [&str; 10] = [
    "Zürich – naïve café",
    "日本語のテキスト",
    "שלום עולם \u{202e}abc",
    "e\u{301}\u{327}\u{489}",
    "👩‍👩‍👧‍👦🏳️‍🌈",
    "\u{feff}\u{200b}\u{2028}",
    "nul\0bell\u{7}escape\u{1b}[31m",
    "line\r\nline\u{85}line",
    "\u{fffd}\u{ffff}\u{10ffff}",
    "ﬁ İ ß ǆ",
];

const TOOLS: [&str; 4] = ["search", "open", "book_flight", "respond"];

/// The values of a column: one a row, or one a turn.
///
/// # Errors
/// If there is no value of that type.
pub(crate) fn values(
    path: &ColumnPath,
    data_type: &DataType,
    plans: &[RowPlan],
    random: &mut Random,
) -> Result<ArrayRef, StageError> {
    let each = |plan: &RowPlan| if path.turn_name().is_some() { plan.turns } else { 1 };
    let of: Vec<&RowPlan> = plans.iter().flat_map(|plan| std::iter::repeat_n(plan, each(plan))).collect();
    let nulls: Vec<bool> = of.iter().map(|plan| is_null(path, plan, random)).collect();
    array(path, data_type, &of, &nulls, random)
}

fn is_null(path: &ColumnPath, plan: &RowPlan, random: &mut Random) -> bool {
    !is_required(path)
        && match &plan.nulls {
            Nulls::None => false,
            Nulls::Some => random.once_in(5),
            Nulls::All => true,
            Nulls::Column(column) => column == path,
        }
}

fn array(
    path: &ColumnPath,
    data_type: &DataType,
    of: &[&RowPlan],
    nulls: &[bool],
    random: &mut Random,
) -> Result<ArrayRef, StageError> {
    let count = of.len();
    Ok(match data_type {
        DataType::Utf8 => {
            let texts = of.iter().zip(nulls).map(|(plan, null)| (!null).then(|| text(path, &plan.text, random)));
            Arc::new(StringArray::from_iter(texts.collect::<Vec<_>>()))
        }
        DataType::Boolean => {
            Arc::new(nulls.iter().map(|null| (!null).then(|| random.once_in(2))).collect::<BooleanArray>())
        }
        DataType::Float32 | DataType::Float64 => {
            // Eighths: the same in both widths.
            let numbers = nulls.iter().map(|null| (!null).then(|| random.below(17) as f64 / 8.0 - 1.0));
            cast(&numbers.collect::<Float64Array>(), data_type)?
        }
        integer if integer.is_integer() => {
            let numbers = nulls.iter().map(|null| (!null).then(|| random.below(100) as i64));
            cast(&numbers.collect::<Int64Array>(), integer)?
        }
        DataType::List(element) => {
            let lengths: Vec<usize> = nulls.iter().map(|null| if *null { 0 } else { random.below(5) }).collect();
            let of: Vec<&RowPlan> =
                of.iter().zip(&lengths).flat_map(|(plan, length)| std::iter::repeat_n(*plan, *length)).collect();
            let elements = array(path, element.data_type(), &of, &vec![false; of.len()], random)?;
            let valid = NullBuffer::from_iter(nulls.iter().map(|null| !null));
            let offsets = OffsetBuffer::from_lengths(lengths);
            Arc::new(ListArray::try_new(Arc::clone(element), offsets, elements, Some(valid))?)
        }
        other => new_null_array(other, count),
    })
}

fn text(path: &ColumnPath, kind: &Text, random: &mut Random) -> String {
    let name = path.turn_name().unwrap_or(path.as_str());
    let one_of = |names: &[&str], random: &mut Random| random.choose(names).copied().unwrap_or_default().to_owned();
    match name {
        // Of which the schema knows every value.
        "status" => return one_of(&["done", "truncated", "failed"], random),
        "verdict" => return one_of(&["progress", "redundant", "invalid", "failed"], random),
        _ => {}
    }
    let words = match kind {
        Text::Plain if name == "tool_name" => one_of(&TOOLS, random),
        Text::Plain => sentence(24, random),
        Text::Long(bytes) => sentence(*bytes, random),
        Text::Unicode => one_of(&UNICODE, random),
        Text::Empty => return String::new(),
        Text::Huge(column) if column == path => {
            let piece = sentence(1000, random) + "\n";
            let mut text = piece.repeat(HUGE_BYTES / piece.len() + 1);
            text.truncate(HUGE_BYTES);
            text
        }
        Text::Huge(_) => sentence(24, random),
    };
    match name {
        "tool_arguments" | "extra" => serde_json::json!({ "query": words }).to_string(),
        "tools" => serde_json::json!([{ "name": words }]).to_string(),
        _ => words,
    }
}

/// Words, of as many bytes.
fn sentence(bytes: usize, random: &mut Random) -> String {
    let mut text = String::with_capacity(bytes + 10);
    while text.len() < bytes {
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(random.choose(&WORDS).copied().unwrap_or_default());
    }
    text.truncate(bytes);
    text
}

#[cfg(test)]
mod tests {
    use arrow::array::Array as _;

    use super::*;
    use crate::data_type::parse;

    #[test]
    fn every_type_of_the_contract_has_values_and_nulls() {
        let names =
            ["bool", "float32", "float64", "int8", "int64", "uint64", "utf8", "list<int32>", "list<list<utf8>>"];
        for name in names {
            let data_type = parse(name).unwrap();
            let plans = [
                RowPlan { nulls: Nulls::All, ..RowPlan::plain("a", 1) },
                RowPlan::plain("b", 3),
                RowPlan { nulls: Nulls::Column("x".into()), ..RowPlan::plain("c", 2) },
            ];
            let made = |path: &str| values(&path.into(), &data_type, &plans, &mut Random::new(1)).unwrap();
            assert_eq!((made("x").len(), made("x").null_count()), (3, 2), "{name}");
            assert_eq!((made("turns.x").len(), made("turns.x").null_count()), (6, 1), "{name}");
            assert_eq!(made("x").data_type(), &data_type);
        }
    }

    #[test]
    fn a_huge_text_is_a_mebibyte_and_texts_with_a_form_keep_it() {
        let text = |name: &str, kind: Text| text(&name.into(), &kind, &mut Random::new(1));
        assert_eq!(text("prompt", Text::Huge("prompt".into())).len(), HUGE_BYTES);
        let arguments = text("turns.tool_arguments", Text::Unicode);
        assert!(serde_json::from_str::<serde_json::Value>(&arguments).is_ok(), "{arguments}");
        assert!(["done", "truncated", "failed"].contains(&text("status", Text::Unicode).as_str()));
    }
}
