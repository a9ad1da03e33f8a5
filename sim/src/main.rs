//! The simulator: runs scenarios by name and seed, and proves that it is deterministic.
use rutter_sim::{
    scenario::{Scenario, parse_seed},
    scenarios::{ALL, find},
};
use std::{
    env,
    io::{self, Write as _},
    process::{Command, ExitCode},
};

const USAGE: &str = "\
usage: rutter-sim list                        name every scenario
       rutter-sim --seed N SCENARIO           run one seed and print its event log
       rutter-sim --trace N SCENARIO          the same, with every packet and log line on stderr
       rutter-sim --seeds FIRST..END SCENARIO run many seeds, stop at the first failure
       rutter-sim meta N [SCENARIO]           run one seed in two processes and compare their logs
N is decimal, or hexadecimal after 0x.";

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match arguments[..] {
        ["list"] => list(),
        ["--seed", seed, scenario] => with(scenario, |scenario| one(scenario, number(seed)?)),
        ["--trace", seed, scenario] => with(scenario, |scenario| {
            trace();
            one(scenario, number(seed)?)
        }),
        ["--seeds", seeds, scenario] => with(scenario, |scenario| many(scenario, seeds)),
        ["meta", seed] => number(seed).and_then(|seed| ALL.iter().try_for_each(|s| meta(s, seed))),
        ["meta", seed, scenario] => with(scenario, |scenario| meta(scenario, number(seed)?)),
        _ => Err(USAGE.to_owned()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

/// Shows what the network and the proxy say.
fn trace() {
    let format = tracing_subscriber::fmt().without_time().with_ansi(false);
    format.with_max_level(tracing::Level::TRACE).with_writer(io::stderr).init();
}

fn list() -> Result<(), String> {
    ALL.iter().try_for_each(|scenario| say(&format!("{:<12} {}", scenario.name, scenario.about)))
}

fn one(scenario: &Scenario, seed: u64) -> Result<(), String> {
    let outcome = scenario.run(seed);
    say(outcome.log.trim_end())?;
    if outcome.failures.is_empty() { Ok(()) } else { Err(scenario.report(seed, &outcome)) }
}

fn many(scenario: &Scenario, seeds: &str) -> Result<(), String> {
    let (first, end) = seeds.split_once("..").ok_or_else(|| USAGE.to_owned())?;
    for seed in number(first)?..number(end)? {
        let outcome = scenario.run(seed);
        if !outcome.failures.is_empty() {
            return Err(scenario.report(seed, &outcome));
        }
    }
    say(&format!("{} went well with every seed of {seeds}", scenario.name))
}

/// The same seed in two processes: their logs must be equal byte for byte.
fn meta(scenario: &Scenario, seed: u64) -> Result<(), String> {
    let name = scenario.name;
    let run = || {
        let program = env::current_exe().map_err(|error| error.to_string())?;
        let mut command = Command::new(program);
        let output = command.args(["--seed", &seed.to_string(), name]).output();
        output.map(|output| output.stdout).map_err(|error| format!("cannot run myself: {error}"))
    };
    let (first, second) = (run()?, run()?);
    if first == second {
        return say(&format!("{name}: {} bytes, twice the same", first.len()));
    }
    let (first, second) = (String::from_utf8_lossy(&first), String::from_utf8_lossy(&second));
    let pair = first.lines().zip(second.lines()).enumerate().find(|(_, (a, b))| a != b);
    Err(match pair {
        Some((line, (a, b))) => format!("{name} diverges at line {}:\n- {a}\n+ {b}", line + 1),
        None => format!("{name} diverges: one log is longer than the other"),
    })
}

fn with(name: &str, run: impl FnOnce(&Scenario) -> Result<(), String>) -> Result<(), String> {
    find(name).ok_or_else(|| format!("no scenario {name}; `list` names them")).and_then(run)
}

fn number(text: &str) -> Result<u64, String> {
    parse_seed(text).ok_or_else(|| format!("not a seed: {text}"))
}

fn say(line: &str) -> Result<(), String> {
    writeln!(io::stdout().lock(), "{line}").map_err(|error| format!("cannot print: {error}"))
}
