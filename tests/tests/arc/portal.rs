//! The portal of `manifests/mmp-toledo.yaml`: planned, applied, synced, asked over HTTP, changed behind our back,
//! repaired, destroyed.

use std::time::SystemTime;

use billing::link::{self, LinkClaims, LinkKey};
use serde_json::{Value, json};
use tests::live::clients::Clients as _;
use tests::stage::{Answer, PORTAL, Stage, get};

use crate::{changes, exactly, keys};

const LEDGER: &str = "dynamodb_table.ledger";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn the_portal_from_an_empty_account_to_costs_over_http_and_back() {
    let mut stage = Stage::new(PORTAL).await;
    let before = stage.inventory().await;
    let planned = stage.run(&["plan", "--detailed-exitcode", "--format", "json"]).await.exits(2).json();
    assert_plan(&planned);
    let applied = stage.run(&["apply", "--auto-approve", "--format", "json"]).await.ok().json();
    assert_applied(&applied, planned["summary"]["create"].as_u64().expect("a count"));
    assert_nothing_to_do(&stage).await;

    let synced = sync_last_month(&stage).await;
    assert_eq!((&synced["total"], &synced["unallocated"]), (&json!(142.35), &json!(16.85)));
    stage.be_permitted("tenant-link").await;
    let link = stage.run(&["tenant", "link", "mmp-toledo", "--format", "json"]).await.ok().json();
    let refused = stage.run(&["invoice", "preview", "--format", "json"]).await.exits(1);
    assert!(refused.stderr.contains("the ledger client-billing-data cannot be read"), "{}", refused.stderr);
    stage.be_permitted("apply").await;
    assert_eq!(keys(&link), ["tenant", "role", "token", "expires", "api_url", "url"]);
    assert_eq!(link["api_url"], applied["outputs"]["api_url"]);
    let api = Api::new(&stage, &link).await;
    api.costs_are_the_contracts().await;
    api.others_are_refused().await;
    api.raising_the_version_revokes_links(&stage).await;

    repairs_what_others_change(&stage).await;
    goes_without_a_trace(&stage, &before).await;
}

fn assert_plan(plan: &Value) {
    let promised = ["format", "changes", "summary", "api_calls", "not_read", "pending"];
    let more = ["unreadable", "refused", "imported", "unprovisioned", "money"];
    assert_eq!(keys(plan), [&promised[..], &more[..]].concat());
    assert_eq!(plan["format"], "billform-plan/1");
    let all = plan["changes"].as_array().expect("changes");
    for change in all {
        assert_eq!(keys(change), ["address", "kind", "tenant", "action", "fields", "guard"]);
        let address = change["address"].as_str().expect("an address");
        assert!(address.starts_with(&format!("{}.", change["kind"].as_str().expect("a kind"))), "{address}");
        assert_eq!(change["action"], "create", "{address}");
        let of_tenant = ["budget.", "stripe_customer.", "tenant_record."].iter().any(|kind| address.starts_with(kind));
        assert_eq!(change["tenant"], if of_tenant { json!("mmp-toledo") } else { Value::Null }, "{address}");
        for field in change["fields"].as_array().expect("fields") {
            assert_eq!(keys(field), ["path", "before", "after", "forces_replacement"], "{address}");
            assert_eq!((&field["before"], &field["forces_replacement"]), (&Value::Null, &json!(false)), "{address}");
        }
    }
    let zero_but_create =
        json!({"create": all.len(), "update": 0, "replace": 0, "delete": 0, "adopt": 0, "import": 0, "no_op": 0});
    assert_eq!(plan["summary"], zero_but_create);
    assert_eq!((&plan["not_read"], &plan["pending"]), (&json!([]), &json!([])));
    assert_eq!((&plan["unreadable"], &plan["refused"]), (&json!([]), &json!([])));
    assert!(plan["api_calls"].as_object().expect("counts").values().all(|count| count.as_u64() > Some(0)));
    assert!(plan["unprovisioned"].as_array().expect("sections").contains(&json!("portal.bucket")));
}

fn assert_applied(applied: &Value, created: u64) {
    let summary = [
        "summary",
        "duration_ms",
        "api_calls",
        "outputs",
        "imported",
        "failed",
        "pending",
        "kept",
        "stopped",
        "halted",
        "state_error",
    ];
    assert_eq!(keys(applied), [&["format"][..], &summary[..]].concat());
    assert_eq!(applied["format"], "billform-apply/1");
    let summary =
        json!({"create": created, "update": 0, "replace": 0, "delete": 0, "adopt": 0, "import": 0, "no_op": 0});
    assert_eq!(applied["summary"], summary);
    assert!(applied["duration_ms"].as_u64() > Some(0));
    assert_eq!((&applied["failed"], &applied["kept"]), (&json!([]), &json!([])));
    let waits = "waits until billing@example.com confirms the subscription: AWS sent a mail with the link";
    assert_eq!(applied["pending"], json!([{"address": "sns_topic.alerts", "until": waits}]));
    let outputs = &applied["outputs"];
    assert_eq!(keys(outputs), ["api_url", "evidence_public_key", "functions", "tables", "buckets"]);
    let functions = json!({"cost_sync": "client-billing-cost-sync", "costs": "client-billing-costs",
        "invoicer": "monthly-invoice-generator", "invoices": "client-billing-invoices", "pages": "client-billing-pages",
        "payment": "client-billing-payment", "session": "client-billing-session"});
    assert_eq!(outputs["functions"], functions);
    assert_eq!(outputs["tables"], json!({"ledger": "client-billing-data"}));
    assert_eq!(outputs["buckets"], json!({"reports": "client-billing-cur-123456789012"}));
}

