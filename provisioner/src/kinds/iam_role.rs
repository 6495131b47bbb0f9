//! `iam_role`: the role one function runs as, or a workflow takes on, with its one inline policy.
//!
//! Policies that others put on it are drift: the role could do more than its function needs.

pub mod document;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use aws_sdk_iam::types::{EntityType, RoleDetail, Tag};
use engine::diff::FieldChange;
use engine::kind::{Applied, CallError, Depth, ErrorClass, Removal};
use engine::kind_meta::{KindMeta, Permission, Verb};
use engine::{Address, Owner};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::support::tagging::{Tagged, Tags, retag};
use super::typed::{Answers, Seen, TypedKind, TypedListed, TypedUpdate, TypedWant, at_once};
use crate::cloud::errors::{call_error, code, refused};
use crate::cloud::{Cloud, Home, client, ownership};

/// What a role is to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Desired {
    /// The role's name, at most 64 characters.
    pub name: String,
    /// Shown in the console.
    pub description: String,
    /// The service that may assume it: `lambda.amazonaws.com`; or the whole trust policy, as the text of a JSON object.
    pub trusted_service: String,
    /// The inline policy document, as JSON.
    pub policy: Value,
    /// What else is on it: ARNs of managed policies, names of other inline ones. None is wanted.
    #[serde(default)]
    pub attached: BTreeSet<String>,
    /// Tags beside the ownership tags.
    pub tags: BTreeMap<String, String>,
}

/// The kind, at work.
pub struct IamRoles {
    cloud: Arc<Cloud>,
    iam: aws_sdk_iam::Client,
}

/// The name of the one inline policy.
const POLICY: &str = "billform";
/// Up to so many roles are read one by one; for more, all roles of the account are listed.
const FEW: usize = 3;
const READS: usize = 8;

const ROLE: &str = "arn:aws:iam::{account}:role/{name}";

impl TypedKind for IamRoles {
    type Desired = Desired;

    const META: KindMeta = KindMeta {
        name: "iam_role",
        plural: "iam roles",
        service: "iam",
        summary: "IAM role of one function with its inline policy",
        create_only: &["name"],
        open_maps: &["tags"],
        unlisted: &["description"],
        permissions: &[
            Permission { verb: Verb::Read, action: "iam:GetAccountAuthorizationDetails", resource: "*" },
            Permission { verb: Verb::Read, action: "iam:GetRole", resource: ROLE },
            Permission { verb: Verb::Read, action: "iam:GetRolePolicy", resource: ROLE },
            Permission { verb: Verb::Read, action: "iam:ListRolePolicies", resource: ROLE },
            Permission { verb: Verb::Read, action: "iam:ListAttachedRolePolicies", resource: ROLE },
            Permission { verb: Verb::Create, action: "iam:CreateRole", resource: ROLE },
            Permission { verb: Verb::Create, action: "iam:TagRole", resource: ROLE },
            Permission { verb: Verb::Create, action: "iam:PutRolePolicy", resource: ROLE },
            Permission { verb: Verb::Update, action: "iam:UpdateRoleDescription", resource: ROLE },
            Permission { verb: Verb::Update, action: "iam:UpdateAssumeRolePolicy", resource: ROLE },
            Permission { verb: Verb::Update, action: "iam:PutRolePolicy", resource: ROLE },
            Permission { verb: Verb::Update, action: "iam:DeleteRolePolicy", resource: ROLE },
            Permission { verb: Verb::Update, action: "iam:DetachRolePolicy", resource: ROLE },
            Permission { verb: Verb::Update, action: "iam:TagRole", resource: ROLE },
            Permission { verb: Verb::Update, action: "iam:UntagRole", resource: ROLE },
            Permission { verb: Verb::Delete, action: "iam:ListRolePolicies", resource: ROLE },
            Permission { verb: Verb::Delete, action: "iam:ListAttachedRolePolicies", resource: ROLE },
            Permission { verb: Verb::Delete, action: "iam:DeleteRolePolicy", resource: ROLE },
            Permission { verb: Verb::Delete, action: "iam:DetachRolePolicy", resource: ROLE },
            Permission { verb: Verb::Delete, action: "iam:DeleteRole", resource: ROLE },
        ],
        steps_at_once: 10,
        ..KindMeta::PLAIN
    };

