//! The running MiniStack. Its environment is cleared: functions inherit it, and a workstation's STRIPE_API_KEY or
//! AWS_PROFILE must never reach one.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use http::Method;
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::sync::mpsc;

use super::tail;
use crate::gateway::pipeline::Upstream;

const SUPERVISOR: &str = include_str!("supervisor.py");
const APPLICATION: &str = include_str!("application.py");
/// A cold start on a busy machine has been seen to take 6 s.
const START_LIMIT: Duration = Duration::from_secs(60);
const HEALTH_POLL: Duration = Duration::from_millis(25);
/// A port found free may be taken by another process before MiniStack binds it.
const PORT_ATTEMPTS: u32 = 3;
const STOP_LIMIT: Duration = Duration::from_secs(10);

/// What MiniStack is started with.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The Python of the virtual environment.
    pub python: PathBuf,
    /// Where its private folder is made.
    pub home: PathBuf,
    /// The account it serves.
    pub account: String,
    /// The region of its functions.
    pub region: String,
    /// Whether signatures and policies are enforced.
    pub auth: bool,
    /// Where functions call AWS: the gateway.
    pub aws_endpoint: String,
    /// Where functions call Stripe.
    pub stripe_api_base: String,
}

/// Why MiniStack did not come up.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A file, folder or process could not be made.
    #[error("{action} {path}: {source}", path = .path.display())]
    System {
        /// What was being done.
        action: &'static str,
        /// Where.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// It ended by itself.
    #[error("MiniStack ended at once ({status}); it said:\n{log}\ndelete {venv} to set it up anew", venv = .venv.display())]
    Ended {
        /// Its exit status.
        status: String,
        /// The end of its log.
        log: String,
        /// The virtual environment.
        venv: PathBuf,
    },
    /// It did not get healthy in time.
    #[error(
        "MiniStack on port {port} was not healthy within {limit_s} s; it said:\n{log}\ntry again when the machine is less busy"
    )]
    Late {
        /// Its port.
        port: u16,
        /// The limit in seconds.
        limit_s: u64,
        /// The end of its log.
        log: String,
    },
}

/// A running MiniStack. Dropping it ends it and every function it runs.
#[derive(Debug)]
pub struct MiniStack {
    supervisor: Child,
    /// The leader of its process group.
    leader: Option<Pid>,
    folder: PathBuf,
    port: u16,
}

impl MiniStack {
    /// Starts it on a free port and waits until it is healthy.
    pub async fn start(settings: &Settings) -> Result<MiniStack, StartError> {
        let mut attempt = 1;
        loop {
            match MiniStack::try_start(settings).await {
                Err(StartError::Ended { log, .. }) if attempt < PORT_ATTEMPTS && log.contains("already in use") => {
                    attempt += 1
                }
                other => return other,
            }
        }
    }

    /// Its address, `127.0.0.1:PORT`.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The process id of MiniStack, which is also that of its process group.
    pub fn pid(&self) -> Option<u32> {
        self.leader.map(|pid| pid.as_raw_nonzero().get().unsigned_abs())
    }

    /// Ends it and waits until it and its functions are gone.
    pub async fn stop(self) {
        // The wait is short and has no async form for a plain child.
        let _ = tokio::task::spawn_blocking(move || drop(self)).await;
    }

    async fn try_start(settings: &Settings) -> Result<MiniStack, StartError> {
        let port = free_port().map_err(at("finding a free port for MiniStack under", &settings.home))?;
        let folder = settings.home.join(format!("run-{}-{port}", std::process::id()));
        let (supervisor, stdout) = spawn(settings, &folder, port).inspect_err(|_| {
            let _ = std::fs::remove_dir_all(&folder);
        })?;
        let mut ministack = MiniStack { supervisor, leader: None, folder, port };
        let mut said = lines(stdout);
        let deadline = Instant::now() + START_LIMIT;
        let upstream = Upstream::new(ministack.address(), settings.account.clone(), settings.region.clone());
        loop {
            while let Ok(line) = said.try_recv() {
                match line.split_once(' ') {
                    Some(("pid", number)) => ministack.leader = number.parse().ok().and_then(Pid::from_raw),
                    Some(("exited", status)) => return Err(ministack.ended(format!("exit status {status}"), settings)),
                    _ => {}
                }
            }
            if said.is_closed() && said.is_empty() {
                return Err(ministack.ended("its supervisor ended".to_owned(), settings));
            }
            if ministack.leader.is_some() && is_healthy(&upstream).await {
                return Ok(ministack);
            }
            if Instant::now() > deadline {
                return Err(StartError::Late { port, limit_s: START_LIMIT.as_secs(), log: ministack.log() });
            }
            tokio::time::sleep(HEALTH_POLL).await;
        }
    }

