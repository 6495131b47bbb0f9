//! IAM's OpenID Connect providers: MiniStack makes, reads and deletes them. Their audiences and tags change here, by a
//! provider made again under the same ARN.

use std::collections::BTreeMap;

use futures::future::BoxFuture;
use tokio::sync::Mutex;

use super::super::pipeline::{Answer, Call, Rule, Upstream};
use super::Refusal;
use super::ask::Ask;
use super::shape::{element, elements};

/// Answers what changes a provider.
#[derive(Default)]
pub(super) struct OidcProviders {
    /// A provider is away for a moment while it changes.
    turn: Mutex<()>,
}

/// A provider as IAM shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Provider {
    url: String,
    audiences: Vec<String>,
    thumbprints: Vec<String>,
    tags: BTreeMap<String, String>,
}

const CHANGES: &[&str] = &[
    "AddClientIDToOpenIDConnectProvider",
    "RemoveClientIDFromOpenIDConnectProvider",
    "TagOpenIDConnectProvider",
    "UntagOpenIDConnectProvider",
];

/// The ARN that a call about a provider means; none of other calls.
pub(super) fn arn(call: &Call, account: &str) -> Option<String> {
    if call.service != "iam" || !call.operation.ends_with("OpenIDConnectProvider") {
        return None;
    }
    call.parameter("OpenIDConnectProviderArn").or_else(|| {
        let url = call.parameter("Url")?;
        Some(format!(
            "arn:aws:iam::{account}:oidc-provider/{}",
            url.trim_start_matches("https://").trim_end_matches('/')
        ))
    })
}

/// Checks a request: the address begins with `https://` and an audience has 1 to 255 characters
/// (CreateOpenIDConnectProvider).
pub(super) fn check(call: &Call) -> Result<(), Refusal> {
    let invalid = |message: String| Err(Refusal::new("ValidationError", message));
    if call.operation == "CreateOpenIDConnectProvider" {
        let url = call.parameter("Url").unwrap_or_default();
        if !url.starts_with("https://") || url.len() > 255 {
            return invalid(format!("The URL must begin with https:// and have at most 255 characters: '{url}'"));
        }
    }
    let audiences = call.form().into_iter().filter(|(key, _)| key == "ClientID" || key.starts_with("ClientIDList."));
    for (_, audience) in audiences {
        if audience.is_empty() || audience.len() > 255 {
            return invalid(format!("A client ID has 1 to 255 characters: '{audience}'"));
        }
    }
    Ok(())
}

impl Rule for OidcProviders {
    fn applies(&self, call: &Call) -> bool {
        call.service == "iam" && CHANGES.contains(&call.operation.as_str())
    }

    fn before<'a>(&'a self, call: &'a mut Call, upstream: &'a Upstream) -> BoxFuture<'a, Option<Answer>> {
        Box::pin(async move {
            let _turn = self.turn.lock().await;
            let ask = Ask::new(call, upstream);
            let arn = call.parameter("OpenIDConnectProviderArn").unwrap_or_default();
            let named = [("Action", "GetOpenIDConnectProvider"), ("OpenIDConnectProviderArn", arn.as_str())];
            let Some(xml) = ask.iam(&named).await else {
                let missing = Refusal::new("NoSuchEntity", format!("OpenIDConnect Provider not found for arn {arn}"));
                return Some(missing.with_status(404).answer(call));
            };
            let provider = changed(parse(&xml), call);
            let gone = [("Action", "DeleteOpenIDConnectProvider"), ("OpenIDConnectProviderArn", arn.as_str())];
            ask.iam(&gone).await?;
            let made = made_again(&provider);
            let made: Vec<(&str, &str)> = made.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
            ask.iam(&made).await?;
            let operation = &call.operation;
            let body = format!("<{operation}Response xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"/>");
            Some(Answer::new(200, "text/xml", body))
        })
    }
}

