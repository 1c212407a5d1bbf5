//! Who has signed a commit. The keys that are allowed come from files beside the repository: a commit must not name the
//! keys that it is admitted by. The programs that git uses judge, `ssh-keygen` and `gpg`.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use gix::bstr::ByteSlice as _;
use gix::objs::signature::Format;
use gix::objs::signature::verify::{Options, Outcome, Status, TrustLevel};

use super::commit::{Repository, broken};
use crate::model::content_hash;

/// The keys whose signatures are accepted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Allowed {
    /// A file of SSH keys, as `gpg.ssh.allowedSignersFile` of git: `PRINCIPAL KEYTYPE KEY` a line.
    pub ssh: Option<PathBuf>,
    /// A file of OpenPGP keys, as `gpg --export` writes it, armored or not.
    pub openpgp: Option<PathBuf>,
}

impl Allowed {
    /// Whether no signature is asked for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ssh.is_none() && self.openpgp.is_none()
    }

    /// Whether the files can be read at all.
    ///
    /// # Errors
    /// Which one can't, and why.
    pub fn check(&self) -> Result<(), String> {
        for path in [&self.ssh, &self.openpgp].into_iter().flatten() {
            std::fs::File::open(path).map_err(|e| format!("{} can't be read: {e}", path.display()))?;
        }
        Ok(())
    }

    /// A hash of all that the files hold now.
    ///
    /// # Errors
    /// One can't be read.
    pub fn fingerprint(&self) -> std::io::Result<String> {
        let mut all = Vec::new();
        for path in [&self.ssh, &self.openpgp] {
            let keys = path.as_ref().map(std::fs::read).transpose()?;
            let hash = keys.map(|keys| content_hash(&keys));
            all.extend(hash.unwrap_or_default().bytes().chain([b'\n']));
        }
        Ok(content_hash(&all))
    }

    /// Who has signed a commit with one of the keys.
    ///
    /// # Errors
    /// Why the commit is not accepted.
    pub fn verify(&self, dir: &Path, commit: &str) -> Result<String, NotAccepted> {
        let unknown = |cause: String| NotAccepted::Unknown(cause);
        let repository = Repository::required(dir).map_err(|e| unknown(e.to_string()))?;
        let id = repository.find(commit).map_err(|e| unknown(e.to_string()))?;
        let commit = repository
            .git
            .find_commit(id)
            .map_err(|e| unknown(broken(e).to_string()))?;
        let found = commit.signature().map_err(|e| unknown(e.to_string()))?;
        let (signature, data) = found.ok_or(NotAccepted::Unsigned)?;
        // The directory with the keys has to outlive the look at them.
        let (options, _ring) = match Format::from_signature(&signature) {
            Some(Format::Ssh) => {
                let time = commit.time().map_err(|e| unknown(e.to_string()))?;
                (
                    of_ssh(self.ssh.as_deref().ok_or(NotAccepted::NoKeys("SSH"))?, time),
                    None,
                )
            }
            Some(Format::OpenPgp) => {
                let keys = self.openpgp.as_deref().ok_or(NotAccepted::NoKeys("OpenPGP"))?;
                let ring = ring(keys).map_err(unknown)?;
                (of_openpgp(ring.path()), Some(ring))
            }
            Some(Format::X509) | None => return Err(NotAccepted::Form),
        };
        let outcome = data
            .verify(&signature, options)
            .map_err(|e| unknown(e.to_string()))?;
        judge(&outcome)
    }
}

/// Why a commit is not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAccepted {
    /// Nobody has signed it.
    #[error("it is not signed")]
    Unsigned,
    /// It is signed in a way that is not understood.
    #[error("its signature is neither of SSH nor of OpenPGP")]
    Form,
    /// There are no keys of that kind.
    #[error("it is signed with a key of {0}, and no such key is allowed")]
    NoKeys(&'static str),
    /// The signature is not what it should be.
    #[error("{0}")]
    Bad(&'static str),
    /// Nothing can be said just now.
    #[error("its signature can't be verified: {0}")]
    Unknown(String),
}

fn of_ssh(allowed_signers: &Path, verify_time: gix::date::Time) -> Options {
    Options::Ssh {
        program: "ssh-keygen".into(),
        program_arguments: Vec::new(),
        environment: Vec::new(),
        allowed_signers: allowed_signers.to_owned(),
        revocation_file: None,
        verify_time,
        // A principal of the file has to be found.
        minimum_trust: TrustLevel::Fully,
    }
}

fn of_openpgp(ring: &Path) -> Options {
    Options::OpenPgp {
        program: "gpg".into(),
        // Every key of the ring is allowed, and there are no others.
        program_arguments: [
            "--batch",
            "--no-autostart",
            "--no-auto-key-retrieve",
            "--trust-model",
            "always",
        ]
        .map(Into::into)
        .to_vec(),
        environment: vec![("GNUPGHOME".into(), ring.into()), ("LC_ALL".into(), "C".into())],
        minimum_trust: TrustLevel::Undefined,
    }
}

/// A new home of gpg with the keys of a file, and nobody else's.
fn ring(keys: &Path) -> Result<tempfile::TempDir, String> {
    let home = tempfile::tempdir().map_err(|e| format!("no directory for gpg: {e}"))?;
    let mut gpg = Command::new("gpg");
    gpg.env("GNUPGHOME", home.path());
    gpg.args(["--batch", "--quiet", "--no-autostart", "--import", "--"])
        .arg(keys);
    let status = gpg
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    match status {
        Ok(status) if status.success() => Ok(home),
        Ok(_) => Err(format!("gpg finds no keys in {}", keys.display())),
        Err(error) => Err(format!("gpg can't be run: {error}")),
    }
}

fn judge(outcome: &Outcome) -> Result<String, NotAccepted> {
    if outcome.is_valid() {
        let signer = outcome
            .signer
            .as_ref()
            .map(|signer| signer.to_str_lossy().into_owned());
        return Ok(signer.unwrap_or_default());
    }
    Err(NotAccepted::Bad(match outcome.status {
        Status::Good => "it is signed with a key that is not allowed",
        Status::Bad => "its signature is not one of this commit",
        Status::Expired => "its signature has expired",
        Status::ExpiredKey => "it is signed with a key that has expired",
        Status::RevokedKey => "it is signed with a key that was revoked",
        Status::Error | Status::Unknown => {
            "it is signed with a key that is not allowed, or its signature is broken"
        }
    }))
}
