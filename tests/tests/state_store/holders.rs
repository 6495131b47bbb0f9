//! Who has the lock: two runs at once, and holders that are killed or stopped.

use std::process::Command;
use std::time::Duration;

use localcloud::gateway::traffic::LoggedCall;
use tokio::process::Child;

use super::{LEASE_S, alone, in_file, is_done, quiet, standing_still, team};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn of_two_applies_one_waits_or_fails_with_the_holders_name() {
    let stage = team("two").await;
    let first = standing_still(&stage).await;
    let pid = first.id().expect("it runs");
    let there = stage.inventory().await;
    // Longer than a lease: a living holder keeps its lock.
    tokio::time::sleep(Duration::from_secs(LEASE_S + 2)).await;
    for command in [&["apply", "--auto-approve"][..], &["destroy", "--auto-approve"]] {
        let refused = stage.run(command).await.exits(1);
        let said = &refused.stderr;
        assert!(said.contains("is in use by `billform apply`") && said.contains(&format!("process {pid}")), "{said}");
        assert!(said.contains("the lock lapses in") && said.contains("--lock-timeout"), "{said}");
    }
    let shown = stage.run(&["unlock", "--format", "json"]).await.ok().json();
    assert_eq!((shown["locked"].as_bool(), shown["holder"]["pid"].as_u64()), (Some(true), Some(pid.into())));
    assert_eq!(stage.inventory().await, there, "a refused command changes nothing");
    stage.run(&["plan"]).await.ok();

    let waiting = stage.start(&["apply", "--auto-approve", "--lock-timeout", "2m", "--format", "json"]);
    tokio::time::sleep(Duration::from_secs(1)).await;
    stage.place.cloud.traffic().release();
    stage.finish(first).await.ok();
    let waited = stage.finish(waiting).await.ok();
    assert!(waited.stderr.contains("Waiting for the state"), "{}", waited.stderr);
    assert_eq!(waited.json()["summary"]["create"], 0, "the first did everything");
    is_done(&stage).await;
    let shown = stage.run(&["unlock"]).await.ok().stdout;
    assert!(shown.contains("Nobody"), "{shown}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn after_a_killed_holder_the_next_gets_in_by_itself() {
    let stage = team("killed").await;
    let mut first = standing_still(&stage).await;
    first.kill().await.expect("killed");
    stage.place.cloud.traffic().release();
    let next = stage.run(&["apply", "--auto-approve", "--lock-timeout", "2m"]).await.ok();
    assert!(next.stderr.contains("Waiting for the state"), "its lock had not lapsed: {}", next.stderr);
    is_done(&stage).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn a_lock_of_a_dead_holder_can_be_removed_without_waiting() {
    let stage = team("unlocked").await;
    let mut first = standing_still(&stage).await;
    first.kill().await.expect("killed");
    stage.place.cloud.traffic().release();
    let refused = stage.run(&["unlock", "--force"]).await.exits(1);
    assert!(refused.stderr.contains("--auto-approve"), "{}", refused.stderr);
    stage.run(&["unlock", "--force", "--auto-approve"]).await.ok();
    stage.run(&["apply", "--auto-approve"]).await.ok();
    is_done(&stage).await;
}

/// As when a laptop is closed: the process is stopped beyond its lease, another one finishes, then it goes on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn a_stopped_holder_that_goes_on_changes_nothing_and_says_why() {
    let stage = team("slept").await;
    let traffic = stage.place.cloud.traffic().clone();
    let first = standing_still(&stage).await;
    signal(&first, "STOP");
    let second = stage.run(&["apply", "--auto-approve", "--lock-timeout", "2m"]).await;
    assert_eq!(second.status, Some(0), "{}{}", second.stdout, second.stderr);
    let there = stage.inventory().await;
    let pulled = stage.run(&["state", "pull"]).await.ok().stdout;

    traffic.reset();
    traffic.release();
    signal(&first, "CONT");
    let ended = stage.finish(first).await.exits(1);
    // Its heartbeat may ask for the lock once more, under the condition that it is still its own.
    let took_effect = |call: &LoggedCall| call.write && call.status != Some(412);
    let writes: Vec<_> = traffic.counts().log.into_iter().filter(took_effect).collect();
    assert!(writes.is_empty(), "it passed no check since: {writes:?}");
    assert!(ended.stdout.contains("halted:"), "{}{}", ended.stdout, ended.stderr);
    assert!(ended.stdout.contains("the lock on the state s3://"), "{}", ended.stdout);
    assert_eq!(stage.inventory().await, there);
    assert_eq!(stage.run(&["state", "pull"]).await.ok().stdout, pulled, "the state is the second one's");
    is_done(&stage).await;
}

/// The operating system's lock is let go by a kill, and held by a process that is stopped.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn the_lock_of_a_file_needs_no_clearing() {
    let stage = alone(&in_file("filed")).await;
    let mut first = standing_still(&stage).await;
    let pid = first.id().expect("it runs");
    let shown = stage.run(&["unlock"]).await.ok().stdout;
    assert!(shown.contains(&format!("process {pid}")) && shown.contains("never anything to clear"), "{shown}");
    let refused = stage.run(&["apply", "--auto-approve", "--lock-timeout", "1s"]).await.exits(1);
    assert!(refused.stderr.contains("is in use by"), "{}", refused.stderr);
    first.kill().await.expect("killed");
    stage.place.cloud.traffic().release();
    quiet(&stage).await;
    stage.run(&["apply", "--auto-approve"]).await.ok();
    is_done(&stage).await;
}

fn signal(process: &Child, name: &str) {
    let pid = process.id().expect("it runs").to_string();
    let sent = Command::new("kill").args([&format!("-{name}"), &pid]).status().expect("kill runs");
    assert!(sent.success(), "SIG{name}");
}
