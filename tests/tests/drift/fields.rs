//! One field of each kind, changed in the console or the dashboard.

use std::collections::{BTreeSet, HashMap};
use std::io::{Cursor, Write as _};

use aws_sdk_costexplorer::types::{CostAllocationTagStatus, CostAllocationTagStatusEntry};
use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_lambda::primitives::Blob;
use billing::names::{LEDGER_KEY, LEDGER_SORT, TENANT_ATTRIBUTE, TENANT_ITEM};
use provisioner::cloud::calls::Calls;
use provisioner::cloud::secret_values::SecretValue;
use provisioner::cloud::stripe_api::StripeApi;
use provisioner::cloud::{Cloud, Home, client};
use serde_json::{Value, json};
use stripe_core::customer::UpdateCustomer;
use stripe_product::price::UpdatePrice;
use stripe_product::product::UpdateProduct;
use tests::live::clients::Clients as _;
use tests::stage::{PORTAL, Stage};

use crate::{drift, exactly, found, id, report};

/// What [`change_one_field_of_each`] does.
const CHANGED: &[(&str, &str)] = &[
    ("allocation_tags.active", "changed active"),
    ("budget.mmp-toledo", "changed limit_usd"),
    ("cloudwatch_alarm.function_errors", "changed threshold"),
    ("cloudwatch_dashboard.main", "changed body.widgets"),
    ("dynamodb_table.ledger", "changed deletion_protection"),
    ("http_api.main", "changed description"),
    ("iam_role.costs", "changed description"),
    ("lambda_function.costs", "changed memory_mb code_sha256"),
    ("log_group.costs", "changed retention_days"),
    ("report_definition.costs", "changed refresh_closed_reports"),
    ("s3_bucket.reports", "changed public_access_blocked"),
    ("schedule.daily", "changed description"),
    ("secret.stripe", "changed description"),
    ("sns_topic.alerts", "changed emails"),
    ("stripe_customer.mmp-toledo", "changed email"),
    ("stripe_portal_configuration.main", "changed subscription_cancel"),
    ("stripe_price.portal.monthly", "changed nickname"),
    ("stripe_product.portal", "changed name"),
    ("tenant_record.mmp-toledo", "changed record.name"),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn a_field_of_each_kind_is_found_by_who_may_only_read_and_repaired() {
    let mut stage = Stage::without_handlers(PORTAL).await;
    stage.run(&["apply", "--auto-approve"]).await.ok();
    stage.be_permitted("drift").await;
    let clean = report(&stage, 0).await;
    assert_eq!((&clean["changes"], &clean["unapplied"]), (&json!([]), &json!([])));
    assert!(clean["summary"]["compared"].as_u64() > Some(15), "{}", clean["summary"]);

    change_one_field_of_each(&stage).await;
    let drifted = report(&stage, 3).await;
    assert_eq!(found(&drifted), exactly(CHANGED));
    assert_eq!(drifted["summary"]["changed"], CHANGED.len());
    assert_eq!(kinds_of(CHANGED.iter().map(|(address, _)| *address)), remembered_kinds(&stage), "every kind is tried");
    formats_agree(&stage).await;
    ignored_is_counted_and_named(&stage).await;

    stage.be_permitted("apply").await;
    stage.run(&["apply", "--auto-approve", "--refresh", "full"]).await.ok();
    stage.be_permitted("drift").await;
    assert_eq!(found(&report(&stage, 0).await), exactly(&[]));
}

fn kinds_of<'a>(addresses: impl Iterator<Item = &'a str>) -> BTreeSet<String> {
    addresses.filter_map(|address| address.split('.').next().map(str::to_owned)).collect()
}

fn remembered_kinds(stage: &Stage) -> BTreeSet<String> {
    let state = std::fs::read(stage.state_path()).expect("a state");
    let state: Value = serde_json::from_slice(&state).expect("JSON");
    kinds_of(state["records"].as_object().expect("records").keys().map(String::as_str))
}

/// Every format names every finding, and the same exit code holds.
async fn formats_agree(stage: &Stage) {
    for format in ["human", "markdown", "sarif"] {
        let text = drift(stage, &["--format", format], 3).await.stdout;
        for (address, _) in CHANGED {
            assert!(text.contains(address), "{address} is not in {format}:\n{text}");
        }
    }
    let sarif = drift(stage, &["--format", "sarif"], 3).await.json();
    let results = sarif["runs"][0]["results"].as_array().expect("results");
    assert_eq!(results.len(), CHANGED.len());
    let of = |address: &str| {
        let is_it = |result: &&Value| result["locations"][0]["logicalLocations"][0]["fullyQualifiedName"] == address;
        results.iter().find(is_it).expect("a result")
    };
    let budget = &of("budget.mmp-toledo")["locations"][0]["physicalLocation"];
    let line = budget["region"]["startLine"].as_u64().expect("a line") as usize;
    assert_eq!(PORTAL.lines().nth(line - 1).map(str::trim), Some("- id: mmp-toledo"));
    assert_eq!(budget["artifactLocation"]["uri"], "billform.yaml");
    assert_eq!(of("lambda_function.costs")["ruleId"], "drift/changed");
}

