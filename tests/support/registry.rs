//! A real image registry on loopback, for as long as a test needs it.

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use super::client::podman;

/// The program that `scripts/registry` brings, unless the environment names another.
fn program() -> PathBuf {
    if let Some(program) = std::env::var_os("WHARF_TEST_REGISTRY") {
        return program.into();
    }
    let root = env!("CARGO_MANIFEST_DIR");
    let output = Command::new(format!("{root}/scripts/registry")).output().unwrap();
    assert!(output.status.success(), "scripts/registry brings the registry");
    String::from_utf8(output.stdout).unwrap().trim().into()
}

/// The registry; it ends, and what was pulled from it goes, when this is dropped.
pub(crate) struct Registry {
    process: Child,
    address: String,
    _data: tempfile::TempDir,
}

impl Registry {
    pub(crate) fn new() -> Self {
        let data = tempfile::tempdir().unwrap();
        // Free a moment ago; nothing else here takes ports at random.
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let address = format!("127.0.0.1:{port}");
        let config = data.path().join("config.yml");
        let text = format!(
            "version: 0.1\nlog: {{level: info}}\nstorage: {{filesystem: {{rootdirectory: {}}}}}\nhttp: {{addr: '{address}'}}\n",
            data.path().display()
        );
        std::fs::write(&config, text).unwrap();
        let mut process = Command::new(program())
            .arg("serve")
            .arg(&config)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut log = BufReader::new(process.stderr.take().unwrap()).lines();
        let ready = log
            .by_ref()
            .any(|line| line.is_ok_and(|line| line.contains("listening on")));
        assert!(ready, "the registry listens at {address}");
        // Read on, or it would wait for somebody who does.
        std::thread::spawn(move || log.count());
        Self {
            process,
            address,
            _data: data,
        }
    }

    /// The reference of an image here.
    pub(crate) fn image(&self, name: &str) -> String {
        format!("{}/{name}", self.address)
    }

    /// Pushes a local image under a name, which stays only here.
    pub(crate) fn push(&self, local: &str, name: &str) {
        let there = format!("docker://{}", self.image(name));
        podman(&["push", "--quiet", "--tls-verify=false", local, &there]);
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        // It has no state that anybody needs.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
