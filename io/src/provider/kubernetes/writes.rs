//! What is to be written to the cluster, and what becomes of it when the API server does not take it.
use super::{back_off::BackOff, trouble::Refusals};
use http::StatusCode;
use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    rc::Rc,
    time::Duration,
};
use tokio::sync::Notify;

/// The most that waits; what is more is left out.
const WAITING_MAX: usize = 4096;

/// What waits to be written: for each object, the latest.
#[derive(Debug)]
pub(super) struct Writes<K, V>(Rc<Waiting<K, V>>);

#[derive(Debug)]
struct Waiting<K, V> {
    items: RefCell<BTreeMap<K, V>>,
    /// How often all was forgotten.
    clears: Cell<u64>,
    more: Notify,
}

impl<K, V> Clone for Writes<K, V> {
    fn clone(&self) -> Self {
        Self(Rc::clone(&self.0))
    }
}

impl<K: Ord, V> Writes<K, V> {
    pub(super) fn new() -> Self {
        Self(Rc::new(Waiting {
            items: RefCell::default(),
            clears: Cell::new(0),
            more: Notify::new(),
        }))
    }

    /// Adds one, in the place of an earlier one.
    pub(super) fn add(&self, key: K, value: V) {
        let mut items = self.0.items.borrow_mut();
        if items.len() < WAITING_MAX || items.contains_key(&key) {
            items.insert(key, value);
            self.0.more.notify_one();
        }
    }

    /// Forgets all, also what is being written and may fail: somebody else writes them.
    pub(super) fn clear(&self) {
        self.0.clears.update(|clears| clears + 1);
        self.0.items.borrow_mut().clear();
    }

    async fn next(&self) -> (K, V) {
        loop {
            if let Some(next) = self.0.items.borrow_mut().pop_first() {
                return next;
            }
            self.0.more.notified().await;
        }
    }

    /// Unless there is a later one, or all was forgotten since it was taken.
    fn put_back(&self, key: K, value: V, clears: u64) {
        if self.0.clears.get() == clears {
            self.0.items.borrow_mut().entry(key).or_insert(value);
        }
    }

    /// Writes one after the other, for ever. What is refused for good is left out; everything else is
    /// tried again, after pauses.
    pub(super) async fn carry_out(
        self,
        refusals: Refusals,
        mut back_off: BackOff,
        denied: Duration,
        write: impl AsyncFn(&K, &V) -> kube::Result<()>,
    ) {
        loop {
            let (key, value) = self.next().await;
            let clears = self.0.clears.get();
            let Err(error) = write(&key, &value).await else {
                back_off.reset();
                refusals.over();
                continue;
            };
            match refusals.tell(&error) {
                // The object is gone, or it cannot be written like this.
                Some(
                    StatusCode::NOT_FOUND
                    | StatusCode::BAD_REQUEST
                    | StatusCode::UNPROCESSABLE_ENTITY,
                ) => {}
                Some(StatusCode::FORBIDDEN) => {
                    self.put_back(key, value, clears);
                    back_off.sleep(denied).await;
                }
                Some(_) | None => {
                    self.put_back(key, value, clears);
                    back_off.pause().await;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    #[test]
    fn what_failed_is_written_again_unless_there_is_a_later_one_or_all_is_forgotten() {
        let writes = Writes::new();
        writes.add("a", 1);
        let waiting = || writes.0.items.borrow().get("a").copied();
        let clears = writes.0.clears.get();
        assert_eq!(writes.next().now_or_never(), Some(("a", 1)));
        writes.put_back("a", 1, clears);
        assert_eq!(waiting(), Some(1));
        writes.add("a", 2);
        writes.put_back("a", 1, clears);
        assert_eq!(waiting(), Some(2));
        writes.clear();
        // It was under way when this replica stopped to lead.
        writes.put_back("a", 1, clears);
        assert_eq!(waiting(), None);
    }
}
