//! Files that hold secrets: they are read only where nobody else can read them, and what they hold is never shown.

use std::fs::{self, File};
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use gix::bstr::ByteSlice as _;

/// The largest file of logins, in bytes.
const MOST: u64 = 1 << 20;

/// Whether a file is for this user's eyes alone.
///
/// # Errors
/// Why it is not; the text names the file.
pub fn check(path: &Path) -> Result<(), String> {
    let shown = path.display();
    let found = fs::metadata(path).map_err(|e| format!("{shown} can't be read: {e}"))?;
    if !found.is_file() {
        return Err(format!("{shown} is no file"));
    }
    let own = rustix::process::geteuid().as_raw();
    if found.uid() != own && found.uid() != 0 {
        return Err(format!("{shown} belongs to another user; chown it"));
    }
    if found.mode() & 0o077 != 0 {
        let mode = found.mode() & 0o777;
        return Err(format!(
            "{shown} can be read by others (mode {mode:03o}); chmod 600 {shown}"
        ));
    }
    Ok(())
}

/// A login: who, and the password or token.
pub(super) type Login = (String, String);

/// The login for `url` in a file as git's own store of credentials keeps it: each line `https://USER:PASSWORD@HOST`, percent
/// signs where they are needed.
pub(super) fn login(path: &Path, url: &gix::Url) -> Result<Login, String> {
    check(path)?;
    let shown = path.display();
    let mut text = String::new();
    let read = File::open(path).and_then(|file| file.take(MOST).read_to_string(&mut text));
    read.map_err(|e| format!("{shown} can't be read: {e}"))?;
    let lines = text.lines().map(str::trim);
    let entries = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    for (number, line) in entries.enumerate() {
        // What is wrong is not said: an error would show the line.
        let entry = gix::url::parse(line.as_bytes().as_bstr()).ok();
        let Some(entry) = entry.filter(is_login) else {
            return Err(format!(
                "{shown}: login {} is not of the form https://USER:PASSWORD@HOST",
                number + 1
            ));
        };
        if let Some(login) = fits(&entry, url) {
            return Ok(login);
        }
    }
    let host = url.host().unwrap_or_default();
    Err(format!("{shown} holds no login for {host}"))
}

fn is_login(entry: &gix::Url) -> bool {
    entry.scheme == gix::url::Scheme::Https && entry.user().is_some() && entry.password().is_some()
}

fn fits(entry: &gix::Url, url: &gix::Url) -> Option<Login> {
    let port = |url: &gix::Url| url.port_or_default();
    let path = |url: &gix::Url| url.path.to_str_lossy().trim_matches('/').to_owned();
    let same = entry.scheme == url.scheme && entry.host() == url.host() && port(entry) == port(url);
    let everywhere = path(entry).is_empty() || path(entry) == path(url);
    let (user, password) = (entry.user()?, entry.password()?);
    let whoever = url.user().is_none_or(|wanted| wanted == user);
    (same && everywhere && whoever).then(|| (user.to_owned(), password.to_owned()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn file(text: &str, mode: u32) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), text).unwrap();
        fs::set_permissions(file.path(), fs::Permissions::from_mode(mode)).unwrap();
        file
    }

    fn asked(text: &str, url: &str) -> Result<Login, String> {
        let file = file(text, 0o600);
        login(file.path(), &gix::url::parse(url.as_bytes().as_bstr()).unwrap())
    }

    #[test]
    fn a_login_is_given_to_its_own_host_alone() {
        let text =
            "# of the team\nhttps://other:no@elsewhere.example.org\nhttps://bot:t%40ken@git.example.org\n";
        let login = ("bot".to_owned(), "t@ken".to_owned());
        assert_eq!(asked(text, "https://git.example.org/team/x"), Ok(login.clone()));
        assert_eq!(asked(text, "https://bot@git.example.org:443/x"), Ok(login));
        for url in [
            "https://git.example.org:8443/x",
            "https://else@git.example.org/x",
            "https://git.example.org.evil.example/x",
            "http://git.example.org/x",
        ] {
            let why = asked(text, url).unwrap_err();
            assert!(
                why.contains("holds no login for") && !why.contains("ken"),
                "{why}"
            );
        }
        let one = "https://bot:word@git.example.org/team/x";
        assert!(asked(one, "https://git.example.org/team/x").is_ok());
        assert!(asked(one, "https://git.example.org/team/y").is_err());
    }

    #[test]
    fn what_others_can_read_is_refused_and_nothing_of_it_is_shown() {
        for mode in [0o640, 0o604, 0o644, 0o660] {
            let file = file("https://bot:word@h", mode);
            let why = check(file.path()).unwrap_err();
            assert!(why.contains("chmod 600") && !why.contains("word"), "{why}");
        }
        let broken = asked("word\n", "https://h/x").unwrap_err();
        assert!(broken.contains("login 1") && !broken.contains("word"), "{broken}");
        assert!(check(Path::new("/nowhere/at/all")).is_err());
        assert!(check(Path::new("/")).unwrap_err().contains("is no file"));
    }
}
