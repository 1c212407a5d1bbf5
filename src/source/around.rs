//! A single file and what lies around it, for checking a devfile that no configuration repository names.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::devfile::{Location, Missing, Shelf};
use crate::document::parse::MAX_BYTES;

/// The folder that a file's imports may be in: the git repository around it, else the whole disk.
#[derive(Clone, Debug)]
pub struct Around {
    root: PathBuf,
}

impl Around {
    /// The folder around `file`, whose path has no links in it.
    #[must_use]
    pub fn of(file: &Path) -> Self {
        let repository = file.ancestors().skip(1).find(|dir| dir.join(".git").exists());
        let top = || file.ancestors().last();
        Self {
            root: repository.or_else(top).unwrap_or(file).to_owned(),
        }
    }

    /// The path of `file` within the folder.
    #[must_use]
    pub fn path_of(&self, file: &Path) -> String {
        file.strip_prefix(&self.root)
            .unwrap_or(file)
            .display()
            .to_string()
    }

    /// A path within the folder as a user finds it; what is no file stays as it is.
    #[must_use]
    pub fn shown(&self, path: &str) -> String {
        let whole = self.root.join(path);
        if path.contains("://") || !whole.exists() {
            return path.to_owned();
        }
        shown(&whole)
    }
}

/// A file's path as a user finds it: from where they are, if it is below that.
#[must_use]
pub fn shown(file: &Path) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    file.strip_prefix(here).unwrap_or(file).display().to_string()
}

impl Shelf for Around {
    fn read(&self, location: &Location) -> Result<Arc<[u8]>, Missing> {
        let Location::File(path) = location else {
            return Err(Missing::NotFetched);
        };
        let failed = |error: std::io::Error| match error.kind() {
            std::io::ErrorKind::NotFound => Missing::NoFile(None),
            _ => Missing::Failed(error.to_string()),
        };
        let file = self.root.join(path).canonicalize().map_err(failed)?;
        if !file.starts_with(&self.root) {
            return Err(Missing::Failed("it is a link out of the repository".to_owned()));
        }
        let metadata = file.metadata().map_err(failed)?;
        if !metadata.is_file() || metadata.len() > MAX_BYTES as u64 {
            let why = format!("it is no file of at most {MAX_BYTES} bytes");
            return Err(Missing::Failed(why));
        }
        std::fs::read(file).map(Into::into).map_err(failed)
    }
}
