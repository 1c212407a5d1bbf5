//! Goldens of every form, over plans that have everything a plan can have.

use serde_json::{Value, json};

use super::super::{
    Action, Blocked, Change, ChangeAction, FieldChange, Hold, Impact, Plan, Revision, Step, Target,
};
use super::{Look, human};
use crate::model::{EngineId, ObjectId, WorkspaceId};

fn object(text: &str) -> ObjectId {
    serde_json::from_value(match text.split_once('/') {
        Some((kind, name)) => json!({"kind": kind, "name": name}),
        None => Value::Null,
    })
    .unwrap()
}

fn workspace(text: &str) -> WorkspaceId {
    text.parse().unwrap()
}

fn change(id: &str, name: &str, action: ChangeAction, impact: Impact, reason: &str) -> Change {
    Change {
        object: object(name),
        workspace: workspace(id),
        action,
        impact,
        fields: Vec::new(),
        reason: reason.to_owned(),
        drift: None,
    }
}

fn field(path: &str, before: Value, after: Value, forces_replace: bool) -> FieldChange {
    FieldChange {
        path: path.to_owned(),
        before,
        after,
        forces_replace,
    }
}

fn remove(id: &str, name: &str, after: Vec<usize>) -> Step {
    let object = object(name);
    Step {
        workspace: workspace(id),
        action: Action::Remove {
            target: Target {
                name: object.name.clone(),
                id: Some(EngineId("id".into())),
            },
        },
        object,
        after,
    }
}

/// A plan with every action, every impact, approvals of both kinds, a conflict and a note.
fn everything() -> Plan {
    let mut replaced = change(
        "alice/api",
        "container/lab.alice.api.tools",
        ChangeAction::Replace,
        Impact::Recreate,
        "image, command, env.EDITOR changed; 120 MB written in the container outside its volumes are lost",
    );
    replaced.fields = vec![
        field("image", json!("localhost/a:1"), json!("localhost/a:2"), true),
        field(
            "command",
            json!(["/bin/sh", "-c", "while true; do sleep 3600; done"]),
            json!(null),
            true,
        ),
        field("env.EDITOR", json!(null), json!("vi \"x\" | y"), true),
    ];
    let mut resized = change(
        "alice/db",
        "container/lab.alice.db.postgres",
        ChangeAction::Update,
        Impact::Resize,
        "the kernel enforces other limits",
    );
    resized.fields = vec![field("limits.memory", json!("2Gi"), json!("4Gi"), false)];
    let mut ended = change(
        "bob/x",
        "container/lab.bob.x.tools",
        ChangeAction::Start,
        Impact::Restart,
        "it has ended with exit code 137",
    );
    ended.drift = Some(true);
    let missing = "it is missing";
    let lost = "its workspace was declared with onRemove: delete";
    let kept = "its workspace is no longer declared; the data is kept";
    let gone = "nothing declares its workspace any more";
    use ChangeAction as A;
    use Impact as I;
    Plan {
        site: "lab".parse().unwrap(),
        revision: Revision {
            commit: Some("0123456789abcdef0123456789abcdef01234567".into()),
            dirty: true,
        },
        digest: "00112233445566778899aabbccddeeff".into(),
        changes: vec![
            change("alice/api", "image/localhost/a:2", A::Create, I::None, "it is not on this machine and is pulled"),
            replaced,
            change("alice/api", "volume/lab.alice.api.cache.data", A::Create, I::None, missing),
            resized,
            change("alice/old", "volume/lab.alice.old.home", A::Delete, I::DataLoss, lost),
            change("alice/old", "volume/lab.alice.old.projects", A::Delete, I::DataLoss, lost),
            change("bob/gone", "pod/lab.bob.gone", A::Delete, I::Recreate, gone),
            change("bob/kept", "volume/lab.bob.kept.home", A::Retain, I::None, kept),
            change("bob/off", "pod/lab.bob.off", A::Stop, I::Restart, "power is off"),
            ended,
        ],
        noop: 12,
        blocked: vec![
            Blocked {
                object: object("volume/lab.alice.old.home"),
                workspace: workspace("alice/old"),
                reason: format!("its data would be lost: {lost}"),
                approve: Some("00112233445566778899aabbccddeeff".into()),
                hold: Hold::Approval,
                until: None,
            },
            Blocked {
                object: object("volume/lab.alice.old.projects"),
                workspace: workspace("alice/old"),
                reason: format!("its data would be lost: {lost}"),
                approve: Some("00112233445566778899aabbccddeeff".into()),
                hold: Hold::Approval,
                until: None,
            },
            Blocked {
                object: object("pod/lab.bob.gone"),
                workspace: workspace("bob/gone"),
                reason: "the plan removes 6 workspaces and policy.maxDeletions is 5".into(),
                approve: Some("00112233445566778899aabbccddeeff".into()),
                hold: Hold::Approval,
                until: None,
            },
            Blocked {
                object: object("network/lab.bob.new"),
                workspace: workspace("bob/new"),
                reason: "a network named lab.bob.new exists that this site does not own; rename or remove it by hand"
                    .into(),
                approve: None,
                hold: Hold::Conflict,
                until: None,
            },
        ],
        notes: vec!["--target leaves out changes of carol/x".into()],
        steps: vec![
            remove("alice/api", "container/lab.alice.api.tools", vec![]),
            remove("alice/api", "network/lab.alice.api", vec![0]),
            remove("bob/x", "container/lab.bob.x.tools", vec![]),
        ],
        seen: std::collections::BTreeMap::new(),
        moment: None,
        closes: None,
    }
}

fn nothing() -> Plan {
    let mut plan = everything();
    plan.changes.retain(|c| c.action == ChangeAction::Retain);
    plan.blocked.clear();
    plan.steps.clear();
    plan.notes.clear();
    plan.revision = Revision::default();
    plan
}

#[test]
fn people_read_what_changes_why_and_what_waits() {
    insta::assert_snapshot!(human(&everything(), Look::default()));
}

#[test]
fn colours_are_added_and_nothing_else() {
    let look = Look {
        colour: true,
        width: 80,
    };
    let coloured = human(&everything(), look);
    insta::assert_snapshot!(coloured.replace('\u{1b}', "ESC"));
    assert_eq!(
        anstream::adapter::strip_str(&coloured).to_string(),
        human(&everything(), Look::default())
    );
}

#[test]
fn lines_are_as_long_as_the_terminal() {
    for width in [80, 200] {
        let look = Look { colour: false, width };
        // What must be copied whole is never broken: an approval's command.
        for line in human(&everything(), look)
            .lines()
            .filter(|l| !l.contains("wharf apply"))
        {
            assert!(line.chars().count() <= width, "{width}: {line}");
        }
    }
}

#[test]
fn a_converged_plan_says_so() {
    insta::assert_snapshot!(human(&nothing(), Look::default()));
    insta::assert_snapshot!(super::markdown(&nothing()));
    insta::assert_snapshot!(super::dot(&nothing()));
}

#[test]
fn pipelines_read_json() {
    insta::assert_snapshot!(super::json(&everything()));
}

#[test]
fn a_merge_request_shows_the_worst_first() {
    insta::assert_snapshot!(super::markdown(&everything()));
}

#[test]
fn graphviz_gets_steps_in_clusters() {
    insta::assert_snapshot!(super::dot(&everything()));
}
