//! `drift` of a Site: one word for every kind of drift, or one for each.

use crate::document::{Decode, Fields, Node, Reader, choice};
use crate::model::{DriftPolicy, Reaction};

impl Decode for Reaction {
    fn decode(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        let words = [
            ("repair", Self::Repair),
            ("report", Self::Report),
            ("off", Self::Off),
        ];
        choice(node, reader, &words)
    }
}

impl Decode for DriftPolicy {
    fn decode(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        if node.as_map().is_none() {
            return Reaction::decode(node, reader).map(Self::all);
        }
        let mut fields = Fields::of(node, reader)?;
        let default: Reaction = fields.optional("default", reader).unwrap_or_default();
        let mut of = |key| fields.optional(key, reader).unwrap_or(default);
        let policy = Self {
            containers: of("containers"),
            networks: of("networks"),
            volumes: of("volumes"),
            limits: of("limits"),
            power: of("power"),
        };
        fields.finish(reader);
        Some(policy)
    }
}
