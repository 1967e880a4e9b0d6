//! How much of a JSON Schema a plugin may bring, and how much work checking options against it may be. A schema of a few
//! lines can ask for more steps than a machine ever takes, so they are counted before the first is taken. Not concerned with
//! what is wrong with options: see `options`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

/// Longer texts are nobody's options.
const SCHEMA_BYTES: usize = 256 << 10;

/// Schemas within a schema, those included that references lead to.
const SCHEMAS: usize = 1_000;

/// References and schemas that stand below schemas, counted wherever they are written.
const EDGES: usize = 4_000;

/// Bytes of one regular expression, and of all of them.
const PATTERN_BYTES: usize = 1_000;
const PATTERNS_BYTES: usize = 16_000;

/// Steps that checking some options may take: about a second of them.
const STEPS: u64 = 1_000_000;

/// Schemas that are within one another for one value of the options, each of which takes stack.
const DEPTH: usize = 1_000;

/// A schema that was looked through.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Schema(Value);

/// What a schema is applied to: the same value again, or something within it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part<'a> {
    Same,
    Key(&'a str),
    AllKeys,
    Item(usize),
    AllItems,
    /// The names of all keys.
    Names,
}

/// A value that is checked.
#[derive(Clone, Copy)]
enum Checked<'v> {
    Value(&'v Value),
    /// The name of a key.
    Name(&'v str),
}

impl Schema {
    /// Takes the text of a schema.
    ///
    /// # Errors
    /// Which limit it is beyond, or what cannot be read of it.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        if text.len() > SCHEMA_BYTES {
            return Err(format!("the schema of its options has {} bytes, expected {SCHEMA_BYTES} at most", text.len()));
        }
        let schema =
            serde_json::from_str(text).map_err(|error| format!("the schema of its options is no JSON: {error}"))?;
        look_through(&schema)?;
        Ok(Self(schema))
    }

    pub(crate) fn value(&self) -> &Value {
        &self.0
    }

    /// Makes sure that checking some options takes no more steps than it may.
    ///
    /// # Errors
    /// If it takes more.
    pub(crate) fn check_steps(&self, options: &Value) -> Result<(), String> {
        let mut counter = Counter { root: &self.0, counted: BTreeMap::new() };
        match counter.count(&self.0, Checked::Value(options), 0) {
            Some(steps) if steps <= STEPS => Ok(()),
            _ => Err(format!(
                "checking these options against the schema that it brings takes more than {STEPS} steps, or is nested \
                 deeper than {DEPTH} schemas"
            )),
        }
    }
}

/// Looks at every schema that checking may come to.
fn look_through(root: &Value) -> Result<(), String> {
    let (mut seen, mut waiting) = (BTreeSet::from([address(root)]), vec![root]);
    let (mut edges, mut patterns) = (0, 0);
    while let Some(schema) = waiting.pop() {
        if let Some(schema) = schema.as_object() {
            check_words(schema, std::ptr::eq(schema, root.as_object().unwrap_or(schema)), &mut patterns)?;
        }
        for (_, below) in parts(root, schema)? {
            edges += 1;
            if seen.insert(address(below)) {
                waiting.push(below);
            }
        }
        if seen.len() > SCHEMAS || edges > EDGES {
            return Err(format!(
                "the schema of its options is made of more than {SCHEMAS} schemas, or they refer to one another more than \
                 {EDGES} times"
            ));
        }
    }
    if leads_back(root)? {
        return Err(
            "the schema of its options refers to itself for the same value: checking it would not end".to_owned()
        );
    }
    Ok(())
}

/// What of a schema's own words there is too much of, or cannot be counted.
fn check_words(schema: &Map<String, Value>, is_root: bool, patterns: &mut usize) -> Result<(), String> {
    for word in ["$dynamicRef", "$recursiveRef"] {
        if schema.contains_key(word) {
            return Err(format!("the schema of its options has `{word}`, expected `$ref` where it refers to itself"));
        }
    }
    // References are looked up from the root.
    if !is_root && ["$id", "id"].iter().any(|word| schema.get(*word).is_some_and(Value::is_string)) {
        return Err(
            "the schema of its options has an `$id` within it, expected references that begin with `#/`".to_owned()
        );
    }
    let own = schema.get("pattern").and_then(Value::as_str);
    let of_properties = schema.get("patternProperties").and_then(Value::as_object);
    for pattern in own.into_iter().chain(of_properties.into_iter().flatten().map(|(pattern, _)| pattern.as_str())) {
        *patterns += pattern.len();
        if pattern.len() > PATTERN_BYTES || *patterns > PATTERNS_BYTES {
            return Err(format!(
                "the schema of its options has a pattern of {} bytes, expected {PATTERN_BYTES} at most, and \
                 {PATTERNS_BYTES} in all",
                pattern.len()
            ));
        }
    }
    Ok(())
}

