//! What `podman login` or `docker login` left for a registry.

use std::ffi::OsString;
use std::fs::File;
use std::io::BufReader;
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use docker_credential::{CredentialRetrievalError, DockerCredential, get_credential_from_reader};

/// How to ask a registry.
pub(super) enum Login {
    /// As anybody.
    None,
    /// By a name and a password, as the header `Authorization` has them.
    Basic(String),
    /// By a token that others are given out for.
    Refresh(String),
}

/// The login for a registry, and why there may be another that can't be had.
pub(super) async fn find(registry: String) -> (Login, Option<String>) {
    // The files may name a program to ask, which takes the time that it takes.
    let found = tokio::task::spawn_blocking(move || {
        let files = files(&|name| std::env::var_os(name), rustix::process::getuid().as_raw());
        first(files, &registry)
    });
    found.await.unwrap_or((Login::None, None))
}

/// The files that hold logins, the first that has one counts. As containers-auth.json(5) has it, with docker's after
/// podman's.
fn files(variable: &dyn Fn(&str) -> Option<OsString>, uid: u32) -> Vec<PathBuf> {
    let path = |name: &str| {
        variable(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    if let Some(file) = path("REGISTRY_AUTH_FILE") {
        return vec![file];
    }
    let below_home = |below: &str| path("HOME").map(|home| home.join(below));
    // Sessions have a directory of their own; root's services, for one, have not.
    let runtime = path("XDG_RUNTIME_DIR").map(|dir| dir.join("containers"));
    let podman = [
        Some(runtime.unwrap_or_else(|| PathBuf::from(format!("/run/containers/{uid}")))),
        path("XDG_CONFIG_HOME")
            .or_else(|| below_home(".config"))
            .map(|dir| dir.join("containers")),
    ];
    let podman = podman.into_iter().flatten().map(|dir| dir.join("auth.json"));
    let docker = path("DOCKER_CONFIG").or_else(|| below_home(".docker"));
    podman.chain(docker.map(|dir| dir.join("config.json"))).collect()
}

fn first(files: Vec<PathBuf>, registry: &str) -> (Login, Option<String>) {
    let mut problem = None;
    for path in files {
        let Ok(file) = File::open(&path) else {
            continue; // most of them are not there
        };
        match get_credential_from_reader(BufReader::new(file), registry) {
            Ok(DockerCredential::UsernamePassword(user, password)) => {
                let basic = format!("Basic {}", STANDARD.encode(format!("{user}:{password}")));
                return (Login::Basic(basic), None);
            }
            Ok(DockerCredential::IdentityToken(token)) => return (Login::Refresh(token), None),
            Err(error) if is_none(&error) => {}
            Err(error) => {
                let why = format!("the login in {} can't be had: {}", path.display(), why(&error));
                problem.get_or_insert(why);
            }
        }
    }
    (Login::None, problem)
}

/// Whether there is simply no login. Programs that keep logins say so by these words.
fn is_none(error: &CredentialRetrievalError) -> bool {
    match error {
        CredentialRetrievalError::NoCredentialConfigured => true,
        CredentialRetrievalError::HelperFailure { stdout, stderr, .. } => [stdout, stderr]
            .iter()
            .any(|text| text.contains("credentials not found")),
        CredentialRetrievalError::HelperCommunicationError
        | CredentialRetrievalError::MalformedHelperResponse
        | CredentialRetrievalError::CredentialDecodingError
        | CredentialRetrievalError::CredentialMismatchError
        | CredentialRetrievalError::ConfigNotFound
        | CredentialRetrievalError::ConfigReadError => false,
    }
}

/// Without what a program wrote: it deals with passwords.
fn why(error: &CredentialRetrievalError) -> String {
    match error {
        CredentialRetrievalError::HelperFailure { helper, .. } => format!("{helper} failed"),
        CredentialRetrievalError::HelperCommunicationError
        | CredentialRetrievalError::MalformedHelperResponse
        | CredentialRetrievalError::CredentialDecodingError
        | CredentialRetrievalError::CredentialMismatchError
        | CredentialRetrievalError::NoCredentialConfigured
        | CredentialRetrievalError::ConfigNotFound
        | CredentialRetrievalError::ConfigReadError => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(environment: &[(&str, &str)]) -> Vec<String> {
        let variable = |name: &str| {
            let found = environment.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| OsString::from(value))
        };
        let paths = files(&variable, 0);
        paths.iter().map(|path| path.display().to_string()).collect()
    }

    #[test]
    fn logins_are_looked_for_where_podman_and_docker_put_them() {
        assert_eq!(found(&[]), ["/run/containers/0/auth.json"]);
        assert_eq!(
            found(&[("XDG_RUNTIME_DIR", "/run/user/7"), ("HOME", "/home/a")]),
            [
                "/run/user/7/containers/auth.json",
                "/home/a/.config/containers/auth.json",
                "/home/a/.docker/config.json",
            ]
        );
        assert_eq!(
            found(&[("REGISTRY_AUTH_FILE", "/x"), ("HOME", "/home/a")]),
            ["/x"]
        );
    }

    #[test]
    fn the_first_file_that_has_a_login_counts_and_a_broken_one_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = dir.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let broken = write("broken.json", "{");
        let other = write("other.json", r#"{"auths": {"quay.io": {"auth": "YTpi"}}}"#);
        let token = write("token.json", r#"{"auths": {"x.org": {"identitytoken": "t"}}}"#);
        let all = || {
            vec![
                dir.path().join("gone.json"),
                broken.clone(),
                other.clone(),
                token.clone(),
            ]
        };
        let (login, problem) = first(all(), "quay.io");
        assert!(matches!(login, Login::Basic(basic) if basic == "Basic YTpi"));
        assert_eq!(problem, None);
        let (login, _) = first(all(), "x.org");
        assert!(matches!(login, Login::Refresh(token) if token == "t"));
        let (login, problem) = first(all(), "y.org");
        assert!(matches!(login, Login::None));
        assert!(problem.unwrap().contains("broken.json can't be had"));
    }
}
