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
    /// A company that takes an id over has the months of the one before.
    ReusedId,
    /// A draft is not looked for before another is created.
    DoubleDraft,
    /// A draft of which a killed run added half the lines is taken for whole.
    HalfDrawn,
}

impl Planted {
    /// Every defect.
    pub const ALL: [Planted; 11] = [
        Planted::DeletedUnnoticed,
        Planted::VoidedUnnoticed,
        Planted::EditedUnnoticed,
        Planted::LastMonthOnly,
        Planted::RestatementDropped,
        Planted::CreditLost,
        Planted::EditReprices,
        Planted::TagValueForgotten,
        Planted::ReusedId,
        Planted::DoubleDraft,
        Planted::HalfDrawn,
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
            Self::TagValueForgotten => "tag-value-forgotten",
            Self::ReusedId => "reused-id",
            Self::DoubleDraft => "double-draft",
            Self::HalfDrawn => "half-drawn",
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
