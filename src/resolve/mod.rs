//! Manifests and devfiles to the desired state: every choice that they leave open is made here, and nowhere later.
//!
//! In: [`Manifests`] and devfile documents, in two stages: [`read`] makes out each workspace's devfile, and then it is
//! known which files its image builds need ([`Workspaces::contexts`]); [`Workspaces::resolve`] makes the rest. Out: a
//! [`DesiredState`], and what can't be resolved, with its place. What a manifest or a devfile may say is judged in
//! [`crate::manifest`] and [`crate::devfile`]; what an engine holds is never asked here.

mod build;
mod container;
mod containerfile;
mod events;
mod images;
mod limits;
mod place;
mod projects;
mod publish;
mod rules;
pub mod uids;
mod workspace;

pub use rules::RULES;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::devfile::{self, Devfile, Imports, Missing};
use crate::document::{Diagnostics, Document, Files, Node};
use crate::lock::{BuildSource, Lock};
use crate::manifest::{DevfileRef, Loaded, Manifest, Manifests, Workspace};
use crate::model::{DesiredState, WorkspaceId};

/// What images are built from that is elsewhere: a Containerfile's text, or an archive; or why it is not here.
pub type Builds = BTreeMap<BuildSource, Result<Arc<[u8]>, Missing>>;

/// Each workspace with its devfile.
#[derive(Clone, Debug)]
pub struct Workspaces<'a> {
    manifests: &'a Manifests,
    devfiles: BTreeMap<WorkspaceId, Arc<Devfile>>,
    builds: BTreeMap<BuildSource, Result<build::Built, Missing>>,
    /// Whether the images that can be locked are about to be.
    locking: bool,
}

/// Reads every devfile, with what it imports: those that workspaces name, with their variables, and those that nobody names.
///
/// The workspaces are `None` where the manifests have errors; a workspace whose devfile has errors is left out, and the
/// diagnostics say so.
#[must_use]
pub fn read<'l>(loaded: &'l Loaded, imports: &Imports) -> (Option<Workspaces<'l>>, Diagnostics) {
    let mut diagnostics = Diagnostics::default();
    let mut named: Vec<&str> = Vec::new();
    let mut workspaces = None;
    if let Some(manifests) = &loaded.manifests {
        let mut seen: BTreeMap<(String, Variables), Option<Arc<Devfile>>> = BTreeMap::new();
        let mut devfiles = BTreeMap::new();
        for (id, manifest) in &manifests.workspaces {
            let found = match &manifest.spec.devfile {
                DevfileRef::Path(path) => {
                    named.push(&path.value);
                    let key = (path.value.clone(), variables(manifest));
                    seen.entry(key)
                        .or_insert_with(|| {
                            let document = loaded.devfiles.get(&path.value)?;
                            one((document, &document.root), manifest, imports, &mut diagnostics)
                        })
                        .clone()
                }
                DevfileRef::Inline(_) => manifest
                    .inline_devfile()
                    .and_then(|node| one((&manifest.document, node), manifest, imports, &mut diagnostics)),
            };
            devfiles.extend(found.map(|devfile| (id.clone(), devfile)));
        }
        workspaces = Some(Workspaces {
            manifests,
            devfiles,
            builds: BTreeMap::new(),
            locking: false,
        });
    }
    for (path, document) in &loaded.devfiles {
        if !named.contains(&path.as_str()) {
            let read = devfile::read(document, &document.root, &BTreeMap::new(), imports);
            diagnostics.extend(read.diagnostics);
        }
    }
    (workspaces, diagnostics.sorted())
}

fn one(
    (document, node): (&Arc<Document>, &Node),
    manifest: &Manifest<Workspace>,
    imports: &Imports,
    diagnostics: &mut Diagnostics,
) -> Option<Arc<Devfile>> {
    let read = devfile::read(document, node, &variables(manifest), imports);
    diagnostics.extend(read.diagnostics);
    read.devfile.map(Arc::new)
}

type Variables = BTreeMap<String, String>;

fn variables(manifest: &Manifest<Workspace>) -> Variables {
    manifest
        .spec
        .variables
        .iter()
        .map(|(k, v)| (k.value.clone(), v.value.clone()))
        .collect()
}

impl Workspaces<'_> {
    /// The same while their images are being locked: a policy that demands digests can't ask for those to come.
    #[must_use]
    pub fn while_locking(self) -> Self {
        Self {
            locking: true,
            ..self
        }
    }

    /// The same with what their image builds need from elsewhere.
    #[must_use]
    pub fn with_builds(self, builds: Builds) -> Self {
        let built = builds.into_iter().map(|(source, bytes)| {
            let built = bytes.and_then(|bytes| build::Built::of(&source, bytes));
            (source, built)
        });
        Self {
            builds: built.collect(),
            ..self
        }
    }

    /// The folders of the repository whose files the image builds need.
    #[must_use]
    pub fn contexts(&self) -> Vec<String> {
        let site = &self.manifests.site.spec;
        let folders = self.devfiles.values().flat_map(|d| build::folders(d, site));
        let mut contexts: Vec<String> = folders.collect();
        contexts.sort();
        contexts.dedup();
        contexts
    }

    /// What the image builds need from elsewhere.
    #[must_use]
    pub fn builds_from_elsewhere(&self) -> BTreeSet<BuildSource> {
        let site = &self.manifests.site.spec;
        let sources = self.devfiles.values().flat_map(|d| build::sources(d, site));
        sources.collect()
    }

    /// The references of images that a lock can pin.
    #[must_use]
    pub fn images_to_lock(&self) -> BTreeSet<String> {
        let devfiles = self.devfiles.values().map(|devfile| &**devfile);
        images::to_lock(&self.manifests.site.spec, devfiles)
    }

    /// Makes every choice. The state is complete only where the diagnostics have no error.
    #[must_use]
    pub fn resolve(&self, files: &Files, lock: &Lock) -> (DesiredState, Diagnostics) {
        let mut diagnostics = Diagnostics::default();
        let uids = uids::Ranges::of(self.manifests, &mut diagnostics);
        let mut state = DesiredState {
            site: self.manifests.site.name.value.clone(),
            max_deletions: self.manifests.site.spec.policy.max_deletions,
            suspend: self.manifests.site.spec.suspend,
            drift: self.manifests.site.spec.drift,
            maintenance: workspace::maintenance(&self.manifests.site.spec, None),
            promised_memory: self.manifests.site.spec.policy.promised_memory,
            workspaces: BTreeMap::new(),
        };
        for (id, devfile) in &self.devfiles {
            let Some(manifest) = self.manifests.workspaces.get(id) else {
                continue;
            };
            let input = workspace::Input {
                manifests: self.manifests,
                manifest,
                devfile,
                files,
                lock,
                builds: &self.builds,
                locking: self.locking,
                uids: &uids,
            };
            let resolved = workspace::resolve(&input, &mut diagnostics);
            state.workspaces.extend(resolved.map(|w| (id.clone(), w)));
        }
        (state, diagnostics.sorted())
    }
}
