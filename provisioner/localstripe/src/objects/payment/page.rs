//! Where the pages of the local Stripe stand that a customer's browser opens.

use serde_json::{Value, json};

use crate::state::State;

/// Where the bank asks for its customer.
pub(crate) const BANK: &str = "/3d_secure/";

/// What the customer of an intent has to do: open the bank's page, or what the caller's own page does with Stripe's
/// script. With a `return_url` the bank's page sends the customer back there.
pub(crate) fn next_action(state: &mut State, intent: &str, return_url: Option<&str>) -> Value {
    match return_url {
        Some(back) => {
            state.returns_to.insert(intent.to_owned(), back.to_owned());
            let url = format!("{}{BANK}{intent}", state.base);
            json!({"type": "redirect_to_url", "redirect_to_url": {"return_url": back, "url": url}})
        }
        None => json!({"type": "use_stripe_sdk", "use_stripe_sdk": {"type": "three_d_secure_redirect"}}),
    }
}

/// The host of the pages, when a request named `host`: names below `localhost` stay, any other becomes `127.0.0.1`. The
/// pages that send customers here are at `localhost`, and Stripe's are another site to a browser.
pub(crate) fn base(host: &str) -> String {
    let (name, port) = host.rsplit_once(':').filter(|(_, port)| port.parse::<u16>().is_ok()).unwrap_or((host, ""));
    let name = if name.ends_with(".localhost") { name } else { "127.0.0.1" };
    if port.is_empty() { format!("http://{name}") } else { format!("http://{name}:{port}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_another_site_than_localhost() {
        for (host, expected) in [
            ("127.0.0.1:4243", "http://127.0.0.1:4243"),
            ("[::1]:4243", "http://127.0.0.1:4243"),
            ("stripe.localhost:4243", "http://stripe.localhost:4243"),
            ("localhost:4243", "http://127.0.0.1:4243"),
            ("", "http://127.0.0.1"),
        ] {
            assert_eq!(base(host), expected, "{host}");
        }
    }
}
