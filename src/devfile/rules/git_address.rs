//! Addresses of remotes, as far as git would run something because of them.
//!
//! Clones run inside the workspace, so `file://` and plain paths are allowed: they mean the workspace's own files.

use super::{Rule, Subject};
use crate::devfile::component::{ComponentKind, Containerfile};
use crate::devfile::findings::Findings;
use crate::devfile::project::{Git, Source};
use crate::devfile::root::Devfile;
use crate::document::Spanned;

/// See the module.
pub(in crate::devfile) const RULE: Rule = Rule {
    code: "devfile/git-address",
    why: "git takes an address that begins with a hyphen for an option (--upload-pack=… runs a program), \
          and name::… for a program git-remote-name to run (ext:: runs anything). Addresses of such forms \
          are refused. https, http, ssh, git and file are accepted, and host:path, which means ssh; file \
          and plain paths mean files of the workspace.",
    example: include_str!("../../../fixtures/devfile/git-address/invalid.yaml"),
    fixed: include_str!("../../../fixtures/devfile/git-address/valid.yaml"),
};

const SCHEMES: [&str; 7] = ["https", "http", "ssh", "git", "file", "git+ssh", "ssh+git"];

pub(super) fn check(subject: &Subject<'_>, found: &mut Findings<'_>) {
    for git in gits(subject) {
        for (_, address) in &git.remotes {
            if let Err(message) = check_address(&address.value) {
                let error = found.error(RULE.code, address.span, message);
                found.report(error.help("for example https://git.example.org/team/app.git"));
            }
        }
    }
}

/// The git repositories that images are built from, with the components' names.
pub(super) fn builds(devfile: &Devfile) -> impl Iterator<Item = (&Spanned<String>, &Git)> {
    devfile
        .components
        .iter()
        .filter_map(|component| match &component.kind {
            ComponentKind::Image(image) => match &image.containerfile {
                Containerfile::Git { git, .. } => Some((&component.name, git)),
                Containerfile::Uri(_) | Containerfile::Registry { .. } => None,
            },
            ComponentKind::Container(_) | ComponentKind::Volume(_) | ComponentKind::Cluster(_) => None,
        })
}

/// Every git source of a devfile.
pub(super) fn gits<'a>(subject: &Subject<'a>) -> impl Iterator<Item = &'a Git> + use<'a> {
    let devfile = subject.devfile;
    let projects = devfile.projects.iter().chain(&devfile.dependent_projects);
    let starters = devfile.starter_projects.iter().map(|s| &s.source);
    let sources = projects.map(|p| &p.source).chain(starters);
    sources
        .filter_map(Source::git)
        .chain(builds(devfile).map(|(_, git)| git))
}

fn check_address(text: &str) -> Result<(), String> {
    if text.is_empty() {
        return Err("the address of a remote is empty".to_owned());
    }
    if text.chars().any(char::is_control) {
        return Err(format!("{text:?} holds a control character"));
    }
    if text.starts_with('-') {
        return Err(format!("git would take {text:?} for an option"));
    }
    let scheme_end = text.find(|c: char| !(c.is_ascii_alphanumeric() || "+-.".contains(c)));
    let (scheme, rest) = text.split_at(scheme_end.unwrap_or(text.len()));
    if rest.starts_with("::") {
        return Err(format!(
            "git would run the program git-remote-{scheme} for {text:?}"
        ));
    }
    let host = match rest.strip_prefix("://") {
        Some(_) if !SCHEMES.iter().any(|s| s.eq_ignore_ascii_case(scheme)) => {
            return Err(format!("{scheme:?} is none of {}", SCHEMES.join(", ")));
        }
        Some(rest) => rest,
        None => text,
    };
    let host = host.split('/').next().unwrap_or("");
    let host = host.rsplit('@').next().unwrap_or("");
    if host.starts_with('-') {
        return Err(format!("ssh would take the host of {text:?} for an option"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::check_address;

    #[test]
    fn addresses_that_make_git_run_something_are_refused() {
        for bad in [
            "",
            "--upload-pack=touch /tmp/x",
            "-u",
            "ext::sh -c id",
            "fd::17",
            "file::/srv/app",
            "EXT::sh",
            "ssh://-oProxyCommand=id/x",
            "ssh://git@-oProxyCommand=id/x",
            "git@-oProxyCommand=id:x",
            "foo://example.org/x",
            "https://example.org/\nx",
        ] {
            assert!(check_address(bad).is_err(), "{bad:?}");
        }
        for good in [
            "https://git.example.org/app.git",
            "ssh://git@git.example.org:22/app.git",
            "git@git.example.org:team/app.git",
            "file:///srv/app.git",
            "/srv/app.git",
            "../app.git",
            "HTTPS://example.org/a-b",
            "https://[::1]/x",
            "git@[::1]:x",
        ] {
            assert_eq!(check_address(good), Ok(()), "{good:?}");
        }
    }
}
