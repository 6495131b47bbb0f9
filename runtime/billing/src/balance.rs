//! What a tenant owes, or is owed, beside the months' own cost: restated months, months that closed as a credit.
//!
//! Entries are only ever appended ([`Entry`]); their sums by position are the open balance ([`Balance`]), kept beside them
//! with a version, so that a draft and the balance it draws on change in one transaction. A draft draws positions as
//! lines; when it is voided, deleted or drawn up again, it gives them back. The order in which months are billed makes no
//! difference to the sum.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::{Currency, Money, Month};

/// What is open of a tenant's balance: the sum of the entries of each position.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Balance {
    /// Counts up with every write.
    pub version: u64,
    /// The tenant's currency.
    pub currency: Currency,
    /// What is open, oldest month first; no position is zero.
    pub open: Vec<Position>,
}

/// An amount that a month left to later invoices.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// Which month left it.
    pub id: PositionId,
    /// Why it was left: [`EntryKind::Credit`], [`EntryKind::Restated`] or [`EntryKind::Replaced`].
    pub kind: EntryKind,
    /// As the tenant reads it on an invoice: `2026-10 restated: 100.00 USD -> 131.00 USD`.
    pub text: String,
    /// Positive when the tenant owes it, negative when it is owed to the tenant.
    pub amount: Money,
}

/// The month and revision that a position stems from, and its number there: `2026-10.1.0`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PositionId {
    /// The month.
    pub month: Month,
    /// Its invoice's revision.
    pub revision: u32,
    /// Counts the positions of the revision from 0.
    pub number: u32,
}

/// One entry of the balance; never changed, never deleted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The position it adds to.
    pub position: PositionId,
    /// The month whose invoice made it.
    pub month: Month,
    /// That invoice's revision.
    pub revision: u32,
    /// The version of that invoice's record it was written with: an entry is written once, with its record.
    pub version: u64,
    /// Why.
    pub kind: EntryKind,
    /// Added to what the tenant owes; negative is in the tenant's favour.
    pub amount: Money,
    /// When.
    pub at: Timestamp,
}

/// Why an entry was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EntryKind {
    /// A month came to less than nothing.
    Credit,
    /// A month's cost changed after its invoice was issued.
    Restated,
    /// What a month left before is taken back: a new revision invoices it as a whole, or it no longer comes to a credit.
    Replaced,
    /// A draft took it up as a line.
    Drawn,
    /// A credit note on an invoice of a tenant who left gave it back.
    Credited,
    /// What had taken it up is gone: a draft that was deleted, voided or drawn up again, a credit note that was not issued.
    Returned,
}

/// Positions that one draft takes up at most; the rest waits for the next one. A transaction holds 100 items.
pub const DRAWN_AT_MOST: usize = 40;

impl Balance {
    /// Nothing open.
    pub fn nothing(currency: Currency) -> Balance {
        Balance { version: 0, currency, open: Vec::new() }
    }

    /// What the tenant owes by it; negative when it is owed to the tenant.
    pub fn sum(&self) -> Money {
        Money::new(self.open.iter().map(|position| position.amount.amount).sum(), self.currency)
    }

    /// What of it is the tenant's whose first billed month is `first`, in its currency. An id may have been another company's
    /// before: what those months left stays with that company, in its own currency, under the same key.
    #[must_use]
    pub fn since(&self, first: Option<Month>, currency: Currency) -> Balance {
        let open = self.open.iter().filter(|position| first.is_none_or(|first| first <= position.id.month));
        Balance { open: open.cloned().collect(), currency, ..self.clone() }
    }

    /// What the companies left that had the id before the month `first`; none where they left nothing.
    pub fn before(&self, first: Option<Month>) -> Option<Money> {
        let earlier = self.open.iter().filter(|position| first.is_some_and(|first| position.id.month < first));
        let sums = earlier.map(|position| position.amount);
        let sum = sums.reduce(|sum, amount| Money::new(sum.amount + amount.amount, amount.currency))?;
        Some(sum).filter(|sum| !sum.amount.is_zero())
    }

