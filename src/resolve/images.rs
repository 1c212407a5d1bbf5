//! Images: the Site's map, the policy, and which images a workspace builds itself.

use glob::{MatchOptions, Pattern};

use super::workspace::Input;
use crate::document::{Diagnostic, Span};
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

/// Why the policy refuses a reference, if it does.
pub(super) fn refusal(site: &Site, reference: &str) -> Option<(String, String)> {
    let policy = &site.policy;
    if let Some(allowed) = &policy.images_allow {
        let matches = |pattern: &str| {
            Pattern::new(pattern).is_ok_and(|p| {
                let name = reference.split(['@']).next().unwrap_or(reference);
                p.matches_with(reference, OPTIONS) || p.matches_with(name, OPTIONS)
            })
        };
        if !allowed.iter().any(|p| matches(&p.value)) {
            let patterns: Vec<&str> = allowed.iter().map(|p| p.value.as_str()).collect();
            let message = format!("the site's policy does not allow the image {reference}");
            let help = format!(
                "policy.images.allow has {}; imageMap can put a mirror in its place",
                patterns.join(", ")
            );
            return Some((message, help));
        }
    }
    if policy.require_digest && !reference.contains("@sha256:") {
        let message = format!("the image {reference} has no digest, which the site's policy requires");
        return Some((message, "write it as NAME@sha256:DIGEST".to_owned()));
    }
    None
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
    let reference = mapped(site, reference).to_owned();
    if let Some((message, help)) = refusal(site, &reference) {
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
}
