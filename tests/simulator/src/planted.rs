//! Defects that the handlers once had, put back one at a time: the simulator must find each.

use std::fmt;
use std::str::FromStr;

/// A defect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Planted {
    /// A draft that was deleted in Stripe is taken for one that is there.
    DeletedUnnoticed,
    /// An invoice that was voided in Stripe is taken for an open one.
    VoidedUnnoticed,
    /// A draft that a person edited is taken for what it states of itself.
    EditedUnnoticed,
    /// Only the last month is tried.
    LastMonthOnly,
    /// What a month's cost changes by after its invoice was issued is dropped.
    RestatementDropped,
    /// The credit of a month that closes after the next one was billed is lost.
    CreditLost,
    /// An edit of prices without a date holds for months that are over, too.
    EditReprices,
    /// A tag's earlier value is no longer the tenant's for the days it was.
    TagValueForgotten,
    /// An edit of a rate holds for months that are over, too.
    RateEditReprices,
    /// A company that takes an id over has the months and the Stripe customer of the one before.
    ReusedId,
    /// A draft is not looked for before another is created.
    DoubleDraft,
    /// A draft of which a killed run added half the lines is taken for whole.
    HalfDrawn,
    /// What a month's cost changes by after it was drafted is dropped, before its invoice is issued as after it.
    DraftNotRedrawn,
    /// Cost is read for the last month only.
    SyncsLastMonthOnly,
    /// A month's figures count as settled once the month is over.
    SettlesAtOnce,
    /// The record of a company that leaves goes before its last months are billed.
    LeaverUnbilled,
    /// What a leaving company's months change by after their invoices were issued is dropped.
    LeaverRestatementDropped,
    /// A credit note is not looked for before another is issued.
    CreditedTwice,
    /// An event is not looked up before it is applied, and is applied again.
    EventTwice,
    /// A dispute or a charge is what its event says, not what it is now.
    EventBelieved,
    /// The sweep does not ask for events that were not delivered.
    SweepSkipsUndelivered,
    /// A method that was set up is not made the default.
    DefaultNotSet,
    /// What was refunded of a payment is not read.
    RefundUnnoted,
    /// A dispute counts after it was won.
    DisputeCountsWon,
}

impl Planted {
    /// Every defect.
    pub const ALL: [Planted; 24] = [
        Planted::DeletedUnnoticed,
        Planted::VoidedUnnoticed,
        Planted::EditedUnnoticed,
        Planted::LastMonthOnly,
        Planted::DraftNotRedrawn,
        Planted::RestatementDropped,
        Planted::CreditLost,
        Planted::EditReprices,
        Planted::RateEditReprices,
        Planted::TagValueForgotten,
        Planted::ReusedId,
        Planted::DoubleDraft,
        Planted::HalfDrawn,
        Planted::SyncsLastMonthOnly,
        Planted::SettlesAtOnce,
        Planted::LeaverUnbilled,
        Planted::LeaverRestatementDropped,
        Planted::CreditedTwice,
        Planted::EventTwice,
        Planted::EventBelieved,
        Planted::SweepSkipsUndelivered,
        Planted::DefaultNotSet,
        Planted::RefundUnnoted,
        Planted::DisputeCountsWon,
    ];

    /// The name on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::DeletedUnnoticed => "deleted-unnoticed",
            Self::VoidedUnnoticed => "voided-unnoticed",
            Self::EditedUnnoticed => "edited-unnoticed",
            Self::LastMonthOnly => "last-month-only",
            Self::RestatementDropped => "restatement-dropped",
            Self::CreditLost => "credit-lost",
            Self::EditReprices => "edit-reprices",
            Self::RateEditReprices => "rate-edit-reprices",
            Self::TagValueForgotten => "tag-value-forgotten",
            Self::ReusedId => "reused-id",
            Self::DoubleDraft => "double-draft",
            Self::HalfDrawn => "half-drawn",
            Self::DraftNotRedrawn => "draft-not-redrawn",
            Self::SyncsLastMonthOnly => "syncs-last-month-only",
            Self::SettlesAtOnce => "settles-at-once",
            Self::LeaverUnbilled => "leaver-unbilled",
            Self::LeaverRestatementDropped => "leaver-restatement-dropped",
            Self::CreditedTwice => "credited-twice",
            Self::EventTwice => "event-twice",
            Self::EventBelieved => "event-believed",
            Self::SweepSkipsUndelivered => "sweep-skips-undelivered",
            Self::DefaultNotSet => "default-not-set",
            Self::RefundUnnoted => "refund-unnoted",
            Self::DisputeCountsWon => "dispute-counts-won",
        }
    }

    /// What it does, in a sentence.
    #[must_use]
    pub fn does(self) -> &'static str {
        match self {
            Self::DeletedUnnoticed => "a draft that was deleted in Stripe is taken for one that is there",
            Self::VoidedUnnoticed => "an invoice that was voided in Stripe is taken for an open one",
            Self::EditedUnnoticed => "a draft that a person edited is taken for what it states of itself",
            Self::LastMonthOnly => "only the last month is tried",
            Self::RestatementDropped => "what an issued month's cost changes by is dropped",
            Self::CreditLost => "the credit of a month that closes after the next one was billed is lost",
            Self::EditReprices => "an undated edit of prices holds for months that are over",
            Self::RateEditReprices => "an edit of an exchange rate holds for months that are over",
            Self::TagValueForgotten => "a tag's earlier value is not the tenant's for the days it was",
            Self::ReusedId => "a company that takes an id over has the months and the customer of the one before",
            Self::DoubleDraft => "a draft is not looked for before another is created",
            Self::HalfDrawn => "a draft with half its lines is taken for whole",
            Self::DraftNotRedrawn => "what a month's cost changes by after it was drafted is dropped",
            Self::SyncsLastMonthOnly => "cost is read for the last month only",
            Self::SettlesAtOnce => "a month's figures count as settled once it is over",
            Self::LeaverUnbilled => "a leaving company's record goes before its last months are billed",
            Self::LeaverRestatementDropped => "what an issued month of a leaving company changes by is dropped",
            Self::CreditedTwice => "a credit note is not looked for before another is issued",
            Self::EventTwice => "an event is not looked up before it is applied, and is applied again",
            Self::EventBelieved => "a dispute or a charge is what its event says, not what it is now",
            Self::SweepSkipsUndelivered => "the sweep does not ask for events that were not delivered",
            Self::DefaultNotSet => "a method that was set up is not made the default",
            Self::RefundUnnoted => "what was refunded of a payment is not read",
            Self::DisputeCountsWon => "a dispute counts after it was won",
        }
    }
}

impl fmt::Display for Planted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Planted {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let names = || Self::ALL.map(Self::name).join(", ");
        let found = Self::ALL.into_iter().find(|planted| planted.name() == text);
        found.ok_or_else(|| format!("`{text}` is not a defect; the defects are {}", names()))
    }
}
