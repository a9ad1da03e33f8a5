//! The way from a response to the client: middlewares outwards, pages in the place of errors, another
//! try.
use super::{
    Awaiting, BufferError, Delivery, Exchange, Output, SendError, answer, forward, inward,
};
use crate::{
    cells::Cells,
    middleware::{Answer, Origin, Reaction, Verdict},
    service::Instance,
    time::Instant,
};
use alloc::{boxed::Box, sync::Arc};
use bytes::Bytes;
use http::{
    HeaderValue, Response, StatusCode,
    header::{CONTENT_LENGTH, SET_COOKIE},
    request, response,
};

impl Exchange {
    /// A server answered.
    pub(super) fn received<C: Cells>(
        &mut self,
        now: Instant,
        cells: &C,
        head: &mut response::Parts,
    ) -> Output {
        self.delivery = forward::open(self.sealed.unwrap_or_default(), head);
        for cookie in self.cookies.drain(..) {
            head.headers.append(SET_COOKIE, cookie);
        }
        self.origin = match self.page {
            None => Origin::Server,
            Some(status) => {
                head.status = status;
                Origin::Page
            }
        };
        self.deliver(now, cells, head)
    }

    /// Answers on our own account. The response passes the middlewares that the request is inside of.
    pub(super) fn respond<C: Cells>(
        &mut self,
        now: Instant,
        cells: &C,
        response: Response<Bytes>,
    ) -> Output {
        let (mut head, body) = response.into_parts();
        if let Some(status) = self.page {
            head.status = status;
        }
        self.origin = Origin::Proxy;
        self.delivery = Delivery::default();
        if let Some(output) = self.walk_out(now, cells, &mut head, true) {
            return output;
        }
        self.awaiting = Awaiting::End;
        Output::Respond(Response::from_parts(head, body))
    }

    /// What a middleware asked for was answered.
    pub(super) fn asked<C: Cells>(
        &mut self,
        now: Instant,
        cells: &C,
        head: &mut request::Parts,
        mut answer: Result<&mut response::Parts, SendError>,
    ) -> Output {
        let Some(step) = self.step() else {
            return self.respond(now, cells, answer::status(StatusCode::INTERNAL_SERVER_ERROR));
        };
        let context = inward::context(self, now, &step);
        let lent = answer.as_mut().map(|head| &mut **head).map_err(|error| *error);
        let verdict = step.middleware.asked(&context, head, lent);
        match (verdict, answer) {
            (Verdict::Deliver, Ok(answer)) => {
                self.delivery = forward::open(forward::Sealed::default(), answer);
                self.origin = Origin::Proxy;
                self.deliver(now, cells, answer)
            }
            (verdict, _) => self.follow(now, cells, &step, verdict, head),
        }
    }

    /// The body of a response that a middleware wanted whole is there.
    pub(super) fn collected<C: Cells>(
        &mut self,
        now: Instant,
        cells: &C,
        head: &mut response::Parts,
        read: Result<u64, BufferError>,
    ) -> Output {
        self.delivery.gunzip = false;
        match read {
            Ok(bytes) => {
                head.headers.insert(CONTENT_LENGTH, HeaderValue::from(bytes));
                self.deliver(now, cells, head)
            }
            Err(BufferError::Broken) => {
                self.respond(now, cells, answer::status(StatusCode::BAD_GATEWAY))
            }
            Err(BufferError::TooLong | BufferError::Storage) => {
                self.respond(now, cells, answer::status(StatusCode::INTERNAL_SERVER_ERROR))
            }
        }
    }

    /// The shell has the head that [`Output::Again`] gave it.
    pub(super) fn again<C: Cells>(
        &mut self,
        now: Instant,
        cells: &C,
        head: &mut request::Parts,
    ) -> Output {
        self.before_seal.clear();
        self.lent_authorization = false;
        if self.page.is_some() {
            self.sealed = Some(forward::seal(&self.peer, head, None));
            return self.resolve(now, cells, head);
        }
        self.sealed = None;
        self.inward(now, cells, head)
    }

    fn deliver<C: Cells>(&mut self, now: Instant, cells: &C, head: &mut response::Parts) -> Output {
        let whole = self.sealed.is_some_and(|sealed| sealed.is_bodiless(head.status));
        if let Some(output) = self.walk_out(now, cells, head, whole) {
            return output;
        }
        self.awaiting = Awaiting::End;
        Output::Deliver(self.delivery)
    }

    /// Walks outwards from where the exchange stands. `None`: the client is reached. A `whole` body is
    /// never waited for.
    fn walk_out<C: Cells>(
        &mut self,
        now: Instant,
        cells: &C,
        head: &mut response::Parts,
        whole: bool,
    ) -> Option<Output> {
        let router = self.router.as_ref()?;
        let mut context =
            inward::context_of(&self.plan, self.entry_point, &self.peer, self.entropy, now);
        let mut frame = self.frames.len();
        while let Some(at) = self.depth.checked_sub(1) {
            let step = router.middlewares.get(at)?;
            context.cell = step.cell;
            // `frame` starts at the length and only falls.
            while self.frames[..frame].last().is_some_and(|inner| inner.is_beyond(at)) {
                frame -= 1;
            }
            let kept = self.frames[..frame].last_mut().and_then(|inner| inner.kept_at(at));
            let delivery = &mut self.delivery;
            let mut answer = Answer { head, origin: self.origin, delivery, kept };
            match step.middleware.outward(&context, cells, &mut answer) {
                Reaction::Continue => self.depth = at,
                Reaction::Collect(_) if whole => self.depth = at,
                Reaction::Collect(limits) => {
                    self.depth = at;
                    self.awaiting = Awaiting::Collected;
                    return Some(Output::Collect { limits, gunzip: self.delivery.gunzip });
                }
                Reaction::Page(page) => {
                    let service = step.service.clone();
                    return Some(self.page(now, cells, at, head.status, page, service));
                }
                Reaction::Resend(request) => {
                    self.release_after(at, now, cells);
                    self.depth = at + 1;
                    (self.page, self.instance) = (None, None);
                    self.awaiting = Awaiting::Again;
                    return Some(Output::Again { head: request, body: true });
                }
            }
        }
        None
    }

    /// Has a page fetched in the place of a response. The way out goes on from there.
    fn page<C: Cells>(
        &mut self,
        now: Instant,
        cells: &C,
        at: usize,
        status: StatusCode,
        head: Box<request::Parts>,
        service: Option<Arc<Instance>>,
    ) -> Output {
        debug_assert!(service.is_some(), "compiled with the middleware that asks for it");
        self.release_after(at, now, cells);
        self.depth = at;
        self.page = Some(status);
        self.instance = service;
        self.awaiting = Awaiting::Again;
        Output::Again { head, body: false }
    }
}