    /// Adds to a position; one that comes to zero is closed.
    pub fn add(&mut self, position: &Position) {
        match self.open.iter_mut().find(|open| open.id == position.id) {
            Some(open) => open.amount.amount += position.amount.amount,
            None => self.open.push(position.clone()),
        }
        self.open.retain(|open| !open.amount.amount.is_zero());
        self.open.sort_by_key(|open| open.id);
    }

    /// Takes from a position what a draft drew of it.
    pub fn take(&mut self, drawn: &Position) {
        self.add(&drawn.negated());
    }

    /// What an invoice of `own` (the month by itself) takes up: everything the tenant owes, and credit up to what is then
    /// to pay. No invoice becomes negative by it. Oldest first.
    pub fn drawn_by(&self, own: Decimal) -> Vec<Position> {
        let owed = self.open.iter().filter(|position| position.amount.amount > Decimal::ZERO);
        let mut drawn: Vec<Position> = owed.take(DRAWN_AT_MOST).cloned().collect();
        let mut to_pay = own + drawn.iter().map(|position| position.amount.amount).sum::<Decimal>();
        for credit in self.open.iter().filter(|position| position.amount.amount < Decimal::ZERO) {
            if to_pay <= Decimal::ZERO || drawn.len() >= DRAWN_AT_MOST {
                break;
            }
            let part = credit.amount.amount.max(-to_pay);
            drawn.push(Position { amount: Money::new(part, credit.amount.currency), ..credit.clone() });
            to_pay += part;
        }
        drawn
    }

    /// The balance that a history of entries comes to. Texts of positions are in their first entries' invoices, not here.
    pub fn sums(entries: &[Entry]) -> BTreeMap<PositionId, Decimal> {
        let mut sums = BTreeMap::new();
        for entry in entries {
            *sums.entry(entry.position).or_insert(Decimal::ZERO) += entry.amount.amount;
        }
        sums.retain(|_, sum: &mut Decimal| !sum.is_zero());
        sums
    }
}

impl Position {
    /// What a month that closed as a credit leaves to later invoices: `total` is what it came to, below zero.
    pub fn credit(month: Month, revision: u32, total: Money) -> Position {
        let id = PositionId { month, revision, number: 0 };
        Position { id, kind: EntryKind::Credit, text: format!("Credit from {month}"), amount: total }
    }

    /// The same with the opposite amount.
    #[must_use]
    pub fn negated(&self) -> Position {
        Position { amount: Money::new(-self.amount.amount, self.amount.currency), ..self.clone() }
    }
}

impl fmt::Display for PositionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.month, self.revision, self.number)
    }
}

/// A text that is not a position's id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a position of a balance, such as 2026-10.1.0")]
pub struct NotAPosition(String);

impl FromStr for PositionId {
    type Err = NotAPosition;

    fn from_str(text: &str) -> Result<PositionId, NotAPosition> {
        let parts: Option<PositionId> = (|| {
            let (month, rest) = text.split_once('.')?;
            let (revision, number) = rest.split_once('.')?;
            Some(PositionId {
                month: month.parse().ok()?,
                revision: revision.parse().ok()?,
                number: number.parse().ok()?,
            })
        })();
        parts.ok_or_else(|| NotAPosition(text.to_owned()))
    }
}

impl TryFrom<String> for PositionId {
    type Error = NotAPosition;

    fn try_from(text: String) -> Result<PositionId, NotAPosition> {
        text.parse()
    }
}

