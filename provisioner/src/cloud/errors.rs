//! The SDKs' errors, sorted by what can be done about them.

use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_runtime_api::http::Response;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use engine::kind::{CallError, ErrorClass};

use super::gate::Halt;

/// Error codes by which AWS services say "slower".
const THROTTLES: &[&str] = &[
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "TooManyRequestsException",
    "RequestLimitExceeded",
    "LimitExceededException.Throttled",
    "ProvisionedThroughputExceededException",
    "RequestThrottled",
    "RequestThrottledException",
    "Throttled",
    "SlowDown",
    "PriorRequestNotComplete",
];

/// Error codes that mean the credentials are no good for anything any more: no other call will fare better.
const NO_CREDENTIALS: &[&str] = &[
    "ExpiredToken",
    "ExpiredTokenException",
    "RequestExpired",
    "TokenRefreshRequired",
    "InvalidToken",
    "InvalidClientTokenId",
    "UnrecognizedClientException",
    "InvalidAccessKeyId",
];

/// Error codes that mean the credentials do not allow it.
const DENIALS: &[&str] = &[
    "AccessDenied",
    "AccessDeniedException",
    "AuthorizationError",
    "UnauthorizedOperation",
    "NotAuthorized",
    "SignatureDoesNotMatch",
    "InvalidSignatureException",
    "MissingAuthenticationToken",
];

/// Error codes that mean something else is still under way on the same resource.
const BUSY: &[&str] = &[
    "OperationAborted",
    "ConcurrentModification",
    "ConcurrentModificationException",
    "ResourceInUseException.Busy",
    "OperationAbortedException",
    "DeleteConflict.Propagating",
];

/// The engine's view of an SDK error. `operation` is `service:Operation`, as in IAM actions.
///
/// Codes that mean one thing in one service and another elsewhere (`ResourceConflictException`,
/// `InvalidParameterValueException`) are the kind's to reclassify.
pub fn call_error<E>(operation: &str, error: SdkError<E, Response>) -> CallError
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    if let Some(halt) = halt(&error) {
        return CallError { operation: operation.to_owned(), message: halt.to_string(), class: ErrorClass::Halted };
    }
    let class = match code(&error) {
        // Cost Explorer's word for "slower" is what others say of a quota that waiting does not lift.
        Some("LimitExceededException") if operation.starts_with("ce:") => ErrorClass::Throttled,
        _ => classify(&error),
    };
    let message = match (class, &error) {
        (ErrorClass::Halted, SdkError::ServiceError(_)) => no_longer(&message(&error)),
        (ErrorClass::Halted, _) => no_credentials(&message(&error)),
        _ => message(&error),
    };
    CallError { operation: operation.to_owned(), message, class }
}

/// Credentials that stopped working, for a person.
fn no_longer(message: &str) -> String {
    format!("AWS no longer takes the credentials: {message}. Renew them, then run again")
}

/// Credentials that were never found, for a person.
fn no_credentials(message: &str) -> String {
    format!(
        "no AWS credentials were found: {message}. Set AWS_PROFILE to a profile that exists, or AWS_ACCESS_KEY_ID and \
         AWS_SECRET_ACCESS_KEY, then run again"
    )
}

/// The gate's refusal, if the call was not made because of it.
fn halt<'a>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a Halt> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(halt) = error.downcast_ref() {
            return Some(halt);
        }
        cause = error.source();
    }
    None
}

/// The service's error code, if it answered with one.
pub fn code<E: ProvideErrorMetadata>(error: &SdkError<E, Response>) -> Option<&str> {
    error.as_service_error().and_then(ProvideErrorMetadata::code)
}

/// A refusal that we make ourselves, in the same shape.
pub fn refused(operation: &str, message: impl Into<String>) -> CallError {
    CallError { operation: operation.to_owned(), message: message.into(), class: ErrorClass::Refused }
}

fn classify<E: ProvideErrorMetadata>(error: &SdkError<E, Response>) -> ErrorClass {
    let SdkError::ServiceError(service) = error else {
        return match error {
            SdkError::ConstructionFailure(_) => ErrorClass::Refused,
            SdkError::ResponseError(answer) => match answer.raw().status().as_u16() {
                429 => ErrorClass::Throttled,
                400..=499 => ErrorClass::Refused,
                _ => ErrorClass::Ambiguous,
            },
            // No credentials at all shows as a dispatch failure of kind "other". So does a connection that closed
            // before the answer, but that one says beside it that it is transient.
            SdkError::DispatchFailure(failure) if failure.is_other() && failure.as_other().is_none() => {
                ErrorClass::Halted
            }
            _ => ErrorClass::Ambiguous,
        };
    };
    let code = service.err().code().unwrap_or_default();
    let status = service.raw().status().as_u16();
    if THROTTLES.contains(&code) || status == 429 {
        ErrorClass::Throttled
    } else if NO_CREDENTIALS.contains(&code) {
        ErrorClass::Halted
    } else if DENIALS.contains(&code) {
        ErrorClass::Denied
    } else if BUSY.contains(&code) {
        ErrorClass::NotYet
    } else if status >= 500 {
        ErrorClass::Ambiguous
    } else {
        ErrorClass::Refused
    }
}

