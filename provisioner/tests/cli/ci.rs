//! What `ci comment` and `ci issues` post, compared with files in `tests/golden`, at small size and with a thousand
//! tenants; and what names from elsewhere can do to it, which is nothing.

use std::collections::BTreeMap;

use engine::diff::FieldChange;
use engine::kind::Contents;
use engine::{Action, Address, Drift, Finding, Plan, Reason, Step};
use provisioner::drift::document::DriftDocument;
use provisioner::ledger::money_effects::{MoneyEffects, MonthEffect};
use provisioner::ui::views::plan::Surroundings;
use provisioner::ui::views::review::Review;
use provisioner::ui::views::{ci_comment, drift_issue, drift_json, marker};
use serde_json::{Value, json};

use crate::drift::{document, drift_around, findings, incomplete_report, report};
use crate::golden::{address, around, changes, creates, dearer, deletes, field, plan_of};

/// What GitHub takes, in characters.
const LIMIT: usize = 65_536;

const HOSTILE: &str = "` | <img src=x onerror=alert(1)> @everyone #12 \u{202e} ```\n\n# x --> [l](http://evil.example)";

/// The same as an address may have it: without spaces.
fn hostile_address(kind: &str) -> Address {
    let name: String = HOSTILE.split_whitespace().collect();
    let address = Address::new(kind, name);
    assert_eq!(address.to_string().parse::<Address>().as_ref(), Ok(&address), "an address may be so");
    address
}

fn review(plan: &Plan) -> Review {
    Review::new(plan, &around(80))
}

/// The body, which fits and is the same whenever it is rendered, from what was saved as well.
fn comment(review: &Review) -> String {
    let body = ci_comment::render(review);
    assert!(body.chars().count() < LIMIT, "{} characters", body.chars().count());
    let saved = serde_json::to_vec(review).expect("JSON");
    let read: Review = serde_json::from_slice(&saved).expect("a review");
    assert_eq!(ci_comment::render(&read), body);
    assert_eq!(marker::found(&body), Some(marker::plan(Some(&review.stack)).as_str()));
    body
}

fn all_sorts() -> Plan {
    let waits = "waits until AWS has seen the tag keys ClientOrganization in use; the next apply activates them";
    Plan {
        pending: vec![(address("allocation_tags.active"), waits.to_owned())],
        ..plan_of([creates(), changes(), deletes()].concat())
    }
}

#[test]
fn a_comment_shows_risks_first_then_changes_then_all_of_it_folded() {
    let body = comment(&review(&all_sorts()));
    document("ci-comment.md", &body);
    let at = |text: &str| body.find(text).unwrap_or_else(|| panic!("{text} is not in {body}"));
    let order =
        ["## Plan", "### Risks", "--approve dynamodb_table.ledger", "### What changes", "<details>", "</details>"];
    assert!(order.windows(2).all(|pair| at(pair[0]) < at(pair[1])), "{body}");
}

#[test]
fn a_comment_tells_amounts_after_the_risks_and_before_what_changes() {
    let money = dearer();
    let around = Surroundings { money: &money, ..around(80) };
    let body = comment(&Review::new(&all_sorts(), &around));
    document("ci-comment-money.md", &body);
    let at = |text: &str| body.find(text).unwrap_or_else(|| panic!("{text} is not in {body}"));
    let order = ["### Risks", "### Money", "`acme`: 2026-10 would have been 142.10 USD, +4.20", "### What changes"];
    assert!(order.windows(2).all(|pair| at(pair[0]) < at(pair[1])), "{body}");
}

#[test]
fn amounts_of_a_thousand_tenants_fit_and_names_among_them_are_text() {
    let one = dearer().months.remove(0);
    let month = |n: usize| MonthEffect { tenant: format!("{HOSTILE}{n}"), reason: HOSTILE.to_owned(), ..one.clone() };
    let money =
        MoneyEffects { months: (0..1_000).map(month).collect(), notes: vec![HOSTILE.to_owned()], untold: Vec::new() };
    let body = comment(&Review::new(&all_sorts(), &Surroundings { money: &money, ..around(80) }));
    assert!(!body.contains("<img") && !body.contains("@everyone"), "{body}");
    assert!(body.contains("990 more tenants") && body.contains("all 1000 together: 2026-09 +2280.00 USD"), "{body}");
    let read: Review = serde_json::from_value(json!(Review::new(&all_sorts(), &around(80)))).expect("a review");
    assert_eq!(read.money, MoneyEffects::default(), "a review without amounts is one of before there were any");
}

