//! `maintenance` of a Site or a Workspace: when changes may interrupt somebody's work.

use std::collections::BTreeSet;

use crate::document::{Decode, Fields, Node, Reader, choice, parsed};
use crate::model::{Clock, Day, Window, Zone};

use super::forms;

/// The windows as a manifest says them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Maintenance {
    /// Where the times are meant; absent: as the Site says, else UTC.
    pub zone: Option<Zone>,
    /// The windows; where there are none, nothing waits.
    pub windows: Vec<Window>,
}

impl Decode for Maintenance {
    fn decode(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        let mut fields = Fields::of(node, reader)?;
        let zone = fields.optional("timeZone", reader);
        let windows = fields.required("windows", reader);
        fields.finish(reader);
        Some(Self {
            zone,
            windows: windows?,
        })
    }
}

impl Decode for Zone {
    fn decode(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        parsed(node, reader, "manifest/time-zone")
    }
}

impl Decode for Day {
    fn decode(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        let words = [
            ("mon", Self::Mon),
            ("tue", Self::Tue),
            ("wed", Self::Wed),
            ("thu", Self::Thu),
            ("fri", Self::Fri),
            ("sat", Self::Sat),
            ("sun", Self::Sun),
        ];
        choice(node, reader, &words)
    }
}

impl Decode for Window {
    fn decode(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        let mut fields = Fields::of(node, reader)?;
        let all = || Day::ALL.to_vec();
        let days: Option<Vec<Day>> = match fields.node("days") {
            Some(_) => fields.optional("days", reader),
            None => Some(all()),
        };
        let from = clock(&mut fields, "from", reader);
        let to = clock(&mut fields, "to", reader);
        let span = fields.span();
        fields.finish(reader);
        let (days, from, to): (BTreeSet<Day>, Clock, Clock) = (days?.into_iter().collect(), from?, to?);
        let wrong = if days.is_empty() {
            "the window has no day, so it never opens"
        } else if from == to || from.is_midnight() {
            "the window has no length"
        } else {
            return Some(Self { days, from, to });
        };
        let error = reader.error("manifest/window", span, wrong);
        reader.report(error.help("leave days out for every day; a whole day is from: 00:00, to: 24:00"));
        None
    }
}

fn clock(fields: &mut Fields<'_>, key: &'static str, reader: &mut Reader<'_>) -> Option<Clock> {
    fields.required::<String>(key, reader)?;
    let text = fields
        .node(key)
        .and_then(|node| forms::text(node, &forms::CLOCK, reader));
    text.and_then(|text| Clock::read(&text.value))
}
