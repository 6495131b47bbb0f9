//! Which of the account's APIs is the one at an address.

use std::cmp::Reverse;

use aws_sdk_apigatewayv2::types::{Api, ProtocolType};
use billing::names::{ADDRESS_TAG, OWNER_TAG};
use engine::Address;
use engine::kind::CallError;

use crate::cloud::errors::refused;

/// The API with the id that the state knows, or else the oldest that carries the stack's tags and the address.
///
/// Two of ours come about when a create is repeated before the first shows in the list. The oldest is the one others
/// may refer to; when no time tells them apart, a person must.
pub fn ours<'a>(
    apis: &'a [Api],
    stack: &str,
    address: &Address,
    id: Option<&str>,
) -> Result<Option<&'a Api>, CallError> {
    let http = oldest_first(apis);
    if let Some(known) = id.and_then(|id| http.iter().find(|api| api.api_id() == Some(id))) {
        return Ok(Some(known));
    }
    let tagged: Vec<&Api> = http.into_iter().filter(|api| carries(api, stack, address)).collect();
    match tagged.as_slice() {
        [first, second, ..] if first.created_date() == second.created_date() => Err(ambiguous(&tagged, address)),
        [first, ..] => Ok(Some(first)),
        [] => Ok(None),
    }
}

/// The HTTP APIs, oldest first; those of unknown age last.
pub fn oldest_first(apis: &[Api]) -> Vec<&Api> {
    let mut http: Vec<&Api> = apis.iter().filter(|api| api.protocol_type() == Some(&ProtocolType::Http)).collect();
    http.sort_by_key(|api| (Reverse(api.created_date().is_some()), api.created_date().copied()));
    http
}

/// The other APIs that carry the same tags. A create that is given up on can still take effect, seconds later, and
/// nothing refers to what it makes.
pub fn doubles(apis: &[Api], stack: &str, address: &Address, kept: &Api) -> Vec<String> {
    let mut ids = at_address(apis, stack, address);
    ids.retain(|id| Some(id.as_str()) != kept.api_id());
    ids
}

/// Returns the ids of every API that carries the stack's tags and the address, in order.
pub fn at_address(apis: &[Api], stack: &str, address: &Address) -> Vec<String> {
    let tagged = apis.iter().filter(|api| carries(api, stack, address));
    let mut ids: Vec<String> = tagged.filter_map(|api| api.api_id().map(str::to_owned)).collect();
    ids.sort_unstable();
    ids
}

/// Whether the list says that the API is the stack's.
pub fn says(api: &Api, stack: &str) -> bool {
    api.tags().and_then(|tags| tags.get(OWNER_TAG)).is_some_and(|owner| owner == stack)
}

fn carries(api: &Api, stack: &str, address: &Address) -> bool {
    let tag = |key: &str| api.tags().and_then(|tags| tags.get(key));
    says(api, stack) && tag(ADDRESS_TAG).is_some_and(|tagged| *tagged == address.to_string())
}

fn ambiguous(apis: &[&Api], address: &Address) -> CallError {
    let ids: Vec<&str> = apis.iter().filter_map(|api| api.api_id()).collect();
    let message = format!(
        "the APIs {} all carry the tags of {address} and were made at the same time; delete all but one",
        ids.join(", ")
    );
    refused("apigateway:GetApis", message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_smithy_types::DateTime;

    fn api(id: &str, stack: &str, address: &str, made: i64) -> Api {
        Api::builder()
            .api_id(id)
            .name("portal")
            .protocol_type(ProtocolType::Http)
            .created_date(DateTime::from_secs(made))
            .tags(OWNER_TAG, stack)
            .tags(ADDRESS_TAG, address)
            .build()
    }

    fn found<'a>(apis: &'a [Api], id: Option<&str>) -> Result<Option<&'a str>, CallError> {
        let found = ours(apis, "shop", &Address::new("http_api", "main"), id)?;
        Ok(found.and_then(Api::api_id))
    }

    #[test]
    fn it_is_found_by_its_tags_and_never_by_its_name() {
        let theirs = [api("a", "other", "http_api.main", 1), api("b", "shop", "http_api.second", 1)];
        let untagged = Api::builder().api_id("c").name("portal").protocol_type(ProtocolType::Http).build();
        let mut apis = theirs.to_vec();
        apis.push(untagged);
        assert_eq!(found(&apis, None), Ok(None));
        apis.push(api("d", "shop", "http_api.main", 2));
        assert_eq!(found(&apis, None), Ok(Some("d")));
    }

    #[test]
    fn of_two_the_known_one_counts_and_else_the_oldest() {
        let apis = [api("young", "shop", "http_api.main", 9), api("old", "shop", "http_api.main", 3)];
        assert_eq!(found(&apis, None), Ok(Some("old")));
        assert_eq!(found(&apis, Some("young")), Ok(Some("young")));
        assert_eq!(found(&apis, Some("gone")), Ok(Some("old")));
    }

    #[test]
    fn the_others_with_the_same_tags_are_doubles_whoever_is_kept() {
        let kept = api("old", "shop", "http_api.main", 3);
        let apis = [
            api("young", "shop", "http_api.main", 9),
            kept.clone(),
            api("theirs", "other", "http_api.main", 1),
            api("second", "shop", "http_api.second", 1),
        ];
        let address = Address::new("http_api", "main");
        assert_eq!(doubles(&apis, "shop", &address, &kept), ["young"]);
        assert_eq!(at_address(&apis, "shop", &address), ["old", "young"], "a delete takes all of them");
        assert_eq!(doubles(&apis[1..], "shop", &address, &kept), [""; 0]);
    }

    #[test]
    fn two_of_the_same_age_are_an_error_that_names_both() {
        let apis = [api("one", "shop", "http_api.main", 3), api("two", "shop", "http_api.main", 3)];
        let error = found(&apis, None).expect_err("cannot tell");
        assert!(error.message.contains("one, two"), "{error}");
    }
}
