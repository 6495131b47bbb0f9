//! Messages that SNS delivers to a function.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

/// Messages of a topic; SNS may deliver the same twice, and sends one in each event today.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "Notification")]
pub struct Topic {
    /// The messages.
    pub messages: Vec<Message>,
}

/// One message.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Message {
    /// SNS's id of the message.
    pub message_id: String,
    /// The topic.
    pub topic_arn: String,
    /// The subject, if the publisher gave one.
    #[serde(default)]
    pub subject: Option<String>,
    /// The text; often JSON.
    pub message: String,
    /// When it was published.
    pub timestamp: Timestamp,
}

#[derive(Deserialize)]
struct Notification {
    #[serde(rename = "Records")]
    records: Vec<Record>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Record {
    sns: Message,
}

/// Whether a payload is a delivery of SNS's.
pub(super) fn is_notification(payload: &Value) -> bool {
    payload["Records"][0]["EventSource"] == "aws:sns"
}

impl From<Notification> for Topic {
    fn from(notification: Notification) -> Topic {
        Topic { messages: notification.records.into_iter().map(|record| record.sns).collect() }
    }
}
