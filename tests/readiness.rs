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
use wharf::plan::Plan;

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
    let expected = "is it up fails:\nthe last look was not through after 1 s";
    assert!(failed[0].contains(expected), "{failed:?}");
}
