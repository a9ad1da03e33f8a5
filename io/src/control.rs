//! What happens beside the traffic: providers' messages become plans, servers are checked.
use crate::{
    clock::Clock,
    files::Files,
    log::CONFIGURATION,
    net::Net,
    proxy::Proxy,
    upstream::{Configs, probe, tls},
};
use foldhash::fast::FixedState;
use futures_util::{StreamExt, stream::FuturesUnordered};
use rutter_core::{
    diagnostic::{Diagnostic, Severity},
    machine::Machine,
    plan::compile::compile,
    provider::{
        Configurations, Message,
        aggregator::{self, Aggregator},
        internal::INTERNAL,
    },
    service::{
        health_check::{self, HealthChecker, Probe, Target},
        transport::TransportId,
    },
};
use std::{
    collections::{BTreeSet, HashSet},
    sync::{Arc, atomic::Ordering},
};
use tokio::sync::mpsc;

/// Runs until the proxy was told to terminate.
pub(crate) async fn run<N: Net>(
    proxy: Arc<Proxy>,
    net: N,
    clock: Clock,
    mut messages: mpsc::Receiver<Message>,
) {
    let mut control = Control {
        aggregator: Aggregator::new(proxy.settings.throttle),
        checker: HealthChecker::default(),
        files: Files::default(),
        known: HashSet::default(),
        tls: Configs::default(),
        proxy: Arc::clone(&proxy),
        clock,
    };
    let mut stop = proxy.stop.subscribe();
    let own = Arc::new(proxy.settings.internal.configuration());
    let message = Message { provider: INTERNAL.into(), configuration: own };
    control.aggregator.handle(clock.now(), message);
    let mut probes = FuturesUnordered::new();
    let mut looks = FuturesUnordered::new();
    let mut open = true;
    loop {
        if let Some(look) = control.files.look(clock.now()) {
            looks.push(net.offload(look));
        }
        while let Some(output) = control.aggregator.poll_output() {
            control.apply(output);
        }
        while let Some(output) = control.checker.poll_output() {
            if let Some(probe) = control.checked(output) {
                probes.push(send(&net, control.tls(&probe), probe));
            }
        }
        let timeouts = [
            control.aggregator.poll_timeout(),
            control.checker.poll_timeout(),
            control.files.poll_timeout(),
        ];
        let due = timeouts.into_iter().flatten().min();
        let alarm = async {
            match due {
                Some(due) => clock.sleep_until(due).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            // The sender is part of the proxy, which outlives this.
            _ = stop.wait_for(|stop| *stop) => return,
            message = messages.recv(), if open => match message {
                Some(message) => {
                    if let Some(message) = control.files.take(message) {
                        control.aggregator.handle(clock.now(), message);
                    }
                }
                None => open = false,
            },
            Some(seen) = looks.next() => {
                for message in control.files.seen(clock.now(), seen) {
                    control.aggregator.handle(clock.now(), message);
                }
            }
            Some((target, up)) = probes.next() => {
                control.checker.handle(clock.now(), health_check::Input::Probed { target, up });
            }
            () = alarm => {
                control.aggregator.handle_timeout(clock.now());
                control.checker.handle_timeout(clock.now());
            }
        }
    }
}

async fn send<N: Net>(net: &N, tls: Arc<tls::Configs>, probe: Probe) -> (Target, bool) {
    let target = probe.target;
    (target, probe::probe(net, &tls, probe).await)
}

struct Control {
    proxy: Arc<Proxy>,
    clock: Clock,
    aggregator: Aggregator,
    checker: HealthChecker,
    files: Files,
    /// What was wrong with the plan in force: it is told once.
    known: HashSet<Diagnostic, FixedState>,
    /// For probes of servers with settings of their own.
    tls: Configs,
}

impl Control {
    fn apply(&mut self, output: aggregator::Output) {
        match output {
            aggregator::Output::Same { provider } => {
                tracing::debug!(provider = &*provider, "configuration is unchanged");
            }
            aggregator::Output::Apply { changed, configurations } => {
                self.compile(&configurations);
                tracing::info!(providers = %changed.join(", "), "configuration applied");
            }
        }
    }

    fn compile(&mut self, configurations: &Configurations) {
        let previous = self.proxy.plan();
        let settings = self.proxy.plan_settings();
        let (plan, diagnostics) = compile(Some(&previous), &settings, configurations);
        self.report(diagnostics);
        let checked = plan.checked();
        let servers = checked.iter().flat_map(|it| &it.service.servers);
        let used: BTreeSet<TransportId> =
            servers.filter_map(|it| it.transport.as_ref()).map(|it| it.id()).collect();
        self.tls.keep(|id| used.contains(&id));
        self.proxy.publish(Arc::new(plan));
        self.proxy.counters.plans.fetch_add(1, Ordering::Relaxed);
        self.checker.handle(self.clock.now(), health_check::Input::Services(checked));
    }

    fn report(&mut self, diagnostics: Vec<Diagnostic>) {
        for diagnostic in diagnostics.iter().filter(|it| !self.known.contains(*it)) {
            match diagnostic.severity {
                Severity::Warning => tracing::warn!(target: CONFIGURATION, "{diagnostic}"),
                Severity::Error => tracing::error!(target: CONFIGURATION, "{diagnostic}"),
            }
        }
        self.known = diagnostics.iter().cloned().collect();
        self.proxy.findings.send_replace(diagnostics.into());
    }

    /// What a probe's connection is made with.
    fn tls(&self, probe: &Probe) -> Arc<tls::Configs> {
        let own = probe.transport.as_ref().map(|transport| self.tls.get(transport));
        own.unwrap_or_else(|| Arc::clone(&self.proxy.tls))
    }

    /// Returns a probe that is to be sent.
    fn checked(&self, output: health_check::Output) -> Option<Probe> {
        match output {
            health_check::Output::Probe(probe) => Some(probe),
            health_check::Output::Changed { target, up } => {
                self.tell(target, up);
                self.proxy.live.load().cells.set_health(target, up);
                None
            }
        }
    }

    fn tell(&self, target: Target, up: bool) {
        let plan = self.proxy.plan();
        let Some((_, service)) = plan.cells.healths.get(target.health.0) else { return };
        let server = service.servers.get(target.server as usize).map_or("", |it| &*it.url);
        if up {
            tracing::info!(service = &*service.name, server, "health check: up");
        } else {
            tracing::warn!(service = &*service.name, server, "health check: down");
        }
    }
}
