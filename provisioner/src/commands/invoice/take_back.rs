//! `invoice void` and `invoice reset`: one invoice taken back for good, or drawn up again.

use billing::Month;
use clap::Args;
use serde_json::json;

use super::run::{call, shown};
use crate::project::Project;
use crate::ui::failure::{Failure, Outcome};
use crate::ui::options::Global;
use crate::ui::views::terminal;

/// Arguments of `invoice void`.
#[derive(Debug, Args)]
pub struct Void {
    /// The tenant's id.
    pub tenant: String,
    /// The month.
    #[arg(long, value_name = "YYYY-MM")]
    pub period: Month,
    /// Takes it back without asking.
    #[arg(long)]
    pub auto_approve: bool,
}

/// Arguments of `invoice reset`.
#[derive(Debug, Args)]
pub struct Reset {
    /// The tenant's id.
    pub tenant: String,
    /// The month.
    #[arg(long, value_name = "YYYY-MM")]
    pub period: Month,
}

/// Takes an invoice back.
pub async fn void(global: &Global, arguments: &Void) -> Outcome {
    let project = Project::load(global)?;
    let Void { tenant, period, auto_approve } = arguments;
    if !auto_approve {
        if !terminal::can_ask() {
            return Err(Failure::new("there is no terminal to ask on, so nothing was taken back")
                .hint("--auto-approve takes it back without asking"));
        }
        let typed =
            terminal::ask(&format!("Take back {tenant}'s invoice of {period} for good? Type the tenant's id:"))?;
        if typed.trim() != tenant {
            return Err(Failure::new("not confirmed; nothing was taken back"));
        }
    }
    shown(global, &call(&project, &json!({ "action": "void", "tenant": tenant, "period": period })).await?)
}

/// Draws a draft up again.
pub async fn reset(global: &Global, arguments: &Reset) -> Outcome {
    let project = Project::load(global)?;
    let Reset { tenant, period } = arguments;
    shown(global, &call(&project, &json!({ "action": "reset", "tenant": tenant, "period": period })).await?)
}
