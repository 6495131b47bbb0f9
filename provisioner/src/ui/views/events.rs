//! Stripe's events as tables: what became of each.

use std::fmt::Write;

use billing::ledger::{EventResult, StripeEvent};
use jiff::tz::TimeZone;

use super::style::{RED, YELLOW, paint};
use super::table::aligned;
use super::wrap::wrapped;

/// Events, newest first, each with what it did below it.
pub fn list(events: &[StripeEvent], all: bool, width: usize) -> String {
    if events.is_empty() {
        return match all {
            true => "The ledger has no event.\n".to_owned(),
            false => "Every event was applied; `billform events list --all` shows them.\n".to_owned(),
        };
    }
    let rows: Vec<[String; 4]> = events.iter().map(row).collect();
    let mut out = String::new();
    for (line, event) in aligned(&rows).lines().zip(events) {
        let line = match event.result {
            EventResult::Dead { .. } => paint(RED, line).to_string(),
            EventResult::Deferred { .. } => paint(YELLOW, line).to_string(),
            _ => line.to_owned(),
        };
        let _ = writeln!(out, "{line}");
        let _ = writeln!(out, "{}", wrapped(&format!("  {}.", event.result.text().trim_end_matches('.')), width, 2));
    }
    out
}

fn row(event: &StripeEvent) -> [String; 4] {
    let created = event.created.to_zoned(TimeZone::UTC).strftime("%Y-%m-%d %H:%M:%S").to_string();
    [created, event.id.clone(), event.event_type.clone(), event.result.state().replace('_', " ")]
}

/// One event with all that the ledger keeps of it.
pub fn one(event: &StripeEvent, width: usize) -> String {
    let at = event.at.to_zoned(TimeZone::UTC).strftime("%Y-%m-%d %H:%M:%S").to_string();
    let object = event.object_kind.as_deref().zip(event.object.as_deref());
    let whose = match (&event.tenant, event.month) {
        (Some(tenant), Some(month)) => Some(format!("{tenant}'s invoice of {month}")),
        (Some(tenant), None) => Some(tenant.clone()),
        (None, _) => None,
    };
    let tries = if event.attempts == 1 { "once".to_owned() } else { format!("{} times", event.attempts) };
    let mut out = list(std::slice::from_ref(event), true, width);
    let facts = [
        object.map(|(kind, id)| format!("Object: {kind} {id}")),
        event.customer.as_ref().map(|customer| format!("Customer: {customer}")),
        whose.map(|whose| format!("Concerns: {whose}")),
        Some(format!("Tried: {tries}, last at {at} UTC")),
    ];
    for fact in facts.into_iter().flatten() {
        let _ = writeln!(out, "  {fact}");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(result: EventResult) -> StripeEvent {
        StripeEvent {
            id: "evt_1".to_owned(),
            event_type: "invoice.paid".to_owned(),
            created: "2026-11-28T07:59:58Z".parse().expect("a time"),
            livemode: false,
            object: Some("in_1".to_owned()),
            object_kind: Some("invoice".to_owned()),
            customer: None,
            result,
            tenant: Some("acme".to_owned()),
            month: "2026-10".parse().ok(),
            at: "2026-11-28T08:00:00Z".parse().expect("a time"),
            attempts: 2,
            version: 2,
        }
    }

    #[test]
    fn an_event_says_what_became_of_it_and_whose_it_is() {
        let dead = event(EventResult::Dead { reason: "Stripe does not know in_1".to_owned() });
        let shown = anstream::adapter::strip_str(&one(&dead, 80)).to_string();
        assert_eq!(
            shown,
            "2026-11-28 07:59:58  evt_1  invoice.paid  dead\n  Stripe does not know in_1.\n  Object: invoice in_1\n  \
             Concerns: acme's invoice of 2026-10\n  Tried: 2 times, last at 2026-11-28 08:00:00 UTC\n"
        );
    }

    #[test]
    fn nothing_to_do_says_so() {
        assert!(list(&[], false, 80).contains("Every event was applied"));
    }
}
