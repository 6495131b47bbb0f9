//! Records longer than an item: the text is cut into chunks, the first under the record's key, the rest in part items
//! behind it (`cost#2026-10-05#part-0001`). One transaction writes them all; a reader takes the parts that the first
//! item names by number and digest, so that parts of a longer text from before are passed over.

use sha2::{Digest, Sha256};

use super::item::{ITEM_BYTES, TRANSACTION_BYTES};
use super::port::TRANSACTION_ITEMS;
use super::{Expect, Indexed, Key, Ledger, PortError, Stored, Wrote};

/// The most bytes of text in one item; leaves room for keys and other attributes.
const CHUNK_BYTES: usize = 300 * 1024;
const _: () = assert!(CHUNK_BYTES < ITEM_BYTES);
/// The most bytes of one record's text: what one transaction takes.
pub const TEXT_BYTES: usize = (TRANSACTION_BYTES / ITEM_BYTES + 3) * CHUNK_BYTES;
const _: () = assert!(TEXT_BYTES < TRANSACTION_BYTES && TEXT_BYTES / CHUNK_BYTES < TRANSACTION_ITEMS);

/// Between a record's sort key and a part's number.
const PART: &str = "#part-";
/// Behind every sort key that starts with the text before it: keys hold letters, digits and `#-`.
const END: char = '~';
/// How often a record is read again that was rewritten while it was read.
const READS: usize = 3;

/// Writes a record, in one item or in several at once; `expect` is about the record.
pub async fn write(ledger: &dyn Ledger, record: Stored, expect: Expect) -> Result<Wrote, PortError> {
    if record.text.len() <= CHUNK_BYTES {
        return ledger.put(record, expect).await;
    }
    ledger.transact(items(record, expect)?).await
}

/// The items of a record for a transaction that writes more than it; `expect` is about the record.
pub fn items(record: Stored, expect: Expect) -> Result<Vec<(Stored, Expect)>, PortError> {
    if record.text.len() <= CHUNK_BYTES {
        return Ok(vec![(record, expect)]);
    }
    let expects = std::iter::once(expect).chain(std::iter::repeat(Expect::Anything));
    Ok(split(record)?.into_iter().zip(expects).collect())
}

/// Reads a record whole.
pub async fn read(ledger: &dyn Ledger, key: &Key) -> Result<Option<Stored>, PortError> {
    let Some(first) = ledger.get(key).await? else { return Ok(None) };
    if first.indexed.parts == 0 {
        return Ok(Some(first));
    }
    Ok(read_range(ledger, &key.partition, &key.sort, &key.sort).await?.into_iter().find(|found| found.key == *key))
}

/// Reads the records of a partition from one sort key to another, both included, each whole.
pub async fn read_range(ledger: &dyn Ledger, partition: &str, from: &str, to: &str) -> Result<Vec<Stored>, PortError> {
    // The last record's parts lie behind it.
    let to = format!("{to}{PART}{END}");
    for _ in 0..READS {
        if let Some(records) = assemble(ledger.range(partition, from, &to).await?) {
            return Ok(records);
        }
    }
    let doing = format!("read {partition}'s items from {from}");
    Err(PortError::new(doing, "a record was rewritten each time it was read; try again"))
}

/// The items of a long record.
fn split(record: Stored) -> Result<Vec<Stored>, PortError> {
    let bytes = record.text.len();
    if bytes > TEXT_BYTES {
        let cause = format!("it has {bytes} bytes; the ledger holds at most {TEXT_BYTES} of one record");
        return Err(PortError { refused: true, ..PortError::new(format!("write {}", record.key.place()), cause) });
    }
    let digest = hex(&Sha256::digest(record.text.as_bytes())[..16]);
    let chunks = chunks_of(&record.text);
    let parts = u32::try_from(chunks.len() - 1).unwrap_or(u32::MAX);
    let mut items = Vec::with_capacity(chunks.len());
    for (number, chunk) in chunks.into_iter().enumerate() {
        let (sort, indexed) = match number {
            0 => (record.key.sort.clone(), Indexed { parts, digest: Some(digest.clone()), ..record.indexed.clone() }),
            // Parts expire with their record, and are of no kind: lists of a kind give records.
            number => {
                let expires_at_s = record.indexed.expires_at_s;
                let indexed = Indexed { digest: Some(digest.clone()), expires_at_s, ..Indexed::default() };
                (part_key(&record.key.sort, number), indexed)
            }
        };
        items.push(Stored { key: Key::new(&record.key.partition, sort), text: chunk.to_owned(), indexed });
    }
    Ok(items)
}

/// The records of items in the order of their keys; none when a part is missing or of another text: the record was
/// rewritten while it was read.
pub fn assemble(items: Vec<Stored>) -> Option<Vec<Stored>> {
    let mut records: Vec<Stored> = Vec::new();
    let mut missing: u32 = 0;
    for item in items {
        if !item.key.sort.contains(PART) {
            if missing > 0 {
                return None;
            }
            missing = item.indexed.parts;
            records.push(item);
            continue;
        }
        let Some(record) = records.last_mut().filter(|_| missing > 0) else { continue };
        let number = record.indexed.parts - missing + 1;
        let next = part_key(&record.key.sort, usize::try_from(number).unwrap_or(usize::MAX));
        if item.key.sort != next || item.indexed.digest != record.indexed.digest {
            return None;
        }
        record.text.push_str(&item.text);
        missing -= 1;
    }
    let whole = |mut record: Stored| {
        (record.indexed.parts, record.indexed.digest) = (0, None);
        record
    };
    (missing == 0).then(|| records.into_iter().map(whole).collect())
}

