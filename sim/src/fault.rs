//! Hardship: partitions, held links, crashes.
use crate::{log::Log, net::Topology};
use std::{cell::RefCell, rc::Rc};

/// What only the world can do, between two steps.
#[derive(Debug)]
pub(crate) enum Command {
    Crash(String),
    Bounce(String),
}

/// Causes faults from inside of a client. All clones act on the same world.
#[derive(Clone, Debug)]
pub struct Faults {
    pub(crate) log: Log,
    pub(crate) topology: Topology,
    pub(crate) commands: Rc<RefCell<Vec<Command>>>,
}

impl Faults {
    /// Loses every packet between two hosts from now on, and those under way. Established
    /// connections that lost one never recover: simulated TCP does not retransmit.
    pub fn partition(&self, a: &str, b: &str) {
        self.log.note("fault", format_args!("partition {a} | {b}"));
        self.topology.cut(a, b, true);
        turmoil::partition(a, b);
    }

    /// Ends a partition.
    pub fn repair(&self, a: &str, b: &str) {
        self.log.note("fault", format_args!("repair {a} - {b}"));
        self.topology.cut(a, b, false);
        turmoil::repair(a, b);
    }

    /// Keeps back every packet between two hosts until it is released.
    pub fn hold(&self, a: &str, b: &str) {
        self.log.note("fault", format_args!("hold {a} | {b}"));
        turmoil::hold(a, b);
    }

    /// Delivers what was held, and ends the hold.
    pub fn release(&self, a: &str, b: &str) {
        self.log.note("fault", format_args!("release {a} - {b}"));
        turmoil::release(a, b);
    }

    /// Ends a host's software at the end of this millisecond; its peers see their connections end.
    pub fn crash(&self, host: &str) {
        self.commands.borrow_mut().push(Command::Crash(host.to_owned()));
    }

    /// Starts a host's software anew at the end of this millisecond.
    pub fn bounce(&self, host: &str) {
        self.commands.borrow_mut().push(Command::Bounce(host.to_owned()));
    }
}