    fn new(cloud: Arc<Cloud>) -> Self {
        IamRoles { iam: client!(cloud, aws_sdk_iam, Home::Stack), cloud }
    }

    async fn read(&self, wants: &[TypedWant<Desired>], depth: Depth) -> Answers<Desired> {
        if wants.len() <= FEW {
            let seen = wants.iter().map(|want| self.look_at(&want.fields.name)).collect();
            return Ok(at_once(READS, seen).await);
        }
        let details = self.roles().await?;
        let seen = wants.iter().map(|want| self.see(want, details.get(&want.fields.name), depth)).collect();
        Ok(at_once(READS, seen).await)
    }

    async fn list(&self) -> Result<Vec<TypedListed<Desired>>, CallError> {
        let roles = self.roles().await?;
        let listed = roles.iter().filter_map(|(name, detail)| {
            let (fields, owned) = observed(detail, String::new());
            TypedListed::of(&Self::META, &self.cloud.stack, &owned, name, fields)
        });
        Ok(listed.collect())
    }

    async fn inventory(&self) -> Result<Vec<String>, CallError> {
        Ok(self.roles().await?.into_keys().collect())
    }

    async fn create(&self, address: &Address, desired: Desired, _token: &str) -> Result<Applied, CallError> {
        let tags = ownership::with_owner(&self.cloud.stack, address, &desired.tags);
        let call = self.iam.create_role().role_name(&desired.name).description(&desired.description);
        let call = call.assume_role_policy_document(trust(&desired.trusted_service).to_string());
        if let Err(error) = call.set_tags(Some(sdk_tags(tags)?)).send().await {
            let exists = code(&error) == Some("EntityAlreadyExists");
            let failed = call_error("iam:CreateRole", error);
            return Err(if exists { CallError { class: ErrorClass::AlreadyExists, ..failed } } else { failed });
        }
        self.put_policy(&desired).await?;
        Ok(self.applied(&desired.name))
    }

    async fn update(&self, change: TypedUpdate<Desired>) -> Result<Applied, CallError> {
        let (iam, desired) = (&self.iam, &change.desired);
        let name = &desired.name;
        if change.touches("description") {
            // UpdateRole would also set the session length back.
            let call = iam.update_role_description().role_name(name).description(&desired.description);
            call.send().await.map_err(|error| call_error("iam:UpdateRoleDescription", error))?;
        }
        if change.touches("trusted_service") {
            let document = trust(&desired.trusted_service).to_string();
            let call = iam.update_assume_role_policy().role_name(name).policy_document(document);
            call.send().await.map_err(|error| call_error("iam:UpdateAssumeRolePolicy", error))?;
        }
        if change.touches("policy") {
            self.put_policy(desired).await?;
        }
        if change.touches("attached") {
            for policy in change.observed.attached.difference(&desired.attached) {
                self.take_off(name, policy).await?;
            }
        }
        retag(self, &self.cloud.stack, &change, &desired.tags).await?;
        Ok(self.applied(name))
    }

    async fn delete(&self, _address: &Address, id: &str, _last: Desired) -> Result<Removal, CallError> {
        // A role goes only when nothing is on it, whoever put it there.
        let Some(mut policies) = self.attached(id).await? else { return Ok(Removal::Gone) };
        policies.insert(POLICY.to_owned());
        for policy in &policies {
            self.take_off(id, policy).await?;
        }
        match self.iam.delete_role().role_name(id).send().await {
            Err(error) if code(&error) != Some("NoSuchEntity") => Err(call_error("iam:DeleteRole", error)),
            _ => Ok(Removal::Gone),
        }
    }

    fn diff(&self, desired: &Value, observed: &Value, last: Option<&Value>) -> Vec<FieldChange> {
        engine::diff::fields(&Self::META, &comparable(desired), &comparable(observed), last)
    }
}

