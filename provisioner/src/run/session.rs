//! One run against one account: the manifest, the clients, the kinds, and the plan they come to.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use billing::Month;
use billing::manifest::Manifest;
use engine::drift::Unapplied;
use engine::import;
use engine::kind::ErrorClass;
use engine::{
    Address, CallError, Graph, Kinds, Mode, Observations, Observer, Plan, Rebuilt, RefreshOptions, RetryPolicy, Seen,
    State, guards, refresh_only,
};
use jiff::civil::Date;

use super::{imports, secrets};
use crate::cloud::bundle::Bundle;
use crate::cloud::calls::Calls;
use crate::cloud::connection::Connection;
use crate::cloud::stripe_api::StripeApi;
use crate::cloud::{Cloud, CloudOptions, Home, client, clock};
use crate::ledger::{attribution_edit, dated_facts, leaving_tenants, returning_tenants, settling_time};
use crate::project::Project;
use crate::run::scope::{Refresh, Scope};
use crate::run::waiting::TokioClock;
use crate::store::Store;
use crate::ui::exit;
use crate::ui::failure::Failure;
use crate::{kinds, stack, store};

/// The clients of the manifest's account, and what is made of the manifest.
pub struct Session {
    /// The manifest.
    pub project: Project,
    connection: Connection,
    /// The clients.
    pub cloud: Arc<Cloud>,
    /// The kinds at work.
    pub kinds: Kinds,
    /// What the run wants: the manifest's graph, or nothing when it destroys.
    pub graph: Graph,
    /// What the manifest wants, also when the run destroys it.
    wanted: Graph,
}

/// What a session is opened for.
pub struct Purpose {
    /// The bundle to deploy; none keeps deployed code.
    pub bundle: Option<Bundle>,
    /// Whether missing secret values may be asked for on the terminal.
    pub may_ask: bool,
    /// An empty graph instead of the manifest's: destroy.
    pub destroy: bool,
}

impl Session {
    /// Connects to the manifest's account; any other account is refused before anything is read.
    pub async fn open(project: Project, purpose: Purpose) -> Result<Session, Failure> {
        let calls = Calls::default();
        let stripe = stripe(&project, &calls)?;
        let connection = Connection::open(&project.manifest, calls).await?;
        Session::assemble(project, connection, stripe, purpose, clock::today().await)
    }

    /// The same over a connection that there is.
    pub async fn connected(project: Project, connection: Connection, purpose: Purpose) -> Result<Session, Failure> {
        let stripe = stripe(&project, &connection.calls)?;
        Session::assemble(project, connection, stripe, purpose, clock::today().await)
    }

    /// A session over a graph of its own, which takes neither a bundle nor Stripe.
    pub fn wanting(project: Project, connection: Connection, graph: Graph) -> Session {
        let purpose = Purpose { bundle: None, may_ask: false, destroy: false };
        let cloud = Arc::new(cloud(&project.manifest, &connection, None, purpose));
        Session { kinds: kinds::with_those_beside(&cloud), connection, cloud, wanted: graph.clone(), graph, project }
    }

    /// The same session, wanting something else.
    pub fn with_graph(self, graph: Graph) -> Session {
        Session { wanted: graph.clone(), graph, ..self }
    }

    fn assemble(
        project: Project,
        connection: Connection,
        stripe: Option<StripeApi>,
        purpose: Purpose,
        today: Date,
    ) -> Result<Session, Failure> {
        let manifest = &project.manifest;
        let destroy = purpose.destroy;
        let cloud = Arc::new(cloud(manifest, &connection, stripe, purpose).on(today));
        let handlers = stack::handlers();
        let code_sha256 = cloud.bundle.as_ref().map(|bundle| bundle.sha256.clone());
        let wanted =
            stack::Plan { manifest, handlers: &handlers, code_sha256: code_sha256.as_deref(), today: Some(today) };
        let wanted = stack::graph(&wanted)?;
        let graph = if destroy { Graph::empty() } else { wanted.clone() };
        Ok(Session { kinds: kinds::all(&cloud), connection, cloud, graph, wanted, project })
    }

    /// Reads the cloud and says what would change, guards included.
    pub async fn plan(&self, state: &State, looking: &Looking, observer: &dyn Observer) -> Result<Plan, Failure> {
        Ok(self.plan_and_others(state, looking, observer).await?.0)
    }

