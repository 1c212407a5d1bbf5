//! Where an archive is fetched from.

use super::{Rule, Subject};
use crate::devfile::findings::Findings;
use crate::devfile::project::Source;
use crate::document::{Diagnostic, Spanned};

/// See the module.
pub(in crate::devfile) const RULE: Rule = Rule {
    code: "devfile/zip-address",
    why: "The archive of a zip project is fetched inside the workspace, by https or http; file:// names an archive \
          that the workspace's image brings. A project without a location has nothing to fetch.",
    example: include_str!("../../../fixtures/devfile/zip-address/invalid.yaml"),
    fixed: include_str!("../../../fixtures/devfile/zip-address/valid.yaml"),
};

pub(super) fn check(subject: &Subject<'_>, found: &mut Findings<'_>) {
    let devfile = subject.devfile;
    let projects = devfile.projects.iter().chain(&devfile.dependent_projects);
    for project in projects {
        let error = problem(&project.name, &project.source, found);
        error.into_iter().for_each(|error| found.report(error));
    }
    // Nothing is fetched until somebody asks for it.
    for starter in &devfile.starter_projects {
        let warning = problem(&starter.name, &starter.source, found).map(Diagnostic::warning);
        warning.into_iter().for_each(|warning| found.report(warning));
    }
}

fn problem(project: &Spanned<String>, source: &Source, found: &Findings<'_>) -> Option<Diagnostic> {
    let (message, span) = match source {
        Source::Git(_) => return None,
        Source::Zip(_) if source.archive().is_some() => return None,
        Source::Zip(None) => (format!("{:?} has no location", project.value), project.span),
        Source::Zip(Some(location)) => {
            let message = format!("no archive can be fetched from {:?}", location.value);
            (message, location.span)
        }
    };
    let error = found.error(RULE.code, span, message);
    Some(error.help("write zip: {location: \"https://example.org/app.zip\"}"))
}
