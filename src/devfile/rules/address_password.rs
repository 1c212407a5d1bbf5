//! Addresses of projects and of images' builds hold no passwords.

use super::git_address::gits;
use super::{Rule, Subject};
use crate::devfile::component::{ComponentKind, Containerfile};
use crate::devfile::findings::Findings;
use crate::devfile::project::Source;
use crate::document::Spanned;
use crate::document::password::has_password;

/// See the module.
pub(in crate::devfile) const RULE: Rule = Rule {
    code: "devfile/address-password",
    why: "A project's address is part of the workspace's specification, which plans show and the engine keeps in labels, \
          so a password in it would be read by more people than those who may. A user's name may stand in it.",
    example: include_str!("../../../fixtures/devfile/address-password/invalid.yaml"),
    fixed: include_str!("../../../fixtures/devfile/address-password/valid.yaml"),
};

pub(super) fn check(subject: &Subject<'_>, found: &mut Findings<'_>) {
    for git in gits(subject) {
        for (_, address) in &git.remotes {
            report(address, found);
        }
    }
    let devfile = subject.devfile;
    let projects = devfile.projects.iter().chain(&devfile.dependent_projects);
    let starters = devfile.starter_projects.iter().map(|s| &s.source);
    for source in projects.map(|p| &p.source).chain(starters) {
        match source {
            Source::Zip(Some(location)) => report(location, found),
            Source::Zip(None) | Source::Git(_) => {}
        }
    }
    for component in &devfile.components {
        if let ComponentKind::Image(image) = &component.kind
            && let Containerfile::Uri(address)
            | Containerfile::Registry {
                url: Some(address), ..
            } = &image.containerfile
        {
            report(address, found);
        }
    }
}

fn report(address: &Spanned<String>, found: &mut Findings<'_>) {
    if has_password(&address.value) {
        let error = found.error(RULE.code, address.span, "the address has a password in it");
        found.report(
            error.help("leave it out; git asks for it in the workspace, or a credential helper there has it"),
        );
    }
}
