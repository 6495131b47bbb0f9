//! The manifest: text -> typed model, every problem at once with its place.

pub mod model;
pub mod text;

pub use model::Manifest;
