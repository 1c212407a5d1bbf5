//! Image references: which part names the registry. What they lead to is the engine's business.

/// The registry that a reference names, with its port. A short name has none, and `localhost` without a port is none: it
/// stands for what was built on the machine.
#[must_use]
pub fn registry(reference: &str) -> Option<&str> {
    let (first, _) = reference.split_once('/')?;
    first.contains(['.', ':']).then_some(first)
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
    fn a_name_that_only_begins_like_an_address_is_not_this_machine() {
        for registry in ["localhost:5000", "127.0.0.1:5000", "[::1]:5000"] {
            assert!(is_loopback(registry), "{registry}");
        }
        for registry in ["quay.io", "127.0.0.1.example.org:80", "localhost.example.org"] {
            assert!(!is_loopback(registry), "{registry}");
        }
    }
}
