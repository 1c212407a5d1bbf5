//! The bounds of a fetch: one that is too large or takes too long ends with an error, leaves nothing behind, and leaves the
//! mirror as it was.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods
)] // a test with processes

#[path = "support/place.rs"]
mod place;
#[path = "support/random.rs"]
mod random;
#[path = "support/remote.rs"]
mod remote;

use std::collections::BTreeSet;
use std::io::Read as _;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::time::Duration;

use remote::Lab;
use wharf::source::remote::{Bounds, Helper, Mirror, Order};

/// Larger than all of the lab's own commits, and much less than [`large`].
const FILE: u64 = 64 << 10;

/// A mirror whose fetches may write no larger file than that.
fn mirror(lab: &Lab) -> Mirror {
    let mut mirror = Mirror::open(&lab.path("state"), "bounds").unwrap();
    mirror.helper = Helper {
        program: place::binary(),
        bounds: Bounds {
            file: FILE,
            ..Bounds::default()
        },
        ..Helper::default()
    };
    mirror
}

fn order(lab: &Lab, origin: &str) -> Order {
    Order {
        origin: origin.to_owned(),
        mirror: lab.path("set by the mirror"),
        credentials: None,
        identity: None,
        known_hosts: None,
    }
}

/// Pushes a commit that no compression makes small.
fn large(lab: &Lab) {
    let mut random = random::Random(7);
    let bytes: Vec<u8> = (0..16 * FILE)
        .map(|_| u8::try_from(random.below(256)).unwrap())
        .collect();
    std::fs::write(lab.path("work/large"), bytes).unwrap();
    lab.commit("large");
    lab.push();
}

/// Every file below a directory, and how large it is.
fn files(directory: &Path) -> BTreeSet<(PathBuf, u64)> {
    let mut found = BTreeSet::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            let length = std::fs::metadata(&path).unwrap().len();
            found.insert((path, length));
        }
    }
    found
}

fn whole(lab: &Lab, mirror: &Mirror) {
    let repository = mirror.repository();
    lab.git(&["-C", repository.to_str().unwrap(), "fsck", "--strict"]);
}

#[tokio::test]
async fn one_that_is_too_large_ends_and_the_mirror_stays_as_it_was() {
    let lab = Lab::new();
    let mut mirror = mirror(&lab);
    let order = order(&lab, &lab.url());
    mirror.fetch(&order, false).await.unwrap();
    let home = mirror.repository().parent().unwrap().to_owned();
    let before = files(&home);
    large(&lab);
    // Into the mirror itself, and into a new one beside it.
    for afresh in [false, true] {
        let why = mirror.fetch(&order, afresh).await.unwrap_err();
        assert!(why.contains("it is larger than 64Ki"), "{why}");
        assert_eq!(files(&home), before);
        whole(&lab, &mirror);
    }
    mirror.helper.bounds = Bounds::default();
    mirror.fetch(&order, false).await.unwrap();
    whole(&lab, &mirror);
    let repository = mirror.repository();
    let there = lab.git(&["-C", repository.to_str().unwrap(), "rev-parse", "main"]);
    assert_eq!(there, lab.git(&["rev-parse", "HEAD"]));
}

#[tokio::test]
async fn a_first_one_that_is_too_large_leaves_no_mirror() {
    let lab = Lab::new();
    let mirror = mirror(&lab);
    large(&lab);
    let why = mirror.fetch(&order(&lab, &lab.url()), false).await.unwrap_err();
    assert!(why.contains("it is larger than 64Ki"), "{why}");
    assert!(mirror.is_new());
    let home = mirror.repository().parent().unwrap().to_owned();
    let left: Vec<_> = files(&home).into_iter().map(|(path, _)| path).collect();
    assert_eq!(left, [home.join("lock")]);
}

#[tokio::test]
async fn one_that_takes_too_long_is_ended_with_all_that_it_has_begun() {
    let lab = Lab::new();
    let mut mirror = mirror(&lab);
    mirror.fetch(&order(&lab, &lab.url()), false).await.unwrap();
    mirror.helper.time = Duration::from_secs(1);
    let home = mirror.repository().parent().unwrap().to_owned();
    let before = files(&home);
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://127.0.0.1:{}/config", silent.local_addr().unwrap().port());
    let why = mirror.fetch(&order(&lab, &url), false).await.unwrap_err();
    assert_eq!(why, "it takes longer than 1 s");
    // Whoever fetched has ended, so that its connection has as well.
    let (mut connection, _) = silent.accept().unwrap();
    connection.set_read_timeout(Some(remote::BOUND)).unwrap();
    connection.read_to_end(&mut Vec::new()).unwrap();
    assert_eq!(files(&home), before);
    whole(&lab, &mirror);
}
