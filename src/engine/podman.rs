//! Podman through its API socket.
