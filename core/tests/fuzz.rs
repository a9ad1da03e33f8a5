//! A bounded run of the fuzz targets on any toolchain: inputs that are known to be of interest, and
//! what becomes of them by random edits. `core/fuzz` has the same targets for cargo-fuzz.
//!
//! `RUTTER_FUZZ_RUNS=1000000 cargo test -p rutter-core --test fuzz` tries that many inputs a target.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
use std::{fs, panic::catch_unwind, path::Path};

#[path = "support/fuzzing.rs"]
mod fuzzing;

use fuzzing::{TARGETS, Target};

const RUNS: usize = 4_000;
/// An input grows no longer than this.
const LENGTH_MAX: usize = 16 << 10;
/// What grammars are made of, and what they have no place for.
const OF_INTEREST: &[u8] = b" \t\"\\`()&|!=<>,;:.0qQ\x7f\xff";

#[test]
fn no_rule_makes_the_parser_panic() {
    fuzz("rule");
}

#[test]
fn no_expression_makes_the_parser_panic() {
    fuzz("expression");
}

#[test]
fn no_authorization_panics_or_lets_anybody_in() {
    fuzz("authorization");
}

#[test]
fn no_accept_encoding_panics_or_stops_a_request() {
    fuzz("accept_encoding");
}

#[test]
fn no_rule_of_names_makes_the_parser_panic() {
    fuzz("host_sni");
}

#[test]
fn no_first_bytes_panic_or_depend_on_how_they_are_cut() {
    fuzz("client_hello");
}

#[test]
fn no_certificate_panics_whatever_it_says() {
    fuzz("certificate");
}

fn fuzz(name: &str) {
    let Target { run, .. } = TARGETS.into_iter().find(|target| target.name == name).unwrap();
    let corpus = corpus(name);
    let mut rng = Rng(0x5EED);
    let runs = std::env::var("RUTTER_FUZZ_RUNS").ok().and_then(|it| it.parse().ok());
    for input in &corpus {
        run(input);
    }
    for number in 0..runs.unwrap_or(RUNS) {
        let input = mutated(&corpus, &mut rng);
        let ran = catch_unwind(|| run(&input));
        assert!(ran.is_ok(), "{name}, input {number}: {:?}", String::from_utf8_lossy(&input));
    }
}

/// The files of a target's corpus; what crashed once is kept there.
fn corpus(name: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(name);
    let mut files: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let corpus: Vec<_> = files.iter().map(|file| fs::read(file).unwrap()).collect();
    assert!(!corpus.is_empty(), "no corpus for {name}");
    corpus
}

/// One of the corpus after a few edits: bytes changed, taken out, doubled, or taken from another.
fn mutated(corpus: &[Vec<u8>], rng: &mut Rng) -> Vec<u8> {
    let mut input = corpus[rng.below(corpus.len())].clone();
    for _ in 0..=rng.below(6) {
        let at = rng.below(input.len() + 1);
        let end = (at + rng.below(24)).min(input.len());
        match rng.below(6) {
            0 if at < input.len() => input[at] = rng.word() as u8,
            1 => drop(input.drain(at..end)),
            2 => {
                let other = &corpus[rng.below(corpus.len())];
                let from = rng.below(other.len() + 1);
                input.splice(at..end, other[from..].iter().copied());
            }
            3 => {
                let piece = input[at..end].to_vec();
                let times = 1 << rng.below(12);
                input.splice(at..at, piece.iter().copied().cycle().take(piece.len() * times));
            }
            4 if at < input.len() => input[at] ^= 1 << rng.below(8),
            _ => input.insert(at, OF_INTEREST[rng.below(OF_INTEREST.len())]),
        }
        input.truncate(LENGTH_MAX);
    }
    input
}

/// splitmix64.
struct Rng(u64);

impl Rng {
    fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.word() % n as u64).unwrap()
    }
}
