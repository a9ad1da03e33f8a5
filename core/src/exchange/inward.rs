//! The way from the client to a server: entry, middlewares, retries.
use super::{Awaiting, Exchange, Output, SendError, answer, forward, rewind::Saved, target};
use crate::{
    cells::{CellId, Cells},
    entry_point::{EntryPoint, EntryPointId, Peer, forwarded, sanitize},
    middleware::{Context, Kept, Middleware, Verdict},
    plan::Plan,
    router::{Route, Step},
    rule::view::View,
    time::Instant,
};
use alloc::borrow::Cow;
use core::time::Duration;
use http::{StatusCode, request};

/// What a middleware left behind for the way back, and its position.
#[derive(Debug)]
pub(super) struct Frame {
    depth: usize,
    kind: FrameKind,
}

#[derive(Debug)]
enum FrameKind {
    Retry {
        left: u32,
        /// Before the next try.
        wait: Duration,
        wait_max: Duration,
        /// What was here of the head that middlewares further in edit.
        saved: Saved,
    },
    Kept(Kept, Option<CellId>),
}

impl Frame {
    const fn is_retry(&self) -> bool {
        matches!(self.kind, FrameKind::Retry { .. })
    }

    /// Whether it is of a middleware further in than a position.
    pub(super) const fn is_beyond(&self, depth: usize) -> bool {
        depth < self.depth
    }

    /// What the middleware at a position kept.
    pub(super) const fn kept_at(&mut self, depth: usize) -> Option<&mut Kept> {
        match &mut self.kind {
            FrameKind::Kept(kept, _) if self.depth == depth => Some(kept),
            FrameKind::Kept(..) | FrameKind::Retry { .. } => None,
        }
    }
}

/// What a middleware may look at.
pub(super) fn context<'a>(exchange: &'a Exchange, now: Instant, step: &Step) -> Context<'a> {
    let Exchange { plan, entry_point, peer, entropy, .. } = exchange;
    Context { cell: step.cell, ..context_of(plan, *entry_point, peer, *entropy, now) }
}

/// The same for a middleware without a cell.
pub(super) fn context_of<'a>(
    plan: &'a Plan,
    entry_point: EntryPointId,
    peer: &'a Peer,
    entropy: u64,
    now: Instant,
) -> Context<'a> {
    let entry_point = entry_point_of(plan, entry_point);
    Context { now, peer, entry_point, entropy, cell: None }
}

fn entry_point_of(plan: &Plan, id: EntryPointId) -> &EntryPoint {
    // The shell makes exchanges only for entry points of the list that every plan was made with.
    &plan.entry_points[usize::from(id.0)]
}

impl Exchange {
    /// From the entry point to a router.
    pub(super) fn enter<C: Cells>(
        &mut self,
        now: Instant,
        cells: &C,
        head: &mut request::Parts,
    ) -> Output {
        if self.instance.is_some() {
            self.sealed = Some(forward::Sealed::default());
            return self.inward(now, cells, head);
        }
        let entry_point = entry_point_of(&self.plan, self.entry_point);
        if let Err(response) = sanitize::on_entry(entry_point, head) {
            return self.respond(now, cells, response);
        }
        forwarded::on_entry(entry_point, &self.peer, head);
        let view = View::new(head, target::authority(head), self.peer.address.ip());
        if self.is_misdirected(view.host()) {
            let status = StatusCode::MISDIRECTED_REQUEST;
            return self.respond(now, cells, answer::status(status));
        }
        match self.plan.route(self.entry_point, self.peer.tls, &view) {
            Route::Found(router) => self.router = Some(router),
            Route::MethodNotAllowed => {
                return self.respond(now, cells, answer::empty(StatusCode::METHOD_NOT_ALLOWED));
            }
            Route::NotFound => return self.respond(now, cells, answer::not_found()),
        }
        self.inward(now, cells, head)
    }

    /// Whether TLS is spoken under other options than the host needs. Compat: tls.md "Domain fronting".
    fn is_misdirected(&self, host: &str) -> bool {
        let Some(spoken) = &self.peer.tls_options else { return false };
        let lower = host.bytes().any(|byte| byte.is_ascii_uppercase());
        let host = if lower { Cow::Owned(host.to_ascii_lowercase()) } else { Cow::Borrowed(host) };
        let table = self.plan.connections(self.entry_point);
        table.is_some_and(|table| table.is_misdirected(spoken, &host))
    }

    /// Walks inwards until a middleware wants something else, or a server is picked.
    pub(super) fn inward<C: Cells>(
        &mut self,
        now: Instant,
        cells: &C,
        head: &mut request::Parts,
    ) -> Output {
        if let Some(router) = self.router.clone() {
            while let Some(step) = router.middlewares.get(self.depth) {
                let verdict = step.middleware.inward(&context(self, now, step), cells, head);
                if matches!(verdict, Verdict::Continue) {
                    self.depth += 1;
                    continue;
                }
                if let Some(output) = self.obey(now, cells, step, verdict, head) {
                    return output;
                }
            }
        }
        if self.sealed.is_none() {
            let tries = self.frames.iter().any(Frame::is_retry);
            let before = tries.then_some(&mut self.before_seal);
            self.sealed = Some(forward::seal(&self.peer, head, before));
        }
        self.resolve(now, cells, head)
    }

    /// The middleware that the request stands at.
    pub(super) fn step(&self) -> Option<Step> {
        let step = self.router.as_ref()?.middlewares.get(self.depth);
        debug_assert!(step.is_some(), "only a middleware asks for what is answered");
        step.cloned()
    }

