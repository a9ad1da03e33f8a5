//! Middlewares that take bodies in their hands: whole ones, sent again, replaced by pages.
use crate::{
    check::Checks,
    client::{Client, Request},
    proxy::Setup,
    rng::Rng,
    scenario::Scenario,
    upstream::Reply,
    world::World,
};
use std::{cell::RefCell, collections::BTreeSet, rc::Rc, time::Duration};

/// A body that was read whole is sent whole, as often as it takes, and an error shows its page.
pub const BODIES: Scenario = Scenario::new(
    "bodies",
    "buffered bodies are whole at every try, limits hold, errors show pages, the dead are passed by",
    build,
);

// A try goes to the next server of all clients, so a client may find the dead one several times.
const CONFIGURATION: &str = "
http:
  routers:
    again: { rule: Host(`again`), service: app, middlewares: [ again ] }
    small: { rule: Host(`small`), service: app, middlewares: [ small ] }
    page: { rule: Host(`page`), service: app, middlewares: [ page ] }
    zipped: { rule: Host(`zipped`), service: app, middlewares: [ zipped ] }
    typed: { rule: Host(`typed`), service: app, middlewares: [ typed ] }
    half-dead: { rule: Host(`half-dead`), service: half-dead, middlewares: [ retry ] }
    dead: { rule: Host(`dead`), service: dead, middlewares: [ twice ] }
  middlewares:
    again: { buffering: { memRequestBodyBytes: 5000, memResponseBodyBytes: 300, retryExpression: 'IsNetworkError() && Attempts() < 2' } }
    small: { buffering: { maxRequestBodyBytes: 1000, maxResponseBodyBytes: 1000 } }
    page: { errors: { status: [ '500-599' ], service: pages, query: '/{status}' } }
    zipped: { compress: {} }
    typed: { contentType: { autoDetect: false } }
    retry: { retry: { attempts: 20 } }
    twice: { retry: { attempts: 2, initialInterval: 100ms } }
  services:
    app: { loadBalancer: { servers: [ { url: http://app } ] } }
    pages: { loadBalancer: { servers: [ { url: http://pages } ] } }
    half-dead: { loadBalancer: { servers: [ { url: http://refuses }, { url: http://app } ] } }
    dead: { loadBalancer: { servers: [ { url: http://refuses } ] } }
";

const CROWD: usize = 4;
const EACH: usize = 16;

fn build(world: &mut World, rng: &mut Rng) {
    world.proxy(Setup::new(CONFIGURATION).workers(2));
    world.refusing("refuses");
    let (seen_before, mut script) = (RefCell::new(BTreeSet::new()), rng.fork());
    let app = world.upstream("app", move |seen| {
        let first = seen_before.borrow_mut().insert(seen.id.clone());
        let length = script.length(0, 2000);
        match (seen.head.field("host"), seen.head.word(1)) {
            (Some("again"), _) if first && script.percent(50) => {
                Reply::ok(0).status("502 Bad Gateway")
            }
            (Some("small"), "/long") => Reply::ok(1001),
            (Some("small"), "/long-chunked") => Reply::ok(1001).chunked(200),
            (Some("small"), _) => Reply::ok(length.min(1000)),
            (Some("page"), "/fails") => Reply::ok(length).status("503 Service Unavailable"),
            (Some("page"), "/dies") => Reply::nothing(),
            _ if script.percent(50) => Reply::ok(length).chunked(script.length(1, 500)),
            _ => Reply::ok(length).after(script.millis(0, 5)),
        }
    });
    let pages = world.upstream("pages", |seen| Reply::ok(100).field("X-Page", seen.head.word(1)));
    let (checks, mut rng) = (world.checks(), rng.fork());
    world.client("client", |client| async move {
        let wanted = Rc::new(RefCell::new(BTreeSet::new()));
        client
            .crowd(CROWD, |client| traffic(client, checks.clone(), rng.fork(), Rc::clone(&wanted)))
            .await;
        let ledger = app.ledger();
        for id in &*wanted.borrow() {
            let times = ledger.whole.get(id).copied().unwrap_or(0);
            checks.within("how often a buffered request came whole", &times, &1, &2);
        }
        checks.equal("heads without their bodies", &ledger.heads, &ledger.requests.len());
        for (seen, length) in pages.ledger().requests {
            checks.equal("the body of a request for a page", &length, &0);
            checks.equal("its method", &seen.head.word(0), &"GET");
        }
    });
}

async fn traffic(
    mut client: Client,
    checks: Checks,
    mut rng: Rng,
    wanted: Rc<RefCell<BTreeSet<String>>>,
) {
    for _ in 0..EACH {
        let length = rng.length(0, 20_000);
        match rng.within(0, 9) {
            0 | 1 => {
                wanted.borrow_mut().insert(client.next_id());
                let request = Request::post("again", "/", length);
                let request = if rng.percent(50) { request.chunked() } else { request };
                let answer = client.send(request).await;
                checks.answered(&answer);
                let length = answer.is_ok_and(|it| it.head.field("content-length").is_some());
                checks.that(length, || "a buffered response does not say its length".into());
            }
            2 => {
                let long = Request::post("small", "/", 1001 + length);
                let long = if rng.percent(50) { long.chunked() } else { long };
                let status = client.send(long).await.map_or(0, |got| got.status);
                checks.equal("the status of too long a request", &status, &413);
            }
            3 => {
                let target = *rng.one_of(&["/long", "/long-chunked"]);
                let status =
                    client.send(Request::get("small", target)).await.map_or(0, |got| got.status);
                checks.equal("the status of too long a response", &status, &500);
            }
            4 => checks.answered(&client.send(Request::post("small", "/", 1000)).await),
            5 => {
                let (target, status) = *rng.one_of(&[("/fails", 503), ("/dies", 502)]);
                let answer = client.send(Request::post("page", target, length)).await;
                let got = answer
                    .as_ref()
                    .map_or((0, "-"), |got| (got.status, got.head.field("x-page").unwrap_or("-")));
                checks.equal(
                    "a page",
                    &got,
                    &(status, if status == 503 { "/503" } else { "/502" }),
                );
            }
            6 => zipped(&mut client, &checks).await,
            7 => {
                let answer = client.send(Request::get("half-dead", "/")).await;
                checks.answered(&answer);
                let took = answer.map_or(Duration::MAX, |got| got.took);
                checks.within("a retry's time", &took, &Duration::ZERO, &Duration::from_secs(1));
            }
            8 => {
                let answer = client.send(Request::get("dead", "/")).await;
                let (status, took) =
                    answer.map_or((0, Duration::ZERO), |got| (got.status, got.took));
                checks.equal("the status when no try reaches a server", &status, &502);
                let wait = Duration::from_millis(100);
                checks.within("the time of two tries", &took, &wait, &Duration::from_secs(1));
            }
            _ => {
                let host = *rng.one_of(&["page", "typed"]);
                checks.answered(&client.send(Request::get(host, "/")).await);
            }
        }
    }
}

/// Long bodies are compressed, whether or not they say how long they are, and short ones are not.
async fn zipped(client: &mut Client, checks: &Checks) {
    let request = Request::get("zipped", "/").field("Accept-Encoding", "gzip");
    let answer = client.send(request).await;
    let Ok(got) = &answer else { return checks.answered(&answer) };
    let field = |name| got.head.field(name).unwrap_or("-");
    let long = field("x-length").parse().is_ok_and(|length: usize| length >= 1400);
    if !long {
        checks.answered(&answer);
    }
    let seen = (got.status, got.end.is_ok(), field("content-encoding"), field("vary"));
    let coding = if long { "gzip" } else { "-" };
    checks.equal("what may be compressed", &seen, &(200, true, coding, "Accept-Encoding"));
}
