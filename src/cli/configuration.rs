//! A configuration repository, read and checked as a whole: from a directory to the desired state, with everything that
//! is wrong on the way.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::Context;
use super::builds::{self, FetchedBuilds};
use super::diagnostics;
use super::error::Error;
use super::imports::{self, Access, Gathered};
use crate::document::{Content, Diagnostics, File, Files};
use crate::lock::{Lock, Needed};
use crate::manifest::{self, Manifests, SITE_FILE};
use crate::model::DesiredState;
use crate::plan::Revision;
use crate::resolve;
use crate::source::{self, Fetched, Source};

/// A repository that was read, right or wrong.
pub(super) struct Reading {
    /// What it declares; nothing where anything in it is wrong.
    pub(super) configuration: Option<Configuration>,
    /// The path of every file that was checked.
    pub(super) checked: Vec<String>,
    /// What is wrong, or worth a look.
    pub(super) diagnostics: Diagnostics,
    /// What it uses from elsewhere.
    pub(super) elsewhere: Elsewhere,
}

/// What a repository uses from elsewhere.
pub(super) struct Elsewhere {
    /// What its lock says.
    pub(super) lock: Lock,
    /// What it needs.
    pub(super) needed: Needed,
    /// Devfiles that were fetched.
    pub(super) fetched: Fetched,
    /// What was fetched to build images from.
    pub(super) builds: FetchedBuilds,
}

/// What a repository without errors declares.
pub(super) struct Configuration {
    pub(super) manifests: Manifests,
    /// Shared with whoever remembers it as applied.
    pub(super) desired: Arc<DesiredState>,
    pub(super) revision: Revision,
}

/// Which repository is read, and for what.
struct Request<'a> {
    dir: &'a Path,
    source: &'a Source,
    access: Access,
    /// Whether it is about to be locked.
    locking: bool,
    /// Files whose text is another one for now, by path.
    instead: Option<&'a BTreeMap<String, String>>,
}

/// Reads and checks the repository at `dir`.
pub(super) async fn read(dir: &Path, source: &Source, access: Access) -> Result<Reading, Error> {
    let request = Request {
        dir,
        source,
        access,
        locking: false,
        instead: None,
    };
    request.read(|lock, found| (lock, found)).await
}

/// Reads and checks the repository at `dir` as it would be with other texts in its files.
pub(super) async fn read_with(
    dir: &Path,
    source: &Source,
    access: Access,
    instead: &BTreeMap<String, String>,
) -> Result<Reading, Error> {
    let request = Request {
        dir,
        source,
        access,
        locking: false,
        instead: Some(instead),
    };
    request.read(|lock, found| (lock, found)).await
}

/// Reads and checks the repository at `dir` to lock it: `start` is told its lock and what is wrong with that, and says
/// what to begin with.
pub(super) async fn read_to_lock(
    dir: &Path,
    start: impl FnOnce(Lock, Diagnostics) -> (Lock, Diagnostics),
) -> Result<Reading, Error> {
    let request = Request {
        dir,
        source: &Source::WorkingTree,
        access: Access::default(),
        locking: true,
        instead: None,
    };
    request.read(start).await
}

