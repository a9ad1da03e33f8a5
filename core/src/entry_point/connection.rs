//! When a client connection has been quiet for too long, with time as input.
