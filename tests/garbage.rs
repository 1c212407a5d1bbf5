//! What may go and what stays: the rules of `wharf gc`, on values.

#![allow(clippy::unwrap_used, clippy::panic)] // a test

#[path = "support/repository.rs"]
mod repository;

use std::collections::BTreeMap;

use repository::{desired, engine, planned, workspace};
use wharf::apply::{Cancellation, Options, Unobserved, apply};
use wharf::engine::Engine as _;
use wharf::engine::simulated::Simulated;
use wharf::model::labels::{SITE, WORKSPACE};
use wharf::model::{DesiredState, EngineId, Kind, Labels, Seconds, StoredImage, WorkspaceId};
use wharf::plan::{Garbage, Look, garbage};

const DAY: i64 = 86_400;
const NOW: i64 = 1_800_000_000;

/// One engine, what its repository declares, and what is asked.
struct Case {
    engine: Simulated,
    desired: DesiredState,
    images: Vec<StoredImage>,
    removed: BTreeMap<WorkspaceId, i64>,
    retain: Option<Seconds>,
    older_than: Option<Seconds>,
    at_hand: bool,
}

impl Case {
    /// alice/api and bob/web were applied, and then the repository declares `now`.
    async fn new(now: &[String]) -> Self {
        let engine = engine();
        let before = [
            workspace("alice/api", "small", ""),
            workspace("bob/web", "full", ""),
        ];
        let case = Self {
            engine,
            desired: desired(&before),
            images: Vec::new(),
            removed: BTreeMap::new(),
            retain: None,
            older_than: None,
            at_hand: true,
        };
        case.apply().await;
        let desired = desired(now);
        Self { desired, ..case }
    }

    /// The same where alice/api is removed since `days`.
    async fn without_api(days: i64) -> Self {
        let mut case = Self::new(&[workspace("bob/web", "full", "")]).await;
        case.apply().await;
        case.removed = BTreeMap::from([("alice/api".parse().unwrap(), NOW - days * DAY)]);
        case
    }

    async fn apply(&self) {
        let plan = planned(&self.engine, &self.desired).await;
        let options = Options { parallelism: 1 };
        let report = apply(&self.engine, &plan, &options, &Unobserved, Cancellation::never()).await;
        assert!(report.converged());
    }

    async fn garbage(&self) -> Garbage {
        let observed = self.engine.observe(&self.desired.site).await.unwrap();
        let plan = planned(&self.engine, &self.desired).await;
        garbage(&Look {
            site: &self.desired.site,
            declared: self.at_hand.then_some((&self.desired, &plan)),
            observed: &observed,
            images: &self.images,
            removed: &self.removed,
            now: NOW,
            retain: self.retain,
            older_than: self.older_than,
        })
    }

    /// What may go, by name.
    async fn goes(&self) -> Vec<String> {
        let candidates = self.garbage().await.candidates;
        candidates.into_iter().map(|c| c.object.name).collect()
    }
}

fn days(days: u64) -> Option<Seconds> {
    Some(Seconds(days * 86_400))
}

/// An image that this site has built, and that nothing uses.
fn built(names: &[&str]) -> StoredImage {
    StoredImage {
        id: EngineId("built".to_owned()),
        names: names.iter().map(|name| (*name).to_owned()).collect(),
        labels: Labels::from([
            (SITE.to_owned(), "lab".to_owned()),
            (WORKSPACE.to_owned(), "alice/api".to_owned()),
        ]),
        created: NOW - 10 * DAY,
        bytes: 5,
        containers: Vec::new(),
    }
}

const NAME: &str = "localhost/wharf/own:0123";

#[tokio::test]
async fn what_is_declared_and_whole_is_no_garbage() {
    let case = Case::new(&[
        workspace("alice/api", "small", ""),
        workspace("bob/web", "full", ""),
    ])
    .await;
    let garbage = case.garbage().await;
    assert_eq!(garbage, Garbage::default());
}

