//! What the kernel enforces on a container, read from its control group on this machine: version 1 and version 2.
//!
//! Podman's own inspect can't be used for it: after a live update 4.3.1 still shows the limits of creation.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::model::observed::Reading;
use crate::model::{Enforced, EngineFacts};

/// Version 1 says "no limit" with the largest number of whole pages; pages have at most 64 KiB.
const V1_UNLIMITED: u64 = 0x7FFF_FFFF_FFFF_0000;
/// A quota of this many thousandths of a processor stands for none: crun with systemd turns "none" into 1 % of a
/// processor on the outer of a container's two groups (measured with 5.4.2), so this is sent instead.
pub(super) const CPU_UNLIMITED: u64 = 1_000_000;

/// Which version of control groups the machine has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hierarchy {
    V1,
    V2,
}

/// The machine on which the engine runs, which is this one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Host {
    pub(super) hierarchy: Hierarchy,
    /// The user whose Podman it is.
    pub(super) uid: u32,
}

impl Host {
    pub(super) fn of_engine(uid: u32) -> Self {
        let unified = rustix::fs::statfs("/sys/fs/cgroup").is_ok_and(|fs| fs.f_type == 0x6367_7270);
        let hierarchy = if unified { Hierarchy::V2 } else { Hierarchy::V1 };
        Self { hierarchy, uid }
    }

    pub(super) fn rootless(self) -> bool {
        self.uid != 0
    }

    /// Whether limits are enforced: without root only where systemd delegates the controllers to the user.
    pub(super) fn enforces_limits(self) -> bool {
        match (self.rootless(), self.hierarchy) {
            (false, _) => true,
            (true, Hierarchy::V1) => false,
            (true, Hierarchy::V2) => {
                let uid = self.uid;
                let group = format!("/sys/fs/cgroup/user.slice/user-{uid}.slice/user@{uid}.service");
                std::fs::read_to_string(Path::new(&group).join("cgroup.controllers"))
                    .is_ok_and(|controllers| delegates(&controllers))
            }
        }
    }

    pub(super) fn facts(self, version: String) -> EngineFacts {
        EngineFacts {
            version,
            rootless: self.rootless(),
            enforces_limits: self.enforces_limits(),
            memory: std::fs::read_to_string("/proc/meminfo")
                .ok()
                .and_then(|text| total_memory(&text)),
        }
    }
}

/// The machine's memory in bytes, in the text of `/proc/meminfo`.
fn total_memory(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024)
}

fn delegates(controllers: &str) -> bool {
    let has = |name| controllers.split_whitespace().any(|c| c == name);
    has("memory") && has("pids") && has("cpu")
}

/// What is enforced on the container `id`, whose first process is `pid`; nothing where that can't be read.
pub(super) fn read(hierarchy: Hierarchy, pid: u32, id: &str) -> Option<Enforced> {
    let membership = std::fs::read_to_string(format!("/proc/{pid}/cgroup")).ok()?;
    let root = Path::new("/sys/fs/cgroup");
    match hierarchy {
        Hierarchy::V1 => read_v1(root, &membership, id),
        Hierarchy::V2 => read_v2(root, &membership, id),
    }
}

/// The group of a controller (`""` for version 2) in the text of `/proc/PID/cgroup`, where it is the container's own:
/// the process's id may have passed to another process meanwhile.
fn group<'a>(membership: &'a str, controller: &str, id: &str) -> Option<&'a str> {
    membership
        .lines()
        .filter_map(|line| {
            let mut parts = line.splitn(3, ':');
            let (_, controllers, path) = (parts.next()?, parts.next()?, parts.next()?);
            controllers.split(',').any(|c| c == controller).then_some(path)
        })
        .find(|path| path.contains(id) && !path.contains(".."))
}

/// How much processor time the container `id` has used, whose first process is `pid`; nothing where that can't be read.
pub(super) fn processor_time(hierarchy: Hierarchy, pid: u32, id: &str) -> Option<Duration> {
    let membership = std::fs::read_to_string(format!("/proc/{pid}/cgroup")).ok()?;
    processor_time_in(Path::new("/sys/fs/cgroup"), hierarchy, &membership, id)
}

