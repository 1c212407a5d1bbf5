//! The semantic rules of manifests: what is wrong although each value by itself is right. One rule, one file: its
//! code, why it exists, and an example. Each has a fixture of the same name under `fixtures/manifest/`.
//!
//! In: a [`Draft`]. Out: diagnostics. To add a rule, add its file here, its line to [`RULES`], its fixture, and its
//! line to `docs/manifests.md`. Rules about a devfile's contents belong to `devfile`, rules that need both to
//! `resolve`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::document::parse::MAX_BYTES;
use crate::document::{Code, Content, Diagnostic, Diagnostics, Document, Files, Rule, Spanned};
use crate::model::Name;

use super::reference::{Reference, Referent};
use super::{Class, Kind, Manifest, Site, User, Workspace};

mod adopt_moved;
mod adopt_role_twice;
mod adopt_twice;
mod devfile_kind;
mod devfile_link;
mod devfile_missing;
mod devfile_outside;
mod duplicate_name;
mod env_name;
mod env_reserved;
mod env_value;
mod moved_from_declared;
mod moved_from_itself;
mod moved_twice;
mod no_class;
mod publish_policy;
mod publish_twice;
mod quota;
mod site_missing;
mod site_place;
mod site_twice;
mod unknown_class;
mod unknown_owner;
mod variable_name;

/// One semantic rule.
pub struct Check {
    /// Its code; the fixture has the same name.
    pub code: Code,
    /// Why it exists, one sentence.
    pub why: &'static str,
    /// What breaks it.
    pub example: &'static str,
    /// The same, right.
    pub fixed: &'static str,
    check: fn(&Draft<'_>, &mut Diagnostics),
}

impl Check {
    /// What it checks, for whoever asks.
    #[must_use]
    pub fn rule(&self) -> Rule {
        Rule {
            code: self.code,
            why: self.why,
            example: self.example,
            fixed: self.fixed,
        }
    }
}

/// Every rule, by code.
pub const RULES: [Check; 24] = [
    adopt_moved::RULE,
    adopt_role_twice::RULE,
    adopt_twice::RULE,
    devfile_kind::RULE,
    devfile_link::RULE,
    devfile_missing::RULE,
    devfile_outside::RULE,
    duplicate_name::RULE,
    env_name::RULE,
    env_reserved::RULE,
    env_value::RULE,
    moved_from_declared::RULE,
    moved_from_itself::RULE,
    moved_twice::RULE,
    no_class::RULE,
    publish_policy::RULE,
    publish_twice::RULE,
    quota::RULE,
    site_missing::RULE,
    site_place::RULE,
    site_twice::RULE,
    unknown_class::RULE,
    unknown_owner::RULE,
    variable_name::RULE,
];

/// Runs every rule.
pub(super) fn run(draft: &Draft<'_>, diagnostics: &mut Diagnostics) {
    for rule in &RULES {
        (rule.check)(draft, diagnostics);
    }
}

/// A name that some manifest declares, whether or not the rest of the manifest is right.
pub(super) struct Declared {
    /// The manifest's kind.
    pub(super) kind: Kind,
    /// The name.
    pub(super) name: Spanned<Name>,
    /// The manifest.
    pub(super) document: Arc<Document>,
}

/// Manifests that are right by themselves, before they are judged together.
pub(super) struct Draft<'f> {
    /// The repository's files.
    pub(super) files: &'f Files,
    /// The sites; there should be one.
    pub(super) sites: Vec<Manifest<Site>>,
    /// The users.
    pub(super) users: Vec<Manifest<User>>,
    /// The classes.
    pub(super) classes: Vec<Manifest<Class>>,
    /// The workspaces.
    pub(super) workspaces: Vec<Manifest<Workspace>>,
    /// The devfiles, by path.
    pub(super) devfiles: BTreeMap<String, Arc<Document>>,
    /// Every name that is declared, in the order of files and places.
    pub(super) declared: Vec<Declared>,
    /// What the manifests name, whether or not the rest of them is right.
    pub(super) references: Vec<Reference>,
    /// Files that could not be read to their end: what they declare is not known.
    pub(super) broken: BTreeSet<String>,
}

