//! A month's sums beside AWS's total.

use super::style::{BOLD, GREEN, RED, paint};
use super::table::aligned;
use super::wrap::wrapped;
use crate::ledger::closing::{Sums, dollars};

/// One line for each part, then the verdict.
pub fn render(sums: &Sums, width: usize) -> String {
    let mut parts: Vec<(String, String)> = sums.tenants.iter().map(|(id, cost)| (id.clone(), dollars(*cost))).collect();
    parts.push(("unallocated".to_owned(), dollars(sums.unallocated)));
    parts.push(("together".to_owned(), dollars(sums.accounted())));
    parts.push(("AWS's total".to_owned(), dollars(sums.bill)));
    let right = parts.iter().map(|(_, amount)| amount.chars().count()).max().unwrap_or(0);
    let rows: Vec<[String; 2]> =
        parts.into_iter().map(|(name, amount)| [format!("  {name}"), format!("{amount:>right$}")]).collect();
    let verdict = match sums.is_closed() {
        true => paint(GREEN, format!("{} adds up to the cent.", sums.month)).to_string(),
        false => {
            let text = format!(
                "{} does not add up: {} are missing in the ledger. Let the cost sync read it again: `aws lambda invoke` \
                 with {{\"start\": \"{}\", \"end\": \"{}\"}}.",
                sums.month,
                dollars(sums.difference()),
                sums.month.period().start(),
                sums.month.period().last_day(),
            );
            paint(RED, text).to_string()
        }
    };
    let head = paint(BOLD, format!("Cost of {} in US dollars", sums.month));
    format!("{head}\n{}{}\n", aligned(&rows), wrapped(&verdict, width, 0))
}
