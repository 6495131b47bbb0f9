//! What an observer saw pass, where the objects do not say it themselves.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use oracle::month::Month;

/// What passed.
#[derive(Debug, Default)]
pub struct Trace {
    /// Invoices that somebody wrote to since they were last read.
    pub touched: BTreeSet<String>,
    /// Tenants' ids whose invoices or balance were written to since they were last read.
    pub booked: BTreeSet<String>,
    /// When an invoice's present lines were drawn.
    pub drawn_at: BTreeMap<String, Timestamp>,
    /// When an invoice was finalised.
    pub issued_at: BTreeMap<String, Timestamp>,
    /// Drafts that a person edited, with the lines added.
    pub edited: BTreeMap<String, Vec<String>>,
    /// Reads of a month's whole cost, of any tenant's.
    pub reads: BTreeSet<(Month, Timestamp)>,
    /// What Stripe answered last of invoices that are gone, for a defect that does not look.
    pub last_answers: BTreeMap<String, serde_json::Value>,
    /// Drafts that half the lines were added to, for a defect that does not compare.
    pub half_drawn: BTreeSet<String>,
    /// How often each event was done with.
    pub done_events: BTreeMap<String, u32>,
    /// What an event that is being delivered says of its object, for a defect that believes it.
    pub believed: Option<serde_json::Value>,
    /// Counts requests, for keys of their own.
    pub requests: u64,
}
