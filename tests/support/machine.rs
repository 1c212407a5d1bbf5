//! What this machine can do, asked of the machine itself: what wharf says of it is what tests are about.

#![allow(dead_code)] // each test binary uses a part of it

/// Whether Podman can enforce limits here: without root it takes control groups of version 2, delegated to the user.
pub(crate) fn enforces_limits() -> bool {
    let user = rustix::process::getuid();
    let groups = || {
        let uid = user.as_raw();
        let service =
            format!("/sys/fs/cgroup/user.slice/user-{uid}.slice/user@{uid}.service/cgroup.controllers");
        std::fs::read_to_string(service).unwrap_or_default()
    };
    user.is_root() || groups().contains("memory")
}

/// Whether a container's processor time can be read: it needs a control group of its own, which without root is there on
/// version 2 only.
pub(crate) fn measures_processors() -> bool {
    let version_2 = std::path::Path::new("/sys/fs/cgroup/cgroup.controllers").exists();
    rustix::process::getuid().is_root() || version_2
}
