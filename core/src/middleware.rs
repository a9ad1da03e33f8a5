//! The closed set of middlewares. Adding one: a file in `middleware/`, a line in the list below, its tests.
//!
//! Each file holds the options as written, what they compile to, and the pure functions `inward`
//! (sees the request's head on its way to the server) and `outward` (sees the response).
//! The walk — order, retries, unwinding — is [`crate::exchange`]'s.
use crate::{
    cells::CellSpecs,
    cells::{CellId, Cells},
    config::file::{File, Files},
    entry_point::{EntryPoint, Peer},
    exchange::{BufferError, Delivery, Limits, Question, SendError, answer},
    time::Instant,
};
use alloc::{boxed::Box, string::String, sync::Arc, vec::Vec};
use bytes::Bytes;
use core::time::Duration;
use credentials::Credentials;
use http::{HeaderName, Response, StatusCode, request, response};
use serde::{Deserialize, Serialize};
use source::Key;

pub mod chain;
pub mod credentials;
pub mod expression;
pub mod source;
pub mod users;
mod vary;

/// What a middleware may look at besides the head.
#[derive(Clone, Debug)]
pub struct Context<'a> {
    /// Now.
    pub now: Instant,
    /// The client's connection.
    pub peer: &'a Peer,
    /// Where the request came in.
    pub entry_point: &'a EntryPoint,
    /// The exchange's share of randomness.
    pub entropy: u64,
    /// This middleware's state in the router, if it has any.
    pub cell: Option<CellId>,
}

/// What a middleware says to a request.
#[derive(Debug)]
pub enum Verdict {
    /// On to the next one.
    Continue,
    /// On, and come back here with the head as it is now when the request could not be sent.
    Retry {
        /// Tries in all.
        attempts: u32,
        /// The wait before the second try; twice that before each later one; zero: none.
        initial_interval: Duration,
    },
    /// On, with this for the way back; the exchange gives it back when it ends, or when it retries
    /// further out.
    Keep(Kept),
    /// On, after a wait.
    Sleep {
        /// Until then.
        until: Instant,
    },
    /// Have a password checked; what came of it goes to [`Middleware::verified`].
    Verify(Box<Credentials>),
    /// Have the request's body read whole; what came of it goes to [`Middleware::buffered`].
    Buffer(Limits),
    /// Send a request of the proxy's own; the response goes to [`Middleware::asked`].
    Ask(Box<Question>),
    /// Answered by the response to what was asked, with its head as edited.
    Deliver,
    /// On; the client has proved to be this user, for the access log.
    Known {
        /// The user's name.
        user: Arc<str>,
    },
    /// Answered here.
    Respond(Response<Bytes>),
}

/// What a middleware may edit of a request's head, so that a `retry` further out can undo it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Edits<'a> {
    /// Nothing.
    Nothing,
    /// These fields.
    Fields(&'a [HeaderName]),
    /// Path and query, and these fields.
    Path(&'a [HeaderName]),
    /// Anything.
    Anything,
}

/// What a middleware keeps of a request for the way back. It is given back once, whatever happens.
#[derive(Debug)]
pub enum Kept {
    /// A place among the requests in flight from a source.
    InFlight(Key),
    /// What a client takes, as `compress` saw it.
    Compress(compress::Wanted),
    /// Who asks, as `headers` saw it.
    Headers(Box<headers::Seen>),
    /// The request as it was when its body had been read, and how often it was sent.
    Buffered(Box<request::Parts>, u32),
    /// The request as it was, for the page that its error may become.
    Asked(Box<request::Parts>),
    /// What a circuit breaker let pass: since when, and the status of the answer, once there is one.
    Passed(Instant, Option<StatusCode>),
}

/// The status of an answer that the client did not wait for. Compat: http.md "Errors produced while
/// forwarding".
const CLIENT_LEFT: u16 = 499;

impl Kept {
    /// The request could not be sent, and is tried again further out.
    pub(crate) const fn failed(&mut self, failed: StatusCode) {
        match self {
            Self::Passed(_, status) => *status = Some(failed),
            Self::InFlight(_)
            | Self::Compress(_)
            | Self::Headers(_)
            | Self::Buffered(..)
            | Self::Asked(_) => {}
        }
    }

    /// Gives it back to the cell it was taken from.
    pub(crate) fn release<C: Cells>(self, now: Instant, cell: Option<CellId>, cells: &C) {
        match (self, cell) {
            (Self::InFlight(source), Some(CellId::InFlight(id))) => {
                cells.in_flight(id, |cell| cell.leave(source));
            }
            (Self::Passed(since, status), Some(CellId::Breaker(id))) => {
                let status = status.map_or(CLIENT_LEFT, |status| status.as_u16());
                cells.breaker(id, |cell| cell.record(now, status, now.since(since)));
            }
            (Self::Compress(_) | Self::Headers(_) | Self::Buffered(..) | Self::Asked(_), _) => {}
            (kept, cell) => debug_assert!(false, "{kept:?} in {cell:?}"),
        }
    }
}

/// A response on its way out, as a middleware sees it.
#[derive(Debug)]
pub struct Answer<'a> {
    /// Its head, edited in place.
    pub head: &'a mut response::Parts,
    /// Who made it.
    pub origin: Origin,
    /// What happens to its body.
    pub delivery: &'a mut Delivery,
    /// What this middleware kept of the request.
    pub kept: Option<&'a mut Kept>,
}

