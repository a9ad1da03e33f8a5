//! What the process itself offers as services, and its routers to them.
/// The provider's name.
pub const INTERNAL: &str = "internal";
