//! `buffering`: bodies read whole before they go on, bounded, and requests sent again when an
//! expression says so. Compat: middlewares.md "buffering".
//!
//! The answer that grants an upgrade passes as it is: what follows is no body. Where the contract has responses go to a file from their first byte on when
//! `memResponseBodyBytes` is unset, they stay in memory up to 1 MiB as requests do.
use super::{
    Answer, Context, Edits, Kept, Options, Reaction, Verdict, Walk,
    expression::{Expression, Value},
};
use crate::{
    cells::Cells,
    exchange::{BufferError, Limits, answer},
};
use alloc::{boxed::Box, format, string::String};
use bytes::Bytes;
use function::Function;
use http::{
    HeaderName, HeaderValue, Response, StatusCode,
    header::CONTENT_LENGTH,
    request,
};
use serde::{Deserialize, Serialize};

pub mod function;

/// What stays in memory where nothing is written.
const MEMORY_BYTES: u64 = 1_048_576;

/// Times that a request is sent again at most.
const RETRIES_MAX: u32 = 10;

/// The options of `buffering`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Buffering {
    /// A longer request body is answered 413; 0 or absent: any length.
    pub max_request_body_bytes: i64,
    /// What is beyond goes to a temporary file; 0 or absent: 1 MiB.
    pub mem_request_body_bytes: i64,
    /// A longer response body is answered 500; 0 or absent: any length.
    pub max_response_body_bytes: i64,
    /// What is beyond goes to a temporary file; 0 or absent: 1 MiB.
    pub mem_response_body_bytes: i64,
    /// The condition under which a request is sent again: see [`function`]. Empty or absent: never.
    pub retry_expression: String,
}

/// Compiled `buffering`.
#[derive(Debug)]
pub struct Buffers {
    request: Limits,
    response: Limits,
    retry: Option<Expression<Function>>,
}

impl Options for Buffering {
    type Middleware = Buffers;

    fn compile(&self) -> Result<Buffers, String> {
        let max_request = size("maxRequestBodyBytes", self.max_request_body_bytes)?;
        let memory_request = size("memRequestBodyBytes", self.mem_request_body_bytes)?;
        let max_response = size("maxResponseBodyBytes", self.max_response_body_bytes)?;
        let memory_response = size("memResponseBodyBytes", self.mem_response_body_bytes)?;
        let limits = |bytes_max, memory: Option<u64>| Limits {
            bytes_max,
            memory_bytes_max: memory.unwrap_or(MEMORY_BYTES),
        };
        let retry = match self.retry_expression.as_str() {
            "" => None,
            text => Some(
                Expression::parse(text).map_err(|error| format!("retryExpression: {error}"))?,
            ),
        };
        Ok(Buffers {
            request: limits(max_request, memory_request),
            response: limits(max_response, memory_response),
            retry,
        })
    }
}

/// A number of bytes as written; none if it is 0.
fn size(option: &str, written: i64) -> Result<Option<u64>, String> {
    let bytes = u64::try_from(written)
        .map_err(|_| format!("{option} must not be negative ({written})"))?;
    Ok((bytes > 0).then_some(bytes))
}

impl Walk for Buffers {
    fn inward<C: Cells>(&self, _: &Context<'_>, _: &C, head: &mut request::Parts) -> Verdict {
        let declared = head.headers.get(CONTENT_LENGTH).and_then(|it| it.to_str().ok()?.parse().ok());
        match (declared, self.request.bytes_max) {
            (Some(bytes), Some(max)) if max < bytes => Verdict::Respond(too_large()),
            _ => Verdict::Buffer(self.request),
        }
    }

    fn buffered(
        &self,
        _: &Context<'_>,
        head: &mut request::Parts,
        read: Result<u64, BufferError>,
    ) -> Verdict {
        match read {
            Ok(bytes) => {
                if bytes > 0 || head.headers.contains_key(CONTENT_LENGTH) {
                    head.headers.insert(CONTENT_LENGTH, HeaderValue::from(bytes));
                }
                match self.retry {
                    Some(_) => Verdict::Keep(Kept::Buffered(Box::new(head.clone()), 1)),
                    None => Verdict::Continue,
                }
            }
            Err(BufferError::TooLong) => Verdict::Respond(too_large()),
            Err(BufferError::Broken) => Verdict::Respond(answer::status(StatusCode::BAD_REQUEST)),
            Err(BufferError::Storage) => {
                Verdict::Respond(answer::status(StatusCode::INTERNAL_SERVER_ERROR))
            }
        }
    }

    fn outward<C: Cells>(&self, _: &Context<'_>, _: &C, answer: &mut Answer<'_>) -> Reaction {
        let status = answer.head.status;
        if status == StatusCode::SWITCHING_PROTOCOLS {
            return Reaction::Continue;
        }
        if let Some(Kept::Buffered(head, attempts)) = &mut answer.kept
            && *attempts <= RETRIES_MAX
            && self.wants_again(head, *attempts, status)
        {
            *attempts += 1;
            return Reaction::Resend(head.clone());
        }
        Reaction::Collect(self.response)
    }

    fn edits(&self) -> Edits<'_> {
        static LENGTH: [HeaderName; 1] = [CONTENT_LENGTH];
        Edits::Fields(&LENGTH)
    }
}

impl Buffers {
    fn wants_again(&self, head: &request::Parts, attempts: u32, status: StatusCode) -> bool {
        self.retry.as_ref().is_some_and(|condition| {
            condition.holds(&mut |function| match function {
                Function::Attempts => Value::Whole(attempts.into()),
                Function::ResponseCode => Value::Whole(status.as_u16().into()),
                Function::RequestMethod => Value::Text(head.method.as_str()),
                Function::IsNetworkError => {
                    Value::Truth(matches!(status.as_u16(), 502 | 504))
                }
            })
        })
    }
}

fn too_large() -> Response<Bytes> {
    answer::text(StatusCode::PAYLOAD_TOO_LARGE, "Request Entity Too Large")
}

#[cfg(test)]
mod tests;
