//! What is measured of a stack's life, in this order.

use clap::ValueEnum;

/// One run of billform, and the same calls by hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Phase {
    /// The first apply: looks, finds nothing, makes everything.
    Apply,
    /// The plan after it: looks, by lists where there are any, and finds nothing to do. The published rates are in force.
    Plan,
    /// The same with everything read: what `drift` reads.
    Drift,
    /// Deletes everything.
    Destroy,
}

/// How drift is looked for.
const DRIFT: &[&str] = &["drift"];

impl Phase {
    /// All of them, in order.
    pub const ALL: [Phase; 4] = [Phase::Apply, Phase::Plan, Phase::Drift, Phase::Destroy];

    /// Its name in tables and for the process that works by hand.
    pub fn name(self) -> &'static str {
        match self {
            Phase::Apply => "apply",
            Phase::Plan => "plan",
            Phase::Drift => "drift",
            Phase::Destroy => "destroy",
        }
    }

    /// What it is, for people.
    pub fn title(self) -> &'static str {
        match self {
            Phase::Apply => "first apply",
            Phase::Plan => "no-op plan",
            Phase::Drift => "full drift",
            Phase::Destroy => "destroy",
        }
    }

    /// What billform is told.
    pub fn arguments(self) -> &'static [&'static str] {
        match self {
            Phase::Apply => &["apply", "--auto-approve"],
            Phase::Plan => &["plan"],
            Phase::Drift => DRIFT,
            Phase::Destroy => &["destroy", "--auto-approve"],
        }
    }

    /// Whether billform takes a bundle for it.
    pub fn takes_bundle(self) -> bool {
        matches!(self, Phase::Apply | Phase::Plan)
    }

    /// Whether the rates that AWS and Stripe publish are enforced meanwhile.
    pub fn is_held_to_rates(self) -> bool {
        self == Phase::Plan
    }
}