    fn ended(&self, status: String, settings: &Settings) -> StartError {
        let venv = settings.python.parent().and_then(Path::parent).unwrap_or(&settings.python).to_owned();
        StartError::Ended { status, log: self.log(), venv }
    }

    fn log(&self) -> String {
        let text = std::fs::read(self.folder.join("ministack.log")).unwrap_or_default();
        let text = tail(&String::from_utf8_lossy(&text), 20);
        if text.is_empty() { "(nothing)".to_owned() } else { text }
    }
}

impl Drop for MiniStack {
    fn drop(&mut self) {
        // Closing stdin is what ends it; the rest is for a supervisor that was itself killed.
        drop(self.supervisor.stdin.take());
        let deadline = Instant::now() + STOP_LIMIT;
        while matches!(self.supervisor.try_wait(), Ok(None)) && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(5));
        }
        if let Ok(None) = self.supervisor.try_wait() {
            let _ = self.supervisor.kill();
            let _ = self.supervisor.wait();
        }
        if self.folder.exists() {
            if let Some(leader) = self.leader {
                let _ = kill_process_group(leader, Signal::KILL);
            }
            let _ = std::fs::remove_dir_all(&self.folder);
        }
    }
}

fn spawn(settings: &Settings, folder: &Path, port: u16) -> Result<(Child, ChildStdout), StartError> {
    for name in ["home", "tmp", "state", "s3"] {
        let path = folder.join(name);
        std::fs::create_dir_all(&path).map_err(at("creating", &path))?;
    }
    let log_path = folder.join("ministack.log");
    let log = File::create(&log_path).map_err(at("creating", &log_path))?;
    let supervisor = folder.join("supervisor.py");
    std::fs::write(&supervisor, SUPERVISOR).map_err(at("writing", &supervisor))?;
    let application = folder.join("billform_ministack.py");
    std::fs::write(&application, APPLICATION).map_err(at("writing", &application))?;
    let mut command = Command::new(&settings.python);
    command.arg("-I").arg(&supervisor).arg(folder);
    // Not `-m ministack`: that binds the port it advertises, and the one to advertise is the gateway's.
    command.arg(&settings.python).args(["-I", "-m", "hypercorn", "billform_ministack:app"]);
    command.args(["--bind", &format!("127.0.0.1:{port}")]);
    command.args(["--workers", "0", "--log-level", "WARNING", "--keep-alive", "75"]);
    command.env_clear().envs(environment(settings, folder));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(log);
    command.current_dir(folder);
    // Ctrl-C at the terminal is for us to answer.
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let mut child = command.spawn().map_err(at("starting", &settings.python))?;
    let stdout =
        child.stdout.take().ok_or(io::ErrorKind::BrokenPipe.into()).map_err(at("reading from", &settings.python))?;
    Ok((child, stdout))
}

