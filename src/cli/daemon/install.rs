//! `wharf daemon --install`: a unit for systemd, for the user who asks.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use super::super::Context;
use super::super::error::{Error, Exit};

/// The first line of what is written here, and only here.
const OURS: &str =
    "# Written by wharf daemon --install. With this line it is written anew, without it it is left alone.\n";
/// The unit's name.
const NAME: &str = "wharf.service";

/// Where a unit goes, and who asks systemd to read it.
struct Place {
    folder: PathBuf,
    systemctl: &'static str,
    is_root: bool,
}

/// Writes the unit, and says what is left to do.
pub(super) fn install(context: &Context) -> Result<Exit, Error> {
    let place = place()?;
    let path = place.folder.join(NAME);
    match fs::read_to_string(&path) {
        Ok(text) if !text.starts_with(OURS) => {
            return Err(
                Error::new(format!("{} is there already, and not from here", path.display()))
                    .hint("Remove or rename it first."),
            );
        }
        Ok(_) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(unwritten(&path, &error)),
    }
    let program = std::env::current_exe()?.display().to_string();
    // The same arguments in the same directory mean the same.
    let arguments = std::env::args()
        .skip(1)
        .filter(|argument| argument != "--install");
    let command: Vec<String> = [program]
        .into_iter()
        .chain(arguments)
        .map(|a| quoted(&a))
        .collect();
    let directory = std::env::current_dir()?.display().to_string();
    let text = unit(&command.join(" "), &directory, place.is_root);
    fs::create_dir_all(&place.folder).map_err(|e| unwritten(&place.folder, &e))?;
    fs::write(&path, text).map_err(|e| unwritten(&path, &e))?;
    let systemctl = place.systemctl;
    let mut next = format!(
        "{} is written. It runs from now on and after each boot with:\n\n  {systemctl} daemon-reload\n  {systemctl} enable --now wharf",
        path.display()
    );
    if !place.is_root {
        next.push_str("\n  loginctl enable-linger    # also while nobody is logged in");
    }
    context.out.say(&next);
    Ok(Exit::Success)
}

fn unwritten(path: &Path, error: &std::io::Error) -> Error {
    Error::new(format!("{} can't be written: {error}", path.display()))
}

fn place() -> Result<Place, Error> {
    if rustix::process::getuid().is_root() {
        return Ok(Place {
            folder: "/etc/systemd/system".into(),
            systemctl: "systemctl",
            is_root: true,
        });
    }
    let below = |name: &str| {
        std::env::var_os(name)
            .filter(|dir| !dir.is_empty())
            .map(PathBuf::from)
    };
    let configuration = below("XDG_CONFIG_HOME").or_else(|| Some(below("HOME")?.join(".config")));
    let configuration = configuration.ok_or_else(|| Error::new("neither HOME nor XDG_CONFIG_HOME is set"))?;
    Ok(Place {
        folder: configuration.join("systemd/user"),
        systemctl: "systemctl --user",
        is_root: false,
    })
}

/// An argument as systemd reads it back.
fn quoted(argument: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-:=,@+".contains(c);
    if !argument.is_empty() && argument.chars().all(plain) {
        return argument.to_owned();
    }
    let mut text = "\"".to_owned();
    for c in argument.chars() {
        match c {
            '"' | '\\' => text.extend(['\\', c]),
            '%' | '$' => text.extend([c, c]),
            '\n' => text.push_str("\\n"),
            other => text.push(other),
        }
    }
    text.push('"');
    text
}

/// The sandbox of a daemon that runs as root. It enters containers' network namespaces, moves data below Podman's folder
/// when a workspace is renamed or handed over, and writes its sockets, locks and records.
const SANDBOX: &str = "\
RuntimeDirectory=wharf
RuntimeDirectoryMode=0700
RuntimeDirectoryPreserve=yes
StateDirectory=wharf
StateDirectoryMode=0700
ProtectSystem=strict
ReadWritePaths=-/var/lib/containers
ProtectHome=read-only
PrivateTmp=yes
PrivateDevices=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
NoNewPrivileges=yes
CapabilityBoundingSet=CAP_CHOWN CAP_DAC_OVERRIDE CAP_DAC_READ_SEARCH CAP_FOWNER CAP_FSETID CAP_SYS_ADMIN CAP_SYS_PTRACE
LockPersonality=yes
MemoryDenyWriteExecute=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
RestrictRealtime=yes
SystemCallArchitectures=native
SystemCallFilter=~@clock @cpu-emulation @module @obsolete @raw-io @reboot @swap
";

fn unit(command: &str, directory: &str, is_root: bool) -> String {
    let (after, target) = match is_root {
        true => ("podman.socket network-online.target", "multi-user.target"),
        false => ("podman.socket", "default.target"),
    };
    let mut text = OURS.to_owned();
    let _ = write!(
        text,
        "[Unit]\nDescription=wharf, development workspaces from git\nWants={after}\nAfter={after}\n\n\
         [Service]\nType=notify\nWorkingDirectory={}\nExecStart={command}\nExecReload=kill -HUP $MAINPID\nRestart=on-failure\nRestartSec=5\n\
         WatchdogSec=60\nTimeoutStartSec=20min\nTimeoutStopSec=120\nUMask=0077\n",
        directory.replace('%', "%%")
    );
    if is_root {
        text.push_str(SANDBOX);
    } else {
        // Reaching a workspace's ports takes newuidmap, which a sandbox of an ordinary user's would keep from its rights.
        text.push_str("LimitCORE=0\n");
    }
    let _ = write!(text, "\n[Install]\nWantedBy={target}\n");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_reach_the_daemon_as_they_are() {
        for (argument, text) in [
            ("/srv/wharf/config.git", "/srv/wharf/config.git"),
            ("a b", "\"a b\""),
            ("50%", "\"50%%\""),
            ("$HOME", "\"$$HOME\""),
            ("say \"hi\"\\", "\"say \\\"hi\\\"\\\\\""),
            ("", "\"\""),
        ] {
            assert_eq!(quoted(argument), text);
        }
    }

    #[test]
    fn only_root_has_a_sandbox() {
        let root = unit("/usr/local/bin/wharf daemon /srv/c.git", "/srv/50%", true);
        assert!(root.starts_with(OURS) && root.contains("\nProtectSystem=strict\n"));
        assert!(root.contains("\nWorkingDirectory=/srv/50%%\n"));
        assert!(root.contains("\nExecStart=/usr/local/bin/wharf daemon /srv/c.git\n"));
        assert!(root.ends_with("\n[Install]\nWantedBy=multi-user.target\n"));
        let user = unit("wharf daemon", "/", false);
        assert!(
            !user.contains("NoNewPrivileges") && user.ends_with("\n[Install]\nWantedBy=default.target\n")
        );
        assert!(user.contains("\nAfter=podman.socket\n"));
    }
}
