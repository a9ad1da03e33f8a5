//! Copies of requests for mirrors: in the background, bounded, answered by nobody.
use crate::{
    body::RequestBody,
    connection::Connection,
    exchange::{Answer, Copy, Running},
    live::Held,
    net::Net,
    upstream::Outgoing,
    worker::Worker,
};
use bytes::Bytes;
use http::request;
use rutter_core::{
    entry_point::{EntryPointId, Peer},
    exchange::{Exchange, Mirrored},
};
use std::{
    future::poll_fn,
    rc::Rc,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};
use tokio::time::timeout;

/// Copies under way at once on one worker; more are dropped.
const AT_ONCE_MAX: usize = 1000;
/// A mirror that takes longer for one copy is not waited for.
const DEADLINE: Duration = Duration::from_secs(60);
/// When the process ends, copies under way get so much longer than the requests they are of.
const LAST_COPIES: Duration = Duration::from_secs(1);

/// Waits until no copy is under way, or too long.
pub(crate) async fn finish<N: Net>(worker: &Worker<N>) {
    let done = async {
        while worker.mirrors.get() > 0 {
            worker.mirrors_done.notified().await;
        }
    };
    // What is cut here was dropped as any copy may be.
    let _ = timeout(LAST_COPIES, done).await;
}

/// What all copies of one request share.
struct Origin<N: Net> {
    worker: Rc<Worker<N>>,
    live: Rc<Held>,
    entry_point: EntryPointId,
    peer: Peer,
}

/// Sends the copies that are owed, one after the other, after the main response.
pub(crate) fn spawn<N: Net>(
    running: &Running<N>,
    connection: &Connection<N>,
    copy: Copy,
    mirrors: Vec<Mirrored>,
) {
    let origin = Origin {
        worker: Rc::clone(&running.worker),
        live: Rc::clone(&running.live),
        entry_point: connection.entry_point,
        peer: connection.peer.clone(),
    };
    origin.spawn(copy, mirrors);
}

impl<N: Net> Clone for Origin<N> {
    fn clone(&self) -> Self {
        Self {
            worker: Rc::clone(&self.worker),
            live: Rc::clone(&self.live),
            entry_point: self.entry_point,
            peer: self.peer.clone(),
        }
    }
}

impl<N: Net> Origin<N> {
    fn spawn(self, copy: Copy, mirrors: Vec<Mirrored>) {
        let Some(body) = copy.body.take() else { return self.dropped(mirrors.len()) };
        let Some(places) = Places::take(&self.worker, mirrors.len()) else {
            return self.dropped(mirrors.len());
        };
        tokio::task::spawn_local(async move {
            let _places = places;
            for mirrored in mirrors {
                if body.len() as u64 > mirrored.body_bytes_max
                    || timeout(DEADLINE, self.send(&copy, &body, mirrored)).await.is_err()
                {
                    self.dropped(1);
                }
            }
        });
    }

    async fn send(&self, copy: &Copy, body: &Bytes, mirrored: Mirrored) {
        let exchange = Exchange::mirror(
            Arc::clone(&self.live.plan),
            self.entry_point,
            self.peer.clone(),
            self.worker.entropy(),
            mirrored.instance,
        );
        let mut running = Running::new(Rc::clone(&self.worker), Rc::clone(&self.live), exchange);
        let mut further = None;
        let head = request::Parts::clone(&copy.head);
        let outgoing = Outgoing { head, body: RequestBody::copy(body.clone()) };
        let now = self.worker.clock.now();
        let answer = running.run(now, Box::new(outgoing), &mut further).await;
        match answer {
            Answer::Own(_) => self.dropped(1),
            Answer::Switched(..) => {}
            Answer::Server(_, mut source, _) => {
                while let Some(Ok(_)) = poll_fn(|cx| source.poll_frame(cx)).await {}
                self.worker.proxy.counters.mirrored.fetch_add(1, Ordering::Relaxed);
            }
        }
        let mirrors = running.end(self.worker.clock.now());
        if let (false, Some(further)) = (mirrors.is_empty(), further) {
            self.clone().spawn(further, mirrors);
        }
    }

    fn dropped(&self, copies: usize) {
        self.worker.proxy.counters.mirrors_dropped.fetch_add(copies as u64, Ordering::Relaxed);
        tracing::debug!(copies, "copies for mirrors dropped");
    }
}

/// Places among the copies under way, given back when dropped.
struct Places<N: Net> {
    worker: Rc<Worker<N>>,
    taken: usize,
}

impl<N: Net> Places<N> {
    fn take(worker: &Rc<Worker<N>>, places: usize) -> Option<Self> {
        let now = worker.mirrors.get() + places;
        (now <= AT_ONCE_MAX).then(|| {
            worker.mirrors.set(now);
            Self { worker: Rc::clone(worker), taken: places }
        })
    }
}

impl<N: Net> Drop for Places<N> {
    fn drop(&mut self) {
        let left = self.worker.mirrors.get() - self.taken;
        self.worker.mirrors.set(left);
        if left == 0 {
            self.worker.mirrors_done.notify_waiters();
        }
    }
}
