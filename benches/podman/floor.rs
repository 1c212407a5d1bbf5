//! The floor: the objects of a site's first plan, made, changed and removed through raw calls, four workspaces at a time,
//! without looking at anything.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use hyper::Method;
use serde_json::{Value, json};
use wharf::model::{ContainerSpec, Kind, Labels, Limits, ObjectId, PodSpec};
use wharf::plan::{Action, Creation};

use crate::raw::Raw;
use crate::site::{Change, Site};

/// How many calls are in flight.
const AT_ONCE: usize = 4;

/// One call.
#[derive(Clone)]
struct Call {
    method: Method,
    path: String,
    body: Option<Value>,
}

impl Call {
    fn post(path: impl Into<String>, body: Option<Value>) -> Self {
        Self {
            method: Method::POST,
            path: path.into(),
            body,
        }
    }

    fn delete(path: impl Into<String>) -> Self {
        Self {
            method: Method::DELETE,
            path: path.into(),
            body: None,
        }
    }
}

pub(crate) struct Floor {
    site: String,
    /// Every object, in the order of creation.
    objects: Vec<ObjectId>,
    /// The calls of each workspace's first apply, one after another.
    creation: Vec<Vec<Call>>,
    /// The calls that make and start each workspace's container.
    containers: Vec<(String, Call, Call)>,
}

impl Floor {
    pub(crate) fn new(site: &Site) -> Self {
        let plan = site.first_plan(Change::None);
        let mut creation: BTreeMap<_, Vec<Call>> = BTreeMap::new();
        let mut objects = Vec::new();
        let mut containers: BTreeMap<_, (String, Call, Call)> = BTreeMap::new();
        for step in &plan.steps {
            let name = step.object.name.as_str();
            let call = call(name, &step.action);
            creation
                .entry(step.workspace.clone())
                .or_default()
                .push(call.clone());
            if matches!(
                &step.action,
                Action::Create {
                    what: Creation::Container(..),
                    ..
                }
            ) {
                let start = Call::post(format!("containers/{name}/start"), None);
                containers.insert(step.workspace.clone(), (name.to_owned(), call, start));
            }
            objects.push(step.object.clone());
        }
        Self {
            site: site.name.clone(),
            objects,
            creation: creation.into_values().collect(),
            containers: containers.into_values().collect(),
        }
    }

    pub(crate) async fn create(&self) {
        at_once(&self.creation).await;
    }

    /// Stops, removes, makes and starts one container.
    pub(crate) async fn replace_one(&self, which: usize) {
        let (name, create, start) = &self.containers[which];
        let stop = Call::post(format!("containers/{name}/stop"), None);
        let remove = Call::delete(format!("containers/{name}"));
        at_once(&[vec![stop, remove, create.clone(), start.clone()]]).await;
    }

    /// Changes the limits of every container.
    pub(crate) async fn resize(&self) {
        let memory = 192 << 20;
        let body = json!({
            "memory": {"limit": memory, "swap": memory, "reservation": -1},
            "cpu": {"quota": 200_000, "period": 100_000, "shares": 1024},
            "pids": {"limit": 64},
        });
        let update = |name: &String| {
            vec![Call::post(
                format!("containers/{name}/update"),
                Some(body.clone()),
            )]
        };
        let calls: Vec<Vec<Call>> = self.containers.iter().map(|(name, ..)| update(name)).collect();
        at_once(&calls).await;
    }

    /// Removes a container behind everybody's back.
    pub(crate) async fn lose_one(&self, which: usize) {
        let name = &self.containers[which].0;
        at_once(&[vec![Call::delete(format!(
            "containers/{name}?force=true&timeout=0"
        ))]])
        .await;
    }

    pub(crate) async fn repair_one(&self, which: usize) {
        let (_, create, start) = &self.containers[which];
        at_once(&[vec![create.clone(), start.clone()]]).await;
    }

    /// What a plan reads: five listings and the control groups of the site's containers. How long it takes.
    pub(crate) async fn read(&self) -> Duration {
        let paths = [
            "containers/json?all=true",
            "pods/json",
            "volumes/json",
            "networks/json",
            "images/json",
        ];
        let start = Instant::now();
        let mut answers =
            join_all(paths.map(async |path| Raw::connect().await.call(Method::GET, path, None).await)).await;
        let listed: Value = serde_json::from_slice(&answers.swap_remove(0)).unwrap();
        for container in listed.as_array().unwrap() {
            let ours = container["Labels"]["dev.wharf.site"].as_str() == Some(self.site.as_str());
            if let (true, Some(pid)) = (ours, container["Pid"].as_u64().filter(|pid| *pid > 0)) {
                read_limits(pid);
            }
        }
        start.elapsed()
    }

    /// The ids of the site's running containers, infra containers aside.
    pub(crate) async fn containers(&self) -> BTreeSet<String> {
        let listed = Raw::connect().await.get("containers/json").await;
        let ours = |c: &&Value| c["Labels"]["dev.wharf.site"].as_str() == Some(self.site.as_str());
        let own = |c: &&Value| c["IsInfra"].as_bool() != Some(true);
        let all = listed.as_array().unwrap().iter();
        all.filter(ours)
            .filter(own)
            .map(|c| c["Id"].as_str().unwrap().to_owned())
            .collect()
    }

    /// A container's environment.
    pub(crate) async fn environment(&self, which: usize) -> Vec<String> {
        let name = &self.containers[which].0;
        let inspected = Raw::connect().await.get(&format!("containers/{name}/json")).await;
        serde_json::from_value(inspected["Config"]["Env"].clone()).unwrap()
    }

