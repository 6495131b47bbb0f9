//! Asking a running local cloud for its clock and its costs, from another process.

use std::time::Duration;

use http::Method;
use serde::de::DeserializeOwned;

use crate::clock::Reading;
use crate::costs::CostModel;
use crate::gateway::pipeline::{Answer, Upstream, UpstreamError};
use crate::timeline::{Advance, Advanced};

/// The clock answers at once; a cloud that does not hangs.
const READING_LIMIT: Duration = Duration::from_secs(5);

/// Why the clock could not be read or moved.
#[derive(Debug, thiserror::Error)]
pub enum RemoteError {
    /// The endpoint is somewhere else than on this machine.
    #[error(
        "{0} is not an address of this machine: only the local cloud has a clock that can be moved; unset AWS_ENDPOINT_URL or start one with `billform local up`"
    )]
    NotLocal(String),
    /// Nothing answers.
    #[error("asking the local cloud for its clock: {0}; start one with `billform local up`")]
    Unreachable(#[from] UpstreamError),
    /// It did not answer in time.
    #[error("the local cloud at {0} does not answer; stop it with `billform local down`")]
    Silent(String),
    /// It refused.
    #[error("the local cloud answered {status}: {said}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// The answer's text.
        said: String,
    },
}

/// Reads the clock of the cloud at `endpoint` (`http://127.0.0.1:4600`).
pub async fn clock(endpoint: &str) -> Result<Reading, RemoteError> {
    let cloud = cloud(endpoint)?;
    let asked = cloud.rest("ministack", Method::GET, "/_billform/clock", "");
    let answer = tokio::time::timeout(READING_LIMIT, asked).await;
    read(answer.map_err(|_| RemoteError::Silent(endpoint.to_owned()))??)
}

/// Lets time pass at the cloud at `endpoint`, and waits until all that falls due has happened.
pub async fn advance(endpoint: &str, seconds: u64) -> Result<Advanced, RemoteError> {
    let body = serde_json::json!(Advance { seconds }).to_string();
    read(cloud(endpoint)?.rest("ministack", Method::POST, "/_billform/clock/advance", body).await?)
}

/// Where the deployed pages of the cloud at `endpoint` are: `http://localhost:4601`.
pub async fn site(endpoint: &str) -> Result<String, RemoteError> {
    #[derive(serde::Deserialize)]
    struct Site {
        url: String,
    }
    let asked = cloud(endpoint)?;
    let asked = asked.rest("ministack", Method::GET, "/_billform/site", "");
    let answer = tokio::time::timeout(READING_LIMIT, asked).await;
    let site: Site = read(answer.map_err(|_| RemoteError::Silent(endpoint.to_owned()))??)?;
    Ok(site.url)
}

/// The cost model of the cloud at `endpoint`.
pub async fn costs(endpoint: &str) -> Result<CostModel, RemoteError> {
    read(cloud(endpoint)?.rest("ministack", Method::GET, "/_billform/costs", "").await?)
}

/// Puts another cost model in its place: AWS restates.
pub async fn set_costs(endpoint: &str, model: &CostModel) -> Result<(), RemoteError> {
    let body = serde_json::json!(model).to_string();
    let answer: serde_json::Value =
        read(cloud(endpoint)?.rest("ministack", Method::PUT, "/_billform/costs", body).await?)?;
    drop(answer);
    Ok(())
}

/// Whether an endpoint is on this machine.
pub fn is_loopback(endpoint: &str) -> bool {
    let Ok(uri) = endpoint.parse::<http::Uri>() else { return false };
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
    uri.scheme_str() == Some("http")
        && (host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback()))
}

fn cloud(endpoint: &str) -> Result<Upstream, RemoteError> {
    if !is_loopback(endpoint) {
        return Err(RemoteError::NotLocal(endpoint.to_owned()));
    }
    let address = endpoint.trim_start_matches("http://").trim_end_matches('/').to_owned();
    // Its own pages ask for no account and no region.
    Ok(Upstream::new(address, String::new(), "us-east-1".to_owned()))
}

fn read<T: DeserializeOwned>(answer: Answer) -> Result<T, RemoteError> {
    let refused = || RemoteError::Refused {
        status: answer.status,
        said: String::from_utf8_lossy(&answer.body).chars().take(500).collect(),
    };
    if !answer.is_success() {
        return Err(refused());
    }
    serde_json::from_slice(&answer.body).map_err(|_| refused())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_asked() {
        for endpoint in ["http://127.0.0.1:4600", "http://localhost:4600/", "http://[::1]:4600", "http://127.1.2.3"] {
            assert!(is_loopback(endpoint), "{endpoint}");
        }
        for endpoint in ["http://10.0.0.1:4600", "https://127.0.0.1", "http://127.0.0.1.example.com", "", "nonsense"] {
            assert!(!is_loopback(endpoint), "{endpoint}");
        }
    }
}
