//! Logs on a real file system: what is appended, rotated, torn and lost.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::*;
use crate::audit::record::{Ended, Origin};
use crate::audit::{Opened, Verdict, read, verify};

const ALL: Bounds = Bounds {
    bytes: 16 << 20,
    files: 16,
};

fn site() -> Name {
    "lab".parse().unwrap()
}

fn entry(number: usize) -> Entry {
    Entry {
        time: format!("2026-01-02T03:04:05.{number:03}Z"),
        event: Event::Ended(Ended {
            origin: Origin::default(),
            done: number,
            failed: 0,
            skipped: 0,
            interrupted: false,
        }),
    }
}

fn log(directory: &Path, bounds: Bounds) -> Log {
    Log::new(directory, &site(), bounds)
}

fn verdict(directory: &Path) -> Verdict {
    verify(directory, &site(), None).unwrap().unwrap()
}

/// The numbers of the entries that the log holds.
fn held(directory: &Path) -> Vec<usize> {
    let mut held = Vec::new();
    let note = |opened: Opened| {
        if let Event::Ended(ended) = opened.record.event {
            held.push(ended.done);
        }
    };
    read(directory, &site(), note).unwrap().unwrap();
    held
}

fn add_to(path: &Path, bytes: &[u8]) {
    use std::io::Write as _;
    fs::OpenOptions::new()
        .append(true)
        .open(path)
        .unwrap()
        .write_all(bytes)
        .unwrap();
}

#[test]
fn what_is_appended_is_read_again_and_private() {
    let directory = tempfile::tempdir().unwrap();
    let place = directory.path().join("audit");
    assert_eq!(verify(&place, &site(), None).unwrap(), None);
    let mut first = log(&place, ALL);
    first.append(&[entry(1), entry(2)]).unwrap();
    // Two in turn, each of which has the file open.
    let mut second = log(&place, ALL);
    second.append(&[entry(3)]).unwrap();
    first.append(&[entry(4)]).unwrap();
    second.append(&[entry(5)]).unwrap();
    assert_eq!(held(&place), [1, 2, 3, 4, 5]);
    let verdict = verdict(&place);
    assert!(verdict.is_sound(), "{:?}", verdict.faults);
    assert_eq!(verdict.lines, 6);
    for file in fs::read_dir(&place).unwrap() {
        let mode = file.unwrap().metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    assert_eq!(fs::metadata(&place).unwrap().permissions().mode() & 0o777, 0o700);
}

#[test]
fn what_was_lost_can_be_told_before_anything_else_happens() {
    let directory = tempfile::tempdir().unwrap();
    let place = directory.path().join("audit");
    let mut log = log(&place, ALL);
    log.catch_up("2026-01-02T03:04:05.000Z").unwrap();
    log.catch_up("2026-01-02T03:04:05.000Z").unwrap();
    assert_eq!(verdict(&place).lines, 1, "where it begins, and that once");
    log.append(&[entry(1)]).unwrap();
    // The directory is away for a while, so that nothing can be noted beside the log either.
    let away = directory.path().join("away");
    fs::rename(&place, &away).unwrap();
    fs::write(&place, "in the way").unwrap();
    log.append(&[entry(2), entry(3)]).unwrap_err();
    log.catch_up("2026-01-02T03:04:06.000Z").unwrap_err();
    fs::remove_file(&place).unwrap();
    fs::rename(&away, &place).unwrap();
    log.catch_up("2026-01-02T03:04:07.000Z").unwrap();
    let mut gaps = Vec::new();
    let note = |opened: Opened| {
        if let Event::Gap(gap) = opened.record.event {
            gaps.push((opened.record.time, gap.lost));
        }
    };
    read(&place, &site(), note).unwrap().unwrap();
    assert_eq!(gaps, [("2026-01-02T03:04:07.000Z".to_owned(), 2)]);
    assert!(verdict(&place).is_sound() && held(&place) == [1]);
}

#[test]
fn several_writers_at_once_make_one_chain() {
    let directory = tempfile::tempdir().unwrap();
    let bounds = Bounds {
        bytes: 3000,
        files: 100,
    };
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let mut log = log(directory.path(), bounds);
            scope.spawn(move || (0..25).for_each(|n| log.append(&[entry(100 * writer + n)]).unwrap()));
        }
    });
    let verdict = verdict(directory.path());
    assert!(verdict.is_sound(), "{:?}", verdict.faults);
    assert!(verdict.files > 3);
    let held = held(directory.path());
    assert_eq!(held.len(), 100);
    for writer in 0..4 {
        let own: Vec<usize> = held.iter().filter(|n| **n / 100 == writer).copied().collect();
        assert!(own.is_sorted());
    }
}

#[test]
fn full_files_are_put_aside_and_old_ones_go() {
    let directory = tempfile::tempdir().unwrap();
    let bounds = Bounds {
        bytes: 1000,
        files: 2,
    };
    let mut log = log(directory.path(), bounds);
    for number in 0..40 {
        log.append(&[entry(number)]).unwrap();
    }
    let found = verdict(directory.path());
    assert!(found.is_sound(), "{:?}", found.faults);
    assert_eq!(found.files, 3);
    let held = held(directory.path());
    assert!(held.len() < 40 && held.last() == Some(&39), "{held:?}");
    let full = rotated(directory.path(), &site()).unwrap();
    assert_eq!(full.len(), 2);
    assert!(full[0] > 1);
    fs::remove_file(rotated_path(directory.path(), &site(), full[0])).unwrap();
    assert!(!verdict(directory.path()).is_sound());
}

