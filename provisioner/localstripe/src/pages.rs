//! Pages that a customer's browser opens, as Stripe hosts them: Checkout, the bank that asks for its customer, and the
//! customer portal. Plain forms, no script. A page's address is all that is needed to open it, as with Stripe.

mod bank;
mod checkout;
mod html;
mod portal;

use bytes::Bytes;

use crate::handle::Stripe;
use crate::objects::billing_portal::session;
use crate::objects::checkout_session;
use crate::objects::invoice::schedule;
use crate::objects::payment::page;
use crate::wire::form::{self, Form};
use crate::wire::object::{Object, set};
use crate::wire::server::{Asked, Kind, Reply};
use crate::work;

/// What a page answers.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Page {
    Shown {
        status: u16,
        html: String,
    },
    /// The browser goes there.
    See(String),
}

impl Page {
    fn gone(what: &str) -> Page {
        let html = html::page("Not available", &format!("<p role=\"alert\">{}</p>", html::escaped(what)));
        Page::Shown { status: 404, html }
    }
}

/// The answer to a request for a page; none when it is one for the API.
pub(crate) async fn answer(stripe: &Stripe, asked: &Asked) -> Option<Reply> {
    let parts = [checkout_session::PAGE, session::PAGE, page::BANK];
    let (part, rest) = parts.into_iter().find_map(|part| Some((part, asked.path.strip_prefix(part)?)))?;
    let given = given(asked);
    let post = asked.method == "POST";
    let shown = {
        let mut state = stripe.state();
        schedule::tick(&mut state);
        if let Some(host) = &asked.host {
            state.base = page::base(host);
        }
        match part {
            checkout_session::PAGE => checkout::answer(&mut state, rest, post.then_some(&given)),
            session::PAGE => portal::answer(&mut state, rest, post.then_some(&given)),
            _ => bank::answer(&mut state, rest, post.then_some(&given)),
        }
    };
    if post {
        // Stripe tells its endpoints before it sends the customer on.
        work::deliver_before_redirect(stripe).await;
    }
    Some(reply(shown))
}

/// The fields of the form that was sent, none of them nested.
fn given(asked: &Asked) -> Object {
    let mut given = Object::new();
    let text = std::str::from_utf8(&asked.body).unwrap_or_default();
    if let Ok(Form::Map(entries)) = form::parse(text) {
        for (name, value) in entries {
            if let Form::Text(value) = value {
                set(&mut given, &name, value.trim());
            }
        }
    }
    given
}

fn reply(page: Page) -> Reply {
    let (status, body, kind) = match page {
        Page::Shown { status, html } => (status, html, Kind::Html),
        Page::See(location) => (303, String::new(), Kind::See(location)),
    };
    Reply {
        status,
        body: Bytes::from(body),
        kind,
        request_id: String::new(),
        version: String::new(),
        idempotency_key: None,
        original_request: None,
    }
}
