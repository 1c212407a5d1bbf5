//! Tries whether services answer: one connection to each, which is closed at once.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::timeout;

use crate::engine::Engine;
use crate::health;
use crate::model::{DesiredState, ObservedState, WorkspaceId};

/// The most that one connection may take.
const BOUND: Duration = Duration::from_secs(2);
/// How many are tried at a time.
const AT_ONCE: usize = 8;

/// The services that don't answer, by workspace.
pub async fn silent(
    engine: &dyn Engine,
    desired: &DesiredState,
    observed: &ObservedState,
) -> BTreeMap<WorkspaceId, Vec<String>> {
    let mut silent: BTreeMap<WorkspaceId, Vec<String>> = BTreeMap::new();
    for some in health::services(desired, observed).chunks(AT_ONCE) {
        let tries = some
            .iter()
            .map(|(_, endpoint, container)| timeout(BOUND, engine.dial(container, endpoint.port)));
        for ((workspace, endpoint, _), answer) in some.iter().zip(join_all(tries).await) {
            if !matches!(answer, Ok(Ok(_))) {
                let text = format!(
                    "nothing answers at port {} of {} ({})",
                    endpoint.port, endpoint.component, endpoint.name
                );
                silent.entry((*workspace).clone()).or_default().push(text);
            }
        }
    }
    silent
}
