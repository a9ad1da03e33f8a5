//! The internal provider: routers that the static configuration implies, such as ping.
