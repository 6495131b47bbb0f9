use engine::Finding;
use engine::diff::FieldChange;
use proptest::prelude::*;
use serde_json::json;

use super::*;

const TODAY: Date = Date::constant(2026, 11, 25);

fn address(text: &str) -> Address {
    text.parse().expect("an address")
}

fn change(path: &str) -> FieldChange {
    FieldChange { path: path.to_owned(), before: json!(1), after: json!(2), forces_replacement: false }
}

fn found(at: &str, finding: Finding, fields: &[&str]) -> Drifted {
    let fields = fields.iter().map(|path| change(path)).collect();
    Drifted { address: address(at), tenant: None, id: at.to_owned(), finding, fields }
}

fn drift_of(drifted: Vec<Drifted>) -> Drift {
    Drift { drifted, compared: 9, ..Drift::default() }
}

fn ignores(texts: &[&str]) -> Vec<Ignore> {
    texts.iter().map(|text| text.parse().expect("an ignore")).collect()
}

fn parted(drifted: &[Drifted], texts: &[&str]) -> Parted {
    let known = drifted.iter().map(|found| found.address.clone()).collect();
    part(drift_of(drifted.to_vec()), &ignores(texts), &known, TODAY)
}

/// The findings as text: `iam_role.costs:policy,tags.Old`.
fn shown<'a>(all: impl Iterator<Item = &'a Drifted>) -> Vec<String> {
    let paths = |found: &Drifted| found.fields.iter().map(|change| change.path.clone()).collect::<Vec<_>>().join(",");
    all.map(|found| format!("{}:{}", found.address, paths(found))).collect()
}

#[test]
fn a_field_and_what_is_below_it_is_hidden_and_the_rest_stays() {
    let all = [found("lambda_function.costs", Finding::Changed, &["memory_mb", "tags.Old", "tags_of_mine"])];
    let of = parted(&all, &["lambda_function.costs.tags"]);
    assert_eq!(shown(of.drift.drifted.iter()), ["lambda_function.costs:memory_mb,tags_of_mine"]);
    assert_eq!(shown(of.ignored.iter().map(|one| &one.found)), ["lambda_function.costs:tags.Old"]);
    assert_eq!((of.drift.compared, of.idle.len(), of.expired.len()), (9, 0, 0));
}

#[test]
fn a_resource_is_hidden_with_all_that_is_found_of_it() {
    let all = [
        found("iam_role.costs", Finding::Unmarked, &[]),
        found("iam_role.costs", Finding::Changed, &["policy"]),
        found("iam_role.costs_too", Finding::Vanished, &[]),
    ];
    let of = parted(&all, &["iam_role.costs"]);
    assert_eq!(shown(of.drift.drifted.iter()), ["iam_role.costs_too:"]);
    assert_eq!(of.ignored.len(), 2);
}

#[test]
fn an_ignored_field_hides_no_resource_that_is_gone() {
    let all = [found("iam_role.costs", Finding::Vanished, &[])];
    let of = parted(&all, &["iam_role.costs.policy"]);
    assert_eq!((of.drift.drifted.len(), of.ignored.len()), (1, 0));
    assert_eq!(of.idle, ignores(&["iam_role.costs.policy"]));
}

#[test]
fn what_is_meant_is_decided_by_what_exists() {
    let price = |fields: &[&str]| found("stripe_price.portal", Finding::Changed, fields);
    let monthly = found("stripe_price.portal.monthly", Finding::Changed, &["active", "metadata.a.b"]);
    // The name has a dot: it is that resource, not the field of another.
    let of = parted(&[price(&["monthly"]), monthly.clone()], &["stripe_price.portal.monthly"]);
    assert_eq!(shown(of.drift.drifted.iter()), ["stripe_price.portal:monthly"]);
    // No such resource: it is the field.
    let of = parted(&[price(&["monthly"])], &["stripe_price.portal.monthly"]);
    assert_eq!(shown(of.ignored.iter().map(|one| &one.found)), ["stripe_price.portal:monthly"]);
    // The resource exists and has not drifted: the field of another is not meant.
    let known = [address("stripe_price.portal"), address("stripe_price.portal.monthly")].into();
    let ignored = ignores(&["stripe_price.portal.monthly"]);
    let of = part(drift_of(vec![price(&["monthly"])]), &ignored, &known, TODAY);
    assert_eq!((of.drift.drifted.len(), of.idle), (1, ignored));
    // A field with dots, of a resource with dots.
    let of = parted(&[price(&["monthly.metadata.a.b"]), monthly], &["stripe_price.portal.monthly.metadata.a.b"]);
    assert_eq!(shown(of.ignored.iter().map(|one| &one.found)), ["stripe_price.portal.monthly:metadata.a.b"]);
}

