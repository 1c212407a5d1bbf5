//! Passwords in addresses: `https://bob:s3cret@example.org`. Who reads what is wrong with a file, in a pipeline's log for
//! example, need not be one who may read that file.

use std::borrow::Cow;
use std::ops::Range;

/// Whether an address in a text has a password.
#[must_use]
pub fn has_password(text: &str) -> bool {
    passwords(text).next().is_some()
}

/// The text with stars for passwords. It has as many bytes as before, so that places in it stay right.
#[must_use]
pub fn without_passwords(text: &str) -> Cow<'_, str> {
    let mut shown = Cow::Borrowed(text);
    for place in passwords(text) {
        let stars = "*".repeat(place.len());
        shown.to_mut().replace_range(place, &stars);
    }
    shown
}

/// Where passwords are, in the order of the text.
fn passwords(text: &str) -> impl Iterator<Item = Range<usize>> {
    let authority = |(at, mark): (usize, &str)| {
        let start = at + mark.len();
        let rest = &text[start..];
        let end = rest.find(|c: char| c.is_whitespace() || "/?#\"'<>\\".contains(c));
        (start, &rest[..end.unwrap_or(rest.len())])
    };
    text.match_indices("://")
        .map(authority)
        .filter_map(|(start, authority)| {
            let (login, _) = authority.rsplit_once('@')?;
            let (user, password) = login.split_once(':')?;
            (!password.is_empty()).then(|| start + user.len() + 1..start + login.len())
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_hidden_and_nothing_else() {
        for (text, shown) in [
            (
                "see \"https://bob:s3cret@x.org/a@b:c\" and http://a:b@c@d/",
                "see \"https://bob:******@x.org/a@b:c\" and http://a:***@d/",
            ),
            ("uri: https://:tökn@x.org", "uri: https://:*****@x.org"),
        ] {
            assert_eq!(without_passwords(text), shown);
            assert!(has_password(text));
        }
        for text in [
            "https://x.org:80/@a",
            "ssh://git@x.org:22/a",
            "git@x.org:a",
            "https://org@dev.example.org/a",
            "https://bob:@x.org",
            "a: b@c",
        ] {
            assert_eq!(without_passwords(text), text);
            assert!(!has_password(text));
        }
    }
}
