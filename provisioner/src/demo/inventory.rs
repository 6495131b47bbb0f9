//! What an account holds, service by service: taken after destroy, it shows that nothing is left.

use std::collections::BTreeMap;

use aws_config::SdkConfig;

use crate::cloud::errors::call_error;
use crate::ui::failure::Failure;

/// Names by service.
pub type Inventory = BTreeMap<&'static str, Vec<String>>;

/// Lists everything billform makes.
pub async fn of(config: &SdkConfig) -> Result<Inventory, Failure> {
    let mut found = Inventory::new();
    let iam = aws_sdk_iam::Client::new(config);
    let roles = iam.list_roles().send().await.map_err(|error| call_error("iam:ListRoles", error))?;
    found.insert("roles", roles.roles().iter().map(|role| role.role_name().to_owned()).collect());

    let lambda = aws_sdk_lambda::Client::new(config);
    let functions = lambda.list_functions().send().await.map_err(|error| call_error("lambda:ListFunctions", error))?;
    found.insert(
        "functions",
        functions.functions().iter().filter_map(|f| f.function_name().map(str::to_owned)).collect(),
    );

    let tables = aws_sdk_dynamodb::Client::new(config).list_tables().send().await;
    let tables = tables.map_err(|error| call_error("dynamodb:ListTables", error))?;
    found.insert("tables", tables.table_names().to_vec());

    let s3 = aws_sdk_s3::Client::from_conf(aws_sdk_s3::config::Builder::from(config).force_path_style(true).build());
    let buckets = s3.list_buckets().send().await.map_err(|error| call_error("s3:ListBuckets", error))?;
    found.insert("buckets", buckets.buckets().iter().filter_map(|b| b.name().map(str::to_owned)).collect());

    let groups = aws_sdk_cloudwatchlogs::Client::new(config).describe_log_groups().send().await;
    let groups = groups.map_err(|error| call_error("logs:DescribeLogGroups", error))?;
    found.insert(
        "log groups",
        groups.log_groups().iter().filter_map(|g| g.log_group_name().map(str::to_owned)).collect(),
    );

    let apis = aws_sdk_apigatewayv2::Client::new(config).get_apis().send().await;
    let apis = apis.map_err(|error| call_error("apigateway:GetApis", error))?;
    found.insert("HTTP APIs", apis.items().iter().filter_map(|api| api.name().map(str::to_owned)).collect());

    let rules = aws_sdk_eventbridge::Client::new(config).list_rules().send().await;
    let rules = rules.map_err(|error| call_error("events:ListRules", error))?;
    found.insert("rules", rules.rules().iter().filter_map(|rule| rule.name().map(str::to_owned)).collect());

    let secrets = aws_sdk_secretsmanager::Client::new(config).list_secrets().send().await;
    let secrets = secrets.map_err(|error| call_error("secretsmanager:ListSecrets", error))?;
    found.insert("secrets", secrets.secret_list().iter().filter_map(|s| s.name().map(str::to_owned)).collect());

    let reports = aws_sdk_costandusagereport::Client::new(config).describe_report_definitions().send().await;
    let reports = reports.map_err(|error| call_error("cur:DescribeReportDefinitions", error))?;
    found.insert("reports", reports.report_definitions().iter().map(|r| r.report_name().to_owned()).collect());

    let account = aws_sdk_sts::Client::new(config).get_caller_identity().send().await;
    let account = account.map_err(|error| call_error("sts:GetCallerIdentity", error))?;
    let budgets = aws_sdk_budgets::Client::new(config).describe_budgets();
    let budgets = budgets.account_id(account.account().unwrap_or_default()).send().await;
    let budgets = budgets.map_err(|error| call_error("budgets:ViewBudget", error))?;
    found.insert("budgets", budgets.budgets().iter().map(|budget| budget.budget_name().to_owned()).collect());
    Ok(found)
}

/// A line per service.
pub fn lines(inventory: &Inventory) -> Vec<String> {
    let names = |names: &[String]| if names.is_empty() { "none".to_owned() } else { names.join(", ") };
    inventory.iter().map(|(service, found)| format!("AWS {service}: {}", names(found))).collect()
}

/// An error that names what is left.
pub fn expect_no_aws(inventory: &Inventory) -> Result<(), Failure> {
    let left: Vec<&String> = inventory.values().flatten().collect();
    match left.is_empty() {
        true => Ok(()),
        false => Err(Failure::new(format!("destroy left {left:?} in AWS"))),
    }
}
