//! Values of a manifest that have a form of their own: addresses, paths, durations, image references. Each is read
//! once, here, with its error at its place.

use core::net::IpAddr;

use crate::document::{Code, Decode, Fields, Node, Reader, Spanned};

/// What a text must be, told where it isn't.
pub(super) struct Form {
    /// The error's code.
    pub(super) code: Code,
    /// What is expected, such as `an absolute path`.
    pub(super) expected: &'static str,
    /// Whether a text is right.
    pub(super) holds: fn(&str) -> bool,
}

/// The engine's address. Reaching it is `engine`'s business; here only its form is judged.
pub(super) const ENGINE: Form = Form {
    code: "manifest/engine-address",
    expected: "unix:///PATH, the address of Podman's API socket",
    holds: |text| {
        ["unix://", "simulated://"].iter().any(|scheme| {
            text.strip_prefix(scheme)
                .is_some_and(|path| path.starts_with('/'))
        })
    },
};

/// A directory within containers.
pub(super) const HOME: Form = Form {
    code: "manifest/home",
    expected: "an absolute path below /, without . or .. or a trailing slash",
    holds: |text| {
        let name = |part: &str| !matches!(part, "" | "." | "..") && !part.contains([':', ',', '\0']);
        text.strip_prefix('/')
            .is_some_and(|rest| rest.split('/').all(name))
    },
};

/// An e-mail address, as far as a typing error would show.
pub(super) const EMAIL: Form = Form {
    code: "manifest/email",
    expected: "an e-mail address, NAME@HOST",
    holds: |text| {
        text.split_once('@').is_some_and(|(name, host)| {
            !name.is_empty() && !host.is_empty() && !host.contains('@') && !text.contains(char::is_whitespace)
        })
    },
};

/// A time such as `30m` or `1h30m`.
pub(super) const DURATION: Form = Form {
    code: "manifest/duration",
    expected: "a duration, such as 30m, 1h30m or 90s",
    holds: |text| {
        let mut rest = text;
        while !rest.is_empty() {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            if digits == 0 || digits > 9 || !rest[digits..].starts_with(['h', 'm', 's']) {
                return false;
            }
            rest = &rest[digits + 1..];
        }
        !text.is_empty()
    },
};

/// A time of day.
pub(super) const CLOCK: Form = Form {
    code: "manifest/time",
    expected: "a time of day from 00:00 to 24:00, such as 02:00",
    holds: |text| crate::model::Clock::read(text).is_some(),
};

/// An image's reference, or the part of one. Which images exist is the engine's business.
pub(super) const REFERENCE: Form = Form {
    code: "manifest/image-reference",
    expected: "an image reference, such as registry.example.org/tools:1",
    holds: |text| {
        let part = |c: char| c.is_ascii_alphanumeric() || "._-/:@".contains(c);
        text.starts_with(|c: char| c.is_ascii_alphanumeric()) && text.chars().all(part)
    },
};

/// A pattern over image references.
pub(super) const PATTERN: Form = Form {
    code: "manifest/image-pattern",
    expected: "an image pattern, such as registry.example.org/* (* any text, ? one character, [ab] one of these)",
    holds: |text| !text.is_empty() && !text.contains(char::is_whitespace) && glob::Pattern::new(text).is_ok(),
};

/// What an engine calls a volume. Whether it is there is the engine's business.
pub(super) const VOLUME: Form = Form {
    code: "manifest/volume-name",
    expected: "the name of a volume, such as myproject_data",
    holds: |text| {
        let part = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
        text.starts_with(|c: char| c.is_ascii_alphanumeric()) && text.chars().all(part)
    },
};

/// An address of this host.
pub(super) const ADDRESS: Form = Form {
    code: "manifest/address",
    expected: "an IP address, such as 127.0.0.1",
    holds: |text| text.parse::<IpAddr>().is_ok(),
};

/// An address of the web.
pub(super) const WEB_ADDRESS: Form = Form {
    code: "manifest/web-address",
    expected: "an address of the web, such as https://registry.example.org",
    holds: |text| {
        let rest = text
            .strip_prefix("https://")
            .or_else(|| text.strip_prefix("http://"));
        let written = |c: char| c.is_ascii_graphic() && !matches!(c, '?' | '#' | '@');
        rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/') && rest.chars().all(written))
    },
};

/// A host by its name or address.
pub(super) const HOST: Form = Form {
    code: "manifest/host",
    expected: "a host's name or address, such as devfiles.example.org or 10.0.0.5, without a port",
    holds: |text| {
        let word = |c: char| c.is_ascii_alphanumeric() || ".-_".contains(c);
        let six = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        match six {
            Some(six) => !six.is_empty() && six.chars().all(|c| c.is_ascii_hexdigit() || ":.".contains(c)),
            None => !text.is_empty() && text.chars().all(word),
        }
    },
};

/// A text of that form.
pub(super) fn text(node: &Node, form: &Form, reader: &mut Reader<'_>) -> Option<Spanned<String>> {
    let text: Spanned<String> = Decode::decode(node, reader)?;
    check(&text, form, reader).then_some(text)
}

/// Whether a text has that form; reports it where it has not.
pub(super) fn check(text: &Spanned<String>, form: &Form, reader: &mut Reader<'_>) -> bool {
    let holds = (form.holds)(&text.value);
    if !holds {
        let message = format!("{:?} is not {}", text.value, form.expected);
        let diagnostic = reader.error(form.code, text.span, message);
        reader.report(diagnostic.label(format!("expected {}", form.expected)));
    }
    holds
}

