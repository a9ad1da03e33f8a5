//! What is to be written to the cluster, and what becomes of it when the API server does not take it.
use super::{back_off::BackOff, trouble::Refusals};
use http::StatusCode;
use std::{cell::RefCell, collections::BTreeMap, rc::Rc, time::Duration};
use tokio::sync::Notify;

/// The most that waits; what is more is left out.
const WAITING_MAX: usize = 4096;

/// What waits to be written: for each object, the latest.
#[derive(Debug)]
pub(super) struct Writes<K, V>(Rc<Waiting<K, V>>);

#[derive(Debug)]
struct Waiting<K, V> {
    items: RefCell<BTreeMap<K, V>>,
    more: Notify,
}

impl<K, V> Clone for Writes<K, V> {
    fn clone(&self) -> Self {
        Self(Rc::clone(&self.0))
    }
}

impl<K: Ord, V> Writes<K, V> {
    pub(super) fn new() -> Self {
        Self(Rc::new(Waiting { items: RefCell::default(), more: Notify::new() }))
    }

    /// Adds one, in the place of an earlier one.
    pub(super) fn add(&self, key: K, value: V) {
        let mut items = self.0.items.borrow_mut();
        if items.len() < WAITING_MAX || items.contains_key(&key) {
            items.insert(key, value);
            self.0.more.notify_one();
        }
    }

    /// Forgets all: somebody else writes them.
    pub(super) fn clear(&self) {
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

    /// Unless there is a later one.
    fn put_back(&self, key: K, value: V) {
        self.0.items.borrow_mut().entry(key).or_insert(value);
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
                    self.put_back(key, value);
                    back_off.sleep(denied).await;
                }
                Some(_) | None => {
                    self.put_back(key, value);
                    back_off.pause().await;
                }
            }
        }
    }
}
