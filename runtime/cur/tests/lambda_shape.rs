//! The reader as a Lambda function runs it: a process of its own, ranged reads, 256 MB of address space for everything.
//!
//! The test starts itself again under `ulimit -v`; the child reads a report and prints what it found. The benchmark does
//! the same with 10 million rows and more, which take too long to be written here.
#![allow(
    clippy::disallowed_methods,
    reason = "the rule is the reader's: its tests and benchmarks have files and settings"
)]

mod generate;

use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::process::Command;

use cur::{Query, Ranges, Reading, Source};
use generate::Shape;
use generate::lines::Lines;
use generate::parquet::Writing;
use rust_decimal::Decimal;

/// Kilobytes of address space: the function's 256 MB.
const LIMIT_KIB: u32 = 256 * 1024;
/// What tells the child its file.
const FILE: &str = "CUR_LAMBDA_FILE";

/// Rows: several row groups.
const ROWS: u64 = 40_000;

/// A file in ranged reads, as an object store gives it.
struct Object<'a> {
    path: &'a Path,
    length: u64,
}

impl Source for Object<'_> {
    fn name(&self) -> &str {
        "object"
    }

    fn length(&self) -> u64 {
        self.length
    }

    fn open(&self) -> io::Result<Box<dyn Ranges + '_>> {
        Ok(Box::new(Handle(File::open(self.path)?)))
    }

    fn request_bytes(&self) -> usize {
        1 << 20
    }
}

struct Handle(File);

impl Ranges for Handle {
    fn read_at(&mut self, offset: u64, into: &mut [u8]) -> io::Result<()> {
        self.0.read_exact_at(into, offset)
    }
}

/// What the process does that is limited.
fn child(path: &Path) {
    let object = Object { path, length: path.metadata().expect("a file").len() };
    let query = Query {
        tenant_tag: "Tenant".to_owned(),
        ..Query::new(["tenant", "service"].map(|name| name.parse().expect("a dimension")).into())
    };
    let report = cur::report(&[&object], &query, &Reading { threads: 2, progress: &|_| {} })
        .unwrap_or_else(|problem| panic!("{problem}"));
    println!("found {} {} {}", report.total.rows, report.groups.len(), report.total.cost);
}

#[test]
fn a_report_is_read_within_the_memory_of_a_function() {
    if let Some(path) = std::env::var_os(FILE) {
        return child(Path::new(&path));
    }
    for shape in [Shape::Legacy, Shape::Cur2] {
        let lines = Lines::new(ROWS);
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("report.parquet");
        let file = BufWriter::new(File::create(&path).expect("made"));
        generate::parquet::write(&lines, shape, &Writing { group_rows: 10_000, ..Writing::default() }, file)
            .flush()
            .expect("written");
        let this = std::env::current_exe().expect("this program");
        let mut child = Command::new("bash");
        child.args(["-c", &format!("ulimit -v {LIMIT_KIB} && exec \"$0\" --nocapture --test-threads 1")]);
        // A thread's stack and arena count as address space before they are used: as a function with few threads sets it.
        child.arg(this).env(FILE, &path).env("MALLOC_ARENA_MAX", "2").env("RUST_BACKTRACE", "0");
        let output = child.output().expect("bash starts");
        let (text, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{shape:?}: {text}\n{errors}");
        let mut cost = Decimal::ZERO;
        for row in 0..lines.rows {
            cost += Decimal::new(lines.line(row).cost, 10);
        }
        let found = text.lines().find_map(|line| line.split("found ").nth(1)).expect("an answer").to_owned();
        let words: Vec<&str> = found.split(' ').collect();
        assert_eq!(
            (words[0], words[2]),
            (lines.rows.to_string().as_str(), cost.normalize().to_string().as_str()),
            "{shape:?}"
        );
    }
}
