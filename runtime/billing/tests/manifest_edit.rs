//! Edits of a manifest's text: the five ways to write one, and what no edit may lose.

mod bundle;

use billing::manifest::Source;
use billing::manifest::edit::{
    FileEdit, Refusal, TenantEdit, Written, add_tenant, formatted, remove_tenant, set_tenant,
};
use proptest::prelude::*;

const HEAD: &str = "version: 1
project: client-billing
aws: { account: \"123456789012\", region: us-east-1 }
attribution: { tenant_tag: Client }
pricing:
  premium: { markup: \"8%\" }
  basic: {}
";

/// Tenants a line each, in comments' company.
const BLOCK: &str = "tenants: # who is billed
  # since 2021
  - id: acme
    name: Acme # of Toledo
    email: billing@acme.example
    tags:
      Client: Acme
    # acme's own

  # the second
  - id: bluefin
    name: 'Bluefin'
    email: billing@bluefin.example
    tags:
      Client: Bluefin
    budget: \"20.00 USD\" # a month
    # bluefin's own

# about budgets
budgets: { alerts: [] }
";

const FLOW: &str = "tenants:
  - { id: acme, name: Acme, email: a@acme.example, tags: { Client: Acme } } # first
  - { id: bluefin, name: Bluefin, email: b@bluefin.example, tags: { Client: Bluefin }, budget: \"20.00 USD\" }
  # - { id: gone }
budgets: { alerts: [] }
";

fn file(text: &str) -> Vec<Source> {
    vec![Source { path: "billform.yaml".to_owned(), text: text.to_owned() }]
}

fn folder(base: &str, beside: &[(&str, &str)]) -> Vec<Source> {
    let beside = beside.iter().map(|(path, text)| Source { path: (*path).to_owned(), text: (*text).to_owned() });
    file(base).into_iter().chain(beside).collect()
}

fn fields(id: &str) -> Vec<(String, Written)> {
    let text = |text: &str| Written::Text(text.to_owned());
    vec![
        ("tags".to_owned(), Written::Map(vec![("Client".to_owned(), id.to_uppercase())])),
        ("name".to_owned(), text(&format!("{id}: Ltd"))),
        ("email".to_owned(), text(&format!("{id}@example.com"))),
        ("pricing".to_owned(), text("premium")),
    ]
}

fn add(sources: &[Source], id: &str, beside: Option<&str>) -> Result<FileEdit, Refusal> {
    let handlers = bundle::handlers();
    let at = TenantEdit { sources, environment: None, handlers: &handlers };
    add_tenant(&at, id, &fields(id), beside)
}

fn set(sources: &[Source], id: &str, given: &[(&str, Written)], unset: &[&str]) -> Result<FileEdit, Refusal> {
    let handlers = bundle::handlers();
    let at = TenantEdit { sources, environment: None, handlers: &handlers };
    let given: Vec<(String, Written)> = given.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
    let unset: Vec<String> = unset.iter().map(|key| (*key).to_owned()).collect();
    set_tenant(&at, id, &given, &unset)
}

fn remove(sources: &[Source], id: &str) -> Result<FileEdit, Refusal> {
    let handlers = bundle::handlers();
    remove_tenant(&TenantEdit { sources, environment: None, handlers: &handlers }, id)
}

/// The lines that an edit took (`-`) and brought (`+`), as a comparison of lines without context shows them.
fn changes(edit: &FileEdit) -> Vec<String> {
    let lines = |text: &Option<String>| -> Vec<String> {
        text.as_deref().unwrap_or_default().split_inclusive('\n').map(str::to_owned).collect()
    };
    let (before, after) = (lines(&edit.before), lines(&edit.after));
    let same = before.iter().zip(&after).take_while(|(one, other)| one == other).count();
    let (old, new) = (&before[same..], &after[same..]);
    let tail = old.iter().rev().zip(new.iter().rev()).take_while(|(one, other)| one == other).count();
    let old = old[..old.len() - tail].iter().map(|line| format!("-{line}"));
    let new = new[..new.len() - tail].iter().map(|line| format!("+{line}"));
    old.chain(new).collect()
}

fn text(value: &str) -> Written {
    Written::Text(value.to_owned())
}

#[test]
fn a_block_gets_a_tenant_in_its_style() {
    let edit = add(&file(&format!("{HEAD}{BLOCK}")), "cobalt", None).expect("an edit");
    let added = [
        "+  - id: cobalt\n",
        "+    name: \"cobalt: Ltd\"\n",
        "+    email: cobalt@example.com\n",
        "+    tags:\n",
        "+      Client: COBALT\n",
        "+    pricing: premium\n",
        "+\n",
    ];
    assert_eq!(changes(&edit), added);
    let after = edit.after.expect("a text");
    assert!(after.contains("# bluefin's own\n\n  - id: cobalt\n"), "{after}");
    assert!(after.contains("pricing: premium\n\n# about budgets\n"), "{after}");
}

#[test]
fn flow_tenants_get_one_on_a_line_of_its_own() {
    let edit = add(&file(&format!("{HEAD}{FLOW}")), "cobalt", None).expect("an edit");
    let line = "+  - { id: cobalt, name: \"cobalt: Ltd\", email: cobalt@example.com, tags: { Client: COBALT }, pricing: premium }\n";
    assert_eq!(changes(&edit), [line]);
}

#[test]
fn brackets_get_one_more_element() {
    let one = "{ id: acme, name: Acme, email: a@acme.example, tags: { Client: Acme } }";
    let new =
        "{ id: cobalt, name: \"cobalt: Ltd\", email: cobalt@example.com, tags: { Client: COBALT }, pricing: premium }";
    let cases = [
        (format!("tenants: [{one}]\n"), format!("tenants: [{one}, {new}]\n")),
        (format!("tenants: [\n  {one}, # first\n]\n"), format!("tenants: [\n  {one}, # first\n  {new},\n]\n")),
        (format!("tenants: [\n  {one} # first\n]\n"), format!("tenants: [\n  {one}, # first\n  {new}\n]\n")),
        (format!("tenants: [\n  {one}]\n"), format!("tenants: [\n  {one},\n  {new}]\n")),
        (format!("tenants: [ {one}, ]\n"), format!("tenants: [ {one}, {new} ]\n")),
    ];
    for (before, after) in cases {
        let edit = add(&file(&format!("{HEAD}{before}")), "cobalt", None).expect("an edit");
        assert_eq!(edit.after, Some(format!("{HEAD}{after}")));
    }
}

#[test]
fn the_first_tenant_starts_the_list() {
    let list = "  - id: cobalt\n    name: \"cobalt: Ltd\"\n    email: cobalt@example.com\n    tags: { Client: COBALT }\n    pricing: premium\n";
    let beside = [("tenants/zeta.yaml", "id: zeta\nname: Z\nemail: z@example.com\ntags: { Client: Z }\n")];
    for (before, after) in
        [("tenants: [] # none yet\n", format!("tenants: # none yet\n{list}")), ("", format!("tenants:\n{list}"))]
    {
        let edit = add(&folder(&format!("{HEAD}{before}"), &beside), "cobalt", None).expect("an edit");
        assert_eq!(edit.after, Some(format!("{HEAD}{after}")));
    }
}

#[test]
fn a_folder_gets_a_file() {
    let beside = [("tenants/zeta.yaml", "id: zeta\nname: Z\nemail: z@example.com\ntags: { Client: Z }\n")];
    let edit = add(&folder(HEAD, &beside), "cobalt", Some("tenants")).expect("an edit");
    assert_eq!((edit.path.as_str(), &edit.before), ("tenants/cobalt.yaml", &None));
    let whole =
        "id: cobalt\nname: \"cobalt: Ltd\"\nemail: cobalt@example.com\ntags:\n  Client: COBALT\npricing: premium\n";
    assert_eq!(edit.after.as_deref(), Some(whole));
    let both = edit.applied(&folder(HEAD, &beside));
    let changed = set(&both, "cobalt", &[("name", text("Cobalt"))], &[]).expect("an edit");
    assert_eq!(changes(&changed), ["-name: \"cobalt: Ltd\"\n", "+name: \"Cobalt\"\n"]);
    let gone = remove(&both, "cobalt").expect("an edit");
    assert_eq!((gone.path.as_str(), gone.after), ("tenants/cobalt.yaml", None));
}

#[test]
fn an_environments_tenants_are_edited_in_its_file() {
    let overlay = "tenants:\n  - { id: acme, name: Acme, email: a@acme.example, tags: { Client: Acme } }\n";
    let sources = folder(&format!("{HEAD}environment: test\n{BLOCK}"), &[("environments/test.yaml", overlay)]);
    let edit = add(&sources, "cobalt", Some("tenants")).expect("an edit");
    assert_eq!(edit.path, "environments/test.yaml");
    assert!(matches!(remove(&sources, "bluefin"), Err(Refusal::Impossible(message, _)) if message.contains("bluefin")));
}

#[test]
fn line_breaks_and_a_mark_stay_as_they_are() {
    let windows = format!("\u{feff}{HEAD}{BLOCK}").replace('\n', "\r\n");
    let sources = file(&windows);
    for edit in [
        add(&sources, "cobalt", None).expect("an edit"),
        set(&sources, "acme", &[("budget", text("5.00 USD"))], &[]).expect("an edit"),
        remove(&sources, "bluefin").expect("an edit"),
    ] {
        let after = edit.after.expect("a text");
        assert!(after.starts_with('\u{feff}'));
        assert_eq!(after.matches('\n').count(), after.matches("\r\n").count(), "{after}");
    }
    let unfinished = format!("{HEAD}{}", FLOW.lines().take(2).collect::<Vec<_>>().join("\n"));
    let edit = add(&file(&unfinished), "cobalt", None).expect("an edit");
    let after = edit.after.expect("a text");
    assert!(after.starts_with(&unfinished) && !after.ends_with('\n'), "{after}");
}

#[test]
fn values_are_set_in_the_quotes_they_had() {
    let sources = file(&format!("{HEAD}{BLOCK}"));
    let edit =
        set(&sources, "bluefin", &[("name", text("Blue's")), ("budget", text("30.00 USD"))], &[]).expect("an edit");
    assert_eq!(
        changes(&edit),
        [
            "-    name: 'Bluefin'\n",
            "-    email: billing@bluefin.example\n",
            "-    tags:\n",
            "-      Client: Bluefin\n",
            "-    budget: \"20.00 USD\" # a month\n",
            "+    name: 'Blue''s'\n",
            "+    email: billing@bluefin.example\n",
            "+    tags:\n",
            "+      Client: Bluefin\n",
            "+    budget: \"30.00 USD\" # a month\n",
        ]
    );
}

#[test]
fn a_new_key_stands_where_the_model_has_it() {
    let sources = file(&format!("{HEAD}{BLOCK}"));
    let edit = set(&sources, "acme", &[("locale", text("de-DE"))], &[]).expect("an edit");
    assert_eq!(changes(&edit), ["+    locale: de-DE\n"]);
    let after = edit.after.expect("a text");
    assert!(after.contains("email: billing@acme.example\n    locale: de-DE\n    tags:"), "{after}");
    let flow = file(&format!("{HEAD}{FLOW}"));
    let edit = set(&flow, "acme", &[("locale", text("de-DE")), ("budget", text("5.00 USD"))], &[]).expect("an edit");
    let line = "+  - { id: acme, name: Acme, email: a@acme.example, locale: de-DE, tags: { Client: Acme }, budget: 5.00 USD } # first\n";
    assert_eq!(changes(&edit)[1], line);
}

#[test]
fn keys_are_taken_out() {
    let sources = file(&format!("{HEAD}{BLOCK}"));
    let edit = set(&sources, "bluefin", &[], &["budget"]).expect("an edit");
    assert_eq!(changes(&edit), ["-    budget: \"20.00 USD\" # a month\n"]);
    let edit = set(&file(&format!("{HEAD}{FLOW}")), "bluefin", &[], &["budget"]).expect("an edit");
    assert!(changes(&edit)[1].ends_with("tags: { Client: Bluefin } }\n"), "{edit:?}");
    let refused = set(&sources, "acme", &[], &["budget"]).expect_err("no such key");
    assert!(matches!(refused, Refusal::Impossible(message, _) if message.contains("no `budget`")));
}

/// A tag's values by day stay: other keys are set beside them, and one value does not replace them all.
#[test]
fn values_by_day_are_not_replaced_by_one_without_a_day() {
    let flow = "tenants:\n  - id: acme\n    name: Acme\n    email: a@acme.example\n    tags: { Client: [{ value: A }, { value: B, from: 2026-12-01 }] }\n";
    let block = flow.replace(
        "{ Client: [{ value: A }, { value: B, from: 2026-12-01 }] }",
        "\n      Client:\n        - value: A\n        - value: B\n          from: 2026-12-01",
    );
    for tenant in [flow, &block] {
        let sources = file(&format!("{HEAD}{tenant}"));
        let edit = set(&sources, "acme", &[("name", text("Acme Ltd"))], &[]).expect("an edit");
        assert_eq!(changes(&edit)[1], "+    name: Acme Ltd\n");
        let tags = Written::Map(vec![("Client".to_owned(), "C".to_owned())]);
        let refused = set(&sources, "acme", &[("tags", tags)], &[]).expect_err("the days would be lost");
        assert!(matches!(refused, Refusal::Impossible(message, _) if message.contains("`Client` has values by day")));
    }
}

#[test]
fn lists_are_written_anew() {
    let tenant = "tenants:\n  - name: Acme\n    id: acme\n    email: a@acme.example\n    tags: { Client: Acme }\n    pricing:\n      - premium\n    budget_emails: [a@acme.example]\n";
    let sources = file(&format!("{HEAD}{tenant}"));
    let edit = set(&sources, "acme", &[("pricing", text("basic"))], &["budget_emails"]).expect("an edit");
    let after = edit.after.expect("a text");
    assert!(after.ends_with("tags: { Client: Acme }\n    pricing: [basic]\n"), "{after}");
}

#[test]
fn a_tenant_goes_with_its_lines_alone() {
    let edit = remove(&file(&format!("{HEAD}{BLOCK}")), "acme").expect("an edit");
    let after = edit.after.expect("a text");
    assert!(after.contains("tenants: # who is billed\n  # since 2021\n  # the second\n  - id: bluefin"), "{after}");
    let edit = remove(&file(&format!("{HEAD}{FLOW}")), "bluefin").expect("an edit");
    assert_eq!(changes(&edit).len(), 1, "{edit:?}");
    let one = "tenants: [{ id: acme, name: A, email: a@acme.example, tags: { Client: A } }, { id: bluefin, name: B, email: b@b.example, tags: { Client: B } }]\n";
    for (id, rest) in [
        ("acme", "[{ id: bluefin, name: B, email: b@b.example, tags: { Client: B } }]"),
        ("bluefin", "[{ id: acme, name: A, email: a@acme.example, tags: { Client: A } }]"),
    ] {
        let edit = remove(&file(&format!("{HEAD}{one}")), id).expect("an edit");
        assert_eq!(edit.after, Some(format!("{HEAD}tenants: {rest}\n")));
    }
}

#[test]
fn a_comment_that_an_edit_would_lose_stays_or_the_edit_is_refused() {
    let beside = [("tenants/zeta.yaml", "id: zeta\nname: Z\nemail: z@example.com\ntags: { Client: Z }\n")];
    let empty = folder(&format!("{HEAD}tenants: [\n  # ask Ana\n]\n"), &beside);
    let refused = add(&empty, "cobalt", None).expect_err("a comment");
    assert!(matches!(refused, Refusal::Impossible(_, hint) if hint.contains("lost")));

    let emails = "tenants:\n  - id: acme\n    name: A\n    email: a@a.example\n    tags: { Client: A }\n    budget_emails:\n      - a@a.example # by phone\n";
    let given = ("budget_emails", Written::List(vec!["b@b.example".to_owned()]));
    let refused = set(&file(&format!("{HEAD}{emails}")), "acme", &[given], &[]).expect_err("a comment");
    assert!(matches!(refused, Refusal::Impossible(message, _) if message.contains("budget_emails")));

    let acme = "{ id: acme, name: A, email: a@a.example, tags: { Client: A } }";
    let only = format!("{HEAD}tenants: [ # ask Ana\n  # keep sorted\n  {acme},\n  # the end\n]\n");
    let edit = remove(&folder(&only, &beside), "acme").expect("an edit");
    assert_eq!(comments(edit.after.as_deref().expect("a text")), ["# ask Ana", "# keep sorted", "# the end"]);

    let second = acme.replace("acme", "beta").replace("A }", "B }");
    let last = format!("{HEAD}tenants: [{acme}, # why\n  {second}]\n");
    let edit = remove(&file(&last), "beta").expect("an edit");
    assert_eq!(edit.after, Some(format!("{HEAD}tenants: [{acme} # why\n  ]\n")));
}

#[test]
fn a_file_that_is_there_is_not_taken_for_a_new_tenants() {
    let taken = [("tenants/cobalt.yaml", "id: zeta\nname: Z\nemail: z@example.com\ntags: { Client: Z }\n")];
    let refused = add(&folder(HEAD, &taken), "cobalt", Some("tenants")).expect_err("taken");
    assert!(matches!(refused, Refusal::Impossible(message, _) if message.contains("tenants/cobalt.yaml is there")));
}

#[test]
fn the_standard_form_knows_marks_and_brackets() {
    for text in [
        format!("\u{feff}{HEAD}{BLOCK}"),
        format!("\u{feff}# ours\r\n{}", format!("{HEAD}{BLOCK}").replace('\n', "\r\n")),
    ] {
        let form = formatted(&file(&text), 0).expect("a form").after.expect("a text");
        assert!(form.starts_with('\u{feff}'));
        assert_eq!(formatted(&file(&form), 0).expect("a form").after, Some(form.clone()));
    }
    let flow = "# Licence\n# second\n{\"version\": 1, \"project\": \"p\"}\n";
    let form = formatted(&file(flow), 0).expect("a form").after.expect("a text");
    assert!(form.starts_with("# Licence\n# second\n{"), "{form}");
}

#[test]
fn what_validate_would_refuse_is_refused() {
    let sources = file(&format!("{HEAD}{BLOCK}"));
    for given in
        [("currency", text("XXX")), ("pricing", text("prenium")), ("email", text("nobody")), ("nonsense", text("1"))]
    {
        let refused = set(&sources, "acme", std::slice::from_ref(&given), &[]).expect_err("refused");
        assert!(matches!(&refused, Refusal::Unsound(problems) if !problems.is_empty()), "{given:?}: {refused:?}");
    }
    let twice = add(&sources, "acme", None).expect_err("taken");
    assert!(matches!(twice, Refusal::Impossible(message, _) if message.contains("already")));
}

#[test]
fn the_standard_form_orders_keys_and_keeps_comments() {
    let loose = "# Ours.

tenants:
    -   email: a@acme.example   # where
        id: acme
        # of Toledo
        name:   Acme
        tags: {Client:   Acme}
    # - id: later
aws: {account: \"123456789012\",region: us-east-1}   # the payer
# Which tag.
attribution:
        tenant_tag: Client


project: client-billing
version: 1";
    let form = "# Ours.

version: 1

project: client-billing
aws: { account: \"123456789012\", region: us-east-1 }   # the payer
# Which tag.
attribution:
  tenant_tag: Client

tenants:
  - id: acme
    # of Toledo
    name: Acme
    email: a@acme.example   # where
    tags: { Client: Acme }
  # - id: later
";
    let edit = formatted(&file(loose), 0).expect("a form");
    assert_eq!(edit.after.as_deref(), Some(form), "{}", edit.after.as_deref().unwrap_or_default());
}

#[test]
fn the_examples_are_in_the_standard_form() {
    for (path, text) in [
        ("manifests/mmp-toledo.yaml", include_str!("../../../manifests/mmp-toledo.yaml")),
        ("manifests/every-setting.yaml", include_str!("../../../manifests/every-setting.yaml")),
    ] {
        let sources = [Source { path: path.to_owned(), text: text.to_owned() }];
        let edit = formatted(&sources, 0).expect("a form");
        assert!(edit.after == edit.before, "{path}: run `billform fmt`\n{}", changes(&edit).concat());
    }
}

/// A manifest in one of the ways to write it, with comments in it.
fn manifests() -> impl Strategy<Value = String> {
    let tenant = (0..4_usize, any::<[bool; 4]>())
        .prop_map(|(style, [own, above, right, budget])| (style, own, above, right, budget));
    (prop::collection::vec(tenant, 1..5), any::<[bool; 3]>(), 0..3_usize).prop_map(|(tenants, [windows, spaced, end], indent)| {
        let mut text = format!("{HEAD}tenants:\n");
        let dash = " ".repeat(indent);
        for (index, (style, own, above, right, budget)) in tenants.into_iter().enumerate() {
            let comment = if right { format!(" # right of {index}") } else { String::new() };
            if above {
                text.push_str(&format!("{dash}# above {index}\n"));
            }
            let money = if budget { "\"7.00 USD\"" } else { "\"8.00 USD\"" };
            match style {
                0 => text.push_str(&format!("{dash}- {{ id: t{index}, name: T, email: t@t.example, tags: {{ Client: T{index} }}, budget: {money} }}{comment}\n")),
                1 => text.push_str(&format!("{dash}- id: t{index}{comment}\n{dash}  name: T\n{dash}  email: t@t.example\n{dash}  tags:\n{dash}    Client: T{index}\n{dash}  budget: {money}\n")),
                2 => text.push_str(&format!("{dash}- budget: {money}{comment}\n{dash}  name: 'T'\n{dash}  tags: {{ Client: T{index} }}\n{dash}  email: t@t.example\n{dash}  id: t{index}\n")),
                _ => text.push_str(&format!("{dash}-{comment}\n{dash}  id: t{index}\n{dash}  budget: {money}\n{dash}  email: \"t@t.example\"\n{dash}  name: T\n{dash}  tags: {{\n{dash}    Client: T{index} }}\n")),
            }
            if own {
                text.push_str(&format!("{dash}  # own of {index}\n"));
            }
            if spaced {
                text.push('\n');
            }
        }
        text.push_str("# the end\nbudgets: { alerts: [] }\n");
        if !end {
            text.truncate(text.trim_end().len());
        }
        if windows { text.replace('\n', "\r\n") } else { text }
    })
}

fn comments(text: &str) -> Vec<&str> {
    text.lines().filter_map(|line| line.find('#').map(|at| line[at..].trim_end())).collect()
}

proptest! {
    /// That the new manifest says what the old one did and the edit, every edit proves itself.
    #[test]
    fn no_edit_loses_a_comment_or_touches_another_line(text in manifests(), pick in any::<prop::sample::Index>()) {
        let sources = file(&text);
        let count = text.matches("id: t").count();
        let id = format!("t{}", pick.index(count));
        let old: Vec<&str> = text.split_inclusive('\n').collect();

        let added = add(&sources, "cobalt", None).expect("an edit").after.expect("a text");
        prop_assert_eq!(comments(&added), comments(&text));
        let mut rest = added.split_inclusive('\n');
        for line in &old {
            prop_assert!(rest.any(|new| new == *line), "{} lost {:?}", added, line);
        }

        let changed = set(&sources, &id, &[("budget", text_of("9.99 USD")), ("pricing", text_of("basic"))], &[]);
        let changed = changed.expect("an edit").after.expect("a text");
        prop_assert_eq!(comments(&changed), comments(&text));
        let untouched = old.iter().filter(|line| !line.contains("budget: \""));
        let mut rest = changed.split_inclusive('\n');
        for line in untouched {
            prop_assert!(rest.any(|new| new == *line), "{} lost {:?}", changed, line);
        }
        let back = set(&file(&changed), &id, &[], &["pricing"]).expect("an edit").after.expect("a text");
        prop_assert_eq!(comments(&back), comments(&text));

        if count > 1 {
            let removed = remove(&sources, &id).expect("an edit").after.expect("a text");
            let number = &id[1..];
            let theirs = |comment: &&str| *comment != format!("# right of {number}") && *comment != format!("# own of {number}");
            let kept: Vec<&str> = comments(&text).into_iter().filter(theirs).collect();
            prop_assert_eq!(comments(&removed), kept, "{}", removed);
        }
        // What was added can be removed, and all is as before.
        let back = remove(&file(&added), "cobalt").expect("an edit").after.expect("a text");
        prop_assert_eq!(back, text);
    }

    #[test]
    fn the_standard_form_is_reached_in_one_step(text in manifests()) {
        let form = formatted(&file(&text), 0).expect("a form").after.expect("a text");
        let mut kept = (comments(&form), comments(&text));
        kept.0.sort_unstable();
        kept.1.sort_unstable();
        prop_assert_eq!(kept.0, kept.1);
        let again = formatted(&file(&form), 0).expect("a form").after.expect("a text");
        prop_assert_eq!(again, form);
    }
}

fn text_of(value: &str) -> Written {
    text(value)
}
