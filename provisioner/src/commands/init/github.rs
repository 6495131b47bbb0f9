//! `init --github`: the workflows that plan, apply and look for drift from GitHub Actions, and with `--apply-roles` the
//! roles in AWS that they take on without keys.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Command;

use billing::manifest::model::State;
use clap::Args;
use engine::kind::{Depth, Want};
use engine::state::StateStore as _;
use engine::{Address, Owner};
use serde_json::json;

use crate::cloud::connection::Connection;
use crate::commands::apply::{Consent, carry_out};
use crate::project::Project;
use crate::run::locked_run::{Patience, locked};
use crate::run::progress::Progress;
use crate::run::session::{Looking, Recalled, Session};
use crate::stack;
use crate::stack::repository::{self, INLINE_POLICY_LIMIT, ISSUER, Repository, Role};
use crate::store::Store;
use crate::store::file;
use crate::ui::exit;
use crate::ui::failure::{Failure, Outcome};
use crate::ui::options::{Format, Global};
use crate::ui::views::terminal;
use crate::ui::views::wrap::wrapped;

/// Arguments of `init --github`.
#[derive(Debug, Args)]
pub struct GitHub {
    /// Writes the workflows for GitHub Actions beside the manifest: plan, apply and drift.
    #[arg(long)]
    pub github: bool,
    /// The branch whose manifest is applied.
    #[arg(long, requires = "github", default_value = "main")]
    pub branch: String,
    /// The environment on GitHub that an apply runs in; what has to be approved runs in NAME-approval.
    #[arg(long = "github-environment", requires = "github", value_name = "NAME", default_value = "production")]
    pub github_environment: String,
    /// The repository, OWNER/NAME; that of git's remote `origin` when left out.
    #[arg(long, requires = "github", value_name = "OWNER/NAME")]
    pub repository: Option<String>,
    /// GitHub's number of the repository, so that no later one of the same name gets its roles.
    #[arg(long, requires = "github", value_name = "NUMBER")]
    pub repository_id: Option<u64>,
    /// Replaces workflows that differ from what would be written.
    #[arg(long, requires = "github")]
    pub overwrite: bool,
    /// Makes the roles in AWS that the workflows take on: shows the plan, asks, applies.
    #[arg(long, requires = "github")]
    pub apply_roles: bool,
    /// Asks nothing.
    #[arg(long, requires = "apply_roles")]
    pub auto_approve: bool,
}

/// The files, by their place in the repository.
const FILES: [(&str, &str); 4] = [
    (".github/workflows/plan.yml", include_str!("../../../../templates/github/workflows/plan.yml")),
    (".github/workflows/apply.yml", include_str!("../../../../templates/github/workflows/apply.yml")),
    (".github/workflows/drift.yml", include_str!("../../../../templates/github/workflows/drift.yml")),
    (
        ".github/actions/billform-setup/action.yml",
        include_str!("../../../../templates/github/actions/billform-setup/action.yml"),
    ),
];

/// Writes the workflows, then makes the roles where that is asked for.
pub async fn run(global: &Global, arguments: &GitHub) -> Outcome {
    let project = Project::load(global)?;
    let root = repository_root(&project.folder)?;
    let repository = repository(arguments, &root)?;
    let written = write(global, &project, &root, &repository, arguments.overwrite)?;
    let roles = [Role::Plan, Role::Apply].map(|role| role_arn(&project, role));
    match global.format {
        Format::Json if !arguments.apply_roles => {
            terminal::print_json(&json!({ "written": written, "roles": roles, "repository": repository.name }))?;
        }
        Format::Json => {}
        Format::Human => show(&written, &repository, &project, arguments.apply_roles),
    }
    if !arguments.apply_roles {
        return Ok(exit::DONE);
    }
    let patience = Patience::default();
    let work = async |project, connection, store: &Store| {
        apply_roles(global, arguments, &repository, project, connection, store).await
    };
    locked(project.beside("bootstrap"), patience, "init", None, work).await
}

