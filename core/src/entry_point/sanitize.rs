//! Paths made safe before routing. Compat: http.md Host / path safety.
