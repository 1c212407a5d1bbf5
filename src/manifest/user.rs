//! `kind: User`: who owns workspaces.

use crate::document::{Decode, Fields, Node, Reader, Spanned, choice};

use super::forms;
use super::quota::Quota;

/// How many host ids one user's containers have.
const UID_RANGE: u32 = 65_536;
/// Below it are the host's own ids and what Podman's default configuration gives to others.
const MIN_UID: u32 = 1_048_576;
/// The last range that ends where the kernel's ids still fit a signed number.
const MAX_UID: u32 = (1 << 31) - UID_RANGE;

/// Someone who owns workspaces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The e-mail address.
    pub email: Option<Spanned<String>>,
    /// The name as people write it.
    pub display_name: Option<String>,
    /// What the user may do.
    pub role: Role,
    /// What the user's workspaces may add up to.
    pub quota: Option<Quota>,
    /// The first of the user's 65,536 host ids, where it is pinned: a multiple of 65,536 from 1,048,576 to
    /// 2,147,418,112.
    pub uid_range: Option<Spanned<u32>>,
}

/// What a user may do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Role {
    /// Own workspaces.
    #[default]
    Member,
    /// See and operate everyone's.
    Admin,
}

impl Decode for Role {
    fn decode(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        choice(node, reader, &[("member", Self::Member), ("admin", Self::Admin)])
    }
}

impl Decode for User {
    fn decode(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        let mut fields = Fields::of(node, reader)?;
        let user = Self {
            email: forms::optional(&mut fields, "email", &forms::EMAIL, reader),
            display_name: fields.optional("displayName", reader),
            role: fields.optional("role", reader).unwrap_or_default(),
            quota: fields.optional("quota", reader),
            uid_range: fields
                .optional("uidRange", reader)
                .and_then(|range| uid_range(range, reader)),
        };
        fields.not_yet("sshKeys", "manifest/not-supported-yet", reader);
        fields.not_yet("git", "manifest/not-supported-yet", reader);
        fields.finish(reader);
        Some(user)
    }
}

fn uid_range(found: Spanned<u32>, reader: &mut Reader<'_>) -> Option<Spanned<u32>> {
    let first = found.value;
    if first.is_multiple_of(UID_RANGE) && (MIN_UID..=MAX_UID).contains(&first) {
        return Some(found);
    }
    let message = format!("{first} begins no range of {UID_RANGE} user ids");
    let expected = format!("expected a multiple of {UID_RANGE} from {MIN_UID} to {MAX_UID}");
    let near = (first.clamp(MIN_UID, MAX_UID) / UID_RANGE) * UID_RANGE;
    let error = reader.error("manifest/uid-range", found.span, message);
    reader.report(
        error
            .label(expected)
            .help(format!("{near} is the nearest one below")),
    );
    None
}
