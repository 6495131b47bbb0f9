//! Each dependency is built once: the demo (`cargo run`), its packaging and the tests select packages in a way that gives
//! every external crate the same features. Other features would be another build of the crate and of all that rest on it.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use tests::stage::checkout;

/// The features of each external crate, by name and version. A crate that is built for the machine that compiles and
/// for the machine that runs may stand there with two sets.
type Features = BTreeMap<String, BTreeSet<String>>;

/// What cargo resolves for a selection of packages, without the network.
fn features(selection: &[&str]) -> Features {
    let mut tree = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    tree.args(["tree", "--locked", "--offline", "--prefix", "none", "--format", "{p}|{f}"]).args(selection);
    let output = tree.current_dir(checkout()).output().expect("cargo starts");
    assert!(output.status.success(), "cargo tree {selection:?}: {}", String::from_utf8_lossy(&output.stderr));
    parse(&String::from_utf8_lossy(&output.stdout))
}

/// Lines such as `serde v1.0.0|default,std (*)`; our own packages have a path after their version.
fn parse(tree: &str) -> Features {
    let mut features = Features::new();
    for line in tree.lines().filter(|line| !line.is_empty()) {
        let (package, set) = line.split_once('|').unwrap_or_else(|| panic!("a package and its features: {line}"));
        if package.contains(" (/") {
            continue;
        }
        let set = set.trim_end_matches(" (*)").to_owned();
        features.entry(package.to_owned()).or_default().insert(set);
    }
    features
}

/// The crates of `one` that `other` builds with other features.
fn built_twice(one: &Features, other: &Features) -> Vec<String> {
    let differing = one.iter().filter_map(|(package, set)| {
        let elsewhere = other.get(package).filter(|elsewhere| *elsewhere != set)?;
        Some(format!("{package}: {set:?} and {elsewhere:?}"))
    });
    differing.collect()
}

#[test]
fn the_demo_its_packaging_and_the_tests_build_every_dependency_once() {
    // Without development dependencies, as `cargo run` and `cargo build --workspace --bin` resolve.
    let run = features(&["--edges", "normal,build"]);
    let packaging = features(&["--workspace", "--edges", "normal,build"]);
    let tests = features(&["--workspace", "--edges", "normal,build,dev"]);
    assert!(run.len() > 200, "{} crates", run.len());
    for (name, other) in [("packaging", packaging), ("the tests", tests)] {
        let twice = built_twice(&run, &other);
        assert!(
            twice.is_empty(),
            "`cargo run` and {name} build these twice; add the missing features in the root Cargo.toml:\n{}",
            twice.join("\n")
        );
    }
}

#[test]
fn this_check_can_fail() {
    let run = parse("serde v1.0.0|default,std\nbilling v0.1.0 (/src/billing)|\ntokio v1.0.0|rt (*)\n");
    let tests = parse("serde v1.0.0|default,std\nbilling v0.1.0 (/src/billing)|manifest\ntokio v1.0.0|net,rt\n");
    assert_eq!(built_twice(&run, &tests), [r#"tokio v1.0.0: {"rt"} and {"net,rt"}"#]);
    assert!(built_twice(&run, &run).is_empty());
}
