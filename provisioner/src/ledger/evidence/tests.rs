use std::collections::BTreeMap;

use billing::evidence::digest;
use billing::invoice::{Collection, Composed, MonthTerms, PriceError, PriceInput, price};
use billing::ledger::{CostAmount, CostDay};
use billing::tenant::TenantRecord;
use billing::{Currency, Month};
use jiff::Timestamp;
use jiff::civil::date;

use super::*;
use crate::cloud::secret_values::SecretValue;

/// A key pair of these tests alone.
fn key() -> EvidenceKey {
    let pem = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n-----END PRIVATE KEY-----\n";
    EvidenceKey::read(&SecretValue::new(pem)).expect("a key")
}

/// An invoice of 100.00 dollars at cost.
fn packed() -> Vec<u8> {
    let month = Month::of(date(2026, 10, 1));
    let tenant = TenantRecord {
        id: "acme".to_owned(),
        name: "Acme".to_owned(),
        email: "billing@example.com".to_owned(),
        locale: "en-US".to_owned(),
        currency: Currency::USD,
        tags: BTreeMap::new(),
        terms: vec![billing::pricing::Terms::default()],
        rates: Vec::new(),
        stripe_customer: Some("cus_1".to_owned()),
        first_period: None,
        last_period: None,
        days_until_due: 30,
        link_version: 1,
        budget: None,
    };
    let amount = CostAmount { cost: "100.00".parse().expect("a decimal"), usage: "1".parse().expect("a decimal") };
    let services = [("AWS Lambda".to_owned(), amount)].into();
    let days = [CostDay { services, ..CostDay::nothing(date(2026, 10, 5), Timestamp::UNIX_EPOCH) }];
    let terms = MonthTerms::of(&tenant, month).expect("terms");
    let services = billing::ledger::cost_by_service(&days);
    let own = price(&PriceInput { tenant: &tenant, month, terms: &terms, services: &services, shared: None });
    let composed: Composed =
        billing::invoice::compose(own.expect("an invoice"), &billing::balance::Balance::nothing(Currency::USD));
    let record = InvoiceRecord::claimed(&tenant, terms, Collection::SendInvoice, composed);
    let unused = Err(PriceError::NoTerms { tenant: "acme".to_owned(), month });
    let files = evidence::compose(&record, &days, &unused).expect("evidence");
    pack(&record, files, &key()).expect("a pack")
}

fn refused(archive: &[u8]) -> String {
    verify(archive, None).err().expect("it does not hold").to_string()
}

#[test]
fn a_pack_holds_and_is_the_same_each_time() {
    let archive = packed();
    let verified = verify(&archive, Some(key().public())).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!((verified.manifest.total.to_string().as_str(), verified.key), ("100.00 USD", key().public()));
    assert_eq!(archive, packed());
}

/// Packs of earlier days are compared byte by byte with what is written now. Where this fails, the archive's form has
/// changed (a new version of `zip`?), and what was handed out would not verify any more.
#[test]
fn the_form_of_the_archive_stays() {
    let files =
        Files::from([("a.json", "{}\n"), ("b.sig", "\u{0}\u{1}")].map(|(name, text)| (name.to_owned(), text.into())));
    assert_eq!(
        digest(&archived(&files).expect("an archive")),
        "29e82624d19984f0317124a09e787b7c62b4e98df80d9f639b7590a3dab96719"
    );
}

#[test]
fn one_changed_byte_anywhere_is_noticed() {
    let archive = packed();
    for at in 0..archive.len() {
        for bit in [0x01, 0x80] {
            let mut changed = archive.clone();
            changed[at] ^= bit;
            assert!(verify(&changed, None).is_err(), "byte {at} of {} may change unnoticed", archive.len());
        }
    }
    assert!(
        verify(&archive[..archive.len() - 1], None).is_err() && verify(&[&archive[..], b"x"].concat(), None).is_err()
    );
}

/// Who edits a figure can make the digests right again, and cannot sign.
#[test]
fn what_was_signed_by_another_key_is_told_from_ours() {
    let other = EvidenceKey::read(&EvidenceKey::generate().expect("a key")).expect("a key");
    let mut files = files(&packed()).expect("files");
    files.insert(SIGNATURE.to_owned(), other.sign(&files[MANIFEST]));
    assert_eq!(
        refused(&archived(&files).expect("an archive")),
        "the signature does not hold: manifest.json or manifest.sig has changed"
    );
    // A key of their own, in the pack, in the manifest, and signing it: only the expected key tells.
    let text = String::from_utf8(files[MANIFEST].clone()).expect("text");
    let text = text.replace(&digest(&files[PUBLIC_KEY]), &digest(other.public().pem().as_bytes()));
    files.insert(PUBLIC_KEY.to_owned(), other.public().pem().into());
    files.insert(SIGNATURE.to_owned(), other.sign(text.as_bytes()));
    files.insert(MANIFEST.to_owned(), text.into());
    let forged = archived(&files).expect("an archive");
    assert_eq!(
        verify(&forged, None).map(|verified| verified.key).map_err(|error| error.to_string()),
        Ok(other.public())
    );
    let told = verify(&forged, Some(key().public())).err().expect("another key").to_string();
    assert!(
        told.starts_with("it was signed by another key: the pack has ") && told.contains(&key().public().line()),
        "{told}"
    );
}

#[test]
fn what_is_no_pack_is_refused_by_name() {
    assert!(refused(b"no archive").starts_with("it is no archive that billform wrote"));
    let all = files(&packed()).expect("files");
    let without = |name: &str| {
        let mut files = all.clone();
        files.remove(name);
        refused(&archived(&files).expect("an archive"))
    };
    assert_eq!(without(SIGNATURE), "manifest.sig is missing");
    assert_eq!(without(PUBLIC_KEY), "public-key.pem is missing");
    assert_eq!(without(MANIFEST), "manifest.json is missing");
    assert_eq!(without("recompute.py"), "recompute.py is missing");
    let with = |name: &str, bytes: &[u8]| {
        let mut files = all.clone();
        files.insert(name.to_owned(), bytes.to_vec());
        refused(&archived(&files).expect("an archive"))
    };
    assert_eq!(with(PUBLIC_KEY, b"none"), "public-key.pem is no Ed25519 public key");
    assert!(with("more.json", b"{}").contains("more.json"));
    let large = Files::from([("large".to_owned(), vec![0; (MOST_BYTES + 1) as usize])]);
    assert_eq!(
        refused(&archived(&large).expect("an archive")),
        "it holds more than 64 MiB: no evidence of one invoice does"
    );
}

/// The key that comes along is listed by the manifest, too.
#[test]
fn every_file_but_the_signature_is_under_the_manifest() {
    let files = files(&packed()).expect("files");
    let manifest: Manifest = serde_json::from_slice(&files[MANIFEST]).expect("a manifest");
    let mut listed: Vec<&str> = manifest.files.keys().map(String::as_str).collect();
    listed.extend([MANIFEST, SIGNATURE]);
    listed.sort_unstable();
    assert_eq!(files.keys().map(String::as_str).collect::<Vec<_>>(), listed);
}
