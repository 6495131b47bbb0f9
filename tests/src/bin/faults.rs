//! The fault suite on demand; `tests/tests/faults` runs a sample of it in CI.
//!
//! ```text
//! cargo run -p tests --bin faults -- --everything
//! cargo run -p tests --bin faults -- --cases 50 --seed 7
//! cargo run -p tests --bin faults -- --change replace --everything
//! cargo run -p tests --bin faults -- --case 'create/iam/CreateRole/2/killed-after'
//! ```

use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use tests::faults::{Case, Change, Disturbance, Lacking, Runner, Suite, draw, size, table};

#[derive(Debug, Parser)]
#[command(name = "faults", about = "Disturbs one call of a run in every way, repairs, and compares")]
struct Cli {
    /// Every call in every way.
    #[arg(long, conflicts_with = "case")]
    everything: bool,
    /// How many cases are drawn.
    #[arg(long, default_value_t = 40, value_name = "N")]
    cases: usize,
    /// Repeats a draw.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Only cases of this change: create, update, replace, destroy, abandon, import; repeatable.
    #[arg(long)]
    change: Vec<Change>,
    /// Only cases of this disturbance: fails, answer-lost, throttled, killed-before, killed-after, acts-late,
    /// killed-acts-late; repeatable.
    #[arg(long)]
    disturbance: Vec<Disturbance>,
    /// Only this case, as the report writes it; repeatable.
    #[arg(long)]
    case: Vec<Case>,
    /// The engine in this process without a safeguard: adoption, journal, tokens; nothing takes none away. Of creates
    /// and changes that are given up only.
    #[arg(long)]
    lacking: Option<Lacking>,
    /// How many clouds run beside each other.
    #[arg(long, default_value_t = 2, value_name = "N")]
    at_once: usize,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    match runtime.expect("threads").block_on(run(&cli)) {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

async fn run(cli: &Cli) -> bool {
    let began = Instant::now();
    let runner = cli.lacking.map_or(Runner::Program, Runner::Engine);
    let changes = match (cli.lacking, cli.change.is_empty()) {
        _ if !cli.case.is_empty() => cli.case.iter().map(|case| case.change).collect(),
        (Some(_), true) => vec![Change::Create, Change::Abandon],
        (None, true) => Change::ALL.to_vec(),
        (_, false) => cli.change.clone(),
    };
    let mut suite = Suite::new(cli.at_once, &changes).await;
    println!("{}", size(&suite));
    let mut all = suite.cases();
    all.retain(|case| cli.disturbance.is_empty() || cli.disturbance.contains(&case.disturbance));
    let cases = match (cli.case.is_empty(), cli.everything) {
        (false, _) => cli.case.clone(),
        (true, true) => all,
        (true, false) => draw(cli.seed, cli.cases, all),
    };
    let count = cases.len();
    let found = suite
        .run(runner, cases, &|found| {
            let verdict = if found.is_good() { "ok " } else { "BAD" };
            eprintln!("{verdict} {:>5} ms  {}", found.took.as_millis(), found.case);
        })
        .await;
    println!("{}", table(&suite, &found));
    println!("{count} cases in {} s", began.elapsed().as_secs());
    found.iter().all(|found| found.is_good())
}