fn show(written: &[String], repository: &Repository, project: &Project, applies: bool) {
    match written.is_empty() {
        true => println!("The workflows are as they would be written."),
        false => println!("Written: {}.", written.join(", ")),
    }
    let mut notes = Vec::new();
    if let State::File(_) = project.manifest.state {
        notes.push(
            "The state is a file: runs on GitHub would each begin without one. Set `state.s3` in the manifest, then run `billform init` once."
                .to_owned(),
        );
    }
    let [environment, approval] = repository.environments();
    notes.push(format!(
        "On GitHub, {}: make the environments {environment} and {approval} for the branch {} alone, with required reviewers in {approval}, and the secrets STRIPE_READ_KEY (repository; a restricted key that reads), STRIPE_API_KEY and BILLFORM_SECRET_STRIPE (environments).",
        repository.name, repository.branch
    ));
    if repository.id.is_none() {
        notes.push(
            "Give --repository-id NUMBER, so that no later repository of the same name gets the roles: `gh api repos/OWNER/NAME --jq .id` prints it."
                .to_owned(),
        );
    }
    if !applies {
        notes.push("Next: `billform init --github --apply-roles` makes the roles in AWS.".to_owned());
    }
    for note in notes {
        println!("{}", wrapped(&note, terminal::width(), 2));
    }
}

/// The folder that git calls the repository's root; the manifest's own where there is no repository yet.
fn repository_root(folder: &Path) -> Result<PathBuf, Failure> {
    let folder = folder.canonicalize()?;
    let root = folder.ancestors().find(|folder| folder.join(".git").exists());
    Ok(root.unwrap_or(&folder).to_owned())
}

fn repository(arguments: &GitHub, root: &Path) -> Result<Repository, Failure> {
    let named = arguments.repository.clone().or_else(|| origin(root));
    let name = named.ok_or_else(|| {
        Failure::new("which repository on GitHub this is to be is not known")
            .hint("--repository OWNER/NAME names it; with a remote `origin` on GitHub it is taken from there")
    })?;
    if !is_repository(&name) {
        return Err(Failure::new(format!("`{name}` is no OWNER/NAME of a repository")));
    }
    for (what, text) in [("branch", &arguments.branch), ("environment", &arguments.github_environment)] {
        if !is_branch(text) {
            return Err(Failure::new(format!(
                "`{text}` is no {what}: letters, digits, `-`, `_`, `.` and `/` make one"
            )));
        }
    }
    Ok(Repository {
        name,
        id: arguments.repository_id,
        branch: arguments.branch.clone(),
        environment: arguments.github_environment.clone(),
    })
}

/// Whether GitHub could have a repository of that name: `OWNER/NAME`.
fn is_repository(name: &str) -> bool {
    let is_part = |part: &str| {
        let known = part.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
        known && !part.is_empty() && !part.starts_with('-') && part != "." && part != ".."
    };
    name.split_once('/').is_some_and(|(owner, name)| is_part(owner) && is_part(name))
}

/// Whether git could have a branch of that name, of the characters that need no quotes anywhere (git check-ref-format).
fn is_branch(name: &str) -> bool {
    let known = name.chars().all(|c| c.is_ascii_alphanumeric() || "-_./".contains(c));
    let is_part = |part: &str| !part.is_empty() && !part.starts_with('.') && !part.ends_with(".lock");
    known && !name.starts_with('-') && !name.ends_with('.') && !name.contains("..") && name.split('/').all(is_part)
}

/// The repository of git's remote `origin`, if that is on GitHub.
fn origin(root: &Path) -> Option<String> {
    let asked = Command::new("git").arg("-C").arg(root).args(["remote", "get-url", "origin"]).output().ok()?;
    from_url(String::from_utf8_lossy(&asked.stdout).trim())
}

fn from_url(url: &str) -> Option<String> {
    let path = ["https://github.com/", "git@github.com:", "ssh://git@github.com/"]
        .iter()
        .find_map(|at| url.strip_prefix(at))?;
    Some(path.trim_end_matches('/').trim_end_matches(".git").to_owned())
}

