//! `errors`: a page of another service in the place of an error. Compat: middlewares.md "errors".
use super::{Answer, Context, Edits, Kept, Options, Reaction, Verdict, Walk};
use crate::{cells::Cells, exchange::target};
use alloc::{
    boxed::Box,
    format,
    string::{String, ToString},
    vec::Vec,
};
use http::{
    Method, StatusCode, Uri,
    header::{CONNECTION, CONTENT_LENGTH, EXPECT, TRANSFER_ENCODING, UPGRADE},
    request,
};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};

/// The options of `errors`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Errors {
    /// Which statuses: `404`, `500-599`.
    pub status: Vec<String>,
    /// The service that has the pages.
    pub service: String,
    /// Path and query of a page; `{status}` is the status, `{url}` the URL asked for, escaped.
    pub query: String,
}

/// Compiled `errors`.
#[derive(Debug)]
pub struct Pages {
    /// First and last of each range.
    statuses: Box<[(u16, u16)]>,
    service: String,
    /// With its leading slash.
    query: String,
}

impl Options for Errors {
    type Middleware = Pages;

    fn compile(&self) -> Result<Pages, String> {
        if self.service.is_empty() {
            return Err("service is missing: name the service that has the pages".into());
        }
        let statuses = self.status.iter().map(|text| range(text)).collect::<Result<_, _>>()?;
        let query = format!("/{}", self.query.trim_start_matches('/'));
        let pages = Pages { statuses, service: self.service.clone(), query };
        if pages.uri(StatusCode::NOT_FOUND, "").is_none() {
            return Err(format!("query: {:?} is no path and query", self.query));
        }
        Ok(pages)
    }
}

/// `N`, or `A-B` with both ends in it.
fn range(text: &str) -> Result<(u16, u16), String> {
    let number = |text: &str| text.trim().parse().ok().filter(|it| (100..1000).contains(it));
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    match (number(first), number(last)) {
        (Some(first), Some(last)) if first <= last => Ok((first, last)),
        _ => Err(format!("status: {text:?} is neither a status such as 404 nor a range such as 500-599")),
    }
}

impl Pages {
    fn includes(&self, status: StatusCode) -> bool {
        let status = status.as_u16();
        self.statuses.iter().any(|(first, last)| (*first..=*last).contains(&status))
    }

    fn uri(&self, status: StatusCode, url: &str) -> Option<Uri> {
        let query = self.query.replace("{status}", status.as_str());
        let url = || utf8_percent_encode(url, NON_ALPHANUMERIC).to_string();
        let query = if query.contains("{url}") { query.replace("{url}", &url()) } else { query };
        query.parse().ok()
    }

    /// The request for a page, made of the one that led to the error. What is only about its body, or
    /// about its connection, does not go along; HEAD stays HEAD, so that nobody sends what nobody gets.
    fn request(&self, status: StatusCode, asked: &request::Parts, tls: bool) -> Option<request::Parts> {
        let scheme = if tls { "https" } else { "http" };
        let url = format!("{scheme}://{}{}", target::authority(asked), asked.uri);
        let (mut head, ()) = http::Request::new(()).into_parts();
        head.uri = self.uri(status, &url)?;
        head.method = if asked.method == Method::HEAD { Method::HEAD } else { Method::GET };
        head.headers = asked.headers.clone();
        for name in [CONNECTION, CONTENT_LENGTH, EXPECT, TRANSFER_ENCODING, UPGRADE] {
            head.headers.remove(name);
        }
        Some(head)
    }
}

impl Walk for Pages {
    fn inward<C: Cells>(&self, _: &Context<'_>, _: &C, head: &mut request::Parts) -> Verdict {
        Verdict::Keep(Kept::Asked(Box::new(head.clone())))
    }

    fn outward<C: Cells>(&self, context: &Context<'_>, _: &C, answer: &mut Answer<'_>) -> Reaction {
        let status = answer.head.status;
        if !self.includes(status) {
            return Reaction::Continue;
        }
        let Some(Kept::Asked(asked)) = &answer.kept else { return Reaction::Continue };
        match self.request(status, asked, context.peer.tls) {
            Some(page) => Reaction::Page(Box::new(page)),
            None => Reaction::Continue,
        }
    }

