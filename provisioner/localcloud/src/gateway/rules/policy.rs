//! A small evaluator of policy documents, for what MiniStack's own does not ask.
//!
//! It knows Allow and Deny, wildcards in actions and resources, principals of resource policies, and the
//! condition operators that our policies use. A condition it does not know matches nothing: it allows nothing.

use std::collections::BTreeMap;

use serde_json::Value;

/// One question: may this action be done to this resource?
#[derive(Clone, Debug, Default)]
pub(crate) struct Question {
    /// The action, `service:Name`.
    pub(crate) action: String,
    /// The resource's ARN, or `*`.
    pub(crate) resource: String,
    /// Condition keys in lower case, and their values.
    pub(crate) context: BTreeMap<String, Vec<String>>,
}

/// A call of one AWS service to a resource, made for something of an account: what resource policies admit by source.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ServiceCall<'a> {
    /// The service that calls (`events.amazonaws.com`).
    pub(crate) service: &'a str,
    /// See [`Question::action`].
    pub(crate) action: &'a str,
    /// See [`Question::resource`].
    pub(crate) resource: &'a str,
    /// The ARN of what the service calls for: a rule, a route.
    pub(crate) source_arn: &'a str,
    /// The account of the source.
    pub(crate) account: &'a str,
}

impl ServiceCall<'_> {
    /// Whether the resource's policy, a JSON document, lets the service make the call.
    pub(crate) fn is_admitted_by(&self, policy: &str) -> bool {
        let context = BTreeMap::from([
            ("aws:sourcearn".to_owned(), vec![self.source_arn.to_owned()]),
            ("aws:sourceaccount".to_owned(), vec![self.account.to_owned()]),
        ]);
        let question = Question { action: self.action.to_owned(), resource: self.resource.to_owned(), context };
        Policy::parse(policy).admits_service(self.service, &question)
    }
}

/// What a set of policies says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    /// A statement allows it and none denies it.
    Allow,
    /// A statement denies it.
    Deny,
    /// No statement speaks of it.
    Silent,
}

/// A parsed document.
#[derive(Clone, Debug, Default)]
pub(crate) struct Policy {
    statements: Vec<Value>,
}

impl Policy {
    /// Reads a document; one that cannot be read says nothing.
    pub(crate) fn parse(text: &str) -> Policy {
        let document: Value = serde_json::from_str(text).unwrap_or_default();
        Policy {
            statements: listed(&document["Statement"])
                .into_iter()
                .filter(|statement| statement.is_object())
                .cloned()
                .collect(),
        }
    }

    /// Whether a resource policy lets a service (`lambda.amazonaws.com`) do it.
    pub(crate) fn admits_service(&self, service: &str, question: &Question) -> bool {
        let named = |statement: &&Value| names_service(statement, service);
        decide_among(self.statements.iter().filter(named), question) == Decision::Allow
    }
}

/// Asks policies together, as AWS does: one Deny outweighs every Allow.
pub(crate) fn decide(policies: &[Policy], question: &Question) -> Decision {
    decide_among(policies.iter().flat_map(|policy| &policy.statements), question)
}

fn decide_among<'a>(statements: impl Iterator<Item = &'a Value>, question: &Question) -> Decision {
    let mut decision = Decision::Silent;
    for statement in statements.filter(|statement| speaks_of(statement, question)) {
        match statement["Effect"].as_str() {
            Some("Deny") => return Decision::Deny,
            Some("Allow") => decision = Decision::Allow,
            _ => {}
        }
    }
    decision
}

fn speaks_of(statement: &Value, question: &Question) -> bool {
    let covers = |key: &str, negated: &str, text: &str, ignore_case: bool| {
        let any = |patterns: &Value| texts(patterns).iter().any(|pattern| like(pattern, text, ignore_case));
        match (statement.get(key), statement.get(negated)) {
            (Some(patterns), _) => any(patterns),
            (None, Some(patterns)) => !any(patterns),
            // Trust policies name no resource: theirs is the role.
            (None, None) => key == "Resource",
        }
    };
    covers("Action", "NotAction", &question.action, true)
        && covers("Resource", "NotResource", &question.resource, false)
        && conditions_hold(statement.get("Condition"), &question.context)
}

