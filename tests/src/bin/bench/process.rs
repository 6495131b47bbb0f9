//! A program run to its end, with what it took.
//!
//! Peak memory is the kernel's own high-water mark, `VmHWM` in `/proc/PID/status`. It only grows, so looking every few
//! milliseconds misses at most what is added in the last of them, and needs no unsafe code to ask `wait4` for it.

use std::fs;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::Fallible;

/// What one run took, and said.
#[derive(Debug, Clone)]
pub struct Ran {
    /// From start to end.
    pub wall: Duration,
    /// Time on a processor, to a hundredth of a second.
    pub cpu: Duration,
    /// The most memory that was resident at once.
    pub peak_memory_kib: u64,
    /// Its standard output.
    pub stdout: String,
}

/// How often it is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(3);
/// The kernel tells processor time in hundredths of a second, on every architecture.
const TICK: Duration = Duration::from_millis(10);

/// Runs it; one that does not exit with 0 is an error that shows what it wrote.
pub async fn run(command: Command) -> Fallible<Ran> {
    // On a thread of its own: waiting must not hold up the local cloud, which runs in this process.
    tokio::task::spawn_blocking(move || run_here(command)).await.map_err(|error| error.to_string())?
}

fn run_here(mut command: Command) -> Fallible<Ran> {
    let name = command.get_program().to_string_lossy().into_owned();
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let began = Instant::now();
    let child = command.spawn().map_err(|error| format!("starting {name}: {error}"))?;
    let ended = Arc::new(AtomicBool::new(false));
    let watcher = thread::spawn({
        let (pid, ended) = (child.id(), Arc::clone(&ended));
        move || watch(pid, &ended)
    });
    let output = child.wait_with_output().map_err(|error| format!("waiting for {name}: {error}"))?;
    let wall = began.elapsed();
    ended.store(true, Ordering::Relaxed);
    let (peak_memory_kib, cpu) = watcher.join().unwrap_or_default();
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    if !output.status.success() {
        let stderr = String::from_utf8_lossy(&output.stderr);
        return Err(format!("{name} ended with {}:\n{stdout}{stderr}", output.status));
    }
    Ok(Ran { wall, cpu, peak_memory_kib, stdout })
}

/// Looks until the process is gone; gives the last that was seen.
fn watch(pid: u32, ended: &AtomicBool) -> (u64, Duration) {
    let (mut peak, mut cpu) = (0, Duration::ZERO);
    while !ended.load(Ordering::Relaxed) {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        // A process that has ended and waits to be asked has no memory any more.
        peak = high_water_kib(&status).unwrap_or(peak).max(peak);
        cpu = processor_time_of(pid).unwrap_or(cpu).max(cpu);
        thread::sleep(LOOK_EVERY);
    }
    (peak, cpu)
}

/// The most memory that a process has had at once so far.
pub fn peak_memory_kib(pid: u32) -> Option<u64> {
    high_water_kib(&fs::read_to_string(format!("/proc/{pid}/status")).ok()?)
}

/// What a process has spent on a processor so far, to a hundredth of a second.
pub fn processor_time_of(pid: u32) -> Option<Duration> {
    processor_time(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

fn high_water_kib(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// User and system time: the 14th and 15th field. The 2nd is the name in brackets, which may hold anything.
fn processor_time(stat: &str) -> Option<Duration> {
    let (_, rest) = stat.rsplit_once(") ")?;
    let mut times = rest.split_whitespace().skip(11).map(str::parse::<u32>);
    Some(TICK * (times.next()?.ok()? + times.next()?.ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_is_understood() {
        assert_eq!(high_water_kib("Name:\tx\nVmHWM:\t   1234 kB\nVmRSS:\t 1 kB\n"), Some(1234));
        assert_eq!(high_water_kib("Name:\tx\n"), None);
        let stat = "7 (a) b) S 1 7 7 0 -1 4194304 100 0 0 0 12 3 0 0 20 0 1 0";
        assert_eq!(processor_time(stat), Some(Duration::from_millis(150)));
    }

    #[tokio::test]
    async fn a_run_is_measured_and_a_failure_shows_what_it_said() {
        let mut shell = Command::new("sh");
        shell.args(["-c", "echo out; sleep 0.1"]);
        let ran = run(shell).await.expect("runs");
        assert_eq!(ran.stdout, "out\n");
        assert!(ran.wall >= Duration::from_millis(100) && ran.peak_memory_kib > 0, "{ran:?}");
        let mut failing = Command::new("sh");
        failing.args(["-c", "echo why >&2; exit 3"]);
        let error = run(failing).await.expect_err("fails");
        assert!(error.contains("why") && error.contains('3'), "{error}");
    }
}
