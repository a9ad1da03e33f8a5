//! What a rule sees of a request.
use core::net::IpAddr;
use http::request;

/// A request as rules see it: borrowed, and normalised once.
#[derive(Debug)]
pub struct View<'a> {
    /// The head.
    pub head: &'a request::Parts,
    /// The request's authority as sent, with its port: of an absolute target, else of Host.
    pub authority: &'a str,
    /// The client.
    pub client: IpAddr,
}

impl<'a> View<'a> {
    /// A view of a head.
    #[must_use]
    pub fn new(head: &'a request::Parts, authority: &'a str, client: IpAddr) -> Self {
        Self { head, authority, client }
    }
}
