//! Tenants that are known by more than the tenant tag.

use jiff::civil::Date;

use super::*;
use crate::tenant::Pairs;

/// One row of a bill, as AWS has it.
#[derive(Debug, Clone)]
struct Line {
    day: i8,
    tags: Pairs,
    service: String,
    units: i64,
}

fn line(day: i8, tags: &[(&str, &str)], service: &str, units: i64) -> Line {
    let tags = tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    Line { day, tags, service: service.to_owned(), units }
}

/// Cost Explorer's answer about some lines, by value of the tag `Org` and service.
fn answer(period: &Period, lines: &[&Line]) -> Vec<QueriedDay> {
    let of = |line: &&&Line, day: Date| date(2026, 10, line.day) == day;
    let row = |line: &&Line| row(line.tags.get("Org").map_or("", String::as_str), &line.service, line.units);
    let rows = |day| lines.iter().filter(|line| of(line, day)).map(row).collect();
    period.days().map(|day| QueriedDay { date: day, estimated: false, rows: rows(day) }).collect()
}

/// Asks for all that is to be asked, page by page, and says how many requests that took.
fn asked(period: Period, owners: &Owners, lines: &[Line]) -> (Attribution, usize) {
    let mut gathering = Gathering::new(period, owners, false, false);
    gathering.take(Part::Service, None, &answer(&period, &lines.iter().collect::<Vec<_>>()));
    let cuts = gathering.cuts();
    for (nth, cut) in cuts.iter().enumerate() {
        let within: Vec<&Line> =
            lines.iter().filter(|line| cut.takes(|key| line.tags.get(key).map(String::as_str))).collect();
        for day in answer(&cut.period, &within) {
            gathering.take(Part::Service, Some(nth), &[day]);
        }
    }
    (gathering.finish(AT).expect("days"), 1 + cuts.len())
}

fn cost(found: &Attribution, tenant: &str, day: usize) -> i128 {
    found.days_of(tenant)[day - 1].cost().mantissa()
}

fn october() -> Period {
    Period::new(date(2026, 10, 1), date(2026, 11, 1)).expect("a period")
}

#[test]
fn a_row_is_of_the_tenant_whose_pairs_it_all_carries() {
    let tenants = [
        tenant("live", json!({"Org": "Acme", "Env": "prod"})),
        tenant("trial", json!({"Org": "Acme", "Env": "dev"})),
        tenant("beta", json!({"Org": "Beta"})),
    ];
    let owners = Owners::of(&tenants, &[], "Org").expect("each differs");
    let lines = [
        line(1, &[("Org", "Acme"), ("Env", "prod")], "S3", 10),
        line(1, &[("Org", "Acme"), ("Env", "dev")], "S3", 20),
        line(1, &[("Org", "Acme"), ("Env", "test")], "S3", 4),
        line(1, &[("Org", "Acme")], "Tax", 8),
        line(1, &[("Org", "Beta"), ("Env", "prod")], "S3", 100),
        line(1, &[("Env", "prod")], "S3", 1_000),
    ];
    let (found, requests) = asked(two_days(), &owners, &lines);
    assert_eq!(["live", "trial", "beta", UNALLOCATED].map(|id| cost(&found, id, 1)), [10, 20, 100, 1_012]);
    assert_eq!(requests, 3);
    let unallocated = &found.days_of(UNALLOCATED)[0];
    let values: Vec<_> = unallocated.values.iter().map(|(value, of)| (value.as_str(), of.cost.mantissa())).collect();
    assert_eq!(values, [("", 1_000), ("Acme", 12)], "what no tenant takes stays under its value");
    assert_eq!(found.totals(), (Decimal::new(1_142, 10), Decimal::new(1_012, 10)));
}

#[test]
fn what_cuts_take_all_of_is_not_there() {
    let owners = Owners::of(&[tenant("live", json!({"Org": "Acme", "Env": "prod"}))], &[], "Org").expect("one");
    let (found, _) = asked(two_days(), &owners, &[line(1, &[("Org", "Acme"), ("Env", "prod")], "S3", 10)]);
    let unallocated = &found.days_of(UNALLOCATED)[0];
    assert!(unallocated.services.is_empty() && unallocated.values.is_empty(), "{unallocated:?}");
    assert_eq!(found.days_of("live")[0].services.len(), 1);
}

