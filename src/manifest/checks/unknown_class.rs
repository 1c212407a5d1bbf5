//! A class that nobody declares, named by a workspace or by the Site's defaults: the limits would be unknown.
//!
//! Example: `class: smal` where only `small` is declared.

use crate::document::Diagnostics;
use crate::manifest::Kind;
use crate::manifest::reference::Referent;

use super::{Check, Draft, Suggestions};

pub(super) const RULE: Check = Check {
    code: "manifest/unknown-class",
    why: "A workspace's limits come from a declared class.",
    example: "class: smal # only small is declared\n",
    fixed: "class: small\n",
    check,
};

fn check(draft: &Draft<'_>, diagnostics: &mut Diagnostics) {
    let classes = draft.names(Kind::Class);
    let mut near = Suggestions::from(classes.iter().copied());
    let broken = draft.broken_words();
    for class in draft.named(Referent::Class) {
        let name = class.name.value.as_str();
        if !classes.contains(name) && !broken.may_declare(name) {
            let error = class
                .error(RULE.code, format!("no Class is named {name:?}"))
                .help("declare the class, or name one that is declared");
            diagnostics.push(near.add(error, name));
        }
    }
}
