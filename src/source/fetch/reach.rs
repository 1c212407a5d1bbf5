//! Which addresses may be asked.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, LazyLock};

use ipnet::IpNet;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

/// What is no public address: the special-purpose registries of IANA, and everything of IPv6 that is not global unicast.
const NOT_PUBLIC: [&str; 21] = [
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.88.99.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/3",
    "::/3",
    "4000::/2",
    "8000::/1",
    "2001::/23",
    "2001:db8::/32",
    "2002::/16",
    "3fff::/20",
];

static NETWORKS: LazyLock<Vec<IpNet>> =
    LazyLock::new(|| NOT_PUBLIC.iter().filter_map(|net| net.parse().ok()).collect());

fn is_public(address: IpAddr) -> bool {
    let address = address.to_canonical(); // an IPv4 address may be written as one of IPv6
    !NETWORKS.iter().any(|net| net.contains(&address))
}

/// Public addresses, and hosts that the Site names.
#[derive(Clone, Debug)]
pub(in crate::source) struct Reach {
    /// Hosts whose address may be any.
    private: Arc<BTreeSet<Host>>,
}

impl Reach {
    pub(in crate::source) fn new(private: impl IntoIterator<Item = Host>) -> Self {
        Self {
            private: Arc::new(private.into_iter().collect()),
        }
    }

    /// Refuses an address of the web before anything is asked. A name is resolved later, and checked then.
    pub(in crate::source) fn check(&self, url: &Url) -> Result<(), String> {
        if !matches!(url.scheme(), "https" | "http") {
            return Err(format!("{url} is no address of the web"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("an address with a password in it is not asked".to_owned());
        }
        let Some(host) = url.host().map(|host| host.to_owned()) else {
            return Err(format!("{url} names no host"));
        };
        let address = match host {
            Host::Domain(_) => return Ok(()),
            Host::Ipv4(address) => IpAddr::V4(address),
            Host::Ipv6(address) => IpAddr::V6(address),
        };
        if self.allows(&host, address) {
            return Ok(());
        }
        Err(refusal(&format!("{address} is no public address")))
    }

    fn allows(&self, host: &Host, address: IpAddr) -> bool {
        is_public(address) || self.private.contains(host)
    }
}

fn refusal(why: &str) -> String {
    format!("{why}; the Site's policy.imports.privateHosts can name the host")
}

impl Resolve for Reach {
    fn resolve(&self, name: Name) -> Resolving {
        let reach = self.clone();
        Box::pin(async move {
            let host = name.as_str();
            let found: Vec<SocketAddr> = tokio::net::lookup_host((host, 0)).await?.collect();
            let named = Host::Domain(host.to_ascii_lowercase());
            let mut allowed = found
                .iter()
                .filter(|a| reach.allows(&named, a.ip()))
                .copied()
                .peekable();
            if let (None, Some(refused)) = (allowed.peek(), found.first()) {
                let why = format!("{host} has the address {}, which is not public", refused.ip());
                return Err(refusal(&why).into());
            }
            let allowed: Vec<SocketAddr> = allowed.collect();
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn public(text: &str) -> bool {
        is_public(text.parse().unwrap())
    }

    #[test]
    fn every_network_of_the_list_is_one() {
        assert_eq!(NETWORKS.len(), NOT_PUBLIC.len());
    }

    #[test]
    fn what_lies_inside_is_not_public() {
        for inside in [
            "127.0.0.1",
            "0.0.0.0",
            "10.1.2.3",
            "172.31.255.255",
            "192.168.0.1",
            "169.254.169.254",
            "100.127.0.1",
            "255.255.255.255",
            "224.0.0.1",
            "::1",
            "::",
            "fe80::1",
            "fd00::1",
            "::ffff:127.0.0.1",
            "64:ff9b::a00:1",
            "2002:7f00:1::",
            "ff02::1",
        ] {
            assert!(!public(inside), "{inside}");
        }
        for outside in [
            "1.1.1.1",
            "172.32.0.1",
            "192.0.3.1",
            "100.128.0.1",
            "2606:4700::1111",
            "2a00::1",
        ] {
            assert!(public(outside), "{outside}");
        }
    }

    #[test]
    fn an_address_is_refused_before_it_is_asked() {
        let private = ["Devfiles.corp", "[::1]", "[FD00:0::1]", "10.0.0.5"];
        let reach = Reach::new(private.map(|host| Host::parse(host).unwrap()));
        let check = |url: &str| reach.check(&Url::parse(url).unwrap());
        for refused in [
            "http://127.1/a",
            "https://[::ffff:10.0.0.1]/a",
            "https://0x7f000001/a",
            "ftp://example.org/a",
            "https://user:word@example.org/a",
            "file:///etc/passwd",
        ] {
            assert!(check(refused).is_err(), "{refused}");
        }
        for fine in [
            "https://example.org/a",
            "http://10.0.0.5/a",
            "https://[::1]/a",
            "https://[fd00::1]/a",
            "https://1.1.1.1/",
        ] {
            assert_eq!(check(fine), Ok(()), "{fine}");
        }
    }
}
