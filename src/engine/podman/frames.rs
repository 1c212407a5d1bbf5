//! Podman's multiplexed streams: frames of eight bytes of header (which stream, three zeros, the length big-endian) and
//! their payload. podman-api's decoder panics at a stream it doesn't know and allocates what a header announces; this
//! one passes payloads on as they come and turns anything odd into an error.

use futures_util::Stream;
use futures_util::stream;

use crate::engine::{Output, Result};

use super::fault::Call;

const HEADER: usize = 8;

/// Takes bytes as they arrive, gives output.
#[derive(Debug, Default)]
pub(super) struct Frames {
    header: Vec<u8>,
    stderr: bool,
    remaining: usize,
}

/// Bytes that are no frame.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NoFrame(pub(super) String);

impl Frames {
    /// Whether the bytes so far end between two frames.
    pub(super) fn is_complete(&self) -> bool {
        self.header.is_empty() && self.remaining == 0
    }

    /// The output in `bytes`, each piece at most as long as what has arrived.
    pub(super) fn push(&mut self, mut bytes: &[u8]) -> Result<Vec<Output>, NoFrame> {
        let mut pieces = Vec::new();
        while !bytes.is_empty() {
            if self.remaining == 0 {
                let (taken, rest) = bytes.split_at(bytes.len().min(HEADER - self.header.len()));
                self.header.extend_from_slice(taken);
                bytes = rest;
                if self.header.len() == HEADER {
                    self.read_header(bytes)?;
                }
                continue;
            }
            let (payload, rest) = bytes.split_at(bytes.len().min(self.remaining));
            self.remaining -= payload.len();
            bytes = rest;
            let piece = if self.stderr {
                Output::Stderr
            } else {
                Output::Stdout
            };
            pieces.push(piece(payload.to_vec()));
        }
        Ok(pieces)
    }

    fn read_header(&mut self, rest: &[u8]) -> Result<(), NoFrame> {
        match self.header.as_slice() {
            [kind @ 0..=2, 0, 0, 0, a, b, c, d] => {
                self.stderr = *kind == 2;
                // Invariant: 32 bits fit a usize on every platform that Podman runs on.
                self.remaining = u32::from_be_bytes([*a, *b, *c, *d]) as usize;
                self.header.clear();
                Ok(())
            }
            other => {
                let text: Vec<u8> = other.iter().chain(rest).copied().take(500).collect();
                Err(NoFrame(String::from_utf8_lossy(&text).trim().to_owned()))
            }
        }
    }
}

/// Decodes a stream of byte chunks; ends after the first error, and may be polled after its end.
pub(super) fn decode<S, B, E>(chunks: S, call: String) -> impl Stream<Item = Result<Output>>
where
    S: Stream<Item = Result<B, E>> + Unpin,
    B: AsRef<[u8]>,
    E: std::fmt::Display,
{
    use futures_util::StreamExt;
    struct State<S> {
        chunks: S,
        frames: Frames,
        ready: std::collections::VecDeque<Result<Output>>,
        ended: bool,
    }
    let state = State {
        chunks,
        frames: Frames::default(),
        ready: std::collections::VecDeque::new(),
        ended: false,
    };
    stream::unfold((state, call), |(mut state, call)| async move {
        loop {
            if let Some(item) = state.ready.pop_front() {
                return Some((item, (state, call)));
            }
            if state.ended {
                return None;
            }
            let failed = |why: String| Call::new(&call, "").failed(why);
            match state.chunks.next().await {
                Some(Ok(bytes)) => match state.frames.push(bytes.as_ref()) {
                    Ok(pieces) => state.ready.extend(pieces.into_iter().map(Ok)),
                    Err(NoFrame(text)) => {
                        state.ended = true;
                        state.ready.push_back(Err(failed(format!(
                            "Podman sent something else than output: {text}"
                        ))));
                    }
                },
                Some(Err(error)) => {
                    state.ended = true;
                    state.ready.push_back(Err(failed(error.to_string())));
                }
                None => {
                    state.ended = true;
                    if !state.frames.is_complete() {
                        state
                            .ready
                            .push_back(Err(failed("the stream broke off".to_owned())));
                    }
                }
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use futures_util::{StreamExt, stream};
    use proptest::prelude::*;

    use super::*;

    fn frame(kind: u8, payload: &[u8]) -> Vec<u8> {
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        [&[kind, 0, 0, 0], &length[..], payload].concat()
    }

    #[test]
    fn frames_are_read_wherever_they_are_cut() {
        let bytes = [frame(1, b"out"), frame(2, b"err"), frame(1, b"")].concat();
        for cut in 0..bytes.len() {
            let mut frames = Frames::default();
            let (a, b) = bytes.split_at(cut);
            let pieces = [frames.push(a).unwrap(), frames.push(b).unwrap()].concat();
            let text = |wanted: fn(&Output) -> Option<&Vec<u8>>| {
                pieces
                    .iter()
                    .filter_map(wanted)
                    .flatten()
                    .copied()
                    .collect::<Vec<u8>>()
            };
            let out = text(|p| if let Output::Stdout(b) = p { Some(b) } else { None });
            let err = text(|p| if let Output::Stderr(b) = p { Some(b) } else { None });
            assert_eq!(
                (out.as_slice(), err.as_slice()),
                (&b"out"[..], &b"err"[..]),
                "{cut}"
            );
            assert!(frames.is_complete());
        }
    }

    #[test]
    fn what_is_no_frame_is_an_error_with_its_text() {
        let mut frames = Frames::default();
        assert_eq!(
            frames.push(b"Error: no such thing\n"),
            Err(NoFrame("Error: no such thing".into()))
        );
        let mut frames = Frames::default();
        assert!(frames.push(&frame(9, b"x")).is_err());
    }

    #[test]
    fn a_huge_announcement_allocates_nothing() {
        let mut frames = Frames::default();
        assert_eq!(
            frames.push(&[1, 0, 0, 0, 255, 255, 255, 255, b'x']),
            Ok(vec![Output::Stdout(b"x".to_vec())])
        );
        assert!(!frames.is_complete());
    }

    #[tokio::test]
    async fn a_stream_may_be_polled_after_its_end() {
        let chunks = stream::iter([Ok::<_, std::io::Error>(frame(1, b"a"))]);
        let mut output = Box::pin(decode(chunks, "logs".into()));
        assert!(matches!(output.next().await, Some(Ok(Output::Stdout(_)))));
        assert!(output.next().await.is_none());
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(chunks in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..40), 0..8)) {
            let mut frames = Frames::default();
            for chunk in chunks {
                if frames.push(&chunk).is_err() {
                    break;
                }
            }
        }
    }
}
