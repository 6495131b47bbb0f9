//! The virtual environment that MiniStack runs in, made once and kept.
//!
//! Its folder carries the hash of the pinned requirements, so that new pins make a new one. It is built beside its
//! place and renamed, so that a set-up cut short leaves nothing that looks whole.

use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use sha2::{Digest, Sha256};
use tokio::process::Command;

use super::python;

/// MiniStack and all it needs, with hashes.
const REQUIREMENTS: &str = include_str!("../../requirements.txt");
const LOCK_POLL: Duration = Duration::from_millis(100);

/// Why the virtual environment could not be made.
#[derive(Debug, thiserror::Error)]
pub enum VenvError {
    /// No usable Python on the PATH.
    #[error("the local cloud needs Python 3.10 or newer with its venv module, and {found}; {remedy}")]
    Python {
        /// What was found instead.
        found: String,
        /// What to do about it.
        remedy: &'static str,
    },
    /// A step of the set-up failed.
    #[error("setting up MiniStack in {folder}: `{command}` failed:\n{output}\n{remedy}", folder = .folder.display())]
    Step {
        /// The virtual environment.
        folder: PathBuf,
        /// The command.
        command: String,
        /// The end of what it printed.
        output: String,
        /// What to do about it.
        remedy: &'static str,
    },
    /// A file or folder could not be written.
    #[error("{action} {path}: {source}; check that the folder can be written and the disk has 200 MB left", path = .path.display())]
    File {
        /// What was being done.
        action: &'static str,
        /// Where.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
}

/// The virtual environment under `home`, made now if it is not there. Returns its Python.
pub async fn ready(home: &Path, progress: &dyn Fn(&str)) -> Result<PathBuf, VenvError> {
    let folder = home.join(format!("ministack-{}", &pins()[..12]));
    if let Some(python) = finished(&folder) {
        return Ok(python);
    }
    std::fs::create_dir_all(home).map_err(at("creating", home))?;
    let _lock = lock(&home.join("setup.lock"), progress).await?;
    if let Some(python) = finished(&folder) {
        return Ok(python);
    }
    build(home, &folder, progress).await?;
    finished(&folder).ok_or_else(|| VenvError::File {
        action: "finding Python in",
        path: folder,
        source: io::ErrorKind::NotFound.into(),
    })
}

async fn build(home: &Path, folder: &Path, progress: &dyn Fn(&str)) -> Result<(), VenvError> {
    let base = base_python().await?;
    progress("setting up MiniStack (once, about 10 seconds)");
    let unfinished = folder.with_extension("unfinished");
    if unfinished.exists() {
        std::fs::remove_dir_all(&unfinished).map_err(at("removing", &unfinished))?;
    }
    let requirements = home.join("requirements.txt");
    std::fs::write(&requirements, REQUIREMENTS).map_err(at("writing", &requirements))?;
    let mut venv = Command::new(base);
    venv.args(["-m", "venv"]).arg(&unfinished);
    run(venv, &unfinished, "install Python's venv module (on Debian and Ubuntu: apt install python3-venv)").await?;
    let mut pip = Command::new(unfinished.join("bin/python"));
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input", "--no-deps"]);
    pip.args(["--require-hashes", "--only-binary", ":all:", "-r"]).arg(&requirements);
    run(pip, &unfinished, "check the connection to the Python package index (pip's own settings are honoured)").await?;
    std::fs::rename(&unfinished, folder).map_err(at("putting in place", folder))?;
    progress("MiniStack is set up");
    Ok(())
}

/// The hash of the pins, in hex.
fn pins() -> String {
    hex::encode(Sha256::digest(REQUIREMENTS))
}

fn finished(folder: &Path) -> Option<PathBuf> {
    let python = folder.join("bin/python");
    python.exists().then_some(python)
}

/// Waits for the exclusive lock; the operating system lets it go when the holder ends, however it ends.
async fn lock(path: &Path, progress: &dyn Fn(&str)) -> Result<File, VenvError> {
    let file = File::options().create(true).write(true).truncate(false).open(path).map_err(at("opening", path))?;
    let mut told = false;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) => {
                if !told {
                    progress("another billform is setting up MiniStack; waiting for it");
                    told = true;
                }
                tokio::time::sleep(LOCK_POLL).await;
            }
            Err(TryLockError::Error(error)) => return Err(at("locking", path)(error)),
        }
    }
}

