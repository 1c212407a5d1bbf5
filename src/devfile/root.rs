//! The devfile as a whole.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::command::Command;
use super::component::{Component, ComponentKind, Container};
use super::project::{Project, StarterProject};
use super::version::SchemaVersion;
use crate::document::{Document, Node, Spanned};

/// A devfile, its variables replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Devfile {
    /// The version that it is written in.
    pub version: SchemaVersion,
    /// `metadata.name`.
    pub name: Option<String>,
    /// What the workspace is made of, in order.
    pub components: Vec<Component>,
    /// What can run in it, in order.
    pub commands: Vec<Command>,
    /// What runs by itself.
    pub events: Events,
    /// The sources.
    pub projects: Vec<Project>,
    /// Sources to begin with, on request.
    pub starter_projects: Vec<StarterProject>,
    /// Sources that the projects need beside them.
    pub dependent_projects: Vec<Project>,
    /// Free-form settings of tools.
    pub attributes: Attributes,
    /// Where it stands, for diagnostics of later stages.
    pub document: Arc<Document>,
    /// Places in the lists above, by name.
    pub(super) index: Index,
}

/// Ids of the commands that run by themselves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Events {
    /// Before the containers start.
    pub pre_start: Vec<Spanned<String>>,
    /// After the containers have started.
    pub post_start: Vec<Spanned<String>>,
    /// Before the containers stop.
    pub pre_stop: Vec<Spanned<String>>,
    /// After the containers have stopped.
    pub post_stop: Vec<Spanned<String>>,
}

/// A moment of a workspace's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Event {
    PreStart,
    PostStart,
    PreStop,
    PostStop,
}

impl Event {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::PreStart => "preStart",
            Self::PostStart => "postStart",
            Self::PreStop => "preStop",
            Self::PostStop => "postStop",
        }
    }

    /// Whether it takes apply commands; the others take exec commands.
    pub(super) fn applies(self) -> bool {
        match self {
            Self::PreStart | Self::PostStop => true,
            Self::PostStart | Self::PreStop => false,
        }
    }
}

impl Events {
    /// Every id with its event.
    pub(super) fn all(&self) -> impl Iterator<Item = (Event, &Spanned<String>)> {
        let lists = [
            (Event::PreStart, &self.pre_start),
            (Event::PostStart, &self.post_start),
            (Event::PreStop, &self.pre_stop),
            (Event::PostStop, &self.post_stop),
        ];
        lists
            .into_iter()
            .flat_map(|(event, ids)| ids.iter().map(move |id| (event, id)))
    }
}

/// Free-form settings of tools, as they stand in the devfile.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attributes(pub Vec<(Spanned<String>, Node)>);

impl Attributes {
    /// The value of `key`.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Node> {
        let entry = self.0.iter().find(|(k, _)| k.value == key);
        entry.map(|(_, node)| node)
    }
}

/// Places in a devfile's lists, by name; of two with one name the first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Index {
    components: BTreeMap<String, usize>,
    commands: BTreeMap<String, usize>,
}

impl Index {
    pub(super) fn of(components: &[Component], commands: &[Command]) -> Self {
        let mut index = Self::default();
        for (at, component) in components.iter().enumerate() {
            let name = component.name.value.clone();
            index.components.entry(name).or_insert(at);
        }
        for (at, command) in commands.iter().enumerate() {
            let id = command.id.value.to_lowercase();
            index.commands.entry(id).or_insert(at);
        }
        index
    }
}

impl Devfile {
    /// The component of that name.
    #[must_use]
    pub fn component(&self, name: &str) -> Option<&Component> {
        self.components.get(*self.index.components.get(name)?)
    }

    /// The command of that id. References may differ from it in case, as the reference library has it.
    #[must_use]
    pub fn command(&self, id: &str) -> Option<&Command> {
        let found = self.index.commands.get(id);
        let found = found.or_else(|| self.index.commands.get(&id.to_lowercase()));
        self.commands.get(*found?)
    }

    /// The place of the command of that id in [`Devfile::commands`].
    pub(super) fn command_place(&self, id: &str) -> Option<usize> {
        let found = self.index.commands.get(id);
        found
            .or_else(|| self.index.commands.get(&id.to_lowercase()))
            .copied()
    }

    /// Every container component, in order.
    pub fn containers(&self) -> impl Iterator<Item = (&Component, &Container)> {
        self.components
            .iter()
            .filter_map(|component| match &component.kind {
                ComponentKind::Container(container) => Some((component, container)),
                ComponentKind::Volume(_) | ComponentKind::Image(_) | ComponentKind::Cluster(_) => None,
            })
    }
}
