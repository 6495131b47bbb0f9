//! Who may import whom, and what the pure packages never touch: the rules of the design, checked against the
//! manifests of the packages and the sources.

mod circles;
mod modules;
mod one_build;
mod structure;
mod tokens;
mod tools;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use tests::stage::checkout;
use toml::{Table, Value};

/// Every package's allowed dependencies; `dependencies.toml` says what its keys mean.
const ALLOWED: &str = include_str!("dependencies.toml");

/// The package that may import everything, and that nobody imports.
const TESTS: &str = "tests";

/// The packages that decide and never act.
const PURE: [&str; 3] = ["billing", "engine", "oracle"];

/// How the names of crates begin that only the edges may know.
const EDGES: &[&str] = &["tokio", "hyper", "http", "aws-", "async-stripe", "clap", "rustix", "getrandom", "tracing"];

/// Ways to the outside, as Rust writes them.
const OUTSIDE: &[&str] = &[
    "std::fs",
    "std::env",
    "std::io",
    "std::net",
    "std::process",
    "std::thread",
    "SystemTime",
    "Instant",
    "::now(",
    "tokio",
    "aws_",
    "reqwest",
    "println!",
];

/// What one package may depend on, and where it lies.
struct Allowed {
    folder: PathBuf,
    dependencies: BTreeSet<String>,
    in_tests: BTreeSet<String>,
}

fn table(text: &str) -> Table {
    text.parse().expect("TOML")
}

fn texts(table: &Table, key: &str) -> BTreeSet<String> {
    let list = table[key].as_array().unwrap_or_else(|| panic!("`{key}` is a list"));
    list.iter().map(|text| text.as_str().expect("a name").to_owned()).collect()
}

fn allowed() -> BTreeMap<String, Allowed> {
    let entry = |(package, entry): (String, Value)| {
        let entry = entry.as_table().expect("a package's table");
        let folder = entry["folder"].as_str().expect("a folder");
        let dependencies = texts(entry, "ours").union(&texts(entry, "others")).cloned().collect();
        let in_tests = texts(entry, "in_tests");
        (package, Allowed { folder: checkout().join(folder), dependencies, in_tests })
    };
    table(ALLOWED).into_iter().map(entry).collect()
}

fn manifest(folder: &Path) -> Table {
    table(&fs::read_to_string(folder.join("Cargo.toml")).expect("a package's manifest"))
}

fn dependencies(manifest: &Table, section: &str) -> BTreeSet<String> {
    let section = manifest.get(section).and_then(Value::as_table);
    section.map(|section| section.keys().cloned().collect()).unwrap_or_default()
}

/// What is there and not allowed, and what is allowed and not there.
fn differences(is: &BTreeSet<String>, may: &BTreeSet<String>) -> Vec<String> {
    let extra = is.difference(may).map(|name| format!("{name} is not allowed"));
    let missing = may.difference(is).map(|name| format!("{name} is listed and not used"));
    extra.chain(missing).collect()
}

/// Every Rust file below a folder.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder of sources").flatten().map(|entry| entry.path());
    let (folders, files): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir());
    let files = files.into_iter().filter(|path| path.extension().is_some_and(|extension| extension == "rs"));
    files.chain(folders.iter().flat_map(|folder| sources(folder))).collect()
}

/// `file:line` of every line of a text that says one of these.
fn lines_that_say(file: &Path, text: &str, words: &[&str]) -> Vec<String> {
    let lines = text.lines().enumerate();
    let said = lines.filter_map(|(number, line)| {
        let word = words.iter().find(|word| line.contains(**word))?;
        Some(format!("{}:{}: {word}", file.display(), number + 1))
    });
    said.collect()
}

fn said_in_sources(folder: &Path, words: &[&str]) -> Vec<String> {
    let files = sources(&folder.join("src"));
    assert!(!files.is_empty(), "{} has no sources", folder.display());
    files.iter().flat_map(|file| lines_that_say(file, &fs::read_to_string(file).expect("a source"), words)).collect()
}

