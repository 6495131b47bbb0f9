//! `cloudwatch_dashboard`: its fixture.

use provisioner::kinds::cloudwatch_dashboard::{CloudwatchDashboards, Desired};
use provisioner::kinds::typed::TypedKind;
use serde_json::{Value, json};
use tests::conformance::{Fixture, NAMED, act};
use tests::live::{allowed, cloud, tags};

use super::cloudwatch_tags::{self, client};

fn body(text: &str) -> Value {
    json!({ "widgets": [{ "type": "text", "width": 24, "properties": { "markdown": text } }] })
}

tests::conforms!(fixture);

async fn fixture() -> Fixture {
    let root = cloud().await;
    let cloud = allowed(&root, &[&CloudwatchDashboards::META], Default::default()).await;
    let first = Desired {
        name: "conformance-dashboard".to_owned(),
        body: body("ours"),
        tags: tags(&[("team", "billing")]),
    };
    let rewritten = act(|root, id| async move {
        let call = client(&root).put_dashboard().dashboard_name(id).dashboard_body(body("theirs").to_string());
        call.send().await.expect("is put");
    });
    Fixture::new::<CloudwatchDashboards>(&cloud, &root, "dashboard", &first)
        .owned(cloudwatch_tags::ownership(arn))
        .immutable("name", NAMED)
        .mutation("body", rewritten, [("body.widgets", body("theirs")["widgets"].clone(), body("ours")["widgets"].clone())])
        .update("body", Desired { body: body("more"), ..first.clone() })
        .update("tags", Desired { tags: tags(&[("cost", "x")]), ..first.clone() })
        .replace("name", Desired { name: "conformance-other".to_owned(), ..first })
}

fn arn(name: &str) -> String {
    format!("arn:aws:cloudwatch::123456789012:dashboard/{name}")
}
