//! The stack that is asked: two tenants, the press who asks and the shop whose everything is a canary.

use billing::link::{self, COSTS, LinkClaims, LinkKey, PORTAL};
use billing::session::{self, LASTS_S, SessionClaims};
use localcloud::costs::CostRow;
use serde_json::{Value, json};
use tests::live::clients::Clients as _;
use tests::stage::{Answer, Draft, Stage, TenantDraft, send};

use super::credentials::{Credential, Sent};
use super::routes::Row;

/// Where the manifest says that the pages are.
const PAGES: &str = "https://billing.example.com";
/// A key of the same form that is not the stack's.
const OTHER_KEY: &str = "0123456789abcdef0123456789abcdef";
/// The tenants' link version: those of the version before are revoked.
const VERSION: u32 = 2;

/// The deployed stack, and what it takes to ask it.
pub struct Scene {
    stage: Stage,
    url: String,
    key: LinkKey,
    now_s: i64,
}

fn manifest(first_period: &str) -> String {
    let tenant = |id: &str, organization: &str| {
        TenantDraft::new(id, organization).with("pricing: at-cost").with(&format!("link_version: {VERSION}"))
    };
    let draft = Draft::new("walls").pricing("at-cost", "{}").with("portal: { domain: billing.example.com }");
    let yaml = draft.tenant(tenant("press", "Press")).tenant(tenant("shop", "Canary-Shop")).yaml();
    let invoicing = format!("invoicing: {{ settle_days: 0, first_period: {first_period} }}");
    let yaml = yaml.replace("invoicing: { settle_days: 0 }", &invoicing);
    yaml.replace("stripe: { secret_key: stripe }", "stripe: { secret_key: stripe, webhook: {} }")
}

fn rows(month: &str) -> Vec<CostRow> {
    let row = |organization: &str, project: &str, service: &str, amount: &str| {
        let row = json!({"date": format!("{month}-10"), "service": service, "amount": amount,
            "tags": {"ClientOrganization": organization, "BillingProject": project}});
        serde_json::from_value(row).expect("a row")
    };
    vec![row("Press", "one", "AWS Lambda", "125.50"), row("Canary-Shop", "canary-project", "Canary Service", "999.99")]
}

impl Scene {
    /// Both tenants have cost and an invoice for last month.
    pub async fn new() -> Scene {
        let mut stage = Stage::new(&manifest("2020-01")).await;
        let month = stage.last_month();
        stage.place.cloud.costs().change(|model| (model.rows, model.monthly) = (rows(&month.to_string()), Vec::new()));
        stage.write(&manifest(&month.to_string()));
        stage.be_permitted("apply").await;
        let applied = stage.run(&["apply", "--auto-approve", "--format", "json"]).await.ok().json();
        let days = json!({ "start": month.period().start(), "end": month.period().last_day() });
        stage.invoke("walls-cost-sync", &days).await;
        stage.invoke("walls-invoicer", &json!({ "action": "calculate_and_invoice" })).await;
        let approve = ["invoice", "approve", "--all", "--period", &month.to_string(), "--auto-approve"];
        stage.run_as_root(&approve).await.ok();
        let link = stage.run_as_root(&["tenant", "link", "press", "--format", "json"]).await.ok().json();
        assert_eq!(link["role"], "admin");
        let secrets = stage.root().await.secrets();
        let all = secrets.list_secrets().send().await.expect("secrets are listed");
        let names = all.secret_list().iter().filter_map(|secret| secret.name());
        let name = names.into_iter().find(|name| name.ends_with("link")).expect("the link key").to_owned();
        let secret = secrets.get_secret_value().secret_id(name).send().await.expect("is read");
        let key = LinkKey::from_secret(secret.secret_string().expect("it is text")).expect("a link key");
        let now_s = stage.place.cloud.timeline().clock().now().as_second();
        let url = applied["outputs"]["api_url"].as_str().expect("an address").to_owned();
        Scene { stage, url, key, now_s }
    }

    /// Last month.
    pub fn month(&self) -> String {
        self.stage.last_month().to_string()
    }

    fn link(&self, key: &LinkKey, tenant: &str, purpose: &str, version: u32, holds_for_s: i64) -> String {
        let (tenant, purpose) = (tenant.to_owned(), purpose.to_owned());
        let claims = LinkClaims { tenant, expires_at_s: self.now_s + holds_for_s, version, purpose };
        link::sign(&claims, key).expect("is signed")
    }

    fn session(&self, key: &LinkKey, tenant: &str, purpose: &str, version: u32, holds_for_s: i64) -> String {
        let (tenant, purpose) = (tenant.to_owned(), purpose.to_owned());
        let expires_at_s = self.now_s + holds_for_s;
        let issued_at_s = expires_at_s - LASTS_S;
        let claims = SessionClaims { tenant, purpose, issued_at_s, expires_at_s, version };
        session::sign(&claims, key).expect("is signed")
    }

