//! The table that the suite prints, and each bad case with how to repeat it.

use std::fmt::Write as _;

use super::{Case, Disturbance, Found, Suite};

/// One line per change and way to disturb it, sums, and the bad cases whole.
pub fn table(suite: &Suite, found: &[Found]) -> String {
    let mut out = String::new();
    let _ = writeln!(
        out,
        "{:<9}{:>6}{:>8}  {:<17}{:>6}{:>11}{:>9}{:>12}{:>15}",
        "change", "calls", "writes", "disturbance", "runs", "unrepaired", "orphans", "duplicates", "not converged"
    );
    for clean in suite.clean() {
        let change = clean.change;
        for disturbance in Disturbance::ALL {
            let of = |found: &&Found| found.case.change == change && found.case.disturbance == disturbance;
            let found: Vec<&Found> = found.iter().filter(of).collect();
            if !found.is_empty() {
                let head = format!("{change:<9}{:>6}{:>8}  {disturbance:<17}", clean.total(), clean.writes());
                line(&mut out, &head, &found);
            }
        }
    }
    line(&mut out, &format!("{:<40}", "all"), &found.iter().collect::<Vec<_>>());
    let missed = found.iter().filter(|found| !found.struck.reached).count();
    if missed > 0 {
        let _ = writeln!(out, "{missed} of them made fewer such calls than the clean run, so that nothing was struck");
    }
    for bad in found.iter().filter(|found| !found.is_good()) {
        let _ = writeln!(out, "\nBAD {}", bad.case);
        let _ = writeln!(out, "  repeat: cargo run -p tests --bin faults -- --case '{}'", bad.case);
        match &bad.result {
            Err(why) => indented(&mut out, why.lines()),
            Ok(differences) => {
                let orphans = differences.orphans.iter().map(|name| format!("orphan, {name}"));
                let duplicates = differences.duplicates.iter().map(|name| format!("duplicate, {name}"));
                indented(&mut out, orphans.chain(duplicates).chain(differences.others.iter().cloned()));
            }
        }
    }
    out
}

/// How large everything is: each call of each change in every way, and how much of it strikes Stripe and the ledger.
pub fn size(suite: &Suite) -> String {
    let calls: u64 = suite.clean().map(super::Clean::total).sum();
    let writes: u64 = suite.clean().map(super::Clean::writes).sum();
    let cases = suite.cases();
    let of = |service: &str| cases.iter().filter(|case| case.service == service).count();
    let kills = |case: &&Case| case.disturbance.kills();
    format!(
        "everything: {} cut points in {calls} calls, {writes} of them writes; {} cut points are calls to Stripe, {} to \
         DynamoDB; in {} the program is killed",
        cases.len(),
        of("stripe"),
        of("dynamodb"),
        cases.iter().filter(kills).count(),
    )
}

fn indented(out: &mut String, lines: impl Iterator<Item: std::fmt::Display>) {
    for line in lines {
        let _ = writeln!(out, "  {line}");
    }
}

/// `unrepaired` are the runs that did not end well by themselves, so that the next one had work to do.
fn line(out: &mut String, head: &str, found: &[&Found]) {
    let differences = || found.iter().filter_map(|found| found.result.as_ref().ok());
    let orphans: usize = differences().map(|differences| differences.orphans.len()).sum();
    let duplicates: usize = differences().map(|differences| differences.duplicates.len()).sum();
    let not_converged =
        found.iter().filter(|found| found.result.as_ref().map_or(true, |found| !found.others.is_empty())).count();
    let unrepaired = found.iter().filter(|found| !found.struck.ended_well).count();
    let runs = found.len();
    let _ = writeln!(out, "{head}{runs:>6}{unrepaired:>11}{orphans:>9}{duplicates:>12}{not_converged:>15}");
}
