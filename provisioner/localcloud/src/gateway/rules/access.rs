//! Authorisation of what MiniStack's IAM does not ask for.

use std::sync::Arc;

use futures::future::BoxFuture;
use http::HeaderValue;

use super::super::pipeline::{Answer, Call, Rule, Upstream};
use super::super::protocol::{self, Protocol};
use super::ask::{Ask, carried_out};
use super::caller::{Caller, Callers};
use super::needs::{Need, Place, further_needs, own_need};
use super::policy::{Decision, Policy, decide};
use super::shape::element;
use super::{Refusal, refused};

/// Error types that say that the signature or its key is no good.
const AUTHENTICATION_FAILURES: &[&str] = &[
    "UnrecognizedClientException",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "SignatureDoesNotMatch",
    "ExpiredTokenException",
    "IncompleteSignatureException",
    "MissingAuthenticationTokenException",
];

/// Says between two rules that a call is allowed by AWS's names and ARNs. It is taken off what clients send.
const ALLOWED: &str = "x-billform-allowed";

/// Refuses calls whose caller lacks a permission that AWS would ask for.
pub(super) struct Access(pub(super) Arc<Callers>);

impl Rule for Access {
    fn applies(&self, call: &Call) -> bool {
        call.service != "execute-api" && call.access_key.is_some()
    }

    fn before<'a>(&'a self, call: &'a mut Call, upstream: &'a Upstream) -> BoxFuture<'a, Option<Answer>> {
        Box::pin(async move {
            call.headers.remove(ALLOWED);
            let ask = Ask::new(call, upstream);
            let place = Place { region: ask.region(), account: ask.account() };
            let role = named_role(call, ask).await;
            let own = own_need(call, &place, role.as_deref());
            let further = further_needs(call, &place);
            if own.is_none() && further.is_empty() {
                return None;
            }
            let caller = self.0.find(call, ask).await;
            let Caller::Known { arn, policies } = caller.as_ref() else { return None };
            let checked = check(arn, policies, own.iter().chain(&further));
            if checked.is_ok() && own.is_some() {
                call.headers.insert(ALLOWED, HeaderValue::from_static("1"));
            }
            refused(call, checked.map_err(|refusal| in_protocol(call, refusal)))
        })
    }
}

/// The ARN of the role that a call to IAM names: of a new one as asked for, of another as it is.
async fn named_role(call: &Call, ask: Ask<'_>) -> Option<String> {
    if call.service != "iam" {
        return None;
    }
    let name = call.parameter("RoleName")?;
    let by_path = |path: &str| format!("arn:aws:iam::{}:role{path}{name}", ask.account());
    if call.operation == "CreateRole" {
        return Some(by_path(&call.parameter("Path").unwrap_or_else(|| "/".to_owned())));
    }
    let role = ask.iam(&[("Action", "GetRole"), ("RoleName", &name)]).await;
    Some(role.and_then(|xml| element(&xml, "Arn")).unwrap_or_else(|| by_path("/")))
}

fn check<'a>(arn: &str, policies: &[Policy], needed: impl Iterator<Item = &'a Need>) -> Result<(), Refusal> {
    for need in needed {
        let decisions: Vec<Decision> = need.any_of.iter().map(|question| decide(policies, question)).collect();
        let denied = decisions.contains(&Decision::Deny);
        if decisions.contains(&Decision::Allow) && !denied {
            continue;
        }
        let (action, resource) =
            need.any_of.first().map_or(("", ""), |question| (&question.action, &question.resource));
        let reason = if denied {
            "with an explicit deny in an identity-based policy".to_owned()
        } else {
            format!("because no identity-based policy allows the {action} action")
        };
        return Err(Refusal::new(
            "AccessDenied",
            format!("User: {arn} is not authorized to perform: {action} on resource: {resource} {reason}"),
        ));
    }
    Ok(())
}

/// A denial's code and status differ by protocol.
fn in_protocol(call: &Call, refusal: Refusal) -> Refusal {
    match protocol::of(call) {
        Protocol::Query if call.service == "sns" => Refusal { code: "AuthorizationError", ..refusal }.with_status(403),
        Protocol::Query | Protocol::RestXml | Protocol::Cbor => refusal.with_status(403),
        Protocol::RestJson => Refusal { code: "AccessDeniedException", ..refusal }.with_status(403),
        Protocol::Json => Refusal { code: "AccessDeniedException", ..refusal },
    }
}

/// Lets MiniStack check the signature of a call that the gateway answers itself: MiniStack does not serve it, but
/// authenticates first. None when the signature is good.
pub(super) async fn authentication_failure(call: &Call, upstream: &Upstream) -> Option<Answer> {
    let answer = carried_out(call, upstream).await;
    let body = answer.body_json();
    let kind = body["__type"].as_str().unwrap_or_default();
    AUTHENTICATION_FAILURES.contains(&kind).then_some(answer)
}

