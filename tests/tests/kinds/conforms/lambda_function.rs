//! `lambda_function`: its fixture, and what is special about it.

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
use tests::live::clients::Clients as _;
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

tests::conforms!(fixture);

async fn fixture() -> Fixture {
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
        environment: BTreeMap::from([("HANDLER".to_owned(), "costs".to_owned().into())]),
        code_sha256: Some(one.sha256.clone()),
        reserved_concurrency: None,
        permissions: BTreeMap::from([("daily".to_owned(), permission("daily"))]),
        tags: tags(&[("team", "billing")]),
    };
    let configured = act(|root, id| async move {
        let call = root.lambda().update_function_configuration().function_name(id);
        call.description("theirs").memory_size(128).timeout(3).send().await.expect("is configured");
    });
    let theirs = other.clone();
    let run_as_another = act(move |root, id| {
        let theirs = theirs.clone();
        async move {
            let call = root.lambda().update_function_configuration().function_name(id).role(theirs);
            call.send().await.expect("runs as another");
        }
    });
    let settings = act(|root, id| async move {
        let theirs = Environment::builder().variables("HANDLER", "theirs").variables("DEBUG", "1").build();
        let call = root.lambda().update_function_configuration().function_name(id).environment(theirs);
        call.send().await.expect("is set otherwise");
    });
    let (same_code, other_code, other_sha256) = (one.bytes.clone(), two.bytes.clone(), two.sha256.clone());
    let on_arm = act(move |root, id| {
        let zip = Blob::new(same_code.clone());
        async move {
            let call = root.lambda().update_function_code().function_name(id).zip_file(zip);
            call.architectures(Architecture::Arm64).send().await.expect("is moved");
        }
    });
    let recoded = act(move |root, id| {
        let zip = Blob::new(other_code.clone());
        async move {
            root.lambda().update_function_code().function_name(id).zip_file(zip).send().await.expect("is recoded");
        }
    });
    let stopped = act(|root, id| async move {
        let call = root.lambda().put_function_concurrency().function_name(id).reserved_concurrent_executions(0);
        call.send().await.expect("is stopped");
    });
    let opened = act(|root, id| async move {
        let call = root.lambda().add_permission().function_name(id).statement_id("theirs");
        let call = call.action("lambda:InvokeFunction").principal("events.amazonaws.com").source_arn(rule("theirs"));
        call.send().await.expect("a statement is added");
    });
    let closed = act(|root, id| async move {
        root.lambda()
            .remove_permission()
            .function_name(id)
            .statement_id("daily")
            .send()
            .await
            .expect("a statement goes");
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
        .mutation("reserved_concurrency", stopped, [("reserved_concurrency", json!(0), Value::Null)])
        .mutation("permissions", opened, [("permissions.theirs", statement("theirs"), Value::Null)])
        .mutation("permissions", closed, [("permissions.daily", Value::Null, statement("daily"))])
        .update("description", Desired { description: "Answers more".to_owned(), ..first.clone() })
        .update("role_arn", Desired { role_arn: other, ..first.clone() })
        .update("architecture", Desired { architecture: "arm64".to_owned(), ..first.clone() })
        .update("memory_mb", Desired { memory_mb: 512, timeout_s: 25, ..first.clone() })
        .update("environment", Desired { environment: BTreeMap::new(), ..first.clone() })
        .update("reserved_concurrency", Desired { reserved_concurrency: Some(5), ..first.clone() })
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
                root.lambda().tag_resource().resource(arn(&id)).set_tags(tags).send().await.expect("tags are set");
            }
            if !gone.is_empty() {
                let keys = Some(gone.into_iter().collect());
                root.lambda().untag_resource().resource(arn(&id)).set_tag_keys(keys).send().await.expect("tags go");
            }
        },
        |root, id| async move {
            let answer = root.lambda().list_tags().resource(arn(&id)).send().await.expect("tags");
            answer.tags.unwrap_or_default().into_iter().collect()
        },
    )
}

mod special {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use billing::names::OWNER_TAG;
    use engine::Input;
    use engine::kind::{Depth, ErrorClass};
    use provisioner::cloud::Cloud;
    use provisioner::cloud::bundle::Bundle;
    use provisioner::kinds::iam_role::{self, IamRoles};
    use provisioner::kinds::lambda_function::{Desired, InvokePermission, LambdaFunctions};
    use provisioner::kinds::typed::TypedKind;
    use serde_json::json;
    use tests::conformance::{Fixture, World};

    use tests::live::clients::Clients as _;
    use tests::live::{Stage, allowed, bundle, cloud, cloud_with, tags};

    async fn cloud_deploying(bundle: &Arc<Bundle>) -> Arc<Cloud> {
        cloud_with(BTreeMap::new(), Some(Arc::clone(bundle))).await
    }

    /// A role for the functions of one test.
    async fn role(cloud: &Arc<Cloud>, name: &str) -> iam_role::Desired {
        let role = iam_role::Desired {
            name: format!("kinds-fn-{name}"),
            description: String::new(),
            trusted_service: "lambda.amazonaws.com".to_owned(),
            policy: json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": "logs:PutLogEvents", "Resource": "*"}]}),
            attached: Default::default(),
            tags: BTreeMap::new(),
        };
        Stage::<IamRoles>::new(cloud, name).try_create(&role).await.expect("the role is made");
        role
    }

