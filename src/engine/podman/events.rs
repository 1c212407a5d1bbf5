//! What happens to a site's objects, as Podman tells it. It says where to look; what is there, only looking tells.

use std::collections::BTreeMap;
use std::future::ready;
use std::sync::Arc;

use futures_util::{Stream, StreamExt as _, TryStreamExt as _, stream};
use hyper::{Body, Method};
use serde::Deserialize;

use super::Podman;
use super::fault::Call;
use super::http::{Endpoint, request};
use crate::engine::{Event, EventStream, Result};
use crate::model::{Name, labels};

/// What can make a difference between what is declared and what is there. The rest, each command that runs in a container
/// among it, would only have everybody look for nothing.
const ACTIONS: [&str; 16] = [
    "connect",
    "create",
    "die",
    "died",
    "disconnect",
    "oom",
    "pause",
    "remove",
    "rename",
    "restart",
    "restore",
    "start",
    "stop",
    "unpause",
    "update",
    "destroy",
];
const FILTERS: &str = r#"{"type":["container","pod","network","volume"]}"#;
/// The longest line, which holds all labels of an object.
const MAX_LINE: usize = 1 << 20;

#[derive(Deserialize)]
struct Happened {
    #[serde(rename = "Action", default)]
    action: String,
    #[serde(rename = "Actor")]
    actor: Actor,
}

#[derive(Deserialize)]
struct Actor {
    #[serde(rename = "Attributes", default)]
    attributes: Option<BTreeMap<String, String>>,
}

impl Podman {
    /// The request is sent when the stream is first asked: Podman's answer begins with the first event.
    pub(super) fn follow(&self, site: &Name) -> EventStream {
        let (api, site) = (Arc::clone(&self.api), site.clone());
        let opened = async move {
            let call = Call::new("follow the events of site", site.as_str());
            let endpoint = Endpoint::new(&["events"])
                .query("stream", "true")
                .query("filters", FILTERS);
            let response = api
                .stream(call, request(Method::GET, Body::empty()), &endpoint)
                .await?;
            let name = call.to_string();
            let events = lines(response.into_body(), name)
                .try_filter_map(move |line| ready(Ok(of_line(&line, &site))));
            Ok(events)
        };
        stream::once(opened).try_flatten().boxed()
    }
}

/// The event, where it is about the site and may matter.
fn of_line(line: &[u8], site: &Name) -> Option<Event> {
    let Happened { action, actor } = serde_json::from_slice(line).ok()?;
    let attributes = actor.attributes.unwrap_or_default();
    let owned = attributes.get(labels::SITE).is_some_and(|of| of == site.as_str());
    let stem = format!("{site}.");
    // A pod's event carries no labels, a network's names the container.
    let named = ["name", "container", "network"]
        .iter()
        .any(|key| attributes.get(*key).is_some_and(|name| name.starts_with(&stem)));
    let matters = ACTIONS.contains(&action.as_str()) && (owned || named);
    matters.then(|| Event {
        workspace: attributes
            .get(labels::WORKSPACE)
            .and_then(|text| text.parse().ok()),
    })
}

fn lines(body: Body, call: String) -> impl Stream<Item = Result<Vec<u8>>> {
    stream::try_unfold((body, Vec::new()), move |(mut body, mut buffer)| {
        let call = call.clone();
        async move {
            loop {
                if let Some(end) = buffer.iter().position(|byte| *byte == b'\n') {
                    let rest = buffer.split_off(end + 1);
                    return Ok(Some((buffer, (body, rest))));
                }
                let failed = |message: String| Call::new(&call, "").failed(message);
                if buffer.len() > MAX_LINE {
                    return Err(failed(format!("a line of more than {MAX_LINE} bytes")));
                }
                match body.next().await {
                    Some(Ok(bytes)) => buffer.extend_from_slice(&bytes),
                    Some(Err(error)) => return Err(failed(error.to_string())),
                    None => return Ok(None),
                }
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(action: &str, attributes: &str) -> Option<Event> {
        let line = format!(
            r#"{{"Type":"container","Action":"{action}","Actor":{{"ID":"1","Attributes":{attributes}}}}}"#
        );
        of_line(line.as_bytes(), &"lab".parse().ok()?)
    }

    #[test]
    fn an_event_says_whose_object_it_was() {
        let labels =
            r#"{"dev.wharf.site":"lab","dev.wharf.workspace":"alice/api","name":"lab.alice.api.tools"}"#;
        let found = event("died", labels);
        assert_eq!(found.and_then(|e| e.workspace), "alice/api".parse().ok());
        let pod = event("stop", r#"{"name":"lab.alice.api"}"#);
        assert_eq!(pod, Some(Event { workspace: None }));
    }

    #[test]
    fn what_is_somebody_elses_or_changes_nothing_is_left_out() {
        assert_eq!(
            event("died", r#"{"dev.wharf.site":"other","name":"other.a.b.c"}"#),
            None
        );
        assert_eq!(event("exec_died", r#"{"dev.wharf.site":"lab"}"#), None);
        assert_eq!(event("died", "null"), None);
        assert_eq!(of_line(b"no json\n", &"lab".parse().ok().unwrap()), None);
    }
}
