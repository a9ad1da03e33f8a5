//! Middlewares that change requests and responses, or send clients elsewhere.
use crate::{
    check::Checks,
    client::{Client, Request},
    proxy::Setup,
    rng::Rng,
    scenario::Scenario,
    upstream::Reply,
    world::World,
};

/// Each request of a crowd is changed as its router says, whatever comes before and beside it.
pub const REWRITING: Scenario = Scenario::new(
    "rewriting",
    "paths, headers and redirects are those of the router, over shared connections",
    build,
);

const CONFIGURATION: &str = "
http:
  routers:
    add: { rule: Host(`add`), service: app, middlewares: [ add ] }
    strip: { rule: Host(`strip`), service: app, middlewares: [ strip ] }
    strip-regex: { rule: Host(`strip-regex`), service: app, middlewares: [ strip-regex ] }
    replace: { rule: Host(`replace`), service: app, middlewares: [ replace ] }
    replace-regex: { rule: Host(`replace-regex`), service: app, middlewares: [ replace-regex ] }
    replace-bad: { rule: Host(`replace-bad`), service: app, middlewares: [ replace-bad ] }
    regex-bad: { rule: Host(`regex-bad`), service: app, middlewares: [ regex-bad ] }
    chained: { rule: Host(`chained`), service: app, middlewares: [ chained ] }
    scheme: { rule: Host(`scheme`), service: app, middlewares: [ scheme ] }
    there: { rule: Host(`there`), service: app, middlewares: [ there ] }
    regex: { rule: Host(`regex`), service: app, middlewares: [ regex ] }
    headers: { rule: Host(`headers`), service: app, middlewares: [ headers ] }
    cors: { rule: Host(`cors`), service: app, middlewares: [ cors ] }
    secure: { rule: 'Host(`secure`, `insecure`)', service: app, middlewares: [ secure ] }
  middlewares:
    add: { addPrefix: { prefix: /p } }
    strip: { stripPrefix: { prefixes: [ /api, /v1 ] } }
    strip-regex: { stripPrefixRegex: { regex: [ '/v[0-9]+' ] } }
    replace: { replacePath: { path: /one } }
    replace-regex: { replacePathRegex: { regex: '^/a/(.*)', replacement: '/b/$1' } }
    replace-bad: { replacePath: { path: '/%zz' } }
    regex-bad: { replacePathRegex: { regex: '^/a', replacement: '/%zz' } }
    chained: { chain: { middlewares: [ strip, add ] } }
    scheme: { redirectScheme: { scheme: https, permanent: true } }
    there: { redirectScheme: { scheme: http } }
    regex: { redirectRegex: { regex: '^http://regex/(a.*)', replacement: 'http://other/${1}' } }
    headers: { headers: { customRequestHeaders: { X-In: '1', X-Gone: '' }, customResponseHeaders: { X-Out: '1' } } }
    cors: { headers: { accessControlAllowOrigin: 'origin-list-or-null' } }
    secure: { headers: { frameDeny: true, allowedHosts: [ secure ] } }
  services: { app: { loadBalancer: { servers: [ { url: http://app } ] } } }
";

/// Host, target, and what becomes of the request.
type Case = (&'static str, &'static str, Fate);

/// The target that the server sees, or the status and location of an answer without it.
type Fate = Result<&'static str, (u16, &'static str)>;

const CASES: &[Case] = &[
    ("add", "/a?b=c", Ok("/p/a?b=c")),
    ("strip", "/api/a?b", Ok("/a?b")),
    ("strip", "/v1", Ok("/")),
    ("strip", "/other", Ok("/other")),
    ("strip", "/api../a", Err((400, "-"))),
    ("strip-regex", "/v12/a", Ok("/a")),
    ("strip-regex", "/v1../a", Err((400, "-"))),
    ("replace", "/a/b?c", Ok("/one?c")),
    ("replace-bad", "/a", Err((500, "-"))),
    ("regex-bad", "/a", Err((500, "-"))),
    ("replace-regex", "/a/x/y?z", Ok("/b/x/y?z")),
    ("replace-regex", "/c", Ok("/c")),
    ("chained", "/api/a", Ok("/p/a")),
    ("chained", "/api../a", Err((400, "-"))),
    ("scheme", "/a?b=c", Err((301, "https://scheme/a?b=c"))),
    ("there", "/a?b=c", Ok("/a?b=c")),
    ("regex", "/c", Ok("/c")),
    ("regex", "/a?b=c", Err((302, "http://other/a?b=c"))),
    ("headers", "/h", Ok("/h")),
    ("cors", "/c", Ok("/c")),
    ("secure", "/s", Ok("/s")),
    ("insecure", "/s", Err((500, "-"))),
];

const CROWD: usize = 4;
const EACH: usize = 36;

fn build(world: &mut World, rng: &mut Rng) {
    world.proxy(Setup::new(CONFIGURATION).workers(2));
    let mut script = rng.fork();
    world.upstream("app", move |seen| {
        Reply::ok(script.length(0, 300))
            .after(script.millis(0, 5))
            .field("X-Saw", seen.head.word(1))
            .field("X-Saw-In", seen.head.field("x-in").unwrap_or("-"))
            .field("X-Saw-Gone", seen.head.field("x-gone").unwrap_or("-"))
            .field("X-Frame-Options", "SAMEORIGIN")
    });
    let (checks, mut rng) = (world.checks(), rng.fork());
    world.client("client", |client| async move {
        client.crowd(CROWD, |client| traffic(client, checks.clone(), rng.fork())).await;
    });
}

async fn traffic(mut client: Client, checks: Checks, mut rng: Rng) {
    for _ in 0..EACH {
        let (host, target, want) = *rng.one_of(CASES);
        let request = Request::get(host, target).field("X-Gone", "1").field("Origin", "http://o");
        let answer = client.send(request).await;
        match want {
            Ok(seen) => {
                checks.answered(&answer);
                let Ok(got) = &answer else { continue };
                let field = |name| got.head.field(name).unwrap_or("-").to_owned();
                checks.equal("what the server saw", &field("x-saw"), &seen.to_owned());
                let [saw_in, saw_gone, out] = match host {
                    "headers" => ["1", "-", "1"],
                    _ => ["-", "1", "-"],
                };
                checks.equal("a header that was set", &field("x-saw-in"), &saw_in.to_owned());
                checks.equal("a header that went", &field("x-saw-gone"), &saw_gone.to_owned());
                checks.equal("a response's header", &field("x-out"), &out.to_owned());
                let origin = if host == "cors" { "http://o" } else { "-" };
                let allowed = field("access-control-allow-origin");
                checks.equal("the origin that may read", &allowed, &origin.to_owned());
                let frame = if host == "secure" { "DENY" } else { "SAMEORIGIN" };
                checks.equal("frames", &field("x-frame-options"), &frame.to_owned());
            }
            Err((status, location)) => {
                let got = answer.as_ref().map_or((0, "-"), |got| {
                    (got.status, got.head.field("location").unwrap_or("-"))
                });
                checks.equal("an answer without the server", &got, &(status, location));
            }
        }
    }
    // Of a preflight the server hears nothing.
    let preflight = Request::get("cors", "/c")
        .method("OPTIONS")
        .field("Origin", "http://o")
        .field("Access-Control-Request-Method", "PUT");
    let answer = client.send(preflight).await;
    let got = answer
        .as_ref()
        .map_or((0, true), |got| (got.status, got.head.field("x-upstream").is_some()));
    checks.equal("a preflight", &got, &(200, false));
}
