//! Data in volumes: what stays, what goes, what moves.

use wharf::engine::{EngineError, Reown};
use wharf::model::{EngineId, Role, UidRange};

use crate::yard::{Plot, Yard, assert_conflict, assert_not_found, tools, volume_ref};

fn data() -> Role {
    Role::Data("store".to_owned())
}

/// A container with a volume of this role at `/home/user`.
fn with(role: Role) -> Plot<'static> {
    Plot {
        mounts: vec![(role, "/home/user")],
        ..Plot::default()
    }
}

async fn clear(yard: &Yard<'_>, container: &EngineId) {
    yard.engine().stop_container(container).await.unwrap();
    yard.engine().remove_container(container).await.unwrap();
}

pub(crate) async fn a_volumes_data_outlives_its_container(yard: &Yard<'_>) {
    yard.ground().await;
    yard.volume(&Role::Home, false).await.unwrap();
    let id = yard.running(&with(Role::Home)).await;
    yard.fixture.write(&id, "/home/user/kept", "text").await;
    yard.engine().stop_container(&id).await.unwrap();
    yard.start(&id).await;
    assert_eq!(
        yard.fixture.read(&id, "/home/user/kept").await.as_deref(),
        Some("text")
    );
    clear(yard, &id).await;
    let id = yard.running(&with(Role::Home)).await;
    assert_eq!(
        yard.fixture.read(&id, "/home/user/kept").await.as_deref(),
        Some("text")
    );
}

pub(crate) async fn a_volume_is_writable_where_the_image_has_no_such_folder(yard: &Yard<'_>) {
    yard.ground().await;
    yard.volume(&Role::Projects, false).await.unwrap();
    yard.volume(&data(), true).await.unwrap();
    let plot = Plot {
        mounts: vec![(Role::Projects, "/projects"), (data(), "/var/cache/store")],
        ..Plot::default()
    };
    let id = yard.running(&plot).await;
    for path in ["/projects/file", "/var/cache/store/file"] {
        yard.fixture.write(&id, path, "text").await;
        assert_eq!(yard.fixture.read(&id, path).await.as_deref(), Some("text"));
    }
}

pub(crate) async fn an_ephemeral_volume_is_empty_after_a_stop(yard: &Yard<'_>) {
    let pod = yard.ground().await;
    yard.volume(&data(), true).await.unwrap();
    let id = yard.running(&with(data())).await;
    yard.fixture.write(&id, "/home/user/lost", "text").await;
    assert_eq!(
        yard.fixture.read(&id, "/home/user/lost").await.as_deref(),
        Some("text")
    );
    yard.engine().stop_pod(&pod).await.unwrap();
    yard.start(&id).await;
    assert_eq!(yard.fixture.read(&id, "/home/user/lost").await, None);
}

pub(crate) async fn an_ephemeral_volume_is_shared_while_it_lasts(yard: &Yard<'_>) {
    yard.ground().await;
    yard.volume(&data(), true).await.unwrap();
    let id = yard.running(&with(data())).await;
    let other = Plot {
        role: Role::Component("other".to_owned()),
        ..with(data())
    };
    let other = yard.running(&other).await;
    yard.fixture.write(&id, "/home/user/shared", "text").await;
    yard.engine().stop_container(&id).await.unwrap();
    yard.start(&id).await;
    for id in [&id, &other] {
        assert_eq!(
            yard.fixture.read(id, "/home/user/shared").await.as_deref(),
            Some("text")
        );
    }
}

/// Two volumes, and a file in the first.
async fn two_volumes(yard: &Yard<'_>) -> (EngineId, EngineId) {
    yard.ground().await;
    let from = yard.volume(&Role::Home, false).await.unwrap();
    let to = yard.volume(&data(), false).await.unwrap();
    let id = yard.running(&with(Role::Home)).await;
    yard.fixture.write(&id, "/home/user/moved", "text").await;
    clear(yard, &id).await;
    (from, to)
}

async fn assert_file(yard: &Yard<'_>, role: Role, file: &str, text: Option<&str>) {
    let id = yard.running(&with(role)).await;
    let path = format!("/home/user/{file}");
    assert_eq!(yard.fixture.read(&id, &path).await.as_deref(), text);
    clear(yard, &id).await;
}

