//! One workspace: its manifest, its class and its devfile become objects.

use std::collections::{BTreeMap, BTreeSet};

use super::container::{self, Surroundings, volume_role};
use super::uids::Ranges;
use super::{build, events, images, limits, projects, publish};
use crate::devfile::{self, CommandKind, Component, ComponentKind, Container, Devfile, GroupKind, Missing};
use crate::document::{Code, Diagnostic, Diagnostics, Files, Span};
use crate::lock::{BuildSource, Lock};
use crate::manifest::{self, Manifest, Manifests, Site, Workspace};
use crate::model::{
    ContainerSpec, DesiredContainer, DesiredWorkspace, HealthCheck, ImageSpec, Maintenance, Moved,
    NetworkSpec, ObjectId, PodSpec, Probe, Role, STOP_TIMEOUT, StopHooks, VolumeSpec,
};

/// All that one workspace is made from.
pub(super) struct Input<'a> {
    pub(super) manifests: &'a Manifests,
    pub(super) manifest: &'a Manifest<Workspace>,
    pub(super) devfile: &'a Devfile,
    pub(super) files: &'a Files,
    pub(super) lock: &'a Lock,
    /// What images are built from that is elsewhere.
    pub(super) builds: &'a BTreeMap<BuildSource, Result<build::Built, Missing>>,
    /// Whether the lock is about to get the digests that it lacks.
    pub(super) locking: bool,
    pub(super) uids: &'a Ranges,
}

impl Input<'_> {
    /// An error at a place of the devfile.
    pub(super) fn devfile_error(&self, code: Code, span: Span, message: impl Into<String>) -> Diagnostic {
        self.devfile.document.error(code, span, message)
    }

    pub(super) fn object(&self, role: &Role) -> ObjectId {
        role.object_id(&self.manifests.site.name.value, &self.manifest.id())
    }

    pub(super) fn home(&self) -> &str {
        &self.manifests.site.spec.defaults.home
    }
}

pub(super) fn resolve(input: &Input<'_>, diagnostics: &mut Diagnostics) -> Option<DesiredWorkspace> {
    let manifest = input.manifest;
    let site = &input.manifests.site.spec;
    let class_name = manifest.spec.class.as_ref().or(site.defaults.class.as_ref())?;
    let class = &input.manifests.classes.get(&class_name.value)?.spec;
    let mains = input.devfile.main_containers();
    let Some((first, _)) = mains.first() else {
        let span = manifest.name.span;
        let message = "the devfile has no container that stays up";
        let help = "a workspace needs at least one container component";
        diagnostics.push(manifest.error("resolve/no-container", span, message).help(help));
        return None;
    };
    let over = |code, span, message: String| input.devfile_error(code, span, message);
    let limits = limits::of(class, class_name.value.as_str(), &mains, diagnostics, &over);
    let mut report = |d: Diagnostic| diagnostics.push(d);
    let builds = build::of(input, &mut report);
    let published = publish::of(input, &mut report);
    let projects = projects::of(input, &mains, &mut report);
    let kept_up = kept_up(input.devfile, &first.name.value);
    let mut wanted: Vec<ImageSpec> = Vec::new();
    let mut specify = |container: &Container, component: Option<&Component>, pod: &Role, stay: bool| {
        let image = images::image(
            input,
            &container.image.value,
            container.image.span,
            &builds,
            &mut report,
        );
        let reference = image.reference.clone();
        if !wanted.contains(&image) {
            wanted.push(image);
        }
        let pod = input.object(pod).name;
        container::spec(
            input,
            container,
            Surroundings {
                pod,
                image: reference,
                stay,
                component,
            },
        )
    };
    let containers: Vec<DesiredContainer> = mains
        .iter()
        .zip(limits)
        .map(|((component, container), limits)| {
            let name = component.name.value.clone();
            let stay = kept_up.contains(name.as_str());
            let spec = specify(container, Some(component), &pod_role(component, container), stay);
            DesiredContainer {
                component: name,
                spec,
                limits,
                depends_on: container
                    .readiness
                    .depends_on
                    .iter()
                    .map(|name| name.value.clone())
                    .collect(),
                health: health(container),
            }
        })
        .collect();
    let mut at_event = |leaves: &[crate::devfile::Leaf<'_>]| -> Vec<DesiredContainer> {
        events::applied(leaves)
            .into_iter()
            .map(|(id, container)| DesiredContainer {
                component: id.to_owned(),
                spec: specify(container, None, &Role::Pod, false),
                limits: limits::whole(class),
                depends_on: Vec::new(),
                health: None,
            })
            .collect()
    };
    let (pre_start, post_stop) = (
        at_event(&input.devfile.pre_start()),
        at_event(&input.devfile.post_stop()),
    );
    let tools = tools(input, &containers, &projects, class);
    let pods = pods(input, &mains, &published);
    let uid_range = input.uids.get(&manifest.spec.owner.value);
    let volumes = volumes(input, &containers);
    let storage = &manifest.spec.storage;
    Some(DesiredWorkspace {
        id: manifest.id(),
        power: manifest.spec.power.unwrap_or(site.defaults.power),
        suspend: manifest.spec.suspend,
        idle_timeout: site.defaults.idle_timeout.filter(|timeout| timeout.0 > 0),
        maintenance: maintenance(site, manifest.spec.maintenance.as_ref()),
        on_remove: storage.on_remove.unwrap_or(site.defaults.on_remove),
        moved_from: manifest.spec.moved_from.as_ref().map(|from| Moved {
            id: from.value.clone(),
            uid_range: input.uids.get(&from.value.owner),
        }),
        adopt: adopted(input, &volumes, &mut report),
        uid_range,
        network: NetworkSpec { dns: pods.len() > 1 },
        volumes,
        images: wanted,
        pods,
        containers,
        pre_start,
        projects,
        post_start: events::commands(input, &input.devfile.post_start()),
        stop_hooks: StopHooks {
            pre_stop: events::commands(input, &input.devfile.pre_stop()),
            post_stop,
        },
        endpoints: publish::endpoints(input.devfile, &mains),
        commands: events::all(input),
        tools,
    })
}

