//! Limits: what was asked, what the kernel enforces, what observation says.

use wharf::engine::EngineError;
use wharf::model::observed::Reading;
use wharf::model::{Bytes, Enforced, EngineId, Limits, MilliCpu};

use crate::yard::{Plot, Yard, tools};

const SMALL: Limits = Limits {
    memory: Some(Bytes(64 << 20)),
    memory_request: Some(Bytes(32 << 20)),
    cpu: Some(MilliCpu(500)),
    cpu_request: Some(MilliCpu(250)),
    pids: Some(64),
};

/// More than twice as much, which takes swap into account as well.
const LARGE: Limits = Limits {
    memory: Some(Bytes(192 << 20)),
    memory_request: Some(Bytes(96 << 20)),
    cpu: Some(MilliCpu(1500)),
    cpu_request: Some(MilliCpu(500)),
    pids: Some(128),
};

/// Whether what is observed of the container is what was asked. An engine that enforces nothing observes nothing.
async fn assert_observed(yard: &Yard<'_>, limits: &Limits) {
    let enforces = yard.fixture.enforces_limits();
    let observed = yard.observed(&tools()).await.enforced.unwrap_or_default();
    let expected = if enforces {
        expected(limits, &observed)
    } else {
        Enforced::default()
    };
    assert_eq!(observed, expected);
}

fn expected(limits: &Limits, observed: &Enforced) -> Enforced {
    let reading = |limit: Option<u64>| limit.map_or(Reading::Unlimited, Reading::Value);
    Enforced {
        memory: reading(limits.memory.map(|b| b.0)),
        memory_request: reading(limits.memory_request.map(|b| b.0)),
        cpu: reading(limits.cpu.map(|c| c.0)),
        // Control groups of version 2 have weights, which stand for several shares each and may be told from none.
        cpu_shares: match (observed.cpu_shares, limits.cpu_request) {
            (Reading::Unknown, _) => Reading::Unknown,
            (_, request) => Reading::Value(request.map_or(1024, |c| c.0 * 1024 / 1000)),
        },
        pids: reading(limits.pids),
    }
}

/// Whether limits can't be enforced on this machine. Then setting them is refused with the reason: what is not enforced
/// must not look as if it were.
async fn are_refused(yard: &Yard<'_>, id: &EngineId) -> bool {
    if yard.fixture.enforces_limits() {
        return false;
    }
    let refused = yard.engine().set_limits(id, &LARGE).await;
    assert!(matches!(refused, Err(EngineError::Unsupported(_))), "{refused:?}");
    true
}

fn plot(limits: Limits) -> Plot<'static> {
    Plot {
        limits,
        ..Plot::default()
    }
}

pub(crate) async fn limits_of_creation_are_enforced_and_observed(yard: &Yard<'_>) {
    yard.ground().await;
    let id = yard.container(&plot(SMALL)).await.unwrap();
    assert_eq!(yard.observed(&tools()).await.enforced, None, "it does not run");
    yard.engine().start_container(&id, &SMALL).await.unwrap();
    assert_observed(yard, &SMALL).await;
}

pub(crate) async fn limits_change_while_a_container_runs(yard: &Yard<'_>) {
    yard.ground().await;
    let id = yard.container(&plot(SMALL)).await.unwrap();
    let run = yard.engine().start_container(&id, &SMALL).await.unwrap();
    if are_refused(yard, &id).await {
        return;
    }
    for limits in [LARGE, SMALL] {
        let enforced = yard.engine().set_limits(&id, &limits).await.unwrap();
        assert_observed(yard, &limits).await;
        assert_eq!(
            yard.observed(&tools()).await.enforced.unwrap_or_default(),
            enforced
        );
    }
    assert_eq!(yard.observed(&tools()).await.incarnation(), Some(run));
}

pub(crate) async fn limits_can_be_lifted(yard: &Yard<'_>) {
    yard.ground().await;
    let id = yard.container(&plot(SMALL)).await.unwrap();
    yard.engine().start_container(&id, &SMALL).await.unwrap();
    if are_refused(yard, &id).await {
        return;
    }
    yard.engine().set_limits(&id, &Limits::default()).await.unwrap();
    assert_observed(yard, &Limits::default()).await;
}

pub(crate) async fn starting_sets_the_limits_of_now_and_not_those_of_creation(yard: &Yard<'_>) {
    yard.ground().await;
    let id = yard.container(&plot(SMALL)).await.unwrap();
    yard.engine().start_container(&id, &LARGE).await.unwrap();
    assert_observed(yard, &LARGE).await;
    yard.engine().stop_container(&id).await.unwrap();
    assert_eq!(yard.observed(&tools()).await.enforced, None);
    yard.engine().start_container(&id, &LARGE).await.unwrap();
    assert_observed(yard, &LARGE).await;
}

pub(crate) async fn a_stopped_container_takes_no_limits(yard: &Yard<'_>) {
    yard.ground().await;
    let id = yard.container(&plot(SMALL)).await.unwrap();
    yard.engine().set_limits(&id, &LARGE).await.unwrap_err();
    yard.engine().start_container(&id, &SMALL).await.unwrap();
    assert_observed(yard, &SMALL).await;
}

pub(crate) async fn limits_that_somebody_else_changed_are_observed(yard: &Yard<'_>) {
    yard.ground().await;
    let id = yard.container(&plot(SMALL)).await.unwrap();
    yard.engine().start_container(&id, &SMALL).await.unwrap();
    if are_refused(yard, &id).await {
        return;
    }
    yard.fixture
        .set_memory_by_hand(&yard.object(&tools()).name, 128 << 20);
    let memory = Some(Bytes(128 << 20));
    assert_observed(yard, &Limits { memory, ..SMALL }).await;
    yard.engine().set_limits(&id, &SMALL).await.unwrap();
    assert_observed(yard, &SMALL).await;
}
