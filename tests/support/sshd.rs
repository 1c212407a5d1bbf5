//! A server of ssh on loopback: OpenSSH's own, with keys and settings in a directory of the test.

use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Command, Stdio};

/// The server; it answers until the test's process ends.
pub(crate) struct Sshd {
    port: u16,
}

/// Makes a key; its public half.
pub(crate) fn key(file: &Path) -> String {
    let made = Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-C", "test", "-f"])
        .arg(file)
        .status();
    assert!(made.unwrap().success());
    std::fs::read_to_string(file.with_extension("pub"))
        .unwrap()
        .trim()
        .to_owned()
}

impl Sshd {
    /// Lets in whoever has a key of `authorized`; its host key is the file `host`.
    pub(crate) fn serve(dir: &Path, host: &Path, authorized: &str) -> Self {
        let keys = dir.join("authorized_keys");
        std::fs::write(&keys, authorized).unwrap();
        let config = dir.join("sshd_config");
        let text = format!(
            "HostKey {}\nAuthorizedKeysFile {}\nStrictModes no\nUsePAM no\nPidFile none\nPasswordAuthentication no\n\
             KbdInteractiveAuthentication no\nPermitRootLogin prohibit-password\nAcceptEnv GIT_PROTOCOL\nLogLevel QUIET\n",
            host.display(),
            keys.display()
        );
        std::fs::write(&config, text).unwrap();
        if rustix::process::getuid().is_root() {
            // Where no service has ever been started, its directory is missing.
            std::fs::create_dir_all("/run/sshd").unwrap();
        }
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (input, output): (OwnedFd, OwnedFd) = (stream.try_clone().unwrap().into(), stream.into());
                let mut server = Command::new("/usr/sbin/sshd");
                server.arg("-i").arg("-f").arg(&config);
                server
                    .stdin(Stdio::from(input))
                    .stdout(Stdio::from(output))
                    .stderr(Stdio::null());
                let mut server = server.spawn().expect("openssh-server is installed");
                std::thread::spawn(move || server.wait());
            }
        });
        Self { port }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// The address of a path for the user who runs the test.
    pub(crate) fn url(&self, path: &Path) -> String {
        let user = Command::new("id").arg("-un").output().unwrap();
        let user = String::from_utf8(user.stdout).unwrap();
        format!("ssh://{}@127.0.0.1:{}{}", user.trim(), self.port, path.display())
    }

    /// The line of `known_hosts` for a public key.
    pub(crate) fn known(&self, public: &str) -> String {
        format!("[127.0.0.1]:{} {public}\n", self.port)
    }
}