/// When changes may interrupt a workspace: as it says, else as the Site does.
pub(super) fn maintenance(site: &Site, own: Option<&manifest::Maintenance>) -> Option<Maintenance> {
    let says = own.or(site.maintenance.as_ref())?;
    let zone = says.zone.clone();
    let zone = zone.or_else(|| site.maintenance.as_ref()?.zone.clone());
    (!says.windows.is_empty()).then(|| Maintenance {
        zone: zone.unwrap_or_default(),
        windows: says.windows.clone(),
    })
}

fn pod_role(component: &Component, container: &Container) -> Role {
    if container.dedicated_pod {
        Role::DedicatedPod(component.name.value.clone())
    } else {
        Role::Pod
    }
}

/// The components that wharf keeps up where the devfile gives them no command of their own: the main one, and those in
/// which people build, run, test and debug.
fn kept_up<'a>(devfile: &'a Devfile, main: &'a str) -> BTreeSet<&'a str> {
    let worked_in = devfile.commands.iter().filter_map(|command| {
        let group = command.group.as_ref()?;
        match (&command.kind, group.kind.value) {
            (
                CommandKind::Exec(exec),
                GroupKind::Build | GroupKind::Run | GroupKind::Test | GroupKind::Debug,
            ) => Some(exec.component.value.as_str()),
            (CommandKind::Exec(_), GroupKind::Deploy)
            | (CommandKind::Apply(_) | CommandKind::Composite(_), _) => None,
        }
    });
    worked_in.chain([main]).collect()
}

fn pods(
    input: &Input<'_>,
    mains: &[(&Component, &Container)],
    published: &[(String, crate::model::PublishedPort)],
) -> BTreeMap<Role, PodSpec> {
    let mut pods: BTreeMap<Role, PodSpec> = BTreeMap::new();
    let mut roles: Vec<(Role, &str)> = mains
        .iter()
        .map(|(component, c)| (pod_role(component, c), component.name.value.as_str()))
        .collect();
    // Events and clones run in the workspace's own pod, which is there even where every component has another.
    roles.push((Role::Pod, input.manifest.name.value.as_str()));
    for (role, component) in roles {
        let dedicated = matches!(role, Role::DedicatedPod(_));
        let pod = pods.entry(role).or_insert_with(|| PodSpec {
            network: input.object(&Role::Network).name,
            hostname: if dedicated {
                component.to_owned()
            } else {
                input.manifest.name.value.to_string()
            },
            aliases: if dedicated {
                vec![component.to_owned()]
            } else {
                Vec::new()
            },
            uid_range: Some(input.uids.get(&input.manifest.spec.owner.value)),
            publish: Vec::new(),
        });
        let own = published
            .iter()
            .filter(|(c, _)| c == component)
            .map(|(_, port)| port.clone());
        pod.publish.extend(own);
        pod.publish.dedup();
    }
    pods
}

