//! SNS: names, policies and tags of topics; e-mail subscriptions, which wait for their confirmation and which MiniStack
//! confirms at once; and what a caller must be allowed.
//!
//! AWS sends the token that confirms a subscription to the address. Here nothing is sent, and the token is the address:
//! `aws sns confirm-subscription --topic-arn ARN --token you@example.com`.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use futures::future::BoxFuture;

use super::super::pipeline::{Answer, Call, Rule, Upstream};
use super::Refusal;
use super::document;
use super::shape::{element, elements, shaped, tag_fault, word};

const MOST_TAGS: usize = 50;
/// What SNS says in place of the ARN of a subscription: to who subscribes, and in lists.
const PENDING: &str = "pending confirmation";
const PENDING_IN_LISTS: &str = "PendingConfirmation";

/// Checks a request to SNS.
pub(super) fn check(call: &Call) -> Result<(), Refusal> {
    let text = |key: &str| call.parameter(key).unwrap_or_default();
    match call.operation.as_str() {
        "CreateTopic" => {
            check_name(&text("Name"))?;
            check_tags(call)?;
            attributes(call).iter().try_for_each(|(name, value)| check_attribute(name, value))
        }
        "SetTopicAttributes" => check_attribute(&text("AttributeName"), &text("AttributeValue")),
        "TagResource" => check_tags(call),
        "Subscribe" if text("Protocol") == "email" => check_email(&text("Endpoint")),
        "Unsubscribe" => check_subscription(&text("SubscriptionArn")),
        _ => Ok(()),
    }
}

fn check_name(name: &str) -> Result<(), Refusal> {
    let plain = name.strip_suffix(".fifo").unwrap_or(name);
    let fits = !plain.is_empty() && shaped(name, 1..=256, |_| true) && shaped(plain, 1..=256, word("-_"));
    fits.then_some(())
        .ok_or_else(|| invalid(format!("Topic Name '{name}' must have 1 to 256 letters, digits or any of -_")))
}

/// Documented as `Invalid parameter: Policy Error: null` and the like: what is wrong is not said.
fn check_attribute(name: &str, value: &str) -> Result<(), Refusal> {
    match name {
        "Policy" => {
            document::check(value, document::Place::Topic).map_err(|fault| invalid(format!("Policy Error: {fault}")))
        }
        "DisplayName" if value.chars().count() > 100 => Err(invalid("DisplayName has at most 100 characters")),
        _ => Ok(()),
    }
}

fn check_email(endpoint: &str) -> Result<(), Refusal> {
    let fits = endpoint.split_once('@').is_some_and(|(local, domain)| !local.is_empty() && domain.contains('.'));
    fits.then_some(()).ok_or_else(|| invalid("Email address"))
}

/// A subscription that waits has no ARN to name it by: it lapses by itself.
fn check_subscription(arn: &str) -> Result<(), Refusal> {
    let fits = arn.starts_with("arn:aws:sns:") && arn.split(':').count() == 7;
    fits.then_some(()).ok_or_else(|| invalid(format!("SubscriptionArn Reason: '{arn}' is not an ARN")))
}

fn check_tags(call: &Call) -> Result<(), Refusal> {
    let tags = tags(call);
    let pairs = tags.iter().map(|(key, value)| (key.as_str(), value.as_str()));
    tag_fault(pairs, MOST_TAGS).map_or(Ok(()), |fault| Err(invalid(fault)))
}

fn tags(call: &Call) -> Vec<(String, String)> {
    numbered(call, "Tags.member.", ".Key", ".Value")
}

fn attributes(call: &Call) -> Vec<(String, String)> {
    numbered(call, "Attributes.entry.", ".key", ".value")
}

/// The pairs of a list in a form: `Tags.member.1.Key=k&Tags.member.1.Value=v`.
fn numbered(call: &Call, before: &str, key: &str, value: &str) -> Vec<(String, String)> {
    let form = call.form();
    let at = |name: &str| form.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
    let keys = form.iter().filter_map(|(name, found)| Some((name.strip_prefix(before)?.strip_suffix(key)?, found)));
    keys.map(|(number, found)| (found.clone(), at(&format!("{before}{number}{value}")).unwrap_or_default())).collect()
}

fn invalid(message: impl Into<String>) -> Refusal {
    Refusal::new("InvalidParameter", format!("Invalid parameter: {}", message.into()))
}

/// What a call needs its permission on, by AWS's service authorization reference: the topic, but for what lists all topics
/// and what names a subscription. `named` makes the ARN of a topic's name. None where no permission is needed.
pub(super) fn resource(call: &Call, named: impl Fn(&str) -> String) -> Option<String> {
    match call.operation.as_str() {
        "ListTopics" | "ListSubscriptions" | "Unsubscribe" | "GetSubscriptionAttributes" => Some("*".to_owned()),
        // The token is all that it takes to confirm.
        "ConfirmSubscription" => None,
        _ => {
            let arn = call.parameter("TopicArn").or_else(|| call.parameter("ResourceArn"));
            arn.or_else(|| call.parameter("Name").map(|name| named(&name)))
        }
    }
}

