//! A process measured: wall time, CPU time and peak memory, from the kernel.

use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// What a process took.
#[derive(Debug, Clone, Default)]
pub struct Measured {
    pub wall: Duration,
    pub cpu: Duration,
    pub peak_kib: u64,
    pub output: String,
}

/// Runs a command under GNU time, whose figures are the kernel's (`getrusage`).
pub fn measure(command: Command) -> Measured {
    let mut timed = Command::new("/usr/bin/env");
    timed.args(["time", "-f", "measured %U %S %M"]).arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        timed.env(name, value.unwrap_or_default());
    }
    timed.stdout(Stdio::piped()).stderr(Stdio::piped());
    let begun = Instant::now();
    let output = timed.output().expect("GNU time starts");
    let wall = begun.elapsed();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{command:?}: {errors} (signal {:?})", output.status.signal());
    let figures = errors.lines().find_map(|line| line.strip_prefix("measured ")).expect("GNU time's figures");
    let figures: Vec<&str> = figures.split(' ').collect();
    let seconds = |text: &str| Duration::from_secs_f64(text.parse().expect("seconds"));
    Measured {
        wall,
        cpu: seconds(figures[0]) + seconds(figures[1]),
        peak_kib: figures[2].parse().expect("kibibytes"),
        output: String::from_utf8_lossy(&output.stdout).into_owned(),
    }
}

/// The processor, and how busy the machine is.
pub fn machine() -> String {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let processors = read("/proc/cpuinfo");
    let model = processors.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let load = read("/proc/loadavg");
    let load = load.split(' ').next().unwrap_or("unknown").to_owned();
    format!("{}, {cores} cores, load {load}", model.map_or("an unknown processor", |(_, model)| model))
}

/// The run in the middle by wall time.
pub fn median(runs: &[Measured]) -> Measured {
    let mut sorted: Vec<&Measured> = runs.iter().collect();
    sorted.sort_by_key(|run| run.wall);
    sorted[sorted.len() / 2].clone()
}

/// Where reports and tools lie: below the target folder.
pub fn folder() -> PathBuf {
    let this = std::env::current_exe().expect("this program");
    let target = this.ancestors().nth(3).expect("the target folder").to_owned();
    let folder = target.join("cur-bench");
    std::fs::create_dir_all(&folder).expect("a folder");
    folder
}
