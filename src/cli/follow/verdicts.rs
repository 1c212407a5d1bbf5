//! What was found of commits that are not taken over: looking again would find the same, as long as what is believed stays
//! the same.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use crate::daemon::Rejected;

/// The most commits that are remembered: more than are looked at for the newest valid one.
const MOST: usize = 256;

/// What a verdict hangs on besides its commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cli) struct Trust {
    /// The commit in force, which others have to follow.
    pub(super) in_force: Option<String>,
    /// What people have approved of.
    pub(super) approved: Vec<String>,
    /// What the files of allowed keys hold, as a hash.
    pub(super) keys: String,
}

/// For how long what could not be had is not asked for again, unless a person wants it.
const LATER: Duration = Duration::from_secs(60);

/// The verdicts, all of them under the same trust.
#[derive(Debug, Default)]
pub(in crate::cli) struct Verdicts {
    trust: Option<Trust>,
    known: BTreeMap<String, Rejected>,
    unfetched: Option<Unfetched>,
    /// Whether somebody has asked for a look since the last one.
    asked: AtomicBool,
}

/// A commit of which something could not be had.
#[derive(Debug)]
struct Unfetched {
    commit: String,
    until: Instant,
    why: String,
}

impl Verdicts {
    /// Why a commit is not taken over, where that is known. Where `trust` is nothing, because keys can't be read, nothing is.
    pub(in crate::cli) fn of(&mut self, commit: &str, trust: Option<Trust>) -> Option<Rejected> {
        if trust.is_none() || self.trust != trust {
            self.known.clear();
            self.trust = trust;
        }
        self.known.get(commit).cloned()
    }

    /// Why a commit is not looked at again yet: something of it could not be had a moment ago.
    pub(in crate::cli) fn put_off(&mut self, commit: &str) -> Option<Rejected> {
        let asked = self.asked.swap(false, Ordering::Relaxed);
        let known = self.unfetched.take().filter(|known| known.commit == commit);
        self.unfetched = known.filter(|known| !asked && Instant::now() < known.until);
        let known = self.unfetched.as_ref()?;
        Some(Rejected::Unreadable(known.why.clone()))
    }

    /// Something of a commit could not be had.
    pub(in crate::cli) fn put_off_until_later(&mut self, commit: &str, why: &str) {
        self.unfetched = Some(Unfetched {
            commit: commit.to_owned(),
            until: Instant::now() + LATER,
            why: why.to_owned(),
        });
    }

    /// Somebody asks for a look now.
    pub(in crate::cli) fn ask_again(&self) {
        self.asked.store(true, Ordering::Relaxed);
    }

    /// Remembers why a commit is not taken over, under the trust that was asked with last. What can't be read now may be
    /// read another time.
    pub(in crate::cli) fn learn(&mut self, commit: &str, why: &Rejected) {
        match why {
            Rejected::Unreadable(_) => {}
            Rejected::Invalid(_) | Rejected::Refused(_) if self.trust.is_none() => {}
            Rejected::Invalid(_) | Rejected::Refused(_) => {
                if self.known.len() == MOST {
                    self.known.clear();
                }
                self.known.insert(commit.to_owned(), why.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trust(keys: &str) -> Option<Trust> {
        Some(Trust {
            in_force: None,
            approved: Vec::new(),
            keys: keys.to_owned(),
        })
    }

    #[test]
    fn a_verdict_is_remembered_until_something_else_is_believed() {
        let refused = Rejected::Refused("unsigned".to_owned());
        let mut verdicts = Verdicts::default();
        assert_eq!(verdicts.of("c1", trust("a")), None);
        verdicts.learn("c1", &refused);
        verdicts.learn("c2", &Rejected::Unreadable("gone".to_owned()));
        assert_eq!(verdicts.of("c1", trust("a")), Some(refused.clone()));
        assert_eq!(
            verdicts.of("c2", trust("a")),
            None,
            "it may be there another time"
        );
        for other in [
            trust("b"),
            None,
            trust("a").map(|trust| Trust {
                in_force: Some("c0".to_owned()),
                ..trust
            }),
            trust("a").map(|trust| Trust {
                approved: vec!["c1".to_owned()],
                ..trust
            }),
        ] {
            verdicts.of("c1", trust("a"));
            verdicts.learn("c1", &refused);
            assert_eq!(verdicts.of("c1", other), None);
        }
        assert_eq!(verdicts.of("c1", None), None);
        verdicts.learn("c1", &refused);
        assert_eq!(
            verdicts.of("c1", None),
            None,
            "keys that can't be read judge nobody"
        );
    }

    #[test]
    fn there_are_never_too_many() {
        let mut verdicts = Verdicts::default();
        verdicts.of("", trust("a"));
        for number in 0..3 * MOST {
            verdicts.learn(&number.to_string(), &Rejected::Invalid(String::new()));
            assert!(verdicts.known.len() <= MOST);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_could_not_be_had_is_asked_for_again_later_or_when_somebody_asks() {
        let mut verdicts = Verdicts::default();
        assert_eq!(verdicts.put_off("a"), None);
        verdicts.put_off_until_later("a", "gone");
        let why = Some(Rejected::Unreadable("gone".to_owned()));
        assert_eq!(
            (verdicts.put_off("a"), verdicts.put_off("a")),
            (why.clone(), why.clone())
        );
        tokio::time::advance(LATER).await;
        assert_eq!(verdicts.put_off("a"), None);
        verdicts.put_off_until_later("a", "gone");
        verdicts.ask_again();
        assert_eq!(verdicts.put_off("a"), None);
        verdicts.put_off_until_later("a", "gone");
        assert_eq!(verdicts.put_off("b"), None);
    }
}