impl From<PositionId> for String {
    fn from(id: PositionId) -> String {
        id.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;
    use proptest::prelude::*;

    fn position(month: i8, cents: i64) -> Position {
        let month = Month::of(date(2026, month, 1));
        Position {
            id: PositionId { month, revision: 1, number: 0 },
            kind: EntryKind::Restated,
            text: format!("of {month}"),
            amount: Money::new(Decimal::new(cents, 2), Currency::USD),
        }
    }

    fn balance(positions: &[Position]) -> Balance {
        let mut balance = Balance::nothing(Currency::USD);
        positions.iter().for_each(|position| balance.add(position));
        balance
    }

    fn amounts(drawn: &[Position]) -> Vec<String> {
        drawn.iter().map(|position| format!("{} {}", position.id.month, position.amount)).collect()
    }

    #[test]
    fn credit_is_drawn_oldest_first_and_never_beyond_what_is_to_pay() {
        let balance = balance(&[position(9, -4000), position(8, -1000), position(7, 500)]);
        assert_eq!(
            amounts(&balance.drawn_by(Decimal::from(20))),
            ["2026-07 5.00 USD", "2026-08 -10.00 USD", "2026-09 -15.00 USD"]
        );
        assert_eq!(amounts(&balance.drawn_by(Decimal::from(-20))), ["2026-07 5.00 USD"]);
    }

    #[test]
    fn a_position_that_was_drawn_and_given_back_is_as_before() {
        let before = balance(&[position(9, -4000)]);
        let mut after = before.clone();
        let drawn = after.drawn_by(Decimal::from(15));
        drawn.iter().for_each(|position| after.take(position));
        assert_eq!(after.sum().to_string(), "-25.00 USD");
        drawn.iter().for_each(|position| after.add(position));
        assert_eq!(after, before);
    }

    #[test]
    fn what_earlier_months_left_is_an_earlier_companys() {
        let balance = balance(&[position(7, 500), position(8, -1000), position(9, -4000)]);
        let since = |month: i8| balance.since(Some(Month::of(date(2026, month, 1))), Currency::USD).sum().to_string();
        assert_eq!((since(7), since(9), since(10)), ("-45.00 USD".into(), "-40.00 USD".into(), "0.00 USD".into()));
        assert_eq!(balance.since(None, Currency::USD), balance);
        let before = |month: i8| balance.before(Some(Month::of(date(2026, month, 1)))).map(|sum| sum.to_string());
        assert_eq!((before(7), before(9)), (None, Some("-5.00 USD".into())));
    }

    /// The id was billed in another currency before: what is drawn is in the present one.
    #[test]
    fn an_heir_takes_credit_up_in_its_own_currency() {
        let isk = "ISK".parse().expect("a currency");
        let mut stored = Balance::nothing(isk);
        stored.add(&Position { amount: Money::new(Decimal::from(-2000), isk), ..position(7, 0) });
        stored.add(&position(9, -4000));
        let of_heir = stored.since(Some(Month::of(date(2026, 8, 1))), Currency::USD);
        assert_eq!(of_heir.sum().to_string(), "-40.00 USD");
        assert_eq!(amounts(&of_heir.drawn_by(Decimal::from(15))), ["2026-09 -15.00 USD"]);
        assert_eq!(amounts(&stored.drawn_by(Decimal::from(9_000)))[1], "2026-09 -40.00 USD");
        assert_eq!(
            stored.before(Some(Month::of(date(2026, 8, 1)))).map(|sum| sum.to_string()),
            Some("-2000 ISK".into())
        );
    }

    #[test]
    fn an_id_survives_its_text() {
        let id = position(10, 1).id;
        assert_eq!(id.to_string(), "2026-10.1.0");
        assert_eq!(id.to_string().parse(), Ok(id));
        assert!("2026-10.1".parse::<PositionId>().is_err());
    }

    proptest! {
        /// However positions and invoices lie, an invoice with what it draws is negative only as far as its month is.
        #[test]
        fn no_invoice_becomes_negative_by_what_it_draws(
            own in -20_000_i64..20_000,
            cents in proptest::collection::vec((1_i8..=12, -9_000_i64..9_000), 0..12),
        ) {
            let positions: Vec<Position> = cents.into_iter().map(|(month, cents)| position(month, cents)).collect();
            let balance = balance(&positions);
            let own = Decimal::new(own, 2);
            let drawn = balance.drawn_by(own);
            let taken: Decimal = drawn.iter().map(|position| position.amount.amount).sum();
            prop_assert!(own + taken >= own.min(Decimal::ZERO));
            let mut left = balance.clone();
            drawn.iter().for_each(|position| left.take(position));
            prop_assert_eq!(left.sum().amount + taken, balance.sum().amount);
        }
    }
}
