//! Images that are built from a Containerfile in the configuration repository. The reference holds the hash of all that
//! the build sees, so that a change of any of it is another image.

use sha2::{Digest, Sha256};

use super::images;
use super::workspace::Input;
use crate::devfile::{Component, ComponentKind, Devfile, Image};
use crate::document::{Content, Diagnostic, files};
use crate::model::{ContextFile, ImageSource, ImageSpec};

/// What a Containerfile outside its context is called within it.
const OUTSIDE: &str = ".wharf-containerfile";

/// The folders that the devfile's builds read.
pub(super) fn contexts(devfile: &Devfile) -> Vec<String> {
    images(devfile)
        .filter(|(_, image)| is_used(devfile, image))
        .flat_map(|(_, image)| {
            let base = base(devfile, image);
            [context(base, image), folder(base, &image.containerfile.value)]
        })
        .flatten()
        .collect()
}

/// The file that an image's paths are relative to: the one that names its Containerfile, which may be a parent.
fn base<'d>(devfile: &'d Devfile, image: &Image) -> &'d str {
    let (document, _) = devfile.document.written(image.containerfile.span);
    &document.source.path
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

fn context(base: &str, image: &Image) -> Option<String> {
    files::join(
        base,
        image.build_context.as_ref().map_or(".", |c| c.value.as_str()),
    )
}

fn folder(base: &str, file: &str) -> Option<String> {
    let path = files::join(base, file)?;
    Some(
        path.rsplit_once('/')
            .map_or(String::new(), |(folder, _)| folder.to_owned()),
    )
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
    let base = base(input.devfile, image);
    let span = image.containerfile.span;
    let outside = |what: &str| format!("{what} lies outside the configuration repository");
    let Some(path) = files::join(base, &image.containerfile.value) else {
        report(input.devfile_error("resolve/build-outside", span, outside("the Containerfile")));
        return None;
    };
    let Some(context) = context(base, image) else {
        let span = image.build_context.as_ref().map_or(span, |c| c.span);
        report(input.devfile_error("resolve/build-outside", span, outside("the build context")));
        return None;
    };
    let Some(file) = input.files.get(&path) else {
        let message = format!("there is no Containerfile {path} in the configuration repository");
        let near = input.files.0.keys().map(String::as_str);
        report(
            input
                .devfile_error("resolve/no-containerfile", span, message)
                .suggest(&path, near),
        );
        return None;
    };
    let mut entries = context_files(input, &context, image, report)?;
    let inside = path
        .strip_prefix(&context)
        .map(|rest| rest.trim_start_matches('/'))
        .filter(|_| context.is_empty() || path.starts_with(&format!("{context}/")));
    let containerfile = inside.unwrap_or(OUTSIDE).to_owned();
    let Content::Bytes(content) = &file.content else {
        report(input.devfile_error(
            "resolve/no-containerfile",
            span,
            format!("the Containerfile {path} can't be read"),
        ));
        return None;
    };
    if inside.is_none() {
        let content = content.clone();
        entries.push(ContextFile {
            path: OUTSIDE.to_owned(),
            executable: false,
            content,
        });
    }
    check_bases(input, image, &String::from_utf8_lossy(content), report);
    let args = build_args(input, image, report);
    let hash = hash(&containerfile, &entries, &args);
    Some(ImageSpec {
        reference: format!("localhost/wharf/{}:{hash}", component.name.value),
        source: ImageSource::Build {
            containerfile,
            context: entries,
            args,
        },
    })
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
                let span = image.containerfile.span;
                let message = format!("the build context has {path}, which can't be used: {why}");
                report(input.devfile_error("resolve/build-context", span, message));
                return None;
            }
        }
    }
    Some(entries)
}

/// What a Containerfile starts from is subject to the policy as well.
fn check_bases(input: &Input<'_>, image: &Image, text: &str, report: &mut dyn FnMut(Diagnostic)) {
    let mut stages: Vec<String> = vec!["scratch".to_owned()];
    for line in text.lines() {
        let mut words = line.split_whitespace();
        if !words.next().is_some_and(|w| w.eq_ignore_ascii_case("from")) {
            continue;
        }
        let mut words = words.filter(|w| !w.starts_with("--"));
        let Some(base) = words.next() else { continue };
        let known = stages.iter().any(|s| s.eq_ignore_ascii_case(base));
        let site = &input.manifests.site.spec;
        let refused = || images::refusal(site, base).or_else(|| images::undigested(site, base, false));
        if let (false, Some((message, help))) = (known, refused()) {
            let message = format!("the Containerfile starts from an image that is not allowed: {message}");
            report(
                input
                    .devfile_error("resolve/image-policy", image.containerfile.span, message)
                    .help(help),
            );
        }
        if words.next().is_some_and(|w| w.eq_ignore_ascii_case("as")) {
            stages.extend(words.next().map(str::to_owned));
        }
    }
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
                    .devfile_error("resolve/build-argument", image.containerfile.span, message)
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