fn processor_time_in(root: &Path, hierarchy: Hierarchy, membership: &str, id: &str) -> Option<Duration> {
    match hierarchy {
        Hierarchy::V1 => {
            let path = group(membership, "cpuacct", id)?.trim_start_matches('/');
            let text = std::fs::read_to_string(root.join("cpuacct").join(path).join("cpuacct.usage")).ok()?;
            text.trim().parse().ok().map(Duration::from_nanos)
        }
        Hierarchy::V2 => {
            // The outermost group has the time of those within it.
            let groups = own_groups(root, group(membership, "", id)?, id);
            let text = std::fs::read_to_string(groups.last()?.join("cpu.stat")).ok()?;
            let used = text.lines().find_map(|line| line.strip_prefix("usage_usec "))?;
            used.trim().parse().ok().map(Duration::from_micros)
        }
    }
}

fn read_v1(root: &Path, membership: &str, id: &str) -> Option<Enforced> {
    let value = |controller: &str, file: &str| {
        let path = group(membership, controller, id)?.trim_start_matches('/');
        std::fs::read_to_string(root.join(controller).join(path).join(file)).ok()
    };
    group(membership, "memory", id).or_else(|| group(membership, "pids", id))?;
    let quota = value("cpu", "cpu.cfs_quota_us").zip(value("cpu", "cpu.cfs_period_us"));
    Some(Enforced {
        memory: bytes(value("memory", "memory.limit_in_bytes")),
        memory_request: bytes(value("memory", "memory.soft_limit_in_bytes")),
        cpu: quota.map_or(Reading::Unknown, |(quota, period)| {
            cpu(quota.trim(), period.trim())
        }),
        cpu_shares: bytes(value("cpu", "cpu.shares")),
        pids: bytes(value("pids", "pids.max")),
    })
}

fn read_v2(root: &Path, membership: &str, id: &str) -> Option<Enforced> {
    let groups = own_groups(root, group(membership, "", id)?, id);
    let tightest = |file: &str, parse: &dyn Fn(String) -> Reading| {
        groups
            .iter()
            .filter_map(|group| std::fs::read_to_string(group.join(file)).ok().map(parse))
            .reduce(tighter)
            .unwrap_or_default()
    };
    Some(Enforced {
        memory: tightest("memory.max", &|text| bytes(Some(text))),
        memory_request: match tightest("memory.low", &|text| bytes(Some(text))) {
            Reading::Value(0) => Reading::Unlimited,
            other => other,
        },
        cpu: tightest("cpu.max", &|text| match text.trim().split_once(' ') {
            Some((quota, period)) => cpu(quota, period),
            None => Reading::Unknown,
        }),
        // The conversion from shares to weights differs between runtimes, so weights can't be compared.
        cpu_shares: Reading::Unknown,
        pids: tightest("pids.max", &|text| bytes(Some(text))),
    })
}

/// The container's groups from the process's own up to the one that bears its id: crun puts the process into a group
/// within the one that systemd knows, and limits on either hold.
fn own_groups(root: &Path, path: &str, id: &str) -> Vec<PathBuf> {
    let path = Path::new(path.trim_start_matches('/'));
    let mine = |p: &Path| p.to_string_lossy().contains(id);
    path.ancestors()
        .take_while(|p| mine(p))
        .map(|p| root.join(p))
        .collect()
}

fn tighter(a: Reading, b: Reading) -> Reading {
    match (a, b) {
        (Reading::Value(a), Reading::Value(b)) => Reading::Value(a.min(b)),
        (Reading::Value(v), Reading::Unknown | Reading::Unlimited)
        | (Reading::Unknown | Reading::Unlimited, Reading::Value(v)) => Reading::Value(v),
        (Reading::Unlimited, _) | (_, Reading::Unlimited) => Reading::Unlimited,
        (Reading::Unknown, Reading::Unknown) => Reading::Unknown,
    }
}

fn bytes(text: Option<String>) -> Reading {
    match text.as_deref().map(str::trim) {
        Some("max" | "-1") => Reading::Unlimited,
        Some(number) => match number.parse() {
            Ok(value) if value >= V1_UNLIMITED => Reading::Unlimited,
            Ok(value) => Reading::Value(value),
            Err(_) => Reading::Unknown,
        },
        None => Reading::Unknown,
    }
}

