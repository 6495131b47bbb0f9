use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::json;

use super::*;

/// The shape that EventBridge documents for rules with a schedule expression.
fn schedule() -> Value {
    json!({
        "version": "0",
        "id": "53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa",
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": "123456789012",
        "time": "2026-11-01T06:00:00Z",
        "region": "us-east-1",
        "resources": ["arn:aws:events:us-east-1:123456789012:rule/client-billing-cost-sync-daily"],
        "detail": {}
    })
}

/// S3's documented notification, version 2.1.
fn bucket() -> Value {
    json!({"Records": [{
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": "us-east-1",
        "eventTime": "2026-11-02T03:04:05.678Z",
        "eventName": "ObjectCreated:Put",
        "userIdentity": {"principalId": "AWS:AIDAJDPLRKLG7UEXAMPLE"},
        "requestParameters": {"sourceIPAddress": "127.0.0.1"},
        "responseElements": {
            "x-amz-request-id": "C3D13FE58DE4C810",
            "x-amz-id-2": "FMyUVURIY8/IgAtTv8xRjskZQpcIZ9KG4V5Wp6S7S/JRWeUWerMUE5JgHvANOjpD"
        },
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": "reports",
            "bucket": {
                "name": "client-billing-costs",
                "ownerIdentity": {"principalId": "A3NL1KOZZKExample"},
                "arn": "arn:aws:s3:::client-billing-costs"
            },
            "object": {
                "key": "cur/2026-10/my+report%C3%84%2B1.csv",
                "size": 1024,
                "eTag": "d41d8cd98f00b204e9800998ecf8427e",
                "versionId": "096fKKXTRTtl3on89fVO.nfljtsv6qko",
                "sequencer": "0055AED6DCD90281E5"
            }
        }
    }]})
}

/// SNS's documented delivery to a function.
fn topic() -> Value {
    json!({"Records": [{
        "EventVersion": "1.0",
        "EventSubscriptionArn": "arn:aws:sns:us-east-1:123456789012:billing:21be56ed-a058-49f5-8c98-aedd2564c486",
        "EventSource": "aws:sns",
        "Sns": {
            "Type": "Notification",
            "MessageId": "95df01b4-ee98-5cb9-9903-4c221d41eb5e",
            "TopicArn": "arn:aws:sns:us-east-1:123456789012:billing",
            "Subject": "AWS Budgets: mmp-toledo has exceeded your alert threshold",
            "Message": "You requested that we alert you",
            "Timestamp": "2026-11-02T12:45:07.000Z",
            "SignatureVersion": "1",
            "Signature": "tcc6faL2yUC6dgZdmrwh1Y4cGa/ebXEkAi6RibDsvpi+tE/1+82j",
            "SigningCertUrl": "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-ac565b8b.pem",
            "UnsubscribeUrl": "https://sns.us-east-1.amazonaws.com/?Action=Unsubscribe",
            "MessageAttributes": {"Test": {"Type": "String", "Value": "TestString"}}
        }
    }]})
}

/// Cognito's documented post-confirmation trigger.
fn user_pool() -> Value {
    json!({
        "version": "1",
        "triggerSource": "PostConfirmation_ConfirmSignUp",
        "region": "us-east-1",
        "userPoolId": "us-east-1_AbCdEfGhI",
        "userName": "11111111-2222-3333-4444-555555555555",
        "callerContext": {"awsSdkVersion": "aws-sdk-unknown-unknown", "clientId": "3n4b5urk1ft4fl3mg5e62d9ado"},
        "request": {"userAttributes": {"sub": "11111111-2222-3333-4444-555555555555", "email": "a@b.example"}},
        "response": {}
    })
}

fn read(payload: Value) -> Event {
    serde_json::from_value(payload).expect("an event")
}

#[test]
fn a_schedules_event_is_read() {
    let Event::Schedule(schedule) = read(schedule()) else { panic!("not a schedule") };
    assert_eq!(schedule.time.to_string(), "2026-11-01T06:00:00Z");
    assert!(schedule.rule.ends_with("rule/client-billing-cost-sync-daily"), "{}", schedule.rule);
}

#[test]
fn an_event_of_another_source_is_not_a_schedule() {
    let mut other = schedule();
    other["detail-type"] = json!("Object Created");
    let refused = serde_json::from_value::<Event>(other).expect_err("a refusal");
    assert!(refused.to_string().contains("`Object Created` is not an event of a schedule"), "{refused}");
}

