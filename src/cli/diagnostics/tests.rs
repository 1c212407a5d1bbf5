//! The four forms of the same three problems, and what hostile text does to them.

use std::sync::Arc;

use super::*;
use crate::document::{Diagnostic, Source, Span};

fn source() -> Arc<Source> {
    Source::new("devfiles/ü, 1.yaml", "a: 1\nbü: x\tyz # 100%\nc: [1,\n  2]\n")
}

fn problems() -> Diagnostics {
    let source = source();
    let at = |text: &str| {
        let start = source.text.find(text).unwrap();
        Span::new(start, start + text.len())
    };
    let mut found = Diagnostic::at("test/word", &source, at("yz"), "\"yz\" is not 100%: right, is it")
        .label("expected z")
        .help("did you mean \"zy\"?");
    found.pointer = Some("/bü".to_owned());
    let list = Diagnostic::at("test/list", &source, at("[1,\n  2]"), "too long").warning();
    let missing = Diagnostic::of_file("test/missing", "wharf.yaml", "there is no such file");
    Diagnostics(vec![found, list, missing])
}

#[test]
fn people_see_the_text_underlined() {
    insta::assert_snapshot!(human(&problems(), 80, false));
}

#[test]
fn colour_is_used_only_where_it_is_asked_for() {
    assert!(!human(&problems(), 80, false).contains('\x1b'));
    assert!(human(&problems(), 80, true).contains('\x1b'));
}

#[test]
fn a_file_steers_no_terminal_and_a_long_line_is_shown_in_part() {
    let text = format!(
        "a: \x1b[31m{}bad{}\r\nb: 2\r\n",
        "x".repeat(500),
        "y".repeat(500_000)
    );
    let source = Source::new("a\x1b.yaml", text);
    let start = source.text.find("bad").unwrap();
    let error = Diagnostic::at("test/x", &source, Span::new(start, start + 3), "no \x1b[2J");
    let shown = human(&Diagnostics(vec![error]), 80, false);
    assert!(!shown.contains('\x1b') && !shown.contains('\r'), "{shown}");
    assert!(shown.len() < 2_000, "{shown}");
    assert!(shown.contains(":1:509]") && shown.contains("bad"), "{shown}");
    let marks = shown.lines().find(|line| line.contains("───")).unwrap();
    let line = shown.lines().find(|line| line.contains("bad")).unwrap();
    let column = |line: &str, part: &str| line.find(part).map(|at| line[..at].chars().count());
    assert_eq!(column(line, "bad"), column(marks, "───"));
}

#[test]
fn a_place_at_the_end_of_a_file_or_in_an_empty_one_can_be_shown() {
    for text in ["", "\n", "a", "a\n", "\u{fffd}"] {
        let source = Source::new("a.yaml", text);
        for start in 0..=text.len() {
            let error = Diagnostic::at("test/x", &source, Span::new(start, text.len()), "wrong");
            let shown = human(&Diagnostics(vec![error]), 80, false);
            assert!(shown.contains("wrong") && shown.contains("a.yaml"), "{shown}");
        }
    }
}

#[test]
fn the_summary_counts() {
    let files = ["a.yaml".to_owned(), "b.yaml".to_owned()];
    assert_eq!(
        summary(&files, &problems()),
        "2 files checked, 2 errors, 1 warning"
    );
    assert_eq!(
        summary(&files[..1], &Diagnostics::default()),
        "1 file checked, no problems"
    );
}

#[test]
fn programs_get_the_contracts_json() {
    let checked = ["a.yaml".to_owned(), "devfiles/ü, 1.yaml".to_owned()];
    insta::assert_snapshot!(json(&checked, &problems()));
}

#[test]
fn code_hosts_get_escaped_annotations() {
    insta::assert_snapshot!(github(&problems()));
}

#[test]
fn scanners_get_sarif() {
    let rules = [SarifRule {
        code: "test/word",
        why: "Words are right.",
    }];
    insta::assert_snapshot!(sarif(&rules, &problems()).replace(env!("CARGO_PKG_VERSION"), "VERSION"));
}
