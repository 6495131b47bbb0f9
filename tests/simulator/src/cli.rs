//! The command line.
//!
//! ```text
//! cargo run --release -p tests --bin simulate -- --tenants 50 --months 24 --seed 7
//! cargo run --release -p tests --bin simulate -- --tenants 50 --months 24 --tenant-months 100000
//! cargo run --release -p tests --bin simulate -- --planted voided-unnoticed
//! cargo run --release -p tests --bin simulate -- --planted all
//! ```

use std::process::ExitCode;
use std::str::FromStr;
use std::time::Instant;

use clap::Parser;

use super::{Campaign, Enough, Failure, Plan, Planted, Played, Simulation, Sizes, Table, shrink, story};

/// How many seeds are tried for a defect that is put back.
const TRIES: u64 = 20;

#[derive(Debug, Parser)]
#[command(name = "simulate", about = "Runs the handlers through drawn months and has the oracle judge every day")]
struct Cli {
    /// How many companies there are.
    #[arg(long, default_value_t = 10, value_name = "N")]
    tenants: u32,
    /// How many months are billed.
    #[arg(long, default_value_t = 12, value_name = "N")]
    months: u32,
    /// How much goes wrong, in percent of days and months.
    #[arg(long, default_value_t = 10, value_name = "PERCENT")]
    trouble: u32,
    /// The first seed.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many seeds. The first violation ends it.
    #[arg(long, value_name = "COUNT", conflicts_with = "tenant_months")]
    seeds: Option<u64>,
    /// Goes on with further seeds until so many months of tenants were billed. The first violation ends it.
    #[arg(long, value_name = "COUNT")]
    tenant_months: Option<u64>,
    /// How many seeds are played at a time. As many as there are processors unless this says otherwise.
    #[arg(long, value_name = "COUNT")]
    threads: Option<usize>,
    /// Puts a defect back, or `all`, one after the other. Up to 20 seeds are tried unless `--seeds` says otherwise.
    #[arg(long, value_name = "NAME")]
    planted: Option<Defects>,
    /// How many smaller plans are tried for the story of a violation.
    #[arg(long, default_value_t = 150, value_name = "COUNT")]
    shrink: usize,
}

/// Which defects are put back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Defects {
    One(Planted),
    All,
}

impl FromStr for Defects {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "all" { Ok(Self::All) } else { text.parse().map(Self::One) }
    }
}

/// Plays what the command line says. Fails for a violation; with all defects in turn, for one that is not found.
#[must_use]
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let campaign = cli.campaign();
    if cli.planted == Some(Defects::All) {
        let table = Table::of(campaign, cli.threads());
        print!("{table}");
        return if table.is_complete() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    let began = Instant::now();
    let played = campaign.play(cli.threads(), |seed, counts, played| {
        if cli.tenant_months.is_some() {
            eprintln!("seed {seed}: {counts}; {} in all, {:.0?}", played.counts.tenant_months, began.elapsed());
        }
    });
    let violations = played.failed.as_ref().map_or(0, |(_, failure)| failure.violations.len());
    println!("{} seeds, {}: {violations} violations, {:.1?}", played.seeds, played.counts, began.elapsed());
    let Played { failed: Some((plan, failure)), .. } = played else { return ExitCode::SUCCESS };
    let (plan, failure) = smallest(&plan, failure, &cli);
    print!("{}", story(&plan, &failure));
    ExitCode::FAILURE
}

impl Cli {
    fn campaign(&self) -> Campaign {
        let seeds = self.seeds.unwrap_or(if self.planted.is_some() { TRIES } else { 1 });
        Campaign {
            sizes: Sizes { tenants: self.tenants, months: self.months, trouble_percent: self.trouble },
            first: self.seed,
            enough: self.tenant_months.map_or(Enough::Seeds(seeds), Enough::TenantMonths),
            planted: self.planted(),
        }
    }

    fn planted(&self) -> Option<Planted> {
        match self.planted? {
            Defects::One(planted) => Some(planted),
            Defects::All => None,
        }
    }

    fn threads(&self) -> usize {
        self.threads.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from))
    }
}

/// The smallest plan found that goes wrong by the same day or soon after, and how it does.
fn smallest(plan: &Plan, failure: Box<Failure>, cli: &Cli) -> (Plan, Box<Failure>) {
    let mut last = failure;
    let kind = |failure: &Failure| failure.violations.first().map(|violation| std::mem::discriminant(&violation.fault));
    let smaller = shrink(plan, cli.shrink, |plan| match Simulation::play_until(plan, cli.planted(), last.on).1 {
        Err(failure) if kind(&failure) == kind(&last) => {
            last = failure;
            true
        }
        _ => false,
    });
    (smaller, last)
}