#[test]
fn a_buckets_event_is_read() {
    let Event::Bucket(bucket) = read(bucket()) else { panic!("not a bucket") };
    let object = Object {
        bucket: "client-billing-costs".to_owned(),
        key: "cur/2026-10/my reportÄ+1.csv".to_owned(),
        size: 1024,
        event: "ObjectCreated:Put".to_owned(),
        sequencer: "0055AED6DCD90281E5".to_owned(),
    };
    assert_eq!(bucket.objects, [object]);
}

#[test]
fn a_topics_message_is_read() {
    let Event::Topic(topic) = read(topic()) else { panic!("not a topic") };
    let [message] = topic.messages.as_slice() else { panic!("not one message") };
    assert_eq!(message.topic_arn, "arn:aws:sns:us-east-1:123456789012:billing");
    assert_eq!(message.message, "You requested that we alert you");
    assert!(message.subject.as_deref().is_some_and(|subject| subject.starts_with("AWS Budgets")));
}

#[test]
fn a_user_pools_trigger_is_read_and_kept_whole() {
    let Event::UserPool(trigger) = read(user_pool()) else { panic!("not a user pool") };
    assert_eq!(trigger.trigger, "PostConfirmation_ConfirmSignUp");
    assert_eq!(trigger.client, "3n4b5urk1ft4fl3mg5e62d9ado");
    assert_eq!(trigger.attributes["email"], "a@b.example");
    assert_eq!(trigger.whole, user_pool());
}

#[test]
fn anything_else_is_a_direct_invocation() {
    for payload in [json!({}), json!({"tenant": "a"}), json!(null), json!([1]), json!({"Records": []})] {
        assert_eq!(read(payload.clone()), Event::Direct(payload));
    }
}

#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Input {
    #[serde(default)]
    tenant: Option<String>,
}

#[test]
fn a_scheduled_handler_takes_the_rules_input_and_the_envelope() {
    for payload in [json!({}), schedule()] {
        let Scheduled(input): Scheduled<Input> = serde_json::from_value(payload).expect("an input");
        assert_eq!(input, Input::default());
    }
    let Scheduled(input): Scheduled<Input> = serde_json::from_value(json!({"tenant": "a"})).expect("an input");
    assert_eq!(input, Input { tenant: Some("a".to_owned()) });
}

#[test]
fn a_misspelt_key_is_refused() {
    let mut mixed = schedule();
    mixed["detail-type"] = json!("Something Else");
    for payload in [json!({"tennant": "a"}), json!({"source": "aws.events"}), mixed, json!({"tenant": "a", "x": 1})] {
        let read = serde_json::from_value::<Scheduled<Input>>(payload.clone());
        assert!(read.is_err(), "{payload}");
    }
}

proptest! {
    /// AWS adds fields to its own events: they change nothing.
    #[test]
    fn fields_that_aws_adds_change_nothing(name in "[a-zA-Z]{3,12}New", value in any::<u32>()) {
        for fixture in [schedule(), bucket(), topic()] {
            let mut more = fixture.clone();
            more[&name] = json!(value);
            if let Some(record) = more.pointer_mut("/Records/0").and_then(Value::as_object_mut) {
                record.insert(name.clone(), json!(value));
            }
            prop_assert_eq!(read(more), read(fixture));
        }
    }

    #[test]
    fn any_key_of_an_object_survives_its_encoding(key in "[^\u{0}]{1,20}") {
        let mut event = bucket();
        let encoded = percent_encoding::utf8_percent_encode(&key, percent_encoding::NON_ALPHANUMERIC).to_string();
        event["Records"][0]["s3"]["object"]["key"] = json!(encoded.replace("%20", "+"));
        let Event::Bucket(bucket) = read(event) else { panic!("not a bucket") };
        prop_assert_eq!(&bucket.objects[0].key, &key);
    }

    #[test]
    fn no_object_panics(fields in prop::collection::btree_map("(Records|source|detail-type|triggerSource|time)", ".{0,5}", 0..4)) {
        let fields: BTreeMap<String, String> = fields;
        let _ = serde_json::from_value::<Event>(json!(fields));
    }
}
