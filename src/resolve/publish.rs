//! What a workspace listens on, and the ports that it publishes on the host by declaration; everything else is dialled.

use std::collections::BTreeSet;

use super::workspace::Input;
use crate::devfile::{CommandKind, Component, Container, Devfile, Endpoint, Exposure, Protocol};
use crate::document::Diagnostic;
use crate::model::{DesiredEndpoint, PublishedPort};

/// What the containers that stay up listen on. Where people work, in the main container and those in which a command runs, what
/// listens is what they start; the others are services, which have to answer by themselves.
pub(super) fn endpoints(devfile: &Devfile, containers: &[(&Component, &Container)]) -> Vec<DesiredEndpoint> {
    let worked_in: BTreeSet<&str> = devfile
        .commands
        .iter()
        .filter_map(|command| match &command.kind {
            CommandKind::Exec(exec) => Some(exec.component.value.as_str()),
            CommandKind::Apply(_) | CommandKind::Composite(_) => None,
        })
        .chain(containers.first().map(|(main, _)| main.name.value.as_str()))
        .collect();
    let of = |(component, container): &(&Component, &Container)| {
        let endpoint = |endpoint: &Endpoint| DesiredEndpoint {
            name: endpoint.name.value.clone(),
            component: component.name.value.clone(),
            port: endpoint.target_port.value,
            awaited: !worked_in.contains(component.name.value.as_str()) && answers(endpoint),
        };
        container.endpoints.iter().map(endpoint).collect::<Vec<_>>()
    };
    containers.iter().flat_map(of).collect()
}

/// Whether somebody is to reach it, with a connection that can be tried.
fn answers(endpoint: &Endpoint) -> bool {
    let connects = match endpoint.protocol {
        Protocol::Http | Protocol::Https | Protocol::Ws | Protocol::Wss | Protocol::Tcp => true,
        Protocol::Udp => false,
    };
    connects && endpoint.exposure != Exposure::None
}

/// The published ports with the component whose endpoint each is.
pub(super) fn of(input: &Input<'_>, report: &mut dyn FnMut(Diagnostic)) -> Vec<(String, PublishedPort)> {
    let mut ports = Vec::new();
    for publish in &input.manifest.spec.publish {
        let mut endpoints = input.devfile.containers().flat_map(|(component, container)| {
            container
                .endpoints
                .iter()
                .map(move |endpoint| (component, endpoint))
        });
        match endpoints.find(|(_, e)| e.name.value == publish.endpoint.value) {
            Some((component, endpoint)) => {
                let port = PublishedPort {
                    address: publish.address.value.clone(),
                    host_port: publish.port.value,
                    port: endpoint.target_port.value,
                };
                ports.push((component.name.value.clone(), port));
            }
            None => {
                let names: Vec<&str> = input
                    .devfile
                    .containers()
                    .flat_map(|(_, c)| c.endpoints.iter().map(|e| e.name.value.as_str()))
                    .collect();
                let message = format!("the devfile has no endpoint {:?}", publish.endpoint.value);
                let error = input
                    .manifest
                    .error("resolve/unknown-endpoint", publish.endpoint.span, message);
                report(error.suggest(&publish.endpoint.value, names));
            }
        }
    }
    ports.sort();
    ports
}
