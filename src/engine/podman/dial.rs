//! Connections into a container's network namespace: a thread enters the namespace, connects there, and hands the
//! socket over; a socket stays in the namespace that it was made in. So an application that listens on 127.0.0.1 is
//! reachable, and nothing is published on the host. Without root the same happens in a [`super::unshare`].

use std::fs::File;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::os::fd::AsFd;
use std::time::Duration;

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use super::Podman;
use super::fault::Call;
use super::unshare::Question;
use crate::engine::{EngineError, Result};
use crate::model::EngineId;

/// How long one address may take to answer; both ends are on one machine.
const CONNECT: Duration = Duration::from_secs(5);

impl Podman {
    pub(super) async fn connect_within(&self, id: &EngineId, port: u16) -> Result<tokio::net::TcpStream> {
        let container = self.api.container("inspect container", &id.0).await?;
        let target = format!("port {port} in {}", container.name);
        let call = Call::new("connect to", &target);
        if !container.is_running() {
            return Err(EngineError::Conflict(format!(
                "{call}: the container does not run (it is {})",
                container.state.status
            )));
        }
        let question = Question::Dial {
            pid: container.state.pid,
            port,
        };
        let stream = self
            .beside(call, question)
            .await?
            .map_err(|error| not_connected(call, &error))?
            .ok_or_else(|| call.failed("no socket was passed on"))?;
        stream.set_nonblocking(true).map_err(|error| call.failed(error))?;
        tokio::net::TcpStream::from_std(stream).map_err(|error| call.failed(error))
    }

    /// Answers a question where it must be: in a thread of its own, which ends, since entering a namespace changes a
    /// thread for good; without root, in a helper.
    pub(super) async fn beside(
        &self,
        call: Call<'_>,
        question: Question,
    ) -> Result<io::Result<Option<TcpStream>>> {
        let (host, helpers) = (self.reader.host()?, self.helpers.clone());
        let (tell, told) = tokio::sync::oneshot::channel();
        let answer = move || {
            let answer = if host.rootless() {
                helpers.ask(&question)
            } else {
                question.answer()
            };
            // The caller may have given up.
            let _ = tell.send(answer);
        };
        std::thread::Builder::new()
            .name("podman-helper".to_owned())
            .spawn(answer)
            .map_err(|error| call.failed(error))?;
        told.await
            .map_err(|_| call.failed("the thread ended without an answer"))
    }
}

fn not_connected(call: Call<'_>, error: &io::Error) -> EngineError {
    match error.kind() {
        io::ErrorKind::PermissionDenied => call.failed(format!(
            "entering the container's network needs the rights of the user whose Podman it is ({error})"
        )),
        _ => call.failed(error),
    }
}

/// Enters the network namespace of a process and connects to the loopback address there. Changes the calling thread.
pub(super) fn connect_in_namespace(pid: u32, port: u16) -> io::Result<TcpStream> {
    let namespace = File::open(format!("/proc/{pid}/ns/net"))?;
    move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network))?;
    connect_loopback(port)
}

fn connect_loopback(port: u16) -> io::Result<TcpStream> {
    let connect = |ip: IpAddr| TcpStream::connect_timeout(&SocketAddr::new(ip, port), CONNECT);
    connect(Ipv4Addr::LOCALHOST.into()).or_else(|first| {
        connect(Ipv6Addr::LOCALHOST.into()).map_err(|_| match first.kind() {
            io::ErrorKind::ConnectionRefused => io::Error::new(
                first.kind(),
                format!("nothing listens on port {port} there (tried 127.0.0.1 and ::1)"),
            ),
            _ => first,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_that_nobody_listens_on_is_named() {
        let free = std::net::TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let error = connect_loopback(free).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("nothing listens on port {free} there (tried 127.0.0.1 and ::1)")
        );
    }
}
