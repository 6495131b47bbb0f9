//! What the system says of closed months.

use super::Judge;
use crate::close::close;
use crate::violation::{Fault, Violation};
use crate::world::Claimed;

pub(super) fn faults(judge: &Judge) -> Vec<Violation> {
    judge.world.closes.iter().flat_map(|claimed| of_month(judge, claimed)).collect()
}

fn of_month(judge: &Judge, claimed: &Claimed) -> Vec<Violation> {
    let mut faults = Vec::new();
    let is = claimed.tenants + claimed.unallocated;
    if is != claimed.bill {
        faults.push(Fault::DoesNotAddUp { is, bill: claimed.bill });
    }
    let must = close(judge.facts, claimed.month, claimed.read_at);
    let figures = [
        ("tenants", claimed.tenants, must.tenants),
        ("unallocated", claimed.unallocated, must.unallocated),
        ("bill", claimed.bill, must.bill),
    ];
    // Three figures rounded by themselves need not add up: one cent more or less is rounding, not loss.
    let wrong = figures.into_iter().filter(|(figure, is, must)| (is - must).abs() > i128::from(*figure != "bill"));
    faults.extend(wrong.map(|(figure, is, must)| Fault::WrongClose { figure, is, must }));
    faults.into_iter().map(|fault| Violation { tenant: None, month: Some(claimed.month), fault }).collect()
}
