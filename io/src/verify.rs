//! Checks passwords beside the event loop: that is slow on purpose.
//!
//! A password that was right is right for a minute without a check: browsers send it with every
//! request. It is remembered as a keyed hash, never as itself.
use crate::{clock::Clock, net::Net, worker::Worker};
use rutter_core::{
    middleware::credentials::{Credentials, Key},
    time::Instant,
};
use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    sync::Arc,
    time::Duration,
};
use tokio::sync::Semaphore;

/// Checks of one worker at once: each keeps a processor busy.
const CHECKS_MAX: usize = 2;
/// Requests of one worker that wait for a check.
const WAITING_MAX: usize = 256;
/// How long a password is right without another check.
const RIGHT_FOR: Duration = Duration::from_secs(60);
/// Passwords that one worker remembers.
const REMEMBERED_MAX: usize = 1024;

/// One worker's checks.
pub(crate) struct Verifier {
    clock: Clock,
    key: Key,
    right: RefCell<Right>,
    checks: Arc<Semaphore>,
    waiting: Cell<usize>,
}

/// Fingerprints of passwords that were right, and until when they are.
#[derive(Default)]
struct Right(BTreeMap<[u8; 32], Instant>);

impl Right {
    fn has(&self, now: Instant, fingerprint: &[u8; 32]) -> bool {
        self.0.get(fingerprint).is_some_and(|until| now < *until)
    }

    fn add(&mut self, now: Instant, fingerprint: [u8; 32]) {
        if self.0.len() >= REMEMBERED_MAX {
            self.0.retain(|_, until| now < *until);
        }
        let oldest = self.0.iter().min_by_key(|(_, until)| **until).map(|(key, _)| *key);
        if let (true, Some(oldest)) = (self.0.len() >= REMEMBERED_MAX, oldest) {
            self.0.remove(&oldest);
        }
        self.0.insert(fingerprint, now + RIGHT_FOR);
    }
}

impl Verifier {
    /// `secret` is known to this process alone.
    pub(crate) fn new(clock: Clock, secret: u64) -> Self {
        Self {
            clock,
            key: Credentials::key(secret),
            right: RefCell::default(),
            checks: Arc::new(Semaphore::new(CHECKS_MAX)),
            waiting: Cell::new(0),
        }
    }

    fn is_known(&self, fingerprint: &[u8; 32]) -> bool {
        self.right.borrow().has(self.clock.now(), fingerprint)
    }

    /// Whether a password is right. `None`: too many wait already.
    async fn verify<N: Net>(&self, net: &N, credentials: Credentials) -> Option<bool> {
        let fingerprint = credentials.fingerprint(&self.key);
        if self.is_known(&fingerprint) {
            return Some(true);
        }
        let waiting = Waiting::new(&self.waiting)?;
        // It is never closed.
        let permit = Arc::clone(&self.checks).acquire_owned().await.ok()?;
        drop(waiting);
        // Somebody else may have asked the same meanwhile.
        if self.is_known(&fingerprint) {
            return Some(true);
        }
        let check = move || {
            let right = credentials.check();
            // Whoever asked may have left: the next one waits for the processor all the same.
            drop(permit);
            right
        };
        let right = net.offload(check).await.unwrap_or(false);
        if right {
            self.right.borrow_mut().add(self.clock.now(), fingerprint);
        }
        Some(right)
    }
}

/// A place among those who wait.
struct Waiting<'a>(&'a Cell<usize>);

impl<'a> Waiting<'a> {
    fn new(count: &'a Cell<usize>) -> Option<Self> {
        let now = count.get();
        (now < WAITING_MAX).then(|| {
            count.set(now + 1);
            Self(count)
        })
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

/// Whether a password is right. `None`: too many wait already.
pub(crate) async fn verify<N: Net>(
    worker: &Worker<N>,
    credentials: Box<Credentials>,
) -> Option<bool> {
    worker.verifier.verify(worker.upstreams.net(), *credentials).await
}

#[cfg(test)]
mod tests;
