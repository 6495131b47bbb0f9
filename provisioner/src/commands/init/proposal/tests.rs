use billing::manifest::{Manifest, Source, load};
use proptest::prelude::*;

use super::*;
use crate::stack;

const STARTER: &str = include_str!("../../../../../templates/billform.yaml");

fn customer(id: &str, name: &str) -> Found {
    let email = Some(format!("{id}@example.com"));
    Found { id: id.to_owned(), name: Some(name.to_owned()), email, ..Found::default() }
}

fn proposed(customers: impl IntoIterator<Item = Found>) -> (Proposal, String) {
    let mut proposal = Proposal::new("ClientOrganization");
    customers.into_iter().for_each(|customer| proposal.add(customer));
    let text = proposal.manifest(STARTER);
    (proposal, text)
}

fn read(text: &str) -> Manifest {
    let source = Source { path: "billform.yaml".to_owned(), text: text.to_owned() };
    load(&[source], None, &stack::handlers()).unwrap_or_else(|problems| panic!("{problems:#?}\n{text}"))
}

/// Every customer is imported where its tenant's customer stands.
fn assert_imported(manifest: &Manifest, ids: &[&str]) {
    let handlers = stack::handlers();
    let wanted = stack::Plan::of(manifest, &handlers);
    let graph = stack::graph(&wanted).expect("a graph");
    assert_eq!(stack::imports::strays(manifest, &graph), []);
    let imported: Vec<&str> = manifest.imports.iter().map(|import| import.id.as_str()).collect();
    assert_eq!(imported, ids);
    let at: Vec<String> = manifest.tenants.iter().map(|tenant| format!("stripe_customer.{}", tenant.id)).collect();
    assert!(manifest.imports.iter().map(|import| &import.to).eq(&at), "{at:?}");
}

fn tag(manifest: &Manifest, at: usize) -> &str {
    manifest.tenants[at].tags["ClientOrganization"].values().next().expect("a value")
}

#[test]
fn a_tenant_and_an_import_are_made_of_each_customer() {
    let customers = [
        Found {
            locale: Some("de".to_owned()),
            currency: Some("USD".to_owned()),
            ..customer("cus_1", "Müller & Söhne")
        },
        customer("cus_2", "Acme"),
        customer("cus_3", "Acme"),
        Found { email: None, ..customer("cus_4", "株式会社") },
        Found { id: "cus_5".to_owned(), ..Found::default() },
    ];
    let (proposal, text) = proposed(customers);
    let manifest = read(&text);
    assert_imported(&manifest, &["cus_1", "cus_2", "cus_3", "cus_4", "cus_5"]);
    let ids: Vec<&str> = manifest.tenants.iter().map(|tenant| tenant.id.as_str()).collect();
    assert_eq!(ids, ["mueller-soehne", "acme", "acme-2", "customer", "cus-5"]);
    let first = &manifest.tenants[0];
    assert_eq!((first.name.as_str(), first.email.as_str()), ("Müller & Söhne", "cus_1@example.com"));
    assert_eq!((first.locale.as_str(), first.currency), ("de", Some(Currency::USD)));
    assert_eq!(manifest.tenants[3].email, "missing@customer.invalid");
    assert_eq!(manifest.tenants[4].name, "cus_5", "it has no name and no address");
    assert_eq!(tag(&manifest, 0), "mueller-soehne", "AWS takes no ampersand");
    assert_eq!([tag(&manifest, 1), tag(&manifest, 2)], ["Acme", "acme-2"], "a value is one tenant's");
    assert_eq!(proposal.without_email, 2);
    assert!(text.contains("# Check that their AWS resources carry this value; it is the customer's name."), "{text}");
}

#[test]
fn the_tag_is_the_metadatas_where_that_has_one() {
    let metadata = |key: &str, value: &str| BTreeMap::from([(key.to_owned(), value.to_owned())]);
    let (_, text) = proposed([
        Found { metadata: metadata("client_organization", "ACME-Corp"), ..customer("cus_1", "Acme") },
        Found { metadata: metadata("ClientOrganization", "ACME-Corp"), ..customer("cus_2", "Beta") },
        Found { metadata: metadata("organization", "Ceta-Corp"), ..customer("cus_3", "Ceta") },
    ]);
    let manifest = read(&text);
    assert_eq!([tag(&manifest, 0), tag(&manifest, 1), tag(&manifest, 2)], ["ACME-Corp", "Beta", "Ceta"]);
}