    /// The same, and what a person should know who looks at one tenant alone: that more would change.
    pub async fn plan_and_others(
        &self,
        state: &State,
        looking: &Looking,
        observer: &dyn Observer,
    ) -> Result<(Plan, Option<String>), Failure> {
        let part = looking.scope.addresses(&self.graph, state)?;
        let Some(tenant) = looking.scope.tenant() else {
            return Ok((self.plan_part(part, state, looking, observer).await?, None));
        };
        let others = self.unapplied_elsewhere(state, tenant).await?;
        if others.is_empty() || looking.others == Others::Refused {
            looking.scope.refuse_others(&others)?;
            return Ok((self.plan_part(part, state, looking, observer).await?, None));
        }
        // What it stands on is planned too, or it would wait for that.
        let whole = self.plan_part(None, state, looking, observer).await?;
        let plan = whole.only(|address| part.as_ref().is_none_or(|part| part.contains(address)));
        Ok((plan, Some(not_shown(tenant, others.len()))))
    }

    async fn plan_part(
        &self,
        part: Option<BTreeSet<Address>>,
        state: &State,
        looking: &Looking,
        observer: &dyn Observer,
    ) -> Result<Plan, Failure> {
        let looked_at = |address: &Address| part.as_ref().is_none_or(|part| part.contains(address));
        let mode = Mode { stack: self.cloud.stack.clone(), adopt: looking.adopt };
        let planned = |seen: &Observations| engine::plan(&self.graph, state, seen, &self.kinds, &mode);
        let mut plan = match looking.refresh {
            Refresh::None => {
                let seen = Observations::assumed(&self.graph, state).only(looked_at);
                let made = planned(&seen)?;
                let blocked = made.blocked.iter().map(|blocked| &blocked.address);
                let makes = made.changes().filter(|step| step.action.makes()).map(|step| &step.address);
                let imports = self.graph.imports().keys();
                let imports = imports.filter(|to| import::pending(&self.graph, state, to).is_some() && looked_at(to));
                let doubtful = makes.chain(blocked).chain(imports).cloned().collect();
                planned(&self.look_at_doubtful(seen, doubtful, state, observer).await?)?
            }
            Refresh::Lists | Refresh::Full => planned(&self.look(&looked_at, state, looking.refresh, observer).await?)?,
        };
        imports::refuse(&plan, &self.graph, state, &self.project.manifest.imports)?;
        guards(&mut plan, &self.kinds, &TokioClock, RetryPolicy::default(), observer).await;
        if !self.destroys() {
            // Who empties the stack is asked for the ledger as a whole.
            let tenant_tag = &self.project.manifest.attribution.tenant_tag;
            let dynamodb = client!(self.cloud, aws_sdk_dynamodb, Home::Stack);
            leaving_tenants::look(&mut plan, &self.graph, tenant_tag, &dynamodb).await?;
            if let Some(today) = self.cloud.today {
                dated_facts::look(&mut plan, Month::of(today), &dynamodb).await?;
                let ledger = &self.project.manifest.ledger.name;
                settling_time::look(&mut plan, today, &dynamodb, ledger).await;
                attribution_edit::look(&mut plan, Month::of(today), &dynamodb, ledger).await;
            }
            returning_tenants::look(&mut plan, self.cloud.today.map(Month::of), &dynamodb).await?;
        }
        Ok(plan)
    }

    /// Plans the graph's import to one address alone: nothing else is looked at or changed.
    pub async fn plan_import(
        &self,
        to: &Address,
        adopt: bool,
        state: &State,
        observer: &dyn Observer,
    ) -> Result<Plan, Failure> {
        let seen = self.look(&|address| address == to, state, Refresh::Full, observer).await?;
        let mode = Mode { stack: self.cloud.stack.clone(), adopt };
        let plan = engine::plan(&self.graph, state, &seen, &self.kinds, &mode)?;
        imports::refuse(&plan, &self.graph, state, &[])?;
        Ok(plan)
    }

    /// Whether any wanted resource of such kinds does not exist. What cannot be read is not called lacking: the plan says so.
    pub async fn lacks(
        &self,
        is_asked_for: fn(kind: &str) -> bool,
        state: &State,
        looking: &Looking,
        observer: &dyn Observer,
    ) -> Result<bool, Failure> {
        let part = looking.scope.addresses(&self.graph, state)?;
        let looked_at = |address: &Address| {
            let wanted = is_asked_for(address.kind()) && self.graph.get(address).is_some();
            wanted && part.as_ref().is_none_or(|part| part.contains(address))
        };
        let seen = self.look(&looked_at, state, Refresh::Lists, observer).await?;
        Ok(seen.seen.values().any(|seen| *seen == Seen::Gone))
    }