    async fn drop_role(cloud: &Arc<Cloud>, role: &iam_role::Desired) {
        Stage::<IamRoles>::new(cloud, &role.name).delete(&role.name, role).await;
    }

    fn permission(source: &str) -> InvokePermission {
        InvokePermission {
            principal: "events.amazonaws.com".to_owned(),
            source_arn: Input::Known(format!("arn:aws:events:us-east-1:123456789012:rule/{source}")),
        }
    }

    fn desired(name: &str, role: &iam_role::Desired, bundle: &Bundle) -> Desired {
        Desired {
            name: format!("kinds-{name}"),
            description: "Answers costs".to_owned(),
            role_arn: format!("arn:aws:iam::123456789012:role/{}", role.name),
            architecture: "x86_64".to_owned(),
            memory_mb: 256,
            timeout_s: 20,
            environment: BTreeMap::from([("BILLFORM_HANDLER".to_owned(), "costs".to_owned().into())]),
            code_sha256: Some(bundle.sha256.clone()),
            reserved_concurrency: None,
            permissions: BTreeMap::from([("daily".to_owned(), permission("daily"))]),
            tags: tags(&[("team", "billing")]),
        }
    }

    #[tokio::test]
    #[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
    async fn a_function_lives() {
        let first_bundle = bundle("one");
        let root = cloud_deploying(&first_bundle).await;
        let cloud = allowed(&root, &[&LambdaFunctions::META, &IamRoles::META], BTreeMap::new()).await;
        let (role, other_role) = (role(&cloud, "life").await, role(&cloud, "life-other").await);
        let stage = Stage::<LambdaFunctions>::new(&cloud, "life");
        let first = desired("life", &role, &first_bundle);
        let made = stage.create(&first).await;
        assert_eq!(made.outputs["arn"], json!("arn:aws:lambda:us-east-1:123456789012:function:kinds-life"));

        let mut last = first.clone();
        let mut change = async |path: &[&str], edit: &dyn Fn(&mut Desired)| {
            let mut next = last.clone();
            edit(&mut next);
            stage.change(&last, &next, path).await;
            last = next;
        };
        change(&["description"], &|f| f.description = "Answers more".to_owned()).await;
        change(&["memory_mb", "timeout_s"], &|f| (f.memory_mb, f.timeout_s) = (512, 25)).await;
        let other = format!("arn:aws:iam::123456789012:role/{}", other_role.name);
        change(&["role_arn"], &|f| f.role_arn.clone_from(&other)).await;
        change(&["environment.LEDGER", "environment.BILLFORM_HANDLER"], &|f| {
            f.environment = BTreeMap::from([("LEDGER".to_owned(), "x".to_owned().into())]);
        })
        .await;
        change(&["environment.LEDGER"], &|f| f.environment.clear()).await;
        change(&["architecture"], &|f| f.architecture = "arm64".to_owned()).await;
        change(&["permissions.daily.source_arn", "permissions.more"], &|f| {
            f.permissions =
                BTreeMap::from([("daily".to_owned(), permission("hourly")), ("more".to_owned(), permission("more"))]);
        })
        .await;
        change(&["permissions.daily", "permissions.more"], &|f| f.permissions.clear()).await;
        change(&["tags.team"], &|f| f.tags.clear()).await;

        stage.delete(&made.id, &last).await;
        drop_role(&cloud, &role).await;
        drop_role(&cloud, &other_role).await;
    }

    #[tokio::test]
    #[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
    async fn code_follows_the_bundle_and_stays_without_one() {
        let (one, two) = (bundle("one"), bundle("two"));
        let cloud_one = cloud_deploying(&one).await;
        let role = role(&cloud_one, "code").await;
        let first = desired("code", &role, &one);
        let made = Stage::<LambdaFunctions>::new(&cloud_one, "code").create(&first).await;

        let cloud_two = cloud_deploying(&two).await;
        let stage = Stage::<LambdaFunctions>::new(&cloud_two, "code");
        let newer = desired("code", &role, &two);
        stage.change(&first, &newer, &["code_sha256"]).await;
        let kept = Desired { code_sha256: None, ..newer.clone() };
        stage.settled(&kept).await;

        // The bundle is another than the plan's, or none at all.
        let (seen, changes) = stage.drift(&first, &newer).await;
        let refused = stage.update(&first, seen, changes, false).await.expect_err("the bundle changed");
        assert!(refused.message.contains("plan again"), "{refused}");
        let bare = cloud().await;
        let without = Desired { name: "kinds-without".to_owned(), ..kept };
        let refused =
            Stage::<LambdaFunctions>::new(&bare, "without").try_create(&without).await.expect_err("no bundle");
        assert!(refused.message.contains("billform package"), "{refused}");

        stage.delete(&made.id, &newer).await;
        drop_role(&cloud_one, &role).await;
    }