/// What a text of that form stands for; reports it where it stands for nothing.
pub(super) fn parsed<T, E: std::fmt::Display>(
    text: Spanned<String>,
    form: &Form,
    parse: impl Fn(&str) -> Result<T, E>,
    reader: &mut Reader<'_>,
) -> Option<Spanned<T>> {
    let Spanned { value, span } = text;
    match parse(&value) {
        Ok(value) => Some(Spanned { value, span }),
        Err(error) => {
            let message = format!("{value:?} can't be used: {error}");
            let diagnostic = reader.error(form.code, span, message);
            reader.report(diagnostic.label(format!("expected {}", form.expected)));
            None
        }
    }
}

/// The text of that form under `key`, where it is there.
pub(super) fn optional(
    fields: &mut Fields<'_>,
    key: &'static str,
    form: &Form,
    reader: &mut Reader<'_>,
) -> Option<Spanned<String>> {
    // Asked for as a string first: that reports an absent value and a wrong type.
    fields.optional::<String>(key, reader)?;
    fields.node(key).and_then(|node| text(node, form, reader))
}

/// What may be published: one address of the host and the ports from the first to the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublishRule {
    /// The host's address; an unspecified one (`0.0.0.0`, `::`) stands for every address of its family.
    pub address: IpAddr,
    /// The first port.
    pub first: u16,
    /// The last port.
    pub last: u16,
}

/// A text that is no rule for publishing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected ADDRESS:PORT or ADDRESS:FIRST-LAST, such as 127.0.0.1:8000-8999")]
pub struct PublishRuleError;

impl PublishRule {
    /// Whether it allows publishing on that address and port.
    #[must_use]
    pub fn allows(&self, address: IpAddr, port: u16) -> bool {
        let any = self.address.is_unspecified() && self.address.is_ipv4() == address.is_ipv4();
        (any || self.address == address) && (self.first..=self.last).contains(&port)
    }
}

impl std::str::FromStr for PublishRule {
    type Err = PublishRuleError;

    fn from_str(text: &str) -> Result<Self, PublishRuleError> {
        let parse = || {
            let (address, ports) = text.rsplit_once(':')?;
            let (first, last) = ports.split_once('-').unwrap_or((ports, ports));
            let address: IpAddr = match address.strip_prefix('[').and_then(|a| a.strip_suffix(']')) {
                Some(v6) => IpAddr::V6(v6.parse().ok()?),
                None => IpAddr::V4(address.parse().ok()?),
            };
            let digits = |t: &str| t.bytes().all(|b| b.is_ascii_digit());
            let (first, last) = (digits(first).then_some(first)?, digits(last).then_some(last)?);
            let rule = Self {
                address,
                first: first.parse().ok()?,
                last: last.parse().ok()?,
            };
            (rule.first > 0 && rule.first <= rule.last).then_some(rule)
        };
        parse().ok_or(PublishRuleError)
    }
}

impl Decode for PublishRule {
    fn decode(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        crate::document::parsed(node, reader, "manifest/publish-rule")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_tell_right_from_wrong() {
        for (form, right, wrong) in [
            (
                ENGINE,
                &["unix:///run/podman/podman.sock"][..],
                &["tcp://x:1", "unix://x", "/x", ""][..],
            ),
            (
                HOME,
                &["/home/user", "/h"],
                &["/", "home", "/home/", "/a/../b", "/a//b", "/a:b"],
            ),
            (
                EMAIL,
                &["a@b", "a.b@c.example"],
                &["a", "@b", "a@", "a @b", "a@b@c"],
            ),
            (
                DURATION,
                &["30m", "1h30m", "0s"],
                &["", "30", "m", "1d", "1h 30m"],
            ),
            (
                REFERENCE,
                &["localhost/x:1", "a@sha256:00"],
                &["", "-x", "a b", "é"],
            ),
            (
                PATTERN,
                &["*", "localhost/*", "[ab]"],
                &["", "[a", "a***b", "a b"],
            ),
            (ADDRESS, &["127.0.0.1", "::1"], &["localhost", "127.0.0.1:80", ""]),
        ] {
            for text in right {
                assert!((form.holds)(text), "{} refuses {text:?}", form.code);
            }
            for text in wrong {
                assert!(!(form.holds)(text), "{} takes {text:?}", form.code);
            }
        }
    }

    #[test]
    fn a_publish_rule_allows_its_address_and_ports_only() {
        let rule = |text: &str| text.parse::<PublishRule>();
        let allows = |text, address: &str, port| rule(text).unwrap().allows(address.parse().unwrap(), port);
        assert!(allows("127.0.0.1:8000-8999", "127.0.0.1", 8999));
        assert!(!allows("127.0.0.1:8000-8999", "127.0.0.1", 9000));
        assert!(!allows("127.0.0.1:80", "127.0.0.2", 80));
        assert!(allows("0.0.0.0:80", "10.0.0.1", 80));
        assert!(!allows("0.0.0.0:80", "::1", 80));
        assert!(allows("[::1]:80", "::1", 80));
        for bad in [
            "",
            "80",
            "x:80",
            "127.0.0.1:",
            "127.0.0.1:0",
            "127.0.0.1:9-8",
            "127.0.0.1:+9",
            "::1:80",
        ] {
            assert!(rule(bad).is_err(), "{bad}");
        }
    }
}
