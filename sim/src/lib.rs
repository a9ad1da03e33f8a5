//! The Rutter shell on a simulated network: seeded scenarios, faults and checks.
