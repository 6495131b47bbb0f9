//! `apply`: plans, asks, carries out, and keeps what was done; a saved plan is carried out as it is.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use clap::Args;
use engine::state::StateStore as _;
use engine::{Address, Options, Plan, State, Step};

use crate::bundle::selection;
use crate::cloud::connection::Connection;
use crate::commands::plan::Told;
use crate::commands::{package, plan as plan_command};
use crate::kinds;
use crate::ledger::money_effects::MoneyEffects;
use crate::project::Project;
use crate::run::locked_run::{Patience, locked};
use crate::run::progress::Progress;
use crate::run::saved_plan::SavedPlan;
use crate::run::scope::{Refresh, Scope};
use crate::run::session::{Looking, Others, Purpose, Recalled, Session};
use crate::run::waiting::TokioClock;
use crate::run::{imports, limits, money};
use crate::stack::outputs;
use crate::store::Store;
use crate::ui::exit;
use crate::ui::failure::{Failure, Outcome};
use crate::ui::options::{Format, Global};
use crate::ui::views::alike::Folding;
use crate::ui::views::wrap::wrapped;
use crate::ui::views::{self, terminal};

/// Arguments of `apply`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// A plan that `plan --out` saved.
    #[arg(value_name = "PLANFILE")]
    pub plan: Option<PathBuf>,
    /// Asks nothing.
    #[arg(long)]
    pub auto_approve: bool,
    /// Lets a resource be replaced or deleted though it holds what billform did not write; repeatable.
    #[arg(long, value_name = "ADDRESS")]
    pub approve: Vec<Address>,
    /// Refuses plans that delete or replace more resources than this.
    #[arg(long, value_name = "N")]
    pub max_deletes: Option<usize>,
    /// Refuses a saved plan that empties the stack, as `plan --destroy` makes one.
    #[arg(long, requires = "plan")]
    pub no_destroy: bool,
    /// Takes over what exists and is not ours.
    #[arg(long)]
    pub adopt: bool,
    /// How much is read before planning: `full` repairs also what lists do not show, all that `drift` finds.
    #[arg(long, value_name = "DEPTH", default_value = "lists")]
    pub refresh: Refresh,
    /// The bundle to deploy, instead of the newest packaged one.
    #[arg(long, value_name = "FILE")]
    pub bundle: Option<PathBuf>,
    /// Applies one tenant's resources alone, and fails if anything else would change.
    #[arg(long, value_name = "ID", conflicts_with_all = ["target", "plan"])]
    pub tenant: Option<String>,
    /// Applies this resource and what it needs alone; repeatable.
    #[arg(long, value_name = "ADDRESS", conflicts_with = "plan")]
    pub target: Vec<Address>,
    /// Exits 2 when the saved plan no longer holds, so that nothing was changed; a new plan says what is to do.
    #[arg(long, requires = "plan")]
    pub detailed_exitcode: bool,
    /// What to do about a lock that is held and a network that is gone.
    #[command(flatten)]
    pub patience: Patience,
}

/// What a person has to agree to before a plan is carried out.
pub struct Consent<'a> {
    /// The word for it: `apply`, `destroy`.
    pub verb: &'a str,
    /// Ask nothing.
    pub auto_approve: bool,
    /// Guarded resources that may go.
    pub approved: &'a [Address],
    /// At most so many deletes and replacements.
    pub max_deletes: Option<usize>,
}

/// Plans and carries out. A plan saved for one tenant locks that tenant alone, too.
pub async fn run(global: &Global, arguments: &Arguments) -> Outcome {
    let project = Project::load(global)?;
    let saved = arguments.plan.as_deref().map(SavedPlan::read).transpose()?;
    if let (Some(path), true) =
        (&arguments.plan, arguments.no_destroy && saved.as_ref().is_some_and(|saved| saved.destroy))
    {
        let message =
            format!("the plan {} empties the stack, which --no-destroy refuses; nothing was changed", path.display());
        return Err(Failure::new(message).hint("`billform destroy` does that, by hand"));
    }
    let looking = match &saved {
        Some(saved) => saved.looking(),
        None => Looking {
            refresh: arguments.refresh,
            adopt: arguments.adopt,
            scope: Scope::new(arguments.tenant.as_deref(), &arguments.target),
            others: Others::Refused,
        },
    };
    let work = async |project, connection, store: &Store| {
        under_lock(global, arguments, saved, &looking, project, connection, store).await
    };
    locked(project, arguments.patience, "apply", looking.scope.tenant(), work).await
}

