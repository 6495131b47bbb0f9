//! A runner of GitHub Actions in small: each job in an empty folder, its steps one after the other, scripts by bash.
//!
//! Source: <https://docs.github.com/actions/reference/workflows-and-actions/workflow-syntax>.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::{Value, json};
use tempfile::TempDir;
use tests::github::{Hub, REPOSITORY, Rights};
use tests::stage::{Credentials, Stage};
use tokio::process::Command;

use super::document::{self, Step};
use super::{actions, expression};

/// What only steps that ask for it may see.
const WITHHELD: [&str; 4] = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "STRIPE_API_KEY", "BILLFORM_SECRET_STRIPE"];

/// Why a workflow runs.
#[derive(Debug, Clone)]
pub struct Event {
    /// `GITHUB_REF`.
    pub reference: String,
    /// `GITHUB_SHA`.
    pub commit: String,
    /// The commit that its artefacts are listed under: of a pull request, its last one.
    pub head: String,
    /// What `GITHUB_EVENT_PATH` holds.
    pub payload: Value,
}

/// How a job ended.
#[derive(Debug, Clone, Default)]
pub struct Ended {
    /// The exit code of the script that failed it; none if it went well.
    pub failed: Option<i32>,
    /// What its steps said.
    pub log: String,
    /// Its summary.
    pub summary: String,
    outputs: BTreeMap<String, String>,
}

/// One run of a workflow.
#[derive(Debug)]
pub struct Run {
    /// Its id.
    pub id: u64,
    /// The jobs that ran.
    pub ended: BTreeMap<String, Ended>,
    event: Event,
    /// The jobs that wait: for another one, or for an approval.
    waiting: BTreeMap<String, document::Job>,
}

impl Run {
    /// A job that ran to its end without a failure.
    pub fn went_well(&self, job: &str) -> &Ended {
        let ended = self.ended.get(job).unwrap_or_else(|| panic!("{job} did not run: {self:#?}"));
        assert_eq!(ended.failed, None, "{job}:\n{}", ended.log);
        ended
    }

    /// A job that failed with this exit code.
    pub fn failed(&self, job: &str, code: i32) -> &Ended {
        let ended = self.ended.get(job).unwrap_or_else(|| panic!("{job} did not run: {self:#?}"));
        assert_eq!(ended.failed, Some(code), "{job}:\n{}", ended.log);
        ended
    }
}

/// A job while it runs.
pub struct Job {
    /// The id of the run.
    pub run: u64,
    /// Why it runs.
    pub event: Event,
    /// The folders before those of the runner's own `PATH`.
    pub path: Vec<PathBuf>,
    /// What actions set for the steps after them.
    pub environment: BTreeMap<String, String>,
    /// What was said.
    pub log: String,
    workspace: TempDir,
    /// `RUNNER_TEMP`.
    temporary: TempDir,
    permissions: BTreeMap<String, String>,
    contexts: Value,
}

impl Job {
    /// `GITHUB_WORKSPACE`.
    pub fn workspace(&self) -> &Path {
        self.workspace.path()
    }

    /// An action's input with its expressions filled in.
    pub fn input(&self, step: &Step, name: &str) -> Option<String> {
        let text = match step.with.get(name)? {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        Some(expression::filled(&text, &self.contexts))
    }

    /// Fails unless the job was given this permission.
    pub fn needs(&self, permission: &str, access: &str) {
        assert_eq!(self.permissions.get(permission).map(String::as_str), Some(access), "{permission}: {access}");
    }

    fn filled(&self, all: &BTreeMap<String, String>) -> Vec<(String, String)> {
        all.iter().map(|(name, text)| (name.clone(), expression::filled(text, &self.contexts))).collect()
    }

    fn said(&self, file: &str) -> String {
        fs::read_to_string(self.temporary.path().join(file)).unwrap_or_default()
    }
}

/// The runner, with what GitHub keeps between runs.
pub struct Runner<'a> {
    /// GitHub.
    pub hub: &'a Hub,
    /// The account.
    pub stage: &'a mut Stage,
    /// The repository as it is at the commit that runs.
    pub repository: PathBuf,
    /// Artefacts by run and name: a file's name and what is in it.
    pub kept: BTreeMap<(u64, String), (String, Vec<u8>)>,
    /// The users that stand for roles, by ARN.
    pub users: BTreeMap<String, Credentials>,
    secrets: Value,
    runs: u64,
}