impl<'f> Draft<'f> {
    /// Nothing of those files yet.
    pub(super) fn of(files: &'f Files) -> Self {
        Self {
            files,
            sites: Vec::new(),
            users: Vec::new(),
            classes: Vec::new(),
            workspaces: Vec::new(),
            devfiles: BTreeMap::new(),
            declared: Vec::new(),
            references: Vec::new(),
            broken: BTreeSet::new(),
        }
    }

    /// Notes that a manifest of that kind and name exists.
    pub(super) fn declare(&mut self, kind: Kind, name: Spanned<Name>, document: &Arc<Document>) {
        let document = Arc::clone(document);
        self.declared.push(Declared { kind, name, document });
    }

    /// The names that manifests of `kind` declare.
    fn names(&self, kind: Kind) -> BTreeSet<&str> {
        let of_kind = self.declared.iter().filter(|d| d.kind == kind);
        of_kind.map(|d| d.name.value.as_str()).collect()
    }

    /// What the manifests name of that sort.
    pub(super) fn named(&self, referent: Referent) -> impl Iterator<Item = &Reference> {
        self.references.iter().filter(move |r| r.referent == referent)
    }

    /// The classes, by name.
    fn classes_by_name(&self) -> BTreeMap<&str, &Class> {
        self.classes
            .iter()
            .map(|c| (c.name.value.as_str(), &c.spec))
            .collect()
    }

    /// The class that `workspace` has, by its own word or the Site's.
    fn class_of<'a>(&'a self, workspace: &'a Manifest<Workspace>) -> Option<&'a Spanned<Name>> {
        let default = || self.sites.first()?.spec.defaults.class.as_ref();
        workspace.spec.class.as_ref().or_else(default)
    }

    /// The words of the files that could not be read to their end. A name that stands there is perhaps declared
    /// there, and calling it unknown would send its reader to the wrong place.
    fn broken_words(&self) -> BrokenWords<'_> {
        let mut words = BrokenWords::default();
        for path in &self.broken {
            match self.files.get(path).map(|f| &f.content) {
                Some(Content::Bytes(bytes)) if bytes.len() <= MAX_BYTES => {
                    let name = |b: &u8| b.is_ascii_alphanumeric() || *b == b'-';
                    let parts = bytes.split(|b| !name(b)).filter(|word| !word.is_empty());
                    words.known.extend(parts);
                }
                Some(
                    Content::Bytes(_)
                    | Content::TooLarge(_)
                    | Content::OutsideLink(_)
                    | Content::Unreadable(_),
                ) => words.unknowable = true,
                None => {}
            }
        }
        words
    }
}

/// "Did you mean …?" for the first hundred errors of a rule: comparing every wrong name with every right one would
/// take long where both are many.
struct Suggestions<'a> {
    candidates: Vec<&'a str>,
    left: usize,
}

impl<'a> Suggestions<'a> {
    fn from(candidates: impl IntoIterator<Item = &'a str>) -> Self {
        Self {
            candidates: candidates.into_iter().collect(),
            left: 100,
        }
    }

    fn add(&mut self, diagnostic: Diagnostic, found: &str) -> Diagnostic {
        if self.left == 0 {
            return diagnostic;
        }
        self.left -= 1;
        diagnostic.suggest(found, self.candidates.iter().copied())
    }
}

/// See [`Draft::broken_words`].
#[derive(Default)]
struct BrokenWords<'f> {
    known: BTreeSet<&'f [u8]>,
    unknowable: bool,
}

impl BrokenWords<'_> {
    fn may_declare(&self, name: &str) -> bool {
        self.unknowable || self.known.contains(name.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_sorted_by_code_and_each_code_is_its_own() {
        let codes: Vec<_> = RULES.iter().map(|r| r.code).collect();
        let mut sorted = codes.clone();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(codes, sorted);
    }
}
