//! Routes and the integrations they lead to: one per function.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_apigatewayv2::types::{AuthorizationType, Integration, IntegrationType, Route};
use engine::kind::CallError;

use super::HttpApis;
use super::calls::{MISSING, failed, sent_once};
use crate::cloud::errors::code;

/// The shape of the event that functions get.
const PAYLOAD: &str = "2.0";

/// One call that brings the routes nearer to what is wanted.
#[derive(Debug, PartialEq, Eq)]
enum Edit {
    /// A route key has no route yet.
    Create { key: String, target: String },
    /// A route leads elsewhere, or asks for an authorisation.
    Point { route: String, key: String, target: String },
    /// A route is not wanted, or the second of its key.
    Delete { route: String },
}

impl HttpApis {
    /// Looks, then makes the calls that are still needed, one by one; repeated, it finds nothing left to do.
    pub(super) async fn converge_routes(&self, api: &str, wanted: &BTreeMap<String, String>) -> Result<(), CallError> {
        let integrations = self.integrations(api).await?;
        let targets = self.targets(api, wanted, &integrations).await?;
        let routes = self.routes(api).await?;
        for edit in edits(wanted, &targets, &routes) {
            self.carry_out(api, edit).await?;
        }
        // Only now: an integration that a route leads to cannot be deleted.
        let used: BTreeSet<&String> = targets.values().collect();
        for unused in integrations.iter().filter_map(|it| it.integration_id.as_ref()).filter(|id| !used.contains(id)) {
            self.delete_integration(api, unused).await?;
        }
        Ok(())
    }

    /// Function ARN -> id of the integration that calls it, made where there is none.
    async fn targets(
        &self,
        api: &str,
        wanted: &BTreeMap<String, String>,
        present: &[Integration],
    ) -> Result<BTreeMap<String, String>, CallError> {
        let mut targets = BTreeMap::new();
        for function in wanted.values().collect::<BTreeSet<_>>() {
            let fitting = present.iter().find(|it| described(it) == *function);
            let id = match fitting.and_then(|integration| integration.integration_id.clone()) {
                Some(id) => id,
                None => self.create_integration(api, function).await?,
            };
            targets.insert(function.clone(), id);
        }
        Ok(targets)
    }

    async fn create_integration(&self, api: &str, function: &str) -> Result<String, CallError> {
        let call = self.api_gateway.create_integration().api_id(api).integration_uri(function);
        let call = call.integration_type(IntegrationType::AwsProxy).payload_format_version(PAYLOAD);
        let made = call.customize().config_override(sent_once()).send().await;
        let made = made.map_err(|error| failed("apigateway:CreateIntegration", error))?;
        Ok(made.integration_id.unwrap_or_default())
    }

    async fn carry_out(&self, api: &str, edit: Edit) -> Result<(), CallError> {
        let api_gateway = &self.api_gateway;
        match edit {
            Edit::Create { key, target } => {
                let call = api_gateway.create_route().api_id(api).route_key(key).target(target);
                let made = call.customize().config_override(sent_once()).send().await;
                made.map(drop).map_err(|error| failed("apigateway:CreateRoute", error))
            }
            Edit::Point { route, key, target } => {
                let call = api_gateway.update_route().api_id(api).route_id(route).route_key(key).target(target);
                let changed = call.authorization_type(AuthorizationType::None).send().await;
                changed.map(drop).map_err(|error| failed("apigateway:UpdateRoute", error))
            }
            Edit::Delete { route } => match api_gateway.delete_route().api_id(api).route_id(route).send().await {
                Err(error) if code(&error) != Some(MISSING) => Err(failed("apigateway:DeleteRoute", error)),
                _ => Ok(()),
            },
        }
    }

    async fn delete_integration(&self, api: &str, id: &str) -> Result<(), CallError> {
        match self.api_gateway.delete_integration().api_id(api).integration_id(id).send().await {
            Err(error) if code(&error) != Some(MISSING) => Err(failed("apigateway:DeleteIntegration", error)),
            _ => Ok(()),
        }
    }
}

/// Route key -> what answers: a function's ARN where the route is as we make it, else that and what is different.
pub fn observed(routes: &[Route], integrations: &[Integration]) -> BTreeMap<String, String> {
    let mut observed: BTreeMap<String, String> = BTreeMap::new();
    for route in routes {
        let answer = answer(route, integrations);
        let key = route.route_key().unwrap_or_default().to_owned();
        // Two routes of one key should not be: both are shown, so that they differ from any one.
        observed.entry(key).and_modify(|first| *first = format!("{first}, {answer}")).or_insert(answer);
    }
    observed
}

fn answer(route: &Route, integrations: &[Integration]) -> String {
    let target = route.target().unwrap_or_default();
    let id = target.strip_prefix("integrations/");
    let integration = integrations.iter().find(|it| id.is_some() && it.integration_id() == id);
    let answer = integration.map_or_else(|| format!("{target:?}, which does not exist"), described);
    match route.authorization_type() {
        None | Some(AuthorizationType::None) => answer,
        Some(kind) => format!("{answer} (asks for {})", kind.as_str()),
    }
}

