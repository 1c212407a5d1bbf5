//! What a workspace listens on, and the ports that it publishes on the host by declaration; everything else is dialled.

use super::workspace::Input;
use crate::devfile::{Component, Container, Endpoint};
use crate::document::Diagnostic;
use crate::model::{DesiredEndpoint, PublishedPort};

/// What the containers that stay up listen on.
pub(super) fn endpoints(containers: &[(&Component, &Container)]) -> Vec<DesiredEndpoint> {
    let of = |(component, container): &(&Component, &Container)| {
        let endpoint = |endpoint: &Endpoint| DesiredEndpoint {
            name: endpoint.name.value.clone(),
            component: component.name.value.clone(),
            port: endpoint.target_port.value,
        };
        container.endpoints.iter().map(endpoint).collect::<Vec<_>>()
    };
    containers.iter().flat_map(of).collect()
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