/// Keeps e-mail subscriptions pending until they are confirmed.
#[derive(Debug, Default)]
pub(super) struct Confirmations {
    /// Topic and address of what was confirmed.
    confirmed: Mutex<BTreeSet<(String, String)>>,
}

impl Confirmations {
    fn is_confirmed(&self, topic: &str, address: &str) -> bool {
        let confirmed = self.confirmed.lock().unwrap_or_else(PoisonError::into_inner);
        confirmed.contains(&(topic.to_owned(), address.to_owned()))
    }

    /// The confirmation by an address; none when the token is not one.
    async fn confirm(&self, call: &Call, upstream: &Upstream) -> Option<Answer> {
        let (topic, address) = (call.parameter("TopicArn")?, call.parameter("Token").filter(|it| it.contains('@'))?);
        let arn = subscriptions(&topic, upstream).await.into_iter().find(|(_, of)| *of == address)?.0;
        self.confirmed.lock().unwrap_or_else(PoisonError::into_inner).insert((topic, address));
        let result = format!(
            "<ConfirmSubscriptionResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><ConfirmSubscriptionResult>\
             <SubscriptionArn>{arn}</SubscriptionArn></ConfirmSubscriptionResult></ConfirmSubscriptionResponse>"
        );
        Some(Answer::new(200, "text/xml", result))
    }

    /// Who leaves and comes back is asked again. The ARN is the topic's with an id behind it.
    async fn leave(&self, call: &Call, upstream: &Upstream) {
        let arn = call.parameter("SubscriptionArn").unwrap_or_default();
        let topic = arn.rsplit_once(':').map_or("", |(topic, _)| topic);
        let left = subscriptions(topic, upstream).await.into_iter().find(|(of, _)| *of == arn);
        if let Some((_, address)) = left {
            self.confirmed.lock().unwrap_or_else(PoisonError::into_inner).remove(&(topic.to_owned(), address));
        }
    }

    /// The list with the ARNs of what waits taken out.
    fn hide_pending(&self, xml: &str) -> String {
        let mut shown = xml.to_owned();
        for member in elements(xml, "member") {
            let part = |name: &str| element(&member, name).unwrap_or_default();
            let (topic, address, arn) = (part("TopicArn"), part("Endpoint"), part("SubscriptionArn"));
            if part("Protocol") == "email" && !self.is_confirmed(&topic, &address) {
                shown = shown
                    .replace(&format!("<SubscriptionArn>{arn}<"), &format!("<SubscriptionArn>{PENDING_IN_LISTS}<"));
            }
        }
        shown
    }

    /// Whoever goes and comes back is asked again.
    fn forget(&self, topic: &str) {
        self.confirmed.lock().unwrap_or_else(PoisonError::into_inner).retain(|(of, _)| of != topic);
    }
}

/// The code of a missing topic when its tags are asked for, as SNS spells it (API reference, ListTagsForResource, "Errors");
/// MiniStack says the name of the SDK's exception.
fn error_of_aws(xml: &str) -> String {
    xml.replace("<Code>ResourceNotFoundException</Code>", "<Code>ResourceNotFound</Code>")
}

/// The e-mail subscriptions of a topic, as MiniStack has them: ARN and address.
async fn subscriptions(topic: &str, upstream: &Upstream) -> Vec<(String, String)> {
    let form = [("Action", "ListSubscriptionsByTopic"), ("Version", "2010-03-31"), ("TopicArn", topic)];
    let listed = upstream.form("sns", &form).await.ok().filter(Answer::is_success);
    let listed = listed.map(|answer| String::from_utf8_lossy(&answer.body).into_owned()).unwrap_or_default();
    let pair = |member: String| Some((element(&member, "SubscriptionArn")?, element(&member, "Endpoint")?));
    elements(&listed, "member").into_iter().filter_map(pair).collect()
}

impl Rule for Confirmations {
    fn applies(&self, call: &Call) -> bool {
        call.service == "sns"
    }

