//! Black-box tests of the built `rutter` binary; see `tests/`.
