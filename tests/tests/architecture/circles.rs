//! No two modules of a package import each other, directly or by way of others: each can be read, tested and moved
//! without the rest.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use crate::modules::{Imports, Package};
use crate::{allowed, sources};

/// Circles that there are and that are to go: the package and its modules. One that has gone is taken off this list.
const KNOWN: &[(&str, &[&str])] = &[
    ("localstripe", &["objects::balance_transaction", "objects::payment::page", "request", "state"]),
    (
        "localstripe",
        &[
            "objects::checkout_session::complete",
            "objects::checkout_session::payment",
            "objects::payment::attempt",
            "objects::payment::intent",
            "objects::payment::intent::capture",
            "objects::payment::intent::confirm",
            "objects::payment::intent::create",
            "objects::payment::invoice_payment",
            "objects::payment::invoice_payment::attach",
        ],
    ),
    (
        "localstripe",
        &["objects::payment::method", "objects::payment::method::card", "objects::payment::method::create"],
    ),
    (
        "localstripe",
        &[
            "objects::payment::test_method",
            "objects::payment::test_method::card",
            "objects::payment::test_method::sepa",
            "objects::payment::test_method::us_bank_account",
        ],
    ),
    ("localcloud", &["admin", "gateway"]),
    ("localcloud", &["costs", "costs::allocation", "costs::explorer", "costs::lookup", "costs::usage"]),
];

/// Modules that all import each other, directly or by way of others.
type Circle = BTreeSet<String>;

#[test]
fn no_modules_of_a_package_import_each_other_in_a_circle() {
    let mut wrong = Vec::new();
    for (package, allowed) in allowed() {
        let imports = Package::read(&files(&allowed.folder.join("src"))).imports();
        assert!(!imports.is_empty(), "{package} has no modules");
        let known = KNOWN.iter().filter(|(of, _)| *of == package);
        let known: BTreeSet<Circle> = known.map(|(_, modules)| set(modules)).collect();
        let found: BTreeSet<Circle> = circles(&imports).into_iter().collect();
        wrong.extend(found.difference(&known).map(|circle| format!("{package}: {}", described(circle, &imports))));
        wrong.extend(
            known.difference(&found).map(|circle| format!("{package}: {circle:?} has gone; take it off the list")),
        );
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Every source of a package with its path below `src`.
fn files(folder: &Path) -> Vec<(String, String)> {
    let read = sources(folder).into_iter().map(|path| {
        let below = path.strip_prefix(folder).expect("a file of the folder");
        let below = below.iter().map(|part| part.to_string_lossy()).collect::<Vec<_>>().join("/");
        (below, fs::read_to_string(&path).expect("a source"))
    });
    read.collect()
}

/// The circles among modules, each as large as it is.
fn circles(imports: &Imports) -> Vec<Circle> {
    let reached: BTreeMap<&String, BTreeSet<&String>> =
        imports.keys().map(|module| (module, reachable(module, imports))).collect();
    let mut found = Vec::new();
    let mut placed = BTreeSet::new();
    for module in imports.keys() {
        if placed.contains(module) || !reached[module].contains(module) {
            continue;
        }
        let is_in = |other: &&&String| reached.get(*other).is_some_and(|back| back.contains(module));
        let circle: Circle = reached[module].iter().filter(is_in).map(|other| (*other).clone()).collect();
        placed.extend(circle.iter().cloned());
        found.push(circle);
    }
    found
}

/// What a module imports, and what that imports, and so on; itself only when a circle leads back.
fn reachable<'a>(module: &str, imports: &'a Imports) -> BTreeSet<&'a String> {
    let mut found = BTreeSet::new();
    let mut open: Vec<&String> = imports[module].iter().collect();
    while let Some(next) = open.pop() {
        if found.insert(next) {
            open.extend(imports.get(next).into_iter().flatten());
        }
    }
    found
}

/// A circle with the imports that close it.
fn described(circle: &Circle, imports: &Imports) -> String {
    let within = |module: &String| {
        let inside: Vec<&str> = imports[module].intersection(circle).map(String::as_str).collect();
        format!("    {module} imports {}", inside.join(", "))
    };
    let lines: Vec<String> = circle.iter().map(within).collect();
    format!("{circle:?} import each other:\n{}", lines.join("\n"))
}

