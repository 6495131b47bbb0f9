//! The local cloud in the background: `local up`, `local down`, and the process in between.
//!
//! The daemon holds a lock on a file for as long as it lives. The operating system lets go of it however the
//! daemon ends, so a description left behind by one that was killed is never believed.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use http::Method;
use rustix::process::{Pid, Signal, kill_process};
use tokio::signal::unix::{SignalKind, signal};

use crate::cloud::{Description, Error, LocalCloud, Options};
use crate::gateway::pipeline::Upstream;

/// The first start installs MiniStack, over whatever network there is.
const UP_LIMIT: Duration = Duration::from_secs(600);
const DOWN_LIMIT: Duration = Duration::from_secs(20);
const HEALTH_LIMIT: Duration = Duration::from_secs(5);
const POLL: Duration = Duration::from_millis(50);

/// Why the daemon could not be started, found or ended.
#[derive(Debug, thiserror::Error)]
pub enum DaemonError {
    /// The local cloud itself failed.
    #[error(transparent)]
    Cloud(#[from] Error),
    /// A file could not be used.
    #[error("{action} {path}: {source}; check that the folder can be written", path = .path.display())]
    File {
        /// What was being done.
        action: &'static str,
        /// Where.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// Another daemon serves this folder.
    #[error("a local cloud already runs for {home}; stop it with `billform local down`", home = .home.display())]
    AlreadyRuns {
        /// The folder.
        home: PathBuf,
    },
    /// The daemon ended before it was ready.
    #[error("the local cloud did not start ({status}); the end of {log_path}:\n{log}", log_path = .log_path.display())]
    Ended {
        /// Its exit status.
        status: String,
        /// Its log file.
        log_path: PathBuf,
        /// The end of its log.
        log: String,
    },
    /// The daemon lives but did not get ready, or does not answer.
    #[error("the local cloud (process {pid}) {problem}; stop it with `billform local down` and see {log_path}", log_path = .log_path.display())]
    Unwell {
        /// Its process id.
        pid: u32,
        /// What is wrong.
        problem: &'static str,
        /// Its log file.
        log_path: PathBuf,
    },
}

/// Starts the local cloud of `home` in the background, or finds the one that runs, and returns when it answers.
///
/// `program` must end up in [`serve`] with the same home (`billform local serve …`). Its progress lines are told.
pub async fn up(home: &Path, mut program: Command, progress: &dyn Fn(&str)) -> Result<Description, DaemonError> {
    let files = Files::of(home)?;
    let _one_at_a_time = locked(&files.up_lock).await?;
    let offset = file_size(&files.log);
    let mut child = None;
    if let Some(lock) = try_lock(&files.lock)? {
        let _ = std::fs::remove_file(&files.description);
        drop(lock);
        child = Some(launch(&mut program, &files)?);
    }
    let description = wait_until_ready(&files, child.as_mut(), offset, progress).await?;
    if let Some(mut child) = child {
        // Whoever outlives the daemon reaps it.
        std::thread::spawn(move || child.wait());
    }
    check_health(&files, &description).await?;
    Ok(description)
}

/// Stops the local cloud of `home` and waits until it is gone. False when none ran.
pub async fn down(home: &Path) -> Result<bool, DaemonError> {
    let files = Files::of(home)?;
    if try_lock(&files.lock)?.is_some() {
        let _ = std::fs::remove_file(&files.description);
        return Ok(false);
    }
    // One that has just taken the lock writes its process id next; the number of a predecessor must not be used.
    tokio::time::sleep(POLL).await;
    let pid = holder(&files);
    for sign in [Signal::TERM, Signal::KILL] {
        if let Some(pid) = pid.and_then(|pid| i32::try_from(pid).ok()).and_then(Pid::from_raw) {
            let _ = kill_process(pid, sign);
        }
        let deadline = Instant::now() + DOWN_LIMIT;
        while Instant::now() < deadline {
            if try_lock(&files.lock)?.is_some() {
                let _ = std::fs::remove_file(&files.description);
                return Ok(true);
            }
            tokio::time::sleep(POLL).await;
        }
    }
    Err(DaemonError::Unwell { pid: pid.unwrap_or(0), problem: "does not end", log_path: files.log })
}

/// The description of the local cloud of `home` if one runs and is ready.
pub fn running(home: &Path) -> Result<Option<Description>, DaemonError> {
    let files = Files::of(home)?;
    Ok(if try_lock(&files.lock)?.is_some() { None } else { description(&files) })
}

/// Serves the local cloud until SIGTERM or SIGINT. The description file appears when it is ready.
pub async fn serve(options: Options, progress: &dyn Fn(&str)) -> Result<(), DaemonError> {
    let files = Files::of(&options.home)?;
    let Some(mut lock) = lock_for_life(&files).await? else {
        return Err(DaemonError::AlreadyRuns { home: options.home });
    };
    let _ = std::fs::remove_file(&files.description);
    let held = lock.set_len(0).and_then(|()| writeln!(lock, "{}", std::process::id()));
    held.map_err(at("writing", &files.lock))?;
    let mut stops = Stops::new().map_err(at("listening for signals for", &files.lock))?;
    let cloud = tokio::select! {
        started = LocalCloud::start(options, progress) => started?,
        () = stops.next() => return Ok(()),
    };
    publish(&files.description, cloud.description()).map_err(at("writing", &files.description))?;
    stops.next().await;
    let _ = std::fs::remove_file(&files.description);
    progress("stopping the local cloud");
    cloud.stop().await;
    drop(lock);
    Ok(())
}

struct Files {
    description: PathBuf,
    lock: PathBuf,
    up_lock: PathBuf,
    log: PathBuf,
}

impl Files {
    fn of(home: &Path) -> Result<Files, DaemonError> {
        std::fs::create_dir_all(home).map_err(at("creating", home))?;
        Ok(Files {
            description: home.join("local-cloud.json"),
            lock: home.join("local-cloud.lock"),
            up_lock: home.join("local-cloud.up.lock"),
            log: home.join("local-cloud.log"),
        })
    }
}

struct Stops {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
    hangup: tokio::signal::unix::Signal,
}

impl Stops {
    fn new() -> io::Result<Stops> {
        Ok(Stops {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    async fn next(&mut self) {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return,
                _ = self.interrupt.recv() => return,
                // The terminal it was started from closed: that is no reason to go.
                _ = self.hangup.recv() => {}
            }
        }
    }
}

fn launch(program: &mut Command, files: &Files) -> Result<Child, DaemonError> {
    let log = OpenOptions::new().create(true).append(true).open(&files.log).map_err(at("opening", &files.log))?;
    let errors = log.try_clone().map_err(at("opening", &files.log))?;
    program.stdin(Stdio::null()).stdout(log).stderr(errors).process_group(0);
    let path = PathBuf::from(program.get_program());
    program.spawn().map_err(at("starting", &path))
}

async fn wait_until_ready(
    files: &Files,
    mut child: Option<&mut Child>,
    mut offset: u64,
    progress: &dyn Fn(&str),
) -> Result<Description, DaemonError> {
    let deadline = Instant::now() + UP_LIMIT;
    loop {
        offset = tell_new_lines(&files.log, offset, progress);
        if let Some(description) = description(files) {
            return Ok(description);
        }
        let ended = match child.as_mut() {
            Some(child) => child.try_wait().ok().flatten().map(|status| status.to_string()),
            None => try_lock(&files.lock)?.map(|_| "it ended".to_owned()),
        };
        if let Some(status) = ended {
            let log = crate::ministack::tail(&read_from(&files.log, 0), 20);
            return Err(DaemonError::Ended { status, log_path: files.log.clone(), log });
        }
        if Instant::now() > deadline {
            let (pid, log_path) = (holder(files).unwrap_or(0), files.log.clone());
            return Err(DaemonError::Unwell { pid, problem: "was not ready after 10 minutes", log_path });
        }
        tokio::time::sleep(POLL).await;
    }
}

async fn check_health(files: &Files, description: &Description) -> Result<(), DaemonError> {
    let address = description.aws_endpoint.trim_start_matches("http://").to_owned();
    let gateway = Upstream::new(address, description.account.clone(), description.region.clone());
    let asked = gateway.rest("ministack", Method::GET, "/_billform/health", "");
    let pid = description.pid;
    match tokio::time::timeout(HEALTH_LIMIT, asked).await {
        Ok(Ok(answer)) if answer.is_success() && answer.body_json()["pid"] == pid => Ok(()),
        Ok(Ok(_)) => {
            Err(DaemonError::Unwell { pid, problem: "runs, but its MiniStack does not", log_path: files.log.clone() })
        }
        _ => Err(DaemonError::Unwell { pid, problem: "does not answer", log_path: files.log.clone() }),
    }
}

fn description(files: &Files) -> Option<Description> {
    serde_json::from_slice(&std::fs::read(&files.description).ok()?).ok()
}

/// Who holds the lock, as it wrote into it.
fn holder(files: &Files) -> Option<u32> {
    std::fs::read_to_string(&files.lock).ok()?.trim().parse().ok()
}

/// Written beside its place and renamed, readable by its owner only: it is whole or absent.
fn publish(path: &Path, description: &Description) -> io::Result<()> {
    let unfinished = path.with_extension("json.unfinished");
    let mut file = OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(&unfinished)?;
    file.write_all(serde_json::to_string_pretty(description)?.as_bytes())?;
    std::fs::rename(&unfinished, path)
}

fn try_lock(path: &Path) -> Result<Option<File>, DaemonError> {
    let file = open_lock(path)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(at("locking", path)(error)),
    }
}

/// Tries for a second: whoever looks whether a daemon lives holds the lock for a moment.
async fn lock_for_life(files: &Files) -> Result<Option<File>, DaemonError> {
    for _ in 0..20 {
        if let Some(lock) = try_lock(&files.lock)? {
            return Ok(Some(lock));
        }
        tokio::time::sleep(POLL).await;
    }
    Ok(None)
}

async fn locked(path: &Path) -> Result<File, DaemonError> {
    loop {
        if let Some(file) = try_lock(path)? {
            return Ok(file);
        }
        tokio::time::sleep(POLL).await;
    }
}

fn open_lock(path: &Path) -> Result<File, DaemonError> {
    OpenOptions::new().create(true).read(true).write(true).truncate(false).open(path).map_err(at("opening", path))
}

fn tell_new_lines(path: &Path, offset: u64, progress: &dyn Fn(&str)) -> u64 {
    let text = read_from(path, offset);
    // A line still being written is told when it is whole.
    let whole = text.rfind('\n').map_or(0, |end| end + 1);
    text[..whole].lines().for_each(progress);
    offset + whole as u64
}

fn read_from(path: &Path, offset: u64) -> String {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|mut file| {
        file.seek(SeekFrom::Start(offset))?;
        file.read_to_end(&mut bytes)
    });
    if read.is_err() { String::new() } else { String::from_utf8_lossy(&bytes).into_owned() }
}

fn file_size(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |data| data.len())
}

