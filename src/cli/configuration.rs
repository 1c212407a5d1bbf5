//! A configuration repository, read and checked as a whole: from a directory to the desired state, with everything that
//! is wrong on the way.

use std::path::Path;

use super::Context;
use super::diagnostics;
use super::error::Error;
use crate::devfile::Imports;
use crate::document::Diagnostics;
use crate::manifest::{self, Manifests, SITE_FILE};
use crate::model::DesiredState;
use crate::plan::Revision;
use crate::resolve;
use crate::source::{self, Source};

/// A repository that was read, right or wrong.
pub(super) struct Reading {
    /// What it declares; nothing where anything in it is wrong.
    pub(super) configuration: Option<Configuration>,
    /// The path of every file that was checked.
    pub(super) checked: Vec<String>,
    /// What is wrong, or worth a look.
    pub(super) diagnostics: Diagnostics,
}

/// What a repository without errors declares.
pub(super) struct Configuration {
    pub(super) manifests: Manifests,
    pub(super) desired: DesiredState,
    pub(super) revision: Revision,
}

/// Reads and checks the repository at `dir`.
pub(super) fn read(dir: &Path, source: &Source) -> Result<Reading, Error> {
    let source::Loaded { mut files, revision } = source::load(dir, source)?;
    let loaded = manifest::load(&files);
    let mut diagnostics = loaded.diagnostics.clone();
    let imports = Imports::gather(loaded.all_devfiles(), None, &files);
    let (workspaces, found) = resolve::read(&loaded, &imports);
    diagnostics.extend(found);
    let mut desired = None;
    if let Some(workspaces) = workspaces {
        source::load_contexts(dir, source, &workspaces.contexts(), &mut files)?;
        let (state, found) = workspaces.resolve(&files);
        diagnostics.extend(found);
        desired = Some(state);
    }
    let diagnostics = diagnostics.sorted();
    let configuration = match (loaded.manifests, desired) {
        (Some(manifests), Some(desired)) if !diagnostics.has_errors() => Some(Configuration {
            manifests,
            desired,
            revision,
        }),
        (Some(_) | None, Some(_) | None) => None,
    };
    Ok(Reading {
        configuration,
        checked: loaded.checked,
        diagnostics,
    })
}

/// Reads the repository at `dir`, shows what is wrong with it, and goes on only where that is no error.
pub(super) fn accept(context: &Context, dir: &Path, source: &Source) -> Result<Configuration, Error> {
    if *source == Source::WorkingTree && dir.is_dir() && !dir.join(SITE_FILE).exists() {
        return Err(Error::new(format!(
            "{} is no configuration repository: it has no {SITE_FILE}",
            dir.display()
        ))
        .hint("Name its directory, or write a new one with wharf init DIR."));
    }
    let reading = read(dir, source)?;
    let out = &context.out;
    if !reading.diagnostics.0.is_empty() {
        out.show(&diagnostics::human(
            &reading.diagnostics,
            out.width(),
            out.colour_of_errors(),
        ));
    }
    match reading.configuration {
        Some(configuration) => Ok(configuration),
        None => Err(Error::new(format!(
            "{}; nothing was planned",
            diagnostics::summary(&reading.checked, &reading.diagnostics).trim()
        ))),
    }
}
