//! `cloudwatch_dashboard`: a dashboard; its body is compared as parsed JSON.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use engine::kind::{Applied, CallError, Depth, ErrorClass, Removal};
use engine::kind_meta::{KindMeta, Permission, Verb};
use engine::{Address, Owner};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::support::cloudwatch;
use super::support::prefix::common_prefix;
use super::support::tagging::{Tagged, Tags, list_tagged, retag};
use super::typed::{Answers, Seen, TypedKind, TypedListed, TypedUpdate, TypedWant, at_once};
use crate::cloud::errors::{call_error, code};
use crate::cloud::{Cloud, Home, client, ownership};

/// What a dashboard is to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Desired {
    /// `ClientBillingPortal`: letters, digits, `-` and `_`.
    pub name: String,
    /// `{"widgets": […]}`, at most 500 of them.
    pub body: Value,
    /// Tags beside the ownership tags.
    pub tags: BTreeMap<String, String>,
}

/// The dashboards of one account.
pub struct CloudwatchDashboards {
    cloud: Arc<Cloud>,
    cloudwatch: aws_sdk_cloudwatch::Client,
}

/// How many dashboards are read at once.
const DASHBOARDS_AT_ONCE: usize = 4;
/// What the list leaves out.
const UNLISTED: &[&str] = &["body", "tags"];

const DASHBOARD: &str = "arn:aws:cloudwatch::{account}:dashboard/{name}";
const ANY_DASHBOARD: &str = "arn:aws:cloudwatch::{account}:dashboard/*";

impl TypedKind for CloudwatchDashboards {
    type Desired = Desired;

    const META: KindMeta = KindMeta {
        name: "cloudwatch_dashboard",
        plural: "dashboards",
        service: "monitoring",
        summary: "CloudWatch dashboard",
        create_only: &["name"],
        open_maps: &["tags"],
        unlisted: UNLISTED,
        permissions: &[
            Permission { verb: Verb::Read, action: "cloudwatch:ListDashboards", resource: "*" },
            Permission { verb: Verb::Read, action: "cloudwatch:GetDashboard", resource: DASHBOARD },
            // Only the tags name the owner of a dashboard.
            Permission { verb: Verb::Read, action: "cloudwatch:ListTagsForResource", resource: ANY_DASHBOARD },
            Permission { verb: Verb::Create, action: "cloudwatch:GetDashboard", resource: DASHBOARD },
            Permission { verb: Verb::Create, action: "cloudwatch:PutDashboard", resource: DASHBOARD },
            Permission { verb: Verb::Create, action: "cloudwatch:TagResource", resource: DASHBOARD },
            Permission { verb: Verb::Update, action: "cloudwatch:PutDashboard", resource: DASHBOARD },
            Permission { verb: Verb::Update, action: "cloudwatch:TagResource", resource: DASHBOARD },
            Permission { verb: Verb::Update, action: "cloudwatch:UntagResource", resource: DASHBOARD },
            Permission { verb: Verb::Delete, action: "cloudwatch:DeleteDashboards", resource: DASHBOARD },
        ],
        // Alarms share the service, and take no more.
        steps_at_once: 2,
        ..KindMeta::PLAIN
    };

    fn new(cloud: Arc<Cloud>) -> Self {
        CloudwatchDashboards { cloudwatch: client!(cloud, aws_sdk_cloudwatch, Home::Stack), cloud }
    }

    async fn read(&self, wants: &[TypedWant<Desired>], depth: Depth) -> Answers<Desired> {
        let names: Vec<&str> = wants.iter().map(|want| want.fields.name.as_str()).collect();
        let there = self.names(&common_prefix(&names)).await?;
        let seen = wants.iter().map(|want| async {
            match there.contains(&want.fields.name) {
                true => self.see(want, depth).await,
                false => Ok(None),
            }
        });
        Ok(at_once(DASHBOARDS_AT_ONCE, seen.collect()).await)
    }

    async fn list(&self) -> Result<Vec<TypedListed<Desired>>, CallError> {
        let dashboards = self.names("").await?.into_iter().map(|name| (name, ()));
        let fields = |name: &str, (): &(), tags| Desired { name: name.to_owned(), body: Value::Null, tags };
        list_tagged(self, &self.cloud.stack, DASHBOARDS_AT_ONCE, dashboards, fields).await
    }

    async fn inventory(&self) -> Result<Vec<String>, CallError> {
        Ok(self.names("").await?.into_iter().collect())
    }

    /// PutDashboard overwrites a dashboard of the same name without a word, so it is looked for first.
    async fn create(&self, address: &Address, desired: Desired, _token: &str) -> Result<Applied, CallError> {
        if self.body(&desired.name).await?.is_some() {
            return Err(CallError {
                operation: "cloudwatch:PutDashboard".to_owned(),
                message: format!("the dashboard {} exists", desired.name),
                class: ErrorClass::AlreadyExists,
            });
        }
        self.put(&desired, Some(ownership::with_owner(&self.cloud.stack, address, &desired.tags))).await?;
        Ok(self.applied(&desired.name))
    }