/// Seen through lists and in full.
async fn assert_nothing_to_do(stage: &Stage) {
    for depth in ["lists", "full"] {
        let again = ["plan", "--detailed-exitcode", "--format", "json", "--refresh", depth];
        let plan = stage.run(&again).await.ok().json();
        assert_eq!(changes(&plan), exactly(&[]), "{depth}");
        assert_eq!(plan["not_read"].as_array().expect("fields").is_empty(), depth == "full");
    }
}

async fn sync_last_month(stage: &Stage) -> Value {
    let period = stage.last_month().period();
    let days = json!({ "start": period.start(), "end": period.last_day() });
    stage.invoke("client-billing-cost-sync", &days).await
}

/// The deployed API, and what it takes to make links that it should refuse.
struct Api {
    url: String,
    token: String,
    query: String,
    key: LinkKey,
}

impl Api {
    async fn new(stage: &Stage, link: &Value) -> Api {
        let text = |key: &str| link[key].as_str().expect("a text").to_owned();
        let secrets = stage.root().await.secrets();
        let secret = secrets.get_secret_value().secret_id("client-billing/link-key").send().await.expect("is read");
        let key = LinkKey::from_secret(secret.secret_string().expect("it is text")).expect("a link key");
        let period = stage.last_month().period();
        let query = format!("start={}&end={}", period.start(), period.last_day());
        Api { url: format!("{}/costs", text("api_url")), token: text("token"), query, key }
    }

    async fn ask(&self, token: &str, query: &str) -> Answer {
        get(&format!("{}?{query}", self.url), &[("authorization", &format!("Bearer {token}"))]).await
    }

    /// A link for these claims, signed with the stack's own key.
    fn signed(&self, tenant: &str, purpose: &str, holds_for_s: i64) -> String {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970").as_secs();
        let now = i64::try_from(now).expect("long before the end of time");
        let (tenant, purpose) = (tenant.to_owned(), purpose.to_owned());
        let claims = LinkClaims { tenant, expires_at_s: now + holds_for_s, version: 1, purpose };
        link::sign(&claims, &self.key).expect("is signed")
    }

    async fn costs_are_the_contracts(&self) {
        let answer = self.ask(&self.token, &self.query).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert_eq!(answer.headers["content-type"], "application/json; charset=utf-8");
        assert_eq!(answer.headers["cache-control"], "no-store");
        // Amounts as they are written: a JSON number read back says nothing about its digits.
        for text in [
            r#"{"clientOrganization":"MMP-Toledo","period":{"start":""#,
            r#""summary":{"totalCost":125.50,"byService":{"AWS Lambda":{"cost":25.00,"usage":1499997}"#,
            r#""byProject":{"mmp-toledo":{"cost":85.30,"usage":9493692},"mmp-toledo-firespring":{"cost":40.20,"usage":4808724}}"#,
        ] {
            assert!(answer.body.contains(text), "no {text} in {}", answer.body);
        }
        let body = answer.json();
        assert_eq!(keys(&body), ["clientOrganization", "period", "summary", "forecast"]);
        assert_eq!(keys(&body["summary"]), ["totalCost", "byService", "byProject", "dailyBreakdown"]);
        assert_eq!(keys(&body["forecast"]), ["amount", "unit", "period"]);
        let days = body["summary"]["dailyBreakdown"].as_array().expect("days").len();
        let dates: Vec<&str> = self.query.split(['=', '&']).skip(1).step_by(2).collect();
        assert_eq!((&body["period"]["start"], &body["period"]["end"]), (&json!(dates[0]), &json!(dates[1])));
        assert_eq!(format!("{days:02}"), dates[1][8..], "one entry for each day");
        let by_name = self.ask(&self.token, &format!("{}&clientOrganization=MMP-Toledo", self.query)).await;
        assert_eq!(by_name.body, answer.body);
    }

    async fn others_are_refused(&self) {
        let mut tampered = self.token.clone();
        let first = if tampered.starts_with('A') { "B" } else { "A" };
        tampered.replace_range(..1, first);
        let other = format!("{}&clientOrganization=Acme-Print", self.query);
        let refused = [
            (401, "unauthorized", tampered, self.query.as_str()),
            (401, "unauthorized", "nonsense".to_owned(), &self.query),
            (401, "unauthorized", self.signed("mmp-toledo", "another-purpose", 60), &self.query),
            (401, "link_expired", self.signed("mmp-toledo", link::COSTS, -1), &self.query),
            (403, "forbidden", self.token.clone(), &other),
            (404, "unknown_tenant", self.signed("nobody", link::COSTS, 60), &self.query),
            (400, "bad_period", self.token.clone(), "period=yesteryear"),
            (400, "bad_period", self.token.clone(), "start=2026-02-30&end=2026-03-01"),
            (400, "bad_period", self.token.clone(), "start=2026-03-02&end=2026-03-01"),
        ];
        for (status, code, token, query) in refused {
            assert_refused(&self.ask(&token, query).await, status, code);
        }
        let without = get(&format!("{}?{}", self.url, self.query), &[]).await;
        assert_refused(&without, 401, "unauthorized");
        assert_eq!(without.headers["www-authenticate"], "Bearer");
    }

