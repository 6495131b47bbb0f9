//! A plan in a file: `plan --out FILE`, then `apply FILE` does that and nothing else.
//!
//! The file holds digests and no values: `apply` plans again and does what was promised, if it still comes out the same.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use engine::{Address, Broken, Plan, Promise};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::run::scope::{Refresh, Scope};
use crate::run::session::{Looking, Others, Session};
use crate::store::file;
use crate::ui::exit;
use crate::ui::failure::Failure;

/// The format this billform writes.
const FORMAT: &str = "billform-saved-plan/2";

/// A saved plan and what it was made for.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SavedPlan {
    format: String,
    made_for: MadeFor,
    /// Base64 of the SHA-256 of the bundle it deploys.
    bundle_sha256: Option<String>,
    /// Where that bundle lay, so that it need not be named again.
    bundle: Option<PathBuf>,
    /// Whether it empties the stack.
    pub destroy: bool,
    /// How much was read.
    refresh: Refresh,
    /// Whether it takes over what is not ours.
    adopt: bool,
    /// The one tenant it is for.
    tenant: Option<String>,
    /// The only resources it is for.
    targets: BTreeSet<Address>,
    /// What is done, each step on which live object.
    promises: Vec<Promise>,
    /// SHA-256 of all the above, in hex.
    checksum: String,
}

/// What must be the same when it is carried out.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct MadeFor {
    account: String,
    region: String,
    stack: String,
    /// `test` or `live`; none without Stripe.
    stripe: Option<String>,
    /// SHA-256 of the desired graph, in hex.
    desired: String,
}

/// Why a saved plan is not carried out.
#[derive(Debug)]
pub enum Lapse {
    /// What it promises is no longer what there is to do: a new plan says what is.
    Stale(Failure),
    /// It is for something else, or was altered.
    Refused(Failure),
}

impl From<Failure> for Lapse {
    fn from(failure: Failure) -> Lapse {
        Lapse::Refused(failure)
    }
}

impl Lapse {
    /// The failure. A stale plan exits 2 (changes present) where the caller tells exit codes apart, else 1.
    pub fn failure(self, detailed: bool) -> Failure {
        match self {
            Lapse::Stale(failure) if detailed => Failure { code: exit::CHANGES, ..failure },
            Lapse::Stale(failure) | Lapse::Refused(failure) => failure,
        }
    }
}

impl SavedPlan {
    /// What a session's plan promises.
    pub fn new(session: &Session, looking: &Looking, plan: &Plan, destroy: bool) -> Result<Self, Failure> {
        let (tenant, targets) = match &looking.scope {
            Scope::Whole => (None, BTreeSet::new()),
            Scope::Tenant(tenant) => (Some(tenant.clone()), BTreeSet::new()),
            Scope::Targets(targets) => (None, targets.clone()),
        };
        let mut saved = SavedPlan {
            format: FORMAT.to_owned(),
            made_for: MadeFor::of(session)?,
            bundle_sha256: session.cloud.bundle.as_ref().map(|bundle| bundle.sha256.clone()),
            bundle: session.cloud.bundle.as_ref().map(|bundle| std::path::absolute(&bundle.path)).transpose()?,
            destroy,
            refresh: looking.refresh,
            adopt: looking.adopt,
            tenant,
            targets,
            promises: plan.promises(),
            checksum: String::new(),
        };
        saved.checksum = saved.sum()?;
        Ok(saved)
    }

    /// The stack it is for.
    pub fn stack(&self) -> &str {
        &self.made_for.stack
    }

    /// SHA-256 of all that it says, in hex.
    pub fn checksum(&self) -> &str {
        &self.checksum
    }

    /// How the cloud was looked at, to look at it the same way.
    pub fn looking(&self) -> Looking {
        let targets: Vec<Address> = self.targets.iter().cloned().collect();
        let scope = Scope::new(self.tenant.as_deref(), &targets);
        Looking { refresh: self.refresh, adopt: self.adopt, scope, others: Others::Refused }
    }

    /// The bundle it deploys, where that still lies.
    pub fn bundle(&self) -> Option<&Path> {
        self.bundle.as_deref().filter(|path| path.exists())
    }

    /// Writes it whole or not at all.
    pub fn write(&self, path: &Path) -> Result<(), Failure> {
        let text = serde_json::to_vec_pretty(self)?;
        file::replace(path, &text)
            .map_err(|error| Failure::new(format!("{} cannot be written: {error}", path.display())))
    }

