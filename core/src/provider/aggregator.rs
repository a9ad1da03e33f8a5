//! At most one message per provider and throttle interval, the latest winning: a machine.
