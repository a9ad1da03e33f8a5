//! What it costs to find where a connection goes and which certificate it is shown, among few and among
//! very many, and to change one of them.
//!
//! Names come in rotation for [`WARM`] different ones, spread over all there are, as a proxy sees them.
use divan::{AllocProfiler, Bencher, black_box};
use rutter_core::{
    cells::BalancerId,
    relay::{Instance, LoadBalancer},
    tcp::{Router, Table, Tls, client_hello::Reader, rule::Rule, table::Secure},
    tls::{
        certificate::{Certificate, KeyKind, Name, Source},
        options::Options,
        store::{Asked, Choice, Store},
    },
};
use std::sync::Arc;

const WARM: u32 = 1_024;
const HELLO: &str = include_str!("../src/tcp/client_hello/hellos/rustls_post_quantum.hex");

#[global_allocator]
static ALLOCATOR: AllocProfiler = AllocProfiler::system();

fn main() {
    divan::main();
}

#[divan::bench]
fn hello(bencher: Bencher<'_, '_>) {
    let digits: Vec<char> = HELLO.chars().filter(char::is_ascii_hexdigit).collect();
    let byte = |pair: &[char]| u8::from_str_radix(&String::from_iter(pair), 16).expect("digits");
    let bytes: Vec<u8> = digits.chunks(2).map(byte).collect();
    bencher.bench(|| Reader::default().read(black_box(&bytes)));
}

#[divan::bench(args = [10, 1_000, 100_000], sample_size = WARM * 4)]
fn tcp_router(bencher: Bencher<'_, '_>, routers: usize) {
    let table = table(routers);
    let names = names(routers);
    let mut rotation = names.iter().cycle();
    bencher.bench_local(|| {
        let found = table.secure(rotation.next().map(|name| &**name));
        assert!(matches!(found, Secure::Passthrough(_)));
    });
}

#[divan::bench(args = [10, 1_000, 100_000], sample_size = WARM * 4)]
fn certificate(bencher: Bencher<'_, '_>, certificates: usize) {
    let store = store(certificates);
    let names = names(certificates);
    let mut rotation = names.iter().cycle();
    bencher.bench_local(|| {
        let asked = Asked::Name(rotation.next().map_or("", |name| name));
        let choice = store.choose(asked, &[0x0403, 0x0804], false);
        assert!(matches!(choice, Choice::Certificate(_)));
    });
}

#[divan::bench(args = [1_000, 100_000])]
fn change_one_tcp_router(bencher: Bencher<'_, '_>, routers: usize) {
    let full = table(routers);
    let old = router(7);
    bencher.bench_local(|| {
        let mut table = full.clone();
        table.remove(&old);
        table
    });
}

#[divan::bench(args = [1_000, 100_000])]
fn change_one_certificate(bencher: Bencher<'_, '_>, certificates: usize) {
    let full = store(certificates);
    let old = pair(7);
    bencher.bench_local(|| {
        let mut store = full.clone();
        store.remove(&old);
        store
    });
}

/// Names that are asked for, a third of them below a wildcard.
fn names(count: usize) -> Vec<String> {
    let name = |n: usize| {
        if n.is_multiple_of(3) {
            format!("x.app-{n}.example.com")
        } else {
            format!("app-{n}.example.com")
        }
    };
    (0..WARM as usize).map(|n| name(n * 61_819 % count)).collect()
}

fn router(n: usize) -> Arc<Router> {
    let service = LoadBalancer {
        name: "s@file".into(),
        servers: Box::default(),
        termination_delay: None,
        proxy_protocol: None,
    };
    let service = Instance::LoadBalancer { service: Arc::new(service), balancer: BalancerId(0) };
    let rule = format!("HostSNI(`app-{n}.example.com`, `x.app-{n}.example.com`)");
    Arc::new(Router {
        name: format!("router-{n}@file").into(),
        rule: Rule::parse(&rule).expect("a rule"),
        priority: 0,
        tls: Some(Tls::Passthrough),
        service: Arc::new(service),
    })
}

fn table(routers: usize) -> Table {
    let mut table = Table::new(Some(Arc::new(Options::builtin())));
    (0..routers).for_each(|n| table.insert(&router(n)));
    table
}

fn pair(n: usize) -> Arc<Certificate> {
    let name = |text: String| Name { text: text.into(), source: Source::AlternativeName };
    let names = [name(format!("*.app-{n}.example.com")), name(format!("app-{n}.example.com"))];
    Arc::new(Certificate {
        name: format!("{n}.pem@file").into(),
        pair: Arc::new(()),
        kind: KeyKind::EcdsaP256,
        not_after: 0,
        names: names.into(),
    })
}

fn store(certificates: usize) -> Store {
    let mut store = Store::default();
    (0..certificates).for_each(|n| store.insert(&pair(n)));
    store
}
