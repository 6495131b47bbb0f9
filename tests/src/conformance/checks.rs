//! The checks, in the order of a resource's life. Each tells what it found and leaves the resource as desired.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use billing::names::{ADDRESS_TAG, OWNER_TAG};
use engine::kind::{Delete, Depth, Removal};
use engine::{Action, Owner, Plan};
use serde_json::{Value, json};

use super::{Finding, Fixture, Mutation, Ownership, World};
use crate::live::STACK;

/// A stack that is not ours.
const ANOTHER: &str = "another-stack";
/// A tag that somebody else put beside ours.
const THEIRS: (&str, &str) = ("theirs", "stays");
/// A tag of ours that every fixture with a field of tags wants, and another value for it.
pub const OURS: (&str, &str) = ("team", "billing");

/// Asks a kind everything. Nothing found means that it conforms.
pub async fn check(fixture: &Fixture) -> Vec<Finding> {
    let mut suite = Suite { fixture, world: World::new(fixture), id: String::new(), findings: Vec::new() };
    suite.coverage();
    if suite.created().await {
        suite.reads_back().await;
        suite.is_listed("list", &[&suite.id.clone()]).await;
        suite.adopted().await;
        suite.imported().await;
        suite.tags_of_others_are_let_be().await;
        for mutation in &fixture.mutations {
            suite.mutated(mutation).await;
        }
        suite.own_tag_mutated().await;
        suite.updated().await;
        suite.replaced().await;
        suite.disowned().await;
        suite.foreign().await;
        suite.tags_of_others_stay("retag").await;
        suite.deleted_twice(Duration::ZERO).await;
    }
    suite.findings
}

/// Asks a kind whether it comes to rest though reads lag behind writes by so much: whatever is planned from what is
/// seen too late, no apply fails, and once all is seen it is there once, as desired.
pub async fn check_lagging(fixture: &Fixture, lag: Duration) -> Vec<Finding> {
    let mut suite = Suite { fixture, world: World::new(fixture), id: String::new(), findings: Vec::new() };
    suite.comes_to_rest("create", &fixture.desired, lag).await;
    let plan = suite.world.plan(&fixture.desired, Depth::Full, false).await;
    suite.id = suite.world.step(&plan).and_then(|step| step.id.clone()).unwrap_or_default();
    suite.is_listed("lag", &[&suite.id.clone()]).await;
    for variant in &fixture.updates {
        suite.comes_to_rest(variant.field, &variant.desired, lag).await;
    }
    suite.comes_to_rest("back", &fixture.desired, lag).await;
    suite.deleted_twice(lag).await;
    suite.findings
}

struct Suite<'f> {
    fixture: &'f Fixture,
    world: World,
    id: String,
    findings: Vec<Finding>,
}