async fn under_lock(
    global: &Global,
    arguments: &Arguments,
    saved: Option<SavedPlan>,
    looking: &Looking,
    project: Project,
    connection: Connection,
    store: &Store,
) -> Outcome {
    let destroy = saved.as_ref().is_some_and(|saved| saved.destroy);
    let state = store.load(&project.manifest.stack()).await?;
    let named = arguments.bundle.as_deref().or_else(|| saved.as_ref()?.bundle());
    let bundle = match selection::find(&project, named)? {
        None if !destroy && !has_functions(&state) && makes_functions(global, &connection, &state, looking).await? => {
            Some(package::for_project(global, &project).await?)
        }
        found => found,
    };
    let keeps_code = bundle.is_none();
    let purpose = Purpose { bundle, may_ask: !arguments.auto_approve, destroy };
    let session = Session::connected(project, connection, purpose).await?;
    let progress = Progress::reading(global.verbose > 0);
    if let Some(saved) = &saved {
        saved.check(&session).map_err(|lapse| lapse.failure(arguments.detailed_exitcode))?;
    }
    let Recalled { state, notes } = session.recall(state, &progress).await?;
    terminal::eprint_lines(&notes);
    let plan = session.plan(&state, looking, &progress).await?;
    let plan = match &saved {
        Some(saved) => saved.keep(plan).map_err(|lapse| lapse.failure(arguments.detailed_exitcode))?,
        None => plan,
    };
    drop(progress);
    let consent = Consent {
        verb: "apply",
        auto_approve: arguments.auto_approve || arguments.plan.is_some(),
        approved: &arguments.approve,
        max_deletes: arguments.max_deletes,
    };
    carry_out(global, &session, plan, state, store, &consent, keeps_code).await
}

/// Only the first apply packages by itself: later ones keep deployed code unless a bundle is at hand.
fn has_functions(state: &State) -> bool {
    state.records.keys().any(|address| is_bundled(address.kind()))
}

/// Whether making a resource of the kind takes a bundle.
fn is_bundled(kind: &str) -> bool {
    kinds::meta(kind).is_some_and(|meta| meta.needs_bundle)
}

/// Whether a function has to be made, for which there must be code. That the state knows none proves nothing: it may be
/// lost, and the functions be there. Functions alone are looked at.
async fn makes_functions(
    global: &Global,
    connection: &Connection,
    state: &State,
    looking: &Looking,
) -> Result<bool, Failure> {
    let purpose = Purpose { bundle: None, may_ask: false, destroy: false };
    let session = Session::connected(Project::load(global)?, connection.clone(), purpose).await?;
    let progress = Progress::reading(global.verbose > 0);
    session.lacks(is_bundled, state, looking, &progress).await
}

/// Shows the plan, asks, carries it out and tells the outcome.
pub async fn carry_out(
    global: &Global,
    session: &Session,
    plan: Plan,
    state: State,
    store: &Store,
    consent: &Consent<'_>,
    keeps_code: bool,
) -> Outcome {
    if global.format == Format::Human {
        let money = money::effects_or_note(session, &plan).await;
        plan_command::show(global, session, &plan, &Told { keeps_code, money: &money, folding: Folding::Alike })?;
    }
    if plan.is_incomplete() {
        return refuse_incomplete(global, session, &plan, keeps_code);
    }
    agree(&plan, consent)?;
    ask_for_secrets(&plan, session)?;
    store.begin();
    if !state.renamed.is_empty() {
        // The journal says what happened to a state in which `moved` was carried out.
        store.fold(&state).await?;
    }
    let options = Options {
        limits: limits::per_service(),
        stop: stop_on_ctrl_c(),
        generation: count_now(),
        ..Options::default()
    };
    let steps = plan.changes().count();
    let progress = Progress::new(steps, global.verbose > 0);
    let began = Instant::now();
    let outcome = engine::apply(&plan, state, &session.kinds, store, &TokioClock, &options, &progress).await;
    drop(progress);
    tell(global, session, &plan, &outcome, began.elapsed())?;
    Ok(match (outcome.stopped, outcome.succeeded()) {
        (true, _) => exit::INTERRUPTED,
        (false, true) => exit::DONE,
        (false, false) => exit::ERROR,
    })
}

/// What cannot be seen whole is not carried out: half a plan may delete what it could not read.
fn refuse_incomplete(global: &Global, session: &Session, plan: &Plan, keeps_code: bool) -> Outcome {
    if global.format == Format::Json {
        let money = MoneyEffects::default();
        plan_command::show(global, session, plan, &Told { keeps_code, money: &money, folding: Folding::Alike })?;
    }
    let mut failure = Failure::new("the plan is incomplete, so nothing was changed");
    failure.code = exit::INCOMPLETE;
    Err(match plan.refused.is_empty() {
        true => failure.hint("see the lines marked ! above; a read that was denied needs `billform permissions`"),
        false => failure.hint("what is not ours is left alone; --adopt takes it over, or choose another name"),
    })
}

/// Values that are missing are asked for before anything is made: half a stack bills nobody, and a question under a
/// progress bar is not seen.
fn ask_for_secrets(plan: &Plan, session: &Session) -> Result<(), Failure> {
    for step in plan.changes().filter(|step| step.action.makes()) {
        let named = kinds::meta(step.address.kind()).and_then(|meta| meta.given_value);
        let given = step.desired.as_ref().and_then(|desired| desired.pointer(named?)?.as_str());
        if let Some(name) = given {
            session
                .cloud
                .secret_values
                .required(name)
                .map_err(|lacking| Failure::new(format!("{}: {lacking}", step.address)).hint("nothing was changed"))?;
        }
    }
    let deploys = plan.changes().any(|step| step.desired.is_some());
    if deploys { check_handlers_key(session) } else { Ok(()) }
}

