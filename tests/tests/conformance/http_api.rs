//! `http_api`: what it is asked.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use aws_sdk_apigatewayv2::types::{AuthorizationType, Cors as SdkCors, RouteSettings};
use provisioner::cloud::Cloud;
use provisioner::kinds::http_api::{Cors, Desired, HttpApis, Stage};
use provisioner::kinds::typed::TypedKind;
use serde_json::{Value, json};
use tests::conformance::{Fixture, Ownership, act};
use tests::live::{allowed, cloud, tags};

const LOG: &str = "arn:aws:logs:us-east-1:123456789012:log-group:/aws/apigateway/conformance";

fn function(name: &str) -> String {
    format!("arn:aws:lambda:us-east-1:123456789012:function:{name}")
}

fn set(values: &[&str]) -> BTreeSet<String> {
    values.iter().map(|value| (*value).to_owned()).collect()
}

fn routes(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, name)| ((*key).to_owned(), function(name))).collect()
}

/// The id of the route of that key, and what it points to.
async fn route(root: &Arc<Cloud>, api: &str, key: &str) -> (String, String) {
    let all = root.api_gateway.get_routes().api_id(api).send().await.expect("routes").items.unwrap_or_default();
    let route = all.into_iter().find(|route| route.route_key() == Some(key)).expect("a route");
    (route.route_id.expect("an id"), route.target.expect("a target"))
}

pub async fn fixture() -> Fixture {
    let root = cloud().await;
    let cloud = allowed(&root, &[&HttpApis::META], Default::default()).await;
    let first = Desired {
        name: "conformance-api".to_owned(),
        description: "billform: conformance".to_owned(),
        routes: routes(&[("GET /costs", "costs"), ("POST /pay", "payment")]),
        cors: Some(Cors {
            allow_origins: set(&["https://a.example.com"]),
            allow_methods: set(&["GET"]),
            allow_headers: set(&["authorization"]),
            max_age_s: 300,
        }),
        stage: Stage {
            name: "prod".to_owned(),
            throttle_rate: 50,
            throttle_burst: 100,
            access_log_arn: Some(LOG.to_owned()),
        },
        tags: tags(&[("team", "billing")]),
        doubles: Vec::new(),
    };
    let renamed = act(|root, id| async move {
        let call = root.api_gateway.update_api().api_id(id).name("theirs").description("theirs");
        call.send().await.expect("is renamed");
    });
    let remembered_longer = act(|root, id| async move {
        let cors = SdkCors::builder().allow_origins("https://a.example.com").allow_methods("GET");
        let cors = cors.allow_headers("authorization").max_age(600).build();
        root.api_gateway.update_api().api_id(id).cors_configuration(cors).send().await.expect("is remembered longer");
    });
    let closed = act(|root, id| async move {
        root.api_gateway.delete_cors_configuration().api_id(id).send().await.expect("is closed");
    });
    let unrouted = act(|root, id| async move {
        let (route, _) = route(&root, &id, "GET /costs").await;
        root.api_gateway.delete_route().api_id(id).route_id(route).send().await.expect("a route is gone");
    });
    let guarded = act(|root, id| async move {
        let (route, _) = route(&root, &id, "POST /pay").await;
        let call = root.api_gateway.update_route().api_id(id).route_id(route);
        call.authorization_type(AuthorizationType::AwsIam).send().await.expect("a route is guarded");
    });
    let one_more = act(|root, id| async move {
        let (_, target) = route(&root, &id, "POST /pay").await;
        let call = root.api_gateway.create_route().api_id(id).route_key("GET /theirs").target(target);
        call.send().await.expect("a route is added");
    });
    let throttled = act(|root, id| async move {
        let slow = RouteSettings::builder().throttling_rate_limit(7.0).throttling_burst_limit(100).build();
        let call = root.api_gateway.update_stage().api_id(id).stage_name("prod").default_route_settings(slow);
        call.send().await.expect("is throttled");
    });
    let by_hand = act(|root, id| async move {
        let call = root.api_gateway.update_stage().api_id(id).stage_name("prod").auto_deploy(false);
        call.send().await.expect("is deployed by hand");
    });
    let names = [
        ("name", json!("theirs"), json!("conformance-api")),
        ("description", json!("theirs"), json!("billform: conformance")),
    ];
    let by_iam = json!(format!("{} (asks for AWS_IAM)", function("payment")));
    let not_deployed = json!("prod (not deployed automatically)");
    let cors = serde_json::to_value(&first.cors).expect("plain");
    Fixture::new::<HttpApis>(&cloud, &root, "api", &first)
        .owned(ownership())
        .mutation("name", renamed, names)
        .mutation("cors", remembered_longer, [("cors.max_age_s", json!(600), json!(300))])
        .mutation("cors", closed, [("cors", Value::Null, cors)])
        .mutation("routes", unrouted, [("routes.GET /costs", Value::Null, json!(function("costs")))])
        .mutation("routes", guarded, [("routes.POST /pay", by_iam, json!(function("payment")))])
        .mutation("routes", one_more, [("routes.GET /theirs", json!(function("payment")), Value::Null)])
        .mutation("stage", throttled, [("stage.throttle_rate", json!(7), json!(50))])
        .mutation("stage", by_hand, [("stage.name", not_deployed, json!("prod"))])
        .update("name", Desired { name: "conformance-renamed".to_owned(), ..first.clone() })
        .update("description", Desired { description: String::new(), ..first.clone() })
        .update("routes", Desired { routes: routes(&[("GET /costs", "other")]), ..first.clone() })
        .update("cors", Desired { cors: None, ..first.clone() })
        .update("stage", Desired { stage: Stage { name: "live".to_owned(), ..first.stage.clone() }, ..first.clone() })
        .update("tags", Desired { tags: tags(&[("cost", "x")]), ..first })
}

fn arn(id: &str) -> String {
    format!("arn:aws:apigateway:us-east-1::/apis/{id}")
}

fn ownership() -> Ownership {
    Ownership::new(
        Some("tags"),
        |root, id, set, gone| async move {
            if !set.is_empty() {
                let call = root.api_gateway.tag_resource().resource_arn(arn(&id));
                call.set_tags(Some(set.into_iter().collect())).send().await.expect("tags are set");
            }
            if !gone.is_empty() {
                let call = root.api_gateway.untag_resource().resource_arn(arn(&id));
                call.set_tag_keys(Some(gone.into_iter().collect())).send().await.expect("tags go");
            }
        },
        |root, id| async move {
            let answer = root.api_gateway.get_tags().resource_arn(arn(&id)).send().await.expect("tags");
            answer.tags.unwrap_or_default().into_iter().collect()
        },
    )
}
