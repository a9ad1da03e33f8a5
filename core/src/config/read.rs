//! Tree to dynamic configuration: each object on its own, so that a broken one takes only itself out.
