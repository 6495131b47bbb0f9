//! How fast reports are read, beside the floor (read, decompress and decode the same columns) and beside DuckDB, Polars and
//! pandas.
//!
//! `cargo bench -p cur [-- ROWS_IN_MILLIONS…]` (10 when left out) writes reports of both layouts once, below the target
//! folder, and measures every reader as a process of its own, in turns: wall time, CPU time, peak memory, and whether its
//! sum is exact. The other readers come from PyPI, into a virtual environment below the target folder; where that cannot
//! be made they are left out, and the reason is printed.
#![allow(
    clippy::disallowed_methods,
    reason = "the rule is the reader's: its tests and benchmarks have files and settings"
)]

#[path = "../../tests/generate/mod.rs"]
mod generate;

mod measure;
mod peers;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use cur::{Query, Ranges, Reading, Source};
use generate::Shape;
use generate::lines::{Lines, text};
use generate::parquet::Writing;
use measure::{Measured, measure};

/// Threads of every reader.
const THREADS: usize = 2;
/// Kilobytes of address space of a Lambda function of 256 MB.
const FUNCTION_KIB: u32 = 256 * 1024;
/// How often each reader runs; the median counts.
const TURNS: usize = 5;

/// How a reader is started.
type Start<'a> = Box<dyn Fn() -> Command + 'a>;

/// A file of this machine.
struct Disk {
    path: PathBuf,
    length: u64,
}

impl Source for Disk {
    fn name(&self) -> &str {
        "report"
    }

    fn length(&self) -> u64 {
        self.length
    }

    fn open(&self) -> io::Result<Box<dyn Ranges + '_>> {
        Ok(Box::new(Handle(File::open(&self.path)?)))
    }
}

struct Handle(File);

impl Ranges for Handle {
    fn read_at(&mut self, offset: u64, into: &mut [u8]) -> io::Result<()> {
        self.0.read_exact_at(into, offset)
    }
}

/// What every reader is asked: the sum of every tenant and service.
fn query() -> Query {
    let by = ["tenant", "service"].map(|name| name.parse().expect("a dimension"));
    Query { tenant_tag: "Tenant".to_owned(), ..Query::new(by.into()) }
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    match &arguments[..] {
        [role, path] if role == "read" || role == "floor" => read(role, Path::new(path)),
        sizes => {
            let sizes: Vec<u64> = sizes.iter().filter_map(|size| size.parse().ok()).collect();
            compare(if sizes.is_empty() { &[10] } else { &sizes });
        }
    }
    ExitCode::SUCCESS
}

/// The child: reads and prints the sum and the largest group.
fn read(role: &str, path: &Path) {
    let disk = Disk { path: path.to_owned(), length: path.metadata().expect("a file").len() };
    let reading = Reading { threads: THREADS, progress: &|_| {} };
    if role == "floor" {
        println!("rows {}", cur::decode(&[&disk], &query(), &reading).expect("decoded"));
        return;
    }
    let report = cur::report(&[&disk], &query(), &reading).unwrap_or_else(|problem| panic!("{problem}"));
    println!("sum {} in {} groups", report.total.cost, report.groups.len());
}

fn compare(sizes: &[u64]) {
    let folder = measure::folder();
    let peers = peers::find(&folder);
    for (name, why) in &peers.missing {
        println!("{name} is left out: {why}");
    }
    println!(
        "{:<8} {:>4}  {:<22} {:>8} {:>8} {:>9} {:>9}  exact",
        "layout", "rows", "reader", "wall s", "CPU s", "peak MB", "to ours"
    );
    for millions in sizes {
        for shape in [Shape::Legacy, Shape::Cur2] {
            let lines = Lines::new(millions * 1_000_000);
            let path = report(&folder, &lines, shape, *millions);
            let exact = text((0..lines.rows).map(|row| i128::from(lines.line(row).cost)).sum::<i128>() as i64, 10);
            table(&peers, &path, shape, *millions, &exact);
        }
    }
}

/// Writes the report once.
fn report(folder: &Path, lines: &Lines, shape: Shape, millions: u64) -> PathBuf {
    let path = folder.join(format!("{shape:?}-{millions}.parquet").to_lowercase());
    if !path.is_file() {
        let half = folder.join("unfinished.parquet");
        let file = BufWriter::new(File::create(&half).expect("made"));
        generate::parquet::write(lines, shape, &Writing::default(), file).flush().expect("written");
        std::fs::rename(&half, &path).expect("named");
    }
    path
}

fn table(peers: &peers::Peers, path: &Path, shape: Shape, millions: u64, exact: &str) {
    let this = std::env::current_exe().expect("this program");
    let ours = |role: &str| {
        let mut command = Command::new(&this);
        command.args([role]).arg(path);
        command
    };
    let limited = || {
        let mut command = Command::new("bash");
        command.args(["-c", &format!("ulimit -v {FUNCTION_KIB} && exec \"$0\" read \"$1\"")]).arg(&this).arg(path);
        // Every thread's arena counts as 64 MB of address space before it is used.
        command.env("MALLOC_ARENA_MAX", "2");
        command
    };
    let mut readers: Vec<(String, Start<'_>)> = vec![
        ("floor".to_owned(), Box::new(|| ours("floor"))),
        ("billform".to_owned(), Box::new(|| ours("read"))),
        ("billform in 256 MB".to_owned(), Box::new(limited)),
    ];
    for peer in &peers.found {
        readers.push((format!("{} import only", peer.name), Box::new(|| peers.command(peer, "import", path, shape))));
        readers.push((peer.name.clone(), Box::new(|| peers.command(peer, "sum", path, shape))));
    }
    let mut all = BTreeMap::<usize, Vec<Measured>>::new();
    for _ in 0..TURNS {
        for (number, (_, command)) in readers.iter().enumerate() {
            all.entry(number).or_default().push(measure(command()));
        }
    }
    let ours = measure::median(&all[&1]);
    for (number, (name, _)) in readers.iter().enumerate() {
        let median = measure::median(&all[&number]);
        let verdict = if name == "floor" || name.ends_with("import only") {
            String::new()
        } else if median.output.contains(&format!("sum {exact} ")) {
            "yes".to_owned()
        } else {
            format!("no: {}", median.output.trim())
        };
        let (wall, cpu) = (median.wall, median.cpu);
        println!(
            "{:<8} {millions:>3}M  {name:<22} {:>8.3} {:>8.3} {:>9} {:>8.2}x  {verdict}",
            format!("{shape:?}").to_lowercase(),
            wall.as_secs_f64(),
            cpu.as_secs_f64(),
            median.peak_kib.div_ceil(1024),
            wall.div_duration_f64(ours.wall),
        );
    }
}
