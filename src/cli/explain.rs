//! `wharf explain`.

use serde_json::{Map, Value};

use super::Context;
use super::error::{Error, Exit};
use super::schema::kind;
use super::table::table;
use crate::document::diagnostic::nearest;
use crate::document::{self, Rule};
use crate::manifest::{self, schema};
use crate::plan::display::wrap::wrap;
use crate::{devfile, lock, resolve};

/// Explain a kind of manifest, one of its fields, or the code of a problem
///
/// Fields are joined by dots: workspace.spec.storage.onRemove; spec may be left out. A code, such as
/// manifest/unknown-owner, is what wharf validate calls a problem: it is told why that is one, with an example and the
/// same mended.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The kind and the field, or the code
    #[arg(value_name = "KIND[.FIELD]|CODE")]
    path: String,
}

pub(super) fn run(context: &Context, args: &Args) -> Result<Exit, Error> {
    if args.path.contains('/') {
        let rule = rule(&args.path)?;
        context.out.data(&describe_rule(context, &rule))?;
        return Ok(Exit::Success);
    }
    let mut parts = args.path.split('.');
    let root = schema::json_schema(Some(kind(parts.next().unwrap_or_default())?));
    let mut node = Node(&root);
    for (place, part) in parts.enumerate() {
        let below = node.field(part).or_else(|| {
            let spec = (place == 0).then(|| node.field("spec")).flatten()?;
            spec.field(part)
        });
        node = below.ok_or_else(|| unknown(&args.path, part, &node))?;
    }
    // What all manifests have in common explains none of them.
    let fields = if args.path.contains('.') {
        node
    } else {
        node.field("spec").unwrap_or(node)
    };
    context.out.data(&describe(context, &args.path, &node, &fields))?;
    Ok(Exit::Success)
}

/// Every rule, in the order in which files meet them.
pub(super) fn rules() -> impl Iterator<Item = Rule> {
    let listed = |rules: &'static [Rule]| rules.iter().copied();
    listed(document::rule::RULES)
        .chain(manifest::rules())
        .chain(listed(devfile::RULES))
        .chain(listed(lock::RULES))
        .chain(listed(resolve::RULES))
}

fn rule(code: &str) -> Result<Rule, Error> {
    rules().find(|rule| rule.code == code).ok_or_else(|| {
        let near = nearest(code, rules().map(|rule| rule.code)).map(|near| format!("Did you mean {near}?"));
        Error::usage(format!("there is no code {code}")).hint_opt(near)
    })
}

fn describe_rule(context: &Context, rule: &Rule) -> String {
    let why = wrap(rule.why, 0, context.out.width());
    let indented = |text: &str| -> String {
        let line = |line: &str| format!("  {line}").trim_end().to_owned() + "\n";
        text.lines().map(line).collect()
    };
    let (example, fixed) = (indented(rule.example), indented(rule.fixed));
    format!(
        "{}\n\n{why}\nFor example:\n\n{example}\nRight would be:\n\n{fixed}",
        rule.code
    )
}

/// A place in a schema. Our schemas refer to nothing: everything stands where it is used.
#[derive(Clone, Copy)]
struct Node<'a>(&'a Value);

impl<'a> Node<'a> {
    /// A list's items, else the value itself.
    fn item(&self) -> &'a Value {
        self.0.get("items").unwrap_or(self.0)
    }

    fn fields(&self) -> Option<&'a Map<String, Value>> {
        let item = self.item();
        let one_of_its_forms = || {
            item.get("anyOf")?
                .as_array()?
                .iter()
                .find_map(|form| form.get("properties"))
        };
        item.get("properties").or_else(one_of_its_forms)?.as_object()
    }

    fn field(&self, name: &str) -> Option<Self> {
        self.fields()?.get(name).map(Self)
    }

    fn description(&self) -> &'a str {
        let description = self.0.get("description").and_then(Value::as_str);
        description.unwrap_or_default()
    }

    /// `string`, `list of object`, `one of on, off, auto`.
    fn form(&self) -> String {
        let words = |value: &'a Value| -> Vec<&'a str> {
            let all = value.as_array().into_iter().flatten();
            all.filter_map(Value::as_str).collect()
        };
        let item = self.item();
        let word = match (item.get("enum"), item.get("type")) {
            (Some(values), _) => format!("one of {}", words(values).join(", ")),
            (None, Some(Value::String(word))) => word.clone(),
            (None, Some(types)) => words(types).join(" or "),
            (None, None) => match item.get("anyOf").and_then(Value::as_array) {
                Some(all) => {
                    let forms: Vec<String> = all.iter().map(|below| Node(below).form()).collect();
                    forms.join(", or ")
                }
                None => "value".to_owned(),
            },
        };
        let list = if self.0.get("items").is_some() {
            "list of "
        } else {
            ""
        };
        format!("{list}{word}")
    }

    fn requires(&self, field: &str) -> bool {
        let required = self.item().get("required").and_then(Value::as_array);
        required.is_some_and(|all| all.iter().any(|name| name == field))
    }
}

fn describe(context: &Context, path: &str, node: &Node<'_>, below: &Node<'_>) -> String {
    let mut text = format!("{path}  ({})\n\n", node.form());
    text.push_str(&wrap(node.description(), 0, context.out.width()));
    let Some(fields) = below.fields() else {
        return text;
    };
    let rows: Vec<Vec<String>> = fields
        .iter()
        .map(|(name, value)| {
            let field = Node(value);
            let form = if below.requires(name) {
                format!("{}, required", field.form())
            } else {
                field.form()
            };
            let first = field.description().split(". ").next().unwrap_or_default();
            vec![name.clone(), form, first.trim_end_matches('.').to_owned()]
        })
        .collect();
    text.push('\n');
    text.push_str(&table(&context.out, &["field", "form", "what"], rows));
    text
}

fn unknown(path: &str, part: &str, node: &Node<'_>) -> Error {
    let names: Vec<&str> = node
        .fields()
        .map(|fields| fields.keys().map(String::as_str).collect())
        .unwrap_or_default();
    let hint = match nearest(part, names.iter().copied()) {
        Some(near) => Some(format!("Did you mean {near}?")),
        None if names.is_empty() => None,
        None => Some(format!("Its fields are {}.", names.join(", "))),
    };
    Error::usage(format!("{path}: there is no field {part}")).hint_opt(hint)
}
