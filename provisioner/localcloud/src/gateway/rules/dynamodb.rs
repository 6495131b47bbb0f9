//! DynamoDB: what MiniStack takes and AWS refuses, the days of point-in-time recovery, and time to live.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use futures::future::BoxFuture;
use serde_json::{Value, json};

use super::super::pipeline::{Answer, Call, Rule, Upstream};
use super::ask::Ask;
use super::shape::tag_fault;
use super::{Refusal, refused};

const MOST_TAGS: usize = 50;
const MOST_INDEXES: usize = 20;
const RECOVERY_DAYS: std::ops::RangeInclusive<i64> = 1..=35;

/// Checks a request to DynamoDB.
pub(super) fn check(call: &Call) -> Result<(), Refusal> {
    let body = call.json();
    match call.operation.as_str() {
        "CreateTable" => check_tags(&body["Tags"]).and_then(|()| check_indexes(&body["GlobalSecondaryIndexes"])),
        "TagResource" => check_tags(&body["Tags"]),
        "UpdateTable" => check_index_updates(&body["GlobalSecondaryIndexUpdates"]),
        "UpdateContinuousBackups" => check_recovery(&body["PointInTimeRecoverySpecification"]),
        "UpdateItem" => check_update(&body["UpdateExpression"]),
        "TransactWriteItems" => check_transaction(&body["TransactItems"]),
        _ => Ok(()),
    }
}

fn check_tags(tags: &Value) -> Result<(), Refusal> {
    let Some(tags) = tags.as_array() else { return Ok(()) };
    let pairs =
        tags.iter().map(|tag| (tag["Key"].as_str().unwrap_or_default(), tag["Value"].as_str().unwrap_or_default()));
    tag_fault(pairs, MOST_TAGS).map_or(Ok(()), |fault| Err(invalid(fault)))
}

fn check_indexes(indexes: &Value) -> Result<(), Refusal> {
    match indexes.as_array() {
        Some(indexes) if indexes.len() > MOST_INDEXES => Err(Refusal::new(
            "LimitExceededException",
            format!("A table has at most {MOST_INDEXES} global secondary indexes"),
        )),
        _ => Ok(()),
    }
}

fn check_index_updates(updates: &Value) -> Result<(), Refusal> {
    let changes = |update: &&Value| update.get("Create").is_some() || update.get("Delete").is_some();
    let changed = updates.as_array().map_or(0, |updates| updates.iter().filter(changes).count());
    let message = "Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per table";
    (changed <= 1).then_some(()).ok_or_else(|| Refusal::new("LimitExceededException", message))
}

fn check_recovery(specification: &Value) -> Result<(), Refusal> {
    let days = &specification["RecoveryPeriodInDays"];
    if days.is_null() {
        return Ok(());
    }
    if specification["PointInTimeRecoveryEnabled"] != true {
        return Err(invalid("RecoveryPeriodInDays can only be given when point-in-time recovery is enabled"));
    }
    let fits = days.as_i64().is_some_and(|days| RECOVERY_DAYS.contains(&days));
    fits.then_some(()).ok_or_else(|| invalid(format!("RecoveryPeriodInDays must lie between 1 and 35, not {days}")))
}

/// A number must come as a value (`:n`): a literal is a syntax error.
fn check_update(expression: &Value) -> Result<(), Refusal> {
    let text = expression.as_str().unwrap_or_default();
    let mut before = ' ';
    for letter in text.chars() {
        // Digits inside names, values and list indexes belong to what stands before them.
        if letter.is_ascii_digit() && !(before.is_alphanumeric() || "_#:[.-".contains(before)) {
            return Err(invalid(format!(
                "Invalid UpdateExpression: Syntax error; token: \"{letter}\", near: \"{text}\""
            )));
        }
        before = letter;
    }
    Ok(())
}

