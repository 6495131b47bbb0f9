//! Folders, environments and text that is no manifest.
#![cfg(feature = "manifest")]
#![allow(clippy::disallowed_methods, reason = "tests read the example; the domain does not")]

mod bundle;

use billing::manifest::{Manifest, Problem, Source};
use billing::sharing::Unallocated;
use bundle::load;
use proptest::prelude::*;

const BASE: &str = r#"
version: 1
project: client-billing
aws: { account: "123456789012", region: us-east-1, tags: { Team: billing } }
attribution: { tenant_tag: ClientOrganization }
tenants:
  - { id: acme, name: Acme, email: a@acme.example, tags: { ClientOrganization: Acme } }
"#;

fn source(path: &str, text: &str) -> Source {
    Source { path: path.to_owned(), text: text.to_owned() }
}

fn folder(more: &[(&str, &str)]) -> Vec<Source> {
    let more = more.iter().map(|(path, text)| source(path, text));
    [source("dir/billform.yaml", BASE)].into_iter().chain(more).collect()
}

fn rendered(result: Result<Manifest, Vec<Problem>>) -> String {
    let problems = result.expect_err("an invalid manifest");
    problems.iter().map(Problem::render).collect::<Vec<_>>().join("\n\n")
}

#[test]
fn names_that_are_left_out_come_from_the_project() {
    let manifest = load(&[source("billform.yaml", BASE)], None).expect("a manifest");
    assert_eq!(manifest.ledger.name, "client-billing-ledger");
    assert_eq!(manifest.schedules["daily"].name, "client-billing-daily");
    assert_eq!(manifest.function_name("cost_sync"), "client-billing-cost-sync");
    assert_eq!(manifest.stack(), "client-billing");
    assert!(manifest.link_secret().is_none(), "no surface, no links");
    assert!(manifest.budget_of(&manifest.tenants[0]).is_none());
    assert!(manifest.unprovisioned_sections().is_empty());
}

#[test]
fn tenants_may_lie_in_files_of_their_own() {
    let sources = folder(&[
        ("dir/tenants/beta.yaml", "id: beta\nname: B\nemail: b@b.example\ntags: { ClientOrganization: B }\n"),
        (
            "dir/tenants/more.yaml",
            "- { id: gamma, name: C, email: c@c.example, tags: { ClientOrganization: C } }\n\
             - { id: delta, name: D, email: d@d.example, tags: { ClientOrganization: D } }\n",
        ),
    ]);
    let manifest = load(&sources, None).expect("a manifest");
    let ids: Vec<&str> = manifest.tenants.iter().map(|tenant| tenant.id.as_str()).collect();
    assert_eq!(ids, ["acme", "beta", "gamma", "delta"]);
}

#[test]
fn problems_name_the_file_and_point_at_both_tenants() {
    let again = "id: acme\nname: A\nemail: a\ntags: { ClientOrganization: Acme }\npricng: x\n";
    let shown = rendered(load(&folder(&[("dir/tenants/again.yaml", again)]), None));
    assert!(shown.contains("dir/tenants/again.yaml:1:5"), "{shown}");
    assert!(shown.contains("the first is at dir/billform.yaml:7:11"), "{shown}");
    assert!(shown.contains("dir/tenants/again.yaml:5:1"), "{shown}");
    assert!(shown.contains("`a` is no e-mail address"), "{shown}");
}

#[test]
fn a_broken_tenant_file_hides_no_other_problem() {
    let shown = rendered(load(
        &folder(&[("dir/tenants/a.yaml", "id: [a\n"), ("dir/tenants/b.yaml", "id: B\nname: B\nemail: b@b.example\n")]),
        None,
    ));
    assert!(shown.contains("dir/tenants/a.yaml"), "{shown}");
    assert!(shown.contains("`B` is no id"), "{shown}");
}

