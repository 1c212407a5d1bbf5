//! Which repository a daemon follows, where it comes from, and which of its commits may be taken over.

mod remote;
mod verdicts;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use remote::Remote;
pub(super) use verdicts::{Trust, Verdicts};

use super::Context;
use super::error::Error;
use crate::audit::place;
use crate::daemon::fetching;
use crate::daemon::{Fetched, Rejected, Trigger, watch};
use crate::manifest::{self, Site};
use crate::model::{Origin, OriginError, Transport};
use crate::source::remote::{Mirror, Order, secret};
use crate::source::signature::{Allowed, NotAccepted};
use crate::source::{self, Source, SourceError};

/// How often a repository elsewhere is fetched, where nobody says, in seconds.
const INTERVAL: u64 = 30;
/// How long the first round waits for the first fetch.
const FIRST: Duration = Duration::from_secs(30);
/// Every how manyth failed fetch in a row begins anew: whatever is wrong with the mirror is not wrong with the next one.
const ANEW: u32 = 3;

/// What to follow, and whom to believe.
#[derive(Debug, clap::Args)]
#[group(skip)] // a command's own arguments have that name already
pub(super) struct Args {
    /// The configuration repository: a directory, or its address
    #[arg(value_name = "DIR|URL")]
    repository: Option<PathBuf>,
    /// The branch, tag or other name of what to follow; by default what HEAD points to
    #[arg(long, value_name = "REV")]
    rev: Option<String>,
    /// The folder of the repository that holds the configuration
    #[arg(long, value_name = "FOLDER")]
    path: Option<String>,
    /// Fetch a repository elsewhere after that many seconds [default: 30]
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    interval: Option<u64>,
    /// Logins for https, one a line: https://USER:PASSWORD@HOST
    #[arg(long, value_name = "FILE")]
    credentials: Option<PathBuf>,
    /// The private key for ssh, a deploy key say
    #[arg(long, value_name = "FILE")]
    identity: Option<PathBuf>,
    /// The keys of the hosts that ssh may speak to
    #[arg(long, value_name = "FILE")]
    known_hosts: Option<PathBuf>,
    /// Take over only commits signed with one of these SSH keys, as git's allowedSignersFile
    #[arg(long, value_name = "FILE")]
    allowed_signers: Option<PathBuf>,
    /// Take over only commits signed with one of these OpenPGP keys, as gpg --export writes them
    #[arg(long, value_name = "FILE")]
    allowed_pgp_keys: Option<PathBuf>,
}

/// What a daemon follows.
pub(super) struct Following {
    /// Where it is read: the repository, with the folder within it.
    dir: PathBuf,
    rev: String,
    allowed: Allowed,
    remote: Option<Arc<Remote>>,
    /// The commit that is in force.
    in_force: Option<String>,
    /// What people have approved of, among it commits that rewrite history.
    approved: Vec<String>,
}

impl Following {
    /// Finds out what to follow. A directory's own commit may name another repository as its Site's source.
    pub(super) fn open(context: &Context, args: &Args) -> Result<Self, Error> {
        let mut allowed = Allowed {
            ssh: args.allowed_signers.as_ref().map(|path| context.path(path)),
            openpgp: args.allowed_pgp_keys.as_ref().map(|path| context.path(path)),
        };
        for path in [&mut allowed.ssh, &mut allowed.openpgp].into_iter().flatten() {
            *path = std::path::absolute(&*path)?;
        }
        allowed.check().map_err(Error::new)?;
        let given = args.repository.as_ref().and_then(|given| given.to_str());
        if let Some(text) = given.filter(|text| Origin::is_meant(text)) {
            let origin = text.parse::<Origin>().map_err(|error| match error {
                // The text has a password in it.
                OriginError::Password => Error::usage(error.to_string()),
                OriginError::Form | OriginError::Scheme(_) => Error::usage(format!("{text}: {error}")),
            })?;
            return Self::elsewhere(context, args, &origin, allowed);
        }
        let dir = context.directory(args.repository.as_ref());
        let folder = match &args.path {
            Some(path) => source::folder(&dir, &sound(path)?)?,
            None => dir.clone(),
        };
        let rev = args.rev.clone().unwrap_or_else(|| "HEAD".to_owned());
        // What can't be read yet names no source.
        let site = source::load(&folder, &Source::Revision(rev.clone())).ok();
        let site = site.and_then(|loaded| manifest::load(&loaded.files).site);
        let Some(declared) = site.and_then(|site| site.source) else {
            // Said at once where there is no repository.
            source::refs(&dir)?;
            args.for_elsewhere_only(&dir)?;
            return Ok(Self {
                dir: folder,
                rev,
                allowed,
                remote: None,
                in_force: None,
                approved: Vec::new(),
            });
        };
        if declared.require_signed_commits && allowed.is_empty() {
            return Err(unsigned());
        }
        let merged = Args {
            repository: None,
            rev: args.rev.clone().or(declared.revision),
            path: args.path.clone().or(declared.path),
            interval: args.interval.or(declared.interval),
            credentials: args.credentials.clone(),
            identity: args.identity.clone(),
            known_hosts: args.known_hosts.clone(),
            allowed_signers: None,
            allowed_pgp_keys: None,
        };
        Self::elsewhere(context, &merged, &declared.url, allowed)
    }

