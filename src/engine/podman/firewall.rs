//! Keeping workspaces apart where netavark forgets to.
//!
//! netavark 1.4 (Debian 12) writes one rule per isolated network into a chain of its own, and one jump to that chain for
//! all of them. Tearing down any network removes the jump, until some network is set up again: from the first workspace
//! that stops, the others reach each other. So the jump is put back after every call that may tear a network down.
//! Later versions keep it, and use nftables; there the chain is missing and nothing is done.

use std::path::Path;
use std::process::Stdio;

use tokio::process::Command;

use super::cgroup::Host;
use super::unshare;

/// Puts the jump back where the chain is there and nothing leads to it. Where two calls do it at once, the jump is there
/// twice, which changes nothing; netavark removes both in turn.
const KEEP: &str = r#"
PATH=$PATH:/usr/sbin:/sbin
chain=NETAVARK_ISOLATION_1
iptables --wait 5 -n -L $chain && ! iptables --wait 5 -C FORWARD -j $chain && iptables --wait 5 -I FORWARD -j $chain
"#;

/// Where administrators' programs are, whether or not `PATH` says so.
const PLACES: [&str; 3] = ["/usr/sbin/iptables", "/sbin/iptables", "/usr/bin/iptables"];

/// Keeps isolated networks apart after a network may have been torn down.
pub(super) async fn keep_isolated(host: Host) {
    // A machine without the program has no rules of that kind.
    if !PLACES.iter().any(|place| Path::new(place).exists()) {
        return;
    }
    let mut command = if host.rootless() {
        // Each user's Podman has a network namespace of its own, and its rules are there.
        let mut command = unshare::podman();
        command.args(["--rootless-netns", "sh", "-c", KEEP]);
        Command::from(command)
    } else {
        let mut command = Command::new("sh");
        command.args(["-c", KEEP]);
        command
    };
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    if let Err(error) = command.status().await {
        tracing::warn!(%error, "the rules that keep networks apart can't be checked");
    }
}
