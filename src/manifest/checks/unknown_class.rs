//! A class that nobody declares, named by a workspace or by the Site's defaults: the limits would be unknown.
//!
//! Example: `class: smal` where only `small` is declared.

use crate::document::{Diagnostic, Diagnostics, Spanned};
use crate::manifest::Kind;
use crate::model::Name;

use super::{Draft, Rule, Suggestions};

pub(super) const RULE: Rule = Rule {
    code: "manifest/unknown-class",
    why: "A workspace's limits come from a declared class.",
    check,
};

fn check(draft: &Draft<'_>, diagnostics: &mut Diagnostics) {
    let classes = draft.names(Kind::Class);
    let broken = draft.broken_words();
    let unknown = |class: &Spanned<Name>| {
        let name = class.value.as_str();
        !classes.contains(name) && !broken.may_declare(name)
    };
    let mut near = Suggestions::from(classes.iter().copied());
    let mut explain = |error: Diagnostic, class: &Spanned<Name>| {
        let error = error.help("declare the class, or name one that is declared");
        near.add(error, class.value.as_str())
    };
    for site in &draft.sites {
        for class in site.spec.defaults.class.iter().filter(|class| unknown(class)) {
            let message = format!("no Class is named {:?}", class.value);
            diagnostics.push(explain(site.error(RULE.code, class.span, message), class));
        }
    }
    for workspace in &draft.workspaces {
        for class in workspace.spec.class.iter().filter(|class| unknown(class)) {
            let message = format!("no Class is named {:?}", class.value);
            diagnostics.push(explain(workspace.error(RULE.code, class.span, message), class));
        }
    }
}
