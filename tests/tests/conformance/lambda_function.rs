//! `lambda_function`: what it is asked.

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::{Architecture, Environment};
use engine::Input;
use provisioner::cloud::Cloud;
use provisioner::kinds::iam_role::{self, IamRoles};
use provisioner::kinds::lambda_function::{Desired, InvokePermission, LambdaFunctions};
use provisioner::kinds::typed::TypedKind;
use serde_json::{Value, json};
use tests::conformance::{Fixture, NAMED, Ownership, act};
use tests::live::{Stage, allowed, bundle, cloud_with, tags};

/// A role for the function to run as; its ARN.
async fn role(root: &Arc<Cloud>, name: &str) -> String {
    let role = iam_role::Desired {
        name: name.to_owned(),
        description: String::new(),
        trusted_service: "lambda.amazonaws.com".to_owned(),
        policy: json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": "logs:PutLogEvents", "Resource": "*"}]}),
        attached: Default::default(),
        tags: BTreeMap::new(),
    };
    Stage::<IamRoles>::new(root, name).try_create(&role).await.expect("the role is made");
    format!("arn:aws:iam::123456789012:role/{name}")
}

fn rule(name: &str) -> String {
    format!("arn:aws:events:us-east-1:123456789012:rule/{name}")
}

fn permission(source: &str) -> InvokePermission {
    InvokePermission { principal: "events.amazonaws.com".to_owned(), source_arn: Input::Known(rule(source)) }
}

pub async fn fixture() -> Fixture {
    let (one, two) = (bundle("one"), bundle("two"));
    let root = cloud_with(BTreeMap::new(), Some(Arc::clone(&one))).await;
    let cloud = allowed(&root, &[&LambdaFunctions::META], BTreeMap::new()).await;
    let ours = role(&root, "conformance-fn").await;
    let other = role(&root, "conformance-fn-other").await;
    let first = Desired {
        name: "conformance-fn".to_owned(),
        description: "Answers costs".to_owned(),
        role_arn: ours.clone(),
        architecture: "x86_64".to_owned(),
        memory_mb: 256,
        timeout_s: 20,
        environment: BTreeMap::from([("HANDLER".to_owned(), "costs".to_owned())]),
        code_sha256: Some(one.sha256.clone()),
        permissions: BTreeMap::from([("daily".to_owned(), permission("daily"))]),
        tags: tags(&[("team", "billing")]),
    };
    let configured = act(|root, id| async move {
        let call = root.lambda.update_function_configuration().function_name(id);
        call.description("theirs").memory_size(128).timeout(3).send().await.expect("is configured");
    });
    let theirs = other.clone();
    let run_as_another = act(move |root, id| {
        let theirs = theirs.clone();
        async move {
            let call = root.lambda.update_function_configuration().function_name(id).role(theirs);
            call.send().await.expect("runs as another");
        }
    });
    let settings = act(|root, id| async move {
        let theirs = Environment::builder().variables("HANDLER", "theirs").variables("DEBUG", "1").build();
        let call = root.lambda.update_function_configuration().function_name(id).environment(theirs);
        call.send().await.expect("is set otherwise");
    });
    let (same_code, other_code, other_sha256) = (one.bytes.clone(), two.bytes.clone(), two.sha256.clone());
    let on_arm = act(move |root, id| {
        let zip = Blob::new(same_code.clone());
        async move {
            let call = root.lambda.update_function_code().function_name(id).zip_file(zip);
            call.architectures(Architecture::Arm64).send().await.expect("is moved");
        }
    });
    let recoded = act(move |root, id| {
        let zip = Blob::new(other_code.clone());
        async move {
            root.lambda.update_function_code().function_name(id).zip_file(zip).send().await.expect("is recoded");
        }
    });
    let opened = act(|root, id| async move {
        let call = root.lambda.add_permission().function_name(id).statement_id("theirs");
        let call = call.action("lambda:InvokeFunction").principal("events.amazonaws.com").source_arn(rule("theirs"));
        call.send().await.expect("a statement is added");
    });
    let closed = act(|root, id| async move {
        root.lambda.remove_permission().function_name(id).statement_id("daily").send().await.expect("a statement goes");
    });
    let statement = |source: &str| json!({"principal": "events.amazonaws.com", "source_arn": rule(source)});
    let configuration = [
        ("description", json!("theirs"), json!("Answers costs")),
        ("memory_mb", json!(128), json!(256)),
        ("timeout_s", json!(3), json!(20)),
    ];
    let variables =
        [("environment.HANDLER", json!("theirs"), json!("costs")), ("environment.DEBUG", json!("1"), Value::Null)];
    Fixture::new::<LambdaFunctions>(&cloud, &root, "fn", &first)
        .owned(ownership())
        .immutable("name", NAMED)
        .constant("code_sha256", "only the bundle at hand can be deployed; another is tried in `kinds`")
        .mutation("description", configured, configuration)
        .mutation("role_arn", run_as_another, [("role_arn", json!(other), json!(ours))])
        .mutation("environment", settings, variables)
        .mutation("architecture", on_arm, [("architecture", json!("arm64"), json!("x86_64"))])
        .mutation("code_sha256", recoded, [("code_sha256", json!(other_sha256), json!(one.sha256))])
        .mutation("permissions", opened, [("permissions.theirs", statement("theirs"), Value::Null)])
        .mutation("permissions", closed, [("permissions.daily", Value::Null, statement("daily"))])
        .update("description", Desired { description: "Answers more".to_owned(), ..first.clone() })
        .update("role_arn", Desired { role_arn: other, ..first.clone() })
        .update("architecture", Desired { architecture: "arm64".to_owned(), ..first.clone() })
        .update("memory_mb", Desired { memory_mb: 512, timeout_s: 25, ..first.clone() })
        .update("environment", Desired { environment: BTreeMap::new(), ..first.clone() })
        .update(
            "permissions",
            Desired { permissions: BTreeMap::from([("daily".to_owned(), permission("hourly"))]), ..first.clone() },
        )
        .update("tags", Desired { tags: tags(&[("cost", "x")]), ..first.clone() })
        .replace("name", Desired { name: "conformance-other".to_owned(), ..first })
}

fn arn(id: &str) -> String {
    format!("arn:aws:lambda:us-east-1:123456789012:function:{id}")
}

fn ownership() -> Ownership {
    Ownership::new(
        Some("tags"),
        |root, id, set, gone| async move {
            if !set.is_empty() {
                let tags = Some(set.into_iter().collect());
                root.lambda.tag_resource().resource(arn(&id)).set_tags(tags).send().await.expect("tags are set");
            }
            if !gone.is_empty() {
                let keys = Some(gone.into_iter().collect());
                root.lambda.untag_resource().resource(arn(&id)).set_tag_keys(keys).send().await.expect("tags go");
            }
        },
        |root, id| async move {
            let answer = root.lambda.list_tags().resource(arn(&id)).send().await.expect("tags");
            answer.tags.unwrap_or_default().into_iter().collect()
        },
    )
}
