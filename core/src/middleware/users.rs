//! What `basicAuth` and `digestAuth` share: lists of users, the realm, the 401, and what a request
//! carries on once somebody is known. Compat: middlewares.md "basicAuth".
use super::Edits;
use crate::config::file::File;
use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};
use bytes::Bytes;
use core::fmt;
use http::{
    HeaderName, HeaderValue, Response, StatusCode,
    header::{AUTHORIZATION, CONTENT_TYPE, WWW_AUTHENTICATE},
    request,
};
use serde::{Deserialize, Serialize};

/// The realm where none is given.
const REALM: &str = "traefik";

/// Users as written, one a line. [`fmt::Debug`] shows no hashes, only how many there are.
#[derive(Clone, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(transparent)]
pub struct Lines(pub Vec<String>);

impl fmt::Debug for Lines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Lines({})", self.0.len())
    }
}

/// The fields of all users, those of the file first: of two with one name the later one counts.
///
/// A user has `N` fields, parted by colons: `shape`. `kind` is the word for it in errors.
///
/// # Errors
/// A file that cannot be read, a line of another shape, or no user at all.
pub(super) fn entries<const N: usize>(
    (kind, shape): (&str, &str),
    lines: &Lines,
    file: &File,
) -> Result<Vec<[String; N]>, String> {
    let mut entries = Vec::new();
    if !file.is_empty() {
        let content = file.content("usersFile")?;
        for (line, number) in content.split(|byte| *byte == b'\n').zip(1..) {
            let at = format!("line {number} of usersFile");
            let text = core::str::from_utf8(line).map_err(|_| format!("{at} is not UTF-8"))?.trim();
            if !text.is_empty() && !text.starts_with('#') {
                entries.push(fields((kind, shape), &at, text)?);
            }
        }
    }
    for (line, number) in lines.0.iter().zip(1..) {
        entries.push(fields((kind, shape), &format!("entry {number} of users"), line)?);
    }
    if entries.is_empty() {
        return Err("there is no user, so nobody could pass: give users or usersFile".into());
    }
    Ok(entries)
}

/// What is behind the name is a secret, and no part of the error.
fn fields<const N: usize>(
    (kind, shape): (&str, &str),
    at: &str,
    line: &str,
) -> Result<[String; N], String> {
    let fields: Vec<String> = line.split(':').map(ToString::to_string).collect();
    <[String; N]>::try_from(fields).map_err(|fields| match &*fields {
        [name, _, ..] => format!("error parsing {kind}: {at} ({name:?}) is not {shape}"),
        _ => format!("error parsing {kind}: {at} is not {shape}"),
    })
}

/// The realm, and the same as it stands in a header.
///
/// # Errors
/// A character that no header can carry.
pub(super) fn realm(written: &str) -> Result<(String, String), String> {
    let realm = if written.is_empty() { REALM } else { written };
    if HeaderValue::from_bytes(realm.as_bytes()).is_err() {
        return Err("realm: it has a character that a header cannot carry".into());
    }
    Ok((realm.to_string(), quoted(realm)))
}

/// A quoted string (RFC 9110, 5.6.4).
pub(super) fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        if matches!(c, '"' | '\\') {
            quoted.push('\\');
        }
        quoted.push(c);
    }
    quoted.push('"');
    quoted
}

/// 401 with this challenge.
pub(super) fn unauthorized(challenge: HeaderValue) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from_static(b"401 Unauthorized\n"));
    *response.status_mut() = StatusCode::UNAUTHORIZED;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
    response
}

/// What becomes of the request of a known user.
#[derive(Debug)]
pub(super) struct Admission {
    /// Whether `Authorization` goes.
    pub(super) remove_header: bool,
    /// The header that gets the user's name. Its case on the wire is HTTP's, not as written.
    header_field: Option<HeaderName>,
}

impl Admission {
    /// Checks the options.
    ///
    /// # Errors
    /// A header field that is no name.
    pub(super) fn new(remove_header: bool, header_field: &str) -> Result<Self, String> {
        let header_field = match header_field {
            "" => None,
            name => Some(
                HeaderName::from_bytes(name.as_bytes())
                    .map_err(|_| format!("headerField: {name:?} is not a header name"))?,
            ),
        };
        Ok(Self { remove_header, header_field })
    }

