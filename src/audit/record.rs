//! One line of the log: what it says, and the seal that chains it to the line before it.
//!
//! A line is a JSON object whose last two keys are `previous`, the hash of the line before it, and `hash`, the SHA-256
//! of its own bytes up to there. So each byte of a line counts, and a line vouches for all that stand before it.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use utoipa::ToSchema;

/// The version of the lines' form.
pub const FORMAT_VERSION: &str = "1";
/// What the first line of all names as the hash of the one before it.
pub const NO_HASH: &str = "0000000000000000000000000000000000000000000000000000000000000000";
/// The most bytes of a text of unknown length, such as why a step failed.
const MOST_TEXT: usize = 2000;

/// What a line says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Its number; each line's is one more than that of the line before it.
    pub seq: u64,
    /// When it happened: RFC 3339, UTC, milliseconds.
    pub time: String,
    /// The site.
    pub site: String,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
    /// The hash of the line before it.
    pub previous: String,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "camelCase")]
pub enum Event {
    /// A file of the log begins.
    Begin(Begin),
    /// A plan is about to be carried out.
    Apply(Apply),
    /// A step was carried out, well or not.
    Step(Step),
    /// A plan was carried out; where this is missing, whoever did it was killed.
    Ended(Ended),
    /// Somebody has approved of something, or something has become of that.
    Approval(Approval),
    /// Records could not be written.
    Gap(Gap),
    /// The line before it was never finished: power was lost, or a writer was killed.
    Recovered(Recovered),
}

/// See [`Event::Begin`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Begin {
    /// [`FORMAT_VERSION`].
    pub format_version: String,
    /// The file's number; each file's is one more than that of the file before it.
    pub file: u32,
    /// The oldest file that is kept; those before it are removed.
    pub first: u32,
}

/// What is carried out, and who does it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The commit that declares it; none where the configuration is in no git repository.
    pub commit: Option<String>,
    /// Whether the files differed from it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dirty: bool,
    /// Who wrote the commit: `Name <address>`.
    pub author: Option<String>,
    /// What carries it out: `daemon`, or a command such as `apply`.
    pub by: String,
    /// As whom.
    pub user: User,
    /// The plan's digest; none where a command acts without a plan.
    pub digest: Option<String>,
}

/// A user of this machine.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct User {
    /// The id.
    pub uid: u32,
    /// The name, where the machine's own list has one.
    pub name: Option<String>,
    /// Who has logged in, where that is somebody else, such as before sudo: the name, else the id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub login: Option<String>,
}

impl User {
    /// What people call who acts: the one who has logged in, where that is somebody else.
    #[must_use]
    pub fn shown(&self) -> String {
        let name = self.login.as_ref().or(self.name.as_ref());
        name.map_or_else(|| self.uid.to_string(), Clone::clone)
    }
}

/// See [`Event::Apply`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Apply {
    /// Whence.
    #[serde(flatten)]
    pub origin: Origin,
    /// How many steps it has.
    pub steps: usize,
}

/// See [`Event::Step`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Whence.
    #[serde(flatten)]
    pub origin: Origin,
    /// `owner/name`; nothing where nobody knows whose it was, such as of a built image whose label was lost.
    pub workspace: Option<String>,
    /// `kind/name`.
    pub object: String,
    /// In words.
    pub step: String,
    /// How it ended.
    pub outcome: Outcome,
    /// Why it failed, or what went wrong without stopping anything: the first line of it. What commands wrote is left
    /// out, for nobody knows what that holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// How long it took.
    pub milliseconds: u64,
}

/// How a step ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Outcome {
    /// Well.
    Done,
    /// Not.
    Failed,
}

/// See [`Event::Ended`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// Whence.
    #[serde(flatten)]
    pub origin: Origin,
    /// How many steps ended well.
    pub done: usize,
    /// How many failed.
    pub failed: usize,
    /// How many did not begin.
    pub skipped: usize,
    /// Whether it was asked to stop before it was through.
    pub interrupted: bool,
}

/// See [`Event::Approval`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// What is approved of: a plan, by its digest, or a commit.
    pub digest: String,
    /// Who approves.
    pub user: User,
    /// What has become of it.
    pub state: Approved,
}

/// What becomes of an approval.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Approved {
    /// It was given.
    Given,
    /// What it is for was done.
    Used,
    /// It was not used: what it is for has not been seen for long, or too many came after it.
    Dropped,
}

impl Approved {
    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Given => "given",
            Self::Used => "used",
            Self::Dropped => "dropped",
        }
    }
}

/// See [`Event::Gap`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// How many.
    pub lost: u64,
    /// When the first of them happened.
    pub since: String,
    /// Why.
    pub cause: String,
}

/// See [`Event::Recovered`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recovered {
    /// How long that line is.
    pub bytes: u64,
    /// Its SHA-256.
    pub sha256: String,
}

impl Event {
    /// Whence it comes, where it is about an apply.
    #[must_use]
    pub fn origin(&self) -> Option<&Origin> {
        match self {
            Self::Apply(Apply { origin, .. })
            | Self::Step(Step { origin, .. })
            | Self::Ended(Ended { origin, .. }) => Some(origin),
            Self::Begin(_) | Self::Approval(_) | Self::Gap(_) | Self::Recovered(_) => None,
        }
    }
}

