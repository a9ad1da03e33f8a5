use super::*;
use crate::net::{
    tcp::{Bound, Tcp},
    udp,
};
use futures_util::{FutureExt as _, future::join_all};
use std::{future::Future, io, net::SocketAddr};
use tokio::net::TcpStream;

/// `htpasswd -nbs a hunter2`.
const HASH: &str = "{SHA}87u9ZqY9S/F0eUBXjsPQEDUw4h0=";

/// Counts the checks, each of which ends when it is polled the second time.
#[derive(Clone, Default)]
struct Counting(Arc<std::sync::atomic::AtomicUsize>);

impl Net for Counting {
    type Stream = TcpStream;
    type Listener = Bound;
    type Datagrams = udp::Datagrams;
    type Observer = ();

    async fn bind(&self, address: SocketAddr) -> io::Result<Bound> {
        Tcp::default().bind(address).await
    }

    async fn connect(&self, address: SocketAddr) -> io::Result<TcpStream> {
        Tcp::default().connect(address).await
    }

    async fn bind_datagrams(&self, address: SocketAddr) -> io::Result<udp::Datagrams> {
        Tcp::default().bind_datagrams(address).await
    }

    async fn connect_datagrams(&self, address: SocketAddr) -> io::Result<udp::Datagrams> {
        Tcp::default().connect_datagrams(address).await
    }

    async fn resolve(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        Tcp::default().resolve(host, port).await
    }

    fn offload<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> impl Future<Output = Option<T>> + 'static {
        self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        async move {
            tokio::task::yield_now().await;
            Some(work())
        }
    }
}

impl Counting {
    fn checks(&self) -> usize {
        self.0.load(std::sync::atomic::Ordering::Relaxed)
    }
}

fn credentials(password: &str) -> Credentials {
    Credentials { password: password.as_bytes().to_vec().into(), hash: HASH.into() }
}

fn run<T>(test: impl AsyncFnOnce(Verifier, Counting) -> T) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async { test(Verifier::new(Clock::start(), 1), Counting::default()).await })
}

#[test]
fn what_was_right_is_not_checked_again_and_what_was_wrong_is() {
    run(async |verifier, net| {
        for (password, right, checks) in
            [("hunter2", true, 1), ("hunter2", true, 1), ("x", false, 2), ("x", false, 3)]
        {
            assert_eq!(verifier.verify(&net, credentials(password)).await, Some(right));
            assert_eq!(net.checks(), checks);
        }
    });
}

#[test]
fn another_hash_is_another_question() {
    run(async |verifier, net| {
        assert_eq!(verifier.verify(&net, credentials("hunter2")).await, Some(true));
        let hash = "{SHA}2jmj7l5rSw0yVb/vlWAYkK/YBwk=".into();
        let changed = Credentials { hash, ..credentials("hunter2") };
        assert_eq!(verifier.verify(&net, changed).await, Some(false));
    });
}

#[test]
fn many_who_ask_the_same_at_once_wait_for_few_checks() {
    run(async |verifier, net| {
        let all = (0..50).map(|_| verifier.verify(&net, credentials("hunter2")));
        assert!(join_all(all).await.into_iter().all(|right| right == Some(true)));
        assert_eq!(net.checks(), CHECKS_MAX);
        assert_eq!(verifier.waiting.get(), 0);
    });
}

#[test]
fn who_would_wait_behind_too_many_is_turned_away() {
    run(async |verifier, net| {
        let mut asked: Vec<_> = (0..CHECKS_MAX + WAITING_MAX)
            .map(|i| Box::pin(verifier.verify(&net, credentials(&i.to_string()))))
            .collect();
        assert!(asked.iter_mut().all(|it| it.as_mut().now_or_never().is_none()));
        assert_eq!(verifier.verify(&net, credentials("one more")).await, None);
        // Those who leave make room.
        asked.truncate(CHECKS_MAX);
        assert_eq!(verifier.waiting.get(), 0);
        join_all(asked).await;
        assert_eq!(verifier.verify(&net, credentials("one more")).await, Some(false));
    });
}

#[test]
fn a_password_is_right_for_a_minute_and_the_oldest_is_forgotten_first() {
    let mut right = Right::default();
    let at = |seconds| Instant(0) + Duration::from_secs(seconds);
    right.add(at(0), [0; 32]);
    assert!(right.has(at(59), &[0; 32]) && !right.has(at(60), &[0; 32]));
    let name = |i: usize| {
        let mut name = [1; 32];
        name[..8].copy_from_slice(&i.to_be_bytes());
        name
    };
    for i in 0..=REMEMBERED_MAX {
        right.add(Instant(i as u64), name(i));
    }
    assert_eq!(right.0.len(), REMEMBERED_MAX);
    let now = Instant(REMEMBERED_MAX as u64);
    assert!(
        !right.has(now, &name(0))
            && right.has(now, &name(1))
            && right.has(now, &name(REMEMBERED_MAX))
    );
}
