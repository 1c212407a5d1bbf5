//! How much processor time workspaces have used, from the control groups of what runs.

use std::collections::BTreeMap;
use std::time::Duration;

use podman_api::models;
use podman_api::opts::{ContainerListFilter, ContainerListOpts};

use super::cgroup;
use super::observe::Reader;
use crate::engine::{EngineError, Result};
use crate::model::labels;
use crate::model::{Name, Ownership, WorkspaceId};

impl Reader {
    pub(super) async fn processor_times(&self, site: &Name) -> Result<BTreeMap<WorkspaceId, Duration>> {
        let of_site = ContainerListFilter::LabelKeyVal(labels::SITE.to_owned(), site.to_string());
        let running = ContainerListOpts::builder().filter([of_site]).build();
        let running = self.containers(&running).await?;
        let hierarchy = self.host()?.hierarchy;
        let read = move || {
            let mut times = BTreeMap::new();
            // An infra container has its pod's labels.
            let containers = running.iter().filter(|c| !c.is_infra.unwrap_or_default());
            for (workspace, time) in containers.filter_map(|container| {
                let time = time(hierarchy, container);
                Some((workspace(container)?, time))
            }) {
                let sum: &mut Option<Duration> = times.entry(workspace).or_insert(Some(Duration::ZERO));
                *sum = sum.zip(time).map(|(sum, time)| sum + time);
            }
            times
                .into_iter()
                .filter_map(|(workspace, time)| Some((workspace, time?)))
                .collect()
        };
        tokio::task::spawn_blocking(read)
            .await
            .map_err(|error| EngineError::Failed {
                call: "read the control groups".to_owned(),
                message: error.to_string(),
            })
    }
}

fn workspace(container: &models::ListContainer) -> Option<WorkspaceId> {
    let labels = container.labels.as_ref()?;
    let labels = labels.iter().map(|(key, value)| (key.clone(), value.clone()));
    Some(Ownership::from_labels(&labels.collect())?.workspace)
}

fn time(hierarchy: cgroup::Hierarchy, container: &models::ListContainer) -> Option<Duration> {
    let pid = u32::try_from(container.pid?).ok().filter(|pid| *pid > 0)?;
    cgroup::processor_time(hierarchy, pid, container.id.as_deref()?)
}
