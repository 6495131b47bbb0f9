//! Calls deployed handlers: what a person asks for is done where the schedules do it, by the same code.

use std::time::Duration;

use aws_config::timeout::TimeoutConfig;
use aws_sdk_lambda::error::DisplayErrorContext;
use aws_sdk_lambda::primitives::Blob;
use serde_json::Value;

use crate::ui::failure::Failure;

/// The longest that a function runs; its answer begins when it ends. Source: docs.aws.amazon.com/lambda, "Lambda quotas".
const LONGEST_RUN: Duration = Duration::from_secs(900);

/// Invokes the function of that name and gives its answer. `command` is what `permissions --for` calls the caller.
///
/// # Errors
/// When it cannot be invoked, or its run failed as a whole.
pub async fn call(
    client: &aws_sdk_lambda::Client,
    function: &str,
    event: &Value,
    command: &str,
) -> Result<Value, Failure> {
    let patient = TimeoutConfig::builder().read_timeout(LONGEST_RUN).build();
    let patient = aws_sdk_lambda::config::Builder::new().timeout_config(patient);
    let call = client.invoke().function_name(function).payload(Blob::new(event.to_string()));
    let sent = call.customize().config_override(patient).send().await;
    let answer = sent.map_err(|error| {
        Failure::new(format!("the function {function} cannot be invoked: {}", DisplayErrorContext(&error))).hint(
            format!(
                "`billform apply` deploys it; `billform permissions --for {command}` prints the policy for calling it"
            ),
        )
    })?;
    let payload = answer.payload().map(Blob::as_ref).unwrap_or_default();
    let answered: Value = serde_json::from_slice(payload).unwrap_or(Value::Null);
    match answer.function_error() {
        None => Ok(answered),
        // Parts of it failed: the answer about all of them stands in the message.
        Some(_) => partial(&answered).ok_or_else(|| {
            let message = answered["errorMessage"].as_str().unwrap_or("it gave no reason").to_owned();
            Failure::new(format!("the function {function} failed: {message}"))
        }),
    }
}

/// The answer of a run of which parts failed: `1 of 3 tenants failed: {…}`.
pub fn partial(error: &Value) -> Option<Value> {
    let message = error["errorMessage"].as_str()?;
    let at = message.find('{')?;
    serde_json::from_str(&message[at..]).ok().filter(Value::is_object)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_answer_of_which_parts_failed_is_read_all_the_same() {
        let error = json!({"errorMessage": "1 of 2 tenants failed: {\"invoices\":[],\"left\":0}"});
        assert_eq!(partial(&error), Some(json!({"invoices": [], "left": 0})));
        assert_eq!(partial(&json!({"errorMessage": "out of memory {"})), None);
        assert_eq!(partial(&Value::Null), None);
    }
}