#[test]
fn every_package_depends_on_what_its_list_says_and_nothing_else() {
    let mut wrong = Vec::new();
    for (package, allowed) in allowed() {
        let manifest = manifest(&allowed.folder);
        let of_package = |difference: String| format!("{package}: {difference}");
        let used = differences(&dependencies(&manifest, "dependencies"), &allowed.dependencies);
        let in_tests = differences(&dependencies(&manifest, "dev-dependencies"), &allowed.in_tests);
        wrong.extend(used.into_iter().chain(in_tests).map(of_package));
        for section in ["build-dependencies", "target"] {
            assert!(!manifest.contains_key(section), "{package}: `{section}` hides dependencies from this test");
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_package_of_the_workspace_has_its_list() {
    let root = manifest(checkout());
    let members: BTreeSet<PathBuf> = texts(root["workspace"].as_table().expect("a workspace"), "members")
        .iter()
        .filter(|member| *member != TESTS)
        .map(|member| checkout().join(member))
        .collect();
    let listed: BTreeSet<PathBuf> = allowed().into_values().map(|allowed| allowed.folder).collect();
    assert_eq!(members, listed);
}

#[test]
fn the_pure_packages_know_no_edge() {
    for package in PURE {
        let allowed = &allowed()[package];
        let is_edge = |name: &&String| EDGES.iter().any(|edge| name.starts_with(edge));
        let edges: Vec<&String> = allowed.dependencies.iter().filter(is_edge).collect();
        assert!(edges.is_empty(), "{package} depends on {edges:?}");
        let said = said_in_sources(&allowed.folder, OUTSIDE);
        assert!(said.is_empty(), "{package} reaches outside:\n{}", said.join("\n"));
    }
}

/// It decompresses and runs threads, but opens nothing, and knows no time. Columns of reports begin with `aws_`.
#[test]
fn the_reader_of_cost_reports_opens_nothing() {
    let allowed = &allowed()["cur"];
    let outside: Vec<&str> =
        OUTSIDE.iter().copied().filter(|way| !["std::io", "std::thread", "aws_"].contains(way)).collect();
    let said = said_in_sources(&allowed.folder, &outside);
    assert!(said.is_empty(), "cur reaches outside:\n{}", said.join("\n"));
    let edges = allowed.dependencies.iter().filter(|name| EDGES.iter().any(|edge| name.starts_with(edge)));
    assert_eq!(edges.count(), 0);
}

/// What a package does not depend on, its sources cannot import.
#[test]
fn runtime_and_provisioner_never_import_each_other_and_nobody_imports_the_tests() {
    let manifests: BTreeMap<String, Table> =
        allowed().into_iter().map(|(package, allowed)| (package, manifest(&allowed.folder))).collect();
    let imports = |package: &str, other: &str| {
        let sections = ["dependencies", "dev-dependencies"];
        sections.iter().any(|section| dependencies(&manifests[package], section).contains(other))
    };
    assert!(!imports("runtime", "provisioner") && !imports("provisioner", "runtime"));
    for package in manifests.keys() {
        assert!(!imports(package, TESTS), "{package} imports {TESTS}");
    }
}

/// A judge that shares code with the accused finds nothing: neither by name nor by path does the oracle reach ours.
#[test]
fn the_oracle_depends_on_nothing_of_ours() {
    let all = allowed();
    let oracle = &all["oracle"];
    let manifest = manifest(&oracle.folder);
    let mut ours: BTreeSet<String> = all.keys().filter(|package| *package != "oracle").cloned().collect();
    ours.insert(TESTS.to_owned());
    for section in ["dependencies", "dev-dependencies"] {
        let used = dependencies(&manifest, section);
        let shared: Vec<&String> = used.intersection(&ours).collect();
        assert!(shared.is_empty(), "oracle depends on {shared:?}");
        let section = manifest.get(section).and_then(Value::as_table).expect("a section");
        let elsewhere = section.iter().filter(|(_, value)| value.get("workspace").is_none());
        let elsewhere: Vec<&String> = elsewhere.map(|(name, _)| name).collect();
        assert!(elsewhere.is_empty(), "{elsewhere:?} are not pinned in the workspace table");
    }
    let included = said_in_sources(&oracle.folder, &["#[path", "include!", "include_str!", "extern crate"]);
    assert!(included.is_empty(), "oracle takes in other sources:\n{}", included.join("\n"));
}

#[test]
fn these_checks_can_fail() {
    let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
    let found = differences(&set(&["serde", "tokio"]), &set(&["jiff", "serde"]));
    assert_eq!(found, ["tokio is not allowed", "jiff is listed and not used"]);
    let said = lines_that_say(Path::new("a.rs"), "fn f() {\n    let t = Timestamp::now();\n}\n", OUTSIDE);
    assert_eq!(said, ["a.rs:2: ::now("]);
}