fn environment(settings: &Settings, folder: &Path) -> Vec<(&'static str, String)> {
    let path = std::env::var("PATH").unwrap_or_else(|_| "/usr/local/bin:/usr/bin:/bin".to_owned());
    let lang = std::env::var("LANG").unwrap_or_else(|_| "C.UTF-8".to_owned());
    let (_, gateway_port) = settings.aws_endpoint.rsplit_once(':').unwrap_or_default();
    let inside = |name: &str| folder.join(name).display().to_string();
    let mut variables = vec![
        ("PATH", path),
        ("LANG", lang),
        ("HOME", inside("home")),
        ("TMPDIR", inside("tmp")),
        ("STATE_DIR", inside("state")),
        ("S3_DATA_DIR", inside("s3")),
        ("BIND_HOST", "127.0.0.1".to_owned()),
        ("IOT_MTLS_ENABLED", "0".to_owned()),
        ("SFTP_ENABLED", "0".to_owned()),
        // The port in the URLs that it hands out.
        ("GATEWAY_PORT", gateway_port.to_owned()),
        ("MINISTACK_ACCOUNT_ID", settings.account.clone()),
        ("MINISTACK_REGION", settings.region.clone()),
        ("LAMBDA_EXECUTOR", "local".to_owned()),
        ("LOG_LEVEL", "WARNING".to_owned()),
        // The rest is for the functions.
        ("AWS_ENDPOINT_URL", settings.aws_endpoint.clone()),
        ("AWS_DEFAULT_REGION", settings.region.clone()),
        ("AWS_REGION", settings.region.clone()),
        ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
        ("STRIPE_API_BASE", settings.stripe_api_base.clone()),
    ];
    if settings.auth {
        variables.push(("AUTH", "true".to_owned()));
    }
    variables
}

fn free_port() -> io::Result<u16> {
    Ok(std::net::TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

async fn is_healthy(upstream: &Upstream) -> bool {
    let asked = upstream.rest("ministack", Method::GET, "/_ministack/health", "");
    matches!(tokio::time::timeout(Duration::from_secs(5), asked).await, Ok(Ok(answer)) if answer.is_success())
}

/// The lines of a pipe, read by a thread of their own: there are two in a life.
fn lines(stdout: ChildStdout) -> mpsc::UnboundedReceiver<String> {
    let (sender, receiver) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                // Keep reading: a full pipe would hold the supervisor up.
                continue;
            }
        }
    });
    receiver
}

fn at(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> StartError {
    let path = path.to_owned();
    move |source| StartError::System { action, path, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(home: &Path, python: &str) -> Settings {
        Settings {
            python: python.into(),
            home: home.to_owned(),
            account: "123456789012".into(),
            region: "eu-west-1".into(),
            auth: true,
            aws_endpoint: "http://127.0.0.1:1".into(),
            stripe_api_base: "http://127.0.0.1:2".into(),
        }
    }

    #[test]
    fn the_environment_is_loopback_only_private_and_knows_the_gateway() {
        let variables = environment(&settings(Path::new("/h"), "python3"), Path::new("/h/run"));
        let get = |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| value.as_str());
        assert_eq!(get("BIND_HOST"), Some("127.0.0.1"));
        assert_eq!(get("IOT_MTLS_ENABLED"), Some("0"));
        assert_eq!(get("HOME"), Some("/h/run/home"));
        assert_eq!(get("GATEWAY_PORT"), Some("1"));
        assert_eq!(get("AWS_ENDPOINT_URL"), Some("http://127.0.0.1:1"));
        assert_eq!(get("AUTH"), Some("true"));
        assert!(get("STRIPE_API_KEY").is_none() && get("AWS_PROFILE").is_none());
    }

    #[tokio::test]
    async fn a_python_that_is_missing_is_named() {
        let home = tempfile::tempdir().unwrap();
        let error = MiniStack::start(&settings(home.path(), "/no/such/python")).await.unwrap_err().to_string();
        assert!(error.contains("/no/such/python"), "{error}");
    }

    #[tokio::test]
    async fn a_ministack_that_is_not_installed_shows_its_log() {
        let home = tempfile::tempdir().unwrap();
        let error = MiniStack::start(&settings(home.path(), "python3")).await.unwrap_err().to_string();
        assert!(error.contains("exit status 1") && error.contains("No module named"), "{error}");
        let left: Vec<_> = std::fs::read_dir(home.path()).unwrap().collect();
        assert!(left.is_empty(), "{left:?}");
    }
}
