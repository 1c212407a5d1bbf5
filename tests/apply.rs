//! Plans carried out on the simulated engine: what is done, what a failure stops and what it doesn't, and that one more
//! apply always repairs it.

#![allow(clippy::unwrap_used, clippy::panic)] // a test

#[path = "support/repository.rs"]
mod repository;

use std::sync::Mutex;

use repository::{desired, engine, fault, planned, shape, workspace};
use wharf::apply::{
    ApplyReport, Cancellation, Canceller, Event, Observer, Options, Outcome, Skip, Unobserved, apply,
    cancellation,
};
use wharf::engine::simulated::{Fault, Meddling, Mishap, Moment, Script, Simulated};
use wharf::model::{DesiredState, EngineId, Kind, ObjectId};
use wharf::plan::Plan;

async fn run(engine: &Simulated, plan: &Plan) -> ApplyReport {
    run_with(engine, plan, 4).await
}

async fn run_with(engine: &Simulated, plan: &Plan, parallelism: usize) -> ApplyReport {
    let options = Options { parallelism };
    apply(engine, plan, &options, &Unobserved, Cancellation::never()).await
}

/// Plans and applies; nothing may fail, and nothing may be left.
async fn converge(engine: &Simulated, desired: &DesiredState) {
    let plan = planned(engine, desired).await;
    let report = run(engine, &plan).await;
    assert!(report.converged(), "{:#?}", report.failures().collect::<Vec<_>>());
    settled(engine, desired).await;
}

/// Nothing is left to do, and nothing was done that no correct caller does.
async fn settled(engine: &Simulated, desired: &DesiredState) {
    let again = planned(engine, desired).await;
    assert!(
        again.is_converged() && again.steps.is_empty(),
        "{:#?}",
        again.changes
    );
    assert_eq!(engine.state().unwrap().misuse, [""; 0]);
}

fn two() -> DesiredState {
    desired(&[
        workspace("alice/api", "full", ""),
        workspace("bob/web", "small", ""),
    ])
}

/// The words of everything that failed.
fn failures(report: &ApplyReport) -> Vec<String> {
    report.failures().map(|(_, f)| f.to_string()).collect()
}

fn script(engine: &Simulated, script: Script) {
    engine.edit(|state| state.scripts.push(script)).unwrap();
}

#[tokio::test]
async fn a_fresh_site_converges_and_leaves_nothing_to_do() {
    let (engine, desired) = (engine(), two());
    converge(&engine, &desired).await;
    let state = engine.state().unwrap();
    let commands: Vec<String> = state.commands.iter().map(|c| c.argv.join(" ")).collect();
    let place = |part: &str| commands.iter().position(|c| c.ends_with(part)).unwrap();
    assert!(
        place("prepare")
            < place("code  origin https://git.example.org/code main  fork https://git.example.org/fork")
    );
    assert!(place("notes  origin https://git.example.org/notes  ") < place("make one"));
    assert!(place("make two") < place("make last"));
    assert!(state.containers.keys().all(|name| !name.ends_with(".event")));
}

#[tokio::test]
async fn one_worker_and_eight_reach_the_same_state() {
    let mut shapes = Vec::new();
    for parallelism in [1, 8] {
        let (engine, desired) = (engine(), two());
        let plan = planned(&engine, &desired).await;
        assert!(run_with(&engine, &plan, parallelism).await.converged());
        settled(&engine, &desired).await;
        shapes.push(shape(&engine.state().unwrap()));
    }
    assert_eq!(shapes[0], shapes[1]);
}

#[tokio::test]
async fn no_more_mutations_are_in_flight_than_asked_for_and_no_slot_is_wasted() {
    let ids: Vec<String> = (0..12).map(|i| format!("alice/w{i}")).collect();
    let workspaces: Vec<String> = ids.iter().map(|id| workspace(id, "small", "")).collect();
    for parallelism in [1, 3, 8] {
        let engine = engine();
        engine.edit(|state| state.latency_millis = 1).unwrap();
        let plan = planned(&engine, &desired(&workspaces)).await;
        assert!(run_with(&engine, &plan, parallelism).await.converged());
        assert_eq!(engine.most_at_once(), parallelism);
    }
}

