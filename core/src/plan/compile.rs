//! Configuration to plan, reusing every part of the previous plan that did not change.
