//! A stack with a tenant in each state, in each language.

use jiff::ToSpan as _;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use localcloud::costs::CostModel;
use localstripe::Kind;
use serde_json::{Value, json};
use tests::stage::{Draft, Stage, TenantDraft};

use crate::payments::{after, pass_until};

/// A language, and what pages say in it.
pub struct Language {
    pub locale: &'static str,
    currency: &'static str,
    pub signin: &'static str,
    pub signed_out: &'static str,
    pub help: &'static str,
    pub why: &'static str,
    pub nothing_here: &'static str,
}

pub const LANGUAGES: [Language; 2] = [
    Language {
        locale: "en-US",
        currency: "USD",
        signin: "Open the link that we sent you",
        signed_out: "You are signed out.",
        help: "How do I add a payment method?",
        why: "Why it is this much",
        nothing_here: "There is nothing here",
    },
    Language {
        locale: "de-DE",
        currency: "EUR",
        signin: "Öffnen Sie den Link",
        signed_out: "Sie sind abgemeldet.",
        help: "Wie füge ich eine Zahlungsart hinzu?",
        why: "Warum es so viel ist",
        nothing_here: "Hier ist nichts",
    },
];

/// A state that a tenant is in.
pub struct State {
    pub name: &'static str,
    /// What the portal says of it, in English and German.
    says: [&'static str; 2],
    /// Its card is charged; without one the invoice is sent.
    has_card: bool,
    pub has_invoice: bool,
}

const EMPTY: State = State {
    name: "empty",
    says: ["Welcome. Your costs are on their way.", "Willkommen. Ihre Kosten sind unterwegs."],
    has_card: false,
    has_invoice: false,
};

pub const STATES: [State; 4] = [
    EMPTY,
    State {
        name: "normal",
        says: ["Card ending in 4242", "Karte mit den Endziffern 4242"],
        has_card: true,
        has_invoice: true,
    },
    State {
        name: "paused",
        says: ["paused for new work since", "für neue Arbeiten angehalten"],
        has_card: true,
        has_invoice: true,
    },
    State { name: "overdue", says: ["was due on", "war am"], has_card: false, has_invoice: true },
];

impl State {
    /// The id of the tenant in this state who reads that language.
    pub fn tenant(&self, language: &Language) -> String {
        format!("{}-{}", self.name, &language.locale[..2])
    }

    /// What the portal says of it.
    pub fn says(&self, language: &Language) -> &'static str {
        self.says[usize::from(language.locale.starts_with("de"))]
    }
}

/// What the portal says of a pause.
pub fn paused(language: &Language) -> &'static str {
    STATES.iter().find(|state| state.name == "paused").map_or("", |state| state.says(language))
}

/// The deployed stack.
pub struct Scene {
    stage: Stage,
    first: Date,
}

fn all() -> impl Iterator<Item = (&'static State, &'static Language)> {
    STATES.iter().flat_map(|state| LANGUAGES.iter().map(move |language| (state, language)))
}

