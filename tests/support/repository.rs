//! A small configuration repository as a value, resolved as the command line does it, and a simulated engine that has
//! what it needs.

#![allow(dead_code)] // each test binary uses a part of it

use wharf::devfile::Imports;
use wharf::document::Files;
use wharf::engine::Engine as _;
use wharf::engine::simulated::{Fault, Simulated, State};
use wharf::lock::Lock;
use wharf::model::{DesiredState, EngineId, labels};
use wharf::plan::{Plan, Request, plan};

/// The Site, its users and classes.
pub(crate) const SITE: &str = "\
apiVersion: wharf/v1
kind: Site
metadata: {name: lab}
spec:
  toolsImage: registry.example.org/git:1
  defaults: {class: small, power: on}
---
apiVersion: wharf/v1
kind: Class
metadata: {name: small}
spec: {cpu: \"1\", memory: 512Mi, pids: 512}
---
apiVersion: wharf/v1
kind: Class
metadata: {name: big}
spec: {cpu: \"2\", memory: 1Gi, pids: 1024}
---
apiVersion: wharf/v1
kind: User
metadata: {name: alice}
spec: {email: alice@example.org}
---
apiVersion: wharf/v1
kind: User
metadata: {name: bob}
spec: {email: bob@example.org}
";

/// Everything that a devfile can ask of an apply.
pub(crate) const FULL: &str = "\
schemaVersion: 2.2.2
metadata: {name: full}
projects:
  - name: code
    git:
      remotes: {origin: 'https://git.example.org/code', fork: 'https://git.example.org/fork'}
      checkoutFrom: {remote: origin, revision: main}
  - name: notes
    git: {remotes: {origin: 'https://git.example.org/notes'}}
components:
  - name: tools
    container: {image: 'localhost/tools:1', memoryLimit: 256Mi}
  - name: database
    container: {image: 'registry.example.org/database:1', memoryLimit: 128Mi, mountSources: false, volumeMounts: [{name: data, path: /data}]}
  - name: prepare
    container: {image: 'localhost/tools:1', command: [prepare], mountSources: true}
  - name: data
    volume: {}
commands:
  - {id: ready, apply: {component: prepare}}
  - {id: gone, apply: {component: prepare}}
  - {id: one, exec: {component: tools, commandLine: make one, workingDir: '${PROJECT_SOURCE}'}}
  - {id: two, exec: {component: database, commandLine: make two}}
  - {id: both, composite: {commands: [one, two], parallel: true}}
  - {id: last, exec: {component: tools, commandLine: make last}}
  - {id: save, exec: {component: database, commandLine: save it}}
events: {preStart: [ready], postStart: [both, last], preStop: [save], postStop: [gone]}
";

/// One container and nothing else to do.
pub(crate) const SMALL: &str = "\
schemaVersion: 2.2.2
metadata: {name: small}
components:
  - name: tools
    container: {image: 'localhost/tools:1', memoryLimit: 256Mi}
";

/// The small one with an image that no registry has.
pub(crate) const ABSENT: &str = "\
schemaVersion: 2.2.2
metadata: {name: absent}
components:
  - name: tools
    container: {image: 'registry.example.org/absent:1', memoryLimit: 256Mi}
";

/// A workspace's manifest; `spec` is more of its fields, such as `power: off`.
pub(crate) fn workspace(id: &str, devfile: &str, spec: &str) -> String {
    let (owner, name) = id.split_once('/').unwrap();
    format!(
        "---\napiVersion: wharf/v1\nkind: Workspace\nmetadata: {{name: {name}}}\nspec:\n  owner: {owner}\n  \
         devfile: {{path: devfiles/{devfile}.yaml}}\n{}",
        spec.lines().map(|l| format!("  {l}\n")).collect::<String>()
    )
}

/// A repository with these workspaces: path and text of each file.
pub(crate) fn files(workspaces: &[String]) -> Vec<(&'static str, String)> {
    vec![
        ("wharf.yaml", SITE.to_owned()),
        ("workspaces.yaml", workspaces.concat()),
        ("devfiles/full.yaml", FULL.to_owned()),
        ("devfiles/small.yaml", SMALL.to_owned()),
        ("devfiles/absent.yaml", ABSENT.to_owned()),
    ]
}

/// The desired state of these workspaces.
pub(crate) fn desired(workspaces: &[String]) -> DesiredState {
    let files = files(workspaces);
    desired_of(&Files::of(
        files.iter().map(|(path, text)| (*path, text.as_str())),
    ))
}

/// The desired state of a repository without errors.
pub(crate) fn desired_of(files: &Files) -> DesiredState {
    let loaded = wharf::manifest::load(files);
    assert!(!loaded.diagnostics.has_errors(), "{:?}", loaded.diagnostics);
    let (workspaces, diagnostics) = wharf::resolve::read(&loaded, &Imports::none());
    assert!(!diagnostics.has_errors(), "{diagnostics:?}");
    let (state, diagnostics) = workspaces.unwrap().resolve(files, &Lock::default());
    assert!(!diagnostics.has_errors(), "{diagnostics:?}");
    state
}

/// An engine that has, or can pull, the images.
pub(crate) fn engine() -> Simulated {
    let engine = Simulated::in_memory();
    engine.edit(supply).unwrap();
    engine
}

/// Images that are there, and images that can be pulled.
pub(crate) fn supply(state: &mut State) {
    let id = EngineId("image-tools".to_owned());
    state.images.insert("localhost/tools:1".to_owned(), id);
    let pullable = ["registry.example.org/database:1", "registry.example.org/git:1"];
    state.pullable.extend(pullable.map(str::to_owned));
}

/// The plan against what the engine holds now.
pub(crate) async fn planned(engine: &Simulated, desired: &DesiredState) -> Plan {
    // Observing is not what is tested here: faults wait until it is over.
    let observed = engine.observe(&desired.site).await.unwrap();
    plan(desired, &observed, &Request::default()).unwrap()
}

/// Scripts a fault.
pub(crate) fn fault(engine: &Simulated, fault: Fault) {
    engine.edit(|state| state.faults.push(fault)).unwrap();
}

/// What an engine holds, without what differs from run to run: ids, times and what depends on them.
pub(crate) fn shape(state: &State) -> Vec<String> {
    let own = |map: &labels::Labels| {
        let mut map = map.clone();
        map.remove(labels::SUBJECT);
        format!("{map:?}")
    };
    let mut shape = Vec::new();
    for (name, n) in &state.networks {
        shape.push(format!("network {name} {:?} {}", n.spec, own(&n.labels)));
    }
    for (name, v) in &state.volumes {
        shape.push(format!(
            "volume {name} {:?} {:?} {}",
            v.spec,
            v.files,
            own(&v.labels)
        ));
    }
    for (name, p) in &state.pods {
        let up = p.infra.is_running();
        shape.push(format!("pod {name} {:?} up={up} {}", p.spec, own(&p.labels)));
    }
    for (name, c) in &state.containers {
        let up = c.run.is_running();
        let own = own(&c.labels);
        shape.push(format!(
            "container {name} {:?} {:?} up={up} {own}",
            c.spec, c.enforced
        ));
    }
    shape
}
