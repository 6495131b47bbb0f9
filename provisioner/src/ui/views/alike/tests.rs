use engine::diff::FieldChange;
use engine::kind::Contents;
use engine::plan::Reason;
use engine::{Action, Address};
use proptest::prelude::*;

use super::*;

fn step(tenant: &str, action: Action, after: Value) -> Step {
    Step {
        fields: vec![FieldChange { path: "limit_usd".to_owned(), before: json!(1), after, forces_replacement: false }],
        desired: Some(json!({})),
        ..Step::new(Address::new("budget", tenant), Some(tenant.to_owned()), action, Reason::Differs)
    }
}

/// A new tenant's record and budget.
fn new(id: &str, name: &str, currency: &str, markup: &str) -> [Step; 2] {
    let record = json!({
        "table": "t", "tenant": id, "stripe_customer": null,
        "record": {
            "id": id, "name": name, "email": format!("pay@{id}.example"), "currency": currency,
            "tags": {"Client": name}, "terms": [{"markup": markup}],
        },
    });
    let budget = json!({
        "name": format!("p-{id}"), "limit_usd": "10.00", "tag_value": name, "tags": {"Client": name, "billform:tenant": id},
    });
    let step = |kind: &str, desired: Value| Step {
        address: Address::new(kind, id),
        fields: Vec::new(),
        desired: Some(desired),
        ..step(id, Action::Create, Value::Null)
    };
    [step("budget", budget), step("tenant_record", record)]
}

fn told_apart(steps: &[Step]) -> Vec<(Option<&str>, usize)> {
    let all: Vec<&Step> = steps.iter().collect();
    groups(&all, Folding::Alike).into_iter().map(|group| (group.tenant, group.alike.len())).collect()
}

fn many(action: Action, value: impl Fn(usize) -> Value) -> Vec<Step> {
    (0..20).map(|n| step(&format!("t{n:02}"), action, value(n))).collect()
}

#[test]
fn the_same_change_is_told_once_and_another_value_apart() {
    let same = many(Action::Update, |_| json!(2));
    assert_eq!(told_apart(&same), [(Some("t00"), 19)]);
    let odd = many(Action::Update, |n| if n == 7 { json!(20) } else { json!(2) });
    assert_eq!(told_apart(&odd), [(Some("t00"), 18), (Some("t07"), 0)]);
    assert_eq!(told_apart(&same[..3]).len(), 3, "few are told one by one");
    let all: Vec<&Step> = same.iter().collect();
    assert_eq!(groups(&all, Folding::None).len(), 20, "or each, when asked for");
}

#[test]
fn new_tenants_are_alike_but_for_their_names_alone() {
    let mut steps: Vec<Step> = Vec::new();
    for n in 0..6 {
        steps.extend(new(&format!("t{n}"), &format!("Client {n}"), "USD", "8%"));
    }
    assert_eq!(told_apart(&steps), [(Some("t0"), 5)]);
    steps[4] = new("t2", "Client 2", "USD", "9%")[1].clone();
    steps[4].address = Address::new("tenant_record", "t2");
    steps.swap(4, 5);
    assert_eq!(told_apart(&steps), [(Some("t0"), 4), (Some("t2"), 0)], "other terms");
}

#[test]
fn a_currency_is_never_taken_for_a_name() {
    let steps: Vec<Step> = ["USD", "EUR", "CHF", "GBP", "SEK"]
        .iter()
        .flat_map(|code| new(&code.to_lowercase(), code, code, "8%"))
        .collect();
    assert_eq!(told_apart(&steps).len(), 5);
}

#[test]
fn days_of_a_tag_are_no_name() {
    let steps: Vec<Step> = (0..5)
        .map(|n| {
            let [_, mut record] = new(&format!("t{n}"), &format!("Client {n}"), "USD", "8%");
            record.desired.as_mut().expect("fields")["record"]["tags"]["Client"] =
                json!([{"value": format!("Client {n}"), "from": format!("2026-10-0{}", n + 1)}]);
            record
        })
        .collect();
    assert_eq!(told_apart(&steps).len(), 5);
}

#[test]
fn what_is_deleted_or_would_lose_data_is_told_one_by_one() {
    assert_eq!(told_apart(&many(Action::Delete, |_| json!(null))).len(), 20);
    let mut guarded = many(Action::Replace, |_| json!(2));
    guarded[3].guard = Some(Contents { described: "100 items".to_owned() });
    assert_eq!(told_apart(&guarded), [(Some("t00"), 18), (Some("t03"), 0)]);
}

#[test]
fn every_member_is_named() {
    assert_eq!(told(&["a"]), "and 1 more tenant alike: a");
    let many: Vec<String> = (0..1_234).map(|n| format!("t{n}")).collect();
    let told = told(&many.iter().map(String::as_str).collect::<Vec<_>>());
    assert!(told.starts_with("and 1,234 more tenants alike: t0, t1, ") && told.ends_with(", t1233"), "{told}");
}

proptest! {
    /// However tenants are drawn, each is told exactly once, and those told together have the same currency, terms and
    /// budget.
    #[test]
    fn each_tenant_is_told_once_and_a_group_has_one_set_of_facts(drawn in prop::collection::vec((0..3_usize, 0..3_usize, any::<bool>()), 1..40)) {
        const CURRENCIES: [&str; 3] = ["USD", "EUR", "CHF"];
        const MARKUPS: [&str; 3] = ["0%", "8%", "9%"];
        let fact = |(currency, markup, update): (usize, usize, bool)| (CURRENCIES[currency], MARKUPS[markup], update);
        let id = |n: usize| format!("t{n:02}");
        let steps: Vec<Step> = drawn.iter().enumerate().flat_map(|(n, drawn)| match fact(*drawn) {
            (currency, markup, false) => new(&id(n), &format!("Client {n}"), currency, markup).to_vec(),
            (_, markup, true) => vec![step(&id(n), Action::Update, json!(markup))],
        }).collect();
        let all: Vec<&Step> = steps.iter().collect();
        let mut told = BTreeSet::new();
        for group in groups(&all, Folding::Alike) {
            let first = group.tenant.expect("a tenant");
            let at = |id: &str| id[1..].parse::<usize>().expect("a number");
            for member in std::iter::once(first).chain(group.alike.iter().copied()) {
                prop_assert!(told.insert(member.to_owned()), "{member} is told twice");
                let (one, other) = (fact(drawn[at(first)]), fact(drawn[at(member)]));
                prop_assert_eq!((one.1, one.2), (other.1, other.2));
                prop_assert!(one.2 || one.0 == other.0, "{} and {}", first, member);
            }
        }
        prop_assert_eq!(told.len(), drawn.len());
    }
}