#[test]
fn tenants_with_the_same_further_pairs_take_one_request_and_one_tag_none() {
    let tenants: Vec<TenantRecord> = (0..40)
        .map(|n| {
            let env = if n % 2 == 0 { "prod" } else { "dev" };
            tenant(&format!("t{n}"), json!({"Org": format!("Org{}", n / 2), "Env": env}))
        })
        .collect();
    let (_, requests) = asked(two_days(), &Owners::of(&tenants, &[], "Org").expect("each differs"), &[]);
    assert_eq!(requests, 3);
    let (_, requests) = asked(two_days(), &two_owners(), &[]);
    assert_eq!(requests, 1);
}

/// Of the 15th another value of one pair counts.
#[test]
fn a_pair_may_change_on_a_day() {
    let env = json!([{"value": "prod", "until": "2026-10-15"}, {"value": "live", "from": "2026-10-15"}]);
    let owners = Owners::of(&[tenant("acme", json!({"Org": "Acme", "Env": env}))], &[], "Org").expect("one");
    let of = |day, env, units| line(day, &[("Org", "Acme"), ("Env", env)], "S3", units);
    let lines = [of(14, "prod", 1), of(14, "live", 2), of(15, "prod", 4), of(15, "live", 8)];
    let (found, requests) = asked(october(), &owners, &lines);
    assert_eq!([14, 15].map(|day| cost(&found, "acme", day)), [1, 8]);
    assert_eq!([14, 15].map(|day| cost(&found, UNALLOCATED, day)), [2, 4]);
    assert_eq!(requests, 3);
    let cuts = Gathering::new(october(), &owners, false, false).cuts();
    let days: Vec<_> = cuts.iter().map(|cut| (cut.period.start().day(), cut.period.last_day().day())).collect();
    assert_eq!(days, [(15, 31), (1, 14)], "each is asked for on its days alone");
}

/// One company of `Acme` becomes two: the months before are not told apart, and the edit's month has both claims.
#[test]
fn what_was_a_tenants_stays_theirs_when_another_tag_narrows_it() {
    let month = "2026-11".parse().expect("a month");
    let whole = tenant("acme", json!({"Org": "Acme"}));
    let narrowed = tenant("acme", json!({"Org": "Acme", "Env": "prod"})).following(&whole, month);
    let trial = tenant("trial", json!({"Org": "Acme", "Env": "dev"}));
    let owners = Owners::of([&narrowed, &trial], &[], "Org").expect("they differ from November on");
    let lines = [line(1, &[("Org", "Acme"), ("Env", "dev")], "S3", 10), line(1, &[("Org", "Acme")], "S3", 3)];
    let (found, requests) = asked(october(), &owners, &lines);
    assert_eq!((cost(&found, "acme", 1), cost(&found, "trial", 1), requests), (13, 0, 1));
    let november = Period::new(date(2026, 11, 1), date(2026, 11, 3)).expect("a period");
    assert_eq!(Gathering::new(november, &owners, false, false).cuts().len(), 2);
    // And back: what the other company had is theirs until the month is over.
    let back = whole.clone().following(&narrowed, "2026-12".parse().expect("a month"));
    let trial = TenantRecord { last_period: "2026-12".parse().ok(), ..trial };
    let owners = Owners::of([&back, &trial], &[], "Org").expect("one leaves");
    let december = Period::new(date(2026, 12, 1), date(2026, 12, 2)).expect("a period");
    let mut gathering = Gathering::new(december, &owners, false, false);
    let of =
        |units| vec![QueriedDay { rows: vec![row("Acme", "S3", units)], date: date(2026, 12, 1), estimated: false }];
    gathering.take(Part::Service, None, &of(13));
    gathering.take(Part::Service, Some(0), &of(10));
    let found = gathering.finish(AT).expect("days");
    assert_eq!((cost(&found, "acme", 1), cost(&found, "trial", 1)), (3, 10));
}

