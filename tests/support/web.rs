//! A web server on loopback that answers what a test gave it, and counts what was asked.

#![allow(dead_code)] // each test binary uses a part of it

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _};
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// An answer: the status line's end, further headers, the body.
#[derive(Clone)]
pub(crate) struct Answer {
    status: &'static str,
    headers: String,
    body: Vec<u8>,
    /// What those get who send this `Authorization`.
    instead: Option<(String, Box<Answer>)>,
}

impl Answer {
    pub(crate) fn ok(body: impl Into<Vec<u8>>) -> Self {
        Self {
            status: "200 OK",
            headers: String::new(),
            body: body.into(),
            instead: None,
        }
    }

    pub(crate) fn not_ok(status: &'static str, body: &str) -> Self {
        Self {
            status,
            ..Self::ok(body)
        }
    }

    /// This one, but `other` for those who send that `Authorization`.
    pub(crate) fn but_for(mut self, authorization: &str, other: Self) -> Self {
        self.instead = Some((authorization.to_owned(), Box::new(other)));
        self
    }

    pub(crate) fn redirect(to: &str) -> Self {
        Self {
            status: "302 Found",
            ..Self::ok("").with("Location", to)
        }
    }

    pub(crate) fn with(mut self, header: &str, value: &str) -> Self {
        self.headers += &format!("{header}: {value}\r\n");
        self
    }
}

#[derive(Default)]
struct State {
    answers: BTreeMap<String, Answer>,
    asked: Vec<String>,
}

/// The server; it answers until the test's process ends.
pub(crate) struct Web {
    scheme: &'static str,
    address: SocketAddr,
    state: Arc<(Mutex<State>, Condvar)>,
}

/// What is read and written over a connection, protected or not.
trait Stream: std::io::Read + std::io::Write {}

impl<T: std::io::Read + std::io::Write> Stream for T {}

impl Web {
    pub(crate) fn new() -> Self {
        Self::serve(None)
    }

    /// One with a certificate for `localhost`, which is returned as PEM.
    pub(crate) fn protected() -> (Self, String) {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .unwrap();
        (Self::serve(Some(Arc::new(config))), made.cert.pem())
    }

    fn serve(tls: Option<Arc<ServerConfig>>) -> Self {
        let scheme = if tls.is_some() { "https" } else { "http" };
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state: Arc<(Mutex<State>, Condvar)> = Arc::default();
        let served = Arc::clone(&state);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let mut stream: Box<dyn Stream> = match &tls {
                    Some(config) => {
                        let connection = ServerConnection::new(Arc::clone(config)).unwrap();
                        Box::new(StreamOwned::new(connection, stream))
                    }
                    None => Box::new(stream),
                };
                // A client that goes away in the middle is no failure of the server.
                let _ = answer(&mut stream, &served);
            }
        });
        Self {
            scheme,
            address,
            state,
        }
    }

    /// The address of `path` on this server, by that host.
    pub(crate) fn url(&self, host: &str, path: &str) -> String {
        format!("{}://{host}:{}{path}", self.scheme, self.address.port())
    }

    pub(crate) fn give(&self, path: &str, answer: Answer) {
        self.state
            .0
            .lock()
            .unwrap()
            .answers
            .insert(path.to_owned(), answer);
    }

    /// The paths that were asked for since the last call, each with what was sent along.
    pub(crate) fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.state.0.lock().unwrap().asked)
    }

    /// Waits until something is asked for; whether that happens while anybody would wait.
    pub(crate) fn is_asked(&self) -> bool {
        let (state, changed) = &*self.state;
        let state = state.lock().unwrap();
        let wait = changed.wait_timeout_while(state, Duration::from_secs(20), |s| s.asked.is_empty());
        !wait.unwrap().1.timed_out()
    }
}

fn answer(stream: &mut dyn Stream, (state, changed): &(Mutex<State>, Condvar)) -> std::io::Result<()> {
    let mut reader = BufReader::new(&mut *stream);
    let mut lines = reader.by_ref().lines();
    let request = lines.next().transpose()?.unwrap_or_default();
    let (mut authorization, mut length) = (String::new(), 0);
    for line in lines {
        let line = line?;
        match line.split_once(": ") {
            Some((name, value)) if name.eq_ignore_ascii_case("authorization") => {
                value.clone_into(&mut authorization);
            }
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                length = value.parse().unwrap();
            }
            Some(_) => {}
            None => break,
        }
    }
    let mut sent = vec![0; length];
    reader.read_exact(&mut sent)?;
    let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
    let found = {
        let mut state = state.lock().unwrap();
        let sent = String::from_utf8(sent).unwrap();
        state.asked.push(format!("{path} {sent}").trim_end().to_owned());
        changed.notify_all();
        state.answers.get(path.split('?').next().unwrap()).cloned()
    };
    let mut answer = found.unwrap_or_else(|| Answer::not_ok("404 Not Found", ""));
    if let Some((_, other)) = answer.instead.take_if(|(wanted, _)| *wanted == authorization) {
        answer = *other;
    }
    let is_head = request.starts_with("HEAD ");
    write!(
        stream,
        "HTTP/1.1 {}\r\n{}Content-Length: {}\r\nConnection: close\r\n\r\n",
        answer.status,
        answer.headers,
        answer.body.len()
    )?;
    stream.write_all(if is_head { &[] } else { &answer.body })?;
    stream.flush()
}
