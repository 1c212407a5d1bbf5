//! The attributes `container-overrides` and `pod-overrides`: what a devfile changes about its containers in the words
//! of Kubernetes.
//!
//! In: the attributes of a component, or of the whole devfile. Out: [`Overrides`], a few typed values; `table` says which
//! those are. Whatever would reach the host, another workspace or the engine is refused; what only a cluster has is
//! skipped with a warning; everything else is no key that wharf knows.

mod table;

use super::findings::Findings;
use super::root::Attributes;
use super::rules::{override_refused, override_skipped, quantity};
use crate::document::{Key, Node, Span, Spanned, Value, parse};
use crate::model::{Bytes, MilliCpu};
use table::{CONTAINER, Fate, POD, Setting};

/// What the attributes change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Overrides {
    pub(super) memory_limit: Option<Spanned<Bytes>>,
    pub(super) memory_request: Option<Spanned<Bytes>>,
    pub(super) cpu_limit: Option<Spanned<MilliCpu>>,
    pub(super) cpu_request: Option<Spanned<MilliCpu>>,
    pub(super) user: Option<Spanned<u32>>,
    pub(super) group: Option<Spanned<u32>>,
    pub(super) working_dir: Option<String>,
    pub(super) stop_timeout: Option<Spanned<u32>>,
}

/// The attribute of a container component.
pub(super) const CONTAINER_OVERRIDES: &str = "container-overrides";
/// The attribute of any component, or of the whole devfile.
pub(super) const POD_OVERRIDES: &str = "pod-overrides";

impl Overrides {
    /// What `attributes` say under [`CONTAINER_OVERRIDES`].
    pub(super) fn of_container(attributes: &Attributes, found: &mut Findings<'_>) -> Self {
        Self::of(attributes, (CONTAINER_OVERRIDES, CONTAINER), found)
    }

    /// Warns where `attributes`, those of `component`, say something under [`CONTAINER_OVERRIDES`]: it has no container.
    pub(super) fn no_container(attributes: &Attributes, component: &str, found: &mut Findings<'_>) {
        if let Some(node) = attributes.get(CONTAINER_OVERRIDES) {
            override_skipped::no_container(CONTAINER_OVERRIDES, component, node.span, found);
        }
    }

    /// What `attributes` say under [`POD_OVERRIDES`].
    pub(super) fn of_pod(attributes: &Attributes, found: &mut Findings<'_>) -> Self {
        Self::of(attributes, (POD_OVERRIDES, POD), found)
    }

    /// These, and `others` where they say something.
    pub(super) fn or(self, others: Self) -> Self {
        Self {
            memory_limit: self.memory_limit.or(others.memory_limit),
            memory_request: self.memory_request.or(others.memory_request),
            cpu_limit: self.cpu_limit.or(others.cpu_limit),
            cpu_request: self.cpu_request.or(others.cpu_request),
            user: self.user.or(others.user),
            group: self.group.or(others.group),
            working_dir: self.working_dir.or(others.working_dir),
            stop_timeout: self.stop_timeout.or(others.stop_timeout),
        }
    }

    fn of(attributes: &Attributes, (name, table): (&str, Table), found: &mut Findings<'_>) -> Self {
        let mut overrides = Self::default();
        let Some(node) = attributes.get(name) else {
            return overrides;
        };
        // The value may be JSON in a string; its parts have no place of their own then.
        let written = node.as_str().map(|text| parse("", text.as_bytes()).0);
        let read = match &written {
            Some(documents) => documents.first().map(|document| &document.root),
            None => Some(node),
        };
        match read.filter(|read| read.as_map().is_some()) {
            Some(read) => {
                let mut walk = Walk {
                    table,
                    place: written.is_some().then_some(node.span),
                    overrides: &mut overrides,
                    found,
                };
                walk.map(read, name);
            }
            None => found.wrong_type(node, "a map, or a string that holds one as JSON"),
        }
        if let (Some(group), None) = (overrides.group, overrides.user) {
            override_refused::group_alone(group.span, found);
        }
        overrides
    }
}

type Table = &'static [(&'static str, Fate)];