/// Writes each file that is missing; one that differs is left alone unless it may be replaced. All are looked at before
/// the first is written.
fn write(
    global: &Global,
    project: &Project,
    root: &Path,
    repository: &Repository,
    overwrite: bool,
) -> Result<Vec<String>, Failure> {
    let manifest = manifest_path(global, root)?;
    let mut due = Vec::new();
    for (place, template) in FILES {
        let text = filled(template, project, repository, &manifest);
        match fs::read(root.join(place)) {
            Ok(there) if there == text.as_bytes() => {}
            Ok(_) if !overwrite => {
                return Err(Failure::new(format!("{place} is there and differs; nothing was written"))
                    .hint("--overwrite replaces it; `git diff` then shows what changed"));
            }
            Ok(_) => due.push((place, text)),
            Err(error) if error.kind() == ErrorKind::NotFound => due.push((place, text)),
            Err(error) => return Err(Failure::new(format!("{place} cannot be read: {error}; nothing was written"))),
        }
    }
    for (place, text) in &due {
        let path = root.join(place);
        let made = fs::create_dir_all(path.parent().unwrap_or(root));
        made.and_then(|()| file::replace(&path, text.as_bytes()))
            .map_err(|error| Failure::new(format!("{place} cannot be written: {error}")))?;
    }
    Ok(due.into_iter().map(|(place, _)| place.to_owned()).collect())
}

/// The manifest as the workflows name it: from the repository's root.
fn manifest_path(global: &Global, root: &Path) -> Result<String, Failure> {
    let path = global.manifest.canonicalize()?;
    let path = path.strip_prefix(root).unwrap_or(&path);
    let shown = path.display().to_string();
    // GitHub would evaluate it, whatever quotes stand around.
    if shown.contains("${{") {
        return Err(Failure::new(format!("`{shown}` cannot be named in a workflow: GitHub evaluates `${{{{`")));
    }
    Ok(if shown.is_empty() { ".".to_owned() } else { shown })
}

/// The template with its places filled in, each once: what is filled in is not looked at again.
fn filled(template: &str, project: &Project, repository: &Repository, manifest: &str) -> String {
    let [environment, approval] = repository.environments();
    let values = [
        ("__ENVIRONMENT__-approval", text(&approval)),
        ("__ENVIRONMENT__", text(&environment)),
        ("__BRANCH__", text(&repository.branch)),
        ("__MANIFEST__", text(manifest)),
        ("__REGION__", text(&project.manifest.aws.region)),
        ("__PLAN_ROLE__", role_arn(project, Role::Plan)),
        ("__APPLY_ROLE__", role_arn(project, Role::Apply)),
    ];
    let (mut out, mut rest) = (String::with_capacity(template.len()), template);
    while let Some(at) = rest.find("__") {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let (place, value) = values
            .iter()
            .find(|(place, _)| rest.starts_with(place))
            .map_or(("__", "__"), |(place, value)| (*place, value.as_str()));
        out.push_str(value);
        rest = &rest[place.len()..];
    }
    out.push_str(rest);
    out
}

/// A text as every reader of YAML takes it for that text: `1.0`, `on` and `null` go in quotes.
fn text(value: &str) -> String {
    let starts_as_name = value.starts_with(|c: char| c.is_ascii_alphabetic() || c == '.' && value.len() == 1);
    let plain = value.chars().all(|c| c.is_ascii_alphanumeric() || "-_./".contains(c));
    let words = ["y", "n", "yes", "no", "on", "off", "true", "false", "null"];
    let is_word = words.iter().any(|word| value.eq_ignore_ascii_case(word));
    if starts_as_name && plain && !is_word { value.to_owned() } else { billing::manifest::quoted(value) }
}

fn role_arn(project: &Project, role: Role) -> String {
    let manifest = &project.manifest;
    format!("arn:aws:iam::{}:role/{}", manifest.aws.account, role.name(manifest))
}

