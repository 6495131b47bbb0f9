//! IAM: names, paths, documents and tags; and when each role was made, for those who want AWS's delay.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures::future::BoxFuture;

use super::super::pipeline::{Answer, Call, Rule, Upstream};
use super::Refusal;
use super::document::{self, Place};
use super::oidc_providers;
use super::shape::{shaped, tag_fault, word};

const NAME: &str = "_+=,.@-";
const TRUST_POLICY_BYTES: usize = 2048;
const MOST_TAGS: usize = 50;

/// Inline policies of one identity together; a single document cannot be larger either.
fn inline_policy_bytes(operation: &str) -> usize {
    match operation {
        "PutUserPolicy" => 2048,
        "PutGroupPolicy" => 5120,
        "CreatePolicy" | "CreatePolicyVersion" => 6144,
        _ => 10_240,
    }
}

/// Checks a request to IAM.
pub(super) fn check(call: &Call) -> Result<(), Refusal> {
    if !["Add", "Create", "Put", "Update", "Tag"].iter().any(|verb| call.operation.starts_with(verb)) {
        return Ok(());
    }
    oidc_providers::check(call)?;
    let form: BTreeMap<String, String> = call.form().into_iter().collect();
    names(&form)?;
    if let Some(path) = form.get("Path") {
        check_path(path)?;
    }
    if let Some(seconds) = form.get("MaxSessionDuration") {
        let fits = seconds.parse::<u32>().is_ok_and(|seconds| (3600..=43_200).contains(&seconds));
        fits.then_some(()).ok_or_else(|| {
            invalid(format!("MaxSessionDuration must lie between 3600 and 43200 seconds, not {seconds}"))
        })?;
    }
    tags(&form)?;
    documents(&call.operation, &form)
}

fn names(form: &BTreeMap<String, String>) -> Result<(), Refusal> {
    for (key, longest) in [("RoleName", 64), ("UserName", 64), ("GroupName", 128), ("PolicyName", 128)] {
        if let Some(name) = form.get(key).filter(|name| !shaped(name, 1..=longest, word(NAME))) {
            return Err(invalid(format!(
                "The specified value for {key} is invalid. It must have 1 to {longest} letters, digits or any of {NAME}: '{name}'"
            )));
        }
    }
    Ok(())
}

fn check_path(path: &str) -> Result<(), Refusal> {
    let fits = path == "/"
        || (path.starts_with('/')
            && path.ends_with('/')
            && shaped(path, 2..=512, |letter| ('!'..='\u{7f}').contains(&letter)));
    fits.then_some(()).ok_or_else(|| {
        invalid(format!(
            "The specified value for path is invalid. It must begin and end with / and contain only ASCII: '{path}'"
        ))
    })
}

fn tags(form: &BTreeMap<String, String>) -> Result<(), Refusal> {
    let keys = form
        .iter()
        .filter_map(|(name, key)| Some((name.strip_prefix("Tags.member.")?.strip_suffix(".Key")?, key.as_str())));
    let value = |at: &str| form.get(&format!("Tags.member.{at}.Value")).map_or("", String::as_str);
    let tags: Vec<(&str, &str)> = keys.map(|(at, key)| (key, value(at))).collect();
    // IAM alone tells tag keys apart without regard to case.
    let lower: Vec<String> = tags.iter().map(|(key, _)| key.to_ascii_lowercase()).collect();
    let folded = lower.iter().zip(&tags).map(|(key, (_, value))| (key.as_str(), *value));
    tag_fault(folded, MOST_TAGS).map_or(Ok(()), |fault| Err(Refusal::new("InvalidInput", fault)))
}

fn documents(operation: &str, form: &BTreeMap<String, String>) -> Result<(), Refusal> {
    let trust = form
        .get("AssumeRolePolicyDocument")
        .or(form.get("PolicyDocument").filter(|_| operation == "UpdateAssumeRolePolicy"));
    if let Some(text) = trust {
        within(text, TRUST_POLICY_BYTES)?;
        return document::check(text, Place::Trust).map_err(malformed);
    }
    let Some(text) = form.get("PolicyDocument") else { return Ok(()) };
    within(text, inline_policy_bytes(operation))?;
    document::check(text, Place::Identity).map_err(malformed)
}

fn within(text: &str, most: usize) -> Result<(), Refusal> {
    // White space does not count.
    let size = text.chars().filter(|letter| !letter.is_whitespace()).count();
    (size <= most).then_some(()).ok_or_else(|| {
        Refusal::new("LimitExceeded", format!("Maximum policy size of {most} bytes exceeded")).with_status(409)
    })
}

fn malformed(message: String) -> Refusal {
    Refusal::new("MalformedPolicyDocument", message)
}

fn invalid(message: String) -> Refusal {
    Refusal::new("ValidationError", message)
}