    /// Removes everything; what is not there any more is no failure.
    pub(crate) async fn remove(&self) {
        let mut raw = Raw::connect().await;
        for (kind, path) in [
            (Kind::Pod, "pods/{}?force=true&timeout=0"),
            (Kind::Network, "networks/{}"),
            (Kind::Volume, "volumes/{}"),
        ] {
            let names: BTreeSet<&str> = self
                .objects
                .iter()
                .filter(|o| o.kind == kind)
                .map(|o| &*o.name)
                .collect();
            for name in names {
                for _ in 0..3 {
                    let (status, _) = raw
                        .try_call(Method::DELETE, &path.replace("{}", name), None)
                        .await;
                    // Podman 4.3.1 now and then finds a mount busy that it has just let go.
                    if status < 500 {
                        break;
                    }
                }
            }
        }
    }
}

/// Each list's calls one after another, the lists four at a time, each on a kept connection.
async fn at_once(lists: &[Vec<Call>]) {
    let next = Mutex::new(lists.iter());
    join_all((0..AT_ONCE.min(lists.len())).map(|_| async {
        let mut raw = Raw::connect().await;
        loop {
            let Some(calls) = next.lock().unwrap().next() else {
                return;
            };
            for call in calls {
                raw.call(call.method.clone(), &call.path, call.body.as_ref())
                    .await;
            }
        }
    }))
    .await;
}

/// Reads what wharf reads of a container's limits.
fn read_limits(pid: u64) {
    let groups = std::fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap_or_default();
    let path = |controller: &str| {
        let line = groups.lines().find(|l| {
            l.split(':')
                .nth(1)
                .is_some_and(|c| c.split(',').any(|c| c == controller))
        });
        let group = line.and_then(|l| l.splitn(3, ':').nth(2)).unwrap_or_default();
        if controller.is_empty() {
            format!("/sys/fs/cgroup{group}")
        } else {
            format!("/sys/fs/cgroup/{controller}{group}")
        }
    };
    let files: &[(&str, &str)] = if std::path::Path::new("/sys/fs/cgroup/cgroup.controllers").exists() {
        &[
            ("", "memory.max"),
            ("", "memory.low"),
            ("", "cpu.max"),
            ("", "pids.max"),
        ]
    } else {
        &[
            ("memory", "memory.limit_in_bytes"),
            ("memory", "memory.soft_limit_in_bytes"),
            ("cpu", "cpu.cfs_quota_us"),
            ("cpu", "cpu.cfs_period_us"),
            ("cpu", "cpu.shares"),
            ("pids", "pids.max"),
        ]
    };
    for (controller, file) in files {
        // Some machines lack a controller; wharf then reads nothing either.
        let _ = std::fs::read_to_string(format!("{}/{file}", path(controller)));
    }
}

/// The raw call for a step of a first plan.
fn call(name: &str, action: &Action) -> Call {
    match action {
        Action::Create { what, labels } => create(name, what, labels),
        Action::Start { .. } => Call::post(format!("containers/{name}/start"), None),
        other => panic!("a first plan of small workspaces has no {other:?}"),
    }
}

fn create(name: &str, what: &Creation, labels: &Labels) -> Call {
    match what {
        Creation::Network(spec) => Call::post(
            "networks/create",
            Some(json!({
                "name": name, "driver": "bridge", "labels": labels, "options": {"isolate": "true"}, "dns_enabled": spec.dns,
            })),
        ),
        Creation::Volume(_) => Call::post(
            "volumes/create",
            Some(json!({"Name": name, "Labels": labels, "Options": {}})),
        ),
        Creation::Pod(spec) => Call::post("pods/create", Some(pod(name, spec, labels))),
        Creation::Container(spec, limits) => {
            Call::post("containers/create", Some(container(name, spec, limits, labels)))
        }
    }
}

fn pod(name: &str, spec: &PodSpec, labels: &Labels) -> Value {
    let mut body = json!({
        "name": name, "labels": labels, "hostname": spec.hostname, "netns": {"nsmode": "bridge"},
        "Networks": {&spec.network: {}}, "shared_namespaces": ["net", "ipc", "uts"],
    });
    if let (Some(range), true) = (spec.uid_range, rustix::process::getuid().is_root()) {
        let map = json!([{"container_id": 0, "host_id": range.first, "size": range.count}]);
        body["userns"] = json!({"nsmode": "private"});
        body["idmappings"] =
            json!({"HostUIDMapping": false, "HostGIDMapping": false, "UIDMap": map, "GIDMap": map});
        body["shared_namespaces"] = json!(["net", "ipc", "uts", "user"]);
    }
    body
}

fn container(name: &str, spec: &ContainerSpec, limits: &Limits, labels: &Labels) -> Value {
    let memory = limits.memory.map(|b| b.0);
    let mounts: Vec<Value> = spec
        .mounts
        .iter()
        .map(|m| json!({"Name": m.volume, "Dest": m.path}))
        .collect();
    let env: BTreeMap<_, _> = spec.env.iter().cloned().collect();
    let mut body = json!({
        "name": name, "pod": spec.pod, "image": spec.image, "env": env, "labels": labels, "volumes": mounts,
        "image_volume_mode": "ignore", "init": true, "stop_timeout": spec.stop_timeout, "no_new_privileges": true,
        "cap_drop": ["all"],
        "resource_limits": {
            "memory": {"limit": memory, "swap": memory},
            "cpu": {"quota": limits.cpu.map(|c| c.0 * 100), "period": 100_000},
            "pids": {"limit": limits.pids},
        },
    });
    if let Some(entrypoint) = &spec.entrypoint {
        body["entrypoint"] = json!(entrypoint);
    }
    if let Some(command) = &spec.command {
        body["command"] = json!(command);
    }
    if let Some(directory) = &spec.working_dir {
        body["work_dir"] = json!(directory);
    }
    body
}
