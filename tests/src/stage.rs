//! A stage for one test: a local cloud that enforces signatures and policies, an IAM user with exactly the policy
//! that `billform permissions` prints, a folder with a manifest, and the built `billform` to run in it.
//!
//! The program is run as people run it, as a process of its own with a cleared environment; what a test looks at
//! afterwards it looks at as root, past the program.

mod browser;
mod built;
mod front;
mod manifest;
mod place;
mod records;
mod web;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use crate::live::clients::Clients as _;
use crate::live::dashboard;
use billing::Month;
use localcloud::gateway::fault::FaultState;
use provisioner::cloud::Cloud;
use serde_json::Value;
use tempfile::TempDir;
use tokio::process::{Child, Command};

pub use browser::{Browser, Setup};
pub use built::{binary, bundle, checkout, dummy_bundle, local_cloud_home};
pub use front::{Front, Passed};
pub use manifest::{Draft, PORTAL, TenantDraft};
pub use place::Place;
pub use provisioner::kinds::support::inventory::Inventory;
pub use web::{Answer, get, send};

/// Longer than any command takes on a busy machine.
const RUN_LIMIT: Duration = Duration::from_secs(300);

/// What one run of the program came to.
#[derive(Debug, Clone)]
pub struct Ran {
    /// The exit code; none when a signal ended it.
    pub status: Option<i32>,
    /// The result.
    pub stdout: String,
    /// The progress and errors.
    pub stderr: String,
}

impl Ran {
    /// The same, if it ended with this code; else the test fails and shows what was said.
    pub fn exits(self, code: i32) -> Ran {
        assert_eq!(self.status, Some(code), "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    /// The same, if it ended well.
    pub fn ok(self) -> Ran {
        self.exits(0)
    }

    /// The one JSON document on stdout.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| {
            panic!("stdout is no JSON document: {error}\n{}\nstderr:\n{}", self.stdout, self.stderr)
        })
    }
}

/// An access key.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// The key's id.
    pub id: String,
    /// The secret part.
    pub secret: String,
}

/// A local cloud, a user, a folder with a manifest.
pub struct Stage {
    /// The cloud.
    pub place: Place,
    folder: TempDir,
    bundle: PathBuf,
    user: Credentials,
    environment: BTreeMap<OsString, OsString>,
    users: u32,
}

impl Stage {
    /// A cloud of its own, a user under the policy that applying this manifest needs, and the real handlers.
    pub async fn new(manifest: &str) -> Stage {
        Stage::with_bundle(manifest, bundle()).await
    }

    /// The same with functions that are deployed and never called: a bundle of a few bytes uploads faster.
    pub async fn without_handlers(manifest: &str) -> Stage {
        Stage::with_bundle(manifest, built::dummy_bundle()).await
    }

    async fn with_bundle(manifest: &str, bundle: &Path) -> Stage {
        let place = Place::start().await;
        let folder = tempfile::tempdir().expect("a folder");
        let user = Credentials { id: String::new(), secret: String::new() };
        let bundle = bundle.to_owned();
        let mut stage = Stage { place, folder, bundle, user, environment: BTreeMap::new(), users: 0 };
        let stripe = stage.place.cloud.description().stripe_api_key.clone();
        stage.set("STRIPE_API_KEY", &stripe);
        stage.set("BILLFORM_SECRET_STRIPE", &stripe);
        stage.write(manifest);
        stage.be_permitted("apply").await;
        stage
    }

    /// The folder that the program runs in.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The state file.
    pub fn state_path(&self) -> PathBuf {
        self.folder().join(".billform/state.json")
    }