fn check_transaction(items: &Value) -> Result<(), Refusal> {
    let items = items.as_array().map(Vec::as_slice).unwrap_or_default();
    let actions = |item: &Value| {
        ["ConditionCheck", "Put", "Update", "Delete"].iter().filter(|action| !item[**action].is_null()).count()
    };
    let single = items.iter().all(|item| actions(item) == 1);
    single
        .then_some(())
        .ok_or_else(|| invalid("TransactItems can only contain one of Check, Put, Update or Delete"))?;
    let updates = items.iter().map(|item| &item["Update"]["UpdateExpression"]);
    updates.into_iter().try_for_each(check_update)
}

fn invalid(message: impl Into<String>) -> Refusal {
    Refusal::new("ValidationException", message)
}

/// Keeps the recovery period of each table, which MiniStack drops, and gives it back in answers.
#[derive(Default)]
pub(super) struct Backups {
    days: Mutex<BTreeMap<(String, String), i64>>,
}

/// What AWS keeps when nothing is said.
const DEFAULT_DAYS: i64 = 35;

impl Rule for Backups {
    fn applies(&self, call: &Call) -> bool {
        call.service == "dynamodb"
            && ["UpdateContinuousBackups", "DescribeContinuousBackups", "DeleteTable"]
                .contains(&call.operation.as_str())
    }

    fn after<'a>(&'a self, call: &'a Call, answer: Answer, _: &'a Upstream) -> BoxFuture<'a, Answer> {
        let answer = if answer.is_success() { self.with_days(call, answer) } else { answer };
        Box::pin(std::future::ready(answer))
    }

    fn reset(&self) {
        self.days.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

impl Backups {
    fn with_days(&self, call: &Call, mut answer: Answer) -> Answer {
        let body = call.json();
        let name = body["TableName"].as_str().unwrap_or_default();
        // A table may be named by its ARN.
        let name = name.rsplit('/').next().unwrap_or_default().to_owned();
        let table = (call.region.clone().unwrap_or_default(), name);
        let mut kept = self.days.lock().unwrap_or_else(PoisonError::into_inner);
        match call.operation.as_str() {
            "DeleteTable" => drop(kept.remove(&table)),
            "UpdateContinuousBackups" => {
                let days = body["PointInTimeRecoverySpecification"]["RecoveryPeriodInDays"].as_i64();
                kept.insert(table.clone(), days.unwrap_or(DEFAULT_DAYS));
            }
            _ => {}
        }
        let days = kept.get(&table).copied().unwrap_or(DEFAULT_DAYS);
        drop(kept);
        let mut shown = answer.body_json();
        let recovery = &mut shown["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"];
        if recovery["PointInTimeRecoveryStatus"] == "ENABLED" {
            recovery["RecoveryPeriodInDays"] = json!(days);
            answer.body = shown.to_string().into();
            answer.headers.remove("x-amz-crc32");
        }
        answer
    }
}

/// Time to live is switched, never set to what it already is.
pub(super) struct TimeToLive;

impl Rule for TimeToLive {
    fn applies(&self, call: &Call) -> bool {
        call.service == "dynamodb" && call.operation == "UpdateTimeToLive"
    }

    fn before<'a>(&'a self, call: &'a mut Call, upstream: &'a Upstream) -> BoxFuture<'a, Option<Answer>> {
        Box::pin(async move {
            let body = call.json();
            let asked = json!({"TableName": body["TableName"]});
            let present =
                Ask::new(call, upstream).target("dynamodb", "DynamoDB_20120810.DescribeTimeToLive", &asked).await?;
            refused(call, check_switch(&present["TimeToLiveDescription"], &body["TimeToLiveSpecification"]))
        })
    }
}

