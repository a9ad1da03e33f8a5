//! The nonces that were given out, and how often each was used: a cell.
use crate::{cells::Decision, time::Instant};
use alloc::{collections::BTreeMap, vec::Vec};
use base64::{Engine, engine::general_purpose::STANDARD};
use core::time::Duration;
use sha2::{Digest, Sha256};

/// As many are kept; of more, the [`PURGED`] that were not seen for longest go.
/// Compat: middlewares.md "digestAuth".
const NONCES_MAX: usize = 1100;
const PURGED: usize = 200;
/// A nonce that was not seen for so long is stale. 2.1 has no such limit.
const IDLE_MAX: Duration = Duration::from_secs(300);

/// What a client must repeat. Nobody can tell the next one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Nonce([u8; 12]);

impl Nonce {
    /// A nonce out of the randomness of an exchange.
    #[must_use]
    pub fn new(entropy: u64) -> Self {
        let digest = Sha256::digest([b"digestAuth nonce ", &entropy.to_be_bytes()[..]].concat());
        let mut nonce = [0; 12];
        nonce.copy_from_slice(&digest[..12]);
        Self(nonce)
    }

    /// As in a header: 16 characters of base64.
    #[must_use]
    pub fn text(self) -> alloc::string::String {
        STANDARD.encode(self.0)
    }

    /// Reads what a client repeats.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Self> {
        STANDARD.decode(text).ok()?.try_into().ok().map(Self)
    }
}

/// What there is to say about a request with a nonce.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// It proves nothing: the user does not exist, or the password is wrong.
    Unproven,
    /// It is the next one.
    Fresh,
    /// The nonce was not seen for too long.
    Stale,
    /// The nonce was used as often before.
    Replayed,
    /// The nonce is not ours, or was purged.
    Unknown,
}

impl Decision for Use {
    fn to_word(self) -> u64 {
        self as u64
    }

    fn from_word(word: u64) -> Self {
        match word {
            1 => Self::Fresh,
            2 => Self::Stale,
            3 => Self::Replayed,
            4 => Self::Unknown,
            _ => Self::Unproven,
        }
    }
}

/// The nonces of one `digestAuth`.
#[derive(Clone, Debug, Default)]
pub struct Nonces {
    given: BTreeMap<Nonce, Given>,
}

#[derive(Clone, Copy, Debug)]
struct Given {
    /// How often the client said it used it; 0: never.
    count: u64,
    /// The exchange that said so: it may ask again, when it retries.
    exchange: u64,
    seen: Instant,
}

impl Nonces {
    /// Gives a nonce out.
    pub fn issue(&mut self, now: Instant, nonce: Nonce) {
        self.given.entry(nonce).or_insert(Given { count: 0, exchange: 0, seen: now });
        if self.given.len() > NONCES_MAX {
            self.purge();
        }
        debug_assert!(self.given.len() <= NONCES_MAX, "it grows without a bound");
    }

    /// What a proven request with this nonce is. `exchange` is the exchange's id.
    pub fn check(&mut self, now: Instant, nonce: Nonce, count: u64, exchange: u64) -> Use {
        let Some(given) = self.given.get_mut(&nonce) else { return Use::Unknown };
        if now.since(given.seen) > IDLE_MAX {
            self.given.remove(&nonce);
            return Use::Stale;
        }
        let again = given.count == count && given.exchange == exchange && count > 0;
        if count <= given.count && !again {
            return Use::Replayed;
        }
        *given = Given { count, exchange, seen: now };
        Use::Fresh
    }

    fn purge(&mut self) {
        let mut oldest: Vec<(Instant, Nonce)> =
            self.given.iter().map(|(nonce, given)| (given.seen, *nonce)).collect();
        oldest.sort_unstable();
        for (_, nonce) in oldest.into_iter().take(PURGED) {
            self.given.remove(&nonce);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn a_nonce_is_used_once_with_each_count() {
        let (mut nonces, nonce) = (Nonces::default(), Nonce::new(1));
        assert_eq!(nonces.check(Instant(0), nonce, 1, 10), Use::Unknown);
        nonces.issue(Instant(0), nonce);
        for (count, exchange, want) in [
            (0, 10, Use::Replayed),
            (1, 11, Use::Fresh),
            (1, 12, Use::Replayed),
            (3, 13, Use::Fresh),
            (2, 14, Use::Replayed),
            (4, 15, Use::Fresh),
        ] {
            assert_eq!(nonces.check(Instant(0), nonce, count, exchange), want, "{count}");
        }
    }

    #[test]
    fn the_same_exchange_may_ask_again() {
        let (mut nonces, nonce) = (Nonces::default(), Nonce::new(1));
        nonces.issue(Instant(0), nonce);
        assert_eq!(nonces.check(Instant(0), nonce, 1, 10), Use::Fresh);
        assert_eq!(nonces.check(Instant(0), nonce, 1, 10), Use::Fresh);
        assert_eq!(nonces.check(Instant(0), nonce, 1, 11), Use::Replayed);
        assert_eq!(nonces.check(Instant(0), nonce, 0, 0), Use::Replayed);
    }

    #[test]
    fn a_nonce_is_stale_five_minutes_after_it_was_seen_last() {
        let (mut nonces, nonce) = (Nonces::default(), Nonce::new(1));
        nonces.issue(Instant(0), nonce);
        assert_eq!(nonces.check(Instant(300 * SECOND), nonce, 1, 1), Use::Fresh);
        assert_eq!(nonces.check(Instant(600 * SECOND), nonce, 2, 2), Use::Fresh);
        assert_eq!(nonces.check(Instant(900 * SECOND + 1), nonce, 3, 3), Use::Stale);
        assert_eq!(nonces.check(Instant(900 * SECOND + 1), nonce, 3, 3), Use::Unknown);
    }

    #[test]
    fn of_too_many_the_oldest_go() {
        let mut nonces = Nonces::default();
        let last = NONCES_MAX as u64;
        for at in 0..=last {
            nonces.issue(Instant(at), Nonce::new(at));
        }
        assert_eq!(nonces.given.len(), NONCES_MAX + 1 - PURGED);
        assert_eq!(nonces.check(Instant(last), Nonce::new(199), 1, 1), Use::Unknown);
        assert_eq!(nonces.check(Instant(last), Nonce::new(200), 1, 1), Use::Fresh);
    }

    #[test]
    fn a_nonce_reads_back_and_nothing_else_is_one() {
        let nonce = Nonce::new(7);
        assert_eq!(nonce.text().len(), 16);
        assert_eq!(Nonce::parse(nonce.text().as_bytes()), Some(nonce));
        for text in ["", "x", "AAAA", "AAAAAAAAAAAAAAA=", "AAAAAAAAAAAAAAAAAAAA"] {
            assert_eq!(Nonce::parse(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn a_use_survives_as_a_word() {
        for word in 0..5 {
            assert_eq!(Use::from_word(word).to_word(), word);
        }
    }
}
