//! Parents and plugins that are there.

use super::Rule;
use crate::devfile::findings::Findings;
use crate::devfile::import::{Location, MAX_IMPORTS, Missing};
use crate::document::{Node, Span};

/// See the module.
pub(in crate::devfile) const RULE: Rule = Rule {
    code: "devfile/import",
    why: "A parent or a plugin is a devfile that this one builds on, so it must be there: a file of the \
          repository, an address of the web, or what a registry has. Only public addresses are asked, and hosts \
          that the Site names in policy.imports.privateHosts; addresses with a user or a password in them are not. wharf lock keeps what was fetched in the repository.",
    example: include_str!("../../../fixtures/devfile/import/invalid.yaml"),
    fixed: include_str!("../../../fixtures/devfile/import/valid.yaml"),
};

/// Reports that what `node` names can't be looked up.
pub(in crate::devfile) fn nowhere(node: &Node, why: &str, found: &mut Findings<'_>) {
    let error = found.error(
        RULE.code,
        node.span,
        format!("this devfile can't be imported: {why}"),
    );
    found.report(error);
}

/// Reports that there is nothing at `location`, which stands at `span`.
pub(in crate::devfile) fn missing(
    location: &Location,
    missing: &Missing,
    span: Span,
    found: &mut Findings<'_>,
) {
    let (message, help) = match missing {
        Missing::NoFile(near) => (
            format!("there is no file {location}"),
            near.as_ref().map(|near| format!("did you mean {near}?")),
        ),
        Missing::NotFetched => (
            format!("{location} has not been fetched"),
            Some(
                "nothing is fetched with --offline; wharf lock, with the network, keeps it in the repository"
                    .to_owned(),
            ),
        ),
        Missing::Failed(why) => (format!("{location} can't be had: {why}"), None),
    };
    let error = found.error(RULE.code, span, message);
    found.report(match help {
        Some(help) => error.help(help),
        None => error,
    });
}

/// Reports that what is at `location` is no devfile.
pub(in crate::devfile) fn unreadable(location: &Location, span: Span, found: &mut Findings<'_>) {
    let error = found.error(
        RULE.code,
        span,
        format!("{location} is no devfile that can be read"),
    );
    found.report(error);
}

/// Reports that more is imported than anybody needs.
pub(in crate::devfile) fn too_many(span: Span, found: &mut Findings<'_>) {
    let message = format!("more than {MAX_IMPORTS} devfiles are imported");
    let error = found.error(RULE.code, span, message);
    found.report(error);
}
