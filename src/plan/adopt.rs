//! What would have to be declared for a workspace's drift to be no drift: changes of the manifests' text.
//!
//! In: the manifests, the workspace's devfile, what is declared and what there is. Out: edits, and what no edit can
//! declare, with the reason. An edit's consequences are not followed here: whoever applies it reads the repository
//! again and looks at what else has changed.

use std::collections::BTreeMap;

use crate::document::edit::{Edit, EditError, insert, replace};
use crate::document::{Document, Node};
use crate::manifest::{Class, DevfileRef, Manifest, Manifests};
use crate::model::{
    Bytes, DesiredContainer, DesiredWorkspace, Enforced, Kind, MilliCpu, Name, ObservedState, Power, Reading,
    Role, RunState, WorkspaceId,
};

/// What [`adopt`] looks at.
#[derive(Clone, Copy, Debug)]
pub struct Adopt<'a> {
    /// The site's name.
    pub site: &'a Name,
    /// The manifests.
    pub manifests: &'a Manifests,
    /// The workspace's devfile as it is written; nothing where it can't be read here.
    pub devfile: Option<(&'a Document, &'a Node)>,
    /// The workspace as it is declared.
    pub desired: &'a DesiredWorkspace,
    /// What there is.
    pub observed: &'a ObservedState,
}

/// What becomes of a workspace's drift.
#[must_use]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Adoption {
    /// The changes of text.
    pub edits: Vec<Edit>,
    /// What they declare, such as `memory of class small: 512Mi -> 768Mi`.
    pub adopted: Vec<String>,
    /// What stays drift, and why.
    pub refused: Vec<String>,
}

/// The limits that the kernel enforces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    Memory,
    MemoryRequest,
    Cpu,
    CpuRequest,
    Pids,
}

/// A container and one of its limits.
struct Limit<'a> {
    container: &'a DesiredContainer,
    declared: Option<u64>,
    /// Nothing where it is as declared, or can't be compared.
    now: Option<Reading>,
    /// What the devfile itself states.
    stated: Option<&'a Node>,
}

/// Finds what would have to be declared.
pub fn adopt(adopt: &Adopt<'_>) -> Adoption {
    let mut adoption = Adoption::default();
    adopt.power(&mut adoption);
    for field in [
        Field::Memory,
        Field::MemoryRequest,
        Field::Cpu,
        Field::CpuRequest,
        Field::Pids,
    ] {
        // One limit is declared as a whole or not at all.
        let mut edits = Vec::new();
        match adopt.limit(field, &mut edits) {
            Ok(said) => {
                adoption.edits.extend(edits);
                adoption.adopted.extend(said);
            }
            Err(reason) => adoption.refused.push(reason),
        }
    }
    adoption
}

