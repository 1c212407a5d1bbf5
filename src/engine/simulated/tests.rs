//! What only the simulated engine does: its file, its faults, its strictness. What it shares with Podman is in
//! `tests/contract/`.

#![allow(clippy::disallowed_methods)] // files and a child process

use super::*;
use crate::engine::{Create, Engine, EngineError, ExecRequest, VolumeRef};
use crate::model::{
    ContainerSpec, EngineId, Identity, Kind, Labels, Limits, Mount, NetworkSpec, Ownership, PodSpec, Role,
    Spec, VolumeSpec,
};

const NAME: &str = "lab.alice.api";
const TOOLS: &str = "lab.alice.api.tools";
const HOME: &str = "lab.alice.api.home";

fn labels(role: Role, spec: &Spec) -> Labels {
    let owner = Ownership {
        site: "lab".parse().unwrap(),
        workspace: "alice/api".parse().unwrap(),
        role,
        identity: Identity::of(spec),
        commit: None,
        subject: None,
        stop_hooks: None,
    };
    owner.to_labels()
}

async fn network(engine: &Simulated) -> Result<EngineId> {
    let (spec, labels) = (NetworkSpec::default(), Labels::new());
    let network = Create {
        name: NAME,
        spec: &spec,
        labels: &labels,
    };
    engine.create_network(network).await
}

async fn volume(engine: &Simulated, name: &str) -> Result<EngineId> {
    let (spec, labels) = (VolumeSpec::default(), Labels::new());
    let volume = Create {
        name,
        spec: &spec,
        labels: &labels,
    };
    engine.create_volume(volume).await
}

async fn pod(engine: &Simulated) -> Result<EngineId> {
    let spec = PodSpec {
        network: NAME.to_owned(),
        ..PodSpec::default()
    };
    let pod = Create {
        name: NAME,
        spec: &spec,
        labels: &Labels::new(),
    };
    engine.create_pod(pod).await
}

async fn container(engine: &Simulated, name: &str, role: Role, command: &str) -> Result<EngineId> {
    let spec = ContainerSpec {
        pod: NAME.to_owned(),
        image: "localhost/tools:1".to_owned(),
        command: Some(vec![command.to_owned()]),
        mounts: vec![Mount {
            volume: HOME.to_owned(),
            path: "/home/user".to_owned(),
        }],
        ..ContainerSpec::default()
    };
    let labels = labels(role, &Spec::Container(spec.clone()));
    let container = Create {
        name,
        spec: &spec,
        labels: &labels,
    };
    engine.create_container(container, &Limits::default()).await
}

/// A workspace with a running container; returns the container's id.
async fn workspace(engine: &Simulated) -> EngineId {
    engine
        .edit(|state| {
            state
                .images
                .insert("localhost/tools:1".to_owned(), EngineId("image-a".to_owned()))
        })
        .unwrap();
    network(engine).await.unwrap();
    volume(engine, HOME).await.unwrap();
    pod(engine).await.unwrap();
    let id = container(engine, TOOLS, Role::Component("tools".to_owned()), "sleep")
        .await
        .unwrap();
    engine.start_container(&id, &Limits::default()).await.unwrap();
    id
}

fn fault(engine: &Simulated, fault: Fault) {
    engine.edit(|state| state.faults.push(fault)).unwrap();
}

fn command(argv: &[&str]) -> ExecRequest {
    ExecRequest {
        argv: argv.iter().map(|a| (*a).to_owned()).collect(),
        ..ExecRequest::default()
    }
}

#[test]
fn the_documented_file_is_an_engine() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("engine.json");
    std::fs::write(&path, include_str!("example.json")).unwrap();
    let state = Simulated::open(&path).unwrap().state().unwrap();
    assert_eq!(state.faults.len(), 8);
    assert_eq!(state.volumes[HOME].files[".bashrc"], "alias l=ls");
}

#[test]
fn a_file_that_is_no_engine_is_an_error_and_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("engine.json");
    std::fs::write(&path, r#"{"volums": {}}"#).unwrap();
    let error = Simulated::open(&path).err().unwrap().to_string();
    assert!(error.contains("volums"), "{error}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), r#"{"volums": {}}"#);
}

#[tokio::test]
async fn a_pod_and_a_container_share_one_name_space_as_on_podman_4() {
    let engine = Simulated::in_memory();
    workspace(&engine).await;
    let taken = container(&engine, NAME, Role::Component("tools".to_owned()), "sleep").await;
    assert!(matches!(taken, Err(EngineError::Conflict(_))), "{taken:?}");
}

#[tokio::test]
async fn two_handles_on_one_file_see_each_others_changes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("engine.json");
    let (one, other) = (Simulated::open(&path).unwrap(), Simulated::open(&path).unwrap());
    network(&one).await.unwrap();
    assert!(matches!(network(&other).await, Err(EngineError::Conflict(_))));
    assert_eq!(one.state().unwrap(), other.state().unwrap());
    assert_eq!(
        std::fs::read_dir(folder.path()).unwrap().count(),
        1,
        "no temporary file stays"
    );
}