    #[tokio::test]
    #[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
    async fn code_changed_behind_our_back_is_drift_also_after_an_apply_without_a_bundle() {
        let one = bundle("one");
        let cloud = cloud_deploying(&one).await;
        let role = role(&cloud, "known-code").await;
        let first = desired("known-code", &role, &one);
        let fixture = Fixture::new::<LambdaFunctions>(&cloud, &cloud, "known-code", &first);
        let world = World::new(&fixture);
        world.bring(&fixture.desired).await.expect("is made");
        let without = Desired { code_sha256: None, timeout_s: 25, ..first.clone() };
        let without = serde_json::to_value(&without).expect("plain");
        world.bring(&without).await.expect("is changed");
        let record = world.record().await.expect("is remembered");
        assert_eq!(record.fields["code_sha256"], json!(one.sha256));

        let other = aws_sdk_lambda::primitives::Blob::new(bundle("two").bytes.clone());
        let call = cloud.lambda().update_function_code().function_name(&first.name).zip_file(other);
        call.send().await.expect("code is changed");
        assert!(world.plan(&without, Depth::Full, false).await.is_empty(), "without a bundle the code stays");
        let want = world.want(&without, Some(&record.id), Some(&record.fields));
        let seen = world.see(want, Depth::Full).await.expect("is read").expect("exists");
        let drift = world.kind.diff(&record.fields, &seen.fields, Some(&record.fields));
        assert_eq!(drift.iter().map(|change| change.path.as_str()).collect::<Vec<_>>(), ["code_sha256"]);
    }

    #[tokio::test]
    #[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
    async fn a_role_that_cannot_be_assumed_is_waited_for() {
        let bundle = bundle("one");
        let cloud = cloud_deploying(&bundle).await;
        let role = role(&cloud, "none").await;
        drop_role(&cloud, &role).await;
        let stage = Stage::<LambdaFunctions>::new(&cloud, "no-role");
        let desired = desired("no-role", &role, &bundle);
        let error = stage.try_create(&desired).await.expect_err("there is no role");
        assert_eq!(error.class, ErrorClass::NotYet, "{error}");
        assert_eq!(stage.see(&desired, None, Depth::Full).await, None);
    }

    #[tokio::test]
    #[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
    async fn a_function_is_repaired() {
        let bundle_one = bundle("one");
        let cloud = cloud_deploying(&bundle_one).await;
        let role = role(&cloud, "repair").await;
        let stage = Stage::<LambdaFunctions>::new(&cloud, "repair");
        let desired = desired("repair", &role, &bundle_one);
        let made = stage.create(&desired).await;
        let (lambda, name) = (&cloud.lambda(), &desired.name);
        let arn = made.outputs["arn"].as_str().expect("an ARN");

        let call = lambda.update_function_configuration().function_name(name).memory_size(128).timeout(3);
        call.description("changed").send().await.expect("is changed");
        stage.repair(&desired, &["description", "memory_mb", "timeout_s"]).await;

        let other = aws_sdk_lambda::primitives::Blob::new(bundle("two").bytes.clone());
        let call = lambda.update_function_code().function_name(name).zip_file(other);
        call.send().await.expect("code is changed");
        stage.repair(&desired, &["code_sha256"]).await;

        let call = lambda.add_permission().function_name(name).statement_id("theirs").action("lambda:InvokeFunction");
        call.principal("123456789012").send().await.expect("a statement is added");
        stage.repair(&desired, &["permissions.theirs"]).await;
        lambda.remove_permission().function_name(name).statement_id("daily").send().await.expect("a statement goes");
        let call = lambda.add_permission().function_name(name).statement_id("daily").action("lambda:InvokeFunction");
        call.principal("events.amazonaws.com").send().await.expect("a wider statement is added");
        stage.repair(&desired, &["permissions.daily.principal", "permissions.daily.source_arn"]).await;

        let call = lambda.tag_resource().resource(arn).tags("team", "theirs").tags("other", "stays");
        call.send().await.expect("tags are changed");
        stage.repair(&desired, &["tags.team"]).await;
        let kept = lambda.list_tags().resource(arn).send().await.expect("tags").tags.expect("tags");
        assert_eq!(kept.get("other").map(String::as_str), Some("stays"));

        lambda.untag_resource().resource(arn).tag_keys(OWNER_TAG).send().await.expect("is disowned");
        stage.reclaim(&desired).await;
        stage.delete(&made.id, &desired).await;
        drop_role(&cloud, &role).await;
    }

    #[tokio::test]
    #[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
    async fn functions_are_listed() {
        let bundle = bundle("one");
        let root = cloud_deploying(&bundle).await;
        let cloud = allowed(&root, &[&LambdaFunctions::META, &IamRoles::META], BTreeMap::new()).await;
        let role = role(&cloud, "many").await;
        let stage = Stage::<LambdaFunctions>::new(&cloud, "many");
        let all: Vec<Desired> = (0..7).map(|n| desired(&format!("many-{n}"), &role, &bundle)).collect();
        for desired in &all {
            stage.try_create(desired).await.expect("is created");
        }
        stage.read_together(&all).await;
        for desired in &all {
            stage.delete(&desired.name, desired).await;
        }
        drop_role(&cloud, &role).await;
    }
}
