//! The gateway in front of MiniStack: an HTTP server on loopback that names and counts every call, lets the rules
//! have their say, and strikes calls with the faults, rates and delays that tests set. Host and all signed headers pass unchanged.

mod cbor;
pub mod classify;
pub mod fault;
pub mod lag;
pub mod pipeline;
pub mod protocol;
pub mod rates;
mod routes;
pub mod rules;
mod s3;
pub mod site;
pub mod traffic;

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use http::{HeaderValue, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::admin;
use crate::costs::Costs;
use crate::timeline::Timeline;
use lag::Lag;
use pipeline::{Answer, Call, Rules, Upstream};
use traffic::{Admission, LATE, Traffic, Verdict};

/// What the gateway works with.
pub struct Gateway {
    /// The way to MiniStack.
    pub upstream: Upstream,
    /// What AWS does and MiniStack does not, in order.
    pub rules: Rules,
    /// The counters, faults and rates.
    pub traffic: Traffic,
    /// How far reads lag behind writes.
    pub lag: Lag,
    /// The cost model.
    pub costs: Costs,
    /// The clock and what follows it.
    pub timeline: Timeline,
    /// Where the deployed pages are: `http://localhost:4601`.
    pub site: String,
}

/// The connection is to be closed without an answer.
#[derive(Debug, thiserror::Error)]
#[error("the answer is lost on purpose")]
struct Lost;

/// Serves until the task is aborted; its connections end with it.
pub async fn serve(listener: TcpListener, gateway: Arc<Gateway>) {
    serve_with(listener, gateway, respond).await;
}

/// Accepts connections, and has each request on them answered by `respond`.
async fn serve_with<F>(listener: TcpListener, gateway: Arc<Gateway>, respond: fn(Arc<Gateway>, Request<Incoming>) -> F)
where
    F: Future<Output = Result<Response<Full<Bytes>>, Lost>> + Send + 'static,
{
    let mut connections = JoinSet::new();
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                connections.spawn(connection(stream, Arc::clone(&gateway), respond));
            }
            // Out of file descriptors, most likely: give connections time to end.
            Err(_) => tokio::time::sleep(std::time::Duration::from_millis(50)).await,
        }
        while connections.try_join_next().is_some() {}
    }
}

async fn connection<F>(stream: TcpStream, gateway: Arc<Gateway>, respond: fn(Arc<Gateway>, Request<Incoming>) -> F)
where
    F: Future<Output = Result<Response<Full<Bytes>>, Lost>> + Send + 'static,
{
    let _ = stream.set_nodelay(true);
    let service = service_fn(|request| respond(Arc::clone(&gateway), request));
    // An error here is a client that went, or an answer lost on purpose.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

async fn respond(gateway: Arc<Gateway>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Lost> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map_err(|_| Lost)?.to_bytes();
    let call = classify::classify(parts.method, parts.uri, parts.headers, body);
    let answer = if admin::is_for(&call) {
        admin::answer(&gateway, &call).await
    } else if call.service == "ministack" {
        gateway.upstream.forward(&call).await.unwrap_or_else(|error| unreachable(&call, &error.to_string()))
    } else {
        counted(gateway, call).await?
    };
    Ok(response(answer))
}

async fn counted(gateway: Arc<Gateway>, call: Call) -> Result<Answer, Lost> {
    let admission = gateway.traffic.admit(&call.service, &call.operation, call.write).await;
    match admission.verdict() {
        Verdict::Fail => sent(admission, protocol::internal_error(&call, "An internal error, armed by a test.")).await,
        Verdict::Throttle => sent(admission, protocol::throttled(&call)).await,
        Verdict::CutOff => Err(Lost),
        Verdict::HoldCall => {
            // A client that goes meanwhile takes this future with it, and the call never happens.
            admission.hold().await;
            carried_out(gateway, call, admission).await
        }
        Verdict::ActLate => {
            tokio::spawn(late(gateway, call, admission));
            Err(Lost)
        }
        Verdict::Proceed | Verdict::LoseAnswer | Verdict::HoldAnswer => carried_out(gateway, call, admission).await,
    }
}

/// Carries out a call that nobody waits for any more; it counts as under way until it took effect.
async fn late(gateway: Arc<Gateway>, call: Call, admission: Admission) {
    tokio::time::sleep(LATE).await;
    let answer = run(&gateway, call).await;
    admission.settle(answer.status);
}

/// Runs the call in a task of its own: like AWS, it takes effect even if the client goes meanwhile, and it is under way
/// until then.
async fn carried_out(gateway: Arc<Gateway>, call: Call, admission: Admission) -> Result<Answer, Lost> {
    let kept = call.clone();
    let run = tokio::spawn(async move { (run(&gateway, call).await, admission) });
    match run.await {
        Ok((answer, admission)) => sent(admission, answer).await,
        Err(error) => Ok(protocol::internal_error(&kept, &format!("a rule of the gateway failed: {error}"))),
    }
}

async fn run(gateway: &Gateway, call: Call) -> Answer {
    if let Some(old) = gateway.lag.answer(&call) {
        return old;
    }
    // Rules may change the call on its way; the lag knows it as the client sent it.
    let (sent, asked_at) = (call.clone(), Instant::now());
    match pipeline::run(gateway.rules.all(), call, &gateway.upstream).await {
        Ok(answer) => {
            gateway.lag.learn(&sent, &answer, asked_at);
            answer
        }
        Err(error) => unreachable(&sent, &error.to_string()),
    }
}

async fn sent(admission: Admission, answer: Answer) -> Result<Answer, Lost> {
    match admission.verdict() {
        Verdict::LoseAnswer | Verdict::CutOff => return Err(Lost),
        Verdict::HoldAnswer => admission.hold().await,
        Verdict::Proceed | Verdict::Fail | Verdict::Throttle | Verdict::HoldCall | Verdict::ActLate => {}
    }
    admission.settle(answer.status);
    Ok(answer)
}

fn unreachable(call: &Call, message: &str) -> Answer {
    protocol::error(call, 503, "ServiceUnavailable", message)
}

fn response(answer: Answer) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(answer.body));
    *response.status_mut() =
        http::StatusCode::from_u16(answer.status).unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
    *response.headers_mut() = answer.headers;
    response.headers_mut().insert("x-billform-gateway", HeaderValue::from_static("1"));
    response
}

#[cfg(test)]
mod tests;