impl Adopt<'_> {
    fn id(&self) -> &WorkspaceId {
        &self.desired.id
    }

    fn manifest(&self) -> Option<&Manifest<crate::manifest::Workspace>> {
        self.manifests.workspaces.get(self.id())
    }

    fn power(&self, adoption: &mut Adoption) {
        let own = |kind: Kind| {
            let all = self.observed.of_kind(kind);
            all.filter(move |o| o.owner.workspace == *self.id())
        };
        if own(Kind::Pod).next().is_none() {
            return;
        }
        let stopped = own(Kind::Pod).all(|o| matches!(o.run, RunState::Exited { .. }));
        let runs = own(Kind::Pod)
            .chain(own(Kind::Container))
            .all(|o| o.run.is_running());
        let by_wharf = || own(Kind::Volume).any(|o| o.owner.role == DesiredWorkspace::stopped_role());
        let is_to_run = match self.desired.power {
            Power::On => true,
            Power::Off => false,
            Power::Auto => !by_wharf(),
        };
        let word = match (is_to_run, stopped, runs) {
            (true, true, _) => "off",
            (false, _, true) => "on",
            (true, _, true) | (false, true, _) => return,
            (true | false, false, false) => {
                let reason = "only a part of it runs, which no value of power declares";
                adoption.refused.push(format!("{}: {reason}", self.id()));
                return;
            }
        };
        let Some(manifest) = self.manifest() else { return };
        let Some(spec) = manifest.document.root.get("spec") else {
            return;
        };
        let edit = match spec.get("power") {
            Some(node) => replace(&manifest.document, node, word),
            None => insert(&manifest.document, spec, "power", word),
        };
        match edit {
            Ok(edit) => {
                adoption.adopted.push(format!("power of {}: {word}", self.id()));
                adoption.edits.push(edit);
            }
            Err(error) => adoption.refused.push(format!("power of {}: {error}", self.id())),
        }
    }

    /// Declares what is enforced of one limit; nothing where it does not differ.
    fn limit(&self, field: Field, edits: &mut Vec<Edit>) -> Result<Vec<String>, String> {
        let limits: Vec<Limit<'_>> = self
            .desired
            .containers
            .iter()
            .map(|c| self.compare(field, c))
            .collect();
        let mut said = Vec::new();
        for limit in limits.iter().filter(|l| l.now.is_some()) {
            limit.value(field)?;
        }
        if limits.iter().all(|limit| limit.now.is_none()) {
            return Ok(said);
        }
        for limit in limits.iter().filter(|l| l.now.is_some()) {
            if let Some(node) = limit.stated {
                said.push(self.devfile(field, limit, node, edits)?);
            } else if field.of_class().is_none() {
                let component = &limit.container.component;
                return Err(format!("{} of {component}: the devfile {NOT_HERE}", field.word()));
            }
        }
        said.extend(self.class(field, &limits, edits)?);
        Ok(said)
    }

    fn compare<'a>(&'a self, field: Field, container: &'a DesiredContainer) -> Limit<'a> {
        let object = Role::Component(container.component.clone()).object_id(self.site, self.id());
        let enforced = self.observed.objects.get(&object).and_then(|o| o.enforced);
        let differs = |enforced: Enforced| {
            let all = super::diff::limit_differences(&container.limits, &enforced);
            all.iter()
                .any(|f| f.path == field.path())
                .then(|| field.reading(&enforced))
        };
        Limit {
            container,
            declared: field.declared(container),
            now: enforced.and_then(differs),
            stated: self.stated(field, &container.component),
        }
    }

    /// Where the devfile states a component's limit.
    fn stated(&self, field: Field, component: &str) -> Option<&Node> {
        let (_, root) = self.devfile?;
        let components = root.get("components")?.as_list()?;
        let named = |c: &&Node| c.get("name").and_then(Node::as_str) == Some(component);
        components
            .iter()
            .find(named)?
            .get("container")?
            .get(field.in_devfile()?)
    }

    fn devfile(
        &self,
        field: Field,
        limit: &Limit<'_>,
        node: &Node,
        edits: &mut Vec<Edit>,
    ) -> Result<String, String> {
        let what = format!("{} of {}", field.word(), limit.container.component);
        let (document, _) = self
            .devfile
            .ok_or_else(|| format!("{what}: the devfile {NOT_HERE}"))?;
        let shared: Vec<String> =
            self.others(
                |other| match (&other.spec.devfile, self.manifest().map(|m| &m.spec.devfile)) {
                    (DevfileRef::Path(theirs), Some(DevfileRef::Path(own))) => theirs.value == own.value,
                    (DevfileRef::Path(_) | DevfileRef::Inline(_), _) => false,
                },
            );
        if !shared.is_empty() {
            let path = &document.source.path;
            return Err(format!(
                "{what}: {path} states it for {} as well",
                shared.join(", ")
            ));
        }
        if node.as_str().is_some_and(|text| text.contains("{{")) {
            return Err(format!("{what}: the devfile states it with a variable"));
        }
        let value = field.show(limit.value(field)?);
        let edit = replace(document, node, &value).map_err(|error| format!("{what}: {error}"))?;
        edits.push(edit);
        Ok(format!("{what}: {value}"))
    }

    /// Makes the class what its containers now have together.
    fn class(
        &self,
        field: Field,
        limits: &[Limit<'_>],
        edits: &mut Vec<Edit>,
    ) -> Result<Vec<String>, String> {
        let Some(key) = field.of_class() else {
            return Ok(Vec::new());
        };
        let Some((name, class)) = self.class_manifest() else {
            return Ok(Vec::new());
        };
        let targets: Vec<(bool, u64)> = limits
            .iter()
            .map(|limit| Ok((limit.stated.is_none(), limit.value(field)?)))
            .collect::<Result<_, String>>()?;
        let what = format!("{key} of class {name}");
        let open: Vec<u64> = targets
            .iter()
            .filter(|(open, _)| *open)
            .map(|(_, value)| *value)
            .collect();
        if open.windows(2).any(|pair| pair[0] != pair[1]) {
            return Err(format!(
                "{what}: the containers without a limit of their own share it in equal parts, and now they differ"
            ));
        }
        let total = targets.iter().map(|(_, value)| value).sum::<u64>();
        let before = field.in_class(&class.spec);
        if total == before || (open.is_empty() && total < before) {
            return Ok(Vec::new());
        }
        let shared = self.others(|other| self.class_of(other).as_ref() == Some(&name));
        if !shared.is_empty() {
            return Err(format!(
                "{what}: it is also that of {}; give {} a class of its own first",
                shared.join(", "),
                self.id()
            ));
        }
        let value = field.show(total);
        let edited = match class.document.root.get("spec") {
            Some(spec) => match spec.get(key) {
                Some(node) => replace(&class.document, node, &value),
                None => insert(&class.document, spec, key, &value),
            },
            None => Err(EditError::Form),
        };
        edits.push(edited.map_err(|error| format!("{what}: {error}"))?);
        Ok(vec![format!("{what}: {} -> {value}", field.show(before))])
    }

    fn class_of(&self, workspace: &Manifest<crate::manifest::Workspace>) -> Option<Name> {
        let default = self.manifests.site.spec.defaults.class.as_ref();
        workspace
            .spec
            .class
            .as_ref()
            .or(default)
            .map(|class| class.value.clone())
    }

    fn class_manifest(&self) -> Option<(Name, &Manifest<Class>)> {
        let name = self.class_of(self.manifest()?)?;
        let class = self.manifests.classes.get(&name)?;
        Some((name, class))
    }

    /// The other workspaces that are so.
    fn others(&self, are: impl Fn(&Manifest<crate::manifest::Workspace>) -> bool) -> Vec<String> {
        let workspaces: &BTreeMap<WorkspaceId, _> = &self.manifests.workspaces;
        let others = workspaces.iter().filter(|(id, _)| *id != self.id());
        others
            .filter(|(_, other)| are(other))
            .map(|(id, _)| id.to_string())
            .collect()
    }
}

