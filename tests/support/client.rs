//! The podman client, as somebody beside wharf uses it.

#![allow(dead_code)] // each test binary uses a part of it

use std::process::Command;

/// How often a removal is begun again: on a busy machine Podman 4.3 stumbles over mounts that the kernel lets go of a
/// moment later, and tells nobody when.
const ATTEMPTS: u32 = 50;

/// Runs `podman`: what it printed, or what it said of its failure.
pub(crate) fn try_podman(arguments: &[&str]) -> Result<String, String> {
    let output = Command::new("podman").args(arguments).output();
    let output = output.expect("these tests need the podman command");
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(format!("podman {}: {said}", arguments.join(" ")));
    }
    Ok(String::from_utf8(output.stdout).unwrap().trim().to_owned())
}

/// Runs `podman`, which must succeed; what it printed.
pub(crate) fn podman(arguments: &[&str]) -> String {
    try_podman(arguments).unwrap_or_else(|e| panic!("{e}"))
}

/// Removes something with `podman`, as often as it takes, as somebody would who is told that it is busy.
pub(crate) fn remove_by_hand(arguments: &[&str]) {
    for attempt in 1.. {
        match try_podman(arguments) {
            Ok(_) => return,
            Err(e) if attempt > 1 && e.contains("no such") => return,
            Err(e) if attempt <= ATTEMPTS && e.contains("device or resource busy") => {}
            Err(e) => panic!("{e}"),
        }
    }
}