    fn elsewhere(context: &Context, args: &Args, origin: &Origin, allowed: Allowed) -> Result<Self, Error> {
        let file = |given: &Option<PathBuf>| -> Result<Option<PathBuf>, Error> {
            let path = given.as_ref().map(|path| std::path::absolute(context.path(path)));
            Ok(path.transpose()?)
        };
        let secrets = [file(&args.credentials)?, file(&args.identity)?];
        for path in secrets.iter().flatten() {
            secret::check(path).map_err(Error::new)?;
        }
        let [credentials, identity] = secrets;
        args.for_transport(origin)?;
        let rev = args.rev.clone().unwrap_or_else(|| "HEAD".to_owned());
        let path = args.path.as_deref().map(sound).transpose()?.unwrap_or_default();
        let key = format!("{origin}\n{rev}\n{path}");
        let state = place::state().ok_or_else(|| {
            Error::new("there is no place for a mirror: this user has no home")
                .hint("WHARF_STATE_DIR names a directory.")
        })?;
        let mirror = Mirror::open(&state, &key).map_err(|e| Error::new(e.to_string()))?;
        let mut dir = mirror.repository();
        // An empty part would leave a slash behind.
        dir.extend(Some(path.as_str()).filter(|path| !path.is_empty()));
        let order = Order {
            origin: origin.as_str().to_owned(),
            mirror: mirror.repository(),
            credentials,
            identity,
            known_hosts: file(&args.known_hosts)?,
        };
        let interval = Duration::from_secs(args.interval.unwrap_or(INTERVAL));
        Ok(Self {
            dir,
            rev: rev.clone(),
            allowed,
            in_force: mirror.in_force(),
            remote: Some(Arc::new(Remote::new(mirror, order, rev, interval))),
            approved: Vec::new(),
        })
    }

    /// Begins to notice what is new; the first round begins when this returns, and none where it returns false.
    pub(super) async fn begin(
        &self,
        listeners: &fetching::Listeners,
        received: &mut mpsc::Receiver<Trigger>,
    ) -> Result<Option<JoinHandle<()>>, Error> {
        let Some(remote) = &self.remote else {
            tracing::info!(dir = %self.dir.display(), rev = %self.rev, "following");
            let (dir, rev) = (self.dir.clone(), self.rev.clone());
            let head = move || source::commit(&dir, &rev).ok();
            let noticing = watch::repository(source::refs(&self.dir)?, head, listeners.triggers.clone());
            return Ok(Some(tokio::spawn(noticing)));
        };
        tracing::info!(url = %remote.order.origin, rev = %self.rev, "following");
        let polled = Arc::clone(remote);
        let mut failures = 0;
        let fetch = async move || {
            let result = polled.fetch(failures % ANEW == ANEW - 1).await;
            failures = if result.is_ok() { 0 } else { failures + 1 };
            result
        };
        let listeners = listeners.clone();
        let polling = fetching::poll(Arc::clone(&remote.fetching), remote.interval, fetch, listeners);
        let polling = tokio::spawn(polling);
        let first = tokio::time::timeout(FIRST, remote.fetching.first());
        let mut first = std::pin::pin!(first);
        loop {
            tokio::select! {
                _ = &mut first => return Ok(Some(polling)),
                trigger = received.recv() => if let None | Some(Trigger::Stop) = trigger {
                    polling.abort();
                    // Whatever it has started ends with it.
                    let _ = polling.await;
                    return Ok(None);
                },
            }
        }
    }

    /// Where its commits are read.
    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    /// The commit that it is at.
    pub(super) fn head(&self) -> Result<String, String> {
        match &self.remote {
            Some(remote) if remote.mirror.is_new() => {
                let why = remote.fetching.fetched().error;
                Err(why.unwrap_or_else(|| format!("{} has not been fetched yet", remote.order.origin)))
            }
            Some(_) | None => source::commit(&self.dir, &self.rev).map_err(|e| e.to_string()),
        }
    }

