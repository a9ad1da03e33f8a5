//! One line of the access log. Compat: observability.md "common format".
use crate::{
    entry_point::{EntryPoint, Peer},
    time::UnixTime,
};
use alloc::vec::Vec;
use core::{fmt::Write as _, time::Duration};
use http::{HeaderMap, Version};

/// What a line tells about one request.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// Who asked: see [`client_host`].
    pub client_host: &'a str,
    /// Who the client proved to be.
    pub username: Option<&'a str>,
    /// When the request's head was complete.
    pub start: UnixTime,
    /// The method as received.
    pub method: &'a str,
    /// Path and query as received.
    pub path: &'a str,
    /// The protocol as received.
    pub protocol: Version,
    /// The status sent.
    pub status: u16,
    /// Bytes of the response's body.
    pub content_bytes: u64,
    /// Which request of the process it is, from 1.
    pub count: u64,
    /// Qualified name of the router.
    pub router: Option<&'a str>,
    /// The server's URL.
    pub server: Option<&'a str>,
    /// Until the response was complete.
    pub duration: Duration,
}

/// Who a request is said to come from: the forwarded list where the peer is trusted, else the peer.
///
/// To be asked before the head is edited.
#[must_use]
pub fn client_host<'h>(
    entry_point: &EntryPoint,
    peer: &Peer,
    headers: &'h HeaderMap,
) -> Option<&'h str> {
    if !entry_point.forwarded_trust.includes(peer.address.ip()) {
        return None;
    }
    headers.get("x-forwarded-for")?.to_str().ok().filter(|list| !list.is_empty())
}

/// Appends the line, its end included. Nothing a client sends can end a field or the line.
pub fn line(out: &mut Vec<u8>, entry: &Entry<'_>) {
    bare(out, entry.client_host);
    out.extend_from_slice(b" - ");
    bare(out, entry.username.unwrap_or(""));
    out.extend_from_slice(b" [");
    date(out, entry.start);
    out.extend_from_slice(b"] \"");
    escaped(out, entry.method);
    out.push(b' ');
    escaped(out, entry.path);
    out.push(b' ');
    out.extend_from_slice(protocol(entry.protocol).as_bytes());
    out.extend_from_slice(b"\" ");
    number(out, u64::from(entry.status));
    out.push(b' ');
    number(out, entry.content_bytes);
    // Referer and User-Agent are header fields, which are dropped by default.
    out.extend_from_slice(b" \"-\" \"-\" ");
    number(out, entry.count);
    for value in [entry.router, entry.server] {
        out.extend_from_slice(b" \"");
        escaped(out, value.filter(|it| !it.is_empty()).unwrap_or("-"));
        out.push(b'"');
    }
    out.push(b' ');
    number(out, u64::try_from(entry.duration.as_millis()).unwrap_or(u64::MAX));
    out.extend_from_slice(b"ms\n");
}

/// A field without quotes around it; a blank in it is escaped, too.
fn bare(out: &mut Vec<u8>, text: &str) {
    if text.is_empty() {
        out.push(b'-');
    } else if text.contains(' ') {
        for (i, word) in text.split(' ').enumerate() {
            if i > 0 {
                out.extend_from_slice(b"\\x20");
            }
            escaped(out, word);
        }
    } else {
        escaped(out, text);
    }
}

fn escaped(out: &mut Vec<u8>, text: &str) {
    let plain = |byte: u8| byte >= b' ' && !matches!(byte, b'"' | b'\\' | 0x7f);
    if text.bytes().all(plain) {
        return out.extend_from_slice(text.as_bytes());
    }
    for byte in text.bytes() {
        if plain(byte) {
            out.push(byte);
        } else if matches!(byte, b'"' | b'\\') {
            out.extend_from_slice(&[b'\\', byte]);
        } else {
            let digit = |it: u8| char::from_digit(u32::from(it), 16).map_or(b'0', |it| it as u8);
            out.extend_from_slice(&[b'\\', b'x', digit(byte >> 4), digit(byte & 15)]);
        }
    }
}

const fn protocol(version: Version) -> &'static str {
    match version {
        Version::HTTP_09 => "HTTP/0.9",
        Version::HTTP_10 => "HTTP/1.0",
        Version::HTTP_2 => "HTTP/2.0",
        Version::HTTP_3 => "HTTP/3.0",
        _ => "HTTP/1.1",
    }
}