#[tokio::test]
async fn a_built_image_goes_where_nothing_uses_it() {
    let mut case = Case::without_api(1).await;
    case.images = vec![built(&[NAME, "localhost/wharf/own@sha256:00"])];
    let found = case.garbage().await;
    assert_eq!(case.goes().await, [NAME]);
    let image = &found.candidates[0];
    assert_eq!((image.bytes, image.data, found.digest), (Some(5), false, None));
    assert_eq!(image.workspace, Some("alice/api".parse().unwrap()));
    // Without the repository as well: it is made again where it is missed.
    case.at_hand = false;
    assert_eq!(case.goes().await, [NAME]);
}

#[tokio::test]
async fn an_image_in_use_stays() {
    let mut case = Case::without_api(1).await;
    let containers = vec!["somebody's".to_owned()];
    case.images = vec![StoredImage {
        containers,
        ..built(&[NAME])
    }];
    assert_eq!(case.goes().await, [""; 0]);
    // Declared, and no container yet.
    case.images = vec![built(&[NAME])];
    let workspace = case.desired.workspaces.values_mut().next().unwrap();
    workspace.images[0].reference = NAME.to_owned();
    assert_eq!(case.goes().await, [""; 0]);
}

#[tokio::test]
async fn an_image_that_is_not_this_sites_own_stays() {
    let mut case = Case::without_api(1).await;
    let other = |site: &str| Labels::from([(SITE.to_owned(), site.to_owned())]);
    let base = built(&["localhost/theirs:1"]);
    case.images = vec![
        StoredImage {
            labels: other("other"),
            ..built(&[NAME])
        },
        StoredImage {
            labels: Labels::new(),
            ..built(&[NAME])
        },
        // Built by somebody from an image of wharf's.
        base,
        StoredImage {
            labels: Labels::new(),
            ..built(&["registry.example.org/pulled:1"])
        },
        // A layer that nobody has named.
        StoredImage {
            labels: Labels::new(),
            ..built(&[])
        },
    ];
    let found = case.garbage().await;
    assert_eq!(found.candidates, []);
    assert!(found.kept.iter().all(|kept| kept.object.kind == Kind::Volume));
    assert_eq!(found.others, 2);
}

#[tokio::test]
async fn an_image_with_a_name_of_somebodys_own_stays_and_a_young_one_too() {
    let mut case = Case::without_api(1).await;
    case.images = vec![built(&[NAME, "localhost/mine:1"])];
    let found = case.garbage().await;
    assert_eq!(found.candidates, []);
    assert_eq!(
        found.kept[0].reason,
        "somebody has named it localhost/mine:1 as well"
    );
    case.images = vec![built(&[NAME])];
    case.older_than = days(11);
    assert_eq!(case.garbage().await.candidates, []);
    case.older_than = days(10);
    assert!(case.goes().await.contains(&NAME.to_owned()));
}

#[tokio::test]
async fn retained_volumes_go_after_their_time_and_never_without_one() {
    let mut case = Case::without_api(30).await;
    let found = case.garbage().await;
    assert_eq!(
        (found.candidates.len(), found.kept.len(), found.digest),
        (0, 2, None)
    );
    assert_eq!(
        found.kept[0].reason,
        "the Site has no policy.retain, so that it is kept for ever"
    );
    case.retain = days(31);
    let found = case.garbage().await;
    assert_eq!(found.candidates, []);
    assert_eq!(found.kept[0].reason, "policy.retain keeps it for another 1d");
    case.retain = days(30);
    let found = case.garbage().await;
    let names: Vec<&str> = found.candidates.iter().map(|c| c.object.name.as_str()).collect();
    assert_eq!(names, ["lab.alice.api.home", "lab.alice.api.projects"]);
    assert!(
        found
            .candidates
            .iter()
            .all(|c| c.data && c.since == Some(NOW - 30 * DAY))
    );
    assert!(found.digest.is_some());
}

#[tokio::test]
async fn more_time_can_be_asked_for_but_not_less_than_the_site_gives() {
    let mut case = Case::without_api(30).await;
    case.older_than = days(30);
    assert_eq!(
        case.goes().await.len(),
        2,
        "asked for by hand, where the Site says nothing"
    );
    case.retain = days(60);
    assert_eq!(case.goes().await, [""; 0]);
    (case.retain, case.older_than) = (days(10), days(40));
    assert_eq!(case.goes().await, [""; 0]);
    case.older_than = days(5);
    assert_eq!(case.goes().await.len(), 2);
}