/// The first Python on the PATH that is new enough and can make virtual environments.
async fn base_python() -> Result<&'static str, VenvError> {
    let mut found = "there is no python3 on the PATH".to_owned();
    let mut remedy = "install Python 3";
    for name in python::NAMES {
        let mut command = Command::new(name);
        command.args(["-c", python::PROBE]);
        let Ok(output) = cleaned(&mut command).output().await else { continue };
        let version = python::version(&String::from_utf8_lossy(&output.stdout));
        if version.is_some_and(|version| version >= python::OLDEST) && output.status.success() {
            return Ok(name);
        }
        if let Some((major, minor)) = version.filter(|_| remedy == "install Python 3") {
            let old = (major, minor) < python::OLDEST;
            found = format!("{name} is {major}.{minor}{}", if old { "" } else { " without venv and ensurepip" });
            remedy = if old {
                "install a newer Python 3"
            } else {
                "install them (on Debian and Ubuntu: apt install python3-venv)"
            };
        }
    }
    Err(VenvError::Python { found, remedy })
}

async fn run(mut command: Command, folder: &Path, remedy: &'static str) -> Result<(), VenvError> {
    let shown = format!("{:?}", command.as_std()).replace('"', "");
    let failed = |output: String| VenvError::Step { folder: folder.to_owned(), command: shown.clone(), output, remedy };
    let output = cleaned(&mut command).output().await.map_err(|error| failed(error.to_string()))?;
    if output.status.success() {
        return Ok(());
    }
    let text = [output.stdout, output.stderr].concat();
    Err(failed(super::tail(&String::from_utf8_lossy(&text), 15)))
}

/// Without what would make Python or pip work on another installation than ours. pip's index and proxy stay.
fn cleaned(command: &mut Command) -> &mut Command {
    for name in ["PYTHONHOME", "PYTHONPATH", "PYTHONSTARTUP", "VIRTUAL_ENV", "PIP_USER", "PIP_TARGET", "PIP_PREFIX"] {
        command.env_remove(name);
    }
    command.stdin(Stdio::null()).kill_on_drop(true)
}

fn at(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> VenvError {
    let path = path.to_owned();
    move |source| VenvError::File { action, path, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_requirement_is_pinned_with_hashes() {
        let lines: Vec<&str> = REQUIREMENTS.lines().filter(|line| !line.starts_with('#')).collect();
        let text = lines.join("\n");
        let releases = text.split("\n").filter(|line| !line.starts_with(' '));
        for release in releases {
            assert!(release.contains("==") && release.ends_with('\\'), "{release}");
        }
        assert!(text.contains("ministack==1.5.33"));
        assert!(text.matches("--hash=sha256:").count() > 100);
    }

    #[tokio::test]
    async fn a_failed_step_names_the_command_and_what_it_printed() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo no such release >&2; exit 1"]);
        let error = run(command, Path::new("/v"), "do this").await.unwrap_err().to_string();
        assert!(error.contains("sh -c") && error.contains("no such release") && error.ends_with("do this"), "{error}");
    }

    #[tokio::test]
    async fn the_lock_waits_for_its_holder() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("setup.lock");
        let held = lock(&path, &|_| {}).await.unwrap();
        let waited = std::cell::Cell::new(false);
        let tell = |_: &str| waited.set(true);
        let second = lock(&path, &tell);
        let release = async {
            tokio::time::sleep(Duration::from_millis(150)).await;
            drop(held);
        };
        let (second, ()) = tokio::join!(second, release);
        assert!(second.is_ok() && waited.get());
    }
}