fn changed(mut provider: Provider, call: &Call) -> Provider {
    let form: BTreeMap<String, String> = call.form().into_iter().collect();
    let audience = form.get("ClientID").cloned().unwrap_or_default();
    let members = |prefix: &str, suffix: &str| -> Vec<(String, String)> {
        let is_one = |(key, value): (&String, &String)| {
            Some((key.strip_prefix(prefix)?.strip_suffix(suffix)?.to_owned(), value.clone()))
        };
        form.iter().filter_map(is_one).collect()
    };
    match call.operation.as_str() {
        "AddClientIDToOpenIDConnectProvider" if !provider.audiences.contains(&audience) => {
            provider.audiences.push(audience);
        }
        "RemoveClientIDFromOpenIDConnectProvider" => provider.audiences.retain(|one| *one != audience),
        "TagOpenIDConnectProvider" => {
            let value = |at: &str| form.get(&format!("Tags.member.{at}.Value")).cloned().unwrap_or_default();
            provider.tags.extend(members("Tags.member.", ".Key").into_iter().map(|(at, key)| (key, value(&at))));
        }
        "UntagOpenIDConnectProvider" => {
            let gone: Vec<String> = members("TagKeys.member.", "").into_iter().map(|(_, key)| key).collect();
            provider.tags.retain(|key, _| !gone.contains(key));
        }
        _ => {}
    }
    provider
}

fn parse(xml: &str) -> Provider {
    let list = |name: &str| elements(&element(xml, name).unwrap_or_default(), "member");
    let tags = list("Tags");
    let tag = |tag: &String| Some((element(tag, "Key")?, element(tag, "Value").unwrap_or_default()));
    Provider {
        url: element(xml, "Url").unwrap_or_default(),
        audiences: list("ClientIDList"),
        thumbprints: list("ThumbprintList"),
        tags: tags.iter().filter_map(tag).collect(),
    }
}

/// The request that makes the provider once more.
fn made_again(provider: &Provider) -> Vec<(String, String)> {
    let pair = |key: String, value: &str| (key, value.to_owned());
    let mut pairs =
        vec![pair("Action".to_owned(), "CreateOpenIDConnectProvider"), pair("Url".to_owned(), &provider.url)];
    let lists = [("ClientIDList", &provider.audiences), ("ThumbprintList", &provider.thumbprints)];
    for (name, values) in lists {
        let member = |(at, value): (usize, &String)| pair(format!("{name}.member.{}", at + 1), value);
        pairs.extend(values.iter().enumerate().map(member));
    }
    for (at, (key, value)) in provider.tags.iter().enumerate() {
        pairs.push(pair(format!("Tags.member.{}.Key", at + 1), key));
        pairs.push(pair(format!("Tags.member.{}.Value", at + 1), value));
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::super::tests::form_call;
    use super::*;

    const XML: &str = "<GetOpenIDConnectProviderResult><Url>https://token.actions.githubusercontent.com</Url>\
        <ClientIDList><member>sts.amazonaws.com</member></ClientIDList><ThumbprintList></ThumbprintList>\
        <Tags><member><Key>team</Key><Value>billing</Value></member></Tags></GetOpenIDConnectProviderResult>";

    #[test]
    fn a_provider_is_read_changed_and_made_again() {
        let read = parse(XML);
        assert_eq!(read.audiences, ["sts.amazonaws.com"]);
        let call = form_call("iam", "AddClientIDToOpenIDConnectProvider", &[("ClientID", "other")]);
        assert_eq!(changed(read.clone(), &call).audiences, ["sts.amazonaws.com", "other"]);
        let call =
            form_call("iam", "TagOpenIDConnectProvider", &[("Tags.member.1.Key", "a"), ("Tags.member.1.Value", "b")]);
        let tagged = changed(read.clone(), &call);
        assert_eq!(tagged.tags.len(), 2);
        let call = form_call("iam", "UntagOpenIDConnectProvider", &[("TagKeys.member.1", "team")]);
        assert_eq!(changed(tagged, &call).tags, BTreeMap::from([("a".to_owned(), "b".to_owned())]));
        let pairs = made_again(&read);
        assert!(pairs.contains(&("Tags.member.1.Key".to_owned(), "team".to_owned())), "{pairs:?}");
    }

    #[test]
    fn addresses_and_audiences_are_checked() {
        let create = |url: &str, audience: &str| {
            check(&form_call(
                "iam",
                "CreateOpenIDConnectProvider",
                &[("Url", url), ("ClientIDList.member.1", audience)],
            ))
        };
        assert_eq!(create("https://a.example", "sts.amazonaws.com"), Ok(()));
        assert_eq!(create("http://a.example", "x").expect_err("no TLS").code, "ValidationError");
        assert_eq!(create("https://a.example", "").expect_err("no audience").code, "ValidationError");
        let call = form_call("iam", "CreateOpenIDConnectProvider", &[("Url", "https://a.example/")]);
        assert_eq!(arn(&call, "123456789012").as_deref(), Some("arn:aws:iam::123456789012:oidc-provider/a.example"));
    }
}
