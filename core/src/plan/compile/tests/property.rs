//! A plan made from the one before is the plan made from nothing.
use super::*;
use crate::{config::http::RouterTls, router::Route, rule::view::View};
use ::http::{Method, Request};
use proptest::prelude::*;

mod relays;

/// One object of one provider set to one of its variants, or taken away.
#[derive(Clone, Debug)]
struct Edit {
    provider: usize,
    kind: Kind,
    object: usize,
    variant: Option<usize>,
}

const PROVIDERS: [&str; 2] = ["file", "rest"];
const OBJECTS: usize = 5;

fn edit() -> impl Strategy<Value = Edit> {
    let kind = prop_oneof![
        3 => Just(Kind::Router),
        3 => Just(Kind::Service),
        3 => Just(Kind::Middleware),
        2 => Just(Kind::TcpRouter),
        2 => Just(Kind::TcpService),
        1 => Just(Kind::UdpRouter),
        1 => Just(Kind::UdpService),
        1 => Just(Kind::ServersTransport),
        2 => Just(Kind::TlsOptions),
        1 => Just(Kind::TlsStore),
        1 => Just(Kind::Certificate),
    ];
    (0..PROVIDERS.len(), kind, 0..OBJECTS, proptest::option::weighted(0.8, 0..14_usize))
        .prop_map(|(provider, kind, object, variant)| Edit { provider, kind, object, variant })
}

/// Names that objects refer to: of the own provider, of others, missing ones.
fn reference(n: usize) -> String {
    match n % 9 {
        n @ 0..5 => format!("o{n}"),
        n @ 5..7 => format!("o{}@rest", n - 4),
        7 => "o1@file".into(),
        _ => "gone".into(),
    }
}

fn service_variant(n: usize) -> Service {
    match n {
        0..3 => servers(&[&format!("http://s{n}")]),
        3 => through(servers(&["http://s3"]), &reference(n)),
        4 => through(checked(&["http://checked"]), "o0"),
        5 => checked(&["http://a", "http://b"]),
        6 => servers(&["broken"]),
        7 => Service::default(),
        8..11 => weighted(&[(&reference(n), 1), (&reference(n + 2), 2)]),
        _ => mirroring(&reference(n), &[(&reference(n + 4), 50)]),
    }
}

fn through(mut service: Service, transport: &str) -> Service {
    if let Some(load_balancer) = &mut service.load_balancer {
        load_balancer.servers_transport = transport.into();
    }
    service
}

fn middleware_variant(n: usize) -> Definition {
    match n {
        0..5 => prefix(&format!("/{n}")),
        5 => prefix(""),
        _ => chain(&[&reference(n), &reference(n + 3)]),
    }
}

fn router_variant(object: usize, n: usize) -> Written {
    let secure = n % 5 == 2;
    Written {
        rule: if n == 13 {
            "Nonsense(".into()
        } else if secure {
            format!("Host(`h{}.example`)", n / 5)
        } else {
            format!("Path(`/{object}/{}`)", n % 3)
        },
        tls: secure.then(|| RouterTls { options: reference(n), ..RouterTls::default() }),
        service: reference(n),
        middlewares: (0..n % 3).map(|i| reference(n + i)).collect(),
        entry_points: if n.is_multiple_of(4) { vec!["admin".into()] } else { vec![] },
        ..Written::default()
    }
}

fn set<T>(
    definitions: &mut Definitions<T>,
    object: usize,
    variant: Option<usize>,
    make: impl FnOnce(usize) -> T,
) {
    let name = Arc::from(format!("o{object}"));
    match variant {
        Some(n) => drop(definitions.insert(name, defined(Ok(make(n))))),
        None => drop(definitions.remove(&name)),
    }
}

/// The same, of objects among which one is called `default`.
fn set_default<T>(
    definitions: &mut Definitions<T>,
    object: usize,
    variant: Option<usize>,
    make: impl FnOnce(usize) -> T,
) {
    if object > 0 {
        return set(definitions, object, variant, make);
    }
    match variant {
        Some(n) => drop(definitions.insert("default".into(), defined(Ok(make(n))))),
        None => drop(definitions.remove("default")),
    }
}

fn apply(configurations: &mut Configurations, edit: &Edit) {
    let entry = configurations.entry(PROVIDERS[edit.provider].into()).or_default();
    let Configuration { http, tcp, udp, tls } = Arc::make_mut(entry);
    let (object, variant) = (edit.object, edit.variant);
    match edit.kind {
        Kind::Router => set(&mut http.routers, object, variant, |n| router_variant(object, n)),
        Kind::Service => set(&mut http.services, object, variant, service_variant),
        Kind::Middleware => set(&mut http.middlewares, object, variant, middleware_variant),
        Kind::ServersTransport => {
            set(&mut http.servers_transports, object, variant, relays::transport_variant);
        }
        Kind::TcpRouter => set(&mut tcp.routers, object, variant, relays::tcp_router_variant),
        Kind::TcpService => set(&mut tcp.services, object, variant, relays::tcp_service_variant),
        Kind::UdpRouter => set(&mut udp.routers, object, variant, relays::udp_router_variant),
        Kind::UdpService => set(&mut udp.services, object, variant, relays::udp_service_variant),
        Kind::Certificate => {
            set(&mut tls.certificates, object, variant, relays::certificate_variant);
        }
        Kind::TlsOptions => {
            set_default(&mut tls.options, object, variant, relays::options_variant);
        }
        Kind::TlsStore => set_default(&mut tls.stores, object, variant, relays::store_variant),
        Kind::Document => {}
    }
}

