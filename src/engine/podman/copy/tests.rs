//! What a copied tree must be like, on the file system that holds this machine's temporary files.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

use rustix::fs::CWD;

use super::*;
use crate::model::UidRange;

/// A directory to copy, and the place where the copy goes.
fn place() -> (tempfile::TempDir, PathBuf, PathBuf) {
    let root = tempfile::tempdir().unwrap();
    let (from, to) = (root.path().join("from"), root.path().join("to"));
    fs::create_dir(&from).unwrap();
    fs::create_dir(&to).unwrap();
    (root, from, to)
}

fn is_root() -> bool {
    rustix::process::getuid().is_root()
}

const REOWN: Reown = Reown {
    from: UidRange {
        first: 0,
        count: 65536,
    },
    to: UidRange {
        first: 2_000_000,
        count: 65536,
    },
};

#[test]
fn files_are_copied_with_modes_times_and_links() {
    let (root, from, to) = place();
    fs::create_dir_all(from.join("d/e")).unwrap();
    fs::write(from.join("d/e/f"), "text").unwrap();
    fs::write(from.join("empty"), "").unwrap();
    fs::hard_link(from.join("d/e/f"), from.join("again")).unwrap();
    symlink("d/e/f", from.join("link")).unwrap();
    symlink(root.path().join("nowhere"), from.join("outside")).unwrap();
    rustix::fs::mknodat(
        CWD,
        from.join("pipe"),
        FileType::Fifo,
        Mode::from_raw_mode(0o620),
        0,
    )
    .unwrap();
    fs::set_permissions(from.join("d/e/f"), fs::Permissions::from_mode(0o6751)).unwrap();
    fs::set_permissions(from.join("d/e"), fs::Permissions::from_mode(0o1770)).unwrap();
    let long_ago = Timestamps {
        last_access: Timespec {
            tv_sec: 1_000,
            tv_nsec: 7,
        },
        last_modification: Timespec {
            tv_sec: 2_000,
            tv_nsec: 9,
        },
    };
    for path in ["d/e/f", "link", "pipe", "d/e", "d", "."] {
        rustix::fs::utimensat(CWD, from.join(path), &long_ago, AtFlags::SYMLINK_NOFOLLOW).unwrap();
    }
    tree(&from, &to, None).unwrap();
    for path in [
        "d", "d/e", "d/e/f", "again", "empty", "link", "outside", "pipe", ".",
    ] {
        let [old, new] = [&from, &to].map(|root| fs::symlink_metadata(root.join(path)).unwrap());
        assert_eq!(old.mode(), new.mode(), "{path}");
        assert_eq!((old.uid(), old.gid()), (new.uid(), new.gid()), "{path}");
        let modified = |m: &fs::Metadata| (m.mtime(), m.mtime_nsec());
        assert_eq!(modified(&old), modified(&new), "{path}");
        if !old.is_dir() {
            assert_eq!((old.nlink(), old.len()), (new.nlink(), new.len()), "{path}");
        }
    }
    assert_eq!(fs::read_to_string(to.join("again")).unwrap(), "text");
    let number = |path: &str| fs::metadata(to.join(path)).unwrap().ino();
    assert_eq!(number("again"), number("d/e/f"));
    assert_eq!(
        fs::read_link(to.join("outside")).unwrap(),
        root.path().join("nowhere")
    );
    assert_eq!(
        fs::read_dir(&to).unwrap().count(),
        fs::read_dir(&from).unwrap().count()
    );
}

#[test]
fn holes_stay_holes() {
    let (_root, from, to) = place();
    let file = File::create(from.join("f")).unwrap();
    let size = 64 << 20;
    for place in [0, 20 << 20, size - 4] {
        std::os::unix::fs::FileExt::write_all_at(&file, b"text", place).unwrap();
    }
    let holes = File::create(from.join("hole")).unwrap();
    holes.set_len(size).unwrap();
    tree(&from, &to, None).unwrap();
    assert_eq!(fs::read(from.join("f")).unwrap(), fs::read(to.join("f")).unwrap());
    for name in ["f", "hole"] {
        let [old, new] = [&from, &to].map(|root| fs::metadata(root.join(name)).unwrap());
        assert_eq!(new.len(), size);
        assert!(new.blocks() <= old.blocks() + 8, "{name} takes no more room");
    }
}

/// Sets an attribute; false where the file system has none.
fn set(path: &Path, name: &str, value: &[u8]) -> bool {
    match rustix::fs::setxattr(path, name, value, XattrFlags::empty()) {
        Err(Errno::OPNOTSUPP) => false,
        other => other.is_ok(),
    }
}