#[test]
fn the_last_day_counts_and_the_next_one_not() {
    let all = [found("iam_role.costs", Finding::Vanished, &[])];
    for (until, hides) in [("2026-11-26", true), ("2026-11-25", true), ("2026-11-24", false)] {
        let text = format!("iam_role.costs@{until}");
        let of = parted(&all, &[&text]);
        assert_eq!(of.drift.drifted.is_empty(), hides, "{until}");
        assert_eq!(of.expired.iter().map(Ignore::to_string).collect::<Vec<_>>().contains(&text), !hides, "{until}");
        assert!(of.idle.is_empty(), "{until}");
    }
}

#[test]
fn an_at_sign_in_a_name_is_no_date_and_a_bad_date_is_told() {
    let all = [found("iam_role.costs", Finding::Changed, &["tags.owner@team"])];
    assert!(!parted(&all, &["iam_role.costs.tags.owner@team"]).drift.is_drifted());
    assert!(!parted(&all, &["iam_role.costs.tags.owner@team@2026-11-25"]).drift.is_drifted());
    for bad in ["iam_role.costs@2026-13-01", "iam_role.costs@2026-1-1", "iam_role.costs@20261231", "iam_role.costs@7d"]
    {
        let error = bad.parse::<Ignore>().expect_err(bad);
        assert!(matches!(error, NotAnIgnore::Until(_)), "{bad}: {error}");
    }
    for bad in ["costs", "iam_role.", "iam_role.@2026-12-31", "", "@2026-12-31"] {
        let error = bad.parse::<Ignore>().expect_err(bad);
        assert!(matches!(error, NotAnIgnore::Target(_)), "{bad}: {error}");
    }
}

fn some_drift() -> impl Strategy<Value = Vec<Drifted>> {
    let name = prop::sample::select(vec!["box.a", "box.a.b", "box.a.b.c", "net.a"]);
    let paths = prop::collection::btree_set(prop::sample::select(vec!["b", "b.c", "c", "c.d", "size"]), 0..4);
    let one = (name, paths).prop_map(|(name, paths)| match paths.is_empty() {
        true => found(name, Finding::Vanished, &[]),
        false => found(name, Finding::Changed, &paths.into_iter().collect::<Vec<_>>()),
    });
    prop::collection::vec(one, 0..5)
}

fn some_ignores() -> impl Strategy<Value = Vec<Ignore>> {
    let target =
        prop::sample::select(vec!["box.a", "box.a.b", "box.a.b.c", "box.a.c", "box.a.size", "net.a.c.d", "net.z"]);
    let until = prop::option::of(prop::sample::select(vec!["2026-11-24", "2026-11-25", "2027-01-01"]));
    let one = (target, until).prop_map(|(target, until)| {
        let until = until.map(|until| format!("@{until}")).unwrap_or_default();
        format!("{target}{until}").parse().expect("an ignore")
    });
    prop::collection::vec(one, 0..4)
}

/// Every finding as often as it is there, field by field.
fn pieces<'a>(all: impl Iterator<Item = &'a Drifted>) -> Vec<String> {
    let each = |found: &Drifted| match found.fields.is_empty() {
        true => vec![format!("{} {:?}", found.address, found.finding)],
        false => found.fields.iter().map(|change| format!("{} {}", found.address, change.path)).collect(),
    };
    let mut pieces: Vec<String> = all.flat_map(each).collect();
    pieces.sort();
    pieces
}

proptest! {
    #[test]
    fn nothing_is_lost_or_counted_twice(drifted in some_drift(), ignores in some_ignores()) {
        let known = drifted.iter().map(|found| found.address.clone()).collect();
        let of = part(drift_of(drifted.clone()), &ignores, &known, TODAY);
        let both = of.drift.drifted.iter().chain(of.ignored.iter().map(|ignored| &ignored.found));
        prop_assert_eq!(pieces(both), pieces(drifted.iter()));
        prop_assert!(of.ignored.iter().all(|ignored| !ignored.by.is_expired(TODAY)));
        let expired = ignores.iter().filter(|ignore| ignore.is_expired(TODAY));
        prop_assert_eq!(expired.collect::<Vec<_>>(), of.expired.iter().collect::<Vec<_>>());
    }

    #[test]
    fn one_more_ignore_never_shows_more(drifted in some_drift(), ignores in some_ignores()) {
        let known = drifted.iter().map(|found| found.address.clone()).collect();
        let kept = |ignores: &[Ignore]| pieces(part(drift_of(drifted.clone()), ignores, &known, TODAY).drift.drifted.iter());
        if let Some((_, fewer)) = ignores.split_last() {
            let more = kept(fewer);
            prop_assert!(kept(&ignores).iter().all(|piece| more.contains(piece)));
        }
    }

    #[test]
    fn it_reads_what_it_writes(ignores in some_ignores()) {
        for ignore in ignores {
            prop_assert_eq!(ignore.to_string().parse::<Ignore>(), Ok(ignore));
        }
    }
}
