//! Scalars with a syntax of their own: durations.
/// A time span as written: Go syntax (`1h5m`, `300ms`), or a bare number of seconds.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    serde::Deserialize,
    serde::Serialize,
)]
pub struct Duration(pub core::time::Duration);