/// Does as root what [`Access`] allows and MiniStack denies, because MiniStack asks for an action that IAM does not
/// have or spells an ARN in another way. It denies only after checking the signature.
pub(super) struct ForwardAllowed;

impl Rule for ForwardAllowed {
    fn applies(&self, call: &Call) -> bool {
        const SERVICES: &[&str] =
            &["budgets", "cur", "dynamodb", "events", "iam", "lambda", "logs", "monitoring", "secretsmanager", "sns"];
        SERVICES.contains(&call.service.as_str())
    }

    fn before<'a>(&'a self, call: &'a mut Call, upstream: &'a Upstream) -> BoxFuture<'a, Option<Answer>> {
        Box::pin(async move {
            call.headers.remove(ALLOWED)?;
            let answer = carried_out(call, upstream).await;
            if !is_denial(&answer) {
                return Some(answer);
            }
            call.authorise_as_root();
            None
        })
    }
}

/// Whether IAM said no; a bad signature is not that.
fn is_denial(answer: &Answer) -> bool {
    let is_denial = |code: &str| ["AccessDenied", "AccessDeniedException", "AuthorizationError"].contains(&code);
    let in_xml = || element(&String::from_utf8_lossy(&answer.body), "Code").is_some_and(|code| is_denial(&code));
    answer.body_json()["__type"].as_str().is_some_and(is_denial) || in_xml()
}

#[cfg(test)]
mod tests {
    use super::super::tests::{form_call, json_call, rest_call};
    use super::*;
    use http::Method;
    use serde_json::json;

    fn policy(effect: &str, action: &str, resource: &str) -> Policy {
        Policy::parse(&json!({"Statement": {"Effect": effect, "Action": action, "Resource": resource}}).to_string())
    }

    fn asked(call: &Call, policies: &[Policy]) -> Result<(), Refusal> {
        let place = Place { region: "us-east-1", account: "123456789012" };
        let (own, further) = (own_need(call, &place, None), further_needs(call, &place));
        check("arn:aws:iam::123456789012:user/u", policies, own.iter().chain(&further))
    }

    #[test]
    fn one_spelling_is_enough_and_every_need_counts() {
        let create = json_call("logs", "CreateLogGroup", json!({"logGroupName": "/g", "tags": {"k": "v"}}));
        assert!(asked(&create, &[]).is_err());
        assert_eq!(asked(&create, &[policy("Allow", "logs:*", "arn:aws:logs:*:*:log-group:/g:*")]), Ok(()));
        let body = json!({"FunctionName": "f", "Role": "arn:aws:iam::123456789012:role/r", "Tags": {"k": "v"}});
        let function = rest_call("lambda", "CreateFunction", Method::POST, "/2015-03-31/functions", body);
        let pass = policy("Allow", "iam:PassRole", "arn:aws:iam::123456789012:role/*");
        let refusal = asked(&function, std::slice::from_ref(&pass)).unwrap_err();
        assert!(refusal.message.contains("lambda:CreateFunction"), "{}", refusal.message);
        let make = policy("Allow", "lambda:CreateFunction", "arn:aws:lambda:us-east-1:123456789012:function:f");
        let refusal = asked(&function, &[pass.clone(), make]).unwrap_err();
        assert!(refusal.message.contains("lambda:TagResource"), "{}", refusal.message);
        assert_eq!(asked(&function, &[pass.clone(), policy("Allow", "lambda:*", "*")]), Ok(()));
        let denied = asked(&function, &[pass, policy("Allow", "lambda:*", "*"), policy("Deny", "iam:PassRole", "*")]);
        assert!(denied.unwrap_err().message.contains("explicit deny"));
    }

    #[test]
    fn the_action_that_iam_does_not_have_is_not_enough() {
        let create = json_call("budgets", "CreateBudget", json!({"Budget": {"BudgetName": "b"}}));
        assert!(asked(&create, &[policy("Allow", "budgets:CreateBudget", "*")]).is_err());
        assert_eq!(asked(&create, &[policy("Allow", "budgets:ModifyBudget", "*")]), Ok(()));
    }

    #[test]
    fn denials_speak_the_services_protocol() {
        let refusal = || Refusal::new("AccessDenied", "no");
        let shape = |call: &Call| (in_protocol(call, refusal()).status, in_protocol(call, refusal()).code);
        assert_eq!(shape(&form_call("iam", "CreateRole", &[])), (403, "AccessDenied"));
        assert_eq!(shape(&json_call("budgets", "CreateBudget", json!({}))), (400, "AccessDeniedException"));
        assert_eq!(
            shape(&rest_call("lambda", "CreateFunction", Method::POST, "/f", json!({}))),
            (403, "AccessDeniedException")
        );
    }
}
