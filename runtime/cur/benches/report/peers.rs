//! Other readers, from PyPI: each sums plain doubles by tenant and service, and again as decimals where it can.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::generate::Shape;

/// Another reader.
#[derive(Debug)]
pub struct Peer {
    pub name: String,
    module: &'static str,
}

/// Those that are there, and why others are not.
pub struct Peers {
    pub found: Vec<Peer>,
    pub missing: Vec<(&'static str, String)>,
    python: PathBuf,
    script: PathBuf,
}

const SCRIPT: &str = include_str!("peers.py");
/// Modules with their packages.
const PEERS: [(&str, &[&str]); 3] =
    [("duckdb", &["duckdb"]), ("polars", &["polars"]), ("pandas", &["pandas", "pyarrow"])];

/// Makes the environment and looks for what is in it.
pub fn find(folder: &Path) -> Peers {
    let venv = folder.join("venv");
    let python = venv.join("bin/python");
    let (mut found, mut missing) = (Vec::new(), Vec::new());
    let made = if python.is_file() { Ok(()) } else { run(Command::new("python3").args(["-m", "venv"]).arg(&venv)) };
    for (module, packages) in PEERS {
        let there = made.clone().and_then(|()| {
            let import = format!("import {module}");
            run(Command::new(&python).args(["-c", &import])).or_else(|_| {
                run(Command::new(&python)
                    .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
                    .args(packages))
            })
        });
        match there {
            Ok(()) => {
                let version = Command::new(&python)
                    .args(["-c", &format!("import {module}; print({module}.__version__)")])
                    .output();
                let version =
                    version.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default();
                found.push(Peer { name: format!("{module} {version}"), module });
            }
            Err(why) => missing.push((module, why)),
        }
    }
    let script = folder.join("peers.py");
    std::fs::write(&script, SCRIPT).expect("written");
    Peers { found, missing, python, script }
}

fn run(command: &mut Command) -> Result<(), String> {
    let output = command.output().map_err(|error| format!("{command:?} does not start: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&output.stderr);
    Err(text.lines().last().unwrap_or("it failed without a word").to_owned())
}

impl Peers {
    /// How a peer is started.
    pub fn command(&self, peer: &Peer, what: &str, paths: &[PathBuf], shape: Shape) -> Command {
        let mut command = Command::new(&self.python);
        command.arg(&self.script).args([peer.module, what]).arg(format!("{shape:?}").to_lowercase()).args(paths);
        command.env("POLARS_MAX_THREADS", super::THREADS.to_string());
        command
    }
}
