//! `curl`, as a user types it.
use std::process::Command;

/// What curl showed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The status code; 0 without a response.
    pub status: u16,
    /// `1.0`, `1.1` or `2`; `0` without a response.
    pub version: String,
    /// Status line and headers of the last response, as received.
    pub head: String,
    /// The body as text.
    pub body: String,
    /// curl's own exit code: 0, 7 (refused), 52 (empty reply), 56 (reset), …
    pub exit: i32,
}

impl Reply {
    /// The first value of a header, by its name in any case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(':'));
        let (_, value) = lines.find(|(n, _)| n.eq_ignore_ascii_case(name))?;
        Some(value.trim())
    }
}

/// Runs `curl` with the arguments, which include the URL.
///
/// # Panics
/// If there is no curl.
#[must_use]
pub fn curl(arguments: &[&str]) -> Reply {
    const MARK: &str = "\n\u{1}";
    let out = Command::new("curl")
        .args(["--silent", "--include", "--max-time", "30", "--noproxy", "*"])
        .args(["--write-out", &format!("{MARK}%{{http_code}} %{{http_version}}")])
        .args(arguments)
        .output()
        .expect("curl is installed (Debian: apt-get install curl)");
    let text = String::from_utf8_lossy(&out.stdout);
    let (page, told) = text.rsplit_once(MARK).unwrap_or((&text, ""));
    let (status, version) = told.split_once(' ').unwrap_or(("0", "0"));
    let (head, body) = last_response(page);
    Reply {
        status: status.parse().unwrap_or(0),
        version: version.to_owned(),
        head: head.to_owned(),
        body: body.to_owned(),
        exit: out.status.code().unwrap_or(-1),
    }
}

/// Skips interim responses: `100 Continue` has a head of its own.
fn last_response(page: &str) -> (&str, &str) {
    let (head, rest) = page.split_once("\r\n\r\n").unwrap_or((page, ""));
    let interim = head.split(' ').nth(1).is_some_and(|code| code.starts_with('1'));
    if interim && rest.starts_with("HTTP/") { last_response(rest) } else { (head, rest) }
}
