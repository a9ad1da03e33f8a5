//! TLS options by host, from HTTPS routers: what is spoken is known before it is known what is asked
//! for. Compat: tls.md "Which options apply".
use super::options::Options;
use crate::persistent::{names::Names, sorted::Sorted};
use alloc::sync::Arc;

/// The hosts of one entry point for which routers ask for options of their own.
#[derive(Clone, Debug, Default)]
pub struct Hosts(Names<Host>);

#[derive(Clone, Debug, Default)]
struct Host {
    /// What the routers ask for, by their names.
    claims: Sorted<Arc<str>, Claim>,
    /// How many ask for the options of a name.
    counts: Sorted<Arc<str>, usize>,
    /// How many ask for what is not to be had.
    refused: usize,
    wanted: Wanted,
}

/// The options that a router asks for.
#[derive(Clone, Debug, PartialEq)]
pub struct Claim {
    /// Their name, as the router means it.
    pub name: Arc<str>,
    /// `None`: there are none of this name, or they are broken.
    pub options: Option<Arc<Options>>,
}

/// What holds for a host.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Wanted {
    /// The options of whoever asks for none, as routers disagree.
    #[default]
    Default,
    /// These options.
    Options(Arc<Options>),
    /// None of them is safe: connections are refused.
    Refused,
}

impl Hosts {
    /// What holds for a host that some router asks options for. In lower case; a trailing dot, or more,
    /// makes no difference.
    #[must_use]
    pub fn get(&self, host: &str) -> Option<&Wanted> {
        self.0.get(host.trim_end_matches('.')).map(|host| &host.wanted)
    }

    /// Whether routers ask for different options for a host.
    pub(crate) fn is_disputed(&self, host: &str) -> bool {
        self.0.get(host.trim_end_matches('.')).is_some_and(Host::is_disputed)
    }

    /// The routers that ask for options for a host.
    pub(crate) fn claimants(&self, host: &str) -> impl Iterator<Item = &Arc<str>> {
        let host = self.0.get(host.trim_end_matches('.'));
        host.into_iter().flat_map(|host| host.claims.iter().map(|(router, _)| router))
    }

    /// Notes what a router asks for.
    pub(crate) fn insert(&mut self, host: &str, router: &Arc<str>, claim: &Claim) {
        self.edit(host, router, Some(claim));
    }

    /// Forgets what a router asked for.
    pub(crate) fn remove(&mut self, host: &str, router: &Arc<str>) {
        self.edit(host, router, None);
    }

    fn edit(&mut self, host: &str, router: &Arc<str>, claim: Option<&Claim>) {
        self.0.edit(host.trim_end_matches('.'), |host| {
            let mut host = host.unwrap_or_default();
            if let Some(old) = host.claims.remove(router) {
                host.count(&old, false);
            }
            if let Some(claim) = claim {
                host.count(claim, true);
                host.claims.insert(router.clone(), claim.clone());
            }
            host.settle().then_some(host)
        });
    }
}

impl Host {
    fn is_disputed(&self) -> bool {
        self.counts.iter().nth(1).is_some()
    }

    fn count(&mut self, claim: &Claim, enters: bool) {
        let refused = usize::from(claim.options.is_none());
        let before = self.counts.get(&claim.name).copied().unwrap_or(0);
        let after = if enters { before + 1 } else { before.saturating_sub(1) };
        if after == 0 {
            self.counts.remove(&claim.name);
        } else {
            self.counts.insert(claim.name.clone(), after);
        }
        self.refused = if enters { self.refused + refused } else { self.refused - refused };
    }

    /// Finds out what holds now; `false`: nobody asks any more.
    fn settle(&mut self) -> bool {
        let Some((_, first)) = self.claims.iter().next() else { return false };
        self.wanted = match &first.options {
            _ if self.refused > 0 => Wanted::Refused,
            Some(options) if !self.is_disputed() => Wanted::Options(options.clone()),
            Some(_) | None => Wanted::Default,
        };
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{collections::BTreeMap, format, string::String};
    use proptest::{collection::vec, prelude::*};

    fn claim(name: &str) -> Claim {
        let options = Options { name: name.into(), ..Options::builtin() };
        let options = (name != "broken@file").then(|| Arc::new(options));
        Claim { name: name.into(), options }
    }

    fn shown(hosts: &Hosts, host: &str) -> String {
        match hosts.get(host) {
            None => "-".into(),
            Some(Wanted::Options(options)) => String::from(&*options.name),
            Some(other @ (Wanted::Default | Wanted::Refused)) => format!("{other:?}"),
        }
    }

    #[test]
    fn routers_that_disagree_get_the_default_and_a_broken_claim_refuses() {
        let mut hosts = Hosts::default();
        let (one, two, three) = ("r1@file".into(), "r2@file".into(), "r3@file".into());
        hosts.insert("a.example", &one, &claim("mtls@file"));
        hosts.insert("a.example.", &two, &claim("mtls@file"));
        assert_eq!(shown(&hosts, "a.example"), "mtls@file");
        hosts.insert("a.example", &three, &claim("old@file"));
        assert_eq!(shown(&hosts, "a.example.."), "Default");
        assert!(hosts.is_disputed("a.example") && hosts.claimants("a.example").count() == 3);
        hosts.insert("a.example", &two, &claim("broken@file"));
        assert_eq!(shown(&hosts, "a.example"), "Refused");
        hosts.remove("a.example", &two);
        hosts.remove("a.example", &three);
        assert_eq!(shown(&hosts, "a.example"), "mtls@file");
        hosts.remove("a.example", &one);
        assert_eq!(shown(&hosts, "a.example"), "-");
    }

    proptest! {
        #[test]
        fn what_holds_follows_from_the_claims_alone(
            steps in vec((0_u8..4, 0_usize..5), 0..60),
        ) {
            let names = ["a@file", "b@file", "broken@file"];
            let (mut hosts, mut model) = (Hosts::default(), BTreeMap::new());
            for (router, name) in steps {
                let router = Arc::from(format!("r{router}@file"));
                match names.get(name) {
                    Some(name) => {
                        hosts.insert("h", &router, &claim(name));
                        model.insert(router, *name);
                    }
                    None => {
                        hosts.remove("h", &router);
                        model.remove(&router);
                    }
                }
                let mut asked: alloc::vec::Vec<_> = model.values().copied().collect();
                asked.sort_unstable();
                asked.dedup();
                let expected = match &*asked {
                    [] => "-",
                    all if all.contains(&"broken@file") => "Refused",
                    [one] => one,
                    _ => "Default",
                };
                prop_assert_eq!(shown(&hosts, "h"), expected);
                prop_assert_eq!(hosts.is_disputed("h"), asked.len() > 1);
            }
        }
    }
}
