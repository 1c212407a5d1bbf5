//! An object's identity: its specification in canonical form, and the hash over it that labels carry.

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::spec::Spec;

/// The version of the canonical form. Raising it recreates every object, so goldens pin what it yields.
const VERSION: &str = "v1";

/// A specification's canonical form and hash: the values of the labels `dev.wharf.spec` and `dev.wharf.hash`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The canonical form, JSON.
    pub spec: String,
    /// `v1-` and 32 hexadecimal digits.
    pub hash: String,
}

impl Identity {
    /// The identity of `spec`.
    #[must_use]
    pub fn of(spec: &Spec) -> Self {
        let spec = canonical(spec);
        let hash = format!("{VERSION}-{}", content_hash(spec.as_bytes()));
        Self { spec, hash }
    }
}

/// The hash of `spec`'s canonical form.
#[must_use]
pub fn spec_hash(spec: &Spec) -> String {
    Identity::of(spec).hash
}

/// 128 bits of SHA-256, as 32 hexadecimal digits: enough against accident, and nobody gains by a collision with
/// objects that only they can create.
#[must_use]
pub fn content_hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .take(16)
        .map(|b| format!("{b:02x}"))
        .collect()
}

/// The canonical form: compact JSON, fields in the order of their declaration, defaults left out.
fn canonical(value: &impl Serialize) -> String {
    // Invariant: every specification is made of strings, numbers, lists and structs, which serialise.
    serde_json::to_string(value).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::spec::{
        ContainerSpec, Mount, NetworkSpec, PodSpec, STOP_TIMEOUT, UidRange, VolumeSpec,
    };

    /// A new release must recreate nothing: these hashes never change.
    #[test]
    fn hashes_are_pinned() {
        let network = Spec::Network(NetworkSpec::default());
        let volume = Spec::Volume(VolumeSpec {
            ephemeral: true,
            ..VolumeSpec::default()
        });
        let pod = Spec::Pod(PodSpec {
            network: "lab.alice.api".into(),
            hostname: "api".into(),
            uid_range: Some(UidRange {
                first: 1_000_000,
                count: 65536,
            }),
            ..PodSpec::default()
        });
        let container = Spec::Container(ContainerSpec {
            pod: "lab.alice.api".into(),
            image: "localhost/x:1".into(),
            env: vec![("A".into(), "b".into())],
            mounts: vec![Mount {
                volume: "lab.alice.api.home".into(),
                path: "/home/user".into(),
            }],
            stop_timeout: STOP_TIMEOUT,
            ..ContainerSpec::default()
        });
        insta::assert_snapshot!(
            [network, volume, pod, container]
                .iter()
                .map(|spec| {
                    let i = Identity::of(spec);
                    format!("{} {}\n", i.hash, i.spec)
                })
                .collect::<String>()
        );
    }

    #[test]
    fn a_specification_reads_back_from_its_canonical_form() {
        let spec = Spec::Container(ContainerSpec {
            image: "x".into(),
            stop_timeout: 3,
            ..ContainerSpec::default()
        });
        let read: Spec = serde_json::from_str(&Identity::of(&spec).spec).unwrap();
        assert_eq!(read, spec);
    }
}
