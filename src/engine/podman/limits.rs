//! Limits as Podman takes them, and whether the kernel enforces what was asked.

use serde::Serialize;

use super::cgroup::{CPU_UNLIMITED, Hierarchy};
use crate::model::observed::Reading;
use crate::model::{Enforced, Limits, MilliCpu};

/// Microseconds over which a quota counts.
const PERIOD: u64 = 100_000;
/// The kernel's smallest quota, in microseconds.
const MIN_QUOTA: u64 = 1000;
/// The processor share where none is asked for.
const DEFAULT_SHARES: u64 = 1024;
/// The kernel counts memory in whole pages, of at most this size.
const PAGE: u64 = 64 << 10;

/// `LinuxResources` of the OCI runtime specification, as far as wharf sets it: the body of a container's `update`, and
/// `resource_limits` of its creation.
#[derive(Debug, Serialize)]
pub(super) struct Resources {
    #[serde(skip_serializing_if = "Option::is_none")]
    memory: Option<Memory>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cpu: Option<Cpu>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pids: Option<Pids>,
}

#[derive(Debug, Default, Serialize)]
struct Memory {
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    swap: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reservation: Option<i64>,
}

#[derive(Debug, Default, Serialize)]
struct Cpu {
    #[serde(skip_serializing_if = "Option::is_none")]
    quota: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    period: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    shares: Option<u64>,
}

#[derive(Debug, Serialize)]
struct Pids {
    limit: i64,
}

/// For a new container: what is not limited is left out, except for the processes, of which Podman allows 2048 by
/// default. Swap is part of the memory limit, so there is none beside it.
pub(super) fn at_creation(limits: &Limits) -> Resources {
    let memory = limits.memory.map(|b| signed(b.0));
    let reservation = limits.memory_request.map(|b| signed(b.0));
    Resources {
        memory: (memory.is_some() || reservation.is_some()).then_some(Memory {
            limit: memory,
            swap: memory,
            reservation,
        }),
        cpu: (limits.cpu.is_some() || limits.cpu_request.is_some()).then(|| Cpu {
            quota: limits.cpu.map(quota),
            period: limits.cpu.map(|_| PERIOD),
            shares: limits.cpu_request.map(shares),
        }),
        pids: Some(Pids {
            limit: limits.pids.map_or(-1, signed),
        }),
    }
}

/// For a running container: every value, since a value that is left out stays as it was.
pub(super) fn live(limits: &Limits, hierarchy: Hierarchy) -> Resources {
    let memory = limits.memory.map_or(-1, |b| signed(b.0));
    let (no_reservation, no_quota) = match hierarchy {
        Hierarchy::V1 => (-1, -1),
        // -1 reserves everything, and an absent quota becomes 1 % of a processor (crun with systemd).
        Hierarchy::V2 => (0, quota(MilliCpu(CPU_UNLIMITED))),
    };
    Resources {
        memory: Some(Memory {
            limit: Some(memory),
            swap: Some(memory),
            reservation: Some(limits.memory_request.map_or(no_reservation, |b| signed(b.0))),
        }),
        cpu: Some(Cpu {
            quota: Some(limits.cpu.map_or(no_quota, quota)),
            period: Some(PERIOD),
            shares: Some(limits.cpu_request.map_or(DEFAULT_SHARES, shares)),
        }),
        pids: Some(Pids {
            limit: limits.pids.map_or(-1, signed),
        }),
    }
}

