//! X-Forwarded-* headers at the entry point. Compat: http.md Forwarded headers.
