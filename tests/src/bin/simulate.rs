//! The real handlers through months of drawn cost, edits and trouble, judged each day by the oracle.
//!
//! ```text
//! cargo run --release -p tests --bin simulate -- --tenants 50 --months 24 --seed 7
//! cargo run --release -p tests --bin simulate -- --tenants 10 --months 12 --seed 1 --seeds 20
//! cargo run --release -p tests --bin simulate -- --planted voided-unnoticed
//! ```

use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use tests::simulate::{Counts, Failure, Plan, Planted, Simulation, Sizes, shrink, story};

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
    /// How many seeds, one after the other. The first violation ends it.
    #[arg(long, default_value_t = 1, value_name = "COUNT")]
    seeds: u64,
    /// Puts a defect back. Up to 20 seeds are tried unless `--seeds` says otherwise.
    #[arg(long, value_name = "NAME")]
    planted: Option<Planted>,
    /// How many smaller plans are tried for the story of a violation.
    #[arg(long, default_value_t = 150, value_name = "COUNT")]
    shrink: usize,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let sizes = Sizes { tenants: cli.tenants, months: cli.months, trouble_percent: cli.trouble };
    let seeds = if cli.planted.is_some() && cli.seeds == 1 { 20 } else { cli.seeds };
    let (began, mut all, mut failed) = (Instant::now(), Counts::default(), None);
    for seed in cli.seed..cli.seed + seeds {
        let plan = Plan::draw(sizes, seed).as_built();
        let (counts, result) = Simulation::play(&plan, cli.planted);
        all.add(&counts);
        if let Err(failure) = result {
            failed = Some((plan, failure));
            break;
        }
    }
    let violations = failed.as_ref().map_or(0, |(_, failure)| failure.violations.len());
    println!(
        "{} tenant-months, {} days, {} runs, {} calls, {} invoices: {violations} violations, {:.1?}",
        all.tenant_months,
        all.days,
        all.runs,
        all.calls,
        all.documents,
        began.elapsed()
    );
    let Some((plan, failure)) = failed else { return ExitCode::SUCCESS };
    let (plan, failure) = smallest(&plan, failure, &cli);
    print!("{}", story(&plan, &failure));
    ExitCode::FAILURE
}

/// The smallest plan found that goes wrong by the same day or soon after, and how it does.
fn smallest(plan: &Plan, failure: Box<Failure>, cli: &Cli) -> (Plan, Box<Failure>) {
    let mut last = failure;
    let kind = |failure: &Failure| failure.violations.first().map(|violation| std::mem::discriminant(&violation.fault));
    let smaller = shrink(plan, cli.shrink, |plan| match Simulation::play_until(plan, cli.planted, last.on).1 {
        Err(failure) if kind(&failure) == kind(&last) => {
            last = failure;
            true
        }
        _ => false,
    });
    (smaller, last)
}