/// A key of the other mode would bill real customers from a trial, or nobody from the real thing.
fn check_handlers_key(session: &Session) -> Result<(), Failure> {
    let Some((name, _)) = session.project.manifest.stripe_secret() else { return Ok(()) };
    let (Some(stripe), Some(key)) = (&session.cloud.stripe, session.cloud.secret_values.given(name)) else {
        return Ok(());
    };
    stripe.check_deployed(&key).map_err(|error| {
        Failure::new(format!("secret.{name}: {error}; nothing was changed"))
            .hint("give the handlers a secret or restricted key of the same Stripe account and mode")
    })
}

/// Above any that an older or lost state can have had: states count by one a run, so seconds are far ahead of any.
pub fn count_now() -> u64 {
    u64::try_from(jiff::Timestamp::now().as_second()).unwrap_or_default()
}

fn agree(plan: &Plan, consent: &Consent) -> Result<(), Failure> {
    let deletes = plan.changes().filter(|step| step.action.destroys()).count();
    if let Some(most) = consent.max_deletes.filter(|most| deletes > *most) {
        return Err(Failure::new(format!("the plan deletes or replaces {deletes} resources, --max-deletes is {most}"))
            .hint("raise --max-deletes if that is meant"));
    }
    let approved: BTreeSet<Address> = consent.approved.iter().cloned().collect();
    for address in approved.iter().filter(|address| plan.step(address).is_none()) {
        terminal::eprint_line(&format!("--approve {address} lets nothing go: the plan knows no such resource."));
    }
    for step in plan.unapproved(&approved) {
        approve_by_name(step, step.guard.as_ref().map_or("", |guard| &guard.described), consent)?;
    }
    if consent.auto_approve || plan.is_empty() {
        return Ok(());
    }
    if !terminal::can_ask() {
        return Err(Failure::new("there is no terminal to ask on, so nothing was changed")
            .hint(format!("--auto-approve lets `{}` go on without asking", consent.verb)));
    }
    let answer = terminal::ask(&format!("Carry this out? Only `yes` will {}:", consent.verb))?;
    if answer == "yes" { Ok(()) } else { Err(Failure::new("not agreed to, so nothing was changed")) }
}

/// What holds others' data goes only when it is named: on the command line, or typed.
fn approve_by_name(step: &Step, holds: &str, consent: &Consent) -> Result<(), Failure> {
    let address = &step.address;
    let (done, hint) = match step.action.destroys() {
        true => ("deleted or replaced", format!("--approve {address} lets it go, with all that is in it")),
        false => ("changed", format!("--approve {address} changes it all the same")),
    };
    let refusal = || {
        Failure::new(format!("{address} holds {holds}, so it is not {done} without a word; nothing was changed"))
            .hint(hint.clone())
    };
    if consent.auto_approve || !terminal::can_ask() {
        return Err(refusal());
    }
    let typed = terminal::ask(&format!("{address} holds {holds}. Type its address if that is meant:"))?;
    if typed == address.to_string() { Ok(()) } else { Err(refusal()) }
}

/// The first Ctrl-C finishes calls in flight and saves; a second one ends at once.
fn stop_on_ctrl_c() -> Arc<AtomicBool> {
    let stop = Arc::new(AtomicBool::new(false));
    let heard = Arc::clone(&stop);
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            heard.store(true, Ordering::SeqCst);
            anstream::eprintln!("Stopping: calls in flight are finished and saved. Ctrl-C again ends at once.");
        }
        if tokio::signal::ctrl_c().await.is_ok() {
            std::process::exit(exit::INTERRUPTED.into());
        }
    });
    stop
}

fn tell(
    global: &Global,
    session: &Session,
    plan: &Plan,
    outcome: &engine::Outcome,
    took: Duration,
) -> Result<(), Failure> {
    let outputs = outputs::of(&outcome.state);
    let imported = imports::done(plan, outcome);
    match global.format {
        Format::Human => {
            terminal::print(&views::apply::render(outcome, took, terminal::width()));
            // The plan, shown before, has named those that were done before.
            if imported.len() > plan.imported.len() {
                let named = views::plan::imports_done(&imported).unwrap_or_default();
                let note = format!("{} {named}.", views::plan::IMPORTS_DONE);
                terminal::print(&format!("{}\n", wrapped(&note, terminal::width(), 2)));
            }
        }
        Format::Json => {
            let calls = session.cloud.calls.counts();
            let document = views::apply::json(outcome, took, &calls, &outputs.to_json(), &imported);
            terminal::print_json(&document)?;
        }
    }
    Ok(())
}
