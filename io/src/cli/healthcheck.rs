//! `rutter healthcheck`: asks the ping of a process that runs with the same configuration.
use super::{Failure, Origins, load, settings};
use crate::{
    net::{Net, tcp::Tcp},
    source::Loaded,
};
use bytes::Bytes;
use http::{Method, Request, StatusCode, header};
use http_body_util::Empty;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use std::{fmt, net::SocketAddr, time::Duration};

/// How long the answer may take.
const TIMEOUT: Duration = Duration::from_secs(5);

/// What the answer was.
#[derive(Debug)]
enum Outcome {
    /// 200.
    Healthy(String),
    /// Another status.
    Unhealthy(StatusCode),
    /// No answer.
    Unanswered(String),
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Healthy(url) => write!(f, "OK: {url}"),
            Self::Unhealthy(status) => write!(f, "Bad healthcheck status: {status}"),
            Self::Unanswered(error) => write!(f, "Error calling healthcheck: {error}"),
        }
    }
}

/// Asks with `HEAD http://<address>/ping`. Must run inside a `LocalSet`.
async fn ask<N: Net>(net: &N, address: SocketAddr) -> Outcome {
    let target = reachable(address);
    let url = format!("http://{target}/ping");
    match tokio::time::timeout(TIMEOUT, head(net, target)).await {
        Ok(Ok(StatusCode::OK)) => Outcome::Healthy(url),
        Ok(Ok(status)) => Outcome::Unhealthy(status),
        Ok(Err(error)) => Outcome::Unanswered(format!("{url}: {error}")),
        Err(_) => Outcome::Unanswered(format!("{url}: no answer within {} s", TIMEOUT.as_secs())),
    }
}

/// Who listens on all addresses is asked on the loopback one.
fn reachable(address: SocketAddr) -> SocketAddr {
    let mut target = address;
    match address {
        SocketAddr::V4(v4) if v4.ip().is_unspecified() => target.set_ip([127, 0, 0, 1].into()),
        SocketAddr::V6(v6) if v6.ip().is_unspecified() => target.set_ip([127, 0, 0, 1].into()),
        SocketAddr::V4(_) | SocketAddr::V6(_) => {}
    }
    target
}

async fn head<N: Net>(net: &N, target: SocketAddr) -> Result<StatusCode, String> {
    let stream = net.connect(target).await.map_err(|error| error.to_string())?;
    let (mut sender, connection) =
        http1::handshake(TokioIo::new(stream)).await.map_err(|error| error.to_string())?;
    tokio::task::spawn_local(connection);
    let request = Request::builder()
        .method(Method::HEAD)
        .uri("/ping")
        .header(header::HOST, target.to_string())
        .body(Empty::<Bytes>::new())
        .map_err(|error| error.to_string())?;
    let response = sender.send_request(request).await.map_err(|error| error.to_string())?;
    Ok(response.status())
}

/// Loads the static configuration and asks its ping entry point.
pub(super) fn run(options: &[String]) -> Result<(), Failure> {
    let loaded = load(options)?;
    let outcome = super::run::runtime()?.block_on(ask_as_configured(loaded))?;
    super::print(&format!("{outcome}\n"))?;
    match outcome {
        Outcome::Healthy(_) => Ok(()),
        Outcome::Unhealthy(_) | Outcome::Unanswered(_) => Err(Failure::told()),
    }
}

async fn ask_as_configured(loaded: Loaded) -> Result<Outcome, Failure> {
    let Loaded { configuration, tree, .. } = loaded;
    let Some(ping) = &configuration.ping else {
        let message = "please enable `ping` to use health check";
        return Ok(Outcome::Unanswered(message.to_owned()));
    };
    let name = &ping.entry_point;
    let Some(entry_point) = configuration.entry_points.get(name) else {
        return Ok(Outcome::Unanswered(format!("ping: missing {name} entry point")));
    };
    let address = settings::address(name, entry_point, &Origins::of(tree)).await?;
    Ok(ask(&Tcp::default(), address).await)
}
