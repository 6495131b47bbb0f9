//! The local cloud in the background.

mod cloud;

use std::time::{Duration, Instant};

use cloud::{home, home_of_its_own, start_apart};
use localcloud::gateway::pipeline::Upstream;
use localcloud::{Options, daemon};
use rustix::process::{Pid, Signal, kill_process, test_kill_process};

#[tokio::test]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn up_reuses_what_runs_and_down_ends_it() {
    let place = home_of_its_own().await;
    let first = start_apart(place.path(), true).await;
    assert_eq!(daemon::running(place.path()).unwrap(), Some(first.clone()));
    let again = start_apart(place.path(), true).await;
    assert_eq!(first, again);
    assert!(daemon::down(place.path()).await.unwrap());
    assert_eq!(daemon::running(place.path()).unwrap(), None);
    ends(first.pid).await;
    assert!(!daemon::down(place.path()).await.unwrap(), "nothing left to stop");
    let left: Vec<_> = std::fs::read_dir(place.path()).unwrap().flatten().map(|entry| entry.file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().starts_with("run-")), "{left:?}");
}

#[tokio::test]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn a_killed_daemon_is_noticed_and_replaced() {
    let place = home_of_its_own().await;
    let first = start_apart(place.path(), true).await;
    kill_process(pid(first.pid), Signal::KILL).unwrap();
    ends(first.pid).await;
    assert!(place.path().join("local-cloud.json").exists(), "its description is left");
    assert_eq!(daemon::running(place.path()).unwrap(), None);
    let second = start_apart(place.path(), true).await;
    assert_ne!(first.pid, second.pid);
    assert!(daemon::down(place.path()).await.unwrap());
}

#[tokio::test]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn two_at_once_start_one() {
    let place = home_of_its_own().await;
    let (one, two) = tokio::join!(start_apart(place.path(), true), start_apart(place.path(), true));
    assert_eq!(one, two);
    assert!(daemon::down(place.path()).await.unwrap());
}

#[tokio::test]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn with_auth_a_stranger_is_refused_and_root_makes_users() {
    let options = Options { auth: true, ..Options::new(home()) };
    let cloud = localcloud::LocalCloud::start(options, &|_| {}).await.unwrap();
    let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iam:GetRole","Resource":"*"}]}"#;
    let (id, secret) = cloud.create_user("applier", policy).await.unwrap();
    assert!(id.starts_with("AKIA") && secret.len() >= 40, "{id}");
    assert_eq!(cloud.traffic().counts().total, 0, "setting up is not counted");
    let twice = cloud.create_user("applier", policy).await.unwrap_err().to_string();
    assert!(twice.contains("CreateUser") && twice.contains("EntityAlreadyExists"), "{twice}");

    let endpoint = cloud.description().aws_endpoint.trim_start_matches("http://").to_owned();
    let gateway = Upstream::new(endpoint, "123456789012".into(), "us-east-1".into());
    let mut call = localcloud::gateway::classify::classify(
        http::Method::POST,
        "/".parse().unwrap(),
        http::HeaderMap::new(),
        "Action=ListRoles&Version=2010-05-08".into(),
    );
    let now = jiff::Timestamp::now().strftime("%Y%m%dT%H%M%SZ").to_string();
    let forged = format!(
        "AWS4-HMAC-SHA256 Credential={id}/{}/us-east-1/iam/aws4_request, SignedHeaders=host;x-amz-date, Signature=00",
        &now[..8]
    );
    call.headers.insert("authorization", forged.parse().unwrap());
    call.headers.insert("x-amz-date", now.parse().unwrap());
    call.headers.insert("content-type", "application/x-www-form-urlencoded".parse().unwrap());
    let refused = gateway.forward(&call).await.unwrap();
    assert!(refused.status == 403 && refused.body.windows(18).any(|text| text == b"SignatureDoesNotMa"), "{refused:?}");
}

async fn ends(process: u32) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while test_kill_process(pid(process)).is_ok() {
        assert!(Instant::now() < deadline, "process {process} is still there");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn pid(process: u32) -> Pid {
    Pid::from_raw(i32::try_from(process).unwrap()).unwrap()
}
