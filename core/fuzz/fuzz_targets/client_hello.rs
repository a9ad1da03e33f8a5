#![no_main]
#[allow(dead_code, reason = "each target is a program of its own")]
#[path = "../../tests/support/fuzzing.rs"]
mod fuzzing;

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzzing::client_hello(data));