#[test]
fn one_that_was_ours_keeps_its_tenant() {
    let (_, text) = proposed([
        customer("cus_1", "press"),
        Found { tenant: Some("press".to_owned()), ..customer("cus_2", "Minute Man Press") },
        Found { tenant: Some("mmp".to_owned()), ..customer("cus_3", "Minute Man Press") },
    ]);
    let ids: Vec<String> = read(&text).tenants.into_iter().map(|tenant| tenant.id).collect();
    assert_eq!(ids, ["press", "minute-man-press", "mmp"]);
}

#[test]
fn another_currency_asks_for_its_rate_and_an_unknown_one_is_left_out() {
    let (proposal, text) = proposed([
        Found { currency: Some("EUR".to_owned()), ..customer("cus_1", "Acme") },
        Found { currency: Some("XXX".to_owned()), ..customer("cus_2", "Beta") },
    ]);
    assert_eq!(proposal.currencies, BTreeSet::from(["EUR".to_owned()]));
    assert!(proposal.notes().iter().any(|note| note.contains("EUR")), "{:?}", proposal.notes());
    let source = Source { path: "billform.yaml".to_owned(), text };
    let problems = load(std::slice::from_ref(&source), None, &stack::handlers()).expect_err("no rate is stated");
    let [problem] = problems.as_slice() else { panic!("{problems:#?}") };
    assert!(problem.message.contains("no rate says what that is in EUR"), "{problem:#?}");
}

#[test]
fn without_customers_it_has_no_tenants() {
    let (proposal, text) = proposed([]);
    let manifest = read(&text);
    assert!(manifest.tenants.is_empty() && manifest.imports.is_empty());
    assert!(proposal.notes()[0].starts_with("0 tenants"), "{:?}", proposal.notes());
}

#[test]
fn what_looks_like_a_key_or_steers_a_terminal_is_left_out() {
    let key = format!("sk_{}_{}", "live", "a1b2c3d4e5f6g7h8");
    let (_, text) = proposed([
        customer("cus_1", &key),
        customer("cus_2", "Ac\u{1b}[31mme\u{202e}\nimports: []"),
        Found {
            metadata: BTreeMap::from([("ClientOrganization".to_owned(), key.clone())]),
            ..customer("cus_3", "Beta")
        },
    ]);
    assert!(!text.contains(&key) && !text.contains('\u{1b}'), "{text}");
    let manifest = read(&text);
    let names: Vec<&str> = manifest.tenants.iter().map(|tenant| tenant.name.as_str()).collect();
    assert_eq!(names, ["cus_1@example.com", "Ac[31mmeimports: []", "Beta"]);
    assert_imported(&manifest, &["cus_1", "cus_2", "cus_3"]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever customers are called, the manifest is sound and says just that.
    #[test]
    fn names_are_others_text_and_read_as_they_are(
        customers in proptest::collection::vec(
            (any::<String>(), proptest::option::of(any::<String>()), any::<String>(), any::<String>()), 0..6,
        ),
    ) {
        let made = customers.iter().enumerate().map(|(at, (name, email, key, value))| Found {
            id: format!("cus_{at}"),
            name: Some(name.clone()),
            email: email.clone(),
            metadata: BTreeMap::from([(key.clone(), value.clone()), ("ClientOrganization".to_owned(), value.clone())]),
            ..Found::default()
        });
        let (_, text) = proposed(made);
        let manifest = read(&text);
        prop_assert_eq!(manifest.imports.len(), customers.len());
        for ((name, ..), tenant) in customers.iter().zip(&manifest.tenants) {
            let plain: String = name.chars().filter(|c| !is_steering(*c)).collect();
            prop_assert!(plain == tenant.name || plain.trim().is_empty(), "{plain:?} is {:?}", tenant.name);
        }
    }
}
