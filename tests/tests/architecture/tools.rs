//! A test whose tool is missing is shown as ignored, with its reason: it neither passes nor fails. The build script looks
//! for the tools; this looks for the marks. `BILLFORM_BLESS=1` adds those that are missing.

use std::fs;
use std::path::Path;

use tests::stage::checkout;

use super::sources;

/// What stands beside `#[tokio::test]` where the local cloud is started: MiniStack runs on Python.
const MARK: &str = r#"#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]"#;

/// Where tests start local clouds. Those that do not are plain `#[test]`s, or below [`WITHOUT`].
const SUITES: [&str; 3] = ["tests/tests", "tests/src", "provisioner/localcloud/tests"];

/// Asynchronous tests that start none.
const WITHOUT: [&str; 7] = [
    "provisioner/localcloud/tests/stripe_faults.rs",
    "tests/src/bin",
    "tests/tests/github/comment.rs",
    "tests/tests/github/disturbed.rs",
    "tests/tests/github/issues.rs",
    "tests/tests/github/linted.rs",
    "tests/tests/github/merged.rs",
];

/// The numbers of the lines, from 0, of asynchronous tests that lack the mark.
fn unmarked(text: &str) -> Vec<usize> {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let is_attribute = |line: &&&str| line.starts_with("#[");
    let tests = lines.iter().enumerate().filter(|(_, line)| line.starts_with("#[tokio::test"));
    let lacking = tests.filter(|(number, _)| {
        let before = lines[..*number].iter().rev().take_while(is_attribute);
        let after = lines[*number..].iter().take_while(is_attribute);
        !before.chain(after).any(|attribute| *attribute == MARK)
    });
    lacking.map(|(number, _)| number).collect()
}

/// The text with every mark in its place.
fn marked(text: &str) -> String {
    let lacking = unmarked(text);
    let mut out = String::with_capacity(text.len());
    for (number, line) in text.lines().enumerate() {
        out.push_str(line);
        out.push('\n');
        if lacking.contains(&number) {
            out.push_str(&line[..line.len() - line.trim_start().len()]);
            out.push_str(MARK);
            out.push('\n');
        }
    }
    out
}

#[test]
fn every_test_that_starts_a_local_cloud_is_ignored_without_python() {
    let without = WITHOUT.map(|path| checkout().join(path));
    let files = SUITES.iter().flat_map(|folder| sources(&checkout().join(folder)));
    let files: Vec<_> = files.filter(|file| !without.iter().any(|path| file.starts_with(path))).collect();
    let mut lacking = Vec::new();
    let mut marks = 0;
    for file in &files {
        let text = fs::read_to_string(file).expect("a source");
        let numbers = unmarked(&text);
        marks += text.lines().filter(|line| line.trim() == MARK).count();
        if !numbers.is_empty() && std::env::var_os("BILLFORM_BLESS").is_some() {
            fs::write(file, marked(&text)).expect("the source can be written");
            continue;
        }
        let shown = |number: &usize| format!("{}:{}", shown(file), number + 1);
        lacking.extend(numbers.iter().map(shown));
    }
    let text = lacking.join("\n");
    assert!(lacking.is_empty(), "`{MARK}` is missing; BILLFORM_BLESS=1 adds it:\n{text}");
    assert!(marks > 100 || std::env::var_os("BILLFORM_BLESS").is_some(), "{marks} marks in {} files", files.len());
}

fn shown(file: &Path) -> String {
    file.strip_prefix(checkout()).unwrap_or(file).display().to_string()
}

#[test]
fn a_mark_is_found_above_and_below_and_added_where_it_lacks() {
    let with =
        |above: &str, below: &str| format!("mod a {{\n    {above}#[tokio::test]\n{below}    async fn a() {{}}\n}}\n");
    assert_eq!(unmarked(&with("", "")), [1]);
    assert!(unmarked(&with("", &format!("    {MARK}\n"))).is_empty());
    assert!(unmarked(&with(&format!("{MARK}\n    "), "")).is_empty());
    assert_eq!(marked(&with("", "")), with("", &format!("    {MARK}\n")));
}
