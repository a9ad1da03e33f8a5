//! Bodies on their way: requests' to servers, responses' to clients.
use crate::{net::Net, upstream::Incoming};
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
pub(crate) use request::{Broken, RequestBody};
pub(crate) use response::{ResponseBody, ResponseSource};
use std::{
    error::Error,
    pin::Pin,
    task::{Context, Poll},
};
pub(crate) use tee::Tee;
pub(crate) use whole::Whole;

mod begin;
mod encode;
mod gunzip;
mod request;
mod response;
mod tee;
#[cfg(test)]
mod testing;
mod whole;

/// Why a body broke off.
pub(crate) type BodyError = Box<dyn Error + Send + Sync>;

impl<N: Net> Incoming<N> {
    pub(crate) fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match self {
            Self::H1(body) => body.poll_frame(cx).map_err(Into::into),
            Self::H2(incoming) => Pin::new(incoming).poll_frame(cx).map_err(Into::into),
        }
    }

    pub(crate) fn is_end_stream(&self) -> bool {
        match self {
            Self::H1(body) => body.is_end_stream(),
            Self::H2(incoming) => incoming.is_end_stream(),
        }
    }

    pub(crate) fn size_hint(&self) -> SizeHint {
        match self {
            Self::H1(body) => body.size_hint(),
            Self::H2(incoming) => incoming.size_hint(),
        }
    }
}