impl IamRoles {
    /// Every role of the account by name, with policies and tags but without descriptions.
    async fn roles(&self) -> Result<HashMap<String, RoleDetail>, CallError> {
        let call = self.iam.get_account_authorization_details().filter(EntityType::Role);
        let mut pages = call.max_items(1000).into_paginator().send();
        let mut found = HashMap::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| call_error("iam:GetAccountAuthorizationDetails", error))?;
            let named = |detail: RoleDetail| detail.role_name.clone().map(|name| (name, detail));
            found.extend(page.role_detail_list.unwrap_or_default().into_iter().filter_map(named));
        }
        Ok(found)
    }

    /// The list lags behind and has no descriptions: what it lacks is looked at where that matters.
    async fn see(
        &self,
        want: &TypedWant<Desired>,
        detail: Option<&RoleDetail>,
        depth: Depth,
    ) -> Result<Option<Seen<Desired>>, CallError> {
        let Some(detail) = detail else {
            return if want.known.is_some() { self.look_at(&want.fields.name).await } else { Ok(None) };
        };
        let (description, unread) = match (depth, &want.known) {
            (Depth::Lists, Some(known)) => (known.description.clone(), vec!["description".to_owned()]),
            _ => match self.role(&want.fields.name).await? {
                Some(role) => (role.description.unwrap_or_default(), Vec::new()),
                None => return Ok(None),
            },
        };
        let (fields, owned) = observed(detail, description);
        Ok(Some(self.seen(fields, owned.owner, unread)))
    }

    /// One role, read whole by its name.
    async fn look_at(&self, name: &str) -> Result<Option<Seen<Desired>>, CallError> {
        let Some(role) = self.role(name).await? else { return Ok(None) };
        let Some(attached) = self.attached(name).await? else { return Ok(None) };
        let owned = split_tags(role.tags.unwrap_or_default());
        let fields = Desired {
            name: name.to_owned(),
            description: role.description.unwrap_or_default(),
            trusted_service: trusted_service(role.assume_role_policy_document.as_deref().unwrap_or_default()),
            policy: self.policy(name).await?,
            attached,
            tags: owned.tags,
        };
        Ok(Some(self.seen(fields, owned.owner, Vec::new())))
    }

    async fn role(&self, name: &str) -> Result<Option<aws_sdk_iam::types::Role>, CallError> {
        match self.iam.get_role().role_name(name).send().await {
            Ok(answer) => Ok(answer.role),
            Err(error) if code(&error) == Some("NoSuchEntity") => Ok(None),
            Err(error) => Err(call_error("iam:GetRole", error)),
        }
    }

    async fn policy(&self, name: &str) -> Result<Value, CallError> {
        match self.iam.get_role_policy().role_name(name).policy_name(POLICY).send().await {
            Ok(answer) => Ok(document::parse(&answer.policy_document)),
            Err(error) if code(&error) == Some("NoSuchEntity") => Ok(Value::Null),
            Err(error) => Err(call_error("iam:GetRolePolicy", error)),
        }
    }

    /// What is on the role beside our policy; `None` when there is no role.
    async fn attached(&self, name: &str) -> Result<Option<BTreeSet<String>>, CallError> {
        let mut found = BTreeSet::new();
        let mut inline = self.iam.list_role_policies().role_name(name).into_paginator().items().send();
        while let Some(policy) = inline.next().await {
            match policy {
                Ok(policy) => found.insert(policy),
                Err(error) if code(&error) == Some("NoSuchEntity") => return Ok(None),
                Err(error) => return Err(call_error("iam:ListRolePolicies", error)),
            };
        }
        found.remove(POLICY);
        let mut managed = self.iam.list_attached_role_policies().role_name(name).into_paginator().items().send();
        while let Some(policy) = managed.next().await {
            match policy {
                Ok(policy) => found.extend(policy.policy_arn),
                Err(error) if code(&error) == Some("NoSuchEntity") => return Ok(None),
                Err(error) => return Err(call_error("iam:ListAttachedRolePolicies", error)),
            }
        }
        Ok(Some(found))
    }

    async fn put_policy(&self, desired: &Desired) -> Result<(), CallError> {
        let call = self.iam.put_role_policy().role_name(&desired.name).policy_name(POLICY);
        let call = call.policy_document(desired.policy.to_string());
        call.send().await.map(drop).map_err(|error| call_error("iam:PutRolePolicy", error))
    }

    /// Takes a policy off the role: detached when managed, deleted when inline.
    async fn take_off(&self, role: &str, policy: &str) -> Result<(), CallError> {
        let iam = &self.iam;
        let failed = if policy.starts_with("arn:") {
            match iam.detach_role_policy().role_name(role).policy_arn(policy).send().await {
                Err(error) if code(&error) != Some("NoSuchEntity") => Some(call_error("iam:DetachRolePolicy", error)),
                _ => None,
            }
        } else {
            match iam.delete_role_policy().role_name(role).policy_name(policy).send().await {
                Err(error) if code(&error) != Some("NoSuchEntity") => Some(call_error("iam:DeleteRolePolicy", error)),
                _ => None,
            }
        };
        failed.map_or(Ok(()), Err)
    }

    fn seen(&self, fields: Desired, owner: Owner, unread: Vec<String>) -> Seen<Desired> {
        let Applied { id, outputs, .. } = self.applied(&fields.name);
        Seen { id, fields, outputs, owner, unread, pending: None }
    }

    fn applied(&self, name: &str) -> Applied {
        let arn = format!("arn:aws:iam::{}:role/{name}", self.cloud.account);
        Applied { id: name.to_owned(), outputs: BTreeMap::from([("arn".to_owned(), json!(arn))]), pending: None }
    }
}

