//! A serde deserializer over [`super::Node`]: case-insensitive options, weak scalars, unknown keys
//! reported with their path.