    /// Tells the middleware that the request stands at what came of its wish.
    pub(super) fn inform<C: Cells>(
        &mut self,
        now: Instant,
        cells: &C,
        head: &mut request::Parts,
        tell: impl FnOnce(&Middleware, &Context<'_>, &mut request::Parts) -> Verdict,
    ) -> Output {
        let Some(step) = self.step() else {
            return self.respond(now, cells, answer::status(StatusCode::INTERNAL_SERVER_ERROR));
        };
        let verdict = tell(&step.middleware, &context(self, now, &step), head);
        self.follow(now, cells, &step, verdict, head)
    }

    /// Does what the middleware at the request's position says, and walks on where it says so.
    pub(super) fn follow<C: Cells>(
        &mut self,
        now: Instant,
        cells: &C,
        step: &Step,
        verdict: Verdict,
        head: &mut request::Parts,
    ) -> Output {
        match self.obey(now, cells, step, verdict, head) {
            Some(output) => output,
            None => self.inward(now, cells, head),
        }
    }

    /// Does what the middleware at the request's position says. `None`: on to the next.
    fn obey<C: Cells>(
        &mut self,
        now: Instant,
        cells: &C,
        step: &Step,
        verdict: Verdict,
        head: &request::Parts,
    ) -> Option<Output> {
        let (awaiting, output) = match verdict {
            Verdict::Continue => {
                self.depth += 1;
                return None;
            }
            Verdict::Keep(kept) => {
                let kind = FrameKind::Kept(kept, step.cell);
                self.frames.push(Frame { depth: self.depth, kind });
                self.depth += 1;
                return None;
            }
            Verdict::Known { user } => {
                self.user = Some(user);
                self.depth += 1;
                return None;
            }
            Verdict::Retry { attempts, initial_interval } => {
                self.begin_retries(head, attempts, initial_interval);
                self.depth += 1;
                return None;
            }
            Verdict::Respond(response) => return Some(self.respond(now, cells, response)),
            Verdict::Deliver => {
                debug_assert!(false, "there is no response to deliver");
                let response = answer::status(StatusCode::INTERNAL_SERVER_ERROR);
                return Some(self.respond(now, cells, response));
            }
            Verdict::Sleep { until } => {
                self.depth += 1;
                (Awaiting::Awake, Output::Sleep { until })
            }
            Verdict::Verify(credentials) => (Awaiting::Verified, Output::Verify(credentials)),
            Verdict::Buffer(limits) => (Awaiting::Buffered, Output::Buffer(limits)),
            Verdict::Ask(question) => (Awaiting::Asked, Output::Ask(question)),
        };
        self.awaiting = awaiting;
        Some(output)
    }

    /// Nothing was processed: tries again where that is allowed.
    ///
    /// The innermost `retry` with a try left decides. Without any, another server of the same load
    /// balancer is tried, so that one that is down does not cost a request.
    pub(super) fn unsent<C: Cells>(
        &mut self,
        now: Instant,
        cells: &C,
        head: &mut request::Parts,
        error: SendError,
    ) -> Output {
        if self.page.is_some() || !self.frames.iter().any(Frame::is_retry) {
            return match self.another_server(cells, head) {
                Some(output) => output,
                None => self.respond(now, cells, answer::status(error.status())),
            };
        }
        let left = |frame: &Frame| matches!(frame.kind, FrameKind::Retry { left: 1.., .. });
        let Some(point) = self.frames.iter().rposition(left) else {
            return self.respond(now, cells, answer::status(error.status()));
        };
        for frame in self.frames.iter_mut().skip(point + 1) {
            if let FrameKind::Kept(kept, _) = &mut frame.kind {
                kept.failed(error.status());
            }
        }
        self.release_to(point + 1, now, cells);
        self.unseal(&mut head.headers);
        let Frame { depth, kind: FrameKind::Retry { left, wait, wait_max, saved } } =
            &mut self.frames[point]
        else {
            return self.respond(now, cells, answer::status(error.status()));
        };
        *left -= 1;
        self.depth = *depth + 1;
        let further_in = self.router.as_ref().and_then(|it| it.middlewares.get(self.depth..));
        saved.restore(head, further_in.unwrap_or(&[]));
        let until = now + *wait;
        *wait = wait.saturating_mul(2).min(*wait_max);
        if until > now {
            self.awaiting = Awaiting::Awake;
            return Output::Sleep { until };
        }
        self.inward(now, cells, head)
    }

    fn begin_retries(&mut self, head: &request::Parts, attempts: u32, wait: Duration) {
        let router = self.router.as_ref().filter(|_| attempts > 1);
        let further_in = router.and_then(|router| router.middlewares.get(self.depth + 1..));
        let saved = Saved::new(head, further_in.unwrap_or(&[]));
        let (left, wait_max) = (attempts.saturating_sub(1), wait.saturating_mul(2));
        let kind = FrameKind::Retry { left, wait, wait_max, saved };
        self.frames.push(Frame { depth: self.depth, kind });
    }

    /// Gives back what the frames from `first` on hold, innermost first.
    pub(super) fn release_to<C: Cells>(&mut self, first: usize, now: Instant, cells: &C) {
        for frame in self.frames.drain(first..).rev() {
            if let FrameKind::Kept(kept, cell) = frame.kind {
                kept.release(now, cell, cells);
            }
        }
    }

    /// Gives back what the middlewares further in than `depth` hold.
    pub(super) fn release_after<C: Cells>(&mut self, depth: usize, now: Instant, cells: &C) {
        let first = self.frames.partition_point(|frame| frame.depth <= depth);
        self.release_to(first, now, cells);
    }
}