#[tokio::test]
async fn calls_are_recorded_and_reads_are_not() {
    let engine = Simulated::in_memory();
    workspace(&engine).await;
    engine.observe(&"lab".parse().unwrap()).await.unwrap();
    let expected = [
        "create_network lab.alice.api",
        "create_volume lab.alice.api.home",
        "create_pod lab.alice.api",
        "create_container lab.alice.api.tools",
        "start_container lab.alice.api.tools",
    ];
    assert_eq!(engine.calls().unwrap(), expected);
}

#[tokio::test]
async fn nothing_is_created_on_the_side() {
    let engine = Simulated::in_memory();
    assert!(matches!(pod(&engine).await, Err(EngineError::NotFound(_))));
    network(&engine).await.unwrap();
    pod(&engine).await.unwrap();
    engine
        .edit(|state| {
            state
                .images
                .insert("localhost/tools:1".to_owned(), EngineId("image-a".to_owned()))
        })
        .unwrap();
    let created = container(&engine, TOOLS, Role::Component("tools".to_owned()), "sleep").await;
    assert!(matches!(created, Err(EngineError::NotFound(what)) if what.contains(HOME)));
    assert!(engine.state().unwrap().volumes.is_empty());
}

#[tokio::test]
async fn labels_that_describe_something_else_are_refused() {
    let engine = Simulated::in_memory();
    let labels = labels(
        Role::Home,
        &Spec::Volume(VolumeSpec {
            ephemeral: true,
            size: None,
        }),
    );
    let spec = VolumeSpec::default();
    let volume = Create {
        name: HOME,
        spec: &spec,
        labels: &labels,
    };
    assert!(matches!(
        engine.create_volume(volume).await,
        Err(EngineError::Failed { .. })
    ));
}

#[tokio::test]
async fn two_mutations_of_one_object_at_the_same_time_are_misuse() {
    let engine = Simulated::in_memory();
    let id = workspace(&engine).await;
    let (one, other) = tokio::join!(engine.stop_container(&id), engine.stop_container(&id));
    assert!(one.is_ok() && other.is_err());
    assert_eq!(engine.state().unwrap().misuse.len(), 1);
    engine.stop_container(&id).await.unwrap();
    let (one, other) = tokio::join!(volume(&engine, "a"), volume(&engine, "b"));
    assert!(one.is_ok() && other.is_ok());
    assert_eq!(engine.most_at_once(), 2);
}

#[tokio::test]
async fn a_fault_strikes_once_before_or_after_the_effect() {
    let engine = Simulated::in_memory();
    fault(
        &engine,
        Fault::new("create_network", Moment::Before, Mishap::Fail),
    );
    network(&engine).await.unwrap_err();
    assert!(engine.state().unwrap().networks.is_empty());
    fault(&engine, Fault::at(1, Moment::After, Mishap::Fail));
    network(&engine).await.unwrap_err();
    assert!(engine.state().unwrap().networks.contains_key(NAME));
    volume(&engine, HOME).await.unwrap();
}

#[tokio::test]
async fn a_fault_counts_the_calls_that_it_names() {
    let engine = Simulated::in_memory();
    let mut second = Fault::at(2, Moment::Before, Mishap::Fail);
    second.object = "home".to_owned();
    second.repeats = true;
    fault(&engine, second);
    let mut outcomes = Vec::new();
    for name in ["x.home", "x", "y.home", "y", "z.home"] {
        outcomes.push(volume(&engine, name).await.is_ok());
    }
    assert_eq!(outcomes, [true, true, false, true, false]);
}

#[tokio::test]
async fn a_call_that_hangs_times_out_and_may_have_taken_effect() {
    let engine = Simulated::in_memory();
    fault(&engine, Fault::new("create_network", Moment::After, Mishap::Hang));
    assert!(matches!(network(&engine).await, Err(EngineError::Timeout { .. })));
    assert!(engine.state().unwrap().networks.contains_key(NAME));
}

#[tokio::test]
async fn an_engine_that_is_gone_does_not_even_observe() {
    let engine = Simulated::in_memory();
    fault(
        &engine,
        Fault::new("observe", Moment::Before, Mishap::Unreachable),
    );
    let site = "lab".parse().unwrap();
    assert!(matches!(
        engine.observe(&site).await,
        Err(EngineError::Unreachable { .. })
    ));
    assert!(engine.observe(&site).await.is_ok());
}