impl Request<'_> {
    fn put_in(&self, files: &mut Files) {
        for (path, text) in self.instead.into_iter().flatten() {
            let executable = files.get(path).is_some_and(|file| file.executable);
            let content = Content::Bytes(text.as_bytes().into());
            files.0.insert(path.clone(), File { content, executable });
        }
    }

    async fn read(
        self,
        start: impl FnOnce(Lock, Diagnostics) -> (Lock, Diagnostics),
    ) -> Result<Reading, Error> {
        let source::Loaded { mut files, revision } = source::load(self.dir, self.source)?;
        self.put_in(&mut files);
        let (lock, found) = Lock::take(&mut files);
        let (lock, mut diagnostics) = start(lock, found);
        let loaded = manifest::load(&files);
        diagnostics.extend(loaded.diagnostics.clone());
        let devfiles: Vec<_> = loaded.all_devfiles().collect();
        let Gathered { imports, fetched } = imports::gather(
            &devfiles,
            loaded.site.as_ref(),
            &files,
            &lock,
            self.access.offline,
        )
        .await?;
        let (workspaces, found) = resolve::read(&loaded, &imports);
        diagnostics.extend(found);
        let mut needed = Needed {
            devfiles: imports::addresses(&imports),
            ..Needed::default()
        };
        let mut desired = None;
        let mut fetched_builds = FetchedBuilds::new();
        if let Some(workspaces) = workspaces {
            needed.images = workspaces.images_to_lock();
            needed.builds = workspaces.builds_from_elsewhere();
            let site = loaded.site.as_ref();
            fetched_builds = builds::fetch(&needed.builds, site, &lock, self.access.offline).await?;
            source::load_contexts(self.dir, self.source, &workspaces.contexts(), &mut files)?;
            self.put_in(&mut files);
            let workspaces = if self.locking {
                workspaces.while_locking()
            } else {
                workspaces
            };
            let builds = builds::all(&needed.builds, &lock, &fetched_builds);
            let (state, found) = workspaces.with_builds(builds).resolve(&files, &lock);
            diagnostics.extend(found);
            desired = Some(state);
        }
        if self.access.locked {
            diagnostics.extend(match diagnostics.has_errors() {
                // What has errors may use more than could be read of it, so that nothing is known to be too much.
                true => lock.missing(&needed),
                false => lock.differences(&needed),
            });
        }
        let diagnostics = diagnostics.sorted();
        let configuration = match (loaded.manifests, desired) {
            (Some(manifests), Some(desired)) if !diagnostics.has_errors() => Some(Configuration {
                manifests,
                desired: Arc::new(desired),
                revision,
            }),
            (Some(_) | None, Some(_) | None) => None,
        };
        Ok(Reading {
            configuration,
            checked: loaded.checked,
            diagnostics,
            elsewhere: Elsewhere {
                lock,
                needed,
                fetched,
                builds: fetched_builds,
            },
        })
    }
}

/// The configuration repository that a file is in.
pub(super) fn around(file: &Path) -> Option<&Path> {
    file.ancestors().skip(1).find(|dir| dir.join(SITE_FILE).is_file())
}

/// Whether a directory can be a configuration repository, said before anything is looked for in it.
pub(super) fn expect_site(dir: &Path) -> Result<(), Error> {
    if dir.is_dir() && !dir.join(SITE_FILE).exists() {
        return Err(Error::new(format!(
            "{} is no configuration repository: it has no {SITE_FILE}",
            dir.display()
        ))
        .hint("Name its directory, or write a new one with wharf init DIR."));
    }
    Ok(())
}

/// Reads the repository at `dir`, shows what is wrong with it, and goes on only where that is no error.
pub(super) async fn accept(
    context: &Context,
    dir: &Path,
    source: &Source,
    access: Access,
) -> Result<Configuration, Error> {
    if *source == Source::WorkingTree {
        expect_site(dir)?;
    }
    let reading = read(dir, source, access).await?;
    accepted(context, reading, "planned").map(|(configuration, _)| configuration)
}

/// Shows what is wrong with a repository; where that is an error, nothing is `done` with it.
pub(super) fn accepted(
    context: &Context,
    reading: Reading,
    done: &str,
) -> Result<(Configuration, Elsewhere), Error> {
    let out = &context.out;
    if !reading.diagnostics.0.is_empty() {
        out.show(&diagnostics::human(
            &reading.diagnostics,
            out.width(),
            out.colour_of_errors(),
        ));
    }
    match reading.configuration {
        Some(configuration) => Ok((configuration, reading.elsewhere)),
        None => Err(Error::new(format!(
            "{}; nothing was {done}",
            diagnostics::summary(&reading.checked, &reading.diagnostics).trim()
        ))),
    }
}
