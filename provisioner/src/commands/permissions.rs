//! `permissions`: the IAM policy billform itself needs for this manifest, from the kinds' data.

use std::collections::BTreeSet;

use clap::{Args, ValueEnum};
use engine::kind_meta::Verb;
use serde_json::{Value, json};

use crate::project::Project;
use crate::stack;
use crate::stack::permissions::{self, Of};
use crate::stack::stripe_scopes::Scopes;
use crate::store::permissions::Use;
use crate::ui::exit;
use crate::ui::failure::{Failure, Outcome};
use crate::ui::options::Global;
use crate::ui::views::terminal;
use crate::ui::views::wrap::wrapped;

/// Arguments of `permissions`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The command the policy is for.
    #[arg(long = "for", value_name = "COMMAND", default_value = "apply")]
    pub command: For,
    /// Prints what restricted Stripe keys need instead: the one in STRIPE_API_KEY for the command, and the one that the
    /// handlers are given. Each with the Dashboard's page that makes such a key.
    #[arg(long)]
    pub stripe: bool,
}

/// A command that needs permissions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum For {
    /// Making the bucket of the state (`state.s3`), which is done once.
    Init,
    /// Only reads.
    Plan,
    /// Reads, creates, updates and deletes what the manifest drops.
    Apply,
    /// Reads and deletes.
    Destroy,
    /// Only reads, of every kind, also those that the manifest no longer has.
    Drift,
    /// The same, and writes the state.
    #[value(alias = "state rebuild")]
    Rebuild,
    /// Reads the key that signs links.
    #[value(alias = "tenant link")]
    TenantLink,
    /// Reads and writes the ledger: `tenant pause`, `tenant resume`.
    #[value(alias = "tenant pause")]
    TenantPause,
    /// Reads the ledger; the same for `invoice explain`.
    #[value(alias = "invoice preview")]
    InvoicePreview,
    /// Reads the ledger and the key that signs evidence.
    #[value(alias = "invoice explain --pack")]
    Evidence,
    /// Reads the ledger and calls the invoicer: `invoice status`, `run`, `approve`, `void`, `reset`, `refund`, `credit`.
    Invoice,
    /// Reads the ledger, calls the cost sync and the invoicer.
    #[value(alias = "month run")]
    Month,
    /// Reads the ledger and calls the payment sweep: `events list`, `show`, `retry`.
    Events,
    /// Reads the ledger and asks Cost Explorer for a total.
    Close,
    /// Asks for a backfill of the tags and calls the cost sync.
    #[value(alias = "costs backfill")]
    CostsBackfill,
    /// Makes and removes webhook endpoints, reads and stores their signing secret, calls the payment sweep, and writes the
    /// state.
    #[value(alias = "rotate webhook-secret")]
    RotateWebhookSecret,
    /// Reads and stores the key that signs links, and writes the state.
    #[value(alias = "rotate link-key")]
    RotateLinkKey,
}