#[tokio::test]
async fn an_object_may_vanish_under_a_call() {
    let engine = Simulated::in_memory();
    let id = workspace(&engine).await;
    fault(
        &engine,
        Fault::new("stop_container", Moment::Before, Mishap::Vanish),
    );
    assert!(matches!(
        engine.stop_container(&id).await,
        Err(EngineError::NotFound(_))
    ));
}

#[tokio::test]
async fn a_start_cut_short_leaves_the_limits_of_creation() {
    let engine = Simulated::in_memory();
    let id = workspace(&engine).await;
    engine.stop_container(&id).await.unwrap();
    fault(
        &engine,
        Fault::new("start_container", Moment::Halfway, Mishap::Fail),
    );
    let limits = Limits {
        pids: Some(7),
        ..Limits::default()
    };
    engine.start_container(&id, &limits).await.unwrap_err();
    let enforced = |engine: &Simulated| engine.state().unwrap().containers[TOOLS].enforced.unwrap().pids;
    assert_eq!(enforced(&engine), crate::model::observed::Reading::Unlimited);
    engine.start_container(&id, &limits).await.unwrap();
    assert_eq!(enforced(&engine), crate::model::observed::Reading::Value(7));
}

#[tokio::test]
async fn somebody_else_removes_what_needs_an_object_with_it() {
    let engine = Simulated::in_memory();
    workspace(&engine).await;
    engine
        .meddle(&Meddling::Remove(ObjectId::new(Kind::Network, NAME)))
        .unwrap();
    let state = engine.state().unwrap();
    assert!(state.pods.is_empty() && state.containers.is_empty());
    assert!(state.volumes.contains_key(HOME));
}

#[tokio::test]
async fn a_name_that_somebody_else_took_is_foreign() {
    let engine = Simulated::in_memory();
    let object = ObjectId::new(Kind::Container, NAME);
    engine.meddle(&Meddling::AddForeign(object.clone())).unwrap();
    network(&engine).await.unwrap();
    assert!(matches!(pod(&engine).await, Err(EngineError::Conflict(_))));
    let observed = engine.observe(&"lab".parse().unwrap()).await.unwrap();
    assert!(observed.foreign.contains(&object));
}

#[tokio::test]
async fn nothing_runs_after_a_reboot() {
    let engine = Simulated::in_memory();
    let id = workspace(&engine).await;
    engine.meddle(&Meddling::Reboot).unwrap();
    let state = engine.state().unwrap();
    assert!(!state.pods[NAME].infra.is_running() && !state.containers[TOOLS].run.is_running());
    engine.start_container(&id, &Limits::default()).await.unwrap();
}

#[tokio::test]
async fn a_scripted_command_writes_into_the_volume_that_its_container_mounts() {
    let engine = Simulated::in_memory();
    let id = workspace(&engine).await;
    let clone = Script {
        matches: "git clone".to_owned(),
        exit_code: 3,
        writes: [("/home/user/api/HEAD".to_owned(), "main".to_owned())].into(),
        once: true,
        ..Script::default()
    };
    engine.edit(|state| state.scripts.push(clone)).unwrap();
    let session = engine
        .exec(&id, &command(&["git", "clone", "URL"]))
        .await
        .unwrap();
    assert_eq!(session.exit.await.unwrap().unwrap(), 3);
    let session = engine
        .exec(&id, &command(&["git", "clone", "URL"]))
        .await
        .unwrap();
    assert_eq!(session.exit.await.unwrap().unwrap(), 0);
    let state = engine.state().unwrap();
    assert_eq!(state.volumes[HOME].files["api/HEAD"], "main");
    assert_eq!(state.commands.len(), 2);
    assert_eq!(state.commands[0].argv, ["git", "clone", "URL"]);
}

#[tokio::test]
async fn a_container_for_an_event_ends_at_once_with_what_is_scripted() {
    let engine = Simulated::in_memory();
    workspace(&engine).await;
    let script = Script {
        matches: "migrate".to_owned(),
        exit_code: 5,
        stdout: "migrated\n".to_owned(),
        ..Script::default()
    };
    engine.edit(|state| state.scripts.push(script)).unwrap();
    let name = "lab.alice.api.init.event";
    let id = container(&engine, name, Role::Event("init".to_owned()), "migrate")
        .await
        .unwrap();
    engine.start_container(&id, &Limits::default()).await.unwrap();
    assert_eq!(engine.wait_container(&id, 1).await.unwrap(), 5);
    assert_eq!(engine.state().unwrap().containers[name].log, "migrated\n");
}

