//! The `Location` of an auth server's answer, as a client may follow it (RFC 3986, 5.2).
use alloc::{format, string::String, vec::Vec};
use http::{Uri, uri::Authority};

/// `location` as seen from `base`, absolute. `None`: it is no reference.
pub(super) fn absolute(base: &Uri, location: &str) -> Option<String> {
    if !is_escaped_well(location) {
        return None;
    }
    let scheme = base.scheme_str()?;
    let authority = base.authority()?.as_str();
    // Who asks is the proxy's business alone.
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    if let Some((_, after)) = split_scheme(location)? {
        return has_good_host(after).then(|| location.into());
    }
    if location.starts_with("//") {
        return has_good_host(location).then(|| format!("{scheme}:{location}"));
    }
    let (path, rest) = location.split_at(location.find(['?', '#']).unwrap_or(location.len()));
    let path_of_base = base.path();
    let path = match path {
        "" => {
            let query = base.query().filter(|_| !rest.starts_with('?'));
            let query = query.map(|query| format!("?{query}")).unwrap_or_default();
            return Some(format!("{scheme}://{host}{path_of_base}{query}{rest}"));
        }
        path if path.starts_with('/') => without_dots(path),
        path => {
            let folder = path_of_base.rfind('/').map_or("/", |end| &path_of_base[..=end]);
            without_dots(&format!("{folder}{path}"))
        }
    };
    Some(format!("{scheme}://{host}{path}{rest}"))
}

/// Scheme and rest; an inner `None`: it has no scheme, an outer one: it begins like one and is none.
#[expect(clippy::option_option, reason = "two ways to have no scheme, of which one is an error")]
fn split_scheme(location: &str) -> Option<Option<(&str, &str)>> {
    let Some(end) = location.find([':', '/', '?', '#']) else { return Some(None) };
    let (scheme, rest) = location.split_at(end);
    let Some(rest) = rest.strip_prefix(':') else { return Some(None) };
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| {
            byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.')
        });
    is_scheme.then_some(Some((scheme, rest)))
}

/// Whether the host of `//host/…` is one, where there is one.
fn has_good_host(location: &str) -> bool {
    let Some(rest) = location.strip_prefix("//") else { return true };
    let host = &rest[..rest.find(['/', '?', '#']).unwrap_or(rest.len())];
    !host.is_empty() && (!host.is_ascii() || host.parse::<Authority>().is_ok())
}

/// Whether every `%` begins an escape.
fn is_escaped_well(text: &str) -> bool {
    let mut parts = text.as_bytes().split(|byte| *byte == b'%').skip(1);
    parts.all(|part| part.len() >= 2 && part[..2].iter().all(u8::is_ascii_hexdigit))
}

/// RFC 3986, 5.2.4, of a path that begins with `/`.
fn without_dots(path: &str) -> String {
    let mut segments: Vec<&str> = Vec::new();
    let mut parts = path.split('/').skip(1).peekable();
    while let Some(part) = parts.next() {
        let is_last = parts.peek().is_none();
        match part {
            "." => {}
            ".." => drop(segments.pop()),
            part => {
                segments.push(part);
                continue;
            }
        }
        if is_last {
            segments.push("");
        }
    }
    format!("/{}", segments.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_location_is_resolved_against_the_address() {
        let base: Uri = "http://u:p@auth:81/a/b?q=1".parse().unwrap();
        let resolved: Vec<String> = [
            "https://login.example/x?y#z",
            "//login.example/x",
            "/login?rd=/x/../y",
            "login",
            "./login",
            "../login",
            "../../../login",
            "/a/./b/..",
            "/a/.",
            "?x=1",
            "#top",
            "",
            "/ä b",
            "mailto:a@b",
            "a:b",
            // No references.
            ":foo",
            "1a:b",
            "/%zz",
            "/%",
            "http://",
            "http://[::1",
            "//a b/",
        ]
        .into_iter()
        .map(|location| {
            let absolute = absolute(&base, location);
            format!("{location:28} {}", absolute.as_deref().unwrap_or("-"))
        })
        .collect();
        insta::assert_snapshot!(resolved.join("\n"), @r"
        https://login.example/x?y#z  https://login.example/x?y#z
        //login.example/x            http://login.example/x
        /login?rd=/x/../y            http://auth:81/login?rd=/x/../y
        login                        http://auth:81/a/login
        ./login                      http://auth:81/a/login
        ../login                     http://auth:81/login
        ../../../login               http://auth:81/login
        /a/./b/..                    http://auth:81/a/
        /a/.                         http://auth:81/a/
        ?x=1                         http://auth:81/a/b?x=1
        #top                         http://auth:81/a/b?q=1#top
                                     http://auth:81/a/b?q=1
        /ä b                         http://auth:81/ä b
        mailto:a@b                   mailto:a@b
        a:b                          a:b
        :foo                         -
        1a:b                         -
        /%zz                         -
        /%                           -
        http://                      -
        http://[::1                  -
        //a b/                       -
        ");
    }

    proptest::proptest! {
        #[test]
        fn no_location_panics(text in r"[a-z:/.?#%0-9@\[\]]{0,24}|\PC*") {
            let _ = absolute(&"http://auth".parse().unwrap(), &text);
        }
    }
}
