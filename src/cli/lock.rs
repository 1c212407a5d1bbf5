//! `wharf lock`.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use url::Host;

use super::Context;
use super::configuration::{self, Elsewhere};
use super::error::{Error, Exit};
use super::output::plural;
use crate::document::Diagnostics;
use crate::lock::{self, FILE, FOLDER, Lock, is_content};
use crate::source::registry;

/// Pin what the repository uses from elsewhere
///
/// Fetches every devfile that others import and that the repository does not hold, and what images are built from that is
/// elsewhere; asks registries for the digests of images; and writes it down: digests into wharf.lock, what was fetched below
/// .wharf. Commit them. Plans use what is locked; plan --locked fails where something is not, and plan --locked --offline
/// asks nobody.
///
/// What is locked stays as it is; --update asks again. Images without a registry in their name, images of localhost and
/// those that Containerfiles start from are not locked.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The configuration repository
    #[arg(value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Ask again for what is locked already
    #[arg(long)]
    update: bool,
}

pub(super) async fn run(context: &Context, args: &Args) -> Result<Exit, Error> {
    let dir = context.directory(args.dir.as_ref());
    configuration::expect_site(&dir)?;
    let mut before = Lock::default();
    let choose = |lock: Lock, found: Diagnostics| {
        before = lock.clone();
        if args.update {
            (Lock::default(), Diagnostics::default()) // it is written anew, whatever is wrong with it
        } else {
            (lock, found)
        }
    };
    let reading = configuration::read_to_lock(&dir, choose).await?;
    let (configuration, elsewhere) = configuration::accepted(context, reading, "locked")?;
    let policy = &configuration.manifests.site.spec.policy;
    let private: Vec<Host> = policy.private_hosts.iter().map(|h| h.value.clone()).collect();
    let lock = complete(context, elsewhere, &private).await?;
    write(&dir, &lock)?;
    let counts @ [devfiles, builds, images] = lock.counts();
    let builds = match builds {
        0 => String::new(),
        n => format!(", {}", plural(n, "build")),
    };
    let what = format!(
        "{}{builds} and {}",
        plural(devfiles, "devfile"),
        plural(images, "image")
    );
    context.out.say(&match lock == before {
        true if counts == [0; 3] => "Nothing is used from elsewhere; there is nothing to lock.".to_owned(),
        true => format!("{what}, locked as they were."),
        false => format!("Locked {what}; commit {FILE} and {FOLDER}."),
    });
    Ok(Exit::Success)
}

/// The lock with everything that is needed and nothing else.
async fn complete(context: &Context, elsewhere: Elsewhere, private: &[Host]) -> Result<Lock, Error> {
    let Elsewhere {
        mut lock,
        needed,
        fetched,
        builds,
    } = elsewhere;
    for (url, content) in fetched {
        // What can't be had was an error before.
        if let Ok(content) = content {
            lock.insert_devfile(url, content);
        }
    }
    for (source, content) in builds {
        if let Ok(content) = content {
            lock.insert_build(source, content);
        }
    }
    lock.retain(&needed);
    let missing = needed
        .images
        .into_iter()
        .filter(|image| lock.image(image).is_none());
    let mut failed = 0;
    for (image, digest) in registry::digests(missing.collect(), private).await {
        let inserted = digest.and_then(|digest| lock.insert_image(image.clone(), digest));
        if let Err(why) = inserted {
            failed += 1;
            context
                .out
                .error(&format!("the image {image} can't be locked: {why}"), None);
        }
    }
    match failed {
        0 => Ok(lock),
        n => Err(
            Error::new(format!("{} can't be had; nothing was locked", plural(n, "image"))).hint(
                "podman login REGISTRY lets wharf ask as you; imageMap can put a mirror in an image's place.",
            ),
        ),
    }
}

/// Contents first and the lock last, so that what it names is there.
fn write(dir: &Path, lock: &Lock) -> Result<(), Error> {
    let files = lock.files();
    expect_no_link(dir)?;
    for (path, content) in files.iter().filter(|(path, _)| *path != FILE) {
        let file = dir.join(path);
        let folder = file.parent().unwrap_or(dir);
        if !(is_regular(&file) && fs::read(&file).is_ok_and(|there| there == **content)) {
            fs::create_dir_all(folder).map_err(|e| unwritable(folder, &e))?;
            replace(&file, content).map_err(|e| unwritable(&file, &e))?;
        }
    }
    let file = dir.join(FILE);
    match files.get(FILE) {
        Some(content) => replace(&file, content),
        None => remove(&file),
    }
    .map_err(|e| unwritable(&file, &e))?;
    for within in lock::folders() {
        let folder = dir.join(&within);
        let Ok(entries) = fs::read_dir(&folder) else {
            continue;
        };
        for entry in entries {
            let name = entry.map_err(|e| unwritable(&folder, &e))?.file_name();
            let path = format!("{within}/{}", name.to_string_lossy());
            let file = folder.join(name);
            if !files.contains_key(&path) && is_content(&path) && is_regular(&file) {
                remove(&file).map_err(|e| unwritable(&file, &e))?;
            }
        }
    }
    Ok(())
}

/// A link is as easily committed as a folder, and would have files written and removed wherever it leads.
fn expect_no_link(dir: &Path) -> Result<(), Error> {
    for path in std::iter::once(FOLDER.to_owned()).chain(lock::folders()) {
        let path = dir.join(path);
        if fs::symlink_metadata(&path).is_ok_and(|found| !found.is_dir()) {
            return Err(Error::new(format!(
                "{} is no folder of its own; nothing was locked",
                path.display()
            ))
            .hint(format!(
                "wharf lock writes below {FOLDER}; remove the link or file that stands there."
            )));
        }
    }
    Ok(())
}

fn is_regular(file: &Path) -> bool {
    fs::symlink_metadata(file).is_ok_and(|found| found.is_file())
}

fn replace(file: &Path, content: &[u8]) -> std::io::Result<()> {
    let folder = file.parent().unwrap_or(file);
    let mut part = tempfile::Builder::new()
        .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644))
        .tempfile_in(folder)?;
    part.write_all(content)?;
    part.persist(file).map_err(|error| error.error)?;
    Ok(())
}

fn remove(file: &Path) -> std::io::Result<()> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

fn unwritable(path: &Path, error: &std::io::Error) -> Error {
    Error::new(format!("{} can't be written: {error}", path.display()))
}
