//! States that are damaged, too new or too old, and the commands that put them right.

use std::fs;

use tests::stage::Stage;

use super::{alone, in_file, is_done, key, put, team};

/// Puts a text in the state's place.
async fn replace(stage: &Stage, s3: Option<&str>, text: &str) {
    match s3 {
        Some(project) => put(stage, &key(project), text).await,
        None => fs::write(stage.state_path(), text).expect("written"),
    }
}

async fn damaged_states_are_refused_and_put_right(mut stage: Stage, s3: Option<&str>) {
    stage.run(&["apply", "--auto-approve"]).await.ok();
    let copy = stage.folder().join("copy.json");
    let good = stage.run(&["state", "pull"]).await.ok().stdout;
    fs::write(&copy, &good).expect("written");
    let there = stage.inventory().await;
    let truncated = &good[..good.len() / 2];
    let newer = good.replacen("\"version\": 1", "\"version\": 99", 1);
    for (text, said) in
        [("no state at all", "is damaged"), (truncated, "is damaged"), (newer.as_str(), "use a newer billform")]
    {
        replace(&stage, s3, text).await;
        for command in [&["plan"][..], &["apply", "--auto-approve"], &["destroy", "--auto-approve"], &["state", "list"]]
        {
            let refused = stage.run(command).await.exits(1);
            assert!(refused.stderr.contains(said), "{command:?}: {}", refused.stderr);
        }
        assert_eq!(stage.inventory().await, there, "nothing was changed");
        let refused = stage.run(&["state", "push", "copy.json"]).await.exits(1);
        assert!(refused.stderr.contains("--force"), "{}", refused.stderr);
        stage.run(&["state", "push", "copy.json", "--force"]).await.ok();
        stage.run(&["plan", "--detailed-exitcode"]).await.ok();
    }
    replace(&stage, s3, truncated).await;
    stage.be_permitted("rebuild").await;
    stage.run(&["state", "rebuild"]).await.ok();
    stage.be_permitted("apply").await;
    is_done(&stage).await;

    // An older copy is refused, a good one of another stack too.
    let refused = stage.run(&["state", "push", "copy.json"]).await.exits(1);
    assert!(refused.stderr.contains("it is older"), "{}", refused.stderr);
    fs::write(&copy, good.replacen("\"stack\": \"", "\"stack\": \"other-", 1)).expect("written");
    let refused = stage.run(&["state", "push", "copy.json", "--force"]).await.exits(1);
    assert!(refused.stderr.contains("is of stack `other-"), "{}", refused.stderr);
    fs::write(&copy, truncated).expect("written");
    let refused = stage.run(&["state", "push", "copy.json", "--force"]).await.exits(1);
    assert!(refused.stderr.contains("copy.json is damaged"), "{}", refused.stderr);

    fs::write(&copy, stage.run(&["state", "pull"]).await.ok().stdout).expect("written");
    stage.run(&["state", "push", "copy.json"]).await.ok();
    is_done(&stage).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn damaged_states_in_a_file() {
    damaged_states_are_refused_and_put_right(alone(&in_file("damaged")).await, None).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn damaged_states_in_s3() {
    damaged_states_are_refused_and_put_right(team("damaged").await, Some("damaged")).await;
}
