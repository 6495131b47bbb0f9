use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use billing::function::{Auth, Grant, Setting, Trigger};
use serde_json::{Value, json};

use super::*;
use crate::environment::Environment;
use crate::error::RunError;
use crate::handler::Started;
use crate::ports::memory::{Memory, World};
use crate::run::Run;
use crate::settings::{SettingError, Settings};
use crate::spec::{On, Spec};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/handlers.json");

/// Every setting of `billing::function`, with a value that its readers accept.
const VALUES: &[(Setting, &str)] = &[
    (Setting::LedgerTable, "ledger"),
    (Setting::Stack, "client-billing"),
    (Setting::ClaimsTable, "portal-ledger"),
    (Setting::StripeSecret, "stripe"),
    (Setting::LinkSecret, "links"),
    (Setting::WebhookSecret, "webhook"),
    (Setting::WebhookPath, "/billing/webhook"),
    (Setting::TenantTag, "ClientOrganization"),
    (Setting::ProjectTag, "BillingProject"),
    (Setting::CostBasis, "UnblendedCost"),
    (Setting::CostScope, "application=tax-demo"),
    (Setting::CostRecords, "credit,tax"),
    (Setting::AllowedOrigins, "https://example.com"),
    (Setting::PortalConfiguration, "bpc_1"),
    (Setting::SettleDays, "14"),
    (Setting::InvoicingDay, "1"),
    (Setting::Approval, "automatic"),
    (Setting::ApprovalLimit, "1000.00 USD"),
    (Setting::ApprovalDeviation, "50%"),
    (Setting::Collection, "send-invoice"),
    (Setting::Brand, r#"{"name":"Client Billing"}"#),
    (Setting::Payments, "told"),
];

fn settings(of: impl IntoIterator<Item = Setting>) -> Settings {
    let value = |setting: Setting| {
        let known = VALUES.iter().find(|(known, _)| *known == setting);
        known.unwrap_or_else(|| panic!("{setting:?} has no value in this test")).1.to_owned()
    };
    Settings::new(of.into_iter().map(|setting| (setting.variable().to_owned(), value(setting))))
}

fn start(entry: &Entry, settings: Settings) -> Result<Box<dyn Started>, StartError> {
    entry.start(&Environment::new(entry.spec, settings, Arc::new(Memory::default())))
}

#[test]
fn handlers_json_is_fresh() {
    if std::env::var_os("BILLFORM_BLESS").is_some() {
        std::fs::write(FILE, describe_json()).expect("handlers.json is written");
    }
    let kept = std::fs::read_to_string(FILE).unwrap_or_default();
    assert_eq!(
        kept,
        describe_json(),
        "handlers.json is stale; renew it: BILLFORM_BLESS=1 cargo test -p runtime handlers_json"
    );
}

#[test]
fn specs_survive_their_text() {
    let read: Vec<FunctionSpec> = serde_json::from_str(&describe_json()).expect("specs");
    assert_eq!(read, describe());
}

#[test]
fn names_are_distinct_and_found() {
    let names: BTreeSet<&str> = HANDLERS.iter().map(|entry| entry.spec.name).collect();
    assert_eq!(names.len(), HANDLERS.len());
    for name in names {
        assert_eq!(find(name).map(|entry| entry.spec.name), Ok(name));
    }
    let unknown = find("no_such").err().expect("an error").to_string();
    assert!(unknown.contains("`no_such`") && unknown.contains("cost_sync"), "{unknown}");
}

#[test]
fn each_handler_starts_on_exactly_its_declared_settings() {
    for entry in HANDLERS {
        let declared = entry.spec.settings;
        let name = entry.spec.name;
        assert!(start(entry, settings(declared.iter().copied())).is_ok(), "{name} starts");
        for gone in declared {
            let rest = settings(declared.iter().copied().filter(|setting| setting != gone));
            let started = start(entry, rest).err();
            let expected = StartError::Setting(SettingError::Missing(gone.variable()));
            match gone.is_optional() {
                true => assert_eq!(started, None, "{name} without {gone:?}"),
                false => assert_eq!(started, Some(expected), "{name} without {gone:?}"),
            }
        }
    }
}

/// A declaration that the handler never reads would be a variable, or a right, for nothing.
#[test]
fn each_declaration_is_used() {
    for entry in HANDLERS {
        let Spec { name, settings: declared, grants, .. } = entry.spec;
        let all = || settings(declared.iter().copied());
        for gone in declared {
            let rest: Vec<Setting> = declared.iter().copied().filter(|setting| setting != gone).collect();
            let spec = Spec { settings: rest.leak(), ..entry.spec };
            let env = Environment::new(spec, all(), Arc::new(Memory::default()));
            let refused = entry.start(&env).err();
            assert_eq!(refused, Some(StartError::UndeclaredSetting { handler: name, setting: *gone }), "{name}");
        }
        // Reading and writing the ledger are one port.
        for gone in grants.iter().filter(|grant| !matches!(grant, Grant::LedgerRead | Grant::LedgerWrite)) {
            let rest: Vec<Grant> = grants.iter().copied().filter(|grant| grant != gone).collect();
            let env = Environment::new(Spec { grants: rest.leak(), ..entry.spec }, all(), Arc::new(Memory::default()));
            let refused = entry.start(&env).err();
            assert!(matches!(refused, Some(StartError::UndeclaredPort { .. })), "{name} without {gone:?}");
        }
    }
}

/// The routes that anyone may ask, each with its reason.
const PUBLIC: &[&str] = &[
    // Pages that say nothing of any tenant.
    "GET /signin",
    "GET /help.html",
    "GET /assets/{file}",
    // The link's token is the credential; it comes in the body.
    "POST /session",
    // Forgetting needs no proof, and a session that does not hold is forgotten too.
    "POST /signout",
];

#[test]
fn no_route_but_the_listed_ones_is_public() {
    let is_public = |spec: &FunctionSpec| -> Vec<String> {
        let routes = spec.triggers.iter().filter_map(|trigger| match trigger {
            Trigger::Http(routes) => Some(routes.clone()),
            _ => None,
        });
        routes.flatten().filter(|route| route.auth == Auth::Public).map(|route| route.key).collect()
    };
    let public: Vec<String> = describe().iter().flat_map(is_public).collect();
    assert_eq!(public, PUBLIC);
    // The walk sees routes at all.
    assert!(describe().iter().any(|spec| matches!(spec.triggers.first(), Some(Trigger::Http(_)))));
}

/// `{"tennant": "a"}` once ran every tenant.
#[tokio::test]
async fn every_handler_refuses_an_event_with_an_unknown_key() {
    for entry in HANDLERS {
        let handler = start(entry, settings(entry.spec.settings.iter().copied())).expect("it starts");
        for event in [json!({"tennant": "a"}), json!({"period": "2026-10", "x": 1}), json!({"Start": "2026-10-01"})] {
            let refused = handler.handle(event.clone(), &Run::lasting("test", Duration::from_secs(10))).await;
            assert!(matches!(refused, Err(RunError::Event(_))), "{}: {event}", entry.spec.name);
        }
    }
}

/// What a rule sends: `{}`, as `billform apply` sets it, or EventBridge's envelope.
#[tokio::test]
async fn every_scheduled_handler_takes_what_a_rule_sends() {
    let envelope = json!({"version": "0", "id": "53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa",
        "detail-type": "Scheduled Event", "source": "aws.events", "account": "123456789012",
        "time": "2026-11-21T06:00:00Z", "region": "us-east-1",
        "resources": ["arn:aws:events:us-east-1:123456789012:rule/daily"], "detail": {}});
    let scheduled = HANDLERS
        .iter()
        .filter(|entry| entry.spec.triggers.iter().any(|trigger| matches!(trigger, On::Schedule { .. })));
    let mut seen = 0;
    for entry in scheduled {
        seen += 1;
        for event in [json!({}), Value::Null, envelope.clone()] {
            let mut world = World::default();
            world.secrets.insert("stripe".to_owned(), "sk_test_1".to_owned());
            let env = Environment::new(
                entry.spec,
                settings(entry.spec.settings.iter().copied()),
                Arc::new(Memory::new(world)),
            );
            let handler = entry.start(&env).expect("it starts");
            let answered = handler.handle(event.clone(), &Run::lasting("test", Duration::from_secs(10))).await;
            assert!(answered.is_ok(), "{}: {event}: {:?}", entry.spec.name, answered.err());
        }
    }
    assert_eq!(seen, 3);
}
