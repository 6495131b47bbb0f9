//! HTTP in front of the stand-in: who may ask, which operation it is, disturbances, pages.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderValue, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::actions::REPOSITORY_ID;
use super::control::{Fault, REPOSITORY, Seen};
use super::operations::{Asked, Done, OPERATIONS, Operation, page};
use super::refusal::Refusal;
use super::state::State;

/// The versions of the API that GitHub publishes.
const VERSIONS: [&str; 2] = ["2022-11-28", "2026-03-10"];

/// Lists go on at the repository's id, as GitHub's do: the address is to be followed, not built.
fn by_id() -> String {
    format!("/repositories/{REPOSITORY_ID}")
}

/// An answer before it is sent.
struct Answer {
    status: u16,
    body: Option<Value>,
    headers: Vec<(&'static str, String)>,
}

/// Serves until it is aborted.
pub async fn serve(listener: TcpListener, state: Arc<Mutex<State>>, url: String) {
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        let (state, url) = (Arc::clone(&state), url.clone());
        tokio::spawn(async move {
            let service = service_fn(|request| answer(request, Arc::clone(&state), url.clone()));
            // A client that goes ends its own connection only.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn answer(
    request: Request<Incoming>,
    state: Arc<Mutex<State>>,
    url: String,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let text = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let body: Result<Value, _> = if text.is_empty() { Ok(Value::Null) } else { serde_json::from_slice(&text) };
    let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
    let answer = disturbed(&mut state, &head, body.as_ref().ok(), &url);
    let header = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    state.seen.push(Seen {
        method: head.method.to_string(),
        path: head.uri.path().to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        body: body.ok().filter(|body| !body.is_null()),
        version: header("x-github-api-version"),
        agent: header("user-agent"),
        status: answer.status,
    });
    Ok(sent(answer))
}

fn sent(answer: Answer) -> Response<Full<Bytes>> {
    let text = answer.body.map(|body| body.to_string()).unwrap_or_default();
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = StatusCode::from_u16(answer.status).expect("a status");
    let headers = response.headers_mut();
    headers.insert("content-type", HeaderValue::from_static("application/json; charset=utf-8"));
    for (name, value) in answer.headers {
        headers.insert(name, HeaderValue::from_str(&value).expect("a header's value"));
    }
    response
}

/// The answer, or what a test put in its place.
fn disturbed(state: &mut State, head: &Parts, body: Option<&Value>, url: &str) -> Answer {
    let fits = |fault: &Fault| head.method == fault.method && head.uri.path().contains(fault.path);
    let Some(at) = state.faults.iter().position(fits) else { return served(state, head, body, url) };
    let fault = state.faults.remove(at).expect("it was found");
    if fault.after_the_work {
        drop(served(state, head, body, url));
    }
    let refusal = json!({ "message": fault.message, "documentation_url": "https://docs.github.com/rest" });
    // A disturbance that succeeds is one of a list: its headers mislead.
    let body = if fault.status == 200 { json!([]) } else { refusal };
    Answer { status: fault.status, body: Some(body), headers: fault.headers }
}

fn served(state: &mut State, head: &Parts, body: Option<&Value>, url: &str) -> Answer {
    let query = head.uri.query().unwrap_or_default();
    match work(state, head, query, body) {
        Ok((Done::One(status, body), _)) => Answer { status, body: Some(body), headers: limits() },
        Ok((Done::Nothing, _)) => Answer { status: 204, body: None, headers: limits() },
        Ok((Done::List(all), path)) => {
            let (entries, headers) = paged(&all, query, url, &path);
            Answer { status: 200, body: Some(entries), headers }
        }
        Ok((Done::Listed(name, all), path)) => {
            let (entries, headers) = paged(&all, query, url, &path);
            Answer { status: 200, body: Some(json!({ "total_count": all.len(), name: entries })), headers }
        }
        Err(refusal) => {
            let (status, body) = refusal.answer();
            Answer { status, body: Some(body), headers: limits() }
        }
    }
}

/// A page of a list, with headers that say where the next and the last one are.
fn paged(all: &[Value], query: &str, url: &str, path: &str) -> (Value, Vec<(&'static str, String)>) {
    let (entries, more) = page(all, query);
    let mut headers = limits();
    if let Some((next, last)) = more {
        let to = |page: usize| format!("<{url}{}{path}?{}>", by_id(), with_page(query, page));
        headers.push(("link", format!("{}; rel=\"next\", {}; rel=\"last\"", to(next), to(last))));
    }
    (entries, headers)
}

fn work(state: &mut State, head: &Parts, query: &str, body: Option<&Value>) -> Result<(Done, String), Refusal> {
    let header = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok());
    if header("user-agent").is_none_or(str::is_empty) {
        return Err(Refusal::NoUserAgent);
    }
    if header("authorization") != Some(&format!("Bearer {}", state.token)) {
        return Err(Refusal::BadCredentials);
    }
    if header("x-github-api-version").is_some_and(|version| !VERSIONS.contains(&version)) {
        return Err(Refusal::UnknownVersion);
    }
    let body = body.ok_or(Refusal::NotJson)?.clone();
    let path = head.uri.path();
    let below = path.strip_prefix("/repos/").and_then(|rest| rest.strip_prefix(REPOSITORY));
    let below = below.or_else(|| path.strip_prefix(&by_id())).ok_or(Refusal::NotFound)?;
    let found = OPERATIONS.iter().find_map(|one: &Operation| Some((one, one.fits(head.method.as_str(), below)?)));
    let (operation, part) = found.ok_or(Refusal::NotModelled)?;
    let number = part.parse().unwrap_or_default();
    Ok(((operation.serve)(state, Asked { number, commit: part, query, body })?, below.to_owned()))
}

fn with_page(query: &str, page: usize) -> String {
    let kept = query.split('&').filter(|pair| !pair.is_empty() && !pair.starts_with("page="));
    kept.map(str::to_owned).chain([format!("page={page}")]).collect::<Vec<_>>().join("&")
}

/// Every answer says how much of the limit is left.
fn limits() -> Vec<(&'static str, String)> {
    [("x-ratelimit-limit", "1000"), ("x-ratelimit-remaining", "999"), ("x-ratelimit-reset", "4102444800")]
        .map(|(name, value)| (name, value.to_owned()))
        .to_vec()
}
