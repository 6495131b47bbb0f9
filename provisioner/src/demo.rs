//! The demo: one command shows the whole arc on a fresh machine, each step announced with its time.
//!
//! It drives billform as a user does, by its own program; only what a user would do in the AWS console (change a setting
//! behind billform's back) it does with the SDK. No function is invoked by name: time passes, and schedules fire.

mod cloud;
mod pictures;
mod portal;
mod steps;

use std::fs;
use std::path::Path;

use crate::bundle::checkout;
use crate::kinds::support::inventory::{self, Inventory};
use crate::ui::exit;
use crate::ui::failure::{Failure, Outcome};

use cloud::DemoCloud;
use steps::Steps;

/// The manifest that is shown: the portal of the contract.
const MANIFEST: &str = include_str!("../../manifests/mmp-toledo.yaml");

/// The demo's tenant.
const TENANT: &str = "mmp-toledo";

/// Runs all steps; an error in one ends it, and the local cloud with it.
pub async fn run(keep: bool, screenshots: Option<&Path>) -> Outcome {
    if !cfg!(debug_assertions) {
        let problem = "the demo moves the local cloud's clock, which a release build does not follow";
        return Err(Failure::new(problem).hint("run it from a checkout with `cargo run -- demo`"));
    }
    let folder = checkout::target()?.join("demo");
    fresh(&folder)?;
    let steps = Steps::new(if keep { 14 } else { 16 });

    steps.begin("Local cloud: MiniStack, its gateway and a strict Stripe");
    let cloud = DemoCloud::start(keep, &|line| steps.note(line)).await?;
    steps.end();

    let user = cloud.user(&folder)?;
    steps.begin("Package the handlers, for this machine");
    user.billform(&["package", "--host", "--profile", "dev", "--out", "bundle.zip"], exit::DONE)?;
    steps.end();

    steps.begin("Validate the manifest");
    user.billform(&["validate"], exit::DONE)?;
    steps.end();

    steps.begin("Plan: nothing exists, so everything is to be made");
    user.billform(&["plan", "--bundle", "bundle.zip", "--detailed-exitcode"], exit::CHANGES)?;
    steps.end();

    steps.begin("Apply");
    user.billform_quietly(&["apply", "--bundle", "bundle.zip", "--auto-approve"])?;
    steps.end();

    let days = cloud.days_until_month_ended().await?;
    steps.begin(&format!(
        "Let {days} days pass: schedules fetch each day's costs; the month ends and is drafted provisionally"
    ));
    user.billform(&["local", "clock", "--advance", &days.to_string()], exit::DONE)?;
    user.billform(&["invoice", "status", TENANT], exit::DONE)?;
    steps.end();

    let days = cloud.days_until_settled().await?;
    steps.begin(&format!("Let {days} days pass: the month settles, and its draft is complete"));
    user.billform(&["local", "clock", "--advance", &days.to_string()], exit::DONE)?;
    steps.end();

    steps.begin("Ask the deployed HTTP API for last month, with a signed link");
    let link = user.billform_json(&["tenant", "link", TENANT])?;
    for line in cloud::summary(&user.last_months_costs(&link).await?) {
        steps.note(&line);
    }
    steps.end();

    steps.begin("Compare the invoice: as billform reckons it, and as the schedule drafted it");
    user.billform(&["invoice", "preview", TENANT], exit::DONE)?;
    for line in user.drafts().await? {
        steps.note(&line);
    }
    steps.end();

    let month = cloud.last_month().await?;
    let period = month.to_string();
    steps.begin("Approve the drafts: they are finalised and sent; the tenant pays by card");
    for period in [&month.previous()?.to_string(), &period] {
        let approve = ["invoice", "approve", TENANT, "--period", period, "--by", "demo", "--auto-approve"];
        user.billform(&approve, exit::DONE)?;
    }
    for line in user.pay_by_card(TENANT).await? {
        steps.note(&line);
    }
    steps.end();

    cloud.restate(month).await?;
    let days = cloud.days_until_month_ended().await?;
    steps
        .begin(&format!("AWS restates {period} by 31.00 USD; {days} days later the next draft carries the difference"));
    user.billform(&["local", "clock", "--advance", &days.to_string()], exit::DONE)?;
    user.billform(&["invoice", "status", TENANT], exit::DONE)?;
    user.billform(&["invoice", "preview", TENANT], exit::DONE)?;
    user.billform(&["close", "--period", &period], exit::DONE)?;
    steps.end();

    steps.begin("Plan again: nothing to do");
    user.billform(&["plan", "--bundle", "bundle.zip", "--detailed-exitcode"], exit::DONE)?;
    steps.end();

    steps.begin("Change the costs function's memory behind billform's back; drift finds it, apply repairs it");
    user.change_memory("costs", 512).await?;
    user.billform(&["drift"], exit::DRIFT)?;
    user.billform_quietly(&["apply", "--bundle", "bundle.zip", "--auto-approve"])?;
    user.billform_quietly(&["drift"])?;
    steps.end();

    steps.begin("Open the portal with a signed link: what the tenant sees");
    let portal = portal::open(&user.billform_json(&["tenant", "link", TENANT])?).await?;
    for line in portal.lines() {
        steps.note(line);
    }
    if let Some(folder) = screenshots {
        for line in pictures::take(portal.link(), &period, folder)? {
            steps.note(&line);
        }
    }
    steps.end();

    if keep {
        return cloud.leave(&user, &steps);
    }
    steps.begin("Destroy; the ledger holds what the handlers wrote, so it is named");
    user.billform_quietly(&["destroy", "--auto-approve", "--approve", "dynamodb_table.ledger"])?;
    steps.end();

    steps.begin("What is left");
    let left = inventory::of(&user.cloud().await?).await?;
    for line in inventory::lines(&left) {
        steps.note(&line);
    }
    expect_no_aws(&left)?;
    cloud.stop().await;
    steps.end();
    steps.finish();
    Ok(exit::DONE)
}

/// An error that names what is left in AWS and should not be. Activated cost tags are the whole payer's; what Stripe
/// keeps is archived.
fn expect_no_aws(inventory: &Inventory) -> Result<(), Failure> {
    let goes = |plural: &str| crate::kinds::metas().any(|meta| meta.plural == plural && meta.leaves.is_none());
    let left: Vec<&String> = inventory.iter().filter(|(plural, _)| goes(plural)).flat_map(|(_, names)| names).collect();
    match left.is_empty() {
        true => Ok(()),
        false => Err(Failure::new(format!("destroy left {left:?} in AWS"))),
    }
}

/// An empty folder with the manifest in it.
fn fresh(folder: &Path) -> std::io::Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    fs::create_dir_all(folder)?;
    fs::write(folder.join("billform.yaml"), MANIFEST)
}
