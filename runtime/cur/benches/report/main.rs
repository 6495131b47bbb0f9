//! How fast reports are read, beside the floor (read, decompress and decode the same columns) and beside DuckDB, Polars and
//! pandas.
//!
//! `cargo bench -p cur [-- ROWS_IN_MILLIONS…]` (10 when left out) writes reports of both layouts once, below the target
//! folder, and measures every reader as a process of its own, in turns: wall time, CPU time, peak memory, and whether its
//! sum is exact. Import time is measured apart and taken off the other readers' wall and CPU time. They come from PyPI,
//! into a virtual environment below the target folder; where that cannot be made they are left out, and the reason is
//! printed. More than 10 million rows are the same 10 million again, as further parts: memory must not grow with them.
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
/// What a reader that only imports its module is called.
const IMPORT: &str = "import";
/// Millions of rows that are written at most.
const MOST_MILLIONS: u64 = 10;
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
        [role, paths @ ..] if role == "read" || role == "floor" => {
            read(role, &paths.iter().map(Path::new).collect::<Vec<_>>());
        }
        sizes => {
            let sizes: Vec<u64> = sizes.iter().filter_map(|size| size.parse().ok()).collect();
            compare(if sizes.is_empty() { &[10] } else { &sizes });
        }
    }
    ExitCode::SUCCESS
}

/// The child: reads and prints the sum and the number of groups.
fn read(role: &str, paths: &[&Path]) {
    let disk = |path: &&Path| Disk { path: path.to_path_buf(), length: path.metadata().expect("a file").len() };
    let disks: Vec<Disk> = paths.iter().map(disk).collect();
    let sources: Vec<&dyn Source> = disks.iter().map(|disk| disk as &dyn Source).collect();
    let reading = Reading { threads: THREADS, progress: &|_| {} };
    if role == "floor" {
        println!("values {}", cur::decode(&sources, &query(), &reading).expect("decoded"));
        return;
    }
    let report = cur::report(&sources, &query(), &reading).unwrap_or_else(|problem| panic!("{problem}"));
    println!("sum {} in {} groups", report.total.cost, report.groups.len());
}

fn compare(sizes: &[u64]) {
    let folder = measure::folder();
    let peers = peers::find(&folder);
    for (name, why) in &peers.missing {
        println!("{name} is left out: {why}");
    }
    println!("{}", measure::machine());
    println!(
        "{:<8} {:>4}  {:<20} {:>7} {:>7} {:>8} {:>8} {:>8}  exact",
        "layout", "rows", "reader", "wall s", "CPU s", "peak MB", "to ours", "CPU"
    );
    for millions in sizes {
        for shape in [Shape::Legacy, Shape::Cur2] {
            let part = (*millions).min(MOST_MILLIONS);
            let parts = millions / part;
            let lines = Lines::new(part * 1_000_000);
            let path = report(&folder, &lines, shape, part);
            let cost: i128 = (0..lines.rows).map(|row| i128::from(lines.line(row).cost)).sum();
            let exact = text((cost * i128::from(parts)) as i64, 10);
            table(&peers, &vec![path; parts as usize], shape, part * parts, &exact);
        }
    }
    println!("{}", measure::machine());
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

/// How every reader is started.
fn readers<'a>(peers: &'a peers::Peers, paths: &'a [PathBuf], shape: Shape) -> Vec<(String, Start<'a>)> {
    let this = std::env::current_exe().expect("this program");
    let program = this.clone();
    let ours = move |role: &str| {
        let mut command = Command::new(&program);
        command.arg(role).args(paths);
        command
    };
    let (floor, read) = (ours.clone(), ours);
    let limited = move || {
        let mut command = Command::new("bash");
        command.args(["-c", &format!("ulimit -v {FUNCTION_KIB} && exec \"$0\" read \"$@\"")]).arg(&this).args(paths);
        // Every thread's arena counts as 64 MB of address space before it is used.
        command.env("MALLOC_ARENA_MAX", "2");
        command
    };
    let mut readers: Vec<(String, Start<'a>)> = vec![
        ("floor".to_owned(), Box::new(move || floor("floor"))),
        ("billform".to_owned(), Box::new(move || read("read"))),
        ("billform in 256 MB".to_owned(), Box::new(limited)),
    ];
    for peer in &peers.found {
        readers.push((IMPORT.to_owned(), Box::new(move || peers.command(peer, "import", paths, shape))));
        readers.push((peer.name.clone(), Box::new(move || peers.command(peer, "sum", paths, shape))));
    }
    readers
}

fn table(peers: &peers::Peers, paths: &[PathBuf], shape: Shape, millions: u64, exact: &str) {
    let readers = readers(peers, paths, shape);
    let mut all = BTreeMap::<usize, Vec<Measured>>::new();
    for _ in 0..TURNS {
        for (number, (_, command)) in readers.iter().enumerate() {
            all.entry(number).or_default().push(measure(command()));
        }
    }
    let ours = measure::median(&all[&1]);
    let mut import = Measured::default();
    for (number, (name, _)) in readers.iter().enumerate() {
        let median = measure::median(&all[&number]);
        if name == IMPORT {
            import = median;
            continue;
        }
        let verdict = match median.output.contains(&format!("sum {exact} ")) {
            _ if name == "floor" => String::new(),
            true => "yes".to_owned(),
            false => format!("no: {}", median.output.trim()),
        };
        let (wall, cpu) = (median.wall.saturating_sub(import.wall), median.cpu.saturating_sub(import.cpu));
        println!(
            "{:<8} {millions:>3}M  {name:<20} {:>7.3} {:>7.2} {:>8} {:>7.2}x {:>7.2}x  {verdict}",
            format!("{shape:?}").to_lowercase(),
            wall.as_secs_f64(),
            cpu.as_secs_f64(),
            median.peak_kib.div_ceil(1024),
            wall.div_duration_f64(ours.wall),
            cpu.div_duration_f64(ours.cpu),
        );
    }
}