/// What separates a line's seal from what it says.
const SEAL: &str = ",\"hash\":\"";
/// The length of a hash in hexadecimal digits.
const HASH_LENGTH: usize = NO_HASH.len();
/// What ends a line.
const END: &str = "\"}";

/// A line, without its line break, and its hash.
#[must_use]
pub fn seal(record: &Record) -> (String, String) {
    // Invariant: a record is made of strings, numbers and flags, which serialise to an object.
    let mut line = serde_json::to_string(record).unwrap_or_default();
    line.pop();
    let hash = sha256(line.as_bytes());
    line.push_str(SEAL);
    line.push_str(&hash);
    line.push_str(END);
    (line, hash)
}

/// A line that was read back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    /// What it says.
    pub record: Record,
    /// The hash that it carries.
    pub claimed: String,
    /// The hash that it should carry.
    pub computed: String,
}

impl Opened {
    /// Whether nothing of it was changed.
    #[must_use]
    pub fn is_intact(&self) -> bool {
        self.claimed == self.computed
    }
}

/// What a line says, whether or not its seal holds; nothing where it is no record at all.
#[must_use]
pub fn open(line: &[u8]) -> Option<Opened> {
    let (head, end) = line.split_at_checked(line.len().checked_sub(END.len())?)?;
    let (head, claimed) = head.split_at_checked(head.len().checked_sub(HASH_LENGTH)?)?;
    let (body, mark) = head.split_at_checked(head.len().checked_sub(SEAL.len())?)?;
    let is_sealed = end == END.as_bytes() && mark == SEAL.as_bytes();
    is_sealed.then_some(())?;
    Some(Opened {
        record: serde_json::from_slice(line).ok()?,
        claimed: String::from_utf8(claimed.to_vec()).ok()?,
        computed: sha256(body),
    })
}

/// SHA-256 in 64 hexadecimal digits.
#[must_use]
pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect()
}

/// The first line of a text, and not too much of it.
#[must_use]
pub fn first_line(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    let end = (0..=line.len().min(MOST_TEXT))
        .rev()
        .find(|end| line.is_char_boundary(*end));
    line[..end.unwrap_or_default()].trim_end_matches(':').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(event: Event) -> Record {
        Record {
            seq: 7,
            time: "2026-01-02T03:04:05.678Z".to_owned(),
            site: "lab".to_owned(),
            event,
            previous: NO_HASH.to_owned(),
        }
    }

    fn step() -> Event {
        Event::Step(Step {
            origin: Origin {
                commit: Some("c0ffee".to_owned()),
                author: Some("Alice <alice@example.org>".to_owned()),
                by: "apply".to_owned(),
                digest: Some("d1".to_owned()),
                ..Origin::default()
            },
            workspace: Some("alice/api".to_owned()),
            object: "pod/lab.alice.api".to_owned(),
            step: "create pod/lab.alice.api".to_owned(),
            outcome: Outcome::Failed,
            cause: Some("it said \"no\"".to_owned()),
            milliseconds: 12,
        })
    }

    #[test]
    fn a_line_reads_back_and_its_form_stays() {
        let (line, hash) = seal(&record(step()));
        let expected =
            r#"{"seq":7,"time":"2026-01-02T03:04:05.678Z","site":"lab","event":"step","commit":"c0ffee","#
                .to_owned()
                + r#""author":"Alice <alice@example.org>","by":"apply","user":{"uid":0,"name":null},"digest":"d1","#
                + r#""workspace":"alice/api","object":"pod/lab.alice.api","step":"create pod/lab.alice.api","#
                + r#""outcome":"failed","cause":"it said \"no\"","milliseconds":12,"previous":""#
                + NO_HASH;
        assert_eq!(line, format!("{expected}\",\"hash\":\"{hash}\"}}"));
        let opened = open(line.as_bytes()).unwrap();
        assert!(opened.is_intact());
        assert_eq!(opened.record, record(step()));
    }

    #[test]
    fn every_event_reads_back() {
        let origin = Origin {
            dirty: true,
            ..Origin::default()
        };
        let events = [
            Event::Begin(Begin {
                format_version: FORMAT_VERSION.to_owned(),
                file: 3,
                first: 1,
            }),
            Event::Apply(Apply {
                origin: origin.clone(),
                steps: 4,
            }),
            Event::Ended(Ended {
                origin,
                done: 1,
                failed: 2,
                skipped: 3,
                interrupted: true,
            }),
            Event::Approval(Approval {
                digest: "d1".to_owned(),
                user: User::default(),
                state: Approved::Dropped,
            }),
            Event::Gap(Gap {
                lost: 5,
                since: "then".to_owned(),
                cause: "full".to_owned(),
            }),
            Event::Recovered(Recovered {
                bytes: 9,
                sha256: NO_HASH.to_owned(),
            }),
        ];
        for event in events {
            let (line, _) = seal(&record(event.clone()));
            assert_eq!(open(line.as_bytes()).unwrap().record.event, event);
        }
    }

    #[test]
    fn a_cause_is_its_first_line_without_what_a_command_wrote() {
        assert_eq!(
            first_line("it ended with exit code 3:\ntoken=1234"),
            "it ended with exit code 3"
        );
        assert_eq!(first_line(""), "");
        let long = "ä".repeat(MOST_TEXT);
        assert_eq!(first_line(&long).len(), MOST_TEXT);
    }
}
