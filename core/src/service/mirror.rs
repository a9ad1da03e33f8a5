//! Which mirrors get a copy of a request. Compat: services.md "mirroring".
use alloc::{boxed::Box, sync::Arc};

/// The counters of a mirroring service.
#[derive(Clone, Debug)]
pub struct Mirror {
    total: u64,
    percents: Arc<[u8]>,
    copied: Box<[u64]>,
}

impl Mirror {
    /// Counters before the first request; `percents` in the order of the mirrors, at most 64.
    #[must_use]
    pub fn new(percents: Arc<[u8]>) -> Self {
        let copied = percents.iter().map(|_| 0).collect();
        Self { total: 0, percents, copied }
    }

    /// Counts a request and says which mirrors get a copy, one bit each, lowest first.
    pub fn count(&mut self) -> u64 {
        self.total += 1;
        let mut set = 0;
        for (i, (copied, percent)) in self.copied.iter_mut().zip(self.percents.iter()).enumerate() {
            if *copied * 100 < self.total * u64::from(*percent) {
                *copied += 1;
                set |= 1 << i;
            }
        }
        set
    }
}
