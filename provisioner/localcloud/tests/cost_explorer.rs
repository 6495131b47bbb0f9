//! Cost Explorer through the gateway, as a client sees it.

mod cloud;

use localcloud::costs::CostModel;
use localcloud::gateway::pipeline::{Answer, Upstream};
use serde_json::{Value, json};

async fn ask(client: &Upstream, operation: &str, body: Value) -> Answer {
    client.target("ce", &format!("AWSInsightsIndexService.{operation}"), &body).await.expect("the gateway answers")
}

fn october(group: &str) -> Value {
    json!({"TimePeriod": {"Start": "2026-10-01", "End": "2026-11-01"}, "Granularity": "MONTHLY", "Metrics": ["UnblendedCost"],
        "GroupBy": [{"Type": "TAG", "Key": "ClientOrganization"}, {"Type": "TAG", "Key": group}]})
}

fn amounts(answer: &Answer) -> Vec<(String, String)> {
    let body = answer.body_json();
    let results = body["ResultsByTime"].as_array().expect("results").clone();
    let groups = results.iter().flat_map(|result| result["Groups"].as_array().expect("groups").clone());
    let pair = |group: Value| {
        let last = group["Keys"][1].as_str().expect("a key").to_owned();
        (last, group["Metrics"]["UnblendedCost"]["Amount"].as_str().expect("text").to_owned())
    };
    groups.map(pair).collect()
}

#[tokio::test]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn costs_are_grouped_once_their_tags_are_active() {
    let cloud = cloud::start().await;
    cloud.costs().set(CostModel::example(jiff::civil::date(2026, 11, 21)));
    let client = cloud::client(&cloud);

    let before = ask(&client, "GetCostAndUsage", october("BillingProject")).await;
    assert_eq!(amounts(&before), [("BillingProject$".to_owned(), "142.35".to_owned())]);

    let keys = ["ClientOrganization", "BillingProject", "Unseen"].map(|key| json!({"TagKey": key, "Status": "Active"}));
    let activated = ask(&client, "UpdateCostAllocationTagsStatus", json!({"CostAllocationTagsStatus": keys})).await;
    assert_eq!((activated.status, &activated.body_json()["Errors"][0]["TagKey"]), (200, &json!("Unseen")));

    let after = amounts(&ask(&client, "GetCostAndUsage", october("BillingProject")).await);
    assert!(after.contains(&("BillingProject$mmp-toledo".to_owned(), "85.3".to_owned())), "{after:?}");
    assert!(after.contains(&("BillingProject$mmp-toledo-firespring".to_owned(), "40.2".to_owned())), "{after:?}");
    cloud.stop().await;
}

#[tokio::test]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn pages_errors_and_counts() {
    let cloud = cloud::start().await;
    let model = CostModel { page_size: 3, ..CostModel::example(jiff::civil::date(2026, 11, 21)).activated() };
    cloud.costs().set(model);
    let client = cloud::client(&cloud);

    let mut body = october("BillingProject");
    let first = ask(&client, "GetCostAndUsage", body.clone()).await;
    body["NextPageToken"] = first.body_json()["NextPageToken"].clone();
    let second = ask(&client, "GetCostAndUsage", body.clone()).await;
    assert_eq!((amounts(&first).len(), amounts(&second).len()), (3, 1));
    assert!(second.body_json().get("NextPageToken").is_none());

    cloud.costs().change(|model| model.rows.clear());
    let expired = ask(&client, "GetCostAndUsage", body).await;
    assert_eq!((expired.status, &expired.body_json()["__type"]), (400, &json!("BillExpirationException")));
    cloud.costs().change(|model| model.throttle_next = 1);
    let throttled = ask(&client, "GetTags", json!({})).await;
    assert_eq!(throttled.headers["x-amzn-errortype"], "LimitExceededException");
    cloud.stop().await;
}