#[test]
fn an_environments_keys_replace_the_bases() {
    let test = "aws: { account: \"999999999999\" }\nledger: { deletion_protection: false }\n";
    let sources = folder(&[("dir/environments/test.yaml", test), ("dir/environments/prod.yaml", "aws: {}\n")]);
    let manifest = load(&sources, Some("test")).expect("a manifest");
    assert_eq!((manifest.aws.account.as_str(), manifest.aws.region.as_str()), ("999999999999", "us-east-1"));
    assert_eq!(manifest.aws.tags["Team"], "billing");
    assert!(!manifest.ledger.deletion_protection);
    assert_eq!(manifest.stack(), "client-billing/test");
    assert_eq!(manifest.ledger.name, "client-billing-test-ledger");
    assert_eq!(load(&sources, None).expect("the base").aws.account, "123456789012");
    let shown = rendered(load(&sources, Some("tset")));
    assert!(shown.contains("there is no environment `tset`") && shown.contains("did you mean `test`?"), "{shown}");
}

#[test]
fn a_manifest_may_name_its_own_environment() {
    let text = format!("environment: prod{BASE}");
    let manifest = load(&[source("one.yaml", &text)], Some("prod")).expect("a manifest");
    assert_eq!(manifest.prefix(), "client-billing-prod");
    assert!(load(&[source("one.yaml", &text)], Some("other")).is_err());
}

#[test]
fn rates_and_terms_reach_the_tenant_record() {
    let more = r#"
currency: EUR
fx: { source: ECB, date: 2026-11-20, rate: "0.90", rates: { CHF: "0.88" } }
pricing:
  later: { base_fee: "25.00 EUR", effective_from: 2027-01 }
  now: { base_fee: "20.00 EUR" }
invoicing: { first_period: 2026-11, terms: "14 days" }
"#;
    let tenants = "- { id: b, name: B, email: b@b.de, tags: { ClientOrganization: B }, pricing: [later, now] }\n\
                   - { id: c, name: C, email: c@c.ch, tags: { ClientOrganization: C }, currency: CHF, terms: \"1 week\" }\n";
    let sources = [source("d/billform.yaml", &format!("{BASE}{more}")), source("d/tenants/t.yaml", tenants)];
    let records = load(&sources, None).expect("a manifest").tenant_records();
    let b = &records["b"];
    let fees: Vec<String> = b.terms.iter().filter_map(|terms| terms.base_fee).map(|fee| fee.to_string()).collect();
    assert_eq!(fees, ["20.00 EUR", "25.00 EUR"]);
    assert_eq!(b.rates.first().map(|held| (held.rate.rate.to_string(), held.rate.to.to_string())), {
        Some(("0.90".to_owned(), "EUR".to_owned()))
    });
    assert_eq!((b.days_until_due, b.first_period.map(|month| month.to_string())), (14, Some("2026-11".to_owned())));
    let c = &records["c"];
    assert_eq!(c.rates.first().map(|held| held.rate.rate.to_string()).as_deref(), Some("0.88"));
    assert_eq!(c.days_until_due, 7);
}

/// Each of them says what billform does anyway.
#[test]
fn settings_that_say_what_happens_anyway_are_taken() {
    let more = r#"
costs: { source: cost-explorer, unallocated: operator }
secrets: { stripe: { key: apiKey } }
stripe: { secret_key: stripe, payment_methods: [card] }
meters: {}
invoicing:
  approval: manual
  collection: send-invoice
  payment_fee: { mode: absorb, percent: "2.9%", fixed: "0.30 USD" }
"#;
    let base = BASE.replace("{ tenant_tag", "{ by: tag, shared: operator, tenant_tag");
    let base = base.replace("Acme } }", "Acme }, accounts: [], projects: [], subscriptions: [] }");
    let text = format!("{base}{more}");
    let manifest = load(&[source("billform.yaml", &text)], None).expect("a manifest");
    assert_eq!(manifest.unprovisioned_sections(), <[&str; 0]>::default());
}