    /// Completes what is believed: what would be made is looked for, and what turns out to stand at two addresses is
    /// looked at, so that nothing is made twice and nothing is taken for something else.
    async fn look_at_doubtful(
        &self,
        mut believed: Observations,
        made: BTreeSet<Address>,
        state: &State,
        observer: &dyn Observer,
    ) -> Result<Observations, Failure> {
        let mut doubtful = made;
        loop {
            let known = doubtful.len();
            if known > 0 {
                let found = self.look(&|address| doubtful.contains(address), state, Refresh::None, observer).await?;
                believed.seen.extend(found.seen);
            }
            doubtful.extend(believed.sharing(&self.graph));
            if doubtful.len() == known {
                return Ok(believed);
            }
        }
    }

    async fn look(
        &self,
        looked_at: &(dyn Fn(&Address) -> bool + Sync),
        state: &State,
        refresh: Refresh,
        observer: &dyn Observer,
    ) -> Result<Observations, Failure> {
        let options = RefreshOptions { depth: refresh.depth(), retry: RetryPolicy::default() };
        Ok(refresh_only(looked_at, &self.graph, state, &self.kinds, &TokioClock, &options, observer).await?)
    }

    /// What nobody has applied yet of all but one tenant's. What another tenant's run is about to do, or died over, is that tenant's matter: it
    /// counts only if it was unapplied before, too.
    async fn unapplied_elsewhere(&self, state: &State, tenant: &str) -> Result<Vec<Unapplied>, Failure> {
        let mut found = engine::drift::unapplied(&self.graph, state, &self.kinds)?;
        found.retain(|one| one.tenant.as_deref() != Some(tenant));
        if found.is_empty() {
            return Ok(found);
        }
        let before = self.remembered(self.store().without_parts(&self.cloud.stack).await?)?.state;
        let before = engine::drift::unapplied(&self.graph, &before, &self.kinds)?;
        let before: BTreeSet<&Address> = before.iter().map(|one| &one.address).collect();
        found.retain(|one| one.tenant.is_none() || before.contains(&one.address));
        Ok(found)
    }

    /// The state, with the manifest's `moved` carried out. A state that was lost is completed by what the cloud shows to
    /// be ours: an account must not be called empty that is not. What the manifest wants is left to the plan, which
    /// adopts it for all to see; what it no longer has, nobody else would find. A state that was ever kept is
    /// believed, except by a destroy: a create that was given up on can take effect after everything else was deleted.
    pub async fn recall(&self, state: State, observer: &dyn Observer) -> Result<Recalled, Failure> {
        let mut recalled = self.remembered(state)?;
        let state = &mut recalled.state;
        if !state.is_blank() {
            // While the state knows of resources, reading them shows the doubles too.
            if self.destroys() && state.records.is_empty() {
                recalled.notes.extend(self.find_latecomers(state, observer).await?);
            }
            return Ok(recalled);
        }
        let retry = RetryPolicy::default();
        let (listed, failed) = engine::rebuild::list(&self.kinds, state, &TokioClock, retry, observer).await;
        recalled.notes.extend(self.tolerate(&failed)?);
        if listed.iter().all(|found| self.graph.get(&found.address).is_some()) && !self.graph.resources().is_empty() {
            return Ok(recalled);
        }
        let rebuilt = self.look_for_all(state.serial, observer).await?;
        let forgotten = |(address, _): &(Address, engine::Record)| self.graph.get(address).is_none();
        state.records.extend(rebuilt.state.records.into_iter().filter(forgotten));
        Ok(recalled)
    }

    /// Adds to the state what carries the stack's name though the state does not know it, so that a destroy deletes it.
    /// Kinds of which a delete leaves something (Stripe's objects) are left out: what they show is what was left.
    ///
    /// Returns a note on the kinds that could not be listed: a destroy goes on without them.
    async fn find_latecomers(&self, state: &mut State, observer: &dyn Observer) -> Result<Option<String>, Failure> {
        let (listed, failed) =
            engine::rebuild::list(&self.kinds, state, &TokioClock, RetryPolicy::default(), observer).await;
        if let Some((kind, error)) = failed.iter().find(|(_, error)| error.class == ErrorClass::Halted) {
            return Err(unlisted(kind, error));
        }
        let is_late = |address: &Address| {
            let leaves_nothing = self.kinds.of(address).is_ok_and(|kind| kind.meta().leaves.is_none());
            leaves_nothing && !state.records.contains_key(address) && !state.intents.contains_key(address)
        };
        let late: BTreeSet<Address> = listed.into_iter().map(|found| found.address).filter(is_late).collect();
        if !late.is_empty() {
            let rebuilt = self.look_for_all(state.serial, observer).await?;
            state.records.extend(rebuilt.state.records.into_iter().filter(|(address, _)| late.contains(address)));
        }
        let kinds: Vec<&str> = failed.iter().map(|(kind, _)| *kind).collect();
        Ok((!kinds.is_empty()).then(|| {
            format!(
                "What the state does not know was not looked for in kinds that could not be listed: {}.",
                kinds.join(", ")
            )
        }))
    }

