//! Every scenario holds with every seed.
use rutter_sim::{scenario::sweep, scenarios::*};

#[test]
fn clients_and_upstreams_agree_without_a_proxy() {
    sweep(&world::WORLD);
}

#[test]
fn weighted_round_robin_is_exact_over_connections_and_workers() {
    sweep(&weighted::WEIGHTED);
}

#[test]
fn mirrors_get_their_exact_share_and_disturb_nobody() {
    sweep(&mirroring::MIRRORING);
}

#[test]
fn reloads_under_load_lose_nothing() {
    sweep(&reload::RELOAD);
}

#[test]
fn a_body_that_broke_off_is_never_passed_for_a_whole_one() {
    sweep(&upstream_crash::UPSTREAM_CRASH);
}

#[test]
fn a_partitioned_server_is_taken_out_and_back() {
    sweep(&partition::PARTITION);
}

#[test]
fn slow_clients_are_served_or_cut_off_in_time() {
    sweep(&slow_client::SLOW_CLIENT);
}

#[test]
fn a_late_response_head_is_a_504_and_its_connection_is_done() {
    sweep(&slow_upstream::SLOW_UPSTREAM);
}

#[test]
fn a_shutdown_finishes_what_has_begun() {
    sweep(&shutdown::SHUTDOWN);
}

#[test]
fn only_what_no_server_has_seen_is_sent_again() {
    sweep(&failover::FAILOVER);
}

#[test]
fn an_answer_before_the_request_was_read_gets_through() {
    sweep(&early_answer::EARLY_ANSWER);
}

#[test]
fn middlewares_rewrite_each_request_as_its_router_says() {
    sweep(&rewriting::REWRITING);
}

#[test]
fn nobody_passes_who_may_not() {
    sweep(&admission::ADMISSION);
}

#[test]
fn rates_places_and_breakers_hold_over_connections_and_workers() {
    sweep(&limits::LIMITS);
}

#[test]
fn bodies_in_the_hands_of_middlewares_stay_whole() {
    sweep(&bodies::BODIES);
}

#[test]
fn datagrams_of_a_session_go_to_one_server_and_back_to_their_client() {
    sweep(&udp::UDP);
}

#[test]
fn after_a_storm_there_is_calm() {
    sweep(&storm::STORM);
}

#[test]
fn a_new_certificate_is_shown_to_whoever_comes_after_it() {
    sweep(&certificates::CERTIFICATES);
}

#[test]
fn a_handshake_killed_at_any_byte_is_over_in_time() {
    sweep(&handshakes::HANDSHAKES);
}

#[test]
fn tcp_services_get_their_shares_and_every_byte() {
    sweep(&relay::RELAY);
}

#[test]
fn whatever_happens_on_the_way_the_routing_is_that_of_the_last_list() {
    sweep(&convergence::CONVERGENCE);
}

#[test]
fn a_rolling_update_under_load_costs_no_request() {
    sweep(&rollout::ROLLOUT);
}

#[test]
fn without_an_api_server_the_last_state_is_served() {
    sweep(&outage::OUTAGE);
}

#[test]
fn watches_that_flap_lose_nothing_and_load_nobody() {
    sweep(&flapping::FLAPPING);
}

#[test]
fn of_several_replicas_one_writes_at_a_time() {
    sweep(&leaders::LEADERS);
}