#[tokio::test]
async fn a_workspace_is_finished_before_one_much_later_begins() {
    let ids: Vec<String> = (10..40).map(|i| format!("alice/w{i}")).collect();
    let workspaces: Vec<String> = ids.iter().map(|id| workspace(id, "small", "")).collect();
    let engine = engine();
    engine.edit(|state| state.latency_millis = 1).unwrap();
    let plan = planned(&engine, &desired(&workspaces)).await;
    assert!(run(&engine, &plan).await.converged());
    let calls = engine.calls().unwrap();
    let place = |what: &str| calls.iter().position(|c| c == what).unwrap();
    assert!(place("start_container lab.alice.w10.tools") < place("create_network lab.alice.w20"));
}

/// Whatever goes wrong at whichever call: the rest goes on, and one more apply ends where no fault would have.
#[tokio::test]
async fn any_fault_at_any_call_is_repaired_by_one_more_apply() {
    let desired = two();
    let reference = engine();
    converge(&reference, &desired).await;
    let calls = reference.calls().unwrap().len() as u64;
    let reference = shape(&reference.state().unwrap());
    let mut rounds = 0;
    for at in 1..=calls {
        for when in [Moment::Before, Moment::Halfway, Moment::After] {
            for what in [Mishap::Fail, Mishap::Hang, Mishap::Unreachable, Mishap::Vanish] {
                let engine = engine();
                let plan = planned(&engine, &desired).await;
                fault(&engine, Fault::at(at, when, what.clone()));
                let report = run(&engine, &plan).await;
                let clean = report.converged();
                assert!(clean || !failures(&report).is_empty() || what == Mishap::Vanish);
                engine.edit(|state| state.faults.clear()).unwrap();
                converge(&engine, &desired).await;
                let state = engine.state().unwrap();
                assert_eq!(shape(&state), reference, "{what:?} {when:?} call {at}");
                rounds += 1;
            }
        }
    }
    assert!(rounds > 300, "{rounds}");
}

#[tokio::test]
async fn what_somebody_else_does_meanwhile_is_repaired_by_one_more_apply() {
    let desired = two();
    let object = |kind, name: &str| ObjectId::new(kind, name);
    let doings = [
        Meddling::Reboot,
        Meddling::Remove(object(Kind::Network, "lab.alice.api")),
        Meddling::Remove(object(Kind::Pod, "lab.alice.api")),
        Meddling::Remove(object(Kind::Container, "lab.alice.api.tools")),
        Meddling::Remove(object(Kind::Volume, "lab.alice.api.home")),
        Meddling::Stop(object(Kind::Container, "lab.alice.api.database")),
        Meddling::Stop(object(Kind::Pod, "lab.bob.web")),
    ];
    for at in (1..40).step_by(3) {
        for doing in &doings {
            let engine = engine();
            let plan = planned(&engine, &desired).await;
            fault(
                &engine,
                Fault::at(at, Moment::Before, Mishap::Meddle(doing.clone())),
            );
            let _ = run(&engine, &plan).await;
            engine.edit(|state| state.faults.clear()).unwrap();
            converge(&engine, &desired).await;
        }
    }
}

#[tokio::test]
async fn an_image_that_cant_be_had_fails_its_own_workspace_only() {
    let engine = engine();
    let desired = desired(&[
        workspace("alice/api", "full", ""),
        workspace("alice/gone", "absent", ""),
        workspace("bob/gone", "absent", ""),
    ]);
    let plan = planned(&engine, &desired).await;
    let report = run(&engine, &plan).await;
    let failed: Vec<String> = report
        .failures()
        .map(|(id, _)| plan.steps[id].workspace.to_string())
        .collect();
    assert_eq!(failed, ["alice/gone", "bob/gone"]);
    assert!(
        failures(&report)[0].contains("image registry.example.org/absent:1 can't be had: no registry has it")
    );
    for (step, ended) in plan.steps.iter().zip(&report.steps) {
        let gone = step.workspace.name.as_str() == "gone";
        assert!(gone || matches!(ended.outcome, Outcome::Done(None)), "{step}");
        if let Outcome::Skipped(why) = ended.outcome {
            let Skip::After(cause) = why else {
                panic!("{why:?}")
            };
            assert_eq!(plan.steps[cause].object.kind, Kind::Image);
        }
    }
    let asked = engine
        .calls()
        .unwrap()
        .into_iter()
        .filter(|c| c.starts_with("ensure_image"))
        .count();
    assert_eq!(asked, 2, "an image is asked for once, whoever needs it");
}

/// Cancels when the step of that number begins.
struct CancelAt(Canceller, Mutex<usize>);

