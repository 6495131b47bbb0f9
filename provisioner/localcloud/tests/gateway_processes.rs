//! However a local cloud ends, nothing of it stays: not MiniStack, not a function, not its private folder.
//! Processes are looked up in /proc, so this runs on Linux.

#![cfg(target_os = "linux")]

mod cloud;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use cloud::{children, client, client_of, group, home_of_its_own, role, start, start_apart};
use http::Method;
use localcloud::gateway::pipeline::Upstream;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

#[tokio::test]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn stopping_ends_the_functions_too() {
    let cloud = start().await;
    let leader = cloud.ministack_pid().unwrap();
    run_a_function(client(&cloud), leader).await;
    let folder = std::fs::read_link(format!("/proc/{leader}/cwd")).unwrap();
    assert!(group(leader).len() >= 2, "MiniStack and a function run");
    cloud.stop().await;
    assert_eq!(group(leader), Vec::<u32>::new());
    assert!(!folder.exists(), "{folder:?}");
}

#[tokio::test]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn dropping_is_enough() {
    let cloud = start().await;
    let leader = cloud.ministack_pid().unwrap();
    assert!(!group(leader).is_empty());
    drop(cloud);
    assert_eq!(group(leader), Vec::<u32>::new());
}

/// The process that holds the cloud is killed with SIGKILL.
#[tokio::test]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn a_killed_parent_leaves_nothing() {
    let home = home_of_its_own().await;
    let parent = start_apart(home.path(), false).await;
    // MiniStack is the child of its supervisor, and leads a process group of its own.
    let supervised = children(parent.pid).into_iter().flat_map(children);
    let leader = supervised.into_iter().find(|child| !group(*child).is_empty()).expect("MiniStack runs");
    run_a_function(client_of(&parent), leader).await;
    assert!(group(leader).len() >= 2, "MiniStack and a function run");
    let parent = Pid::from_raw(i32::try_from(parent.pid).unwrap()).unwrap();
    kill_process(parent, Signal::KILL).unwrap();
    let deadline = Instant::now() + Duration::from_secs(20);
    while !(group(leader).is_empty() && private_folders(home.path()).is_empty()) {
        assert!(Instant::now() < deadline, "left: {:?} {:?}", group(leader), private_folders(home.path()));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// The private folders of the clouds in a home.
fn private_folders(home: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(home).expect("the home can be read").flatten();
    entries.filter(|entry| entry.file_name().to_string_lossy().starts_with("run-")).map(|entry| entry.path()).collect()
}

/// Deploys a function that never answers, invokes it, and waits until its process runs.
async fn run_a_function(aws: Upstream, leader: u32) {
    assert!(aws.form("iam", &role("CreateRole", "sleeper")).await.unwrap().is_success());
    let code = base64(&zip("bootstrap", b"#!/bin/sh\nsleep 300\n"));
    let function = json!({
        "FunctionName": "sleeper", "Role": "arn:aws:iam::123456789012:role/sleeper", "Runtime": "provided.al2023",
        "Handler": "bootstrap", "Timeout": 300, "Code": {"ZipFile": code},
    });
    let created = aws.rest("lambda", Method::POST, "/2015-03-31/functions", function.to_string()).await.unwrap();
    assert_eq!(created.status, 201, "{created:?}");
    let deadline = Instant::now() + Duration::from_secs(20);
    while aws.rest("lambda", Method::GET, "/2015-03-31/functions/sleeper", "").await.unwrap().body_json()["Configuration"]
        ["State"]
        != "Active"
    {
        assert!(Instant::now() < deadline, "the function gets active");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let before = group(leader).len();
    tokio::spawn(
        async move { aws.rest("lambda", Method::POST, "/2015-03-31/functions/sleeper/invocations", "{}").await },
    );
    while group(leader).len() == before {
        assert!(Instant::now() < deadline, "the function runs");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A zip with one executable file, stored.
fn zip(name: &str, content: &[u8]) -> Vec<u8> {
    let (size, length) = (u32::try_from(content.len()).unwrap(), u16::try_from(name.len()).unwrap());
    let mut entry = Vec::new();
    entry.extend([20, 0, 0, 0, 0, 0, 0, 0, 0x21, 0x58]);
    entry.extend(crc32(content).to_le_bytes());
    entry.extend(size.to_le_bytes());
    entry.extend(size.to_le_bytes());
    entry.extend(length.to_le_bytes());
    entry.extend([0, 0]);
    let mut out = [b"PK\x03\x04".as_slice(), &entry, name.as_bytes(), content].concat();
    let directory = u32::try_from(out.len()).unwrap();
    // Made by Unix, mode 0755.
    out.extend([b"PK\x01\x02".as_slice(), &[20, 3], &entry, &[0; 6]].concat());
    out.extend((0o100_755_u32 << 16).to_le_bytes());
    out.extend([0; 4]);
    out.extend(name.as_bytes());
    let directory_size = u32::try_from(out.len()).unwrap() - directory;
    out.extend(b"PK\x05\x06\0\0\0\0\x01\0\x01\0");
    out.extend(directory_size.to_le_bytes());
    out.extend(directory.to_le_bytes());
    out.extend([0, 0]);
    out
}

fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, byte: &u8| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { (crc >> 1) ^ 0xEDB8_8320 } else { crc >> 1 })
    };
    !bytes.iter().fold(u32::MAX, step)
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let word = (0..3).fold(0_usize, |word, at| word << 8 | usize::from(chunk.get(at).copied().unwrap_or(0)));
        for at in 0..4 {
            let letter = if at <= chunk.len() { char::from(LETTERS[word >> (18 - 6 * at) & 63]) } else { '=' };
            out.push(letter);
        }
    }
    out
}