async fn ignored_is_counted_and_named(stage: &Stage) {
    let ignores: Vec<String> = CHANGED
        .iter()
        .flat_map(|(address, _)| ["--ignore".to_owned(), format!("{address}@2999-12-31")])
        .chain(["--ignore".to_owned(), "iam_role.costs.description@2026-01-01".to_owned()])
        .collect();
    let all: Vec<&str> = ignores.iter().map(String::as_str).collect();
    let human = drift(stage, &all, 0).await.stdout;
    assert!(human.contains(&format!("{} ignored until 2999-12-31.", CHANGED.len())), "{human}");
    assert!(human.contains("--ignore iam_role.costs.description@2026-01-01 hides nothing any more"), "{human}");
    let one = ["--ignore", "lambda_function.costs.memory_mb", "--format", "json"];
    let rest = drift(stage, &one, 3).await.json();
    assert_eq!(found(&rest)["lambda_function.costs"], ["changed code_sha256"]);
    assert_eq!(rest["ignored"][0]["fields"][0]["path"], "memory_mb");
    assert_eq!((&rest["summary"]["ignored"], &rest["summary"]["changed"]), (&json!(1), &json!(CHANGED.len())));
}

async fn change_one_field_of_each(stage: &Stage) {
    let cloud = stage.root().await;
    change_costs(&cloud).await;
    change_functions(stage, &cloud).await;
    change_data(stage, &cloud).await;
    change_topic(stage, &cloud).await;
    change_monitoring(stage, &cloud).await;
    change_stripe(stage).await;
}

async fn change_costs(cloud: &Cloud) {
    let off = CostAllocationTagStatusEntry::builder().tag_key("ClientName").status(CostAllocationTagStatus::Inactive);
    let off = off.build().expect("an entry");
    let call = cloud.cost_explorer().update_cost_allocation_tags_status().cost_allocation_tags_status(off);
    call.send().await.expect("is deactivated");

    let name = "client-billing-mmp-toledo-monthly";
    let budget = cloud.budgets().describe_budget().account_id(&cloud.account).budget_name(name);
    let mut budget = budget.send().await.expect("a budget").budget.expect("a budget");
    budget.budget_limit.as_mut().expect("a limit").amount = "900".to_owned();
    cloud.budgets().update_budget().account_id(&cloud.account).new_budget(budget).send().await.expect("is raised");

    let reports = cloud.cost_reports().describe_report_definitions().send().await.expect("reports");
    let mut report = reports.report_definitions.unwrap_or_default().pop().expect("a report");
    report.refresh_closed_reports = Some(!report.refresh_closed_reports.unwrap_or(false));
    let name = report.report_name.clone();
    let call = cloud.cost_reports().modify_report_definition().report_name(name).report_definition(report);
    call.send().await.expect("is modified");
}

async fn change_functions(stage: &Stage, cloud: &Cloud) {
    let function = id(stage, "lambda_function.costs");
    let call = cloud.lambda().update_function_configuration().function_name(&function).memory_size(512);
    call.send().await.expect("has more memory");
    let code = Blob::new(another_bundle());
    cloud.lambda().update_function_code().function_name(&function).zip_file(code).send().await.expect("has other code");

    let role = id(stage, "iam_role.costs");
    cloud.iam().update_role().role_name(role).description("theirs").send().await.expect("is described");
    let group = format!("/aws/lambda/{function}");
    cloud
        .logs()
        .put_retention_policy()
        .log_group_name(group)
        .retention_in_days(7)
        .send()
        .await
        .expect("is kept shorter");
    let api = id(stage, "http_api.main");
    cloud.api_gateway().update_api().api_id(api).description("theirs").send().await.expect("is described");

    let rule = cloud.events().describe_rule().name("client-billing-daily").send().await.expect("a rule");
    let call = cloud.events().put_rule().name("client-billing-daily").description("theirs");
    let call = call.set_schedule_expression(rule.schedule_expression).set_state(rule.state);
    call.send().await.expect("is described");
}

