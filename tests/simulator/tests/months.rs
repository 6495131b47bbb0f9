//! The real handlers through drawn months, judged each day by the oracle, and through each defect put back.
//! `cargo run --release -p tests --bin simulate` runs more.

use tests::simulate::{Counts, Plan, Planted, Simulation, Sizes, story};

/// Sizes of a plan that a test plays.
const SMALL: Sizes = Sizes { tenants: 3, months: 4, trouble_percent: 10 };

fn plan(sizes: Sizes, seed: u64) -> Plan {
    Plan::draw(sizes, seed).as_built()
}

#[test]
fn the_handlers_bill_what_is_owed_through_drawn_months() {
    let mut all = Counts::default();
    for seed in [1, 3] {
        let plan = plan(SMALL, seed);
        let (counts, result) = Simulation::play(&plan, None);
        assert!(result.is_ok(), "{}", result.err().map_or_else(String::new, |failure| story(&plan, &failure)));
        all.add(&counts);
    }
    assert!(all.tenant_months >= 20 && all.documents >= 20 && all.runs > 800, "{all:?}");
}

/// Each defect on a seed that shows it; `simulate --planted NAME` looks for one among twenty.
#[test]
fn a_defect_that_is_put_back_is_found() {
    let troubled = Sizes { trouble_percent: 25, ..SMALL };
    for planted in [
        Planted::DoubleDraft,
        Planted::HalfDrawn,
        Planted::EditReprices,
        Planted::LastMonthOnly,
        Planted::RestatementDropped,
    ] {
        let plan = plan(troubled, 1);
        let (counts, result) = Simulation::play(&plan, Some(planted));
        let failure = result.err().unwrap_or_else(|| panic!("{planted} was not found: {counts:?}"));
        assert!(story(&plan, &failure).contains("owes:"), "{planted}");
    }
}