/// Which roles are so new that Lambda cannot assume them yet.
pub(super) struct NewRoles {
    delay: Duration,
    made: Mutex<BTreeMap<String, Instant>>,
}

impl NewRoles {
    /// Roles count as new for so long.
    pub(super) fn new(delay: Duration) -> NewRoles {
        NewRoles { delay, made: Mutex::default() }
    }

    /// Whether the role of that name is still too new.
    pub(super) fn is_new(&self, name: &str) -> bool {
        let made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        made.get(name).is_some_and(|made| made.elapsed() < self.delay)
    }

    fn remember(&self, name: String) {
        self.made.lock().unwrap_or_else(PoisonError::into_inner).insert(name, Instant::now());
    }
}

/// Notes when roles are made.
pub(super) struct RememberRoles(pub(super) Arc<NewRoles>);

impl Rule for RememberRoles {
    fn applies(&self, call: &Call) -> bool {
        call.service == "iam" && call.operation == "CreateRole" && !self.0.delay.is_zero()
    }

    fn after<'a>(&'a self, call: &'a Call, answer: Answer, _: &'a Upstream) -> BoxFuture<'a, Answer> {
        if answer.is_success()
            && let Some(name) = call.parameter("RoleName")
        {
            self.0.remember(name);
        }
        Box::pin(std::future::ready(answer))
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::form_call;
    use super::*;

    const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;
    const READS: &str =
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}]}"#;

    fn role(more: &[(&str, &str)]) -> Result<(), Refusal> {
        let mut pairs = vec![("RoleName", "billform-costs"), ("AssumeRolePolicyDocument", TRUST)];
        for (key, value) in more {
            pairs.retain(|(held, _)| held != key);
            pairs.push((key, value));
        }
        check(&form_call("iam", "CreateRole", &pairs))
    }

    #[test]
    fn a_good_role_passes() {
        assert_eq!(
            role(&[("Path", "/billform/"), ("Tags.member.1.Key", "billform:stack"), ("Tags.member.1.Value", "x")]),
            Ok(())
        );
        assert_eq!(role(&[("MaxSessionDuration", "3600")]), Ok(()));
    }

    #[test]
    fn names_paths_and_tags_are_checked() {
        let long = "r".repeat(65);
        for (key, value, code) in [
            ("RoleName", long.as_str(), "ValidationError"),
            ("RoleName", "a b", "ValidationError"),
            ("Path", "x", "ValidationError"),
            ("Path", "/x", "ValidationError"),
            ("MaxSessionDuration", "60", "ValidationError"),
            ("Tags.member.1.Key", "aws:x", "InvalidInput"),
            ("AssumeRolePolicyDocument", "{nope", "MalformedPolicyDocument"),
            ("AssumeRolePolicyDocument", READS, "MalformedPolicyDocument"),
        ] {
            assert_eq!(role(&[(key, value)]).unwrap_err().code, code, "{key} {value}");
        }
        let twice = [("Tags.member.1.Key", "Owner"), ("Tags.member.2.Key", "owner")];
        assert_eq!(role(&twice).unwrap_err().code, "InvalidInput");
    }

    #[test]
    fn documents_have_their_place_and_size() {
        let put = |document: &str| {
            check(&form_call(
                "iam",
                "PutRolePolicy",
                &[("RoleName", "r"), ("PolicyName", "p"), ("PolicyDocument", document)],
            ))
        };
        assert_eq!(put(READS), Ok(()));
        assert_eq!(put(TRUST).unwrap_err().code, "MalformedPolicyDocument");
        let spaced = READS.replace("\":", "\" : ") + &" ".repeat(20_000);
        assert_eq!(put(&spaced), Ok(()));
        let large = READS.replace("\"*\"", &format!("\"arn:aws:s3:::{}\"", "x".repeat(11_000)));
        assert_eq!(
            put(&large).unwrap_err(),
            Refusal::new("LimitExceeded", "Maximum policy size of 10240 bytes exceeded").with_status(409)
        );
        let update = |document: &str| {
            check(&form_call("iam", "UpdateAssumeRolePolicy", &[("RoleName", "r"), ("PolicyDocument", document)]))
        };
        assert_eq!((update(TRUST), update(READS).unwrap_err().code), (Ok(()), "MalformedPolicyDocument"));
    }

    #[test]
    fn reads_are_left_alone() {
        assert_eq!(check(&form_call("iam", "GetRole", &[("RoleName", "a b")])), Ok(()));
    }

    #[test]
    fn a_role_is_new_for_its_delay() {
        let roles = NewRoles::new(Duration::from_secs(3600));
        roles.remember("r".to_owned());
        assert!(roles.is_new("r") && !roles.is_new("other"));
        let at_once = NewRoles::new(Duration::ZERO);
        at_once.remember("r".to_owned());
        assert!(!at_once.is_new("r"));
    }
}
