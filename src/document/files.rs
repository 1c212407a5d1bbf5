//! The files of a configuration repository at one moment, as a plain value: what the pure stages read instead of a
//! file system.

use std::collections::BTreeMap;
use std::sync::Arc;

/// The files, by their path relative to the repository's root, with `/`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Files(pub BTreeMap<String, File>);

/// One file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// What it holds.
    pub content: Content,
    /// Whether it may be executed.
    pub executable: bool,
}

/// What a file holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// These bytes.
    Bytes(Arc<[u8]>),
    /// More bytes than wharf reads; this many.
    TooLarge(u64),
    /// A symbolic link to a path outside the repository, which is never followed.
    OutsideLink(String),
    /// It can't be read, and why.
    Unreadable(String),
}

impl Files {
    /// A tree of regular files; for tests and for documents that don't come from a repository.
    #[must_use]
    pub fn of<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let file = |text: &str| File {
            content: Content::Bytes(text.as_bytes().into()),
            executable: false,
        };
        Self(
            files
                .into_iter()
                .map(|(path, text)| (path.to_owned(), file(text)))
                .collect(),
        )
    }

    /// The file at `path`.
    #[must_use]
    pub fn get(&self, path: &str) -> Option<&File> {
        self.0.get(path)
    }
}

/// Joins `relative` to the folder of the file `base`, both within the repository; nothing where it leaves it or is
/// absolute.
#[must_use]
pub fn join(base: &str, relative: &str) -> Option<String> {
    let mut parts: Vec<&str> = base.split('/').filter(|p| !p.is_empty()).collect();
    parts.pop();
    if relative.starts_with('/') {
        return None;
    }
    for part in relative.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            other => parts.push(other),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_joined_path_never_leaves_the_repository() {
        assert_eq!(
            join("devfiles/a.yaml", "../images/x").as_deref(),
            Some("images/x")
        );
        assert_eq!(
            join("wharf.yaml", "devfiles/./a.yaml").as_deref(),
            Some("devfiles/a.yaml")
        );
        assert_eq!(join("wharf.yaml", ".").as_deref(), Some(""));
        assert_eq!(join("wharf.yaml", "../x"), None);
        assert_eq!(join("a/b.yaml", "../../x"), None);
        assert_eq!(join("a/b.yaml", "/etc/passwd"), None);
    }
}
