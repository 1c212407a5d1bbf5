//! Podman's API without anything between: one kept connection, a request, its answer.

#![allow(dead_code)] // each test binary uses a part of it

use std::path::Path;

use hyper::client::conn::{SendRequest, handshake};
use hyper::{Body, Method, Request};
use serde_json::Value;
use tokio::net::UnixStream;
use wharf::engine::address::{Address, Environment, find};

pub(crate) struct Raw(SendRequest<Body>);

impl Raw {
    pub(crate) async fn connect() -> Self {
        let socket = match find(None, &Environment::of_process()).unwrap() {
            Address::Unix(path) => path,
            other @ Address::Simulated(_) => panic!("{other} is no Podman"),
        };
        Self::at(&socket).await
    }

    async fn at(socket: &Path) -> Self {
        let stream = UnixStream::connect(socket)
            .await
            .expect("Podman's service answers");
        let (sender, connection) = handshake(stream).await.unwrap();
        tokio::spawn(connection);
        Self(sender)
    }

    /// Sends a request; its answer must be good.
    pub(crate) async fn call(&mut self, method: Method, path: &str, body: Option<&Value>) -> Vec<u8> {
        let (status, answer) = self.try_call(method, path, body).await;
        assert!(
            status < 400,
            "{path}: {status} {}",
            String::from_utf8_lossy(&answer)
        );
        answer
    }

    pub(crate) async fn try_call(
        &mut self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> (u16, Vec<u8>) {
        let request = Request::builder()
            .method(method)
            .uri(format!("/v4.0.0/libpod/{path}"))
            .header("Host", "podman")
            .header("Content-Type", "application/json");
        let body = body.map_or_else(Body::empty, |b| Body::from(b.to_string()));
        futures_util::future::poll_fn(|context| self.0.poll_ready(context))
            .await
            .unwrap();
        let response = self.0.send_request(request.body(body).unwrap()).await.unwrap();
        let status = response.status().as_u16();
        let answer = hyper::body::to_bytes(response.into_body()).await.unwrap();
        (status, answer.to_vec())
    }

    pub(crate) async fn get(&mut self, path: &str) -> Value {
        serde_json::from_slice(&self.call(Method::GET, path, None).await).unwrap()
    }
}
