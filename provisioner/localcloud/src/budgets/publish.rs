//! Notifies a budget's subscribers: mails go to the mailbox, topics are published to through MiniStack.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::alert::{Passed, Subscriber};
use super::message;
use crate::gateway::pipeline::{Upstream, UpstreamError};
use crate::gateway::rules::policy::ServiceCall;
use crate::mailbox::{Mail, Mailbox};

/// One alert that was sent to one subscriber.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Published {
    /// The budget's name.
    pub budget: String,
    /// When, by the local cloud's clock.
    pub at: Timestamp,
    /// `ACTUAL` or `FORECASTED`.
    pub alert: String,
    /// The mail address, or the topic's ARN.
    pub to: String,
    /// Whether it arrived.
    pub ok: bool,
    /// Why it did not; empty when it did.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub error: String,
}

/// Notifies all subscribers of an alert.
pub(super) async fn publish(
    upstream: &Upstream,
    mailbox: &Mailbox,
    passed: &Passed,
    at: Timestamp,
) -> Result<Vec<Published>, UpstreamError> {
    let (subject, body) = (message::subject(passed), message::body(passed, at));
    let mut published = Vec::new();
    for subscriber in &passed.subscribers {
        let (to, error) = match subscriber {
            Subscriber::Email(address) => {
                let (from, to) = (message::SENDER.to_owned(), address.clone());
                mailbox.send(Mail { at, from, to, subject: subject.clone(), body: body.clone() });
                (address, String::new())
            }
            Subscriber::Topic(topic) => (topic, to_topic(upstream, topic, &subject, &body).await?),
        };
        published.push(Published {
            budget: passed.budget.clone(),
            at,
            alert: passed.kind.as_str().to_owned(),
            to: to.clone(),
            ok: error.is_empty(),
            error,
        });
    }
    Ok(published)
}

/// Publishes to a topic; the text says why that failed, and is empty when it did not.
async fn to_topic(upstream: &Upstream, topic: &str, subject: &str, body: &str) -> Result<String, UpstreamError> {
    let version = ("Version", "2010-03-31");
    let asked = [("Action", "GetTopicAttributes"), version, ("TopicArn", topic)];
    let attributes = upstream.form("sns", &asked).await?;
    let attributes = String::from_utf8_lossy(&attributes.body).into_owned();
    if !admits(&attributes, topic, upstream.account()) {
        return Ok(format!("the policy of {topic} does not let budgets.amazonaws.com publish, or it does not exist"));
    }
    let asked = [("Action", "Publish"), version, ("TopicArn", topic), ("Subject", subject), ("Message", body)];
    let answer = upstream.form("sns", &asked).await?;
    Ok(match answer.is_success() {
        true => String::new(),
        false => format!("SNS answered {}: {}", answer.status, String::from_utf8_lossy(&answer.body)),
    })
}

/// Whether the topic's policy, in the XML of its attributes, lets Budgets publish.
fn admits(attributes: &str, topic: &str, account: &str) -> bool {
    let Some((_, rest)) = attributes.split_once("<key>Policy</key>") else { return false };
    let value = rest.split_once("<value>").and_then(|(_, rest)| rest.split_once("</value>"));
    let policy = value.map(|(policy, _)| unescaped(policy)).unwrap_or_default();
    let call = ServiceCall {
        service: "budgets.amazonaws.com",
        action: "SNS:Publish",
        resource: topic,
        source_arn: &format!("arn:aws:budgets::{account}:budget/"),
        account,
    };
    call.is_admitted_by(&policy)
}

fn unescaped(text: &str) -> String {
    let entities = [
        ("&quot;", "\""),
        ("&#34;", "\""),
        ("&apos;", "'"),
        ("&#39;", "'"),
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&amp;", "&"),
    ];
    entities.iter().fold(text.to_owned(), |text, (entity, letter)| text.replace(entity, letter))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateway::protocol::escaped;

    const TOPIC: &str = "arn:aws:sns:us-east-1:123456789012:alerts";

    fn attributes(principal: &str, account: &str) -> String {
        let policy = serde_json::json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": principal},
            "Action": "SNS:Publish", "Resource": TOPIC, "Condition": {"StringEquals": {"aws:SourceAccount": account}}}]});
        format!("<entry><key>Policy</key><value>{}</value></entry>", escaped(&policy.to_string()))
    }

    #[test]
    fn a_topic_must_admit_budgets_of_its_own_account() {
        assert!(admits(&attributes("budgets.amazonaws.com", "123456789012"), TOPIC, "123456789012"));
        assert!(!admits(&attributes("events.amazonaws.com", "123456789012"), TOPIC, "123456789012"));
        assert!(!admits(&attributes("budgets.amazonaws.com", "999999999999"), TOPIC, "123456789012"));
        assert!(!admits("<NotFound/>", TOPIC, "123456789012"));
    }
}
