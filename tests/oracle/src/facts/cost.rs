//! One figure of AWS's bill, and how it changed.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;

use crate::exact::Exact;

/// The cost-allocation tags of a row: key to value. An untagged row has none.
pub type Tags = BTreeMap<String, String>;

/// AWS's record types, as far as policies tell them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RecordType {
    /// Usage in all its forms.
    Usage,
    /// Credits.
    Credit,
    /// Refunds.
    Refund,
    /// Tax.
    Tax,
    /// Fees, support included.
    Fee,
}

/// What AWS says of a row from an instant on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Figure {
    /// From when AWS says so.
    pub known_at: Timestamp,
    /// Dollars, exactly; credits and refunds are negative.
    pub usd: Exact,
    /// Whether AWS calls it an estimate.
    pub estimated: bool,
}

/// One day, one set of tags, one service, one record type. A mended tag moves cost: the row with the old value falls to
/// zero, another with the new value appears.
#[derive(Clone, Debug)]
pub struct CostRow {
    /// The day, in UTC.
    pub day: Date,
    /// All its tags.
    pub tags: Tags,
    /// AWS's name of the service.
    pub service: String,
    /// What kind of row it is.
    pub record: RecordType,
    /// In the order in which they became known.
    figures: Vec<Figure>,
}

impl CostRow {
    pub(super) fn new(day: Date, tags: Tags, service: &str, record: RecordType) -> Self {
        Self { day, tags, service: service.to_owned(), record, figures: Vec::new() }
    }

    pub(super) fn add(&mut self, figure: Figure) {
        self.figures.push(figure);
        self.figures.sort_by_key(|figure| figure.known_at);
    }

    /// Returns what AWS said at an instant; none before it said anything.
    #[must_use]
    pub fn at(&self, known_at: Timestamp) -> Option<&Figure> {
        self.figures.iter().rfind(|figure| figure.known_at <= known_at)
    }

    /// Returns the dollars AWS said at an instant; zero before it said anything.
    #[must_use]
    pub fn usd(&self, known_at: Timestamp) -> Exact {
        self.at(known_at).map_or_else(Exact::zero, |figure| figure.usd.clone())
    }
}