/// `02/Jan/2006:15:04:05 +0000`.
fn date(out: &mut Vec<u8>, at: UnixTime) {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let seconds = at.0 / 1_000_000_000;
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = civil(days);
    let month = usize::try_from(month - 1).ok().and_then(|it| MONTHS.get(it)).unwrap_or(&"Jan");
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    let mut text = Text(out);
    // Writing to a vector cannot fail.
    let _ = write!(text, "{day:02}/{month}/{year:04}:{hour:02}:{minute:02}:{second:02} +0000");
}

/// Year, month from 1 and day from 1 of a day since 1970-01-01, in the Gregorian calendar.
///
/// Years are counted from March, so that the leap day is their last; an era has 400 of them.
const fn civil(days: u64) -> (u64, u64, u64) {
    const ERA: u64 = 146_097;
    // 1970-01-01 is day 719,468 from 0000-03-01.
    let days = days + 719_468;
    let day_of_era = days % ERA;
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / (ERA - 1)) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    let year = days / ERA * 400 + year_of_era + if month <= 2 { 1 } else { 0 };
    (year, month, day)
}

fn number(out: &mut Vec<u8>, number: u64) {
    // Writing to a vector cannot fail.
    let _ = write!(Text(out), "{number}");
}

struct Text<'v>(&'v mut Vec<u8>);

impl core::fmt::Write for Text<'_> {
    fn write_str(&mut self, text: &str) -> core::fmt::Result {
        self.0.extend_from_slice(text.as_bytes());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::string::String;

    const ENTRY: Entry<'_> = Entry {
        client_host: "192.0.2.7",
        username: None,
        start: UnixTime(1_583_020_799_000_000_000),
        method: "GET",
        path: "/a?b=c",
        protocol: Version::HTTP_11,
        status: 200,
        content_bytes: 12,
        count: 3,
        router: Some("app@file"),
        server: Some("http://10.0.0.1:80"),
        duration: Duration::from_micros(1999),
    };

    fn written(entry: &Entry<'_>) -> String {
        let mut out = Vec::new();
        line(&mut out, entry);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_line_has_the_common_format() {
        insta::assert_snapshot!(
            written(&ENTRY),
            @r#"192.0.2.7 - - [29/Feb/2020:23:59:59 +0000] "GET /a?b=c HTTP/1.1" 200 12 "-" "-" 3 "app@file" "http://10.0.0.1:80" 1ms"#
        );
    }

    #[test]
    fn what_is_missing_is_a_dash() {
        let entry = Entry { router: None, server: None, protocol: Version::HTTP_2, ..ENTRY };
        insta::assert_snapshot!(
            written(&entry),
            @r#"192.0.2.7 - - [29/Feb/2020:23:59:59 +0000] "GET /a?b=c HTTP/2.0" 200 12 "-" "-" 3 "-" "-" 1ms"#
        );
    }

    #[test]
    fn what_a_client_sends_cannot_leave_its_field() {
        let entry = Entry {
            client_host: "10.0.0.1, 10.0.0.2\t",
            path: "/\"\\\n",
            username: Some("a b"),
            ..ENTRY
        };
        insta::assert_snapshot!(
            written(&entry),
            @r#"10.0.0.1,\x2010.0.0.2\x09 - a\x20b [29/Feb/2020:23:59:59 +0000] "GET /\"\\\x0a HTTP/1.1" 200 12 "-" "-" 3 "app@file" "http://10.0.0.1:80" 1ms"#
        );
    }

    #[test]
    fn days_become_dates() {
        for (days, date) in [
            (0, (1970, 1, 1)),
            (59, (1970, 3, 1)),
            (10_956, (1999, 12, 31)),
            (11_016, (2000, 2, 29)),
            (11_017, (2000, 3, 1)),
            (47_540, (2100, 2, 28)),
            (47_541, (2100, 3, 1)),
        ] {
            assert_eq!(civil(days), date, "{days}");
        }
    }

    proptest! {
        #[test]
        fn a_line_is_one_line_with_five_pairs_of_quotes(path in any::<String>(), host in any::<String>()) {
            let text = written(&Entry { path: &path, client_host: &host, ..ENTRY });
            prop_assert_eq!(text.matches('\n').count(), 1);
            let bare = text.replace("\\\\", "").replace("\\\"", "");
            prop_assert_eq!(bare.matches('"').count(), 10);
        }
    }
}
