//! Removing objects: what is in use, what is gone, what has been replaced.

use wharf::model::{EngineId, Kind, Limits, Role};

use crate::yard::{Plot, Yard, assert_conflict, assert_not_found, tools, volume_ref};

pub(crate) async fn what_is_in_use_stays(yard: &Yard<'_>) {
    let engine = yard.engine();
    let network = yard.network().await.unwrap();
    let home = yard.volume(&Role::Home, false).await.unwrap();
    let pod = yard.pod().await.unwrap();
    assert_conflict(&engine.remove_network(&network).await);
    let plot = Plot {
        mounts: vec![(Role::Home, "/home/user")],
        ..Plot::default()
    };
    let container = yard.running(&plot).await;
    let home_name = yard.object(&Role::Home);
    assert_conflict(&engine.remove_container(&container).await);
    assert_conflict(&engine.remove_pod(&pod).await);
    assert_conflict(&engine.remove_volume(volume_ref(&home_name, &home)).await);
    assert_conflict(&engine.remove_network(&network).await);
    engine.stop_pod(&pod).await.unwrap();
    assert_conflict(&engine.remove_pod(&pod).await);
    assert_conflict(&engine.remove_volume(volume_ref(&home_name, &home)).await);
    assert_eq!(yard.observe().await.objects.len(), 4, "all are still there");
    engine.remove_container(&container).await.unwrap();
    engine.remove_pod(&pod).await.unwrap();
    engine.remove_network(&network).await.unwrap();
    engine.remove_volume(volume_ref(&home_name, &home)).await.unwrap();
    assert_eq!(yard.observe().await.objects.len(), 0);
}

/// Every call that addresses a container, a pod or a network by its id.
async fn assert_unknown(yard: &Yard<'_>, container: &EngineId, pod: &EngineId, network: &EngineId) {
    let engine = yard.engine();
    let limits = Limits::default();
    assert_not_found(&engine.start_container(container, &limits).await);
    assert_not_found(&engine.set_limits(container, &limits).await);
    assert_not_found(&engine.stop_container(container).await);
    assert_not_found(&engine.remove_container(container).await);
    assert_not_found(&engine.wait_container(container, 1).await);
    assert_not_found(&engine.written(container).await);
    assert_not_found(
        &engine
            .exec(container, &crate::yard::shell("true"))
            .await
            .map(drop),
    );
    assert_not_found(&engine.logs(container, &Default::default()).await.map(drop));
    assert_not_found(&engine.dial(container, 80).await.map(drop));
    assert_not_found(&engine.stop_pod(pod).await);
    assert_not_found(&engine.remove_pod(pod).await);
    assert_not_found(&engine.remove_network(network).await);
}

/// A network, a pod and a stopped container.
async fn three(yard: &Yard<'_>) -> (EngineId, EngineId, EngineId) {
    let network = yard.network().await.unwrap();
    let pod = yard.pod().await.unwrap();
    (network, pod, yard.container(&Plot::default()).await.unwrap())
}

async fn remove_three(yard: &Yard<'_>, (network, pod, container): &(EngineId, EngineId, EngineId)) {
    yard.engine().remove_container(container).await.unwrap();
    yard.engine().remove_pod(pod).await.unwrap();
    yard.engine().remove_network(network).await.unwrap();
}

pub(crate) async fn what_was_removed_is_not_found(yard: &Yard<'_>) {
    let old = three(yard).await;
    remove_three(yard, &old).await;
    assert_unknown(yard, &old.2, &old.1, &old.0).await;
    let home = yard.volume(&Role::Home, false).await.unwrap();
    let name = yard.object(&Role::Home);
    yard.engine()
        .remove_volume(volume_ref(&name, &home))
        .await
        .unwrap();
    assert_not_found(&yard.engine().remove_volume(volume_ref(&name, &home)).await);
    for role in [Role::Home, Role::Pod, Role::Network, tools()] {
        assert_not_found(&yard.engine().incarnation(&yard.object(&role)).await);
    }
}

pub(crate) async fn an_older_incarnation_is_not_found_and_the_newer_one_stays(yard: &Yard<'_>) {
    let old = three(yard).await;
    remove_three(yard, &old).await;
    let new = three(yard).await;
    assert_unknown(yard, &old.2, &old.1, &old.0).await;
    let observed = yard.observe().await;
    for kind in [Kind::Network, Kind::Pod, Kind::Container] {
        assert_eq!(observed.of_kind(kind).count(), 1);
    }
    assert_eq!(yard.observed(&tools()).await.id, new.2);
}

pub(crate) async fn an_older_incarnation_of_a_volume_is_not_found_and_its_data_stays(yard: &Yard<'_>) {
    let name = yard.object(&Role::Home);
    let old = yard.volume(&Role::Home, false).await.unwrap();
    yard.engine()
        .remove_volume(volume_ref(&name, &old))
        .await
        .unwrap();
    let new = yard.volume(&Role::Home, false).await.unwrap();
    assert_ne!(old, new);
    assert_not_found(&yard.engine().remove_volume(volume_ref(&name, &old)).await);
    assert_eq!(yard.observed(&Role::Home).await.id, new);
}

pub(crate) async fn what_somebody_else_removed_is_not_found(yard: &Yard<'_>) {
    yard.ground().await;
    let container = yard.running(&Plot::default()).await;
    yard.fixture.remove_by_hand(&yard.object(&tools()));
    assert_not_found(&yard.engine().stop_container(&container).await);
    let observed = yard.observe().await;
    assert!(!observed.objects.contains_key(&yard.object(&tools())));
    assert!(observed.objects.contains_key(&yard.object(&Role::Pod)));
}