/// What a client can tell, without the numbers of cells.
fn seen(plan: &Plan) -> Vec<String> {
    let without_cells = |text: String| {
        let mut words = text.split('#');
        let mut out: String = words.next().unwrap_or_default().into();
        words.for_each(|word| out.push_str(word.trim_start_matches(|c: char| c.is_ascii_digit())));
        out.replace(" h0", " h").replace(" h1", " h").replace(" h2", " h").replace(" h3", " h")
    };
    let mut seen: Vec<_> = outline(plan).lines().map(|line| without_cells(line.into())).collect();
    for (at, path) in
        (0..2).flat_map(|at| (0..15).map(move |n| (at, format!("/{}/{}", n / 3, n % 3))))
    {
        let (head, ()) =
            Request::builder().method(Method::GET).uri(path).body(()).unwrap().into_parts();
        let view = View::new(&head, "a", core::net::Ipv4Addr::LOCALHOST.into());
        let routed = plan.route(EntryPointId(at), false, &view);
        seen.push(match routed {
            Route::Found(router) => router.name.to_string(),
            none @ (Route::MethodNotAllowed | Route::NotFound) => format!("{none:?}"),
        });
    }
    seen.extend(relays::seen(plan).into_iter().map(without_cells));
    seen
}

/// Every cell is of exactly one place in one router, and every slot in use is some router's.
fn check_cells(plan: &Plan) {
    let (mut balancers, mut mirrors, mut healths) = (vec![], vec![], BTreeMap::new());
    for router in plan.routers().filter_map(|listed| listed.router) {
        collect(&router.service, &mut balancers, &mut mirrors, &mut healths);
    }
    relays::collect(plan, &mut balancers);
    let in_use = |mut slots: Vec<u32>| {
        slots.sort_unstable();
        slots
    };
    assert!(plan.cells.balancers.iter().map(|(slot, ..)| slot).eq(in_use(balancers)));
    assert!(plan.cells.mirrors.iter().map(|(slot, ..)| slot).eq(in_use(mirrors)));
    assert!(plan.cells.healths.iter().map(|(slot, ..)| slot).eq(healths.keys().copied()));
    for (slot, _, service) in plan.cells.healths.iter() {
        assert!(healths[&slot].iter().all(|used| Arc::ptr_eq(used, service)));
    }
}

fn collect(
    instance: &Instance,
    balancers: &mut Vec<u32>,
    mirrors_seen: &mut Vec<u32>,
    healths: &mut BTreeMap<u32, Vec<Arc<crate::service::LoadBalancer>>>,
) {
    match instance {
        Instance::Ping => {}
        Instance::LoadBalancer { service, balancer } => {
            balancers.push(balancer.0);
            if let Some(health) = service.health {
                healths.entry(health.0).or_default().push(service.clone());
            }
        }
        Instance::Weighted { balancer, children, .. } => {
            balancers.push(balancer.0);
            children.iter().for_each(|child| collect(child, balancers, mirrors_seen, healths));
        }
        Instance::Mirroring { mirror, main, mirrors, .. } => {
            mirrors_seen.push(mirror.0);
            collect(main, balancers, mirrors_seen, healths);
            mirrors.iter().for_each(|mirror| collect(mirror, balancers, mirrors_seen, healths));
        }
    }
}

/// A slot that is of another generation than before was not taken in the same step that freed it.
fn check_generations(before: &Plan, after: &Plan) {
    for slot in after.cells.balancers.changed_since(&before.cells.balancers) {
        let (then, now) = (before.cells.balancers.get(slot), after.cells.balancers.get(slot));
        assert!(then.is_none() || now.is_none(), "slot {slot} was taken again at once");
    }
}

