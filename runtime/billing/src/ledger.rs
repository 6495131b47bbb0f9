//! The one ledger: records, the port they are read and written through, and how they lie in DynamoDB. No I/O here.
//!
//! Every item's key, but for claims and throttles, is ([`crate::names::LEDGER_KEY`] = the tenant's id,
//! [`crate::names::LEDGER_SORT`] = one of the sort keys below); what it says is JSON text in
//! [`crate::names::RECORD_ATTRIBUTE`] with a schema number ([`Record`]), decimals as text, so that no store and no reader
//! rounds them. Invoices are [`crate::invoice::InvoiceRecord`], tenants [`crate::tenant::TenantRecord`].
//!
//! [`tenants`], [`costs`], [`month_costs`], [`invoices`] and [`balances`] read and write records over any [`Ledger`]: the handlers and the command line
//! use the same ones, over DynamoDB ([`TableLedger`]) or in memory ([`MemoryLedger`]).

pub mod balances;
pub mod chunks;
mod claims;
mod cost_claim;
mod cost_day;
pub mod costs;
pub mod invoices;
pub mod item;
pub mod left_tenants;
mod memory;
pub mod month_costs;
pub mod pause;
pub mod payment_setup;
mod port;
mod record;
pub mod stripe_events;
mod sync_mark;
pub mod tenants;
pub mod throttle;

pub use balances::{BALANCE_ITEM, ENTRY_PREFIX};
pub use claims::{Claims, SharedClaims};
pub use cost_claim::{CLAIM_PREFIX, CostClaim};
pub use cost_day::{
    COST_PREFIX, CostAmount, CostDay, by_project, by_service, cost_by_record_type, cost_by_service, cost_by_value,
    cost_key,
};
pub use invoices::{INVOICE_PREFIX, InvoiceWrite, invoice_key};
pub use item::{Table, TableLedger};
pub use left_tenants::LeftTenant;
pub use memory::MemoryLedger;
pub use pause::{PAUSE_ITEM, Pause};
pub use payment_setup::{PAYMENT_SETUP_ITEM, PaymentMethod, PaymentSetup};
pub use port::{Expect, Indexed, Key, Ledger, PortError, Stored, TRANSACTION_ITEMS, Wrote};
pub use record::{Record, RecordError, SCHEMA_FIELD, decode, encode};
pub use stripe_events::{EventResult, StripeEvent};
pub use sync_mark::{SYNC_PREFIX, SyncMark, sync_key};
pub use throttle::{THROTTLE_PREFIX, Throttle};
