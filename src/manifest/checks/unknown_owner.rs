//! A workspace of a user whom nobody declares: its quota, its id range and who may enter it would be unknown.
//!
//! Example: `owner: alcie` where only `alice` is declared.

use crate::document::Diagnostics;
use crate::manifest::Kind;
use crate::manifest::reference::Referent;

use super::{Check, Draft, Suggestions};

pub(super) const RULE: Check = Check {
    code: "manifest/unknown-owner",
    why: "A workspace belongs to a declared user: quota and id range are the user's.",
    example: "owner: alcie # only alice is declared\n",
    fixed: "owner: alice\n",
    check,
};

fn check(draft: &Draft<'_>, diagnostics: &mut Diagnostics) {
    let users = draft.names(Kind::User);
    let mut near = Suggestions::from(users.iter().copied());
    let broken = draft.broken_words();
    for owner in draft.named(Referent::Owner) {
        let name = owner.name.value.as_str();
        if !users.contains(name) && !broken.may_declare(name) {
            let error = owner
                .error(RULE.code, format!("no User is named {name:?}"))
                .help("declare the user, or name one that is declared");
            diagnostics.push(near.add(error, name));
        }
    }
}
