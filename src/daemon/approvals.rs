//! What people have approved of and what has not been done yet: plans, by their digests, and commits that rewrite history.
//!
//! An approval is of exactly one plan or commit, so one that is too old approves of nothing. It is kept over a restart, and
//! goes when it was used, when what it is for has not been seen for a week, and when too many came after it. What time it
//! is, the caller says.

use std::fs::{DirBuilder, File};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Daemon, EventKind, FORMAT_VERSION, Journal, seconds};
use crate::audit::{Approved, User};

/// How many are kept.
const MOST: usize = 16;
/// How long what one is for may not be seen, in seconds.
const UNSEEN: u64 = 7 * 86_400;
/// How often it is written down that it was, in seconds.
const NOTED: u64 = 3_600;

/// An approval that was not used yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Approval)]
pub struct Given {
    /// What is approved of: the digest of a plan, or the id of a commit.
    pub digest: String,
    /// Who approves.
    pub user: User,
    /// When it was given, in seconds since 1970.
    pub given: u64,
    /// When there was last a plan with that digest, in seconds since 1970; when it was given, where there was none since.
    pub seen: u64,
    /// Whether it has been begun to carry that plan out.
    #[serde(default)]
    pub begun: bool,
}

/// What is kept of them.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Form {
    format_version: String,
    approvals: Vec<Given>,
}

/// Those that were not used yet, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Approvals {
    waiting: Vec<Given>,
    /// The directory that they are kept in, where there is one.
    directory: Option<PathBuf>,
    /// The file, once the site is known.
    file: Option<PathBuf>,
    /// What has become of some, and is not recorded yet.
    news: Vec<(Given, Approved)>,
}

impl Approvals {
    /// None yet; `state` is the directory of what is kept.
    pub(super) fn new(state: Option<&Path>) -> Self {
        Self {
            directory: state.map(|state| state.join("approvals")),
            ..Self::default()
        }
    }

    pub(super) fn waiting(&self) -> &[Given] {
        &self.waiting
    }

    pub(super) fn digests(&self) -> Vec<String> {
        self.waiting.iter().map(|one| one.digest.clone()).collect()
    }

    /// What has become of some since the last time.
    pub(super) fn news(&mut self) -> Vec<(Given, Approved)> {
        std::mem::take(&mut self.news)
    }

    /// The site is known: whether there are any that an earlier daemon has kept.
    fn recall(&mut self, site: &str) -> bool {
        let file = self
            .directory
            .as_ref()
            .map(|dir| dir.join(format!("{site}.json")));
        if file == self.file {
            return false;
        }
        let kept = file.as_deref().map_or_else(|| Ok(Vec::new()), read);
        self.file = file;
        self.waiting = kept.unwrap_or_else(|why| {
            tracing::warn!("the approvals that an earlier daemon has kept are forgotten: {why}");
            Vec::new()
        });
        !self.waiting.is_empty()
    }

    /// A person gives one: it is told and kept.
    pub(super) fn receive(&mut self, digest: String, user: User, journal: &Journal) {
        let asked = format!("{digest} is approved by {}", user.shown());
        journal.tell(EventKind::Asked, None, None, asked);
        self.give(digest, user, seconds());
    }

    fn give(&mut self, digest: String, user: User, now: u64) {
        self.waiting.retain(|known| known.digest != digest);
        let approval = Given {
            digest,
            user,
            given: now,
            seen: now,
            begun: false,
        };
        self.news.push((approval.clone(), Approved::Given));
        self.waiting.push(approval);
        let old = self.waiting.len().saturating_sub(MOST);
        let dropped = self.waiting.drain(..old).map(|one| (one, Approved::Dropped));
        self.news.extend(dropped);
        self.keep();
    }

    /// It is begun to do what that digest stands for.
    pub(super) fn begin(&mut self, digest: &str) {
        if let Some(one) = self.waiting.iter_mut().find(|one| one.digest == digest) {
            one.begun = true;
            self.keep();
        }
    }