#[test]
fn a_rotation_that_did_not_come_to_its_end_is_finished() {
    let directory = tempfile::tempdir().unwrap();
    let path = path(directory.path(), &site(), "jsonl");
    log(directory.path(), ALL).append(&[entry(1)]).unwrap();
    fs::rename(&path, rotated_path(directory.path(), &site(), 1)).unwrap();
    assert!(verdict(directory.path()).is_sound());
    // The next one may have its first line in part.
    fs::write(&path, "{\"seq\":3,").unwrap();
    log(directory.path(), ALL).append(&[entry(2)]).unwrap();
    let verdict = verdict(directory.path());
    assert!(verdict.is_sound(), "{:?}", verdict.faults);
    assert_eq!(verdict.notes.len(), 1);
    assert_eq!(held(directory.path()), [1, 2]);
}

#[test]
fn an_unfinished_line_is_set_aside_and_told() {
    let whole = {
        let directory = tempfile::tempdir().unwrap();
        log(directory.path(), ALL).append(&[entry(1), entry(2)]).unwrap();
        fs::read(path(directory.path(), &site(), "jsonl")).unwrap()
    };
    let last = whole[..whole.len() - 1]
        .iter()
        .rposition(|b| *b == b'\n')
        .unwrap()
        + 1;
    for (cut, expected) in [
        (last + 1, [1, 3].as_slice()),
        (last + 100, &[1, 3]),
        (whole.len() - 1, &[1, 2, 3]),
    ] {
        let directory = tempfile::tempdir().unwrap();
        let mut log = log(directory.path(), ALL);
        log.append(&[entry(1)]).unwrap();
        add_to(&log.path(), &whole[last..cut]);
        let before = verdict(directory.path());
        assert_eq!(before.faults.len(), 1);
        assert_eq!(before.faults[0].line, 3);
        log.append(&[entry(3)]).unwrap();
        let after = verdict(directory.path());
        assert!(after.is_sound(), "{:?}", after.faults);
        assert_eq!(held(directory.path()), expected);
        // A line that lacks nothing but its line break is one.
        let told = after
            .notes
            .iter()
            .any(|note| note.text.contains("never finished"));
        assert_eq!(told, expected.len() == 2, "{:?}", after.notes);
    }
    // Blocks that never reached the disk are zeros.
    let directory = tempfile::tempdir().unwrap();
    let mut log = log(directory.path(), ALL);
    log.append(&[entry(1)]).unwrap();
    add_to(&log.path(), &[0; 100_000]);
    log.append(&[entry(2)]).unwrap();
    assert!(verdict(directory.path()).is_sound());
}

#[test]
fn damage_stays_found_after_more_was_appended() {
    let directory = tempfile::tempdir().unwrap();
    let mut log = log(directory.path(), ALL);
    log.append(&[entry(1), entry(2), entry(3)]).unwrap();
    let text = fs::read_to_string(log.path()).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let damaged = [
        format!("{}\n{}\n{}\n", lines[0], lines[1], lines[2]),
        format!("{}\n{}\n{}\nnothing\n", lines[0], lines[1], lines[2]),
        text.replace("\"done\":3", "\"done\":4"),
    ];
    for bytes in damaged {
        fs::write(log.path(), &bytes).unwrap();
        assert!(!verdict(directory.path()).is_sound());
        log.append(&[entry(4)]).unwrap();
        let after = verdict(directory.path());
        assert_eq!(after.faults.len(), 1, "{:?}", after.faults);
        fs::remove_dir_all(directory.path()).unwrap();
        fs::create_dir(directory.path()).unwrap();
        log.append(&[entry(1), entry(2), entry(3)]).unwrap();
    }
}

#[test]
fn what_can_not_be_written_is_counted_and_told_later() {
    let directory = tempfile::tempdir().unwrap();
    let mut log = log(directory.path(), ALL);
    log.append(&[entry(1)]).unwrap();
    // A directory in its place can't be written, by root neither.
    let path = log.path();
    let aside = directory.path().join("aside");
    fs::rename(&path, &aside).unwrap();
    fs::create_dir(&path).unwrap();
    let error = log.append(&[entry(2), entry(3)]).unwrap_err().to_string();
    assert!(error.contains("can't be written: Is a directory"), "{error}");
    assert!(log.append(&[entry(4)]).is_err());
    fs::remove_dir(&path).unwrap();
    fs::rename(&aside, &path).unwrap();
    // Another process knows it as well.
    super::Log::new(directory.path(), &site(), ALL)
        .append(&[entry(5)])
        .unwrap();
    let verdict = verdict(directory.path());
    assert!(verdict.is_sound(), "{:?}", verdict.faults);
    assert!(
        verdict.notes[0]
            .text
            .starts_with("3 records since 2026-01-02T03:04:05.002Z"),
        "{:?}",
        verdict.notes
    );
    assert_eq!(held(directory.path()), [1, 5]);
}

#[test]
fn what_can_not_even_be_noted_is_kept_in_mind() {
    let directory = tempfile::tempdir().unwrap();
    let place = directory.path().join("audit");
    fs::write(&place, "in the way").unwrap();
    let mut log = log(&place, ALL);
    assert!(log.append(&[entry(1), entry(2)]).is_err());
    fs::remove_file(&place).unwrap();
    log.append(&[entry(3)]).unwrap();
    let verdict = verdict(&place);
    assert!(
        verdict.is_sound() && verdict.notes[0].text.starts_with("2 records"),
        "{verdict:?}"
    );
}
