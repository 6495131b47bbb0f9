//! `secret`, live.
