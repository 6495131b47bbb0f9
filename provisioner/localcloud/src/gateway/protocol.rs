//! Errors in the wire format of each service, so that the SDKs read our refusals like AWS's.

use http::HeaderValue;
use serde_json::json;

use super::cbor;
use super::pipeline::{Answer, Call};

/// How a service spells its requests and errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// Form in, XML out: IAM, STS.
    Query,
    /// S3: XML without an envelope.
    RestXml,
    /// REST with JSON: Lambda, API Gateway, Scheduler.
    RestJson,
    /// Smithy RPC v2 with CBOR: CloudWatch.
    Cbor,
    /// `X-Amz-Target` with JSON: DynamoDB, Logs, EventBridge, Budgets, CUR, Cost Explorer, Secrets Manager.
    Json,
}

/// The protocol a call speaks.
pub fn of(call: &Call) -> Protocol {
    match call.service.as_str() {
        _ if call.header("smithy-protocol") == "rpc-v2-cbor" => Protocol::Cbor,
        "s3" | "cloudfront" | "route53" => Protocol::RestXml,
        "iam" | "sts" | "sns" | "cloudformation" | "ec2" | "autoscaling" | "elasticloadbalancing" => Protocol::Query,
        _ if !call.header("x-amz-target").is_empty() => Protocol::Json,
        _ => Protocol::RestJson,
    }
}

/// The error `code` with its message, as the service of the call would answer it.
pub fn error(call: &Call, status: u16, code: &str, message: &str) -> Answer {
    let id = call.header("amz-sdk-invocation-id");
    let id = if id.is_empty() { "00000000-0000-0000-0000-000000000000" } else { id };
    let answer = match of(call) {
        Protocol::Query => Answer::new(status, "text/xml", query_error(status, code, message, id)),
        Protocol::RestXml => Answer::new(status, "application/xml", s3_error(code, message, call.uri.path(), id)),
        Protocol::RestJson => {
            Answer::json(status, &json!({"message": message, "Message": message, "Type": fault(status)}))
                .with_header("x-amzn-errortype", code)
        }
        Protocol::Cbor => cbor_error(status, code, message),
        Protocol::Json => json_error(call, status, code, message),
    };
    answer.with_header("x-amzn-requestid", id).with_header("x-amz-request-id", id)
}

/// An internal error, which clients retry.
pub fn internal_error(call: &Call, message: &str) -> Answer {
    let code = match of(call) {
        Protocol::RestXml => "InternalError",
        Protocol::Query => "ServiceFailure",
        Protocol::Cbor => "InternalServiceFault",
        Protocol::RestJson => "ServiceException",
        Protocol::Json if call.service == "dynamodb" => "InternalServerError",
        Protocol::Json => "InternalFailure",
    };
    error(call, 500, code, message)
}

/// The service's way to say "not so fast".
pub fn throttled(call: &Call) -> Answer {
    match of(call) {
        Protocol::RestXml => error(call, 503, "SlowDown", "Please reduce your request rate."),
        Protocol::Query | Protocol::Cbor => error(call, 400, "Throttling", "Rate exceeded"),
        Protocol::RestJson => error(call, 429, "TooManyRequestsException", "Rate exceeded"),
        // docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_GetCostAndUsage.html, "Errors".
        Protocol::Json if call.service == "ce" => error(call, 400, "LimitExceededException", "Rate exceeded"),
        Protocol::Json => error(call, 400, "ThrottlingException", "Rate exceeded"),
    }
}

/// The code goes also into the header that SDKs of a service which once spoke the query protocol read first.
fn cbor_error(status: u16, code: &str, message: &str) -> Answer {
    let body = cbor::from_json(&json!({ "__type": code, "message": message }));
    let fault = if status < 500 { "Sender" } else { "Receiver" };
    Answer::new(status, cbor::CONTENT_TYPE, body)
        .with_header("smithy-protocol", "rpc-v2-cbor")
        .with_header("x-amzn-query-error", &format!("{code};{fault}"))
}

fn json_error(call: &Call, status: u16, code: &str, message: &str) -> Answer {
    let mut answer = Answer::json(status, &json!({"__type": code, "message": message, "Message": message}));
    if let Some(content_type) =
        call.headers.get("content-type").filter(|value| value.as_bytes().starts_with(b"application/x-amz-json"))
    {
        answer.headers.insert("content-type", HeaderValue::clone(content_type));
    }
    answer
}

fn query_error(status: u16, code: &str, message: &str, id: &str) -> String {
    let kind = if status < 500 { "Sender" } else { "Receiver" };
    let (code, message) = (escaped(code), escaped(message));
    format!(
        "<ErrorResponse><Error><Type>{kind}</Type><Code>{code}</Code><Message>{message}</Message></Error><RequestId>{id}</RequestId></ErrorResponse>"
    )
}

fn s3_error(code: &str, message: &str, path: &str, id: &str) -> String {
    let (code, message, path) = (escaped(code), escaped(message), escaped(path));
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>{message}</Message><Resource>{path}</Resource><RequestId>{id}</RequestId></Error>"
    )
}

fn fault(status: u16) -> &'static str {
    if status < 500 { "User" } else { "Service" }
}

/// The text with XML's five special characters escaped.
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use http::{HeaderMap, Method};

    fn call(service: &str, target: Option<&'static str>) -> Call {
        let mut headers = HeaderMap::new();
        if let Some(target) = target {
            headers.insert("x-amz-target", HeaderValue::from_static(target));
            headers.insert("content-type", HeaderValue::from_static("application/x-amz-json-1.0"));
        }
        let uri = "/bucket".parse().unwrap();
        let (access_key, region) = (None, None);
        Call {
            service: service.into(),
            operation: String::new(),
            write: true,
            access_key,
            region,
            method: Method::POST,
            uri,
            headers,
            body: Bytes::new(),
        }
    }

    #[test]
    fn each_service_gets_its_own_shape() {
        let text = |answer: Answer| String::from_utf8(answer.body.to_vec()).unwrap();
        assert!(
            text(error(&call("iam", None), 400, "MalformedPolicyDocument", "a<b"))
                .contains("<Type>Sender</Type><Code>MalformedPolicyDocument</Code><Message>a&lt;b</Message>")
        );
        assert!(
            text(error(&call("s3", None), 400, "MalformedPolicy", "no"))
                .contains("<Error><Code>MalformedPolicy</Code>")
        );
        let lambda = error(&call("lambda", None), 409, "ResourceConflictException", "busy");
        assert_eq!(lambda.headers["x-amzn-errortype"], "ResourceConflictException");
        let dynamo = error(&call("dynamodb", Some("DynamoDB_20120810.PutItem")), 400, "ValidationException", "bad");
        assert_eq!(dynamo.body_json()["__type"], "ValidationException");
        assert_eq!(dynamo.headers["content-type"], "application/x-amz-json-1.0");
        let mut alarm = call("monitoring", None);
        alarm.headers.insert("smithy-protocol", HeaderValue::from_static("rpc-v2-cbor"));
        let alarm = error(&alarm, 400, "ValidationError", "bad");
        assert_eq!(alarm.body_json(), json!({ "__type": "ValidationError", "message": "bad" }));
        assert_eq!(alarm.headers["x-amzn-query-error"], "ValidationError;Sender");
    }
}
