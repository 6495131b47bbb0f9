//! Stand-ins for the actions that billform's workflows use. Any other action fails the test.

use std::fs;
use std::path::{Path, PathBuf};

use provisioner::kinds::iam_role::document;
use serde_json::Value;
use tests::live::clients::Clients as _;
use tests::stage::binary;

use super::document::Step;
use super::runner::{Job, Runner};

/// Carries an action out; an error is what the step fails with.
pub async fn carry_out(runner: &mut Runner<'_>, job: &mut Job, step: &Step) -> Result<(), String> {
    let uses = step.uses.as_deref().expect("an action");
    let input = |name: &str| job.input(step, name);
    match action(uses) {
        "actions/checkout" => {
            assert_eq!(input("persist-credentials").as_deref(), Some("false"), "{uses} leaves no token behind");
            job.needs("contents", "read");
            check_out(&runner.repository, job.workspace());
            Ok(())
        }
        "./.github/actions/billform-setup" => {
            set_up(job);
            Ok(())
        }
        "aws-actions/configure-aws-credentials" => {
            job.needs("id-token", "write");
            let (role, region) = (input("role-to-assume").expect("a role"), input("aws-region").expect("a region"));
            take_on(runner, job, &role, &region).await;
            Ok(())
        }
        "actions/upload-artifact" => {
            let (name, path) = (input("name").expect("a name"), input("path").expect("a path"));
            let path = job.workspace().join(path);
            let file = path.file_name().expect("a file").to_string_lossy().into_owned();
            let kept = fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
            runner.hub.keep(&name, job.run, &job.event.head);
            runner.kept.insert((job.run, name), (file, kept));
            Ok(())
        }
        "actions/download-artifact" => {
            job.needs("actions", "read");
            let run = input("run-id").map_or(job.run, |run| run.parse().expect("the id of a run"));
            assert!(run == job.run || input("github-token").is_some_and(|token| !token.is_empty()), "needs a token");
            let name = input("name").expect("a name");
            let (file, kept) = runner.kept.get(&(run, name)).ok_or("Unable to find an artifact")?;
            fs::write(job.workspace().join(file), kept).expect("is written");
            Ok(())
        }
        "github/codeql-action/upload-sarif" => {
            job.needs("security-events", "write");
            let path = job.workspace().join(input("sarif_file").expect("a file"));
            let text = fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
            let sarif: Value = serde_json::from_slice(&text).expect("JSON");
            assert_eq!(sarif["version"], "2.1.0");
            let found = sarif["runs"][0]["results"].as_array().expect("a list of results").len();
            job.log.push_str(&format!("findings uploaded: {found}\n"));
            Ok(())
        }
        other => panic!("the workflows use {other}, which has no stand-in here"),
    }
}

/// The action without its commit, which has to be one.
fn action(uses: &str) -> &str {
    let Some((action, commit)) = uses.split_once('@') else {
        assert!(uses.starts_with("./"), "{uses} is not pinned");
        return uses;
    };
    assert!(commit.len() == 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit()), "{uses} is not pinned");
    action
}

/// The repository's files, without what its `.gitignore` names.
fn check_out(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).expect("a folder").map(|entry| entry.expect("an entry")) {
        let name = entry.file_name();
        if name == ".git" || name == ".billform" {
            continue;
        }
        let (path, copy) = (entry.path(), to.join(&name));
        if path.is_dir() {
            fs::create_dir_all(&copy).expect("a folder");
            check_out(&path, &copy);
        } else {
            fs::copy(&path, &copy).expect("is copied");
        }
    }
}

/// Instead of a release or a build, the program under test.
fn set_up(job: &mut Job) {
    let action = job.workspace().join(".github/actions/billform-setup/action.yml");
    let text = fs::read_to_string(action).expect("the action is in the repository: checked out before");
    let action: Value = serde_yaml::from_str(&text).expect("YAML");
    assert_eq!(action["runs"]["using"], "composite");
    let steps = action["runs"]["steps"].as_array().expect("steps");
    assert!(steps.iter().all(|step| !step["run"].as_str().unwrap_or("${{").contains("${{")), "through `env` alone");
    let folder: PathBuf = binary().parent().expect("a folder").to_owned();
    job.path.insert(0, folder);
}

/// Instead of a token exchanged for the role's keys, a user under the role's own policy.
async fn take_on(runner: &mut Runner<'_>, job: &mut Job, role: &str, region: &str) {
    if !runner.users.contains_key(role) {
        let name = role.rsplit('/').next().expect("a name");
        let iam = runner.stage.root().await.iam();
        let listed = iam.list_role_policies().role_name(name).send().await.expect("the role is there");
        let policy = listed.policy_names.first().expect("a policy").clone();
        let found = iam.get_role_policy().role_name(name).policy_name(policy).send().await.expect("a policy");
        runner.stage.be_user_under(&document::parse(&found.policy_document).to_string()).await;
        runner.users.insert(role.to_owned(), runner.stage.user().clone());
    }
    let user = &runner.users[role];
    for (name, value) in
        [("AWS_ACCESS_KEY_ID", &*user.id), ("AWS_SECRET_ACCESS_KEY", &*user.secret), ("AWS_REGION", region)]
    {
        job.environment.insert(name.to_owned(), value.to_owned());
    }
}
