//! Manifests whose file names state the fault, each with the problems it must give beside it.
#![cfg(feature = "manifest")]
#![allow(clippy::disallowed_methods, reason = "tests read files and one setting; the domain does not")]

mod bundle;

use std::path::{Path, PathBuf};

use billing::manifest::{Problem, Source};
use bundle::load;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/manifests/invalid")
}

fn problems(path: &Path) -> Vec<Problem> {
    let name = path.file_name().expect("a file name").to_string_lossy();
    let text = std::fs::read_to_string(path).expect("the file is readable");
    load(&[Source { path: name.into_owned(), text }], None).expect_err("an invalid manifest")
}

#[test]
fn every_invalid_manifest_is_explained_as_expected() {
    let files = std::fs::read_dir(folder()).expect("the folder of fixtures");
    let mut paths: Vec<PathBuf> = files.map(|file| file.expect("an entry").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|ext| ext == "yaml"));
    paths.sort();
    assert!(paths.len() >= 30, "only {} fixtures", paths.len());
    let mut stale = Vec::new();
    for path in paths {
        let rendered: Vec<String> = problems(&path).iter().map(Problem::render).collect();
        let rendered = rendered.join("\n\n") + "\n";
        let expected = path.with_extension("txt");
        if std::env::var_os("BILLFORM_BLESS").is_some() {
            std::fs::write(&expected, &rendered).expect("the expectation is writable");
        }
        let written = std::fs::read_to_string(&expected).unwrap_or_default();
        if written != rendered {
            stale.push(format!("--- {}, now:\n{rendered}", expected.display()));
        }
    }
    let renew = "if they are right, renew with `BILLFORM_BLESS=1 cargo test -p billing --features manifest explained`";
    assert!(stale.is_empty(), "{}\n{renew}", stale.join("\n"));
}

#[test]
fn ten_mistakes_give_ten_located_problems_in_one_run() {
    let problems = problems(&folder().join("ten-mistakes.yaml"));
    let places: Vec<(usize, usize)> = problems.iter().map(|problem| (problem.line, problem.column)).collect();
    let text = std::fs::read_to_string(folder().join("ten-mistakes.yaml")).expect("the fixture");
    let line_of = |part: &str| text.lines().position(|line| line.contains(part)).map(|line| line + 1);
    for part in [
        "account: 123456789012",
        "currency: EURO",
        "pricng",
        "percent: \"5%\"",
        "percent: 10",
        "billing.acme.example",
        "teired",
        "- id: acme",
        "every morning",
        "portals",
    ] {
        let line = line_of(part).expect("the mistake is in the fixture");
        // The id is reported where it stands a second time.
        let line = if part == "- id: acme" { line + 5 } else { line };
        assert!(places.iter().any(|(at, _)| *at == line), "nothing about `{part}`: {problems:#?}");
    }
    // The eleventh: the second tenant has no e-mail address.
    assert_eq!(problems.len(), 11, "{problems:#?}");
}

#[test]
fn no_secret_is_shown() {
    let problems = problems(&folder().join("secret-value.yaml"));
    let shown = format!("{problems:?} {}", problems.iter().map(Problem::render).collect::<String>());
    for secret in ["51HabcdefGhijkl", "5WbX5kEWLlfzsGNjH64I8lOOqUB6e8FH"] {
        assert!(!shown.contains(secret), "{shown}");
    }
    assert_eq!(problems.len(), 2, "{shown}");
}
