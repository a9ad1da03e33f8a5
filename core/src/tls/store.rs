//! Which certificate a client is shown: an index over names, and a pure choice.
//!
//! Compat: tls.md "Certificate selection".
use super::certificate::{Certificate, KeyKind, Source};
use crate::persistent::{names::Names, sorted::Sorted};
use alloc::{collections::BTreeMap, string::ToString, sync::Arc};
use arrayvec::ArrayString;
use core::{cmp::Reverse, net::IpAddr};

/// The longest name that is looked for; no host has a longer one.
const NAME_BYTES_MAX: usize = 255;

/// The certificates of the store `default`. Cheap to clone; a change copies only what it touches, and
/// finding one costs the same however many there are.
#[derive(Clone, Debug, Default)]
pub struct Store {
    names: Names<Ranked>,
    /// How many names begin with how many labels `*`; none is not counted.
    wildcards: BTreeMap<usize, usize>,
    /// Where no name fits.
    default: Option<Arc<Certificate>>,
}

/// The certificates of one name in order: the better key first, then an alternative name before a common
/// name, then what ends later.
type Ranked = Sorted<Rank, Arc<Certificate>>;
type Rank = (KeyKind, Source, Reverse<u64>, Arc<str>);

/// What a client asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked<'a> {
    /// A name, lower-cased, without trailing dot.
    Name(&'a str),
    /// None: the address that it connected to counts.
    Address(IpAddr),
}

/// What a client is shown.
#[derive(Clone, Copy, Debug)]
pub enum Choice<'a> {
    /// This certificate.
    Certificate(&'a Arc<Certificate>),
    /// The one that the process made for itself.
    Generated,
    /// Nothing: the handshake fails.
    Refused,
}

impl Store {
    /// What a client is shown that takes signatures of these schemes. With `strict` (`sniStrict`) a
    /// client is refused that asks for what no certificate has.
    #[must_use]
    pub fn choose(&self, asked: Asked<'_>, schemes: &[u16], strict: bool) -> Choice<'_> {
        if let Some(found) = self.find(asked, schemes) {
            return Choice::Certificate(found);
        }
        if strict {
            return Choice::Refused;
        }
        self.default.as_ref().map_or(Choice::Generated, Choice::Certificate)
    }

    /// The best certificate that has the name. One whose key suits the client under a worse name is
    /// better than one that does not suit it.
    fn find(&self, asked: Asked<'_>, schemes: &[u16]) -> Option<&Arc<Certificate>> {
        let mut unsuitable = None;
        for ranked in self.lists(asked) {
            for kind in KeyKind::ALL {
                let first = (kind, Source::AlternativeName, Reverse(u64::MAX), Arc::default());
                let best = ranked.from(&first).next().filter(|(rank, _)| rank.0 == kind);
                let Some((_, found)) = best else { continue };
                if kind.suits(schemes) {
                    return Some(found);
                }
                unsuitable.get_or_insert(found);
            }
        }
        unsuitable
    }

    /// Certificates by matching name, the exact one first, then those with ever more `*`.
    fn lists(&self, asked: Asked<'_>) -> impl Iterator<Item = &Ranked> {
        let text = match asked {
            Asked::Name(name) => ArrayString::<NAME_BYTES_MAX>::from(name).unwrap_or_default(),
            Asked::Address(address) => {
                // An address is shorter than 46 characters.
                ArrayString::from(&address.to_canonical().to_string()).unwrap_or_default()
            }
        };
        let depths = match asked {
            Asked::Name(_) => Some(self.wildcards.keys()),
            Asked::Address(_) => None,
        };
        let starred = depths.into_iter().flatten().filter_map(move |depth| starred(&text, *depth));
        let names = core::iter::once(text).chain(starred);
        names.filter_map(|name| self.names.get(&name))
    }

    /// Adds a certificate.
    pub fn insert(&mut self, certificate: &Arc<Certificate>) {
        for name in &certificate.names {
            self.names.edit(&name.text, |ranked| {
                let mut ranked = ranked.unwrap_or_default();
                ranked.insert(rank(certificate, name.source), certificate.clone());
                Some(ranked)
            });
            if let depth @ 1.. = stars(&name.text) {
                *self.wildcards.entry(depth).or_default() += 1;
            }
        }
    }

    /// Takes out a certificate that was added.
    pub fn remove(&mut self, certificate: &Certificate) {
        for name in &certificate.names {
            self.names.edit(&name.text, |ranked| {
                let mut ranked = ranked?;
                ranked.remove(&rank(certificate, name.source));
                let is_empty = ranked.iter().next().is_none();
                (!is_empty).then_some(ranked)
            });
            if let depth @ 1.. = stars(&name.text)
                && let Some(count) = self.wildcards.get_mut(&depth)
            {
                *count -= 1;
                if *count == 0 {
                    self.wildcards.remove(&depth);
                }
            }
        }
    }

    /// What is shown where no name fits.
    pub fn set_default(&mut self, default: Option<Arc<Certificate>>) {
        self.default = default;
    }
}

fn rank(certificate: &Certificate, source: Source) -> Rank {
    (certificate.kind, source, Reverse(certificate.not_after), certificate.name.clone())
}

/// With how many labels `*` a name begins.
fn stars(name: &str) -> usize {
    name.split('.').take_while(|label| *label == "*").count()
}

/// A name with its first labels replaced by `*`; `None`: it has fewer.
fn starred(name: &str, depth: usize) -> Option<ArrayString<NAME_BYTES_MAX>> {
    let mut labels = name.split('.');
    let mut starred = ArrayString::new();
    for at in 0..depth {
        // No label is empty, so that a star takes no more room.
        labels.next().filter(|label| !label.is_empty())?;
        starred.try_push_str(if at == 0 { "*" } else { ".*" }).ok()?;
    }
    for label in labels {
        starred.try_push('.').ok()?;
        starred.try_push_str(label).ok()?;
    }
    Some(starred)
}

#[cfg(test)]
mod tests;
