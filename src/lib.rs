//! wharf: development workspaces, declared in git and reconciled on Podman.
//!
//! The crate is the pipeline below, in this order. A module imports only modules that stand above it here;
//! `tests/architecture.rs` enforces that, and that the pure stages are pure: no clock, no randomness, no environment, no
//! file, no network.
//!
//! ```text
//! git commit -> SourceTree -> Manifests + Devfiles -> DesiredState --+
//!                                                                    +-> Changes -> Plan -> ApplyReport
//!                                       Engine -> ObservedState -----+
//! ```

// A blank line after each keeps rustfmt from sorting them: their order is the law.

// -- pure --

pub mod model;

pub mod document;

pub mod manifest;

pub mod devfile;

pub mod lock;

pub mod resolve;

pub mod plan;

pub mod health;

// -- effects --

pub mod source;

pub mod engine;

pub mod apply;

pub mod audit;

pub mod daemon;

pub mod cli;