impl Observer for CancelAt {
    fn on(&self, event: Event<'_>) {
        let mut left = self.1.lock().unwrap();
        if let (Event::Begun { .. }, true) = (event, *left > 0) {
            *left -= 1;
            if *left == 0 {
                self.0.cancel();
            }
        }
    }
}

#[tokio::test]
async fn once_cancelled_nothing_begins_and_what_has_begun_ends() {
    for at in [1, 2, 5, 9, 20] {
        let (engine, desired) = (engine(), two());
        engine.edit(|state| state.latency_millis = 1).unwrap();
        let plan = planned(&engine, &desired).await;
        let (canceller, cancelled) = cancellation();
        let observer = CancelAt(canceller, Mutex::new(at));
        let report = apply(&engine, &plan, &Options::default(), &observer, cancelled).await;
        assert!(report.interrupted && !report.converged());
        let counts = report.counts();
        assert_eq!(
            (counts.failed, counts.done + counts.skipped),
            (0, plan.steps.len())
        );
        assert!(counts.done >= at && counts.done <= at + 16, "{counts:?}");
        let skipped = report
            .steps
            .iter()
            .filter(|s| s.outcome == Outcome::Skipped(Skip::Interrupted));
        assert_eq!(skipped.count(), counts.skipped);
        converge(&engine, &desired).await;
    }
}

#[tokio::test]
async fn cancelled_before_it_begins_it_does_nothing() {
    let (engine, desired) = (engine(), two());
    let plan = planned(&engine, &desired).await;
    let (canceller, cancelled) = cancellation();
    canceller.cancel();
    let report = apply(&engine, &plan, &Options::default(), &Unobserved, cancelled).await;
    assert!(report.interrupted);
    assert_eq!(report.counts().skipped, plan.steps.len());
    assert_eq!(engine.calls().unwrap(), [""; 0]);
}

#[tokio::test]
async fn a_failing_command_is_named_with_its_last_words_and_runs_again() {
    let (engine, desired) = (engine(), two());
    let failing = Script {
        matches: "make two".to_owned(),
        exit_code: 2,
        stderr: "no https://u:secret@h rule\n".to_owned(),
        once: true,
        ..Script::default()
    };
    script(&engine, failing);
    let plan = planned(&engine, &desired).await;
    let report = run(&engine, &plan).await;
    assert_eq!(
        failures(&report),
        [
            "pod/lab.alice.api: command two in component database ended with exit code 2:\nno https://***@h rule\n\
          Correct the command in the devfile, or what it needs; the next apply runs it again."
        ]
    );
    let state = engine.state().unwrap();
    assert!(
        !state
            .commands
            .iter()
            .any(|c| c.argv.join(" ").ends_with("make last"))
    );
    assert!(!state.volumes.contains_key("lab.alice.api.post-start.mark"));
    converge(&engine, &desired).await;
}

#[tokio::test]
async fn commands_that_pass_before_a_restart_do_not_count_after_it() {
    let (engine, desired) = (engine(), two());
    let tools = ObjectId::new(Kind::Container, "lab.alice.api.tools");
    let restarts = |what| Fault {
        object: "lab.alice.api.tools".to_owned(),
        at: 4, // the two clones, then `make one` and `make last`
        ..Fault::new("exec", Moment::After, Mishap::Meddle(what))
    };
    fault(&engine, restarts(Meddling::Stop(tools.clone())));
    fault(
        &engine,
        Fault {
            object: "post-start.mark".to_owned(),
            ..Fault::new(
                "create_mark",
                Moment::Before,
                Mishap::Meddle(Meddling::Start(tools.name.clone())),
            )
        },
    );
    let plan = planned(&engine, &desired).await;
    assert!(run(&engine, &plan).await.converged());
    let again = planned(&engine, &desired).await;
    let verbs: Vec<&str> = again.steps.iter().map(|s| s.action.verb()).collect();
    assert_eq!(verbs, ["run commands in", "remove", "record"]);
    converge(&engine, &desired).await;
}

