//! A sample of the fault suite, and whether the suite would notice what it is there to notice.
//!
//! `BILLFORM_SEED` repeats a sample, `BILLFORM_CASES` draws another number of cases. Everything, and one case alone:
//! `cargo run -p tests --bin faults -- --help`.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};

use tests::faults::{Case, Change, Found, Lacking, Runner, Suite, draw, table};
use tests::stage::{PORTAL, Stage};

/// How many cases are drawn.
const CASES: u64 = 24;

/// Clouds that run at once.
const AT_ONCE: usize = 2;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn a_disturbed_run_is_made_good_by_the_next() {
    let seed = number("BILLFORM_SEED").unwrap_or_else(|| RandomState::new().build_hasher().finish());
    println!("BILLFORM_SEED={seed} repeats this");
    let mut suite = Suite::new(AT_ONCE, &Change::ALL).await;
    let how_many = usize::try_from(number("BILLFORM_CASES").unwrap_or(CASES)).expect("a number of cases");
    let cases = draw(seed, how_many, suite.cases());
    let found = suite.run(Runner::Program, cases, &|_| {}).await;
    let table = table(&suite, &found);
    println!("{table}");
    assert!(found.iter().all(Found::is_good), "{table}");
}

/// Every write to what is imported, killed before and after it took effect: the next run imports, and makes nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn what_is_imported_is_never_also_made() {
    let mut suite = Suite::new(AT_ONCE, &[Change::Import]).await;
    let is_write = |case: &Case| match case.service.as_str() {
        "stripe" => case.operation.starts_with("POST "),
        "s3" => case.operation.starts_with("Put") || case.operation.starts_with("Create"),
        _ => false,
    };
    let cases: Vec<Case> =
        suite.cases().into_iter().filter(|case| case.disturbance.kills() && is_write(case)).collect();
    let made = |case: &Case| ["POST /v1/customers", "CreateBucket"].contains(&case.operation.as_str());
    assert!(cases.len() >= 8 && !cases.iter().any(made), "{cases:?}");
    let found = suite.run(Runner::Program, cases, &|_| {}).await;
    let table = table(&suite, &found);
    assert!(found.iter().all(|one| one.struck.reached && one.is_good()), "{table}");
}

/// Whether a case came out so.
type Is = fn(&Found) -> bool;

/// What each safeguard is there for: a call that goes wrong without it, and what is wrong then.
const TEETH: &[(Lacking, &str, Is)] = &[
    // The role is there, and nobody knows whose it is.
    (Lacking::Adoption, "create/iam/CreateRole/1/killed-after", not_converged),
    // The manifest that wanted the budget is gone, and nothing says that it was begun.
    (Lacking::Journal, "abandon/budgets/CreateBudget/1/killed-after", orphans),
    // What lists do not give is taken from the state, which says what was there before the change was begun.
    (Lacking::Journal, "abandon/apigateway/UpdateStage/1/killed-after", not_converged),
    // The customer comes to be after the run has looked for it and made it again.
    (Lacking::Tokens, "create/stripe/POST /v1/customers/1/acts-late", duplicates),
    // The same between two runs: the state's serial is that of the one that died.
    (Lacking::Tokens, "create/stripe/POST /v1/products/1/killed-acts-late", duplicates),
];

fn not_converged(found: &Found) -> bool {
    found.result.as_ref().map_or(true, |differences| !differences.others.is_empty())
}

fn orphans(found: &Found) -> bool {
    found.result.as_ref().is_ok_and(|differences| !differences.orphans.is_empty())
}

fn duplicates(found: &Found) -> bool {
    found.result.as_ref().is_ok_and(|differences| !differences.duplicates.is_empty())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn without_a_safeguard_the_suite_finds_what_it_is_for() {
    let mut suite = Suite::new(1, &[Change::Create, Change::Abandon]).await;
    let mut wrong = Vec::new();
    for (lacking, case, is_wrong) in TEETH {
        let case: Case = case.parse().expect("a case");
        for (lacking, is_expected) in [(*lacking, *is_wrong), (Lacking::Nothing, Found::is_good as Is)] {
            let found = suite.run(Runner::Engine(lacking), vec![case.clone()], &|_| {}).await;
            assert!(found[0].struck.reached, "{case} is a call of such a run");
            if !is_expected(&found[0]) {
                wrong.push(format!("{case} without {lacking}: {:?}", found[0].result));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Stripe repeats answers for a day by their keys, and a lost state counts from zero again.
#[tokio::test]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn a_second_life_after_a_destroy_and_a_lost_state_is_a_whole_one() {
    let mut stage = Stage::without_handlers(PORTAL).await;
    stage.run(&["apply", "--auto-approve"]).await.ok();
    let first = stage.inventory().await;
    stage.be_permitted("destroy").await;
    stage.run(&["destroy", "--auto-approve"]).await.ok();
    std::fs::remove_dir_all(stage.folder().join(".billform")).expect("the state is lost");
    stage.be_permitted("apply").await;
    stage.run(&["apply", "--auto-approve"]).await.ok();
    assert_eq!(stage.inventory().await, first);
    stage.run(&["plan", "--refresh", "full", "--detailed-exitcode"]).await.ok();
}

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable} is `{text}`, which is no whole number")))
}
