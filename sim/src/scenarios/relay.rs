//! TCP services: whatever is said goes through, whoever stops first.
use crate::{
    check::Checks,
    client::Client,
    http1::content,
    net::{Turmoil, TurmoilStream},
    proxy::Setup,
    rng::Rng,
    scenario::Scenario,
    tls::{HOST, ONE, Trust},
    world::World,
};
use rutter::net::{Listener as _, Net as _};
use std::{
    cell::Cell,
    net::{Ipv4Addr, SocketAddr},
    rc::Rc,
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    task, time,
};

/// Connections to TCP services.
pub const RELAY: Scenario = Scenario::new(
    "relay",
    "TCP services get their shares, every byte goes through, and an end is passed on",
    build,
);

const PORT: u16 = 5432;
const TALKERS: usize = 8;
/// What a server still says when its client has ended.
const LAST_WORDS: &[u8] = b"that was all";
/// How long a connection may stay when its client is gone, and the way back may go on.
const DELAY: Duration = Duration::from_millis(300);

fn build(world: &mut World, rng: &mut Rng) {
    let configuration = format!(
        "
http:
  routers: {{ app: {{ rule: Host(`nobody`), service: gone, tls: {{}} }} }}
  services: {{ gone: {{ loadBalancer: {{ servers: [] }} }} }}
tcp:
  routers:
    clear: {{ rule: HostSNI(`*`), service: shares }}
    secure: {{ rule: HostSNI(`{HOST}`), service: a, tls: {{}} }}
  services:
    shares: {{ weighted: {{ services: [ {{ name: a, weight: 3 }}, {{ name: b, weight: 1 }} ] }} }}
    a: {{ loadBalancer: {{ servers: [ {{ address: \"a:{PORT}\" }} ], terminationDelay: {delay} }} }}
    b: {{ loadBalancer: {{ servers: [ {{ address: \"b:{PORT}\" }} ], terminationDelay: {delay} }} }}
tls: {{ certificates: [ {{ {} }} ] }}
",
        ONE.options(),
        delay = DELAY.as_millis(),
    );
    world.proxy(Setup::new(&configuration));
    let open = Rc::new(Cell::new(0_usize));
    let mut served = Vec::new();
    for name in ["a", "b"] {
        let count = Rc::new(Cell::new(0_usize));
        served.push(Rc::clone(&count));
        let open = Rc::clone(&open);
        world.host(name, move |net| serve(net, Rc::clone(&count), Rc::clone(&open)));
    }
    let (checks, mut draws) = (world.checks(), rng.fork());
    world.client("client", |client| async move {
        client.crowd(TALKERS, |client| talks(client, checks.clone(), draws.fork())).await;
        let shares: Vec<usize> = served.iter().map(|count| count.get()).collect();
        checks.equal("connections of a and b", &shares, &vec![TALKERS * 3 / 4, TALKERS / 4]);
        let trust = Trust::new(None);
        client
            .crowd(3, |client| secretly(client, checks.clone(), draws.fork(), trust.clone()))
            .await;
        client.crowd(4, |client| leaves(client, checks.clone(), draws.fork())).await;
        time::sleep(DELAY + Duration::from_millis(100)).await;
        checks.equal("connections that servers still have", &open.get(), &0);
    });
}

/// Sends everything back, and some words more when the client has ended.
async fn serve(net: Turmoil, count: Rc<Cell<usize>>, open: Rc<Cell<usize>>) -> turmoil::Result {
    let address = SocketAddr::from((Ipv4Addr::UNSPECIFIED, PORT));
    let mut listener = net.bind(address).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        count.set(count.get() + 1);
        open.set(open.get() + 1);
        let open = Rc::clone(&open);
        task::spawn_local(async move {
            // A client that is gone is no matter.
            let _ = echo(stream).await;
            open.set(open.get() - 1);
        });
    }
}

async fn echo(mut stream: TurmoilStream) -> std::io::Result<()> {
    let mut space = vec![0; 4096];
    loop {
        let n = stream.read(&mut space).await?;
        if n == 0 {
            break;
        }
        stream.write_all(&space[..n]).await?;
    }
    stream.write_all(LAST_WORDS).await?;
    stream.shutdown().await
}

async fn talks(client: Client, checks: Checks, rng: Rng) {
    match client.dial().await {
        Ok(stream) => talk(&client, &checks, rng, stream).await,
        Err(broken) => checks.fail(&format!("no connection: {broken}")),
    }
}

async fn secretly(client: Client, checks: Checks, rng: Rng, trust: Trust) {
    let Ok(stream) = client.dial().await else { return checks.fail("no connection") };
    match trust.handshake(HOST, stream).await {
        Ok(stream) => talk(&client, &checks, rng, stream).await,
        Err(error) => checks.fail(&format!("no handshake: {error}")),
    }
}

/// Says something piece by piece, ends, and hears all of it again and the last words.
async fn talk(
    client: &Client,
    checks: &Checks,
    mut rng: Rng,
    stream: impl AsyncRead + AsyncWrite + Unpin,
) {
    let said = content(client.name(), rng.length(1, 60_000));
    let (mut from, mut to) = tokio::io::split(stream);
    let speaks = async {
        for piece in said.chunks(rng.length(500, 9000)) {
            to.write_all(piece).await?;
            time::sleep(rng.millis(0, 3)).await;
        }
        to.shutdown().await
    };
    let mut heard = Vec::new();
    let (spoke, listened) = tokio::join!(speaks, from.read_to_end(&mut heard));
    client.note(format_args!("said {} bytes, heard {}", said.len(), heard.len()));
    checks.that(spoke.is_ok(), || format!("could not speak: {spoke:?}"));
    checks.that(listened.is_ok(), || format!("could not listen: {listened:?}"));
    let expected = [&said, LAST_WORDS].concat();
    checks.that(heard == expected, || format!("heard {} of {} bytes", heard.len(), expected.len()));
}

/// Goes in the middle of a word.
async fn leaves(client: Client, checks: Checks, mut rng: Rng) {
    let Ok(mut stream) = client.dial().await else { return checks.fail("no connection") };
    let said = content(client.name(), rng.length(1, 20_000));
    let spoke = stream.write_all(&said).await;
    checks.that(spoke.is_ok(), || format!("could not speak: {spoke:?}"));
    time::sleep(rng.millis(0, 10)).await;
    client.note("leaves");
}