#[tokio::test]
async fn what_fails_around_a_stop_only_warns() {
    let engine = engine();
    converge(&engine, &two()).await;
    for matches in ["save it", "prepare"] {
        let failing = Script {
            matches: matches.to_owned(),
            exit_code: 1,
            once: true,
            ..Script::default()
        };
        script(&engine, failing);
    }
    let off = desired(&[
        workspace("alice/api", "full", "power: off"),
        workspace("bob/web", "small", ""),
    ]);
    let plan = planned(&engine, &off).await;
    let report = run(&engine, &plan).await;
    assert!(report.converged());
    let warnings: Vec<String> = report.warnings().map(|(_, w)| w.cause.clone()).collect();
    assert_eq!(
        warnings,
        [
            "command save in component database ended with exit code 1",
            "it ended with exit code 1"
        ]
    );
    settled(&engine, &off).await;
    assert!(
        !engine.state().unwrap().containers["lab.alice.api.tools"]
            .run
            .is_running()
    );
    converge(&engine, &two()).await;
}

#[tokio::test]
async fn a_container_without_git_is_cloned_for_by_the_tools_image() {
    let (engine, desired) = (engine(), two());
    let no_git = |container: &str| Script {
        matches: "command -v git".to_owned(),
        container: container.to_owned(),
        exit_code: 69,
        ..Script::default()
    };
    script(&engine, no_git("lab.alice.api.tools"));
    converge(&engine, &desired).await;
    let state = engine.state().unwrap();
    assert!(state.images.contains_key("registry.example.org/git:1"));
    let by: Vec<&str> = state
        .commands
        .iter()
        .filter(|c| c.argv.join(" ").contains("command -v git"))
        .map(|c| c.container.as_str())
        .collect();
    let tools = "lab.alice.api.tools";
    assert_eq!(
        by,
        [
            tools,
            "lab.alice.api.clone-code.event",
            tools,
            "lab.alice.api.clone-notes.event"
        ]
    );
    assert!(!state.containers.contains_key("lab.alice.api.clone-code.event"));

    let bare = repository::engine();
    script(&bare, no_git(""));
    let plan = planned(&bare, &desired).await;
    let report = run(&bare, &plan).await;
    let expected = "git is missing in the image of component tools, and in the tools image";
    assert!(failures(&report)[0].contains(expected), "{:?}", failures(&report));
    assert!(
        bare.state()
            .unwrap()
            .containers
            .keys()
            .all(|name| !name.ends_with(".event"))
    );
}

#[tokio::test]
async fn the_tools_image_is_left_alone_where_the_container_has_git() {
    let engine = engine();
    engine
        .edit(|state| state.pullable.remove("registry.example.org/git:1"))
        .unwrap();
    converge(&engine, &two()).await;
    assert_eq!(
        engine
            .state()
            .unwrap()
            .commands
            .iter()
            .filter(|c| c.argv.join(" ").contains("git"))
            .count(),
        2
    );
}

#[tokio::test]
async fn the_tools_image_clones_as_the_user_of_the_container() {
    let (engine, desired) = (engine(), two());
    let answer = |matches: &str, exit_code, stdout: &str| Script {
        matches: matches.to_owned(),
        container: "lab.alice.api.tools".to_owned(),
        exit_code,
        stdout: stdout.to_owned(),
        ..Script::default()
    };
    script(&engine, answer("command -v git", 69, ""));
    script(&engine, answer("id -u", 0, "1000:1001\n"));
    let stays = Fault {
        object: "clone-code.event".to_owned(),
        ..Fault::new("remove_container", Moment::Before, Mishap::Fail)
    };
    fault(&engine, stays);
    let plan = planned(&engine, &desired).await;
    assert!(!run(&engine, &plan).await.converged());
    let state = engine.state().unwrap();
    let clone = &state.containers["lab.alice.api.clone-code.event"];
    assert_eq!(clone.spec.user.as_deref(), Some("1000:1001"));
    converge(&engine, &desired).await;
}

#[tokio::test]
async fn a_clone_that_fails_says_what_git_said() {
    let (engine, desired) = (engine(), two());
    let failing = Script {
        matches: "command -v git".to_owned(),
        exit_code: 1,
        stderr: "fatal: repository 'https://me:token@git.example.org/code' not found\n".to_owned(),
        once: true,
        ..Script::default()
    };
    script(&engine, failing);
    let plan = planned(&engine, &desired).await;
    let report = run(&engine, &plan).await;
    let said = &failures(&report)[0];
    let expected =
        "project code can't be fetched:\nfatal: repository 'https://***@git.example.org/code' not found";
    assert!(said.contains(expected), "{said}");
    converge(&engine, &desired).await;
}

