//! `rutter version`.
use std::env::consts::{ARCH, OS};

/// The name of this line of versions.
const CODENAME: &str = "skiff";

/// Five aligned lines. Compat: static-config.md "Sub-commands".
pub(super) fn text() -> String {
    let built = option_env!("RUTTER_BUILD_DATE").unwrap_or("unknown");
    let lines = [
        ("Version:", env!("CARGO_PKG_VERSION").to_owned()),
        ("Codename:", CODENAME.to_owned()),
        ("Rust version:", env!("RUTTER_RUST_VERSION").to_owned()),
        ("Built:", built.to_owned()),
        ("OS/Arch:", format!("{OS}/{ARCH}")),
    ];
    lines.map(|(name, value)| format!("{name:13} {value}\n")).concat()
}