fn conditions_hold(condition: Option<&Value>, context: &BTreeMap<String, Vec<String>>) -> bool {
    let Some(Value::Object(operators)) = condition else { return condition.is_none() };
    operators.iter().all(|(operator, keys)| {
        keys.as_object().is_some_and(|keys| {
            keys.iter().all(|(key, wanted)| holds(operator, context.get(&key.to_lowercase()), &texts(wanted)))
        })
    })
}

fn holds(operator: &str, actual: Option<&Vec<String>>, wanted: &[String]) -> bool {
    let (operator, for_all) = match operator.split_once(':') {
        Some(("ForAllValues", rest)) => (rest, true),
        Some(("ForAnyValue", rest)) => (rest, false),
        _ => (operator, false),
    };
    let if_exists = operator.ends_with("IfExists");
    let operator = operator.trim_end_matches("IfExists");
    let Some(actual) = actual else { return if_exists || for_all || operator == "StringNotEquals" };
    let matches = |value: &String| wanted.iter().any(|wanted| compare(operator, wanted, value));
    match operator {
        "StringNotEquals" => !actual.iter().any(matches),
        _ if for_all => actual.iter().all(matches),
        _ => actual.iter().any(matches),
    }
}

fn compare(operator: &str, wanted: &str, actual: &str) -> bool {
    match operator {
        "StringEquals" | "StringNotEquals" => wanted == actual,
        "StringEqualsIgnoreCase" | "Bool" => wanted.eq_ignore_ascii_case(actual),
        "StringLike" | "ArnLike" | "ArnEquals" => like(wanted, actual, false),
        _ => false,
    }
}

fn names_service(statement: &Value, service: &str) -> bool {
    match &statement["Principal"] {
        Value::String(all) => all == "*",
        principal => texts(&principal["Service"]).iter().any(|name| name == service),
    }
}

/// Whether a text fits a pattern with `*` for any letters and `?` for one.
pub(crate) fn like(pattern: &str, text: &str, ignore_case: bool) -> bool {
    let fold = |text: &str| if ignore_case { text.to_ascii_lowercase() } else { text.to_owned() };
    let (pattern, text) = (fold(pattern).into_bytes(), fold(text).into_bytes());
    let (mut at, mut seen) = (0, 0);
    // Where the last star stood, and how much of the text it has taken.
    let mut star: Option<(usize, usize)> = None;
    while seen < text.len() {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, seen));
                at += 1;
            }
            Some(letter) if *letter == b'?' || *letter == text[seen] => {
                at += 1;
                seen += 1;
            }
            _ => {
                let Some((star_at, taken)) = star else { return false };
                star = Some((star_at, taken + 1));
                at = star_at + 1;
                seen = taken + 1;
            }
        }
    }
    pattern[at..].iter().all(|letter| *letter == b'*')
}

fn listed(value: &Value) -> Vec<&Value> {
    match value {
        Value::Null => Vec::new(),
        Value::Array(values) => values.iter().collect(),
        one => vec![one],
    }
}

