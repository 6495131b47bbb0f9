//! Who made a call, and which policies they have: read from MiniStack's IAM as root and kept for a second.
//!
//! Keys of users are found by asking IAM. Keys of functions follow from the function and its role, as MiniStack
//! derives them. Keys of assumed roles are noted when they are given out.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use sha2::{Digest, Sha256};

use super::super::pipeline::{Answer, Call, Rule, Upstream};
use super::ask::Ask;
use super::lambda::role_name;
use super::policy::Policy;
use super::shape::{element, elements, percent_decoded, shaped};

const KEPT: Duration = Duration::from_secs(1);

/// Who is behind an access key.
#[derive(Debug)]
pub(super) enum Caller {
    /// The account itself: allowed everything.
    Root,
    /// A key that IAM does not know; MiniStack refuses it.
    Unknown,
    /// A user or an assumed role.
    Known {
        /// The principal, as messages name it.
        arn: String,
        /// All its policies.
        policies: Vec<Policy>,
    },
}

/// Finds callers, and keeps what it found for a moment.
#[derive(Default)]
pub(super) struct Callers {
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    found: BTreeMap<String, (Instant, Arc<Caller>)>,
    /// Access keys of assumed roles and the roles' ARNs.
    sessions: BTreeMap<String, String>,
}

impl Callers {
    /// The caller of a call.
    pub(super) async fn find(&self, call: &Call, ask: Ask<'_>) -> Arc<Caller> {
        let key = call.access_key.as_deref().unwrap_or_default();
        if is_root(key) {
            return Arc::new(Caller::Root);
        }
        if let Some((at, caller)) = self.held().found.get(key)
            && at.elapsed() < KEPT
        {
            return Arc::clone(caller);
        }
        let caller = Arc::new(self.look_up(key, ask).await);
        self.held().found.insert(key.to_owned(), (Instant::now(), Arc::clone(&caller)));
        caller
    }

    async fn look_up(&self, key: &str, ask: Ask<'_>) -> Caller {
        let session = self.held().sessions.get(key).cloned();
        let role = match session {
            Some(role) => Some(role),
            None if key.starts_with("ASIA") => function_role(key, ask).await,
            None => None,
        };
        if let Some(arn) = role {
            let policies = policies_of(Identity::Role, role_name(&arn).unwrap_or_default(), ask).await;
            return Caller::Known { arn, policies };
        }
        let user = ask.iam(&[("Action", "GetAccessKeyLastUsed"), ("AccessKeyId", key)]).await;
        let Some(name) = user.and_then(|xml| element(&xml, "UserName")) else { return Caller::Unknown };
        let arn = ask.iam(&[("Action", "GetUser"), ("UserName", &name)]).await.and_then(|xml| element(&xml, "Arn"));
        let mut policies = policies_of(Identity::User, &name, ask).await;
        let groups = ask.iam(&[("Action", "ListGroupsForUser"), ("UserName", &name)]).await.unwrap_or_default();
        for group in elements(&groups, "GroupName") {
            policies.extend(policies_of(Identity::Group, &group, ask).await);
        }
        Caller::Known { arn: arn.unwrap_or(name), policies }
    }

