//! The "thin hyper shell": the least that is still a correct-enough reverse
//! proxy on hyper 1.x. One thread. It is the floor for a hyper-based proxy.
//! Arguments: HTTP_ADDR TLS_ADDR CERT KEY ROUTES_FILE ; SIGHUP re-reads routes.
//! Routes file, one a line: `host NAME ADDR` | `prefix /seg/ ADDR` | `default ADDR`.
use std::{
    collections::HashMap,
    fs::File,
    io::BufReader,
    net::SocketAddr,
    sync::{Arc, RwLock},
    time::Duration,
};

use http_body_util::{Either, Full};
use hyper::{
    body::{Bytes, Incoming},
    header::{self, HeaderName, HeaderValue},
    http::uri::{Authority, PathAndQuery, Scheme},
    service::service_fn,
    Request, Response, StatusCode, Uri, Version,
};
use hyper_util::{
    client::legacy::{connect::HttpConnector, Client},
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{rustls, TlsAcceptor};

#[derive(Default)]
struct Routes {
    hosts: HashMap<String, Authority>,
    prefixes: HashMap<String, Authority>,
    default: Option<Authority>,
}

impl Routes {
    fn load(path: &str) -> Self {
        let mut r = Routes::default();
        for line in std::fs::read_to_string(path).expect("routes").lines() {
            let f: Vec<&str> = line.split_whitespace().collect();
            match f.as_slice() {
                ["host", h, a] => drop(r.hosts.insert(h.to_string(), a.parse().unwrap())),
                ["prefix", p, a] => drop(r.prefixes.insert(p.to_string(), a.parse().unwrap())),
                ["default", a] => r.default = Some(a.parse().unwrap()),
                _ => {}
            }
        }
        r
    }
    fn find(&self, host: &str, path: &str) -> Option<Authority> {
        if !self.prefixes.is_empty() {
            if let Some(end) = path[1..].find('/') {
                if let Some(a) = self.prefixes.get(&path[..end + 2]) {
                    return Some(a.clone());
                }
            }
        }
        let name = host.rsplit_once(':').map_or(host, |(n, _)| n);
        self.hosts.get(name).or(self.default.as_ref()).cloned()
    }
}

struct State {
    routes: RwLock<Arc<Routes>>,
    client: Client<HttpConnector, Incoming>,
}

type Out = Response<Either<Incoming, Full<Bytes>>>;

fn plain(code: StatusCode) -> Out {
    let mut r = Response::new(Either::Right(Full::new(Bytes::new())));
    *r.status_mut() = code;
    r
}

async fn forward(
    mut req: Request<Incoming>,
    st: Arc<State>,
    peer: SocketAddr,
    scheme: &'static str,
) -> Out {
    let routes = st.routes.read().unwrap().clone();
    let host = match (req.headers().get(header::HOST), req.uri().authority()) {
        (Some(h), _) => h.clone(),
        (None, Some(a)) => HeaderValue::from_str(a.as_str()).unwrap(),
        _ => return plain(StatusCode::BAD_REQUEST),
    };
    let Some(to) = routes.find(host.to_str().unwrap_or(""), req.uri().path()) else {
        return plain(StatusCode::NOT_FOUND);
    };
    let mut parts = std::mem::take(req.uri_mut()).into_parts();
    parts.scheme = Some(Scheme::HTTP);
    parts.authority = Some(to);
    parts.path_and_query.get_or_insert(PathAndQuery::from_static("/"));
    *req.uri_mut() = Uri::from_parts(parts).unwrap();
    *req.version_mut() = Version::HTTP_11;
    let h = req.headers_mut();
    for hop in [header::CONNECTION, header::UPGRADE, header::TE, header::PROXY_AUTHORIZATION] {
        h.remove(hop);
    }
    let ip = HeaderValue::from_str(&peer.ip().to_string()).unwrap();
    h.append(HeaderName::from_static("x-forwarded-for"), ip.clone());
    h.insert(HeaderName::from_static("x-real-ip"), ip);
    h.insert(HeaderName::from_static("x-forwarded-proto"), HeaderValue::from_static(scheme));
    h.insert(HeaderName::from_static("x-forwarded-host"), host.clone());
    h.insert(header::HOST, host);
    match st.client.request(req).await {
        Ok(mut res) => {
            res.headers_mut().remove(header::CONNECTION);
            res.map(Either::Left)
        }
        Err(_) => plain(StatusCode::BAD_GATEWAY),
    }
}

async fn conn(sock: TcpStream, peer: SocketAddr, tls: Option<TlsAcceptor>, st: Arc<State>) {
    let _ = sock.set_nodelay(true);
    let scheme = if tls.is_some() { "https" } else { "http" };
    let svc = service_fn(move |r| {
        let st = st.clone();
        async move { Ok::<_, std::convert::Infallible>(forward(r, st, peer, scheme).await) }
    });
    let mut b = auto::Builder::new(TokioExecutor::new());
    b.http1().timer(TokioTimer::new());
    b.http2().timer(TokioTimer::new()).max_concurrent_streams(250);
    match tls {
        None => drop(b.serve_connection(TokioIo::new(sock), svc).await),
        Some(t) => {
            if let Ok(s) = t.accept(sock).await {
                drop(b.serve_connection(TokioIo::new(s), svc).await)
            }
        }
    }
}

async fn accept(addr: String, tls: Option<TlsAcceptor>, st: Arc<State>) {
    let l = TcpListener::bind(&addr).await.expect("bind");
    loop {
        match l.accept().await {
            Ok((s, p)) => drop(tokio::spawn(conn(s, p, tls.clone(), st.clone()))),
            Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
        }
    }
}

fn main() {
    let a: Vec<String> = std::env::args().collect();
    let (http, https, cert, key, file) = (a[1].clone(), a[2].clone(), &a[3], &a[4], a[5].clone());
    use rustls::pki_types::{pem::PemObject, CertificateDer, PrivateKeyDer};
    let chain = CertificateDer::pem_reader_iter(BufReader::new(File::open(cert).unwrap()))
        .map(|c| c.unwrap())
        .collect();
    let key = PrivateKeyDer::from_pem_file(key).unwrap();
    let mut cfg =
        rustls::ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key).unwrap();
    cfg.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let tls = TlsAcceptor::from(Arc::new(cfg));
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(
        async move {
            let mut c = HttpConnector::new();
            c.set_nodelay(true);
            let client = Client::builder(TokioExecutor::new())
                .pool_max_idle_per_host(1024)
                .pool_timer(TokioTimer::new())
                .build(c);
            let st = Arc::new(State { routes: RwLock::new(Arc::new(Routes::load(&file))), client });
            tokio::spawn(accept(http, None, st.clone()));
            tokio::spawn(accept(https, Some(tls), st.clone()));
            let mut hup =
                tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup()).unwrap();
            while hup.recv().await.is_some() {
                let f = file.clone();
                let new = tokio::task::spawn_blocking(move || Routes::load(&f)).await.unwrap();
                *st.routes.write().unwrap() = Arc::new(new);
            }
        },
    );
}
