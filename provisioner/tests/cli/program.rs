//! The program in a folder of its own, with nothing of the caller's environment.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// A folder to run the program in.
pub struct Program {
    folder: tempfile::TempDir,
}

/// What a run came to.
#[derive(Debug)]
pub struct Ran {
    pub status: i32,
    pub stdout: String,
    pub stderr: String,
}

/// The smallest sound manifest: one tenant, no Stripe.
pub const SMALL: &str = r#"version: 1
project: small
aws: { account: "123456789012", region: us-east-1 }
attribution: { tenant_tag: ClientOrganization }
tenants:
  - { id: acme, name: Acme, email: pay@acme.example, tags: { ClientOrganization: Acme } }
"#;

impl Program {
    /// An empty folder.
    pub fn new() -> Program {
        Program { folder: tempfile::tempdir().expect("a folder") }
    }

    /// A folder with [`SMALL`] in it.
    pub fn small() -> Program {
        let program = Program::new();
        program.write("billform.yaml", SMALL);
        program
    }

    /// A path in the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file, its folders included.
    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
        fs::write(path, bytes).expect("is written");
    }

    /// A file's text.
    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).expect("is read")
    }

    /// Runs it.
    pub fn run(&self, arguments: &[&str]) -> Ran {
        self.run_with(arguments, &[])
    }

    /// Runs it with variables set.
    pub fn run_with(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Ran {
        ran(self.command(arguments, variables).output().expect("the program runs"))
    }

    /// The bytes on stdout of a run that succeeds, which need not be text.
    pub fn bytes(&self, arguments: &[&str]) -> Vec<u8> {
        let output = self.command(arguments, &[]).output().expect("the program runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    }

    fn command(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_billform"));
        command.args(arguments).current_dir(self.folder.path()).env_clear();
        command.env("COLUMNS", "100").envs(variables.iter().copied());
        command
    }
}

fn ran(output: Output) -> Ran {
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    Ran { status: output.status.code().expect("no signal"), stdout: text(output.stdout), stderr: text(output.stderr) }
}

impl Ran {
    /// The result on stdout of a run that succeeded.
    pub fn ok(self) -> String {
        assert_eq!(self.status, 0, "{self:#?}");
        self.stdout
    }

    /// What a run that failed with 1 said on stderr.
    pub fn failed(self) -> String {
        assert_eq!(self.status, 1, "{self:#?}");
        assert!(!self.stderr.contains("panicked"), "{}", self.stderr);
        self.stderr
    }

    /// Stdout as one JSON document.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error} in {self:#?}"))
    }
}

/// A file of the checkout.
pub fn checkout(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}