fn texts(value: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    listed(value).into_iter().map(text).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn policy(statements: Value) -> Policy {
        Policy::parse(&json!({"Version": "2012-10-17", "Statement": statements}).to_string())
    }

    fn ask(action: &str, resource: &str, context: &[(&str, &str)]) -> Question {
        let mut question = Question { action: action.into(), resource: resource.into(), ..Question::default() };
        for (key, value) in context {
            question.context.entry((*key).into()).or_default().push((*value).into());
        }
        question
    }

    #[test]
    fn wildcards_match_as_in_aws() {
        for (pattern, text, fits) in [
            ("*", "", true),
            ("s3:Get*", "s3:GetObject", true),
            ("s3:Get*", "s3:PutObject", false),
            ("a*b*c", "aXbYbZc", true),
            ("a*b*c", "aXbYbZ", false),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("**a", "bca", true),
            ("", "a", false),
        ] {
            assert_eq!(like(pattern, text, false), fits, "{pattern} {text}");
        }
        assert!(like("S3:getobject", "s3:GetObject", true) && !like("S3:*", "s3:x", false));
    }

    #[test]
    fn a_deny_outweighs_an_allow_and_silence_is_neither() {
        let allow = policy(json!({"Effect": "Allow", "Action": "iam:*", "Resource": "*"}));
        let deny =
            policy(json!([{"Effect": "Deny", "Action": "iam:PassRole", "Resource": "arn:aws:iam::1:role/secret"}]));
        let both = [allow, deny];
        assert_eq!(decide(&both, &ask("iam:PassRole", "arn:aws:iam::1:role/open", &[])), Decision::Allow);
        assert_eq!(decide(&both, &ask("iam:PassRole", "arn:aws:iam::1:role/secret", &[])), Decision::Deny);
        assert_eq!(decide(&both, &ask("s3:GetObject", "*", &[])), Decision::Silent);
        assert_eq!(decide(&[], &ask("s3:GetObject", "*", &[])), Decision::Silent);
    }

    #[test]
    fn negated_elements_cover_the_rest() {
        let policy = [policy(json!({"Effect": "Allow", "NotAction": ["iam:*"], "NotResource": "arn:aws:s3:::b"}))];
        assert_eq!(decide(&policy, &ask("s3:GetObject", "arn:aws:s3:::c", &[])), Decision::Allow);
        assert_eq!(decide(&policy, &ask("iam:GetRole", "arn:aws:s3:::c", &[])), Decision::Silent);
        assert_eq!(decide(&policy, &ask("s3:GetObject", "arn:aws:s3:::b", &[])), Decision::Silent);
    }

    #[test]
    fn conditions_must_hold_and_unknown_ones_never_do() {
        let conditioned = |condition: Value| {
            [policy(json!({"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": condition}))]
        };
        let question = ask(
            "iam:PassRole",
            "r",
            &[("iam:passedtoservice", "lambda.amazonaws.com"), ("aws:tagkeys", "a"), ("aws:tagkeys", "b")],
        );
        for (condition, expected) in [
            (json!({"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}}), Decision::Allow),
            (json!({"StringEquals": {"iam:PassedToService": ["x", "events.amazonaws.com"]}}), Decision::Silent),
            (json!({"StringLike": {"iam:PassedToService": "lambda.*"}}), Decision::Allow),
            (json!({"StringNotEquals": {"iam:PassedToService": "lambda.amazonaws.com"}}), Decision::Silent),
            (json!({"StringEquals": {"aws:Missing": "x"}}), Decision::Silent),
            (json!({"StringEqualsIfExists": {"aws:Missing": "x"}}), Decision::Allow),
            (json!({"ForAllValues:StringEquals": {"aws:TagKeys": ["a", "b", "c"]}}), Decision::Allow),
            (json!({"ForAllValues:StringEquals": {"aws:TagKeys": ["a"]}}), Decision::Silent),
            (json!({"ForAnyValue:StringEquals": {"aws:TagKeys": ["a"]}}), Decision::Allow),
            (json!({"NumericLessThan": {"aws:TagKeys": "3"}}), Decision::Silent),
        ] {
            assert_eq!(decide(&conditioned(condition.clone()), &question), expected, "{condition}");
        }
    }

    #[test]
    fn a_resource_policy_admits_the_services_it_names() {
        let policy = policy(
            json!({"Effect": "Allow", "Principal": {"Service": "apigateway.amazonaws.com"}, "Action": "lambda:InvokeFunction",
            "Resource": "arn:f", "Condition": {"ArnLike": {"AWS:SourceArn": "arn:aws:execute-api:us-east-1:1:abc/*/GET/costs"}}}),
        );
        let from = |arn: &str| ask("lambda:InvokeFunction", "arn:f", &[("aws:sourcearn", arn)]);
        assert!(
            policy.admits_service(
                "apigateway.amazonaws.com",
                &from("arn:aws:execute-api:us-east-1:1:abc/prod/GET/costs")
            )
        );
        assert!(
            !policy.admits_service(
                "apigateway.amazonaws.com",
                &from("arn:aws:execute-api:us-east-1:1:xyz/prod/GET/costs")
            )
        );
        assert!(
            !policy.admits_service("events.amazonaws.com", &from("arn:aws:execute-api:us-east-1:1:abc/prod/GET/costs"))
        );
    }
}
