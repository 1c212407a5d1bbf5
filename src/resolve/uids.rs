//! Each user's range of ids on the host: fixed from the first day on, because changing it would re-own every volume.
//!
//! The range follows from the site's and the user's name alone, so that it needs no record. Two names can meet in one
//! range; then one of the users states a range of its own.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use crate::document::Diagnostics;
use crate::manifest::Manifests;
use crate::model::{Name, UidRange};

/// How many ids a range has: what a system with 16-bit ids uses, `nobody` included.
const COUNT: u32 = 65_536;
/// The first range begins above what `useradd` gives to the first accounts' subordinate ids.
const FIRST: u32 = 16 * COUNT;
/// How many ranges there are, below 2^31, from where Podman takes automatic ranges.
const RANGES: u32 = 32_000;

/// The ranges of a site's users.
#[derive(Clone, Debug)]
pub struct Ranges {
    site: Name,
    stated: BTreeMap<Name, u32>,
}

impl Ranges {
    /// The ranges of the declared users; two users in one range are an error.
    pub(super) fn of(manifests: &Manifests, diagnostics: &mut Diagnostics) -> Self {
        let stated = manifests
            .users
            .iter()
            .filter_map(|(name, user)| Some((name.clone(), user.spec.uid_range.as_ref()?.value)))
            .collect();
        let ranges = Self {
            site: manifests.site.name.value.clone(),
            stated,
        };
        let mut taken: BTreeMap<u32, &Name> = BTreeMap::new();
        for (name, user) in &manifests.users {
            let range = ranges.get(name);
            if let Some(other) = taken.insert(range.first, name) {
                let span = user.spec.uid_range.as_ref().map_or(user.name.span, |r| r.span);
                let message = format!("{name} and {other} would share the host ids from {}", range.first);
                let free = (0..RANGES)
                    .map(|n| FIRST + n * COUNT)
                    .find(|first| !taken.contains_key(first));
                let help = format!(
                    "give {name} a range of its own: uidRange: {}",
                    free.unwrap_or(FIRST)
                );
                diagnostics.push(user.error("resolve/uid-range", span, message).help(help));
            }
        }
        ranges
    }

    /// A user's range, whether the user is declared or was.
    #[must_use]
    pub fn get(&self, user: &Name) -> UidRange {
        let first = self
            .stated
            .get(user)
            .copied()
            .unwrap_or_else(|| default(&self.site, user));
        UidRange { first, count: COUNT }
    }
}

fn default(site: &Name, user: &Name) -> u32 {
    let digest = Sha256::digest(format!("{site}/{user}"));
    let number = u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]]);
    FIRST + (number % RANGES) * COUNT
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Changing these would re-own every volume of every user.
    #[test]
    fn ranges_are_pinned_and_stay_in_bounds() {
        let name = |n: &str| n.parse::<Name>().unwrap();
        assert_eq!(
            default(&name("lab"), &name("alice")),
            default(&name("lab"), &name("alice"))
        );
        assert_ne!(
            default(&name("lab"), &name("alice")),
            default(&name("prod"), &name("alice"))
        );
        for user in ["alice", "bob", "a", "z9"] {
            let first = default(&name("lab"), &name(user));
            assert!(
                first >= FIRST && first.is_multiple_of(COUNT) && first < (1 << 31) - COUNT,
                "{user}: {first}"
            );
        }
    }
}