#[test]
fn an_edit_that_needs_an_approval_is_a_risk() {
    let described = "a month that is over and not invoiced, which this bills otherwise: 2026-10 (terms)".to_owned();
    let mut steps = changes();
    steps[0].guard = Some(Contents { described });
    let body = comment(&review(&plan_of(steps)));
    let risk = "- **update** `iam_role.costs`: it holds `a month that is over and not invoiced, which this bills otherwise: 2026-10 (terms)`";
    let needs = "so it needs `--approve iam_role.costs`";
    assert!(body.contains(risk) && body.find(needs) < body.find("### What changes"), "{body}");
}

#[test]
fn a_comment_on_a_destroy_and_one_on_a_plan_that_is_not_whole() {
    let around = Surroundings { destroys: true, ..around(80) };
    document("ci-comment-destroy.md", &comment(&Review::new(&plan_of(deletes()), &around)));
    let blocked = engine::plan::Blocked { address: address("http_api.main"), because: address("iam_role.costs") };
    let plan = Plan { blocked: vec![blocked], ..plan_of(changes()) };
    let body = comment(&review(&plan));
    assert!(body.contains("**The plan is incomplete**") && body.contains("- **incomplete**: `http_api.main waits for"));
    let nothing = Plan { blocked: plan.blocked, ..plan_of(Vec::new()) };
    assert!(!ci_comment::says_nothing(&review(&nothing)), "an incomplete plan is worth a comment");
    assert!(comment(&review(&nothing)).contains("**incomplete**"));
}

#[test]
fn a_comment_on_no_changes_and_one_on_a_plan_that_failed() {
    let same = Step { action: Action::NoOp, reason: Reason::Same, ..creates().remove(0) };
    let plan = Plan { steps: vec![same], ..all_sorts() };
    let review = review(&plan);
    assert!(ci_comment::says_nothing(&review));
    document("ci-comment-nothing.md", &ci_comment::no_changes(&review));

    let said = "error: \u{1b}[31mno\u{1b}[0m role `x` for @ana, see #12\n\n```\n# not a heading <b>\nkey sk_live_canary1234 ghs_canary1234567890\n";
    let body = ci_comment::failed(Some("client-billing"), said, Some(1));
    document("ci-comment-failed.md", &body);
    assert!(!body.contains("canary") && !body.contains('\u{1b}'), "{body}");
    let long: String = (0..20_000).map(|n| format!("line {n} ```` @everyone\n")).collect();
    let body = ci_comment::failed(None, &long, None);
    assert!(body.len() < LIMIT && body.len() > LIMIT - 2_000, "{}", body.len());
    assert!(body.contains("line 19999 ") && body.contains("lines before these are left out"));
    assert!(body.ends_with("\n`````\n"), "the fence is longer than any within");
    assert_eq!(marker::found(&body), Some(marker::plan(None).as_str()));
    assert!(ci_comment::failed(None, " \n", Some(1)).ends_with("It said nothing on stderr.\n"));
}

fn change(tenant: &str, action: Action, fields: Vec<FieldChange>) -> Step {
    let plain = changes().remove(0);
    let address = Address::new("budget", tenant);
    Step { address, tenant: Some(tenant.to_owned()), action, reason: Reason::Differs, fields, ..plain }
}

#[test]
fn a_thousand_tenants_fit_and_those_alike_are_told_together() {
    let name = |n: usize| format!("tenant-{n:04}");
    let limit = |n: usize| vec![field("limit_usd", json!("500.00"), json!(format!("{}.00", 600 + n)))];
    let mut steps = changes();
    steps.truncate(3);
    steps.extend((0..1_000).map(|n| match n {
        17 | 400 => change(&name(n), Action::Delete, Vec::new()),
        _ => change(&name(n), Action::Update, limit(n)),
    }));
    let body = comment(&review(&plan_of(steps)));
    document("ci-comment-1000.md", &body);
    assert!(body.contains(
        "- **998 tenants alike** (`tenant-0000`, `tenant-0001`, `tenant-0002` and 995 more): each update `budget`"
    ));
    assert!(body.contains("- **delete** `budget.tenant-0017` of tenant `tenant-0017`"));
    assert!(body.ends_with("shows all.\n\n</details>\n"), "it is cut on a whole entry: {}", &body[body.len() - 300..]);
    assert!(body.len() > 60_000, "it is filled: {}", body.len());
}

