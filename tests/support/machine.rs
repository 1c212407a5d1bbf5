//! What this machine can do, asked of the machine itself: what wharf says of it is what tests are about.

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
