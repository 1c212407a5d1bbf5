//! Images that are built from a Containerfile. The reference holds the hash of all that the build sees, so that a change of
//! any of it is another image.

use std::collections::BTreeSet;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::place::{Nowhere, Place};
use super::workspace::Input;
use super::{containerfile, images};
use crate::devfile::{Component, ComponentKind, Devfile, Image, Missing};
use crate::document::{Content, Diagnostic};
use crate::lock::{BuildSource, OUTSIDE, within};
use crate::manifest::Site;
use crate::model::context::{sorted, unpack};
use crate::model::{ContextFile, ImageSource, ImageSpec};

/// How a name ends for which builds run a program on the engine's machine.
const PREPROCESSED: &str = ".in";

/// What was fetched for a build, unpacked once for all that use it.
#[derive(Clone, Debug)]
pub(super) enum Built {
    Containerfile(Arc<[u8]>),
    Context(Arc<[ContextFile]>),
}

impl Built {
    pub(super) fn of(source: &BuildSource, bytes: Arc<[u8]>) -> Result<Self, Missing> {
        match source {
            BuildSource::Web(_) => Ok(Self::Containerfile(bytes)),
            BuildSource::Git { .. } | BuildSource::Registry { .. } => match unpack(&bytes) {
                Ok(files) => Ok(Self::Context(files.into())),
                Err(why) => Err(Missing::Failed(why)),
            },
        }
    }
}

/// The folders of the configuration repository that the devfile's builds read.
pub(super) fn folders(devfile: &Devfile, site: &Site) -> Vec<String> {
    places(devfile, site).flat_map(Place::folders).collect()
}

/// What the devfile's builds read from elsewhere.
pub(super) fn sources(devfile: &Devfile, site: &Site) -> BTreeSet<BuildSource> {
    let places = places(devfile, site);
    places.filter_map(|place| place.source().cloned()).collect()
}

fn places<'a>(devfile: &'a Devfile, site: &'a Site) -> impl Iterator<Item = Place> + 'a {
    images(devfile)
        .filter(|(_, image)| is_used(devfile, image))
        .filter_map(|(_, image)| Place::of(devfile, image, site).ok()) // what is nowhere is said later
}

fn images(devfile: &Devfile) -> impl Iterator<Item = (&Component, &Image)> {
    devfile
        .components
        .iter()
        .filter_map(|component| match &component.kind {
            ComponentKind::Image(image) => Some((component, image)),
            ComponentKind::Container(_) | ComponentKind::Volume(_) | ComponentKind::Cluster(_) => None,
        })
}

/// Whether a container runs the image. One that none runs is there for other tools, and is not built.
fn is_used(devfile: &Devfile, image: &Image) -> bool {
    let mut containers = devfile.containers();
    containers.any(|(_, container)| container.image.value == image.image_name.value)
}

/// The images that the devfile builds, by the name that its containers use.
pub(super) fn of(input: &Input<'_>, report: &mut dyn FnMut(Diagnostic)) -> Vec<(String, ImageSpec)> {
    images(input.devfile)
        .filter_map(|(component, image)| {
            if !is_used(input.devfile, image) {
                let name = &image.image_name;
                let message = format!(
                    "no container runs the image {:?}, so that it is not built",
                    name.value
                );
                report(
                    input
                        .devfile_error("resolve/unused-image", name.span, message)
                        .warning(),
                );
                return None;
            }
            let spec = one(input, component, image, report)?;
            Some((image.image_name.value.clone(), spec))
        })
        .collect()
}

fn one(
    input: &Input<'_>,
    component: &Component,
    image: &Image,
    report: &mut dyn FnMut(Diagnostic),
) -> Option<ImageSpec> {
    let place = match Place::of(input.devfile, image, &input.manifests.site.spec) {
        Ok(place) => place,
        Err(Nowhere { code, span, message }) => {
            report(input.devfile_error(code, span, message));
            return None;
        }
    };
    let (file, context) = match &place {
        Place::Here {
            containerfile,
            context,
        } => here(input, image, containerfile, context, report)?,
        Place::Web { source, context } => {
            let Built::Containerfile(text) = fetched(input, image, source, report)? else {
                return None;
            };
            let context = context_files(input, context, image, report)?;
            beside(Arc::clone(text), context)
        }
        Place::Elsewhere { source, paths } => {
            let Built::Context(files) = fetched(input, image, source, report)? else {
                return None;
            };
            (paths.containerfile_in_context().to_owned(), files.to_vec())
        }
    };
    let context = match sorted(context) {
        Ok(context) => context,
        Err(why) => {
            let message = format!("the build context can't be used: {why}");
            report(input.devfile_error("resolve/build-context", image.containerfile.span(), message));
            return None;
        }
    };
    if file.ends_with(PREPROCESSED) {
        let message = format!("the engine would run the C preprocessor on its own machine for {file}");
        let error = input.devfile_error("resolve/build-preprocessed", image.containerfile.span(), message);
        report(error.help("give the Containerfile a name that does not end in .in"));
        return None;
    }
    let Some(text) = context.iter().find(|entry| entry.path == file) else {
        let message = format!("there is no Containerfile {file} in the build context");
        report(input.devfile_error("resolve/no-containerfile", image.containerfile.span(), message));
        return None;
    };
    let site = &input.manifests.site.spec;
    for base in containerfile::images(&String::from_utf8_lossy(&text.content)) {
        let refused = images::refusal(site, &base).or_else(|| images::undigested(site, &base, false));
        if let Some((message, help)) = refused {
            let message = format!("the Containerfile uses an image that is not allowed: {message}");
            let error = input.devfile_error("resolve/image-policy", image.containerfile.span(), message);
            report(error.help(help));
        }
    }
    let args = build_args(input, image, report);
    let hash = hash(&file, &context, &args);
    Some(ImageSpec {
        reference: format!("localhost/wharf/{}:{hash}", component.name.value),
        source: ImageSource::Build {
            containerfile: file,
            context,
            args,
        },
    })
}

