//! What must hold of a request's host and path for a rule to match it, or to refuse its method only:
//! the conditions by which routers are indexed. Compat: none, an index changes no answer.
use super::{Leaf, Node, Rule, matcher::Matcher, template::Template};
use alloc::vec::Vec;

/// Conditions that one conjunction may multiply to; beyond it one side is left out, which is
/// still necessary.
const PRODUCT_MAX: usize = 256;
/// Bytes of a path that are indexed; bounds the depth of the tree of paths.
const PATH_BYTES_MAX: usize = 256;

/// One way for a rule to match. A rule that matches, or refuses the method only, meets at least one
/// of its conditions; a rule without any never matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Condition<'a> {
    /// The host, lower-cased, without trailing dots; `None`: any.
    pub(crate) host: Option<&'a str>,
    pub(crate) path: Need<'a>,
    /// Whether it suffices: a request that meets it, with at most one trailing dot on its host,
    /// matches the rule.
    pub(crate) sufficient: bool,
}

/// What is asked of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Need<'a> {
    /// To begin so; every path begins with nothing.
    Prefix(&'a [u8]),
    /// To be this.
    Exact(&'a [u8]),
}

impl Rule {
    /// The rule's necessary conditions, without duplicates.
    pub(crate) fn conditions(&self) -> Vec<Condition<'_>> {
        let mut conditions = of(&self.root);
        simplify(&mut conditions);
        conditions
    }
}

impl Condition<'_> {
    const ANY: Self = Self { host: None, path: Need::Prefix(b""), sufficient: false };

    /// Both conditions as one; `None` where they exclude each other.
    fn and(self, other: Self) -> Option<Self> {
        let host = match (self.host, other.host) {
            (Some(one), Some(two)) if one != two => return None,
            (one, two) => one.or(two),
        };
        let sufficient = self.sufficient && other.sufficient;
        Some(Self { host, path: self.path.and(other.path)?, sufficient })
    }
}

impl<'a> Need<'a> {
    fn and(self, other: Self) -> Option<Self> {
        let (longer, shorter) =
            if self.text().len() < other.text().len() { (other, self) } else { (self, other) };
        match (longer, shorter) {
            (Self::Exact(one) | Self::Prefix(one), Self::Exact(two)) => {
                (one == two).then_some(shorter)
            }
            (Self::Exact(one) | Self::Prefix(one), Self::Prefix(two)) => {
                one.starts_with(two).then_some(longer)
            }
        }
    }

    const fn text(self) -> &'a [u8] {
        match self {
            Self::Prefix(text) | Self::Exact(text) => text,
        }
    }
}

fn of(node: &Node) -> Vec<Condition<'_>> {
    match node {
        Node::Leaf(leaf) => of_leaf(leaf),
        Node::Any(nodes) => {
            let mut all: Vec<_> = nodes.iter().flat_map(of).collect();
            simplify(&mut all);
            all
        }
        Node::All(nodes) => {
            let mut sides = nodes.iter().map(of);
            let first = sides.next().unwrap_or_default();
            sides.fold(first, both)
        }
    }
}

fn of_leaf(leaf: &Leaf) -> Vec<Condition<'_>> {
    match &leaf.matcher {
        _ if leaf.negated => Vec::from([Condition::ANY]),
        Matcher::Host(hosts) => hosts.iter().map(of_host).collect(),
        Matcher::Path(templates) => paths(templates, true),
        Matcher::PathPrefix(templates) => paths(templates, false),
        Matcher::ClientIp(_)
        | Matcher::Headers(_)
        | Matcher::HeadersRegexp(_)
        | Matcher::HostRegexp(_)
        | Matcher::Method(_)
        | Matcher::Query(_) => Vec::from([Condition::ANY]),
    }
}

fn of_host(host: &str) -> Condition<'_> {
    let name = host.trim_end_matches('.');
    Condition { host: Some(name), sufficient: host.len() <= name.len() + 1, ..Condition::ANY }
}

fn paths(templates: &[Template], whole: bool) -> Vec<Condition<'_>> {
    templates.iter().map(|template| of_path(template, whole)).collect()
}

fn of_path(template: &Template, whole: bool) -> Condition<'_> {
    let head = template.head.as_bytes();
    let (path, sufficient) = match head.get(..PATH_BYTES_MAX) {
        Some(beginning) => (Need::Prefix(beginning), false),
        None if whole && template.is_literal() => (Need::Exact(head), true),
        None => (Need::Prefix(head), template.is_literal()),
    };
    Condition { path, sufficient, ..Condition::ANY }
}

