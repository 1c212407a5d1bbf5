//! Words that somebody uses a workspace, from whoever brings people into one.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use crate::model::WorkspaceId;

/// For how many workspaces a word is kept: whoever may say one may say many.
const MOST: usize = 10_000;

/// The newest word for each workspace. It goes by no queue: it must be heard while the daemon is busy.
#[derive(Clone, Debug, Default)]
pub struct Uses(Arc<Mutex<BTreeMap<WorkspaceId, Instant>>>);

impl Uses {
    /// Somebody uses it now.
    pub fn note(&self, workspace: WorkspaceId) {
        let mut words = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if words.len() < MOST || words.contains_key(&workspace) {
            words.insert(workspace, tokio::time::Instant::now().into_std());
        }
    }

    /// What was said since the last time.
    pub(super) fn take(&self) -> BTreeMap<WorkspaceId, Instant> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
