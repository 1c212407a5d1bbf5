//! Files to manifests: parse each file, decode each manifest, run every check, and put together what is right.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::document::{
    Content, Diagnostic, Diagnostics, Document, Fields, File, Files, Reader, Source, Span, Spanned, parse,
};
use crate::model::Name;

use super::checks::{self, Draft};
use super::reference::{Referent, references};
use super::select::{self, Class as DocumentClass};
use super::{API_VERSION, Kind, Loaded, Manifest, Manifests};

/// Kinds that DESIGN names and that are not built yet.
const LATER_KINDS: [&str; 6] = [
    "Template",
    "Secret",
    "Editor",
    "BackupRepository",
    "Snapshot",
    "Backup",
];

pub(super) fn load(files: &Files) -> Loaded {
    let mut loader = Loader {
        draft: Draft::of(files),
        inline: Vec::new(),
        checked: BTreeSet::new(),
        diagnostics: Diagnostics::default(),
    };
    for selected in select::select(files) {
        loader.file(selected.path, selected.file, selected.in_context);
    }
    loader.named_devfiles(files);
    checks::run(&loader.draft, &mut loader.diagnostics);
    loader.finish()
}

struct Loader<'f> {
    draft: Draft<'f>,
    inline: Vec<Arc<Document>>,
    checked: BTreeSet<String>,
    diagnostics: Diagnostics,
}

impl Loader<'_> {
    fn file(&mut self, path: &str, file: &File, in_context: bool) {
        self.checked.insert(path.to_owned());
        let (documents, problems) = match read(path, file) {
            Ok(bytes) => parse(path, bytes),
            Err(problem) => {
                self.draft.broken.insert(path.to_owned());
                self.diagnostics.push(*problem);
                return;
            }
        };
        if problems.has_errors() {
            self.draft.broken.insert(path.to_owned());
        } else if documents
            .iter()
            .all(|d| select::classify(d, false) == DocumentClass::Empty)
        {
            let message = "the file is empty";
            let empty = at_start("manifest/empty-file", path, message);
            self.diagnostics
                .push(empty.help("remove the file, or write a manifest or a devfile into it"));
        }
        self.diagnostics.extend(problems);
        for document in documents {
            let document = Arc::new(document);
            match select::classify(&document, in_context) {
                DocumentClass::Devfile => self.devfile(path, document),
                DocumentClass::Manifest => self.manifest(&document),
                DocumentClass::Empty => {}
                DocumentClass::Other if in_context => {}
                DocumentClass::Other => self.diagnostics.push(not_ours(&document)),
            }
        }
    }

    fn devfile(&mut self, path: &str, document: Arc<Document>) {
        if self.draft.devfiles.contains_key(path) {
            let span = document
                .root
                .entry("schemaVersion")
                .map_or(document.root.span, |(k, _)| k.span);
            let message = "the file holds a second devfile";
            let error = document.error("manifest/second-devfile", span, message);
            self.diagnostics
                .push(error.help("a workspace names a devfile by its file, so each needs a file of its own"));
            return;
        }
        self.draft.devfiles.insert(path.to_owned(), document);
    }

    fn manifest(&mut self, document: &Arc<Document>) {
        let mut reader = Reader::new(document);
        decode(document, &mut self.draft, &mut reader);
        if super::inline_node(document).is_some() {
            self.inline.push(Arc::clone(document));
        }
        self.diagnostics.extend(reader.diagnostics);
    }

    /// Devfiles that a workspace names and that were not found by themselves: hidden ones, such as `.devfile.yaml`,
    /// or ones without the usual ending.
    fn named_devfiles(&mut self, files: &Files) {
        let mut named: BTreeSet<String> = BTreeSet::new();
        named.extend(self.draft.named(Referent::Devfile).map(|r| r.name.value.clone()));
        for path in named.difference(&self.checked.clone()) {
            if let Some(file) = files.get(path) {
                self.named_devfile(path, file);
            }
        }
    }

    fn named_devfile(&mut self, path: &str, file: &File) {
        let Ok(bytes) = read(path, file) else {
            return; // the checks say why, at the place that names it
        };
        let (documents, problems) = parse(path, bytes);
        let devfile = |d: &Document| select::classify(d, true) == DocumentClass::Devfile;
        let found: Vec<Document> = documents.into_iter().filter(devfile).collect();
        if problems.has_errors() {
            self.draft.broken.insert(path.to_owned());
        }
        self.checked.insert(path.to_owned());
        self.diagnostics.extend(problems);
        for document in found {
            self.devfile(path, Arc::new(document));
        }
    }

    fn finish(self) -> Loaded {
        let diagnostics = self.diagnostics.sorted();
        let draft = self.draft;
        let site = draft.sites.first().map(|site| site.spec.clone());
        let manifests = match (draft.sites.into_iter().next(), diagnostics.has_errors()) {
            (Some(site), false) => Some(Manifests {
                site,
                users: by_name(draft.users),
                classes: by_name(draft.classes),
                workspaces: draft.workspaces.into_iter().map(|w| (w.id(), w)).collect(),
            }),
            (Some(_), true) | (None, _) => None,
        };
        Loaded {
            manifests,
            site,
            devfiles: draft.devfiles,
            inline_devfiles: self.inline,
            checked: self.checked.into_iter().collect(),
            diagnostics,
        }
    }
}

