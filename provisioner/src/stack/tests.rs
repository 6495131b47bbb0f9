//! What a manifest comes to, and that a tenant more or less touches nothing of the others.

use std::collections::{BTreeMap, BTreeSet};

use billing::manifest::{Source, load};
use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::kinds::KINDS;

const EXAMPLE: &str = include_str!("../../../manifests/mmp-toledo.yaml");

const BASE: &str = r#"version: 1
project: random
aws: { account: "123456789012", region: us-east-1, tags: { Team: billing } }
attribution: { tenant_tag: ClientOrganization, activate: [ClientOrganization] }
pricing: { marked-up: { markup: "10%" }, flat: { fee: { flat: "10.00 USD" } } }
secrets: { stripe: {}, link: { generate: true } }
"#;

const SURFACES: &str = "api: { surfaces: [portal] }\n";
const STRIPE: &str = "stripe: { secret_key: stripe }\n\
                      products: { portal: { name: Portal, prices: { monthly: { amount: \"5.00 USD\", every: month } } } }\n";
const BUDGETS: &str = "budgets: { default: \"500.00 USD\", emails: [a@b.example], alerts: [{ at: \"80%\" }] }\n";
const REPORT: &str = "costs: { report: { name: costs, bucket: random-costs, prefix: cur } }\n";

/// Handlers that take events of Stripe's, as the bundle's do.
const LISTENERS: &str = r#"[
  { "name": "hook", "description": "POST {stripe.webhook.path}", "memory_mb": 256, "timeout_s": 20,
    "triggers": [{ "http": [{ "key": "POST {stripe.webhook.path}", "auth": "stripe_signature" }] }],
    "grants": ["ledger_write", "stripe_secret_read", "webhook_secret_read"],
    "settings": ["ledger_table", "webhook_secret", "webhook_path"], "needs": ["stripe_webhook"],
    "stripe_events": ["invoice.paid", "invoice.voided"] },
  { "name": "other", "description": "Also listens", "memory_mb": 256, "timeout_s": 20, "triggers": ["invoke"],
    "grants": [], "settings": [], "surfaces": ["admin"], "needs": ["stripe_webhook"],
    "stripe_events": ["charge.refunded", "invoice.paid"] }
]"#;

type Resources = BTreeMap<Address, Resource>;

fn resources(text: &str) -> Resources {
    resources_with(text, &handlers())
}

/// Of a bundle that has these handlers.
fn resources_with(text: &str, handlers: &[FunctionSpec]) -> Resources {
    let source = Source { path: "billform.yaml".to_owned(), text: text.to_owned() };
    let manifest = load(&[source], None, handlers).unwrap_or_else(|problems| {
        let shown: Vec<String> = problems.iter().map(billing::manifest::Problem::render).collect();
        panic!("{}\n{text}", shown.join("\n"))
    });
    let wanted = Plan { manifest: &manifest, handlers, code_sha256: Some("c2hh"), today: None };
    graph(&wanted).expect("a graph").resources().clone()
}

fn names(resources: &Resources, kind: &str) -> Vec<String> {
    let of_kind = resources.keys().filter(|address| address.kind() == kind);
    of_kind.map(|address| address.name().to_owned()).collect()
}

#[test]
fn every_kind_is_in_some_example() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../manifests");
    let files = std::fs::read_dir(folder).expect("the examples").map(|file| file.expect("an entry").path());
    let examples = files.filter(|path| path.extension().is_some_and(|extension| extension == "yaml"));
    let kinds = examples.flat_map(|path| {
        let resources = resources(&std::fs::read_to_string(path).expect("an example"));
        resources.into_keys().map(|address| address.kind().to_owned())
    });
    let kinds: BTreeSet<String> = kinds.collect();
    let asked_for = KINDS.iter().filter(|entry| !entry.meta.beside);
    let all: BTreeSet<String> = asked_for.map(|entry| entry.meta.name.to_owned()).collect();
    assert_eq!(kinds, all, "the examples show all that billform can do");
}

#[test]
fn the_example_is_deployed_by_its_surfaces_and_tenants() {
    let resources = resources(EXAMPLE);
    for kind in ["iam_role", "lambda_function"] {
        assert_eq!(
            names(&resources, kind),
            ["cost_sync", "costs", "invoicer", "invoices", "pages", "payment", "session"]
        );
    }
    assert_eq!(
        names(&resources, "log_group"),
        ["api", "cost_sync", "costs", "invoicer", "invoices", "pages", "payment", "session"]
    );
    let payment = &resources[&Address::new("lambda_function", "payment")].desired["environment"];
    let configuration = serde_json::json!({"$output": {"of": "stripe_portal_configuration.main", "name": "id"}});
    assert_eq!(payment["BILLFORM_PORTAL_CONFIGURATION"], configuration);
    let session = &resources[&Address::new("lambda_function", "session")].desired["environment"];
    let origins = "https://billing.example.com,https://mmp-toledo.billing.example.com";
    assert_eq!(session["BILLFORM_ALLOWED_ORIGINS"], origins, "the pages' own, first");
    assert_eq!(names(&resources, "stripe_price"), ["portal.monthly", "portal.setup"]);
    for kind in ["budget", "stripe_customer", "tenant_record"] {
        let of_tenant = &resources[&Address::new(kind, "mmp-toledo")];
        assert_eq!(of_tenant.tenant.as_deref(), Some("mmp-toledo"), "{kind}");
    }
    // The cloud can say it too, when the state is lost and the manifest has the tenant no longer.
    let budget = &resources[&Address::new("budget", "mmp-toledo")].desired;
    assert_eq!(budget["tags"][billing::names::TENANT_TAG], "mmp-toledo");
    let customer = &resources[&Address::new("stripe_customer", "mmp-toledo")].desired;
    assert_eq!(customer["metadata"][billing::names::TENANT_METADATA], "mmp-toledo");
}

