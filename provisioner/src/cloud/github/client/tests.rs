use std::sync::Mutex;

use async_trait::async_trait;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::*;

/// A clock that only writes down for how long it should have waited.
#[derive(Default)]
struct Waits(Mutex<Vec<u64>>);

#[async_trait]
impl Clock for Waits {
    async fn sleep(&self, ms: u64) {
        self.0.lock().expect("the list").push(ms);
    }
}

impl Waits {
    fn all(&self) -> Vec<u64> {
        self.0.lock().expect("the list").clone()
    }
}

fn place(api: &str) -> Place {
    let set = |name: &str| match name {
        "GITHUB_API_URL" => Some(api.to_owned()),
        "GITHUB_REPOSITORY" => Some("octo-org/infra".to_owned()),
        _ => Some("ghs_canary".to_owned()),
    };
    Place::from_variables(&set).expect("a place")
}

/// A server that answers every request on its connections with this.
async fn answering(answer: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(answer_all(stream, answer));
        }
    });
    format!("http://{address}")
}

async fn answer_all(mut stream: TcpStream, answer: &'static str) {
    let mut request = [0; 4096];
    while stream.read(&mut request).await.is_ok_and(|length| length > 0) {
        stream.write_all(answer.as_bytes()).await.expect("an answer");
    }
}

#[tokio::test]
async fn a_limit_without_a_figure_is_waited_for_twice_and_then_given_up() {
    let api = answering(
        "HTTP/1.1 403 Forbidden\r\ncontent-length: 52\r\n\r\n{\"message\":\"You have exceeded a secondary rate limit\"}",
    )
    .await;
    let waits = Waits::default();
    let failed = Github::new(place(&api), &waits, |_| {}).comments(7).await.expect_err("a limit");
    assert!(matches!(failed, GithubError::Limited { wait_s: 60, .. }), "{failed}");
    assert_eq!(waits.all(), [60_000, 60_000]);
}

#[tokio::test]
async fn what_fails_in_passing_is_repeated_for_a_while_but_no_post() {
    let api = answering("HTTP/1.1 502 Bad Gateway\r\ncontent-length: 20\r\n\r\n<b>ghs_canary</b> no\n").await;
    let waits = Waits::default();
    let github = Github::new(place(&api), &waits, |_| {});
    let failed = github.comments(7).await.expect_err("a failure");
    assert_eq!(waits.all(), [1_000, 2_000, 4_000]);
    assert!(
        matches!(failed, GithubError::Refused { status: 502, .. }) && !failed.to_string().contains("canary"),
        "{failed}"
    );
    let posted = github.comment(7, "text", Permission::Issues).await;
    assert!(posted.is_err());
    assert_eq!(waits.all().len(), 3, "nothing more was waited for");
}

#[tokio::test]
async fn https_is_spoken_where_the_address_says_so() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let api = format!("https://{}", listener.local_addr().expect("an address"));
    let call =
        tokio::spawn(async move { Github::new(place(&api), &Waits::default(), |_| {}).comments(7).await.map(drop) });
    let (mut stream, _) = listener.accept().await.expect("the call comes");
    let mut bytes = [0; 2];
    stream.read_exact(&mut bytes).await.expect("it says something");
    call.abort();
    // A TLS handshake record (RFC 8446, section 5.1).
    assert_eq!(bytes, [22, 3]);
}

#[tokio::test]
async fn a_server_that_is_silent_is_asked_once_and_not_for_long() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let api = format!("http://{}", listener.local_addr().expect("an address"));
    let taken = tokio::spawn(async move {
        let mut open = Vec::new();
        while let Ok(Ok((stream, _))) = tokio::time::timeout(Duration::from_secs(2), listener.accept()).await {
            open.push(stream);
        }
        open.len()
    });
    let waits = Waits::default();
    let github = Github { answer_limit: Duration::from_millis(200), ..Github::new(place(&api), &waits, |_| {}) };
    let error = github.comments(7).await.expect_err("no answer").to_string();
    assert!(error.contains("did not answer within 0.2 s"), "{error}");
    assert!(waits.all().is_empty(), "it is not asked again: {:?}", waits.all());
    assert_eq!(taken.await.expect("the server"), 1);
}
