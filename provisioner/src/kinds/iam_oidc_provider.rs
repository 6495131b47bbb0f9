//! `iam_oidc_provider`: an identity provider whose tokens roles may trust: GitHub's, so that workflows need no keys.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use aws_sdk_iam::operation::get_open_id_connect_provider::GetOpenIdConnectProviderOutput;
use engine::kind::{Applied, CallError, Depth, ErrorClass, Removal};
use engine::kind_meta::{KindMeta, Permission, Verb};
use engine::{Address, Owner};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::iam_role::sdk_tags;
use super::support::tagging::{Tagged, Tags, list_tagged, retag};
use super::typed::{Answers, Seen, TypedKind, TypedListed, TypedUpdate, TypedWant, at_once};
use crate::cloud::errors::{call_error, code};
use crate::cloud::{Cloud, Home, client, ownership};

/// What a provider is to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Desired {
    /// Where tokens come from, without `https://`: `token.actions.githubusercontent.com`. An account has one provider of
    /// an address.
    pub host: String,
    /// Which services tokens may be meant for: `sts.amazonaws.com`.
    pub audiences: BTreeSet<String>,
    /// Tags beside the ownership tags.
    pub tags: BTreeMap<String, String>,
}

/// The kind, at work.
pub struct IamOidcProviders {
    cloud: Arc<Cloud>,
    iam: aws_sdk_iam::Client,
}

const PROVIDER: &str = "arn:aws:iam::{account}:oidc-provider/{host}";
const ANY_PROVIDER: &str = "arn:aws:iam::{account}:oidc-provider/*";

/// How many providers are read at once.
const READS: usize = 5;

impl TypedKind for IamOidcProviders {
    type Desired = Desired;

    const META: KindMeta = KindMeta {
        name: "iam_oidc_provider",
        plural: "identity providers",
        service: "iam",
        summary: "identity provider whose tokens roles trust",
        create_only: &["host"],
        open_maps: &["tags"],
        permissions: &[
            Permission { verb: Verb::Read, action: "iam:ListOpenIDConnectProviders", resource: "*" },
            // Whose a provider is stands in its tags, which only this shows.
            Permission { verb: Verb::Read, action: "iam:GetOpenIDConnectProvider", resource: ANY_PROVIDER },
            Permission { verb: Verb::Create, action: "iam:CreateOpenIDConnectProvider", resource: PROVIDER },
            Permission { verb: Verb::Create, action: "iam:TagOpenIDConnectProvider", resource: PROVIDER },
            Permission { verb: Verb::Update, action: "iam:AddClientIDToOpenIDConnectProvider", resource: PROVIDER },
            Permission {
                verb: Verb::Update,
                action: "iam:RemoveClientIDFromOpenIDConnectProvider",
                resource: PROVIDER,
            },
            Permission { verb: Verb::Update, action: "iam:TagOpenIDConnectProvider", resource: PROVIDER },
            Permission { verb: Verb::Update, action: "iam:UntagOpenIDConnectProvider", resource: PROVIDER },
            Permission { verb: Verb::Delete, action: "iam:DeleteOpenIDConnectProvider", resource: PROVIDER },
        ],
        steps_at_once: 10,
        beside: true,
        ..KindMeta::PLAIN
    };

    fn new(cloud: Arc<Cloud>) -> Self {
        IamOidcProviders { iam: client!(cloud, aws_sdk_iam, Home::Stack), cloud }
    }

    async fn read(&self, wants: &[TypedWant<Desired>], _depth: Depth) -> Answers<Desired> {
        let seen = wants.iter().map(|want| self.look_at(&want.fields.host)).collect();
        Ok(at_once(READS, seen).await)
    }

    async fn list(&self) -> Result<Vec<TypedListed<Desired>>, CallError> {
        let providers = self.providers().await?;
        list_tagged(self, &self.cloud.stack, READS, providers, |_, provider, tags| observed(provider, tags)).await
    }

    async fn inventory(&self) -> Result<Vec<String>, CallError> {
        Ok(self.arns().await?.iter().map(|arn| host_of(arn).to_owned()).collect())
    }

    async fn create(&self, address: &Address, desired: Desired, _token: &str) -> Result<Applied, CallError> {
        let tags = ownership::with_owner(&self.cloud.stack, address, &desired.tags);
        let call = self.iam.create_open_id_connect_provider().url(format!("https://{}", desired.host));
        let call = call.set_client_id_list(Some(desired.audiences.iter().cloned().collect()));
        if let Err(error) = call.set_tags(Some(sdk_tags(tags)?)).send().await {
            let exists = code(&error) == Some("EntityAlreadyExists");
            let failed = call_error("iam:CreateOpenIDConnectProvider", error);
            return Err(if exists { CallError { class: ErrorClass::AlreadyExists, ..failed } } else { failed });
        }
        Ok(self.applied(&desired.host))
    }

    async fn update(&self, change: TypedUpdate<Desired>) -> Result<Applied, CallError> {
        let (iam, desired, arn) = (&self.iam, &change.desired, self.arn(&change.desired.host));
        if change.touches("audiences") {
            for audience in desired.audiences.difference(&change.observed.audiences) {
                let call = iam.add_client_id_to_open_id_connect_provider().open_id_connect_provider_arn(&arn);
                let sent = call.client_id(audience).send().await;
                sent.map_err(|error| call_error("iam:AddClientIDToOpenIDConnectProvider", error))?;
            }
            for audience in change.observed.audiences.difference(&desired.audiences) {
                let call = iam.remove_client_id_from_open_id_connect_provider().open_id_connect_provider_arn(&arn);
                let sent = call.client_id(audience).send().await;
                sent.map_err(|error| call_error("iam:RemoveClientIDFromOpenIDConnectProvider", error))?;
            }
        }
        retag(self, &self.cloud.stack, &change, &desired.tags).await?;
        Ok(self.applied(&desired.host))
    }