pub(crate) async fn data_moves_and_moving_again_changes_nothing(yard: &Yard<'_>) {
    let (from, to) = two_volumes(yard).await;
    let (old, new) = (yard.object(&Role::Home), yard.object(&data()));
    for _ in 0..2 {
        yard.engine()
            .move_data(volume_ref(&old, &from), volume_ref(&new, &to), None)
            .await
            .unwrap();
    }
    assert_file(yard, data(), "moved", Some("text")).await;
    assert_file(yard, Role::Home, "moved", None).await;
    assert_eq!(yard.observed(&Role::Home).await.id, from, "it stays, empty");
    assert_eq!(yard.observed(&data()).await.id, to);
}

pub(crate) async fn data_is_never_moved_over_data(yard: &Yard<'_>) {
    let (from, to) = two_volumes(yard).await;
    let id = yard.running(&with(data())).await;
    yard.fixture.write(&id, "/home/user/moved", "other").await;
    clear(yard, &id).await;
    let (old, new) = (yard.object(&Role::Home), yard.object(&data()));
    yard.engine()
        .move_data(volume_ref(&old, &from), volume_ref(&new, &to), None)
        .await
        .unwrap_err();
    assert_file(yard, Role::Home, "moved", Some("text")).await;
    assert_file(yard, data(), "moved", Some("other")).await;
}

pub(crate) async fn data_of_a_volume_that_is_gone_can_not_be_moved(yard: &Yard<'_>) {
    let (from, to) = two_volumes(yard).await;
    let (old, new) = (yard.object(&Role::Home), yard.object(&data()));
    let wrong = EngineId("wrong".to_owned());
    assert_not_found(
        &yard
            .engine()
            .move_data(volume_ref(&old, &wrong), volume_ref(&new, &to), None)
            .await,
    );
    assert_not_found(
        &yard
            .engine()
            .move_data(volume_ref(&old, &from), volume_ref(&new, &wrong), None)
            .await,
    );
    assert_file(yard, Role::Home, "moved", Some("text")).await;
}

pub(crate) async fn moved_data_passes_to_another_users_ids(yard: &Yard<'_>) {
    let range = |first| UidRange { first, count: 65536 };
    let (alice, bob) = (range(2_000_000), range(3_000_000));
    let bobs = yard.beside("bob/api");
    yard.network().await.unwrap();
    yard.pod_of(Some(alice)).await.unwrap();
    bobs.network().await.unwrap();
    bobs.pod_of(Some(bob)).await.unwrap();
    let from = yard.volume(&Role::Home, false).await.unwrap();
    let to = bobs.volume(&Role::Home, false).await.unwrap();
    let id = yard.running(&with(Role::Home)).await;
    yard.fixture.write(&id, "/home/user/moved", "text").await;
    clear(yard, &id).await;
    let (old, new) = (yard.object(&Role::Home), bobs.object(&Role::Home));
    let reown = Some(Reown { from: alice, to: bob });
    yard.engine()
        .move_data(volume_ref(&old, &from), volume_ref(&new, &to), reown)
        .await
        .unwrap();
    let id = bobs.running(&with(Role::Home)).await;
    assert_eq!(
        bobs.fixture.read(&id, "/home/user/moved").await.as_deref(),
        Some("text")
    );
    bobs.fixture.write(&id, "/home/user/moved", "changed").await;
    bobs.fixture.write(&id, "/home/user/new", "more").await;
    assert_eq!(
        bobs.fixture.read(&id, "/home/user/moved").await.as_deref(),
        Some("changed")
    );
}