#[test]
fn a_destroy_of_a_thousand_tenants_names_what_fits_and_counts_the_rest() {
    let holding = |n: usize| {
        let step = change(&format!("tenant-{n:04}"), Action::Delete, Vec::new());
        let guard = (n % 100 == 7).then(|| Contents { described: "12 items".to_owned() });
        Step { guard, ..step }
    };
    let body = comment(&review(&plan_of((0..1_000).map(holding).collect())));
    let risks = body.split("### Risks").nth(1).and_then(|rest| rest.split("### What changes").next()).expect("risks");
    let first: Vec<&str> = risks.lines().filter(|line| line.starts_with("- ")).take(11).collect();
    assert!(first[..10].iter().all(|line| line.contains("--approve budget.tenant-0")), "{first:#?}");
    assert!(first[0].contains("tenant-0007") && first[10].contains("tenant-0000"), "{first:#?}");
    let shown = risks.lines().filter(|line| line.starts_with("- ")).count();
    assert!(risks.contains(&format!("**{} more** did not fit", 1_000 - shown)), "{shown}");
}

/// Whether everything that others wrote is shown as code: nothing outside of code spans, code elements and code blocks
/// mentions, refers, links or is HTML of theirs.
fn assert_neutral(body: &str) {
    let outside: String = body
        .lines()
        .filter(|line| !line.starts_with("<!-- billform:"))
        .map(|line| {
            let mut out = String::new();
            let mut is_code = false;
            for part in line.split('`') {
                if !is_code {
                    out.push_str(part);
                }
                is_code = !is_code;
            }
            out + "\n"
        })
        .collect();
    let outside = without_entities(&outside);
    for sign in ["@", "<img", "http://", "https://", "](", "#12", "\u{202e}"] {
        assert!(!outside.contains(sign), "{sign} in {outside}");
    }
    let ours = ["<details>", "</details>", "<summary>", "</summary>", "<code>", "</code>"];
    let rest = ours.iter().fold(outside, |rest, ours| rest.replace(ours, ""));
    assert!(!rest.contains(['<', '>']), "{rest}");
}

/// `&#64;` is a character that Markdown takes for no sign.
fn without_entities(text: &str) -> String {
    let mut parts = text.split("&#");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |out, part| out + part.trim_start_matches(|c: char| c.is_ascii_digit()))
}

#[test]
fn hostile_names_and_values_stay_text() {
    let fields = vec![field(&format!("tags.{HOSTILE}"), json!(HOSTILE), json!({ "a": [HOSTILE] }))];
    let step = Step {
        address: hostile_address("budget"),
        guard: Some(Contents { described: HOSTILE.to_owned() }),
        leaves: Some(HOSTILE.to_owned()),
        ..change(HOSTILE, Action::Replace, fields.clone())
    };
    let refused = engine::plan::Refused {
        address: address("iam_role.x"),
        id: HOSTILE.to_owned(),
        owner: engine::Owner::stack(HOSTILE),
        message: HOSTILE.to_owned(),
    };
    let plan = Plan {
        stack: HOSTILE.to_owned(),
        pending: vec![(address("iam_role.x"), HOSTILE.to_owned())],
        refused: vec![refused],
        ..plan_of(vec![step])
    };
    let body = comment(&review(&plan));
    assert_neutral(&body);
    assert_neutral(&ci_comment::no_changes(&review(&plan)));

    let mut found = findings();
    found[0].tenant = Some(HOSTILE.to_owned());
    found[0].id = HOSTILE.to_owned();
    found[5].address = hostile_address("lambda_function");
    found[5].fields = fields;
    for issue in issues(&drift_document(Drift { drifted: found, ..Drift::default() })) {
        assert_neutral(&issue.1);
        assert!(issue.0.chars().all(|c| c.is_alphanumeric() || "-./_ ".contains(c)), "{}", issue.0);
    }
}

fn drift_document(drift: Drift) -> Value {
    drift_json::render(&report(drift, &[], Vec::new()), &drift_around(80), &BTreeMap::new())
}

/// The title and body of each issue, which fit.
fn issues(document: &Value) -> Vec<(String, String)> {
    let document = DriftDocument::parse(document.to_string().as_bytes()).expect("drift's document");
    let wanted = drift_issue::wanted(&document);
    assert!(wanted.iter().all(|one| one.body.chars().count() < LIMIT && one.title.chars().count() < 256));
    assert!(wanted.iter().all(|one| marker::found(&one.body) == Some(one.marker.as_str())));
    wanted.into_iter().map(|one| (one.title, one.body)).collect()
}

