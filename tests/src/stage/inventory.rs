//! What there is in the cloud, service by service, as the services' own listings have it.

use std::collections::{BTreeMap, BTreeSet};

use billing::names::{ADDRESS_TAG, LEDGER_KEY, LEDGER_SORT};
use localstripe::{Kind, Stripe};
use provisioner::cloud::Cloud;
use serde_json::Value;

/// Service -> the names of what it has. Of two things of one name the second is `name #2`.
pub type Inventory = BTreeMap<&'static str, BTreeSet<String>>;

/// Lists everything as root.
pub async fn of(cloud: &Cloud, stripe: &Stripe) -> Inventory {
    let mut found = Inventory::new();
    found.insert("iam roles", named(roles(cloud).await));
    found.insert("lambda functions", named(functions(cloud).await));
    found.insert("dynamodb tables", named(tables(cloud).await));
    found.insert("table items", items(cloud).await);
    found.insert("s3 buckets", named(buckets(cloud).await));
    found.insert("log groups", named(log_groups(cloud).await));
    found.insert("http apis", named(apis(cloud).await));
    found.insert("event rules", named(rules(cloud).await));
    found.insert("budgets", named(budgets(cloud).await));
    found.insert("secrets", named(secrets(cloud).await));
    found.insert("report definitions", named(reports(cloud).await));
    found.insert("active cost tags", named(active_tags(cloud).await));
    found.insert("stripe customers", named(stripe_objects(stripe, Kind::Customer, "/name")));
    found.insert("stripe products", named(stripe_objects(stripe, Kind::Product, "/name")));
    found.insert("stripe prices", named(stripe_objects(stripe, Kind::Price, "/lookup_key")));
    found
}

fn named(names: Vec<String>) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for name in names {
        let again = |n: u32| if n == 1 { name.clone() } else { format!("{name} #{n}") };
        let free = (1..).map(again).find(|name| !found.contains(name));
        found.extend(free);
    }
    found
}

async fn roles(cloud: &Cloud) -> Vec<String> {
    let pages = cloud.iam.list_roles().into_paginator().items().send();
    let roles = pages.collect::<Result<Vec<_>, _>>().await.expect("roles are listed");
    roles.into_iter().map(|role| role.role_name).collect()
}

async fn functions(cloud: &Cloud) -> Vec<String> {
    let pages = cloud.lambda.list_functions().into_paginator().items().send();
    let functions = pages.collect::<Result<Vec<_>, _>>().await.expect("functions are listed");
    functions.into_iter().filter_map(|function| function.function_name).collect()
}

async fn tables(cloud: &Cloud) -> Vec<String> {
    let pages = cloud.dynamodb.list_tables().into_paginator().items().send();
    pages.collect::<Result<Vec<_>, _>>().await.expect("tables are listed")
}

/// By the text values of their keys, the table's name first.
async fn items(cloud: &Cloud) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for table in tables(cloud).await {
        let pages = cloud.dynamodb.scan().table_name(&table).into_paginator().items().send();
        for item in pages.collect::<Result<Vec<_>, _>>().await.expect("tables are read") {
            let part = |name: &str| item.get(name).and_then(|value| value.as_s().ok()).map_or("", String::as_str);
            found.insert(format!("{table}: {} {}", part(LEDGER_KEY), part(LEDGER_SORT)));
        }
    }
    found
}

async fn buckets(cloud: &Cloud) -> Vec<String> {
    let answer = cloud.s3.list_buckets().send().await.expect("buckets are listed");
    answer.buckets().iter().filter_map(|bucket| bucket.name.clone()).collect()
}

async fn log_groups(cloud: &Cloud) -> Vec<String> {
    let pages = cloud.logs.describe_log_groups().into_paginator().items().send();
    let groups = pages.collect::<Result<Vec<_>, _>>().await.expect("log groups are listed");
    groups.into_iter().filter_map(|group| group.log_group_name).collect()
}

async fn apis(cloud: &Cloud) -> Vec<String> {
    let answer = cloud.api_gateway.get_apis().max_results("500").send().await.expect("APIs are listed");
    answer.items().iter().filter_map(|api| api.name.clone()).collect()
}

async fn rules(cloud: &Cloud) -> Vec<String> {
    let answer = cloud.events.list_rules().send().await.expect("rules are listed");
    answer.rules().iter().filter_map(|rule| rule.name.clone()).collect()
}

async fn budgets(cloud: &Cloud) -> Vec<String> {
    let pages = cloud.budgets.describe_budgets().account_id(&cloud.account).into_paginator().items().send();
    let budgets = pages.collect::<Result<Vec<_>, _>>().await.expect("budgets are listed");
    budgets.into_iter().map(|budget| budget.budget_name).collect()
}

/// Those that wait for their deletion, too: they cost and take the name.
async fn secrets(cloud: &Cloud) -> Vec<String> {
    let pages = cloud.secrets.list_secrets().include_planned_deletion(true).into_paginator().send();
    let pages = pages.collect::<Result<Vec<_>, _>>().await.expect("secrets are listed");
    pages.into_iter().flat_map(|page| page.secret_list.unwrap_or_default()).filter_map(|secret| secret.name).collect()
}

async fn reports(cloud: &Cloud) -> Vec<String> {
    let pages = cloud.cost_reports.describe_report_definitions().into_paginator().send();
    let pages = pages.collect::<Result<Vec<_>, _>>().await.expect("report definitions are listed");
    let reports = pages.into_iter().flat_map(|page| page.report_definitions.unwrap_or_default());
    reports.map(|report| report.report_name).collect()
}

async fn active_tags(cloud: &Cloud) -> Vec<String> {
    let status = aws_sdk_costexplorer::types::CostAllocationTagStatus::Active;
    let pages = cloud.cost_explorer.list_cost_allocation_tags().status(status).into_paginator().items().send();
    let tags = pages.collect::<Result<Vec<_>, _>>().await.expect("cost-allocation tags are listed");
    tags.into_iter().map(|tag| tag.tag_key).collect()
}

/// By a text of theirs; what is archived says so.
fn stripe_objects(stripe: &Stripe, kind: Kind, text: &str) -> Vec<String> {
    let name = |object: &Value| {
        let text = object.pointer(text).and_then(Value::as_str);
        // A price whose lookup key went to its successor.
        let text = text.or_else(|| object["metadata"][ADDRESS_TAG].as_str());
        let text = text.or_else(|| object["id"].as_str()).unwrap_or_default();
        match object["active"] == false {
            true => format!("{text} (archived)"),
            false => text.to_owned(),
        }
    };
    stripe.objects(kind).iter().map(name).collect()
}