/// Whether a schema comes to itself again without having gone into the value that it checks.
fn leads_back(root: &Value) -> Result<bool, String> {
    // Each with what is left to be looked at below it: a path, without recursion.
    let mut waiting = vec![root];
    let (mut begun, mut done) = (BTreeSet::new(), BTreeSet::new());
    let mut begun_from: Vec<(&Value, Vec<&Value>)> = Vec::new();
    while let Some(start) = waiting.pop() {
        if !begun.insert(address(start)) {
            continue;
        }
        begun_from.push((start, same(root, start, &mut waiting)?));
        while let Some((schema, left)) = begun_from.last_mut() {
            let Some(next) = left.pop() else {
                done.insert(address(schema));
                begun_from.pop();
                continue;
            };
            if begun.insert(address(next)) {
                let below = same(root, next, &mut waiting)?;
                begun_from.push((next, below));
            } else if !done.contains(&address(next)) {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// The schemas that one applies to the same value; all others wait.
fn same<'s>(root: &'s Value, schema: &'s Value, waiting: &mut Vec<&'s Value>) -> Result<Vec<&'s Value>, String> {
    let (same, others): (Vec<_>, Vec<_>) = parts(root, schema)?.into_iter().partition(|(part, _)| *part == Part::Same);
    waiting.extend(others.into_iter().map(|(_, below)| below));
    Ok(same.into_iter().map(|(_, below)| below).collect())
}

/// The schemas that a schema applies, and to what.
///
/// # Errors
/// If it refers to what is not in it.
fn parts<'s>(root: &'s Value, schema: &'s Value) -> Result<Vec<(Part<'s>, &'s Value)>, String> {
    let Some(schema) = schema.as_object() else { return Ok(Vec::new()) };
    let mut parts = Vec::new();
    for (word, value) in schema {
        let one = |part| vec![(part, value)];
        let each_named = |part: fn(&'s str) -> Part<'s>| -> Vec<(Part<'s>, &'s Value)> {
            value.as_object().into_iter().flatten().map(|(name, below)| (part(name), below)).collect()
        };
        let each_listed = |part: fn(usize) -> Part<'s>| -> Vec<(Part<'s>, &'s Value)> {
            value.as_array().into_iter().flatten().enumerate().map(|(index, below)| (part(index), below)).collect()
        };
        parts.extend(match word.as_str() {
            "$ref" => vec![(Part::Same, referred(root, value)?)],
            "allOf" | "anyOf" | "oneOf" => each_listed(|_| Part::Same),
            "not" | "if" | "then" | "else" => one(Part::Same),
            "dependentSchemas" | "dependencies" => each_named(|_| Part::Same),
            "properties" => each_named(Part::Key),
            "patternProperties" => each_named(|_| Part::AllKeys),
            "additionalProperties" | "unevaluatedProperties" => one(Part::AllKeys),
            "propertyNames" => one(Part::Names),
            "items" if value.is_array() => each_listed(Part::Item),
            "prefixItems" => each_listed(Part::Item),
            "items" | "additionalItems" | "unevaluatedItems" | "contains" => one(Part::AllItems),
            _ => Vec::new(),
        });
    }
    // What lists names rather than schemas, as `dependencies` may, applies nothing.
    parts.retain(|(_, below)| below.is_object() || below.is_boolean());
    Ok(parts)
}

fn referred<'s>(root: &'s Value, reference: &Value) -> Result<&'s Value, String> {
    let reference = reference.as_str().unwrap_or_default();
    let absent = || {
        let shown: String = reference.chars().take(64).collect();
        format!("the schema of its options refers to `{shown}`, which is not in it: expected `#`, or `#/` and a path")
    };
    let pointer = reference.strip_prefix('#').and_then(decoded).ok_or_else(absent)?;
    root.pointer(&pointer).ok_or_else(absent)
}

/// A part of an address with its `%20` read.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let (byte, after) = match (first, after) {
            (b'%', [high, low, after @ ..]) => {
                let digits = [*high, *low];
                (u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?, after)
            }
            (byte, after) => (*byte, after),
        };
        bytes.push(byte);
        rest = after;
    }
    String::from_utf8(bytes).ok()
}

