//! Keeping workspaces apart where netavark forgets to.
//!
//! netavark 1.4 (Debian 12) writes one rule per isolated network into a chain of its own, and one jump to that chain for
//! all of them. Tearing down any network removes the jump, until some network is set up again: from the first workspace
//! that stops, the others reach each other. So the jump is put back after every call that may tear a network down.
//! Later versions keep it, and use nftables; there the chain is missing and nothing is done.

use tokio::process::Command;

use super::cgroup::Host;

const CHAIN: &str = "NETAVARK_ISOLATION_1";

/// Puts the jump back where the chain is there and nothing leads to it.
pub(super) async fn keep_isolated(host: Host) {
    if host.rootless() {
        // Each user's Podman has a network namespace of its own, with rules that only its helpers reach.
        return;
    }
    if iptables(&["-n", "-L", CHAIN]).await && !iptables(&["-C", "FORWARD", "-j", CHAIN]).await {
        // Where two calls do it at once, the jump is there twice, which changes nothing; netavark removes both in turn.
        iptables(&["-I", "FORWARD", "-j", CHAIN]).await;
    }
}

/// Whether the command succeeded. A machine without it has no rules of that kind.
async fn iptables(arguments: &[&str]) -> bool {
    let status = Command::new("iptables")
        .args(["--wait", "5"])
        .args(arguments)
        .stdin(std::process::Stdio::null())
        .output()
        .await;
    status.is_ok_and(|output| output.status.success())
}
