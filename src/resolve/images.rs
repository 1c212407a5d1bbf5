//! Images: the Site's map, the policy, the lock, and which images a workspace builds itself.

use std::collections::BTreeSet;

use glob::{MatchOptions, Pattern};

use super::workspace::Input;
use crate::devfile::{ComponentKind, Devfile};
use crate::document::{Diagnostic, Span};
use crate::lock::{Lock, can_lock};
use crate::manifest::Site;
use crate::model::{ImageSource, ImageSpec};

/// `*` matches within one part of a reference, `**` over several.
const OPTIONS: MatchOptions = MatchOptions {
    case_sensitive: true,
    require_literal_separator: true,
    require_literal_leading_dot: false,
};

/// What the Site's `imageMap` puts in a reference's place.
pub(super) fn mapped<'a>(site: &'a Site, reference: &'a str) -> &'a str {
    let to = site.image_map.iter().find(|(from, _)| from.value == reference);
    to.map_or(reference, |(_, to)| to.value.as_str())
}

/// A reference with the digest that the lock has for it, in place of a tag.
pub(super) fn locked(lock: &Lock, reference: &str) -> String {
    let Some(digest) = lock.image(reference) else {
        return reference.to_owned();
    };
    // A colon after the last slash begins a tag; one before it, a port.
    let name = match reference.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => name,
        Some(_) | None => reference,
    };
    format!("{name}@{digest}")
}

/// The references of all images that a lock can pin.
pub(super) fn to_lock<'a>(site: &Site, devfiles: impl Iterator<Item = &'a Devfile>) -> BTreeSet<String> {
    let mut references: BTreeSet<String> = BTreeSet::new();
    for devfile in devfiles {
        let kinds = || devfile.components.iter().map(|component| &component.kind);
        let built: BTreeSet<&str> = kinds()
            .filter_map(|kind| match kind {
                ComponentKind::Image(image) => Some(image.image_name.value.as_str()),
                ComponentKind::Container(_) | ComponentKind::Volume(_) | ComponentKind::Cluster(_) => None,
            })
            .collect();
        let used = kinds().filter_map(|kind| match kind {
            ComponentKind::Container(container) => Some(container.image.value.as_str()),
            ComponentKind::Image(_) | ComponentKind::Volume(_) | ComponentKind::Cluster(_) => None,
        });
        let used = used.filter(|image| !built.contains(image));
        references.extend(used.map(|image| mapped(site, image).to_owned()));
    }
    references.extend(site.tools_image.iter().map(|image| image.value.clone()));
    references.retain(|reference| can_lock(reference));
    references
}

/// Why the policy does not allow a reference, if it doesn't, and what helps.
pub(super) fn refusal(site: &Site, reference: &str) -> Option<(String, String)> {
    let allowed = site.policy.images_allow.as_ref()?;
    let matches = |pattern: &str| {
        Pattern::new(pattern).is_ok_and(|p| {
            let name = reference.split(['@']).next().unwrap_or(reference);
            p.matches_with(reference, OPTIONS) || p.matches_with(name, OPTIONS)
        })
    };
    if allowed.iter().any(|p| matches(&p.value)) {
        return None;
    }
    let patterns: Vec<&str> = allowed.iter().map(|p| p.value.as_str()).collect();
    let message = format!("the site's policy does not allow the image {reference}");
    let help = format!(
        "policy.images.allow has {}; imageMap can put a mirror in its place",
        patterns.join(", ")
    );
    Some((message, help))
}

/// Why the policy demands a digest of a reference that has none, and what helps. Only what `can_lock` is pinned by
/// wharf lock.
pub(super) fn undigested(site: &Site, reference: &str, can_lock: bool) -> Option<(String, String)> {
    if !site.policy.require_digest || reference.contains("@sha256:") {
        return None;
    }
    let message = format!("the image {reference} has no digest, which the site's policy requires");
    let help = if can_lock {
        "write it as NAME@sha256:DIGEST, or pin it with wharf lock"
    } else {
        "write it as NAME@sha256:DIGEST"
    };
    Some((message, help.to_owned()))
}

/// The image behind a container's reference: built here, or had from elsewhere.
pub(super) fn image(
    input: &Input<'_>,
    reference: &str,
    span: Span,
    builds: &[(String, ImageSpec)],
    report: &mut dyn FnMut(Diagnostic),
) -> ImageSpec {
    if let Some((_, build)) = builds.iter().find(|(name, _)| name == reference) {
        return build.clone();
    }
    let site = &input.manifests.site.spec;
    let mapped = mapped(site, reference);
    let reference = locked(input.lock, mapped);
    let can_lock = can_lock(mapped);
    let undigested = || undigested(site, &reference, can_lock).filter(|_| !(input.locking && can_lock));
    if let Some((message, help)) = refusal(site, mapped).or_else(undigested) {
        report(
            input
                .devfile_error("resolve/image-policy", span, message)
                .help(help),
        );
    }
    ImageSpec {
        reference,
        source: ImageSource::Pull,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stays_within_one_part() {
        let matches = |pattern: &str, name: &str| Pattern::new(pattern).unwrap().matches_with(name, OPTIONS);
        assert!(matches("localhost/*", "localhost/x:1"));
        assert!(!matches("localhost/*", "localhost/a/b:1"));
        assert!(matches("registry.example.org/**", "registry.example.org/a/b:1"));
    }

    #[test]
    fn a_locked_image_is_named_by_its_digest() {
        let mut lock = Lock::default();
        let digest = format!("sha256:{}", "0".repeat(64));
        for reference in ["quay.io/a:1", "quay.io:5000/a"] {
            lock.insert_image(reference.to_owned(), digest.clone()).unwrap();
        }
        assert_eq!(locked(&lock, "quay.io/a:1"), format!("quay.io/a@{digest}"));
        assert_eq!(
            locked(&lock, "quay.io:5000/a"),
            format!("quay.io:5000/a@{digest}")
        );
        assert_eq!(locked(&lock, "quay.io/a:2"), "quay.io/a:2");
    }
}