#[test]
fn sections_that_are_not_there_make_nothing() {
    let tenant = tenant_text("acme", 0, 0, false);
    let with = |sections: &[&str]| resources(&format!("{BASE}{}tenants:\n{tenant}", sections.concat()));
    let bare = with(&[]);
    for kind in ["http_api", "stripe_customer", "stripe_price", "budget", "s3_bucket", "report_definition"] {
        assert!(names(&bare, kind).is_empty(), "{kind}");
    }
    assert_eq!(names(&bare, "lambda_function"), ["cost_sync"], "no surface, no Stripe");
    assert_eq!(names(&with(&[SURFACES]), "lambda_function"), ["cost_sync", "costs", "invoices", "pages", "session"]);
    assert_eq!(names(&with(&[STRIPE]), "lambda_function"), ["cost_sync", "invoicer"]);
    assert_eq!(
        with(&[STRIPE])[&Address::new("secret", "evidence")].desired["source"],
        "key_pair",
        "invoices have evidence"
    );
    assert!(!names(&bare, "secret").contains(&"evidence".to_owned()));
    assert_eq!(names(&with(&[BUDGETS]), "budget"), ["acme"]);
    assert_eq!(names(&with(&[REPORT]), "s3_bucket"), ["reports"]);
}

#[test]
fn a_webhook_is_deployed_whatever_the_surfaces_are() {
    let listeners: Vec<FunctionSpec> = serde_json::from_str(LISTENERS).expect("specs");
    let stripe = |webhook: &str| format!("{BASE}stripe: {{ secret_key: stripe{webhook} }}\n");
    let without = resources_with(&stripe(""), &listeners);
    assert!(names(&without, "lambda_function").is_empty() && names(&without, "http_api").is_empty());
    assert!(!names(&without, "secret").contains(&"webhook".to_owned()));

    let with = resources_with(&stripe(", webhook: { path: /v1/stripe/webhook }"), &listeners);
    assert_eq!(names(&with, "lambda_function"), ["hook", "other"]);
    let desired = |kind: &str, name: &str| &with[&Address::new(kind, name)].desired;
    let routes = desired("http_api", "main")["routes"].as_object().expect("routes");
    assert_eq!(routes.keys().collect::<Vec<_>>(), ["POST /v1/stripe/webhook"]);
    assert_eq!(desired("lambda_function", "hook")["environment"]["BILLFORM_WEBHOOK_PATH"], "/v1/stripe/webhook");
    assert_eq!(desired("lambda_function", "hook")["environment"]["BILLFORM_WEBHOOK_SECRET"], "random/webhook");
    assert_eq!(desired("secret", "webhook")["source"], "issued", "what Stripe issues is stored there");
    let endpoint = &with[&webhook::address()];
    assert_eq!(
        endpoint.desired["enabled_events"],
        serde_json::json!(["charge.refunded", "invoice.paid", "invoice.voided"])
    );
    assert_eq!(endpoint.desired["path"], "/v1/stripe/webhook");
    assert_eq!(endpoint.desired["api_version"], "2026-09-30.endive");
    let needs = ["lambda_function.hook", "lambda_function.other", "secret.webhook"];
    let needs = needs.map(|address| address.parse::<Address>().expect("an address"));
    assert!(needs.iter().all(|address| endpoint.depends_on.contains(address)), "{:?}", endpoint.depends_on);
}

/// No browser has to call what Stripe calls.
#[test]
fn a_webhook_is_not_open_to_browsers() {
    let api = "api: { surfaces: [portal], cors: { origins: [https://a.example] } }\n";
    let text = format!("{BASE}{api}stripe: {{ secret_key: stripe, webhook: {{}} }}\n");
    let both: Vec<FunctionSpec> =
        handlers().into_iter().filter(|spec| ["costs", "webhook"].contains(&spec.name.as_str())).collect();
    let with = resources_with(&text, &both);
    let cors = &with[&api::address()].desired["cors"];
    assert_eq!(cors["allow_methods"], serde_json::json!(["GET"]));
}