    /// The same without looking at the cloud.
    pub fn remembered(&self, mut state: State) -> Result<Recalled, Failure> {
        self.check_places(&mut state)?;
        let moves = self.project.moves()?;
        // Of a new stack nothing stands anywhere.
        let unknown = |address: &Address| !state.records.contains_key(address) && !state.is_blank();
        let in_vain = moves.iter().filter(|(from, to)| unknown(from) && unknown(to));
        let notes = in_vain.map(|(from, to)| {
            format!("`moved` renames nothing: neither {from} nor {to} is known; `billform state list` shows what is.")
        });
        let notes = notes.collect();
        state.rename_all(&moves);
        Ok(Recalled { state, notes })
    }

    /// Kinds that the manifest does not use may stay unlisted: the policy that a plan needs does not reach them, and a
    /// service that does not answer must not hold up a stack that has nothing there.
    fn tolerate(&self, failed: &[(&'static str, CallError)]) -> Result<Option<String>, Failure> {
        let is_used = |kind: &str| self.wanted.resources().keys().any(|address| address.kind() == kind);
        tolerated(failed, is_used).map_err(|(kind, error)| unlisted(kind, error))
    }

    /// Refuses a state of another account, region or Stripe mode, and notes this one: with a live key, a state of test mode
    /// would have everything made a second time.
    pub fn check_places(&self, state: &mut State) -> Result<(), Failure> {
        let mut places = BTreeMap::from([
            ("AWS account".to_owned(), self.cloud.account.clone()),
            // In another region everything would be made anew, and what is in this one go on running.
            ("AWS region".to_owned(), self.cloud.region.clone()),
        ]);
        if let Some(stripe) = &self.cloud.stripe {
            places.insert("Stripe mode".to_owned(), stripe.mode().to_owned());
        }
        state.stand_at(&places).map_err(|other| {
            Failure::new(other)
                .hint("use the key, account and region it was applied with; a move begins with a destroy")
        })
    }

    /// A state made from the cloud alone; what cannot be looked at is an error, for half a state loses resources.
    pub async fn rebuild(&self, serial: u64, observer: &dyn Observer) -> Result<Rebuilt, Failure> {
        let mut rebuilt = self.look_for_all(serial, observer).await?;
        self.check_places(&mut rebuilt.state)?;
        match rebuilt.unlisted.first() {
            Some((kind, error)) => Err(unlisted(kind, error)),
            None => Ok(rebuilt),
        }
    }

    async fn look_for_all(&self, serial: u64, observer: &dyn Observer) -> Result<Rebuilt, Failure> {
        let (graph, stack, retry) = (&self.wanted, &self.cloud.stack, RetryPolicy::default());
        let rebuilt = engine::rebuild(graph, stack, serial, &self.kinds, &TokioClock, retry, observer).await?;
        if let Some((address, error)) = rebuilt.unreadable.first() {
            return Err(incomplete(format!("{address} cannot be read: {error}")));
        }
        Ok(rebuilt)
    }

    /// Whether the run empties the stack, whatever the manifest wants.
    pub fn destroys(&self) -> bool {
        self.graph.resources().is_empty() && !self.wanted.resources().is_empty()
    }

    /// The state to read only.
    pub fn store(&self) -> Store {
        store::open_with(&self.project, &self.connection)
    }
}

/// A state ready to plan on.
pub struct Recalled {
    /// The state, with the manifest's `moved` carried out.
    pub state: State,
    /// What a person should know of how it was made, one line each.
    pub notes: Vec<String>,
}

/// How a run looks at the cloud.
#[derive(Debug, Clone, Default)]
pub struct Looking {
    /// How much is read.
    pub refresh: Refresh,
    /// Take over what exists and is not ours.
    pub adopt: bool,
    /// Which part is looked at and may change.
    pub scope: Scope,
    /// What becomes of a run for one tenant when more than that tenant would change.
    pub others: Others,
}

/// What is unapplied beside the one tenant that is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Others {
    /// It refuses the run: nobody is to take the tenant for up to date when it stands on something old.
    #[default]
    Refused,
    /// It is told: nothing is carried out.
    Told,
}

/// That a plan of one tenant leaves out what else would change.
fn not_shown(tenant: &str, others: usize) -> String {
    let changes = if others == 1 { "change is" } else { "changes are" };
    format!(
        "Tenant {tenant} alone: {others} more {changes} not shown; `apply --tenant {tenant}` waits until those are applied, \
         `billform plan` shows all."
    )
}

/// Returns a note on the kinds that could not be listed and are not used; the first used one is an error. So is a run
/// that may make no more calls, whatever the kind.
fn tolerated<'a>(
    failed: &'a [(&'static str, CallError)],
    is_used: impl Fn(&str) -> bool,
) -> Result<Option<String>, (&'static str, &'a CallError)> {
    let fatal = failed.iter().find(|(kind, error)| error.class == ErrorClass::Halted || is_used(kind));
    if let Some((kind, error)) = fatal {
        return Err((*kind, error));
    }
    let denied = |error: &CallError| error.class == ErrorClass::Denied;
    let line = |(kind, error): &(&'static str, CallError)| match denied(error) {
        true => format!("{kind} (may not be listed)"),
        false => format!("{kind} ({error})"),
    };
    let kinds: Vec<String> = failed.iter().map(line).collect();
    let note =
        format!("There is no state; kinds that the manifest does not use were not looked for: {}.", kinds.join(", "));
    Ok((!kinds.is_empty()).then_some(note))
}

