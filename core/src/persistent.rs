//! Maps whose clones share what did not change.
//!
//! A plan is made from the one before, so its maps are copied at every reload; what a copy costs must
//! follow the change, not the size.

pub(crate) mod names;
pub(crate) mod sorted;
