//! Whose turn it is: interleaved weighted round robin, exact in every cycle.
//!
//! Compat: services.md "weighted (HTTP)"; a load balancer is the same with all weights 1.
use super::health::Health;
use alloc::sync::Arc;

/// The position of a load balancer or weighted service.
#[derive(Clone, Debug)]
pub struct Balancer {
    weights: Arc<[u32]>,
    gcd: u32,
    max: u32,
    /// Index picked last; `usize::MAX` before the first pick.
    index: usize,
    threshold: u32,
    /// Generation of the health the position belongs to: any change starts from the first again.
    seen: u64,
}

impl Balancer {
    /// A balancer before its first pick.
    #[must_use]
    pub fn new(weights: Arc<[u32]>) -> Self {
        let gcd = weights.iter().copied().fold(0, gcd);
        let max = weights.iter().copied().max().unwrap_or(0);
        Self { weights, gcd, max, index: usize::MAX, threshold: 0, seen: 0 }
    }

    /// The next index whose turn it is among those that are up, or `None` if there is none.
    pub fn pick(&mut self, health: &Health) -> Option<u32> {
        if self.seen != health.generation() {
            self.seen = health.generation();
            self.index = usize::MAX;
            self.threshold = 0;
        }
        let eligible = |i: usize, weight: u32| weight > 0 && health.is_up(i);
        if !self.weights.iter().enumerate().any(|(i, weight)| eligible(i, *weight)) {
            return None;
        }
        loop {
            self.index = match self.index.wrapping_add(1) {
                next if next < self.weights.len() => next,
                _ => 0,
            };
            if self.index == 0 {
                self.threshold = self.threshold.saturating_sub(self.gcd);
                if self.threshold == 0 {
                    self.threshold = self.max;
                }
            }
            let weight = self.weights[self.index];
            if weight >= self.threshold && eligible(self.index, weight) {
                return u32::try_from(self.index).ok();
            }
        }
    }

    /// `index` if it may be used by a client that is bound to it: it exists and is up.
    #[must_use]
    pub fn bound(&self, index: u32, health: &Health) -> Option<u32> {
        let i = usize::try_from(index).ok()?;
        (i < self.weights.len() && health.is_up(i)).then_some(index)
    }
}

const fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}
