//! Manifests with anchors, aliases and merge keys: how they are read, and that an edit changes what it was asked to alone.
#![cfg(feature = "manifest")]

mod bundle;

use billing::manifest::edit::{
    FileEdit, Refusal, TenantEdit, Written, add_tenant, formatted, remove_tenant, set_tenant,
};
use billing::manifest::{Manifest, Problem, Source};
use proptest::prelude::*;

const HEAD: &str = "version: 1
project: client-billing
aws: { account: \"123456789012\", region: us-east-1 }
attribution: { tenant_tag: Client }
pricing:
  premium: &premium { markup: \"8%\" }
  basic: *premium
";

/// What a first tenant says, others repeat.
const TENANTS: &str = "tenants:
  # what all have
  - &first
    id: acme
    name: Acme
    email: &email billing@acme.example # of all
    locale: de-DE
    tags: &tags { Client: Acme }
    budget: &budget \"20.00 USD\"
  - <<: *first
    id: bluefin
    name: Bluefin # another
    tags: { Client: Bluefin }
  - { id: cobalt, name: Cobalt, email: *email, tags: { <<: *tags, Client: Cobalt }, budget: *budget }
budgets: { alerts: [] }
";

fn file(text: &str) -> Vec<Source> {
    vec![Source { path: "billform.yaml".to_owned(), text: text.to_owned() }]
}

fn read(text: &str) -> Result<Manifest, Vec<Problem>> {
    bundle::load(&file(text), None)
}

fn text(value: &str) -> Written {
    Written::Text(value.to_owned())
}

fn set(text: &str, id: &str, given: &[(&str, Written)], unset: &[&str]) -> Result<FileEdit, Refusal> {
    let (sources, handlers) = (file(text), bundle::handlers());
    let at = TenantEdit { sources: &sources, environment: None, handlers: &handlers };
    let given: Vec<(String, Written)> = given.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
    let unset: Vec<String> = unset.iter().map(|key| (*key).to_owned()).collect();
    set_tenant(&at, id, &given, &unset)
}

fn add(text: &str, id: &str) -> Result<FileEdit, Refusal> {
    let (sources, handlers) = (file(text), bundle::handlers());
    let at = TenantEdit { sources: &sources, environment: None, handlers: &handlers };
    let fields = [
        ("name".to_owned(), Written::Text(id.to_owned())),
        ("email".to_owned(), Written::Text(format!("{id}@example.com"))),
        ("tags".to_owned(), Written::Map(vec![("Client".to_owned(), id.to_uppercase())])),
    ];
    add_tenant(&at, id, &fields, None)
}

fn remove(text: &str, id: &str) -> Result<FileEdit, Refusal> {
    let (sources, handlers) = (file(text), bundle::handlers());
    remove_tenant(&TenantEdit { sources: &sources, environment: None, handlers: &handlers }, id)
}

/// The text that an edit is to leave: with each of these cut out once, and put there instead.
fn with(text: &str, changes: &[(&str, &str)]) -> String {
    changes.iter().fold(text.to_owned(), |text, (old, new)| {
        assert_eq!(text.matches(old).count(), 1, "`{old}` in {text}");
        text.replacen(old, new, 1)
    })
}

fn refused(edit: Result<FileEdit, Refusal>) -> (String, String) {
    match edit {
        Err(Refusal::Impossible(message, hint)) => (message, hint),
        other => panic!("{other:#?}"),
    }
}

#[test]
fn what_is_repeated_reads_as_if_it_were_written_out() {
    let out = HEAD.replace("&premium ", "").replace("*premium", "{ markup: \"8%\" }")
        + "tenants:
  - { id: acme, name: Acme, email: billing@acme.example, locale: de-DE, tags: { Client: Acme }, budget: \"20.00 USD\" }
  - { id: bluefin, name: Bluefin, email: billing@acme.example, locale: de-DE, tags: { Client: Bluefin }, budget: \"20.00 USD\" }
  - { id: cobalt, name: Cobalt, email: billing@acme.example, tags: { Client: Cobalt }, budget: \"20.00 USD\" }
budgets: { alerts: [] }
";
    let manifest = read(&format!("{HEAD}{TENANTS}")).expect("sound");
    let written_out = read(&out).expect("sound");
    assert_eq!((manifest.tenants, manifest.pricing), (written_out.tenants, written_out.pricing));
}

#[test]
fn of_merged_keys_a_mappings_own_come_first_then_the_earlier() {
    let merged = "pricing:
  one: &one { markup: \"1%\", minimum: \"1.00 USD\" }
  two: &two { markup: \"2%\", base_fee: \"2.00 USD\" }
";
    let text = |terms: &str| {
        let head = HEAD.split_once("pricing:").expect("terms").0;
        format!(
            "{head}{merged}  three: {terms}\n{}",
            "tenants: [{ id: a, name: A, email: a@a.example, tags: { Client: A }, pricing: three }]\n"
        )
    };
    let cases = [
        ("{ markup: \"3%\", <<: *one }", "{ markup: \"3%\", minimum: \"1.00 USD\" }"),
        ("{ <<: *one, markup: \"3%\" }", "{ markup: \"3%\", minimum: \"1.00 USD\" }"),
        ("{ <<: [*two, *one] }", "{ markup: \"2%\", base_fee: \"2.00 USD\", minimum: \"1.00 USD\" }"),
        ("{ <<: [] }", "{}"),
    ];
    for (terms, means) in cases {
        let (read_as, written_out) = (read(&text(terms)).expect("sound"), read(&text(means)).expect("sound"));
        assert_eq!(read_as.pricing, written_out.pricing, "{terms}");
    }
}

#[test]
fn aliases_of_aliases_end_before_the_memory_does() {
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..20 {
        let again = format!("*a{}, ", level - 1).repeat(9);
        bomb.push_str(&format!("a{level}: &a{level} [{again}]\n"));
    }
    // Written out, it would have 9 to the power of 20 elements.
    let problems = read(&format!("{HEAD}{bomb}")).expect_err("too much");
    assert!(problems.iter().any(|problem| problem.message.contains("more than a manifest may hold")), "{problems:#?}");

    let deep: String = (1..60).map(|level| format!("a{level}: &a{level} {{ x: *a{} }}\n", level - 1)).collect();
    let problems = read(&format!("{HEAD}a0: &a0 x\n{deep}")).expect_err("too deep");
    assert!(problems.iter().any(|problem| problem.message.contains("nested too deeply")), "{problems:#?}");
}

#[test]
fn a_key_that_stands_twice_is_found_among_very_many() {
    let keys: String = (0..100_000).map(|key| format!("k{key}: v\n")).collect();
    let problems = formatted(&file(&format!("{keys}k7: v\n")), 0).expect_err("a key stands there twice");
    let Refusal::Unsound(problems) = problems else { panic!("{problems:?}") };
    assert_eq!(problems.len(), 1, "{problems:#?}");
    assert_eq!(
        (problems[0].line, problems[0].hint.as_deref()),
        (100_001, Some("the first is in line 8; keep one of them"))
    );
}

#[test]
fn a_tenants_own_values_are_edited_and_its_aliases_replaced() {
    let whole = format!("{HEAD}{TENANTS}");
    let edit = set(&whole, "cobalt", &[("budget", text("5.00 USD"))], &[]).expect("an edit");
    assert_eq!(edit.after, Some(with(&whole, &[("budget: *budget }", "budget: 5.00 USD }")])));
    let edit = set(&whole, "bluefin", &[("name", text("Blue")), ("locale", text("en-US"))], &[]).expect("an edit");
    let changed = [("name: Bluefin # another\n", "name: Blue # another\n    locale: en-US\n")];
    assert_eq!(edit.after, Some(with(&whole, &changed)));
    // What the others have values of their own for.
    let edit = set(&whole, "acme", &[("name", text("Acme Inc."))], &[]).expect("an edit");
    assert_eq!(edit.after, Some(with(&whole, &[("name: Acme\n", "name: Acme Inc.\n")])));
    let tags = Written::Map(vec![("Client".to_owned(), "Cobalt Ltd".to_owned())]);
    let edit = set(&whole, "cobalt", &[("tags", tags)], &[]).expect("an edit");
    assert_eq!(edit.after, Some(with(&whole, &[("Client: Cobalt }", "Client: Cobalt Ltd }")])));
    let edit = add(&whole, "delta").expect("an edit");
    let line = "budget: *budget }\n  - { id: delta, name: delta, email: delta@example.com, tags: { Client: DELTA } }\n";
    assert_eq!(edit.after, Some(with(&whole, &[("budget: *budget }\n", line)])));
    for id in ["bluefin", "cobalt"] {
        let after = remove(&whole, id).expect("an edit").after.expect("a text");
        assert!(whole.len() > after.len() && !after.contains(id), "{after}");
    }
}

#[test]
fn an_edit_that_would_change_others_is_refused_with_their_place() {
    let whole = format!("{HEAD}{TENANTS}");
    let (message, hint) = refused(set(&whole, "acme", &[("budget", text("5.00 USD"))], &[]));
    assert_eq!(message, "this would change `tenants[1].budget` too: the alias at billform.yaml:17:9 repeats it");
    assert!(hint.contains("there first"), "{hint}");
    let (message, _) = refused(set(&whole, "acme", &[], &["locale"]));
    assert!(message.contains("`tenants[1].locale` too") && message.contains("billform.yaml:17:9"), "{message}");
    let (message, _) = refused(set(&whole, "bluefin", &[], &["locale"]));
    assert!(message.contains("no `locale`"), "{message}");
    let own = with(&whole, &[("name: Bluefin # another\n", "name: Bluefin\n    locale: en-US\n")]);
    let (message, _) = refused(set(&own, "bluefin", &[], &["locale"]));
    assert!(message.contains("would still have `locale`") && message.contains("billform.yaml:17:9"), "{message}");
    let (message, _) = refused(remove(&whole, "acme"));
    assert!(message.contains("`&first`") && message.contains("billform.yaml:17:9"), "{message}");
    // Within one tenant, too.
    let name = with(&whole, &[("name: Acme\n", "name: &name Acme\n"), ("{ Client: Acme }", "{ Client: *name }")]);
    let (message, _) = refused(set(&name, "acme", &[("name", text("Other"))], &[]));
    assert!(message.contains("`tenants[0].tags.Client` too"), "{message}");
    let tags = with(&whole, &[("tags: { <<: *tags, Client: Cobalt }", "tags: *tags")]);
    let wanted = Written::Map(vec![("Client".to_owned(), "Cobalt".to_owned())]);
    let edit = set(&tags, "cobalt", &[("tags", wanted)], &[]);
    assert!(edit.is_err(), "{edit:?}");
}

#[test]
fn a_problem_in_what_is_repeated_names_the_alias() {
    let wrong = with(&format!("{HEAD}{TENANTS}"), &[("\"20.00 USD\"", "\"20.00 XXX\"")]);
    let problems = read(&wrong).expect_err("no currency");
    assert!(problems.iter().all(|problem| (problem.line, problem.column) == (16, 21)), "{problems:#?}");
    let hints: Vec<&str> = problems.iter().filter_map(|problem| problem.hint.as_deref()).collect();
    assert!(hints.iter().any(|hint| hint.ends_with("the alias in line 17, column 9, repeats it")), "{hints:#?}");
}

#[test]
fn the_standard_form_keeps_anchors() {
    let loose = with(
        &format!("{HEAD}{TENANTS}"),
        &[
            ("&first\n    id", "&first   # who\n    id"),
            ("&tags { Client: Acme }", "&tags {Client:   Acme}"),
            ("&email b", "&email   b"),
        ],
    );
    let form = formatted(&file(&loose), 0).expect("a form").after.expect("a text");
    let budgets = "budgets: { alerts: [] }\n";
    let ordered = format!("{HEAD}{budgets}{}", TENANTS.replace(budgets, ""));
    assert_eq!(form, with(&ordered, &[("&first\n    id", "&first   # who\n    id")]));
    assert_eq!(formatted(&file(&form), 0).expect("a form").after, Some(form.clone()));
    // The model has `budgets` before `tenants`: put there, the alias would stand above its anchor.
    let parted = with(
        &loose,
        &[("    locale: de-DE\n", "    locale:   de-DE\n"), ("alerts: []", "default: *budget, alerts: []")],
    );
    read(&parted).expect("sound");
    let form = formatted(&file(&parted), 0).expect("a form").after.expect("a text");
    assert!(
        form.contains("    locale: de-DE\n") && form.ends_with("budgets: { default: *budget, alerts: [] }\n"),
        "{form}"
    );
    assert_eq!(formatted(&file(&form), 0).expect("a form").after, Some(form.clone()));
}

/// A manifest whose tenants repeat each other's values in several ways, with comments.
fn manifests() -> impl Strategy<Value = String> {
    let tenant = (0..5_usize, any::<[bool; 2]>());
    (prop::collection::vec(tenant, 1..5), any::<[bool; 2]>()).prop_map(|(tenants, [windows, end])| {
        let mut text = format!(
            "{HEAD}tenants:\n  - &base\n    id: t0 # the first\n    name: &name T\n    email: &email t@t.example\n    tags: &tags {{ Client: T0 }}\n    budget: &budget \"7.00 USD\" # right\n"
        );
        for (index, (style, [above, right])) in tenants.into_iter().enumerate() {
            let index = index + 1;
            let comment = if right { format!(" # right of {index}") } else { String::new() };
            if above {
                text.push_str(&format!("  # above {index}\n"));
            }
            let tenant = match style {
                0 => format!("  - {{ <<: *base, id: t{index}, tags: {{ Client: T{index} }} }}{comment}\n"),
                1 => format!("  - id: t{index}{comment}\n    <<: [*base]\n    tags:\n      <<: *tags\n      Client: T{index}\n"),
                2 => format!("  - &own{index}\n    id: t{index}{comment}\n    name: *name\n    email: *email\n    tags: &tags{index} {{ Client: T{index} }}\n    budget: *budget\n"),
                3 => format!("  - {{ id: t{index}, name: *name, email: &email{index} u@t.example, tags: {{ Client: &c{index} T{index} }}, budget: *budget }}{comment}\n"),
                _ => format!("  - id: t{index}\n    name: Nom\n    email: n@t.example{comment}\n    tags: {{ Client: T{index} }}\n    budget: \"8.00 USD\"\n"),
            };
            text.push_str(&tenant);
        }
        text.push_str("# the end\nbudgets: { alerts: [] }\n");
        if !end {
            text.truncate(text.trim_end().len());
        }
        if windows { text.replace('\n', "\r\n") } else { text }
    })
}

/// What a tenant's budget and name are, and of all others everything.
fn tenants(text: &str, but: &str) -> String {
    let manifest = read(text).expect("sound");
    let others: Vec<_> = manifest.tenants.iter().filter(|tenant| tenant.id != but).collect();
    format!("{others:?} {:?}", manifest.pricing)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn an_edit_keeps_every_other_byte_or_is_refused_with_a_place(text in manifests(), pick in any::<prop::sample::Index>()) {
        let count = text.matches("id: t").count();
        let id = format!("t{}", pick.index(count));
        let lines = |text: &str| -> Vec<String> { text.split_inclusive('\n').map(str::to_owned).collect() };

        match set(&text, &id, &[("budget", Written::Text("9.99 USD".to_owned()))], &[]) {
            Ok(edit) => {
                let after = edit.after.expect("a text");
                prop_assert_eq!(tenants(&after, &id), tenants(&text, &id));
                let set = |text: &str| format!("{:?}", read(text).expect("sound").tenant(&id).expect("is there").budget);
                prop_assert_ne!(set(&after), set(&text));
                let (old, new) = (lines(&text), lines(&after));
                // One line is another, or one more.
                let same = old.iter().zip(&new).take_while(|(one, other)| one == other).count();
                let tail = old.iter().rev().zip(new.iter().rev()).take_while(|(one, other)| one == other).count();
                prop_assert!(new.len() - same.max(new.len().min(same)) <= tail + 1, "{}\n{}", text, after);
                prop_assert!(new.len() == old.len() || new.len() == old.len() + 1);
            }
            Err(Refusal::Impossible(message, _)) => {
                // The first tenant's is the others', unless all have their own.
                prop_assert!(id == "t0" && message.contains("the alias at billform.yaml:"), "{}\n{}", message, text);
            }
            Err(refused) => prop_assert!(false, "{:?}", refused),
        }
        let added = add(&text, "zeta").expect("an edit").after.expect("a text");
        prop_assert_eq!(tenants(&added, "zeta"), tenants(&text, "zeta"));
        let back = remove(&added, "zeta").expect("an edit").after.expect("a text");
        prop_assert_eq!(&back, &text);

        match remove(&text, &id) {
            Ok(edit) => {
                let after = edit.after.expect("a text");
                prop_assert_eq!(tenants(&after, &id), tenants(&text, &id));
                let kept = lines(&after);
                let mut old = lines(&text).into_iter();
                for line in kept {
                    prop_assert!(old.any(|known| known == line), "{:?} is new in\n{}", line, after);
                }
            }
            Err(Refusal::Impossible(message, _)) => prop_assert!(id == "t0" && message.contains("holds the anchor"), "{}", message),
            Err(refused) => prop_assert!(false, "{:?}", refused),
        }

        let form = formatted(&file(&text), 0).expect("a form").after.expect("a text");
        prop_assert_eq!(tenants(&form, ""), tenants(&text, ""));
        let again = formatted(&file(&form), 0).expect("a form").after.expect("a text");
        prop_assert_eq!(again, form);
    }
}