const NOT_HERE: &str = "states it elsewhere, perhaps in a parent";

impl Limit<'_> {
    /// What is enforced, where that differs, else what is declared.
    fn value(&self, field: Field) -> Result<u64, String> {
        let component = &self.container.component;
        match self.now {
            None => Ok(self.declared.unwrap_or_default()),
            Some(Reading::Value(value)) if field == Field::CpuRequest => Ok((value * 1000).div_ceil(1024)),
            Some(Reading::Value(value)) => Ok(value),
            Some(Reading::Unlimited | Reading::Unknown) => Err(format!(
                "{} of {component}: it has no limit now, and every workspace has one",
                field.word()
            )),
        }
    }
}

impl Field {
    /// As a plan calls it.
    fn path(self) -> &'static str {
        match self {
            Self::Memory => "limits.memory",
            Self::MemoryRequest => "limits.memoryRequest",
            Self::Cpu => "limits.cpu",
            Self::CpuRequest => "limits.cpuShares",
            Self::Pids => "limits.pids",
        }
    }

    fn word(self) -> &'static str {
        self.path().trim_start_matches("limits.")
    }

    fn reading(self, enforced: &Enforced) -> Reading {
        match self {
            Self::Memory => enforced.memory,
            Self::MemoryRequest => enforced.memory_request,
            Self::Cpu => enforced.cpu,
            Self::CpuRequest => enforced.cpu_shares,
            Self::Pids => enforced.pids,
        }
    }

    fn declared(self, container: &DesiredContainer) -> Option<u64> {
        let limits = &container.limits;
        match self {
            Self::Memory => limits.memory.map(|b| b.0),
            Self::MemoryRequest => limits.memory_request.map(|b| b.0),
            Self::Cpu => limits.cpu.map(|c| c.0),
            Self::CpuRequest => limits.cpu_request.map(|c| c.0),
            Self::Pids => limits.pids,
        }
    }

    /// The key of a component's container.
    fn in_devfile(self) -> Option<&'static str> {
        match self {
            Self::Memory => Some("memoryLimit"),
            Self::MemoryRequest => Some("memoryRequest"),
            Self::Cpu => Some("cpuLimit"),
            Self::CpuRequest => Some("cpuRequest"),
            Self::Pids => None,
        }
    }

    /// The key of a class.
    fn of_class(self) -> Option<&'static str> {
        match self {
            Self::Memory => Some("memory"),
            Self::Cpu => Some("cpu"),
            Self::Pids => Some("pids"),
            Self::MemoryRequest | Self::CpuRequest => None,
        }
    }

    fn in_class(self, class: &Class) -> u64 {
        match self {
            Self::Memory => class.memory.0,
            Self::Cpu => class.cpu.0,
            Self::Pids => class.pids,
            Self::MemoryRequest | Self::CpuRequest => 0,
        }
    }

    fn show(self, value: u64) -> String {
        match self {
            Self::Memory | Self::MemoryRequest => Bytes(value).to_string(),
            Self::Cpu | Self::CpuRequest => MilliCpu(value).to_string(),
            Self::Pids => value.to_string(),
        }
    }
}
