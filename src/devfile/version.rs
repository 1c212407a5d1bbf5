//! The versions of the devfile schema.

use std::fmt;

/// A version of the schema that wharf reads, oldest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SchemaVersion {
    /// 2.0.0
    V2_0_0,
    /// 2.1.0
    V2_1_0,
    /// 2.2.0
    V2_2_0,
    /// 2.2.1
    V2_2_1,
    /// 2.2.2
    V2_2_2,
    /// 2.3.0
    V2_3_0,
}

impl SchemaVersion {
    /// All of them, oldest first.
    pub const ALL: [Self; 6] = [
        Self::V2_0_0,
        Self::V2_1_0,
        Self::V2_2_0,
        Self::V2_2_1,
        Self::V2_2_2,
        Self::V2_3_0,
    ];

    /// As `schemaVersion` writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V2_0_0 => "2.0.0",
            Self::V2_1_0 => "2.1.0",
            Self::V2_2_0 => "2.2.0",
            Self::V2_2_1 => "2.2.1",
            Self::V2_2_2 => "2.2.2",
            Self::V2_3_0 => "2.3.0",
        }
    }

    /// The version that `text` names. A pre-release such as `2.2.0-latest` means the release itself, as the
    /// reference library takes it.
    #[must_use]
    pub fn of(text: &str) -> Option<Self> {
        let (release, rest) = text.split_at(text.find('-').unwrap_or(text.len()));
        let known = Self::ALL.into_iter().find(|v| v.as_str() == release)?;
        (rest.is_empty() || is_semantic_version(text)).then_some(known)
    }

    /// Whether `{{name}}` is replaced in devfiles of this version.
    #[must_use]
    pub fn has_variables(self) -> bool {
        self >= Self::V2_1_0
    }

    /// The longest name of an endpoint: service ports in Kubernetes have 15 characters, which 2.2.0 took over.
    #[must_use]
    pub fn max_endpoint_name(self) -> usize {
        if self >= Self::V2_2_0 { 15 } else { 63 }
    }
}

impl fmt::Display for SchemaVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Whether `text` has the form `1.2.3`, with an optional `-pre.release` and `+build`.
#[must_use]
pub(super) fn is_semantic_version(text: &str) -> bool {
    let (text, build) = split(text, '+');
    let (release, pre) = split(text, '-');
    let numbers: Vec<&str> = release.split('.').collect();
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let words = |text: &str, upper: bool| {
        let word = |b: u8| b.is_ascii_digit() || b.is_ascii_lowercase() || b == b'-';
        let good = |b: u8| word(b) || (upper && b.is_ascii_uppercase());
        text.split('.').all(|w| !w.is_empty() && w.bytes().all(good))
    };
    numbers.len() == 3
        && numbers.into_iter().all(digits)
        && pre.is_none_or(|p| words(p, false))
        && build.is_none_or(|b| words(b, true))
}

fn split(text: &str, at: char) -> (&str, Option<&str>) {
    match text.split_once(at) {
        Some((before, after)) => (before, Some(after)),
        None => (text, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pre_release_means_its_release() {
        assert_eq!(SchemaVersion::of("2.2.0"), Some(SchemaVersion::V2_2_0));
        assert_eq!(SchemaVersion::of("2.2.0-latest"), Some(SchemaVersion::V2_2_0));
        for bad in [
            "2.2",
            "2.2.0-",
            "2.2.0-LATEST",
            "1.0.0",
            "2.4.0",
            "",
            "2.2.0+x",
            "v2.2.0",
        ] {
            assert_eq!(SchemaVersion::of(bad), None, "{bad}");
        }
    }

    #[test]
    fn semantic_versions_have_three_numbers() {
        for good in ["1.0.0", "10.20.30", "1.0.0-rc.1", "1.0.0-a-b+Build.5"] {
            assert!(is_semantic_version(good), "{good}");
        }
        for bad in [
            "1", "1.0", "1.0.0.0", "v1.0.0", "1.0.x", "1.0.0-", "1.0.0-RC", "1.0.0+", "",
        ] {
            assert!(!is_semantic_version(bad), "{bad}");
        }
    }
}
