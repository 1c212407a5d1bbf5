//! wharf: development workspaces, declared in git and reconciled on Podman.
//!
//! The crate is the pipeline below, in this order. A module imports only modules that stand above it here;
//! `tests/architecture.rs` enforces that, and that everything down to [`plan`] is pure: no clock, no randomness, no
//! environment, no file, no network.
//!
//! ```text
//! git commit -> SourceTree -> Manifests + Devfiles -> DesiredState --+
//!                                                                    +-> Changes -> Plan -> ApplyReport
//!                                       Engine -> ObservedState -----+
//! ```

pub mod cli;
pub mod document;
pub mod engine;
pub mod manifest;
pub mod model;