    /// Whether a commit may be taken over at all: it is whole, goes on from the one in force, and is signed as asked.
    pub(super) fn admit(&self, commit: &str) -> Result<(), Rejected> {
        match source::examine(&self.dir, commit) {
            Ok(()) => {}
            Err(error @ SourceError::NoPath { .. }) => return Err(Rejected::Invalid(error.to_string())),
            Err(error) => {
                if let (SourceError::Damaged { .. }, Some(remote)) = (&error, &self.remote) {
                    remote.heal(commit);
                }
                return Err(Rejected::Unreadable(error.to_string()));
            }
        }
        if !self.allowed.is_empty() {
            let signer = self.allowed.verify(&self.dir, commit).map_err(|e| match e {
                NotAccepted::Unknown(_) => Rejected::Unreadable(e.to_string()),
                NotAccepted::Unsigned | NotAccepted::Form | NotAccepted::NoKeys(_) | NotAccepted::Bad(_) => {
                    Rejected::Invalid(e.to_string())
                }
            })?;
            tracing::debug!(commit, signer, "signed");
        }
        match &self.in_force {
            Some(before)
                if before != commit
                    && !self.approved.iter().any(|approved| approved == commit)
                    && !source::follows(&self.dir, before, commit) =>
            {
                Err(Rejected::Refused(format!(
                    "it does not follow {before}, which is in force: somebody has rewritten history. Push a commit that \
                     follows, or accept this one: wharf approve {commit}"
                )))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// What is believed now, on which it hangs whether a commit is admitted; nothing where the allowed keys can't be read.
    pub(super) fn trust(&self) -> Option<Trust> {
        Some(Trust {
            in_force: self.in_force.clone(),
            approved: self.approved.clone(),
            keys: self.allowed.fingerprint().ok()?,
        })
    }

    /// Whether what a commit says of its own source goes together with what is followed.
    pub(super) fn agree(&self, site: &Site) -> Result<(), Rejected> {
        let Some(declared) = &site.source else {
            return Ok(());
        };
        if self.remote.is_none() {
            let why = "its Site names a source, which is looked for when the daemon starts: restart it";
            return Err(Rejected::Refused(why.to_owned()));
        }
        if declared.require_signed_commits && self.allowed.is_empty() {
            return Err(Rejected::Refused(unsigned().to_string()));
        }
        Ok(())
    }

    /// A commit is in force now.
    pub(super) fn took(&mut self, commit: &str) {
        if let Some(remote) = &self.remote
            && self.in_force.as_deref() != Some(commit)
            && let Err(error) = remote.mirror.remember(commit)
        {
            tracing::warn!("which commit is in force can't be written down: {error}");
        }
        self.in_force = Some(commit.to_owned());
    }

    /// The commit that was in force when an earlier daemon ended, as far as that is known.
    pub(super) fn last(&self) -> Option<String> {
        self.in_force.clone()
    }

    /// What people have approved of, as of now.
    pub(super) fn accept(&mut self, approved: &[String]) {
        self.approved = approved.to_vec();
    }

    pub(super) fn fetch(&self) {
        if let Some(remote) = &self.remote {
            remote.fetching.ask();
        }
    }

    pub(super) fn fetched(&self) -> Option<Fetched> {
        self.remote.as_ref().map(|remote| remote.fetching.fetched())
    }
}

impl Args {
    /// Refuses what has no effect on a repository that is here.
    fn for_elsewhere_only(&self, dir: &Path) -> Result<(), Error> {
        let given = [
            ("--interval", self.interval.is_some()),
            ("--credentials", self.credentials.is_some()),
            ("--identity", self.identity.is_some()),
            ("--known-hosts", self.known_hosts.is_some()),
        ];
        refuse(
            &given,
            &format!("{} is a directory, which is not fetched", dir.display()),
        )
    }

    /// Refuses what has no effect on how a repository elsewhere is spoken to.
    fn for_transport(&self, origin: &Origin) -> Result<(), Error> {
        let is = origin.transport();
        let given = [
            (
                "--credentials",
                self.credentials.is_some() && is != Transport::Https,
            ),
            ("--identity", self.identity.is_some() && is != Transport::Ssh),
            (
                "--known-hosts",
                self.known_hosts.is_some() && is != Transport::Ssh,
            ),
        ];
        refuse(&given, &format!("{origin} is not spoken to in that way"))
    }
}

fn refuse(given: &[(&str, bool)], why: &str) -> Result<(), Error> {
    match given.iter().find(|(_, given)| *given) {
        Some((option, _)) => Err(Error::usage(format!("{option} has no effect: {why}"))),
        None => Ok(()),
    }
}

fn unsigned() -> Error {
    Error::new("its Site requires signed commits, and no keys are allowed")
        .hint("Start the daemon with --allowed-signers or --allowed-pgp-keys.")
}

/// A folder within a repository, without what could lead out of it.
fn sound(path: &str) -> Result<String, Error> {
    let trimmed = path.trim_matches('/');
    let parts = trimmed.split('/').all(|part| !matches!(part, "" | "." | ".."));
    match trimmed {
        "" | "." => Ok(String::new()),
        _ if parts => Ok(trimmed.to_owned()),
        _ => Err(Error::usage(format!(
            "--path {path:?} is no folder within a repository"
        ))),
    }
}
