//! `wharf init`.

use std::path::{Path, PathBuf};

use super::Context;
use super::error::{Error, Exit};
use crate::model::Name;

/// Write a new configuration repository
///
/// Writes a Site, a user, two classes, a workspace and its devfile into DIR, which must be empty or missing. What is
/// written validates; change it to what you need.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The directory
    #[arg(value_name = "DIR")]
    dir: PathBuf,
    /// The site's name; the directory's where that is a name
    #[arg(long, value_name = "NAME")]
    site: Option<Name>,
    /// The first user's name
    #[arg(long, value_name = "NAME", default_value = "alice")]
    user: Name,
}

/// The files, by path; `SITE` and `USER` stand for the names.
const FILES: [(&str, &str); 7] = [
    ("wharf.yaml", include_str!("init/wharf.yaml")),
    ("classes.yaml", include_str!("init/classes.yaml")),
    ("users.yaml", include_str!("init/users.yaml")),
    ("workspaces.yaml", include_str!("init/workspaces.yaml")),
    ("devfiles/python.yaml", include_str!("init/python.yaml")),
    ("README.md", include_str!("init/README.md")),
    (".gitignore", "*.plan\n"),
];

pub(super) fn run(context: &Context, args: &Args) -> Result<Exit, Error> {
    let dir = context.dir.join(&args.dir);
    let failed = |error: std::io::Error| Error::new(format!("{} can't be written: {error}", dir.display()));
    if dir.is_dir() && std::fs::read_dir(&dir).map_err(failed)?.next().is_some() {
        return Err(Error::new(format!("{} is not empty", args.dir.display()))
            .hint("Name a directory that is empty or not there."));
    }
    let site = args
        .site
        .as_ref()
        .map_or_else(|| site_name(&dir), Name::to_string);
    for (path, text) in FILES {
        let file = dir.join(path);
        let folder = file.parent().unwrap_or(&dir);
        std::fs::create_dir_all(folder).map_err(failed)?;
        let text = text.replace("SITE", &site).replace("USER", args.user.as_str());
        std::fs::write(&file, text).map_err(failed)?;
    }
    context.out.say(&format!(
        "Wrote a configuration repository to {0}. Next:\n  cd {0} && git init && git add . && git commit -m 'First \
         workspaces'\n  wharf plan",
        args.dir.display()
    ));
    Ok(Exit::Success)
}

/// The directory's name, where it is one.
fn site_name(dir: &Path) -> String {
    let absolute = std::path::absolute(dir).unwrap_or_else(|_| dir.to_owned());
    absolute
        .file_name()
        .and_then(|name| name.to_str())
        .and_then(|name| name.parse::<Name>().ok())
        .map_or_else(|| "lab".to_owned(), |name| name.to_string())
}
