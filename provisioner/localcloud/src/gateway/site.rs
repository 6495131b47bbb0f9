//! The deployed pages at one address, as CloudFront serves them: pages, assets and API of the stack that has pages, at
//! `http://localhost:PORT/`. The strict Stripe stands at 127.0.0.1, so its pages are another site to a browser, as in the
//! world: a cookie that would not come back from there in the world does not come back here.
//!
//! Unlike CloudFront it passes the Host that the browser named: with the stack's own domain in DNS both are the same.

use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response, Uri};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use serde_json::Value;
use tokio::net::TcpListener;

use super::pipeline::{Answer, Upstream};
use super::{Gateway, Lost, classify, counted, response, serve_with};

/// The route by which a stack's API is known to have pages.
const PAGES: &str = "GET /";
const NO_PAGES: &str = "No stack with pages is deployed here. Apply a manifest with `api: { surfaces: [portal] }`.\n";

/// Serves until the task is aborted; its connections end with it.
pub async fn serve(listener: TcpListener, gateway: Arc<Gateway>) {
    serve_with(listener, gateway, respond).await;
}

async fn respond(gateway: Arc<Gateway>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Lost> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map_err(|_| Lost)?.to_bytes();
    let Some(stage) = stage(&gateway.upstream).await else {
        return Ok(response(Answer::new(404, "text/plain; charset=utf-8", NO_PAGES)));
    };
    let asked = parts.uri.path_and_query().map_or("/", |asked| asked.as_str());
    let Ok(uri) = format!("{stage}{asked}").parse::<Uri>() else {
        return Ok(response(Answer::new(400, "text/plain; charset=utf-8", "This is not an address.\n")));
    };
    let answer = counted(gateway, classify::classify(parts.method, uri, parts.headers, body)).await?;
    Ok(response(answer))
}

/// The path of the stage whose pages are shown: that of the last API made that has any.
async fn stage(upstream: &Upstream) -> Option<String> {
    let mut apis = items(upstream, "/v2/apis").await;
    apis.sort_by_key(|api| api["createdDate"].to_string());
    for api in apis.iter().rev() {
        let id = api["apiId"].as_str()?;
        let routes = items(upstream, &format!("/v2/apis/{id}/routes")).await;
        if routes.iter().any(|route| route["routeKey"] == PAGES) {
            let stages = items(upstream, &format!("/v2/apis/{id}/stages")).await;
            let name = stages.first()?["stageName"].as_str()?.to_owned();
            return Some(format!("/_aws/execute-api/{id}/{name}"));
        }
    }
    None
}

async fn items(upstream: &Upstream, path: &str) -> Vec<Value> {
    let path = format!("{path}?maxResults=500");
    let answer = upstream.rest("apigateway", http::Method::GET, &path, "").await;
    let found = answer.ok().map(|answer| answer.body_json()["items"].take());
    match found {
        Some(Value::Array(items)) => items,
        _ => Vec::new(),
    }
}