/// Who made a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A server of the router's service.
    Server,
    /// A server of the service that stands in for errors.
    Page,
    /// The proxy: a middleware further in, or the exchange where no server answered.
    Proxy,
}

/// What a middleware says to a response.
#[derive(Debug)]
pub enum Reaction {
    /// On to the next one out.
    Continue,
    /// On, once the body is there, whole.
    Collect(Limits),
    /// Drop it, and have the service of [`Middleware::service`] answer this, under the same status.
    Page(Box<request::Parts>),
    /// Drop it, and send the request again from here on inwards, with this head. Its body was read
    /// by [`Verdict::Buffer`].
    Resend(Box<request::Parts>),
}

/// Options that compile to a middleware.
pub trait Options {
    /// What they compile to.
    type Middleware;

    /// Checks the options. The error is one line for the owner of the configuration.
    fn compile(&self) -> Result<Self::Middleware, String>;

    /// The options that name files, set or not. What is in them is filled in before `compile`.
    fn files(&self) -> Vec<&File> {
        Vec::new()
    }

    /// The same, to be filled.
    fn files_mut(&mut self) -> Vec<&mut File> {
        Vec::new()
    }
}

/// A compiled middleware of one type.
pub(crate) trait Walk {
    /// Sees, and may edit, a request on its way in.
    fn inward<C: Cells>(
        &self,
        context: &Context<'_>,
        cells: &C,
        head: &mut request::Parts,
    ) -> Verdict {
        let _ = (context, cells, head);
        Verdict::Continue
    }

    /// Hears whether a password was right.
    fn verified(&self, context: &Context<'_>, head: &mut request::Parts, right: bool) -> Verdict {
        let _ = (context, head, right);
        unasked()
    }

    /// Hears how many bytes the request's body has.
    fn buffered(
        &self,
        context: &Context<'_>,
        head: &mut request::Parts,
        read: Result<u64, BufferError>,
    ) -> Verdict {
        let _ = (context, head, read);
        unasked()
    }

    /// Hears the response to what it asked.
    fn asked(
        &self,
        context: &Context<'_>,
        head: &mut request::Parts,
        answer: Result<&mut response::Parts, SendError>,
    ) -> Verdict {
        let _ = (context, head, answer);
        unasked()
    }

    /// Sees, and may edit, a response on its way out, whoever made it.
    fn outward<C: Cells>(
        &self,
        context: &Context<'_>,
        cells: &C,
        answer: &mut Answer<'_>,
    ) -> Reaction {
        let _ = (context, cells, answer);
        Reaction::Continue
    }

    /// What it may edit on the way in.
    fn edits(&self) -> Edits<'_> {
        Edits::Anything
    }

    /// Takes a cell for its state in one router, if it has any.
    fn cell(&self, specs: &mut CellSpecs) -> Option<CellId> {
        let _ = specs;
        None
    }

    /// The service that it sends requests of its own to, as written.
    fn service(&self) -> Option<&str> {
        None
    }

    /// Whether there is a user of this name. A name that is none may be a secret.
    fn knows(&self, user: &[u8]) -> bool {
        let _ = user;
        false
    }
}

/// What a middleware says to an answer that it cannot get: it asked for nothing.
fn unasked() -> Verdict {
    debug_assert!(false, "this middleware asks for nothing");
    Verdict::Respond(answer::status(StatusCode::INTERNAL_SERVER_ERROR))
}

