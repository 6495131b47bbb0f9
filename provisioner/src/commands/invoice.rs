//! `invoice`: shows months' totals and states, and carries out an operator's decisions about them.

mod approve;
mod explain;
mod give_back;
mod list;
mod preview;
pub(super) mod run;
pub(super) mod status;
mod take_back;
mod verify;

use clap::Subcommand as ClapSubcommand;

use crate::ui::failure::Outcome;
use crate::ui::options::Global;

/// Subcommands of `invoice`.
#[derive(Debug, ClapSubcommand)]
pub enum Subcommand {
    /// Shows how each tenant's months stand: state, reason, since when.
    Status(status::Arguments),
    /// Lists who is billed what for a month: cost, markup, fees, tax, total, state, due date.
    List(list::Arguments),
    /// Prices a month from the ledger, and makes nothing.
    Preview(preview::Arguments),
    /// Explains how a month's total comes about, rule by rule.
    Explain(explain::Arguments),
    /// Checks an evidence pack of `invoice explain --pack`, without any network.
    Verify(verify::Arguments),
    /// Runs the deployed invoicer now, for all open months or for one.
    Run(run::Arguments),
    /// Approves complete drafts of exactly the totals shown, and issues them.
    Approve(approve::Arguments),
    /// Takes an invoice back for good: its draft is deleted, or the invoice voided, and no other is made.
    Void(take_back::Void),
    /// Draws a draft up again under the terms that hold now.
    Reset(take_back::Reset),
    /// Gives money back that came in for an invoice, by a refund in Stripe.
    Refund(give_back::Arguments),
    /// Takes an amount off an issued invoice, by a credit note; what was paid of it goes to the customer's balance.
    Credit(give_back::Arguments),
}

/// Runs the subcommand.
pub async fn run(global: &Global, subcommand: &Subcommand) -> Outcome {
    match subcommand {
        Subcommand::Status(arguments) => status::run(global, arguments).await,
        Subcommand::List(arguments) => list::run(global, arguments).await,
        Subcommand::Preview(arguments) => preview::run(global, arguments).await,
        Subcommand::Explain(arguments) => explain::run(global, arguments).await,
        Subcommand::Verify(arguments) => verify::run(global, arguments),
        Subcommand::Run(arguments) => run::run(global, arguments).await,
        Subcommand::Approve(arguments) => approve::run(global, arguments).await,
        Subcommand::Void(arguments) => take_back::void(global, arguments).await,
        Subcommand::Reset(arguments) => take_back::reset(global, arguments).await,
        Subcommand::Refund(arguments) => give_back::refund(global, arguments).await,
        Subcommand::Credit(arguments) => give_back::credit(global, arguments).await,
    }
}
