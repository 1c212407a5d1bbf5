//! Every devfile that one is made from, each checked by itself.

use std::sync::Arc;

use crate::devfile::findings::Findings;
use crate::devfile::import::{Imported, Imports, Location, MAX_IMPORTS, Named, base};
use crate::devfile::rules::{import, import_cycle, import_version, schema_version};
use crate::devfile::shape::{self, DEVFILE};
use crate::devfile::version::SchemaVersion;
use crate::document::{Diagnostics, Document, Key, Node, Part, Span, Value};

/// A devfile, what it imports, and the document whose places all their nodes have.
pub(super) struct Assembled {
    pub(super) devfile: Unit,
    pub(super) document: Arc<Document>,
    /// Whether something that is imported is missing.
    pub(super) incomplete: bool,
}

/// One devfile as it is written, and those that it imports.
pub(super) struct Unit {
    pub(super) node: Node,
    pub(super) version: SchemaVersion,
    pub(super) parent: Option<Box<Self>>,
    /// With the place of the plugin component in the list of components.
    pub(super) plugins: Vec<(usize, Self)>,
}

pub(super) fn assemble(
    document: &Arc<Document>,
    node: &Node,
    imports: &Imports,
) -> (Option<Assembled>, Diagnostics) {
    let mut assembly = Assembly {
        imports,
        parts: Vec::new(),
        end: 0,
        chain: Vec::new(),
        incomplete: false,
        diagnostics: Diagnostics::default(),
    };
    let devfile = assembly.unit(document, node, base(document));
    let Assembly {
        parts,
        incomplete,
        mut diagnostics,
        ..
    } = assembly;
    let assembled = devfile.map(|devfile| Assembled {
        devfile,
        document: if parts.is_empty() {
            Arc::clone(document)
        } else {
            Arc::new(Document {
                parts,
                ..Document::clone(document)
            })
        },
        incomplete,
    });
    diagnostics = diagnostics.sorted();
    (assembled, diagnostics)
}

struct Assembly<'i> {
    imports: &'i Imports,
    parts: Vec<Part>,
    /// Where the places of the next document begin.
    end: usize,
    /// The devfiles that are being read, each the importer of the next.
    chain: Vec<Location>,
    incomplete: bool,
    diagnostics: Diagnostics,
}

impl Assembly<'_> {
    /// Reads one devfile and those that it imports.
    fn unit(&mut self, document: &Arc<Document>, node: &Node, location: Location) -> Option<Unit> {
        let mut found = Findings::new(document);
        let unit = self.checked(document, node, location, &mut found);
        self.diagnostics.extend(found.finish());
        unit
    }

    fn checked(
        &mut self,
        document: &Arc<Document>,
        node: &Node,
        location: Location,
        found: &mut Findings<'_>,
    ) -> Option<Unit> {
        if node.as_map().is_none() {
            found.wrong_type(node, "a map");
            return None;
        }
        let version = schema_version::read(node, found)?;
        shape::check(node, &DEVFILE, version, found);
        let offset = self.end;
        self.end += document.source.text.len() + 1;
        if offset > 0 {
            let document = Arc::clone(document);
            self.parts.push(Part { offset, document });
        }
        self.chain.push(location);
        let parent = node.get("parent").and_then(|at| self.import(at, version, found));
        let components = node.get("components").and_then(Node::as_list);
        let components = components.unwrap_or_default().iter().enumerate();
        let plugins = components.filter_map(|(at, component)| {
            let plugin = component.get("plugin")?;
            Some((at, self.import(plugin, version, found)?))
        });
        let plugins = plugins.collect();
        self.chain.pop();
        Some(Unit {
            node: moved(node, offset),
            version,
            parent: parent.map(Box::new),
            plugins,
        })
    }

    /// Reads the devfile that `node` of a devfile of `version` imports.
    fn import(&mut self, node: &Node, version: SchemaVersion, found: &mut Findings<'_>) -> Option<Unit> {
        let unit = self.imported(node, version, found);
        self.incomplete |= unit.is_none();
        unit
    }

    fn imported(&mut self, node: &Node, version: SchemaVersion, found: &mut Findings<'_>) -> Option<Unit> {
        let imports = self.imports;
        let (at, named) = imports.named(node, self.chain.last()?)?;
        let location = match named {
            Named::At(location) => location,
            Named::Nowhere(why) => {
                import::nowhere(at, &why, found);
                return None;
            }
        };
        if let Some(first) = self.chain.iter().position(|importer| *importer == location) {
            import_cycle::report(&self.chain[first..], at.span, found);
            return None;
        }
        if self.parts.len() >= MAX_IMPORTS {
            import::too_many(at.span, found);
            return None;
        }
        match imports.get(&location)? {
            Imported::Missing(missing) => {
                import::missing(&location, missing, at.span, found);
                None
            }
            Imported::Read(document, problems) => {
                self.diagnostics.extend(problems.clone());
                let Some(document) = document else {
                    import::unreadable(&location, at.span, found);
                    return None;
                };
                let unit = self.unit(document, &document.root, location)?;
                if unit.version > version {
                    import_version::report(unit.version, version, at.span, found);
                }
                Some(unit)
            }
        }
    }
}

/// The same tree, its places `by` bytes further on.
fn moved(node: &Node, by: usize) -> Node {
    if by == 0 {
        return node.clone();
    }
    let place = |span: Span| Span::new(span.start + by, span.end + by);
    let value = match &node.value {
        Value::List(items) => Value::List(items.iter().map(|item| moved(item, by)).collect()),
        Value::Map(entries) => {
            let entry = |(key, value): &(Key, Node)| {
                let text = key.text.clone();
                let span = place(key.span);
                (Key { text, span }, moved(value, by))
            };
            Value::Map(entries.iter().map(entry).collect())
        }
        Value::Null | Value::Bool(_) | Value::Integer(_) | Value::Float(_) | Value::String(_) => {
            node.value.clone()
        }
    };
    let span = place(node.span);
    Node { value, span }
}
