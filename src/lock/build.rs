//! What images are built from and the repository does not hold.

use std::fmt;

use url::Url;

use super::MAX_CONTENT;
use crate::model::ContextFile;
use crate::model::context::{pack, sorted};

/// Where a build's files are. All that says which files of it are used is part of it, so that equal ones have equal content.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BuildSource {
    /// A Containerfile on the web.
    Web(Url),
    /// A folder of a git repository.
    Git {
        /// The repository.
        remote: Url,
        /// Branch, tag or commit; the default branch where there is none.
        revision: Option<String>,
        /// Which files of it.
        paths: BuildPaths,
    },
    /// A folder of a stack in a devfile registry.
    Registry {
        /// The registry.
        registry: Url,
        /// The stack.
        id: String,
        /// Which files of it.
        paths: BuildPaths,
    },
}

/// Which files a build uses; both paths are relative to the top of where they are from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BuildPaths {
    /// The context; empty where it is everything.
    pub context: String,
    /// The Containerfile.
    pub containerfile: String,
}

/// What a Containerfile outside its context is called within it.
pub const OUTSIDE: &str = ".wharf-containerfile";

impl BuildPaths {
    /// The Containerfile's path within the context.
    #[must_use]
    pub fn containerfile_in_context(&self) -> &str {
        within(&self.context, &self.containerfile).unwrap_or(OUTSIDE)
    }

    /// Where a file is in the context, if the build uses it.
    #[must_use]
    pub fn in_context<'a>(&'a self, path: &'a str) -> Option<&'a str> {
        within(&self.context, path).or_else(|| (path == self.containerfile).then_some(OUTSIDE))
    }
}

impl BuildPaths {
    /// An archive of what the build uses among `files`.
    ///
    /// # Errors
    /// What is missing, twice there, or too large.
    pub fn pack(&self, files: Vec<ContextFile>) -> Result<Vec<u8>, String> {
        if !files.iter().any(|file| file.path == self.containerfile) {
            return Err(format!("it has no file {}", self.containerfile));
        }
        if !files
            .iter()
            .any(|file| within(&self.context, &file.path).is_some())
        {
            return Err(format!("it has no folder {}", self.context));
        }
        let used = files.into_iter().filter_map(|file| {
            let path = self.in_context(&file.path)?.to_owned();
            Some(ContextFile { path, ..file })
        });
        let archive = pack(&sorted(used.collect())?).map_err(|error| error.to_string())?;
        if archive.len() > MAX_CONTENT {
            return Err(format!(
                "its context has {} bytes, the most is {MAX_CONTENT}; name a smaller folder with buildContext",
                archive.len()
            ));
        }
        Ok(archive)
    }
}

/// The path of a file within a folder that it is in; everything is in the empty one.
#[must_use]
pub fn within<'a>(folder: &str, path: &'a str) -> Option<&'a str> {
    match folder {
        "" => Some(path),
        _ => path.strip_prefix(folder)?.strip_prefix('/'),
    }
}

impl fmt::Display for BuildSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Web(url) => write!(f, "the Containerfile {url}"),
            Self::Git {
                remote,
                revision,
                paths,
            } => {
                write!(f, "the build context {remote}")?;
                if let Some(revision) = revision {
                    write!(f, " at {revision}")?;
                }
                paths.fmt(f)
            }
            Self::Registry { registry, id, paths } => {
                write!(f, "the build context {id} of {registry}")?;
                paths.fmt(f)
            }
        }
    }
}

impl fmt::Display for BuildPaths {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.context.as_str() {
            "" => write!(f, " ({})", self.containerfile),
            context => write!(f, " ({context}, {})", self.containerfile),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_in_the_context_or_beside_it() {
        let paths = |context: &str, containerfile: &str| BuildPaths {
            context: context.to_owned(),
            containerfile: containerfile.to_owned(),
        };
        let all = paths("", "docker/Containerfile");
        assert_eq!(all.containerfile_in_context(), "docker/Containerfile");
        assert_eq!(all.in_context("src/a"), Some("src/a"));
        let inside = paths("docker", "docker/Containerfile");
        assert_eq!(inside.containerfile_in_context(), "Containerfile");
        assert_eq!(inside.in_context("dockerfiles/a"), None);
        let beside = paths("src", "docker/Containerfile");
        assert_eq!(beside.containerfile_in_context(), OUTSIDE);
        assert_eq!(beside.in_context("docker/Containerfile"), Some(OUTSIDE));
        assert_eq!(beside.in_context("src/a/b"), Some("a/b"));
    }

    #[test]
    fn what_is_packed_is_whole_and_each_file_is_one() {
        let paths = BuildPaths {
            context: "src".to_owned(),
            containerfile: "docker/Containerfile".to_owned(),
        };
        let file = |path: &str| ContextFile {
            path: path.to_owned(),
            executable: false,
            content: b"x".as_slice().into(),
        };
        let pack = |files: &[&str]| paths.pack(files.iter().map(|path| file(path)).collect());
        let packed = pack(&["src/a", "docker/Containerfile", "other"]).unwrap();
        let names: Vec<String> = crate::model::context::unpack(&packed)
            .unwrap()
            .into_iter()
            .map(|file| file.path)
            .collect();
        assert_eq!(names, [OUTSIDE, "a"]);
        let why = |files: &[&str]| pack(files).unwrap_err();
        assert!(why(&["src/a"]).contains("no file docker/Containerfile"));
        assert!(why(&["docker/Containerfile"]).contains("no folder src"));
        // One of the two would be looked at, and the other one built.
        let hidden = format!("src/{OUTSIDE}");
        assert!(why(&[&hidden, "docker/Containerfile"]).contains("twice"));
    }
}
