//! Tells the binary which compiler built it.
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let compiler = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".into());
    let version = Command::new(compiler).arg("--version").output().ok();
    let version = version.and_then(|output| String::from_utf8(output.stdout).ok());
    let version = version.as_deref().and_then(|line| line.split_whitespace().nth(1));
    println!("cargo::rustc-env=RUTTER_RUST_VERSION={}", version.unwrap_or("unknown"));
}
