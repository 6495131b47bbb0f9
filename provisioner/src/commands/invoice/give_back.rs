//! `invoice refund` and `invoice credit`: money given back, or an amount taken off an issued invoice; each once.

use billing::{Money, Month};
use clap::Args;
use serde_json::json;

use super::run::{call, shown, with_result};
use crate::project::Project;
use crate::ui::failure::{Failure, Outcome};
use crate::ui::options::Global;
use crate::ui::views::terminal;

/// Arguments of `invoice refund` and `invoice credit`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The tenant's id.
    pub tenant: String,
    /// The month.
    #[arg(long, value_name = "YYYY-MM")]
    pub period: Month,
    /// How much, in the invoice's currency: "10.00 USD".
    #[arg(long, value_name = "AMOUNT")]
    pub amount: Money,
    /// Why. The same amount for the same reason is given back once, however often the command runs.
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// Does it without asking.
    #[arg(long)]
    pub auto_approve: bool,
}

/// Refunds a payment.
pub async fn refund(global: &Global, arguments: &Arguments) -> Outcome {
    give_back(global, arguments, "refund", "Refund").await
}

/// Issues a credit note.
pub async fn credit(global: &Global, arguments: &Arguments) -> Outcome {
    give_back(global, arguments, "credit", "Credit").await
}

async fn give_back(global: &Global, arguments: &Arguments, action: &str, verb: &str) -> Outcome {
    let project = Project::load(global)?;
    let Arguments { tenant, period, amount, reason, auto_approve } = arguments;
    if !auto_approve {
        if !terminal::can_ask() {
            return Err(Failure::new("there is no terminal to ask on, so nothing was given back")
                .hint("--auto-approve gives it back without asking"));
        }
        let asked = format!("{verb} {amount} of {tenant}'s invoice of {period}, \"{reason}\"? Type the tenant's id:");
        if terminal::ask(&asked)?.trim() != tenant {
            return Err(Failure::new("not confirmed; nothing was given back"));
        }
    }
    let event = json!({ "action": action, "tenant": tenant, "period": period, "amount": amount, "reason": reason });
    let answer = call(&project, &event).await?;
    let outcome = shown(global, &answer)?;
    // What waits for another run of the month, or for a webhook, gave nothing back.
    if with_result(&answer, "waiting").next().is_some() {
        return Err(
            Failure::new("nothing was given back: the invoice was being worked on").hint("run the command again")
        );
    }
    Ok(outcome)
}
