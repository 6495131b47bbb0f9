//! Whether a policy document is one that AWS accepts. MiniStack stores nearly any text.

use std::collections::BTreeSet;

use serde_json::Value;

use super::shape::{shaped, word};

/// What a document is attached to: each place has rules of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place<'a> {
    /// A user, role or managed policy: who is known, so no principal.
    Identity,
    /// The trust policy of a role: no resource, only `sts` actions.
    Trust,
    /// A bucket of this name: only `s3` actions on the bucket and its objects.
    Bucket(&'a str),
    /// A topic: only `sns` actions.
    Topic,
}

const OPERATORS: &[&str] = &[
    "StringEquals",
    "StringNotEquals",
    "StringEqualsIgnoreCase",
    "StringNotEqualsIgnoreCase",
    "StringLike",
    "StringNotLike",
    "NumericEquals",
    "NumericNotEquals",
    "NumericLessThan",
    "NumericLessThanEquals",
    "NumericGreaterThan",
    "NumericGreaterThanEquals",
    "DateEquals",
    "DateNotEquals",
    "DateLessThan",
    "DateLessThanEquals",
    "DateGreaterThan",
    "DateGreaterThanEquals",
    "Bool",
    "BinaryEquals",
    "IpAddress",
    "NotIpAddress",
    "ArnEquals",
    "ArnLike",
    "ArnNotEquals",
    "ArnNotLike",
    "Null",
];

const STATEMENT_KEYS: &[&str] =
    &["Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition"];

/// S3 actions that concern a bucket as a whole; all others concern its objects.
fn is_bucket_action(action: &str) -> bool {
    let name = action.trim_start_matches("s3:");
    name.contains("Bucket") || name.ends_with("Configuration") || name.starts_with("ListBucket")
}

/// Checks a document; the error says what is wrong with it.
pub(super) fn check(text: &str, place: Place<'_>) -> Result<(), String> {
    let document: Value =
        serde_json::from_str(text).map_err(|error| format!("The policy is not valid JSON: {error}"))?;
    let members = document.as_object().ok_or("The policy must be a JSON object")?;
    if let Some(key) = members.keys().find(|key| !["Version", "Id", "Statement"].contains(&key.as_str())) {
        return Err(format!("Syntax errors in policy: unknown element '{key}'"));
    }
    if let Some(version) = members.get("Version").filter(|version| *version != "2012-10-17" && *version != "2008-10-17")
    {
        return Err(format!("Syntax errors in policy: Version {version} is neither 2012-10-17 nor 2008-10-17"));
    }
    let statements = listed(members.get("Statement").ok_or("The policy has no Statement")?);
    if statements.is_empty() {
        return Err("The policy has no Statement".to_owned());
    }
    let mut sids = BTreeSet::new();
    for statement in statements {
        check_statement(statement, place)?;
        if let Some(sid) = statement["Sid"].as_str().filter(|sid| !sid.is_empty())
            && !sids.insert(sid)
        {
            return Err(format!("Statement IDs (SID) in a single policy must be unique: '{sid}'"));
        }
    }
    Ok(())
}

fn check_statement(statement: &Value, place: Place<'_>) -> Result<(), String> {
    let members = statement.as_object().ok_or("Syntax errors in policy: a statement must be an object")?;
    if let Some(key) = members.keys().find(|key| !STATEMENT_KEYS.contains(&key.as_str())) {
        return Err(format!("Syntax errors in policy: unknown element '{key}' in a statement"));
    }
    let has = |key: &str| members.contains_key(key);
    if !["Allow", "Deny"].contains(&statement["Effect"].as_str().unwrap_or_default()) {
        return Err("Syntax errors in policy: Effect must be Allow or Deny".to_owned());
    }
    if let Some(sid) = members.get("Sid") {
        check_sid(sid, place)?;
    }
    for (key, negated) in [("Action", "NotAction"), ("Resource", "NotResource"), ("Principal", "NotPrincipal")] {
        if has(key) && has(negated) {
            return Err(format!("Syntax errors in policy: {key} and {negated} exclude one another"));
        }
    }
    let actions = texts(
        members.get("Action").or(members.get("NotAction")).ok_or("Policy statement must contain actions")?,
        "actions",
    )?;
    actions.iter().try_for_each(|action| check_action(action, place))?;
    check_principal(members.get("Principal").or(members.get("NotPrincipal")), place)?;
    check_resources(members.get("Resource").or(members.get("NotResource")), &actions, place)?;
    members.get("Condition").map_or(Ok(()), check_condition)
}

fn check_sid(sid: &Value, place: Place<'_>) -> Result<(), String> {
    // Bucket policies may have spaces in their Sids.
    // So may policies of topics, whose default one has underscores.
    let more = if matches!(place, Place::Bucket(_) | Place::Topic) { " -_." } else { "" };
    match sid.as_str() {
        Some(sid) if sid.is_empty() || shaped(sid, 1..=512, word(more)) => Ok(()),
        _ => Err(format!("Statement IDs (SID) must be alpha-numeric: {sid}")),
    }
}