    async fn raising_the_version_revokes_links(&self, stage: &Stage) {
        stage.write(&PORTAL.replace("    pricing: at-cost\n", "    pricing: at-cost\n    link_version: 2\n"));
        let plan = stage.run(&["plan", "--format", "json"]).await.ok().json();
        assert_eq!(changes(&plan), exactly(&[("tenant_record.mmp-toledo", "update")]));
        stage.run(&["apply", "--auto-approve"]).await.ok();
        assert_refused(&self.ask(&self.token, &self.query).await, 401, "link_revoked");
        let link = stage.run_as_root(&["tenant", "link", "mmp-toledo", "--format", "json"]).await.ok().json();
        let token = link["token"].as_str().expect("a token");
        assert_eq!(self.ask(token, &self.query).await.status, 200);
    }
}

fn assert_refused(answer: &Answer, status: u16, code: &str) {
    let body = answer.json();
    assert_eq!((answer.status, body["error"]["code"].as_str()), (status, Some(code)), "{}", answer.body);
    assert_eq!(keys(&body["error"]), ["code", "message"]);
}

/// One field of one function changes; the plan shows that and nothing else, and apply puts it back.
async fn repairs_what_others_change(stage: &Stage) {
    let lambda = stage.root().await.lambda();
    let change = lambda.update_function_configuration().function_name("client-billing-costs").memory_size(512);
    change.send().await.expect("is changed");
    let plan = stage.run(&["plan", "--detailed-exitcode", "--format", "json"]).await.exits(2).json();
    assert_eq!(changes(&plan), exactly(&[("lambda_function.costs", "update")]));
    let all = plan["changes"].as_array().expect("changes");
    let change = all.iter().find(|change| change["action"] == "update").expect("the change");
    let field = json!([{"path": "memory_mb", "before": 512, "after": 256, "forces_replacement": false}]);
    assert_eq!(change["fields"], field);
    let applied = stage.run(&["apply", "--auto-approve", "--format", "json"]).await.ok().json();
    assert_eq!(applied["summary"]["update"], 1);
    assert_nothing_to_do(stage).await;
}

/// The ledger holds what billform did not write, so it goes only by name; then nothing is left but what is told.
async fn goes_without_a_trace(stage: &Stage, before: &tests::stage::Inventory) {
    let there = stage.inventory().await;
    let refused = stage.run(&["destroy", "--auto-approve"]).await.exits(1);
    assert!(refused.stderr.contains(LEDGER) && refused.stderr.contains("holds"), "{}", refused.stderr);
    assert!(refused.stderr.contains(&format!("--approve {LEDGER}")), "{}", refused.stderr);
    assert_eq!(stage.inventory().await, there, "a refused destroy changes nothing");
    let destroy = ["destroy", "--auto-approve", "--approve", LEDGER, "--format", "json"];
    let destroyed = stage.run(&destroy).await.ok().json();
    assert_eq!((&destroyed["failed"], &destroyed["pending"]), (&json!([]), &json!([])));

    let mut expected = before.clone();
    let mut keeps = |service: &'static str, address: &str, left: &[&str]| {
        let kept = destroyed["kept"].as_array().expect("kept").iter().any(|kept| kept["address"] == address);
        assert!(kept, "{address} stays and was not named: {}", destroyed["kept"]);
        expected.entry(service).or_default().extend(left.iter().map(|name| (*name).to_owned()));
    };
    let tags = ["BillingProject", "ClientAccount", "ClientName", "ClientOrganization"];
    keeps("active cost tags", "allocation_tags.active", &tags);
    keeps("secrets", "secret.evidence", &["client-billing/evidence"]);
    keeps("secrets", "secret.link", &["client-billing/link-key"]);
    keeps("secrets", "secret.stripe", &["client-billing/stripe-api-key"]);
    keeps("stripe customers", "stripe_customer.mmp-toledo", &["Minute Man Press Toledo"]);
    keeps("stripe products", "stripe_product.portal", &["Client billing portal (archived)"]);
    keeps("stripe prices", "stripe_price.portal.monthly", &["client-billing-portal-monthly (archived)"]);
    keeps("stripe prices", "stripe_price.portal.setup", &["client-billing-portal-setup (archived)"]);
    keeps("stripe portal configurations", "stripe_portal_configuration.main", &["client-billing (archived)"]);
    assert_eq!(destroyed["kept"].as_array().expect("kept").len(), 9);
    assert_eq!(stage.inventory().await, expected);
}
