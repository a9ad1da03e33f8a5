//! Handshakes that break off, stall or turn to garbage at any byte.
use crate::{
    check::Checks,
    client::{Client, Request},
    net::TurmoilStream,
    proxy::Setup,
    rng::Rng,
    scenario::Scenario,
    tls::{HOST, ONE, Trust},
    upstream::Reply,
    world::World,
};
use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf},
    time,
};

/// Handshakes killed at every step.
pub const HANDSHAKES: Scenario = Scenario::new(
    "handshakes",
    "a handshake that ends or stalls at any byte is over in time, and disturbs nobody",
    build,
);

const READ_TIMEOUT: Duration = Duration::from_millis(400);
/// A few round trips.
const SLACK: Duration = Duration::from_millis(100);
/// A client sends no more than this until it is let in.
const FLIGHTS: usize = 400;
const VICTIMS: usize = 12;

fn build(world: &mut World, rng: &mut Rng) {
    let configuration = format!(
        "
http:
  routers: {{ app: {{ rule: Host(`{HOST}`), service: app, tls: {{}} }} }}
  services: {{ app: {{ loadBalancer: {{ servers: [ {{ url: http://app }} ] }} }} }}
tls: {{ certificates: [ {{ {} }} ] }}
",
        ONE.options()
    );
    world.proxy(Setup::new(&configuration).read_timeout(READ_TIMEOUT));
    world.upstream("app", |_| Reply::ok(300));
    let (checks, mut draws) = (world.checks(), rng.fork());
    world.client("honest", |client| async move {
        let client = client.secure(HOST, &Trust::new(None));
        client.crowd(3, |client| honest(client, checks.clone(), draws.fork())).await;
    });
    let (checks, mut draws) = (world.checks(), rng.fork());
    world.client("victim", |client| async move {
        client.crowd(VICTIMS, |client| victim(client, checks.clone(), draws.fork())).await;
    });
}

async fn honest(mut client: Client, checks: Checks, mut rng: Rng) {
    for _ in 0..12 {
        checks.answered(&client.send(Request::get(HOST, "/")).await);
        if rng.percent(50) {
            client.close();
        }
        time::sleep(rng.millis(0, 30)).await;
    }
}

/// How a handshake goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// Nothing more is sent.
    Stalls,
    /// The connection is closed.
    Breaks,
    /// What is sent is not what was meant.
    Garbles,
}

async fn victim(client: Client, checks: Checks, mut rng: Rng) {
    let fate = *rng.one_of(&[Fate::Stalls, Fate::Breaks, Fate::Garbles]);
    let left = rng.length(0, FLIGHTS);
    client.note(format_args!("{fate:?} after {left} bytes"));
    let start = time::Instant::now();
    let Ok(stream) = client.dial().await else {
        return checks.fail("a connection was refused");
    };
    let mut spoilt = Spoilt { stream, left, fate };
    let trust = Trust::new(None);
    let shaken = trust.handshake(HOST, &mut spoilt);
    // A client takes itself for let in before the server has heard all of it. It says nothing more, so
    // that its time is over either way.
    let _ = time::timeout(READ_TIMEOUT * 2, shaken).await;
    let done = fate == Fate::Breaks || closed(&mut spoilt.stream).await;
    checks.that(done, || format!("{fate:?} after {left} bytes: the connection stays open"));
    let took = start.elapsed();
    let latest = READ_TIMEOUT + SLACK;
    checks.that(took <= latest, || format!("{fate:?} after {left} bytes took {took:?}"));
}

/// Whether the other side closes the connection in time.
async fn closed(stream: &mut TurmoilStream) -> bool {
    let mut space = [0; 512];
    let ended = async { while stream.read(&mut space).await.is_ok_and(|n| n > 0) {} };
    time::timeout(READ_TIMEOUT * 2, ended).await.is_ok()
}

/// A stream that carries so many bytes as they are, and then does not.
struct Spoilt {
    stream: TurmoilStream,
    left: usize,
    fate: Fate,
}

impl AsyncRead for Spoilt {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Spoilt {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let good = bytes.len().min(self.left);
        if good > 0 {
            let written = Pin::new(&mut self.stream).poll_write(cx, &bytes[..good]);
            if let Poll::Ready(Ok(n)) = written {
                self.left -= n;
            }
            return written;
        }
        match self.fate {
            Fate::Stalls => Poll::Ready(Ok(bytes.len())),
            Fate::Breaks => Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
            Fate::Garbles => {
                let garbage: Vec<u8> = bytes.iter().map(|byte| !byte).collect();
                Pin::new(&mut self.stream).poll_write(cx, &garbage)
            }
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
