//! What Podman's inspect endpoints answer, as far as it is read here. Fields that a version lacks are absent, not errors.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::Deserializer;

use super::fault::Call;
use super::http::{Api, Endpoint};
use crate::engine::Result;
use crate::model::{EngineId, Labels};

/// `GET /libpod/containers/{name}/json`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct Container {
    pub(super) id: String,
    pub(super) name: String,
    /// The id of its pod; empty where it is in none.
    pub(super) pod: String,
    pub(super) state: State,
    pub(super) config: Config,
    pub(super) host_config: HostConfig,
    #[serde(deserialize_with = "or_default")]
    pub(super) mounts: Vec<Mount>,
    /// `null` where the process has none.
    pub(super) effective_caps: Option<Vec<String>>,
    pub(super) size_rw: Option<i64>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct State {
    pub(super) status: String,
    pub(super) pid: u32,
    pub(super) exit_code: i32,
    pub(super) started_at: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct Config {
    pub(super) stop_timeout: u64,
    pub(super) user: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct HostConfig {
    #[serde(deserialize_with = "or_default")]
    pub(super) security_opt: Vec<String>,
    #[serde(deserialize_with = "or_default")]
    pub(super) cap_add: Vec<String>,
    pub(super) privileged: bool,
    pub(super) init: bool,
    pub(super) memory: i64,
    pub(super) memory_swap: i64,
    pub(super) pids_limit: i64,
    #[serde(rename = "IDMappings")]
    pub(super) id_mappings: Option<IdMappings>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct IdMappings {
    #[serde(deserialize_with = "or_default")]
    pub(super) uid_map: Vec<String>,
    #[serde(deserialize_with = "or_default")]
    pub(super) gid_map: Vec<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct Mount {
    #[serde(rename = "Type")]
    pub(super) kind: String,
    pub(super) name: String,
    pub(super) destination: String,
}

/// `GET /libpod/pods/{name}/json`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct Pod {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) state: String,
    #[serde(rename = "InfraContainerID")]
    pub(super) infra: String,
    #[serde(deserialize_with = "or_default")]
    pub(super) labels: Labels,
    #[serde(deserialize_with = "or_default")]
    pub(super) containers: Vec<Member>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct Member {
    pub(super) id: String,
    pub(super) name: String,
}

/// `GET /libpod/volumes/{name}/json`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct Volume {
    pub(super) name: String,
    pub(super) created_at: String,
    pub(super) mountpoint: String,
    #[serde(deserialize_with = "or_default")]
    pub(super) labels: Labels,
    #[serde(deserialize_with = "or_default")]
    pub(super) options: BTreeMap<String, String>,
    needs_chown: bool,
    #[serde(rename = "UID")]
    uid: u32,
}

impl Volume {
    /// Whether Podman has set its owner, and will set it again: see [`super::owners`].
    pub(super) fn owner_is_unsettled(&self) -> bool {
        self.needs_chown && self.uid != 0 && !self.options.contains_key("type")
    }

    /// Volumes have no id; the time of creation, to the nanosecond, tells incarnations apart.
    pub(super) fn engine_id(&self) -> EngineId {
        EngineId(self.created_at.clone())
    }
}

/// `GET /libpod/networks/{name}/json`, and the answer to its creation.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Network {
    pub(super) name: String,
    pub(super) id: String,
    pub(super) created: String,
}

impl Network {
    pub(super) fn engine_id(&self) -> EngineId {
        network_id(&self.id, unix_nanoseconds(&self.created).unwrap_or_default())
    }
}

/// A network's id is the hash of its name, so the time of creation is part of what tells incarnations apart.
pub(super) fn network_id(id: &str, created: i128) -> EngineId {
    EngineId(format!("{id}@{created}"))
}

/// Go writes an empty list or map as `null`.
fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(input: D) -> Result<T, D::Error> {
    Option::<T>::deserialize(input).map(Option::unwrap_or_default)
}

impl Container {
    pub(super) fn is_running(&self) -> bool {
        self.state.status == "running" && self.state.pid != 0
    }

    /// What a run is known by; the same text as that of [`crate::model::ObservedObject::incarnation`].
    pub(super) fn incarnation(&self) -> String {
        let since = unix_seconds(&self.state.started_at).unwrap_or_default();
        format!("{}@{since}.{}", self.id, self.state.pid)
    }
}

impl Api {
    pub(super) async fn container(&self, verb: &str, name: &str) -> Result<Container> {
        self.get(
            Call::new(verb, name),
            &Endpoint::new(&["containers", name, "json"]),
        )
        .await
    }

    pub(super) async fn pod(&self, verb: &str, name: &str) -> Result<Pod> {
        self.get(Call::new(verb, name), &Endpoint::new(&["pods", name, "json"]))
            .await
    }

    pub(super) async fn volume(&self, verb: &str, name: &str) -> Result<Volume> {
        self.get(Call::new(verb, name), &Endpoint::new(&["volumes", name, "json"]))
            .await
    }

    pub(super) async fn network(&self, verb: &str, name: &str) -> Result<Network> {
        self.get(Call::new(verb, name), &Endpoint::new(&["networks", name, "json"]))
            .await
    }
}

/// The second of the Unix epoch that an RFC 3339 time lies in; listings state it as such, inspect as text.
fn unix_seconds(text: &str) -> Option<i64> {
    i64::try_from(unix_nanoseconds(text)?.div_euclid(1_000_000_000)).ok()
}

/// An RFC 3339 time in nanoseconds of the Unix epoch.
fn unix_nanoseconds(text: &str) -> Option<i128> {
    let number = |range: std::ops::Range<usize>| text.get(range)?.parse::<i64>().ok();
    let (year, month, day) = (number(0..4)?, number(5..7)?, number(8..10)?);
    let (hour, minute, second) = (number(11..13)?, number(14..16)?, number(17..19)?);
    let rest = text.get(19..)?;
    let zone = rest.trim_start_matches(|c: char| c == '.' || c.is_ascii_digit());
    let fraction: String = rest
        .chars()
        .skip(1)
        .take_while(char::is_ascii_digit)
        .take(9)
        .collect();
    let nanoseconds: i128 = format!("{fraction:0<9}").parse().ok()?;
    let offset = match zone.chars().next()? {
        'Z' => 0,
        sign @ ('+' | '-') => {
            let (hours, minutes) = zone.get(1..)?.split_once(':')?;
            let seconds = hours.parse::<i64>().ok()? * 3600 + minutes.parse::<i64>().ok()? * 60;
            if sign == '+' { seconds } else { -seconds }
        }
        _ => return None,
    };
    // Days since 1970-01-01 in the Gregorian calendar, counted in years that begin in March.
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let days = year * 365 + year.div_euclid(4) - year.div_euclid(100)
        + year.div_euclid(400)
        + (month * 153 + 2) / 5
        + day
        - 719_469;
    let seconds = days * 86_400 + hour * 3600 + minute * 60 + second - offset;
    Some(i128::from(seconds) * 1_000_000_000 + nanoseconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_to_the_second_in_any_zone() {
        assert_eq!(unix_seconds("1970-01-01T00:00:00Z"), Some(0));
        assert_eq!(
            unix_seconds("2026-11-21T08:35:00.128253914Z"),
            Some(1_795_250_100)
        );
        assert_eq!(unix_seconds("2026-11-21T10:35:00.9+02:00"), Some(1_795_250_100));
        assert_eq!(unix_seconds("2024-02-29T23:59:59Z"), Some(1_709_251_199));
        assert_eq!(unix_seconds("0001-01-01T00:00:00Z"), Some(-62_135_596_800));
        assert_eq!(unix_nanoseconds("1970-01-01T00:00:01.05Z"), Some(1_050_000_000));
        assert_eq!(unix_seconds("yesterday"), None);
        assert_eq!(unix_seconds(""), None);
    }

    #[test]
    fn null_lists_are_empty() {
        let text = r#"{"Id":"a","Mounts":null,"EffectiveCaps":null,"HostConfig":{"CapAdd":null,"SecurityOpt":["no-new-privileges"]}}"#;
        let read: Container = serde_json::from_str(text).unwrap();
        assert!(read.mounts.is_empty() && read.effective_caps.is_none());
        assert_eq!(read.host_config.security_opt, ["no-new-privileges"]);
    }
}
