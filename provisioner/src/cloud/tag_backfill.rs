//! The payer's cost-allocation tags and the backfills of them, as Cost Explorer tells and takes them.

use std::collections::BTreeSet;

use aws_sdk_costexplorer::Client;
use aws_sdk_costexplorer::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_costexplorer::types::{CostAllocationTagBackfillStatus, CostAllocationTagStatus};
use aws_smithy_runtime_api::http::Response;
use billing::Month;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::errors::call_error;
use crate::ledger::backfill::{Backfill, Key, Progress};
use crate::ui::failure::Failure;

const LIST_TAGS: &str = "ce:ListCostAllocationTags";
const LIST_BACKFILLS: &str = "ce:ListCostAllocationTagBackfillHistory";
const START: &str = "ce:StartCostAllocationTagBackfill";

/// The policy's name, for hints.
const COMMAND: &str = "costs-backfill";

/// What Cost Explorer knows of these keys; one that it never saw in use is left out.
///
/// # Errors
/// When it cannot be asked.
pub async fn keys(client: &Client, wanted: &BTreeSet<String>) -> Result<Vec<Key>, Failure> {
    let call = client.list_cost_allocation_tags().set_tag_keys(Some(wanted.iter().cloned().collect()));
    let mut pages = call.into_paginator().items().send();
    let mut keys = Vec::new();
    while let Some(tag) = pages.next().await {
        let tag = tag.map_err(|error| failure(LIST_TAGS, error))?;
        keys.push(Key {
            active: tag.status == CostAllocationTagStatus::Active,
            since: tag.last_updated_date().and_then(time),
            name: tag.tag_key,
        });
    }
    Ok(keys)
}

/// Every backfill that was requested, as the history has them.
///
/// # Errors
/// When Cost Explorer cannot be asked.
pub async fn history(client: &Client) -> Result<Vec<Backfill>, Failure> {
    let mut pages = client.list_cost_allocation_tag_backfill_history().into_paginator().items().send();
    let mut found = Vec::new();
    while let Some(request) = pages.next().await {
        let request = request.map_err(|error| failure(LIST_BACKFILLS, error))?;
        let (Some(from), Some(requested)) =
            (request.backfill_from().and_then(time), request.requested_at().and_then(time))
        else {
            continue;
        };
        let progress = match request.backfill_status() {
            Some(CostAllocationTagBackfillStatus::Succeeded) => {
                Progress::Succeeded(request.completed_at().and_then(time).unwrap_or(requested))
            }
            Some(CostAllocationTagBackfillStatus::Failed) => Progress::Failed,
            _ => Progress::Processing,
        };
        let from = Month::of(from.to_zoned(TimeZone::UTC).date());
        found.push(Backfill { from, requested, progress });
    }
    Ok(found)
}

/// Requests a backfill from a month on. False: AWS takes none now, because another is under way or a day has not passed.
///
/// # Errors
/// When Cost Explorer cannot be asked.
pub async fn request(client: &Client, from: Month) -> Result<bool, Failure> {
    let from = format!("{}T00:00:00Z", from.period().start());
    match client.start_cost_allocation_tag_backfill().backfill_from(from).send().await {
        Ok(_) => Ok(true),
        Err(error) if error.as_service_error().is_some_and(|error| error.is_backfill_limit_exceeded_exception()) => {
            Ok(false)
        }
        Err(error) => Err(failure(START, error)),
    }
}

fn time(text: &str) -> Option<Timestamp> {
    text.parse().ok()
}

fn failure<E>(operation: &str, error: SdkError<E, Response>) -> Failure
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    Failure::new(call_error(operation, error))
        .hint(format!("`billform permissions --for {COMMAND}` prints the policy for it"))
}
