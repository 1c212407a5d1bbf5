//! Plain scalars by the YAML 1.2 core schema (<https://yaml.org/spec/1.2.2/#103-core-schema>): `yes`, `on` and `010`
//! are what they look like, not booleans and octal numbers.

use super::tree::Value;

/// The value of a plain scalar.
#[must_use]
pub fn resolve(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        other => number(other).unwrap_or_else(|| Value::String(other.to_owned())),
    }
}

fn number(text: &str) -> Option<Value> {
    let radix = |prefix: &str, base: u32| {
        let digits = text.strip_prefix(prefix)?;
        digits.bytes().all(|b| b.is_ascii_alphanumeric()).then_some(())?;
        i64::from_str_radix(digits, base).ok().map(Value::Integer)
    };
    if let Some(value) = radix("0x", 16).or_else(|| radix("0o", 8)) {
        return Some(value);
    }
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if matches!(unsigned, ".inf" | ".Inf" | ".INF") || matches!(text, ".nan" | ".NaN" | ".NAN") {
        return Some(Value::Float(text.to_owned()));
    }
    let first = unsigned.bytes().next()?;
    if !(first.is_ascii_digit() || first == b'.') {
        return None;
    }
    if unsigned.bytes().all(|b| b.is_ascii_digit()) {
        let integer = text.strip_prefix('+').unwrap_or(text).parse().map(Value::Integer);
        return Some(integer.unwrap_or_else(|_| Value::Float(text.to_owned())));
    }
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let digits = |t: &str| t.bytes().all(|b| b.is_ascii_digit());
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let exponent_ok = exponent.is_none_or(|e| {
        let e = e.strip_prefix(['-', '+']).unwrap_or(e);
        !e.is_empty() && digits(e)
    });
    let mantissa_ok = digits(whole) && digits(fraction) && !(whole.is_empty() && fraction.is_empty());
    (mantissa_ok && exponent_ok).then(|| Value::Float(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_scalars_follow_the_core_schema() {
        for (text, value) in [
            ("", Value::Null),
            ("~", Value::Null),
            ("true", Value::Bool(true)),
            ("10", Value::Integer(10)),
            ("010", Value::Integer(10)),
            ("-3", Value::Integer(-3)),
            ("0x1f", Value::Integer(31)),
            ("0o17", Value::Integer(15)),
            ("1.5", Value::Float("1.5".into())),
            ("1e3", Value::Float("1e3".into())),
            (".inf", Value::Float(".inf".into())),
            (
                "99999999999999999999",
                Value::Float("99999999999999999999".into()),
            ),
        ] {
            assert_eq!(resolve(text), value, "{text}");
        }
        for text in [
            "yes",
            "on",
            "1.2.3",
            "4Gi",
            ".",
            "1e",
            "e3",
            "-",
            "0x",
            "2021-01-01",
            "1_000",
            "-.x",
        ] {
            assert_eq!(resolve(text), Value::String(text.into()), "{text}");
        }
    }
}
