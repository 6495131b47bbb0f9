//! Changes of a table, one at a time; each is waited for.

use aws_sdk_dynamodb::operation::update_table::builders::UpdateTableFluentBuilder;
use aws_sdk_dynamodb::types::{PointInTimeRecoverySpecification, TimeToLiveSpecification};
use engine::kind::{CallError, ErrorClass};

use super::shape::{self, IndexStep};
use super::{Desired, DynamodbTables, READY_LIMIT_S, SETTING_LIMIT_S, busy, incomplete, not_yet};
use crate::cloud::errors::code;
use crate::kinds::support::waiter::Waiter;
use crate::kinds::typed::TypedUpdate;

impl DynamodbTables {
    /// Waits until the table can be changed.
    pub(super) async fn until_at_rest(&self, name: &str) -> Result<(), CallError> {
        let mut waiter = Waiter::new(READY_LIMIT_S);
        loop {
            // A table made a moment ago may not be visible yet.
            if self.describe(name).await?.is_some_and(|table| shape::at_rest(&table)) {
                return Ok(());
            }
            if !waiter.pause().await {
                return Err(not_yet("dynamodb:DescribeTable", format!("{name} is not active yet")));
            }
        }
    }

    pub(super) async fn change_table(&self, name: &str, call: UpdateTableFluentBuilder) -> Result<(), CallError> {
        call.table_name(name).send().await.map_err(|error| busy("dynamodb:UpdateTable", error))?;
        self.until_at_rest(name).await
    }

    pub(super) async fn change_indexes(&self, change: &TypedUpdate<Desired>) -> Result<(), CallError> {
        for step in shape::index_steps(&change.observed.indexes, &change.desired.indexes) {
            let call = self.dynamodb.update_table();
            let call = call.global_secondary_index_updates(shape::index_update(&step).map_err(incomplete)?);
            let call = match step {
                IndexStep::Add(_, keys) => call.set_attribute_definitions(Some(
                    shape::definitions([&change.desired.keys, keys]).map_err(incomplete)?,
                )),
                IndexStep::Remove(_) => call,
            };
            match self.change_table(&change.desired.name, call).await {
                Err(error) if is_done(&step, &error) => {}
                changed => changed?,
            }
        }
        Ok(())
    }

    /// Another attribute means: off with the old, on with the new.
    pub(super) async fn change_ttl(&self, change: &TypedUpdate<Desired>) -> Result<Option<String>, CallError> {
        let name = &change.desired.name;
        if let Some(old) = &change.observed.ttl_attribute {
            let pending = self.set_ttl(name, old, false).await?;
            if pending.is_some() {
                return Ok(pending);
            }
        }
        match &change.desired.ttl_attribute {
            Some(new) => self.set_ttl(name, new, true).await,
            None => Ok(None),
        }
    }

    /// AWS refuses a second change within an hour: that is waited for, not failed on.
    pub(super) async fn set_ttl(&self, name: &str, attribute: &str, on: bool) -> Result<Option<String>, CallError> {
        let ttl =
            TimeToLiveSpecification::builder().attribute_name(attribute).enabled(on).build().map_err(incomplete)?;
        let mut waiter = Waiter::new(SETTING_LIMIT_S);
        loop {
            let call = self.dynamodb.update_time_to_live().table_name(name);
            let error = match call.time_to_live_specification(ttl.clone()).send().await {
                Ok(_) => return Ok(None),
                Err(error) => error,
            };
            let unready = matches!(code(&error), Some("ResourceInUseException" | "ResourceNotFoundException"));
            let failed = busy("dynamodb:UpdateTimeToLive", error);
            if is_set(on, &failed) {
                return Ok(None);
            }
            if failed.message.contains("modified multiple times") {
                return Ok(Some("waits for the expiry: AWS changes it once an hour; apply again later".to_owned()));
            }
            if !unready || !waiter.pause().await {
                return Err(failed);
            }
        }
    }

    pub(super) async fn set_recovery(&self, desired: &Desired) -> Result<(), CallError> {
        let on = PointInTimeRecoverySpecification::builder();
        let on = on.point_in_time_recovery_enabled(desired.point_in_time_recovery).build().map_err(incomplete)?;
        let mut waiter = Waiter::new(SETTING_LIMIT_S);
        loop {
            let call = self.dynamodb.update_continuous_backups().table_name(&desired.name);
            let error = match call.point_in_time_recovery_specification(on.clone()).send().await {
                Ok(_) => return Ok(()),
                Err(error) => error,
            };
            let unready =
                matches!(code(&error), Some("ContinuousBackupsUnavailableException" | "TableNotFoundException"));
            if !unready || !waiter.pause().await {
                let failed = busy("dynamodb:UpdateContinuousBackups", error);
                return Err(if unready { CallError { class: ErrorClass::NotYet, ..failed } } else { failed });
            }
        }
    }
}

/// Whether an index was made or deleted before: the table was seen as it was a moment ago.
fn is_done(step: &IndexStep<'_>, error: &CallError) -> bool {
    let says = |text: &str| error.message.contains(text);
    match step {
        IndexStep::Add(..) => says("duplicate index") || says("index which already exists"),
        IndexStep::Remove(_) => says("ResourceNotFoundException"),
    }
}

/// Whether the expiry was switched before. An attribute that is not the one that expires items is off.
fn is_set(on: bool, error: &CallError) -> bool {
    let says = |text: &str| error.message.contains(text);
    if on { says("already enabled") } else { says("already disabled") || says("different AttributeName") }
}