fn check_switch(present: &Value, wanted: &Value) -> Result<(), Refusal> {
    let is_on = present["TimeToLiveStatus"] == "ENABLED" || present["TimeToLiveStatus"] == "ENABLING";
    let same_attribute = present["AttributeName"] == wanted["AttributeName"];
    match (is_on, wanted["Enabled"] == true) {
        (true, true) if same_attribute => Err(invalid("TimeToLive is already enabled")),
        (true, true) => Err(invalid(format!(
            "TimeToLive is active on a different AttributeName: current AttributeName is {}",
            present["AttributeName"]
        ))),
        (false, false) => Err(invalid("TimeToLive is already disabled")),
        (true, false) if !same_attribute => Err(invalid(format!(
            "TimeToLive is active on a different AttributeName: current AttributeName is {}",
            present["AttributeName"]
        ))),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::json_call;
    use super::*;

    fn ask(operation: &str, body: Value) -> Result<(), Refusal> {
        check(&json_call("dynamodb", operation, body))
    }

    #[test]
    fn one_index_a_call_and_twenty_a_table() {
        let create = json!({"Create": {"IndexName": "a"}});
        let update = json!({"Update": {"IndexName": "a"}});
        assert_eq!(ask("UpdateTable", json!({"GlobalSecondaryIndexUpdates": [create, update]})), Ok(()));
        assert_eq!(
            ask("UpdateTable", json!({"GlobalSecondaryIndexUpdates": [create, create]})).unwrap_err().code,
            "LimitExceededException"
        );
        assert!(ask("CreateTable", json!({"GlobalSecondaryIndexes": vec![json!({}); 21]})).is_err());
    }

    #[test]
    fn recovery_days_are_checked_kept_and_forgotten_with_the_table() {
        let update = |days: Value| json!({"TableName": "t", "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": true, "RecoveryPeriodInDays": days}});
        assert_eq!(ask("UpdateContinuousBackups", update(json!(7))), Ok(()));
        assert!(ask("UpdateContinuousBackups", update(json!(36))).is_err());
        let backups = Backups::default();
        let enabled = || {
            Answer::json(
                200,
                &json!({"ContinuousBackupsDescription": {"PointInTimeRecoveryDescription": {"PointInTimeRecoveryStatus": "ENABLED"}}}),
            )
        };
        let days = |operation: &str, body: Value| {
            let answer = backups.with_days(&json_call("dynamodb", operation, body), enabled());
            answer.body_json()["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]["RecoveryPeriodInDays"]
                .clone()
        };
        let table = json!({"TableName": "t"});
        assert_eq!(days("DescribeContinuousBackups", table.clone()), 35);
        assert_eq!(days("UpdateContinuousBackups", update(json!(7))), 7);
        assert_eq!(days("DescribeContinuousBackups", json!({"TableName": "arn:aws:dynamodb:us-east-1:1:table/t"})), 7);
        days("DeleteTable", table.clone());
        assert_eq!(days("DescribeContinuousBackups", table), 35);
    }

    #[test]
    fn numbers_in_expressions_come_as_values() {
        let update = |text: &str| ask("UpdateItem", json!({"UpdateExpression": text}));
        for good in ["SET a1 = :v1, #n2 = if_not_exists(b_3, :zero)", "SET l[0] = :x REMOVE m.k2", "ADD version :one"] {
            assert_eq!(update(good), Ok(()), "{good}");
        }
        for bad in ["SET a = 5", "SET a = b+1", "ADD n 10"] {
            assert!(update(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_transaction_item_does_one_thing() {
        let transact = |items: Value| ask("TransactWriteItems", json!({"TransactItems": items}));
        assert_eq!(transact(json!([{"Put": {"TableName": "t"}}, {"Delete": {"TableName": "t"}}])), Ok(()));
        assert!(transact(json!([{"Put": {"TableName": "t"}, "Delete": {"TableName": "t"}}])).is_err());
        assert!(transact(json!([{"Update": {"UpdateExpression": "SET a = 5"}}])).is_err());
    }

    #[test]
    fn time_to_live_is_switched_not_repeated() {
        let on = json!({"TimeToLiveStatus": "ENABLED", "AttributeName": "ttl"});
        let off = json!({"TimeToLiveStatus": "DISABLED"});
        let want = |enabled: bool, name: &str| json!({"Enabled": enabled, "AttributeName": name});
        assert_eq!(check_switch(&off, &want(true, "ttl")), Ok(()));
        assert_eq!(check_switch(&on, &want(false, "ttl")), Ok(()));
        for (present, wanted) in [
            (&on, want(true, "ttl")),
            (&on, want(true, "other")),
            (&on, want(false, "other")),
            (&off, want(false, "ttl")),
        ] {
            assert!(check_switch(present, &wanted).is_err(), "{present} {wanted}");
        }
    }
}
