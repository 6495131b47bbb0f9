//! The deployed program, run as Lambda runs it: it asks the runtime API for events and answers there.
//!
//! Source: docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use provisioner::cloud::functions;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinHandle;

use crate::{Fallible, process};

/// One process of the deployed program.
pub struct Bootstrap {
    process: Child,
    /// From its start to its first question for an event.
    pub start: Duration,
    events: mpsc::Sender<Event>,
    answers: mpsc::Receiver<Answer>,
    server: JoinHandle<()>,
}

/// An event and when its run ends.
struct Event {
    body: String,
    deadline: SystemTime,
}

/// What a run answered, or how it failed.
struct Answer {
    failed: bool,
    body: Bytes,
}

/// The trusted certificates in one file, as on Lambda's Amazon Linux. Debian has them a second time, in as many files as
/// there are, whose opening would be most of a start.
fn certificates() -> Option<&'static str> {
    let bundles = ["/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/certs/ca-certificates.crt"];
    bundles.into_iter().find(|bundle| Path::new(bundle).is_file())
}

/// How long it may take to ask for its first event.
const PATIENCE: Duration = Duration::from_secs(30);

impl Bootstrap {
    /// Starts it with a function's environment.
    pub async fn start(program: &Path, environment: &BTreeMap<String, String>) -> Fallible<Bootstrap> {
        let listener = TcpListener::bind("127.0.0.1:0").await.map_err(|error| format!("a runtime API: {error}"))?;
        let address = listener.local_addr().map_err(|error| error.to_string())?;
        let (events, waiting) = mpsc::channel(1);
        let (answered, answers) = mpsc::channel(1);
        let (asked, mut polls) = mpsc::unbounded_channel();
        let api = Arc::new(RuntimeApi { waiting: Mutex::new(waiting), answered, asked });
        let server = tokio::spawn(serve(listener, api));
        let mut command = Command::new(program);
        command.env_clear().envs(environment).env("AWS_LAMBDA_RUNTIME_API", address.to_string());
        command.envs(certificates().map(|bundle| ("SSL_CERT_FILE", bundle)));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
        let began = Instant::now();
        let process = command.spawn().map_err(|error| format!("starting {}: {error}", program.display()))?;
        let poll = tokio::time::timeout(PATIENCE, polls.recv()).await;
        let at: Instant = poll.ok().flatten().ok_or("the bootstrap asked for no event")?;
        Ok(Bootstrap { process, start: at.duration_since(began), events, answers, server })
    }

    /// Has it run an event; a run that fails is an error, one that left something to the next is not.
    pub async fn invoke(&mut self, event: &Value, limit: Duration) -> Fallible<Value> {
        let event = Event { body: event.to_string(), deadline: SystemTime::now() + limit };
        self.events.send(event).await.map_err(|_| "the runtime API is gone")?;
        let answer = tokio::time::timeout(limit, self.answers.recv()).await;
        let answer = answer.map_err(|_| format!("no answer within {limit:?}"))?.ok_or("the runtime API is gone")?;
        let text = String::from_utf8_lossy(&answer.body);
        let told: Value = serde_json::from_str(&text).map_err(|error| format!("{error} in the answer {text}"))?;
        match answer.failed {
            true => rest_is_left(&told).ok_or_else(|| format!("the run failed: {text}")),
            false => Ok(told),
        }
    }

    /// Its process, while it runs.
    pub fn id(&self) -> Option<u32> {
        self.process.id()
    }

    /// The most memory that it had at once.
    pub fn peak_memory_kib(&self) -> u64 {
        self.id().and_then(process::peak_memory_kib).unwrap_or(0)
    }

    /// Ends it.
    pub async fn stop(mut self) {
        let _ = self.process.kill().await;
        self.server.abort();
    }
}

/// The answer of a run that had no time for everything, and in which nothing failed.
fn rest_is_left(error: &Value) -> Option<Value> {
    let answer = functions::partial(error)?;
    let failed = answer["invoices"].as_array()?.iter().any(|month| month["result"] == "failed");
    (!failed && answer["left"].as_u64()? > 0).then_some(answer)
}

struct RuntimeApi {
    waiting: Mutex<mpsc::Receiver<Event>>,
    answered: mpsc::Sender<Answer>,
    /// When it asked for an event.
    asked: mpsc::UnboundedSender<Instant>,
}

async fn serve(listener: TcpListener, api: Arc<RuntimeApi>) {
    while let Ok((stream, _)) = listener.accept().await {
        let api = Arc::clone(&api);
        tokio::spawn(async move {
            let service = service_fn(move |request| answer(Arc::clone(&api), request));
            let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn answer(api: Arc<RuntimeApi>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let path = request.uri().path().to_owned();
    if request.method() == Method::GET && path.ends_with("/invocation/next") {
        let _ = api.asked.send(Instant::now());
        let event = api.waiting.lock().await.recv().await;
        return Ok(event.map_or_else(gone, handed_out));
    }
    let body = request.into_body().collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let failed = !path.ends_with("/response");
    let _ = api.answered.send(Answer { failed, body }).await;
    Ok(status(StatusCode::ACCEPTED))
}

fn handed_out(event: Event) -> Response<Full<Bytes>> {
    let deadline = event.deadline.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    let answer = Response::builder()
        .header("lambda-runtime-aws-request-id", "00000000-0000-4000-8000-000000000000")
        .header("lambda-runtime-deadline-ms", deadline.to_string())
        .header("lambda-runtime-invoked-function-arn", "arn:aws:lambda:us-east-1:123456789012:function:bench")
        .header("content-type", "application/json")
        .body(Full::from(event.body));
    answer.unwrap_or_else(|_| status(StatusCode::INTERNAL_SERVER_ERROR))
}

fn gone() -> Response<Full<Bytes>> {
    status(StatusCode::GONE)
}

fn status(code: StatusCode) -> Response<Full<Bytes>> {
    let mut answer = Response::new(Full::default());
    *answer.status_mut() = code;
    answer
}
