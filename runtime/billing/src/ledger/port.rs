//! The ledger port: five methods over items of text. Adapters (DynamoDB, memory) implement it; typed reads and writes
//! stand on top of it (`tenants`, `costs`, `invoices`).

use async_trait::async_trait;
use jiff::Timestamp;

/// Where an item lies in the ledger table.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// The partition: a tenant's id, or `claim#…`.
    pub partition: String,
    /// The item within its partition: `tenant`, `cost#2026-10-05`.
    pub sort: String,
}

impl Key {
    /// The item `sort` of a partition.
    pub fn new(partition: impl Into<String>, sort: impl Into<String>) -> Key {
        Key { partition: partition.into(), sort: sort.into() }
    }
}

/// What is stored beside an item's text: conditions compare it, and an index lists by kind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Indexed {
    /// Lists the item with others of its kind ([`Ledger::of_kind`]).
    pub kind: Option<String>,
    /// Counts the item's writes; compared by [`Expect::Version`].
    pub version: Option<u64>,
    /// When the item's facts were read at their source; compared by [`Expect::NoNewerThan`]. Whole milliseconds.
    pub read_at: Option<Timestamp>,
    /// Who holds the item; compared by [`Expect::HeldBy`].
    pub holder: Option<String>,
    /// When DynamoDB may drop the item, unix seconds.
    pub expires_at_s: Option<i64>,
    /// How many further items hold the rest of the text ([`super::chunks`]); 0 for nearly all.
    pub parts: u32,
    /// The text's digest, for items with further parts and for those parts.
    pub digest: Option<String>,
}

/// An item as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Where it lies.
    pub key: Key,
    /// What it says: a record as JSON text with its schema number (see [`super::Record`]), or a part of one.
    pub text: String,
    /// What is stored beside the text.
    pub indexed: Indexed,
}

/// What must hold of the item that lies at a key before it is replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expect {
    /// Nothing.
    Anything,
    /// No item lies there.
    Absent,
    /// The item has this version.
    Version(u64),
    /// No item lies there, or one whose facts were read at this time or before, or one that does not say when.
    NoNewerThan(Timestamp),
    /// No item lies there, or one of this holder's, or one without a holder.
    HeldBy(String),
}

/// What became of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wrote {
    /// It was written, all of it.
    Done,
    /// Something expected did not hold; nothing was written.
    Refused,
}

/// A call to the world that failed. Holds no payload and no secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("could not {doing}: {cause}")]
pub struct PortError {
    /// What was being done: `read mmp-toledo's cost#2026-10-05`.
    pub doing: String,
    /// What went wrong.
    pub cause: String,
    /// The service refused it, or the table is not there: repeating it is of no use.
    pub refused: bool,
}

impl PortError {
    /// Names what was being done and what went wrong; another attempt may succeed.
    pub fn new(doing: impl Into<String>, cause: impl ToString) -> PortError {
        PortError { doing: doing.into(), cause: cause.to_string(), refused: false }
    }
}

/// The ledger table. Never grows: what a record means is said on top of it.
#[async_trait]
pub trait Ledger: Send + Sync {
    /// The item at a key. A read sees every write that was answered before it.
    async fn get(&self, key: &Key) -> Result<Option<Stored>, PortError>;
    /// The items of a partition with sort keys from `from` to `to`, both included, in their order. Sees every write that
    /// was answered before it.
    async fn range(&self, partition: &str, from: &str, to: &str) -> Result<Vec<Stored>, PortError>;
    /// All items of a kind, by partition. May miss writes of the last moments.
    async fn of_kind(&self, kind: &str) -> Result<Vec<Stored>, PortError>;
    /// Writes one item whole, if what is expected holds.
    async fn put(&self, item: Stored, expect: Expect) -> Result<Wrote, PortError>;
    /// Writes all items or none. At most [`TRANSACTION_ITEMS`], each key once.
    async fn transact(&self, items: Vec<(Stored, Expect)>) -> Result<Wrote, PortError>;
}

/// DynamoDB's limit of items in one transaction.
pub const TRANSACTION_ITEMS: usize = 100;

/// Behind every sort key that starts with `prefix`: what follows it is digits and hyphens.
pub(super) fn end_of(prefix: &str) -> String {
    format!("{prefix}~")
}
