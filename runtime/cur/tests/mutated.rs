//! Damaged reports neither panic nor hang: the corpus that fuzzing begins with and adds to, and some thousand mutations of
//! sound reports from a fixed seed. `fuzz/` has the same question for cargo-fuzz; `BILLFORM_BLESS=1` writes the corpus's
//! sound reports.
#![allow(
    clippy::disallowed_methods,
    reason = "the rule is the reader's: its tests and benchmarks have files and settings"
)]

mod generate;

use std::path::Path;

use cur::{Basis, Bytes, Dimension, Manifest, Query, Reading};
use generate::Shape;
use generate::lines::Lines;
use generate::parquet::{Amounts, Writing};
use parquet::basic::{Compression, Encoding, GzipLevel, ZstdLevel};

/// Mutations of each report.
const MUTATIONS: u64 = 60;

/// Asks everything of bytes that may be anything. Any answer is right.
fn ask(bytes: &[u8]) -> bool {
    let by = ["tenant", "service", "day", "category:team"].map(|name| name.parse::<Dimension>().expect("a dimension"));
    let query = Query { basis: Basis::Amortised, tenant_tag: "Tenant".to_owned(), ..Query::new(by.into()) };
    let file = Bytes::new("report", bytes);
    let _ = Manifest::parse(bytes);
    let _ = cur::describe(&[&file], &Reading::default());
    let without_category = Query { by: query.by[..3].to_vec(), ..query.clone() };
    cur::report(&[&file], &query, &Reading::default()).is_ok()
        | cur::report(&[&file], &without_category, &Reading::default()).is_ok()
}

struct Random(u64);

impl Random {
    fn next(&mut self) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize
    }
}

/// Changes, cuts, repeats or leaves out some bytes, more often near the end, where a Parquet file has its footer.
fn mutated(bytes: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..=random.next() % 4 {
        if bytes.is_empty() {
            break;
        }
        let span = if random.next().is_multiple_of(2) { bytes.len() } else { bytes.len().min(2_000) };
        let at = bytes.len() - 1 - random.next() % span;
        match random.next() % 6 {
            0 => bytes[at] ^= 1 << (random.next() % 8),
            1 => bytes[at] = [0, 0x7f, 0x80, 0xff][random.next() % 4],
            2 => bytes.truncate(at),
            3 => _ = bytes.remove(at),
            4 => bytes.insert(at, random.next() as u8),
            _ => {
                let end = (at + random.next() % 40).min(bytes.len());
                bytes[at..end].fill(random.next() as u8);
            }
        }
    }
    bytes
}

fn sound(rows: u64) -> Vec<(&'static str, Vec<u8>)> {
    let lines = Lines { rows, tenants: 6, seed: 5 };
    let base = Writing { group_rows: 80, page_rows: 30, ..Writing::default() };
    let parquet = |shape: Shape, writing: Writing| generate::parquet::write(&lines, shape, &writing, Vec::new());
    let plain = Compression::UNCOMPRESSED;
    let csv = generate::csv::write(&lines, Shape::Cur2);
    vec![
        ("legacy", parquet(Shape::Legacy, base)),
        ("legacy, plain", parquet(Shape::Legacy, Writing { compression: plain, ..base })),
        ("maps", parquet(Shape::Cur2, Writing { compression: plain, ..base })),
        (
            "maps, version 2",
            parquet(
                Shape::Cur2,
                Writing { is_version_two: true, compression: Compression::ZSTD(ZstdLevel::default()), ..base },
            ),
        ),
        (
            "focus, gzip",
            parquet(Shape::Focus, Writing { compression: Compression::GZIP(GzipLevel::default()), ..base }),
        ),
        (
            "int96 and decimals",
            parquet(Shape::Legacy, Writing { is_int96: true, amounts: Amounts::Decimal, compression: plain, ..base }),
        ),
        (
            "deltas",
            parquet(Shape::Cur2, Writing { texts: Some(Encoding::DELTA_BYTE_ARRAY), compression: plain, ..base }),
        ),
        (
            "texts",
            parquet(
                Shape::Legacy,
                Writing { amounts: Amounts::Text, dictionary_bytes: 200, compression: plain, ..base },
            ),
        ),
        ("csv, gzip", generate::csv::gzip(&csv)),
        ("csv, zip", generate::csv::zip(&csv)),
        ("csv", csv),
        ("csv, legacy", generate::csv::write(&lines, Shape::Legacy)),
    ]
}

#[test]
fn mutations_of_sound_reports_are_answered() {
    let mut random = Random(42);
    for (name, bytes) in sound(150) {
        assert!(ask(&bytes), "{name} is sound");
        let refused = (0..MUTATIONS).filter(|_| !ask(&mutated(&bytes, &mut random))).count();
        assert!(refused > 10, "{name}: {refused} of {MUTATIONS} mutations were noticed");
    }
}

#[test]
fn the_corpus_is_answered() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    if std::env::var_os("BILLFORM_BLESS").is_some() {
        for (name, bytes) in sound(20) {
            std::fs::write(folder.join(name.replace([',', ' '], "-").replace("--", "-")), bytes).expect("written");
        }
    }
    let files = std::fs::read_dir(&folder).expect("the corpus").flatten();
    let read = files.map(|file| {
        let bytes = std::fs::read(file.path()).expect("a file");
        ask(&bytes);
        1
    });
    assert!(read.sum::<usize>() > 10);
}
