//! Devfiles in git repositories: where a repository's host serves the file itself, of which a page was named. The pages of
//! GitHub, GitLab, Gitea, Forgejo and Bitbucket are known; what is no page of theirs stays as it is.

use url::Url;

/// The devfile that a page of a folder, or of a whole repository, stands for.
const DEVFILE: &str = "devfile.yaml";

/// Where the file itself is.
///
/// # Errors
/// Where `url` is a repository's own address, and which file of it is meant can't be asked by https.
pub(super) fn file(url: Url) -> Result<Url, String> {
    let path = url.path().trim_end_matches('/').to_owned();
    let on = |host: &str| url.host_str() == Some(host);
    let found = match gitlab(&path) {
        Some(raw) => Some(raw),
        None if on("github.com") => github(&path),
        None if on("gitlab.com") => repository(&path).map(|r| format!("{r}/-/raw/HEAD/{DEVFILE}")),
        None if on("bitbucket.org") => bitbucket(&path),
        None => gitea(&path),
    };
    let mut file = url;
    match found {
        Some(raw) => {
            if file.host_str() == Some("github.com") {
                // Both are domains, which can stand for each other.
                let _ = file.set_host(Some("raw.githubusercontent.com"));
            }
            file.set_path(&raw);
            Ok(file)
        }
        None if is_repository(&path) => Err(format!(
            "{file} is a whole repository; name the file in it, by its page or by the address of its raw content"
        )),
        None => Ok(file),
    }
}

/// The file itself that a page of GitHub or GitLab shows; any other address stays as it is.
pub(crate) fn raw_file(url: Url) -> Url {
    let path = url.path();
    let is_github = url.host_str() == Some("github.com") && path.split('/').nth(3) == Some("blob");
    match is_github || path.contains("/-/blob/") {
        true => file(url.clone()).unwrap_or(url),
        false => url,
    }
}

fn is_repository(path: &str) -> bool {
    path.to_ascii_lowercase().ends_with(".git")
}

/// `/OWNER/NAME` alone, with or without `.git`.
fn repository(path: &str) -> Option<&str> {
    let bare = path.strip_suffix(".git").unwrap_or(path);
    (bare.split('/').count() == 3).then_some(bare)
}

/// Of a folder, its devfile.
fn within(kind: &str, rest: &str) -> String {
    match kind {
        "tree" => format!("{rest}/{DEVFILE}"),
        _ => rest.to_owned(),
    }
}

/// Of what may be either, its devfile where it does not look like one.
fn file_or_folder(rest: &str) -> String {
    let is_yaml = [".yaml", ".yml"].iter().any(|end| rest.ends_with(end));
    within(if is_yaml { "blob" } else { "tree" }, rest)
}

/// GitLab has the same pages on any host.
fn gitlab(path: &str) -> Option<String> {
    ["blob", "tree"].into_iter().find_map(|kind| {
        let (project, rest) = path.split_once(&format!("/-/{kind}/"))?;
        Some(format!("{project}/-/raw/{}", within(kind, rest)))
    })
}

fn github(path: &str) -> Option<String> {
    let parts: Vec<&str> = path.splitn(5, '/').collect();
    match parts.as_slice() {
        ["", owner, name, kind @ ("blob" | "tree"), rest] => {
            Some(format!("/{owner}/{name}/{}", within(kind, rest)))
        }
        _ => repository(path).map(|bare| format!("{bare}/HEAD/{DEVFILE}")),
    }
}

/// Gitea and Forgejo, on any host: `/OWNER/NAME/src/branch/main/FILE`.
fn gitea(path: &str) -> Option<String> {
    let parts: Vec<&str> = path.splitn(6, '/').collect();
    match parts.as_slice() {
        ["", owner, name, "src", kind @ ("branch" | "tag" | "commit"), rest] => {
            Some(format!("/{owner}/{name}/raw/{kind}/{}", file_or_folder(rest)))
        }
        _ => None,
    }
}

