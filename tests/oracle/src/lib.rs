//! The oracle: what every tenant owes, when it may be invoiced, and what is wrong with the invoices there are.
//!
//! It is written from the contract and depends on nothing of billform's (`tests/tests/architecture` asserts it), so
//! that the simulator judges the handlers by something that does not share their mistakes. It decides; it has no clock,
//! no network and no random numbers. Where billform and the oracle disagree, either may be wrong: the contract says
//! which.
//!
//! | Module | What it says | From |
//! |---|---|---|
//! | [`facts`] | tenants with dated facts, AWS's figures as they became known | money-lifecycle.md, point 2; the manifest's schema |
//! | [`currency`] | scale and step at Stripe | point 11; Stripe's page on currencies |
//! | [`attribution`] | to whom each row of the bill belongs, shared cost | points 2, 10; money-pitfalls.md, "Cost data" |
//! | [`pricing`], [`owed`] | the rules in their order, on one month | money-pitfalls.md, "Numbers"; seed-contract.md, "Pricing rules" |
//! | [`finality`] | how far a month may be taken, and by when it must be | point 1 |
//! | [`restatement`], [`balance`] | the next invoice's differences and carried balance | points 5, 6 |
//! | [`money`] | where an issued invoice's money is | the money axis |
//! | [`close`] | tenants + unallocated = the bill | point 8 |
//! | [`bills`] | the same answers, kept from day to day | |
//! | [`world`] | what an observer sees | points 3 to 6 |
//! | [`invariant`] | everything that is wrong with it | the invariant at the end; money-pitfalls.md, "Invariants" |
//!
//! What the contract leaves open is marked "Reading" where it is decided. A reading is not the contract: when the code
//! reads it otherwise, the difference is to be settled in the contract.
//!
//! Amounts of a currency are `i128`, in its smallest unit at Stripe (cents; UGX and ISK with two decimals, `00`); cost
//! is [`exact::Exact`] dollars.

pub mod apportion;
pub mod attribution;
pub mod balance;
pub mod bills;
pub mod close;
pub mod currency;
pub mod exact;
pub mod facts;
pub mod finality;
pub mod invariant;
pub mod line;
pub mod money;
pub mod month;
pub mod owed;
pub mod pricing;
pub mod restatement;
pub mod status;
pub mod violation;
pub mod world;
