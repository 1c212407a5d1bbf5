//! Projects: what is fetched, where to, and by which container.

use super::workspace::Input;
use crate::devfile::{Component, Container, Devfile, Kept, Project, Source, StarterProject};
use crate::document::diagnostic::nearest;
use crate::document::{Diagnostic, Spanned};
use crate::model::{CloneProject, ProjectSource};

/// The attribute with which a devfile asks for one of its starter projects.
const USE_STARTER: &str = "controller.devfile.io/use-starter-project";

/// A project of the devfile that is fetched, of either kind.
struct Sources<'a> {
    name: &'a Spanned<String>,
    path: String,
    sub_dir: Option<String>,
    source: &'a Source,
    folders: &'a [Spanned<String>],
}

impl<'a> From<&'a Project> for Sources<'a> {
    fn from(project: &'a Project) -> Self {
        Self {
            name: &project.name,
            path: project.path(),
            sub_dir: None,
            source: &project.source,
            folders: &project.folders,
        }
    }
}

impl<'a> From<&'a StarterProject> for Sources<'a> {
    fn from(starter: &'a StarterProject) -> Self {
        Self {
            name: &starter.name,
            path: starter.name.value.clone(),
            sub_dir: match starter.kept() {
                Kept::Folder(folder) => Some(folder),
                Kept::All | Kept::Nothing => None,
            },
            source: &starter.source,
            folders: &[],
        }
    }
}

/// What is fetched, in the devfile's order: projects, the starter project that is asked for, and what they depend on.
pub(super) fn of(
    input: &Input<'_>,
    containers: &[(&Component, &Container)],
    report: &mut dyn FnMut(Diagnostic),
) -> Vec<CloneProject> {
    let devfile = input.devfile;
    let starter = match starter(input).and_then(|starter| usable(input, starter)) {
        Ok(starter) => starter,
        Err(error) => {
            report(*error);
            None
        }
    };
    let mut all: Vec<Sources<'_>> = devfile.projects.iter().map(Sources::from).collect();
    all.extend(starter.map(Sources::from));
    all.extend(devfile.dependent_projects.iter().map(Sources::from));
    let Some((component, container)) = containers.iter().find(|(_, c)| c.mount_sources) else {
        if let Some(project) = all.first() {
            let message = "no container mounts the sources, so that projects are not cloned";
            let warning = input
                .devfile_error("resolve/no-sources", project.name.span, message)
                .warning();
            report(warning.help("set mountSources: true on the container that works on them"));
        }
        return Vec::new();
    };
    let clone = |project: Sources<'_>| {
        let Some(source) = source(project.source, project.folders) else {
            let message = format!(
                "there is nothing that {:?} can be fetched from",
                project.name.value
            );
            report(input.devfile_error("devfile/zip-address", project.name.span, message));
            return None;
        };
        Some(CloneProject {
            name: project.name.value.clone(),
            component: component.name.value.clone(),
            root: super::container::sources(container),
            path: project.path,
            sub_dir: project.sub_dir,
            source,
        })
    };
    all.into_iter().filter_map(clone).collect()
}

/// The starter project, whose name and directory no project may have, and of which something must be kept.
fn usable<'a>(
    input: &Input<'_>,
    starter: Option<&'a StarterProject>,
) -> Result<Option<&'a StarterProject>, Box<Diagnostic>> {
    let Some(starter) = starter else { return Ok(None) };
    let name = &starter.name;
    let mut projects = input
        .devfile
        .projects
        .iter()
        .chain(&input.devfile.dependent_projects);
    let error = |code, span, message: String| Box::new(input.devfile_error(code, span, message));
    if let Some(other) = projects.find(|p| p.name.value == name.value || p.path() == name.value) {
        let message = match other.name.value == name.value {
            true => format!("there is a project named {:?} already", name.value),
            false => format!(
                "the project {:?} is cloned into {:?} already",
                other.name.value, name.value
            ),
        };
        let error = error("devfile/duplicate-project", name.span, message);
        return Err(Box::new(error.help(
            "a starter project that is asked for is fetched beside the projects; rename it",
        )));
    }
    match (starter.kept(), &starter.sub_dir) {
        (Kept::Nothing, Some(folder)) => {
            let message = format!("{:?} is no folder of the starter project", folder.value);
            Err(error("devfile/clone-path", folder.span, message))
        }
        (Kept::All | Kept::Folder(_) | Kept::Nothing, _) => Ok(Some(starter)),
    }
}

/// The directory of the project that is worked on, relative to that of all.
pub(super) fn own(input: &Input<'_>) -> Option<String> {
    let starter = || {
        starter(input)
            .ok()
            .flatten()
            .map(|starter| starter.name.value.clone())
    };
    input.devfile.projects.first().map(Project::path).or_else(starter)
}

/// The directory that `PROJECT_SOURCE` names, relative to that of all; nothing where that is the one.
pub(super) fn source_dir(input: &Input<'_>) -> Option<String> {
    own(input).or_else(|| input.devfile.dependent_projects.first().map(Project::path))
}

/// The starter project that the Workspace asks for, else the devfile.
fn starter<'a>(input: &Input<'a>) -> Result<Option<&'a StarterProject>, Box<Diagnostic>> {
    let devfile: &'a Devfile = input.devfile;
    let find = |name: &str| {
        devfile
            .starter_projects
            .iter()
            .find(|starter| starter.name.value == name)
    };
    let lost = |name: &str, error: Diagnostic| {
        let names: Vec<&str> = devfile
            .starter_projects
            .iter()
            .map(|s| s.name.value.as_str())
            .collect();
        let near = nearest(name, names.iter().copied());
        Box::new(match (near, names.as_slice()) {
            (Some(near), _) => error.help(format!("did you mean {near:?}?")),
            (None, []) => error.help("it has none"),
            (None, names) => error.help(format!("it has {}", names.join(", "))),
        })
    };
    let message = |name: &str| format!("the devfile has no starter project {name:?}");
    if let Some(asked) = &input.manifest.spec.starter_project {
        let error = || {
            input
                .manifest
                .error("resolve/unknown-starter", asked.span, message(&asked.value))
        };
        return find(&asked.value)
            .map(Some)
            .ok_or_else(|| lost(&asked.value, error()));
    }
    let Some(asked) = devfile.attributes.get(USE_STARTER) else {
        return Ok(None);
    };
    let name = asked.as_str().unwrap_or_default();
    let error = || input.devfile_error("resolve/unknown-starter", asked.span, message(name));
    find(name).map(Some).ok_or_else(|| lost(name, error()))
}

fn source(source: &Source, folders: &[Spanned<String>]) -> Option<ProjectSource> {
    match source {
        Source::Git(git) => Some(ProjectSource::Git {
            remotes: git
                .remotes
                .iter()
                .map(|(name, url)| (name.value.clone(), url.value.clone()))
                .collect(),
            checkout_remote: git.checkout_remote()?.to_owned(),
            revision: git.revision().map(str::to_owned),
            folders: folders.iter().map(|folder| folder.value.clone()).collect(),
        }),
        Source::Zip(_) => Some(ProjectSource::Zip {
            location: source.archive()?.to_owned(),
        }),
    }
}
