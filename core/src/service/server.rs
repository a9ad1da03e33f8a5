//! A server's URL: how it is spoken to, and where it listens. Compat: services.md "loadBalancer".
use super::{Scheme, Server, sticky};
use alloc::{format, string::String, vec::Vec};
use base64::{Engine, engine::general_purpose::STANDARD};
use http::{HeaderValue, Uri, uri::Authority};
use percent_encoding::percent_decode_str;

impl Scheme {
    /// The scheme with this name, in any case.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Http, Self::Https, Self::H2c]
            .into_iter()
            .find(|scheme| name.eq_ignore_ascii_case(scheme.as_str()))
    }

    /// Its name as in a URL.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
            Self::H2c => "h2c",
        }
    }

    /// The port where a URL names none.
    #[must_use]
    pub const fn default_port(self) -> u16 {
        match self {
            Self::Http | Self::H2c => 80,
            Self::Https => 443,
        }
    }
}

impl Server {
    /// The server at a URL.
    ///
    /// Path and query have no effect on requests; user information becomes an `Authorization` header.
    ///
    /// # Errors
    /// What is wrong with the URL.
    pub fn parse(url: &str) -> Result<Self, String> {
        Ok(parse(url)?.0)
    }
}

/// The servers at these URLs in order, each scheme, host and path once.
pub(crate) fn parse_all<'a>(urls: impl Iterator<Item = &'a str>) -> Result<Vec<Server>, String> {
    let mut seen = hashbrown::HashSet::<_, foldhash::fast::FixedState>::default();
    let mut servers = Vec::new();
    for url in urls {
        let (server, path) =
            parse(url).map_err(|error| format!("error parsing server URL {url:?}: {error}"))?;
        if seen.insert((server.url.clone(), path)) {
            servers.push(server);
        }
    }
    Ok(servers)
}

/// The server, and the path of its URL.
fn parse(url: &str) -> Result<(Server, String), String> {
    let uri = Uri::try_from(url).map_err(|error| format!("{error}"))?;
    let written = uri.scheme_str().ok_or("the scheme is missing: write http://host:port")?;
    let scheme = Scheme::parse(written)
        .ok_or_else(|| format!("unknown scheme {written:?}: it must be http, https or h2c"))?;
    let whole = uri.authority().ok_or("the host is missing")?.as_str();
    let (user_info, host) = match whole.rsplit_once('@') {
        Some((user_info, host)) => (Some(user_info), host),
        None => (None, whole),
    };
    let (name, port) = split_port(host)?;
    if name.is_empty() {
        return Err("the host is missing".into());
    }
    let host = if port.is_some() { host } else { name };
    let port = port.unwrap_or_else(|| scheme.default_port());
    let server = Server {
        url: format!("{}://{host}", scheme.as_str()).into(),
        scheme,
        authority: Authority::try_from(format!("{name}:{port}")).map_err(|e| format!("{e}"))?,
        host: HeaderValue::try_from(host).map_err(|e| format!("{e}"))?,
        cookie: sticky::opaque(url),
        authorization: user_info.map(basic).transpose()?,
        transport: None,
    };
    Ok((server, uri.path().into()))
}

/// Host and port; an empty port counts as none.
fn split_port(host: &str) -> Result<(&str, Option<u16>), String> {
    let after_address = host.rfind(']').map_or(0, |end| end + 1);
    let Some(colon) = host[after_address..].rfind(':').map(|at| at + after_address) else {
        return Ok((host, None));
    };
    let (name, port) = (&host[..colon], &host[colon + 1..]);
    if port.is_empty() {
        return Ok((name, None));
    }
    let port = port.parse().map_err(|_| format!("invalid port {port:?}: it must be 0 to 65535"))?;
    Ok((name, Some(port)))
}

fn basic(user_info: &str) -> Result<HeaderValue, String> {
    let (user, password) = user_info.split_once(':').unwrap_or((user_info, ""));
    let mut plain: Vec<u8> = percent_decode_str(user).collect();
    plain.push(b':');
    plain.extend(percent_decode_str(password));
    let mut value = HeaderValue::try_from(format!("Basic {}", STANDARD.encode(plain)))
        .map_err(|error| format!("{error}"))?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn a_url_says_how_and_where() {
        for (url, shown, authority, host) in [
            ("http://10.0.0.1:8080", "http://10.0.0.1:8080", "10.0.0.1:8080", "10.0.0.1:8080"),
            ("http://app", "http://app", "app:80", "app"),
            ("HTTPS://app/base?q=1", "https://app", "app:443", "app"),
            ("h2c://app:", "h2c://app", "app:80", "app"),
            ("http://[::1]", "http://[::1]", "[::1]:80", "[::1]"),
            ("https://[::1]:8443/", "https://[::1]:8443", "[::1]:8443", "[::1]:8443"),
            ("http://u:p@app:1", "http://app:1", "app:1", "app:1"),
        ] {
            let server = Server::parse(url).unwrap();
            assert_eq!(&*server.url, shown);
            assert_eq!(server.authority.as_str(), authority);
            assert_eq!(server.host, host);
        }
    }

    #[test]
    fn user_information_becomes_a_header() {
        let authorization = |url| {
            let value = Server::parse(url).unwrap().authorization?;
            value.to_str().ok().map(ToString::to_string)
        };
        assert_eq!(authorization("http://app"), None);
        assert_eq!(authorization("http://u:p%40x@app").as_deref(), Some("Basic dTpwQHg="));
        assert_eq!(authorization("http://u@app").as_deref(), Some("Basic dTo="));
    }

    #[test]
    fn what_is_wrong_is_said() {
        let errors: Vec<String> = [
            "",
            "app:80",
            "/x",
            "ftp://a",
            "http://",
            "http://:80",
            "http://a:99999",
            "http://a b",
            "http://[::1",
            "http://u@",
        ]
        .into_iter()
        .map(|url| format!("{url:?}: {}", Server::parse(url).unwrap_err()))
        .collect();
        insta::assert_snapshot!(errors.join("\n"), @r#"
        "": empty string
        "app:80": the scheme is missing: write http://host:port
        "/x": the scheme is missing: write http://host:port
        "ftp://a": unknown scheme "ftp": it must be http, https or h2c
        "http://": empty string
        "http://:80": the host is missing
        "http://a:99999": invalid port "99999": it must be 0 to 65535
        "http://a b": invalid uri character
        "http://[::1": invalid authority
        "http://u@": invalid authority
        "#);
    }

    #[test]
    fn the_same_scheme_host_and_path_counts_once() {
        let urls = ["http://a/", "http://a", "HTTP://a", "https://a", "http://a/x", "http://a:80"];
        let servers = parse_all(urls.into_iter()).unwrap();
        let shown: Vec<&str> = servers.iter().map(|server| &*server.url).collect();
        assert_eq!(shown, ["http://a", "https://a", "http://a", "http://a:80"]);
    }
}
