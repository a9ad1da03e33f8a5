//! All scenarios.
use crate::scenario::Scenario;

pub mod admission;
pub mod bodies;
pub mod certificates;
pub mod convergence;
pub mod early_answer;
pub mod failover;
pub mod flapping;
pub mod handshakes;
pub mod leaders;
pub mod limits;
pub mod mirroring;
pub mod outage;
pub mod partition;
pub mod relay;
pub mod reload;
pub mod rewriting;
pub mod rollout;
pub mod shutdown;
pub mod slow_client;
pub mod slow_upstream;
pub mod storm;
pub mod udp;
pub mod upstream_crash;
pub mod weighted;
pub mod world;

/// Every scenario, in the order in which they are listed.
pub const ALL: &[Scenario] = &[
    world::WORLD,
    weighted::WEIGHTED,
    mirroring::MIRRORING,
    reload::RELOAD,
    upstream_crash::UPSTREAM_CRASH,
    partition::PARTITION,
    slow_client::SLOW_CLIENT,
    slow_upstream::SLOW_UPSTREAM,
    shutdown::SHUTDOWN,
    failover::FAILOVER,
    early_answer::EARLY_ANSWER,
    rewriting::REWRITING,
    admission::ADMISSION,
    limits::LIMITS,
    bodies::BODIES,
    certificates::CERTIFICATES,
    handshakes::HANDSHAKES,
    relay::RELAY,
    udp::UDP,
    storm::STORM,
    convergence::CONVERGENCE,
    rollout::ROLLOUT,
    outage::OUTAGE,
    flapping::FLAPPING,
    leaders::LEADERS,
];

/// The scenario of this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Scenario> {
    ALL.iter().find(|scenario| scenario.name == name)
}