/// A Containerfile of the repository, by its path within the context, and the context.
fn here(
    input: &Input<'_>,
    image: &Image,
    path: &str,
    context: &str,
    report: &mut dyn FnMut(Diagnostic),
) -> Option<(String, Vec<ContextFile>)> {
    let span = image.containerfile.span();
    let Some(file) = input.files.get(path) else {
        let message = format!("there is no Containerfile {path} in the configuration repository");
        let near = input.files.0.keys().map(String::as_str);
        report(
            input
                .devfile_error("resolve/no-containerfile", span, message)
                .suggest(path, near),
        );
        return None;
    };
    let entries = context_files(input, context, image, report)?;
    let Content::Bytes(content) = &file.content else {
        report(input.devfile_error(
            "resolve/no-containerfile",
            span,
            format!("the Containerfile {path} can't be read"),
        ));
        return None;
    };
    Some(match within(context, path) {
        Some(inside) => (inside.to_owned(), entries),
        None => beside(Arc::clone(content), entries),
    })
}

/// A Containerfile that is not in its context, in it.
fn beside(content: Arc<[u8]>, mut context: Vec<ContextFile>) -> (String, Vec<ContextFile>) {
    context.push(ContextFile {
        path: OUTSIDE.to_owned(),
        executable: false,
        content,
    });
    (OUTSIDE.to_owned(), context)
}

/// What was fetched for a build.
fn fetched<'a>(
    input: &Input<'a>,
    image: &Image,
    source: &BuildSource,
    report: &mut dyn FnMut(Diagnostic),
) -> Option<&'a Built> {
    let missing = match input.builds.get(source) {
        Some(Ok(built)) => return Some(built),
        Some(Err(missing)) => missing,
        None => &Missing::NotFetched,
    };
    let message = match missing {
        Missing::Failed(why) => format!("{source} can't be had: {why}"),
        Missing::NotFetched | Missing::NoFile(_) => format!("{source} has not been fetched"),
    };
    let error = input.devfile_error("resolve/build-fetch", image.containerfile.span(), message);
    report(match missing {
        Missing::NotFetched => error.help("wharf lock fetches it and puts it into the repository"),
        Missing::Failed(_) | Missing::NoFile(_) => error,
    });
    None
}

fn context_files(
    input: &Input<'_>,
    context: &str,
    image: &Image,
    report: &mut dyn FnMut(Diagnostic),
) -> Option<Vec<ContextFile>> {
    let mut entries = Vec::new();
    let prefix = if context.is_empty() {
        String::new()
    } else {
        format!("{context}/")
    };
    for (path, file) in input.files.0.range(prefix.clone()..) {
        let Some(relative) = path.strip_prefix(&prefix) else {
            break;
        };
        match &file.content {
            Content::Bytes(content) => entries.push(ContextFile {
                path: relative.to_owned(),
                executable: file.executable,
                content: content.clone(),
            }),
            Content::TooLarge(_) | Content::OutsideLink(_) | Content::Unreadable(_) => {
                let why = match &file.content {
                    Content::TooLarge(bytes) => format!("it has {bytes} bytes"),
                    Content::OutsideLink(target) => {
                        format!("it is a link to {target}, outside the repository")
                    }
                    Content::Unreadable(why) => why.clone(),
                    Content::Bytes(_) => String::new(),
                };
                let span = image.containerfile.span();
                let message = format!("the build context has {path}, which can't be used: {why}");
                report(input.devfile_error("resolve/build-context", span, message));
                return None;
            }
        }
    }
    if entries.is_empty() {
        let span = image
            .build_context
            .as_ref()
            .map_or(image.containerfile.span(), |c| c.span);
        let message = format!("the build context {context} has no files");
        report(input.devfile_error("resolve/build-context", span, message));
        return None;
    }
    Some(entries)
}

/// Build arguments: `NAME=VALUE`, with or without `--build-arg` before it.
fn build_args(input: &Input<'_>, image: &Image, report: &mut dyn FnMut(Diagnostic)) -> Vec<String> {
    let mut args = Vec::new();
    for arg in &image.args {
        let value = arg.strip_prefix("--build-arg=").unwrap_or(arg);
        if value == "--build-arg" {
            continue;
        }
        if value.starts_with('-') || !value.contains('=') {
            let message = format!("{arg:?} is no build argument that wharf passes on");
            let help = "write build arguments as NAME=VALUE";
            report(
                input
                    .devfile_error("resolve/build-argument", image.containerfile.span(), message)
                    .help(help),
            );
            continue;
        }
        args.push(value.to_owned());
    }
    args
}

fn hash(containerfile: &str, entries: &[ContextFile], args: &[String]) -> String {
    let mut hasher = Sha256::new();
    let mut part = |bytes: &[u8]| {
        hasher.update((bytes.len() as u64).to_be_bytes());
        hasher.update(bytes);
    };
    part(containerfile.as_bytes());
    for entry in entries {
        part(entry.path.as_bytes());
        part(&[u8::from(entry.executable)]);
        part(&entry.content);
    }
    part(b"arguments");
    for arg in args {
        part(arg.as_bytes());
    }
    hasher
        .finalize()
        .iter()
        .take(16)
        .map(|b| format!("{b:02x}"))
        .collect()
}
