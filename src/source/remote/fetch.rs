//! The fetch itself, in a process of its own that the daemon bounds and ends; see [`super::mirror`].

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use gix::bstr::ByteSlice as _;
use gix::credentials::helper;
use gix::protocol::handshake::Ref;
use gix::refs::transaction::{Change, LogChange, PreviousValue, RefEdit, RefLog};
use gix::refs::{FullName, Target};
use gix::remote::{Direction, fetch::Tags, ref_map};
use serde::{Deserialize, Serialize};

use super::secret;
use crate::model::{Origin, Transport};
use crate::source::use_ring;

/// What is mirrored: every branch and tag, as it is there now.
const SPECS: [&str; 2] = ["+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"];
/// How long ssh waits for a connection, in seconds, and for a sign of life after it, three times.
const CONNECT: u32 = 20;

/// What to fetch, and where to. Secrets are in files that it names.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Order {
    /// The repository's address.
    pub origin: String,
    /// The bare repository that becomes its mirror; made where it is missing.
    pub mirror: PathBuf,
    /// Logins for https, as git's own store keeps them.
    pub credentials: Option<PathBuf>,
    /// The private key for ssh.
    pub identity: Option<PathBuf>,
    /// The keys of hosts that ssh may speak to; absent: those that the user's own ssh knows.
    pub known_hosts: Option<PathBuf>,
}

/// Makes the mirror equal to the repository.
///
/// # Errors
/// What happened, in words.
pub fn fetch(order: &Order) -> Result<(), String> {
    use_ring();
    let origin: Origin = order
        .origin
        .parse()
        .map_err(|e| format!("{}: {e}", order.origin))?;
    let repository = open(order, &origin)?;
    let url = gix::url::parse(origin.as_str().as_bytes().as_bstr()).map_err(|e| e.to_string())?;
    let remote = repository.remote_at(url).map_err(text)?;
    let remote = remote.with_refspecs(SPECS, Direction::Fetch).map_err(text)?;
    let remote = remote.with_fetch_tags(Tags::None);
    let refused = RefCell::new(None);
    let credentials = order.credentials.as_deref();
    let connection = remote.connect(Direction::Fetch).map_err(text)?;
    let connection = connection.with_credentials(|action| match answer(action, credentials) {
        Ok(outcome) => Ok(outcome),
        Err(why) => {
            refused.replace(Some(why));
            Ok(None)
        }
    });
    let head = gix::refspec::parse("HEAD".into(), gix::refspec::parse::Operation::Fetch);
    let options = ref_map::Options {
        extra_refspecs: vec![head.map_err(|e| e.to_string())?.to_owned()],
        ..ref_map::Options::default()
    };
    let prepared = connection.prepare_fetch(gix::progress::Discard, options);
    let prepared = match prepared {
        Ok(prepared) => prepared,
        Err(error) => {
            let error = text(error);
            return Err(refused.take().unwrap_or(error));
        }
    };
    let there = prepared.ref_map().remote_refs.clone();
    prune(&repository, &there)?;
    if !there.iter().any(is_mirrored) {
        // A new repository, or one whose last branch is gone: there is nothing to receive.
        return Ok(());
    }
    let never = AtomicBool::new(false);
    prepared.receive(gix::progress::Discard, &never).map_err(text)?;
    point(&repository, &there)
}

/// Opens the mirror with settings of ours alone: nothing of the user's or the machine's git configuration takes part.
fn open(order: &Order, origin: &Origin) -> Result<gix::Repository, String> {
    let mut settings = vec![
        "protocol.allow=never".to_owned(),
        "protocol.https.allow=always".to_owned(),
        "protocol.ssh.allow=always".to_owned(),
        "protocol.file.allow=always".to_owned(),
        "gc.auto=0".to_owned(),
    ];
    if origin.transport() == Transport::Ssh {
        settings.push(format!("core.sshCommand={}", ssh(order)?));
        settings.push("ssh.variant=ssh".to_owned());
    }
    let options = gix::open::Options::isolated().config_overrides(settings);
    if !order.mirror.join("HEAD").exists() {
        gix::init_bare(&order.mirror).map_err(text)?;
    }
    gix::open_opts(&order.mirror, options).map_err(text)
}