/// Who bears cost of no tenant stands in every tenant's terms, so that it has their history, and nowhere else.
#[test]
fn how_cost_of_no_tenant_is_shared_stands_in_every_tenants_terms() {
    let text = format!("{BASE}\ncosts: {{ unallocated: even }}\n");
    let manifest = load(&[source("billform.yaml", &text)], None).expect("a manifest");
    for record in manifest.tenant_records().values() {
        assert!(record.terms.iter().all(|terms| terms.sharing.unallocated == Unallocated::Even), "{record:?}");
    }
    let text = format!("{BASE}\npricing: {{ plan: {{ sharing: {{ unallocated: even }} }} }}\n");
    let shown = rendered(load(&[source("billform.yaml", &text)], None));
    assert!(shown.contains("terms do not say how cost is shared") && shown.contains("costs.unallocated"), "{shown}");
}

/// The payment fee is one setting: the manifest's, unless a tenant's terms say otherwise.
#[test]
fn terms_override_the_payment_fee_of_the_manifest() {
    let more = r#"
pricing:
  plain: { markup: "10%" }
  borne: { payment_fee: { mode: absorb } }
  dearer: { payment_fee: { mode: pass-through, percent: "3.9%" } }
  older: { card_fee: { percent: "1%", fixed: "0.10 USD" } }
invoicing: { payment_fee: { mode: MODE, percent: "2.9%", fixed: "0.30 USD" } }
"#;
    let fee = |mode: &str, pricing: &str| {
        let base = BASE.replace("Acme } }", &format!("Acme }}, pricing: {pricing} }}"));
        let text = format!("{base}{}", more.replace("MODE", mode));
        let manifest = load(&[source("billform.yaml", &text)], None).expect("a manifest");
        let terms = manifest.tenant_record(&manifest.tenants[0]).terms;
        assert!(terms[0].card_fee.is_none(), "{terms:?}");
        terms[0].passed_on_fee().map(|fee| format!("{} + {}", fee.percent, fee.fixed))
    };
    for (mode, plain, dearer) in
        [("pass-through", Some("2.9% + 0.30 USD"), Some("3.9% + 0.30 USD")), ("absorb", None, Some("3.9% + 0.30 USD"))]
    {
        assert_eq!(fee(mode, "plain").as_deref(), plain, "{mode}");
        assert_eq!(fee(mode, "borne"), None, "{mode}");
        assert_eq!(fee(mode, "dearer").as_deref(), dearer, "{mode}");
        assert_eq!(fee(mode, "older").as_deref(), Some("1% + 0.10 USD"), "{mode}");
    }
}

/// The long forms: tag values and rates by day, and a last month.
#[test]
fn facts_may_be_dated() {
    let base = BASE.replace(
        "ClientOrganization: Acme } }",
        "ClientOrganization: [{ value: Acme }, { value: Acme2, from: 2026-12-01 }] }, last_period: 2027-06 }\n  \
         - { id: heir, name: Heir, email: h@heir.example, tags: { ClientOrganization: [{ value: Acme, from: 2026-12-01 }] } }",
    );
    let more = r#"
currency: EUR
fx:
  source: ECB
  rates:
    - { date: 2026-11-30, EUR: "0.92", CHF: "0.95" }
    - { date: 2026-10-30, EUR: "0.9137", source: Bundesbank }
"#;
    let manifest = load(&[source("billform.yaml", &format!("{base}{more}"))], None).expect("a manifest");
    let record = manifest.tenant_record(&manifest.tenants[0]);
    let day = |month: i8, day: i8| jiff::civil::date(2026, month, day);
    let value = |at| record.tag_on("ClientOrganization", at);
    assert_eq!((value(day(11, 30)), value(day(12, 1))), (Some("Acme"), Some("Acme2")));
    assert_eq!(record.last_period, "2027-06".parse().ok());
    let rate = |month: &str| {
        let rate = record.rate_for(month.parse().expect("a month")).expect("a rate").expect("not in dollars");
        format!("{} {} {}", rate.rate, rate.source, rate.date)
    };
    assert_eq!(rate("2026-10"), "0.9137 Bundesbank 2026-10-30");
    assert_eq!(rate("2026-11"), "0.92 ECB 2026-11-30");
}

