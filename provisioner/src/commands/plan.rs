//! `plan`: reads the cloud, shows what would change, changes nothing and takes no lock.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::Args;
use engine::state::StateStore as _;
use engine::{Address, Plan};

use crate::bundle::selection;
use crate::cloud::stripe_api::StripeApi;
use crate::ledger::money_effects::MoneyEffects;
use crate::ledger::money_limit::MoneyLimit;
use crate::project::Project;
use crate::run::money;
use crate::run::progress::Progress;
use crate::run::saved_plan::SavedPlan;
use crate::run::saved_review;
use crate::run::scope::{Refresh, Scope};
use crate::run::session::{Looking, Others, Purpose, Recalled, Session};
use crate::ui::exit;
use crate::ui::failure::{Failure, Outcome};
use crate::ui::options::{Global, Written};
use crate::ui::views::alike::Folding;
use crate::ui::views::plan::Surroundings;
use crate::ui::views::review::Review;
use crate::ui::views::{self, terminal};

/// Arguments of `plan`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Saves the plan, for `apply FILE`; beside it, in FILE.review.json, what `ci comment FILE` shows of it.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Exits 2 when there are changes.
    #[arg(long)]
    pub detailed_exitcode: bool,
    /// Plans to delete everything.
    #[arg(long)]
    pub destroy: bool,
    /// How much is read: what lists give, or every managed field.
    #[arg(long, value_name = "DEPTH", default_value = "lists")]
    pub refresh: Refresh,
    /// The bundle whose code functions are compared with.
    #[arg(long, value_name = "FILE")]
    pub bundle: Option<PathBuf>,
    /// Plans to take over what exists and is not ours.
    #[arg(long)]
    pub adopt: bool,
    /// Fails where a closed month would have been off by more than this, up or down: a share of it (5%), or an amount in
    /// the tenant's currency (20.00).
    #[arg(long, value_name = "LIMIT")]
    pub max_money_delta: Option<MoneyLimit>,
    /// Shows every tenant by itself, those whose changes are alike too.
    #[arg(long)]
    pub full: bool,
    /// Looks at one tenant's resources alone. With --out it fails if anything else would change, as `apply --tenant` does.
    #[arg(long, value_name = "ID", conflicts_with = "target")]
    pub tenant: Option<String>,
    /// Looks at this resource and what it needs alone; repeatable.
    #[arg(long, value_name = "ADDRESS")]
    pub target: Vec<Address>,
}

/// Plans and shows.
pub async fn run(global: &Global, arguments: &Arguments) -> Outcome {
    let project = Project::load(global)?;
    let bundle = selection::find(&project, arguments.bundle.as_deref())?;
    let keeps_code = bundle.is_none() && !arguments.destroy;
    let session = Session::open(project, Purpose { bundle, may_ask: false, destroy: arguments.destroy }).await?;
    let state = session.store().load(&session.cloud.stack).await?;
    let progress = Progress::reading(global.verbose > 0);
    let looking = Looking {
        refresh: arguments.refresh,
        adopt: arguments.adopt,
        scope: Scope::new(arguments.tenant.as_deref(), &arguments.target),
        others: if arguments.out.is_some() { Others::Refused } else { Others::Told },
    };
    let Recalled { state, notes } = match looking.refresh {
        Refresh::None => session.remembered(state)?,
        Refresh::Lists | Refresh::Full => session.recall(state, &progress).await?,
    };
    terminal::eprint_lines(&notes);
    let (plan, others) = session.plan_and_others(&state, &looking, &progress).await?;
    let money = match arguments.max_money_delta {
        Some(_) => money::effects(&session, &plan).await.map_err(unlimited)?,
        None => money::effects_or_note(&session, &plan).await,
    };
    drop(progress);
    let folding = if arguments.full { Folding::None } else { Folding::Alike };
    let told = Told { keeps_code, money: &money, folding };
    show(global, &session, &plan, &told)?;
    terminal::eprint_lines(others.as_slice());
    if let Some(limit) = arguments.max_money_delta {
        limit.check(&money)?;
    }
    if let Some(path) = &arguments.out {
        let saved = SavedPlan::new(&session, &looking, &plan, arguments.destroy)?;
        saved.write(path)?;
        saved_review::write(review(global, &session, &plan, &told), &saved, path)?;
        anstream::eprintln!("The plan is saved in {}; `billform apply {0}` carries it out.", path.display());
    }
    Ok(exit_code(&plan, arguments.detailed_exitcode))
}

/// What is not known cannot be held to a limit.
fn unlimited(failure: Failure) -> Failure {
    Failure::new(format!("--max-money-delta cannot be checked: {}", failure.message))
        .hint("`billform permissions --for plan` prints what reading the ledger takes")
}

/// What is said of a plan beside the plan.
pub struct Told<'a> {
    /// No bundle is at hand.
    pub keeps_code: bool,
    /// What it does to amounts.
    pub money: &'a MoneyEffects,
    /// Whether tenants that are alike are told together.
    pub folding: Folding,
}

/// The plan on stdout, in the format asked for.
pub fn show(global: &Global, session: &Session, plan: &Plan, told: &Told) -> Result<(), Failure> {
    let unprovisioned = session.project.manifest.unprovisioned_sections();
    let calls = session.cloud.calls.counts();
    let around = surroundings(global, session, told, &unprovisioned, &calls);
    match global.written {
        Written::Markdown => terminal::print(&views::plan_markdown::render(plan, &around)),
        // Only drift writes SARIF, only cost reports are CSV; the command line saw to that.
        Written::Human | Written::Sarif | Written::Csv | Written::Parquet => {
            terminal::print(&views::plan::render(plan, &around));
        }
        Written::Json => {
            let document = views::plan_json::render(plan, &calls, &unprovisioned, told.money);
            terminal::print_json(&document)?;
        }
    }
    Ok(())
}

/// What is reviewed of the plan.
fn review(global: &Global, session: &Session, plan: &Plan, told: &Told) -> Review {
    let unprovisioned = session.project.manifest.unprovisioned_sections();
    Review::new(plan, &surroundings(global, session, told, &unprovisioned, &session.cloud.calls.counts()))
}

fn surroundings<'a>(
    global: &Global,
    session: &'a Session,
    told: &Told<'a>,
    unprovisioned: &'a [&'a str],
    calls: &'a BTreeMap<String, u64>,
) -> Surroundings<'a> {
    Surroundings {
        account: &session.project.manifest.aws.account,
        region: &session.project.manifest.aws.region,
        stripe: session.cloud.stripe.as_ref().map(StripeApi::mode),
        unprovisioned,
        keeps_code: told.keeps_code,
        destroys: session.destroys(),
        calls,
        money: told.money,
        folding: told.folding,
        verbose: global.verbose > 0,
        width: terminal::width(),
    }
}

/// Incomplete beats changes (the CLI contract: 1, then 4, 3, 2).
pub fn exit_code(plan: &Plan, detailed: bool) -> u8 {
    if plan.is_incomplete() {
        exit::INCOMPLETE
    } else if detailed && !plan.is_empty() {
        exit::CHANGES
    } else {
        exit::DONE
    }
}
