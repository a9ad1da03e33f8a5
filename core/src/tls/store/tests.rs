use super::*;
use crate::tls::certificate::Name;
use alloc::{format, string::String, vec::Vec};
use core::net::Ipv4Addr;
use proptest::{collection::vec, prelude::*, sample};

const ECDSA: &[u16] = &[0x0403, 0x0804];
const RSA: &[u16] = &[0x0804];

fn certificate(
    name: &str,
    kind: KeyKind,
    not_after: u64,
    names: &[(&str, Source)],
) -> Arc<Certificate> {
    let name_of = |(text, source): &(&str, Source)| Name { text: (*text).into(), source: *source };
    let names = names.iter().map(name_of).collect();
    Arc::new(Certificate { name: name.into(), pair: Arc::new(()), kind, not_after, names })
}

fn simple(name: &str, names: &[&str]) -> Arc<Certificate> {
    let names: Vec<_> = names.iter().map(|name| (*name, Source::AlternativeName)).collect();
    certificate(name, KeyKind::Rsa, 1, &names)
}

fn store(certificates: &[Arc<Certificate>]) -> Store {
    let mut store = Store::default();
    certificates.iter().for_each(|certificate| store.insert(certificate));
    store
}

fn chosen(store: &Store, name: &str, schemes: &[u16]) -> String {
    shown(store.choose(Asked::Name(name), schemes, false))
}

fn shown(choice: Choice<'_>) -> String {
    match choice {
        Choice::Certificate(certificate) => String::from(&*certificate.name),
        other @ (Choice::Generated | Choice::Refused) => format!("{other:?}"),
    }
}

#[test]
fn an_exact_name_comes_before_wildcards_and_they_stand_for_whole_labels() {
    let mut store = store(&[
        simple("exact", &["a.b.c"]),
        simple("one", &["*.b.c"]),
        simple("two", &["*.*.c"]),
        simple("top", &["*"]),
    ]);
    store.set_default(Some(simple("default", &["d.example"])));
    for (name, expected) in [
        ("a.b.c", "exact"),
        ("x.b.c", "one"),
        ("x.y.c", "two"),
        ("localhost", "top"),
        ("b.c", "default"),
        ("w.x.b.c", "default"),
        (".b.c", "default"),
        ("d.example", "default"),
    ] {
        assert_eq!(chosen(&store, name, RSA), expected, "{name}");
    }
}

#[test]
fn without_a_name_the_address_counts() {
    let store = store(&[simple("ip", &["10.0.0.1"]), simple("star", &["*.0.0.2"])]);
    let choose = |last| {
        let address = Asked::Address(Ipv4Addr::new(10, 0, 0, last).to_ipv6_mapped().into());
        shown(store.choose(address, RSA, false))
    };
    assert_eq!((choose(1), choose(2)), ("ip".into(), "Generated".into()));
}

#[test]
fn who_asks_for_what_nobody_has_is_refused_by_strict_options() {
    let mut store = store(&[simple("a", &["a.example"])]);
    store.set_default(Some(simple("default", &[])));
    let choose = |name| shown(store.choose(Asked::Name(name), RSA, true));
    assert_eq!((choose("a.example"), choose("b.example")), ("a".into(), "Refused".into()));
}

#[test]
fn clients_get_the_better_key_that_they_take() {
    let san = [("a.example", Source::AlternativeName)];
    let wide = [("*.example", Source::AlternativeName)];
    let both = store(&[
        certificate("rsa", KeyKind::Rsa, 9, &san),
        certificate("ecdsa", KeyKind::EcdsaP256, 1, &san),
    ]);
    assert_eq!(
        (chosen(&both, "a.example", ECDSA), chosen(&both, "a.example", RSA)),
        ("ecdsa".into(), "rsa".into())
    );
    assert_eq!(chosen(&both, "a.example", &[]), "ecdsa", "it is for the handshake to fail");
    let wider = store(&[
        certificate("ecdsa", KeyKind::EcdsaP256, 1, &san),
        certificate("wide rsa", KeyKind::Rsa, 1, &wide),
    ]);
    assert_eq!(chosen(&wider, "a.example", RSA), "wide rsa");
}

#[test]
fn alternative_names_come_before_common_names_and_later_ends_before_earlier_ones() {
    let (san, cn) = (Source::AlternativeName, Source::CommonName);
    let rsa = |name: &str, not_after, source| {
        certificate(name, KeyKind::Rsa, not_after, &[("a.example", source)])
    };
    let mut all = [rsa("common", 9, cn), rsa("late", 5, san), rsa("early", 4, san)];
    for _ in 0..3 {
        all.rotate_left(1);
        assert_eq!(chosen(&store(&all), "a.example", RSA), "late");
    }
}

/// What the sheet says, by looking at every certificate.
fn scan<'a>(all: &'a [Arc<Certificate>], asked: &str, schemes: &[u16]) -> Option<&'a str> {
    let matches = |name: &str| {
        let labels: Vec<&str> = asked.split('.').collect();
        let fits = |stars: usize| {
            let replaced = core::iter::repeat_n("*", stars).chain(labels[stars..].iter().copied());
            replaced.collect::<Vec<_>>().join(".") == name
        };
        (0..=labels.len()).any(fits)
    };
    let named = all.iter().flat_map(|it| it.names.iter().map(move |name| (it, name)));
    let best = named.filter(|(_, name)| matches(&name.text)).min_by_key(|(it, name)| {
        let suits = it.kind.suits(schemes);
        let rank = (it.kind, name.source, Reverse(it.not_after), it.name.clone());
        (!suits, Reverse(name.text.clone()), rank)
    });
    best.map(|(it, _)| &*it.name)
}

fn names() -> impl Strategy<Value = String> {
    vec(sample::select(&["a", "b", "*"][..]), 1..4).prop_map(|labels| labels.join("."))
}

fn certificates() -> impl Strategy<Value = Vec<Arc<Certificate>>> {
    let kinds = sample::select(&[KeyKind::EcdsaP256, KeyKind::EcdsaP384, KeyKind::Rsa][..]);
    let sources = sample::select(&[Source::AlternativeName, Source::CommonName][..]);
    let one = (kinds, 0_u64..3, proptest::collection::btree_map(names(), sources, 1..4));
    vec(one, 0..12).prop_map(|all| {
        let number = |(i, (kind, not_after, names)): (usize, (_, _, BTreeMap<String, Source>))| {
            let names: Vec<_> = names.iter().map(|(name, source)| (&**name, *source)).collect();
            certificate(&format!("c{i}"), kind, not_after, &names)
        };
        all.into_iter().enumerate().map(number).collect()
    })
}

proptest! {
    #[test]
    fn the_index_chooses_what_a_scan_would(
        all in certificates(),
        gone in vec(any::<bool>(), 12),
        asked in vec(sample::select(&["a", "b", "c"][..]), 1..4),
        schemes in sample::select(&[ECDSA, RSA, &[0x0503, 0x0401], &[]][..]),
    ) {
        let asked = asked.join(".");
        let mut store = store(&all);
        let left: Vec<_> = all.iter().zip(&gone).filter(|(_, gone)| !**gone).map(|(it, _)| it.clone()).collect();
        for (certificate, _) in all.iter().zip(&gone).filter(|(_, gone)| **gone) {
            store.remove(certificate);
        }
        let expected = scan(&left, &asked, schemes).unwrap_or("Generated");
        prop_assert_eq!(chosen(&store, &asked, schemes), expected);
        for certificate in left {
            store.remove(&certificate);
        }
        prop_assert!(store.names.is_empty() && store.wildcards.is_empty());
    }
}
