//! The command that fetches a project's sources: a script for any POSIX shell, with every value as an argument of its own,
//! so that none is ever read as a part of the script. The workspace's own container runs it, and where that lacks the
//! programs for it, a container of the tools image.

use crate::model::{CloneProject, ContainerSpec, ProjectSource};

const GIT: &str = concat!(include_str!("place.sh"), include_str!("git.sh"));
const ZIP: &str = concat!(include_str!("place.sh"), include_str!("zip.sh"));

/// The exit code of the command where the programs are missing that it needs.
pub const NO_PROGRAM: i32 = 69;

/// The program and arguments that fetch `project`.
#[must_use]
pub fn command(project: &CloneProject) -> Vec<String> {
    let script = match &project.source {
        ProjectSource::Git { .. } => GIT,
        ProjectSource::Zip { .. } => ZIP,
    };
    let sub_dir = project.sub_dir.as_deref().unwrap_or("");
    let mut argv = vec!["/bin/sh", "-c", script, "clone"];
    argv.extend([&*project.root, &project.path, &project.name, sub_dir]);
    let mut argv: Vec<String> = argv.into_iter().map(str::to_owned).collect();
    match &project.source {
        ProjectSource::Git {
            remotes,
            checkout_remote,
            revision,
            folders,
        } => {
            let (from, others): (Vec<_>, Vec<_>) =
                remotes.iter().partition(|(name, _)| name == checkout_remote);
            let url = from.first().map_or("", |(_, url)| url).to_owned();
            let revision = revision.clone().unwrap_or_default();
            argv.extend([checkout_remote.clone(), url, revision, folders.join("\n")]);
            argv.extend(
                others
                    .into_iter()
                    .flat_map(|(name, url)| [name.clone(), url.clone()]),
            );
        }
        ProjectSource::Zip { location } => argv.push(location.clone()),
    }
    argv
}

/// What the command needs, in words.
#[must_use]
pub fn programs(source: &ProjectSource) -> &'static str {
    match source {
        ProjectSource::Git { .. } => "git",
        ProjectSource::Zip { location } if location.starts_with("file://") => "unzip (or python3)",
        ProjectSource::Zip { .. } => "python3 (or unzip with curl or wget)",
    }
}

/// `tools` with the command that clones `project`, whatever its image would run.
#[must_use]
pub fn in_container(tools: &ContainerSpec, project: &CloneProject) -> ContainerSpec {
    let mut argv = command(project);
    let arguments = argv.split_off(1);
    ContainerSpec {
        entrypoint: Some(argv),
        command: Some(arguments),
        ..tools.clone()
    }
}
