//! How the ledger lies in a DynamoDB table: attributes, conditions and limits as plain data.
//!
//! The runtime and the provisioner each translate [`Item`] and [`Condition`] to their SDK and implement [`Table`]; all
//! that an item means is decided here, once. Nothing in this file calls anything.

use std::collections::BTreeMap;

use async_trait::async_trait;
use jiff::Timestamp;

use super::port::TRANSACTION_ITEMS;
use super::{Expect, Indexed, Key, Ledger, PortError, Stored, Wrote};
use crate::names::{
    LEDGER_KEY, LEDGER_KIND, LEDGER_SORT, LEDGER_TTL, RECORD_ATTRIBUTE, TENANT_ATTRIBUTE, VERSION_ATTRIBUTE,
};

/// When an item's facts were read, milliseconds.
const READ_AT_ATTRIBUTE: &str = "synced_at_ms";
/// Who holds an item.
const HOLDER_ATTRIBUTE: &str = "holder";
/// How many further items hold the rest of its text.
const PARTS_ATTRIBUTE: &str = "parts";
/// The digest of a text in parts.
const DIGEST_ATTRIBUTE: &str = "digest";

/// The most bytes of one item, names of attributes included (DynamoDB's quota of 400 KB).
pub const ITEM_BYTES: usize = 400 * 1024;
/// The most bytes of one transaction.
pub const TRANSACTION_BYTES: usize = 4 * 1024 * 1024;
const PARTITION_KEY_BYTES: usize = 2048;
const SORT_KEY_BYTES: usize = 1024;

/// One attribute's value; the ledger uses no other types.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Attribute {
    /// `S`.
    Text(String),
    /// `N`, whole, as its digits.
    Number(String),
}

/// One item's attributes by name.
pub type Item = BTreeMap<String, Attribute>;

/// A condition or key condition: the expression, what its `#names` stand for, and what its `:values` are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// In DynamoDB's expression language.
    pub expression: &'static str,
    /// `("#kind", "kind")`.
    pub names: Vec<(&'static str, &'static str)>,
    /// `(":kind", S("tenant"))`.
    pub values: Vec<(&'static str, Attribute)>,
}

/// The calls of DynamoDB that the ledger needs, on one table, in plain data.
#[async_trait]
pub trait Table: Send + Sync {
    /// `GetItem` by the key attributes, consistent.
    async fn get_item(&self, key: Item, doing: &str) -> Result<Option<Item>, PortError>;
    /// `Query`, every page: of the table, consistent, or of an index.
    async fn query(&self, condition: Condition, index: Option<&str>, doing: &str) -> Result<Vec<Item>, PortError>;
    /// `PutItem`; [`Wrote::Refused`] when the condition does not hold.
    async fn put_item(&self, item: Item, condition: Option<Condition>, doing: &str) -> Result<Wrote, PortError>;
    /// `TransactWriteItems` of puts; [`Wrote::Refused`] when any condition does not hold.
    async fn put_items(&self, puts: Vec<(Item, Option<Condition>)>, doing: &str) -> Result<Wrote, PortError>;
}

/// The ledger over a table.
#[derive(Debug, Clone)]
pub struct TableLedger<T>(pub T);

#[async_trait]
impl<T: Table> Ledger for TableLedger<T> {
    async fn get(&self, key: &Key) -> Result<Option<Stored>, PortError> {
        let doing = format!("read {}", key.place());
        check_key(key).map_err(|cause| refused(&doing, cause))?;
        let found = self.0.get_item(key_item(key), &doing).await?;
        found.map_or(Ok(None), |item| stored(&item, &doing))
    }

    async fn range(&self, partition: &str, from: &str, to: &str) -> Result<Vec<Stored>, PortError> {
        let doing = format!("read {partition}'s items from {from} to {to}");
        let condition = match range_condition(partition, from, to).map_err(|cause| refused(&doing, cause))? {
            Some(condition) => condition,
            None => return Ok(Vec::new()),
        };
        all_stored(&self.0.query(condition, None, &doing).await?, &doing)
    }

    async fn of_kind(&self, kind: &str) -> Result<Vec<Stored>, PortError> {
        let doing = format!("list every {kind}");
        let condition = Condition {
            expression: "#kind = :kind",
            names: vec![("#kind", LEDGER_KIND)],
            values: vec![(":kind", Attribute::Text(kind.to_owned()))],
        };
        all_stored(&self.0.query(condition, Some(crate::names::LEDGER_BY_KIND), &doing).await?, &doing)
    }

