//! Two endpoints published on one address and port of the host: only one of them could have it.
//!
//! Example: two workspaces, both with `publish: [{endpoint: web, port: 8080}]`.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::collections::BTreeMap;

use crate::document::Diagnostics;

use super::{Check, Draft};

pub(super) const RULE: Check = Check {
    code: "manifest/publish-twice",
    why: "One address and port of the host leads to one endpoint.",
    example: "publish: [{endpoint: web, port: 8080}] # in two workspaces\n",
    fixed: "publish: [{endpoint: web, port: 8081}] # in one of them\n",
    check,
};

fn check(draft: &Draft<'_>, diagnostics: &mut Diagnostics) {
    let mut taken: BTreeMap<u16, BTreeMap<IpAddr, String>> = BTreeMap::new();
    for workspace in &draft.workspaces {
        for publish in &workspace.spec.publish {
            let Ok(address) = publish.address.value.parse::<IpAddr>() else {
                continue;
            };
            let of_port = taken.entry(publish.port.value).or_default();
            if let Some(by) = overlapping(of_port, address) {
                let message = format!("port {} is published by {by} already", publish.port.value);
                let error = workspace.error(RULE.code, publish.port.span, message);
                diagnostics.push(error.help("give one of the two another port"));
            } else {
                of_port.insert(address, workspace.id().to_string());
            }
        }
    }
}

/// Who publishes the port on an address that `address` overlaps: the same one, or one of them is unspecified, which
/// takes the port of every other (on Linux, `::` takes IPv4's too).
fn overlapping(taken: &BTreeMap<IpAddr, String>, address: IpAddr) -> Option<&String> {
    let any = [
        IpAddr::from(Ipv4Addr::UNSPECIFIED),
        IpAddr::from(Ipv6Addr::UNSPECIFIED),
    ];
    if address.is_unspecified() {
        return taken.values().next();
    }
    [address].iter().chain(&any).find_map(|a| taken.get(a))
}