/// A value is changed in both, so that each has both for the rest of the month: the earlier claim counts.
#[test]
fn claims_that_overlap_while_tags_change_hands_take_each_row_once() {
    let month = "2026-10".parse().expect("a month");
    let had = |id: &str, env: &str| tenant(id, json!({"Org": "Acme", "Env": env}));
    let swapped =
        [had("a", "dev").following(&had("a", "prod"), month), had("b", "prod").following(&had("b", "dev"), month)];
    let owners = Owners::of(&swapped, &[], "Org").expect("each gave one up");
    let of = |env: &str, units| line(1, &[("Org", "Acme"), ("Env", env)], "S3", units);
    let (found, _) = asked(two_days(), &owners, &[of("prod", 1), of("dev", 2), of("test", 4)]);
    assert_eq!(["a", "b", UNALLOCATED].map(|id| cost(&found, id, 1)), [1, 2, 4]);
    // Different keys: what carries both is of the one that ends.
    let team = json!([{"value": "blue", "until": "2026-11-01"}]);
    let tenants = [
        had("a", "prod"),
        tenant("b", json!({"Org": json!([{"value": "Acme", "until": "2026-11-01"}]), "Team": team})),
    ];
    let owners = Owners::of(&tenants, &[], "Org").expect("one ends");
    let both = [("Org", "Acme"), ("Env", "prod"), ("Team", "blue")];
    let lines = [line(1, &both, "S3", 1), line(1, &both[..2], "S3", 2), line(1, &[both[0], both[2]], "S3", 4)];
    let (found, requests) = asked(two_days(), &owners, &lines);
    assert_eq!((cost(&found, "a", 1), cost(&found, "b", 1), requests), (2, 5, 3));
}

/// A tenant moves to another value of both tags, on resources one by one. What is half changed is theirs, unless these are
/// the tags of another, who had them all along.
#[test]
fn tags_of_another_tenant_are_not_taken_for_half_changed_ones() {
    let month = "2026-10".parse().expect("a month");
    let had = |id: &str, org: &str, env: &str| tenant(id, json!({"Org": org, "Env": env}));
    let moves = had("a", "Beta", "live").following(&had("a", "Acme", "prod"), month);
    let of = |org: &str, env: &str, units| line(1, &[("Org", org), ("Env", env)], "S3", units);
    let lines = [of("Acme", "prod", 1), of("Beta", "live", 2), of("Beta", "prod", 4), of("Acme", "live", 8)];
    let owners = Owners::of(&[moves, had("b", "Acme", "live")], &[], "Org").expect("they differ");
    let (found, _) = asked(two_days(), &owners, &lines);
    assert_eq!(["a", "b", UNALLOCATED].map(|id| cost(&found, id, 1)), [7, 8, 0]);
}

#[test]
fn two_tenants_that_claim_one_row_for_good_are_refused() {
    let refused = |one: serde_json::Value, other: serde_json::Value| {
        matches!(
            Owners::of(&[tenant("a", one), tenant("b", other)], &[], "Org"),
            Err(AttributionError::SharedValue { .. })
        )
    };
    assert!(refused(json!({"Org": "A", "Env": "x"}), json!({"Org": "A"})));
    assert!(refused(json!({"Org": "A", "Env": "x"}), json!({"Org": "A", "Team": "y"})));
    assert!(!refused(json!({"Org": "A", "Env": "x"}), json!({"Org": "A", "Env": "y", "Team": "z"})));
    assert!(!refused(json!({"Org": "A", "Env": "x"}), json!({"Org": "B", "Team": "y"})));
}

#[test]
fn a_cut_that_is_not_answered_stops_everything() {
    let owners = Owners::of(&[tenant("live", json!({"Org": "Acme", "Env": "prod"}))], &[], "Org").expect("one");
    let mut gathering = Gathering::new(two_days(), &owners, false, false);
    gathering.take(Part::Service, None, &answer(&two_days(), &[]));
    gathering.take(Part::Service, Some(0), &answer(&two_days(), &[])[..1]);
    assert_eq!(gathering.finish(AT).err(), Some(AttributionError::MissingDay(date(2026, 10, 2))));
}