    fn before<'a>(&'a self, call: &'a mut Call, upstream: &'a Upstream) -> BoxFuture<'a, Option<Answer>> {
        Box::pin(async move {
            match call.operation.as_str() {
                "ConfirmSubscription" => self.confirm(call, upstream).await,
                "Unsubscribe" => {
                    self.leave(call, upstream).await;
                    None
                }
                _ => None,
            }
        })
    }

    fn after<'a>(&'a self, call: &'a Call, answer: Answer, _: &'a Upstream) -> BoxFuture<'a, Answer> {
        let shown = match call.operation.as_str() {
            _ if !answer.is_success() => Some(error_of_aws(&String::from_utf8_lossy(&answer.body))),
            "Subscribe" if call.parameter("Protocol").as_deref() == Some("email") => {
                let (topic, address) = (call.parameter("TopicArn"), call.parameter("Endpoint"));
                let confirmed = self.is_confirmed(&topic.unwrap_or_default(), &address.unwrap_or_default());
                let xml = String::from_utf8_lossy(&answer.body);
                let arn = element(&xml, "SubscriptionArn").filter(|_| !confirmed);
                arn.map(|arn| xml.replace(&arn, PENDING))
            }
            "ListSubscriptions" | "ListSubscriptionsByTopic" => {
                Some(self.hide_pending(&String::from_utf8_lossy(&answer.body)))
            }
            "DeleteTopic" => {
                self.forget(&call.parameter("TopicArn").unwrap_or_default());
                None
            }
            _ => None,
        };
        let answer = match shown {
            Some(xml) => Answer { body: Bytes::from(xml), ..answer },
            None => answer,
        };
        Box::pin(std::future::ready(answer))
    }

    fn reset(&self) {
        self.confirmed.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::form_call;
    use super::*;

    const TOPIC: &str = "arn:aws:sns:us-east-1:123456789012:alerts";

    #[test]
    fn names_policies_tags_and_addresses_are_checked() {
        let create = |name: &str| check(&form_call("sns", "CreateTopic", &[("Name", name)]));
        assert_eq!((create("client-billing_alerts"), create("a.fifo")), (Ok(()), Ok(())));
        assert!(create("").is_err() && create("a b").is_err() && create(&"a".repeat(257)).is_err());
        let policy = |text: &str| {
            check(&form_call("sns", "SetTopicAttributes", &[("AttributeName", "Policy"), ("AttributeValue", text)]))
        };
        let admits = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"budgets.amazonaws.com"},
            "Action":"sns:Publish","Resource":"arn:aws:sns:us-east-1:123456789012:alerts"}]}"#;
        assert_eq!(policy(admits), Ok(()));
        assert!(policy("{").is_err() && policy(&admits.replace("sns:Publish", "s3:GetObject")).is_err());
        let subscribe = |address: &str| {
            check(&form_call("sns", "Subscribe", &[("Protocol", "email"), ("TopicArn", TOPIC), ("Endpoint", address)]))
        };
        assert_eq!(subscribe("a@example.com"), Ok(()));
        assert!(subscribe("nobody").is_err());
        assert!(check(&form_call("sns", "Unsubscribe", &[("SubscriptionArn", PENDING_IN_LISTS)])).is_err());
        let tags = [("Name", "a"), ("Tags.member.1.Key", "aws:x"), ("Tags.member.1.Value", "y")];
        assert!(check(&form_call("sns", "CreateTopic", &tags)).is_err());
    }

    #[test]
    fn an_address_is_pending_in_lists_until_it_confirms() {
        let rule = Confirmations::default();
        let list = format!(
            "<member><SubscriptionArn>{TOPIC}:1</SubscriptionArn><TopicArn>{TOPIC}</TopicArn><Protocol>email</Protocol>\
             <Endpoint>a@example.com</Endpoint></member><member><SubscriptionArn>{TOPIC}:2</SubscriptionArn>\
             <TopicArn>{TOPIC}</TopicArn><Protocol>sqs</Protocol><Endpoint>arn:q</Endpoint></member>"
        );
        let arns = |xml: &str| elements(xml, "SubscriptionArn");
        assert_eq!(arns(&rule.hide_pending(&list)), [PENDING_IN_LISTS.to_owned(), format!("{TOPIC}:2")]);
        rule.confirmed.lock().unwrap().insert((TOPIC.to_owned(), "a@example.com".to_owned()));
        assert_eq!(rule.hide_pending(&list), list);
        rule.forget(TOPIC);
        assert_ne!(rule.hide_pending(&list), list);
    }

    #[test]
    fn tags_of_a_missing_topic_are_refused_as_aws_refuses_them() {
        let refused = |code: &str| format!("<ErrorResponse><Error><Code>{code}</Code></Error></ErrorResponse>");
        assert_eq!(error_of_aws(&refused("ResourceNotFoundException")), refused("ResourceNotFound"));
        assert_eq!(error_of_aws(&refused("NotFound")), refused("NotFound"));
    }

    #[test]
    fn a_call_needs_its_action_on_the_topic() {
        let asked = |operation: &str, pairs: &[(&str, &str)]| {
            resource(&form_call("sns", operation, pairs), |name| format!("arn:aws:sns:us-east-1:123456789012:{name}"))
        };
        assert_eq!(asked("CreateTopic", &[("Name", "alerts")]).as_deref(), Some(TOPIC));
        assert_eq!(asked("ListTagsForResource", &[("ResourceArn", TOPIC)]).as_deref(), Some(TOPIC));
        assert_eq!(asked("ListTopics", &[]).as_deref(), Some("*"));
        assert_eq!(asked("ConfirmSubscription", &[("TopicArn", TOPIC)]), None);
    }
}