/// The function's ARN for an integration as we make it, else what it is.
fn described(integration: &Integration) -> String {
    let function = function_arn(integration.integration_uri().unwrap_or_default());
    let kind = integration.integration_type().map_or("no type", IntegrationType::as_str);
    let payload = integration.payload_format_version().unwrap_or("1.0");
    if kind == IntegrationType::AwsProxy.as_str() && payload == PAYLOAD {
        function.to_owned()
    } else {
        format!("{function} ({kind}, payload {payload})")
    }
}

/// The function in the long form of its address, `arn:aws:apigateway:…:path/2015-03-31/functions/ARN/invocations`.
fn function_arn(uri: &str) -> &str {
    let within = uri.split_once("/functions/").map_or(uri, |(_, rest)| rest);
    within.strip_suffix("/invocations").unwrap_or(within)
}

/// What leads from the present routes to the wanted ones: made and pointed first, deleted last, so that nothing that
/// is wanted goes unanswered meanwhile.
fn edits(wanted: &BTreeMap<String, String>, targets: &BTreeMap<String, String>, present: &[Route]) -> Vec<Edit> {
    let (mut edits, mut deletes) = (Vec::new(), Vec::new());
    let id = |route: &Route| route.route_id().unwrap_or_default().to_owned();
    for (key, function) in wanted {
        let target = format!("integrations/{}", targets.get(function).map(String::as_str).unwrap_or_default());
        let open = |route: &Route| matches!(route.authorization_type(), None | Some(AuthorizationType::None));
        let fits = |route: &Route| route.target() == Some(target.as_str()) && open(route);
        let mut of_key: Vec<&Route> = present.iter().filter(|route| route.route_key() == Some(key)).collect();
        of_key.sort_by_key(|route| !fits(route));
        match of_key.split_first() {
            None => edits.push(Edit::Create { key: key.clone(), target }),
            Some((first, rest)) => {
                deletes.extend(rest.iter().map(|route| Edit::Delete { route: id(route) }));
                if !fits(first) {
                    edits.push(Edit::Point { route: id(first), key: key.clone(), target });
                }
            }
        }
    }
    let unwanted = present.iter().filter(|route| !wanted.contains_key(route.route_key().unwrap_or_default()));
    deletes.extend(unwanted.map(|route| Edit::Delete { route: id(route) }));
    edits.extend(deletes);
    edits
}

#[cfg(test)]
mod tests {
    use super::*;

    const COSTS: &str = "arn:aws:lambda:us-east-1:123456789012:function:costs";

    fn integration(id: &str, uri: &str) -> Integration {
        let builder = Integration::builder().integration_id(id).integration_uri(uri);
        builder.integration_type(IntegrationType::AwsProxy).payload_format_version(PAYLOAD).build()
    }

    fn route(id: &str, key: &str, target: &str) -> Route {
        Route::builder().route_id(id).route_key(key).target(format!("integrations/{target}")).build()
    }

    fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn a_route_reads_as_the_function_that_answers() {
        let long = format!("arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{COSTS}/invocations");
        for uri in [COSTS, &long] {
            let seen = observed(&[route("r", "GET /costs", "i")], &[integration("i", uri)]);
            assert_eq!(seen, map(&[("GET /costs", COSTS)]));
        }
    }

    #[test]
    fn whatever_is_not_as_we_make_it_differs() {
        let ours = integration("i", COSTS);
        let mut old_payload = ours.clone();
        old_payload.payload_format_version = Some("1.0".to_owned());
        let mut guarded = route("r", "GET /costs", "i");
        guarded.authorization_type = Some(AuthorizationType::AwsIam);
        let plain = route("r", "GET /costs", "i");
        for (routes, integrations) in [
            (vec![plain.clone()], vec![old_payload]),
            (vec![guarded], vec![ours.clone()]),
            (vec![plain.clone()], vec![]),
            (vec![plain.clone(), plain], vec![ours]),
        ] {
            assert_ne!(observed(&routes, &integrations), map(&[("GET /costs", COSTS)]), "{routes:?} {integrations:?}");
        }
    }

    #[test]
    fn nothing_is_done_where_all_is_right() {
        let present = [route("r", "GET /costs", "i")];
        assert_eq!(edits(&map(&[("GET /costs", COSTS)]), &map(&[(COSTS, "i")]), &present), []);
    }

    #[test]
    fn routes_are_made_and_pointed_before_others_go() {
        let wanted = map(&[("GET /a", COSTS), ("GET /b", COSTS)]);
        let present =
            [route("old", "GET /old", "i"), route("wrong", "GET /b", "other"), route("second", "GET /b", "another")];
        let target = "integrations/i".to_owned();
        assert_eq!(
            edits(&wanted, &map(&[(COSTS, "i")]), &present),
            [
                Edit::Create { key: "GET /a".to_owned(), target: target.clone() },
                Edit::Point { route: "wrong".to_owned(), key: "GET /b".to_owned(), target },
                Edit::Delete { route: "second".to_owned() },
                Edit::Delete { route: "old".to_owned() },
            ]
        );
    }

    #[test]
    fn of_two_routes_of_a_key_the_right_one_stays() {
        let present = [route("wrong", "GET /a", "other"), route("right", "GET /a", "i")];
        let edits = edits(&map(&[("GET /a", COSTS)]), &map(&[(COSTS, "i")]), &present);
        assert_eq!(edits, [Edit::Delete { route: "wrong".to_owned() }]);
    }
}
