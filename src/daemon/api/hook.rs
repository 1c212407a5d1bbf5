//! A git server says that somebody has pushed. Who knows the secret is believed; what the request says is not read, for a
//! look at the repository says more.

use std::fmt;

use axum::body::Body;
use axum::http::{HeaderMap, StatusCode};
use futures_util::StreamExt as _;
use hmac::{Hmac, Mac as _};
use sha2::Sha256;

/// The largest body that is looked at, in bytes: what GitHub sends at most.
const MOST: usize = 25 << 20;
/// The fewest bytes of a secret: fewer can be guessed.
const SHORTEST: usize = 16;

/// Headers with a signature of the body: GitHub, Gitea and Forgejo.
const SIGNATURES: [&str; 3] = ["x-hub-signature-256", "x-gitea-signature", "x-forgejo-signature"];
/// The header with the secret itself: GitLab.
const TOKEN: &str = "x-gitlab-token";

/// What a git server and the daemon both know.
#[derive(Clone)]
pub struct Secret {
    /// What signs with it.
    key: Hmac<Sha256>,
    /// What it signs of itself: a comparison of such takes the same time whatever is wrong.
    itself: Vec<u8>,
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

impl Secret {
    /// The secret as the content of a file: a line break at its end is none of it.
    ///
    /// # Errors
    /// Where it is so short that it can be guessed.
    pub fn new(content: &[u8]) -> Result<Self, String> {
        let secret = content.trim_ascii_end();
        if secret.len() < SHORTEST {
            return Err(format!(
                "it holds {} bytes, and fewer than {SHORTEST} can be guessed",
                secret.len()
            ));
        }
        let key = Hmac::new_from_slice(secret).map_err(|e| e.to_string())?;
        let itself = key.clone().chain_update(secret).finalize().into_bytes().to_vec();
        Ok(Self { key, itself })
    }

    /// The proof that a request brings of knowing it.
    fn proof(headers: &HeaderMap) -> Option<Proof> {
        for name in SIGNATURES {
            let Some(value) = headers.get(name) else { continue };
            let text = value.to_str().ok()?;
            let digits = text.strip_prefix("sha256=").unwrap_or(text);
            return from_hex(digits).map(Proof::Signature);
        }
        let token = headers.get(TOKEN)?.as_bytes().to_vec();
        Some(Proof::Token(token))
    }
}

enum Proof {
    /// Of the body.
    Signature(Vec<u8>),
    /// The secret itself.
    Token(Vec<u8>),
}

/// What becomes of a request: accepted where it proves that its sender knows the secret.
///
/// The body is hashed as it comes and kept nowhere. What is too large is still received, or its sender would not listen to
/// the answer; the connection ends with its time.
pub(super) async fn check(secret: &Secret, headers: &HeaderMap, body: Body) -> StatusCode {
    let Some(proof) = Secret::proof(headers) else {
        return StatusCode::UNAUTHORIZED;
    };
    let mut hash = secret.key.clone();
    let mut length = 0_usize;
    let mut chunks = body.into_data_stream();
    while let Some(chunk) = chunks.next().await {
        let Ok(chunk) = chunk else {
            return StatusCode::BAD_REQUEST;
        };
        length = length.saturating_add(chunk.len());
        if length <= MOST {
            hash.update(&chunk);
        }
    }
    if length > MOST {
        return StatusCode::PAYLOAD_TOO_LARGE;
    }
    let known = match proof {
        Proof::Signature(signature) => hash.verify_slice(&signature),
        Proof::Token(token) => secret
            .key
            .clone()
            .chain_update(token)
            .verify_slice(&secret.itself),
    };
    match known {
        Ok(()) => StatusCode::ACCEPTED,
        Err(_) => StatusCode::FORBIDDEN,
    }
}

/// The bytes that hexadecimal digits stand for.
fn from_hex(digits: &str) -> Option<Vec<u8>> {
    let pairs = digits.as_bytes().chunks(2);
    let byte = |pair: &[u8]| match pair {
        [high, low] if pair.iter().all(u8::is_ascii_hexdigit) => {
            u8::from_str_radix(std::str::from_utf8(&[*high, *low]).ok()?, 16).ok()
        }
        _ => None,
    };
    pairs.map(byte).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &'static str, value: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(name, value.parse().unwrap());
        headers
    }

    async fn answer(name: &'static str, value: &str, body: &'static str) -> u16 {
        let secret = Secret::new(b"it's a secret to everybody\n").unwrap();
        check(&secret, &headers(name, value), Body::from(body))
            .await
            .as_u16()
    }

    /// Of "Hello, World!" with that secret.
    const SIGNATURE: &str = "05e4c326f226561bdf576ba97951abbea2822d8e8df641580a291e11a58df3f5";

    #[tokio::test]
    async fn who_knows_the_secret_is_believed() {
        let github = format!("sha256={SIGNATURE}");
        assert_eq!(answer("x-hub-signature-256", &github, "Hello, World!").await, 202);
        assert_eq!(answer("x-gitea-signature", SIGNATURE, "Hello, World!").await, 202);
        assert_eq!(
            answer("x-forgejo-signature", SIGNATURE, "Hello, World!").await,
            202
        );
        assert_eq!(
            answer("x-gitlab-token", "it's a secret to everybody", "{}").await,
            202
        );
    }

    #[tokio::test]
    async fn nobody_else_is() {
        let github = format!("sha256={SIGNATURE}");
        assert_eq!(answer("x-hub-signature-256", &github, "Hello, World?").await, 403);
        assert_eq!(
            answer("x-hub-signature-256", "sha256=00", "Hello, World!").await,
            403
        );
        assert_eq!(
            answer("x-gitlab-token", "it's a secret to everybody ", "{}").await,
            403
        );
        assert_eq!(answer("x-gitlab-token", "", "{}").await, 403);
        assert_eq!(
            answer("x-hub-signature-256", "sha256=0g", "Hello, World!").await,
            401
        );
        assert_eq!(
            answer("x-hub-signature-256", "sha1=00", "Hello, World!").await,
            401
        );
        assert_eq!(answer("x-other", "it's a secret to everybody", "{}").await, 401);
    }

    #[tokio::test]
    async fn what_is_too_large_is_received_and_refused() {
        let secret = Secret::new(&[7; SHORTEST]).unwrap();
        let body = Body::from(vec![0; MOST + 1]);
        let code = check(&secret, &headers("x-gitlab-token", "x"), body).await;
        assert_eq!(code, StatusCode::PAYLOAD_TOO_LARGE);
    }

    #[test]
    fn a_secret_that_can_be_guessed_is_refused() {
        let why = Secret::new(b"secret\n").unwrap_err();
        assert!(why.contains("6 bytes"), "{why}");
        assert!(!format!("{:?}", Secret::new(&[b'x'; 16])).contains('x'));
    }
}