impl<'a> Runner<'a> {
    /// One for a repository in the stage's folder; its secrets are the stage's.
    pub fn new(hub: &'a Hub, stage: &'a mut Stage) -> Runner<'a> {
        let stripe = stage.place.cloud.description().stripe_api_key.clone();
        let secrets =
            ["STRIPE_READ_KEY", "STRIPE_API_KEY", "BILLFORM_SECRET_STRIPE"].map(|name| (name, stripe.clone()));
        let secrets = json!(BTreeMap::from(secrets));
        let repository = stage.folder().to_owned();
        Runner { hub, stage, repository, kept: BTreeMap::new(), users: BTreeMap::new(), secrets, runs: 100 }
    }

    /// Runs a workflow, up to jobs that wait for an approval.
    pub async fn run(&mut self, file: &str, event: &Event) -> Run {
        let workflow = document::read(&self.repository, file);
        self.runs += 1;
        let mut run = Run { id: self.runs, ended: BTreeMap::new(), event: event.clone(), waiting: workflow.jobs };
        self.go_on(&mut run, false).await;
        run
    }

    /// Gives the approval that a run waits for, and lets it go on.
    pub async fn approve(&mut self, run: &mut Run) {
        self.go_on(run, true).await;
    }

    async fn go_on(&mut self, run: &mut Run, approved: bool) {
        while let Some(name) = next(run, approved) {
            let job = run.waiting.remove(&name).expect("it waits");
            let needs: BTreeMap<&String, Value> =
                run.ended.iter().map(|(name, ended)| (name, json!({ "outputs": ended.outputs }))).collect();
            let contexts = json!({ "github": self.github(&run.event), "secrets": self.secrets, "needs": needs });
            if job.condition.as_deref().is_none_or(|condition| expression::holds(condition, &contexts)) {
                let ended = self.job(run, &job, contexts).await;
                run.ended.insert(name, ended);
            }
        }
    }

    fn github(&self, event: &Event) -> Value {
        json!({
            "token": self.hub.token(), "repository": REPOSITORY, "ref": event.reference, "sha": event.commit,
            "event": event.payload,
        })
    }

    async fn job(&mut self, run: &Run, document: &document::Job, mut contexts: Value) -> Ended {
        let writes = |name: &str| document.permissions.get(name).is_some_and(|access| access == "write");
        self.hub.allow(Rights {
            issues: writes("issues"),
            pull_requests: writes("pull-requests"),
            labels: writes("issues"),
        });
        let ids = document.steps.iter().filter_map(|step| step.id.clone());
        contexts["steps"] = ids.map(|id| (id, json!({ "outputs": {} }))).collect::<serde_json::Map<_, _>>().into();
        let mut job = Job {
            run: run.id,
            event: run.event.clone(),
            path: Vec::new(),
            environment: BTreeMap::new(),
            log: String::new(),
            workspace: tempfile::tempdir().expect("a folder"),
            temporary: tempfile::tempdir().expect("a folder"),
            permissions: document.permissions.clone(),
            contexts,
        };
        job.environment.extend(job.filled(&document.env));
        let mut failed = None;
        for step in &document.steps {
            let wanted = step.condition.as_deref().is_none_or(|condition| expression::holds(condition, &job.contexts));
            if failed.is_some() || !wanted {
                continue;
            }
            job.log.push_str(&format!("## {}\n", step.shown()));
            let code = self.step(&mut job, step).await;
            failed = code.filter(|_| !step.continue_on_error);
        }
        let outputs = job.filled(&document.outputs).into_iter().collect();
        assert!(!job.log.contains(self.hub.token()), "the token is shown:\n{}", job.log);
        Ended { failed, summary: job.said("summary"), outputs, log: job.log }
    }

    /// The exit code of a step that failed.
    async fn step(&mut self, job: &mut Job, step: &Step) -> Option<i32> {
        if step.uses.is_some() {
            let failed = actions::carry_out(self, job, step).await.err()?;
            job.log.push_str(&format!("{failed}\n"));
            return Some(1);
        }
        fs::write(job.temporary.path().join("script"), step.run.as_deref().unwrap_or_default()).expect("is written");
        fs::write(job.temporary.path().join("output"), "").expect("is written");
        let ran = self.bash(job, step).output().await.expect("bash runs");
        job.log.push_str(&String::from_utf8_lossy(&[ran.stdout, ran.stderr].concat()));
        for line in job.said("output").lines() {
            let (name, value) = line.split_once('=').unwrap_or_else(|| panic!("the output `{line}` is not understood"));
            if let Some(id) = &step.id {
                job.contexts["steps"][id]["outputs"][name] = json!(value);
            }
        }
        (!ran.status.success()).then(|| ran.status.code().unwrap_or(-1))
    }

    /// The script of a step as GitHub runs it for `shell: bash`, in the environment that GitHub sets.
    fn bash(&self, job: &Job, step: &Step) -> Command {
        let place = self.stage.command(&[]);
        let place = place.as_std().get_envs().filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())));
        let mut variables: BTreeMap<OsString, OsString> = place.collect();
        WITHHELD.iter().for_each(|name| drop(variables.remove(&OsString::from(name))));
        let own = variables.get(&OsString::from("PATH")).cloned().unwrap_or_default();
        let path = std::env::join_paths(job.path.iter().cloned().chain(std::env::split_paths(&own))).expect("a PATH");
        let temporary = |file: &str| job.temporary.path().join(file).into_os_string();
        fs::write(temporary("event.json"), job.event.payload.to_string()).expect("is written");
        // A token is not in the environment of its own accord.
        let hub = self.hub.variables().into_iter().filter(|(name, _)| name != "GITHUB_TOKEN");
        variables.extend(hub.map(|(name, value)| (name.into(), value.into())));
        variables.extend([
            ("PATH".into(), path),
            ("HOME".into(), job.temporary.path().into()),
            ("RUNNER_TEMP".into(), job.temporary.path().into()),
            ("GITHUB_ACTIONS".into(), "true".into()),
            ("GITHUB_REF".into(), (&job.event.reference).into()),
            ("GITHUB_SHA".into(), (&job.event.commit).into()),
            ("GITHUB_WORKSPACE".into(), job.workspace().into()),
            ("GITHUB_OUTPUT".into(), temporary("output")),
            ("GITHUB_STEP_SUMMARY".into(), temporary("summary")),
            ("GITHUB_PATH".into(), temporary("path")),
            ("GITHUB_EVENT_PATH".into(), temporary("event.json")),
        ]);
        let set = job.environment.clone().into_iter().chain(job.filled(&step.env));
        variables.extend(set.map(|(name, value)| (name.into(), value.into())));
        let mut command = Command::new("bash");
        command.args(["--noprofile", "--norc", "-eo", "pipefail"]).arg(temporary("script"));
        command.current_dir(job.workspace()).env_clear().envs(variables).stdin(Stdio::null()).kill_on_drop(true);
        command
    }
}

/// A job that has nothing left to wait for. One whose forerunner failed or was skipped is skipped.
fn next(run: &Run, approved: bool) -> Option<String> {
    let ready = |(_, job): &(&String, &document::Job)| {
        let well = |name: &String| run.ended.get(name).is_some_and(|ended| ended.failed.is_none());
        let asks = job.environment.as_deref().is_some_and(|environment| environment.ends_with("-approval"));
        job.needs.as_ref().is_none_or(well) && (approved || !asks)
    };
    run.waiting.iter().find(ready).map(|(name, _)| name.clone())
}
