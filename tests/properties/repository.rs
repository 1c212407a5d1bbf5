//! Configuration repositories at random: small, valid, and with everything that makes plans differ.

use std::collections::{BTreeMap, BTreeSet};

use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use serde_json::{Value, json};
use wharf::devfile::Imports;
use wharf::document::Files;
use wharf::lock::Lock;
use wharf::model::{DesiredState, OnRemove, WorkspaceId};

/// A workspace, `owner/name`.
pub(crate) type Id = (&'static str, &'static str);

/// What a repository declares.
pub(crate) type Repository = BTreeMap<Id, Workspace>;

const OWNERS: [&str; 2] = ["alice", "bob"];
const NAMES: [&str; 3] = ["api", "db", "web"];

/// The images that every engine under test has.
pub(crate) const IMAGES: [&str; 3] = ["localhost/a:1", "localhost/b:1", "localhost/tools:1"];

/// A workspace's manifest with its devfile.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Workspace {
    large: bool,
    power: &'static str,
    ephemeral: bool,
    pub(crate) delete: bool,
    env: u8,
    containers: Vec<Container>,
    /// Whether each of the devfile's volumes is ephemeral.
    volumes: [bool; 2],
    projects: u8,
    /// Commands of preStart, postStart, preStop and postStop.
    events: [bool; 4],
    moved_from: Option<Id>,
    /// Whether its home takes over the data of a volume that is not wharf's.
    adopts: bool,
}

#[derive(Clone, Debug, PartialEq)]
struct Container {
    image: usize,
    dedicated: bool,
    memory: Option<u8>,
    volume: Option<usize>,
}

/// What happens to a declared workspace from one commit to the next.
#[derive(Clone, Debug)]
enum Edit {
    Keep,
    Redraw(Workspace),
    Remove,
    /// Declared under another name, taking over the data.
    Move,
}

fn container() -> impl Strategy<Value = Container> {
    let volume = option::of(0..2_usize);
    (0..2_usize, prop::bool::weighted(0.2), option::of(1..4_u8), volume).prop_map(
        |(image, dedicated, memory, volume)| Container {
            image,
            dedicated,
            memory,
            volume,
        },
    )
}

fn workspace() -> impl Strategy<Value = Workspace> {
    let power = prop_oneof![3 => Just("on"), 1 => Just("off"), 1 => Just("auto")];
    let flags = (
        any::<bool>(),
        prop::bool::weighted(0.2),
        any::<bool>(),
        0..3_u8,
        prop::bool::weighted(0.3),
    );
    let parts = (
        vec(container(), 1..4),
        any::<[bool; 2]>(),
        0..3_u8,
        any::<[bool; 4]>(),
    );
    (power, flags, parts).prop_map(|(power, flags, parts)| {
        let (large, ephemeral, delete, env, adopts) = flags;
        let (containers, volumes, projects, events) = parts;
        Workspace {
            large,
            power,
            ephemeral,
            delete,
            env,
            containers,
            volumes,
            projects,
            events,
            moved_from: None,
            adopts: adopts && !ephemeral,
        }
    })
}

fn id() -> impl Strategy<Value = Id> {
    (
        prop::sample::select(OWNERS.as_slice()),
        prop::sample::select(NAMES.as_slice()),
    )
}

/// A repository with up to three workspaces.
pub(crate) fn repository() -> impl Strategy<Value = Repository> {
    btree_map(id(), workspace(), 1..4)
}

/// A repository and what the next commit makes of it.
pub(crate) fn two_commits() -> impl Strategy<Value = (Repository, Repository)> {
    let edit = prop_oneof![
        3 => Just(Edit::Keep),
        3 => workspace().prop_map(Edit::Redraw),
        1 => Just(Edit::Remove),
        1 => Just(Edit::Move),
    ];
    let fresh = btree_map(id(), workspace(), 0..2);
    (repository(), vec(edit, 3), fresh).prop_map(|(first, edits, fresh)| {
        let mut next = Repository::new();
        for ((id, workspace), edit) in first.iter().zip(edits) {
            match edit {
                Edit::Keep => drop(next.insert(*id, workspace.clone())),
                Edit::Redraw(mut other) => {
                    // What has data of its own adopts none.
                    other.adopts &= workspace.adopts;
                    next.insert(*id, other);
                }
                Edit::Remove => {}
                Edit::Move => {
                    let mut free = OWNERS.iter().flat_map(|o| NAMES.iter().map(move |n| (*o, *n)));
                    let to = free.rfind(|to| !first.contains_key(to) && !next.contains_key(to));
                    let mut moved = workspace.clone();
                    moved.moved_from = Some(*id);
                    moved.adopts = false;
                    next.extend(to.map(|to| (to, moved)));
                }
            }
        }
        let moved: BTreeSet<_> = next.values().filter_map(|w| w.moved_from).collect();
        for (id, mut workspace) in fresh {
            workspace.adopts &= !first.contains_key(&id);
            if !moved.contains(&id) {
                next.entry(id).or_insert(workspace);
            }
        }
        (first, next)
    })
}

/// The volume that a workspace may adopt.
fn theirs((owner, name): Id) -> String {
    format!("theirs-{owner}-{name}")
}

/// Every volume that some workspace may adopt.
pub(crate) fn adoptable() -> Vec<String> {
    let all = OWNERS.iter().flat_map(|o| NAMES.iter().map(move |n| (*o, *n)));
    all.map(theirs).collect()
}

