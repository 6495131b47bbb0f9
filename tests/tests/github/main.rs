//! `billform ci`, the built program, against the stand-in for GitHub's API: comments and issues as workflows keep them.

mod comment;
mod disturbed;
mod issues;
mod linted;
mod merged;
mod nightly;
mod workflows;

use std::fs;
use std::path::PathBuf;

use engine::diff::FieldChange;
use engine::plan::Plan;
use engine::{Action, Address, Reason, Step};
use provisioner::ui::views::plan::Surroundings;
use provisioner::ui::views::review::Review;
use serde_json::{Value, json};
use tests::github::Hub;
use tests::stage::{Ran, binary};
use tokio::process::Command;

/// A workflow's step: a folder with the files of steps before it, and what GitHub Actions sets.
pub struct Workflow {
    folder: tempfile::TempDir,
    variables: Vec<(String, String)>,
}

impl Workflow {
    /// A step of the hub's repository.
    pub fn of(hub: &Hub) -> Workflow {
        Workflow { folder: tempfile::tempdir().expect("a folder"), variables: hub.variables() }
    }

    /// The same with a variable set, or taken away where there is no value.
    pub fn with(mut self, name: &str, value: Option<&str>) -> Workflow {
        self.variables.retain(|(known, _)| known != name);
        self.variables.extend(value.map(|value| (name.to_owned(), value.to_owned())));
        self
    }

    /// A path in the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file.
    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        fs::write(self.path(name), text).expect("is written");
    }

    /// Runs the program, with nothing else in its environment.
    pub async fn run(&self, arguments: &[&str]) -> Ran {
        let mut command = Command::new(binary());
        command.args(arguments).current_dir(self.folder.path()).env_clear().kill_on_drop(true);
        // So that no sentence is broken.
        command.env("COLUMNS", "400");
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        let output = command.output().await.expect("billform runs");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
        let ran = Ran { status: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) };
        for (name, token) in &self.variables {
            let shown = ran.stdout.contains(token) || ran.stderr.contains(token);
            assert!(name != "GITHUB_TOKEN" || !shown, "the token is shown: {ran:#?}");
        }
        ran
    }

    /// The one JSON document of a run that succeeds.
    pub async fn json(&self, arguments: &[&str]) -> Value {
        self.run(&[arguments, &["--format", "json"]].concat()).await.ok().json()
    }

    /// Saves a plan with what is reviewed of it, as `plan --out` does.
    pub fn save(&self, name: &str, plan: &Plan) {
        let mut saved = json!({
            "format": "billform-saved-plan/2",
            "made_for": { "account": "123456789012", "region": "us-east-1", "stack": plan.stack, "stripe": null, "desired": "0" },
            "bundle_sha256": null, "bundle": null, "destroy": false, "refresh": "lists", "adopt": false,
            "tenant": null, "targets": [], "promises": plan.promises(), "checksum": null,
        });
        let checksum = engine::token::digest(&saved);
        saved["checksum"] = json!(checksum);
        self.write(name, saved.to_string());
        let around = Surroundings {
            account: "123456789012",
            region: "us-east-1",
            stripe: None,
            folding: Default::default(),
            verbose: false,
            unprovisioned: &[],
            keeps_code: false,
            destroys: false,
            calls: &Default::default(),
            money: &Default::default(),
            width: 80,
        };
        let review = json!({ "format": "billform-review/1", "plan": checksum, "review": Review::new(plan, &around) });
        self.write(&format!("{name}.review.json"), review.to_string());
    }
}

/// A plan of the stack that raises these tenants' budgets to so much.
pub fn raising(stack: &str, tenants: &[&str], to: &str) -> Plan {
    let limit = |tenant: &&str| Step {
        fields: vec![FieldChange {
            path: "limit_usd".to_owned(),
            before: json!("500.00"),
            after: json!(to),
            forces_replacement: false,
        }],
        ..Step::new(Address::new("budget", *tenant), Some((*tenant).to_owned()), Action::Update, Reason::Differs)
    };
    Plan::new(stack.to_owned(), 1, tenants.iter().map(limit).collect())
}
