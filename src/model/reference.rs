//! Image references: which part names the registry. What they lead to is the engine's business.

/// The registry that a reference names, with its port. A short name has none, and `localhost` without a port is none: it
/// stands for what was built on the machine.
#[must_use]
pub fn registry(reference: &str) -> Option<&str> {
    let (first, _) = reference.split_once('/')?;
    first.contains(['.', ':']).then_some(first)
}

/// The registry that stands for Docker Hub in references, and its host.
const DOCKER_HUB: (&str, &str) = ("docker.io", "registry-1.docker.io");

/// An image of a registry by its tag, in the parts that the registry is asked by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tagged<'a> {
    /// The registry as the reference names it, with its port.
    pub registry: &'a str,
    /// The image's path there.
    pub repository: String,
    /// The tag; `latest` where the reference has none.
    pub tag: &'a str,
}

impl<'a> Tagged<'a> {
    /// The parts of a reference; nothing where it names no registry, has a digest, or is none.
    #[must_use]
    pub fn of(reference: &'a str) -> Option<Self> {
        let registry = registry(reference)?;
        let rest = reference.get(registry.len() + 1..)?;
        let (path, tag) = rest.split_once(':').unwrap_or((rest, "latest"));
        let is_word = |text: &str, marks: &str| {
            text.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
                && text
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || marks.contains(c))
        };
        if !(is_word(tag, "_.-") && path.split('/').all(|part| is_word(part, "_.-"))) {
            return None;
        }
        let repository = match registry == DOCKER_HUB.0 && !path.contains('/') {
            true => format!("library/{path}"),
            false => path.to_owned(),
        };
        Some(Self {
            registry,
            repository,
            tag,
        })
    }

    /// The host that is asked, with its port.
    #[must_use]
    pub fn host(&self) -> &'a str {
        if self.registry == DOCKER_HUB.0 {
            DOCKER_HUB.1
        } else {
            self.registry
        }
    }
}

/// Whether a registry is this machine's own: as container tools have it, that one needs no TLS.
#[must_use]
pub fn is_loopback(registry: &str) -> bool {
    let host = registry.rsplit_once(':').map_or(registry, |(host, _)| host);
    let four = host
        .parse()
        .is_ok_and(|address: core::net::Ipv4Addr| address.is_loopback());
    four || host == "localhost" || host == "[::1]"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_part_names_a_registry_where_it_can_be_a_host() {
        assert_eq!(registry("quay.io/a/b:1"), Some("quay.io"));
        assert_eq!(registry("localhost:5000/b"), Some("localhost:5000"));
        for reference in ["localhost/b:1", "node:20", "library/node"] {
            assert_eq!(registry(reference), None, "{reference}");
        }
    }

    #[test]
    fn a_reference_has_the_parts_that_its_registry_is_asked_by() {
        let parts = |text| {
            let image = Tagged::of(text).unwrap();
            (image.host(), image.repository.clone(), image.tag)
        };
        let is = |host, repository: &str, tag| (host, repository.to_owned(), tag);
        assert_eq!(parts("quay.io/a/b:1.0-x"), is("quay.io", "a/b", "1.0-x"));
        assert_eq!(parts("127.0.0.1:5000/b"), is("127.0.0.1:5000", "b", "latest"));
        assert_eq!(
            parts("docker.io/node:20"),
            is("registry-1.docker.io", "library/node", "20")
        );
        assert_eq!(
            parts("docker.io/a/b"),
            is("registry-1.docker.io", "a/b", "latest")
        );
        for wrong in [
            "node:20",
            "quay.io/../a",
            "quay.io/a//b",
            "quay.io/a:",
            "quay.io/a@sha256:00",
            "quay.io/a?b",
        ] {
            assert_eq!(Tagged::of(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_name_that_only_begins_like_an_address_is_not_this_machine() {
        for registry in ["localhost:5000", "127.0.0.1:5000", "[::1]:5000"] {
            assert!(is_loopback(registry), "{registry}");
        }
        for registry in ["quay.io", "127.0.0.1.example.org:80", "localhost.example.org"] {
            assert!(!is_loopback(registry), "{registry}");
        }
    }
}
