//! `http_api`: its fixture, and what is special about it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use aws_sdk_apigatewayv2::types::{AuthorizationType, Cors as SdkCors, RouteSettings};
use provisioner::cloud::Cloud;
use provisioner::kinds::http_api::{Cors, Desired, HttpApis, Stage};
use provisioner::kinds::typed::TypedKind;
use serde_json::{Value, json};
use tests::conformance::{Fixture, Ownership, act};
use tests::live::clients::Clients as _;
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
    let all = root.api_gateway().get_routes().api_id(api).send().await.expect("routes").items.unwrap_or_default();
    let route = all.into_iter().find(|route| route.route_key() == Some(key)).expect("a route");
    (route.route_id.expect("an id"), route.target.expect("a target"))
}

tests::conforms!(fixture);

async fn fixture() -> Fixture {
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
        let call = root.api_gateway().update_api().api_id(id).name("theirs").description("theirs");
        call.send().await.expect("is renamed");
    });
    let remembered_longer = act(|root, id| async move {
        let cors = SdkCors::builder().allow_origins("https://a.example.com").allow_methods("GET");
        let cors = cors.allow_headers("authorization").max_age(600).build();
        root.api_gateway().update_api().api_id(id).cors_configuration(cors).send().await.expect("is remembered longer");
    });
    let closed = act(|root, id| async move {
        root.api_gateway().delete_cors_configuration().api_id(id).send().await.expect("is closed");
    });
    let unrouted = act(|root, id| async move {
        let (route, _) = route(&root, &id, "GET /costs").await;
        root.api_gateway().delete_route().api_id(id).route_id(route).send().await.expect("a route is gone");
    });
    let guarded = act(|root, id| async move {
        let (route, _) = route(&root, &id, "POST /pay").await;
        let call = root.api_gateway().update_route().api_id(id).route_id(route);
        call.authorization_type(AuthorizationType::AwsIam).send().await.expect("a route is guarded");
    });
    let one_more = act(|root, id| async move {
        let (_, target) = route(&root, &id, "POST /pay").await;
        let call = root.api_gateway().create_route().api_id(id).route_key("GET /theirs").target(target);
        call.send().await.expect("a route is added");
    });
    let throttled = act(|root, id| async move {
        let slow = RouteSettings::builder().throttling_rate_limit(7.0).throttling_burst_limit(100).build();
        let call = root.api_gateway().update_stage().api_id(id).stage_name("prod").default_route_settings(slow);
        call.send().await.expect("is throttled");
    });
    let by_hand = act(|root, id| async move {
        let call = root.api_gateway().update_stage().api_id(id).stage_name("prod").auto_deploy(false);
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
                let call = root.api_gateway().tag_resource().resource_arn(arn(&id));
                call.set_tags(Some(set.into_iter().collect())).send().await.expect("tags are set");
            }
            if !gone.is_empty() {
                let call = root.api_gateway().untag_resource().resource_arn(arn(&id));
                call.set_tag_keys(Some(gone.into_iter().collect())).send().await.expect("tags go");
            }
        },
        |root, id| async move {
            let answer = root.api_gateway().get_tags().resource_arn(arn(&id)).send().await.expect("tags");
            answer.tags.unwrap_or_default().into_iter().collect()
        },
    )
}

mod special {
    use std::collections::{BTreeMap, BTreeSet};

    use aws_sdk_apigatewayv2::types::{AuthorizationType, Cors as SdkCors, RouteSettings};
    use provisioner::kinds::http_api::{Cors, Desired, HttpApis, Stage as ApiStage};
    use provisioner::kinds::typed::TypedKind;

    use tests::live::clients::Clients as _;
    use tests::live::{Stage, allowed, cloud, tags};

    fn function(name: &str) -> String {
        format!("arn:aws:lambda:us-east-1:123456789012:function:{name}")
    }

    fn set(values: &[&str]) -> BTreeSet<String> {
        values.iter().map(|value| (*value).to_owned()).collect()
    }

