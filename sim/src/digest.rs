//! A client's side of digest authentication (RFC 7616, MD5, `qop=auth`), sharing no code with the proxy.
use crate::http1::Head;
use md5::{Digest as _, Md5};

/// What the client adds to a nonce.
const OWN: &str = "own";

/// A user of a realm who answers one challenge, again and again.
#[derive(Clone, Debug)]
pub struct Digest {
    user: &'static str,
    password: &'static str,
    realm: String,
    nonce: String,
    opaque: String,
    count: u32,
}

impl Digest {
    /// Takes up the challenge of a 401, if there is one that is understood.
    #[must_use]
    pub fn new(challenge: &Head, user: &'static str, password: &'static str) -> Option<Self> {
        let parameters = challenge.field("www-authenticate")?.strip_prefix("Digest ")?;
        let parameter = |name: &str| {
            let mut all = parameters.split(", ").filter_map(|it| it.split_once('='));
            let (_, value) = all.find(|(it, _)| *it == name)?;
            Some(value.trim_matches('"').to_owned())
        };
        let understood = parameter("algorithm")? == "MD5" && parameter("qop")? == "auth";
        let (realm, nonce) = (parameter("realm")?, parameter("nonce")?);
        let opaque = parameter("opaque")?;
        understood.then_some(Self { user, password, realm, nonce, opaque, count: 0 })
    }

    /// `Authorization` for the next request.
    pub fn next(&mut self, method: &str, target: &str) -> String {
        self.count += 1;
        let Self { user, realm, nonce, opaque, count, .. } = &*self;
        let response = self.response(OWN, method, target);
        format!(
            "Digest username=\"{user}\", realm=\"{realm}\", nonce=\"{nonce}\", uri=\"{target}\", \
             qop=auth, nc={count:08x}, cnonce=\"{OWN}\", response=\"{response}\", \
             opaque=\"{opaque}\""
        )
    }

    fn response(&self, own: &str, method: &str, target: &str) -> String {
        let Self { user, password, realm, nonce, count, .. } = self;
        let secret = hex(&format!("{user}:{realm}:{password}"));
        let asked = hex(&format!("{method}:{target}"));
        hex(&format!("{secret}:{nonce}:{count:08x}:{own}:auth:{asked}"))
    }
}

fn hex(text: &str) -> String {
    Md5::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_is_that_of_rfc_2617() {
        let challenge = "Digest realm=\"testrealm@host.com\", algorithm=\"MD5\", qop=\"auth\", \
                         nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", opaque=\"x\"";
        let fields = vec![("WWW-Authenticate".to_owned(), challenge.to_owned())];
        let head = Head { start: String::new(), fields };
        let mut digest = Digest::new(&head, "Mufasa", "Circle Of Life").unwrap();
        assert!(digest.next("GET", "/").contains("nc=00000001"));
        let response = digest.response("0a4f113b", "GET", "/dir/index.html");
        assert_eq!(response, "6629fae49393a05397450978507c4ef1");
        assert!(digest.next("GET", "/").contains("nc=00000002"));
        assert!(Digest::new(&Head::default(), "a", "b").is_none());
    }
}
