//! `wharf forward`.

use std::io;
use std::net::Ipv4Addr;
use std::str::FromStr;
use std::sync::{Arc, Weak};

use tokio::net::{TcpListener, TcpStream};
use tokio::signal::unix::{SignalKind, signal};

use super::Context;
use super::error::{Error, Exit};
use super::presence::Presence;
use super::workspace::{self, Found};
use crate::engine::Engine;
use crate::model::EngineId;

/// Reach a port of a workspace from this machine
///
/// Listens on 127.0.0.1 and connects to the port within the workspace, until Ctrl-C; an application that listens on
/// the workspace's 127.0.0.1 alone is reached as well. Without LOCAL it is the same port, or a free one where that is
/// taken; 0 is a free one. The address goes to standard output.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    workspace: workspace::Selector,
    /// The port within the workspace, and the one to listen on
    #[arg(value_name = "[LOCAL:]PORT")]
    ports: Ports,
}

/// Both ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Ports {
    local: Option<u16>,
    remote: u16,
}

impl FromStr for Ports {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let port = |text: &str| {
            text.parse::<u16>()
                .map_err(|_| format!("{text:?} is no port; expected a number up to 65535"))
        };
        let (local, remote) = match text.split_once(':') {
            Some((local, remote)) => (Some(port(local)?), port(remote)?),
            None => (None, port(text)?),
        };
        if remote == 0 {
            return Err("port 0 is no port of a workspace".to_owned());
        }
        Ok(Self { local, remote })
    }
}

pub(super) async fn run(context: &Context, args: &Args) -> Result<Exit, Error> {
    let found = workspace::find(context, &args.workspace).await?;
    let id = found.running()?.id.clone();
    let listener = listen(args.ports).await?;
    context.out.data(&format!("{}\n", listener.local_addr()?))?;
    let Found {
        site,
        workspace,
        component,
        ..
    } = found;
    context.out.say(&format!(
        "Forwarding to port {} of {component} in {workspace}; Ctrl-C ends it.",
        args.ports.remote
    ));
    let out = context.out;
    let mut interrupts = signal(SignalKind::interrupt())?;
    // While any connection is open.
    let mut used: Weak<Presence> = Weak::new();
    loop {
        let (client, _) = tokio::select! {
            accepted = listener.accept() => accepted?,
            _ = interrupts.recv() => return Ok(Exit::Success),
        };
        let (engine, id) = (Arc::clone(&site.engine), id.clone());
        let port = args.ports.remote;
        let here = used
            .upgrade()
            .unwrap_or_else(|| Arc::new(Presence::begin(&site.name, &workspace)));
        used = Arc::downgrade(&here);
        tokio::spawn(async move {
            let _here = here;
            if let Err(error) = connect(engine.as_ref(), &id, port, client).await {
                out.warn(&error.to_string());
            }
        });
    }
}

async fn listen(ports: Ports) -> Result<TcpListener, Error> {
    let wanted = ports.local.unwrap_or(ports.remote);
    let bind = |port| TcpListener::bind((Ipv4Addr::LOCALHOST, port));
    match bind(wanted).await {
        Ok(listener) => Ok(listener),
        Err(error) if ports.local.is_none() && is_taken(&error) => Ok(bind(0).await?),
        Err(error) => Err(Error::new(format!("can't listen on 127.0.0.1:{wanted}: {error}"))
            .hint("Name another port as LOCAL:PORT, or leave LOCAL out.")),
    }
}

/// In use, or below 1024 and not for this user.
fn is_taken(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::AddrInUse | io::ErrorKind::PermissionDenied
    )
}

async fn connect(
    engine: &dyn Engine,
    container: &EngineId,
    port: u16,
    mut client: TcpStream,
) -> Result<(), Error> {
    let mut remote = engine.dial(container, port).await?;
    match tokio::io::copy_bidirectional(&mut client, &mut remote).await {
        Ok(_) => Ok(()),
        // Either side may hang up whenever it likes.
        Err(error) if error.kind() == io::ErrorKind::ConnectionReset => Ok(()),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_one_or_two_numbers() {
        let ports = |text: &str| text.parse::<Ports>();
        let both = |local, remote| Ok(Ports { local, remote });
        assert_eq!(ports("8080"), both(None, 8080));
        assert_eq!(ports("0:8080"), both(Some(0), 8080));
        assert_eq!(ports("9000:8080"), both(Some(9000), 8080));
        for bad in ["", "x", "70000", "1:", "0", "1:0", "-1"] {
            assert!(ports(bad).is_err(), "{bad}");
        }
    }
}