fn by_name<T>(manifests: Vec<Manifest<T>>) -> BTreeMap<Name, Manifest<T>> {
    manifests.into_iter().map(|m| (m.name.value.clone(), m)).collect()
}

/// The bytes of a file that should be YAML, or why there are none.
fn read<'f>(path: &str, file: &'f File) -> Result<&'f [u8], Box<Diagnostic>> {
    match &file.content {
        Content::Bytes(bytes) => Ok(bytes),
        Content::TooLarge(bytes) => {
            let most = crate::document::parse::MAX_BYTES;
            let message = format!("the file has {bytes} bytes, the most is {most}");
            Err(Box::new(at_start("yaml/too-large", path, message)))
        }
        Content::OutsideLink(target) => {
            let message = format!("the file is a symbolic link to {target:?}, outside the repository");
            let help = "put the file itself into the repository";
            Err(Box::new(
                at_start("manifest/outside-link", path, message).help(help),
            ))
        }
        Content::Unreadable(reason) => {
            let message = format!("the file can't be read: {reason}");
            Err(Box::new(at_start("manifest/unreadable", path, message)))
        }
    }
}

/// An error about a file whose text there is nothing of to show: its place is the first line.
fn at_start(code: &'static str, path: &str, message: impl Into<String>) -> Diagnostic {
    Diagnostic::at(code, &Source::new(path, ""), Span::default(), message)
}

fn not_ours(document: &Document) -> Diagnostic {
    let message = "neither a manifest nor a devfile; ignored";
    document.error("manifest/not-ours", document.root.span, message)
        .warning()
        .help(format!(
            "a manifest begins with apiVersion: {API_VERSION}, a devfile with schemaVersion; hide other files in a \
             folder whose name begins with a dot"
        ))
}

/// Reads one manifest into the draft.
fn decode(document: &Arc<Document>, draft: &mut Draft<'_>, reader: &mut Reader<'_>) {
    let Some(mut fields) = Fields::of(&document.root, reader) else {
        return;
    };
    let foreign = !api_version(&mut fields, reader);
    if foreign {
        return; // someone else's format: judging the rest of it by ours says nothing
    }
    let kind = kind(&mut fields, reader);
    let name: Option<Spanned<Name>> = fields
        .required::<Metadata>("metadata", reader)
        .and_then(|metadata| metadata.0);
    if let (Some(kind), Some(name)) = (kind, &name) {
        draft.declare(kind, name.clone(), document);
    }
    draft
        .references
        .extend(kind.map(|kind| references(kind, document)).into_iter().flatten());
    macro_rules! spec {
        ($list:ident) => {
            if let (Some(spec), Some(name)) = (fields.required("spec", reader), name) {
                let document = Arc::clone(document);
                draft.$list.push(Manifest {
                    name,
                    spec,
                    document,
                });
            }
        };
    }
    match kind {
        Some(Kind::Site) => spec!(sites),
        Some(Kind::User) => spec!(users),
        Some(Kind::Class) => spec!(classes),
        Some(Kind::Workspace) => spec!(workspaces),
        None => {
            fields.node("spec");
        }
    }
    fields.finish(reader);
}

/// Whether the manifest is one of ours, if perhaps of another version.
fn api_version(fields: &mut Fields<'_>, reader: &mut Reader<'_>) -> bool {
    if fields.key("apiVersion").is_none() {
        let _: Option<String> = fields.required("apiVersion", reader);
        return true;
    }
    let Some(found) = fields.optional::<Spanned<String>>("apiVersion", reader) else {
        return true;
    };
    if found.value == API_VERSION {
        return true;
    }
    let message = format!("{:?} is no version of wharf's manifests", found.value);
    let error = reader
        .error("manifest/api-version", found.span, message)
        .label(format!("expected {API_VERSION}"))
        .help("hide YAML files of other programs in a folder whose name begins with a dot")
        .suggest(&found.value, [API_VERSION]);
    let near = error.help.as_ref().is_some_and(|help| help.contains(API_VERSION));
    reader.report(error);
    near || found.value.starts_with("wharf/")
}

fn kind(fields: &mut Fields<'_>, reader: &mut Reader<'_>) -> Option<Kind> {
    let found: Spanned<String> = fields.required("kind", reader)?;
    let kind = Kind::ALL.into_iter().find(|kind| kind.as_str() == found.value);
    if kind.is_some() {
        return kind;
    }
    let error = if LATER_KINDS.contains(&found.value.as_str()) {
        let message = format!("the kind {} is not supported yet", found.value);
        reader.error("manifest/not-supported-yet", found.span, message)
    } else {
        let names = Kind::ALL.map(Kind::as_str);
        reader
            .error(
                "manifest/unknown-kind",
                found.span,
                format!("{:?} is no kind", found.value),
            )
            .help(format!("the kinds are {}", names.join(", ")))
            .suggest(&found.value, names)
    };
    reader.report(error);
    None
}

/// `metadata`: a name and nothing else.
struct Metadata(Option<Spanned<Name>>);

impl crate::document::Decode for Metadata {
    fn decode(node: &crate::document::Node, reader: &mut Reader<'_>) -> Option<Self> {
        let mut fields = Fields::of(node, reader)?;
        let name = fields.required("name", reader);
        fields.finish(reader);
        Some(Self(name))
    }
}
