//! From a service to a server: balancers, sticky cookies, mirrors.
use super::{Awaiting, Exchange, Leaf, Mirrored, Output, answer};
use crate::{
    cells::{BalancerId, Cells, MirrorId},
    service::{Instance, LoadBalancer, Weighted, balancer::Balancer, health::Health},
    time::Instant,
};
use alloc::{sync::Arc, vec::Vec};
use bytes::Bytes;
use http::{
    Response, StatusCode,
    header::{AUTHORIZATION, HOST},
    request,
};

/// Servers of one load balancer that a request is offered to when none processes it.
const TRIES_MAX: u32 = 3;

impl Exchange {
    /// Picks a server, or answers where there is none.
    pub(super) fn resolve<C: Cells>(
        &mut self,
        now: Instant,
        cells: &C,
        head: &mut request::Parts,
    ) -> Output {
        self.cookies.clear();
        self.leaf = None;
        let counted = self.copies.is_some();
        let mut copies = self.copies.take().unwrap_or_default();
        let instance = match (&self.instance, &self.router) {
            (Some(instance), _) => Arc::clone(instance),
            (None, Some(router)) => Arc::clone(&router.service),
            (None, None) => return self.respond(now, cells, answer::not_found()),
        };
        let mut at = &*instance;
        let leaf = loop {
            at = match at {
                Instance::Ping => break Err(pong(cells.terminating())),
                Instance::LoadBalancer { service, balancer } => {
                    break self.pick_server(cells, head, service, *balancer);
                }
                Instance::Weighted { service, balancer, children } => {
                    match self.pick_child(cells, head, service, *balancer) {
                        Some(child) if child < children.len() => &children[child],
                        _ => break Err(no_child(children.is_empty())),
                    }
                }
                Instance::Mirroring { service, mirror, main, mirrors } => {
                    if !counted && !self.sealed.unwrap_or_default().upgrade {
                        let limit = service.body_bytes_max;
                        copies.extend(chosen(cells, *mirror, mirrors, limit));
                    }
                    main
                }
            };
        };
        self.copies = Some(copies);
        match leaf {
            Ok(leaf) => {
                self.leaf = Some(leaf);
                self.send(head)
            }
            Err(response) => self.respond(now, cells, response),
        }
    }

    /// Offers a request that no server has processed to the next server of the same load balancer.
    pub(super) fn another_server<C: Cells>(
        &mut self,
        cells: &C,
        head: &mut request::Parts,
    ) -> Option<Output> {
        let mut leaf = self.leaf.take().filter(|leaf| leaf.tries < TRIES_MAX)?;
        let pick = || cells.balancer(leaf.balancer, Balancer::pick);
        // Another exchange may have moved the position, so the failed one may be next again: once.
        let next = pick().filter(|next| *next != leaf.server).or_else(pick)?;
        if next == leaf.server {
            return None;
        }
        leaf.tries += 1;
        leaf.server = next;
        // The cookie of the server that failed names the wrong one.
        if leaf.fresh {
            self.cookies.pop();
        }
        leaf.fresh = true;
        self.bind(&leaf);
        self.leaf = Some(leaf);
        Some(self.send(head))
    }

    /// Addresses the request to the picked server.
    fn send(&mut self, head: &mut request::Parts) -> Output {
        let sealed = self.sealed.unwrap_or_default();
        if let Some(leaf) = &self.leaf
            && let Some(server) = leaf.service.servers.get(leaf.server as usize)
        {
            if !leaf.service.pass_host_header {
                let client = head.headers.insert(HOST, server.host.clone());
                self.client_host = self.client_host.take().or(client);
            } else if let Some(host) = &self.client_host {
                head.headers.insert(HOST, host.clone());
            }
            if core::mem::take(&mut self.lent_authorization) {
                head.headers.remove(AUTHORIZATION);
            }
            if let Some(authorization) = &server.authorization
                && !head.headers.contains_key(AUTHORIZATION)
            {
                head.headers.insert(AUTHORIZATION, authorization.clone());
                self.lent_authorization = true;
            }
        }
        self.awaiting = Awaiting::Response;
        // Mirrors get what the client asked for, not the page that it gets instead.
        let copies = self.copies.iter().flatten().filter(|_| self.page.is_none());
        Output::Send {
            keep_body: copies.map(|copy| copy.body_bytes_max).max(),
            upgrade: sealed.upgrade,
        }
    }

    fn pick_server<C: Cells>(
        &mut self,
        cells: &C,
        head: &request::Parts,
        service: &Arc<LoadBalancer>,
        balancer: BalancerId,
    ) -> Result<Leaf, Response<Bytes>> {
        let named = service
            .sticky
            .as_ref()
            .and_then(|sticky| sticky.chosen(&head.headers))
            .and_then(|value| service.server_by_cookie(value));
        let service = Arc::clone(service);
        if let Some(index) = named
            && let Some(server) = cells.balancer(balancer, |cell, up| cell.bound(index, up))
        {
            return Ok(Leaf { service, balancer, server, tries: 1, fresh: false });
        }
        let Some(server) = cells.balancer(balancer, Balancer::pick) else {
            return Err(answer::status(StatusCode::SERVICE_UNAVAILABLE));
        };
        let leaf = Leaf { service, balancer, server, tries: 1, fresh: true };
        self.bind(&leaf);
        Ok(leaf)
    }

    /// Binds the client to a freshly picked server, if its load balancer is sticky.
    fn bind(&mut self, leaf: &Leaf) {
        let server = leaf.service.servers.get(leaf.server as usize);
        if let (Some(sticky), Some(server)) = (&leaf.service.sticky, server) {
            self.cookies.extend(sticky.set_cookie(&server.cookie));
        }
    }

    fn pick_child<C: Cells>(
        &mut self,
        cells: &C,
        head: &request::Parts,
        service: &Weighted,
        balancer: BalancerId,
    ) -> Option<usize> {
        let sticky = service.sticky.as_ref();
        let named = sticky.and_then(|sticky| sticky.chosen(&head.headers));
        if let Some(named) = named
            && let Some(child) = service.children.iter().position(|(name, _)| **name == *named)
        {
            return Some(child);
        }
        let child = cells.balancer(balancer, |cell, _| cell.pick(&Health::ALL_UP))? as usize;
        if let (Some(sticky), Some((name, _))) = (sticky, service.children.get(child)) {
            self.cookies.extend(sticky.set_cookie(name));
        }
        Some(child)
    }
}

/// Copies for the mirrors whose share it is.
fn chosen<C: Cells>(
    cells: &C,
    mirror: MirrorId,
    mirrors: &[Arc<Instance>],
    body_bytes_max: u64,
) -> Vec<Mirrored> {
    let set: u64 = cells.mirror(mirror, crate::service::mirror::Mirror::count);
    let mirrors = mirrors.iter().take(64).enumerate();
    mirrors
        .filter(|(i, _)| set >> i & 1 == 1)
        .map(|(_, instance)| Mirrored { instance: Arc::clone(instance), body_bytes_max })
        .collect()
}

fn pong(terminating: bool) -> Response<Bytes> {
    if terminating {
        answer::status(StatusCode::SERVICE_UNAVAILABLE)
    } else {
        answer::text(StatusCode::OK, "OK")
    }
}

/// Compat: services.md "weighted (HTTP)": all weights 0, or no services.
fn no_child(empty: bool) -> Response<Bytes> {
    let text = if empty {
        "Internal Server Errorno servers in the pool\n"
    } else {
        "Internal Server Errorall servers have 0 weight\n"
    };
    answer::text(StatusCode::INTERNAL_SERVER_ERROR, text)
}
