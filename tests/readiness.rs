//! Containers that say when they are ready, on the simulated engine: what waits for them, and what an apply makes of one
//! that is not ready.

#![allow(clippy::unwrap_used, clippy::disallowed_methods)] // a test with a clock

#[path = "support/repository.rs"]
mod repository;

use std::time::{Duration, Instant};

use repository::{SITE, desired_of, engine, fault, planned, workspace};
use wharf::apply::{ApplyReport, Cancellation, Options, Unobserved, apply};
use wharf::document::Files;
use wharf::engine::simulated::{Fault, Meddling, Mishap, Moment, Script, Simulated};
use wharf::model::{DesiredState, Kind, ObjectId};
use wharf::plan::{Action, Plan};

/// A workspace `alice/api` of these components: name, attributes, what else its container has.
fn site(components: &[(&str, &str, &str)], rest: &str) -> DesiredState {
    let components: String = components
        .iter()
        .map(|(name, attributes, more)| {
            format!(
                "  - name: {name}\n    attributes: {{{attributes}}}\n    container: {{image: 'localhost/tools:1'{more}}}\n"
            )
        })
        .collect();
    let devfile = format!("schemaVersion: 2.2.2\ncomponents:\n{components}{rest}");
    desired_of(&Files::of([
        ("wharf.yaml", SITE),
        ("workspaces.yaml", &workspace("alice/api", "app", "")),
        ("devfiles/app.yaml", &devfile),
    ]))
}

const CHECK: &str = "wharf.dev/health-check: {command: is it up, timeout: 1}";
const PORT: &str = ", endpoints: [{name: web, targetPort: 8000}]";
const SEED: &str =
    "commands: [{id: seed, exec: {component: app, commandLine: seed}}]\nevents: {postStart: [seed]}\n";

fn answers(engine: &Simulated, script: &Script) {
    engine.edit(|state| state.scripts = vec![script.clone()]).unwrap();
}

fn not_up() -> Script {
    Script {
        matches: "is it up".to_owned(),
        exit_code: 1,
        stderr: "no".to_owned(),
        ..Script::default()
    }
}

async fn run(engine: &Simulated, plan: &Plan) -> ApplyReport {
    apply(
        engine,
        plan,
        &Options::default(),
        &Unobserved,
        Cancellation::never(),
    )
    .await
}

/// What fails in one apply.
async fn failures(engine: &Simulated, desired: &DesiredState) -> Vec<String> {
    let plan = planned(engine, desired).await;
    let report = run(engine, &plan).await;
    assert!(!report.outdated());
    report.failures().map(|(_, f)| f.to_string()).collect()
}

async fn converge(engine: &Simulated, desired: &DesiredState) {
    assert_eq!(failures(engine, desired).await, [""; 0]);
    let again = planned(engine, desired).await;
    assert!(
        again.is_converged() && again.steps.is_empty(),
        "{:#?}",
        again.changes
    );
}

/// How often a command ran that contains `part`.
fn runs(engine: &Simulated, part: &str) -> usize {
    let commands = engine.state().unwrap().commands;
    commands
        .iter()
        .filter(|c| c.argv.join(" ").contains(part))
        .count()
}

/// The place of a start in a plan.
fn start(plan: &Plan, component: &str) -> usize {
    let name = format!("lab.alice.api.{component}");
    let starts = |action: &Action| matches!(action, Action::Start { .. });
    plan.steps
        .iter()
        .position(|s| starts(&s.action) && s.object.name == name)
        .unwrap()
}

#[tokio::test]
async fn a_check_that_failed_is_made_again_before_the_post_start_commands_run() {
    let (engine, desired) = (engine(), site(&[("app", CHECK, "")], SEED));
    answers(&engine, &not_up());
    for _ in 0..2 {
        let failed = failures(&engine, &desired).await;
        assert_eq!(
            failed,
            [
                "container/lab.alice.api.app: component app is not ready after 1 s of waiting: is it up fails:\nno\n\
                 wharf logs shows what it wrote; correct it or its wharf.dev/health-check, and apply again."
            ]
        );
        assert_eq!(runs(&engine, "seed"), 0);
    }
    answers(&engine, &Script::default());
    converge(&engine, &desired).await;
    assert_eq!(runs(&engine, "seed"), 1);
}

