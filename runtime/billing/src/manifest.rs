//! The manifest: text -> typed model, every problem at once with its place.