    fn edits(&self) -> Edits<'_> {
        Edits::Nothing
    }

    fn service(&self) -> Option<&str> {
        Some(&self.service)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{exchange::Delivery, middleware::{Origin, testing}};
    use alloc::vec;

    fn pages(status: &[&str], query: &str) -> Result<Pages, String> {
        let status = status.iter().map(ToString::to_string).collect();
        Errors { status, service: "pages".into(), query: query.into() }.compile()
    }

    /// The page that a status leads to, as a request's text.
    fn page(pages: &Pages, asked: &mut request::Parts, status: u16) -> Option<String> {
        let Verdict::Keep(mut kept) = testing::inward(pages, asked) else { panic!("nothing kept") };
        let mut head = testing::response(status, &[]);
        let mut delivery = Delivery::default();
        let mut answer = Answer {
            head: &mut head,
            origin: Origin::Server,
            delivery: &mut delivery,
            kept: Some(&mut kept),
        };
        let reaction = testing::with_context(|context| {
            pages.outward(context, &testing::Nothing, &mut answer)
        });
        let Reaction::Page(page) = reaction else { return None };
        let names: Vec<_> = page.headers.iter().map(|(name, _)| name.as_str()).collect();
        Some(format!("{} {} {}", page.method, page.uri, names.join(",")))
    }

    #[test]
    fn statuses_of_the_list_lead_to_a_page_and_no_others() {
        let pages = pages(&["404", "500-599"], "/{status}.html").unwrap();
        for (status, want) in [
            (200, None),
            (403, None),
            (404, Some("GET /404.html host")),
            (405, None),
            (500, Some("GET /500.html host")),
            (599, Some("GET /599.html host")),
        ] {
            let mut asked = testing::head("/a", &[("host", "a.example")]);
            assert_eq!(page(&pages, &mut asked, status).as_deref(), want, "{status}");
        }
    }

    #[test]
    fn the_page_is_asked_for_with_the_clients_headers_but_those_about_its_body() {
        let pages = pages(&["500"], "page?of={url}&status={status}").unwrap();
        let mut asked = testing::head(
            "/a?b=c",
            &[
                ("host", "a.example"),
                ("cookie", "x=1"),
                ("content-length", "3"),
                ("transfer-encoding", "chunked"),
                ("expect", "100-continue"),
                ("connection", "upgrade"),
                ("upgrade", "websocket"),
            ],
        );
        asked.method = Method::POST;
        let want =
            "GET /page?of=http%3A%2F%2Fa%2Eexample%2Fa%3Fb%3Dc&status=500 host,cookie";
        assert_eq!(page(&pages, &mut asked, 500).as_deref(), Some(want));
        asked.method = Method::HEAD;
        assert!(page(&pages, &mut asked, 500).unwrap().starts_with("HEAD "));
    }

    #[test]
    fn what_is_no_status_or_no_path_is_refused_with_its_option() {
        let mut errors: Vec<String> = ["", "abc", "99", "500-", "599-500", "-1", "5000"]
            .map(|status| pages(&[status], "/").unwrap_err())
            .into();
        errors.push(pages(&[], "/a b").unwrap_err());
        let nowhere = Errors { status: vec!["500".into()], ..Errors::default() };
        errors.push(nowhere.compile().unwrap_err());
        insta::assert_snapshot!(errors.join("\n"), @r#"
        status: "" is neither a status such as 404 nor a range such as 500-599
        status: "abc" is neither a status such as 404 nor a range such as 500-599
        status: "99" is neither a status such as 404 nor a range such as 500-599
        status: "500-" is neither a status such as 404 nor a range such as 500-599
        status: "599-500" is neither a status such as 404 nor a range such as 500-599
        status: "-1" is neither a status such as 404 nor a range such as 500-599
        status: "5000" is neither a status such as 404 nor a range such as 500-599
        query: "/a b" is no path and query
        service is missing: name the service that has the pages
        "#);
    }
}