fn bitbucket(path: &str) -> Option<String> {
    let parts: Vec<&str> = path.splitn(5, '/').collect();
    match parts.as_slice() {
        ["", owner, name, "src", rest] => Some(format!("/{owner}/{name}/raw/{}", file_or_folder(rest))),
        _ => repository(path).map(|bare| format!("{bare}/raw/HEAD/{DEVFILE}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Result<String, String> {
        file(Url::parse(text).unwrap()).map(|url| url.to_string())
    }

    #[test]
    fn a_page_of_a_repositorys_host_stands_for_its_file() {
        for (page, file) in [
            (
                "https://github.com/o/r/blob/main/a/b.yaml",
                "https://raw.githubusercontent.com/o/r/main/a/b.yaml",
            ),
            (
                "https://github.com/o/r/tree/main/a/",
                "https://raw.githubusercontent.com/o/r/main/a/devfile.yaml",
            ),
            (
                "https://github.com/o/r.git",
                "https://raw.githubusercontent.com/o/r/HEAD/devfile.yaml",
            ),
            (
                "https://github.com/o/r",
                "https://raw.githubusercontent.com/o/r/HEAD/devfile.yaml",
            ),
            (
                "https://git.example.org/g/s/p/-/blob/v1/b.yaml",
                "https://git.example.org/g/s/p/-/raw/v1/b.yaml",
            ),
            (
                "https://gitlab.com/o/r/",
                "https://gitlab.com/o/r/-/raw/HEAD/devfile.yaml",
            ),
            (
                "https://codeberg.org/o/r/src/branch/main/a/b.yaml",
                "https://codeberg.org/o/r/raw/branch/main/a/b.yaml",
            ),
            (
                "https://git.example.org/o/r/src/commit/abc/a",
                "https://git.example.org/o/r/raw/commit/abc/a/devfile.yaml",
            ),
            (
                "https://git.example.org/o/r/src/tag/v1",
                "https://git.example.org/o/r/raw/tag/v1/devfile.yaml",
            ),
            (
                "https://bitbucket.org/o/r/src/main/b.yml",
                "https://bitbucket.org/o/r/raw/main/b.yml",
            ),
            (
                "https://bitbucket.org/o/r.git",
                "https://bitbucket.org/o/r/raw/HEAD/devfile.yaml",
            ),
        ] {
            assert_eq!(of(page).as_deref(), Ok(file));
        }
    }

    #[test]
    fn what_is_no_page_stays_as_it_is() {
        for address in [
            "https://github.com/o/r/releases/download/v1/b.yaml",
            "https://example.org/o/r/blob/main/b.yaml",
            "https://example.org/o/r/src/b.yaml",
            "https://registry.example.org/devfiles/go/latest",
            "https://example.org/devfile.yaml?ref=main",
        ] {
            assert_eq!(of(address).as_deref(), Ok(address));
        }
    }

    #[test]
    fn a_page_that_shows_a_file_stands_for_it_and_nothing_else_does() {
        let raw = |text: &str| raw_file(Url::parse(text).unwrap()).to_string();
        assert_eq!(
            raw("https://github.com/o/r/blob/main/docker/Dockerfile"),
            "https://raw.githubusercontent.com/o/r/main/docker/Dockerfile"
        );
        assert_eq!(
            raw("https://git.example.org/o/r/-/blob/main/Dockerfile"),
            "https://git.example.org/o/r/-/raw/main/Dockerfile"
        );
        for other in [
            "https://codeberg.org/o/r/src/branch/main/blob/Containerfile",
            "https://github.com/o/r/tree/main/docker",
            "https://example.org/blob/Containerfile",
        ] {
            assert_eq!(raw(other), other);
        }
    }

    #[test]
    fn a_whole_repository_of_an_unknown_host_names_no_file() {
        for address in [
            "https://git.example.org/o/r.git",
            "https://git.example.org/r.git/",
        ] {
            let why = of(address).unwrap_err();
            assert!(why.contains("is a whole repository"), "{why}");
        }
    }
}
