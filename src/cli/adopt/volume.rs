//! `wharf adopt volume`.

use super::super::Context;
use super::super::error::{Error, Exit};
use super::{Common, Declared, Opened, declare};
use crate::document::diagnostic::nearest;
use crate::document::edit::{Edit, append, insert};
use crate::model::{DesiredWorkspace, ObservedState, Role};
use crate::plan::{self, Hold, Request};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    common: Common,
    /// The volume, as the engine calls it
    #[arg(value_name = "VOLUME")]
    volume: String,
    /// The workspace's own volume: projects, home, or data/NAME for the devfile's; may be left out where it has only one
    #[arg(long = "as", value_name = "ROLE")]
    role: Option<String>,
}

pub(super) async fn run(context: &Context, args: &Args) -> Result<Exit, Error> {
    let opened = args.common.open(context).await?;
    let (id, volume) = (&opened.id, args.volume.as_str());
    let missing = || Error::new(format!("there is no workspace {id}"));
    let configuration = &opened.pipeline.configuration;
    let desired = configuration.desired.workspaces.get(id).ok_or_else(missing)?;
    if let Some((role, _)) = desired.adopt.iter().find(|(_, adopted)| *adopted == volume) {
        let word = role.volume_word().unwrap_or_default();
        context
            .out
            .say(&format!("{id} adopts {volume} as {word} already."));
        return Ok(Exit::Success);
    }
    if let Err(reason) = plan::adoptable(&opened.observed, volume) {
        return Err(Error::new(reason).hint_opt(near(&opened.observed, volume)));
    }
    let word = role(desired, args.role.as_deref())?;
    let edit = edit(&opened, volume, &word)?;
    let declared = Declared {
        edits: &[edit],
        adopted: &[format!("volume {volume} as {word} of {id}")],
        title: format!("Adopt volume {volume} as {word} of {id}"),
    };
    let after = declare(context, &opened, &declared, args.common.to()).await?;
    let mut observed = opened.observed.clone();
    if let Some(found) = observed.volumes.get_mut(volume) {
        found.used_by = opened.pipeline.engine.volume_users(volume).await?;
    }
    // What stands in the way can often be cleared before the change is applied.
    let plan = plan::plan(&after.desired, &observed, &Request::default())?;
    let in_the_way = |b: &&plan::Blocked| b.workspace == *id && b.hold == Hold::Conflict;
    for blocked in plan.blocked.iter().filter(in_the_way) {
        context
            .out
            .warn(&format!("it can't be applied yet: {}", blocked.reason));
    }
    Ok(Exit::Success)
}

/// A volume of somebody's own whose name is near.
fn near(observed: &ObservedState, volume: &str) -> Option<String> {
    let own = observed.volumes.iter().filter(|(_, v)| v.site.is_none());
    let near = nearest(volume, own.map(|(name, _)| name.as_str()))?;
    (near != volume).then(|| format!("Did you mean {near}?"))
}

/// The word of the workspace's volume that gets the data: as asked for, or the only one that can.
fn role(desired: &DesiredWorkspace, asked: Option<&str>) -> Result<String, Error> {
    let open = desired.volumes.iter();
    let open = open.filter(|(role, volume)| !volume.ephemeral && !desired.adopt.contains_key(*role));
    let words: Vec<String> = open.filter_map(|(role, _)| role.volume_word()).collect();
    let among = match words.as_slice() {
        [] => "it has no volume that could".to_owned(),
        words => format!("--as takes {}", words.join(", ")),
    };
    match (asked, words.as_slice()) {
        (None, [only]) => Ok(only.clone()),
        (None, _) => Err(Error::new(format!(
            "it is not said which volume of {} gets the data: {among}",
            desired.id
        ))),
        (Some(asked), words) if words.iter().any(|word| word == asked) => Ok(asked.to_owned()),
        (Some(asked), words) => {
            let taken = Role::of_volume_word(asked).and_then(|role| desired.adopt.get(&role));
            let why = match taken {
                Some(volume) => format!("{asked} of {} adopts {volume} already: {among}", desired.id),
                None => format!("{} has no volume {asked} that lasts: {among}", desired.id),
            };
            let near = nearest(asked, words.iter().map(String::as_str));
            Err(Error::new(why).hint_opt(near.map(|near| format!("Did you mean {near}?"))))
        }
    }
}

/// The entry in the workspace's manifest.
fn edit(opened: &Opened, volume: &str, word: &str) -> Result<Edit, Error> {
    let id = &opened.id;
    let failed = |why: String| {
        Error::new(format!("the manifest of {id} can't be changed: {why}")).hint(format!(
            "Add it by hand: adopt: [{{volume: {volume}, as: {word}}}]"
        ))
    };
    let manifests = &opened.pipeline.configuration.manifests.workspaces;
    let manifest = manifests
        .get(id)
        .ok_or_else(|| failed("it is not there".to_owned()))?;
    let document = &manifest.document;
    let spec = document.root.get("spec");
    let spec = spec.ok_or_else(|| failed("it has no spec".to_owned()))?;
    let entry = format!("{{volume: {}, as: {word}}}", quoted(volume));
    match spec.get("adopt") {
        Some(list) => append(document, list, &entry),
        None => insert(document, spec, "adopt", &format!("[{entry}]")),
    }
    .map_err(|error| failed(error.to_string()))
}

/// In quotes where YAML would read something else than a string.
fn quoted(name: &str) -> String {
    let word = ["true", "false", "null"]
        .iter()
        .any(|w| name.eq_ignore_ascii_case(w));
    match word || !name.starts_with(|c: char| c.is_ascii_alphabetic()) {
        true => format!("\"{name}\""),
        false => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_yaml_takes_for_something_else_is_quoted() {
        for (name, written) in [
            ("my_data", "my_data"),
            ("12", "\"12\""),
            ("1e3", "\"1e3\""),
            ("True", "\"True\""),
        ] {
            assert_eq!(quoted(name), written);
        }
    }
}