pub(crate) async fn data_is_copied_and_copying_again_changes_nothing(yard: &Yard<'_>) {
    let (from, to) = two_volumes(yard).await;
    let (old, new) = (yard.object(&Role::Home), yard.object(&data()));
    let copy = || {
        yard.engine()
            .copy_data(volume_ref(&old, &from), volume_ref(&new, &to), None)
    };
    copy().await.unwrap();
    assert_file(yard, data(), "moved", Some("text")).await;
    let id = yard.running(&with(data())).await;
    yard.fixture.write(&id, "/home/user/moved", "changed").await;
    clear(yard, &id).await;
    copy().await.unwrap();
    assert_file(yard, data(), "moved", Some("changed")).await;
    assert_file(yard, Role::Home, "moved", Some("text")).await;
    assert_eq!(yard.observed(&Role::Home).await.id, from);
    assert_eq!(yard.observed(&data()).await.id, to);
}

pub(crate) async fn data_is_never_copied_over_data(yard: &Yard<'_>) {
    let (from, to) = two_volumes(yard).await;
    let id = yard.running(&with(data())).await;
    yard.fixture.write(&id, "/home/user/other", "own").await;
    clear(yard, &id).await;
    let (old, new) = (yard.object(&Role::Home), yard.object(&data()));
    let copied = yard
        .engine()
        .copy_data(volume_ref(&old, &from), volume_ref(&new, &to), None)
        .await;
    assert!(matches!(copied, Err(EngineError::Unsupported(_))), "{copied:?}");
    assert_file(yard, data(), "other", Some("own")).await;
    assert_file(yard, data(), "moved", None).await;
    assert_file(yard, Role::Home, "moved", Some("text")).await;
}

pub(crate) async fn data_of_a_volume_that_is_gone_can_not_be_copied(yard: &Yard<'_>) {
    let (from, to) = two_volumes(yard).await;
    let (old, new) = (yard.object(&Role::Home), yard.object(&data()));
    let wrong = EngineId("wrong".to_owned());
    for (from, to) in [(&wrong, &to), (&from, &wrong)] {
        let copied = yard
            .engine()
            .copy_data(volume_ref(&old, from), volume_ref(&new, to), None)
            .await;
        assert_not_found(&copied);
    }
    assert_file(yard, data(), "moved", None).await;
}

pub(crate) async fn who_runs_with_a_volume_is_known_and_nothing_is_copied_from_it_meanwhile(yard: &Yard<'_>) {
    let (from, to) = two_volumes(yard).await;
    let (old, new) = (yard.object(&Role::Home), yard.object(&data()));
    let copy = || {
        yard.engine()
            .copy_data(volume_ref(&old, &from), volume_ref(&new, &to), None)
    };
    let users = || yard.engine().volume_users(&old.name);
    assert_eq!(users().await.unwrap(), [""; 0]);
    let id = yard.running(&with(Role::Home)).await;
    assert_eq!(users().await.unwrap(), [yard.object(&tools()).name]);
    assert_conflict(&copy().await);
    yard.engine().stop_container(&id).await.unwrap();
    assert_eq!(users().await.unwrap(), [""; 0], "a stopped one does not use it");
    copy().await.unwrap();
    yard.engine().remove_container(&id).await.unwrap();
    assert_file(yard, data(), "moved", Some("text")).await;
}

pub(crate) async fn copied_data_belongs_to_the_workspaces_ids(yard: &Yard<'_>) {
    let range = |first| UidRange { first, count: 65536 };
    let (there, here) = (range(0), range(2_000_000));
    let alices = yard.beside("alice/web");
    yard.ground().await;
    alices.network().await.unwrap();
    alices.pod_of(Some(here)).await.unwrap();
    let from = yard.volume(&Role::Home, false).await.unwrap();
    let to = alices.volume(&Role::Home, false).await.unwrap();
    let id = yard.running(&with(Role::Home)).await;
    yard.fixture.write(&id, "/home/user/copied", "text").await;
    clear(yard, &id).await;
    let (old, new) = (yard.object(&Role::Home), alices.object(&Role::Home));
    let reown = Some(Reown {
        from: there,
        to: here,
    });
    yard.engine()
        .copy_data(volume_ref(&old, &from), volume_ref(&new, &to), reown)
        .await
        .unwrap();
    let id = alices.running(&with(Role::Home)).await;
    alices.fixture.write(&id, "/home/user/copied", "changed").await;
    alices.fixture.write(&id, "/home/user/new", "more").await;
    assert_file(yard, Role::Home, "copied", Some("text")).await;
}