/// Everything behind an object, itself included.
fn behind(configurations: &Configurations, id: Id, seen: &mut BTreeSet<Id>) {
    if !seen.insert(id.clone()) {
        return;
    }
    let Some(provider) = configurations.get(&id.provider) else { return };
    let (http, tcp) = (&provider.http, &provider.tcp);
    let mut names: Vec<(Kind, String)> = vec![];
    let mut refer = |kind, written: &str| names.push((kind, written.into()));
    if id.kind == Kind::Router
        && let Some(Ok(router)) = http.routers.get(&id.name).map(|defined| &defined.value)
    {
        refer(Kind::Service, &router.service);
        router.middlewares.iter().for_each(|name| refer(Kind::Middleware, name));
        router.tls.iter().for_each(|tls| refer(Kind::TlsOptions, &tls.options));
    } else if id.kind == Kind::Service
        && let Some(Ok(service)) = http.services.get(&id.name).map(|defined| &defined.value)
    {
        let children = service.weighted.iter().flat_map(|weighted| &weighted.services);
        children.for_each(|child| refer(Kind::Service, &child.name));
        if let Some(mirroring) = &service.mirroring {
            refer(Kind::Service, &mirroring.service);
            mirroring.mirrors.iter().for_each(|mirror| refer(Kind::Service, &mirror.name));
        }
        if let Some(load_balancer) = &service.load_balancer {
            refer(Kind::ServersTransport, &load_balancer.servers_transport);
        }
    } else if id.kind == Kind::TcpRouter
        && let Some(Ok(router)) = tcp.routers.get(&id.name).map(|defined| &defined.value)
    {
        refer(Kind::TcpService, &router.service);
        router.tls.iter().for_each(|tls| refer(Kind::TlsOptions, &tls.options));
    } else if id.kind == Kind::TcpService
        && let Some(Ok(service)) = tcp.services.get(&id.name).map(|defined| &defined.value)
    {
        let children = service.weighted.iter().flat_map(|weighted| &weighted.services);
        children.for_each(|child| refer(Kind::TcpService, &child.name));
    } else if id.kind == Kind::Middleware
        && let Some(Ok(middleware)) = http.middlewares.get(&id.name).map(|defined| &defined.value)
    {
        let members = middleware.chain.iter().flat_map(|chain| &chain.middlewares);
        members.for_each(|member| refer(Kind::Middleware, member));
    }
    for (kind, written) in names {
        let (name, provider) = written.split_once('@').unwrap_or((&*written, &*id.provider));
        behind(configurations, Id { kind, provider: provider.into(), name: name.into() }, seen);
    }
}

/// Routers with nothing behind them that was edited are the same.
fn check_unrelated(before: &Plan, after: &Plan, edits: &[Edit], configurations: &Configurations) {
    let edited = |id: &Id| {
        edits.iter().any(|edit| {
            let name = format!("o{}", edit.object);
            (id.kind, &*id.provider, &*id.name) == (edit.kind, PROVIDERS[edit.provider], &*name)
        })
    };
    for listed in after.routers() {
        let (provider, name) = (listed.object.provider.clone(), listed.object.name.clone());
        let id = Id { kind: Kind::Router, provider, name };
        let mut all = BTreeSet::new();
        behind(configurations, id.clone(), &mut all);
        if !all.iter().any(edited) {
            let old = before.parts.router(&id).unwrap();
            let new = after.parts.router(&id).unwrap();
            assert!(Arc::ptr_eq(&old.part, &new.part), "{id:?}");
        }
    }
    for listed in after.tcp_routers() {
        let (provider, name) = (listed.provider.clone(), listed.name.clone());
        let id = Id { kind: Kind::TcpRouter, provider, name };
        let mut all = BTreeSet::new();
        behind(configurations, id.clone(), &mut all);
        if !all.iter().any(edited) {
            assert!(relays::is_same(before, after, &id), "{id:?}");
        }
    }
}

proptest! {
    #[test]
    fn each_step_equals_a_fresh_start(
        steps in proptest::collection::vec(proptest::collection::vec(edit(), 1..6), 1..12),
    ) {
        let mut configurations = Configurations::new();
        let (mut plan, _) = compile(None, &settings(), &configurations);
        for edits in steps {
            edits.iter().for_each(|edit| apply(&mut configurations, edit));
            let (after, diagnostics) = compile(Some(&plan), &settings(), &configurations);
            let (fresh, expected) = compile(None, &settings(), &configurations);
            prop_assert_eq!(diagnostics, expected);
            prop_assert_eq!(seen(&after), seen(&fresh));
            prop_assert_eq!(after.hash(), fresh.hash());
            check_cells(&after);
            check_generations(&plan, &after);
            check_unrelated(&plan, &after, &edits, &configurations);
            plan = after;
        }
    }

    #[test]
    fn compiling_the_same_again_changes_nothing(
        edits in proptest::collection::vec(edit(), 1..40),
    ) {
        let mut configurations = Configurations::new();
        edits.iter().for_each(|edit| apply(&mut configurations, edit));
        let (before, _) = compile(None, &settings(), &configurations);
        // Equal, but not shared.
        let mut again = Configurations::new();
        edits.iter().for_each(|edit| apply(&mut again, edit));
        let (after, _) = compile(Some(&before), &settings(), &again);
        for (before, after) in before.routers().zip(after.routers()) {
            match (before.router, after.router) {
                (Some(before), Some(after)) => prop_assert!(Arc::ptr_eq(before, after)),
                (before, after) => prop_assert!(before.is_none() && after.is_none()),
            }
        }
        prop_assert_eq!(after.cells.balancers.changed_since(&before.cells.balancers).count(), 0);
    }
}