/// Which schema it is: two that read the same are two.
fn address(schema: &Value) -> usize {
    std::ptr::from_ref(schema).addr()
}

/// Counts steps, each pair of a schema and a value once.
struct Counter<'s> {
    root: &'s Value,
    counted: BTreeMap<(usize, usize), u64>,
}

impl<'s> Counter<'s> {
    /// The steps that a schema takes on a value, at most; none if they are too many to be counted.
    fn count(&mut self, schema: &'s Value, value: Checked<'_>, depth: usize) -> Option<u64> {
        let pair = (address(schema), value.address());
        if let Some(steps) = self.counted.get(&pair) {
            return Some(*steps);
        }
        if depth == DEPTH || self.counted.len() as u64 > STEPS {
            return None;
        }
        let mut steps = own_steps(schema, value);
        for (part, below) in parts(self.root, schema).ok()? {
            for value in value.parts(part) {
                steps = steps.saturating_add(self.count(below, value, depth + 1)?);
                if steps > STEPS {
                    return None;
                }
            }
        }
        // What is unevaluated is found by trying everything else again, for each key or item.
        let words = schema.as_object();
        if words.is_some_and(|words| words.keys().any(|word| word.starts_with("unevaluated"))) {
            steps = steps.saturating_mul(2 + value.length());
        }
        self.counted.insert(pair, steps);
        Some(steps)
    }
}

/// Steps of a schema's own words on a value.
fn own_steps(schema: &Value, value: Checked<'_>) -> u64 {
    let Some(schema) = schema.as_object() else { return 1 };
    let words = schema.iter().map(|(word, content)| match word.as_str() {
        "enum" | "required" | "type" => 1 + content.as_array().map_or(0, Vec::len) as u64,
        "const" => value.weight(),
        // A byte of a text may be looked at for each byte of a pattern.
        "pattern" => 1 + value.weight() * content.as_str().map_or(0, str::len) as u64 / 64,
        "patternProperties" => {
            let bytes =
                content.as_object().into_iter().flatten().map(|(pattern, _)| 1 + pattern.len() as u64).sum::<u64>();
            1 + value.weight() * bytes / 64
        }
        "uniqueItems" => value.weight().saturating_mul(2),
        "properties" | "dependentRequired" | "dependencies" => 1 + content.as_object().map_or(0, Map::len) as u64,
        _ => 1 + value.length(),
    });
    words.fold(1, u64::saturating_add)
}

impl<'v> Checked<'v> {
    fn address(self) -> usize {
        match self {
            Self::Value(value) => address(value),
            Self::Name(name) => name.as_ptr().addr(),
        }
    }

    /// Keys or items.
    fn length(self) -> u64 {
        match self {
            Self::Value(Value::Object(keys)) => keys.len() as u64,
            Self::Value(Value::Array(items)) => items.len() as u64,
            _ => 0,
        }
    }

    /// Bytes of a text, of the names of keys, or so many items.
    fn weight(self) -> u64 {
        let bytes = match self {
            Self::Name(name) => name.len(),
            Self::Value(Value::String(text)) => text.len(),
            Self::Value(Value::Object(keys)) => keys.keys().map(|name| name.len() + 1).sum(),
            Self::Value(Value::Array(items)) => items.len(),
            Self::Value(_) => 1,
        };
        1 + bytes as u64
    }

