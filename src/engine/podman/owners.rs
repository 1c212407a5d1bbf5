//! Keeping an empty volume's owner across a restart.
//!
//! Podman 5 sets an empty volume's owner each time it is mounted: at a container's first start to the container's user,
//! but at the next to the owner of the directory that it is mounted on, which the first start left behind as root's.
//! So a volume that nobody has written to yet would not be writable any more (measured with 5.4.2; 4.3.1 sets owners
//! once). It stops as soon as a volume has been mounted that is not empty. Hence, before such a restart: an entry in the
//! volume, the container's mounts made without starting it, the entry removed, and only then the start. This is once in
//! a volume's life, and no process ever sees the entry.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::Podman;
use super::fault::Call;
use super::http::{Endpoint, MUTATE};
use super::unshare::Question;
use crate::engine::Result;
use crate::model::EngineId;

/// The entry.
const ENTRY: &str = ".wharf-start";

impl Podman {
    /// To be called before a container is started.
    pub(super) async fn keep_owners(&self, id: &EngineId) -> Result<()> {
        let first = (self.api.unstarted.lock()).is_ok_and(|mut unstarted| unstarted.remove(&id.0));
        if first {
            return Ok(());
        }
        let container = self.api.container("inspect container", &id.0).await?;
        if !matches!(container.state.status.as_str(), "exited" | "stopped") {
            return Ok(());
        }
        let mut directories = Vec::new();
        for mount in container.mounts.iter().filter(|mount| mount.kind == "volume") {
            let volume = self.api.volume("inspect volume", &mount.name).await?;
            if volume.owner_is_unsettled() {
                directories.push(PathBuf::from(volume.mountpoint));
            }
        }
        if directories.is_empty() {
            return Ok(());
        }
        let call = Call::new("keep the owners of the volumes of container", &container.name);
        let endpoint = Endpoint::new(&["containers", &id.0, "init"]);
        for directory in &directories {
            self.ask(call, Question::Occupy(directory.clone())).await?;
        }
        let mounted = self.api.act(call, MUTATE, &endpoint).await;
        for directory in directories {
            self.ask(call, Question::Vacate(directory)).await?;
        }
        mounted.map(|_| ())
    }

    async fn ask(&self, call: Call<'_>, question: Question) -> Result<()> {
        let answer = self.beside(call, question).await?;
        answer.map(|_| ()).map_err(|error| call.failed(error))
    }
}

/// Puts the entry into a directory.
pub(super) fn occupy(directory: &Path) -> io::Result<()> {
    match fs::create_dir(directory.join(ENTRY)) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Removes the entry.
pub(super) fn vacate(directory: &Path) -> io::Result<()> {
    match fs::remove_dir(directory.join(ENTRY)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_entry_comes_and_goes_and_either_can_be_repeated() {
        let directory = tempfile::tempdir().unwrap();
        for _ in 0..2 {
            occupy(directory.path()).unwrap();
        }
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
        for _ in 0..2 {
            vacate(directory.path()).unwrap();
        }
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
    }
}
