//! One container's specification: environment, mounts, and the command that keeps it up.

use super::events::pair;
use super::projects;
use super::workspace::Input;
use crate::devfile::{Component, Container};
use crate::manifest::StorageMode;
use crate::model::{ContainerSpec, Mount, Role, STOP_TIMEOUT};

/// Keeps a container up until it is told to stop, with nothing but a shell.
const STAY: &str = "trap 'exit 0' TERM INT; while :; do sleep 86400 & wait $!; done";

/// What a container of a workspace has beside its devfile's words.
pub(super) struct Surroundings<'a> {
    pub(super) pod: String,
    pub(super) image: String,
    /// Whether wharf keeps it up, whatever the image's command does.
    pub(super) stay: bool,
    pub(super) component: Option<&'a Component>,
}

/// The specification of `container`.
pub(super) fn spec(input: &Input<'_>, container: &Container, around: Surroundings<'_>) -> ContainerSpec {
    let stay = around.stay && container.command.is_none() && container.args.is_none();
    let (entrypoint, command) = if stay {
        (
            Some(vec!["/bin/sh".to_owned(), "-c".to_owned(), STAY.to_owned()]),
            Some(Vec::new()),
        )
    } else {
        (container.command.clone(), container.args.clone())
    };
    ContainerSpec {
        pod: around.pod,
        image: around.image,
        entrypoint,
        command,
        env: environment(input, container, around.component),
        mounts: mounts(input, container),
        working_dir: container
            .working_dir
            .clone()
            .or_else(|| (stay && container.mount_sources).then(|| sources(container))),
        user: container.user.clone(),
        stop_timeout: container.stop_timeout.unwrap_or(STOP_TIMEOUT),
    }
}

/// Where the container has the projects: an explicit mount of the volume `projects`, else its source mapping.
pub(super) fn sources(container: &Container) -> String {
    let explicit = container
        .volume_mounts
        .iter()
        .find(|m| m.name.value == "projects");
    explicit.map_or_else(|| container.source_mapping(), crate::devfile::VolumeMount::path)
}

/// The environment: what the devfile's rules promise first, then the devfile's own, then the Workspace's.
fn environment(
    input: &Input<'_>,
    container: &Container,
    component: Option<&Component>,
) -> Vec<(String, String)> {
    let mut env: Vec<(String, String)> = Vec::new();
    if container.mount_sources {
        let root = sources(container);
        let first = projects::source_dir(input);
        let source = first.map_or_else(|| root.clone(), |path| format!("{root}/{path}"));
        env.push(("PROJECTS_ROOT".to_owned(), root));
        env.push(("PROJECT_SOURCE".to_owned(), source));
        env.push(("HOME".to_owned(), input.home().to_owned()));
    }
    env.push(("WHARF_WORKSPACE".to_owned(), input.manifest.id().to_string()));
    if let Some(component) = component {
        env.push(("WHARF_COMPONENT".to_owned(), component.name.value.clone()));
    }
    let stated = container.env.iter().map(pair);
    let own = input
        .manifest
        .spec
        .env
        .iter()
        .map(|(k, v)| (k.value.clone(), v.value.clone()));
    for (name, value) in stated.chain(own) {
        match env.iter_mut().find(|(n, _)| *n == name) {
            Some(entry) => entry.1 = value,
            None => env.push((name, value)),
        }
    }
    env
}

fn mounts(input: &Input<'_>, container: &Container) -> Vec<Mount> {
    let mount = |role: &Role, path: String| Mount {
        volume: input.object(role).name,
        path,
    };
    let mut mounts: Vec<Mount> = Vec::new();
    if container.mount_sources {
        mounts.push(mount(&Role::Projects, sources(container)));
    }
    for stated in container
        .volume_mounts
        .iter()
        .filter(|m| m.name.value != "projects" || !container.mount_sources)
    {
        let role = volume_role(&stated.name.value);
        mounts.push(mount(&role, stated.path()));
    }
    if container.mount_sources && !mounts.iter().any(|m| m.path == input.home()) {
        mounts.push(mount(&Role::Home, input.home().to_owned()));
    }
    mounts.sort_by(|a, b| a.path.cmp(&b.path));
    mounts
}

/// The role of a volume that the devfile declares: `projects` names the sources' own.
pub(super) fn volume_role(name: &str) -> Role {
    if name == "projects" {
        Role::Projects
    } else {
        Role::Data(name.to_owned())
    }
}

/// Whether a workspace's volumes vanish with its stop.
pub(super) fn is_ephemeral(input: &Input<'_>) -> bool {
    let mode = input
        .manifest
        .spec
        .storage
        .mode
        .unwrap_or(input.manifests.site.spec.defaults.storage);
    mode == StorageMode::Ephemeral
}