impl Suite<'_> {
    fn found(&mut self, check: &'static str, what: impl Into<String>) {
        self.findings.push(Finding { check, what: what.into() });
    }

    fn root(&self) -> Arc<provisioner::cloud::Cloud> {
        Arc::clone(&self.fixture.root)
    }

    /// Every managed field has a mutation and another value, or a reason why not.
    fn coverage(&mut self) {
        let fixture = self.fixture;
        let tags = fixture.ownership.as_ref().and_then(|ownership| ownership.field);
        let fields: Vec<String> = fixture.desired.as_object().map(|o| o.keys().cloned().collect()).unwrap_or_default();
        let said =
            |list: &[super::Field], field: &str| list.iter().any(|(name, why)| *name == field && !why.is_empty());
        for field in &fields {
            let create_only = fixture.meta().create_only.contains(&field.as_str());
            let shown = |(path, ..): &(String, Value, Value)| path.split('.').next() == Some(field);
            let mutated = fixture.mutations.iter().any(|mutation| mutation.shows.iter().any(shown));
            if !mutated && tags != Some(field) && !said(&fixture.immutable, field) {
                self.found("coverage", format!("nobody changes `{field}` behind our back, and no reason is given"));
            }
            let variants = if create_only { &fixture.replaces } else { &fixture.updates };
            let differs = |variant: &super::Variant| variant.desired[field] != fixture.desired[field];
            if !variants.iter().any(differs) && !said(&fixture.constant, field) {
                self.found("coverage", format!("`{field}` is never desired otherwise, and no reason is given"));
            }
        }
        let unknown = fixture.mutations.iter().map(|mutation| mutation.field);
        let unknown = unknown.chain(fixture.updates.iter().chain(&fixture.replaces).map(|variant| variant.field));
        let unknown: BTreeSet<&str> = unknown.filter(|field| !fields.iter().any(|known| known == field)).collect();
        if !unknown.is_empty() {
            self.found("coverage", format!("the kind has no fields {unknown:?}"));
        }
        if tags.is_some_and(|tags| fixture.desired[tags][OURS.0] != OURS.1) {
            self.found("coverage", format!("the fixture wants no tag {OURS:?}"));
        }
    }

    async fn created(&mut self) -> bool {
        let desired = &self.fixture.desired;
        let plan = self.world.plan(desired, Depth::Lists, false).await;
        if self.world.step(&plan).map(|step| step.action) != Some(Action::Create) {
            self.found("create", format!("is not planned: {plan:#?}"));
            return false;
        }
        if let Err(why) = self.world.apply(&plan).await {
            self.found("create", why);
            return false;
        }
        self.settled("create", desired).await;
        let plan = self.world.plan(desired, Depth::Full, false).await;
        self.id = self.world.step(&plan).and_then(|step| step.id.clone()).unwrap_or_default();
        !self.id.is_empty()
    }

    /// Nothing is left to do, whether lists are read or everything.
    async fn settled(&mut self, check: &'static str, desired: &Value) {
        for depth in [Depth::Lists, Depth::Full] {
            let plan = self.world.plan(desired, depth, false).await;
            if !plan.is_empty() || plan.is_incomplete() {
                self.found(check, format!("the next plan ({depth:?}) is not empty: {}", told(&plan)));
            }
        }
    }

    /// Applied, and at once again by somebody whose reads are stale; then, when all is seen, nothing is left to do.
    async fn comes_to_rest(&mut self, what: &str, desired: &Value, lag: Duration) {
        for time in ["first", "second"] {
            let plan = self.world.plan(desired, Depth::Full, false).await;
            if let Err(why) = self.world.apply(&plan).await {
                self.found("lag", format!("`{what}`, the {time} time: {why}"));
            }
        }
        tokio::time::sleep(lag).await;
        self.settled("lag", desired).await;
    }

    async fn reads_back(&mut self) {
        let (fixture, id) = (self.fixture, self.id.clone());
        let desired = &fixture.desired;
        for (depth, known) in [(Depth::Lists, None), (Depth::Lists, Some(desired)), (Depth::Full, Some(desired))] {
            let want = self.world.want(desired, Some(&id), known);
            let seen = match self.world.see(want, depth).await {
                Ok(Some(seen)) => seen,
                other => {
                    self.found("read back", format!("{depth:?}: {other:?}"));
                    continue;
                }
            };
            let changes = fixture.kind.diff(desired, &seen.fields, Some(desired));
            if !changes.is_empty() {
                self.found("read back", format!("{depth:?} differs: {changes:?}"));
            }
            let unlisted = |path: &String| depth == Depth::Lists && fixture.meta().unlisted.contains(&path.as_str());
            if !seen.unread.iter().all(|path| known.is_some() && unlisted(path)) {
                self.found("read back", format!("{depth:?} leaves {:?} unread", seen.unread));
            }
            let at = Owner::at(STACK, &self.world.address);
            let ours = match (&seen.owner, &fixture.ownership) {
                (Owner::Untold, None) => true,
                (Owner::Stack { address: None, .. }, Some(_)) => !seen.unread.is_empty() && seen.owner.is_stack(STACK),
                (owner, Some(_)) => *owner == at,
                (_, None) => false,
            };
            if !ours {
                self.found("read back", format!("{depth:?}: it says that it belongs to {:?}", seen.owner));
            }
        }
    }

    async fn is_listed(&mut self, check: &'static str, ids: &[&str]) {
        let ids: &[&str] = if self.fixture.ownership.is_some() { ids } else { &[] };
        let others = BTreeSet::from(["the id of another".to_owned()]);
        let lists = [self.world.kind.list().await, self.world.kind.list_unknown(&others).await];
        for answer in lists {
            match answer {
                Ok(listed) => {
                    let here = listed.iter().filter(|listed| listed.address == self.world.address);
                    let here: Vec<&str> = here.map(|listed| listed.id.as_str()).collect();
                    if here != ids {
                        self.found(check, format!("lists {here:?} instead of {ids:?}"));
                    }
                }
                Err(error) => self.found(check, format!("is not listed: {error}")),
            }
        }
    }

    /// The state is lost: what is there is found, and taken in without a call that changes anything.
    async fn adopted(&mut self) {
        let desired = &self.fixture.desired;
        self.world.forget();
        let plan = self.world.plan(desired, Depth::Lists, false).await;
        let (action, fields) = self.world.step(&plan).map_or((None, 0), |step| (Some(step.action), step.fields.len()));
        if action != Some(Action::Adopt) || fields != 0 || !plan.refused.is_empty() {
            self.found("adopt", format!("a lost resource is not adopted as it is: {}", told(&plan)));
        }
        let before = self.world.writes();
        if let Err(why) = self.world.apply(&plan).await {
            self.found("adopt", why);
        }
        if self.world.writes() != before {
            self.found("adopt", "adopting made calls that change something");
        }
        self.settled("adopt", desired).await;
    }

    /// It is found by its id alone.
    async fn imported(&mut self) {
        let (desired, id) = (&self.fixture.desired, self.id.clone());
        match self.world.see(self.world.want(desired, Some(&id), None), Depth::Full).await {
            Ok(Some(seen)) if seen.id == id => {}
            other => self.found("import", format!("is not found by its id {id}: {other:?}")),
        }
    }

    async fn tags_of_others_are_let_be(&mut self) {
        let Some(ownership) = &self.fixture.ownership else { return };
        retag(ownership, self, &[THEIRS], &[]).await;
        let desired = &self.fixture.desired;
        self.settled("tags of others", desired).await;
    }

    async fn tags_of_others_stay(&mut self, check: &'static str) {
        let Some(ownership) = &self.fixture.ownership else { return };
        let tags = (ownership.tags)(self.root(), self.id.clone()).await;
        if tags.get(THEIRS.0).map(String::as_str) != Some(THEIRS.1) {
            self.found(check, format!("somebody else's tag is gone: {tags:?}"));
        }
    }

    async fn mutated(&mut self, mutation: &Mutation) {
        (mutation.act)(self.root(), self.id.clone()).await;
        self.repaired(&format!("`{}`", mutation.field), &mutation.shows).await;
    }

    async fn own_tag_mutated(&mut self) {
        let Some(ownership) = &self.fixture.ownership else { return };
        let Some(field) = ownership.field else { return };
        retag(ownership, self, &[(OURS.0, "theirs")], &[]).await;
        self.repaired("a tag", &[(format!("{field}.{}", OURS.0), json!("theirs"), json!(OURS.1))]).await;
        retag(ownership, self, &[], &[OURS.0]).await;
        self.repaired("a tag that is gone", &[(format!("{field}.{}", OURS.0), Value::Null, json!(OURS.1))]).await;
        self.tags_of_others_stay("mutation").await;
    }

    /// A full plan shows exactly this, and its apply leaves nothing of it.
    async fn repaired(&mut self, what: &str, shows: &[(String, Value, Value)]) {
        let desired = &self.fixture.desired;
        let plan = self.world.plan(desired, Depth::Full, false).await;
        let changes = self.world.step(&plan).map(|step| step.fields.clone()).unwrap_or_default();
        let seen: Vec<(String, Value, Value)> =
            changes.into_iter().map(|change| (change.path, change.before, change.after)).collect();
        if seen != shows {
            self.found("mutation", format!("of {what} shows {seen:?} instead of {shows:?}"));
        }
        self.drifted("drift", what, shows).await;
        if let Err(why) = self.world.apply(&plan).await {
            self.found("mutation", format!("of {what} is not repaired: {why}"));
        }
        self.settled("mutation", desired).await;
        self.drifted("drift", what, &[]).await;
        self.known_as(desired).await;
    }

    /// Takes up the id it has now: what was made anew in its place has another one.
    async fn known_as(&mut self, desired: &Value) {
        let plan = self.world.plan(desired, Depth::Lists, false).await;
        // A kind that does not find it again is reported elsewhere.
        if let Some(id) = self.world.step(&plan).and_then(|step| step.id.clone()) {
            self.id = id;
        }
    }

    /// `drift` finds exactly this, and takes none of it for something that nobody applied yet.
    async fn drifted(&mut self, check: &'static str, what: &str, shows: &[(String, Value, Value)]) {
        let drift = self.world.drift(&self.fixture.desired).await;
        let findings: Vec<&engine::Finding> = drift.drifted.iter().map(|drifted| &drifted.finding).collect();
        let fields = drift.drifted.iter().flat_map(|drifted| drifted.fields.clone());
        let seen: Vec<_> = fields.map(|change| (change.path, change.before, change.after)).collect();
        let is_changed = findings.iter().all(|finding| **finding == engine::Finding::Changed);
        if seen != shows || !is_changed || drift.is_incomplete() || !drift.unapplied.is_empty() {
            self.found(check, format!("of {what}: {drift:?} instead of {shows:?}"));
        }
    }

    async fn updated(&mut self) {
        let fixture = self.fixture;
        for variant in &fixture.updates {
            for (desired, way) in [(&variant.desired, "there"), (&fixture.desired, "and back")] {
                let plan = self.world.plan(desired, Depth::Full, false).await;
                let step = self.world.step(&plan);
                let touches = |path: &str| path == variant.field || path.starts_with(&format!("{}.", variant.field));
                // Another value of a secret shows under a name of its own.
                let fits = step.is_some_and(|step| {
                    step.action == Action::Update && step.fields.iter().any(|field| touches(&field.path))
                });
                if !fits {
                    self.found("update", format!("`{}` {way} is not an update: {}", variant.field, told(&plan)));
                }
                if let Err(why) = self.world.apply(&plan).await {
                    self.found("update", format!("`{}` {way}: {why}", variant.field));
                }
                self.settled("update", desired).await;
                self.known_as(desired).await;
            }
        }
        self.tags_of_others_stay("update").await;
    }

    async fn replaced(&mut self) {
        let fixture = self.fixture;
        for variant in &fixture.replaces {
            let plan = self.world.plan(&variant.desired, Depth::Full, false).await;
            let forced = |step: &engine::Step| {
                let of_field = |path: &str| path == variant.field || path.starts_with(&format!("{}.", variant.field));
                step.fields.iter().any(|field| of_field(&field.path) && field.forces_replacement)
            };
            if !self.world.step(&plan).is_some_and(|step| step.action == Action::Replace && forced(step)) {
                self.found("replace", format!("another `{}` does not replace: {}", variant.field, told(&plan)));
            }
        }
    }

    /// Its ownership tags are wiped: it is nobody's, so not listed, and the one who knows it says again whose it is.
    async fn disowned(&mut self) {
        let Some(ownership) = &self.fixture.ownership else { return };
        retag(ownership, self, &[], &[OWNER_TAG, ADDRESS_TAG]).await;
        self.is_listed("disowned", &[]).await;
        let desired = &self.fixture.desired;
        let plan = self.world.plan(desired, Depth::Full, false).await;
        if plan.is_empty() || !plan.refused.is_empty() {
            self.found("disowned", format!("is not told whose it is: {}", told(&plan)));
        }
        if let Err(why) = self.world.apply(&plan).await {
            self.found("disowned", why);
        }
        self.settled("disowned", desired).await;
        self.says_ours("disowned").await;
        let id = self.id.clone();
        self.is_listed("disowned", &[&id]).await;
    }

    async fn says_ours(&mut self, check: &'static str) {
        let Some(ownership) = &self.fixture.ownership else { return };
        let tags = (ownership.tags)(self.root(), self.id.clone()).await;
        let said = (tags.get(OWNER_TAG).map(String::as_str), tags.get(ADDRESS_TAG));
        if said != (Some(STACK), Some(&self.world.address.to_string())) {
            self.found(check, format!("says that it is {said:?}"));
        }
    }

    /// Another stack's is refused by name, and taken over when that is asked for.
    async fn foreign(&mut self) {
        let Some(ownership) = &self.fixture.ownership else { return };
        retag(ownership, self, &[(OWNER_TAG, ANOTHER)], &[]).await;
        self.is_listed("foreign", &[]).await;
        let desired = &self.fixture.desired;
        let before = self.world.writes();
        let plan = self.world.plan(desired, Depth::Full, false).await;
        if !plan.refused.iter().any(|refused| refused.message.contains(ANOTHER)) {
            self.found("foreign", format!("is not refused by name: {}", told(&plan)));
        }
        if self.world.apply(&plan).await.is_ok() && self.world.writes() != before {
            self.found("foreign", "what was refused was changed");
        }
        let plan = self.world.plan(desired, Depth::Full, true).await;
        if let Err(why) = self.world.apply(&plan).await {
            self.found("foreign", format!("is not taken over: {why}"));
        }
        self.settled("foreign", desired).await;
        self.says_ours("foreign").await;
        let id = self.id.clone();
        self.is_listed("foreign", &[&id]).await;
    }

    /// Deleted twice, the second time at once; what is left is looked for when the delete must be seen.
    async fn deleted_twice(&mut self, lag: Duration) {
        let (fixture, id) = (self.fixture, self.id.clone());
        let request = Delete { address: self.world.address.clone(), id: id.clone(), fields: fixture.desired.clone() };
        let gone = match self.world.kind.delete(request.clone()).await {
            Ok(removal) => removal,
            Err(error) => return self.found("delete", error.to_string()),
        };
        if let Err(error) = self.world.kind.delete(request).await {
            self.found("delete twice", error.to_string());
        }
        tokio::time::sleep(lag).await;
        if gone == Removal::Gone {
            let want = self.world.want(&fixture.desired, Some(&id), Some(&fixture.desired));
            match self.world.see(want, Depth::Full).await {
                Ok(None) => {}
                other => self.found("delete", format!("something is left: {other:?}")),
            }
        }
        if !matches!(gone, Removal::Kept(_)) {
            self.is_listed("delete", &[]).await;
        }
    }
}

async fn retag(ownership: &Ownership, suite: &Suite<'_>, set: &[(&str, &str)], gone: &[&str]) {
    let set: BTreeMap<String, String> = set.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect();
    let gone: BTreeSet<String> = gone.iter().map(|key| (*key).to_owned()).collect();
    (ownership.retag)(suite.root(), suite.id.clone(), set, gone).await;
}

/// What a plan would do, in short.
fn told(plan: &Plan) -> String {
    let steps = plan.steps.iter().map(|step| format!("{} {:?} claim {}", step.action, step.fields, step.claim));
    let steps: Vec<String> = steps.collect();
    format!("{steps:?}, unreadable {:?}, refused {:?}", plan.unreadable, plan.refused)
}
