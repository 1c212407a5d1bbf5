//! Where the project and its binary are: beside the tests, or where a test machine has put them.

#![allow(dead_code)] // each test binary uses a part of it

use std::path::PathBuf;

pub(crate) fn root() -> PathBuf {
    std::env::var_os("WHARF_ROOT").map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from)
}

pub(crate) fn binary() -> PathBuf {
    std::env::var_os("WHARF_BIN").map_or_else(|| env!("CARGO_BIN_EXE_wharf").into(), PathBuf::from)
}
