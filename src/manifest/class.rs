//! `kind: Class`: what one workspace may use.

use crate::document::{Decode, Fields, Node, Reader, Spanned, bounded};
use crate::model::{Bytes, MilliCpu};

/// The least processor time: the kernel's quota is at least 1 ms of its period of 100 ms.
const MIN_CPU: MilliCpu = MilliCpu(10);
/// The least memory: with less, no container's first process starts.
const MIN_MEMORY: Bytes = Bytes(6 << 20);
/// Processes and threads, where the class doesn't say.
const DEFAULT_PIDS: u64 = 2048;

/// What one workspace may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Class {
    /// Processor time; at least 10m.
    pub cpu: MilliCpu,
    /// Memory; at least 6Mi.
    pub memory: Bytes,
    /// Storage. Counted against quotas; not enforced yet.
    pub storage: Option<Bytes>,
    /// The most processes and threads; at least 1.
    pub pids: u64,
}

impl Decode for Class {
    fn decode(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        let mut fields = Fields::of(node, reader)?;
        let cpu: Option<Spanned<MilliCpu>> = fields.required("cpu", reader);
        let memory: Option<Spanned<Bytes>> = fields.required("memory", reader);
        let storage: Option<Spanned<Bytes>> = fields.optional("storage", reader);
        let pids = fields
            .optional::<i64>("pids", reader)
            .and_then(|_| fields.node("pids"))
            .and_then(|node| bounded(node, reader, 1..=i64::MAX));
        fields.finish(reader);
        if let Some(storage) = storage {
            let message = "the class's storage is counted against quotas but not enforced yet";
            let warning = reader.error("manifest/storage-not-enforced", storage.span, message);
            reader.report(warning.warning());
        }
        let cpu = cpu.and_then(|cpu| at_least(MIN_CPU, cpu, reader));
        let memory = memory.and_then(|memory| at_least(MIN_MEMORY, memory, reader));
        Some(Self {
            cpu: cpu?,
            memory: memory?,
            storage: storage.map(|s| s.value),
            pids: pids.map_or(DEFAULT_PIDS, i64::unsigned_abs),
        })
    }
}

fn at_least<T: Copy + PartialOrd + std::fmt::Display>(
    least: T,
    found: Spanned<T>,
    reader: &mut Reader<'_>,
) -> Option<T> {
    if found.value >= least {
        return Some(found.value);
    }
    let message = format!("{} is too little to run anything", found.value);
    let error = reader.error("manifest/class-too-small", found.span, message);
    reader.report(error.label(format!("expected {least} or more")));
    None
}
