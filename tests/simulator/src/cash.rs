//! What happens to a tenant's money and to how they pay.

/// One thing, to the newest invoice that it can happen to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cash {
    /// It is paid by a bank debit, whose bank answers after some days.
    Debit {
        /// How many.
        days: u32,
        /// Whether it fails.
        fails: bool,
    },
    /// A card asks for its owner, who is there or not.
    Ask {
        /// Whether the bank sees the owner.
        passes: Option<bool>,
    },
    /// A card is declined.
    Decline,
    /// So many percent of it are paid; what is more than all of it stays on the customer's balance.
    InPart {
        /// Of the total.
        percent: u32,
    },
    /// It is paid by card, and the owner complains.
    Dispute {
        /// How the bank decides on the same day; none leaves it open.
        won: Option<bool>,
    },
    /// The bank decides an open dispute.
    Decide {
        /// For the operator.
        won: bool,
    },
    /// It is paid by card, and a person gives a part back in Stripe.
    RefundInStripe,
    /// It is paid by card, and a person gives a part back by command.
    Refund,
    /// A person takes so many percent off it by command.
    Credit {
        /// Of the total.
        percent: u32,
    },
    /// The customer sets up a card.
    SetUp,
    /// The customer takes the card away that was set up last.
    Detach,
}

impl Cash {
    /// Says whether it is done by command, once the day's runs are over.
    #[must_use]
    pub fn is_command(self) -> bool {
        matches!(self, Cash::Refund | Cash::Credit { .. })
    }
}
