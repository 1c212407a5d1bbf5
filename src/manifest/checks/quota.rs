//! A user's workspaces add up to more than the user's quota. All of them count, running or not: turning one on must
//! not be what breaks the quota.
//!
//! Example: a quota of `cpu: "4"` and three workspaces of a class with `cpu: "2"`.

use std::collections::BTreeMap;
use std::fmt::Display;

use crate::document::{Diagnostics, Span};
use crate::manifest::{Class, Manifest, User, Workspace};
use crate::model::{Bytes, MilliCpu};

use super::{Check, Draft};

pub(super) const RULE: Check = Check {
    code: "manifest/quota",
    why: "A quota bounds what a user's workspaces add up to, whether they run or not.",
    example: "quota: {cpu: \"4\"} # and three workspaces of 2 processors each\n",
    fixed: "quota: {cpu: \"6\"}\n",
    check,
};

fn check(draft: &Draft<'_>, diagnostics: &mut Diagnostics) {
    let classes = draft.classes_by_name();
    let mut owned: BTreeMap<&str, Vec<Owned<'_>>> = BTreeMap::new();
    for workspace in &draft.workspaces {
        // An unknown class has an error of its own and counts as a workspace only.
        let class = draft.class_of(workspace).map(|c| c.value.as_str());
        let limits = class.and_then(|name| classes.get(name).copied());
        let owner = workspace.spec.owner.value.as_str();
        owned.entry(owner).or_default().push(Owned { workspace, limits });
    }
    for user in &draft.users {
        if let Some(owned) = owned.get(user.name.value.as_str()) {
            check_user(user, owned, diagnostics);
        }
    }
}

struct Owned<'a> {
    workspace: &'a Manifest<Workspace>,
    limits: Option<&'a Class>,
}

fn check_user(user: &Manifest<User>, owned: &[Owned<'_>], diagnostics: &mut Diagnostics) {
    let Some(quota) = &user.spec.quota else { return };
    let plural = if owned.len() == 1 { "" } else { "s" };
    let (name, number) = (&user.name.value, owned.len());
    let mut exceeded = |span: Span, message: String| {
        let error = user.error(RULE.code, span, message);
        diagnostics.push(error.help(format!("the workspace{plural}: {}", list(owned))));
    };
    let more = |what: &str, sum: &dyn Display, most: &dyn Display| {
        format!("{name}'s {number} workspace{plural} may use {sum} of {what}, the quota is {most}")
    };
    let sum = |of: fn(&Class) -> u64| -> u64 {
        let each = owned.iter().filter_map(|o| o.limits).map(of);
        each.fold(0, u64::saturating_add)
    };
    let count = u32::try_from(owned.len()).unwrap_or(u32::MAX);
    if let Some(most) = quota.workspaces.filter(|most| count > most.value) {
        let message = format!(
            "{name} has {number} workspace{plural}, the quota is {}",
            most.value
        );
        exceeded(most.span, message);
    }
    let cpu = MilliCpu(sum(|class| class.cpu.0));
    if let Some(most) = quota.cpu.filter(|most| cpu > most.value) {
        exceeded(most.span, more("cpu", &cpu, &most.value));
    }
    let memory = Bytes(sum(|class| class.memory.0));
    if let Some(most) = quota.memory.filter(|most| memory > most.value) {
        exceeded(most.span, more("memory", &memory, &most.value));
    }
    let storage = Bytes(sum(|class| class.storage.map_or(0, |s| s.0)));
    if let Some(most) = quota.storage.filter(|most| storage > most.value) {
        exceeded(most.span, more("storage", &storage, &most.value));
    }
}

/// The workspaces' names, the first ten of them.
fn list(owned: &[Owned<'_>]) -> String {
    let names: Vec<&str> = owned.iter().map(|o| o.workspace.name.value.as_str()).collect();
    match names.split_at_checked(10) {
        Some((first, rest)) if !rest.is_empty() => format!("{} and {} more", first.join(", "), rest.len()),
        Some(_) | None => names.join(", "),
    }
}
