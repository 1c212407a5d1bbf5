//! Which workspace, and which of its containers, an argument names.

use std::collections::BTreeSet;

use super::error::Error;
use super::imports::Access;
use super::site::{self, Site};
use super::{Context, configuration};
use crate::document::diagnostic::nearest;
use crate::manifest::SITE_FILE;
use crate::model::{Name, ObservedObject, ObservedState, WorkspaceId};
use crate::source::Source;

/// Names a container of a workspace.
#[derive(Debug, clap::Args)]
pub(super) struct Selector {
    /// The workspace: OWNER/NAME, or NAME where only one has it
    #[arg(value_name = "WS")]
    pub(super) workspace: String,
    /// The component whose container it is; the main one where none is named
    #[arg(short, long, value_name = "COMPONENT")]
    pub(super) component: Option<String>,
    /// The site, where there are several and no repository here
    #[arg(long, value_name = "NAME")]
    pub(super) site: Option<Name>,
}

/// A container that was found.
pub(super) struct Found {
    pub(super) site: Site,
    pub(super) workspace: WorkspaceId,
    pub(super) component: String,
    pub(super) container: ObservedObject,
}

/// The one of `all` that `text` names.
pub(super) fn pick<'a>(
    text: &str,
    all: impl IntoIterator<Item = &'a WorkspaceId>,
) -> Result<WorkspaceId, Error> {
    let all: BTreeSet<&WorkspaceId> = all.into_iter().collect();
    let named: Vec<&WorkspaceId> = all
        .iter()
        .filter(|id| id.to_string() == text || id.name.as_str() == text)
        .copied()
        .collect();
    match named.as_slice() {
        [one] => Ok((*one).clone()),
        [] => {
            let words: Vec<String> = all
                .iter()
                .flat_map(|id| [id.to_string(), id.name.to_string()])
                .collect();
            let hint = match nearest(text, words.iter().map(String::as_str)) {
                Some(near) => Some(format!("Did you mean {near}?")),
                None if all.is_empty() => None,
                None => Some("wharf status lists the workspaces.".to_owned()),
            };
            Err(Error::new(format!("there is no workspace {text}")).hint_opt(hint))
        }
        several => {
            let ids: Vec<String> = several.iter().map(ToString::to_string).collect();
            Err(
                Error::new(format!("several workspaces are named {text}: {}", ids.join(", ")))
                    .hint("Write it with its owner."),
            )
        }
    }
}

/// Finds the container on the engine, running or not.
pub(super) async fn find(context: &Context, args: &Selector) -> Result<Found, Error> {
    let site = site::find(context, args.site.as_ref()).await?;
    let observed = site.engine.observe(&site.name).await?;
    let workspace = pick(
        &args.workspace,
        observed.objects.values().map(|o| &o.owner.workspace),
    )?;
    let mut containers = components(&observed, &workspace);
    let component = match &args.component {
        Some(component) => component.clone(),
        None => main_component(context, &workspace, &containers).await?,
    };
    let place = containers.iter().position(|(name, _)| *name == component);
    let Some(place) = place else {
        let names: Vec<&str> = containers.iter().map(|(name, _)| name.as_str()).collect();
        return Err(
            Error::new(format!("{workspace} has no container of a component {component}"))
                .hint(format!("It has: {}.", names.join(", "))),
        );
    };
    let (_, container) = containers.swap_remove(place);
    Ok(Found {
        site,
        workspace,
        component,
        container: container.clone(),
    })
}

/// A workspace's containers, by component.
fn components<'a>(observed: &'a ObservedState, workspace: &WorkspaceId) -> Vec<(String, &'a ObservedObject)> {
    observed
        .objects
        .values()
        .filter(|object| object.owner.workspace == *workspace)
        .filter_map(|object| Some((object.owner.role.component()?.to_owned(), object)))
        .collect()
}

/// The component that the repository's devfile names first, where there is a repository here.
async fn declared_main(context: &Context, workspace: &WorkspaceId) -> Option<String> {
    if !context.dir.join(SITE_FILE).is_file() {
        return None;
    }
    let reading = configuration::read(&context.dir, &Source::WorkingTree, Access::default());
    let desired = reading.await.ok()?.configuration?.desired;
    let main = desired.workspaces.get(workspace)?.containers.first()?;
    Some(main.component.clone())
}

/// The only component, else the one that the repository's devfile names first.
async fn main_component(
    context: &Context,
    workspace: &WorkspaceId,
    containers: &[(String, &ObservedObject)],
) -> Result<String, Error> {
    match containers {
        [] => {
            return Err(Error::new(format!("{workspace} has no container"))
                .hint("wharf apply makes what is missing."));
        }
        [(only, _)] => return Ok(only.clone()),
        [_, ..] => {}
    }
    declared_main(context, workspace).await.ok_or_else(|| {
        let names: Vec<&str> = containers.iter().map(|(name, _)| name.as_str()).collect();
        Error::new(format!(
            "{workspace} has several containers: {}",
            names.join(", ")
        ))
        .hint("Name one with --component; in the configuration repository the main one is known.")
    })
}

impl Found {
    /// The container, which must run.
    pub(super) fn running(&self) -> Result<&ObservedObject, Error> {
        if self.container.run.is_running() {
            return Ok(&self.container);
        }
        Err(Error::new(format!(
            "the container of {} in {} does not run",
            self.component, self.workspace
        ))
        .hint(format!("wharf start {} starts it.", self.workspace)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_workspace_is_named_alone_where_only_one_has_the_name() {
        let all: Vec<WorkspaceId> = ["alice/api", "bob/api", "bob/web"]
            .iter()
            .map(|id| id.parse().unwrap())
            .collect();
        let pick = |text| pick(text, &all).map(|id| id.to_string());
        assert_eq!(pick("web").unwrap(), "bob/web");
        assert_eq!(pick("alice/api").unwrap(), "alice/api");
        let ambiguous = pick("api").unwrap_err().to_string();
        assert_eq!(ambiguous, "several workspaces are named api: alice/api, bob/api");
        assert_eq!(
            pick("bob/wbe").unwrap_err().to_string(),
            "there is no workspace bob/wbe"
        );
    }
}
