//! Translation and comparison of roles.

use aws_sdk_iam::types::{AttachedPolicy, PolicyDetail};

use super::*;
use crate::kinds::typed::TypedKind;

fn changes(desired: &Desired, observed: &Desired) -> Vec<String> {
    let text = |fields: &Desired| comparable(&serde_json::to_value(fields).expect("serialises"));
    let changes = engine::diff::fields(&IamRoles::META, &text(desired), &text(observed), None);
    changes.into_iter().map(|change| change.path).collect()
}

fn role() -> Desired {
    Desired {
        name: "costs".to_owned(),
        description: "Runs costs".to_owned(),
        trusted_service: "lambda.amazonaws.com".to_owned(),
        policy: json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": ["dynamodb:Query", "dynamodb:GetItem"], "Resource": ["table"]}]}),
        attached: BTreeSet::new(),
        tags: BTreeMap::new(),
    }
}

fn detail(policy: &str) -> RoleDetail {
    let tag = |key: &str, value: &str| Tag::builder().key(key).value(value).build().expect("a tag");
    RoleDetail::builder()
        .role_name("costs")
        .assume_role_policy_document(trust("lambda.amazonaws.com").to_string())
        .role_policy_list(PolicyDetail::builder().policy_name(POLICY).policy_document(policy).build())
        .tags(tag(billing::names::OWNER_TAG, "shop"))
        .tags(tag("team", "billing"))
        .build()
}

#[test]
fn a_listed_role_reads_as_it_was_made() {
    let listed = detail(
        "%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%7B%22Effect%22%3A%22Allow%22%2C%22Action%22%3A\
         %5B%22dynamodb%3AGetItem%22%2C%22dynamodb%3AQuery%22%5D%2C%22Resource%22%3A%22table%22%7D%7D",
    );
    let (fields, owned) = observed(&listed, "Runs costs".to_owned());
    assert!(owned.owner.is_stack("shop"));
    assert_eq!(fields.trusted_service, "lambda.amazonaws.com");
    assert_eq!(changes(&role(), &fields), Vec::<String>::new());
}

#[test]
fn policies_of_others_are_drift() {
    let arn = "arn:aws:iam::aws:policy/AdministratorAccess";
    let listed = RoleDetail::builder()
        .role_name("costs")
        .assume_role_policy_document(trust("lambda.amazonaws.com").to_string())
        .role_policy_list(PolicyDetail::builder().policy_name("theirs").policy_document("{}").build())
        .attached_managed_policies(AttachedPolicy::builder().policy_arn(arn).build())
        .build();
    let (fields, owned) = observed(&listed, "Runs costs".to_owned());
    assert_eq!(owned.owner, Owner::Unknown);
    assert_eq!(fields.attached, BTreeSet::from([arn.to_owned(), "theirs".to_owned()]));
    assert_eq!(changes(&role(), &fields), ["policy", "attached"]);
}

#[test]
fn a_trust_policy_that_admits_more_is_not_the_service() {
    let both = json!({"Statement": [
        {"Effect": "Allow", "Principal": {"Service": ["lambda.amazonaws.com"], "AWS": "*"}, "Action": "sts:AssumeRole"}]});
    assert!(trusted_service(&both.to_string()).contains("AWS"));
    let listed = json!({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": ["sts:AssumeRole"],
        "Principal": {"Service": ["events.amazonaws.com"]}}});
    assert_eq!(trusted_service(&listed.to_string()), "events.amazonaws.com");
    assert_eq!(trusted_service(""), "null");
}

#[test]
fn fields_recorded_before_are_read() {
    let recorded = json!({"name": "a", "description": "", "trusted_service": "s", "policy": {}, "tags": {}});
    assert!(serde_json::from_value::<Desired>(recorded).expect("parses").attached.is_empty());
}

#[test]
fn a_trust_policy_may_be_written_out_and_is_compared_by_what_it_says() {
    let one = json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": {"Federated": "arn:aws:iam::123456789012:oidc-provider/a.example"},
        "Action": ["sts:AssumeRoleWithWebIdentity"], "Condition": {"StringEquals": {"a.example:sub": ["b", "a"]}},
    }]});
    assert_eq!(trust(&one.to_string()), one);
    assert_eq!(trust("lambda.amazonaws.com")["Statement"][0]["Principal"]["Service"], "lambda.amazonaws.com");
    let fields = |trusted: String| comparable(&json!({ "trusted_service": trusted, "policy": {} }));
    assert_eq!(fields(one.to_string()), fields(trusted_service(&one.to_string())));
    let service = "lambda.amazonaws.com".to_owned();
    assert_eq!(fields(service.clone())["trusted_service"], service.as_str());
}
