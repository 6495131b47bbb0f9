//! What each handler needs to be deployed, as data: `bootstrap describe` prints it, `handlers.json` keeps it.

use billing::function::{FunctionSpec, Grant, Setting, Trigger};

use crate::handlers::Handler;

/// The surface that deploys the costs API.
const PORTAL: &str = "portal";

/// Every handler's spec.
pub fn all() -> Vec<FunctionSpec> {
    Handler::ALL.into_iter().map(of).collect()
}

/// The specs as `handlers.json` has them.
pub fn json() -> String {
    // Plain data without maps of odd keys: this cannot fail.
    serde_json::to_string_pretty(&all()).unwrap_or_default() + "\n"
}

fn of(handler: Handler) -> FunctionSpec {
    let (description, memory_mb, timeout_s) = match handler {
        Handler::CostSync => ("Daily: every tenant's AWS cost from Cost Explorer into the ledger", 256, 300),
        Handler::Costs => ("GET /costs: a tenant's costs by service, project and day, with a forecast", 256, 10),
        Handler::Invoicer => ("Monthly: each tenant's closed month becomes a draft invoice in Stripe", 256, 600),
    };
    FunctionSpec {
        name: handler.name().to_owned(),
        description: description.to_owned(),
        memory_mb,
        timeout_s,
        triggers: triggers(handler),
        grants: grants(handler),
        settings: settings(handler),
        surfaces: match handler {
            Handler::Costs => vec![PORTAL.to_owned()],
            Handler::CostSync | Handler::Invoicer => Vec::new(),
        },
    }
}

fn triggers(handler: Handler) -> Vec<Trigger> {
    let schedule =
        |name: &str, expression: &str| Trigger::Schedule { name: name.to_owned(), expression: expression.to_owned() };
    match handler {
        Handler::CostSync => vec![schedule("daily", "cron(0 6 * * ? *)")],
        Handler::Costs => vec![Trigger::Http(vec!["GET /costs".to_owned()])],
        // A month settles some days after its end, and AWS says when it is final: the daily run drafts it that day.
        Handler::Invoicer => {
            vec![schedule("monthly", "cron(0 0 1 * ? *)"), schedule("invoicing", "cron(0 8 * * ? *)")]
        }
    }
}

fn grants(handler: Handler) -> Vec<Grant> {
    match handler {
        Handler::CostSync => vec![Grant::LedgerRead, Grant::LedgerWrite, Grant::CostExplorerRead],
        Handler::Costs => vec![Grant::LedgerRead, Grant::LinkSecretRead],
        Handler::Invoicer => vec![Grant::LedgerRead, Grant::LedgerWrite, Grant::StripeSecretRead],
    }
}

fn settings(handler: Handler) -> Vec<Setting> {
    match handler {
        Handler::CostSync => vec![
            Setting::LedgerTable,
            Setting::TenantTag,
            Setting::ProjectTag,
            Setting::CostBasis,
            Setting::CostScope,
            Setting::SettleDays,
        ],
        Handler::Costs => vec![Setting::LedgerTable, Setting::LinkSecret, Setting::TenantTag],
        Handler::Invoicer => {
            vec![Setting::LedgerTable, Setting::StripeSecret, Setting::TenantTag, Setting::SettleDays]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/handlers.json");

    #[test]
    fn handlers_json_is_fresh() {
        if std::env::var_os("BILLFORM_BLESS").is_some() {
            std::fs::write(FILE, json()).expect("handlers.json is written");
        }
        let kept = std::fs::read_to_string(FILE).unwrap_or_default();
        assert_eq!(
            kept,
            json(),
            "handlers.json is stale; renew it: BILLFORM_BLESS=1 cargo test -p runtime handlers_json"
        );
    }

    #[test]
    fn specs_survive_their_text() {
        let read: Vec<FunctionSpec> = serde_json::from_str(&json()).expect("specs");
        assert_eq!(read, all());
    }

    #[test]
    fn names_are_the_handlers_own() {
        for spec in all() {
            assert!(spec.name.parse::<Handler>().is_ok(), "{}", spec.name);
        }
    }
}