    /// Whether a user of this name can be told to the server.
    ///
    /// # Errors
    /// A character that no header can carry.
    pub(super) fn check(&self, name: &str) -> Result<(), String> {
        if self.header_field.is_some() && HeaderValue::from_bytes(name.as_bytes()).is_err() {
            return Err(format!(
                "headerField: the user name {name:?} has a character that a header cannot carry"
            ));
        }
        Ok(())
    }

    /// What [`Self::admit`] edits. The password was dear: the head is saved whole beside it.
    pub(super) const fn edits(&self) -> Edits<'_> {
        if self.remove_header || self.header_field.is_some() {
            Edits::Anything
        } else {
            Edits::Nothing
        }
    }

    /// Edits the request of a known user. What the client sent in the header field is replaced, in
    /// whatever case it was written.
    pub(super) fn admit(&self, name: &str, head: &mut request::Parts) {
        if self.remove_header {
            head.headers.remove(AUTHORIZATION);
        }
        if let Some(field) = &self.header_field {
            head.headers.remove(field);
            // Names were checked when the options were.
            if let Ok(name) = HeaderValue::from_bytes(name.as_bytes()) {
                head.headers.insert(field.clone(), name);
            }
        }
    }
}

/// The one value of `Authorization`. A request with several says nothing certain about its sender.
pub(super) fn authorization(head: &request::Parts) -> Option<&[u8]> {
    let mut values = head.headers.get_all(AUTHORIZATION).iter();
    let only = values.next()?;
    values.next().is_none().then(|| only.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(lines: &[&str]) -> Lines {
        Lines(lines.iter().map(ToString::to_string).collect())
    }

    fn file(text: &'static [u8]) -> File {
        let mut file = File::new("users");
        file.fill(Ok(Bytes::from_static(text)));
        file
    }

    fn names<const N: usize>(lines: &Lines, file: &File) -> Result<String, String> {
        let entries = entries::<N>(("BasicUser", "name:hash"), lines, file)?;
        Ok(entries.iter().map(|entry| entry.join("|")).collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn a_files_users_come_first_blank_lines_and_comments_are_skipped() {
        let file = file(b"# users\n\n  a:1\r\n\t#b:2\nc:3");
        assert_eq!(names::<2>(&lines(&["d:4"]), &file).unwrap(), "a|1 c|3 d|4");
        assert_eq!(names::<3>(&lines(&["a:r:1"]), &File::default()).unwrap(), "a|r|1");
    }

    #[test]
    fn what_is_wrong_is_said_without_the_secret() {
        let unread = File::new("users");
        let cases = [
            names::<2>(&lines(&["a:hunter2", "hunter2"]), &File::default()),
            names::<2>(&lines(&["a:hunter2:b"]), &File::default()),
            names::<3>(&lines(&["a:hunter2"]), &File::default()),
            names::<2>(&lines(&[""]), &File::default()),
            names::<2>(&Lines::default(), &File::default()),
            names::<2>(&Lines::default(), &file(b"# nobody\n")),
            names::<2>(&Lines::default(), &file(b"\na\n")),
            names::<2>(&Lines::default(), &file(b"a:1\n\xFF:2\n")),
            names::<2>(&lines(&["a:1"]), &unread),
        ];
        let errors: Vec<String> = cases.into_iter().map(Result::unwrap_err).collect();
        insta::assert_snapshot!(errors.join("\n"), @r#"
        error parsing BasicUser: entry 2 of users is not name:hash
        error parsing BasicUser: entry 1 of users ("a") is not name:hash
        error parsing BasicUser: entry 1 of users ("a") is not name:hash
        error parsing BasicUser: entry 1 of users is not name:hash
        there is no user, so nobody could pass: give users or usersFile
        there is no user, so nobody could pass: give users or usersFile
        error parsing BasicUser: line 2 of usersFile is not name:hash
        line 2 of usersFile is not UTF-8
        usersFile: "users" was not read
        "#);
    }

    #[test]
    fn a_realm_cannot_leave_its_quotes() {
        assert_eq!(realm("").unwrap(), ("traefik".into(), "\"traefik\"".into()));
        assert_eq!(realm(r#"a"b\c"#).unwrap().1, r#""a\"b\\c""#);
        assert!(realm("a\nb").is_err());
    }

    #[test]
    fn debug_shows_no_user() {
        assert_eq!(format!("{:?}", lines(&["a:hunter2"])), "Lines(1)");
    }
}
