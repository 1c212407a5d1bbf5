//! What `container-overrides` and `pod-overrides` may change: every path of a Kubernetes container or pod that wharf
//! knows, and what becomes of it. A path that is not listed is refused.

/// What becomes of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is taken over.
    Taken(Setting),
    /// It means something in a cluster only; it is skipped with a warning.
    Cluster,
    /// Every workspace has it so; another value is refused.
    Only(bool),
    /// Every workspace has it so, whatever is asked for.
    Given,
    /// It would reach out of the workspace.
    Refused,
    /// The devfile's own key says it.
    Elsewhere(&'static str),
}

/// What is taken over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Setting {
    MemoryLimit,
    MemoryRequest,
    CpuLimit,
    CpuRequest,
    User,
    Group,
    WorkingDir,
    StopTimeout,
}

use Fate::{Cluster, Elsewhere, Given, Only, Refused, Taken};

/// Of a container.
pub(super) const CONTAINER: &[(&str, Fate)] = &[
    ("resources.limits.memory", Taken(Setting::MemoryLimit)),
    ("resources.limits.cpu", Taken(Setting::CpuLimit)),
    ("resources.requests.memory", Taken(Setting::MemoryRequest)),
    ("resources.requests.cpu", Taken(Setting::CpuRequest)),
    ("securityContext.runAsUser", Taken(Setting::User)),
    ("securityContext.runAsGroup", Taken(Setting::Group)),
    ("workingDir", Taken(Setting::WorkingDir)),
    ("securityContext.allowPrivilegeEscalation", Only(false)),
    ("securityContext.privileged", Only(false)),
    ("securityContext.capabilities.drop", Given),
    ("securityContext.capabilities.add", Refused),
    ("securityContext.procMount", Refused),
    ("securityContext.seLinuxOptions", Refused),
    ("securityContext.seccompProfile", Refused),
    ("securityContext.appArmorProfile", Refused),
    ("volumeDevices", Refused),
    ("name", Elsewhere("name")),
    ("image", Elsewhere("image")),
    ("command", Elsewhere("command")),
    ("args", Elsewhere("args")),
    ("env", Elsewhere("env")),
    ("envFrom", Elsewhere("env")),
    ("ports", Elsewhere("endpoints")),
    ("volumeMounts", Elsewhere("volumeMounts")),
    ("imagePullPolicy", Cluster),
    ("lifecycle", Cluster),
    ("livenessProbe", Cluster),
    ("readinessProbe", Cluster),
    ("startupProbe", Cluster),
    ("securityContext.readOnlyRootFilesystem", Cluster),
    ("securityContext.runAsNonRoot", Cluster),
    ("terminationMessagePath", Cluster),
    ("terminationMessagePolicy", Cluster),
    ("stdin", Cluster),
    ("stdinOnce", Cluster),
    ("tty", Cluster),
];

/// Of a pod.
pub(super) const POD: &[(&str, Fate)] = &[
    ("spec.securityContext.runAsUser", Taken(Setting::User)),
    ("spec.securityContext.runAsGroup", Taken(Setting::Group)),
    ("spec.terminationGracePeriodSeconds", Taken(Setting::StopTimeout)),
    ("spec.hostNetwork", Only(false)),
    ("spec.hostPID", Only(false)),
    ("spec.hostIPC", Only(false)),
    ("spec.hostUsers", Only(false)),
    ("spec.shareProcessNamespace", Only(false)),
    ("spec.volumes", Refused),
    ("spec.nodeName", Refused),
    ("spec.runtimeClassName", Refused),
    ("spec.hostAliases", Refused),
    ("spec.dnsConfig", Refused),
    ("spec.dnsPolicy", Refused),
    ("spec.securityContext.sysctls", Refused),
    ("spec.securityContext.seLinuxOptions", Refused),
    ("spec.securityContext.seccompProfile", Refused),
    ("spec.securityContext.appArmorProfile", Refused),
    ("spec.containers", Elsewhere("components")),
    ("spec.initContainers", Elsewhere("events")),
    ("spec.ephemeralContainers", Elsewhere("components")),
    ("metadata.labels", Cluster),
    ("metadata.annotations", Cluster),
    ("spec.affinity", Cluster),
    ("spec.automountServiceAccountToken", Cluster),
    ("spec.imagePullSecrets", Cluster),
    ("spec.nodeSelector", Cluster),
    ("spec.priorityClassName", Cluster),
    ("spec.schedulerName", Cluster),
    ("spec.securityContext.fsGroup", Cluster),
    ("spec.securityContext.fsGroupChangePolicy", Cluster),
    ("spec.securityContext.runAsNonRoot", Cluster),
    ("spec.securityContext.supplementalGroups", Cluster),
    ("spec.serviceAccount", Cluster),
    ("spec.serviceAccountName", Cluster),
    ("spec.tolerations", Cluster),
    ("spec.topologySpreadConstraints", Cluster),
];

/// The fate of `path`, where it is listed.
pub(super) fn fate(table: &[(&str, Fate)], path: &str) -> Option<Fate> {
    table
        .iter()
        .find(|(listed, _)| *listed == path)
        .map(|(_, fate)| *fate)
}

/// Whether paths below `path` are listed.
pub(super) fn leads_on(table: &[(&str, Fate)], path: &str) -> bool {
    table.iter().any(|(listed, _)| {
        listed
            .strip_prefix(path)
            .is_some_and(|rest| rest.starts_with('.'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_path_is_listed_twice_or_below_another() {
        for table in [CONTAINER, POD] {
            for (path, _) in table {
                assert_eq!(
                    table.iter().filter(|(other, _)| other == path).count(),
                    1,
                    "{path}"
                );
                assert!(!leads_on(table, path), "{path}");
            }
        }
    }
}
