//! Routes: a key, the credential it demands, and the function that answers.

use billing::function::{Auth, RouteSpec, WEBHOOK_PATH};
use futures::future::BoxFuture;

use crate::auth::Caller;
use crate::http::{Refusal, Request, Response};
use crate::run::Run;

/// One route of an API of type `S`.
pub struct Route<S> {
    /// API Gateway's route key: `GET /invoices/{month}`; its path may be [`WEBHOOK_PATH`].
    pub key: &'static str,
    /// The credential that a request must carry; checked before `serve` is called.
    pub auth: Auth,
    /// Answers a request.
    pub serve: Serve<S>,
}

/// Answers one request: `|api, call| Box::pin(api.invoice(call))`.
pub type Serve<S> = for<'a> fn(&'a S, Call<'a>) -> BoxFuture<'a, Result<Response, Refusal>>;

/// A request whose credential holds.
#[derive(Clone, Copy)]
pub struct Call<'a> {
    /// The request.
    pub request: &'a Request,
    /// The caller, as the route's credential proves it.
    pub caller: &'a Caller,
    /// The run.
    pub run: &'a Run,
}

impl<S> Route<S> {
    /// The route as `handlers.json` has it.
    pub fn describe(&self) -> RouteSpec {
        RouteSpec { key: self.key.to_owned(), auth: self.auth }
    }

    /// The route of a request, by the key that the gateway chose, and its guard, which stands at the same place.
    ///
    /// # Errors
    /// 405 when only other methods have routes at its path, else 404.
    pub(super) fn find<'r, G>(
        routes: &'r [Route<S>],
        guards: &'r [G],
        webhook_path: Option<&str>,
        request: &Request,
    ) -> Result<(&'r Route<S>, &'r G), Refusal> {
        let (_, path) = method_and_path(&request.route);
        let path_of = |route: &Route<S>| match method_and_path(route.key).1 {
            WEBHOOK_PATH => webhook_path.unwrap_or(WEBHOOK_PATH).to_owned(),
            path => path.to_owned(),
        };
        let at_path = || routes.iter().zip(guards).filter(|(route, _)| path_of(route) == path);
        let found = at_path().find(|(route, _)| method_and_path(route.key).0 == request.method);
        found.ok_or_else(|| {
            let methods: Vec<&str> = at_path().map(|(route, _)| method_and_path(route.key).0).collect();
            match methods.is_empty() {
                true => Refusal::no_route(),
                false => {
                    let message = format!("only {} is answered here", methods.join(", "));
                    Refusal::new(405, "method_not_allowed", message)
                }
            }
        })
    }
}

fn method_and_path(key: &str) -> (&str, &str) {
    key.split_once(' ').unwrap_or(("", key))
}
