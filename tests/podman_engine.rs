//! Facts that only a real Podman can prove: what a process inside a container sees, what the kernel enforces, what the
//! network lets through. Needs Podman's service and a busybox image; fails, never skips, where either is missing.
//!
//! `WHARF_TEST_IMAGE` names the image (default `localhost/wharf-busybox:1`): busybox with a user `user` of uid 1000.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "support/podman.rs"]
mod podman;

use podman::Site;
use wharf::engine::{Engine, EngineError};
use wharf::model::observed::Reading;
use wharf::model::{Bytes, Limits, MilliCpu, RunState};

fn small() -> Limits {
    Limits {
        memory: Some(Bytes(64 << 20)),
        memory_request: Some(Bytes(32 << 20)),
        cpu: Some(MilliCpu(500)),
        cpu_request: Some(MilliCpu(250)),
        pids: Some(100),
    }
}

#[tokio::test]
async fn a_container_is_created_started_stopped_and_removed() {
    let site = Site::new("life").await;
    let pod = site.pod("a", |_| ()).await;
    let container = site.container(&pod, "tools", small(), |_| ()).await;

    let seen = site.observed(&container.object).await;
    assert_eq!(
        (seen.run, seen.id.clone()),
        (RunState::Created, container.id.clone())
    );
    assert_eq!(site.observed(&pod.object).await.run, RunState::Created);

    let incarnation = site
        .engine
        .start_container(&container.id, &small())
        .await
        .unwrap();
    let seen = site.observed(&container.object).await;
    assert!(seen.run.is_running());
    assert_eq!(seen.incarnation().as_deref(), Some(incarnation.as_str()));
    assert_eq!(
        site.engine.incarnation(&container.object).await.unwrap(),
        incarnation
    );
    assert_eq!(seen.pod, Some(pod.id.clone()));
    let pod_seen = site.observed(&pod.object).await;
    assert!(pod_seen.run.is_running());
    assert_eq!(pod_seen.networks, [pod.network.clone()]);
    assert_eq!(
        site.engine.incarnation(&pod.object).await.ok(),
        pod_seen.incarnation()
    );
    // Starting what runs changes nothing.
    assert_eq!(
        site.engine
            .start_container(&container.id, &small())
            .await
            .unwrap(),
        incarnation
    );

    let removal = site.engine.remove_container(&container.id).await;
    assert!(matches!(removal, Err(EngineError::Conflict(_))), "{removal:?}");
    let removal = site.engine.remove_pod(&pod.id).await;
    assert!(matches!(removal, Err(EngineError::Conflict(_))), "{removal:?}");

    site.engine.stop_container(&container.id).await.unwrap();
    site.engine.stop_container(&container.id).await.unwrap();
    assert!(matches!(
        site.observed(&container.object).await.run,
        RunState::Exited { .. }
    ));
    assert!(site.engine.incarnation(&container.object).await.is_err());
    site.engine
        .start_container(&container.id, &small())
        .await
        .unwrap();
    site.engine.stop_pod(&pod.id).await.unwrap();
    site.engine.stop_pod(&pod.id).await.unwrap();
    assert!(matches!(
        site.observed(&pod.object).await.run,
        RunState::Exited { .. }
    ));

    site.engine.remove_container(&container.id).await.unwrap();
    let again = site.engine.remove_container(&container.id).await;
    assert!(matches!(again, Err(EngineError::NotFound(_))), "{again:?}");
    site.engine.remove_pod(&pod.id).await.unwrap();
    site.engine.remove_network(&pod.network_id).await.unwrap();
    assert!(site.observe().await.objects.is_empty());
}

#[tokio::test]
async fn limits_hold_change_in_both_directions_and_survive_a_restart() {
    let site = Site::new("limits").await;
    let pod = site.pod("a", |_| ()).await;
    let container = site.container(&pod, "tools", small(), |_| ()).await;
    site.engine
        .start_container(&container.id, &small())
        .await
        .unwrap();
    let enforced = site.observed(&container.object).await.enforced.unwrap();
    assert_eq!(enforced.memory, Reading::Value(64 << 20));
    assert_eq!(enforced.memory_request, Reading::Value(32 << 20));
    assert_eq!(enforced.cpu, Reading::Value(500));
    assert_eq!(enforced.pids, Reading::Value(100));

    let large = Limits {
        memory: Some(Bytes(512 << 20)),
        memory_request: Some(Bytes(256 << 20)),
        cpu: Some(MilliCpu(2000)),
        cpu_request: Some(MilliCpu(1000)),
        pids: Some(1000),
    };
    for limits in [large, small(), Limits::default(), small(), large] {
        let enforced = site.engine.set_limits(&container.id, &limits).await.unwrap();
        assert_eq!(
            enforced.memory,
            limits.memory.map_or(Reading::Unlimited, |b| Reading::Value(b.0))
        );
        assert_eq!(
            enforced.cpu,
            limits.cpu.map_or(Reading::Unlimited, |c| Reading::Value(c.0))
        );
        assert_eq!(site.observed(&container.object).await.enforced, Some(enforced));
    }
    site.engine.stop_container(&container.id).await.unwrap();
    site.engine.start_container(&container.id, &large).await.unwrap();
    let enforced = site.observed(&container.object).await.enforced.unwrap();
    assert_eq!(
        (enforced.memory, enforced.pids),
        (Reading::Value(512 << 20), Reading::Value(1000))
    );
    site.remove().await;
}
