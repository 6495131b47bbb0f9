//! A deployed HTTP API reaches its function only with the function's permission, and refuses what AWS refuses.

mod cloud;

use http::Method;
use localcloud::gateway::pipeline::{Answer, Upstream};
use serde_json::{Value, json};

/// A zip file with one `bootstrap`: a Python script that answers every invocation with status 200 and `costs`.
const FUNCTION_ZIP: &str = "UEsDBBQAAAAIAAAAIVzph1fX+gAAAD4BAAAJAAAAYm9vdHN0cmFwRY5dS8MwFIbv+yvi8WIWm6abIFLwon5cDDaROvFijJKuBxpok5iTbA7xv5u5gef2vO/zPpcXIpATrdIC9Y7Zg++NvknUaI3zzFDGghsG1eYOPwOSZ5JYSKRV7J5B770thQB2HZN57Ctn9Bqqj7dmUS0fnqqmfn9ZzZfPTfU6h02MgZgV0zte3PJiKlzQXo0olN6ZrfTKaAHJvlcDspULWCYsnuriUsijhbGor47LEaPxy0Oa9yg7dLSGhRzbTvL6ROTVnnh9EubzDjZ/pH9IyM/PMy5uHNUckjWaEDLWTr6BvPSBHk2HUM6KIoPWdAcoYWvIE/xM0jT5BVBLAQIUAxQAAAAIAAAAIVzph1fX+gAAAD4BAAAJAAAAAAAAAAAAAADtAQAAAABib290c3RyYXBQSwUGAAAAAAEAAQA3AAAAIQEAAAAA";

const FUNCTION: &str = "arn:aws:lambda:us-east-1:123456789012:function:costs";

async fn rest(client: &Upstream, service: &str, method: Method, path: &str, body: Value) -> Answer {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    client.rest(service, method, path, body).await.expect("the gateway answers")
}

async fn create_function(client: &Upstream) {
    let role = client.form("iam", &cloud::role("CreateRole", "costs")).await.expect("IAM answers");
    assert_eq!(role.status, 200);
    let function = json!({"FunctionName": "costs", "Runtime": "provided.al2023", "Handler": "bootstrap",
        "Role": "arn:aws:iam::123456789012:role/costs", "Code": {"ZipFile": FUNCTION_ZIP}});
    let created = rest(client, "lambda", Method::POST, "/2015-03-31/functions", function).await;
    assert_eq!(created.status, 201, "{:?}", created.body);
    for _ in 0..100 {
        let path = "/2015-03-31/functions/costs/configuration";
        if rest(client, "lambda", Method::GET, path, Value::Null).await.body_json()["State"] == "Active" {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("the function does not become active");
}

async fn create_api(client: &Upstream) -> (String, String) {
    let api =
        rest(client, "apigateway", Method::POST, "/v2/apis", json!({"name": "costs", "protocolType": "HTTP"})).await;
    let api = api.body_json()["apiId"].as_str().expect("an id").to_owned();
    let integration =
        json!({"integrationType": "AWS_PROXY", "integrationUri": FUNCTION, "payloadFormatVersion": "2.0"});
    let path = format!("/v2/apis/{api}/integrations");
    let integration = rest(client, "apigateway", Method::POST, &path, integration).await;
    let integration = integration.body_json()["integrationId"].as_str().expect("an id").to_owned();
    let route = json!({"routeKey": "GET /costs", "target": format!("integrations/{integration}")});
    assert_eq!(rest(client, "apigateway", Method::POST, &format!("/v2/apis/{api}/routes"), route).await.status, 201);
    let stage = json!({"stageName": "prod", "autoDeploy": true});
    assert_eq!(rest(client, "apigateway", Method::POST, &format!("/v2/apis/{api}/stages"), stage).await.status, 201);
    (api, integration)
}

#[tokio::test]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn a_function_answers_only_with_its_permission() {
    let cloud = cloud::start().await;
    let client = cloud::client(&cloud);
    create_function(&client).await;
    let (api, _) = create_api(&client).await;
    let path = format!("/_aws/execute-api/{api}/prod/costs");

    let without = rest(&client, "execute-api", Method::GET, &path, Value::Null).await;
    assert_eq!((without.status, without.body_json()), (500, json!({"message": "Internal Server Error"})));

    let permission = json!({"StatementId": "api", "Action": "lambda:InvokeFunction", "Principal": "apigateway.amazonaws.com",
        "SourceArn": format!("arn:aws:execute-api:us-east-1:123456789012:{api}/*/*/costs")});
    let added = rest(&client, "lambda", Method::POST, "/2015-03-31/functions/costs/policy", permission).await;
    assert_eq!(added.status, 201);
    let with = rest(&client, "execute-api", Method::GET, &path, Value::Null).await;
    assert_eq!((with.status, with.body.as_ref()), (200, b"costs".as_slice()));
    cloud.stop().await;
}

#[tokio::test]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn keys_and_references_conflict() {
    let cloud = cloud::start().await;
    let client = cloud::client(&cloud);
    let (api, integration) = create_api(&client).await;
    let routes = format!("/v2/apis/{api}/routes");
    let route = json!({"routeKey": "GET /twice", "target": format!("integrations/{integration}")});
    let send = || rest(&client, "apigateway", Method::POST, &routes, route.clone());
    let (one, two) = tokio::join!(send(), send());
    let mut statuses = [one.status, two.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409], "two equal routes sent at once");

    let path = format!("/v2/apis/{api}/integrations/{integration}");
    let deleted = rest(&client, "apigateway", Method::DELETE, &path, Value::Null).await;
    assert_eq!(deleted.status, 409);
    assert_eq!(deleted.headers["x-amzn-errortype"], "ConflictException");
    cloud.stop().await;
}
