//! Where an image's Containerfile and its context are: in the configuration repository, on the web, in a git repository or
//! in a devfile registry.

use url::{ParseError, Url};

use crate::devfile::{Containerfile, Devfile, Git, Image, raw_file};
use crate::document::{Code, Span, Spanned, files};
use crate::lock::{BuildPaths, BuildSource};
use crate::manifest::Site;

/// The Containerfile of a repository or a stack that names none.
const CONTAINERFILE: &str = "Dockerfile";

/// Beginning of what is said of other addresses.
const FETCHED: &str = "what images are built from is fetched by https or http";

/// Where a build's files are.
pub(super) enum Place {
    /// Both in the configuration repository.
    Here {
        /// The Containerfile's path.
        containerfile: String,
        /// The context's folder.
        context: String,
    },
    /// The Containerfile on the web, and the context in the configuration repository.
    Web {
        /// The Containerfile.
        source: BuildSource,
        /// The context's folder.
        context: String,
    },
    /// Both elsewhere.
    Elsewhere {
        /// Where.
        source: BuildSource,
        /// Which files there.
        paths: BuildPaths,
    },
}

/// Why a build's files are nowhere.
pub(super) struct Nowhere {
    pub(super) code: Code,
    pub(super) span: Span,
    pub(super) message: String,
}

fn nowhere(code: Code, span: Span, message: impl Into<String>) -> Nowhere {
    Nowhere {
        code,
        span,
        message: message.into(),
    }
}

impl Place {
    /// That of `image`, which `devfile` has or imports.
    pub(super) fn of(devfile: &Devfile, image: &Image, site: &Site) -> Result<Self, Nowhere> {
        match &image.containerfile {
            Containerfile::Uri(uri) => uri_place(devfile, image, uri),
            Containerfile::Git { git, file, span } => {
                let source = |paths| git_source(git, *span, paths);
                elsewhere(image, file.as_ref(), *span, "its git repository", source)
            }
            Containerfile::Registry { id, url } => {
                let source = |paths| registry_source(id, url.as_ref(), site, paths);
                elsewhere(image, None, id.span, "its stack", source)
            }
        }
    }

    /// What has to be had from elsewhere.
    pub(super) fn source(&self) -> Option<&BuildSource> {
        match self {
            Self::Here { .. } => None,
            Self::Web { source, .. } | Self::Elsewhere { source, .. } => Some(source),
        }
    }

    /// The folders of the configuration repository that it reads.
    pub(super) fn folders(self) -> Vec<String> {
        match self {
            Self::Here {
                containerfile,
                context,
            } => {
                let folder = containerfile.rsplit_once('/').map_or("", |(folder, _)| folder);
                vec![folder.to_owned(), context]
            }
            Self::Web { context, .. } => vec![context],
            Self::Elsewhere { .. } => Vec::new(),
        }
    }
}

fn outside(what: &str, of: &str, span: Span) -> Nowhere {
    nowhere("resolve/build-outside", span, format!("{what} lies outside {of}"))
}

fn uri_place(devfile: &Devfile, image: &Image, uri: &Spanned<String>) -> Result<Place, Nowhere> {
    const HERE: &str = "the configuration repository";
    // Paths are relative to the file that says them, which may be a parent; the context of one on the web is that of the
    // devfile which has it.
    let (document, _) = devfile.document.written(uri.span);
    let base = document.source.path.as_str();
    let base_url = base.contains("://").then(|| Url::parse(base).ok()).flatten();
    let local = match base_url {
        Some(_) => devfile.document.source.path.as_str(),
        None => base,
    };
    let written = image.build_context.as_ref();
    let context = files::join(local, written.map_or(".", |c| &c.value))
        .ok_or_else(|| outside("the build context", HERE, written.map_or(uri.span, |c| c.span)))?;
    let url = match (Url::parse(&uri.value), base_url) {
        (Err(ParseError::RelativeUrlWithoutBase), None) => {
            let containerfile =
                files::join(base, &uri.value).ok_or_else(|| outside("the Containerfile", HERE, uri.span))?;
            return Ok(Place::Here {
                containerfile,
                context,
            });
        }
        (Err(ParseError::RelativeUrlWithoutBase), Some(base)) => base.join(&uri.value),
        (parsed, _) => parsed,
    };
    let source = BuildSource::Web(raw_file(web(url, uri.span)?));
    Ok(Place::Web { source, context })
}

/// An address that can be asked. One with a password in it is not repeated.
fn web(url: Result<Url, ParseError>, span: Span) -> Result<Url, Nowhere> {
    let refused = |why: String| nowhere("resolve/build-source", span, why);
    let url = url.map_err(|error| refused(format!("the address can't be read: {error}")))?;
    match url.scheme() {
        "https" | "http" if !url.username().is_empty() || url.password().is_some() => Err(refused(
            "the address has a user or a password in it, and such are not asked".to_owned(),
        )),
        "https" | "http" => Ok(url),
        other => Err(refused(format!("{FETCHED}, not by {other:?}"))),
    }
}

fn elsewhere(
    image: &Image,
    file: Option<&Spanned<String>>,
    span: Span,
    of: &str,
    source: impl FnOnce(BuildPaths) -> Result<BuildSource, Nowhere>,
) -> Result<Place, Nowhere> {
    let path = |written: Option<&Spanned<String>>, default: &str, what: &str| {
        files::join("", written.map_or(default, |path| &path.value))
            .ok_or_else(|| outside(what, of, written.map_or(span, |path| path.span)))
    };
    let paths = BuildPaths {
        context: path(image.build_context.as_ref(), "", "the build context")?,
        containerfile: path(file, CONTAINERFILE, "the Containerfile")?,
    };
    Ok(Place::Elsewhere {
        source: source(paths.clone())?,
        paths,
    })
}

fn git_source(git: &Git, span: Span, paths: BuildPaths) -> Result<BuildSource, Nowhere> {
    let (_, remote) = git
        .remotes
        .first()
        .ok_or_else(|| nowhere("resolve/build-source", span, "it names no repository"))?;
    let url = Url::parse(&remote.value);
    if url == Err(ParseError::RelativeUrlWithoutBase) {
        // As ssh has it, or a path.
        let why = format!("{FETCHED}, and {:?} is no such address", remote.value);
        return Err(nowhere("resolve/build-source", remote.span, why));
    }
    Ok(BuildSource::Git {
        remote: web(url, remote.span)?,
        revision: git.revision().map(str::to_owned),
        paths,
    })
}

fn registry_source(
    id: &Spanned<String>,
    url: Option<&Spanned<String>>,
    site: &Site,
    paths: BuildPaths,
) -> Result<BuildSource, Nowhere> {
    let registry = match (url, &site.devfile_registry) {
        (Some(url), _) => web(Url::parse(&url.value), url.span)?,
        (None, Some(registry)) => registry.value.clone(),
        (None, None) => {
            let why = "no registry is known; give its registryUrl";
            return Err(nowhere("resolve/build-source", id.span, why));
        }
    };
    Ok(BuildSource::Registry {
        registry,
        id: id.value.clone(),
        paths,
    })
}