    fn forget(&self) {
        self.held().found.clear();
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// MiniStack's root: no key, its own, or an account's number.
fn is_root(key: &str) -> bool {
    key.is_empty() || key == "test" || shaped(key, 12..=12, |letter| letter.is_ascii_digit())
}

/// The role of the function that has this key, among the functions of the call's region.
async fn function_role(key: &str, ask: Ask<'_>) -> Option<String> {
    let mut path = "/2015-03-31/functions/?MaxItems=50".to_owned();
    loop {
        let page = ask.get("lambda", &path).await?.body_json();
        for function in page["Functions"].as_array().into_iter().flatten() {
            let (arn, role) =
                (function["FunctionArn"].as_str().unwrap_or_default(), function["Role"].as_str().unwrap_or_default());
            if function_key(arn, role) == key {
                return Some(role.to_owned());
            }
        }
        let marker = page["NextMarker"].as_str().filter(|marker| !marker.is_empty())?;
        path = format!(
            "/2015-03-31/functions/?MaxItems=50&Marker={}",
            percent_encoding::utf8_percent_encode(marker, percent_encoding::NON_ALPHANUMERIC)
        );
    }
}

/// How MiniStack 1.5.33 names the temporary key of a function.
fn function_key(function_arn: &str, role_arn: &str) -> String {
    let digest = hex::encode_upper(Sha256::digest(format!("{function_arn}:{role_arn}")));
    format!("ASIA{}", &digest[..16])
}

#[derive(Clone, Copy)]
enum Identity {
    User,
    Group,
    Role,
}

impl Identity {
    fn name(self) -> &'static str {
        match self {
            Identity::User => "User",
            Identity::Group => "Group",
            Identity::Role => "Role",
        }
    }
}

/// The inline and attached policies of one identity.
async fn policies_of(identity: Identity, name: &str, ask: Ask<'_>) -> Vec<Policy> {
    let kind = identity.name();
    let named = format!("{kind}Name");
    let mut policies = Vec::new();
    let inline = ask.iam(&[("Action", &format!("List{kind}Policies")), (&named, name)]).await.unwrap_or_default();
    for policy in elements(&inline, "member") {
        let found = ask.iam(&[("Action", &format!("Get{kind}Policy")), (&named, name), ("PolicyName", &policy)]).await;
        policies.extend(found.and_then(|xml| document(&xml, "PolicyDocument")));
    }
    let attached =
        ask.iam(&[("Action", &format!("ListAttached{kind}Policies")), (&named, name)]).await.unwrap_or_default();
    for arn in elements(&attached, "PolicyArn") {
        policies.extend(managed(&arn, ask).await);
    }
    policies
}

async fn managed(arn: &str, ask: Ask<'_>) -> Option<Policy> {
    let policy = ask.iam(&[("Action", "GetPolicy"), ("PolicyArn", arn)]).await?;
    let version = element(&policy, "DefaultVersionId")?;
    let version = ask.iam(&[("Action", "GetPolicyVersion"), ("PolicyArn", arn), ("VersionId", &version)]).await?;
    document(&version, "Document")
}

fn document(xml: &str, name: &str) -> Option<Policy> {
    let text = element(xml, name)?;
    // IAM escapes documents; a bare one is taken as it stands.
    Some(Policy::parse(&if text.trim_start().starts_with('{') { text } else { percent_decoded(&text) }))
}

/// Forgets what was found when IAM or a function changes, and notes the keys of assumed roles.
pub(super) struct Watch(pub(super) Arc<Callers>);

impl Rule for Watch {
    fn applies(&self, call: &Call) -> bool {
        ["iam", "sts", "lambda"].contains(&call.service.as_str())
    }

    fn after<'a>(&'a self, call: &'a Call, answer: Answer, _: &'a Upstream) -> BoxFuture<'a, Answer> {
        if call.service == "sts" {
            self.note_session(call, &answer);
        } else if call.write && call.operation != "Invoke" {
            self.0.forget();
        }
        Box::pin(std::future::ready(answer))
    }
}

impl Watch {
    fn note_session(&self, call: &Call, answer: &Answer) {
        let xml = String::from_utf8_lossy(&answer.body);
        if let (true, Some(key), Some(role)) =
            (answer.is_success(), element(&xml, "AccessKeyId"), call.parameter("RoleArn"))
        {
            self.0.held().sessions.insert(key, role);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roots_are_told_from_keys() {
        for key in ["", "test", "123456789012"] {
            assert!(is_root(key), "{key}");
        }
        assert!(!is_root("AKIA1234567890123456") && !is_root("1234"));
    }

    #[test]
    fn a_functions_key_follows_from_function_and_role() {
        let key = function_key("arn:aws:lambda:us-east-1:123456789012:function:f", "arn:aws:iam::123456789012:role/r");
        assert_eq!(key.len(), 20);
        assert_ne!(
            key,
            function_key("arn:aws:lambda:us-east-1:123456789012:function:g", "arn:aws:iam::123456789012:role/r")
        );
    }

    #[test]
    fn documents_are_read_escaped_or_bare() {
        for xml in [
            "<PolicyDocument>%7B%22Statement%22%3A%5B%5D%7D</PolicyDocument>",
            "<PolicyDocument>{&quot;Statement&quot;:[]}</PolicyDocument>",
        ] {
            assert!(document(xml, "PolicyDocument").is_some());
        }
        assert!(document("<Other/>", "PolicyDocument").is_none());
    }
}
