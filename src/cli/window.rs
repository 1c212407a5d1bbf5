//! The end of a maintenance window while a plan is carried out: nothing more is begun then, and what is left is planned
//! again, so that it waits for the next one.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::sleep;

use super::error::Error;
use crate::plan::{Hold, Plan};

/// How long the windows are open yet that a plan's steps need, in the order of time from `now`, in seconds since 1970;
/// nothing where they need none.
fn left(plan: &Plan, now: i64) -> Option<Duration> {
    let closes = plan.closes?;
    Some(Duration::from_secs(
        u64::try_from(closes.saturating_sub(now)).unwrap_or(0),
    ))
}

/// Returns once the first of the windows closes that a plan's steps need; never where they need none.
async fn closed(plan: &Plan) {
    match left(plan, Timestamp::now().as_second()) {
        Some(left) => sleep(left).await,
        None => std::future::pending().await,
    }
}

/// Carries a plan out, and calls `close` once its window closes. What became of it, and whether it has closed meanwhile.
pub(super) async fn within<T>(
    plan: &Plan,
    applying: impl Future<Output = T>,
    close: impl FnOnce(),
) -> (T, bool) {
    let mut applying = std::pin::pin!(applying);
    tokio::select! {
        biased; // where it has closed while somebody was asked, nothing is begun
        () = closed(plan) => {
            close();
            (applying.await, true)
        }
        ended = &mut applying => (ended, false),
    }
}

/// A plan that was saved is for the windows that were open then.
pub(super) fn must_be_open(plan: &Plan) -> Result<(), Error> {
    if left(plan, Timestamp::now().as_second()) != Some(Duration::ZERO) {
        return Ok(());
    }
    Err(
        Error::new("the plan interrupts somebody's work, and the maintenance window for it has closed")
            .hint("Make the plan again: it says when the next one opens."),
    )
}

/// Whether all that a plan does is done to objects that the one before it was to do something to.
pub(super) fn goes_on(before: &Plan, plan: &Plan) -> bool {
    let known = |object| before.steps.iter().any(|step| step.object == object);
    plan.steps.iter().all(|step| known(step.object.clone()))
}

/// What waits for a window, for who reads it.
pub(super) fn waiting(plan: &Plan) -> impl Iterator<Item = String> {
    let waits = plan.blocked.iter().filter(|blocked| blocked.hold == Hold::Window);
    waits.map(|blocked| format!("{}: {}: {}", blocked.workspace, blocked.object, blocked.reason))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use tokio::time::Instant;

    use super::*;
    use crate::plan::Revision;

    /// A plan of nothing whose window closes after so many seconds.
    fn plan(closes: Option<i64>) -> Plan {
        Plan {
            site: "lab".parse().unwrap(),
            revision: Revision::default(),
            digest: String::new(),
            changes: Vec::new(),
            noop: 0,
            blocked: Vec::new(),
            notes: Vec::new(),
            steps: Vec::new(),
            seen: BTreeMap::new(),
            moment: None,
            closes: closes.map(|seconds| Timestamp::now().as_second() + seconds),
        }
    }

    async fn hours(number: u64) -> Instant {
        sleep(Duration::from_secs(number * 3_600)).await;
        Instant::now()
    }

    #[tokio::test(start_paused = true)]
    async fn it_closes_in_the_midst_and_what_is_under_way_ends() {
        let begun = Instant::now();
        let mut closed_at = None;
        let close = || closed_at = Some(Instant::now());
        let (ended, closed) = within(&plan(Some(3_600)), hours(3), close).await;
        assert!(closed && ended - begun >= Duration::from_secs(3 * 3_600));
        let open = closed_at.unwrap() - begun;
        assert!((3_590..=3_600).contains(&open.as_secs()), "{open:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn what_ends_before_it_closes_or_needs_no_window_is_not_disturbed() {
        for closes in [Some(4 * 3_600), None] {
            let (_, closed) = within(&plan(closes), hours(3), || panic!("nothing closes")).await;
            assert!(!closed);
        }
    }

    #[test]
    fn a_plan_whose_window_has_closed_is_not_carried_out_later() {
        assert!(must_be_open(&plan(Some(-1))).is_err() && must_be_open(&plan(Some(0))).is_err());
        assert!(must_be_open(&plan(Some(60))).is_ok() && must_be_open(&plan(None)).is_ok());
    }
}
