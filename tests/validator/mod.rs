//! As much of JSON Schema (draft 7) as our own schemas use. A keyword that it doesn't know stops the test, so that
//! nothing goes unjudged.

use serde_json::Value;

/// Whether `value` is valid, and why not.
pub(crate) fn validate(schema: &Value, value: &Value) -> Result<(), String> {
    let schema = schema
        .as_object()
        .ok_or_else(|| format!("{schema} is no schema"))?;
    schema.iter().try_for_each(|(keyword, rule)| {
        if keyword_holds(schema, keyword, rule, value)? {
            Ok(())
        } else {
            Err(format!("{value} breaks {keyword}: {rule:.200}"))
        }
    })
}

fn keyword_holds(
    schema: &serde_json::Map<String, Value>,
    keyword: &str,
    rule: &Value,
    value: &Value,
) -> Result<bool, String> {
    let object = value.as_object();
    Ok(match keyword {
        "$schema" | "title" | "description" | "default" => true,
        "type" => has_type(value, rule.as_str().expect("one type")),
        "const" => value == rule,
        "enum" => rule.as_array().expect("a list").contains(value),
        "pattern" => value.as_str().is_none_or(|text| {
            regex_lite::Regex::new(rule.as_str().expect("a text"))
                .expect("a pattern")
                .is_match(text)
        }),
        "minimum" => value
            .as_i64()
            .is_none_or(|v| v >= rule.as_i64().expect("a number")),
        "maximum" => value
            .as_i64()
            .is_none_or(|v| v <= rule.as_i64().expect("a number")),
        "multipleOf" => value
            .as_i64()
            .is_none_or(|v| v % rule.as_i64().expect("a number") == 0),
        "required" => object.is_none_or(|o| {
            let keys = rule.as_array().expect("a list");
            keys.iter()
                .all(|key| o.contains_key(key.as_str().expect("a key")))
        }),
        "properties" => {
            for (key, below) in rule.as_object().expect("a map") {
                if let Some(value) = object.and_then(|o| o.get(key)) {
                    validate(below, value)?;
                }
            }
            true
        }
        "additionalProperties" => {
            let known = schema.get("properties").and_then(Value::as_object);
            let others = object
                .into_iter()
                .flatten()
                .filter(|(key, _)| known.is_none_or(|k| !k.contains_key(*key)));
            for (_, value) in others {
                match rule {
                    Value::Bool(allowed) if !allowed => return Ok(false),
                    Value::Bool(_) => {}
                    below => validate(below, value)?,
                }
            }
            true
        }
        "propertyNames" => {
            for key in object.into_iter().flat_map(|o| o.keys()) {
                validate(rule, &Value::from(key.as_str()))?;
            }
            true
        }
        "items" => {
            for item in value.as_array().into_iter().flatten() {
                validate(rule, item)?;
            }
            true
        }
        "anyOf" => {
            let mut alternatives = rule.as_array().expect("a list").iter();
            alternatives.any(|below| validate(below, value).is_ok())
        }
        "oneOf" => {
            let alternatives = rule.as_array().expect("a list");
            alternatives
                .iter()
                .filter(|below| validate(below, value).is_ok())
                .count()
                == 1
        }
        unknown => panic!("the schemas use {unknown}, which this test doesn't judge"),
    })
}

fn has_type(value: &Value, name: &str) -> bool {
    match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "boolean" => value.is_boolean(),
        other => panic!("the schemas use the type {other}, which this test doesn't judge"),
    }
}
