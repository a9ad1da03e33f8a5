//! The way from the client to a server: entry, middlewares, retries.
use super::{Awaiting, Exchange, Output, SendError, answer, forward, target};
use crate::{
    cells::{CellId, Cells},
    entry_point::{EntryPoint, EntryPointId, Peer, forwarded, sanitize},
    middleware::{Context, Held, Verdict},
    plan::Plan,
    router::Route,
    router::{Router, Step},
    rule::view::View,
    time::Instant,
};
use alloc::{boxed::Box, sync::Arc};
use core::time::Duration;
use http::{HeaderMap, StatusCode, Uri, request};

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
        wait: Duration,
        /// The head as it was here, where a middleware further in edits it.
        saved: Option<Box<(Uri, HeaderMap)>>,
    },
    Held(Held, Option<CellId>),
}

/// What a middleware may look at.
pub(super) fn context<'a>(
    plan: &'a Plan,
    entry_point: EntryPointId,
    peer: &'a Peer,
    now: Instant,
    step: &Step,
) -> Context<'a> {
    let entry_point = entry_point_of(plan, entry_point);
    Context { now, peer, entry_point, cell: step.cell }
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
            return self.respond(response);
        }
        forwarded::on_entry(entry_point, &self.peer, head);
        let view = View::new(head, target::authority(head), self.peer.address.ip());
        match self.plan.route(self.entry_point, self.peer.tls, &view) {
            Route::Found(router) => self.router = Some(router),
            Route::MethodNotAllowed => {
                return self.respond(answer::empty(StatusCode::METHOD_NOT_ALLOWED));
            }
            Route::NotFound => return self.respond(answer::not_found()),
        }
        self.inward(now, cells, head)
    }

    /// Walks inwards until a middleware answers, or a server is picked.
    pub(super) fn inward<C: Cells>(
        &mut self,
        now: Instant,
        cells: &C,
        head: &mut request::Parts,
    ) -> Output {
        if let Some(router) = self.router.clone() {
            while let Some(step) = router.middlewares.get(self.depth) {
                let context = context(&self.plan, self.entry_point, &self.peer, now, step);
                match step.middleware.inward(&context, cells, head) {
                    Verdict::Continue => {}
                    Verdict::Retry { attempts, initial_interval } => {
                        self.begin_retries(&router, head, attempts, initial_interval);
                    }
                    Verdict::Hold(held) => {
                        let kind = FrameKind::Held(held, step.cell);
                        self.frames.push(Frame { depth: self.depth, kind });
                    }
                    Verdict::Respond(response) => return self.respond(response),
                }
                self.depth += 1;
            }
        }
        if self.sealed.is_none() {
            self.sealed = Some(forward::seal(&self.peer, head));
        }
        self.resolve(cells, head)
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
        let is_retry = |frame: &Frame| matches!(frame.kind, FrameKind::Retry { .. });
        if !self.frames.iter().any(is_retry) {
            return match self.another_server(cells, head) {
                Some(output) => output,
                None => self.respond(answer::status(error.status())),
            };
        }
        let left = |frame: &Frame| matches!(frame.kind, FrameKind::Retry { left: 1.., .. });
        let Some(point) = self.frames.iter().rposition(left) else {
            return self.respond(answer::status(error.status()));
        };
        self.release_to(point + 1, cells);
        let Frame { depth, kind: FrameKind::Retry { left, wait, saved } } = &mut self.frames[point]
        else {
            return self.respond(answer::status(error.status()));
        };
        *left -= 1;
        self.depth = *depth + 1;
        if let Some(saved) = saved {
            head.uri = saved.0.clone();
            head.headers = saved.1.clone();
            self.sealed = None;
        }
        let until = now + *wait;
        *wait = wait.saturating_mul(2);
        if until > now {
            self.awaiting = Awaiting::Awake;
            return Output::Sleep { until };
        }
        self.inward(now, cells, head)
    }

    fn begin_retries(
        &mut self,
        router: &Arc<Router>,
        head: &request::Parts,
        attempts: u32,
        wait: Duration,
    ) {
        let mut further_in = router.middlewares.iter().skip(self.depth + 1);
        let saved = further_in
            .any(|step| step.middleware.edits_request())
            .then(|| Box::new((head.uri.clone(), head.headers.clone())));
        let kind = FrameKind::Retry { left: attempts.saturating_sub(1), wait, saved };
        self.frames.push(Frame { depth: self.depth, kind });
    }

    /// Gives back what the frames from `first` on hold, innermost first.
    pub(super) fn release_to<C: Cells>(&mut self, first: usize, cells: &C) {
        for frame in self.frames.drain(first..).rev() {
            if let FrameKind::Held(held, cell) = frame.kind {
                held.release(cell, cells);
            }
        }
    }
}
