//! Two manifests of one kind and name, or two workspaces of one owner and name: one of them would silently win.
//!
//! Example: `users/alice.yaml` and `users/team.yaml` both declare the User `alice`.

use std::collections::BTreeMap;

use crate::document::{Diagnostics, Document, Spanned};
use crate::manifest::Kind;
use crate::model::Name;

use super::{Check, Draft};

pub(super) const RULE: Check = Check {
    code: "manifest/duplicate-name",
    why: "A name means one thing; with two manifests of one name, one would silently win.",
    example: "kind: User\nmetadata: {name: alice}\n---\nkind: User\nmetadata: {name: alice}\n",
    fixed: "kind: User\nmetadata: {name: alice}\n---\nkind: User\nmetadata: {name: bob}\n",
    check,
};

fn check(draft: &Draft<'_>, diagnostics: &mut Diagnostics) {
    let mut seen = Seen::default();
    for declared in &draft.declared {
        match declared.kind {
            Kind::User | Kind::Class => {
                let what = format!("{} {}", declared.kind.as_str(), declared.name.value);
                seen.note(what, &declared.name, &declared.document, diagnostics);
            }
            // A second Site has a rule of its own; a workspace's name is unique with its owner's only.
            Kind::Site | Kind::Workspace => {}
        }
    }
    for workspace in &draft.workspaces {
        let what = format!("Workspace {}", workspace.id());
        seen.note(what, &workspace.name, &workspace.document, diagnostics);
    }
}

/// What was declared, and where first.
#[derive(Default)]
struct Seen(BTreeMap<String, String>);

impl Seen {
    fn note(
        &mut self,
        what: String,
        name: &Spanned<Name>,
        document: &Document,
        diagnostics: &mut Diagnostics,
    ) {
        let (line, _) = document.source.position(name.span.start);
        let here = format!("{}:{line}", document.source.path);
        if let Some(first) = self.0.get(&what) {
            let message = format!("the {what} is declared twice");
            let error = document.error(RULE.code, name.span, message);
            diagnostics.push(error.help(format!("it is declared first at {first}; rename or remove one")));
        } else {
            self.0.insert(what, here);
        }
    }
}