/// The tenants; those without anything yet come when the others have something.
fn manifest(first_period: Date, with_empty: bool) -> String {
    let rates = [0, 1, 2].map(|months| first_period.saturating_add(months.months()).last_of_month());
    let rates = rates.map(|date| format!("{{ date: {date}, EUR: \"0.90\", source: ECB }}")).join(", ");
    let draft = Draft::new("looks")
        .pricing("contract-USD", r#"{ base_fee: "20.00 USD", markup: "10%", tax: "19%" }"#)
        .pricing("contract-EUR", r#"{ base_fee: "20.00 EUR", markup: "10%", tax: "19%" }"#)
        .with(&format!("fx: {{ rates: [{rates}] }}\nportal: {{ support_email: billing@example.com }}\nbudgets: {{ emails: [billing@example.com] }}"));
    let tenants = all().filter(|(state, _)| with_empty || state.name != EMPTY.name).map(|(state, language)| {
        let id = state.tenant(language);
        TenantDraft::new(&id, &id)
            .with(&format!("pricing: contract-{}", language.currency))
            .with("budget: \"60.00 USD\"")
            .with(&format!("currency: {}", language.currency))
            .with(&format!("locale: {}", language.locale))
    });
    let yaml = tenants.fold(draft, Draft::tenant).yaml();
    let invoicing = format!(
        "invoicing: {{ settle_days: 14, approval: automatic, collection: charge-automatically, terms: \"2 days\", \
         first_period: {} }}",
        first_period.strftime("%Y-%m")
    );
    let yaml = yaml.replace("invoicing: { settle_days: 0 }", &invoicing);
    yaml.replace("stripe: { secret_key: stripe }", "stripe: { secret_key: stripe, webhook: {} }")
}

/// Two services in two projects on each day of two months.
fn costs(model: &mut CostModel, first: Date) {
    let end = first.saturating_add(2.months());
    let days: Vec<Date> = first.series(1.day()).take_while(|day| *day < end).collect();
    let row = |date: &Date, tenant: &str, service: &str, amount: &str, project: &str| {
        let tags = json!({ "ClientOrganization": tenant, "BillingProject": project });
        let row = json!({ "date": date, "service": service, "amount": amount, "tags": tags });
        serde_json::from_value(row).expect("a row")
    };
    let rows = all().flat_map(|(state, language)| {
        let tenant = state.tenant(language);
        let of_day = |date: &Date| {
            let first = format!("1.{:02}", date.day());
            [
                row(date, &tenant, "AWS Lambda", &first, "website"),
                row(date, &tenant, "Amazon Simple Storage Service", "0.85", "archive"),
            ]
        };
        days.iter().flat_map(of_day).collect::<Vec<_>>()
    });
    (model.rows, model.monthly) = (rows.collect(), Vec::new());
}

impl Scene {
    /// Some days into a month: the last one was paid, or is overdue.
    pub async fn new() -> Scene {
        let somewhen = Date::new(2026, 1, 1).expect("a day");
        let mut stage = Stage::new(&manifest(somewhen, true)).await;
        let now = stage.place.cloud.timeline().clock().now();
        let first = now.to_zoned(TimeZone::UTC).date().last_of_month().tomorrow().expect("a day");
        pass_until(&stage, first.with().day(28).build().expect("a day")).await;
        stage.place.cloud.costs().change(|model| costs(model, first));
        stage.write(&manifest(first, false));
        stage.be_permitted("apply").await;
        stage.run(&["apply", "--auto-approve"]).await.ok();
        for (state, language) in all().filter(|(state, _)| state.has_card) {
            leave_a_card(&stage, &state.tenant(language)).await;
        }
        pass_until(&stage, after(first, 19)).await;
        // Whoever comes today has nothing yet.
        stage.write(&manifest(first, true));
        stage.be_permitted("apply").await;
        stage.run(&["apply", "--auto-approve"]).await.ok();
        stage.be_permitted("tenant-pause").await;
        for language in &LANGUAGES {
            let reason = ["--reason", "The budget of the month is used up."];
            stage
                .run(&[&["tenant", "pause", &format!("paused-{}", &language.locale[..2])], &reason[..]].concat())
                .await
                .ok();
        }
        a_pause_is_lifted(&stage, "overdue-en").await;
        Scene { stage, first }
    }

    /// Where its pages are.
    pub fn site(&self) -> &str {
        self.stage.place.cloud.site()
    }

    /// The month that was invoiced.
    pub fn period(&self) -> String {
        self.first.strftime("%Y-%m").to_string()
    }

    /// A new link of a tenant's below the site: `/signin#…`.
    pub async fn link(&self, tenant: &str) -> String {
        let link = self.stage.run_as_root(&["tenant", "link", tenant, "--format", "json"]).await.ok().json();
        format!("/signin#{}", link["token"].as_str().expect("a token"))
    }
}

/// Pauses a tenant, says so once more, and lifts it: nothing of it is on their page then.
async fn a_pause_is_lifted(stage: &Stage, tenant: &str) {
    let said = async |arguments: &[&str]| {
        let told = stage.run(&[arguments, &["--format", "json"]].concat()).await.ok().json();
        (told["paused_since"].clone(), told["reason"].clone())
    };
    let (since, reason) = said(&["tenant", "pause", tenant, "--reason", "first"]).await;
    assert!(since.is_string() && reason == "first", "{since} {reason}");
    assert_eq!(said(&["tenant", "pause", tenant, "--reason", "second"]).await, (since, Value::from("second")));
    assert_eq!(said(&["tenant", "resume", tenant]).await, (Value::Null, Value::Null));
    assert_eq!(said(&["tenant", "resume", tenant]).await, (Value::Null, Value::Null));
}

/// Sets a card up for a tenant, as Checkout does.
async fn leave_a_card(stage: &Stage, tenant: &str) {
    let customers = stage.place.cloud.stripe().objects(Kind::Customer);
    let own = customers.iter().find(|customer| customer["metadata"]["billform_tenant"] == tenant);
    let customer = own.and_then(|own| own["id"].as_str()).expect("a customer").to_owned();
    let form = format!("customer={customer}&confirm=true&usage=off_session&payment_method=pm_card_visa");
    let set_up = stage.at_stripe("POST", "/v1/setup_intents", &form).await;
    assert_eq!(set_up["status"], Value::from("succeeded"), "{set_up}");
}
