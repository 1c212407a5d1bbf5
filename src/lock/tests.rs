//! A lock is read as it was written, and nothing else is taken for it.

use super::*;

fn url(text: &str) -> Url {
    Url::parse(text).unwrap()
}

fn files(lock: &Lock) -> Files {
    let file = |bytes: &Arc<[u8]>| crate::document::File {
        content: crate::document::Content::Bytes(Arc::clone(bytes)),
        executable: false,
    };
    Files(
        lock.files()
            .iter()
            .map(|(path, b)| (path.clone(), file(b)))
            .collect(),
    )
}

fn lock() -> Lock {
    let mut lock = Lock::default();
    lock.insert_devfile(
        url("https://example.org/a \"b\".yaml"),
        b"schemaVersion: 2.2.0".as_slice().into(),
    );
    let digest = format!("sha256:{}", "a".repeat(64));
    lock.insert_image("quay.io/x:1".to_owned(), digest).unwrap();
    lock
}

fn codes(diagnostics: &Diagnostics) -> Vec<&str> {
    diagnostics.0.iter().map(|d| d.code).collect()
}

#[test]
fn what_is_written_is_read_back_and_leaves_the_other_files() {
    let mut repository = files(&lock());
    repository.0.extend(Files::of([("wharf.yaml", "")]).0);
    let (read, diagnostics) = Lock::take(&mut repository);
    assert_eq!(codes(&diagnostics), Vec::<&str>::new());
    assert_eq!(read, lock());
    assert_eq!(repository, Files::of([("wharf.yaml", "")]));
    assert!(Lock::default().files().is_empty());
}

#[test]
fn another_content_is_not_taken() {
    let mut repository = files(&lock());
    for (path, file) in &mut repository.0 {
        if path.starts_with(FOLDER) {
            file.content = crate::document::Content::Bytes(b"schemaVersion: 2.3.0".as_slice().into());
        }
    }
    let (read, diagnostics) = Lock::take(&mut repository);
    assert_eq!(codes(&diagnostics), Vec::<&str>::new());
    let found = read.devfile(&url("https://example.org/a \"b\".yaml"));
    let why = |missing| matches!(missing, Some(Err(Missing::Failed(why))) if why.contains("is not what was locked"));
    assert!(why(found));
    assert_eq!(read.devfile(&url("https://example.org/")), None);
}

#[test]
fn a_digest_leads_to_no_other_file() {
    let text = "version: 1\ndevfiles:\n  - {url: 'https://example.org', sha256: '../../etc/passwd'}\n  - {url: nowhere, sha256: ''}\nimages: [{image: a, digest: latest}]\n";
    let (_, diagnostics) = Lock::take(&mut Files::of([(FILE, text)]));
    assert_eq!(codes(&diagnostics), ["lock/unreadable"; 3]);
    let (_, diagnostics) = Lock::take(&mut Files::of([(FILE, "version: 2\n")]));
    assert_eq!(codes(&diagnostics), ["lock/unreadable"]);
    let (read, diagnostics) = Lock::take(&mut Files::of([(FILE, "")]));
    assert_eq!((read, codes(&diagnostics).len()), (Lock::default(), 0));
}

#[test]
fn a_digest_that_could_not_be_read_again_is_not_written() {
    let mut lock = Lock::default();
    let hex = "a".repeat(64);
    for digest in [
        &format!("sha512:{hex}{hex}"),
        &hex,
        "sha256:",
        &format!("sha256:{}", hex.to_uppercase()),
    ] {
        let found = lock.insert_image("quay.io/x:1".to_owned(), digest.to_owned());
        assert!(found.is_err(), "{digest}");
    }
    assert_eq!(lock, Lock::default());
}

#[test]
fn a_lock_differs_by_what_is_missing_and_by_what_is_too_much() {
    let mut needed = Needed {
        devfiles: [url("https://example.org/c.yaml")].into(),
        images: ["quay.io/x:1".to_owned(), "quay.io/y:1".to_owned()].into(),
        ..Needed::default()
    };
    let mut lock = lock();
    let differences = lock.differences(&needed);
    assert_eq!(codes(&differences), ["lock/outdated"; 3]);
    lock.retain(&needed);
    assert_eq!(lock.counts(), [0, 0, 1]);
    needed.devfiles.clear();
    needed.images.remove("quay.io/y:1");
    assert_eq!(lock.differences(&needed), Diagnostics::default());
}

#[test]
fn only_what_a_registry_has_by_a_tag_can_be_locked() {
    assert!(can_lock("quay.io/a/b:1"));
    assert!(can_lock("localhost:5000/b"));
    for reference in ["localhost/b:1", "node:20", "library/node", "quay.io/a@sha256:00"] {
        assert!(!can_lock(reference), "{reference}");
    }
}
