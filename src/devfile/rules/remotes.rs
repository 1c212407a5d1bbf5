//! Which remote a project is checked out from.

use std::collections::BTreeSet;

use super::git_address::builds;
use super::{Rule, Subject};
use crate::devfile::findings::Findings;
use crate::devfile::project::Git;
use crate::document::Spanned;

/// See the module.
pub(in crate::devfile) const RULE: Rule = Rule {
    code: "devfile/remotes",
    why: "A project has at least one remote. With several, checkoutFrom.remote says which one is checked \
          out; with one it may be left out. Starter projects and images' builds have exactly one.",
    example: include_str!("../../../fixtures/devfile/remotes/invalid.yaml"),
    fixed: include_str!("../../../fixtures/devfile/remotes/valid.yaml"),
};

pub(super) fn check(subject: &Subject<'_>, found: &mut Findings<'_>) {
    let devfile = subject.devfile;
    for project in devfile.projects.iter().chain(&devfile.dependent_projects) {
        if let Some(git) = project.source.git() {
            check_git(&project.name, git, found);
        }
    }
    for starter in &devfile.starter_projects {
        let Some(git) = starter.source.git() else { continue };
        check_one(&starter.name, git, "a starter project", found);
    }
    for (name, git) in builds(devfile) {
        check_one(name, git, "an image's build", found);
    }
}

fn check_one(name: &Spanned<String>, git: &Git, what: &str, found: &mut Findings<'_>) {
    check_git(name, git, found);
    if let [_, (second, _), ..] = git.remotes.as_slice() {
        let error = found.error(RULE.code, second.span, format!("{what} has one remote only"));
        found.report(error.help("keep one of them"));
    }
}

fn check_git(project: &Spanned<String>, git: &Git, found: &mut Findings<'_>) {
    let names = || git.remotes.iter().map(|(name, _)| name.value.as_str());
    let named = git.checkout_from.as_ref().and_then(|c| c.remote.as_ref());
    match (named, git.remotes.as_slice()) {
        (_, []) => {
            let message = format!("{:?} has no remote", project.value);
            let error = found.error(RULE.code, project.span, message);
            found.report(error.help("name one under git.remotes, such as origin"));
        }
        (Some(named), _) if !names().any(|n| n == named.value) => {
            let message = format!("no remote is named {:?}", named.value);
            let error = found.error(RULE.code, named.span, message);
            let error = found.suggest(error, &named.value, names());
            found.report(error);
        }
        (None, [_, _, ..]) => {
            let message = format!(
                "{:?} has several remotes and does not say which one to check out",
                project.value
            );
            let error = found.error(RULE.code, project.span, message);
            found.report(error.help("name it under git.checkoutFrom.remote"));
        }
        (None, [_]) | (Some(_), [_, ..]) => {}
    }
    let mut seen = BTreeSet::new();
    for (name, _) in &git.remotes {
        if !seen.insert(&name.value) {
            let message = format!("two remotes are named {:?}", name.value);
            let error = found.error(RULE.code, name.span, message);
            found.report(error);
        }
    }
}