    async fn update(&self, change: TypedUpdate<Desired>) -> Result<Applied, CallError> {
        if change.touches("body") {
            self.put(&change.desired, None).await?;
        }
        retag(self, &self.cloud.stack, &change, &change.desired.tags).await?;
        Ok(self.applied(&change.desired.name))
    }

    async fn delete(&self, _address: &Address, id: &str, _last: Desired) -> Result<Removal, CallError> {
        match self.cloudwatch.delete_dashboards().dashboard_names(id).send().await {
            Err(error) if !cloudwatch::is_missing(code(&error)) => {
                Err(call_error("cloudwatch:DeleteDashboards", error))
            }
            _ => Ok(Removal::Gone),
        }
    }
}

impl CloudwatchDashboards {
    /// The names of the dashboards with this prefix.
    async fn names(&self, prefix: &str) -> Result<BTreeSet<String>, CallError> {
        let call = self.cloudwatch.list_dashboards();
        let call = if prefix.is_empty() { call } else { call.dashboard_name_prefix(prefix) };
        let mut pages = call.into_paginator().send();
        let mut found = BTreeSet::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| call_error("cloudwatch:ListDashboards", error))?;
            found.extend(
                page.dashboard_entries.unwrap_or_default().into_iter().filter_map(|entry| entry.dashboard_name),
            );
        }
        Ok(found)
    }

    async fn see(&self, want: &TypedWant<Desired>, depth: Depth) -> Result<Option<Seen<Desired>>, CallError> {
        let name = &want.fields.name;
        let Applied { id, outputs, pending } = self.applied(name);
        if let (Depth::Lists, Some(known)) = (depth, &want.known) {
            let (fields, owner) = (known.clone(), Owner::stack(&self.cloud.stack));
            let unread = UNLISTED.iter().map(|field| (*field).to_owned()).collect();
            return Ok(Some(Seen { id, fields, outputs, owner, unread, pending }));
        }
        let (body, tags) = futures::try_join!(self.body(name), self.tags(name))?;
        let (Some(body), Some(tags)) = (body, tags) else { return Ok(None) };
        let owned = ownership::split(tags);
        let fields = Desired { name: name.clone(), body, tags: owned.tags };
        Ok(Some(Seen { id, fields, outputs, owner: owned.owner, unread: Vec::new(), pending }))
    }

    /// A dashboard's body; none of one that does not exist. Text that is no JSON stays text, so that it differs.
    async fn body(&self, name: &str) -> Result<Option<Value>, CallError> {
        let answer = match self.cloudwatch.get_dashboard().dashboard_name(name).send().await {
            Err(error) if cloudwatch::is_missing(code(&error)) => return Ok(None),
            answer => answer.map_err(|error| call_error("cloudwatch:GetDashboard", error))?,
        };
        Ok(Some(parsed(answer.dashboard_body().unwrap_or_default())))
    }

    /// Tags count for a new dashboard only. What AWS finds odd in a widget and takes all the same is not an error.
    async fn put(&self, desired: &Desired, tags: Option<Tags>) -> Result<(), CallError> {
        let call = self.cloudwatch.put_dashboard().dashboard_name(&desired.name);
        let call = call.dashboard_body(desired.body.to_string()).set_tags(tags.map(cloudwatch::sdk_tags));
        call.send().await.map(drop).map_err(|error| call_error("cloudwatch:PutDashboard", error))
    }

    fn applied(&self, name: &str) -> Applied {
        let outputs = BTreeMap::from([("arn".to_owned(), json!(self.arn(name)))]);
        Applied { id: name.to_owned(), outputs, pending: None }
    }

    fn arn(&self, name: &str) -> String {
        DASHBOARD.replace("{account}", &self.cloud.account).replace("{name}", name)
    }
}

impl Tagged for CloudwatchDashboards {
    async fn tags(&self, id: &str) -> Result<Option<Tags>, CallError> {
        cloudwatch::tags(&self.cloudwatch, &self.arn(id)).await
    }

    async fn tag(&self, id: &str, tags: Tags) -> Result<(), CallError> {
        cloudwatch::tag(&self.cloudwatch, &self.arn(id), tags).await
    }

    async fn untag(&self, id: &str, keys: Vec<String>) -> Result<(), CallError> {
        cloudwatch::untag(&self.cloudwatch, &self.arn(id), keys).await
    }
}

fn parsed(body: &str) -> Value {
    serde_json::from_str(body).unwrap_or_else(|_| Value::String(body.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_compared_by_what_it_says() {
        let desired = json!({ "name": "d", "body": { "widgets": [{ "type": "text", "width": 24 }] }, "tags": {} });
        let observed = |text: &str| json!({ "name": "d", "body": parsed(text), "tags": {} });
        let paths = |observed: &Value| -> Vec<String> {
            let changes = engine::diff::fields(&CloudwatchDashboards::META, &desired, observed, Some(&desired));
            changes.into_iter().map(|change| change.path).collect()
        };
        assert!(paths(&observed("{ \"widgets\" : [ {\"width\":24,\n\"type\":\"text\"} ] }")).is_empty());
        assert_eq!(paths(&observed(r#"{"widgets":[{"type":"text","width":12}]}"#)), ["body.widgets"]);
        assert_eq!(paths(&observed("no JSON")), ["body"]);
    }
}
