//! `init --github`: the workflows it writes.

use crate::program::Program;

const INIT: &[&str] = &["init", "--github", "--repository", "acme/billing", "--repository-id", "456"];

#[test]
fn the_workflows_are_written_for_the_repository_and_again_without_a_change() {
    let program = Program::small();
    let said = program.run(INIT).ok();
    assert!(said.contains(".github/workflows/plan.yml") && said.contains("production-approval"), "{said}");
    let apply = program.read(".github/workflows/apply.yml");
    assert!(apply.contains("role-to-assume: arn:aws:iam::123456789012:role/small-github-apply\n"), "{apply}");
    assert!(apply.contains("branches: [main]") && apply.contains("environment: production-approval\n"), "{apply}");
    let plan = program.read(".github/workflows/plan.yml");
    assert!(plan.contains("role-to-assume: arn:aws:iam::123456789012:role/small-github-plan\n"), "{plan}");
    for file in
        ["workflows/plan.yml", "workflows/apply.yml", "workflows/drift.yml", "actions/billform-setup/action.yml"]
    {
        let text = program.read(&format!(".github/{file}"));
        assert!(!text.contains("__"), "{file} is filled in");
        // Whoever owns an action may move its tags; a commit stays what it is.
        for action in text.lines().filter_map(|line| line.trim_start_matches(['-', ' ']).strip_prefix("uses: ")) {
            let pinned = action.split_once('@').is_some_and(|(_, at)| {
                at.len() > 40 && at[..40].chars().all(|c| c.is_ascii_hexdigit()) && at[40..].starts_with(" # v")
            });
            assert!(pinned || action.starts_with("./"), "{file}: {action}");
        }
    }
    assert!(program.run(INIT).ok().starts_with("The workflows are as they would be written."));
}

#[test]
fn what_was_edited_is_left_alone_until_it_may_be_replaced() {
    let program = Program::small();
    program.run(INIT).ok();
    // Also one that is no UTF-8.
    program.write(".github/workflows/drift.yml", b"# mine \xff\n");
    std::fs::remove_file(program.path(".github/workflows/plan.yml")).expect("is there");
    let said = program.run(INIT).failed();
    assert!(said.contains(".github/workflows/drift.yml") && said.contains("--overwrite"), "{said}");
    assert!(!program.path(".github/workflows/plan.yml").exists(), "nothing was written");
    program.run(&[INIT, &["--overwrite"]].concat()).ok();
    assert!(program.read(".github/workflows/drift.yml").contains("billform drift"));
}

#[test]
fn names_that_github_does_not_have_are_refused() {
    let program = Program::small();
    for (arguments, says) in [
        (vec!["init", "--github"], "--repository"),
        (vec!["init", "--github", "--repository", "acme"], "OWNER/NAME"),
        (vec!["init", "--github", "--repository", "acme/a b"], "OWNER/NAME"),
        (vec!["init", "--github", "--repository", "acme/a", "--branch", "x; y"], "branch"),
        (vec!["init", "--branch", "main"], "--github"),
    ] {
        let said = program.run(&arguments).failed();
        assert!(said.contains(says), "{arguments:?}: {said}");
    }
}