#[test]
fn roles_may_do_nothing_beyond_their_stack() {
    for (address, resource) in resources(EXAMPLE) {
        if address.kind() != "iam_role" {
            continue;
        }
        let policy = &resource.desired["policy"];
        for statement in policy["Statement"].as_array().expect("statements") {
            let actions: Vec<&str> =
                statement["Action"].as_array().expect("actions").iter().filter_map(Value::as_str).collect();
            assert!(!actions.iter().any(|action| action.contains('*')), "{address}: {actions:?}");
            // A late invocation must not bring back a log group that destroy deleted.
            assert!(!actions.contains(&"logs:CreateLogGroup"), "{address}");
            for on in statement["Resource"].as_array().expect("resources").iter().filter_map(Value::as_str) {
                let knows_none = actions == ["ce:GetCostAndUsage"];
                assert!(
                    on.contains("client-billing") || on.contains("monthly-invoice") || knows_none,
                    "{address}: {on}"
                );
            }
        }
    }
}

/// A handler whose trigger nothing makes would be deployed and never called.
#[test]
fn every_trigger_is_provisioned() {
    use billing::function::Trigger;
    for spec in handlers() {
        for trigger in spec.triggers {
            let made = matches!(trigger, Trigger::Http(_) | Trigger::Schedule { .. } | Trigger::Invoke);
            assert!(made, "{}: the stack does not make {trigger:?} yet", spec.name);
        }
    }
}

#[test]
fn functions_go_before_their_logs_and_roles() {
    let resources = resources(EXAMPLE);
    for name in names(&resources, "lambda_function") {
        let needs = &resources[&Address::new("lambda_function", &name)].depends_on;
        assert!(needs.contains(&Address::new("log_group", &name)) && needs.contains(&Address::new("iam_role", &name)));
    }
}

/// One tenant of the list in the manifest.
fn tenant_text(id: &str, pricing: usize, budget: u32, german: bool) -> String {
    let pricing = ["", ", pricing: marked-up", ", pricing: flat"][pricing];
    let budget = if budget > 0 {
        format!(", budget: \"{budget}.00 USD\", budget_emails: [b@{id}.example]")
    } else {
        String::new()
    };
    let locale = if german { ", locale: de-DE" } else { "" };
    format!(
        "  - {{ id: {id}, name: {id} Inc., email: pay@{id}.example, tags: {{ ClientOrganization: {id} }}\
         {pricing}{budget}{locale} }}\n"
    )
}

/// Tenants of a random manifest: at least two, so that one can go.
fn tenants() -> impl Strategy<Value = Vec<String>> {
    let one = (0..3_usize, 0..900_u32, any::<bool>());
    prop::collection::btree_map("t-[a-z]{1,6}", one, 2..7).prop_map(|tenants| {
        let texts = tenants.iter().map(|(id, (pricing, budget, german))| tenant_text(id, *pricing, *budget, *german));
        texts.collect()
    })
}

fn sections() -> impl Strategy<Value = String> {
    prop::sample::subsequence(vec![SURFACES, STRIPE, BUDGETS, REPORT], 0..=4).prop_map(|chosen| chosen.concat())
}

fn id_of(tenant: &str) -> &str {
    let after = tenant.split("id: ").nth(1).unwrap_or_default();
    after.split(',').next().unwrap_or_default()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn a_tenant_more_touches_no_other_address(
        sections in sections(),
        tenants in tenants(),
        which in any::<prop::sample::Index>(),
    ) {
        let text = |tenants: &[String]| format!("{BASE}{sections}tenants:\n{}", tenants.concat());
        let with = resources(&text(&tenants));
        prop_assert_eq!(&with, &resources(&text(&tenants)), "the same manifest, the same graph");

        // Wherever in the list the tenant stands.
        let mut fewer = tenants.clone();
        let gone = fewer.remove(which.index(fewer.len()));
        let id = id_of(&gone);
        let without = resources(&text(&fewer));
        for (address, resource) in &without {
            prop_assert_eq!(Some(resource), with.get(address), "{} changed", address);
        }
        let more: Vec<&Resource> = with.values().filter(|resource| !without.contains_key(&resource.address)).collect();
        prop_assert!(!more.is_empty());
        for resource in more {
            prop_assert_eq!(resource.tenant.as_deref(), Some(id));
            prop_assert_eq!(resource.address.name(), id);
        }
    }

    #[test]
    fn every_kind_understands_what_it_is_to_make(sections in sections(), tenants in tenants()) {
        for (address, resource) in resources(&format!("{BASE}{sections}tenants:\n{}", tenants.concat())) {
            let entry = KINDS.iter().find(|entry| entry.meta.name == address.kind());
            let entry = entry.ok_or_else(|| TestCaseError::fail(format!("{address} is of no registered kind")))?;
            let reread = entry.reread(&resource.desired);
            let reread = reread.map_err(|error| TestCaseError::fail(format!("{address}: {error}")))?;
            prop_assert_eq!(reread, resource.desired, "{}", address);
        }
    }
}