impl For {
    /// The policy of the command.
    fn policy(self, project: &Project) -> Result<Value, Failure> {
        let manifest = &project.manifest;
        let of_verbs = |verbs: &[Verb], kinds: Of| {
            let handlers = stack::handlers();
            // No bundle: which code is deployed makes no difference to what is allowed.
            let graph = stack::graph(&stack::Plan::of(manifest, &handlers))?;
            let verbs: BTreeSet<Verb> = verbs.iter().copied().collect();
            Ok(permissions::policy(manifest, &graph, &verbs, kinds, self.use_of_state()))
        };
        let verbs = self.verbs();
        match self {
            For::Init => of_verbs(verbs, Of::KindsIn),
            For::Plan | For::Apply | For::Destroy => of_verbs(verbs, Of::KindsIn),
            For::Drift => of_verbs(verbs, Of::EveryKind).map(permissions::and_history),
            For::Rebuild => of_verbs(verbs, Of::EveryKind),
            For::TenantLink => permissions::of_links(manifest).ok_or_else(|| {
                Failure::new("the manifest has no secret that signs links").hint("`auth.links.secret` names it")
            }),
            For::TenantPause => Ok(permissions::of_pauses(manifest)),
            For::InvoicePreview => Ok(permissions::of_previews(manifest)),
            For::Evidence => permissions::of_evidence(manifest).ok_or_else(|| {
                Failure::new("the manifest names no Stripe account").hint("`stripe.secret_key` names its key")
            }),
            For::Invoice => Ok(permissions::of_invoices(manifest)),
            For::Month => Ok(permissions::of_months(manifest)),
            For::Events => Ok(permissions::of_events(manifest)),
            For::Close => Ok(permissions::of_close(manifest)),
            For::CostsBackfill => Ok(permissions::of_backfills(manifest)),
            For::RotateWebhookSecret => permissions::of_webhook_rotation(manifest, self.use_of_state())
                .ok_or_else(|| Failure::new("the manifest has no webhook").hint("`stripe.webhook` sets one up")),
            For::RotateLinkKey => permissions::of_link_rotation(manifest, self.use_of_state()).ok_or_else(|| {
                Failure::new("the manifest has no secret that signs links").hint("`auth.links.secret` names it")
            }),
        }
    }

    /// What it does to the resources of the graph.
    fn verbs(self) -> &'static [Verb] {
        match self {
            // What is read of a field is allowed by the same actions, in lists or one by one.
            For::Plan | For::Drift | For::Rebuild => &[Verb::Read],
            For::Apply => &[Verb::Read, Verb::Create, Verb::Update, Verb::Delete],
            For::Destroy => &[Verb::Read, Verb::Delete],
            _ => &[],
        }
    }

    /// What restricted Stripe keys need for it: that in STRIPE_API_KEY, and that of the handlers.
    fn stripe(self, project: &Project) -> Result<Value, Failure> {
        let manifest = &project.manifest;
        if manifest.stripe.is_none() {
            return Err(Failure::new("the manifest names no Stripe account").hint("`stripe.secret_key` names its key"));
        }
        let handlers = stack::handlers();
        let plan = stack::Plan::of(manifest, &handlers);
        let own = match self {
            For::RotateWebhookSecret => Scopes::of(&["webhook_write"]),
            _ if self.verbs().is_empty() => Scopes::default(),
            _ => Scopes::of_verbs(&stack::graph(&plan)?, &self.verbs().iter().copied().collect()),
        };
        let key = |scopes: &Scopes, name: &str| json!({ "permissions": scopes.names(), "page": scopes.page(name) });
        Ok(json!({
            "STRIPE_API_KEY": key(&own, "billform"), "handlers": key(&Scopes::of_handlers(&plan), "billform-handlers"),
        }))
    }

    fn use_of_state(self) -> Use {
        match self {
            For::Init => Use::Make,
            For::Plan
            | For::Drift
            | For::TenantLink
            | For::TenantPause
            | For::InvoicePreview
            | For::Evidence
            | For::Invoice
            | For::Month
            | For::Events
            | For::Close
            | For::CostsBackfill => Use::Read,
            For::Apply | For::Destroy | For::Rebuild | For::RotateWebhookSecret | For::RotateLinkKey => Use::Write,
        }
    }
}

/// Prints the policy document, ready for IAM.
pub fn run(global: &Global, arguments: &Arguments) -> Outcome {
    let project = Project::load(global)?;
    if arguments.stripe {
        terminal::print_json(&arguments.command.stripe(&project)?)?;
        return Ok(exit::DONE);
    }
    let policy = arguments.command.policy(&project)?;
    terminal::print_json(&policy)?;
    let size = permissions::size(&policy);
    if size > permissions::MANAGED_POLICY_LIMIT {
        let limit = permissions::MANAGED_POLICY_LIMIT;
        let note = format!(
            "The policy has {size} characters, IAM takes {limit} per managed policy: attach its statements as several."
        );
        terminal::eprint_line(&wrapped(&note, terminal::width(), 2));
    }
    Ok(exit::DONE)
}
