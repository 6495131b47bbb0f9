"""Plays a billing month with Stripe's own package; prints how many things it checked."""
import json
import sys

import stripe

given = json.load(sys.stdin)
stripe.max_network_retries = 0
client = stripe.StripeClient(given["key"], base_addresses={"api": given["base"]}).v1
checks = 0


def check(actual, expected):
    global checks
    checks += 1
    assert actual == expected, f"check {checks}: {actual!r} is not {expected!r}"


def refused(kind, call, **expected):
    try:
        call()
    except kind as error:
        for name, value in expected.items():
            check(getattr(error, name), value)
        return error
    raise AssertionError(f"not refused as {kind.__name__}")


# What was delivered is trusted, and what was changed on the way is not.
event = stripe.Webhook.construct_event(given["payload"], given["signature"], given["secret"], tolerance=None)
check((event.id, event.type), (given["event"], "customer.created"))
for payload, secret in [(given["payload"] + " ", given["secret"]), (given["payload"], "whsec_other")]:
    refused(
        stripe.SignatureVerificationError,
        lambda: stripe.Webhook.construct_event(payload, given["signature"], secret, tolerance=None),
        http_body=payload,
    )

customer = client.customers.retrieve(given["customer"])
check(customer.email, "pay@acme.test")
client.customers.update(customer.id, params={"metadata": {"billform:tenant": "acme"}})
check(client.customers.retrieve(customer.id).metadata["billform:tenant"], "acme")
for n in range(25):
    client.customers.create(params={"name": f"customer {n}"})
check(len(list(client.customers.list(params={"limit": 10}).auto_paging_iter())), 26)

draft = client.invoices.create(params={"customer": customer.id, "currency": "usd"}, options={"idempotency_key": "k"})
again = client.invoices.create(params={"customer": customer.id, "currency": "usd"}, options={"idempotency_key": "k"})
check(again.id, draft.id)
client.invoices.add_lines(draft.id, params={"lines": [{"amount": 4000, "description": "EC2"}, {"amount": 1000}]})
invoice = client.invoices.finalize_invoice(draft.id)
check((invoice.status, invoice.amount_due), ("open", 5000))
check([line.amount for line in client.invoices.line_items.list(draft.id).data], [4000, 1000])
refused(
    stripe.CardError,
    lambda: client.invoices.pay(draft.id, params={"payment_method": "pm_card_chargeDeclined"}),
    code="card_declined",
    http_status=402,
)
paid = client.invoices.pay(draft.id, params={"payment_method": "pm_card_visa", "expand": ["payments"]})
check((paid.status, paid.amount_paid), ("paid", 5000))
intent = client.payment_intents.retrieve(
    paid.payments.data[0].payment.payment_intent, params={"expand": ["latest_charge.balance_transaction"]}
)
check((intent.status, intent.latest_charge.balance_transaction.net), ("succeeded", 5000 - 175))
refund = client.refunds.create(params={"payment_intent": intent.id, "amount": 500})
check((refund.object, refund.status), ("refund", "succeeded"))
check(client.charges.retrieve(intent.latest_charge.id).amount_refunded, 500)
note = client.credit_notes.create(params={"invoice": draft.id, "amount": 100, "credit_amount": 100})
check((note.status, note.post_payment_amount), ("issued", 100))
check(client.customers.retrieve(customer.id).balance, -100)

setup = client.setup_intents.create(
    params={"customer": customer.id, "payment_method": "pm_card_mastercard", "confirm": True}
)
check(setup.status, "succeeded")
check(client.payment_methods.retrieve(setup.payment_method).card.last4, "4444")
debit = client.setup_intents.create(
    params={
        "customer": customer.id,
        "payment_method": "pm_success_de",
        "confirm": True,
        "mandate_data": {"customer_acceptance": {"type": "offline"}},
    }
)
check(client.mandates.retrieve(debit.mandate).status, "active")
session = client.checkout.sessions.create(
    params={
        "mode": "setup",
        "currency": "eur",
        "customer": customer.id,
        "success_url": "http://app.localhost/{CHECKOUT_SESSION_ID}",
    }
)
check((session.status, list(session.payment_method_types)), ("open", ["card", "sepa_debit"]))
check(client.checkout.sessions.expire(session.id).status, "expired")
configuration = client.billing_portal.configurations.create(params={"features": {"invoice_history": {"enabled": True}}})
portal = client.billing_portal.sessions.create(params={"customer": customer.id, "configuration": configuration.id})
check((portal.customer, portal.return_url), (customer.id, None))

error = refused(stripe.InvalidRequestError, lambda: client.customers.retrieve("cus_none"), code="resource_missing")
check((error.http_status, error.param), (404, "id"))
refused(stripe.InvalidRequestError, lambda: client.customers.create(params={"nmae": "x"}), param="nmae")
refused(stripe.AuthenticationError, lambda: stripe.StripeClient("sk_test_wrongwrongwrong", base_addresses={"api": given["base"]}).v1.customers.list(), http_status=401)
types = {event.type for event in client.events.list(params={"limit": 100}).auto_paging_iter()}
check({"invoice.paid", "setup_intent.succeeded", "checkout.session.expired", "credit_note.created"} <= types, True)
print(f"{checks} checks")
