//! A refusal in Stripe's own shape: status, type, code, message and the parameter at fault.

use serde_json::{Map, Value, json};

/// The `type` of an error as Stripe names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ErrorType {
    Api,
    Card,
    Idempotency,
    InvalidRequest,
}

impl ErrorType {
    fn as_str(self) -> &'static str {
        match self {
            ErrorType::Api => "api_error",
            ErrorType::Card => "card_error",
            ErrorType::Idempotency => "idempotency_error",
            ErrorType::InvalidRequest => "invalid_request_error",
        }
    }
}

/// Why the local Stripe refuses a request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{status}: {message}")]
pub(crate) struct ApiError {
    pub(crate) status: u16,
    pub(crate) kind: ErrorType,
    pub(crate) code: Option<&'static str>,
    /// Why the bank refused a card.
    pub(crate) decline_code: Option<&'static str>,
    pub(crate) message: String,
    pub(crate) param: Option<String>,
    /// The object that the request was about, by the name that the body gives it.
    pub(crate) object: Option<Box<(&'static str, Value)>>,
}

impl ApiError {
    /// A 400 without code or parameter, which the `with_` methods add.
    pub(crate) fn invalid(message: impl Into<String>) -> ApiError {
        ApiError {
            status: 400,
            kind: ErrorType::InvalidRequest,
            code: None,
            decline_code: None,
            message: message.into(),
            param: None,
            object: None,
        }
    }

    /// The key is missing, unknown or one for live mode.
    pub(crate) fn unauthorized(message: impl Into<String>) -> ApiError {
        ApiError::invalid(message).with_status(401)
    }

    /// No object of that id: 404, as for an id in the path. An id in a parameter is [`ApiError::in_param`].
    pub(crate) fn missing(noun: &str, id: &str) -> ApiError {
        ApiError::invalid(format!("No such {noun}: '{id}'"))
            .with_status(404)
            .with_code("resource_missing")
            .with_param("id")
    }

    /// A required parameter is absent.
    pub(crate) fn parameter_missing(param: &str) -> ApiError {
        ApiError::invalid(format!("Missing required param: {param}.")).with_code("parameter_missing").with_param(param)
    }

    /// Two parameters that exclude each other were both given.
    pub(crate) fn exclusive(first: &str, second: &str) -> ApiError {
        ApiError::invalid(format!("You may only specify one of these parameters: {first}, {second}."))
            .with_code("parameters_exclusive")
            .with_param(second)
    }

    /// An integer outside its range.
    pub(crate) fn bad_integer(param: &str, message: impl Into<String>) -> ApiError {
        ApiError::invalid(message).with_code("parameter_invalid_integer").with_param(param)
    }

    /// The invoice is past the state in which this is allowed.
    pub(crate) fn not_editable(message: impl Into<String>) -> ApiError {
        ApiError::invalid(message).with_code("invoice_not_editable")
    }

    /// Stripe could do this, the local Stripe does not.
    pub(crate) fn not_modelled(what: &str) -> ApiError {
        ApiError::invalid(format!("The local Stripe does not model {what}."))
    }

    /// The same error about an id that came in a parameter: 400, naming it.
    pub(crate) fn in_param(self, param: &str) -> ApiError {
        self.with_status(400).with_param(param)
    }

    pub(crate) fn with_status(mut self, status: u16) -> ApiError {
        self.status = status;
        self
    }

    pub(crate) fn with_kind(mut self, kind: ErrorType) -> ApiError {
        self.kind = kind;
        self
    }

    pub(crate) fn with_code(mut self, code: &'static str) -> ApiError {
        self.code = Some(code);
        self
    }

    pub(crate) fn with_decline_code(mut self, code: &'static str) -> ApiError {
        self.decline_code = Some(code);
        self
    }

    pub(crate) fn with_param(mut self, param: impl Into<String>) -> ApiError {
        self.param = Some(param.into());
        self
    }

    /// The error shows the object that it is about, `setup_intent` or `payment_intent`.
    pub(crate) fn with_object(mut self, name: &'static str, object: Value) -> ApiError {
        self.object = Some(Box::new((name, object)));
        self
    }

    /// The body Stripe would send, with the address of the request's log entry.
    pub(crate) fn body(&self, account: &str, request_id: &str) -> Value {
        let mut error = Map::new();
        if let Some(code) = self.code {
            error.insert("code".into(), json!(code));
            let page = format!("https://stripe.com/docs/error-codes/{}", code.replace('_', "-"));
            error.insert("doc_url".into(), json!(page));
        }
        if let Some(code) = self.decline_code {
            error.insert("decline_code".into(), json!(code));
        }
        error.insert("message".into(), json!(self.message));
        if let Some(param) = &self.param {
            error.insert("param".into(), json!(param));
        }
        let log = format!("https://dashboard.stripe.com/{account}/test/logs/{request_id}");
        error.insert("request_log_url".into(), json!(log));
        if let Some(object) = &self.object {
            error.insert(object.0.into(), object.1.clone());
        }
        error.insert("type".into(), json!(self.kind.as_str()));
        json!({ "error": error })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_body_has_stripes_fields() {
        let body = ApiError::parameter_missing("currency").body("acct_1", "req_1");
        let error = &body["error"];
        assert_eq!(error["type"], "invalid_request_error");
        assert_eq!(error["code"], "parameter_missing");
        assert_eq!(error["param"], "currency");
        assert_eq!(error["message"], "Missing required param: currency.");
        assert_eq!(error["doc_url"], "https://stripe.com/docs/error-codes/parameter-missing");
        assert_eq!(error["request_log_url"], "https://dashboard.stripe.com/acct_1/test/logs/req_1");
    }

    #[test]
    fn an_id_in_a_parameter_is_a_bad_request() {
        let error = ApiError::missing("customer", "cus_1").in_param("customer");
        assert_eq!((error.status, error.param.as_deref()), (400, Some("customer")));
    }
}
