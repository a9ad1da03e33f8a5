//! What tests of middlewares share: heads, a context, and the calls.
use super::{Answer, Context, Origin, Reaction, Verdict, Walk};
use crate::{
    cells::{BalancerId, BreakerId, Cells, Decision, InFlightId, MirrorId, NoncesId, RateLimitId},
    entry_point::{EntryPoint, Peer, Trust},
    exchange::Delivery,
    middleware::{
        circuit_breaker::Breaker, digest_auth::Nonces, in_flight_req::InFlight, rate_limit::Buckets,
    },
    service::{balancer::Balancer, health::Health, mirror::Mirror},
    time::Instant,
};
use alloc::{format, string::String, string::ToString, vec::Vec};
use http::{HeaderMap, HeaderName, HeaderValue, Uri, request, response};

/// A GET request's head.
pub(crate) fn head(uri: &str, headers: &[(&str, &str)]) -> request::Parts {
    let mut builder = http::Request::get(uri);
    for (name, value) in headers {
        builder = builder.header(*name, *value);
    }
    builder.body(()).unwrap().into_parts().0
}

/// A response's head.
pub(crate) fn response(status: u16, headers: &[(&str, &str)]) -> response::Parts {
    let mut builder = http::Response::builder().status(status);
    for (name, value) in headers {
        builder = builder.header(*name, *value);
    }
    builder.body(()).unwrap().into_parts().0
}

/// An entry point that trusts nobody.
pub(crate) fn entry_point() -> EntryPoint {
    EntryPoint {
        name: "web".into(),
        forwarded_trust: Trust::default(),
        hostname: HeaderValue::from_static("edge"),
        raw_paths: false,
    }
}

/// A clear-text peer.
pub(crate) fn peer() -> Peer {
    Peer::new(([192, 0, 2, 7], 4711).into(), ([192, 0, 2, 1], 80).into(), false)
}

/// The way in through one middleware.
pub(crate) fn inward(middleware: &impl Walk, head: &mut request::Parts) -> Verdict {
    with_context(|context| middleware.inward(context, &Nothing, head))
}

/// The way out of a server's response through one middleware.
pub(crate) fn outward(middleware: &impl Walk, head: &mut response::Parts) -> Reaction {
    let mut delivery = Delivery::default();
    let mut answer = Answer { head, origin: Origin::Server, delivery: &mut delivery, kept: None };
    with_context(|context| middleware.outward(context, &Nothing, &mut answer))
}

/// A context of a request at the beginning of time.
pub(crate) fn with_context<T>(f: impl FnOnce(&Context<'_>) -> T) -> T {
    let (entry_point, peer) = (entry_point(), peer());
    let now = Instant(0);
    f(&Context { now, peer: &peer, entry_point: &entry_point, entropy: 0, cell: None })
}

/// What comes of a request on its way in through one middleware, as text: the head as it goes on, or
/// the response.
pub(crate) fn told(middleware: &impl Walk, head: &mut request::Parts) -> String {
    let lines = |headers: &HeaderMap| -> String {
        let line = |(name, value): (&HeaderName, &HeaderValue)| {
            format!("{name}: {}\n", String::from_utf8_lossy(value.as_bytes()))
        };
        headers.iter().map(line).collect()
    };
    let verdict = inward(middleware, head);
    if matches!(verdict, Verdict::Continue) {
        return format!("{} {}\n{}", head.method, head.uri, lines(&head.headers));
    }
    let Verdict::Respond(response) = verdict else { return format!("{verdict:?}") };
    let (head, body) = response.into_parts();
    let body = String::from_utf8_lossy(&body);
    format!("{}\n{}\n{body}", head.status.as_u16(), lines(&head.headers))
}

/// A target as text.
pub(crate) fn text(uri: &Uri) -> String {
    uri.to_string()
}

/// All values of a header.
pub(crate) fn all(headers: &HeaderMap, name: &str) -> Vec<String> {
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    headers.get_all(name).iter().map(text).collect()
}

/// Cells for middlewares that ask none.
#[derive(Debug)]
pub(crate) struct Nothing;

impl Cells for Nothing {
    fn balancer<D: Decision>(
        &self,
        _: BalancerId,
        f: impl FnOnce(&mut Balancer, &Health) -> D,
    ) -> D {
        f(&mut Balancer::new([1].into()), &Health::ALL_UP)
    }

    fn mirror<D: Decision>(&self, _: MirrorId, f: impl FnOnce(&mut Mirror) -> D) -> D {
        f(&mut Mirror::new([].into()))
    }

    fn in_flight<D: Decision>(&self, _: InFlightId, f: impl FnOnce(&mut InFlight) -> D) -> D {
        f(&mut InFlight::new(1))
    }

    fn rate_limit<D: Decision>(&self, _: RateLimitId, f: impl FnOnce(&mut Buckets) -> D) -> D {
        f(&mut Buckets::default())
    }

    fn breaker<D: Decision>(&self, _: BreakerId, f: impl FnOnce(&mut Breaker) -> D) -> D {
        f(&mut Breaker::default())
    }

    fn nonces<D: Decision>(&self, _: NoncesId, f: impl FnOnce(&mut Nonces) -> D) -> D {
        f(&mut Nonces::default())
    }

    fn terminating(&self) -> bool {
        false
    }
}