fn set(names: &[&str]) -> Circle {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// The circles of a made-up package.
fn circles_of(files: &[(&str, &str)]) -> Vec<Circle> {
    let files: Vec<(String, String)> =
        files.iter().map(|(file, text)| ((*file).to_owned(), (*text).to_owned())).collect();
    circles(&Package::read(&files).imports())
}

#[test]
fn a_circle_is_found_however_it_is_written() {
    let root = ("lib.rs", "pub mod a;\npub mod b;\npub mod c;\npub use b::Thing;\n");
    let straight =
        [root, ("a.rs", "use crate::b::Thing; fn f() {}"), ("b.rs", "pub struct Thing;"), ("c.rs", "fn f() {}")];
    assert!(circles_of(&straight).is_empty());
    for back in [
        "use crate::a::F; pub struct Thing;",
        "use super::a::{self, F}; pub struct Thing;",
        "use crate::{a::F, c}; pub struct Thing;",
        "pub struct Thing; fn g() { crate::a::f(); }",
        "pub struct Thing(super::a::F);",
        "use crate::a as other; pub struct Thing; fn g() { other::f(); }",
        "use super::*; pub struct Thing; fn g() { super::a::f() }",
    ] {
        let package = [root, straight[1], ("b.rs", back), straight[3]];
        assert_eq!(circles_of(&package), [set(&["a", "b"])], "{back}");
    }
    let long = [
        root,
        ("a.rs", "use crate::Thing; fn f() {}"),
        ("b.rs", "use crate::c::f; pub struct Thing;"),
        ("c.rs", "pub fn f() { let _ = crate::a::f(); }"),
    ];
    assert_eq!(circles_of(&long), [set(&["a", "b", "c"])], "the root stands for what it re-exports");
}

#[test]
fn text_comments_and_test_code_import_nothing() {
    let root = ("lib.rs", "pub mod a;\npub mod b;\n");
    for harmless in [
        "// crate::a::F\n/* crate::a::F */ pub struct Thing;",
        "/// See [`crate::a::F`].\npub struct Thing;",
        "pub const TEXT: &str = \"crate::a::F\"; pub const RAW: &str = r#\"crate::a::F \"quoted\" \"#; pub const C: char = '\"';",
        "pub struct Thing;\n#[cfg(test)]\nmod tests { use crate::a::F; fn t() { if true { } } }",
        "pub struct Thing;\n#[cfg(test)]\nmod tests;",
    ] {
        let tests = ("b/tests.rs", "use crate::a::F;");
        let package = [root, ("a.rs", "use crate::b::Thing; fn f() {}"), ("b.rs", harmless), tests];
        assert!(circles_of(&package).is_empty(), "{harmless}");
    }
    let after = "#[cfg(test)]\nmod tests { fn t() {} }\nuse crate::a::F;\nfn g() {}";
    let package = [root, ("a.rs", "use crate::b::Thing; fn f() {}"), ("b.rs", after)];
    assert_eq!(circles_of(&package).len(), 1, "what follows test code counts");
}

#[test]
fn a_private_child_is_a_part_of_its_parent_and_a_public_one_is_not() {
    let parent = |visibility: &str| format!("{visibility} mod child;\npub struct Owned;\nfn f() {{ child::g(); }}");
    let child = ("whole/child.rs", "use super::Owned; pub fn g() {}");
    let (private, public) = (parent(""), parent("pub"));
    let root = ("lib.rs", "pub mod whole;\npub mod other;\n");
    let other = ("other.rs", "fn f() {}");
    assert!(circles_of(&[root, other, ("whole.rs", &private), child]).is_empty());
    assert_eq!(circles_of(&[root, other, ("whole.rs", &public), child]), [set(&["whole", "whole::child"])]);

    let out = ("whole/child.rs", "use crate::other::F; pub fn g() {}");
    let back = ("other.rs", "use crate::whole::Owned; fn f() {}");
    let circle = set(&["other", "whole", "whole::child"]);
    assert_eq!(circles_of(&[root, back, ("whole.rs", &private), out]), [circle], "a part's imports are the whole's");

    let parts = "mod one;\nmod two;\npub struct Owned;\nfn f() { one::g(); two::g(); }";
    let (one, two) = (
        ("whole/one.rs", "use super::two; pub fn g() { two::g() }"),
        ("whole/two.rs", "use super::one::g;\nfn h() {}"),
    );
    assert_eq!(circles_of(&[root, other, ("whole.rs", parts), one, two]), [set(&["whole::one", "whole::two"])]);
}
