//! A certificate is replaced while clients come and stay.
use crate::{
    check::Checks,
    client::{Client, Request},
    proxy::{Proxy, Setup},
    rng::Rng,
    scenario::Scenario,
    tls::{ALICE, GUARDED, HOST, ONE, Pair, TWO, Trust},
    upstream::Reply,
    world::World,
};
use std::{cell::Cell, rc::Rc, time::Duration};
use tokio::time;

/// Certificates swapped under load.
pub const CERTIFICATES: Scenario = Scenario::new(
    "certificates",
    "a new certificate is shown to whoever comes after it, and costs nobody a connection",
    build,
);

/// How long the load goes on.
const LOAD: Duration = Duration::from_millis(400);

fn configuration(pair: Pair) -> String {
    format!(
        "
http:
  routers:
    app: {{ rule: Host(`{HOST}`), service: app, tls: {{}} }}
    guarded:
      rule: Host(`{GUARDED}`)
      service: app
      middlewares: [ who ]
      tls: {{ options: mutual }}
  middlewares: {{ who: {{ passTLSClientCert: {{ info: {{ subject: {{ commonName: true }} }} }} }} }}
  services: {{ app: {{ loadBalancer: {{ servers: [ {{ url: http://app }} ] }} }} }}
tls:
  certificates: [ {{ {} }} ]
  options: {{ mutual: {{ clientAuth: {{ caFiles: [ {} ] }} }} }}
",
        pair.options(),
        ALICE.quoted(),
    )
}

fn build(world: &mut World, rng: &mut Rng) {
    let proxy = world.proxy(Setup::new(&configuration(ONE)).workers(2));
    let checks = world.checks();
    let seen_checks = checks.clone();
    world.upstream("app", move |seen| {
        let told = seen.head.field("x-forwarded-tls-client-cert-info");
        let expected = (seen.head.word(1) == "/who").then_some("Subject%3D%22CN%3Dalice%22");
        seen_checks.equal("what the server is told of the client", &told, &expected);
        seen_checks.equal(
            "X-Forwarded-Proto",
            &seen.head.field("x-forwarded-proto"),
            &Some("https"),
        );
        Reply::ok(500)
    });
    let swapped = Rc::new(Cell::new(false));
    let mut draws = rng.fork();
    let (load_checks, load_swapped) = (checks.clone(), Rc::clone(&swapped));
    world.client("client", |client| async move {
        let trust = Trust::new(None);
        let stay = client.fork(".stays").secure(HOST, &trust);
        let back = client.fork(".returns").secure(HOST, &trust);
        let come = client.fork(".comes").secure(HOST, &trust.forgetful());
        tokio::join!(
            stays(stay, &load_checks, draws.fork()),
            returns(back, &load_checks, draws.fork()),
            comes(come, &load_checks, draws.fork(), &load_swapped),
        );
    });
    let guest_checks = checks.clone();
    world.client("guest", |client| guarded(client, guest_checks));
    let operator = operator(proxy, rng.fork(), swapped);
    world.client("operator", |_| operator);
}

async fn operator(proxy: Proxy, mut rng: Rng, swapped: Rc<Cell<bool>>) {
    time::sleep(rng.millis(50, 200)).await;
    proxy.apply(&configuration(TWO));
    swapped.set(true);
}

/// A connection that is there goes on as if nothing had happened.
async fn stays(mut client: Client, checks: &Checks, mut rng: Rng) {
    let end = time::Instant::now() + LOAD;
    while time::Instant::now() < end {
        checks.answered(&client.send(Request::get(HOST, "/")).await);
        checks.that(client.is_connected(), || "an idle connection was closed".to_owned());
        checks.equal("the certificate of the only connection", &client.shown(), &"one");
        time::sleep(rng.millis(0, 20)).await;
    }
}

/// A client that comes back is let in, on its old session or a new one.
async fn returns(mut client: Client, checks: &Checks, mut rng: Rng) {
    let end = time::Instant::now() + LOAD;
    while time::Instant::now() < end {
        checks.answered(&client.send(Request::get(HOST, "/")).await);
        client.close();
        time::sleep(rng.millis(0, 20)).await;
    }
}

/// Who comes for the first time is shown one certificate, and from some time on the other.
async fn comes(mut client: Client, checks: &Checks, mut rng: Rng, swapped: &Cell<bool>) {
    let end = time::Instant::now() + LOAD;
    let mut expected: &[&str] = &["one", "two"];
    while time::Instant::now() < end {
        checks.answered(&client.send(Request::get(HOST, "/")).await);
        let shown = client.shown();
        checks.that(expected.contains(&shown), || format!("{shown} is shown after the swap"));
        checks.that(shown == "one" || swapped.get(), || "the swap is early".to_owned());
        if shown == "two" {
            expected = &["two"];
        }
        client.close();
        time::sleep(rng.millis(0, 20)).await;
    }
    checks.equal("the certificate that is shown in the end", &expected, &&["two"][..]);
}

/// A host with options of its own lets in whom it knows, and only under its own name.
async fn guarded(client: Client, checks: Checks) {
    let name = GUARDED;
    let mut stranger = client.fork(".stranger").secure(name, &Trust::new(None));
    let refused = stranger.send(Request::get(name, "/")).await;
    checks.that(refused.is_err(), || "a stranger was let in".to_owned());
    let mut alice = client.fork(".alice").secure(name, &Trust::new(Some(ALICE)));
    checks.answered(&alice.send(Request::get(name, "/who")).await);
    let mut front = client.fork(".front").secure(HOST, &Trust::new(None));
    let answer = front.send(Request::get(name, "/")).await;
    checks.equal("a host behind another's name", &answer.map_or(0, |it| it.status), &421);
}