fn check_action(action: &str, place: Place<'_>) -> Result<(), String> {
    let vendor_and_name = action
        .split_once(':')
        .filter(|(vendor, name)| shaped(vendor, 1..=64, word("-")) && shaped(name, 1..=128, word("*?")));
    match (vendor_and_name, place) {
        (None, Place::Trust) => Err("AssumeRole policy may only specify STS AssumeRole actions".to_owned()),
        (None, _) if action == "*" => Ok(()),
        (None, _) => Err(format!("Actions must be prefaced by a vendor, e.g., iam, s3, ec2: '{action}'")),
        (Some((vendor, _)), Place::Trust) if vendor != "sts" => {
            Err(format!("AssumeRole policy may only specify STS AssumeRole actions, not '{action}'"))
        }
        (Some((vendor, _)), Place::Topic) if !vendor.eq_ignore_ascii_case("sns") => {
            Err(format!("Policy statement action out of service scope: '{action}'"))
        }
        (Some((vendor, _)), Place::Bucket(_)) if vendor != "s3" => Err(format!("Policy has invalid action '{action}'")),
        _ => Ok(()),
    }
}

fn check_principal(principal: Option<&Value>, place: Place<'_>) -> Result<(), String> {
    match (principal, place) {
        (Some(_), Place::Identity) => Err("Policy document should not specify a principal".to_owned()),
        (None, Place::Identity) => Ok(()),
        (None, _) => Err("Missing required field Principal".to_owned()),
        (Some(Value::String(text)), _) if text == "*" => Ok(()),
        (Some(Value::Object(kinds)), _) if !kinds.is_empty() => {
            kinds.iter().try_for_each(|(kind, who)| check_who(kind, who))
        }
        (Some(other), _) => Err(format!("Invalid principal in policy: {other}")),
    }
}

fn check_who(kind: &str, who: &Value) -> Result<(), String> {
    let fits = |name: &str| match kind {
        "Service" => name.ends_with(".amazonaws.com") && name.len() > ".amazonaws.com".len(),
        "AWS" => {
            name == "*"
                || name.starts_with("arn:aws:")
                || shaped(name, 12..=12, |letter| letter.is_ascii_digit())
                || shaped(name, 16..=128, word(""))
        }
        "Federated" => name.contains('.') || name.starts_with("arn:aws:"),
        "CanonicalUser" => shaped(name, 64..=64, |letter| letter.is_ascii_hexdigit()),
        _ => false,
    };
    match texts(who, "principals")?.into_iter().find(|name| !fits(name)) {
        Some(name) => Err(format!("Invalid principal in policy: \"{kind}\":\"{name}\"")),
        None => Ok(()),
    }
}

fn check_resources(resources: Option<&Value>, actions: &[&str], place: Place<'_>) -> Result<(), String> {
    let Some(resources) = resources else {
        return if place == Place::Trust { Ok(()) } else { Err("Policy statement must contain resources".to_owned()) };
    };
    if place == Place::Trust {
        return Err("Has prohibited field Resource".to_owned());
    }
    let resources = texts(resources, "resources")?;
    if let Some(other) = resources
        .iter()
        .find(|resource| **resource != "*" && !(resource.starts_with("arn:") && resource.splitn(6, ':').count() == 6))
    {
        return Err(format!("Resource {other} must be in ARN format or \"*\""));
    }
    let Place::Bucket(bucket) = place else { return Ok(()) };
    let whole = format!("arn:aws:s3:::{bucket}");
    let inside = format!("{whole}/");
    if let Some(other) = resources.iter().find(|resource| **resource != whole && !resource.starts_with(&inside)) {
        return Err(format!("Policy has invalid resource {other}"));
    }
    let (has_bucket, has_objects) =
        (resources.contains(&whole.as_str()), resources.iter().any(|resource| resource.starts_with(&inside)));
    let applies =
        |action: &&str| action.contains(['*', '?']) || if is_bucket_action(action) { has_bucket } else { has_objects };
    match actions.iter().find(|action| !applies(action)) {
        Some(action) => Err(format!("Action does not apply to any resource(s) in statement: {action}")),
        None => Ok(()),
    }
}

fn check_condition(condition: &Value) -> Result<(), String> {
    let operators = condition.as_object().ok_or("Syntax errors in policy: Condition must be an object")?;
    for (operator, keys) in operators {
        let plain = operator
            .trim_start_matches("ForAllValues:")
            .trim_start_matches("ForAnyValue:")
            .trim_end_matches("IfExists");
        if !OPERATORS.contains(&plain) {
            return Err(format!("Invalid Condition type: {operator}"));
        }
        let keys =
            keys.as_object().filter(|keys| !keys.is_empty()).ok_or(format!("Condition {operator} needs keys"))?;
        if let Some(key) = keys.keys().find(|key| !key.contains(':')) {
            return Err(format!("Conditions must be prefaced by a vendor, e.g., iam, s3, ec2: '{key}'"));
        }
    }
    Ok(())
}