#[tokio::test]
async fn a_volume_stays_where_nothing_says_since_when_its_workspace_is_gone() {
    let mut case = Case::without_api(30).await;
    case.retain = days(1);
    case.removed.clear();
    let found = case.garbage().await;
    assert_eq!(found.candidates, []);
    assert_eq!(
        found.kept[0].reason,
        "no commit tells since when its workspace is gone"
    );
    // A clock that was set back makes nothing old.
    case.removed = BTreeMap::from([("alice/api".parse().unwrap(), NOW + DAY)]);
    assert_eq!(case.goes().await, [""; 0]);
}

#[tokio::test]
async fn a_volume_stays_as_long_as_its_workspace_is_there() {
    let mut case = Case::new(&[workspace("bob/web", "full", "")]).await;
    case.retain = days(1);
    case.removed = BTreeMap::from([("alice/api".parse().unwrap(), NOW - 30 * DAY)]);
    let found = case.garbage().await;
    assert_eq!(found.candidates, []);
    assert_eq!(
        found.kept[0].reason,
        "alice/api is not removed yet; wharf apply does it"
    );
    // A declared workspace that has one volume less.
    let mut case = Case::new(&[
        workspace("alice/api", "small", ""),
        workspace("bob/web", "small", ""),
    ])
    .await;
    case.apply().await;
    case.retain = days(1);
    case.removed = BTreeMap::from([("bob/web".parse().unwrap(), NOW - 30 * DAY)]);
    let found = case.garbage().await;
    assert_eq!(found.candidates, []);
    assert_eq!(found.kept[0].object.name, "lab.bob.web.data.data");
    assert_eq!(
        found.kept[0].reason,
        "bob/web is declared, only without this volume"
    );
}

#[tokio::test]
async fn without_the_repository_no_volume_goes() {
    let mut case = Case::without_api(30).await;
    (case.retain, case.at_hand) = (days(1), false);
    let found = case.garbage().await;
    assert_eq!((found.candidates, found.kept), (vec![], vec![]));
}

#[tokio::test]
async fn the_digest_stands_for_exactly_these_volumes() {
    let mut case = Case::without_api(30).await;
    case.retain = days(1);
    let digest = case.garbage().await.digest;
    case.images = vec![built(&[NAME])];
    case.removed = BTreeMap::from([("alice/api".parse().unwrap(), NOW - 31 * DAY)]);
    assert_eq!(
        case.garbage().await.digest,
        digest,
        "what is no data is no part of it"
    );
    let again = |state: &mut wharf::engine::simulated::State| {
        state.volumes.get_mut("lab.alice.api.home").unwrap().id = EngineId("another".to_owned());
    };
    case.engine.edit(again).unwrap();
    assert_ne!(case.garbage().await.digest, digest);
    case.engine
        .edit(|state| state.volumes.remove("lab.alice.api.home"))
        .unwrap();
    assert_ne!(case.garbage().await.digest, digest);
}

#[tokio::test]
async fn a_mark_goes_once_what_it_was_made_for_is_gone() {
    let off = [
        workspace("alice/api", "small", ""),
        workspace("bob/web", "full", "power: off"),
    ];
    let mut case = Case::new(&off).await;
    case.apply().await;
    assert_eq!(
        case.goes().await,
        [""; 0],
        "the marks of a stopped workspace are its own"
    );
    let recreate = |state: &mut wharf::engine::simulated::State| {
        state.volumes.get_mut("lab.bob.web.projects").unwrap().id = EngineId("another".to_owned());
    };
    case.engine.edit(recreate).unwrap();
    let marks = ["lab.bob.web.cloned-code.mark", "lab.bob.web.cloned-notes.mark"];
    assert_eq!(case.goes().await, marks);
    let found = case.garbage().await;
    assert!(found.candidates.iter().all(|c| !c.data) && found.digest.is_none());
    // What the plan replaces is the plan's.
    case.desired = desired(&[
        workspace("alice/api", "small", ""),
        workspace("bob/web", "full", ""),
    ]);
    assert_eq!(case.goes().await, [""; 0]);
}
