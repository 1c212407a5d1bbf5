//! YAML text to a tree whose every node knows where it stands, typed values read from that tree, and the diagnostics
//! that both yield. YAML 1.2 core schema; duplicate keys, alias bombs, deep nesting and oversized files are errors.
//!
//! In: a path and bytes. Out: values, and every error of the file, each with its place. What the keys mean belongs to
//! [`crate::manifest`] and [`crate::devfile`].

pub mod diagnostic;
pub mod edit;
pub mod fields;
pub mod files;
pub mod parse;
pub mod password;
pub mod rule;
pub mod scalar;
pub mod text;
pub mod tree;

pub use diagnostic::{Code, Diagnostic, Diagnostics, Severity};
pub use fields::{Decode, Fields, Reader, Spanned, bounded, choice, parsed};
pub use files::{Content, File, Files};
pub use parse::parse;
pub use rule::Rule;
pub use text::{Source, Span};
pub use tree::{Document, Key, Node, Part, Value};
