//! The address of a git repository elsewhere, judged by its form alone: what git would run as a program, or read as an
//! option, is none.

use std::fmt;
use std::str::FromStr;

use url::Url;

/// How a repository is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// Protected by TLS.
    Https,
    /// By the `ssh` program.
    Ssh,
    /// A repository on this machine.
    File,
}

/// The address of a repository: `https://`, `ssh://`, `USER@HOST:PATH` or `file:///`. It holds no password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    text: String,
    transport: Transport,
}

/// Why a text is no such address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OriginError {
    /// It has none of the forms.
    #[error("expected https://HOST/PATH, ssh://USER@HOST/PATH, USER@HOST:PATH or file:///PATH")]
    Form,
    /// It has a password in it, which would stand in logs and arguments.
    #[error("an address holds no password; --credentials names a file with it")]
    Password,
    /// Another way to speak to a repository.
    #[error("{0}:// is not spoken; use https, ssh or file")]
    Scheme(String),
}

impl Origin {
    /// Whether a text is meant as an address, right or wrong, rather than as a directory.
    #[must_use]
    pub fn is_meant(text: &str) -> bool {
        let before_path = text.split('/').next().unwrap_or_default();
        text.contains("://") || before_path.contains(':')
    }

    /// How it is spoken to.
    #[must_use]
    pub fn transport(&self) -> Transport {
        self.transport
    }

    /// As it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for Origin {
    type Err = OriginError;

    fn from_str(text: &str) -> Result<Self, OriginError> {
        if text.starts_with('-') || text.contains(|c: char| c.is_whitespace() || c.is_control()) {
            return Err(OriginError::Form);
        }
        let transport = match text.split_once("://") {
            Some(("https", _)) => web(text)?,
            Some(("ssh", rest)) => {
                let (host, path) = rest.split_once('/').ok_or(OriginError::Form)?;
                ssh(host, path)?
            }
            Some(("file", path)) if path.len() > 1 && path.starts_with('/') => Transport::File,
            Some(("file", _)) => return Err(OriginError::Form),
            Some((scheme, _)) => return Err(OriginError::Scheme(scheme.to_owned())),
            None => {
                // `name::` would run the program git-remote-name.
                let (host, path) = text.split_once(':').ok_or(OriginError::Form)?;
                if host.contains('/') || path.starts_with(':') {
                    return Err(OriginError::Form);
                }
                // USER:PASSWORD@HOST:PATH: the password would be part of the path.
                if path.split_once('@').is_some_and(|(_, rest)| rest.contains(':')) {
                    return Err(OriginError::Password);
                }
                ssh(host, path)?
            }
        };
        Ok(Self {
            text: text.to_owned(),
            transport,
        })
    }
}

fn web(text: &str) -> Result<Transport, OriginError> {
    let url = Url::parse(text).map_err(|_| OriginError::Form)?;
    if url.password().is_some() {
        return Err(OriginError::Password);
    }
    let whole = url.query().is_none() && url.fragment().is_none() && url.path().len() > 1;
    let named = url.host_str().is_some_and(|host| !host.is_empty());
    if whole && named {
        Ok(Transport::Https)
    } else {
        Err(OriginError::Form)
    }
}

/// `host` is `[USER@]HOST[:PORT]`; neither it nor the user may look like an option of ssh, nor the path like one of git.
fn ssh(host: &str, path: &str) -> Result<Transport, OriginError> {
    let (user, host) = host
        .rsplit_once('@')
        .map_or((None, host), |(user, host)| (Some(user), host));
    if user.is_some_and(|user| user.contains(':')) {
        return Err(OriginError::Password);
    }
    let word = |text: &str, also: &str| {
        let fine = |c: char| c.is_ascii_alphanumeric() || also.contains(c);
        !text.is_empty() && !text.starts_with('-') && text.chars().all(fine)
    };
    let sound = user.is_none_or(|user| word(user, "._-+")) && word(host, "._-:[]");
    if sound && !path.is_empty() && !path.starts_with('-') {
        Ok(Transport::Ssh)
    } else {
        Err(OriginError::Form)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_one_of_four_forms() {
        for (text, transport) in [
            ("https://git.example.org/team/config.git", Transport::Https),
            ("https://bot@git.example.org:8443/config", Transport::Https),
            ("ssh://git@git.example.org:2222/config.git", Transport::Ssh),
            ("ssh://[::1]:22/srv/config.git", Transport::Ssh),
            ("git@git.example.org:team/config.git", Transport::Ssh),
            ("host:/srv/config.git", Transport::Ssh),
            ("file:///srv/config.git", Transport::File),
        ] {
            let origin: Origin = text.parse().unwrap();
            assert_eq!((origin.transport(), origin.as_str()), (transport, text));
            assert!(Origin::is_meant(text));
        }
    }

    #[test]
    fn what_would_be_run_or_read_as_an_option_is_no_address() {
        for text in [
            "",
            "-oProxyCommand=id:x",
            "ext::sh -c id",
            "ext::id",
            "ssh://-oProxyCommand=id/x",
            "ssh://-l@host/x",
            "ssh://git@-oProxyCommand=id/x",
            "-l@host:x",
            "host:-x",
            "host:",
            "ssh://host",
            "ssh://host/",
            "https://git.example.org",
            "https://git.example.org/",
            "https:///x",
            "https://git.example.org/x?y=z",
            "https://git.example.org/a b",
            "git@ho$t:x",
            "host:a\nb",
            "file://host/x",
            "file:///",
            "file://",
            "/srv/config.git",
        ] {
            assert_eq!(text.parse::<Origin>(), Err(OriginError::Form), "{text}");
        }
        for text in ["http://h/x", "git://h/x", "ext://h/x", "rsync://h/x"] {
            let error = text.parse::<Origin>().unwrap_err();
            assert!(matches!(error, OriginError::Scheme(_)), "{text}");
        }
        for text in ["https://bot:s3cret@h/x", "ssh://bot:s3cret@h/x", "bot:s3cret@h:x"] {
            let error = text.parse::<Origin>().unwrap_err();
            assert!(!error.to_string().contains("s3cret"), "{text}: {error}");
        }
        assert!(!Origin::is_meant("configs/lab") && !Origin::is_meant("./a:b"));
    }
}