    /// Reads one; another format and a damaged file are refused.
    pub fn read(path: &Path) -> Result<SavedPlan, Failure> {
        let shown = path.display();
        let text = fs::read(path).map_err(|error| Failure::new(format!("the plan {shown} cannot be read: {error}")))?;
        // The format first: another one may not fit the struct.
        let no_plan = |error: &serde_json::Error| {
            Failure::new(format!("{shown} is no saved plan: {error}")).hint("`billform plan --out FILE` makes one")
        };
        let versioned: Versioned = serde_json::from_slice(&text).map_err(|error| no_plan(&error))?;
        if versioned.format != FORMAT {
            let found = versioned.format;
            return Err(Failure::new(format!("{shown} has the format {found}, this billform reads {FORMAT}"))
                .hint("plan again with this version"));
        }
        let saved: SavedPlan = serde_json::from_slice(&text).map_err(|error| no_plan(&error))?;
        if saved.checksum != saved.sum()? {
            return Err(Failure::new(format!("{shown} was altered: its checksum is of something else"))
                .hint("plan again, look at it, then apply the new plan"));
        }
        Ok(saved)
    }

    /// Refuses a plan that was made for another account, stack, Stripe mode, manifest or bundle.
    pub fn check(&self, session: &Session) -> Result<(), Lapse> {
        let (then, now) = (&self.made_for, &MadeFor::of(session)?);
        let none = || "none".to_owned();
        let modes = [&then.stripe, &now.stripe].map(|mode| mode.clone().unwrap_or_else(none));
        let places = [
            ("AWS account", &then.account, &now.account),
            ("region", &then.region, &now.region),
            ("stack", &then.stack, &now.stack),
            ("Stripe mode", &modes[0], &modes[1]),
        ];
        if let Some((what, then, now)) = places.into_iter().find(|(_, then, now)| then != now) {
            let failure = Failure::new(format!("the plan is for {what} {then}, this run is for {now}"))
                .hint("use the credentials and the manifest that the plan was made with");
            return Err(Lapse::Refused(failure));
        }
        if then.desired != now.desired {
            let failure = Failure::new("the plan was made from another manifest or bundle than the present one")
                .hint("plan again, look at it, then apply the new plan");
            return Err(Lapse::Stale(failure));
        }
        Ok(())
    }

    /// The plan as it comes out now, doing only what was promised.
    pub fn keep(&self, now: Plan) -> Result<Plan, Lapse> {
        now.keeping(&self.promises).map_err(|broken| match broken {
            Broken::Stale { done, changed } => Lapse::Stale(
                Failure::new(stale(&done, &changed, self.promises.len()))
                    .hint("plan again: what is still to do is in the new plan"),
            ),
            Broken::Altered(addresses) => Lapse::Refused(
                Failure::new(format!("the plan was altered: it promises something else for {}", named(&addresses)))
                    .hint("plan again, look at it, then apply the new plan"),
            ),
        })
    }

    /// The sum over everything but the sum.
    fn sum(&self) -> Result<String, Failure> {
        let mut fields = serde_json::to_value(self)?;
        fields["checksum"] = serde_json::Value::Null;
        Ok(engine::token::digest(&fields))
    }
}

/// What of a plan of so many changes no longer holds.
fn stale(done: &BTreeSet<Address>, changed: &BTreeSet<Address>, all: usize) -> String {
    let of = |count: usize| {
        if count == all { format!("all of its {all} changes") } else { format!("{count} of its {all} changes") }
    };
    let done = (!done.is_empty()).then(|| format!("{} are carried out already: {}", of(done.len()), by_kind(done)));
    let changed = (!changed.is_empty()).then(|| format!("others changed {} since it was made", named(changed)));
    format!("the plan is stale: {}", done.into_iter().chain(changed).collect::<Vec<_>>().join("; "))
}

/// `13 budget, 4 iam_role`: how many of each kind.
fn by_kind(addresses: &BTreeSet<Address>) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    addresses.iter().for_each(|address| *counts.entry(address.kind()).or_default() += 1);
    counts.into_iter().map(|(kind, count)| format!("{count} {kind}")).collect::<Vec<_>>().join(", ")
}

/// The first addresses, and how many more there are.
fn named(addresses: &BTreeSet<Address>) -> String {
    const NAMED: usize = 8;
    let first: Vec<String> = addresses.iter().take(NAMED).map(Address::to_string).collect();
    let more = addresses.len().saturating_sub(NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{more}", first.join(", "))
}

#[derive(Deserialize)]
struct Versioned {
    format: String,
}

impl MadeFor {
    fn of(session: &Session) -> Result<MadeFor, Failure> {
        let manifest = &session.project.manifest;
        Ok(MadeFor {
            account: manifest.aws.account.clone(),
            region: manifest.aws.region.clone(),
            stack: manifest.stack(),
            stripe: session.cloud.stripe.as_ref().map(|stripe| stripe.mode().to_owned()),
            desired: fingerprint(&session.graph)?,
        })
    }
}

/// What a graph wants and imports, as one hash in hex.
fn fingerprint(graph: &engine::Graph) -> Result<String, Failure> {
    let resources: Vec<_> = graph.resources().values().collect();
    Ok(hex::encode(Sha256::digest(serde_json::to_vec(&(resources, graph.imports()))?)))
}
