//! What becomes of each object of a workspace: kept, created, or replaced, and why. A replacement pulls along what
//! can't live without the replaced object.

use std::collections::BTreeMap;

use super::Present;
use super::fields::spec_fields;
use crate::model::{DesiredWorkspace, Identity, ObservedObject, Role, Spec};
use crate::plan::change::FieldChange;

#[derive(Clone, Debug)]
pub(super) enum Fate<'a> {
    /// It is as declared, as far as it can't be changed in place.
    Keep(&'a ObservedObject),
    /// It is not there.
    Create,
    /// It must go and come again.
    Replace {
        old: &'a ObservedObject,
        reason: String,
        fields: Vec<FieldChange>,
    },
}

impl<'a> Fate<'a> {
    pub(super) fn kept(&self) -> Option<&'a ObservedObject> {
        match self {
            Self::Keep(object) => Some(object),
            Self::Create | Self::Replace { .. } => None,
        }
    }

    pub(super) fn is_replaced(&self) -> bool {
        matches!(self, Self::Replace { .. })
    }
}

/// The fates of a declared workspace's objects.
pub(super) struct Fates<'a>(BTreeMap<Role, Fate<'a>>);

impl<'a> Fates<'a> {
    pub(super) fn of(desired: &DesiredWorkspace, present: &Present<'a>) -> Self {
        let mut fates = Self(BTreeMap::new());
        fates.add(
            present,
            Role::Network,
            &Spec::Network(desired.network.clone()),
            None,
        );
        let network = fates.get(&Role::Network).clone();
        for (role, spec) in &desired.volumes {
            fates.add(present, role.clone(), &Spec::Volume(spec.clone()), None);
        }
        for (role, spec) in &desired.pods {
            let pulled = if network.is_replaced() {
                Some("its network is replaced".to_owned())
            } else {
                present.get(role).and_then(|pod| broken(pod, &spec.network))
            };
            fates.add(present, role.clone(), &Spec::Pod(spec.clone()), pulled);
        }
        for container in &desired.containers {
            let role = Role::Component(container.component.clone());
            let pulled = fates.pulled(desired, &role, present, &container.spec);
            fates.add(present, role, &Spec::Container(container.spec.clone()), pulled);
        }
        fates
    }

    /// Those of objects that all stay as they are.
    pub(super) fn kept(present: &Present<'a>) -> Self {
        let kept = present
            .iter()
            .map(|(role, object)| (role.clone(), Fate::Keep(object)));
        Self(kept.collect())
    }

    pub(super) fn get(&self, role: &Role) -> &Fate<'a> {
        // A role that nothing declares is asked for by nobody; `Create` is what its absence means.
        self.0.get(role).unwrap_or(&Fate::Create)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&Role, &Fate<'a>)> {
        self.0.iter()
    }

    fn add(&mut self, present: &Present<'a>, role: Role, spec: &Spec, pulled: Option<String>) {
        let fate = match present.get(&role).copied() {
            None => Fate::Create,
            Some(old) => {
                let changed = old.owner.identity.hash != Identity::of(spec).hash;
                let fields = if changed {
                    spec_fields(&old.owner.identity.spec, spec)
                } else {
                    Vec::new()
                };
                match pulled.or_else(|| changed.then(|| reason(&fields))) {
                    Some(reason) => Fate::Replace { old, reason, fields },
                    None => Fate::Keep(old),
                }
            }
        };
        self.0.insert(role, fate);
    }

    /// Why a container goes although it is as declared itself.
    fn pulled(
        &self,
        desired: &DesiredWorkspace,
        role: &Role,
        present: &Present<'a>,
        spec: &crate::model::ContainerSpec,
    ) -> Option<String> {
        let pod_role = pod_role(desired, role);
        let container = present.get(role)?;
        match self.get(&pod_role) {
            Fate::Replace { .. } => return Some("its pod is replaced".to_owned()),
            Fate::Create => return Some("its pod is created anew".to_owned()),
            Fate::Keep(pod) if container.pod.as_ref() != Some(&pod.id) => {
                return Some("it is in another pod".to_owned());
            }
            Fate::Keep(_) => {}
        }
        let volume = desired.volumes.keys().find(|volume| {
            let fate = self.get(volume);
            let mounted = |name: &str| spec.mounts.iter().any(|m| m.volume == name);
            match fate {
                Fate::Replace { old, .. } => mounted(&old.object.name),
                Fate::Create | Fate::Keep(_) => false,
            }
        });
        volume.map(|volume| format!("its {volume} is replaced"))
    }
}

/// The role of the pod that a container is in: a dedicated one has the component's name.
pub(super) fn pod_role(desired: &DesiredWorkspace, container: &Role) -> Role {
    match container {
        Role::Component(name) => {
            let own = Role::DedicatedPod(name.clone());
            if desired.pods.contains_key(&own) {
                own
            } else {
                Role::Pod
            }
        }
        Role::Network
        | Role::Pod
        | Role::DedicatedPod(_)
        | Role::Projects
        | Role::Home
        | Role::Data(_)
        | Role::Event(_)
        | Role::Mark(_) => Role::Pod,
    }
}

/// Why a pod can't be kept although it was created as declared.
fn broken(pod: &ObservedObject, network: &str) -> Option<String> {
    if pod.pod.is_none() {
        return Some("its infra container is gone".to_owned());
    }
    (pod.networks != [network.to_owned()]).then(|| "it is not on its network".to_owned())
}

fn reason(fields: &[FieldChange]) -> String {
    let paths: Vec<&str> = fields.iter().map(|f| f.path.as_str()).collect();
    match paths.as_slice() {
        [] => "it was created by another version of wharf".to_owned(),
        paths if paths.len() > 4 => format!("{} and {} more changed", paths[..3].join(", "), paths.len() - 3),
        paths => format!("{} changed", paths.join(", ")),
    }
}