    async fn delete(&self, _address: &Address, id: &str, _last: Desired) -> Result<Removal, CallError> {
        let call = self.iam.delete_open_id_connect_provider().open_id_connect_provider_arn(self.arn(id));
        match call.send().await {
            Err(error) if code(&error) != Some("NoSuchEntity") => {
                Err(call_error("iam:DeleteOpenIDConnectProvider", error))
            }
            _ => Ok(Removal::Gone),
        }
    }
}

impl IamOidcProviders {
    async fn arns(&self) -> Result<Vec<String>, CallError> {
        let listed = self.iam.list_open_id_connect_providers().send().await;
        let listed = listed.map_err(|error| call_error("iam:ListOpenIDConnectProviders", error))?;
        Ok(listed.open_id_connect_provider_list.unwrap_or_default().into_iter().filter_map(|one| one.arn).collect())
    }

    /// Every provider of the account by its host, which is its id.
    async fn providers(&self) -> Result<Vec<(String, GetOpenIdConnectProviderOutput)>, CallError> {
        let mut found = Vec::new();
        for arn in self.arns().await? {
            let host = host_of(&arn);
            if let Some(provider) = self.provider(host).await? {
                found.push((host.to_owned(), provider));
            }
        }
        Ok(found)
    }

    async fn provider(&self, host: &str) -> Result<Option<GetOpenIdConnectProviderOutput>, CallError> {
        let call = self.iam.get_open_id_connect_provider().open_id_connect_provider_arn(self.arn(host));
        match call.send().await {
            Ok(provider) => Ok(Some(provider)),
            Err(error) if code(&error) == Some("NoSuchEntity") => Ok(None),
            Err(error) => Err(call_error("iam:GetOpenIDConnectProvider", error)),
        }
    }

    async fn look_at(&self, host: &str) -> Result<Option<Seen<Desired>>, CallError> {
        let Some(provider) = self.provider(host).await? else { return Ok(None) };
        let owned = ownership::split(pairs(&provider));
        Ok(Some(self.seen(Desired { host: host.to_owned(), ..observed(&provider, owned.tags) }, owned.owner)))
    }

    fn seen(&self, fields: Desired, owner: Owner) -> Seen<Desired> {
        let Applied { id, outputs, .. } = self.applied(&fields.host);
        Seen { id, fields, outputs, owner, unread: Vec::new(), pending: None }
    }

    fn applied(&self, host: &str) -> Applied {
        let outputs = BTreeMap::from([("arn".to_owned(), json!(self.arn(host)))]);
        Applied { id: host.to_owned(), outputs, pending: None }
    }

    fn arn(&self, host: &str) -> String {
        format!("arn:aws:iam::{}:oidc-provider/{host}", self.cloud.account)
    }
}

impl Tagged for IamOidcProviders {
    async fn tags(&self, id: &str) -> Result<Option<Tags>, CallError> {
        Ok(self.provider(id).await?.map(|provider| pairs(&provider).collect()))
    }

    async fn tag(&self, id: &str, tags: Tags) -> Result<(), CallError> {
        let call = self.iam.tag_open_id_connect_provider().open_id_connect_provider_arn(self.arn(id));
        let sent = call.set_tags(Some(sdk_tags(tags)?)).send().await;
        sent.map(drop).map_err(|error| call_error("iam:TagOpenIDConnectProvider", error))
    }

    async fn untag(&self, id: &str, keys: Vec<String>) -> Result<(), CallError> {
        let call = self.iam.untag_open_id_connect_provider().open_id_connect_provider_arn(self.arn(id));
        let sent = call.set_tag_keys(Some(keys)).send().await;
        sent.map(drop).map_err(|error| call_error("iam:UntagOpenIDConnectProvider", error))
    }
}

/// `arn:aws:iam::123456789012:oidc-provider/HOST` -> `HOST`.
fn host_of(arn: &str) -> &str {
    arn.split_once("oidc-provider/").map_or(arn, |(_, host)| host)
}

fn pairs(provider: &GetOpenIdConnectProviderOutput) -> impl Iterator<Item = (String, String)> {
    provider.tags().iter().map(|tag| (tag.key.clone(), tag.value.clone()))
}

fn observed(provider: &GetOpenIdConnectProviderOutput, tags: BTreeMap<String, String>) -> Desired {
    let host = provider.url().unwrap_or_default().trim_start_matches("https://").trim_end_matches('/');
    Desired { host: host.to_owned(), audiences: provider.client_id_list().iter().cloned().collect(), tags }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_provider_is_known_by_its_host() {
        assert_eq!(host_of("arn:aws:iam::123456789012:oidc-provider/a.example/path"), "a.example/path");
        // GetOpenIDConnectProvider shows the address without its scheme, as it is in the console.
        for url in ["a.example", "https://a.example"] {
            let provider = GetOpenIdConnectProviderOutput::builder().url(url).client_id_list("x").build();
            assert_eq!(observed(&provider, BTreeMap::new()).host, "a.example");
        }
    }
}
