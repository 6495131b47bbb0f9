//! A request that is not answered as asked: status, code and message for the caller, the cause for the log alone.

use serde_json::json;

use super::Response;
use crate::ports::PortError;

/// Why a request is refused. Shown to the caller as `{"error":{"code","message"}}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// HTTP status, 4xx or 5xx.
    pub status: u16,
    /// For programs: `link_expired`.
    pub code: &'static str,
    /// For people: what is wrong and what to do.
    pub message: String,
    /// For the log alone: the failure behind a 5xx.
    pub cause: Option<PortError>,
    /// Seconds after which the same request may be taken.
    pub retry_after_s: Option<i64>,
}

impl Refusal {
    /// A request that the caller can mend.
    pub fn new(status: u16, code: &'static str, message: impl Into<String>) -> Refusal {
        Refusal { status, code, message: message.into(), cause: None, retry_after_s: None }
    }

    /// 500: a failure of ours, which the caller sees as `message` and the log as `cause`.
    pub fn failed(message: impl Into<String>, cause: PortError) -> Refusal {
        Refusal { cause: Some(cause), ..Refusal::new(500, "internal", message) }
    }

    /// 404: no route has this path.
    pub fn no_route() -> Refusal {
        Refusal::new(404, "not_found", "there is nothing at this address")
    }

    /// The answer to the caller.
    pub fn response(&self) -> Response {
        let body = json!({"error": {"code": self.code, "message": self.message}});
        let response = Response::json(self.status, body.to_string());
        let response = match self.retry_after_s {
            Some(seconds) => response.with_header("retry-after", seconds.to_string()),
            None => response,
        };
        match self.status {
            401 => response.with_header("www-authenticate", "Bearer"),
            _ => response,
        }
    }
}

impl From<PortError> for Refusal {
    fn from(cause: PortError) -> Refusal {
        Refusal::failed("the request could not be answered; try again later", cause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_text_with_safe_headers() {
        let response = Refusal::new(401, "unauthorized", "no token").response();
        let shown = serde_json::to_value(&response).expect("JSON");
        assert_eq!(shown["statusCode"], 401);
        assert_eq!(shown["isBase64Encoded"], false);
        assert_eq!(shown["headers"]["cache-control"], "no-store");
        assert_eq!(shown["headers"]["www-authenticate"], "Bearer");
        assert_eq!(shown["body"], r#"{"error":{"code":"unauthorized","message":"no token"}}"#);
    }

    #[test]
    fn a_cause_is_never_shown() {
        let refusal = Refusal::from(PortError::new("read the ledger", "canary"));
        assert!(!refusal.response().text().contains("canary"));
        assert_eq!(refusal.response().status, 500);
    }
}
