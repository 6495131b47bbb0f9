//! What somebody at Stripe's dashboard does to an object, for the fixtures of its kinds.

use std::sync::Arc;

use localstripe::Kind;
use serde_json::Value;
use tests::conformance::{Act, Ownership, act};
use tests::live::stripe_account::{Account, id};

/// Somebody at the dashboard posts a form to an object.
pub fn posts(account: &Arc<Account>, path: &'static str, form: &'static str) -> Act {
    let account = Arc::clone(account);
    act(move |_, id| {
        let account = Arc::clone(&account);
        async move {
            account.post(&format!("{path}/{id}"), form).await;
        }
    })
}

pub fn ownership(account: &Arc<Account>, kind: Kind, path: &'static str) -> Ownership {
    let (writer, reader) = (Arc::clone(account), Arc::clone(account));
    Ownership::new(
        Some("metadata"),
        move |_, id, set, gone| {
            let account = Arc::clone(&writer);
            async move {
                let set = set.into_iter().map(|(key, value)| format!("metadata[{key}]={value}"));
                let all: Vec<String> = set.chain(gone.into_iter().map(|key| format!("metadata[{key}]="))).collect();
                account.post(&format!("{path}/{id}"), &all.join("&")).await;
            }
        },
        move |_, wanted| {
            let account = Arc::clone(&reader);
            async move {
                let all = account.objects(kind);
                let object = all.iter().find(|object| id(object) == wanted).expect("is there");
                let metadata = object["metadata"].as_object().expect("metadata");
                let pair =
                    |(key, value): (&String, &Value)| (key.clone(), value.as_str().unwrap_or_default().to_owned());
                metadata.iter().map(pair).collect()
            }
        },
    )
}
