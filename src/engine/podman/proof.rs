//! The proof that a container was created as asked. Podman accepts unknown keys in a body without a word, so a
//! misspelled or dropped security setting shows only here.

use std::collections::BTreeSet;

use super::inspect::{Container, IdMappings};
use crate::engine::{EngineError, Result};
use crate::model::{ContainerSpec, Limits, UidRange};

/// What a container must read back as.
pub(super) struct Asked<'a> {
    pub(super) spec: &'a ContainerSpec,
    pub(super) limits: &'a Limits,
    /// The ids that it must run under, where the engine gives each pod its own.
    pub(super) range: Option<UidRange>,
    /// Whether the engine enforces limits.
    pub(super) enforced: bool,
}

/// Compares what was asked with what inspect shows.
pub(super) fn check(name: &str, asked: &Asked<'_>, read: &Container) -> Result<()> {
    let user = asked.spec.user.as_ref().filter(|user| **user != read.config.user);
    let differences: Vec<String> = [
        user.map(|user| format!("it runs as {:?}, not {user}", read.config.user))
            .into_iter()
            .collect(),
        security(read),
        ids(asked, read),
        mounts(asked, read),
        limits(asked, read),
    ]
    .into_iter()
    .flatten()
    .collect();
    if differences.is_empty() {
        return Ok(());
    }
    Err(EngineError::NotAsAsked {
        object: name.to_owned(),
        what: differences.join("; "),
    })
}

fn unless(holds: bool, otherwise: impl FnOnce() -> String) -> Option<String> {
    (!holds).then(otherwise)
}

fn security(read: &Container) -> Vec<String> {
    let host = &read.host_config;
    let options = &host.security_opt;
    let confined = options
        .iter()
        .any(|o| o == "no-new-privileges" || o == "no-new-privileges:true");
    let loosened = options
        .iter()
        .find(|o| o.contains("unconfined") || o.contains("disable"));
    let caps: Vec<&String> = read
        .effective_caps
        .iter()
        .flatten()
        .chain(&host.cap_add)
        .collect();
    [
        unless(confined, || "processes may gain privileges".to_owned()),
        loosened.map(|option| format!("it has the security option {option}")),
        unless(caps.is_empty(), || format!("it keeps the capabilities {caps:?}")),
        unless(!host.privileged, || "it is privileged".to_owned()),
        unless(host.init, || "it has no init process".to_owned()),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn ids(asked: &Asked<'_>, read: &Container) -> Vec<String> {
    let Some(range) = asked.range else {
        return Vec::new();
    };
    let map = vec![format!("0:{}:{}", range.first, range.count)];
    let expected = IdMappings {
        uid_map: map.clone(),
        gid_map: map,
    };
    let actual = read.host_config.id_mappings.clone().unwrap_or_default();
    let wrong = || format!("its ids map to {:?}, not {:?}", actual.uid_map, expected.uid_map);
    unless(actual == expected, wrong).into_iter().collect()
}

fn mounts(asked: &Asked<'_>, read: &Container) -> Vec<String> {
    let expected: BTreeSet<(&str, &str)> = asked
        .spec
        .mounts
        .iter()
        .map(|m| (m.volume.as_str(), m.path.as_str()))
        .collect();
    let actual: BTreeSet<(&str, &str)> = read
        .mounts
        .iter()
        .filter(|m| m.kind == "volume")
        .map(|m| (m.name.as_str(), m.destination.as_str()))
        .collect();
    let others = read.mounts.iter().filter(|m| m.kind != "volume");
    others
        .map(|m| format!("it has a {} mount at {}", m.kind, m.destination))
        .chain(unless(actual == expected, || {
            format!("its volumes are {actual:?}, not {expected:?}")
        }))
        .collect()
}

fn limits(asked: &Asked<'_>, read: &Container) -> Vec<String> {
    let host = &read.host_config;
    let fits = |asked: Option<u64>, read: i64| asked.is_none_or(|value| u64::try_from(read) == Ok(value));
    if !asked.enforced {
        return Vec::new();
    }
    let memory = asked.limits.memory.map(|b| b.0);
    [
        unless(fits(memory, host.memory), || {
            format!("its memory limit is {}", host.memory)
        }),
        // Where the kernel doesn't account for swap, Podman drops this half.
        unless(host.memory_swap <= 0 || fits(memory, host.memory_swap), || {
            format!("its limit of memory and swap is {}", host.memory_swap)
        }),
        unless(fits(asked.limits.pids, host.pids_limit), || {
            format!("its limit of processes is {}", host.pids_limit)
        }),
    ]
    .into_iter()
    .flatten()
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Bytes, Mount};

    const GOOD: &str = r#"{"Id":"a","EffectiveCaps":null,
        "Mounts":[{"Type":"volume","Name":"v","Destination":"/v"}],
        "HostConfig":{"SecurityOpt":["no-new-privileges"],"CapAdd":[],"Privileged":false,"Init":true,
        "Memory":1048576,"MemorySwap":1048576,"PidsLimit":100,
        "IDMappings":{"UidMap":["0:1000000:65536"],"GidMap":["0:1000000:65536"]}}}"#;

    fn verdict(read: &str) -> String {
        let spec = ContainerSpec {
            mounts: vec![Mount {
                volume: "v".into(),
                path: "/v".into(),
            }],
            ..ContainerSpec::default()
        };
        let limits = Limits {
            memory: Some(Bytes(1 << 20)),
            pids: Some(100),
            ..Limits::default()
        };
        let range = Some(UidRange {
            first: 1_000_000,
            count: 65536,
        });
        let asked = Asked {
            spec: &spec,
            limits: &limits,
            range,
            enforced: true,
        };
        let read: Container = serde_json::from_str(read).unwrap();
        check("c", &asked, &read).map_or_else(|e| e.to_string(), |()| "as asked".to_owned())
    }

    #[test]
    fn a_container_as_asked_passes() {
        assert_eq!(verdict(GOOD), "as asked");
    }

    #[test]
    fn every_setting_that_reads_back_otherwise_is_named() {
        let cases = [
            (r#"["no-new-privileges"]"#, "[]", "processes may gain privileges"),
            (
                r#"["no-new-privileges"]"#,
                r#"["no-new-privileges","seccomp=unconfined"]"#,
                "seccomp=unconfined",
            ),
            (
                r#""EffectiveCaps":null"#,
                r#""EffectiveCaps":["CAP_CHOWN"]"#,
                "CAP_CHOWN",
            ),
            (r#""Privileged":false"#, r#""Privileged":true"#, "privileged"),
            (r#""Init":true"#, r#""Init":false"#, "no init"),
            (
                r#""UidMap":["0:1000000:65536"]"#,
                r#""UidMap":null"#,
                "its ids map to []",
            ),
            (r#""Name":"v""#, r#""Name":"w""#, "its volumes are"),
            (r#""Type":"volume""#, r#""Type":"bind""#, "bind mount"),
            (r#""Memory":1048576"#, r#""Memory":0"#, "memory limit is 0"),
            (r#""PidsLimit":100"#, r#""PidsLimit":2048"#, "processes is 2048"),
        ];
        for (from, to, expected) in cases {
            let changed = GOOD.replacen(from, to, 1);
            assert_ne!(changed, GOOD);
            assert!(
                verdict(&changed).contains(expected),
                "{to}: {}",
                verdict(&changed)
            );
        }
    }
}