/// Cost tagged `Environment: dev` is not billed to a tenant that has `Environment: prod`.
#[test]
fn a_tenant_is_all_its_tags_together() {
    let text = BASE.replace("ClientOrganization: Acme }", "Environment: prod, ClientOrganization: Acme }");
    let other = "  - { id: trial, name: T, email: t@t.de, tags: { ClientOrganization: Acme, Environment: dev } }\n";
    let manifest = load(&[source("billform.yaml", &format!("{text}{other}"))], None).expect("a manifest");
    let record = manifest.tenant_record(&manifest.tenants[0]);
    let claim = record.cost_tag("ClientOrganization", "2026-10".parse().expect("a month"));
    assert_eq!(claim.as_deref(), Some("ClientOrganization=Acme, Environment=prod"));
    // The same values on other days.
    let dated = other.replace("Acme,", "[{ value: Acme, from: 2026-12-01 }],").replace("dev", "prod");
    let until = text.replace("prod", "[{ value: prod }, { value: live, from: 2026-12-01 }]");
    assert!(load(&[source("billform.yaml", &format!("{until}{dated}"))], None).is_ok());
}

#[test]
fn a_webhook_needs_no_more_than_to_be_there() {
    let with = |webhook: &str| {
        let text = format!(
            "version: 1\nproject: shop\naws: {{ account: \"123456789012\", region: us-east-1 }}\n\
             attribution: {{ tenant_tag: Client }}\nsecrets: {{ stripe: {{}} }}\n\
             stripe: {{ secret_key: stripe, webhook: {webhook} }}\n"
        );
        load(&[source("billform.yaml", &text)], None)
    };
    let manifest = with("{}").expect("a manifest");
    let webhook = manifest.webhook().expect("a webhook");
    assert_eq!((webhook.path.as_str(), webhook.api_version.as_str()), ("/billing/webhook", "2026-09-30.endive"));
    assert_eq!(
        manifest.webhook_secret().map(|(name, secret)| (name, secret.name.as_str())),
        Some(("webhook", "shop/webhook"))
    );
    let manifest = with("{ path: /v1/stripe/webhook, api_version: 2024-06-20 }").expect("a manifest");
    assert_eq!(manifest.webhook().map(|webhook| webhook.path.as_str()), Some("/v1/stripe/webhook"));
    for (path, wrong) in [
        ("billing", "does not begin with `/`"),
        ("/a?b", "has a query or a fragment"),
        ("/a/../b", "has an empty segment"),
        ("/", "has an empty segment"),
        ("/{proxy+}", "has a character beside"),
    ] {
        let problems = rendered(with(&format!("{{ path: \"{path}\" }}")));
        assert!(problems.contains(wrong) && problems.contains("billform.yaml:6:"), "{path}: {problems}");
    }
}

#[test]
fn text_that_is_no_manifest_is_a_located_problem() {
    let deep = "[".repeat(100_000);
    let wide = "a".repeat(9 << 20);
    for text in
        ["", "\u{feff}", "---\n---\n", "%YAML 1.2\n", "null", "7", "\0", &deep, &wide, "? [a]\n: b\n", "a: &x *x"]
    {
        let problems = load(&[source("m.yaml", text)], None).expect_err("no manifest");
        assert!(!problems.is_empty());
        assert!(problems.iter().all(|problem| problem.line >= 1 && problem.column >= 1 && problem.len >= 1));
    }
    let problem = Source::from_bytes("m.yaml", b"version: 1\nproject: M\xfcller\n".to_vec()).expect_err("Latin-1");
    assert_eq!((problem.line, problem.column), (2, 11));
    assert!(load(&[], None).is_err());
}

