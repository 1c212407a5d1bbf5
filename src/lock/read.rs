//! The lock's file, and the contents that it names.

use std::sync::Arc;

use url::Url;

use super::{
    BuildPaths, BuildSource, DEVFILES, FILE, Lock, PinnedBuild, Place, VERSION, is_digest, is_sha256, sha256,
};
use crate::document::{
    self, Content, Decode, Diagnostic, Diagnostics, Fields, Files, Node, Reader, Spanned, Value,
};

/// What to do where it can't be read.
const HELP: &str = "wharf lock --update writes it anew";

struct Devfile {
    url: Spanned<Url>,
    sha256: Spanned<String>,
}

struct Build {
    source: BuildSource,
    commit: Option<String>,
    sha256: Spanned<String>,
}

struct Image {
    image: String,
    digest: Spanned<String>,
}

pub(super) fn read(files: &Files) -> (Lock, Diagnostics) {
    let Some(found) = files.get(FILE) else {
        return (Lock::default(), Diagnostics::default());
    };
    let unreadable = |why: String| {
        let mut diagnostics = Diagnostics::default();
        diagnostics.push(Diagnostic::of_file("lock/unreadable", FILE, why).help(HELP));
        (Lock::default(), diagnostics)
    };
    let bytes = match &found.content {
        Content::Bytes(bytes) => bytes,
        Content::TooLarge(size) => return unreadable(format!("it has {size} bytes")),
        Content::OutsideLink(_) => return unreadable("it is a link out of the repository".to_owned()),
        Content::Unreadable(why) => return unreadable(why.clone()),
    };
    let (documents, mut diagnostics) = document::parse(FILE, bytes);
    let Some(document) = documents.into_iter().find(|d| d.root.value != Value::Null) else {
        return (Lock::default(), diagnostics);
    };
    let document = Arc::new(document);
    let mut reader = Reader::new(&document);
    let lock = decode(&document.root, files, &mut reader).unwrap_or_default();
    diagnostics.extend(reader.diagnostics);
    for diagnostic in &mut diagnostics.0 {
        diagnostic.help.get_or_insert_with(|| HELP.to_owned());
    }
    (lock, diagnostics.sorted())
}

fn decode(root: &Node, files: &Files, reader: &mut Reader<'_>) -> Option<Lock> {
    let mut fields = Fields::of(root, reader)?;
    if let Some(version) = fields.required::<Spanned<i64>>("version", reader)
        && version.value != VERSION
    {
        let message = format!(
            "this lock has version {}, and this release reads version {VERSION}",
            version.value
        );
        let error = reader.error("lock/unreadable", version.span, message);
        reader.report(error);
        return None;
    }
    let devfiles: Vec<Devfile> = fields.list("devfiles", reader);
    let builds: Vec<Build> = fields.list("builds", reader);
    let images: Vec<Image> = fields.list("images", reader);
    fields.finish(reader);
    let mut lock = Lock::default();
    for devfile in devfiles {
        let digest = devfile.sha256.value;
        let path = DEVFILES.file(&digest);
        let content = content(&path, &digest, files);
        lock.contents.insert(path, content);
        lock.devfiles.insert(devfile.url.value, digest);
    }
    for build in builds {
        let (commit, sha256) = (build.commit, build.sha256.value);
        let path = Place::of(&build.source).file(&sha256);
        let content = content(&path, &sha256, files);
        lock.contents.insert(path, content);
        lock.builds.insert(build.source, PinnedBuild { commit, sha256 });
    }
    let images = images.into_iter().map(|i| (i.image, i.digest.value));
    lock.images.extend(images);
    Some(lock)
}

fn content(path: &str, digest: &str, files: &Files) -> Result<Arc<[u8]>, String> {
    match files.get(path).map(|file| &file.content) {
        Some(Content::Bytes(bytes)) if sha256(bytes) == digest => Ok(Arc::clone(bytes)),
        Some(Content::Bytes(_)) => Err(format!("{path} is not what was locked")),
        Some(Content::TooLarge(_) | Content::OutsideLink(_) | Content::Unreadable(_)) => {
            Err(format!("{path} can't be read"))
        }
        None => Err(format!("there is no file {path}")),
    }
}

impl Decode for Devfile {
    fn decode(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        let mut fields = Fields::of(node, reader)?;
        let url = fields.required("url", reader);
        let sha256: Option<Spanned<String>> = fields.required("sha256", reader);
        fields.finish(reader);
        let sha256 = sha256?;
        check(&sha256, is_sha256, reader)?;
        Some(Self {
            url: address(url?, reader)?,
            sha256,
        })
    }
}

impl Decode for Build {
    fn decode(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        let mut fields = Fields::of(node, reader)?;
        let mut url = |key| fields.optional::<Spanned<String>>(key, reader);
        let (web, git, registry) = (url("url"), url("git"), url("registry"));
        let source = match (web, git, registry) {
            (Some(web), None, None) => BuildSource::Web(address(web, reader)?.value),
            (None, Some(git), None) => BuildSource::Git {
                remote: address(git, reader)?.value,
                revision: fields.optional("revision", reader),
                paths: paths(&mut fields, reader)?,
            },
            (None, None, Some(registry)) => BuildSource::Registry {
                registry: address(registry, reader)?.value,
                id: fields.required("id", reader)?,
                paths: paths(&mut fields, reader)?,
            },
            _ => {
                let message = "a build is from one of url, git and registry";
                let error = reader.error("lock/unreadable", node.span, message);
                reader.report(error);
                return None;
            }
        };
        let commit = fields.optional("commit", reader);
        let sha256: Option<Spanned<String>> = fields.required("sha256", reader);
        fields.finish(reader);
        let sha256 = sha256?;
        check(&sha256, is_sha256, reader)?;
        Some(Self {
            source,
            commit,
            sha256,
        })
    }
}

fn paths(fields: &mut Fields<'_>, reader: &mut Reader<'_>) -> Option<BuildPaths> {
    Some(BuildPaths {
        context: fields.required("context", reader)?,
        containerfile: fields.required("containerfile", reader)?,
    })
}

impl Decode for Image {
    fn decode(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        let mut fields = Fields::of(node, reader)?;
        let image = fields.required("image", reader);
        let digest: Option<Spanned<String>> = fields.required("digest", reader);
        fields.finish(reader);
        let digest = digest?;
        check(&digest, is_digest, reader)?;
        Some(Self {
            image: image?,
            digest,
        })
    }
}

fn address(text: Spanned<String>, reader: &mut Reader<'_>) -> Option<Spanned<Url>> {
    match Url::parse(&text.value) {
        Ok(value) => Some(Spanned {
            value,
            span: text.span,
        }),
        Err(error) => {
            let message = format!("the address can't be read: {error}");
            let error = reader.error("lock/unreadable", text.span, message);
            reader.report(error);
            None
        }
    }
}

/// A digest also names a file, so it is what it has to be and nothing else.
fn check(text: &Spanned<String>, is_right: fn(&str) -> bool, reader: &mut Reader<'_>) -> Option<()> {
    if is_right(&text.value) {
        return Some(());
    }
    let message = format!("{:?} is no SHA-256", text.value);
    let error = reader.error("lock/unreadable", text.span, message);
    reader.report(error);
    None
}