fn at(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> DaemonError {
    let path = path.to_owned();
    move |source| DaemonError::File { action, path, source }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;

    fn stale(home: &Path) -> Files {
        let files = Files::of(home).unwrap();
        let description = Description {
            aws_endpoint: "http://127.0.0.1:1".into(),
            stripe_api_base: String::new(),
            account: "123456789012".into(),
            region: "us-east-1".into(),
            access_key_id: "test".into(),
            secret_access_key: "test".into(),
            stripe_api_key: String::new(),
            pid: 1,
        };
        publish(&files.description, &description).unwrap();
        files
    }

    #[tokio::test]
    async fn a_description_without_a_daemon_is_not_believed() {
        let home = tempfile::tempdir().unwrap();
        let files = stale(home.path());
        assert_eq!(running(home.path()).unwrap(), None);
        assert!(!down(home.path()).await.unwrap());
        assert!(!files.description.exists());
    }

    #[tokio::test]
    async fn a_program_that_ends_shows_its_log() {
        let home = tempfile::tempdir().unwrap();
        stale(home.path());
        let told = RefCell::new(Vec::new());
        let mut program = Command::new("sh");
        program.args(["-c", "echo setting up; sleep 0.2; echo no disk >&2; exit 3"]);
        let error =
            up(home.path(), program, &|line| told.borrow_mut().push(line.to_owned())).await.unwrap_err().to_string();
        assert!(error.contains("exit status: 3") && error.contains("no disk"), "{error}");
        assert_eq!(told.borrow()[0], "setting up");
    }

    #[tokio::test]
    async fn a_second_daemon_is_refused() {
        let home = tempfile::tempdir().unwrap();
        let files = Files::of(home.path()).unwrap();
        let _held = try_lock(&files.lock).unwrap().unwrap();
        let error = serve(Options::new(home.path()), &|_| {}).await.unwrap_err();
        assert!(matches!(error, DaemonError::AlreadyRuns { .. }), "{error}");
    }
}