/// One value or a list of them.
fn listed(value: &Value) -> Vec<&Value> {
    value.as_array().map_or_else(|| vec![value], |values| values.iter().collect())
}

fn texts<'a>(value: &'a Value, what: &str) -> Result<Vec<&'a str>, String> {
    let found: Option<Vec<&str>> = listed(value).into_iter().map(Value::as_str).collect();
    found.filter(|found| !found.is_empty()).ok_or_else(|| format!("Policy statement must contain {what} as text"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn with(base: Value, key: &str, value: Value) -> String {
        let mut statement = base;
        match value {
            Value::Null => drop(statement.as_object_mut().unwrap().remove(key)),
            value => statement[key] = value,
        }
        json!({"Version": "2012-10-17", "Statement": [statement]}).to_string()
    }

    fn identity(key: &str, value: Value) -> Result<(), String> {
        check(&with(json!({"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}), key, value), Place::Identity)
    }

    fn trust(key: &str, value: Value) -> Result<(), String> {
        let base =
            json!({"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}});
        check(&with(base, key, value), Place::Trust)
    }

    fn bucket(key: &str, value: Value) -> Result<(), String> {
        let base = json!({"Effect": "Allow", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::b/*",
            "Principal": {"Service": "billingreports.amazonaws.com"}});
        check(&with(base, key, value), Place::Bucket("b"))
    }

    #[test]
    fn good_documents_pass() {
        assert_eq!(identity("Sid", json!("Reads")), Ok(()));
        assert_eq!(identity("Action", json!(["s3:Get*", "*"])), Ok(()));
        assert_eq!(identity("Condition", json!({"ForAllValues:StringLikeIfExists": {"aws:TagKeys": ["a"]}})), Ok(()));
        assert_eq!(trust("Sid", json!("T")), Ok(()));
        assert_eq!(trust("Principal", json!({"Service": ["lambda.amazonaws.com", "events.amazonaws.com"]})), Ok(()));
        assert_eq!(bucket("Sid", json!("Allow delivery")), Ok(()));
        assert_eq!(bucket("Principal", json!("*")), Ok(()));
    }

    #[test]
    fn bad_identity_policies_are_told_apart() {
        for (key, value) in [
            ("Action", json!("GetObject")),
            ("Action", json!([])),
            ("Action", Value::Null),
            ("NotAction", json!("s3:*")),
            ("Resource", json!("nope")),
            ("Resource", json!("arn:aws:s3")),
            ("Resource", Value::Null),
            ("Principal", json!("*")),
            ("Effect", json!("allow")),
            ("Sid", json!("a-b")),
            ("Colour", json!("red")),
            ("Condition", json!({"Nope": {"aws:x": "y"}})),
            ("Condition", json!({"StringEquals": {"x": "y"}})),
        ] {
            assert!(identity(key, value.clone()).is_err(), "{key} {value}");
        }
    }

    #[test]
    fn bad_trust_policies_are_told_apart() {
        for (key, value) in [
            ("Resource", json!("*")),
            ("Action", json!("s3:GetObject")),
            ("Action", json!("*")),
            ("Principal", Value::Null),
            ("Principal", json!({"Service": "lambda"})),
            ("Principal", json!({"Aws": "*"})),
            ("Principal", json!({})),
        ] {
            assert!(trust(key, value.clone()).is_err(), "{key} {value}");
        }
    }

    #[test]
    fn bad_bucket_policies_are_told_apart() {
        for (key, value) in [
            ("Principal", Value::Null),
            ("Resource", json!("arn:aws:s3:::other/*")),
            ("Resource", json!("arn:aws:s3:::bee/*")),
            ("Resource", json!("arn:aws:s3:::b")),
            ("Action", json!("dynamodb:GetItem")),
            ("Action", json!("s3:GetBucketAcl")),
        ] {
            assert!(bucket(key, value.clone()).is_err(), "{key} {value}");
        }
        let both = json!({"Effect": "Allow", "Action": ["s3:GetBucketAcl", "s3:PutObject"], "Resource": ["arn:aws:s3:::b", "arn:aws:s3:::b/*"],
            "Principal": {"Service": "billingreports.amazonaws.com"}});
        assert_eq!(check(&with(both, "Sid", json!("x")), Place::Bucket("b")), Ok(()));
    }

    #[test]
    fn documents_as_a_whole_are_checked() {
        let statement = json!({"Sid": "a", "Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"});
        for document in [
            json!({"Version": "2013-10-17", "Statement": [statement]}),
            json!({"Version": "2012-10-17", "Statement": []}),
            json!({"Version": "2012-10-17"}),
            json!({"Version": "2012-10-17", "Statement": [statement, statement]}),
            json!({"Statement": [statement], "Other": 1}),
            json!([statement]),
        ] {
            assert!(check(&document.to_string(), Place::Identity).is_err(), "{document}");
        }
        assert!(check("{nope", Place::Identity).is_err());
        assert_eq!(check(&json!({"Statement": statement}).to_string(), Place::Identity), Ok(()));
    }
}
