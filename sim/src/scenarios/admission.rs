//! Middlewares that say who passes.
use crate::{
    check::Checks,
    client::{Client, Request},
    digest::Digest,
    proxy::Setup,
    rng::Rng,
    scenario::Scenario,
    upstream::Reply,
    world::World,
};
use std::time::Duration;

/// Nobody passes who may not, and what another server says of one request never becomes another's.
pub const ADMISSION: Scenario = Scenario::new(
    "admission",
    "addresses, passwords and another server decide who passes, each request for itself",
    build,
);

// The password is "right"; its hashes cost as little as they may.
const CONFIGURATION: &str = "
http:
  routers:
    white: { rule: Host(`white`), service: app, middlewares: [ everybody ] }
    black: { rule: Host(`black`), service: app, middlewares: [ strangers ] }
    in: { rule: Host(`in`), service: app, middlewares: [ allowed ] }
    out: { rule: Host(`out`), service: app, middlewares: [ nobody ] }
    basic: { rule: Host(`basic`), service: app, middlewares: [ basic ] }
    digest: { rule: Host(`digest`), service: app, middlewares: [ digest ] }
    asked: { rule: Host(`asked`), service: app, middlewares: [ asked ] }
    shown: { rule: Host(`shown`), service: app, middlewares: [ shown ] }
  middlewares:
    everybody: { ipWhiteList: { sourceRange: [ 0.0.0.0/0 ] } }
    strangers: { ipWhiteList: { sourceRange: [ 203.0.113.7 ] } }
    allowed: { ipAllowList: { sourceRange: [ 0.0.0.0/0 ] } }
    nobody: { ipAllowList: { sourceRange: [ 203.0.113.7 ], rejectStatusCode: 404 } }
    basic: { basicAuth: { users: [ 'a:$2y$04$ALPTZJTq3cu3YPZAxWtz8OqHIM8SEZ2kAjPFG.Qg434Q.N60XQOxG' ], headerField: X-User, removeHeader: true } }
    digest: { digestAuth: { users: [ 'a:traefik:2683263f61cad514816f803a3a577340' ], headerField: X-User, removeHeader: true } }
    asked: { forwardAuth: { address: 'http://auth/check', authResponseHeaders: [ X-User ] } }
    shown: { passTLSClientCert: { pem: true } }
  services: { app: { loadBalancer: { servers: [ { url: http://app } ] } } }
";

const CROWD: usize = 4;
const EACH: usize = 20;

fn build(world: &mut World, rng: &mut Rng) {
    world.proxy(Setup::new(CONFIGURATION).workers(2));
    let mut script = rng.fork();
    world.upstream("app", move |seen| {
        let user = seen.head.field("x-user").unwrap_or("-");
        let credentials = seen.head.field("authorization").is_some();
        Reply::ok(script.length(0, 300))
            .after(script.millis(0, 5))
            .field("X-Saw-User", user)
            .field("X-Saw-Credentials", if credentials { "yes" } else { "no" })
    });
    let mut script = rng.fork();
    world.upstream("auth", move |seen| {
        // What the client says of itself is what this server goes by.
        let wish = seen.head.field("x-wish").unwrap_or("-");
        let reply = Reply::ok(0).after(script.millis(0, 40));
        match wish {
            "dead" => Reply::nothing(),
            "no" => reply.status("401 Unauthorized").field("X-Realm", "here"),
            user => reply.field("X-User", user),
        }
    });
    let (checks, mut rng) = (world.checks(), rng.fork());
    world.client("client", |client| async move {
        client.crowd(CROWD, |client| traffic(client, checks.clone(), rng.fork())).await;
    });
}

async fn traffic(mut client: Client, checks: Checks, mut rng: Rng) {
    for i in 0..EACH {
        let own = format!("{}-{i}", client.name());
        // Nobody is who they say they are.
        let spoofed = |host| Request::get(host, "/").field("X-User", "spoofed");
        let (what, request, status, user) = match rng.within(0, 9) {
            0 => {
                let host = *rng.one_of(&["white", "in"]);
                ("an address that may", Request::get(host, "/"), 200, "-")
            }
            1 => {
                let (host, status) = *rng.one_of(&[("black", 403), ("out", 404)]);
                ("an address that may not", Request::get(host, "/"), status, "-")
            }
            2 => {
                let right = spoofed("basic").field("Authorization", "Basic YTpyaWdodA==");
                ("the right password", right, 200, "a")
            }
            3 => {
                let wrong = spoofed("basic").field("Authorization", "Basic YTp3cm9uZw==");
                ("a wrong password", wrong, 401, "-")
            }
            4 => ("no password", spoofed("basic"), 401, "-"),
            5 | 6 => {
                digest(&mut client, &checks).await;
                continue;
            }
            7 => ("who is let in", spoofed("asked").field("X-Wish", &own), 200, &*own),
            8 => {
                let (wish, status) = *rng.one_of(&[("no", 401), ("dead", 500)]);
                ("who is not let in", spoofed("asked").field("X-Wish", wish), status, "-")
            }
            _ => ("who shows no certificate", Request::get("shown", "/"), 200, "-"),
        };
        judge(&mut client, &checks, what, request, (status, user)).await;
    }
}

/// A nonce is good once for each count, and only with the password.
async fn digest(client: &mut Client, checks: &Checks) {
    let ask = || Request::get("digest", "/d").field("X-User", "spoofed");
    let answer = client.send(ask()).await;
    let challenge = answer.as_ref().ok().map(|got| &got.head);
    let [right, wrong] =
        ["right", "wrong"].map(|it| challenge.and_then(|head| Digest::new(head, "a", it)));
    let (Some(mut right), Some(mut wrong)) = (right, wrong) else {
        return checks.fail("no digest: no challenge that is understood");
    };
    let (bad, first) = (wrong.next("GET", "/d"), right.next("GET", "/d"));
    let (second, elsewhere) = (right.next("GET", "/d"), right.next("GET", "/e"));
    for (what, authorization, want) in [
        ("a wrong digest", bad, (401, "-")),
        ("the right digest", first.clone(), (200, "a")),
        ("a digest that was used", first, (401, "-")),
        ("the next digest", second, (200, "a")),
        ("a digest of another target", elsewhere, (401, "-")),
    ] {
        judge(client, checks, what, ask().field("Authorization", &authorization), want).await;
    }
}

/// Sends a request, and looks whether it got its status, and only then to the server, as this user.
async fn judge(
    client: &mut Client,
    checks: &Checks,
    what: &str,
    request: Request,
    (status, user): (u16, &str),
) {
    let answer = client.send(request).await;
    let Ok(got) = answer else { return checks.fail(&format!("{what}: no answer")) };
    checks.equal(what, &got.status, &status);
    checks.within("the time it takes", &got.took, &Duration::ZERO, &Duration::from_millis(500));
    let field = |name| got.head.field(name).unwrap_or("-").to_owned();
    let reached = got.head.field("x-saw-user").is_some();
    checks.equal("whether the server heard of it", &reached, &(status == 200));
    if reached {
        checks.equal("the user that the server saw", &field("x-saw-user"), &user.to_owned());
        checks.equal("credentials on the server", &field("x-saw-credentials"), &"no".to_owned());
    }
}