fn get(path: &Path, name: &str) -> Option<Vec<u8>> {
    let mut value = vec![0; 200];
    let length = rustix::fs::getxattr(path, name, &mut value[..]).ok()?;
    value.truncate(length);
    Some(value)
}

#[test]
fn attributes_of_users_are_copied_and_those_of_the_machine_are_not() {
    let (_root, from, to) = place();
    fs::write(from.join("f"), "x").unwrap();
    let has_some = set(&from.join("f"), "user.note", b"kept");
    set(&from.join("f"), "trusted.note", b"left");
    set(&from, "user.empty", b"");
    tree(&from, &to, None).unwrap();
    let kept = get(&to.join("f"), "user.note");
    assert_eq!(kept.as_deref(), has_some.then_some(&b"kept"[..]));
    assert_eq!(get(&to, "user.empty").is_some(), has_some);
    assert_eq!(get(&to.join("f"), "trusted.note"), None);
}

/// An access list: the owner, user 1000, the group, the mask and others.
fn list(id: u32) -> Vec<u8> {
    let mut list = 2_u32.to_le_bytes().to_vec();
    let none = u32::MAX;
    for (tag, rights, id) in [
        (1_u16, 6_u16, none),
        (2, 4, id),
        (4, 4, none),
        (16, 4, none),
        (32, 0, none),
    ] {
        list.extend(tag.to_le_bytes());
        list.extend(rights.to_le_bytes());
        list.extend(id.to_le_bytes());
    }
    list
}

#[test]
fn owners_pass_to_the_workspaces_ids_in_access_lists_too() {
    if !is_root() {
        // Changing owners needs root; the real-Podman test covers the rest.
        return;
    }
    let (_root, from, to) = place();
    fs::write(from.join("f"), "x").unwrap();
    symlink("f", from.join("link")).unwrap();
    std::os::unix::fs::lchown(from.join("f"), Some(1000), Some(50)).unwrap();
    std::os::unix::fs::lchown(from.join("link"), Some(1000), Some(1000)).unwrap();
    fs::set_permissions(from.join("f"), fs::Permissions::from_mode(0o4640)).unwrap();
    let listed = set(&from.join("f"), "system.posix_acl_access", &list(1000));
    tree(&from, &to, Some(REOWN)).unwrap();
    let owner = |path: &Path| {
        let metadata = fs::symlink_metadata(path).unwrap();
        (metadata.uid(), metadata.gid())
    };
    assert_eq!(owner(&to), (2_000_000, 2_000_000));
    assert_eq!(owner(&to.join("f")), (2_001_000, 2_000_050));
    assert_eq!(owner(&to.join("link")), (2_001_000, 2_001_000));
    assert_eq!(fs::metadata(to.join("f")).unwrap().mode() & 0o7777, 0o4640);
    if listed {
        assert_eq!(
            get(&to.join("f"), "system.posix_acl_access"),
            Some(list(2_001_000))
        );
    }
    assert_eq!(owner(&from.join("f")), (1000, 50), "what is read stays");
}

#[test]
fn an_owner_that_no_container_can_have_is_an_error_that_names_the_file() {
    let (_root, from, to) = place();
    fs::create_dir(from.join("d")).unwrap();
    fs::write(from.join("d/f"), "x").unwrap();
    // Whoever runs this: their own ids are not among the known ones.
    let strange = Reown {
        from: UidRange {
            first: rustix::process::getuid().as_raw() + 1,
            count: 1,
        },
        ..REOWN
    };
    let error = tree(&from, &to, Some(strange)).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    assert!(error.to_string().contains("user "), "{error}");
    if is_root() {
        std::os::unix::fs::lchown(from.join("d/f"), Some(65536), Some(0)).unwrap();
        fs::remove_dir_all(&to).unwrap();
        fs::create_dir(&to).unwrap();
        let error = tree(&from, &to, Some(REOWN)).unwrap_err().to_string();
        assert!(
            error.starts_with("d/f: ") && error.contains("user 65536"),
            "{error}"
        );
    }
}

#[test]
fn a_device_is_no_data() {
    if !is_root() {
        return; // nobody else makes devices
    }
    let (_root, from, to) = place();
    let null = rustix::fs::makedev(1, 3);
    let made = rustix::fs::mknodat(
        CWD,
        from.join("null"),
        FileType::CharacterDevice,
        Mode::RUSR,
        null,
    );
    if made.is_ok() {
        let error = tree(&from, &to, None).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        assert!(error.to_string().starts_with("null: "), "{error}");
    }
}
