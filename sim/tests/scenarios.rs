//! Every scenario holds with every seed.
use rutter_sim::{scenario::sweep, scenarios};

#[test]
fn clients_and_upstreams_agree_without_a_proxy() {
    sweep(&scenarios::world::WORLD);
}
