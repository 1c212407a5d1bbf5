//! The command that clones a project: a script for any POSIX shell, with every value as an argument of its own, so that
//! none is ever read as a part of the script. The workspace's own container runs it, and where that has no git, a
//! container of the tools image.

use crate::model::{CloneProject, ContainerSpec};

const SCRIPT: &str = include_str!("clone.sh");

/// The exit code of the command where there is no git.
pub const NO_GIT: i32 = 69;

/// The program and arguments that clone `project`.
#[must_use]
pub fn command(project: &CloneProject) -> Vec<String> {
    let is_checkout = |remote: &str| remote == project.checkout_remote;
    let url = project.remotes.iter().find(|(name, _)| is_checkout(name));
    let mut argv = vec!["/bin/sh", "-c", SCRIPT, "clone"];
    argv.extend([
        &*project.root,
        &project.path,
        &project.name,
        &project.checkout_remote,
    ]);
    argv.push(url.map_or("", |(_, url)| url));
    argv.push(project.revision.as_deref().unwrap_or(""));
    let folders = project.folders.join("\n");
    argv.push(&folders);
    for (name, url) in project.remotes.iter().filter(|(name, _)| !is_checkout(name)) {
        argv.extend([&**name, &**url]);
    }
    argv.into_iter().map(str::to_owned).collect()
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
