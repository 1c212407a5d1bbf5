//! `wharf schema`.

use super::Context;
use super::error::{Error, Exit};
use crate::daemon;
use crate::document::diagnostic::nearest;
use crate::manifest::{Kind, schema};

/// Print the JSON Schema of a kind of manifest
///
/// Editors check and complete manifests with it. Without KIND it is one schema for all kinds. `wharf schema daemon` is the
/// daemon's HTTP interface in OpenAPI.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The kind
    #[arg(value_name = "KIND")]
    kind: Option<String>,
}

pub(super) fn run(context: &Context, args: &Args) -> Result<Exit, Error> {
    if args.kind.as_deref() == Some("daemon") {
        let description = serde_json::to_value(daemon::api::description());
        let description =
            description.map_err(|e| Error::new(format!("the daemon can't be described: {e}")))?;
        context.out.data(&format!("{description:#}\n"))?;
        return Ok(Exit::Success);
    }
    let kind = args.kind.as_deref().map(kind).transpose()?;
    context.out.data(&schema::text(kind))?;
    Ok(Exit::Success)
}

/// The kind of that name, however it is written.
pub(super) fn kind(name: &str) -> Result<Kind, Error> {
    let names: Vec<&str> = Kind::ALL.iter().map(|kind| kind.as_str()).collect();
    Kind::ALL
        .into_iter()
        .find(|kind| kind.as_str().eq_ignore_ascii_case(name))
        .ok_or_else(|| {
            let hint = match nearest(name, names.iter().copied()) {
                Some(near) => format!("Did you mean {near}?"),
                None => format!("The kinds are {}.", names.join(", ")),
            };
            Error::usage(format!("there is no kind {name}")).hint(hint)
        })
}