#[tokio::test]
async fn a_move_cut_short_is_completed_by_repeating_it() {
    let engine = Simulated::in_memory();
    let from = volume(&engine, "from").await.unwrap();
    let to = volume(&engine, "to").await.unwrap();
    let files = [("a", "1"), ("b", "2"), ("c", "3")].map(|(p, t)| (p.to_owned(), t.to_owned()));
    engine
        .edit(|state| state.volumes.get_mut("from").unwrap().files = files.clone().into())
        .unwrap();
    fault(&engine, Fault::new("move_data", Moment::Halfway, Mishap::Fail));
    let refer = |name, id| VolumeRef { name, id };
    engine
        .move_data(refer("from", &from), refer("to", &to), None)
        .await
        .unwrap_err();
    assert_eq!(engine.state().unwrap().volumes["from"].files.len(), 2);
    engine
        .move_data(refer("from", &from), refer("to", &to), None)
        .await
        .unwrap();
    let state = engine.state().unwrap();
    assert!(state.volumes["from"].files.is_empty());
    assert_eq!(state.volumes["to"].files, files.into());
}

#[tokio::test]
async fn a_copy_cut_short_leaves_nothing_and_is_completed_by_repeating_it() {
    let engine = Simulated::in_memory();
    let from = volume(&engine, "from").await.unwrap();
    let to = volume(&engine, "to").await.unwrap();
    let files = [("a", "1"), ("b", "2")].map(|(p, t)| (p.to_owned(), t.to_owned()));
    engine
        .edit(|state| state.volumes.get_mut("from").unwrap().files = files.clone().into())
        .unwrap();
    let refer = |name, id| VolumeRef { name, id };
    let copied = || engine.copy_data(refer("from", &from), refer("to", &to), None);
    let there = || engine.state().unwrap().volumes["to"].files.len();
    fault(&engine, Fault::new("copy_data", Moment::Halfway, Mishap::Fail));
    copied().await.unwrap_err();
    assert_eq!(there(), 0);
    fault(&engine, Fault::new("copy_data", Moment::After, Mishap::Fail));
    copied().await.unwrap_err();
    assert_eq!(there(), 2);
    copied().await.unwrap();
    let state = engine.state().unwrap();
    assert_eq!(state.volumes["to"].files, files.clone().into());
    assert_eq!(state.volumes["from"].files, files.into());
}

#[tokio::test]
async fn images_come_from_registries_that_have_them_and_builds_that_pass() {
    use crate::model::spec::ContextFile;
    use crate::model::{ImageSource, ImageSpec};
    let engine = Simulated::in_memory();
    engine
        .edit(|state| state.pullable.insert("r.example/a:1".to_owned()))
        .unwrap();
    let build = |text: &str| ImageSource::Build {
        containerfile: "Containerfile".to_owned(),
        context: vec![ContextFile {
            path: "Containerfile".to_owned(),
            executable: false,
            content: text.as_bytes().into(),
        }],
        args: Vec::new(),
    };
    let cases = [
        ("r.example/a:1", ImageSource::Pull, true),
        ("r.example/b:1", ImageSource::Pull, false),
        ("localhost/c:1", build("FROM a"), true),
        ("localhost/d:1", build("FROM a\nRUN FAIL"), false),
    ];
    for (reference, source, works) in cases {
        let reference = reference.to_owned();
        let image = ImageSpec {
            reference: reference.clone(),
            source,
        };
        let had = engine.ensure_image(&image, &Labels::new(), &|_| {}).await;
        assert_eq!(had.is_ok(), works, "{reference}");
        assert!(works || matches!(had, Err(EngineError::Image { .. })));
        assert_eq!(engine.state().unwrap().images.contains_key(&reference), works);
    }
}

/// Runs the test named `name` of this very binary with `path` in its environment and returns whether it was killed.
fn killed_in_child(name: &str, path: &std::path::Path) -> bool {
    use std::os::unix::process::ExitStatusExt as _;
    let status = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name])
        .env("SIMULATED_ENGINE", path)
        .stdout(std::process::Stdio::null())
        .status()
        .unwrap();
    status.signal() == Some(9)
}

#[test]
fn a_kill_leaves_the_file_of_before_or_after_the_call() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    if let Some(path) = std::env::var_os("SIMULATED_ENGINE") {
        let engine = Simulated::open(std::path::Path::new(&path)).unwrap();
        let _ = runtime.block_on(network(&engine));
        return;
    }
    let name = "engine::simulated::tests::a_kill_leaves_the_file_of_before_or_after_the_call";
    for (when, there) in [(Moment::Before, false), (Moment::After, true)] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("engine.json");
        let engine = Simulated::open(&path).unwrap();
        fault(&engine, Fault::at(1, when, Mishap::Kill));
        assert!(killed_in_child(name, &path));
        assert_eq!(engine.state().unwrap().networks.contains_key(NAME), there);
        assert!(!killed_in_child(name, &path), "it strikes once");
    }
}
