//! A function in Python that says when and with what it was invoked, and rules that invoke it.

use base64::Engine as _;
use http::Method;
use localcloud::gateway::pipeline::{Answer, Upstream};
use serde_json::{Value, json};

/// Keeps each event, with the clock's time, as an object of the bucket `seen`; fails when it is called `broken`.
const CODE: &str = r#"
import json, os, urllib.request, uuid

def handler(event, context):
    base = os.environ["AWS_ENDPOINT_URL"]
    now = json.load(urllib.request.urlopen(base + "/_billform/clock"))["now"]
    body = json.dumps({"function": context.function_name, "event": event, "now": now}).encode()
    signed = "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0"
    put = urllib.request.Request(f"{base}/seen/{now}-{uuid.uuid4()}", body, {"Authorization": signed}, method="PUT")
    urllib.request.urlopen(put)
    if context.function_name == "broken":
        raise ValueError("as it always does")
    return {}
"#;

/// What a function saw when it was invoked.
#[derive(Debug)]
pub struct Seen {
    /// The function's name.
    pub function: String,
    /// The event.
    pub event: Value,
    /// The clock's time.
    pub now: jiff::Timestamp,
}

/// The bucket that functions write to.
pub async fn bucket(gateway: &Upstream) {
    expect(gateway.rest("s3", Method::PUT, "/seen", "").await.expect("S3 answers"));
}

/// A function of that name.
pub async fn function(gateway: &Upstream, name: &str) -> String {
    let role = format!("{name}-role");
    expect(gateway.form("iam", &super::role("CreateRole", &role)).await.expect("IAM answers"));
    let body = json!({"FunctionName": name, "Runtime": "python3.12", "Handler": "index.handler", "Timeout": 30,
        "Role": format!("arn:aws:iam::123456789012:role/{role}"), "Code": {"ZipFile": zip()}});
    let path = "/2015-03-31/functions";
    expect(gateway.rest("lambda", Method::POST, path, body.to_string()).await.expect("Lambda answers"));
    format!("arn:aws:lambda:us-east-1:123456789012:function:{name}")
}

/// A rule with one target, which permits it unless `permitted` is false.
pub async fn rule(gateway: &Upstream, name: &str, schedule: &str, function: &str, permitted: bool) {
    let put = json!({"Name": name, "ScheduleExpression": schedule, "State": "ENABLED"});
    events(gateway, "PutRule", put).await;
    let arn = format!("arn:aws:lambda:us-east-1:123456789012:function:{function}");
    events(gateway, "PutTargets", json!({"Rule": name, "Targets": [{"Id": "t", "Arn": arn}]})).await;
    if permitted {
        let permission = json!({"StatementId": name, "Action": "lambda:InvokeFunction", "Principal": "events.amazonaws.com",
            "SourceArn": format!("arn:aws:events:us-east-1:123456789012:rule/{name}")});
        let path = format!("/2015-03-31/functions/{function}/policy");
        expect(gateway.rest("lambda", Method::POST, &path, permission.to_string()).await.expect("Lambda answers"));
    }
}

/// One call of EventBridge.
pub async fn events(gateway: &Upstream, operation: &str, body: Value) {
    let answer = gateway.target("events", &format!("AWSEvents.{operation}"), &body).await;
    expect(answer.expect("EventBridge answers"));
}

/// What functions saw so far, in the order of the clock.
pub async fn seen(gateway: &Upstream) -> Vec<Seen> {
    let listed = gateway.rest("s3", Method::GET, "/seen?list-type=2", "").await.expect("S3 answers");
    let listed = String::from_utf8_lossy(&listed.body).into_owned();
    let mut found = Vec::new();
    for part in listed.split("<Key>").skip(1) {
        let key = part.split("</Key>").next().expect("a key");
        let object =
            gateway.rest("s3", Method::GET, &format!("/seen/{key}"), "").await.expect("S3 answers").body_json();
        found.push(Seen {
            function: object["function"].as_str().expect("a name").to_owned(),
            event: object["event"].clone(),
            now: object["now"].as_str().expect("a time").parse().expect("a time"),
        });
    }
    found.sort_by_key(|seen| seen.now);
    found
}

/// The answer, which must be a success.
pub fn expect(answer: Answer) -> Answer {
    assert!(answer.is_success(), "{}: {}", answer.status, String::from_utf8_lossy(&answer.body));
    answer
}

/// The code as a zip, made by the Python that MiniStack needs anyway.
fn zip() -> String {
    let script = "import io,sys,zipfile\nb=io.BytesIO()\nz=zipfile.ZipFile(b,'w')\nz.writestr('index.py',sys.argv[1])\nz.close()\nsys.stdout.buffer.write(b.getvalue())";
    let made = std::process::Command::new("python3").args(["-c", script, CODE]).output().expect("Python runs");
    assert!(made.status.success());
    base64::engine::general_purpose::STANDARD.encode(made.stdout)
}
