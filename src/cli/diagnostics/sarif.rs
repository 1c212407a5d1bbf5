//! Diagnostics as SARIF 2.1.0, which code scanning services read.
//!
//! Form: <https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::document::{Diagnostic, Diagnostics, Severity};

use super::end;

const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// What is known of a rule beside its code.
#[derive(Clone, Copy, Debug)]
pub struct SarifRule {
    /// The code.
    pub code: &'static str,
    /// Why the rule exists.
    pub why: &'static str,
}

/// One run with every diagnostic as a result. Of `rules`, those that a result names are described.
#[must_use]
pub fn sarif(rules: &[SarifRule], diagnostics: &Diagnostics) -> String {
    let why: BTreeMap<&str, &str> = rules.iter().map(|rule| (rule.code, rule.why)).collect();
    let mut indices: BTreeMap<&str, usize> = diagnostics.0.iter().map(|d| (d.code, 0)).collect();
    let mut described = Vec::new();
    for (at, (code, index)) in indices.iter_mut().enumerate() {
        *index = at;
        let mut rule = json!({ "id": code });
        if let Some(why) = why.get(code) {
            rule["shortDescription"] = json!({ "text": why });
        }
        described.push(rule);
    }
    let results: Vec<Value> = diagnostics.0.iter().map(|d| result(d, &indices)).collect();
    let driver = json!({
        "name": "wharf",
        "version": env!("CARGO_PKG_VERSION"),
        "rules": described,
    });
    let log = json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": driver },
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    });
    format!("{log:#}\n")
}

fn result(diagnostic: &Diagnostic, indices: &BTreeMap<&str, usize>) -> Value {
    let mut place = json!({ "artifactLocation": { "uri": uri(&diagnostic.path) } });
    if let (Some((line, column)), Some((end_line, end_column))) = (diagnostic.position(), end(diagnostic)) {
        place["region"] = json!({
            "startLine": line,
            "startColumn": column,
            "endLine": end_line,
            "endColumn": end_column,
        });
    }
    let mut location = json!({ "physicalLocation": place });
    if let Some(pointer) = &diagnostic.pointer {
        location["logicalLocations"] = json!([{ "fullyQualifiedName": pointer }]);
    }
    let help = diagnostic.help.as_ref().map(|help| format!("\n{help}"));
    json!({
        "ruleId": diagnostic.code,
        "ruleIndex": indices.get(diagnostic.code),
        "level": match diagnostic.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        },
        "message": { "text": format!("{}{}", diagnostic.message, help.unwrap_or_default()) },
        "locations": [location],
    })
}

/// A path as a relative reference (RFC 3986).
fn uri(path: &str) -> String {
    let mut uri = String::new();
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            let _ = write!(uri, "%{byte:02X}"); // writing to a string can't fail
        }
    }
    uri
}
