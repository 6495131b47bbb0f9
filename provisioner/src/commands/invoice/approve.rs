//! `invoice approve`: shows complete drafts with their totals, and issues exactly those.

use billing::Month;
use billing::invoice::InvoiceState;
use clap::Args;
use serde_json::{Value, json};

use super::run::{call, months, shown, with_result};
use crate::project::Project;
use crate::ui::exit;
use crate::ui::failure::{Failure, Outcome};
use crate::ui::options::{Format, Global};
use crate::ui::views::table::aligned;
use crate::ui::views::terminal;

/// Arguments of `invoice approve`.
#[derive(Debug, Args)]
#[group(skip)]
pub struct Arguments {
    /// The tenant's id.
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    pub tenant: Option<String>,
    /// Every tenant with a complete draft of the month.
    #[arg(long)]
    pub all: bool,
    /// The month.
    #[arg(long, value_name = "YYYY-MM")]
    pub period: Month,
    /// Who approves, kept with the invoice; the name in USER without it.
    #[arg(long, value_name = "NAME")]
    pub by: Option<String>,
    /// Approves without asking.
    #[arg(long)]
    pub auto_approve: bool,
}

/// A draft to approve, as the invoicer answered after it had compared the ledger with Stripe.
struct Candidate {
    tenant: String,
    total: String,
    stripe_invoice: String,
}

impl Candidate {
    fn of(month: &Value) -> Candidate {
        let text = |key: &str| month[key].as_str().unwrap_or_default().to_owned();
        Candidate { tenant: text("tenant"), total: text("total"), stripe_invoice: text("stripe_invoice") }
    }
}

/// Brings the drafts up to date, shows them, asks, and has exactly these totals issued.
pub async fn run(global: &Global, arguments: &Arguments) -> Outcome {
    let project = Project::load(global)?;
    let period = arguments.period;
    let Candidates { drafts, failed, left } = candidates(&project, arguments).await?;
    if drafts.is_empty() && !failed.is_empty() {
        return shown(global, &json!({ "invoices": failed, "left": left }));
    }
    if drafts.is_empty() {
        let what = arguments.tenant.as_deref().unwrap_or("any tenant");
        return Err(Failure::new(format!("there is no complete draft of {period} for {what}"))
            .hint(format!("`billform invoice status --period {period}` says how the month stands")));
    }
    if global.format == Format::Human {
        terminal::eprint_line(&format!("To be issued for {period}, each exactly as shown:"));
        let rows: Vec<[String; 3]> = drafts
            .iter()
            .map(|draft| [format!("  {}", draft.tenant), draft.total.clone(), draft.stripe_invoice.clone()])
            .collect();
        terminal::eprint_line(aligned(&rows).trim_end());
    }
    consent(arguments, drafts.len())?;
    let by = arguments.by.clone().or_else(|| std::env::var("USER").ok()).unwrap_or_else(|| "unknown".to_owned());
    // Months that failed are listed beside the approved ones and fail the command.
    let mut told: Vec<Value> = failed;
    for draft in &drafts {
        let event = json!({
            "action": "approve", "tenant": draft.tenant, "period": period, "total": draft.total, "by": by,
        });
        let answer = call(&project, &event).await?;
        told.extend_from_slice(months(&answer));
    }
    shown(global, &json!({ "invoices": told, "left": left }))
}

/// What a run before an approval found.
struct Candidates {
    /// Complete drafts, those that automatic approval holds back among them.
    drafts: Vec<Candidate>,
    /// Months that failed, such as a draft that somebody edited.
    failed: Vec<Value>,
    /// How many tenants there was no time for.
    left: u64,
}

/// The complete drafts, after a run of the invoicer that has looked at the costs and at Stripe again.
async fn candidates(project: &Project, arguments: &Arguments) -> Result<Candidates, Failure> {
    let period = arguments.period;
    let mut event = json!({ "action": "calculate_and_invoice", "period": period });
    if let Some(tenant) = &arguments.tenant {
        event["tenant"] = json!(tenant);
    }
    let answer = call(project, &event).await?;
    // What automatic approval holds back is for a person, too.
    let waits = |month: &&Value| month["state"] == InvoiceState::Complete.name() || month["result"] == "held";
    let failed = with_result(&answer, "failed").cloned().collect();
    let left = answer["left"].as_u64().unwrap_or_default();
    Ok(Candidates { drafts: months(&answer).iter().filter(waits).map(Candidate::of).collect(), failed, left })
}

fn consent(arguments: &Arguments, drafts: usize) -> Result<(), Failure> {
    if arguments.auto_approve {
        return Ok(());
    }
    if !terminal::can_ask() {
        return Err(Failure::new("there is no terminal to ask on, so nothing was issued")
            .hint("--auto-approve issues what is shown without asking"));
    }
    let typed = terminal::ask(&format!("Issue {drafts} invoices? They go out to tenants. Type yes:"))?;
    match typed.trim() {
        "yes" => Ok(()),
        _ => Err(Failure { code: exit::ERROR, ..Failure::new("not approved; nothing was issued") }),
    }
}
