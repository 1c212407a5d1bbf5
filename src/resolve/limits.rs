//! Limits: a class is what a workspace may use altogether. Containers that state limits of their own keep them; the
//! others share what is left in equal parts.

use crate::devfile::{Component, Container};
use crate::document::{Diagnostic, Diagnostics, Spanned};
use crate::manifest::Class;
use crate::model::{Bytes, Limits, MilliCpu};

/// The kernel counts memory in pages.
const PAGE: u64 = 4096;
/// Less can't be enforced.
const LEAST_CPU: u64 = 10;
/// Less starts nothing.
const LEAST_MEMORY: u64 = 6 << 20;

/// The limits of a workspace's containers, in their order.
pub(super) fn of(
    class: &Class,
    class_name: &str,
    containers: &[(&Component, &Container)],
    diagnostics: &mut Diagnostics,
    error: &dyn Fn(&'static str, crate::document::Span, String) -> Diagnostic,
) -> Vec<Limits> {
    let memory = share(
        class.memory.0,
        LEAST_MEMORY,
        &containers
            .iter()
            .map(|(_, c)| stated(c.memory_limit, |b: Bytes| b.0))
            .collect::<Vec<_>>(),
    );
    let cpu = share(
        class.cpu.0,
        LEAST_CPU,
        &containers
            .iter()
            .map(|(_, c)| stated(c.cpu_limit, |b: MilliCpu| b.0))
            .collect::<Vec<_>>(),
    );
    let pids = (class.pids / (containers.len() as u64).max(1)).max(16);
    let mut report = |what: &str, sum: String, most: String, spans: Vec<crate::document::Span>| {
        let fallback = containers.first().map(|(c, _)| c.name.span);
        let Some(span) = spans.last().copied().or(fallback) else {
            return;
        };
        let message = format!("the containers ask for {sum} of {what}; class {class_name} has {most}");
        let help = "use a larger class, or lower the containers' limits so that every container gets some";
        diagnostics.push(error("resolve/over-class", span, message).help(help));
    };
    if let Err(sum) = memory {
        let spans = containers
            .iter()
            .filter_map(|(_, c)| c.memory_limit.map(|l| l.span))
            .collect();
        report("memory", Bytes(sum).to_string(), class.memory.to_string(), spans);
    }
    if let Err(sum) = cpu {
        let spans = containers
            .iter()
            .filter_map(|(_, c)| c.cpu_limit.map(|l| l.span))
            .collect();
        report(
            "processor",
            MilliCpu(sum).to_string(),
            class.cpu.to_string(),
            spans,
        );
    }
    let (Ok(memory), Ok(cpu)) = (memory, cpu) else {
        return Vec::new();
    };
    containers
        .iter()
        .zip(memory.into_iter().zip(cpu))
        .map(|((_, container), (memory, cpu))| {
            let memory = memory / PAGE * PAGE;
            Limits {
                memory: Some(Bytes(memory)),
                memory_request: container.memory_request.map(|r| Bytes(r.value.0.min(memory))),
                cpu: Some(MilliCpu(cpu)),
                cpu_request: container.cpu_request.map(|r| MilliCpu(r.value.0.min(cpu))),
                pids: Some(pids),
            }
        })
        .collect()
}

/// The limits of a container that has the workspace to itself.
pub(super) fn whole(class: &Class) -> Limits {
    Limits {
        memory: Some(Bytes(class.memory.0 / PAGE * PAGE)),
        cpu: Some(class.cpu),
        pids: Some(class.pids),
        ..Limits::default()
    }
}

fn stated<T: Copy>(limit: Option<Spanned<T>>, value: impl Fn(T) -> u64) -> Option<u64> {
    // Zero means no limit of its own, as in Kubernetes.
    limit.map(|l| value(l.value)).filter(|v| *v > 0)
}

/// Shares `total`: what is stated as stated, the rest in equal parts of at least `least`. The sum that was asked for
/// where that is not possible.
fn share(total: u64, least: u64, stated: &[Option<u64>]) -> Result<Vec<u64>, u64> {
    let sum: u64 = stated.iter().flatten().fold(0, |a, b| a.saturating_add(*b));
    let open = stated.iter().filter(|s| s.is_none()).count() as u64;
    let needed = sum.saturating_add(open * least);
    if needed > total {
        return Err(if open == 0 { sum } else { needed });
    }
    let part = (total - sum).checked_div(open).unwrap_or(0);
    Ok(stated.iter().map(|s| s.unwrap_or(part)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_stated_shares_the_rest() {
        assert_eq!(share(100, 1, &[None]), Ok(vec![100]));
        assert_eq!(share(100, 1, &[Some(40), None, None]), Ok(vec![40, 30, 30]));
        assert_eq!(share(100, 1, &[Some(40), Some(60)]), Ok(vec![40, 60]));
        assert_eq!(share(100, 1, &[Some(40), Some(61)]), Err(101));
        assert_eq!(share(100, 1, &[Some(100), None]), Err(101));
    }
}