    fn routes(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(key, name)| ((*key).to_owned(), function(name))).collect()
    }

    fn desired(name: &str) -> Desired {
        Desired {
            name: format!("kinds-{name}"),
            description: "billform: kinds".to_owned(),
            routes: routes(&[("GET /costs", "costs"), ("GET /costs/{tenant}", "costs"), ("POST /pay", "payment")]),
            cors: Some(Cors {
                allow_origins: set(&["https://b.example.com", "https://a.example.com"]),
                allow_methods: set(&["GET", "POST"]),
                allow_headers: set(&["authorization", "content-type"]),
                max_age_s: 300,
            }),
            stage: ApiStage {
                name: "prod".to_owned(),
                throttle_rate: 50,
                throttle_burst: 100,
                access_log_arn: Some("arn:aws:logs:us-east-1:123456789012:log-group:/aws/apigateway/kinds".to_owned()),
            },
            tags: tags(&[("team", "billing")]),
            doubles: Vec::new(),
        }
    }

    #[tokio::test]
    #[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
    async fn an_api_lives() {
        let root = cloud().await;
        let cloud = allowed(&root, &[&HttpApis::META], BTreeMap::new()).await;
        let stage = Stage::<HttpApis>::new(&cloud, "life");
        let first = desired("life");
        let made = stage.create(&first).await;
        let endpoint = made.outputs["endpoint"].as_str().expect("an address");
        assert!(endpoint.contains(&made.id) && endpoint.ends_with("/prod"), "{endpoint}");
        let arn = format!("arn:aws:execute-api:us-east-1:123456789012:{}", made.id);
        assert_eq!(made.outputs["execution_arn"].as_str(), Some(arn.as_str()));

        let renamed = Desired { name: "kinds-renamed".to_owned(), description: String::new(), ..first.clone() };
        stage.change(&first, &renamed, &["name", "description"]).await;
        let rerouted =
            Desired { routes: routes(&[("GET /costs", "costs-2"), ("GET /new", "costs-2")]), ..renamed.clone() };
        let paths = ["routes.GET /costs", "routes.GET /new", "routes.GET /costs/{tenant}", "routes.POST /pay"];
        stage.change(&renamed, &rerouted, &paths).await;
        let left = cloud.api_gateway().get_integrations().api_id(&made.id).send().await.expect("integrations").items;
        assert_eq!(left.unwrap_or_default().len(), 1, "one integration per function, and none unused");

        let mut other_cors = rerouted.clone();
        other_cors.cors.as_mut().expect("rules").max_age_s = 600;
        stage.change(&rerouted, &other_cors, &["cors.max_age_s"]).await;
        let closed = Desired { cors: None, ..other_cors.clone() };
        stage.change(&other_cors, &closed, &["cors"]).await;
        let slower = ApiStage { throttle_rate: 5, throttle_burst: 10, access_log_arn: None, ..closed.stage.clone() };
        let slower = Desired { stage: slower, ..closed.clone() };
        let paths = ["stage.throttle_rate", "stage.throttle_burst", "stage.access_log_arn"];
        stage.change(&closed, &slower, &paths).await;
        let live = Desired { stage: ApiStage { name: "live".to_owned(), ..slower.stage.clone() }, ..slower.clone() };
        stage.change(&slower, &live, &["stage.name"]).await;
        let stages = cloud.api_gateway().get_stages().api_id(&made.id).send().await.expect("stages").items;
        assert_eq!(stages.unwrap_or_default().len(), 1, "the stage before is gone");
        let retagged = Desired { tags: tags(&[("team", "money"), ("cost", "x")]), ..live.clone() };
        stage.change(&live, &retagged, &["tags.cost", "tags.team"]).await;
        let fewer = Desired { tags: tags(&[("team", "money")]), ..retagged.clone() };
        stage.change(&retagged, &fewer, &["tags.cost"]).await;

        stage.delete(&made.id, &fewer).await;
    }

    #[tokio::test]
    #[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
    async fn an_api_is_repaired() {
        let cloud = cloud().await;
        let stage = Stage::<HttpApis>::new(&cloud, "repair");
        let desired = desired("repair");
        let made = stage.create(&desired).await;
        let (api_gateway, id) = (&cloud.api_gateway(), &made.id);

        api_gateway.update_api().api_id(id).name("theirs").description("theirs").send().await.expect("is renamed");
        stage.repair(&desired, &["name", "description"]).await;
        let open = SdkCors::builder().allow_origins("*").build();
        api_gateway.update_api().api_id(id).cors_configuration(open).send().await.expect("is opened");
        let paths = ["cors.allow_origins", "cors.allow_methods", "cors.allow_headers", "cors.max_age_s"];
        stage.repair(&desired, &paths).await;
        api_gateway.delete_cors_configuration().api_id(id).send().await.expect("is closed");
        stage.repair(&desired, &["cors"]).await;

        let all = api_gateway.get_routes().api_id(id).send().await.expect("routes").items.unwrap_or_default();
        let route = |key: &str| {
            let route = all.iter().find(|route| route.route_key() == Some(key)).expect("a route");
            route.route_id().expect("an id").to_owned()
        };
        api_gateway.delete_route().api_id(id).route_id(route("GET /costs")).send().await.expect("a route is gone");
        stage.repair(&desired, &["routes.GET /costs"]).await;
        let guarded = api_gateway.update_route().api_id(id).route_id(route("POST /pay"));
        guarded.authorization_type(AuthorizationType::AwsIam).send().await.expect("a route is guarded");
        stage.repair(&desired, &["routes.POST /pay"]).await;
        let target = all.first().and_then(|route| route.target()).expect("a target");
        let extra = api_gateway.create_route().api_id(id).route_key("GET /theirs").target(target);
        extra.send().await.expect("a route is added");
        stage.repair(&desired, &["routes.GET /theirs"]).await;
        let integrations = api_gateway.get_integrations().api_id(id).send().await.expect("integrations").items;
        for integration in integrations.unwrap_or_default() {
            let call =
                api_gateway.update_integration().api_id(id).integration_id(integration.integration_id().unwrap());
            call.payload_format_version("1.0").send().await.expect("the payload is changed");
        }
        stage.repair(&desired, &["routes.GET /costs", "routes.GET /costs/{tenant}", "routes.POST /pay"]).await;

        let throttle = RouteSettings::builder().throttling_rate_limit(1.5).throttling_burst_limit(100).build();
        let call = api_gateway.update_stage().api_id(id).stage_name("prod").default_route_settings(throttle);
        call.send().await.expect("is throttled");
        stage.repair(&desired, &["stage.throttle_rate"]).await;
        let call = api_gateway.update_stage().api_id(id).stage_name("prod").auto_deploy(false);
        call.send().await.expect("is deployed by hand");
        stage.repair(&desired, &["stage.name"]).await;
        api_gateway.delete_stage().api_id(id).stage_name("prod").send().await.expect("the stage is gone");
        let paths = ["stage.name", "stage.throttle_rate", "stage.throttle_burst", "stage.access_log_arn"];
        stage.repair(&desired, &paths).await;

        let arn = format!("arn:aws:apigateway:us-east-1::/apis/{id}");
        let call = api_gateway.tag_resource().resource_arn(&arn).tags("team", "theirs").tags("other", "stays");
        call.send().await.expect("tags are changed");
        stage.repair(&desired, &["tags.team"]).await;
        let seen = api_gateway.get_tags().resource_arn(&arn).send().await.expect("tags").tags.unwrap_or_default();
        assert_eq!(seen.get("other").map(String::as_str), Some("stays"));
        stage.delete(&made.id, &desired).await;
    }

    #[tokio::test]
    #[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
    async fn a_half_made_api_is_completed() {
        let cloud = cloud().await;
        let stage = Stage::<HttpApis>::new(&cloud, "half");
        let desired = desired("half");
        let mut tags = desired.tags.clone();
        tags.insert(billing::names::OWNER_TAG.to_owned(), tests::live::STACK.to_owned());
        tags.insert(billing::names::ADDRESS_TAG.to_owned(), "http_api.half".to_owned());
        // What is there when the process dies right after CreateApi.
        let call = cloud.api_gateway().create_api().name(&desired.name).set_tags(Some(tags.into_iter().collect()));
        let call =
            call.protocol_type(aws_sdk_apigatewayv2::types::ProtocolType::Http).description(&desired.description);
        let made = call.send().await.expect("is made");
        stage
            .repair(
                &desired,
                &[
                    "routes.GET /costs",
                    "routes.GET /costs/{tenant}",
                    "routes.POST /pay",
                    "cors",
                    "stage.name",
                    "stage.throttle_rate",
                    "stage.throttle_burst",
                    "stage.access_log_arn",
                ],
            )
            .await;
        stage.delete(made.api_id().expect("an id"), &desired).await;
    }
}