/// What differs between the limits asked for and those enforced; what can't be read differs in nothing.
pub(super) fn differences(asked: &Limits, enforced: &Enforced) -> Vec<String> {
    let memory = |b: crate::model::Bytes| b.0;
    let rows = [
        ("memory", asked.memory.map(memory), enforced.memory, PAGE - 1),
        (
            "memory request",
            asked.memory_request.map(memory),
            enforced.memory_request,
            PAGE - 1,
        ),
        ("cpu", asked.cpu.map(|c| c.0.max(10)), enforced.cpu, 0),
        (
            "cpu shares",
            Some(asked.cpu_request.map_or(DEFAULT_SHARES, shares)),
            enforced.cpu_shares,
            0,
        ),
        ("pids", asked.pids, enforced.pids, 0),
    ];
    rows.into_iter()
        .filter_map(|(name, asked, enforced, tolerance)| {
            let fits = match (asked, enforced) {
                (_, Reading::Unknown) | (None, Reading::Unlimited) => true,
                (Some(_), Reading::Unlimited) | (None, Reading::Value(_)) => false,
                (Some(asked), Reading::Value(value)) => value <= asked && asked - value <= tolerance,
            };
            (!fits).then(|| {
                format!(
                    "{name} is {}, not {}",
                    shown(enforced),
                    asked.map_or_else(|| "unlimited".into(), |v| v.to_string())
                )
            })
        })
        .collect()
}

fn shown(reading: Reading) -> String {
    match reading {
        Reading::Unknown => "unknown".to_owned(),
        Reading::Unlimited => "unlimited".to_owned(),
        Reading::Value(value) => value.to_string(),
    }
}

fn quota(cpu: MilliCpu) -> i64 {
    signed(cpu.0.saturating_mul(PERIOD / 1000).max(MIN_QUOTA))
}

fn shares(cpu: MilliCpu) -> u64 {
    (cpu.0.saturating_mul(DEFAULT_SHARES) / 1000).clamp(2, 262_144)
}

fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Bytes;

    fn some() -> Limits {
        Limits {
            memory: Some(Bytes(1 << 20)),
            memory_request: None,
            cpu: Some(MilliCpu(1500)),
            cpu_request: Some(MilliCpu(250)),
            pids: Some(100),
        }
    }

    fn json(resources: &Resources) -> String {
        serde_json::to_string(resources).unwrap()
    }

    #[test]
    fn a_new_container_gets_swap_equal_to_memory_and_nothing_that_was_not_asked() {
        assert_eq!(
            json(&at_creation(&some())),
            r#"{"memory":{"limit":1048576,"swap":1048576},"cpu":{"quota":150000,"period":100000,"shares":256},"pids":{"limit":100}}"#
        );
        assert_eq!(json(&at_creation(&Limits::default())), r#"{"pids":{"limit":-1}}"#);
    }

    #[test]
    fn a_live_update_sends_every_value() {
        assert_eq!(
            json(&live(&Limits::default(), Hierarchy::V1)),
            r#"{"memory":{"limit":-1,"swap":-1,"reservation":-1},"cpu":{"quota":-1,"period":100000,"shares":1024},"pids":{"limit":-1}}"#
        );
        assert_eq!(
            json(&live(&some(), Hierarchy::V2)),
            r#"{"memory":{"limit":1048576,"swap":1048576,"reservation":0},"cpu":{"quota":150000,"period":100000,"shares":256},"pids":{"limit":100}}"#
        );
        assert!(json(&live(&Limits::default(), Hierarchy::V2)).contains(r#""quota":100000000"#));
    }

    #[test]
    fn only_what_can_be_read_and_differs_is_a_difference() {
        let mut enforced = Enforced {
            memory: Reading::Value(1 << 20),
            memory_request: Reading::Unlimited,
            cpu: Reading::Value(1500),
            cpu_shares: Reading::Value(256),
            pids: Reading::Value(100),
        };
        assert!(differences(&some(), &enforced).is_empty());
        assert!(differences(&some(), &Enforced::default()).is_empty());
        enforced.memory = Reading::Value(2 << 20);
        enforced.pids = Reading::Unlimited;
        assert_eq!(
            differences(&some(), &enforced),
            ["memory is 2097152, not 1048576", "pids is unlimited, not 100"]
        );
    }

    #[test]
    fn a_page_less_is_no_difference_and_a_byte_more_is() {
        let asked = Limits {
            memory: Some(Bytes(1_000_000)),
            ..Limits::default()
        };
        let with = |value| Enforced {
            memory: Reading::Value(value),
            ..Enforced::default()
        };
        assert!(differences(&asked, &with(999_424)).is_empty());
        assert!(!differences(&asked, &with(1_000_001)).is_empty());
    }
}
