//! Where the engine is: the Site's `engine`, else `CONTAINER_HOST`, else Podman's socket of root or of this user, in
//! the order in which the podman client looks.

#![allow(clippy::disallowed_methods)] // CONTAINER_HOST and XDG_RUNTIME_DIR are read here, once

use std::path::PathBuf;

/// An engine's address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// Podman's API socket on this machine.
    Unix(PathBuf),
    /// A simulated engine that keeps its objects in this file.
    Simulated(PathBuf),
}

/// An address that wharf can't use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("engine address {0:?} is neither unix:///PATH nor simulated:///PATH")]
pub struct AddressError(pub String);

/// What the environment says; an input, so that finding the engine stays testable.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    /// `CONTAINER_HOST`.
    pub container_host: Option<String>,
    /// `XDG_RUNTIME_DIR`.
    pub runtime_dir: Option<PathBuf>,
    /// The user's id.
    pub uid: u32,
}

impl Environment {
    /// This process's.
    #[must_use]
    pub fn of_process() -> Self {
        Self {
            container_host: std::env::var("CONTAINER_HOST").ok().filter(|v| !v.is_empty()),
            runtime_dir: std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from),
            uid: rustix::process::getuid().as_raw(),
        }
    }
}

/// Finds the engine.
///
/// # Errors
/// An address in a form that wharf doesn't speak.
pub fn find(site: Option<&str>, environment: &Environment) -> Result<Address, AddressError> {
    if let Some(address) = site.or(environment.container_host.as_deref()) {
        return parse(address);
    }
    if environment.uid == 0 {
        return Ok(Address::Unix("/run/podman/podman.sock".into()));
    }
    let runtime = environment
        .runtime_dir
        .clone()
        .unwrap_or_else(|| format!("/run/user/{}", environment.uid).into());
    Ok(Address::Unix(runtime.join("podman/podman.sock")))
}

fn parse(address: &str) -> Result<Address, AddressError> {
    let path = |rest: &str| rest.starts_with('/').then(|| PathBuf::from(rest));
    let unix = address.strip_prefix("unix://").and_then(path).map(Address::Unix);
    let simulated = || {
        address
            .strip_prefix("simulated://")
            .and_then(path)
            .map(Address::Simulated)
    };
    unix.or_else(simulated)
        .ok_or_else(|| AddressError(address.to_owned()))
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix://{}", path.display()),
            Self::Simulated(path) => write!(f, "simulated://{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_site_comes_before_the_environment_and_that_before_the_default() {
        let mut environment = Environment {
            container_host: Some("unix:///env.sock".into()),
            ..Environment::default()
        };
        assert_eq!(
            find(Some("unix:///site.sock"), &environment),
            Ok(Address::Unix("/site.sock".into()))
        );
        assert_eq!(find(None, &environment), Ok(Address::Unix("/env.sock".into())));
        environment.container_host = None;
        assert_eq!(
            find(None, &environment),
            Ok(Address::Unix("/run/podman/podman.sock".into()))
        );
        environment.uid = 1000;
        assert_eq!(
            find(None, &environment),
            Ok(Address::Unix("/run/user/1000/podman/podman.sock".into()))
        );
        environment.runtime_dir = Some("/run/me".into());
        assert_eq!(
            find(None, &environment),
            Ok(Address::Unix("/run/me/podman/podman.sock".into()))
        );
    }

    #[test]
    fn an_address_of_another_form_is_refused() {
        for bad in ["tcp://h:1", "unix://relative", "/run/x.sock", ""] {
            assert!(find(Some(bad), &Environment::default()).is_err(), "{bad}");
        }
    }
}
