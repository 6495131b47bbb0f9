//! The golden history of the ledger: texts as every version of billform stored them, which must parse for ever.
//!
//! `tests/ledger/NAME/VERSION.json`, one file for each record and schema version; `VERSION-….json` beside it holds further
//! shapes of the same version. Never change one: add the next version and an `upgrade`. Texts of version 1 carry no
//! number, as they were stored before there were numbers.

#![allow(clippy::disallowed_methods, reason = "tests read their texts; the domain does not")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use billing::balance::{Balance, Entry};
use billing::invoice::InvoiceRecord;
use billing::ledger::{
    CostClaim, CostDay, LeftTenant, Pause, PaymentSetup, Record, SCHEMA_FIELD, StripeEvent, SyncMark, Throttle, decode,
    encode,
};
use billing::tenant::TenantRecord;
use serde_json::Value;

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// A record's stored texts: file name, version, text.
fn history(name: &str) -> Vec<(String, u32, String)> {
    let folder = here("tests/ledger").join(name);
    let files = fs::read_dir(&folder).unwrap_or_else(|_| panic!("the record `{name}` has no golden history"));
    let mut texts: Vec<_> = files
        .map(|file| {
            let path = file.expect("a file").path();
            let stem = path.file_stem().expect("a name").to_string_lossy().into_owned();
            let number = stem.split('-').next().expect("a version").parse();
            let number = number.unwrap_or_else(|_| panic!("`{}` does not start with a version", path.display()));
            (stem, number, fs::read_to_string(&path).expect("text").trim_end().to_owned())
        })
        .collect();
    texts.sort();
    texts
}

/// The text without its schema number.
fn fields(text: &str) -> Value {
    let mut fields: Value = serde_json::from_str(text).expect("JSON");
    fields.as_object_mut().expect("an object").shift_remove(SCHEMA_FIELD);
    fields
}

/// Every stored text parses, every version has one, and the present version is still written as it was.
fn check<T: Record>() {
    let texts = history(T::NAME);
    for version in 1..=T::SCHEMA {
        let kept = texts.iter().any(|(_, number, _)| *number == version);
        assert!(kept, "schema {version} of `{}` has no golden text", T::NAME);
    }
    for (file, number, text) in texts {
        let record: T = decode(&text).unwrap_or_else(|error| panic!("{}/{file}: {error}", T::NAME));
        let written = encode(&record).expect("a text");
        let again: T = decode(&written).expect("what is written parses");
        assert_eq!(encode(&again).expect("a text"), written, "{}/{file} changes when it is written again", T::NAME);
        if number == T::SCHEMA {
            let changed = "is written otherwise now: give the new text the next schema number and an `upgrade`";
            assert_eq!(fields(&written), fields(&text), "{}/{file} {changed}", T::NAME);
            let stated: Value = serde_json::from_str(&written).expect("JSON");
            assert_eq!(stated[SCHEMA_FIELD], Value::from(T::SCHEMA));
        }
    }
}

/// Each record type and its check. The list is complete: see the test below.
const RECORDS: &[(&str, fn())] = &[
    ("Balance", check::<Balance>),
    ("CostClaim", check::<CostClaim>),
    ("CostDay", check::<CostDay>),
    ("Entry", check::<Entry>),
    ("InvoiceRecord", check::<InvoiceRecord>),
    ("LeftTenant", check::<LeftTenant>),
    ("Pause", check::<Pause>),
    ("PaymentSetup", check::<PaymentSetup>),
    ("StripeEvent", check::<StripeEvent>),
    ("SyncMark", check::<SyncMark>),
    ("TenantRecord", check::<TenantRecord>),
    ("Throttle", check::<Throttle>),
];

#[test]
fn every_text_ever_stored_parses() {
    for (_, check) in RECORDS {
        check();
    }
}

#[test]
fn every_record_has_a_history() {
    let mut sources = vec![here("src")];
    let mut found = BTreeSet::new();
    while let Some(path) = sources.pop() {
        if path.is_dir() {
            sources.extend(fs::read_dir(&path).expect("a folder").map(|entry| entry.expect("an entry").path()));
            continue;
        }
        // Tests have records of their own.
        let text = fs::read_to_string(&path).expect("source text");
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        let named = code.lines().filter_map(|line| line.strip_prefix("impl Record for ")?.split(' ').next());
        found.extend(named.map(str::to_owned));
    }
    let listed: BTreeSet<String> = RECORDS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(found, listed, "list every record in RECORDS, with a text in tests/ledger");
}
