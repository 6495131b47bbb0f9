//! The workflows that billform writes, as YAML. A key that is not here fails the test: it would not be carried out.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

/// A workflow.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Workflow {
    pub name: String,
    pub on: Value,
    pub permissions: BTreeMap<String, String>,
    pub concurrency: Concurrency,
    pub jobs: BTreeMap<String, Job>,
}

/// Runs that wait for each other.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Concurrency {
    pub group: String,
    pub cancel_in_progress: bool,
}

/// A job.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Job {
    pub needs: Option<String>,
    #[serde(rename = "if")]
    pub condition: Option<String>,
    pub runs_on: String,
    pub timeout_minutes: u64,
    pub environment: Option<String>,
    pub permissions: BTreeMap<String, String>,
    #[serde(default)]
    pub outputs: BTreeMap<String, String>,
    pub env: BTreeMap<String, String>,
    pub steps: Vec<Step>,
}

/// A step: a script or an action.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Step {
    pub name: Option<String>,
    pub id: Option<String>,
    #[serde(rename = "if")]
    pub condition: Option<String>,
    #[serde(default)]
    pub continue_on_error: bool,
    pub shell: Option<String>,
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    pub run: Option<String>,
    pub uses: Option<String>,
    #[serde(default)]
    pub with: BTreeMap<String, Value>,
}

impl Step {
    /// What it is called when it fails.
    pub fn shown(&self) -> String {
        self.name.clone().or_else(|| self.uses.clone()).unwrap_or_else(|| "a step without a name".to_owned())
    }
}

/// Reads a workflow of a repository and checks what holds for all of them.
pub fn read(repository: &Path, file: &str) -> Workflow {
    let path = repository.join(".github/workflows").join(file);
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{file}: {error}"));
    let workflow: Workflow = serde_yaml::from_str(&text).unwrap_or_else(|error| panic!("{file}: {error}"));
    check(&workflow).unwrap_or_else(|wrong| panic!("{file}: {wrong}"));
    workflow
}

/// What is wrong with a workflow, though GitHub would take it.
fn check(workflow: &Workflow) -> Result<(), String> {
    let says = |holds: bool, wrong: &str| if holds { Ok(()) } else { Err(wrong.to_owned()) };
    says(workflow.name.starts_with("billform "), "its name does not say where it is from")?;
    says(workflow.permissions.is_empty(), "each job is to be given its own permissions")?;
    says(workflow.concurrency.group.starts_with("billform-"), "its runs would wait for others")?;
    let plans = workflow.on.get("pull_request").is_some();
    says(workflow.concurrency.cancel_in_progress == plans, "only a plan may be given up half-way")?;
    for (name, job) in &workflow.jobs {
        says(job.runs_on == "ubuntu-24.04", "a runner by its version")?;
        says((1..=60).contains(&job.timeout_minutes), "a job ends within an hour")?;
        for step in &job.steps {
            let at = format!("{name}, {}", step.shown());
            says(step.run.is_some() != step.uses.is_some(), &format!("{at}: a script or an action"))?;
            let script = step.run.as_deref().unwrap_or_default();
            says(!script.contains("${{"), &format!("{at}: a script gets values through `env`"))?;
            says(step.run.is_none() || step.shell.as_deref() == Some("bash"), &format!("{at}: which shell?"))?;
            says(step.run.is_none() || step.with.is_empty(), &format!("{at}: `with` is for actions"))?;
        }
    }
    Ok(())
}
