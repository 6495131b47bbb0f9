//! A tenant and its dated facts.

use std::fmt;

use jiff::civil::Date;

use super::cost::Tags;
use super::dated;
use super::terms::Terms;
use crate::month::Month;

/// A tenant's id, and which company has it: an id that comes back after a company left is another tenant.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TenantId {
    /// The id as the manifest writes it.
    pub id: String,
    /// Counts the companies that have had the id, from 1.
    pub life: u32,
}

impl TenantId {
    /// Returns the id of the first company that has it.
    #[must_use]
    pub fn new(id: &str) -> Self {
        Self { id: id.to_owned(), life: 1 }
    }

    /// Returns the same id, held by the company that came next.
    #[must_use]
    pub fn next_life(&self) -> Self {
        Self { id: self.id.clone(), life: self.life + 1 }
    }
}

impl fmt::Display for TenantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.life {
            1 => f.write_str(&self.id),
            life => write!(f, "{} ({life})", self.id),
        }
    }
}

/// One company that is billed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tenant {
    /// The day on which its facts were first recorded. A company that takes an id over is recorded once the one before
    /// is billed to its end; edits of what the manifest said of it until then are no history.
    pub recorded: Option<Date>,
    /// The first month it is billed.
    pub first_period: Month,
    /// The last month it is billed, once it leaves.
    pub last_period: Option<Month>,
    /// Its currency, an ISO code, from a month on.
    pub currency: Vec<(Month, String)>,
    /// What it pays, from a month on. Billing at cost is [`Terms::default`], no entry is no terms.
    pub terms: Vec<(Month, Terms)>,
    /// All tag pairs that its cost carries together, from a day on.
    pub tags: Vec<(Date, Tags)>,
}

impl Tenant {
    /// Says whether it is billed for a month.
    #[must_use]
    pub fn is_member(&self, month: Month) -> bool {
        self.first_period <= month && self.last_period.is_none_or(|last| month <= last)
    }

    /// Says whether it is billed for a month by what is recorded: before its first record its cost is no tenant's.
    #[must_use]
    pub fn is_known(&self, month: Month) -> bool {
        self.recorded.is_some() && self.is_member(month)
    }

    /// Returns the ISO code of its currency in a month.
    #[must_use]
    pub fn currency(&self, month: Month) -> Option<&str> {
        dated(&self.currency, month).map(String::as_str)
    }

    /// Returns its terms in a month.
    #[must_use]
    pub fn terms(&self, month: Month) -> Option<&Terms> {
        dated(&self.terms, month)
    }

    /// Returns the tag pairs that were its own on a day.
    #[must_use]
    pub fn tags(&self, day: Date) -> Option<&Tags> {
        let begun = self.tags.iter().filter(|(from, _)| *from <= day);
        begun.max_by_key(|(from, _)| *from).map(|(_, tags)| tags)
    }

    /// Says whether a row of a day is its own: it carries every pair that the tenant had that day. No pairs own
    /// nothing.
    #[must_use]
    pub fn owns(&self, day: Date, tags: &Tags) -> bool {
        let owned = self.tags(day).filter(|own| !own.is_empty());
        owned.is_some_and(|own| own.iter().all(|(key, value)| tags.get(key) == Some(value)))
    }
}