fn both<'a>(one: Vec<Condition<'a>>, two: Vec<Condition<'a>>) -> Vec<Condition<'a>> {
    if one.len() > 1 && two.len() > 1 && one.len() * two.len() > PRODUCT_MAX {
        let mut side = if unnamed(&two) < unnamed(&one) { two } else { one };
        side.iter_mut().for_each(|condition| condition.sufficient = false);
        return side;
    }
    let pairs = one.iter().flat_map(|one| two.iter().filter_map(|two| one.and(*two)));
    let mut product = pairs.collect();
    simplify(&mut product);
    product
}

/// How many conditions name no host: the fewer, the better they tell requests apart.
fn unnamed(conditions: &[Condition<'_>]) -> usize {
    conditions.iter().filter(|condition| condition.host.is_none()).count()
}

/// Leaves out duplicates, and everything else where one condition always holds.
fn simplify(conditions: &mut Vec<Condition<'_>>) {
    let any =
        |condition: &Condition<'_>| Condition { sufficient: false, ..*condition } == Condition::ANY;
    if let Some(&any) = conditions.iter().filter(|condition| any(condition)).max() {
        conditions.clear();
        conditions.push(any);
    }
    // Of two that differ in their sufficiency only, the sufficient one stays.
    conditions.sort_unstable_by(|one, two| two.cmp(one));
    conditions.dedup_by_key(|condition| (condition.host, condition.path));
}

#[cfg(test)]
mod tests {
    use super::{Need, Rule};
    use alloc::{format, string::String, vec::Vec};

    fn conditions(rule: &str) -> String {
        let rule = Rule::parse(rule).expect(rule);
        let texts: Vec<String> = rule
            .conditions()
            .iter()
            .map(|condition| {
                let host = condition.host.unwrap_or("*");
                let path = core::str::from_utf8(condition.path.text()).expect("text");
                let star = if matches!(condition.path, Need::Prefix(_)) { "*" } else { "" };
                let more = if condition.sufficient { "" } else { "?" };
                format!("{host}{path}{star}{more}")
            })
            .collect();
        texts.join(" ")
    }

    #[test]
    fn conditions_are_what_every_match_has_in_common() {
        let cases = [
            ("Host(`A.b.`, `c`)", "c* a.b*"),
            ("Host(`a..`)", "a*?"),
            ("Host(`a`) && PathPrefix(`/x`)", "a/x*"),
            ("Host(`a`) && Path(`/x`)", "a/x"),
            ("Host(`a`) && Path(`/x`) && Method(`GET`)", "a/x?"),
            ("Host(`a`) && (Path(`/x`) || PathPrefix(`/y/{id}`))", "a/x a/y/*?"),
            ("Host(`a`) && Host(`b`)", ""),
            ("Host(`a`, `b`) && Host(`b`, `c`)", "b*"),
            ("Host(`a`) || Host(`a`) && Method(`GET`)", "a*"),
            ("Host(`a`) || Method(`GET`)", "**?"),
            ("Host(`a`) && !Path(`/x`)", "a*?"),
            ("!(!Host(`a`) || Path(`/x`))", "a*?"),
            ("!(Host(`a`) && Path(`/x`))", "**?"),
            ("PathPrefix(`/x`) && Path(`/xy`)", "*/xy"),
            ("PathPrefix(`/xyz`) && Path(`/xy`)", ""),
            ("PathPrefix(`/xy`) && PathPrefix(`/x`, `/z`)", "*/xy*"),
            ("Path(`/x`) && Path(`/x`)", "*/x"),
            ("HostRegexp(`{x:.*}`) && Path(`/{x}`)", "*/*?"),
        ];
        for (rule, expected) in cases {
            assert_eq!(conditions(rule), expected, "{rule}");
        }
    }

    #[test]
    fn conditions_do_not_multiply_without_bound() {
        let many = |name: &str, start: &str| {
            let arguments: Vec<String> = (0..100).map(|n| format!("`{start}{n}`")).collect();
            format!("{name}({})", arguments.join(","))
        };
        let rule = format!("{} && {}", many("Path", "/p"), many("Host", "h"));
        assert_eq!(Rule::parse(&rule).expect("a rule").conditions().len(), 100);
        assert!(!conditions(&rule).contains('/'));
    }

    #[test]
    fn only_the_beginning_of_a_long_path_is_indexed() {
        let rule = format!("Path(`/{}`)", "x".repeat(10_000));
        let rule = Rule::parse(&rule).expect("a rule");
        assert!(
            matches!(rule.conditions()[..], [c] if matches!(c.path, Need::Prefix(p) if p.len() == 256) && !c.sufficient)
        );
    }
}
