//! DescribeBudgetNotificationsForAccount, which MiniStack lacks: all budgets' notifications in one list.

use futures::future::BoxFuture;
use serde_json::{Value, json};

use super::super::pipeline::{Answer, Call, Rule, Upstream};
use super::Refusal;
use super::access::authentication_failure;
use super::ask::Ask;

const MOST_RESULTS: u64 = 1000;
const DEFAULT_RESULTS: u64 = 50;

/// Answers the operation from the budgets one by one.
pub(super) struct ForAccount {
    /// Whether signatures are checked.
    pub(super) auth: bool,
}

impl Rule for ForAccount {
    fn applies(&self, call: &Call) -> bool {
        call.service == "budgets" && call.operation == "DescribeBudgetNotificationsForAccount"
    }

    fn before<'a>(&'a self, call: &'a mut Call, upstream: &'a Upstream) -> BoxFuture<'a, Option<Answer>> {
        Box::pin(async move {
            if self.auth
                && let Some(failure) = authentication_failure(call, upstream).await
            {
                return Some(failure);
            }
            let entries = entries(Ask::new(call, upstream)).await;
            Some(match page(&call.json(), entries) {
                Ok(body) => Answer::new(200, "application/x-amz-json-1.1", body.to_string()),
                Err(refusal) => refusal.answer(call),
            })
        })
    }
}

/// Every budget that has notifications, with them.
async fn entries(ask: Ask<'_>) -> Vec<Value> {
    let mut entries = Vec::new();
    let mut asked = json!({"AccountId": ask.account(), "MaxResults": 100});
    loop {
        let budgets =
            ask.target("budgets", "AWSBudgetServiceGateway.DescribeBudgets", &asked).await.unwrap_or_default();
        for budget in budgets["Budgets"].as_array().into_iter().flatten() {
            let of_budget = json!({"AccountId": ask.account(), "BudgetName": budget["BudgetName"]});
            let found = ask
                .target("budgets", "AWSBudgetServiceGateway.DescribeNotificationsForBudget", &of_budget)
                .await
                .unwrap_or_default();
            if found["Notifications"].as_array().is_some_and(|list| !list.is_empty()) {
                entries.push(json!({"BudgetName": budget["BudgetName"], "Notifications": found["Notifications"]}));
            }
        }
        if budgets["NextToken"].is_null() {
            return entries;
        }
        asked["NextToken"] = budgets["NextToken"].clone();
    }
}

fn page(request: &Value, entries: Vec<Value>) -> Result<Value, Refusal> {
    let size = if request["MaxResults"].is_null() { Some(DEFAULT_RESULTS) } else { request["MaxResults"].as_u64() };
    let size = size.filter(|size| (1..=MOST_RESULTS).contains(size)).and_then(|size| usize::try_from(size).ok());
    let size = size.ok_or_else(|| {
        Refusal::new("InvalidParameterException", format!("MaxResults must lie between 1 and {MOST_RESULTS}"))
    })?;
    let start = match request["NextToken"].as_str() {
        Some(token) => {
            token.parse().map_err(|_| Refusal::new("InvalidNextTokenException", "The pagination token is invalid"))?
        }
        None => 0_usize,
    };
    let more = start.saturating_add(size) < entries.len();
    let shown: Vec<Value> = entries.into_iter().skip(start).take(size).collect();
    let mut answer = json!({"BudgetNotificationsForAccount": shown});
    if more {
        answer["NextToken"] = json!((start + size).to_string());
    }
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_follow_their_tokens() {
        let entries = || (0..5).map(|at| json!({"BudgetName": at})).collect::<Vec<_>>();
        let first = page(&json!({"MaxResults": 3}), entries()).unwrap();
        assert_eq!(
            (first["BudgetNotificationsForAccount"].as_array().unwrap().len(), &first["NextToken"]),
            (3, &json!("3"))
        );
        let second = page(&json!({"MaxResults": 3, "NextToken": "3"}), entries()).unwrap();
        assert_eq!(
            (second["BudgetNotificationsForAccount"].as_array().unwrap().len(), second.get("NextToken")),
            (2, None)
        );
        assert_eq!(page(&json!({"NextToken": "x"}), entries()).unwrap_err().code, "InvalidNextTokenException");
        assert!(page(&json!({"MaxResults": 0}), entries()).is_err());
    }
}