    fn parts(self, part: Part<'_>) -> Vec<Self> {
        match (part, self) {
            (Part::Same, value) => vec![value],
            (Part::Key(name), Self::Value(Value::Object(keys))) => {
                keys.get(name).map(Self::Value).into_iter().collect()
            }
            (Part::AllKeys, Self::Value(Value::Object(keys))) => keys.values().map(Self::Value).collect(),
            (Part::Names, Self::Value(Value::Object(keys))) => keys.keys().map(|name| Self::Name(name)).collect(),
            (Part::Item(index), Self::Value(Value::Array(items))) => {
                items.get(index).map(Self::Value).into_iter().collect()
            }
            (Part::AllItems, Self::Value(Value::Array(items))) => items.iter().map(Self::Value).collect(),
            _ => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn refused(schema: &Value) -> String {
        Schema::parse(&schema.to_string()).err().unwrap_or_default()
    }

    /// A schema that branches into two at each of so many levels.
    fn branching(levels: usize, word: &str) -> Value {
        let mut definitions = Map::new();
        for level in 0..levels {
            let next = json!({"$ref": format!("#/$defs/a{}", level + 1)});
            definitions.insert(format!("a{level}"), json!({word: [next, next, {"not": {}}]}));
        }
        definitions.insert(format!("a{levels}"), json!({"type": "string"}));
        json!({"$ref": "#/$defs/a0", "$defs": definitions})
    }

    #[test]
    fn steps_are_counted_before_they_are_taken() {
        for word in ["oneOf", "anyOf", "allOf"] {
            let told =
                |levels: usize| Schema::parse(&branching(levels, word).to_string()).unwrap().check_steps(&json!({}));
            assert_eq!(told(8), Ok(()));
            assert!(told(26).unwrap_err().contains("more than 1000000 steps"));
            assert!(told(150).is_err());
        }
        // What grows with the depth of the options.
        let twice = json!({"properties": {"a": {"allOf": [{"$ref": "#"}, {"$ref": "#"}]}}});
        let twice = Schema::parse(&twice.to_string()).unwrap();
        let nested = |depth: usize| (0..depth).fold(json!({}), |inner, _| json!({"a": inner}));
        assert_eq!(twice.check_steps(&nested(10)), Ok(()));
        assert!(twice.check_steps(&nested(60)).is_err());
    }

    #[test]
    fn usual_schemas_and_options_pass() {
        let tree = json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema", "$id": "https://example.com/options",
            "$defs": { "node of a tree": {
                "type": "object", "additionalProperties": false, "required": ["name"],
                "properties": {
                    "name": {"type": "string", "pattern": "^[a-z]+$"},
                    "below": {"type": "array", "items": {"$ref": "#/$defs/node%20of%20a%20tree"}},
                },
            } },
            "anyOf": [{"$ref": "#/$defs/node%20of%20a%20tree"}, {"type": "null"}],
        });
        let schema = Schema::parse(&tree.to_string()).unwrap();
        let leaf = json!({"name": "leaf"});
        let options = json!({"name": "root", "below": vec![json!({"name": "branch", "below": vec![leaf; 100]}); 100]});
        assert_eq!(schema.check_steps(&options), Ok(()));
        for fine in [json!(true), json!({}), json!({"properties": {"$id": {"type": "string"}, "$ref": {}}})] {
            assert_eq!(refused(&fine), "");
        }
    }

    #[test]
    fn schemas_are_of_a_size() {
        insta::assert_snapshot!(refused(&json!({"description": "a".repeat(SCHEMA_BYTES)})), @"the schema of its options has 262162 bytes, expected 262144 at most");
        insta::assert_snapshot!(refused(&json!({"allOf": vec![json!({}); SCHEMAS]})), @"the schema of its options is made of more than 1000 schemas, or they refer to one another more than 4000 times");
        insta::assert_snapshot!(refused(&json!({"pattern": "a".repeat(PATTERN_BYTES + 1)})), @"the schema of its options has a pattern of 1001 bytes, expected 1000 at most, and 16000 in all");
        let many: Map<String, Value> =
            (0..20).map(|number| (format!("{number}{}", "a".repeat(900)), json!({}))).collect();
        assert!(refused(&json!({"patternProperties": many})).contains("has a pattern of 9"));
        assert!(refused(&serde_json::from_str(&format!("{}{}", "[".repeat(100), "]".repeat(100))).unwrap()).is_empty());
        assert!(Schema::parse(&"[".repeat(100_000)).unwrap_err().contains("is no JSON: recursion limit exceeded"));
    }

    #[test]
    fn what_cannot_be_counted_is_refused() {
        insta::assert_snapshot!(refused(&json!({"$ref": "#"})), @"the schema of its options refers to itself for the same value: checking it would not end");
        let round = json!({"properties": {"a": {"$ref": "#/$defs/a"}}, "$defs": {"a": {"not": {"$ref": "#/$defs/b"}}, "b": {"anyOf": [{}, {"$ref": "#/$defs/a"}]}}});
        assert!(refused(&round).contains("would not end"));
        insta::assert_snapshot!(refused(&json!({"items": {"$dynamicRef": "#a"}})), @"the schema of its options has `$dynamicRef`, expected `$ref` where it refers to itself");
        insta::assert_snapshot!(refused(&json!({"items": {"$id": "b"}})), @"the schema of its options has an `$id` within it, expected references that begin with `#/`");
        for reference in
            ["#/$defs/a", "#anchor", "https://json-schema.org/draft/2020-12/schema", "other.json#/a", "#/%zz"]
        {
            let told = refused(&json!({"properties": {"a": {"$ref": reference}}}));
            assert!(told.contains(&format!("refers to `{reference}`, which is not in it")), "{told}");
        }
    }
}
