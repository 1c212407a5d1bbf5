//! `wharf validate`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::ValueEnum;

use super::diagnostics::{self, SarifRule};
use super::error::{Error, Exit};
use super::imports::{self, Access, Surroundings};
use super::{Context, configuration, watch};
use crate::devfile;
use crate::document::parse::MAX_BYTES;
use crate::document::{self, Code, Diagnostic, Diagnostics, Rule, Value};
use crate::lock::{self, Needed};
use crate::manifest::SITE_FILE;
use crate::source::{self, Source};

/// Check a configuration repository, or single files
///
/// Reports every error of every file in one pass. A PATH is a configuration repository, a devfile (a file with
/// schemaVersion), or a manifest's file, which is checked together with the repository that it is in. Changes nothing
/// and asks no engine.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Configuration repositories, devfiles or manifests
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// The form
    #[arg(long, value_enum, value_name = "FORM", default_value_t = Format::Human)]
    format: Format,
    #[command(flatten)]
    access: Access,
    /// Check again whenever a file is saved, until Ctrl-C
    #[arg(long)]
    watch: bool,
}

/// Diagnostics' forms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Human,
    /// One JSON object
    Json,
    /// Annotations of GitHub's actions
    Github,
    /// SARIF 2.1.0
    Sarif,
}

pub(super) async fn run(context: &Context, args: &Args) -> Result<Exit, Error> {
    if args.watch {
        let paths: Vec<PathBuf> = paths(args).iter().map(|path| context.path(path)).collect();
        watch::watch(context, &paths, async || once(context, args).await.map(drop)).await?;
        return Ok(Exit::Success);
    }
    once(context, args).await
}

fn paths(args: &Args) -> Vec<PathBuf> {
    if args.paths.is_empty() {
        vec![PathBuf::from(".")]
    } else {
        args.paths.clone()
    }
}

/// What was checked, and what is wrong with it.
#[derive(Default)]
struct Findings {
    checked: Vec<String>,
    diagnostics: Diagnostics,
    /// What the repositories around single files have for them; each is read once.
    surroundings: BTreeMap<PathBuf, Arc<Surroundings>>,
    /// What is wrong with the repositories around single manifests; each is read once.
    repositories: BTreeMap<PathBuf, Arc<Diagnostics>>,
}

async fn once(context: &Context, args: &Args) -> Result<Exit, Error> {
    let mut findings = Findings::default();
    for path in paths(args) {
        let real = context.path(&path);
        if real.is_dir() {
            findings.repository(&real, args.access).await?;
        } else {
            findings.file(&path, &real, args.access).await?;
        }
    }
    findings.checked.sort();
    findings.checked.dedup();
    findings.diagnostics = findings.diagnostics.sorted();
    show(context, args.format, &findings)?;
    Ok(if findings.diagnostics.has_errors() {
        Exit::NotWell
    } else {
        Exit::Success
    })
}

impl Findings {
    /// Paths in a repository that was named are relative to it.
    async fn repository(&mut self, dir: &Path, access: Access) -> Result<(), Error> {
        let reading = configuration::read(dir, &Source::WorkingTree, access).await?;
        self.checked.extend(reading.checked);
        self.diagnostics.extend(reading.diagnostics);
        Ok(())
    }

    async fn file(&mut self, given: &Path, file: &Path, access: Access) -> Result<(), Error> {
        let name = given.display().to_string();
        let bytes = match content(file) {
            Ok(bytes) => bytes,
            Err((code, message)) => {
                self.checked.push(name.clone());
                self.diagnostics.push(at_start(code, &name, message));
                return Ok(());
            }
        };
        // What it imports is found in the repository around it, and nowhere else; without one, on the disk.
        let real = file.canonicalize()?;
        let shelf = source::Around::of(&real);
        let within = shelf.path_of(&real);
        let (documents, problems) = document::parse(&within, &bytes);
        let is_manifest = documents.iter().any(|d| d.root.get("apiVersion").is_some());
        if is_manifest && !problems.has_errors() {
            return self.manifest(&name, &real, access).await;
        }
        self.checked.push(name.clone());
        if !problems.has_errors() && documents.iter().all(|d| d.root.value == Value::Null) {
            let empty = at_start("manifest/empty-file", &name, "the file is empty".to_owned());
            self.diagnostics.push(empty);
            return Ok(());
        }
        let mut found = problems;
        let documents: Vec<_> = documents.into_iter().map(Arc::new).collect();
        let roots: Vec<_> = documents.iter().map(|d| (&**d, &d.root)).collect();
        let is_concerned = access.locked || roots.iter().any(|(_, node)| devfile::has_imports(node));
        let root = configuration::around(&real).filter(|_| is_concerned);
        let around = self.surroundings(root)?;
        found.extend(around.diagnostics.clone());
        let Surroundings { lock, site, .. } = &*around;
        let gathered = imports::gather(&roots, site.as_ref(), &shelf, lock, access.offline).await?;
        if access.locked {
            let needed = Needed {
                devfiles: imports::addresses(&gathered.imports),
                ..Needed::default()
            };
            found.extend(lock.missing(&needed));
        }
        for document in &documents {
            let read = devfile::read(document, &document.root, &BTreeMap::new(), &gathered.imports);
            found.extend(read.diagnostics);
        }
        let shown = |path: &str| {
            if path == within {
                name.clone()
            } else if let (lock::FILE, Some(root)) = (path, root) {
                source::shown(&root.join(path))
            } else {
                shelf.shown(path)
            }
        };
        self.diagnostics.extend(renamed(found, shown));
        Ok(())
    }