#[tokio::test]
async fn a_container_that_fails_at_an_event_says_why_and_goes() {
    let (engine, desired) = (engine(), two());
    let failing = Script {
        matches: "prepare".to_owned(),
        exit_code: 7,
        stdout: "out of prepared things\n".to_owned(),
        once: true,
        ..Script::default()
    };
    script(&engine, failing);
    let plan = planned(&engine, &desired).await;
    let report = run(&engine, &plan).await;
    let said = &failures(&report)[0];
    assert!(
        said.contains("it ended with exit code 7:\nout of prepared things"),
        "{said}"
    );
    let state = engine.state().unwrap();
    assert!(!state.containers.contains_key("lab.alice.api.ready.event"));
    assert!(!state.containers["lab.alice.api.tools"].run.is_running());
    assert!(state.containers["lab.bob.web.tools"].run.is_running());
    converge(&engine, &desired).await;
}

#[tokio::test]
async fn a_step_on_another_incarnation_than_the_plan_saw_fails_and_touches_nothing() {
    let engine = engine();
    converge(&engine, &two()).await;
    let plan = planned(&engine, &desired(&[workspace("alice/api", "full", "")])).await;
    let impostor = engine
        .edit(|state| {
            let container = state.containers.get_mut("lab.bob.web.tools").unwrap();
            container.id = EngineId("another".to_owned());
            container.clone()
        })
        .unwrap();
    let report = run(&engine, &plan).await;
    assert!(!report.converged());
    assert!(failures(&report)[0].contains("Something changed after the plan was made"));
    let now = engine.state().unwrap().containers["lab.bob.web.tools"].clone();
    assert_eq!((now.id, now.spec), (impostor.id, impostor.spec));
}

#[tokio::test]
async fn removal_keeps_the_data_and_moving_takes_it_along() {
    let engine = engine();
    converge(&engine, &two()).await;
    let write = |state: &mut wharf::engine::simulated::State| {
        let home = state.volumes.get_mut("lab.alice.api.home").unwrap();
        home.files.insert("notes".to_owned(), "mine".to_owned());
    };
    engine.edit(write).unwrap();
    let moved = desired(&[workspace("bob/own", "full", "movedFrom: alice/api")]);
    converge(&engine, &moved).await;
    let state = engine.state().unwrap();
    assert_eq!(state.volumes["lab.bob.own.home"].files["notes"], "mine");
    assert!(!state.volumes.contains_key("lab.alice.api.home"));
    assert!(
        state.volumes.contains_key("lab.bob.web.home") || !state.containers.contains_key("lab.bob.web.tools")
    );
    assert!(!state.networks.contains_key("lab.bob.web"));
}

#[tokio::test]
async fn a_resize_touches_limits_only() {
    let engine = engine();
    converge(&engine, &desired(&[workspace("bob/web", "small", "")])).await;
    let before = engine.state().unwrap();
    let big = desired(&[workspace("bob/web", "small", "class: big")]);
    converge(&engine, &big).await;
    let after = engine.state().unwrap();
    assert_eq!(
        after.calls[before.calls.len()..],
        ["set_limits lab.bob.web.tools"]
    );
    assert_eq!(
        before.containers["lab.bob.web.tools"].id,
        after.containers["lab.bob.web.tools"].id
    );
}

/// What an observer is told: each step's beginning and end, once.
#[derive(Default)]
struct Told(Mutex<Vec<(usize, &'static str)>>);

impl Observer for Told {
    fn on(&self, event: Event<'_>) {
        let told = match event {
            Event::Begun { id, .. } => (id, "begun"),
            Event::Progress { id, .. } => (id, "progress"),
            Event::Ended { id, .. } => (id, "ended"),
        };
        self.0.lock().unwrap().push(told);
    }
}

#[tokio::test]
async fn an_observer_hears_of_every_step() {
    let (engine, desired) = (engine(), two());
    let plan = planned(&engine, &desired).await;
    let told = Told::default();
    let report = apply(&engine, &plan, &Options::default(), &told, Cancellation::never()).await;
    assert!(report.converged());
    let told = told.0.into_inner().unwrap();
    for id in 0..plan.steps.len() {
        let of: Vec<&str> = told
            .iter()
            .filter(|(i, _)| *i == id)
            .map(|(_, what)| *what)
            .collect();
        let image = plan.steps[id].object.kind == Kind::Image;
        let expected: &[&str] = if image {
            &["begun", "progress", "ended"]
        } else {
            &["begun", "ended"]
        };
        assert_eq!(of, expected, "{}", plan.steps[id]);
    }
}
