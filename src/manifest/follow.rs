//! The Site's `source`: a repository elsewhere that the daemon follows.

use super::forms::{self, Form};
use crate::document::{Decode, Fields, Node, Reader};
use crate::model::Origin;

/// Which repository is followed, and what of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Follow {
    /// Its address.
    pub url: Origin,
    /// The branch, tag or other name of what is followed; absent: what `HEAD` points to.
    pub revision: Option<String>,
    /// The folder with the configuration; absent: the repository's root.
    pub path: Option<String>,
    /// How often it is fetched, in seconds.
    pub interval: Option<u64>,
    /// Whether the daemon has to be started with keys that its commits are signed with.
    pub require_signed_commits: bool,
}

/// The name of a commit.
const REVISION: Form = Form {
    code: "manifest/revision",
    expected: "the name of a branch, a tag or a commit",
    holds: |text| {
        !text.is_empty()
            && !text.starts_with('-')
            && !text.contains(|c: char| c.is_whitespace() || c.is_control() || "~^:?*[\\".contains(c))
    },
};

/// A folder within a repository.
const FOLDER: Form = Form {
    code: "manifest/folder",
    expected: "a folder within the repository, such as sites/lab, without . or .. or a slash at its ends",
    holds: |text| {
        let name = |part: &str| !matches!(part, "" | "." | "..") && !part.contains(char::is_control);
        text.split('/').all(name)
    },
};

/// The shortest and the longest interval, in seconds.
const INTERVALS: std::ops::RangeInclusive<u64> = 1..=86_400;

/// How often a repository is fetched.
const INTERVAL: Form = Form {
    code: "manifest/interval",
    expected: "a duration from 1s to 24h, such as 30s or 5m",
    holds: |text| (forms::DURATION.holds)(text) && INTERVALS.contains(&seconds(text)),
};

/// The seconds of a duration, units in any order.
fn seconds(text: &str) -> u64 {
    let parts = text.split_inclusive(['h', 'm', 's']);
    parts.fold(0_u64, |sum, part| {
        let (number, unit) = part.split_at(part.len() - 1);
        let unit = match unit {
            "h" => 3600,
            "m" => 60,
            _ => 1,
        };
        sum.saturating_add(number.parse::<u64>().unwrap_or(0).saturating_mul(unit))
    })
}

/// An address, as [`Decode`] wants it.
struct Address(Origin);

impl Decode for Address {
    fn decode(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        crate::document::parsed(node, reader, "manifest/source-address").map(Self)
    }
}

impl Decode for Follow {
    fn decode(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        let mut fields = Fields::of(node, reader)?;
        let url: Option<Address> = fields.required("url", reader);
        let revision = forms::optional(&mut fields, "ref", &REVISION, reader);
        let path = forms::optional(&mut fields, "path", &FOLDER, reader);
        let interval = forms::optional(&mut fields, "interval", &INTERVAL, reader);
        let require_signed_commits = fields.optional("requireSignedCommits", reader).unwrap_or(false);
        fields.finish(reader);
        Some(Self {
            url: url?.0,
            revision: revision.map(|text| text.value),
            path: path.map(|text| text.value),
            interval: interval.map(|text| seconds(&text.value)),
            require_signed_commits,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_tell_right_from_wrong() {
        for (form, right, wrong) in [
            (
                REVISION,
                &["main", "v1.0", "team/lab", "HEAD"][..],
                &["", "-x", "a b", "main~1", "a:b"][..],
            ),
            (
                FOLDER,
                &["lab", "sites/lab"],
                &["", "/", "/lab", "lab/", "a/../b", "."],
            ),
            (
                INTERVAL,
                &["1s", "24h", "1m30s"],
                &["0s", "25h", "30", "999999999h"],
            ),
        ] {
            for text in right {
                assert!((form.holds)(text), "{} refuses {text:?}", form.code);
            }
            for text in wrong {
                assert!(!(form.holds)(text), "{} takes {text:?}", form.code);
            }
        }
        assert_eq!((seconds("1h30m"), seconds("90s")), (5400, 90));
    }
}
