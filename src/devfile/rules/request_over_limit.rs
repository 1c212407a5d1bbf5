//! Requests stay within limits.

use std::fmt::Display;

use super::{Rule, Subject};
use crate::devfile::findings::Findings;
use crate::document::Spanned;
use crate::model::{Bytes, MilliCpu};

/// See the module.
pub(in crate::devfile) const RULE: Rule = Rule {
    code: "devfile/request-over-limit",
    why: "A request is what a container is sure to get, a limit the most it may use. A request above the \
          limit can't be kept.",
    example: include_str!("../../../fixtures/devfile/request-over-limit/invalid.yaml"),
    fixed: include_str!("../../../fixtures/devfile/request-over-limit/valid.yaml"),
};

pub(super) fn check(subject: &Subject<'_>, found: &mut Findings<'_>) {
    for (_, c) in subject.devfile.containers() {
        compare(
            ("memoryRequest", c.memory_request),
            c.memory_limit,
            Bytes(0),
            found,
        );
        compare(("cpuRequest", c.cpu_request), c.cpu_limit, MilliCpu(0), found);
    }
}

/// A limit of zero is none.
fn compare<T: Ord + Copy + Display>(
    (key, request): (&str, Option<Spanned<T>>),
    limit: Option<Spanned<T>>,
    zero: T,
    found: &mut Findings<'_>,
) {
    let (Some(request), Some(limit)) = (request, limit) else {
        return;
    };
    if request.value > limit.value && limit.value > zero {
        let message = format!("{key} {} is more than the limit {}", request.value, limit.value);
        let error = found.error(RULE.code, request.span, message);
        found.report(error.help("lower the request or raise the limit"));
    }
}
