//! Credit notes: what a tenant who left is owed, given back on the invoices that there are.
//!
//! Stripe takes a credit note off what is still to pay of its invoice; where that is less, or nothing, it asks what becomes
//! of the rest: `refund_amount` + `credit_amount` + `out_of_band_amount` (docs.stripe.com/api/credit_notes/create). Here the
//! rest is all `credit_amount`: it goes to the customer's balance in Stripe. A refund would move cash without a person, and
//! needs a charge that can be refunded; "out of band" would record a repayment that was not made. From
//! the balance Stripe pays a later closing invoice by itself, and a person can pay it out.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::Money;
use crate::balance::Position;
use crate::money::MinorUnits;

/// A credit note on an issued invoice, as the ledger keeps it: noted with what it takes from the balance, then issued.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreditNote {
    /// Counts the notes of the invoice's revision, from 1.
    pub number: u32,
    /// How far it got.
    pub state: CreditNoteState,
    /// What it gives back, above zero.
    pub amount: Money,
    /// What it takes from the balance: the causes. Their sum is the amount, negative. Empty for one that a person grants.
    pub drawn: Vec<Position>,
    /// Why a person grants it; none for one that the balance is the cause of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// In Stripe, once issued: `cn_…`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stripe_credit_note: Option<String>,
    /// What of it had been paid, and is on the customer's balance in Stripe now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to_balance: Option<Money>,
    /// When it was noted.
    pub at: Timestamp,
}

/// How far a credit note got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CreditNoteState {
    /// Noted in the ledger; it may not exist in Stripe.
    Noted,
    /// In Stripe.
    Issued,
    /// Its invoice could not take it any more: what it took from the balance is there again.
    GivenUp,
}

/// A credit note in Stripe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteCreditNote {
    /// `cn_…`.
    pub id: String,
    /// What it gives back.
    pub amount: MinorUnits,
    /// What of it went to the customer's balance, to a card or was given back outside Stripe: its invoice had been paid.
    pub after_payment: MinorUnits,
    /// Its metadata.
    pub metadata: BTreeMap<String, String>,
}

/// The most characters of a value of metadata.
const METADATA_AT_MOST: usize = 500;

impl CreditNote {
    /// As the tenant reads it: why it is given.
    pub fn memo(&self) -> String {
        let causes = self.drawn.iter().map(|position| position.text.as_str());
        self.reason.as_deref().into_iter().chain(causes).collect::<Vec<_>>().join("\n")
    }

    /// The ids of the positions it comes from, as many as a value of metadata takes; or why a person grants it.
    pub fn causes(&self) -> String {
        if let Some(reason) = &self.reason {
            return reason.chars().take(METADATA_AT_MOST).collect();
        }
        let mut causes = String::new();
        for position in &self.drawn {
            let id = position.id.to_string();
            if causes.len() + id.len() + 1 > METADATA_AT_MOST {
                break;
            }
            if !causes.is_empty() {
                causes.push(' ');
            }
            causes.push_str(&id);
        }
        causes
    }

    /// What one step of the invoice's life is called in its idempotency key. What goes to the balance is part of it: a note
    /// that Stripe did not take before its invoice was paid is another request afterwards.
    pub fn step(&self, to_balance: MinorUnits) -> String {
        format!("credit-{}-{}", self.number, to_balance.0)
    }
}