fn unlisted(kind: &str, error: &CallError) -> Failure {
    incomplete(format!("there is no state, and what is ours of kind {kind} cannot be listed: {error}"))
}

fn incomplete(message: String) -> Failure {
    let mut failure = Failure::new(message).hint("`billform permissions --for rebuild` prints what reading all needs");
    failure.code = exit::INCOMPLETE;
    failure
}

/// The clients of a manifest's account.
fn cloud(manifest: &Manifest, connection: &Connection, stripe: Option<StripeApi>, purpose: Purpose) -> Cloud {
    let options = CloudOptions {
        stack: manifest.stack(),
        account: manifest.aws.account.clone(),
        region: manifest.aws.region.clone(),
        secret_values: Arc::new(secrets::Given::new(purpose.may_ask)),
        bundle: purpose.bundle.map(Arc::new),
        stripe,
        calls: connection.calls.clone(),
    };
    Cloud::new(&connection.config, options)
}

/// The Stripe client, when the manifest names Stripe: `STRIPE_API_KEY`, and `STRIPE_API_BASE` for a local one.
fn stripe(project: &Project, calls: &Calls) -> Result<Option<StripeApi>, Failure> {
    if project.manifest.stripe.is_none() {
        return Ok(None);
    }
    let key = secrets::environment("STRIPE_API_KEY").ok_or_else(|| {
        Failure::new("the manifest names Stripe, and STRIPE_API_KEY is not set")
            .hint("export STRIPE_API_KEY=sk_test_… (a secret or restricted key of the account that bills)")
    })?;
    let base = std::env::var("STRIPE_API_BASE").ok();
    Ok(Some(StripeApi::new(&key, base.as_deref(), calls.clone())?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(kind: &'static str, class: ErrorClass) -> (&'static str, CallError) {
        (kind, CallError { operation: "budgets:DescribeBudgets".to_owned(), message: "HTTP 503".to_owned(), class })
    }

    #[test]
    fn an_unused_kind_that_cannot_be_listed_is_a_note_and_a_used_one_an_error() {
        let is_used = |kind: &str| kind == "secret";
        assert_eq!(tolerated(&[], is_used), Ok(None));
        for class in [ErrorClass::Denied, ErrorClass::Ambiguous, ErrorClass::Refused, ErrorClass::Throttled] {
            let unused = [failed("budget", class)];
            let note = tolerated(&unused, is_used).expect("tolerated").expect("told");
            assert!(note.contains("budget"), "{note}");
            let used = [failed("budget", class), failed("secret", class)];
            assert_eq!(tolerated(&used, is_used).expect_err("not whole").0, "secret", "{class:?}");
        }
        let halted = [failed("budget", ErrorClass::Halted)];
        assert_eq!(tolerated(&halted, is_used).expect_err("nothing can be called").0, "budget");
    }
}