    fn surroundings(&mut self, root: Option<&Path>) -> Result<Arc<Surroundings>, Error> {
        let Some(root) = root else {
            return Ok(Arc::default());
        };
        if let Some(read) = self.surroundings.get(root) {
            return Ok(Arc::clone(read));
        }
        let read = Arc::new(Surroundings::read(root)?);
        self.surroundings.insert(root.to_owned(), Arc::clone(&read));
        Ok(read)
    }

    /// A manifest's references lead to others, so the repository around it is read; what is said of other files is
    /// left out, but not what is said of the lock, which belongs to all of them.
    async fn manifest(&mut self, name: &str, file: &Path, access: Access) -> Result<(), Error> {
        let Some(root) = configuration::around(file) else {
            return Err(Error::new(format!(
                "{name} holds a manifest, and no folder above it is a configuration repository"
            ))
            .hint(format!(
                "A configuration repository has a {SITE_FILE}; wharf init DIR writes one."
            )));
        };
        // Invariant: the root is one of the file's ancestors.
        let within = file.strip_prefix(root).unwrap_or(file).display().to_string();
        let found = match self.repositories.get(root) {
            Some(found) => Arc::clone(found),
            None => {
                let reading = configuration::read(root, &Source::WorkingTree, access).await?;
                let found = Arc::new(reading.diagnostics);
                self.repositories.insert(root.to_owned(), Arc::clone(&found));
                found
            }
        };
        let own = found
            .0
            .iter()
            .filter(|d| d.path == within || d.path == lock::FILE);
        self.checked.push(name.to_owned());
        let own = renamed(Diagnostics(own.cloned().collect()), |path| {
            if path == within {
                name.to_owned()
            } else {
                source::shown(&root.join(path))
            }
        });
        self.diagnostics.extend(own);
        Ok(())
    }
}

/// The same, of files by other names.
fn renamed(diagnostics: Diagnostics, name: impl Fn(&str) -> String) -> Diagnostics {
    let mut sources: BTreeMap<String, Arc<document::Source>> = BTreeMap::new();
    let rename = |mut diagnostic: Diagnostic| {
        let path = name(&diagnostic.path);
        if let Some(source) = &mut diagnostic.source {
            let renamed = || document::Source::new(path.clone(), source.text.clone());
            *source = Arc::clone(sources.entry(path.clone()).or_insert_with(renamed));
        }
        Diagnostic { path, ..diagnostic }
    };
    Diagnostics(diagnostics.0.into_iter().map(rename).collect())
}

/// A file's bytes, unless they are more than any manifest or devfile may have.
fn content(file: &Path) -> Result<Vec<u8>, (Code, String)> {
    let unreadable = |e: std::io::Error| ("manifest/unreadable", format!("the file can't be read: {e}"));
    let size = std::fs::metadata(file).map_err(unreadable)?.len();
    if size > MAX_BYTES as u64 {
        let message = format!("the file has {size} bytes, the most is {MAX_BYTES}");
        return Err(("yaml/too-large", message));
    }
    std::fs::read(file).map_err(unreadable)
}

/// An error about a file whose text there is nothing of to show: its place is the first line.
fn at_start(code: Code, path: &str, message: String) -> Diagnostic {
    let source = document::Source::new(path, "");
    Diagnostic::at(code, &source, document::Span::default(), message)
}

fn show(context: &Context, format: Format, findings: &Findings) -> Result<(), Error> {
    let out = &context.out;
    let Findings {
        checked, diagnostics, ..
    } = findings;
    match format {
        Format::Human => {
            if !diagnostics.0.is_empty() {
                let look = out.look();
                out.data(&diagnostics::human(diagnostics, look.width, look.colour))?;
            }
            out.data(&(diagnostics::summary(checked, diagnostics).trim_end().to_owned() + "\n"))
        }
        Format::Json => out.data(&diagnostics::json(checked, diagnostics)),
        Format::Github => out.data(&diagnostics::github(diagnostics)),
        Format::Sarif => out.data(&diagnostics::sarif(&rules(), diagnostics)),
    }
}

/// What SARIF's readers learn of each rule.
fn rules() -> Vec<SarifRule> {
    let of = |rule: Rule| SarifRule {
        code: rule.code,
        why: rule.why,
    };
    super::explain::rules().map(of).collect()
}
