//! Names of remotes and revisions, as git takes them.

use super::git_address::gits;
use super::{Rule, Subject};
use crate::devfile::findings::Findings;

/// See the module.
pub(in crate::devfile) const RULE: Rule = Rule {
    code: "devfile/git-word",
    why: "A remote's name becomes part of git's references, and a revision is given to git as a word. One \
          that begins with a hyphen would be an option; white space, control characters and ~ ^ : ? * [ \\ \
          .. have no place in a reference.",
    example: include_str!("../../../fixtures/devfile/git-word/invalid.yaml"),
    fixed: include_str!("../../../fixtures/devfile/git-word/valid.yaml"),
};

pub(super) fn check(subject: &Subject<'_>, found: &mut Findings<'_>) {
    for git in gits(subject) {
        let remotes = git.remotes.iter().map(|(name, _)| (name, "the name of a remote"));
        let revision = git.checkout_from.as_ref().and_then(|c| c.revision.as_ref());
        for (word, what) in remotes.chain(revision.map(|r| (r, "a revision"))) {
            if let Err(reason) = check_word(&word.value) {
                let message = format!("{:?} can't be {what}: {reason}", word.value);
                let error = found.error(RULE.code, word.span, message);
                found.report(error);
            }
        }
    }
}

/// What `git check-ref-format` refuses, and what git would take for an option.
fn check_word(text: &str) -> Result<(), &'static str> {
    if text.is_empty() {
        return Err("it is empty");
    }
    if text.starts_with('-') {
        return Err("git would take it for an option");
    }
    if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err("it holds white space");
    }
    if text.contains(['~', '^', ':', '?', '*', '[', '\\']) || text.contains("..") || text.contains("@{") {
        return Err("it holds what has a meaning in git");
    }
    if text.starts_with('/') || text.ends_with(['/', '.']) || text.contains("//") {
        return Err("it begins or ends with what a reference can't");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::check_word;

    #[test]
    fn words_that_git_would_misread_are_refused() {
        for bad in [
            "", "-b", "a b", "a\tb", "x~1", "x^", "a..b", "a:b", "x.", "/x", "a//b", "HEAD@{1}",
        ] {
            assert!(check_word(bad).is_err(), "{bad:?}");
        }
        for good in [
            "main",
            "feature/a-b",
            "v1.2.3",
            "0a1b2c",
            "{{branch}}",
            "refs/heads/x",
            "ü",
        ] {
            assert_eq!(check_word(good), Ok(()), "{good:?}");
        }
    }
}