macro_rules! middlewares {
    ($($field:ident $Type:ident $name:literal,)*) => {
        $(pub mod $field;)*

        /// A middleware as written: exactly one of its types must be there.
        #[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
        #[serde(default)]
        pub struct Definition {
            /// Middlewares in order, expanded in place.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub chain: Option<chain::Chain>,
            $(
                #[doc = concat!("See [`", stringify!($field), "`].")]
                #[serde(rename = $name, skip_serializing_if = "Option::is_none")]
                pub $field: Option<$field::$Type>,
            )*
        }

        /// A compiled middleware.
        #[derive(Debug)]
        pub enum Middleware {
            $(
                #[doc = concat!("See [`", stringify!($field), "`].")]
                $Type(<$field::$Type as Options>::Middleware),
            )*
        }

        impl Definition {
            /// All types, by their names as written.
            pub const TYPES: &'static [&'static str] = &["chain", $($name),*];

            /// How many types are there; anything but one is an error.
            #[must_use]
            pub fn kinds(&self) -> usize {
                usize::from(self.chain.is_some()) $(+ usize::from(self.$field.is_some()))*
            }

            /// Compiles any type but `chain`, which the plan flattens. The error is one line.
            pub fn compile(&self) -> Result<Middleware, String> {
                $(if let Some(options) = &self.$field {
                    return options.compile().map(Middleware::$Type);
                })*
                Err("invalid middleware type or middleware does not exist".into())
            }
        }

        impl Files for Definition {
            fn files(&self) -> Vec<&File> {
                let mut files = Vec::new();
                $(if let Some(options) = &self.$field {
                    files.extend(options.files());
                })*
                files
            }

            fn files_mut(&mut self) -> Vec<&mut File> {
                let mut files = Vec::new();
                $(if let Some(options) = &mut self.$field {
                    files.extend(options.files_mut());
                })*
                files
            }
        }

        impl Middleware {
            /// Its type, by its name as written.
            #[must_use]
            pub const fn type_name(&self) -> &'static str {
                match self { $(Self::$Type(_) => $name,)* }
            }

            /// Sees, and may edit, a request on its way in.
            pub(crate) fn inward<C: Cells>(
                &self,
                context: &Context<'_>,
                cells: &C,
                head: &mut request::Parts,
            ) -> Verdict {
                match self { $(Self::$Type(middleware) => middleware.inward(context, cells, head),)* }
            }

            /// Hears whether a password was right.
            pub(crate) fn verified(
                &self,
                context: &Context<'_>,
                head: &mut request::Parts,
                right: bool,
            ) -> Verdict {
                match self { $(Self::$Type(middleware) => middleware.verified(context, head, right),)* }
            }

            /// Hears how many bytes the request's body has.
            pub(crate) fn buffered(
                &self,
                context: &Context<'_>,
                head: &mut request::Parts,
                read: Result<u64, BufferError>,
            ) -> Verdict {
                match self { $(Self::$Type(middleware) => middleware.buffered(context, head, read),)* }
            }

            /// Hears the response to what it asked.
            pub(crate) fn asked(
                &self,
                context: &Context<'_>,
                head: &mut request::Parts,
                answer: Result<&mut response::Parts, SendError>,
            ) -> Verdict {
                match self { $(Self::$Type(middleware) => middleware.asked(context, head, answer),)* }
            }

            /// Sees, and may edit, a response on its way out, whoever made it.
            pub(crate) fn outward<C: Cells>(
                &self,
                context: &Context<'_>,
                cells: &C,
                answer: &mut Answer<'_>,
            ) -> Reaction {
                match self { $(Self::$Type(middleware) => middleware.outward(context, cells, answer),)* }
            }

            /// What it may edit on the way in.
            pub(crate) fn edits(&self) -> Edits<'_> {
                match self { $(Self::$Type(middleware) => middleware.edits(),)* }
            }

            /// Takes a cell for its state in one router, if it has any.
            pub(crate) fn cell(&self, specs: &mut CellSpecs) -> Option<CellId> {
                match self { $(Self::$Type(middleware) => middleware.cell(specs),)* }
            }

            /// The service that it sends requests of its own to, as written.
            pub(crate) fn service(&self) -> Option<&str> {
                match self { $(Self::$Type(middleware) => middleware.service(),)* }
            }

            /// Whether there is a user of this name. A name that is none may be a secret.
            pub(crate) fn knows(&self, user: &[u8]) -> bool {
                match self { $(Self::$Type(middleware) => middleware.knows(user),)* }
            }
        }
    };
}

middlewares! {
    add_prefix AddPrefix "addPrefix",
    basic_auth BasicAuth "basicAuth",
    buffering Buffering "buffering",
    circuit_breaker CircuitBreaker "circuitBreaker",
    compress Compress "compress",
    digest_auth DigestAuth "digestAuth",
    forward_auth ForwardAuth "forwardAuth",
    content_type ContentType "contentType",
    errors Errors "errors",
    headers Headers "headers",
    in_flight_req InFlightReq "inFlightReq",
    ip_allow_list IpAllowList "ipAllowList",
    ip_white_list IpWhiteList "ipWhiteList",
    pass_tls_client_cert PassTlsClientCert "passTLSClientCert",
    rate_limit RateLimit "rateLimit",
    redirect_regex RedirectRegex "redirectRegex",
    redirect_scheme RedirectScheme "redirectScheme",
    replace_path ReplacePath "replacePath",
    replace_path_regex ReplacePathRegex "replacePathRegex",
    retry Retry "retry",
    strip_prefix StripPrefix "stripPrefix",
    strip_prefix_regex StripPrefixRegex "stripPrefixRegex",
}

#[cfg(test)]
pub(crate) mod testing;