#[test]
fn byte_order_marks_and_windows_line_ends_are_harmless() {
    let text = format!("\u{feff}{}", BASE.replace('\n', "\r\n"));
    assert!(load(&[source("m.yaml", &text)], None).is_ok());
}

#[test]
fn a_thousand_tenants_load() {
    let tenants: String = (0..1000)
        .map(|i| format!("- {{ id: t{i}, name: T, email: t@t.de, tags: {{ ClientOrganization: T{i} }} }}\n"))
        .collect();
    let sources = folder(&[("dir/tenants/all.yaml", &tenants)]);
    assert_eq!(load(&sources, None).expect("a manifest").tenants.len(), 1001);
}

fn example() -> String {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../manifests/mmp-toledo.yaml");
    std::fs::read_to_string(path).expect("the example")
}

/// Every problem lies in the file, and rendering it does not fail.
fn is_located(text: &str, problems: &[Problem]) -> bool {
    let lines = text.lines().count();
    !problems.is_empty()
        && problems.iter().all(|problem| {
            let rendered = problem.render();
            problem.line <= lines + 1 && problem.column >= 1 && rendered.starts_with("error: ")
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn any_bytes_are_read_or_explained(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        match Source::from_bytes("m.yaml", bytes) {
            Ok(source) => {
                let problems = load(std::slice::from_ref(&source), None).expect_err("random bytes are no manifest");
                prop_assert!(is_located(&source.text, &problems));
            }
            Err(problem) => prop_assert!(problem.line >= 1),
        }
    }

    #[test]
    fn yaml_like_text_is_read_or_explained(text in "[a-z:{}\\[\\]\"'#&*!|>%\\- \n\t0-9.]{0,120}") {
        let problems = load(&[source("m.yaml", &text)], None).expect_err("no manifest");
        prop_assert!(is_located(&text, &problems));
    }

    /// Cut a piece out of the example or put one in: it loads, or every problem has a place.
    #[test]
    fn edits_of_the_example_are_read_or_explained(
        at in 0_usize..6000,
        cut in 0_usize..40,
        put in prop_oneof![Just(String::new()), "[ -~\n]{1,12}", Just("\n  - ".to_owned()), Just(": ".to_owned())],
    ) {
        let text: Vec<char> = example().chars().collect();
        let at = at % text.len();
        let end = (at + cut).min(text.len());
        let edited: String = text[..at].iter().copied().chain(put.chars()).chain(text[end..].iter().copied()).collect();
        if let Err(problems) = load(&[source("m.yaml", &edited)], None) {
            prop_assert!(is_located(&edited, &problems), "{problems:?}");
        }
    }

    /// One line taken out gives no problem or few: a fault does not bury the rest in follow-ups.
    #[test]
    fn a_line_taken_out_does_not_cascade(line in 0_usize..200) {
        let text = example();
        let lines: Vec<&str> = text.lines().collect();
        let line = line % lines.len();
        let kept: Vec<&str> = lines.iter().enumerate().filter(|(i, _)| *i != line).map(|(_, line)| *line).collect();
        if let Err(problems) = load(&[source("m.yaml", &kept.join("\n"))], None) {
            prop_assert!(problems.len() <= 8, "without `{}`: {problems:#?}", lines[line]);
        }
    }
}

/// One problem, and what lies below is read all the same.
#[test]
fn a_tenants_file_with_a_key_of_its_own_is_one_problem() {
    let text = "tenants:\n  - { id: beta, name: B, email: b@b.example, tags: { ClientOrganization: B } }\n";
    let shown = rendered(load(&folder(&[("dir/tenants/beta.yaml", text)]), None));
    assert!(
        shown.contains("a file in `tenants/` has no key `tenants`") && shown.contains("dir/tenants/beta.yaml:1:1"),
        "{shown}"
    );
    assert_eq!(shown.matches("error:").count(), 1, "{shown}");
}
