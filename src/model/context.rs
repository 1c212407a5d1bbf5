//! A build context as an archive, as builds take it and as a lock keeps it.

use std::io::{self, Read as _};
use std::path::{Component, Path};

use super::spec::ContextFile;

/// The archive, which depends on the content alone.
///
/// # Errors
/// Where a path can't be one in an archive.
pub fn pack(context: &[ContextFile]) -> io::Result<Vec<u8>> {
    let mut archive = tar::Builder::new(Vec::new());
    for file in context {
        let mut header = tar::Header::new_gnu();
        header.set_mode(if file.executable { 0o755 } else { 0o644 });
        header.set_size(file.content.len() as u64);
        header.set_mtime(0);
        archive.append_data(&mut header, &file.path, &*file.content)?;
    }
    archive.into_inner()
}

/// The files in an archive, whoever made it, sorted by their paths. Folders come with their files; links and devices are
/// left out, for a context has none.
///
/// # Errors
/// What can't be read, or leads out of the context.
pub fn unpack(archive: &[u8]) -> Result<Vec<ContextFile>, String> {
    let text = |error: io::Error| error.to_string();
    let mut files = Vec::new();
    for entry in tar::Archive::new(archive).entries().map_err(text)? {
        let mut entry = entry.map_err(text)?;
        if !entry.header().entry_type().is_file() {
            continue;
        }
        let path = relative(&entry.path().map_err(text)?)?;
        let executable = entry.header().mode().map_err(text)? & 0o100 != 0;
        let mut content = Vec::new();
        entry.read_to_end(&mut content).map_err(text)?;
        files.push(ContextFile {
            path,
            executable,
            content: content.into(),
        });
    }
    sorted(files)
}

/// Files by their paths, each of which there is once.
///
/// # Errors
/// Which path there is twice: what is looked at must be what is built.
pub fn sorted(mut files: Vec<ContextFile>) -> Result<Vec<ContextFile>, String> {
    files.sort_by(|a, b| a.path.cmp(&b.path));
    match files.windows(2).find(|two| two[0].path == two[1].path) {
        Some(two) => Err(format!("it holds {} twice", two[0].path)),
        None => Ok(files),
    }
}

fn relative(path: &Path) -> Result<String, String> {
    let mut parts = Vec::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::Normal(name) => {
                let name = name
                    .to_str()
                    .ok_or_else(|| format!("the name {} is no UTF-8", path.display()))?;
                parts.push(name);
            }
            Component::RootDir | Component::ParentDir | Component::Prefix(_) => {
                return Err(format!("{} leads out of it", path.display()));
            }
        }
    }
    Ok(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, executable: bool) -> ContextFile {
        ContextFile {
            path: path.to_owned(),
            executable,
            content: b"x".as_slice().into(),
        }
    }

    #[test]
    fn a_context_becomes_the_same_archive_each_time_and_comes_out_of_it_again() {
        let long = format!("{}/f", "d".repeat(150));
        let context = [
            file("Containerfile", false),
            file("bin/run", true),
            file(&long, false),
        ];
        let bytes = pack(&context).unwrap();
        assert_eq!(bytes, pack(&context).unwrap());
        assert_eq!(unpack(&bytes).unwrap(), context);
        assert!(pack(&[file("../escape", false)]).is_err());
    }

    #[test]
    fn what_somebody_else_packed_can_lead_nowhere_else() {
        let with = |path: &str, kind: tar::EntryType| {
            let mut archive = tar::Builder::new(Vec::new());
            let mut header = tar::Header::new_old();
            header.as_old_mut().name[..path.len()].copy_from_slice(path.as_bytes());
            header.set_entry_type(kind);
            header.set_size(1);
            header.set_mode(0o644);
            header.set_cksum();
            archive.append(&header, &b"x"[..]).unwrap();
            unpack(&archive.into_inner().unwrap())
        };
        let regular = tar::EntryType::Regular;
        assert_eq!(with("./a/b", regular).unwrap(), [file("a/b", false)]);
        assert_eq!(with("a/b", tar::EntryType::Symlink).unwrap(), []);
        for outside in ["../a", "/etc/passwd", "a/../../b"] {
            assert!(
                with(outside, regular).unwrap_err().contains("leads out"),
                "{outside}"
            );
        }
        assert!(unpack(b"no archive").is_err());
        let twice = pack(&[file("a", false), file("b", false), file("a", true)]).unwrap();
        assert_eq!(unpack(&twice), Err("it holds a twice".to_owned()));
    }
}
