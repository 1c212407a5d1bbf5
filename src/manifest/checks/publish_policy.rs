//! A port published where the Site's policy does not allow it: a workspace's author must not be able to take a port of
//! the host, or to open one to the network, without its administrator's word.
//!
//! Example: `publish: [{endpoint: web, port: 8080}]` and a Site without `policy.publish`.

use core::net::IpAddr;

use crate::document::Diagnostics;

use super::{Check, Draft};

pub(super) const RULE: Check = Check {
    code: "manifest/publish-policy",
    why: "The host's ports are the Site's to give, in policy.publish.allow.",
    example: "publish: [{endpoint: web, port: 8080}] # and a Site without policy.publish\n",
    fixed: "policy: {publish: {allow: [\"127.0.0.1:8080\"]}} # in the Site\n",
    check,
};

fn check(draft: &Draft<'_>, diagnostics: &mut Diagnostics) {
    let Some(site) = draft.sites.first() else { return };
    let rules = &site.spec.policy.publish_allow;
    for workspace in &draft.workspaces {
        for publish in &workspace.spec.publish {
            let Ok(address) = publish.address.value.parse::<IpAddr>() else {
                continue;
            };
            let port = publish.port.value;
            if rules.iter().any(|rule| rule.value.allows(address, port)) {
                continue;
            }
            let place = core::net::SocketAddr::new(address, port);
            let message = format!("the Site's policy doesn't allow publishing on {place}");
            let error = workspace.error(RULE.code, publish.port.span, message);
            let help = format!("allow it in wharf.yaml: policy: {{publish: {{allow: [\"{place}\"]}}}}");
            diagnostics.push(error.help(help));
        }
    }
}