impl Tagged for IamRoles {
    async fn tags(&self, id: &str) -> Result<Option<Tags>, CallError> {
        let role = self.role(id).await?;
        Ok(role.map(|role| role.tags.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value)).collect()))
    }

    async fn tag(&self, id: &str, tags: Tags) -> Result<(), CallError> {
        let call = self.iam.tag_role().role_name(id).set_tags(Some(sdk_tags(tags)?));
        call.send().await.map(drop).map_err(|error| call_error("iam:TagRole", error))
    }

    async fn untag(&self, id: &str, keys: Vec<String>) -> Result<(), CallError> {
        let call = self.iam.untag_role().role_name(id).set_tag_keys(Some(keys));
        call.send().await.map(drop).map_err(|error| call_error("iam:UntagRole", error))
    }
}

/// The trust policy: the one that is written out, or that lets one service assume the role.
fn trust(trusted: &str) -> Value {
    written_out(trusted).unwrap_or_else(|| {
        json!({
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Principal": {"Service": trusted}, "Action": "sts:AssumeRole"}],
        })
    })
}

/// The policy that a text is, if it is one and no service's name.
fn written_out(trusted: &str) -> Option<Value> {
    serde_json::from_str(trusted).ok().filter(Value::is_object)
}

/// The service a trust policy admits; the whole policy as text when it says anything else.
fn trusted_service(text: &str) -> String {
    let seen = document::canonical(&document::parse(text));
    let service = seen.pointer("/Statement/Principal/Service").and_then(Value::as_str);
    match service {
        Some(service) if document::canonical(&trust(service)) == seen => service.to_owned(),
        _ => seen.to_string(),
    }
}

/// A role as the account's list shows it.
fn observed(detail: &RoleDetail, description: String) -> (Desired, ownership::Owned) {
    let mut policy = Value::Null;
    let mut attached: BTreeSet<String> =
        detail.attached_managed_policies().iter().filter_map(|policy| policy.policy_arn.clone()).collect();
    for inline in detail.role_policy_list() {
        match inline.policy_name() {
            Some(POLICY) => policy = document::parse(inline.policy_document().unwrap_or_default()),
            name => attached.extend(name.map(str::to_owned)),
        }
    }
    let owned = split_tags(detail.tags().to_vec());
    let fields = Desired {
        name: detail.role_name().unwrap_or_default().to_owned(),
        description,
        trusted_service: trusted_service(detail.assume_role_policy_document().unwrap_or_default()),
        policy,
        attached,
        tags: owned.tags.clone(),
    };
    (fields, owned)
}

/// The fields with the policies in their one canonical form.
fn comparable(fields: &Value) -> Value {
    let mut fields = fields.clone();
    if let Some(policy) = fields.get_mut("policy") {
        *policy = document::canonical(policy);
    }
    if let Some(trusted) = fields.get_mut("trusted_service")
        && let Some(policy) = trusted.as_str().and_then(written_out)
    {
        *trusted = Value::String(document::canonical(&policy).to_string());
    }
    fields
}

fn split_tags(tags: Vec<Tag>) -> ownership::Owned {
    ownership::split(tags.into_iter().map(|tag| (tag.key, tag.value)))
}

pub(super) fn sdk_tags(tags: BTreeMap<String, String>) -> Result<Vec<Tag>, CallError> {
    let tag = |(key, value)| Tag::builder().key(key).value(value).build();
    let tags: Result<Vec<Tag>, _> = tags.into_iter().map(tag).collect();
    tags.map_err(|error| refused("iam:TagRole", error.to_string()))
}

#[cfg(test)]
mod tests;
