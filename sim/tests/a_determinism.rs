//! Runs first: the same seed in two processes gives the same event log, byte for byte.
#![allow(clippy::unwrap_used, reason = "tests may; clippy sees no test in a function beside them")]
use rutter_sim::scenarios::ALL;
use std::process::Command;

fn log(scenario: &str, seed: &str) -> String {
    let mut simulator = Command::new(env!("CARGO_BIN_EXE_rutter-sim"));
    let output = simulator.args(["--seed", seed, scenario]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_same_seed_in_two_processes_gives_the_same_event_log() {
    for scenario in ALL {
        for seed in ["0x5eed", "2"] {
            let (first, second) = (log(scenario.name, seed), log(scenario.name, seed));
            let lines = first.lines().zip(second.lines());
            let diverging = lines.enumerate().find(|(_, (a, b))| a != b);
            assert_eq!(diverging, None, "{} with seed {seed}", scenario.name);
            assert_eq!(first.len(), second.len(), "{} with seed {seed}", scenario.name);
        }
    }
}

#[test]
fn another_seed_gives_another_event_log() {
    for scenario in ALL {
        assert_ne!(log(scenario.name, "1"), log(scenario.name, "2"), "{}", scenario.name);
    }
}