    /// Each kind of credential in each way it can be sent, from our own pages.
    pub fn credentials(&self, credential: Credential) -> Vec<Sent> {
        const HOUR_S: i64 = 3600;
        let other = LinkKey::from_secret(OTHER_KEY).expect("a key");
        let both = |key: &LinkKey, tenant: &str, purpose: &str, version: u32, s: i64| {
            let link = self.link(key, tenant, purpose, version, s);
            vec![as_bearer(link), as_cookie(self.session(key, tenant, purpose, version, s))]
        };
        let ours = |purpose: &str| both(&self.key, "press", purpose, VERSION, HOUR_S);
        let sent = match credential {
            Credential::None => vec![Sent::default()],
            Credential::Garbage => ["garbage", "eyJhbGciOiJub25lIn0.eyJzdWIiOiJwcmVzcyJ9."]
                .into_iter()
                .flat_map(|text| [as_bearer(text.to_owned()), as_cookie(text.to_owned())])
                .collect(),
            Credential::Expired => both(&self.key, "press", PORTAL, VERSION, -1),
            Credential::Tampered => ours(PORTAL).into_iter().map(tampered).collect(),
            Credential::OtherPurpose => ours("another-purpose"),
            Credential::Revoked => both(&self.key, "press", PORTAL, VERSION - 1, HOUR_S),
            Credential::OtherKey => both(&other, "press", PORTAL, VERSION, HOUR_S),
            Credential::Nobodys => both(&self.key, "nobody", PORTAL, VERSION, HOUR_S),
            Credential::Swapped => {
                let [bearer, cookie]: [Sent; 2] = ours(PORTAL).try_into().expect("two");
                vec![as_bearer(cookie.value()), as_cookie(bearer.value())]
            }
            Credential::Viewer => ours(COSTS),
            Credential::Admin => ours(PORTAL),
            Credential::OtherTenants => both(&self.key, "shop", PORTAL, VERSION, HOUR_S),
        };
        sent.into_iter().map(|sent| Sent { origin: Some(PAGES.to_owned()), ..sent }).collect()
    }

    /// The press's administrator by a link.
    pub fn press_admin(&self) -> Sent {
        self.credentials(Credential::Admin).swap_remove(0)
    }

    /// The same by a session.
    pub fn press_session(&self) -> Sent {
        self.credentials(Credential::Admin).swap_remove(1)
    }

    /// The shop's administrator by a link.
    pub fn shop_admin(&self) -> Sent {
        self.credentials(Credential::OtherTenants).swap_remove(0)
    }

    /// The shop's session, as a cookie.
    pub fn shop_session(&self) -> String {
        self.credentials(Credential::OtherTenants).swap_remove(1).cookie.expect("a cookie")
    }

    /// Asks, and waits where the tenant asked too much.
    pub async fn ask(
        &self,
        row: &Row,
        sent: &Sent,
        path: String,
        headers: &[(&str, &str)],
        body: Option<Value>,
    ) -> Answer {
        loop {
            let answer = self.ask_once(row, sent, path.clone(), headers, body.clone()).await;
            if answer.status != 429 {
                return answer;
            }
            self.pass_s(30).await;
        }
    }

    /// Asks once.
    pub async fn ask_once(
        &self,
        row: &Row,
        sent: &Sent,
        path: String,
        headers: &[(&str, &str)],
        body: Option<Value>,
    ) -> Answer {
        let bearer = sent.bearer.as_ref().map(|token| format!("Bearer {token}"));
        let own = [
            ("authorization", bearer.as_deref()),
            ("cookie", sent.cookie.as_deref()),
            ("origin", sent.origin.as_deref()),
        ];
        let own = own.into_iter().filter_map(|(name, value)| Some((name, value?)));
        let kind = body.is_some().then_some(("content-type", "application/json"));
        let all: Vec<(&str, &str)> = own.chain(kind).chain(headers.iter().copied()).collect();
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        send(row.method(), &format!("{}{path}", self.url), &all, &body).await
    }

    /// Lets time pass.
    pub async fn pass_s(&self, seconds: u64) {
        self.stage.place.cloud.advance(seconds).await.expect("time passes");
    }

    /// All that was logged.
    pub async fn logs(&self) -> String {
        let logs = self.stage.root().await.logs();
        let groups = logs.describe_log_groups().into_paginator().items().send();
        let groups = groups.collect::<Result<Vec<_>, _>>().await.expect("log groups are listed");
        let mut all = String::new();
        for name in groups.into_iter().filter_map(|group| group.log_group_name) {
            let pages = logs.filter_log_events().log_group_name(&name).into_paginator().send();
            let pages = pages.collect::<Result<Vec<_>, _>>().await.expect("log events are read");
            pages.iter().flat_map(|page| page.events()).filter_map(|event| event.message()).for_each(|line| {
                all.push_str(line);
                all.push('\n');
            });
        }
        all
    }

    /// The signatures of every token and session that was sent: what makes them what they are.
    pub fn secrets(&self) -> Vec<String> {
        let sent = Credential::all().flat_map(|credential| self.credentials(credential));
        let signatures = sent.filter_map(|sent| Some(sent.value().rsplit_once('.')?.1.to_owned()));
        signatures.filter(|signature| signature.len() > 20).collect()
    }
}

fn as_bearer(token: String) -> Sent {
    Sent { bearer: Some(token), ..Sent::default() }
}

fn as_cookie(value: String) -> Sent {
    Sent { cookie: Some(format!("__Host-billform={value}")), ..Sent::default() }
}

/// The payload's first character is another one: the tenant could be another's.
fn tampered(sent: Sent) -> Sent {
    let change = |value: String| {
        let at = value.find('.').map_or(0, |at| at + 3);
        let other = if value[at..].starts_with('A') { "B" } else { "A" };
        format!("{}{other}{}", &value[..at], &value[at + 1..])
    };
    match sent.bearer {
        Some(token) => as_bearer(change(token)),
        None => as_cookie(change(sent.value())),
    }
}