    async fn put(&self, item: Stored, expect: Expect) -> Result<Wrote, PortError> {
        let doing = format!("write {}", item.key.place());
        check_item(&item).map_err(|cause| refused(&doing, cause))?;
        self.0.put_item(to_item(&item), expect.condition(), &doing).await
    }

    async fn transact(&self, items: Vec<(Stored, Expect)>) -> Result<Wrote, PortError> {
        let doing = transaction_doing(&items);
        check_transaction(&items).map_err(|cause| refused(&doing, cause))?;
        if items.is_empty() {
            return Ok(Wrote::Done);
        }
        let puts = items.iter().map(|(item, expect)| (to_item(item), expect.condition())).collect();
        self.0.put_items(puts, &doing).await
    }
}

impl Expect {
    /// The condition DynamoDB checks.
    pub fn condition(&self) -> Option<Condition> {
        let condition = |expression, name, attribute, value: Option<(&'static str, Attribute)>| Condition {
            expression,
            names: vec![(name, attribute)],
            values: value.into_iter().collect(),
        };
        Some(match self {
            Expect::Anything => return None,
            Expect::Absent => condition("attribute_not_exists(#key)", "#key", LEDGER_KEY, None),
            Expect::Version(version) => {
                let value = (":expected", number(*version));
                condition("#version = :expected", "#version", VERSION_ATTRIBUTE, Some(value))
            }
            Expect::NoNewerThan(at) => {
                let value = (":at", number(at.as_millisecond()));
                condition("attribute_not_exists(#at) OR #at <= :at", "#at", READ_AT_ATTRIBUTE, Some(value))
            }
            Expect::HeldBy(holder) => {
                let value = (":holder", Attribute::Text(holder.clone()));
                let expression = "attribute_not_exists(#holder) OR #holder = :holder";
                condition(expression, "#holder", HOLDER_ATTRIBUTE, Some(value))
            }
        })
    }

    /// Whether it holds of what lies at the key: what [`Expect::condition`] says, for stores that keep [`Stored`].
    pub fn holds(&self, found: Option<&Stored>) -> bool {
        let Some(found) = found.map(|found| &found.indexed) else { return !matches!(self, Expect::Version(_)) };
        match self {
            Expect::Anything => true,
            Expect::Absent => false,
            Expect::Version(version) => found.version == Some(*version),
            Expect::NoNewerThan(at) => found.read_at.is_none_or(|read| read.as_millisecond() <= at.as_millisecond()),
            Expect::HeldBy(holder) => found.holder.as_ref().is_none_or(|found| found == holder),
        }
    }
}