fn message<E>(error: &SdkError<E, Response>) -> String
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    match error.as_service_error() {
        Some(service) => match (service.code(), service.message()) {
            (Some(code), Some(message)) => format!("{message} ({code})"),
            (Some(code), None) => code.to_owned(),
            (None, Some(message)) => message.to_owned(),
            (None, None) => unreadable(error),
        },
        None => unreadable(error),
    }
}

/// An answer without a code of AWS: a proxy or a failing server gives none, and then its status says most.
fn unreadable<E>(error: &SdkError<E, Response>) -> String
where
    E: std::error::Error + Send + Sync + 'static,
{
    match error.raw_response().map(|answer| answer.status().as_u16()) {
        Some(status) => format!("HTTP status {status}, and an answer that is not AWS's ({})", causes(error)),
        None => causes(error),
    }
}

/// An error and what caused it, each once, without the debug output of the SDK's own display.
pub(crate) fn causes(error: &dyn std::error::Error) -> String {
    let mut said = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        if !said.contains(&text) {
            said = format!("{said}: {text}");
        }
        cause = error.source();
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_smithy_runtime_api::client::result::ConnectorError;
    use aws_smithy_types::body::SdkBody;
    use aws_smithy_types::error::ErrorMetadata;
    use aws_smithy_types::retry::ErrorKind;

    #[test]
    fn a_limit_exceeded_is_a_throttle_for_cost_explorer_alone() {
        let class = |operation: &str| {
            let answer = Response::new(400.try_into().expect("a status"), SdkBody::empty());
            let error = ErrorMetadata::builder().code("LimitExceededException").message("Rate exceeded").build();
            call_error(operation, SdkError::service_error(error, answer)).class
        };
        assert_eq!(class("ce:ListCostAllocationTags"), ErrorClass::Throttled);
        assert_eq!(class("iam:CreateRole"), ErrorClass::Refused, "a quota: waiting does not lift it");
    }

    #[test]
    fn a_connection_that_closed_before_the_answer_is_ambiguous_and_missing_credentials_halt() {
        let class = |kind| {
            let error = ConnectorError::other("connection closed before message completed".into(), kind);
            call_error("apigateway:CreateApi", SdkError::<ErrorMetadata, Response>::dispatch_failure(error)).class
        };
        assert_eq!(class(Some(ErrorKind::TransientError)), ErrorClass::Ambiguous);
        assert_eq!(class(None), ErrorClass::Halted);
    }

    #[test]
    fn an_answer_that_is_not_of_aws_keeps_its_status() {
        let answer = |status: u16| Response::new(status.try_into().expect("a status"), SdkBody::from("<html>"));
        let unparsed = |status| SdkError::<ErrorMetadata, Response>::response_error("expected value", answer(status));
        let nameless = |status| SdkError::service_error(ErrorMetadata::builder().build(), answer(status));
        for (status, class) in
            [(503, ErrorClass::Ambiguous), (200, ErrorClass::Ambiguous), (429, ErrorClass::Throttled)]
        {
            let error = call_error("iam:GetRole", unparsed(status));
            assert_eq!(error.class, class, "{error}");
            assert!(error.message.contains(&format!("HTTP status {status}")), "{error}");
        }
        assert_eq!(call_error("iam:GetRole", unparsed(404)).class, ErrorClass::Refused);
        let error = call_error("iam:GetRole", nameless(502));
        assert_eq!(error.class, ErrorClass::Ambiguous);
        assert!(error.message.contains("HTTP status 502"), "{error}");
    }

    #[test]
    fn credentials_that_were_never_there_are_not_to_be_renewed() {
        let missing = ConnectorError::other("the credential provider was not enabled".into(), None);
        let missing =
            call_error("sts:GetCallerIdentity", SdkError::<ErrorMetadata, Response>::dispatch_failure(missing));
        assert_eq!(missing.class, ErrorClass::Halted);
        assert!(missing.message.contains("AWS_PROFILE") && !missing.message.contains("Renew"), "{missing}");
        let expired = ErrorMetadata::builder().code("ExpiredToken").message("expired").build();
        let answer = Response::new(400.try_into().expect("a status"), SdkBody::empty());
        let expired = call_error("sts:GetCallerIdentity", SdkError::service_error(expired, answer));
        assert!(expired.message.contains("Renew"), "{expired}");
    }
}
