//! The end of what a command wrote: enough to see why it failed, and never a credential.

use futures_util::StreamExt as _;

use crate::engine::{EngineError, ExecSession, Output, OutputStream};

/// The most lines that are kept.
const LINES: usize = 10;
/// The most bytes of them.
const BYTES: usize = 4096;

/// The last lines of some output.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Tail(Vec<u8>);

impl Tail {
    fn push(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
        // Cuts now and then only, so that much output costs little.
        if self.0.len() > 4 * BYTES {
            self.0.drain(..self.0.len() - BYTES);
        }
    }

    /// The last lines, credentials masked.
    pub(super) fn text(&self) -> String {
        let kept = &self.0[self.0.len().saturating_sub(BYTES)..];
        let text = String::from_utf8_lossy(kept);
        let lines: Vec<&str> = text
            .lines()
            .map(str::trim_end)
            .filter(|l| !l.is_empty())
            .collect();
        mask(&lines[lines.len().saturating_sub(LINES)..].join("\n"))
    }
}

/// Reads a stream to its end.
pub(super) async fn tail_of(mut stream: OutputStream) -> Result<Tail, EngineError> {
    let mut tail = Tail::default();
    while let Some(piece) = stream.next().await {
        match piece? {
            Output::Stdout(bytes) | Output::Stderr(bytes) => tail.push(&bytes),
        }
    }
    Ok(tail)
}

/// Lets a command come to its end: what it wrote last, and its exit code.
pub(super) async fn finish(session: ExecSession) -> Result<(Tail, i32), EngineError> {
    drop(session.stdin);
    let tail = tail_of(session.output).await?;
    let lost = |_| EngineError::Failed {
        call: "exec".to_owned(),
        message: "the engine lost the command's exit code".to_owned(),
    };
    let code = session.exit.await.map_err(lost)??;
    Ok((tail, code))
}

/// `text` with `user:password@` in URLs masked.
pub(super) fn mask(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        masked.push_str(before);
        let ends = |c: char| c == '/' || c.is_whitespace() || matches!(c, '\'' | '"' | '<' | '>' | '?' | '#');
        let authority = &after[..after.find(ends).unwrap_or(after.len())];
        rest = match authority.rfind('@') {
            Some(at) => {
                masked.push_str("***");
                &after[at..]
            }
            None => after,
        };
    }
    masked.push_str(rest);
    masked
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_in_urls_are_masked() {
        for (text, masked) in [
            ("fatal: 'https://u:p@h/x' gone", "fatal: 'https://***@h/x' gone"),
            ("ssh://git@h https://t@h/", "ssh://***@h https://***@h/"),
            ("https://u:a@b@h/x", "https://***@h/x"),
            ("https://h/x@y and a@b", "https://h/x@y and a@b"),
            ("://", "://"),
        ] {
            assert_eq!(mask(text), masked);
        }
    }

    #[test]
    fn only_the_last_lines_are_kept() {
        let mut tail = Tail::default();
        for line in 0..10_000 {
            tail.push(format!("line {line}\n\n").as_bytes());
        }
        assert!(tail.0.len() <= 4 * BYTES);
        let text = tail.text();
        assert_eq!(text.lines().count(), LINES);
        assert!(
            text.starts_with("line 9990") && text.ends_with("line 9999"),
            "{text}"
        );
    }
}
