//! A user's quota.

use crate::document::{Decode, Fields, Node, Reader, Spanned};
use crate::model::{Bytes, MilliCpu};

/// The most that a user's workspaces may add up to; what is absent is not bounded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quota {
    /// How many workspaces.
    pub workspaces: Option<Spanned<u32>>,
    /// The sum of their classes' processor time.
    pub cpu: Option<Spanned<MilliCpu>>,
    /// The sum of their classes' memory.
    pub memory: Option<Spanned<Bytes>>,
    /// The sum of their classes' storage.
    pub storage: Option<Spanned<Bytes>>,
}

impl Decode for Quota {
    fn decode(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        let mut fields = Fields::of(node, reader)?;
        let quota = Self {
            workspaces: fields.optional("workspaces", reader),
            cpu: fields.optional("cpu", reader),
            memory: fields.optional("memory", reader),
            storage: fields.optional("storage", reader),
        };
        fields.finish(reader);
        Some(quota)
    }
}