fn part_key(sort: &str, number: usize) -> String {
    format!("{sort}{PART}{number:04}")
}

/// The text in chunks that end between characters.
fn chunks_of(text: &str) -> Vec<&str> {
    let mut chunks = Vec::new();
    let mut rest = text;
    while rest.len() > CHUNK_BYTES {
        let (chunk, after) = rest.split_at(rest.floor_char_boundary(CHUNK_BYTES));
        chunks.push(chunk);
        rest = after;
    }
    chunks.push(rest);
    chunks
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::super::MemoryLedger;
    use super::*;
    use proptest::prelude::*;

    /// The ledger in memory never waits.
    fn now<T>(future: impl Future<Output = T>) -> T {
        match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(done) => done,
            Poll::Pending => panic!("the ledger in memory waited"),
        }
    }

    fn record(sort: &str, text: String) -> Stored {
        Stored { key: Key::new("acme", sort), text, indexed: Indexed { version: Some(7), ..Indexed::default() } }
    }

    fn long(chunks: usize) -> String {
        "é".repeat(chunks * CHUNK_BYTES / 2 - 10)
    }

    #[test]
    fn a_long_record_is_read_back_whole_alone_and_among_others() {
        let ledger = MemoryLedger::default();
        let records = [record("cost#1", long(3)), record("cost#2", "{}".to_owned()), record("cost#3", long(2))];
        for record in &records {
            assert_eq!(now(write(&ledger, record.clone(), Expect::Absent)), Ok(Wrote::Done));
        }
        assert_eq!(ledger.items().len(), 6);
        assert_eq!(now(read_range(&ledger, "acme", "cost#1", "cost#3")), Ok(records.to_vec()));
        assert_eq!(now(read(&ledger, &Key::new("acme", "cost#3"))), Ok(Some(records[2].clone())));
        assert_eq!(now(read_range(&ledger, "acme", "cost#1", "cost#1")), Ok(records[..1].to_vec()));
    }

    #[test]
    fn parts_of_a_longer_text_from_before_are_passed_over() {
        let ledger = MemoryLedger::default();
        for chunks in [4, 2, 3] {
            let record = record("cost#1", long(chunks));
            assert_eq!(now(write(&ledger, record.clone(), Expect::Anything)), Ok(Wrote::Done));
            assert_eq!(now(read(&ledger, &record.key)), Ok(Some(record)));
        }
        let short = record("cost#1", "{}".to_owned());
        assert_eq!(now(write(&ledger, short.clone(), Expect::Anything)), Ok(Wrote::Done));
        assert_eq!(now(read_range(&ledger, "acme", "cost#1", "cost#9")), Ok(vec![short]));
    }

    #[test]
    fn a_refused_rewrite_leaves_every_part_as_it_was() {
        let ledger = MemoryLedger::default();
        let first = record("cost#1", long(3));
        assert_eq!(now(write(&ledger, first.clone(), Expect::Absent)), Ok(Wrote::Done));
        let second = record("cost#1", long(2));
        assert_eq!(now(write(&ledger, second, Expect::Version(8))), Ok(Wrote::Refused));
        assert_eq!(now(read(&ledger, &first.key)), Ok(Some(first)));
    }

    #[test]
    fn a_torn_record_is_an_error_and_never_half_a_text() {
        let ledger = MemoryLedger::default();
        let first = record("cost#1", long(3));
        assert_eq!(now(write(&ledger, first.clone(), Expect::Absent)), Ok(Wrote::Done));
        let torn = ledger.clone();
        torn.remove(&Key::new("acme", "cost#1#part-0002"));
        assert!(now(read(&torn, &first.key)).is_err());
        let mut other = ledger.remove(&Key::new("acme", "cost#1#part-0001")).expect("a part");
        other.indexed.digest = Some("another".to_owned());
        ledger.set(other);
        assert!(now(read(&ledger, &first.key)).is_err());
    }

    #[test]
    fn what_no_transaction_takes_is_refused_by_size() {
        let refused =
            now(write(&MemoryLedger::default(), record("cost#1", "x".repeat(TEXT_BYTES + 1)), Expect::Absent));
        assert!(refused.expect_err("too long").to_string().contains("at most"));
        let most = record("cost#1", "x".repeat(TEXT_BYTES));
        assert_eq!(now(write(&MemoryLedger::default(), most, Expect::Absent)), Ok(Wrote::Done));
    }

    proptest! {
        #[test]
        fn chunks_are_the_text(text in ".{0,64}", times in 1_usize..20_000) {
            let text = text.repeat(times);
            let chunks = chunks_of(&text);
            prop_assert!(chunks.iter().all(|chunk| chunk.len() <= CHUNK_BYTES));
            prop_assert_eq!(chunks.concat(), text);
        }
    }
}
