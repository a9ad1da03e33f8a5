//! PROXY protocol v1 and v2 headers, read from bytes in any fragmentation. Compat: http.md PROXY protocol.
