//! Where an invoice stands at Stripe.

/// Where a document stands in Stripe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// A draft, provisional or complete.
    Draft,
    /// Finalised, not paid.
    Open,
    /// Finalised and paid.
    Paid,
    /// Finalised, given up as uncollectible: still owed.
    Uncollectible,
    /// Voided.
    Void,
    /// A draft that was deleted.
    Deleted,
}

impl Status {
    /// Says whether the document counts: neither void nor deleted.
    #[must_use]
    pub fn is_live(self) -> bool {
        !matches!(self, Self::Void | Self::Deleted)
    }
}