#[tokio::test]
async fn a_check_that_nobody_waits_for_is_not_forgotten_either() {
    let (engine, desired) = (engine(), site(&[("app", CHECK, "")], ""));
    answers(&engine, &not_up());
    for _ in 0..2 {
        assert_eq!(failures(&engine, &desired).await.len(), 1);
    }
    answers(&engine, &Script::default());
    converge(&engine, &desired).await;
    // Another check, or another start, is another question.
    let other = site(
        &[("app", "wharf.dev/health-check: {command: is it well}", "")],
        "",
    );
    converge(&engine, &other).await;
    assert_eq!(runs(&engine, "is it well"), 1);
    let app = ObjectId::new(Kind::Container, "lab.alice.api.app");
    engine.meddle(&Meddling::Stop(app)).unwrap();
    converge(&engine, &other).await;
    assert_eq!(runs(&engine, "is it well"), 2);
}

#[tokio::test]
async fn a_check_is_not_forgotten_when_the_commands_fail_after_it_passed() {
    let (engine, desired) = (engine(), site(&[("app", CHECK, "")], SEED));
    let failing = Script {
        matches: "seed".to_owned(),
        exit_code: 1,
        ..Script::default()
    };
    answers(&engine, &failing);
    assert_eq!(failures(&engine, &desired).await.len(), 1);
    answers(&engine, &not_up());
    assert!(failures(&engine, &desired).await[0].contains("is not ready"));
    assert_eq!(runs(&engine, "seed"), 1);
}

#[tokio::test]
async fn the_main_container_goes_before_all_but_those_that_it_waits_for() {
    let waits = |name: &str| format!("wharf.dev/depends-on: {name}");
    let (cache, database) = (waits("cache"), waits("database"));
    let components = [
        ("app", database.as_str(), ""),
        ("a-tool", "", ""),
        ("a-user", cache.as_str(), ""),
        ("cache", "", ""),
        ("database", cache.as_str(), ""),
    ];
    let (engine, desired) = (engine(), site(&components, ""));
    let plan = planned(&engine, &desired).await;
    let of = |component: &str| start(&plan, component);
    assert!(of("cache") < of("database") && of("database") < of("app"));
    for later in ["a-tool", "a-user"] {
        assert!(plan.steps[of(later)].after.contains(&of("app")), "{later}");
    }
    converge(&engine, &desired).await;
}

#[tokio::test]
async fn a_container_that_ends_is_not_waited_for() {
    let port = "wharf.dev/health-check: {endpoint: web, timeout: 3600}";
    let command = "wharf.dev/health-check: {command: is it up, timeout: 3600}";
    for (check, call) in [(port, "dial"), (command, "exec")] {
        let (engine, desired) = (engine(), site(&[("app", check, PORT)], ""));
        engine.edit(|state| state.closed_ports.insert(8000)).unwrap();
        answers(&engine, &not_up());
        let app = ObjectId::new(Kind::Container, "lab.alice.api.app");
        let ends = Mishap::Meddle(Meddling::Stop(app));
        fault(&engine, Fault::new(call, Moment::After, ends));
        let failed = failures(&engine, &desired).await;
        assert_eq!(
            failed,
            [
                "container/lab.alice.api.app: component app ended before it was ready: container lab.alice.api.app does \
                 not run\nwharf logs shows what it wrote; correct it, and apply again."
            ]
        );
    }
}

#[tokio::test]
async fn a_check_that_hangs_takes_no_longer_than_it_may() {
    let (engine, desired) = (engine(), site(&[("app", CHECK, "")], ""));
    let hanging = Script {
        hangs: true,
        ..not_up()
    };
    answers(&engine, &hanging);
    let begin = Instant::now();
    let failed = failures(&engine, &desired).await;
    assert!(begin.elapsed() < Duration::from_secs(10));
    let expected = "is it up fails:\nit was not through after 5 s";
    assert!(failed[0].contains(expected), "{failed:?}");
}
