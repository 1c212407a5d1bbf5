//! `wharf explain`.

use serde_json::{Map, Value};

use super::Context;
use super::error::{Error, Exit};
use super::schema::kind;
use super::table::table;
use crate::document::diagnostic::nearest;
use crate::manifest::schema;
use crate::plan::display::wrap::wrap;

/// Explain a kind of manifest, or one of its fields
///
/// Fields are joined by dots: workspace.spec.storage.onRemove; spec may be left out.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The kind, and the field
    #[arg(value_name = "KIND[.FIELD]")]
    path: String,
}

pub(super) fn run(context: &Context, args: &Args) -> Result<Exit, Error> {
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

/// A place in a schema. Our schemas refer to nothing: everything stands where it is used.
#[derive(Clone, Copy)]
struct Node<'a>(&'a Value);

impl<'a> Node<'a> {
    /// A list's items, else the value itself.
    fn item(&self) -> &'a Value {
        self.0.get("items").unwrap_or(self.0)
    }

    fn fields(&self) -> Option<&'a Map<String, Value>> {
        self.item().get("properties")?.as_object()
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
            (None, None) => "value".to_owned(),
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