/// The attributes of an item.
pub fn to_item(stored: &Stored) -> Item {
    let indexed = &stored.indexed;
    let text = |value: &Option<String>| value.clone().map(Attribute::Text);
    let optional = [
        (LEDGER_KIND, text(&indexed.kind)),
        (VERSION_ATTRIBUTE, indexed.version.map(number)),
        (READ_AT_ATTRIBUTE, indexed.read_at.map(|at| number(at.as_millisecond()))),
        (HOLDER_ATTRIBUTE, text(&indexed.holder)),
        (LEDGER_TTL, indexed.expires_at_s.map(number)),
        (PARTS_ATTRIBUTE, (indexed.parts > 0).then(|| number(indexed.parts))),
        (DIGEST_ATTRIBUTE, text(&indexed.digest)),
    ];
    let mut item = key_item(&stored.key);
    item.insert(RECORD_ATTRIBUTE.to_owned(), Attribute::Text(stored.text.clone()));
    item.extend(optional.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
    item
}

/// The key attributes of an item.
pub fn key_item(key: &Key) -> Item {
    let text = |value: &str| Attribute::Text(value.to_owned());
    Item::from([(LEDGER_KEY.to_owned(), text(&key.partition)), (LEDGER_SORT.to_owned(), text(&key.sort))])
}

/// What an item says; none when it is no record of ours: beside a tenant whose record went, other attributes may stay.
pub fn stored(item: &Item, doing: &str) -> Result<Option<Stored>, PortError> {
    let text = |name: &str| match item.get(name) {
        Some(Attribute::Text(text)) => Some(text.clone()),
        _ => None,
    };
    let (Some(partition), Some(sort)) = (text(LEDGER_KEY), text(LEDGER_SORT)) else {
        return Err(refused(doing, "an item lacks its key".to_owned()));
    };
    let key = Key { partition, sort };
    let Some(record) = text(RECORD_ATTRIBUTE).or_else(|| text(TENANT_ATTRIBUTE)) else {
        let ours = [LEDGER_KIND, VERSION_ATTRIBUTE, READ_AT_ATTRIBUTE, HOLDER_ATTRIBUTE];
        return match ours.iter().any(|name| item.contains_key(*name)) {
            true => Err(refused(doing, format!("the item {} has no `{RECORD_ATTRIBUTE}`", key.place()))),
            false => Ok(None),
        };
    };
    let malformed = |name: &str| refused(doing, format!("the item {} has a malformed `{name}`", key.place()));
    fn parsed<N: std::str::FromStr>(item: &Item, name: &str) -> Result<Option<N>, ()> {
        match item.get(name) {
            None => Ok(None),
            Some(Attribute::Number(digits)) => digits.parse().map(Some).map_err(|_| ()),
            Some(Attribute::Text(_)) => Err(()),
        }
    }
    let version = parsed(item, VERSION_ATTRIBUTE).map_err(|()| malformed(VERSION_ATTRIBUTE))?;
    let read_at_ms: Option<i64> = parsed(item, READ_AT_ATTRIBUTE).map_err(|()| malformed(READ_AT_ATTRIBUTE))?;
    let read_at = read_at_ms.map(Timestamp::from_millisecond).transpose();
    let indexed = Indexed {
        kind: text(LEDGER_KIND),
        version,
        read_at: read_at.map_err(|_| malformed(READ_AT_ATTRIBUTE))?,
        holder: text(HOLDER_ATTRIBUTE),
        expires_at_s: parsed(item, LEDGER_TTL).map_err(|()| malformed(LEDGER_TTL))?,
        parts: parsed(item, PARTS_ATTRIBUTE).map_err(|()| malformed(PARTS_ATTRIBUTE))?.unwrap_or(0),
        digest: text(DIGEST_ATTRIBUTE),
    };
    Ok(Some(Stored { key, text: record, indexed }))
}

/// The bytes DynamoDB counts of an item: names and values, a number as half its digits and one more.
pub fn bytes_of(stored: &Stored) -> usize {
    let size = |value: &Attribute| match value {
        Attribute::Text(text) => text.len(),
        Attribute::Number(digits) => digits.len().div_ceil(2) + 1,
    };
    to_item(stored).iter().map(|(name, value)| name.len() + size(value)).sum()
}

/// Refuses what DynamoDB would refuse to write: an empty or overlong key, an item beyond 400 KB.
pub fn check_item(stored: &Stored) -> Result<(), String> {
    check_key(&stored.key)?;
    if stored.indexed.kind.as_deref() == Some("") {
        return Err("its kind is empty".to_owned());
    }
    match bytes_of(stored) {
        bytes if bytes > ITEM_BYTES => Err(format!("it has {bytes} bytes; an item holds at most {ITEM_BYTES}")),
        _ => Ok(()),
    }
}

/// Refuses what DynamoDB would refuse as one transaction.
pub fn check_transaction(items: &[(Stored, Expect)]) -> Result<(), String> {
    if items.len() > TRANSACTION_ITEMS {
        return Err(format!("{} items are more than the {TRANSACTION_ITEMS} of a transaction", items.len()));
    }
    let mut keys = std::collections::BTreeSet::new();
    let mut bytes = 0;
    for (item, _) in items {
        check_item(item)?;
        bytes += bytes_of(item);
        if !keys.insert(&item.key) {
            return Err(format!("{} stands in one transaction twice", item.key.place()));
        }
    }
    match bytes > TRANSACTION_BYTES {
        true => Err(format!("{bytes} bytes are more than the {TRANSACTION_BYTES} of a transaction")),
        false => Ok(()),
    }
}

/// The key condition of [`Ledger::range`]; none when no key can lie in it.
pub fn range_condition(partition: &str, from: &str, to: &str) -> Result<Option<Condition>, String> {
    check_key(&Key::new(partition, from))?;
    if from > to {
        return Ok(None);
    }
    let text = |value: &str| Attribute::Text(value.to_owned());
    Ok(Some(Condition {
        expression: "#partition = :partition AND #sort BETWEEN :from AND :to",
        names: vec![("#partition", LEDGER_KEY), ("#sort", LEDGER_SORT)],
        values: vec![(":partition", text(partition)), (":from", text(from)), (":to", text(to))],
    }))
}

pub(super) fn check_key(key: &Key) -> Result<(), String> {
    let fits = |part: &str, most: usize| (1..=most).contains(&part.len());
    match fits(&key.partition, PARTITION_KEY_BYTES) && fits(&key.sort, SORT_KEY_BYTES) {
        true => Ok(()),
        false => Err(format!("the key {} is empty or too long", key.place())),
    }
}

pub(super) fn transaction_doing(items: &[(Stored, Expect)]) -> String {
    match items {
        [] => "write nothing".to_owned(),
        [(first, _)] => format!("write {}", first.key.place()),
        [(first, _), rest @ ..] => format!("write {} and {} more items", first.key.place(), rest.len()),
    }
}

pub(super) fn refused(doing: &str, cause: String) -> PortError {
    PortError { refused: true, ..PortError::new(doing, cause) }
}

fn all_stored(items: &[Item], doing: &str) -> Result<Vec<Stored>, PortError> {
    items.iter().filter_map(|item| stored(item, doing).transpose()).collect()
}

fn number(value: impl ToString) -> Attribute {
    Attribute::Number(value.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn full() -> Stored {
        Stored {
            key: Key::new("acme", "cost#2026-10-05"),
            text: "{}".to_owned(),
            indexed: Indexed {
                kind: Some("tenant".to_owned()),
                version: Some(u64::MAX),
                read_at: Timestamp::from_millisecond(-1).ok(),
                holder: Some("run-1".to_owned()),
                expires_at_s: Some(1_800_000_000),
                parts: 2,
                digest: Some("ab".to_owned()),
            },
        }
    }

    #[test]
    fn an_item_survives_its_attributes() {
        let bare = Stored { indexed: Indexed::default(), ..full() };
        for item in [full(), bare] {
            assert_eq!(stored(&to_item(&item), "read"), Ok(Some(item)));
        }
    }

    #[test]
    fn the_attributes_are_those_of_every_version_so_far() {
        let item = to_item(&full());
        let names: Vec<&str> = item.keys().map(String::as_str).collect();
        assert_eq!(
            names,
            ["digest", "holder", "item", "kind", "parts", "record", "synced_at_ms", "tenant", "ttl", "version"]
        );
        assert_eq!(item["synced_at_ms"], Attribute::Number("-1".to_owned()));
    }

    #[test]
    fn other_attributes_alone_are_no_record_and_a_lost_text_is_an_error() {
        let mut item = key_item(&Key::new("acme", "tenant"));
        item.insert("paused".to_owned(), Attribute::Text("yes".to_owned()));
        assert_eq!(stored(&item, "read"), Ok(None));
        item.insert("version".to_owned(), number(1));
        let lost = stored(&item, "read").expect_err("its text is lost").to_string();
        assert!(lost.contains("acme/tenant"), "{lost}");
        item.insert("record".to_owned(), Attribute::Text("{}".to_owned()));
        item.insert("version".to_owned(), Attribute::Number("1.5".to_owned()));
        assert!(stored(&item, "read").is_err());
    }

    #[test]
    fn what_dynamodb_refuses_is_refused_before_it_is_sent() {
        let long = |bytes: usize| Stored { text: "x".repeat(bytes), ..full() };
        assert!(check_item(&long(ITEM_BYTES - 500)).is_ok() && check_item(&long(ITEM_BYTES)).is_err());
        assert!(check_item(&Stored { key: Key::new("", "a"), ..full() }).is_err());
        let at = |n: usize| (Stored { key: Key::new("a", n.to_string()), ..long(10) }, Expect::Anything);
        assert!(check_transaction(&(0..100).map(at).collect::<Vec<_>>()).is_ok());
        assert!(check_transaction(&(0..101).map(at).collect::<Vec<_>>()).is_err());
        assert!(check_transaction(&[at(1), at(1)]).is_err());
        let big = |n: usize| (Stored { key: Key::new("a", n.to_string()), ..long(390_000) }, Expect::Anything);
        assert!(check_transaction(&(0..10).map(big).collect::<Vec<_>>()).is_ok());
        assert!(check_transaction(&(0..11).map(big).collect::<Vec<_>>()).is_err());
    }
}
