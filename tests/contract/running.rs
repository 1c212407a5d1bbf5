//! What runs: starting, stopping, waiting, and what a run is known by.

use wharf::engine::EngineError;
use wharf::model::{Role, RunState};

use crate::yard::{Plot, Yard, tools};

fn database() -> Plot<'static> {
    Plot {
        role: Role::Component("database".to_owned()),
        ..Plot::default()
    }
}

pub(crate) async fn a_container_is_created_then_runs_then_has_ended(yard: &Yard<'_>) {
    yard.ground().await;
    let id = yard.container(&Plot::default()).await.unwrap();
    assert_eq!(yard.observed(&tools()).await.run, RunState::Created);
    assert_eq!(yard.observed(&Role::Pod).await.run, RunState::Created);
    yard.start(&id).await;
    assert!(yard.observed(&tools()).await.run.is_running());
    assert!(yard.observed(&Role::Pod).await.run.is_running());
    yard.engine().stop_container(&id).await.unwrap();
    assert!(matches!(
        yard.observed(&tools()).await.run,
        RunState::Exited { .. }
    ));
    assert_eq!(
        yard.observed(&Role::Pod).await.run,
        RunState::Degraded,
        "its infra container is up"
    );
}

pub(crate) async fn starting_a_running_container_changes_nothing(yard: &Yard<'_>) {
    yard.ground().await;
    let id = yard.container(&Plot::default()).await.unwrap();
    let first = yard.start(&id).await;
    assert_eq!(yard.start(&id).await, first);
    assert_eq!(yard.observed(&tools()).await.incarnation(), Some(first));
}

pub(crate) async fn stopping_what_is_stopped_changes_nothing(yard: &Yard<'_>) {
    let pod = yard.ground().await;
    let id = yard.container(&Plot::default()).await.unwrap();
    yard.engine().stop_container(&id).await.unwrap();
    yard.engine().stop_pod(&pod).await.unwrap();
    yard.start(&id).await;
    for _ in 0..2 {
        yard.engine().stop_container(&id).await.unwrap();
        yard.engine().stop_pod(&pod).await.unwrap();
    }
    assert!(matches!(
        yard.observed(&tools()).await.run,
        RunState::Exited { .. }
    ));
    assert!(matches!(
        yard.observed(&Role::Pod).await.run,
        RunState::Exited { .. }
    ));
}

pub(crate) async fn stopping_a_pod_stops_all_of_it_and_starting_a_container_brings_the_pod_back(
    yard: &Yard<'_>,
) {
    let pod = yard.ground().await;
    let id = yard.running(&Plot::default()).await;
    let other = yard.running(&database()).await;
    let before = yard.engine().incarnation(&yard.object(&Role::Pod)).await.unwrap();
    yard.engine().stop_pod(&pod).await.unwrap();
    let observed = yard.observe().await;
    assert!(
        observed
            .objects
            .values()
            .all(|o| !o.run.is_running() && o.run != RunState::Degraded)
    );
    yard.start(&id).await;
    assert_eq!(yard.observed(&Role::Pod).await.run, RunState::Degraded);
    yard.start(&other).await;
    let pod = yard.observed(&Role::Pod).await;
    assert!(pod.run.is_running());
    assert_ne!(pod.incarnation(), Some(before));
}

pub(crate) async fn restarting_one_container_leaves_the_others_alone(yard: &Yard<'_>) {
    yard.ground().await;
    let id = yard.running(&Plot::default()).await;
    yard.running(&database()).await;
    let others = [database().role, Role::Pod].map(|role| yard.object(&role));
    let mut before = Vec::new();
    for other in &others {
        before.push(yard.engine().incarnation(other).await.unwrap());
    }
    yard.engine().stop_container(&id).await.unwrap();
    yard.start(&id).await;
    for (other, before) in others.iter().zip(before) {
        assert_eq!(yard.engine().incarnation(other).await.unwrap(), before);
    }
}

pub(crate) async fn every_start_is_another_incarnation(yard: &Yard<'_>) {
    yard.ground().await;
    let id = yard.container(&Plot::default()).await.unwrap();
    let first = yard.start(&id).await;
    assert_eq!(
        yard.engine().incarnation(&yard.object(&tools())).await.unwrap(),
        first
    );
    yard.engine().stop_container(&id).await.unwrap();
    let second = yard.start(&id).await;
    assert_ne!(first, second);
    assert_eq!(
        yard.engine().incarnation(&yard.object(&tools())).await.unwrap(),
        second
    );
    assert_eq!(yard.observed(&tools()).await.incarnation(), Some(second));
}

pub(crate) async fn an_object_created_again_is_another_incarnation(yard: &Yard<'_>) {
    let home = yard.object(&Role::Home);
    let network = yard.object(&Role::Network);
    let mut seen = Vec::new();
    for _ in 0..2 {
        let network_id = yard.network().await.unwrap();
        let home_id = yard.volume(&Role::Home, false).await.unwrap();
        for object in [&home, &network] {
            let incarnation = yard.engine().incarnation(object).await.unwrap();
            assert_eq!(
                yard.observe().await.objects[object].incarnation().as_ref(),
                Some(&incarnation)
            );
            assert!(!seen.contains(&incarnation));
            seen.push(incarnation);
        }
        yard.engine().remove_network(&network_id).await.unwrap();
        yard.engine()
            .remove_volume(crate::yard::volume_ref(&home, &home_id))
            .await
            .unwrap();
    }
}

pub(crate) async fn a_container_that_does_not_run_has_no_incarnation(yard: &Yard<'_>) {
    yard.ground().await;
    yard.container(&Plot::default()).await.unwrap();
    yard.engine()
        .incarnation(&yard.object(&tools()))
        .await
        .unwrap_err();
    assert_eq!(yard.observed(&tools()).await.incarnation(), None);
}

pub(crate) async fn waiting_returns_the_exit_code(yard: &Yard<'_>) {
    yard.fixture.teach("exit 7", 7, "", "");
    yard.ground().await;
    let id = yard.ended("sleep 0.3; exit 7").await;
    assert_eq!(yard.engine().wait_container(&id, 10).await.unwrap(), 7);
    let once = Role::Event("once".to_owned());
    assert_eq!(yard.observed(&once).await.run, RunState::Exited { code: 7 });
}

pub(crate) async fn waiting_for_what_goes_on_takes_too_long(yard: &Yard<'_>) {
    yard.ground().await;
    let id = yard.running(&Plot::default()).await;
    let waited = yard.engine().wait_container(&id, 1).await;
    assert!(matches!(waited, Err(EngineError::Timeout { .. })), "{waited:?}");
    assert!(yard.observed(&tools()).await.run.is_running());
}
