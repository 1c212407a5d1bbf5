//! A real image registry on loopback, for as long as a test needs it.

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use super::client::{podman, try_podman};

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
        let config = data.path().join("config.yml");
        let text = format!(
            "version: 0.1\nlog: {{level: info}}\nstorage: {{filesystem: {{rootdirectory: {}}}}}\nhttp: {{addr: '127.0.0.1:0'}}\n",
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
        // It takes a free port and says which.
        let address = log
            .by_ref()
            .map_while(Result::ok)
            .find_map(|line| {
                Some(
                    line.split_once("listening on ")?
                        .1
                        .split(['"', ' ', ','])
                        .next()?
                        .to_owned(),
                )
            })
            .expect("the registry says where it listens");
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
        // What was pulled has no label of a test's, so that nothing else would remove it.
        let format = "{{.Repository}}@{{.Digest}}";
        let pulled = try_podman(&["images", "--format", format]).unwrap_or_default();
        for name in pulled.lines().filter(|name| name.starts_with(&self.image(""))) {
            let _ = try_podman(&["rmi", "--force", name]);
        }
    }
}
