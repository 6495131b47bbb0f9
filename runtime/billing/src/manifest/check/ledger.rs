//! The ledger that several stacks claim cost in.

use super::names::is_table;
use super::shapes::is_account;
use super::{Checker, steps};
use crate::manifest::model::Manifest;

pub(super) fn check(checker: &mut Checker<'_>) {
    let manifest = checker.manifest;
    let Some(table) = &manifest.ledger.claims else { return };
    let steps = steps!["ledger", "claims"];
    if manifest.stripe.is_none() {
        let hint = "leave it out, or add `stripe: {secret_key: stripe}`".to_owned();
        checker.at(&steps, "it has no effect: nothing is invoiced without Stripe", hint);
    } else if is_own(manifest, table) {
        let hint = "leave it out: cost is claimed there anyway; the other stacks name this one's ledger".to_owned();
        checker.at(&steps, "this is the stack's own ledger", hint);
    } else if !is_table(table) && !is_in_reach(manifest, table) {
        let region = &manifest.aws.region;
        let hint = format!("write a table's name, or `arn:aws:dynamodb:{region}:ACCOUNT:table/NAME`");
        checker.at(&steps, format!("`{table}` is no table of {region}"), hint);
    }
}

fn is_own(manifest: &Manifest, table: &str) -> bool {
    let (name, account) = (&manifest.ledger.name, &manifest.aws.account);
    table == name || arn(manifest, table) == Some((account.as_str(), name.as_str()))
}

/// Whether it is the ARN of a table in the stack's region, which DynamoDB takes in place of a name.
fn is_in_reach(manifest: &Manifest, table: &str) -> bool {
    arn(manifest, table).is_some_and(|(account, name)| is_account(account) && is_table(name))
}

/// The account and the name of a table's ARN.
fn arn<'t>(manifest: &Manifest, table: &'t str) -> Option<(&'t str, &'t str)> {
    let rest = table.strip_prefix("arn:aws:dynamodb:")?.strip_prefix(manifest.aws.region.as_str())?;
    rest.strip_prefix(':')?.split_once(":table/")
}
