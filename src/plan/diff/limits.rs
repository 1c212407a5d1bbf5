//! Limits: what is declared against what the kernel enforces.

use crate::model::{Bytes, Enforced, Limits, MilliCpu, Reading};
use crate::plan::change::FieldChange;

/// The kernel keeps memory limits in whole pages.
const PAGE: u64 = 4096;

/// The limits that are not in force. What is not declared, or can't be read, is not compared.
pub(in crate::plan) fn differences(declared: &Limits, enforced: &Enforced) -> Vec<FieldChange> {
    let memory = |b: Option<Bytes>| b.map(|b| b.0 / PAGE * PAGE);
    let bytes = |v: u64| Bytes(v).to_string();
    let cpu = |v: u64| MilliCpu(v).to_string();
    let shares = declared.cpu_request.map(shares);
    let plain = |v: u64| v.to_string();
    [
        field("memory", memory(declared.memory), enforced.memory, bytes),
        field(
            "memoryRequest",
            memory(declared.memory_request),
            enforced.memory_request,
            bytes,
        ),
        field("cpu", declared.cpu.map(|c| c.0), enforced.cpu, cpu),
        field("cpuShares", shares, enforced.cpu_shares, plain),
        field("pids", declared.pids, enforced.pids, plain),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// A processor request as the kernel's share: 1024 a processor, at least 2.
pub(super) fn shares(request: MilliCpu) -> u64 {
    (request.0 * 1024 / 1000).max(2)
}

fn field(
    path: &str,
    declared: Option<u64>,
    enforced: Reading,
    show: impl Fn(u64) -> String,
) -> Option<FieldChange> {
    let declared = declared?;
    let before = match enforced {
        Reading::Unknown => return None,
        Reading::Value(value) if value == declared => return None,
        Reading::Value(value) => show(value),
        Reading::Unlimited => "unlimited".to_owned(),
    };
    let path = format!("limits.{path}");
    Some(FieldChange {
        path,
        before: before.into(),
        after: show(declared).into(),
        forces_replace: false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_declared_limits_that_can_be_read_are_compared() {
        let declared = Limits {
            memory: Some(Bytes(10_000)),
            cpu: Some(MilliCpu(500)),
            pids: Some(100),
            ..Limits::default()
        };
        let mut enforced = Enforced {
            memory: Reading::Value(8192),
            cpu: Reading::Value(500),
            cpu_shares: Reading::Value(7),
            ..Enforced::default()
        };
        assert_eq!(differences(&declared, &enforced), []);
        enforced.pids = Reading::Unlimited;
        enforced.memory = Reading::Value(4096);
        let paths: Vec<_> = differences(&declared, &enforced)
            .into_iter()
            .map(|f| f.path)
            .collect();
        assert_eq!(paths, ["limits.memory", "limits.pids"]);
    }
}