fn cpu(quota: &str, period: &str) -> Reading {
    if matches!(quota, "max" | "-1") {
        return Reading::Unlimited;
    }
    match (quota.parse::<u64>(), period.parse::<u64>()) {
        (Ok(quota), Ok(period)) if period > 0 => match quota.saturating_mul(1000) / period {
            milli if milli >= CPU_UNLIMITED => Reading::Unlimited,
            milli => Reading::Value(milli),
        },
        _ => Reading::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(dir: &Path, files: &[(&str, &str)]) {
        std::fs::create_dir_all(dir).unwrap();
        for (name, text) in files {
            std::fs::write(dir.join(name), format!("{text}\n")).unwrap();
        }
    }

    #[test]
    fn version_1_is_read_per_controller() {
        let root = tempfile::tempdir().unwrap();
        let at = |controller: &str| root.path().join(controller).join("libpod_parent/p/libpod-abc");
        write(
            &at("memory"),
            &[
                ("memory.limit_in_bytes", "67108864"),
                ("memory.soft_limit_in_bytes", "9223372036854771712"),
            ],
        );
        write(
            &at("cpu"),
            &[
                ("cpu.cfs_quota_us", "150000"),
                ("cpu.cfs_period_us", "100000"),
                ("cpu.shares", "256"),
            ],
        );
        write(&at("pids"), &[("pids.max", "max")]);
        let path = "/libpod_parent/p/libpod-abc";
        let membership = format!("4:memory:{path}\n2:cpu,cpuacct:{path}\n8:pids:{path}\n0::{path}\n");
        assert_eq!(
            read_v1(root.path(), &membership, "abc"),
            Some(Enforced {
                memory: Reading::Value(64 << 20),
                memory_request: Reading::Unlimited,
                cpu: Reading::Value(1500),
                cpu_shares: Reading::Value(256),
                pids: Reading::Unlimited,
            })
        );
        assert_eq!(read_v1(root.path(), &membership, "other"), None);
    }

    #[test]
    fn version_2_takes_the_tighter_of_the_containers_two_groups() {
        let root = tempfile::tempdir().unwrap();
        let scope = root.path().join("machine.slice/libpod-abc.scope");
        write(
            &root.path().join("machine.slice"),
            &[("memory.max", "1"), ("pids.max", "1")],
        );
        write(
            &scope,
            &[
                ("memory.max", "max"),
                ("cpu.max", "1000 100000"),
                ("memory.low", "0"),
            ],
        );
        write(
            &scope.join("container"),
            &[
                ("memory.max", "67108864"),
                ("memory.low", "0"),
                ("cpu.max", "max 100000"),
                ("cpu.weight", "10"),
                ("pids.max", "100"),
            ],
        );
        let membership = "0::/machine.slice/libpod-abc.scope/container\n";
        assert_eq!(
            read_v2(root.path(), membership, "abc"),
            Some(Enforced {
                memory: Reading::Value(64 << 20),
                memory_request: Reading::Unlimited,
                cpu: Reading::Value(10),
                cpu_shares: Reading::Unknown,
                pids: Reading::Value(100),
            })
        );
    }

    #[test]
    fn processor_time_is_that_of_the_containers_outermost_group() {
        let root = tempfile::tempdir().unwrap();
        let scope = root.path().join("machine.slice/libpod-abc.scope");
        write(&scope, &[("cpu.stat", "usage_usec 1500000\nuser_usec 1\n")]);
        write(&scope.join("container"), &[("cpu.stat", "usage_usec 1\n")]);
        let time = |hierarchy, membership: &str| processor_time_in(root.path(), hierarchy, membership, "abc");
        let membership = "0::/machine.slice/libpod-abc.scope/container\n";
        assert_eq!(time(Hierarchy::V2, membership), Some(Duration::from_millis(1500)));
        let group = root.path().join("cpuacct/libpod_parent/libpod-abc");
        write(&group, &[("cpuacct.usage", "2500000000\n")]);
        let membership = "2:cpu,cpuacct:/libpod_parent/libpod-abc\n";
        assert_eq!(time(Hierarchy::V1, membership), Some(Duration::from_millis(2500)));
        assert_eq!(time(Hierarchy::V1, "2:cpu,cpuacct:/user.slice\n"), None);
    }

    #[test]
    fn a_process_that_is_not_the_containers_is_not_read() {
        assert_eq!(group("0::/../other\n", "", "other"), None);
        assert_eq!(group("0::/init.scope\n", "", "abc"), None);
        assert_eq!(group("garbage\n::\n", "", "abc"), None);
    }

    #[test]
    fn odd_values_are_unknown() {
        assert_eq!(bytes(Some("x".into())), Reading::Unknown);
        assert_eq!(cpu("1", "0"), Reading::Unknown);
        assert_eq!(cpu("100000000", "100000"), Reading::Unlimited);
    }

    #[test]
    fn rootless_needs_all_three_controllers() {
        assert!(delegates("cpu memory pids\n"));
        assert!(!delegates("memory pids\n"));
    }
}