/// A tenant as a manifest may have it: values of three tags by day.
fn drawn(id: &str) -> impl Strategy<Value = TenantRecord> + use<> {
    let id = id.to_owned();
    let values = |letters: &'static str| {
        proptest::collection::btree_map(1_i8..5, letters, 0..3).prop_map(|starts| {
            let starts: Vec<(i8, String)> = starts.into_iter().collect();
            let span = |(at, (from, value)): (usize, &(i8, String))| {
                let until = starts.get(at + 1).map(|(until, _)| date(2026, 10, *until));
                // The first one of half of them holds from the beginning on.
                let from = (at > 0 || from % 2 == 0).then(|| date(2026, 10, *from));
                json!({"value": value, "from": from, "until": until})
            };
            json!(starts.iter().enumerate().map(span).collect::<Vec<_>>())
        })
    };
    (values("[AB]"), values("[xy]?"), values("[pq]"))
        .prop_map(move |(org, env, team)| tenant(&id, json!({"Org": org, "Env": env, "Team": team})))
}

proptest! {
    /// By an independent reading of the contract: a row is of the tenant that has every pair of the row's day, and the
    /// value of the tenant tag among them.
    #[test]
    fn each_row_is_of_the_tenant_that_owns_all_pairs_and_sums_are_the_bill(
        one in drawn("one"),
        two in drawn("two"),
        lines in proptest::collection::vec((1_i8..5, "[ABC]?", "[xy]?", "[pq]?", "[st]", -50_i64..1_000), 0..40),
    ) {
        let tenants = [one, two];
        let pairs = |tenant: &TenantRecord, day: Date| -> Pairs {
            let of = |key: &String| Some((key.clone(), tenant.tag_on(key, day)?.to_owned()));
            tenant.tags.keys().filter_map(of).filter(|(_, value)| !value.is_empty()).collect()
        };
        let period = Period::new(date(2026, 10, 1), date(2026, 10, 5)).expect("a period");
        // Tenants between whom a row of some day could be are what `validate` refuses.
        let differ = |day: Date| {
            let (one, two) = (pairs(&tenants[0], day), pairs(&tenants[1], day));
            !one.contains_key("Org") || !two.contains_key("Org") || one.iter().any(|(key, value)| two.get(key).is_some_and(|other| other != value))
        };
        prop_assume!(period.days().all(differ));
        let lines: Vec<Line> = lines.into_iter().map(|(day, org, env, team, service, units)| {
            let tags = [("Org", org.as_str()), ("Env", env.as_str()), ("Team", team.as_str())];
            let tags: Vec<_> = tags.into_iter().filter(|(_, value)| !value.is_empty()).collect();
            line(day, &tags, &service, units)
        }).collect();
        let mut owed = std::collections::BTreeMap::<(String, i8, String), i128>::new();
        for line in &lines {
            let owner = tenants.iter().find(|tenant| {
                let own = pairs(tenant, date(2026, 10, line.day));
                own.contains_key("Org") && own.iter().all(|(key, value)| line.tags.get(key) == Some(value))
            });
            let owner = owner.map_or(UNALLOCATED, |tenant| tenant.id.as_str());
            *owed.entry((owner.to_owned(), line.day, line.service.clone())).or_default() += i128::from(line.units);
        }
        let owners = Owners::of(&tenants, &[], "Org").expect("they differ at the end, too");
        let (found, _) = asked(period, &owners, &lines);
        let mut sum = Decimal::ZERO;
        for id in ["one", "two", UNALLOCATED] {
            for (day, of_day) in (1_i8..).zip(found.days_of(id)) {
                sum += of_day.cost();
                for service in ["s", "t"] {
                    let is = of_day.services.get(service).map_or(0, |amount| amount.cost.mantissa());
                    let owed = owed.get(&(id.to_owned(), day, service.to_owned())).copied().unwrap_or_default();
                    prop_assert_eq!(is, owed, "{} {} {}", id, day, service);
                }
                if id == UNALLOCATED {
                    let values: Decimal = of_day.values.values().map(|amount| amount.cost).sum();
                    prop_assert_eq!(values, of_day.cost());
                }
            }
        }
        let bill: i64 = lines.iter().map(|line| line.units).sum();
        prop_assert_eq!(sum, Decimal::new(bill, 10));
        prop_assert_eq!(found.totals().0, sum);
    }
}
