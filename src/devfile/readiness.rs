//! When a container is ready, and which others it waits for: wharf's own attributes of container components. The
//! specification has no word for either.
//!
//! In: a component's attributes. Out: [`Readiness`]. Whether the names lead somewhere is for the rules.

use super::findings::Findings;
use super::root::Attributes;
use super::rules::health_check;
use crate::document::{Node, Spanned};

/// The components whose containers must be ready before this one starts.
pub(super) const DEPENDS_ON: &str = "wharf.dev/depends-on";
/// How to know that this one is ready.
pub(super) const HEALTH_CHECK: &str = "wharf.dev/health-check";

/// Seconds that a container is waited for, where nothing is said.
const DEFAULT_TIMEOUT: u32 = 60;
/// The most seconds.
const MAX_TIMEOUT: i64 = 3600;

/// When a container is ready, and what it waits for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Readiness {
    /// The components that it waits for, in order.
    pub depends_on: Vec<Spanned<String>>,
    /// How to know that it is ready; where there is nothing, it is as soon as it runs.
    pub check: Option<HealthCheck>,
}

/// How to know that a container is ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HealthCheck {
    /// What must succeed.
    pub probe: Probe,
    /// How many seconds it is waited for.
    pub timeout: u32,
}

/// What must succeed for a container to be ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Probe {
    /// A command line, run by the container's shell, ends with 0.
    Command(Spanned<String>),
    /// Something accepts connections at the endpoint of that name.
    Endpoint(Spanned<String>),
}

impl Readiness {
    pub(super) fn of(attributes: &Attributes, found: &mut Findings<'_>) -> Self {
        Self {
            depends_on: attributes
                .get(DEPENDS_ON)
                .map_or_else(Vec::new, |node| names(node, found)),
            check: attributes.get(HEALTH_CHECK).and_then(|node| check(node, found)),
        }
    }
}

fn names(node: &Node, found: &mut Findings<'_>) -> Vec<Spanned<String>> {
    let name = |node: &Node| {
        Some(Spanned {
            value: node.as_str()?.to_owned(),
            span: node.span,
        })
    };
    let items = match node.as_list() {
        Some(items) => items,
        None => std::slice::from_ref(node),
    };
    let names: Vec<_> = items.iter().filter_map(name).collect();
    if names.len() != items.len() {
        found.wrong_type(node, "the name of a component, or a list of names");
    }
    names
}

fn check(node: &Node, found: &mut Findings<'_>) -> Option<HealthCheck> {
    let Some(entries) = node.as_map() else {
        found.wrong_type(node, "a map with command or endpoint");
        return None;
    };
    let (mut command, mut endpoint, mut timeout) = (None, None, DEFAULT_TIMEOUT);
    let mut understood = true;
    for (key, value) in entries {
        let text = value
            .as_str()
            .filter(|text| !text.trim().is_empty())
            .map(|text| Spanned {
                value: text.to_owned(),
                span: value.span,
            });
        match (key.text.as_str(), text) {
            ("command", Some(text)) => command = Some(text),
            ("endpoint", Some(text)) => endpoint = Some(text),
            ("command" | "endpoint", None) => {
                understood = false;
                found.wrong_type(value, "a string with something in it");
            }
            ("timeout", _) => match value.as_integer() {
                Some(seconds @ 1..=MAX_TIMEOUT) => timeout = u32::try_from(seconds).unwrap_or(timeout),
                Some(_) | None => found.wrong_type(value, "a number of seconds from 1 to 3600"),
            },
            (other, _) => {
                understood = false;
                health_check::unknown_key(other, key.span, found);
            }
        }
    }
    let probe = match (command, endpoint) {
        (Some(command), None) => Probe::Command(command),
        (None, Some(endpoint)) => Probe::Endpoint(endpoint),
        (command, _) => {
            if understood {
                health_check::not_one(command.is_some(), node.span, found);
            }
            return None;
        }
    };
    Some(HealthCheck { probe, timeout })
}
