//! The workflows of `init --github` under the linters that GitHub's users trust: actionlint (does GitHub take it?) and
//! zizmor (may a stranger misuse it?). Neither calls anybody.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use crate::Workflow;

const MANIFEST: &str = r#"version: 1
project: small
aws: { account: "123456789012", region: eu-central-1 }
attribution: { tenant_tag: ClientOrganization }
tenants:
  - { id: acme, name: Acme, email: pay@acme.example, tags: { ClientOrganization: Acme } }
"#;

/// Where the manifest lies, and what `init --github` is given beside it.
const VARIANTS: [(&str, &[&str]); 4] = [
    ("billform.yaml", &[]),
    ("deploy/billing.yaml", &["--branch", "release/2.x", "--github-environment", "live"]),
    // What YAML reads as something else without quotes.
    ("1.0/on: # it's.yaml", &["--branch", "1.0", "--github-environment", "null"]),
    ("billing/$(touch x)/`id`.yaml", &["--branch", "true", "--repository-id", "456"]),
];

/// A repository with the workflows in it.
async fn repository(manifest: &str, arguments: &[&str]) -> Workflow {
    let repository = Workflow { folder: tempfile::tempdir().expect("a folder"), variables: Vec::new() };
    fs::create_dir(repository.path(".git")).expect("is made");
    fs::create_dir_all(repository.path(manifest).parent().expect("a folder")).expect("is made");
    repository.write(manifest, MANIFEST);
    let init = ["-f", manifest, "init", "--github", "--repository", "acme/billing"];
    repository.run(&[&init[..], arguments].concat()).await.ok();
    repository
}

/// Without the programs that actionlint starts where it finds them: what they say is not of one release.
fn actionlint(repository: &Path) -> Output {
    run("actionlint", &["-oneline", "-no-color", "-shellcheck=", "-pyflakes="], repository)
}

fn zizmor(repository: &Path) -> Output {
    let quietly = ["--offline", "--no-progress", "--quiet"];
    let strictly = ["--strict-collection", "--collect", "all", "--no-config", ".github"];
    run("zizmor", &[&quietly[..], &strictly[..]].concat(), repository)
}

fn run(linter: &str, arguments: &[&str], folder: &Path) -> Output {
    let ran = Command::new(linter).args(arguments).current_dir(folder).output();
    ran.unwrap_or_else(|error| panic!("{linter} does not run ({error}); `.ci/run` installs it"))
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[&*output.stdout, &*output.stderr].concat()).into_owned()
}

async fn assert_clean(linter: fn(&Path) -> Output) {
    for (manifest, arguments) in VARIANTS {
        let repository = repository(manifest, arguments).await;
        let output = linter(&repository.path("."));
        assert!(output.status.success(), "{manifest}: {}", said(&output));
    }
}

/// Each fault is found in the workflow that it is put into, by the name of the linter's rule.
async fn assert_found(linter: fn(&Path) -> Output, faults: &[(&str, &str, &str, &str)]) {
    for (file, sound, broken, rule) in faults {
        let repository = repository("billform.yaml", &[]).await;
        let path = repository.path(".github").join(file);
        let text = fs::read_to_string(&path).expect("is written");
        assert!(text.contains(sound), "{file} has `{sound}`");
        fs::write(&path, text.replacen(sound, broken, 1)).expect("is written");
        let output = linter(&repository.path("."));
        let said = said(&output);
        assert!(!output.status.success() && said.contains(rule), "{rule}: {said}");
    }
}

#[tokio::test]
#[cfg_attr(not(tool_actionlint), ignore = "actionlint is missing")]
async fn actionlint_finds_nothing() {
    assert_clean(actionlint).await;
}

#[tokio::test]
#[cfg_attr(not(tool_zizmor), ignore = "zizmor is missing")]
async fn zizmor_finds_nothing() {
    assert_clean(zizmor).await;
}

#[tokio::test]
#[cfg_attr(not(tool_actionlint), ignore = "actionlint is missing")]
async fn actionlint_finds_what_is_broken_on_purpose() {
    let faults = [
        ("workflows/apply.yml", "needs: apply\n", "needs: aply\n", "[job-needs]"),
        ("workflows/apply.yml", "steps.apply.outputs.stale", "steps.aply.outputs.stale", "[expression]"),
        ("workflows/drift.yml", "17 3 * * *", "17 33 * * *", "[events]"),
        ("workflows/plan.yml", "contents: read", "contents: reads", "[permissions]"),
    ];
    assert_found(actionlint, &faults).await;
}

#[tokio::test]
#[cfg_attr(not(tool_zizmor), ignore = "zizmor is missing")]
async fn zizmor_finds_what_is_broken_on_purpose() {
    let faults = [
        ("workflows/plan.yml", "cat plan.err >&2", "echo ${{ github.event.pull_request.title }}", "template-injection"),
        ("workflows/plan.yml", "  pull_request:\n", "  pull_request_target:\n", "dangerous-triggers"),
        ("workflows/drift.yml", "@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1", "@v7", "unpinned-uses"),
        ("workflows/apply.yml", "persist-credentials: false", "fetch-depth: 1", "artipacked"),
        ("actions/billform-setup/action.yml", " # zizmor: ignore[github-env] the", " # the", "github-env"),
    ];
    assert_found(zizmor, &faults).await;
}
