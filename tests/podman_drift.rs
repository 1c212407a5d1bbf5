//! What somebody does behind wharf's back, on real Podman: reported where the Site says so, and repaired where it does not.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods
)] // a test may panic and reach out

#[path = "support/client.rs"]
mod client;
#[path = "support/labelled.rs"]
mod labelled;
#[path = "support/machine.rs"]
mod machine;
#[path = "support/raw.rs"]
mod raw;
#[path = "support/site.rs"]
mod site;

use client::{podman, remove_by_hand};
use machine::enforces_limits;
use serde_json::Value;
use site::Site;

/// The objects of a plan's list, sorted, without the site's name.
fn objects(site: &Site, list: &Value, which: impl Fn(&Value) -> bool) -> Vec<String> {
    let stem = format!("{}.", site.name);
    let all = list.as_array().unwrap().iter().filter(|entry| which(entry));
    let mut names: Vec<String> = all
        .map(|entry| entry["object"].as_str().unwrap().replace(&stem, ""))
        .collect();
    names.sort();
    names
}

#[test]
fn drift_is_reported_and_a_commit_is_made_until_it_is_to_be_repaired() {
    let site = Site::new("drift");
    site.site("  drift: report\n");
    for name in ["api", "db", "web"] {
        site.plain("alice", name, "one");
    }
    site.commit("first");
    site.apply();
    site.converged();

    remove_by_hand(&["rm", "-f", "-t", "0", &site.name("alice.api.tools")]);
    let web = site.name("alice.web.tools");
    podman(&["update", "--memory", "256m", "--memory-swap", "256m", &web]);
    let mut drifted = vec!["container/alice.api.tools"];
    // Where nothing enforces limits, other ones are no difference.
    drifted.extend(enforces_limits().then_some("container/alice.web.tools"));
    let plan = site.plan();
    let own = |entry: &Value| entry["object"].as_str().unwrap().starts_with("container/");
    assert_eq!(
        objects(&site, &plan["changes"], |c| own(c) && c["drift"] == true),
        drifted,
        "{plan:#}"
    );
    assert_eq!(
        objects(&site, &plan["blocked"], |b| b["hold"] == "drift"),
        drifted,
        "{plan:#}"
    );
    let before = site.containers();
    assert_eq!(site.run(&["apply", "--yes"]).status.code(), Some(1));
    assert_eq!(site.containers(), before, "nothing is repaired");

    site.plain("alice", "db", "two");
    site.commit("second");
    assert_eq!(site.run(&["apply", "--yes"]).status.code(), Some(1));
    assert_eq!(
        site.shell("alice/db", "echo $MARK"),
        "two",
        "a commit is carried out"
    );
    assert!(!site.containers().contains_key(&site.name("alice.api.tools")));

    site.site("  drift: repair\n");
    site.commit("third");
    site.apply();
    site.converged();
    assert_eq!(site.shell("alice/api", "echo $MARK"), "one");
    assert_eq!(
        site.containers().get(&web),
        before.get(&web),
        "limits change in place"
    );
}
