//! What has happened, for whoever listens: the newest entries are kept in memory, each with a number of its own.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use utoipa::ToSchema;

use crate::model::WorkspaceId;

/// How many entries are kept: about a megabyte at most.
const KEPT: usize = 2_000;

/// What kind of thing has happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum EventKind {
    /// A commit is in force.
    Declared,
    /// Nothing is left to do for a commit.
    Applied,
    /// Something stands in the way.
    Problem,
    /// It does no longer.
    Over,
    /// A step was done.
    Step,
    /// A step failed.
    Failed,
    /// A person asks to change nothing, or for action again.
    Asked,
}

/// Something that has happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Event {
    /// Its number; each is one more than the one before. A daemon begins at 1.
    pub number: u64,
    /// When, in seconds since 1970.
    pub time: u64,
    /// What kind of thing.
    pub kind: EventKind,
    /// The commit that it happened for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// The workspace that it happened to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub workspace: Option<WorkspaceId>,
    /// What happened, in words.
    pub message: String,
}

/// The newest events. Its clones are the same one.
#[derive(Clone, Debug)]
pub struct Journal {
    kept: Arc<Mutex<VecDeque<Event>>>,
    newest: Arc<watch::Sender<u64>>,
}

impl Default for Journal {
    fn default() -> Self {
        Self {
            kept: Arc::default(),
            newest: Arc::new(watch::Sender::new(0)),
        }
    }
}

impl Journal {
    /// Something has happened.
    pub fn tell(
        &self,
        kind: EventKind,
        commit: Option<&str>,
        workspace: Option<&WorkspaceId>,
        message: impl Into<String>,
    ) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let number = *self.newest.borrow() + 1;
        if kept.len() == KEPT {
            kept.pop_front();
        }
        kept.push_back(Event {
            number,
            time: super::seconds(),
            kind,
            commit: commit.map(str::to_owned),
            workspace: workspace.cloned(),
            message: message.into(),
        });
        self.newest.send_replace(number);
    }

    /// What is kept of what came after that number.
    #[must_use]
    pub fn after(&self, number: u64) -> Vec<Event> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let begin = kept.partition_point(|event| event.number <= number);
        kept.range(begin..).cloned().collect()
    }

    /// Changes whenever something happens.
    #[must_use]
    pub fn newest(&self) -> watch::Receiver<u64> {
        self.newest.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn whoever_listens_misses_nothing_that_is_kept() {
        let journal = Journal::default();
        let mut newest = journal.newest();
        journal.tell(EventKind::Declared, Some("c1"), None, "first");
        newest.changed().await.unwrap();
        let first = journal.after(0);
        assert_eq!(first.len(), 1);
        assert_eq!((first[0].number, first[0].commit.as_deref()), (1, Some("c1")));
        for number in 0..KEPT {
            journal.tell(EventKind::Step, None, None, number.to_string());
        }
        let kept = journal.after(first[0].number);
        assert_eq!(kept.len(), KEPT);
        let numbers: Vec<u64> = kept.iter().map(|event| event.number).collect();
        assert!(numbers.is_sorted() && numbers[0] == 2, "numbers tell of a gap");
        assert_eq!(journal.after(0).len(), KEPT, "the oldest one is gone");
        assert!(journal.after(9_999_999).is_empty());
    }
}
