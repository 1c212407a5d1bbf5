//! Which site a command is about, and the engine that has it.

use std::path::Path;
use std::sync::Arc;

use super::Context;
use super::error::Error;
use crate::document;
use crate::engine::Engine;
use crate::engine::address::{self, Address, Environment};
use crate::engine::podman::Podman;
use crate::engine::simulated::Simulated;
use crate::manifest::SITE_FILE;
use crate::model::{EngineFacts, Name};

/// A site on its engine.
pub(super) struct Site {
    pub(super) name: Name,
    pub(super) engine: Arc<dyn Engine>,
}

/// Opens the engine that the Site names, else the one that the environment names.
pub(super) fn engine(declared: Option<&str>) -> Result<Arc<dyn Engine>, Error> {
    let address = address::find(declared, &Environment::of_process())?;
    tracing::info!(%address, "engine");
    Ok(match address {
        Address::Unix(socket) => Arc::new(Podman::connect(&socket)),
        Address::Simulated(file) => Arc::new(Simulated::open(&file)?),
    })
}

/// Says what the engine can't do.
pub(super) fn warn(context: &Context, facts: &EngineFacts) {
    if !facts.enforces_limits {
        context.out.warn(
            "limits are not enforced here: Podman runs without root, and the system delegates no control groups to it",
        );
    }
}

/// The site of a command that works without a repository: the one that is asked for, else the repository's, else the
/// only one on the engine.
pub(super) async fn find(context: &Context, asked: Option<&Name>) -> Result<Site, Error> {
    let declared = declared(&context.dir)?;
    let engine = engine(declared.as_ref().and_then(|d| d.engine.as_deref()))?;
    if let Some(name) = asked.cloned().or(declared.map(|d| d.name)) {
        return Ok(Site { name, engine });
    }
    let mut sites = engine.sites().await?;
    match sites.len() {
        0 => Err(
            Error::new(format!("there is no site on {}", engine.address())).hint(
                "Run it in a configuration repository, or name one with -C DIR; wharf apply makes its site.",
            ),
        ),
        1 => Ok(Site {
            name: sites.remove(0),
            engine,
        }),
        _ => {
            let names: Vec<&str> = sites.iter().map(Name::as_str).collect();
            Err(Error::new(format!(
                "{} has several sites: {}",
                engine.address(),
                names.join(", ")
            ))
            .hint("Name one with --site, or run it in its repository."))
        }
    }
}

/// The name of that site.
pub(super) async fn name(context: &Context, asked: Option<&Name>) -> Result<Name, Error> {
    match asked {
        Some(name) => Ok(name.clone()),
        None => match declared(&context.dir)? {
            Some(declared) => Ok(declared.name),
            None => find(context, None).await.map(|site| site.name),
        },
    }
}

/// The name of the site that the repository here declares, where there is one.
pub(super) fn declared_name(context: &Context) -> Result<Option<Name>, Error> {
    Ok(declared(&context.dir)?.map(|declared| declared.name))
}

/// What a repository's Site says of itself, however wrong the rest is.
struct Declared {
    name: Name,
    engine: Option<String>,
}

fn declared(dir: &Path) -> Result<Option<Declared>, Error> {
    let path = dir.join(SITE_FILE);
    let bytes = match std::fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Error::new(format!("{} can't be read: {error}", path.display()))),
    };
    let (documents, _) = document::parse(SITE_FILE, &bytes);
    let found = documents.iter().find_map(|document| {
        let root = &document.root;
        let kind = root.get("kind")?.as_str()?;
        let name = root.get("metadata")?.get("name")?.as_str()?;
        let engine = || root.get("spec")?.get("engine")?.as_str();
        (kind == "Site").then_some(())?;
        Some(Declared {
            name: name.parse().ok()?,
            engine: engine().map(str::to_owned),
        })
    });
    match found {
        Some(found) => Ok(Some(found)),
        None => Err(Error::new(format!("{} declares no site", path.display()))
            .hint("wharf validate says what is wrong; --site NAME goes on without it elsewhere.")),
    }
}
