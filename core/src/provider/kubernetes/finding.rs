//! What is wrong with an object of the cluster: a line in the log, and an Event on the object.
use super::resource::ObjectRef;
use crate::diagnostic::Severity;
use alloc::string::String;
use core::fmt;

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Finding {
    /// The object it is about.
    pub object: ObjectRef,
    /// How bad.
    pub severity: Severity,
    /// The option inside the object, e.g. `spec.routes[0].services[1]`; may be empty.
    pub path: String,
    /// What is wrong and what to do, one line.
    pub message: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.severity {
            Severity::Warning => "warning: ",
            Severity::Error => "error: ",
        })?;
        write!(f, "{}: ", self.object)?;
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.message)
    }
}