#[test]
fn each_tenant_that_drifts_has_an_issue_and_so_has_what_all_share() {
    let found = issues(&drift_document(Drift { drifted: findings(), compared: 27, ..Drift::default() }));
    let titles: Vec<&str> = found.iter().map(|(title, _)| title.as_str()).collect();
    assert_eq!(
        titles,
        [
            "Drift of shared resources in client-billing",
            "Drift of tenant acme in client-billing",
            "Drift of tenant zeta in client-billing"
        ]
    );
    document("ci-issue-shared.md", &found[0].1);
    document("ci-issue-tenant.md", &found[1].1);
    assert!(
        found[1].1.contains(r#"billform tenant set acme --budget &#34;900.00 USD&#34;"#)
            || found[1].1.contains(r#"`billform tenant set acme --budget "900.00 USD"`"#),
        "{}",
        found[1].1
    );
    assert!(found.iter().all(|(_, body)| !body.contains("staple") && !body.contains("canary")));
    assert_eq!(issues(&drift_document(Drift::default())), []);
}

#[test]
fn who_changed_it_is_said_where_it_is_known() {
    let mut document = drift_document(Drift { drifted: findings(), ..Drift::default() });
    assert!(issues(&document)[1].1.contains("Changed by: unknown"));
    let changes = document["changes"].as_array_mut().expect("changes");
    let budget = changes.iter_mut().find(|change| change["address"] == "budget.acme").expect("the budget");
    budget["changed_by"] = json!({ "who": "arn:aws:iam::123456789012:user/ana", "at": "2026-11-25T20:00:00Z" });
    let body = &issues(&document)[1].1;
    assert!(body.contains("Changed by: `arn:aws:iam::123456789012:user/ana` at `2026-11-25T20:00:00Z`"), "{body}");
    let budget = document["changes"].as_array_mut().expect("changes").iter_mut();
    for change in budget {
        change["changed_by"] = json!({ "who": "unknown", "reason": "CloudTrail has no changes at Stripe" });
    }
    let body = &issues(&document)[1].1;
    assert!(body.contains("Changed by: unknown (`CloudTrail has no changes at Stripe`)"), "{body}");
}

#[test]
fn names_of_any_length_fit() {
    let mut document = drift_document(Drift { drifted: findings(), ..Drift::default() });
    for change in document["changes"].as_array_mut().expect("changes") {
        change["tenant"] = json!("n".repeat(70_000));
        change["happened"] = json!("sk_live_51JcanarycanaryCANARY0123456789 ".to_owned() + &"h".repeat(70_000));
        change["changed_by"] = json!({ "who": "w".repeat(70_000) });
    }
    let found = issues(&document);
    assert!(found.len() == 1 && !found[0].1.contains("canary"), "{found:?}");
}

#[test]
fn a_document_of_another_kind_is_refused_and_an_incomplete_one_is_known() {
    let parse = |document: &Value| DriftDocument::parse(document.to_string().as_bytes());
    let sound = drift_document(Drift { drifted: findings(), ..Drift::default() });
    assert!(!parse(&sound).expect("sound").is_incomplete());
    let with = |key: &str, value: Value| {
        let mut other = sound.clone();
        other[key] = value;
        parse(&other).expect_err("another one")
    };
    assert!(with("format", json!("billform-plan/1")).contains("billform-plan/1"));
    assert!(with("stack", Value::Null).contains("invalid type: null"));
    let mut strange = sound.clone();
    strange["changes"][0]["finding"] = json!("melted");
    assert!(parse(&strange).expect_err("unknown").contains("`melted`"));
    let incomplete = drift_json::render(&incomplete_report(), &drift_around(80), &BTreeMap::new());
    assert!(parse(&incomplete).expect("sound").is_incomplete());
}

#[test]
fn a_thousand_tenants_have_an_issue_each_and_a_thousand_shared_resources_fit_into_one() {
    let mut all: Vec<_> = (0..1_000)
        .map(|n| {
            let mut one = findings().remove(6);
            one.tenant = Some(format!("tenant-{n:04}"));
            one.address = Address::new("budget", format!("tenant-{n:04}"));
            one
        })
        .collect();
    all.extend((0..1_000).map(|n| {
        let mut one = findings().remove(5);
        one.address = Address::new("lambda_function", format!("f{n:04}"));
        one.finding = if n % 2 == 0 { Finding::Changed } else { Finding::Unmarked };
        one
    }));
    all.sort_by(|a, b| (&a.tenant, &a.address).cmp(&(&b.tenant, &b.address)));
    let found = issues(&drift_document(Drift { drifted: all, ..Drift::default() }));
    assert_eq!(found.len(), 1_001);
    let shared = &found[0].1;
    document("ci-issue-1000.md", shared);
    assert!(
        shared.len() > 60_000 && shared.ends_with("did not fit: `billform drift` shows all.\n"),
        "{}",
        shared.len()
    );
    assert!(found[1].0.contains("tenant-0000") && found[1_000].0.contains("tenant-0999"));
}
