//! Whose turn it is: interleaved weighted round robin, exact in every cycle.
//!
//! Compat: services.md "weighted (HTTP)"; a load balancer is the same with all weights 1. A cycle is a
//! row of rounds with falling thresholds, the highest weight first, by steps of the weights' greatest
//! common divisor; a round picks every index whose weight reaches its threshold, in order. As the
//! threshold falls the picked set only grows, so a pick never looks at an index that is not picked.
use super::health::Health;
use alloc::{sync::Arc, vec::Vec};

/// The position of a load balancer or weighted service.
#[derive(Clone, Debug)]
pub struct Balancer {
    weights: Arc<[u32]>,
    /// Generation of the health the position belongs to: any change starts from the first again.
    seen: u64,
    position: Position,
}

#[derive(Clone, Debug)]
enum Position {
    /// All weights are the same: the index after the one picked last.
    Equal(usize),
    /// Before the first pick under this health.
    Start,
    Rounds(Rounds),
}

#[derive(Clone, Debug)]
struct Rounds {
    /// What may be picked, highest weight first, then lowest index.
    order: Vec<u32>,
    /// How many of `order` take part in this round.
    admitted: usize,
    /// Those, by index.
    round: Vec<u32>,
    /// The position in `round` of the next pick.
    next: usize,
    /// The lowest weight that takes part, always above 0.
    threshold: u32,
    step: u32,
}

impl Balancer {
    /// A balancer before its first pick.
    #[must_use]
    pub fn new(weights: Arc<[u32]>) -> Self {
        let position = start(&weights);
        Self { weights, seen: 0, position }
    }

    /// The next index whose turn it is among those that are up, or `None` if there is none.
    pub fn pick(&mut self, health: &Health) -> Option<u32> {
        if self.seen != health.generation() {
            self.seen = health.generation();
            self.position = start(&self.weights);
        }
        if matches!(self.position, Position::Start) {
            self.position = Position::Rounds(Rounds::new(&self.weights, health));
        }
        match &mut self.position {
            Position::Equal(next) => {
                let end = self.weights.len();
                let index = health.first_up(*next, end).or_else(|| health.first_up(0, *next))?;
                *next = index + 1;
                u32::try_from(index).ok()
            }
            Position::Rounds(rounds) => rounds.pick(&self.weights),
            Position::Start => None,
        }
    }

    /// `index` if it may be used by a client that is bound to it: it exists and is up.
    #[must_use]
    pub fn bound(&self, index: u32, health: &Health) -> Option<u32> {
        let i = usize::try_from(index).ok()?;
        (i < self.weights.len() && health.is_up(i)).then_some(index)
    }
}

fn start(weights: &[u32]) -> Position {
    match weights.split_first() {
        Some((first, rest)) if *first > 0 && rest.iter().all(|weight| weight == first) => {
            Position::Equal(0)
        }
        _ => Position::Start,
    }
}

impl Rounds {
    fn new(weights: &[u32], health: &Health) -> Self {
        let weighted = (0_u32..).zip(weights).filter(|(_, weight)| **weight > 0);
        let mut order: Vec<u32> =
            weighted.map(|(i, _)| i).filter(|i| health.is_up(*i as usize)).collect();
        order.sort_by_key(|i| core::cmp::Reverse(weights[*i as usize]));
        let step = order.iter().map(|i| weights[*i as usize]).fold(0, gcd);
        Self { order, admitted: 0, round: Vec::new(), next: 0, threshold: 0, step }
    }

    fn pick(&mut self, weights: &[u32]) -> Option<u32> {
        let highest = weights[*self.order.first()? as usize];
        if self.next == self.round.len() {
            self.next = 0;
            self.threshold = self.threshold.saturating_sub(self.step);
            if self.threshold == 0 {
                self.threshold = highest;
                self.admitted = 0;
                self.round.clear();
            }
            self.admit(weights);
        }
        let index = self.round.get(self.next).copied();
        self.next += 1;
        index
    }

    /// Lets those in whose weight the threshold has reached. Each is let in once a cycle.
    fn admit(&mut self, weights: &[u32]) {
        let waiting = self.order.get(self.admitted..).unwrap_or_default();
        let reached =
            waiting.iter().take_while(|i| weights[**i as usize] >= self.threshold).count();
        if reached > 0 {
            self.round.extend_from_slice(&waiting[..reached]);
            // Two ascending runs: merged in linear time.
            self.round.sort();
            self.admitted += reached;
        }
    }
}

const fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests;