    /// An empty account and no state, as on a new stage, and much faster. The user is gone as well.
    pub async fn reset(&mut self) {
        self.place.cloud.reset().await.expect("the local cloud is emptied");
        match fs::remove_dir_all(self.folder().join(".billform")) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => panic!("the state stays: {error}"),
            _ => {}
        }
    }

    /// What the state says, made comparable between accounts: address -> record.
    pub fn records(&self) -> BTreeMap<String, Value> {
        records::of(&self.state_path())
    }

    /// Puts another manifest in place.
    pub fn write(&self, manifest: &str) {
        fs::write(self.folder().join("billform.yaml"), manifest).expect("the manifest is written");
    }

    /// Sets a variable of the program's environment.
    pub fn set(&mut self, variable: &str, value: &str) {
        self.environment.insert(variable.into(), value.into());
    }

    /// Unsets it.
    pub fn unset(&mut self, variable: &str) {
        self.environment.remove(&OsString::from(variable));
    }

    /// The user's key.
    pub fn user(&self) -> &Credentials {
        &self.user
    }

    /// From now on the program runs as another user, under the policy that `billform permissions` prints for this
    /// command and the present manifest.
    pub async fn be_permitted(&mut self, command: &str) {
        let policy = self.run(&["permissions", "--for", command]).await.ok().stdout;
        self.be_user_under(&policy).await;
    }

    /// From now on the program runs as another user, under this policy.
    pub async fn be_user_under(&mut self, policy: &str) {
        self.users += 1;
        let name = format!("billform-{}", self.users);
        let made = self.place.cloud.create_user(&name, policy).await;
        let (id, secret) = made.expect("the user is created");
        self.user = Credentials { id, secret };
    }

    /// Runs the program as the user. `plan` and `apply` get the stage's bundle.
    pub async fn run(&self, arguments: &[&str]) -> Ran {
        self.finish(self.start(arguments)).await
    }

    /// Runs the program as root, for what the user is not there for.
    pub async fn run_as_root(&self, arguments: &[&str]) -> Ran {
        let root = self.place.root();
        let mut command = self.command(arguments);
        command.env("AWS_ACCESS_KEY_ID", root.id).env("AWS_SECRET_ACCESS_KEY", root.secret);
        self.finish(command.spawn().expect("billform starts")).await
    }

    /// Starts the program; it is killed when the handle is dropped.
    pub fn start(&self, arguments: &[&str]) -> Child {
        self.command(arguments).spawn().expect("billform starts")
    }

    /// Waits for the end and takes what was said.
    pub async fn finish(&self, child: Child) -> Ran {
        let output = tokio::time::timeout(RUN_LIMIT, child.wait_with_output()).await;
        let output = output.expect("billform ends in time").expect("billform is waited for");
        Ran {
            status: output.status.code(),
            stdout: String::from_utf8(output.stdout).expect("stdout is UTF-8"),
            stderr: String::from_utf8(output.stderr).expect("stderr is UTF-8"),
        }
    }

    /// The program, ready to start: in the folder, with nothing of this process's environment but `PATH`.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let description = self.place.cloud.description();
        let mut command = Command::new(binary());
        command.args(arguments).current_dir(self.folder()).env_clear();
        if matches!(arguments.first(), Some(&("plan" | "apply"))) && !arguments.contains(&"--bundle") {
            command.arg("--bundle").arg(&self.bundle);
        }
        command
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            // The folder, so that no profile of whoever runs the tests is found.
            .env("HOME", self.folder())
            .env("CARGO_TARGET_DIR", built::target_folder())
            .env("AWS_ENDPOINT_URL", &description.aws_endpoint)
            .env("AWS_ACCESS_KEY_ID", &self.user.id)
            .env("AWS_SECRET_ACCESS_KEY", &self.user.secret)
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("STRIPE_API_BASE", &description.stripe_api_base)
            .envs(&self.environment)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    /// Somebody at Stripe's dashboard changes or makes something: `POST`, `/v1/customers`, `name=Acme`.
    pub async fn at_stripe(&self, method: &str, path: &str, form: &str) -> Value {
        let description = self.place.cloud.description();
        let base = &description.stripe_api_base;
        let address = base.trim_start_matches("http://").trim_end_matches('/');
        dashboard::request(address, &description.stripe_api_key, method, path, form).await
    }

    /// Clients that are root, for looking and for changing things behind the program's back.
    pub async fn root(&self) -> Cloud {
        self.place.clients().await
    }

    /// Calls a deployed function and gives its answer; the test fails when the function does.
    pub async fn invoke(&self, function: &str, event: &Value) -> Value {
        let (failed, answer) = self.try_invoke(function, event).await;
        assert!(!failed, "{function} failed: {answer}");
        answer
    }

    /// Calls a deployed function: whether it failed, and its answer.
    pub async fn try_invoke(&self, function: &str, event: &Value) -> (bool, Value) {
        let payload = aws_sdk_lambda::primitives::Blob::new(event.to_string());
        let call = self.root().await.lambda().invoke().function_name(function).payload(payload).send();
        let answer = call.await.expect("the function is called");
        let payload = answer.payload().map(|payload| payload.as_ref()).unwrap_or_default();
        (answer.function_error().is_some(), serde_json::from_slice(payload).expect("it answers in JSON"))
    }

    /// Waits until the fault holds an answer of this run back. When the run ends before, its end is given.
    pub async fn until_held(&self, fault: u64, run: &mut Child) -> Option<ExitStatus> {
        tokio::select! {
            () = self.place.cloud.traffic().until(fault, FaultState::Holding) => None,
            status = run.wait() => Some(status.expect("billform is waited for")),
        }
    }

    /// Lets time pass until the next noon: from there each daily schedule fires once a day, in its order, at whatever hour
    /// the test began.
    pub async fn until_noon(&self) {
        const DAY_S: i64 = 86_400;
        let now = self.place.cloud.timeline().clock().now().as_second();
        let seconds = (DAY_S / 2 - now).rem_euclid(DAY_S);
        self.place.cloud.advance(seconds.unsigned_abs()).await.expect("time passes");
    }

    /// The month before the cost model's present day: closed, and its costs are final.
    pub fn last_month(&self) -> Month {
        let today = self.place.cloud.costs().model().today.expect("the model knows what day it is");
        Month::of(today).previous().expect("a month")
    }

    /// What there is, by service.
    pub async fn inventory(&self) -> Inventory {
        provisioner::kinds::support::inventory::of(&Arc::new(self.root().await)).await.expect("everything is listed")
    }
}