/// The command that speaks ssh: it asks nobody anything and trusts no host that it does not know.
fn ssh(order: &Order) -> Result<String, String> {
    let mut command = format!(
        "ssh -F none -o BatchMode=yes -o StrictHostKeyChecking=yes -o UpdateHostKeys=no -o ConnectTimeout={CONNECT} \
         -o ServerAliveInterval={CONNECT} -o ForwardAgent=no -o ForwardX11=no -o PermitLocalCommand=no \
         -o ControlMaster=no -o ControlPath=none"
    );
    if let Some(path) = &order.known_hosts {
        let quoted = quoted(path)?;
        command += &format!(" -o 'UserKnownHostsFile={quoted}' -o GlobalKnownHostsFile=/dev/null");
    }
    if let Some(path) = &order.identity {
        secret::check(path)?;
        command += &format!(" -o 'IdentityFile={}' -o IdentitiesOnly=yes", quoted(path)?);
    }
    Ok(command)
}

/// A path as ssh reads it in a setting, within a shell's single quotes.
fn quoted(path: &Path) -> Result<String, String> {
    let shown = path.display();
    let text = path.to_str().ok_or_else(|| format!("{shown} is not UTF-8"))?;
    if text.contains(|c: char| "\"'\\%$~".contains(c) || c.is_control()) {
        return Err(format!(
            "{shown}: ssh would read a character of that path as its own"
        ));
    }
    Ok(format!("\"{text}\""))
}

/// Answers who asks for a login.
fn answer(
    action: helper::Action,
    credentials: Option<&Path>,
) -> Result<Option<gix::credentials::protocol::Outcome>, String> {
    let helper::Action::Get(context) = action else {
        return Ok(None);
    };
    let asked = context.url.clone().unwrap_or_default();
    let url = gix::url::parse(asked.as_bstr()).map_err(|e| e.to_string())?;
    if url.scheme == gix::url::Scheme::Ssh {
        return Err(
            "Permission denied: the server takes none of the keys; name one by --identity".to_owned(),
        );
    }
    let Some(path) = credentials else {
        return Err("the server asks for a login; name a file with it by --credentials".to_owned());
    };
    let (username, password) = secret::login(path, &url)?;
    Ok(Some(gix::credentials::protocol::Outcome {
        identity: gix::sec::identity::Account {
            username,
            password,
            oauth_refresh_token: None,
        },
        next: context.into(),
    }))
}

fn is_mirrored(there: &Ref) -> bool {
    let name = there.unpack().0;
    name.starts_with(b"refs/heads/") || name.starts_with(b"refs/tags/")
}

/// Removes the branches and tags that are gone there. It comes first, as `a` may have made room for `a/b`.
fn prune(repository: &gix::Repository, there: &[Ref]) -> Result<(), String> {
    let kept: Vec<_> = there.iter().map(|there| there.unpack().0).collect();
    let platform = repository.references().map_err(text)?;
    let mut gone = Vec::new();
    for reference in platform.all().map_err(text)? {
        // One that can't be read is written anew, or shows as damage.
        let Ok(reference) = reference else { continue };
        let name = reference.name();
        let ours = name.as_bstr().starts_with(b"refs/heads/") || name.as_bstr().starts_with(b"refs/tags/");
        if ours && !kept.contains(&name.as_bstr()) {
            gone.push(edit(
                name.to_owned(),
                Change::Delete {
                    expected: PreviousValue::Any,
                    log: RefLog::AndReference,
                },
            ));
        }
    }
    repository.edit_references(gone).map(drop).map_err(text)
}

/// Points `HEAD` to what it points to there.
fn point(repository: &gix::Repository, there: &[Ref]) -> Result<(), String> {
    let head = there.iter().find(|there| there.unpack().0 == "HEAD");
    let target = match head {
        Some(Ref::Symbolic { target, .. } | Ref::Unborn { target, .. }) => {
            Target::Symbolic(FullName::try_from(target.as_bstr()).map_err(|e| e.to_string())?)
        }
        Some(Ref::Direct { object, .. } | Ref::Peeled { object, .. }) => Target::Object(*object),
        // It points nowhere; what it pointed to before is as good as anything.
        None => return Ok(()),
    };
    let name = FullName::try_from("HEAD").map_err(|e| e.to_string())?;
    let change = Change::Update {
        log: LogChange::default(),
        expected: PreviousValue::Any,
        new: target,
    };
    repository
        .edit_reference(edit(name, change))
        .map(drop)
        .map_err(text)
}

fn edit(name: FullName, change: Change) -> RefEdit {
    RefEdit {
        change,
        name,
        deref: false,
    }
}

/// An error with its causes.
pub(super) fn text(error: impl std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        let more = next.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = next.source();
    }
    text
}