    /// There is a plan of everything with that digest. What was begun and is no longer to be done, was done.
    fn see(&mut self, digest: &str, now: u64) {
        self.settle(|one| match () {
            () if one.digest == digest => None,
            () if one.begun => Some(Approved::Used),
            () if one.seen.saturating_add(UNSEEN) < now => Some(Approved::Dropped),
            () => None,
        });
        let seen = self.waiting.iter_mut().find(|one| one.digest == digest);
        if let Some(one) = seen.filter(|one| one.seen.saturating_add(NOTED) < now) {
            one.seen = now;
            self.keep();
        }
    }

    /// What that digest stands for was done.
    fn used(&mut self, digest: &str) {
        self.settle(|one| (one.digest == digest).then_some(Approved::Used));
    }

    /// The plan of that digest was carried out: with the approval, unless that came later.
    fn carried_out(&mut self, digest: &str) {
        self.settle(|one| (one.digest == digest && one.begun).then_some(Approved::Used));
    }

    /// Lets go of those of which something has become.
    fn settle(&mut self, became: impl Fn(&Given) -> Option<Approved>) {
        let before = self.waiting.len();
        for one in std::mem::take(&mut self.waiting) {
            match became(&one) {
                Some(state) => self.news.push((one, state)),
                None => self.waiting.push(one),
            }
        }
        if self.waiting.len() != before {
            self.keep();
        }
    }

    fn keep(&self) {
        let Some(file) = &self.file else { return };
        if let Err(error) = write(file, &self.waiting) {
            let path = file.display();
            tracing::warn!("approvals are forgotten when the daemon ends: {path} can't be written: {error}");
        }
    }
}

/// What a file holds; nothing where it is not there.
fn read(file: &Path) -> Result<Vec<Given>, String> {
    let failed = |why: &dyn std::fmt::Display| format!("{}: {why}", file.display());
    let mut options = File::options();
    std::os::unix::fs::OpenOptionsExt::custom_flags(
        options.read(true),
        OFlags::NOFOLLOW.bits().cast_signed(),
    );
    let opened = match options.open(file) {
        Ok(opened) => opened,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(&error)),
    };
    let found = opened.metadata().map_err(|e| failed(&e))?;
    // Whoever else could write it would approve in somebody's name.
    if found.uid() != rustix::process::geteuid().as_raw() || found.mode() & 0o077 != 0 {
        return Err(failed(&"others can read or write it"));
    }
    let text = io::read_to_string(opened).map_err(|e| failed(&e))?;
    let form: Form = serde_json::from_str(&text).map_err(|e| failed(&e))?;
    Ok(form.approvals)
}

/// Replaces the file as a whole; it is on the disk when this returns.
fn write(file: &Path, approvals: &[Given]) -> io::Result<()> {
    let directory = file.parent().unwrap_or(Path::new("."));
    DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    let form = Form {
        format_version: FORMAT_VERSION.to_owned(),
        approvals: approvals.to_vec(),
    };
    // Its mode is 0600 from the beginning.
    let mut new = tempfile::NamedTempFile::new_in(directory)?;
    new.write_all(&serde_json::to_vec(&form)?)?;
    new.as_file().sync_data()?;
    new.persist(file).map_err(|error| error.error)?;
    File::open(directory)?.sync_all()
}