/// A walk through the value of an attribute.
struct Walk<'w, 'd> {
    table: Table,
    /// Where everything stands that has no place of its own.
    place: Option<Span>,
    overrides: &'w mut Overrides,
    found: &'w mut Findings<'d>,
}

impl Walk<'_, '_> {
    /// The keys of a map that stands at `path`, which begins with the attribute's name.
    fn map(&mut self, node: &Node, path: &str) {
        for (key, value) in node.as_map().unwrap_or_default() {
            let path = format!("{path}.{}", key.text);
            // Invariant: every path begins with the attribute's name and a full stop.
            let (_, listed) = path.split_once('.').unwrap_or_default();
            let place = self.place.unwrap_or(key.span);
            match table::fate(self.table, listed) {
                Some(fate) => self.value((key, place), value, &path, fate),
                None if table::leads_on(self.table, listed) && value.as_map().is_some() => {
                    self.map(value, &path)
                }
                None => override_refused::unknown(&path, place, self.candidates(listed), self.found),
            }
        }
    }

    fn value(&mut self, (key, place): (&Key, Span), node: &Node, path: &str, fate: Fate) {
        match fate {
            Fate::Taken(setting) => self.take(setting, node),
            Fate::Given => {}
            Fate::Only(value) if node.as_bool() == Some(value) => {}
            Fate::Only(value) => override_refused::only(path, value, place, self.found),
            Fate::Refused => override_refused::refused(path, place, self.found),
            Fate::Elsewhere(other) => override_refused::elsewhere(path, other, place, self.found),
            Fate::Cluster => override_skipped::report(path, key, place, self.found),
        }
    }

    fn take(&mut self, setting: Setting, node: &Node) {
        match setting {
            Setting::MemoryLimit => self.overrides.memory_limit = self.quantity(node),
            Setting::MemoryRequest => self.overrides.memory_request = self.quantity(node),
            Setting::CpuLimit => self.overrides.cpu_limit = self.quantity(node),
            Setting::CpuRequest => self.overrides.cpu_request = self.quantity(node),
            Setting::User => self.overrides.user = self.number(node),
            Setting::Group => self.overrides.group = self.number(node),
            Setting::StopTimeout => self.overrides.stop_timeout = self.number(node),
            Setting::WorkingDir => match node.as_str() {
                Some(text) if text.starts_with('/') => self.overrides.working_dir = Some(text.to_owned()),
                Some(_) | None => self.found.wrong_type(&self.placed(node), "an absolute path"),
            },
        }
    }

    /// An amount, which Kubernetes also takes as a number.
    fn quantity<T>(&mut self, node: &Node) -> Option<Spanned<T>>
    where
        T: std::str::FromStr<Err: std::fmt::Display>,
    {
        let value = match &node.value {
            Value::String(text) | Value::Float(text) => text.clone(),
            Value::Integer(number) => number.to_string(),
            Value::Null | Value::Bool(_) | Value::List(_) | Value::Map(_) => {
                self.found.wrong_type(&self.placed(node), "an amount");
                return None;
            }
        };
        let span = self.place.unwrap_or(node.span);
        quantity::parse(Some(Spanned { value, span }), self.found)
    }

    fn number(&mut self, node: &Node) -> Option<Spanned<u32>> {
        let value = node.as_integer().and_then(|number| u32::try_from(number).ok());
        let span = self.place.unwrap_or(node.span);
        if value.is_none() {
            self.found.wrong_type(&self.placed(node), "a whole number from 0");
        }
        Some(Spanned { value: value?, span })
    }

    fn placed(&self, node: &Node) -> Node {
        Node {
            value: node.value.clone(),
            span: self.place.unwrap_or(node.span),
        }
    }

    /// What may stand beside `path`.
    fn candidates(&self, path: &str) -> Vec<&'static str> {
        let parent = path.rsplit_once('.').map_or("", |(parent, _)| parent);
        let below = self.table.iter().filter_map(|(listed, _)| {
            let rest = listed.strip_prefix(parent)?.trim_start_matches('.');
            rest.split('.').next()
        });
        below.collect()
    }
}
