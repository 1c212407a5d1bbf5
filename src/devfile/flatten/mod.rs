//! A devfile and all that it imports, made one tree.
//!
//! In: a devfile and [`Imports`]. Out: [`Whole`], one tree without a parent and without plugins, whose places lead to
//! the file that each part was written in. First every devfile is read and checked by itself, for exactly the version
//! that it states (`assemble`); then what stands below `parent` and in plugins is laid over what they import (`patch`),
//! and the lists are put one after the other (`merge`). Variables are replaced afterwards, so that a devfile's own
//! values reach into its parents.

mod assemble;
mod merge;
mod patch;

use std::sync::Arc;

use super::findings::Findings;
use super::import::Imports;
use super::shape::{self, DEVFILE};
use super::version::SchemaVersion;
use crate::document::{Diagnostics, Document, Node};

/// A devfile and all that it imports.
pub(super) struct Whole {
    /// The devfile's own document where it imports nothing, else one that is put together.
    pub(super) document: Arc<Document>,
    /// The tree.
    pub(super) root: Node,
    /// The version that the devfile states.
    pub(super) version: SchemaVersion,
    /// Whether something that it imports is missing, so that what seems to be nowhere may be there.
    pub(super) incomplete: bool,
}

/// Puts the devfile at `node` of `document` together with what it imports. `None` where it has no readable version.
pub(super) fn flatten(
    document: &Arc<Document>,
    node: &Node,
    imports: &Imports,
) -> (Option<Whole>, Diagnostics) {
    let (assembled, mut diagnostics) = assemble::assemble(document, node, imports);
    let whole = assembled.map(|assembled| {
        let mut found = Findings::new(&assembled.document);
        let version = assembled.devfile.version;
        let root = merge::merge(assembled.devfile, &mut found);
        diagnostics.extend(found.finish());
        if !assembled.document.parts.is_empty() {
            diagnostics.extend(incomplete(&assembled.document, &root, version));
        }
        Whole {
            document: Arc::clone(&assembled.document),
            root,
            version,
            incomplete: assembled.incomplete,
        }
    });
    (whole, diagnostics)
}

/// What a tree that was put together lacks: a patch may leave out what is required, because what it is laid over may
/// have it. All else has been said of the files.
fn incomplete(document: &Document, root: &Node, version: SchemaVersion) -> Diagnostics {
    let mut found = Findings::new(document);
    shape::check(root, &DEVFILE, version, &mut found);
    let mut diagnostics = found.finish();
    diagnostics
        .0
        .retain(|d| matches!(d.code, "yaml/missing-key" | "devfile/one-of"));
    diagnostics
}
