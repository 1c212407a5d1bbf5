//! A repository elsewhere and its mirror on this machine.
//!
//! The mirror is a bare repository with all branches and tags, kept below the state directory. It is filled by a process
//! of its own ([`fetch`]), whose time, memory and files are bounded, so that no server can hold the daemon up; nothing is
//! checked out. Losing it loses nothing but time.

mod fetch;
mod mirror;
pub mod secret;
mod tree;

pub use fetch::{Order, fetch};
pub use mirror::{Bounds, Errand, HELPER_COMMAND, Helper, Mirror, MirrorError, serve};
pub use tree::{ARCHIVE, COMMIT, TreeOrder};
