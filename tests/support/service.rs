//! Podman's service of a test's own, which may be stopped.

#![allow(dead_code)] // each test binary uses a part of it

use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// Longer than it takes to start on a slow machine.
const BOUND: Duration = Duration::from_secs(120);

/// A process that ends with the test.
pub(crate) struct Process(pub(crate) Child);

impl Process {
    /// Asks it to end, and waits until it has.
    pub(crate) fn stop(&mut self) {
        let pid = Pid::from_raw(self.0.id().cast_signed()).unwrap();
        kill_process(pid, Signal::TERM).unwrap();
        self.0.wait().unwrap();
    }

    /// Ends it at once, as a crash does. Podman 4.3 may keep a lock for ever then: this is for everybody else's processes.
    pub(crate) fn kill(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Podman's service at `socket`, once it answers.
pub(crate) fn service(socket: &Path) -> Process {
    let _ = std::fs::remove_file(socket);
    let address = format!("unix://{}", socket.display());
    // With a service named in its environment it would only be a client.
    let started = Command::new("podman")
        .env_remove("CONTAINER_HOST")
        .args(["system", "service", "--time=0", &address])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let service = Process(started.unwrap());
    let begun = Instant::now();
    while UnixStream::connect(socket).is_err() {
        assert!(begun.elapsed() < BOUND, "podman's service does not answer");
    }
    service
}