async fn apply_roles(
    global: &Global,
    arguments: &GitHub,
    repository: &Repository,
    project: Project,
    connection: Connection,
    store: &Store,
) -> Outcome {
    let main = Project::load(global)?;
    let handlers = stack::handlers();
    let wanted = stack::graph(&stack::Plan::of(&main.manifest, &handlers))?;
    for role in [Role::Plan, Role::Apply] {
        let size = stack::permissions::size(&repository::policy(&main.manifest, &wanted, role));
        if size > INLINE_POLICY_LIMIT {
            let message = format!(
                "the policy of {} has {size} characters, IAM takes {INLINE_POLICY_LIMIT}",
                role.name(&main.manifest)
            );
            return Err(
                Failure::new(message).hint("give fewer resources names of their own: derived names share a pattern")
            );
        }
    }
    let state = store.load(&project.manifest.stack()).await?;
    let graph = |provider: bool| repository::graph(&main.manifest, &wanted, repository, provider);
    let session = Session::wanting(project, connection, graph(true)?);
    let progress = Progress::reading(global.verbose > 0);
    let session = match others_provider(&session).await? {
        true => session.with_graph(graph(false)?),
        false => session,
    };
    // What there is of it the plan finds by name and adopts; nothing else carries the name of this stack.
    let Recalled { state, notes } = session.remembered(state)?;
    terminal::eprint_lines(&notes);
    let plan = session.plan(&state, &Looking::default(), &progress).await?;
    drop(progress);
    let consent = Consent { verb: "init", auto_approve: arguments.auto_approve, approved: &[], max_deletes: Some(0) };
    carry_out(global, &session, plan, state, store, &consent, false).await
}

/// Whether the account has GitHub's provider already, made by somebody else: an account has one, and all may trust it.
async fn others_provider(session: &Session) -> Result<bool, Failure> {
    let address = Address::new("iam_oidc_provider", "github");
    let Some(resource) = session.graph.get(&address) else { return Ok(false) };
    let want = Want { address: address.clone(), id: None, fields: resource.desired.clone(), known: None };
    let seen = session.kinds.of(&address)?.read(&[want], Depth::Full).await.pop();
    match seen {
        Some(Ok(Some(found))) => Ok(!matches!(&found.owner, Owner::Stack { name, .. } if *name == session.cloud.stack)),
        Some(Err(error)) => Err(Failure::new(format!("the identity provider {ISSUER} cannot be read: {error}"))),
        Some(Ok(None)) | None => Ok(false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_repository_is_taken_from_its_address() {
        for url in [
            "https://github.com/acme/billing.git",
            "https://github.com/acme/billing",
            "git@github.com:acme/billing.git",
            "ssh://git@github.com/acme/billing.git",
        ] {
            assert_eq!(from_url(url).as_deref(), Some("acme/billing"), "{url}");
        }
        assert_eq!(from_url("https://gitlab.com/acme/billing.git"), None);
        assert_eq!(from_url(""), None);
    }

    #[test]
    fn what_is_filled_in_is_read_as_that_text() {
        assert_eq!(text("manifests/acme.yaml"), "manifests/acme.yaml");
        assert_eq!(text("it's: here"), "\"it's: here\"");
        for odd in ["1.0", "123", "0x10", "on", "NULL", "true", "-x", ".5"] {
            assert_eq!(text(odd), format!("\"{odd}\""));
        }
        assert_eq!(text("."), ".");
    }

    #[test]
    fn names_that_neither_git_nor_github_has_are_refused() {
        assert!(is_repository("acme/billing.io") && is_branch("feature/x-1") && is_branch("main"));
        for odd in ["../..", "./.", "a/.", "-a/b", "a/b/c", "a", "/b"] {
            assert!(!is_repository(odd), "{odd}");
        }
        for odd in ["/x", "x/", ".x", "-x", "a.lock", "a..b", "a//b", "", "x."] {
            assert!(!is_branch(odd), "{odd}");
        }
    }
}