/// A bundle whose code is not the one deployed.
fn another_bundle() -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default().unix_permissions(0o755);
    zip.start_file("bootstrap", options).expect("a file");
    zip.write_all(b"#!/bin/sh\nexit 2\n").expect("is written");
    zip.finish().expect("is written").into_inner()
}

async fn change_data(stage: &Stage, cloud: &Cloud) {
    let table = id(stage, "dynamodb_table.ledger");
    let call = cloud.dynamodb().update_table().table_name(&table).deletion_protection_enabled(false);
    call.send().await.expect("is no longer protected");
    let key = [(LEDGER_KEY, "mmp-toledo"), (LEDGER_SORT, TENANT_ITEM)];
    let key: HashMap<String, AttributeValue> =
        key.map(|(name, value)| (name.to_owned(), AttributeValue::S(value.to_owned()))).into();
    let item = cloud.dynamodb().get_item().table_name(&table).set_key(Some(key.clone())).send().await.expect("is read");
    let item = item.item.expect("the tenant's record");
    let mut record: Value =
        serde_json::from_str(item[TENANT_ATTRIBUTE].as_s().expect("text")).expect("the record is JSON");
    record["name"] = json!("Theirs");
    let call = cloud.dynamodb().update_item().table_name(&table).set_key(Some(key)).update_expression("SET #r = :r");
    let call = call.expression_attribute_names("#r", TENANT_ATTRIBUTE);
    let text = AttributeValue::S(record.to_string());
    call.expression_attribute_values(":r", text).send().await.expect("is renamed");

    let bucket = id(stage, "s3_bucket.reports");
    cloud.s3().delete_public_access_block().bucket(bucket).send().await.expect("is opened");
    let secret = "client-billing/stripe-api-key";
    cloud.secrets().update_secret().secret_id(secret).description("theirs").send().await.expect("is described");
}

/// One more address, which confirms: the local cloud's token is the address.
async fn change_topic(stage: &Stage, cloud: &Cloud) {
    let sns = client!(cloud, aws_sdk_sns, Home::Stack);
    let topic = format!("arn:aws:sns:{}:{}:{}", cloud.region, cloud.account, id(stage, "sns_topic.alerts"));
    let theirs = "theirs@example.com";
    sns.subscribe().topic_arn(&topic).protocol("email").endpoint(theirs).send().await.expect("is subscribed");
    sns.confirm_subscription().topic_arn(&topic).token(theirs).send().await.expect("is confirmed");
}

async fn change_monitoring(stage: &Stage, cloud: &Cloud) {
    let cloudwatch = client!(cloud, aws_sdk_cloudwatch, Home::Stack);
    let name = id(stage, "cloudwatch_alarm.function_errors");
    let there = cloudwatch.describe_alarms().alarm_names(&name).send().await.expect("the alarm is read");
    let alarm = there.metric_alarms().first().expect("an alarm").clone();
    let call = cloudwatch.put_metric_alarm().alarm_name(name).set_alarm_description(alarm.alarm_description);
    let call = call.set_namespace(alarm.namespace).set_metric_name(alarm.metric_name).set_statistic(alarm.statistic);
    let call = call.set_period(alarm.period).set_evaluation_periods(alarm.evaluation_periods).threshold(50.0);
    let call = call.set_comparison_operator(alarm.comparison_operator).set_treat_missing_data(alarm.treat_missing_data);
    call.set_alarm_actions(alarm.alarm_actions).send().await.expect("the threshold is raised");
    let call = cloudwatch.put_dashboard().dashboard_name(id(stage, "cloudwatch_dashboard.main"));
    call.dashboard_body(r#"{"widgets":[]}"#).send().await.expect("the dashboard is emptied");
}

/// As the dashboard does it.
async fn change_stripe(stage: &Stage) {
    let here = stage.place.cloud.description();
    let key = SecretValue::new(here.stripe_api_key.clone());
    let stripe = StripeApi::new(&key, Some(&here.stripe_api_base), Calls::default()).expect("a client");
    let changed = "is changed in the dashboard";
    let customer = UpdateCustomer::new(id(stage, "stripe_customer.mmp-toledo")).email("theirs@example.com");
    stripe.change("POST /v1/customers", customer).await.expect(changed);
    let configuration = id(stage, "stripe_portal_configuration.main");
    let path = format!("/v1/billing_portal/configurations/{configuration}");
    stage.at_stripe("POST", &path, "features[subscription_cancel][enabled]=true").await;
    let price = UpdatePrice::new(id(stage, "stripe_price.portal.monthly")).nickname("theirs");
    stripe.change("POST /v1/prices", price).await.expect(changed);
    let product = UpdateProduct::new(id(stage, "stripe_product.portal")).name("Theirs");
    stripe.change("POST /v1/products", product).await.expect(changed);
}