impl Daemon<'_> {
    /// A person approves of a plan or of a commit.
    pub(super) fn approve(&mut self, digest: String, user: User) {
        self.approvals.receive(digest, user, &self.journal);
        self.approved();
    }

    /// Something was approved of.
    pub(super) fn approved(&mut self) {
        self.tell_approvals();
        self.afresh();
    }

    /// The site is known now, and so is what was approved of before. Whether that was anything.
    pub(super) fn recall_approvals(&mut self) -> bool {
        let site = self.site.name();
        let any = site.is_some_and(|site| self.approvals.recall(&site));
        if any {
            self.tell_approvals();
        }
        any
    }

    /// What that digest stands for was done.
    pub(super) fn approval_used(&mut self, digest: &str) {
        self.approvals.used(digest);
        self.tell_approvals();
    }

    /// The plan of that digest was carried out.
    pub(super) fn approval_carried_out(&mut self, digest: &str) {
        self.approvals.carried_out(digest);
        self.tell_approvals();
    }

    /// There is a plan with that digest, of everything.
    pub(super) fn plan_seen(&mut self, digest: &str) {
        self.approvals.see(digest, seconds());
        self.tell_approvals();
    }

    fn tell_approvals(&mut self) {
        self.site.accept(&self.approvals.digests());
        let waiting = self.approvals.waiting();
        self.status.send_if_modified(|status| {
            let differs = status.approvals != waiting;
            status.approvals = waiting.to_vec();
            differs
        });
    }

    /// Has recorded what has become of approvals.
    pub(super) async fn record_approvals(&mut self) {
        for (approval, state) in self.approvals.news() {
            self.site.record(&approval, state).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    const NOW: u64 = 1_800_000_000;

    fn alice() -> User {
        User {
            uid: 1000,
            name: Some("alice".to_owned()),
            login: None,
        }
    }

    fn states(approvals: &mut Approvals) -> Vec<(String, Approved)> {
        let news = approvals.news().into_iter();
        news.map(|(one, state)| (one.digest, state)).collect()
    }

    fn kept(state: &Path) -> Approvals {
        let mut approvals = Approvals::new(Some(state));
        approvals.recall("lab");
        approvals
    }

    #[test]
    fn what_is_not_used_is_there_after_a_restart_and_nobody_elses_business() {
        let state = tempfile::tempdir().unwrap();
        let mut approvals = kept(state.path());
        approvals.give("d1".to_owned(), alice(), NOW);
        approvals.give("d2".to_owned(), alice(), NOW);
        approvals.used("d1");
        let file = state.path().join("approvals/lab.json");
        let mode = fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let mut again = kept(state.path());
        assert_eq!(again.waiting(), approvals.waiting());
        assert_eq!(again.digests(), ["d2"]);
        assert!(!again.recall("lab") && !Approvals::new(None).recall("lab"));
        again.recall("other");
        assert!(again.waiting().is_empty(), "each site has its own");

        fs::set_permissions(&file, fs::Permissions::from_mode(0o620)).unwrap();
        assert!(
            kept(state.path()).waiting().is_empty(),
            "somebody else may have written it"
        );
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        fs::write(&file, "{").unwrap();
        assert!(kept(state.path()).waiting().is_empty());
    }

    #[test]
    fn it_is_used_once_what_was_begun_is_no_longer_to_be_done() {
        let mut approvals = Approvals::default();
        approvals.give("d1".to_owned(), alice(), NOW);
        approvals.see("d1", NOW);
        approvals.see("d0", NOW + 5);
        assert_eq!(approvals.digests(), ["d1"], "its plan may come yet");
        approvals.begin("d1");
        approvals.see("d1", NOW + 10);
        assert_eq!(approvals.digests(), ["d1"], "a step failed, and is tried again");
        approvals.see("d2", NOW + 20);
        assert!(approvals.waiting().is_empty());
        let expected = [Approved::Given, Approved::Used].map(|state| ("d1".to_owned(), state));
        assert_eq!(states(&mut approvals), expected);
        assert!(approvals.news().is_empty(), "told once");
    }

    #[test]
    fn one_whose_plan_is_gone_for_long_is_dropped_and_one_that_waits_is_not() {
        let mut approvals = Approvals::default();
        approvals.give("d1".to_owned(), alice(), NOW);
        approvals.give("d2".to_owned(), alice(), NOW);
        for hour in 0..=(UNSEEN / 3_600) {
            approvals.see("d2", NOW + hour * 3_600);
        }
        assert_eq!(approvals.digests(), ["d1", "d2"]);
        approvals.see("d2", NOW + UNSEEN + 1);
        assert_eq!(approvals.digests(), ["d2"]);
        assert_eq!(
            states(&mut approvals).last().unwrap(),
            &("d1".to_owned(), Approved::Dropped)
        );
    }

    #[test]
    fn there_are_never_more_than_a_few_and_the_oldest_goes() {
        let mut approvals = Approvals::default();
        for number in 0..=MOST {
            approvals.give(format!("d{number}"), alice(), NOW);
        }
        approvals.give("d5".to_owned(), alice(), NOW + 1);
        assert_eq!(approvals.waiting().len(), MOST);
        assert_eq!(approvals.digests().first().map(String::as_str), Some("d1"));
        assert_eq!(approvals.digests().last().map(String::as_str), Some("d5"));
        assert!(states(&mut approvals).contains(&("d0".to_owned(), Approved::Dropped)));
    }
}
