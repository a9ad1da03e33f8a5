//! What only some middlewares ask for: waits, checks of passwords, whole bodies, requests of the
//! proxy's own. A plain request never comes here.
use super::Running;
use crate::{
    body::{RequestBody, ResponseSource, Whole},
    net::Net,
    upstream::{Failure, Outgoing},
    verify,
};
use http::response;
use rutter_core::exchange::{BufferError, Input, Limits, Output, Question, SendError};
use tokio::time::timeout;

/// What the shell holds for the errands of one exchange.
pub(super) struct Errands<N: Net> {
    /// The latest response.
    response: Option<Box<(response::Parts, ResponseSource<N>)>>,
    /// The request's body, once it was read.
    body: Option<Whole>,
}

impl<N: Net> Default for Errands<N> {
    fn default() -> Self {
        Self { response: None, body: None }
    }
}

impl<N: Net> Errands<N> {
    /// Keeps a response for what is to be done with it.
    pub(super) fn response(
        errands: &mut Option<Box<Self>>,
        response: Option<Box<(response::Parts, ResponseSource<N>)>>,
    ) {
        if response.is_some() {
            errands.get_or_insert_default().response = response;
        }
    }

    /// The latest response, if there is one.
    pub(super) fn take_response(
        errands: &mut Option<Box<Self>>,
    ) -> Option<(response::Parts, ResponseSource<N>)> {
        errands.as_mut()?.response.take().map(|response| *response)
    }

    /// Does one, and says what comes next. `None`: what it needs is not there, which is a fault of ours.
    pub(super) async fn run(
        &mut self,
        running: &mut Running<N>,
        errand: Output,
        request: &mut Option<Box<Outgoing>>,
    ) -> Option<Output> {
        match errand {
            Output::Sleep { until } => {
                running.worker.clock.sleep_until(until).await;
                Some(running.handle(Input::Awake(&mut request.as_mut()?.head)))
            }
            Output::Verify(credentials) => {
                let right = verify::verify(&running.worker, credentials).await;
                Some(running.handle(Input::Verified(&mut request.as_mut()?.head, right)))
            }
            Output::Buffer(limits) => {
                let outgoing = request.as_mut()?;
                let read = read_request(running, outgoing, limits).await;
                let read = read.map(|whole| self.body.insert(whole).bytes());
                Some(running.handle(Input::Buffered(&mut outgoing.head, read)))
            }
            Output::Ask(question) => {
                let answer = ask(running, question).await;
                let head = &mut request.as_mut()?.head;
                Some(match answer {
                    Err(error) => running.handle(Input::Asked(head, Err(error))),
                    Ok(response) => {
                        let response = self.response.insert(Box::new(response));
                        running.handle(Input::Asked(head, Ok(&mut response.0)))
                    }
                })
            }
            Output::Collect { limits, gunzip } => {
                let (mut head, source) = *self.response.take()?;
                let read = read_response(running, source.decoded(gunzip), limits).await;
                let read = read.map(|whole| (whole.bytes(), ResponseSource::whole(&whole)));
                let output = running.handle(Input::Collected(
                    &mut head,
                    read.as_ref().map(|(bytes, _)| *bytes).map_err(|error| *error),
                ));
                self.response = read.ok().map(|(_, source)| Box::new((head, source)));
                Some(output)
            }
            Output::Again { head, body } => {
                self.response = None;
                let body = match &self.body {
                    Some(whole) if body => RequestBody::whole(whole),
                    _ => RequestBody::empty(),
                };
                let outgoing = request.insert(Box::new(Outgoing { head: *head, body }));
                Some(running.handle(Input::Again(&mut outgoing.head)))
            }
            Output::Send { .. } | Output::Respond(_) | Output::Deliver(_) | Output::Done { .. } => {
                None
            }
        }
    }
}

/// Reads a request's body whole, and puts what was read in its place.
async fn read_request<N: Net>(
    running: &Running<N>,
    outgoing: &mut Outgoing,
    limits: Limits,
) -> Result<Whole, BufferError> {
    let body = &mut outgoing.body;
    let net = running.worker.upstreams.net();
    let whole = Whole::read(net, limits, |cx| body.poll_next(cx)).await?;
    outgoing.body = RequestBody::whole(&whole);
    Ok(whole)
}

async fn read_response<N: Net>(
    running: &Running<N>,
    mut source: ResponseSource<N>,
    limits: Limits,
) -> Result<Whole, BufferError> {
    let net = running.worker.upstreams.net();
    Whole::read(net, limits, |cx| source.poll_frame(cx)).await
}

async fn ask<N: Net>(
    running: &Running<N>,
    question: Box<Question>,
) -> Result<(response::Parts, ResponseSource<N>), SendError> {
    let Question { server, head, timeout: limit } = *question;
    let outgoing = Box::new(Outgoing { head, body: RequestBody::empty() });
    match timeout(limit, running.worker.upstreams.send(&server, outgoing)).await {
        Ok(Ok((head, incoming))) => Ok((head, ResponseSource::new(incoming, false))),
        Ok(Err(Failure::Unsent(_, error) | Failure::Gone(error))) => Err(error),
        Err(_) => Err(SendError::Timeout),
    }
}
