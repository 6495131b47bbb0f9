//! A month's sums beside AWS's total.

use super::near_misses::sentences;
use super::style::{BOLD, GREEN, RED, paint};
use super::table::aligned;
use super::wrap::wrapped;
use crate::ledger::closing::{Sums, dollars};
use crate::ledger::unclaimed::Unclaimed;

/// One line for each part, then what of unallocated cost is shared out or near a tenant's, then the verdict.
pub fn render(sums: &Sums, unclaimed: Option<&Unclaimed>, width: usize) -> String {
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
                "{} does not add up: {} are missing in the ledger. `billform costs backfill --from {} --skip-tags` reads it again.",
                sums.month,
                dollars(sums.difference()),
                sums.month,
            );
            paint(RED, text).to_string()
        }
    };
    let head = paint(BOLD, format!("Cost of {} in US dollars", sums.month));
    let shared = (!sums.shared.is_zero()).then(|| {
        let kept = dollars(sums.unallocated - sums.shared);
        format!(
            "Of what is unallocated, {} are shared out among the tenants; the operator bears {kept}.",
            dollars(sums.shared)
        )
    });
    let notes = shared.into_iter().chain(unclaimed.map(sentences).unwrap_or_default());
    let notes: String = notes.map(|note| format!("{}\n", wrapped(&note, width, 0))).collect();
    format!("{head}\n{}{notes}{}\n", aligned(&rows), wrapped(&verdict, width, 0))
}