/// The sources' volume, the home, and what the devfile declares.
fn volumes(input: &Input<'_>, containers: &[DesiredContainer]) -> BTreeMap<Role, VolumeSpec> {
    let all = container::is_ephemeral(input);
    let mut volumes = BTreeMap::new();
    let mounted = |role: &Role| {
        let name = input.object(role).name;
        containers
            .iter()
            .any(|c| c.spec.mounts.iter().any(|m| m.volume == name))
    };
    for role in [Role::Projects, Role::Home] {
        if mounted(&role) {
            volumes.insert(
                role,
                VolumeSpec {
                    ephemeral: all,
                    size: None,
                },
            );
        }
    }
    for component in &input.devfile.components {
        match &component.kind {
            ComponentKind::Volume(volume) => {
                let ephemeral = all || volume.ephemeral;
                let size = volume.size.map(|s| s.value).filter(|_| ephemeral);
                volumes.insert(volume_role(&component.name.value), VolumeSpec { ephemeral, size });
            }
            ComponentKind::Container(_) | ComponentKind::Image(_) | ComponentKind::Cluster(_) => {}
        }
    }
    volumes
}

/// What is adopted as which of the workspace's volumes.
fn adopted(
    input: &Input<'_>,
    volumes: &BTreeMap<Role, VolumeSpec>,
    report: &mut dyn FnMut(Diagnostic),
) -> BTreeMap<Role, String> {
    let mut adopted = BTreeMap::new();
    for adopt in &input.manifest.spec.adopt {
        let word = adopt.role.value.volume_word().unwrap_or_default();
        let error = |code, message: String| input.manifest.error(code, adopt.role.span, message);
        match volumes.get(&adopt.role.value) {
            Some(volume) if volume.ephemeral => {
                let message = format!("{word} is ephemeral: its data is gone when the workspace stops");
                let error = error("resolve/adopt-ephemeral", message);
                report(error.help("make the volume persistent, or remove it from adopt"));
            }
            Some(_) => drop(adopted.insert(adopt.role.value.clone(), adopt.volume.value.clone())),
            None => {
                let message = format!("the workspace has no volume {word}");
                let words: Vec<String> = volumes.keys().filter_map(Role::volume_word).collect();
                let error = error("resolve/adopt-unknown-volume", message);
                let error = error.help(format!("it has {}", words.join(", ")));
                report(error.suggest(&word, words.iter().map(String::as_str)));
            }
        }
    }
    adopted
}

/// The container that fetches sources where the workspace's image lacks the programs: the Site's tools image on the
/// sources' volume.
fn tools(
    input: &Input<'_>,
    containers: &[DesiredContainer],
    projects: &[crate::model::CloneProject],
    class: &crate::manifest::Class,
) -> Option<DesiredContainer> {
    let image = input.manifests.site.spec.tools_image.as_ref()?;
    let project = projects.first()?;
    let main = containers.iter().find(|c| c.component == project.component)?;
    let sources = input.object(&Role::Projects).name;
    Some(DesiredContainer {
        component: "clone".to_owned(),
        spec: ContainerSpec {
            pod: main.spec.pod.clone(),
            image: images::locked(input.lock, &image.value),
            mounts: main
                .spec
                .mounts
                .iter()
                .filter(|m| m.volume == sources)
                .cloned()
                .collect(),
            stop_timeout: STOP_TIMEOUT,
            ..ContainerSpec::default()
        },
        limits: limits::whole(class),
        depends_on: Vec::new(),
        health: None,
    })
}

/// How to know that a container is ready; the rules have seen to it that the endpoint is there.
fn health(container: &Container) -> Option<HealthCheck> {
    let check = container.readiness.check.as_ref()?;
    let probe = match &check.probe {
        devfile::Probe::Command(line) => Probe::Command(line.value.clone()),
        devfile::Probe::Endpoint(name) => {
            let endpoint = container.endpoints.iter().find(|e| e.name.value == name.value)?;
            Probe::Port(endpoint.target_port.value)
        }
    };
    Some(HealthCheck {
        probe,
        timeout: check.timeout,
    })
}
