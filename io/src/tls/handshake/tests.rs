use super::*;
use crate::{tls::generated, wire::Prefixed};
use bytes::Bytes;
use rustls::{crypto::aws_lc_rs::default_provider, sign::SingleCertAndKey};
use rutter_core::tls::handshakes::PATIENCE;
use std::time::Duration;
use tokio::{
    io::{DuplexStream, duplex},
    task::{JoinHandle, LocalSet},
};

/// Later than anything here.
const LATER: Duration = Duration::from_secs(60);
/// A first message that nothing can be made of: the handshake fails at once.
const NONSENSE: &[u8] = b"GET / HTTP/1.1\r\n\r\n";

/// Handshakes with room for so many, and what each ends with, at which time.
struct Setup {
    handshakes: Rc<Handshakes>,
    clock: Clock,
    config: Arc<ServerConfig>,
}

impl Setup {
    fn new(room: usize) -> Self {
        let clock = Clock::start();
        let certificate = generated::certificate(clock.wall()).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(SingleCertAndKey::from(certificate)));
        let places = RefCell::new(handshakes::Handshakes::new(room));
        let handshakes = Rc::new(Handshakes { places, ..Handshakes::default() });
        Self { handshakes, clock, config: Arc::new(config) }
    }

    /// A client that has sent this much, and says no more.
    fn client(&self, sent: &'static [u8], limit: Duration) -> (DuplexStream, JoinHandle<Ended>) {
        let (client, stream) = duplex(1 << 10);
        let stream = Prefixed::new(Bytes::from_static(sent), stream);
        let (handshakes, clock) = (Rc::clone(&self.handshakes), self.clock);
        let (config, deadline) = (Arc::clone(&self.config), clock.now() + limit);
        let ended = tokio::task::spawn_local(async move {
            let ended = handshake(&handshakes, clock, deadline, config, stream).await;
            (ended.err().map(|error| error.to_string()), clock.now().0 / 1_000_000)
        });
        (client, ended)
    }
}

/// Why there is no connection, and when that was known, in milliseconds.
type Ended = (Option<String>, u64);

async fn run(test: impl AsyncFnOnce()) {
    LocalSet::new().run_until(test()).await;
}

fn is_about(ended: &Ended, error: &str, millis: u128) -> bool {
    let said = ended.0.as_deref().is_some_and(|said| said.contains(error));
    said && (millis..=millis + 2).contains(&u128::from(ended.1))
}

#[tokio::test(start_paused = true)]
async fn newcomers_get_in_when_slow_ones_are_cut() {
    run(async || {
        let setup = Setup::new(2);
        let (_one, first) = setup.client(b"", LATER);
        tokio::time::sleep(PATIENCE / 2).await;
        let (_two, second) = setup.client(b"", LATER);
        let new: Vec<_> = (0..5).map(|_| setup.client(NONSENSE, LATER)).collect();
        let first = first.await.unwrap();
        assert!(is_about(&first, "others waited", PATIENCE.as_millis()), "{first:?}");
        for (_, ended) in new {
            let ended = ended.await.unwrap();
            // One after the other has its turn in the place that became free.
            assert!(is_about(&ended, "corrupt message", PATIENCE.as_millis()), "{ended:?}");
        }
        // Nobody waits any more, so that the second may be slow.
        let second = second.await.unwrap();
        let end = (PATIENCE / 2 + DURATION_MAX).as_millis();
        assert!(is_about(&second, "timed out", end), "{second:?}");
        assert!(setup.handshakes.cuts.borrow().is_empty());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_handshake_ends_at_the_deadline_of_its_connection_also_while_it_waits() {
    run(async || {
        let setup = Setup::new(1);
        let limit = Duration::from_millis(300);
        let (_slow, slow) = setup.client(b"", LATER);
        let (_waiting, waiting) = setup.client(NONSENSE, limit);
        let waiting = waiting.await.unwrap();
        assert!(is_about(&waiting, "timed out", limit.as_millis()), "{waiting:?}");
        slow.abort();
        let _ = slow.await;
        let start = u128::from(setup.clock.now().0 / 1_000_000);
        let (_short, short) = setup.client(b"", limit);
        let short = short.await.unwrap();
        assert!(is_about(&short, "timed out", start + limit.as_millis()), "{short:?}");
    })
    .await;
}
