//! What is said and done when GitHub refuses, limits, fails or is not there.

use std::time::{Duration, Instant};

use tests::github::{Fault, Hub, Rights};

use crate::{Workflow, raising};

const PASSING: Fault = Fault {
    method: "GET",
    path: "/comments",
    status: 500,
    headers: Vec::new(),
    message: "Server Error",
    after_the_work: false,
};

/// A hub with a pull request, and a step that comments on it.
async fn ready(rights: Rights) -> (Hub, u64, Workflow) {
    let hub = Hub::start(rights).await;
    let number = hub.pull_request();
    let step = Workflow::of(&hub).with("GITHUB_REF", Some(&format!("refs/pull/{number}/merge")));
    step.save("the.plan", &raising("shop", &["acme"], "600.00"));
    (hub, number, step)
}

const COMMENT: [&str; 3] = ["ci", "comment", "the.plan"];

#[tokio::test]
async fn each_refusal_names_its_cause_and_remedy() {
    let (hub, _, step) = ready(Rights::READ).await;
    let forbidden = step.run(&COMMENT).await.exits(1).stderr;
    let words = forbidden.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("Resource not accessible by integration"), "{words}");
    assert!(words.contains("permissions: { pull-requests: write }") && words.contains("from a fork"), "{words}");
    assert!(words.contains("github:POST /issues/1/comments of octo-org/infra"), "{words}");
    assert_eq!(hub.seen().last().map(|seen| seen.status), Some(403));

    hub.allow(Rights::ALL);
    let wrong = step.with("GITHUB_TOKEN", Some("ghs_wrongcanary0123456789"));
    let said = wrong.run(&COMMENT).await.exits(1).stderr;
    assert!(said.contains("(401): Bad credentials"), "{said}");
    let none = wrong.with("GITHUB_TOKEN", None);
    let said = none.run(&COMMENT).await.exits(1).stderr;
    assert!(said.contains("GITHUB_TOKEN is not set") && said.contains("github.token"), "{said}");
    let step = none.with("GITHUB_TOKEN", Some(hub.token()));
    let said = step.run(&["ci", "comment", "the.plan", "--pull-request", "99"]).await.exits(1).stderr;
    assert!(said.contains("(404): Not Found") && said.contains("GITHUB_REPOSITORY"), "{said}");
    let open = step.with("GITHUB_API_URL", Some("http://github.example"));
    let said = open.run(&COMMENT).await.exits(1).stderr;
    assert!(said.contains("must begin with https://"), "{said}");
    let away = open.with("GITHUB_API_URL", Some("http://127.0.0.1:9"));
    let said = away.run(&["ci", "comment", "the.plan", "--format", "json"]).await.exits(1).stderr;
    assert!(said.contains("cannot be reached") && said.contains("\"code\":1"), "{said}");
}

#[tokio::test]
async fn a_limit_is_waited_for_and_one_that_lasts_is_not() {
    let (hub, number, step) = ready(Rights::ALL).await;
    let limited =
        |status, headers| Fault { status, headers, message: "You have exceeded a secondary rate limit", ..PASSING };
    hub.disturb(limited(403, vec![("retry-after", "1".to_owned())]));
    hub.disturb(Fault { method: "POST", ..limited(429, vec![("retry-after", "1".to_owned())]) });
    let began = Instant::now();
    let ran = step.run(&COMMENT).await.ok();
    assert_eq!(ran.stderr.matches("waiting 1 s, as it asks to").count(), 2, "{}", ran.stderr);
    assert!(began.elapsed() >= Duration::from_secs(2), "both were waited for: {:?}", began.elapsed());
    assert_eq!(hub.comments(number).len(), 1, "what was limited was not done, so that it is sent again");

    let used_up = vec![("x-ratelimit-remaining", "0".to_owned()), ("x-ratelimit-reset", "4102444800".to_owned())];
    hub.disturb(limited(403, used_up));
    let said = step.run(&COMMENT).await.exits(1).stderr;
    assert!(said.contains("rate limit is used up") && said.contains("run again later"), "{said}");
}

#[tokio::test]
async fn a_failure_that_passes_is_not_noticed_and_nothing_is_posted_twice() {
    let (hub, number, step) = ready(Rights::ALL).await;
    hub.disturb(PASSING);
    // The comment is made, and the answer is lost.
    hub.disturb(Fault { method: "POST", status: 502, after_the_work: true, ..PASSING });
    let said = step.run(&COMMENT).await.exits(1).stderr;
    assert!(said.contains("GitHub answers 502") && said.contains("not posted twice"), "{said}");
    let posts = hub.writes();
    assert_eq!(posts.len(), 1, "a POST is not repeated: {posts:?}");
    assert_eq!(step.json(&COMMENT).await["action"], "none");
    assert_eq!(hub.comments(number).len(), 1);

    step.save("the.plan", &raising("shop", &["acme"], "700.00"));
    hub.disturb(Fault { method: "PATCH", status: 503, ..PASSING });
    assert_eq!(step.json(&COMMENT).await["action"], "updated");
    assert_eq!(hub.comments(number).len(), 1);
}

#[tokio::test]
async fn a_token_goes_to_no_other_address() {
    let (hub, _, step) = ready(Rights::ALL).await;
    let elsewhere = Hub::start(Rights::ALL).await;
    let other = elsewhere.variables().into_iter().find(|(name, _)| name == "GITHUB_API_URL").expect("an address").1;
    let link = vec![("link", format!("<{other}/repositories/1/issues/1/comments?page=2>; rel=\"next\""))];
    hub.disturb(Fault { status: 200, headers: link, ..PASSING });
    let said = step.run(&COMMENT).await.exits(1).stderr;
    assert!(said.contains("which is not at its own address"), "{said}");
    assert!(elsewhere.seen().is_empty(), "nothing was sent there");
}