/// The manifest of a workspace, as JSON, which is YAML.
fn manifest((owner, name): Id, workspace: &Workspace) -> Value {
    let mut spec = json!({
        "owner": owner,
        "class": if workspace.large { "large" } else { "small" },
        "power": workspace.power,
        "storage": {
            "mode": if workspace.ephemeral { "ephemeral" } else { "persistent" },
            "onRemove": if workspace.delete { "delete" } else { "retain" },
        },
        "env": {"VERSION": workspace.env.to_string()},
        "devfile": {"inline": devfile(workspace)},
    });
    if let Some((owner, name)) = workspace.moved_from {
        spec["movedFrom"] = json!(format!("{owner}/{name}"));
    }
    if workspace.adopts {
        spec["adopt"] = json!([{"volume": theirs((owner, name)), "as": "home"}]);
    }
    json!({"apiVersion": "wharf/v1", "kind": "Workspace", "metadata": {"name": name}, "spec": spec})
}

fn devfile(workspace: &Workspace) -> Value {
    let mut components = Vec::new();
    for (i, container) in workspace.containers.iter().enumerate() {
        let mut body = json!({
            "image": IMAGES[container.image],
            // The first one is where commands run and sources are.
            "dedicatedPod": container.dedicated && i > 0,
        });
        if let Some(memory) = container.memory {
            body["memoryLimit"] = json!(format!("{}Mi", 64 * u32::from(memory)));
        }
        if let Some(volume) = container.volume {
            body["volumeMounts"] =
                json!([{"name": format!("v{volume}"), "path": format!("/data/v{volume}")}]);
        }
        components.push(json!({"name": format!("c{i}"), "container": body}));
    }
    for (i, ephemeral) in workspace.volumes.iter().enumerate() {
        components.push(json!({"name": format!("v{i}"), "volume": {"size": "1Gi", "ephemeral": ephemeral}}));
    }
    let projects = (0..workspace.projects).map(|i| {
        json!({"name": format!("p{i}"), "git": {"remotes": {"origin": format!("https://git.example.org/p{i}.git")}}})
    });
    let projects: Vec<_> = projects.collect();
    let (mut commands, mut events) = (Vec::new(), json!({}));
    let kinds = ["preStart", "postStart", "preStop", "postStop"];
    for (kind, _) in kinds.iter().zip(workspace.events).filter(|(_, wanted)| *wanted) {
        let id = kind.to_lowercase();
        if kind.ends_with("Start") == kind.starts_with("post") {
            commands
                .push(json!({"id": id, "exec": {"component": "c0", "commandLine": format!("echo {id}")}}));
        } else {
            commands.push(json!({"id": id, "apply": {"component": format!("for-{id}")}}));
            let body = json!({"image": IMAGES[1], "command": ["true"], "mountSources": true});
            components.push(json!({"name": format!("for-{id}"), "container": body}));
        }
        events[*kind] = json!([id]);
    }
    json!({
        "schemaVersion": "2.2.0",
        "metadata": {"name": "drawn"},
        "components": components,
        "projects": projects,
        "commands": commands,
        "events": events,
    })
}

/// Every manifest of the repository, each as the text of one document.
pub(crate) fn documents(repository: &Repository) -> Vec<String> {
    let images = json!({"allow": ["localhost/*"]});
    let site = json!({
        "toolsImage": IMAGES[2],
        "defaults": {"class": "small"},
        "policy": {"images": images, "maxDeletions": 100},
    });
    let of = |kind: &str, name: &str, spec: Value| json!({"apiVersion": "wharf/v1", "kind": kind, "metadata": {"name": name}, "spec": spec});
    let mut documents = vec![
        of(
            "Class",
            "small",
            json!({"cpu": "2", "memory": "2Gi", "pids": 256}),
        ),
        of(
            "Class",
            "large",
            json!({"cpu": "4", "memory": "4Gi", "pids": 512}),
        ),
    ];
    documents.extend(OWNERS.map(|owner| of("User", owner, json!({"email": format!("{owner}@example.org")}))));
    documents.extend(repository.iter().map(|(id, workspace)| manifest(*id, workspace)));
    let site = of("Site", "lab", site);
    std::iter::once(site)
        .chain(documents)
        .map(|document| document.to_string())
        .collect()
}

/// The repository's files: the Site, and the rest in one file.
pub(crate) fn files(repository: &Repository) -> Files {
    let documents = documents(repository);
    let (site, rest) = documents.split_first().unwrap();
    Files::of([
        ("wharf.yaml", site.as_str()),
        ("all.yaml", rest.join("\n---\n").as_str()),
    ])
}

/// What the repository declares, with every choice made.
pub(crate) fn resolve(files: &Files) -> DesiredState {
    let loaded = wharf::manifest::load(files);
    let (workspaces, read) = wharf::resolve::read(&loaded, &Imports::none());
    let fine = |diagnostics: &wharf::document::Diagnostics| {
        let texts: Vec<_> = diagnostics
            .0
            .iter()
            .map(|d| format!("{} {}: {}", d.path, d.code, d.message))
            .collect();
        assert!(!diagnostics.has_errors(), "{texts:#?}");
    };
    fine(&loaded.diagnostics);
    fine(&read);
    let (state, resolved) = workspaces.unwrap().resolve(files, &Lock::default());
    fine(&resolved);
    state
}

/// What becomes of the volumes of workspaces that `next` no longer declares.
pub(crate) fn removed(first: &Repository, next: &Repository) -> BTreeMap<WorkspaceId, OnRemove> {
    let gone = first.iter().filter(|(id, _)| !next.contains_key(*id));
    gone.map(|((owner, name), workspace)| {
        let fate = if workspace.delete {
            OnRemove::Delete
        } else {
            OnRemove::Retain
        };
        (format!("{owner}/{name}").parse().unwrap(), fate)
    })
    .collect()
}
