//! The closed set of middlewares. Adding one: a file in `middleware/`, a line in the list below, its tests.
//!
//! Each file holds the options as written, what they compile to, and the pure functions `inward`
//! (sees the request's head on its way to the server) and `outward` (sees the server's response).
//! The walk — order, retries, unwinding — is [`crate::exchange`]'s.
use crate::{
    cells::CellSpecs,
    cells::{CellId, Cells},
    entry_point::{EntryPoint, Peer},
    time::Instant,
};
use alloc::{string::String, sync::Arc};
use bytes::Bytes;
use core::time::Duration;
use http::{Response, request, response};
use serde::{Deserialize, Serialize};

pub mod chain;
pub mod source;

/// What a middleware may look at besides the head.
#[derive(Clone, Debug)]
pub struct Context<'a> {
    /// Now.
    pub now: Instant,
    /// The client's connection.
    pub peer: &'a Peer,
    /// Where the request came in.
    pub entry_point: &'a EntryPoint,
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
        /// The wait before the second try; doubled after each; zero: none.
        initial_interval: Duration,
    },
    /// On; the exchange gives this back when it ends, or when it retries further out.
    Hold(Held),
    /// Answered here.
    Respond(Response<Bytes>),
}

/// What a middleware took and the exchange gives back: once, whatever happens.
#[derive(Debug)]
pub enum Held {
    /// A place among the requests in flight from a source.
    InFlight(Arc<str>),
}

impl Held {
    /// Gives it back to the cell it was taken from.
    pub(crate) fn release<C: Cells>(self, cell: Option<CellId>, cells: &C) {
        match (self, cell) {
            (Self::InFlight(source), Some(CellId::InFlight(id))) => {
                cells.in_flight(id, |cell| cell.leave(&source));
            }
            (Self::InFlight(_), None) => debug_assert!(false, "held without a cell"),
        }
    }
}

/// Options that compile to a middleware.
pub trait Options {
    /// What they compile to.
    type Middleware;

    /// Checks the options. The error is one line for the owner of the configuration.
    fn compile(&self) -> Result<Self::Middleware, String>;
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

    /// Sees, and may edit, the head of a server's response on its way out.
    fn outward(&self, context: &Context<'_>, head: &mut response::Parts) {
        let _ = (context, head);
    }

    /// Whether a second pass over the same head would not do the same as the first.
    fn edits_request(&self) -> bool {
        true
    }

    /// Takes a cell for its state in one router, if it has any.
    fn cell(&self, specs: &mut CellSpecs) -> Option<CellId> {
        let _ = specs;
        None
    }
}

macro_rules! middlewares {
    ($($field:ident $Type:ident,)*) => {
        $(pub mod $field;)*

        /// A middleware as written: exactly one of its types must be there.
        #[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
        #[serde(default, rename_all = "camelCase")]
        pub struct Definition {
            /// Middlewares in order, expanded in place.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub chain: Option<chain::Chain>,
            $(
                #[doc = concat!("See [`", stringify!($field), "`].")]
                #[serde(skip_serializing_if = "Option::is_none")]
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

        impl Middleware {
            /// Sees, and may edit, a request on its way in.
            pub(crate) fn inward<C: Cells>(
                &self,
                context: &Context<'_>,
                cells: &C,
                head: &mut request::Parts,
            ) -> Verdict {
                match self { $(Self::$Type(middleware) => middleware.inward(context, cells, head),)* }
            }

            /// Sees, and may edit, the head of a server's response on its way out.
            pub(crate) fn outward(&self, context: &Context<'_>, head: &mut response::Parts) {
                match self { $(Self::$Type(middleware) => middleware.outward(context, head),)* }
            }

            /// Whether a second pass over the same head would not do the same as the first.
            pub(crate) fn edits_request(&self) -> bool {
                match self { $(Self::$Type(middleware) => middleware.edits_request(),)* }
            }

            /// Takes a cell for its state in one router, if it has any.
            pub(crate) fn cell(&self, specs: &mut CellSpecs) -> Option<CellId> {
                match self { $(Self::$Type(middleware) => middleware.cell(specs),)* }
            }
        }
    };
}

middlewares! {
    add_prefix AddPrefix,
    headers Headers,
    in_flight_req InFlightReq,
    redirect_scheme RedirectScheme,
    retry Retry,
    strip_prefix StripPrefix,
}

#[cfg(test)]
pub(crate) mod testing;
