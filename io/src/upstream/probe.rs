//! Probes of health checks: a short connection of their own for each request.
use super::{
    Outgoing,
    connect::{Destination, connect},
    h1, h2, tls,
};
use crate::{body::RequestBody, net::Net};
use http::{
    HeaderValue, Request, StatusCode, Uri,
    header::{HOST, LOCATION},
    request,
    uri::{Authority, PathAndQuery},
};
use rutter_core::service::{
    Scheme,
    health_check::{Probe, is_good},
};
use tokio::time::timeout;

/// Compat: services.md "redirects followed (max 10)".
const REDIRECTS_MAX: u32 = 10;

/// Whether the server gave a good answer in time.
pub(crate) async fn probe<N: Net>(net: &N, tls: &tls::Configs, probe: Probe) -> bool {
    let limit = probe.timeout;
    timeout(limit, answer(net, tls, probe)).await.ok().flatten().is_some_and(is_good)
}

async fn answer<N: Net>(net: &N, tls: &tls::Configs, probe: Probe) -> Option<StatusCode> {
    let Probe { mut scheme, mut authority, mut head, follow_redirects, .. } = probe;
    for _ in 0..=REDIRECTS_MAX {
        let (status, location) = once(net, tls, scheme, &authority, head.clone()).await?;
        let Some(location) = location.filter(|_| follow_redirects && status.is_redirection())
        else {
            return Some(status);
        };
        let location = location.to_str().ok()?;
        redirect(location, &mut scheme, &mut authority, &mut head)?;
    }
    None
}

async fn once<N: Net>(
    net: &N,
    tls: &tls::Configs,
    scheme: Scheme,
    authority: &Authority,
    mut head: request::Parts,
) -> Option<(StatusCode, Option<HeaderValue>)> {
    let to = Destination { scheme, authority };
    let stream = connect(net, to, None, tls, true).await.ok()?;
    let (status, mut headers) = if scheme == Scheme::H2c {
        let mut parts = std::mem::take(&mut head.uri).into_parts();
        parts.scheme = Some(http::uri::Scheme::HTTP);
        let host = head.headers.remove(HOST)?;
        parts.authority = Some(Authority::try_from(host.as_bytes()).ok()?);
        head.uri = Uri::from_parts(parts).ok()?;
        let request = Request::from_parts(head, RequestBody::empty());
        let response = h2::open(stream).await.ok()?.send_request(request).await.ok()?;
        (response.status(), response.into_parts().0.headers)
    } else {
        let outgoing = Box::new(Outgoing { head, body: RequestBody::empty() });
        let answer = h1::Connection::new(stream, &h1::Buffers::default())
            .send(outgoing, false)
            .await
            .ok()?
            .parts;
        (answer.status, answer.headers)
    };
    Some((status, headers.remove(LOCATION)))
}

/// Addresses the next request to where the last answer pointed.
fn redirect(
    location: &str,
    scheme: &mut Scheme,
    authority: &mut Authority,
    head: &mut request::Parts,
) -> Option<()> {
    let target = location.split('#').next().unwrap_or(location);
    let relative = target.starts_with(['/', '?']) && !target.starts_with("//");
    if relative || !target.contains("//") {
        let path = head.uri.path();
        let folder = &path[..=path.rfind('/').unwrap_or(0)];
        let target = match target.as_bytes().first() {
            Some(b'/') => target.to_owned(),
            Some(b'?') => format!("{path}{target}"),
            _ => format!("{folder}{target}"),
        };
        head.uri = Uri::from(PathAndQuery::try_from(target).ok()?);
        return Some(());
    }
    let absolute = match target.strip_prefix("//") {
        Some(rest) if *scheme == Scheme::Https => format!("https://{rest}"),
        Some(rest) => format!("http://{rest}"),
        None => target.to_owned(),
    };
    let parts = Uri::try_from(absolute).ok()?.into_parts();
    *scheme = match parts.scheme?.as_str() {
        "http" => Scheme::Http,
        "https" => Scheme::Https,
        _ => return None,
    };
    *authority = parts.authority?;
    head.headers.insert(HOST, HeaderValue::from_str(authority.as_str()).ok()?);
    head.headers.remove(http::header::AUTHORIZATION);
    head.uri = Uri::from(parts.path_and_query.unwrap_or(PathAndQuery::from_static("/")));
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_location_is_relative_to_what_was_asked() {
        for (location, want) in [
            ("/x", "http://a.test:81 a.test /x"),
            ("?q", "http://a.test:81 a.test /one/two?q"),
            ("x/y?q#f", "http://a.test:81 a.test /one/x/y?q"),
            ("https://b.test/z", "https://b.test b.test /z"),
            ("http://b.test:8080", "http://b.test:8080 b.test:8080 /"),
            ("//b.test/z", "http://b.test b.test /z"),
            ("ftp://b.test/z", "none"),
        ] {
            let (mut scheme, mut authority) = (Scheme::Http, Authority::from_static("a.test:81"));
            let request = Request::get("/one/two?three").header(HOST, "a.test");
            let (mut head, ()) = request.body(()).unwrap().into_parts();
            let told = match redirect(location, &mut scheme, &mut authority, &mut head) {
                None => "none".to_owned(),
                Some(()) => {
                    let name = if scheme == Scheme::Https { "https" } else { "http" };
                    let host = head.headers[HOST].to_str().unwrap();
                    format!("{name}://{authority} {host} {}", head.uri)
                }
            };
            assert_eq!(told, want, "{location}");
        }
    }
}
