//! Secrets Manager: names and sizes, and the client token that makes creating twice the same as creating once.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use futures::future::BoxFuture;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::super::pipeline::{Answer, Call, Rule, Upstream};
use super::Refusal;
use super::ask::Ask;
use super::shape::{shaped, tag_fault, word};

const SECRET_BYTES: usize = 65_536;
const MOST_TAGS: usize = 50;

/// Checks a request to Secrets Manager.
pub(super) fn check(call: &Call) -> Result<(), Refusal> {
    let body = call.json();
    match call.operation.as_str() {
        "CreateSecret" => check_name(&body).and_then(|()| check_value(&body)).and_then(|()| check_tags(&body)),
        "PutSecretValue" | "UpdateSecret" => check_value(&body),
        "TagResource" => check_tags(&body),
        _ => Ok(()),
    }
}

fn check_name(body: &Value) -> Result<(), Refusal> {
    let name = body["Name"].as_str().unwrap_or_default();
    let fits = shaped(name, 1..=512, word("/_+=.@-!"));
    fits.then_some(()).ok_or_else(|| {
        Refusal::new(
            "ValidationException",
            format!("Invalid name '{name}': use 1 to 512 letters, digits or any of -/_+=.@!"),
        )
    })
}

fn check_value(body: &Value) -> Result<(), Refusal> {
    if let Some(token) = body["ClientRequestToken"].as_str().filter(|token| !shaped(token, 32..=64, |_| true)) {
        return Err(Refusal::new(
            "InvalidParameterException",
            format!("ClientRequestToken must have 32 to 64 characters, not {}", token.chars().count()),
        ));
    }
    if body["SecretString"].as_str().is_some_and(|text| text.len() > SECRET_BYTES) {
        return Err(Refusal::new(
            "ValidationException",
            format!("SecretString must have at most {SECRET_BYTES} bytes"),
        ));
    }
    if !body["SecretString"].is_null() && !body["SecretBinary"].is_null() {
        return Err(Refusal::new(
            "InvalidParameterException",
            "You can't specify both a binary secret value and a string secret value in the same secret",
        ));
    }
    Ok(())
}

fn check_tags(body: &Value) -> Result<(), Refusal> {
    let Some(tags) = body["Tags"].as_array() else { return Ok(()) };
    let text = |tag: &'_ Value, key: &str| tag[key].as_str().unwrap_or_default().to_owned();
    let pairs: Vec<(String, String)> = tags.iter().map(|tag| (text(tag, "Key"), text(tag, "Value"))).collect();
    let pairs = pairs.iter().map(|(key, value)| (key.as_str(), value.as_str()));
    tag_fault(pairs, MOST_TAGS).map_or(Ok(()), |fault| Err(Refusal::new("InvalidParameterException", fault)))
}

/// What a client token stands for. The value is kept as a hash only.
struct Made {
    value: [u8; 32],
    answer: Answer,
}

/// Remembers client tokens: the same token with the same value answers as the first time, with another value it
/// is refused. Also tells a name in its recovery window from one that is simply taken.
#[derive(Default)]
pub(super) struct Replay {
    made: Mutex<BTreeMap<Token, Made>>,
}

/// Operation, region, secret and client token.
type Token = [String; 4];

impl Rule for Replay {
    fn applies(&self, call: &Call) -> bool {
        call.service == "secretsmanager" && ["CreateSecret", "PutSecretValue"].contains(&call.operation.as_str())
    }

    fn before<'a>(&'a self, call: &'a mut Call, upstream: &'a Upstream) -> BoxFuture<'a, Option<Answer>> {
        Box::pin(async move {
            let body = call.json();
            let (value, answer) = self.known(&token(call, &body)?)?;
            let present = describe(Ask::new(call, upstream), &answer.body_json()["ARN"]).await?;
            // A secret that was deleted since, even if one of the same name lives, is made anew.
            if !present["DeletedDate"].is_null() || present["ARN"] != answer.body_json()["ARN"] {
                return None;
            }
            if value == hash(&body) {
                return Some(answer);
            }
            let message =
                "You can't use this ClientRequestToken because it is already in use for another version of the secret";
            Some(Refusal::new("ResourceExistsException", message).answer(call))
        })
    }

    fn after<'a>(&'a self, call: &'a Call, answer: Answer, upstream: &'a Upstream) -> BoxFuture<'a, Answer> {
        Box::pin(async move {
            let body = call.json();
            if answer.is_success() {
                if let Some(token) = token(call, &body) {
                    let made = Made { value: hash(&body), answer: answer.clone() };
                    self.made.lock().unwrap_or_else(PoisonError::into_inner).insert(token, made);
                }
                return answer;
            }
            let is_taken =
                call.operation == "CreateSecret" && answer.body_json()["__type"] == "ResourceExistsException";
            let present = if is_taken { describe(Ask::new(call, upstream), &body["Name"]).await } else { None };
            match present {
                Some(present) if !present["DeletedDate"].is_null() => {
                    let message = "You can't create this secret because a secret with this name is already scheduled for deletion.";
                    Refusal::new("InvalidRequestException", message).answer(call)
                }
                _ => answer,
            }
        })
    }
}

impl Replay {
    fn known(&self, token: &Token) -> Option<([u8; 32], Answer)> {
        let made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        made.get(token).map(|made| (made.value, made.answer.clone()))
    }
}

fn token(call: &Call, body: &Value) -> Option<Token> {
    let secret = body["Name"].as_str().or(body["SecretId"].as_str())?;
    let token = body["ClientRequestToken"].as_str()?;
    Some([call.operation.clone(), call.region.clone().unwrap_or_default(), secret.to_owned(), token.to_owned()])
}

fn hash(body: &Value) -> [u8; 32] {
    Sha256::digest(json!([body["SecretString"], body["SecretBinary"]]).to_string()).into()
}

async fn describe(ask: Ask<'_>, secret: &Value) -> Option<Value> {
    ask.target("secretsmanager", "secretsmanager.DescribeSecret", &json!({"SecretId": secret})).await
}

#[cfg(test)]
mod tests {
    use super::super::tests::json_call;
    use super::*;

    #[test]
    fn names_tokens_and_sizes_are_checked() {
        let create = |key: &str, value: Value| {
            let mut body = json!({"Name": "client-billing/stripe-api-key", "SecretString": "{}", "ClientRequestToken": "t".repeat(36)});
            body[key] = value;
            check(&json_call("secretsmanager", "CreateSecret", body))
        };
        assert_eq!(create("Tags", json!([{"Key": "a", "Value": "b"}])), Ok(()));
        for (key, value) in [
            ("Name", json!("a b")),
            ("Name", json!("")),
            ("ClientRequestToken", json!("short")),
            ("SecretString", json!("x".repeat(65_537))),
            ("SecretBinary", json!("eA==")),
            ("Tags", json!([{"Key": "aws:a", "Value": "b"}])),
        ] {
            assert!(create(key, value.clone()).is_err(), "{key}");
        }
    }

    #[test]
    fn tokens_are_told_apart_by_operation_region_and_secret() {
        let body = json!({"Name": "s", "ClientRequestToken": "t"});
        let call = json_call("secretsmanager", "CreateSecret", body.clone());
        assert_eq!(token(&call, &body).unwrap(), ["CreateSecret", "us-east-1", "s", "t"].map(str::to_owned));
        assert!(token(&call, &json!({"Name": "s"})).is_none());
        assert_ne!(hash(&json!({"SecretString": "a"})), hash(&json!({"SecretString": "b"})));
    }
}
