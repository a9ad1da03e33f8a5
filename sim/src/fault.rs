//! Hardship: partitions, held links, crashes.
use crate::{log::Log, net::Topology};
use std::{cell::RefCell, rc::Rc};

/// What only the world can do, between two steps.
#[derive(Debug)]
pub(crate) enum Command {
    Crash(String),
    Bounce(String),
    Loss(String, String, u32),
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

    /// Breaks the link between two hosts this often in a thousand packets, for a packet or two, from
    /// the end of this millisecond. Established connections that lose one never recover.
    pub fn loss(&self, a: &str, b: &str, per_mille: u32) {
        self.commands.borrow_mut().push(Command::Loss(a.to_owned(), b.to_owned(), per_mille));
    }
}
