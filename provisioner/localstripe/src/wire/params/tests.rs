use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::wire::form::parse;

fn check(operation: &str, text: &str) -> Result<Object, ApiError> {
    let table = Table::embedded();
    validate(table, &table.operations[operation], &parse(text)?, "2026-09-30.endive")
}

fn refusal(operation: &str, text: &str) -> (Option<&'static str>, String, String) {
    let error = check(operation, text).expect_err("the parameters passed");
    assert_eq!(error.status, 400);
    (error.code, error.param.unwrap_or_default(), error.message)
}

const PRICES: &str = "POST /v1/prices";
const ITEMS: &str = "POST /v1/invoiceitems";
const CUSTOMER: &str = "POST /v1/customers/{customer}";

#[test]
fn what_passes_is_typed() {
    let text = "currency=usd&unit_amount=1250&active=false&recurring[interval]=month&recurring[interval_count]=3\
                &metadata[a]=1&metadata[b]=&expand[0]=product&unit_amount_decimal=12.5\
                &tiers[1][up_to]=inf&tiers[1][unit_amount]=5&tiers[0][up_to]=10&tiers[0][flat_amount]=100";
    let params = Value::Object(check(PRICES, text).unwrap());
    assert_eq!(
        params,
        json!({
            "currency": "usd", "unit_amount": 1250, "active": false,
            "recurring": {"interval": "month", "interval_count": 3},
            "metadata": {"a": "1", "b": ""}, "expand": ["product"], "unit_amount_decimal": "12.5",
            "tiers": [{"up_to": 10, "flat_amount": 100}, {"up_to": "inf", "unit_amount": 5}],
        })
    );
}

#[test]
fn unknown_parameters() {
    let (code, param, message) = refusal(PRICES, "currency=usd&amount=1");
    assert_eq!((code, param.as_str()), (Some("parameter_unknown"), "amount"));
    assert_eq!(message, "Received unknown parameter: amount");
    let (code, param, _) = refusal(PRICES, "currency=usd&recurring[interval]=day&recurring[every]=2");
    assert_eq!((code, param.as_str()), (Some("parameter_unknown"), "recurring[every]"));
    let (_, _, message) = refusal(PRICES, "currency=usd&a=1&b=2");
    assert_eq!(message, "Received unknown parameters: a, b");
}

#[test]
fn missing_parameters() {
    let (code, param, message) = refusal(PRICES, "unit_amount=1");
    assert_eq!((code, param.as_str()), (Some("parameter_missing"), "currency"));
    assert_eq!(message, "Missing required param: currency.");
    let (_, param, _) = refusal(PRICES, "currency=usd&tiers[0][unit_amount]=1");
    assert_eq!(param, "tiers[0][up_to]");
    let (_, param, _) = refusal(ITEMS, "period[start]=1");
    assert_eq!(param, "period[end]");
}

#[test]
fn wrong_types() {
    for (text, param) in [
        ("currency[a]=usd", "currency"),
        ("currency=usd&recurring=month", "recurring"),
        ("currency=usd&expand=product", "expand"),
        ("currency=usd&expand[x]=product", "expand"),
        ("currency=usd&active=yes", "active"),
        ("currency=usd&active=1", "active"),
        ("currency=usd&metadata=x", "metadata"),
        ("currency=usd&unit_amount_decimal=1e3", "unit_amount_decimal"),
        ("currency=usd&unit_amount_decimal=.5", "unit_amount_decimal"),
    ] {
        let (_, named, _) = refusal(PRICES, text);
        assert_eq!(named, param, "{text}");
    }
}

#[test]
fn bad_integers() {
    for bad in ["1.5", "12a", "+3", "", "1e3", "99999999999999999999", "-"] {
        let (code, param, _) = refusal(PRICES, &format!("currency=usd&unit_amount={bad}"));
        assert_eq!((code, param.as_str()), (Some("parameter_invalid_integer"), "unit_amount"), "{bad}");
    }
    assert_eq!(check(ITEMS, "amount=-5").unwrap()["amount"], -5);
}

#[test]
fn values_outside_a_choice() {
    let (_, param, message) = refusal(PRICES, "currency=usd&recurring[interval]=fortnight");
    assert_eq!(param, "recurring[interval]");
    assert_eq!(message, "Invalid recurring[interval]: must be one of day, month, week, or year");
}

#[test]
fn strings_that_are_too_long() {
    let key = "k".repeat(201);
    let (_, param, message) = refusal(PRICES, &format!("currency=usd&lookup_key={key}"));
    assert_eq!(param, "lookup_key");
    assert_eq!(message, "Invalid string: kkkkkkkk...kkkk; must be at most 200 characters");
    // Characters count, not bytes.
    assert!(check(PRICES, &format!("currency=usd&lookup_key={}", "é".repeat(200))).is_ok());
}

#[test]
fn empty_texts_only_clear_what_can_be_cleared() {
    let (code, param, _) = refusal("POST /v1/products/{id}", "name=");
    assert_eq!((code, param.as_str()), (Some("parameter_invalid_empty"), "name"));
    assert_eq!(check("POST /v1/products/{id}", "description=").unwrap()["description"], "");
    assert_eq!(check(CUSTOMER, "email=&metadata=").unwrap()["email"], "");
}

#[test]
fn alternatives_report_the_one_of_the_same_shape() {
    let (_, param, _) = refusal(CUSTOMER, "address[street]=x");
    assert_eq!(param, "address[street]");
    let (code, param, _) = refusal("GET /v1/customers", "created[gte]=today");
    assert_eq!((code, param.as_str()), (Some("parameter_invalid_integer"), "created[gte]"));
    let (code, _, _) = refusal("GET /v1/customers", "created=today");
    assert_eq!(code, Some("parameter_invalid_integer"));
    let (_, param, message) = refusal("POST /v1/products/{id}", &format!("unit_label={}", "u".repeat(13)));
    assert_eq!(param, "unit_label");
    assert!(message.contains("at most 12"), "{message}");
    let (_, param, message) = refusal("POST /v1/invoices", "custom_fields[0][name]=a&custom_fields[0][valu]=b");
    assert_eq!(
        (param.as_str(), message.as_str()),
        ("custom_fields[0][valu]", "Received unknown parameter: custom_fields[0][valu]")
    );
}

#[test]
fn what_stripe_takes_and_we_do_not_keep_is_said() {
    let (code, param, message) = refusal("POST /v1/customers", "source=tok_visa");
    assert_eq!((code, param.as_str()), (None, "source"));
    assert_eq!(message, "The local Stripe does not model the parameter `source`.");
    let nested = "lines[0][amount]=1&lines[0][tax_rates][0]=txr_1";
    let (_, param, _) = refusal("POST /v1/invoices/{invoice}/add_lines", nested);
    assert_eq!(param, "lines[tax_rates]");
}

proptest! {
    /// Whatever comes in, the validator answers; and what it accepts has only known names.
    #[test]
    fn any_text_is_answered(text in "[a-z_\\[\\]0-9=&%+.é-]{0,60}") {
        if let Ok(form) = parse(&text) {
            let table = Table::embedded();
            let operation = &table.operations["POST /v1/invoices"];
            if let Ok(params) = validate(table, operation, &form, "2026-09-30.endive") {
                prop_assert!(params.keys().all(|name| operation.params.contains_key(name)));
            }
        }
    }

    #[test]
    fn integers_survive(number: i64) {
        let params = check("POST /v1/invoiceitems", &format!("amount={number}")).unwrap();
        prop_assert_eq!(&params["amount"], &json!(number));
    }
}
