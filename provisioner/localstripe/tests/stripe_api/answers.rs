//! What the local Stripe answers, held against Stripe's own published table of objects: every required field is there,
//! every field is known, every value has its type.

use serde_json::Value;

use crate::Local;

const TABLE: &str = include_str!("../../data/stripe-params.json");
const OVERLAY: &str = include_str!("../../data/stripe-overlay.json");

/// Answered beyond the published table: what the newer API version adds, and what real answers still carry.
const ADDED: [(&str, &str); 4] =
    [("product", "attributes"), ("product", "tax_details"), ("product", "type"), ("recurring", "trial_period_days")];

pub struct Published {
    table: Value,
}

impl Published {
    pub fn read() -> Published {
        let mut table: Value = serde_json::from_str(TABLE).unwrap();
        let overlay: Value = serde_json::from_str(OVERLAY).unwrap();
        for part in ["ops", "objects"] {
            for (name, added) in overlay[part].as_object().unwrap() {
                table[part][name] = added.clone();
            }
        }
        for (name, added) in overlay["fields"].as_object().unwrap() {
            for (field, kind) in added.as_object().unwrap() {
                table["objects"][name]["fields"][field] = kind.clone();
            }
        }
        Published { table }
    }

    /// Holds the answer of an operation against what it is published to return.
    pub fn check(&self, operation: &str, answer: &Value) {
        let faults = self.faults(operation, answer);
        assert!(faults.is_empty(), "{}\n{answer:#}", faults.join("\n"));
    }

    /// The published types of events.
    pub fn event_types(&self) -> std::collections::BTreeSet<String> {
        let field = &self.table["ops"]["POST /v1/webhook_endpoints"]["params"]["enabled_events!"];
        let listed = &self.table["defs"][field["f"].as_u64().unwrap() as usize]["a"]["e"];
        listed.as_array().unwrap().iter().map(|kind| kind.as_str().unwrap().to_owned()).collect()
    }

    fn faults(&self, operation: &str, answer: &Value) -> Vec<String> {
        let kind = &self.table["ops"][operation]["returns"];
        assert!(!kind.is_null(), "{operation} has no answer in the table");
        let mut faults = Vec::new();
        self.value(kind, answer, operation, &mut faults);
        faults
    }

    fn value(&self, kind: &Value, value: &Value, at: &str, faults: &mut Vec<String>) {
        if let Some(letter) = kind.as_str() {
            if !scalar(letter, value) {
                faults.push(format!("{at} is not {letter}: {value}"));
            }
            return;
        }
        let (key, inner) = kind.as_object().and_then(|kind| kind.iter().next()).expect("a type");
        match key.as_str() {
            "n" if value.is_null() => {}
            "n" => self.value(inner, value, at, faults),
            "f" => self.value(&self.table["defs"][inner.as_u64().unwrap() as usize], value, at, faults),
            "x" if value.is_string() => {}
            "x" | "r" => self.object(inner, value, at, faults),
            "l" if value.is_object() => {}
            "e" if inner.as_array().unwrap().contains(value) => {}
            "a" | "m" | "list" => self.members(key, inner, value, at, faults),
            _ => faults.push(format!("{at} does not fit {kind}: {value}")),
        }
    }

    fn members(&self, key: &str, inner: &Value, value: &Value, at: &str, faults: &mut Vec<String>) {
        let rows: Vec<&Value> = match (key, value) {
            ("a", Value::Array(rows)) => rows.iter().collect(),
            ("m", Value::Object(map)) => map.values().collect(),
            ("list", Value::Object(page)) if page["object"] == "list" && page["has_more"].is_boolean() => {
                page["data"].as_array().unwrap().iter().collect()
            }
            _ => {
                faults.push(format!("{at} is no {key}: {value}"));
                return;
            }
        };
        for (n, row) in rows.into_iter().enumerate() {
            self.value(inner, row, &format!("{at}[{n}]"), faults);
        }
    }

    fn object(&self, target: &Value, value: &Value, at: &str, faults: &mut Vec<String>) {
        let name = target.as_str().or(target[0].as_str()).unwrap();
        let (Some(fields), Some(object)) = (self.table["objects"][name]["fields"].as_object(), value.as_object())
        else {
            faults.push(format!("{at} is no {name}: {value}"));
            return;
        };
        for (field, kind) in fields {
            let (plain, required) = (field.trim_end_matches('!'), field.ends_with('!'));
            match object.get(plain) {
                Some(inner) => self.value(kind, inner, &format!("{at}.{plain}"), faults),
                None if required => faults.push(format!("{at}.{plain} is missing")),
                None => {}
            }
        }
        for field in object.keys() {
            let known = fields.keys().any(|known| known.trim_end_matches('!') == field);
            if !known && !ADDED.contains(&(name, field.as_str())) {
                faults.push(format!("{at}.{field} is unknown"));
            }
        }
    }
}

fn scalar(letter: &str, value: &Value) -> bool {
    match letter {
        "i" | "t" => value.is_i64(),
        "n" => value.is_number(),
        "b" => value.is_boolean(),
        _ => value.is_string(),
    }
}

#[tokio::test]
async fn a_wrong_answer_is_seen() {
    let (local, published) = (Local::start().await, Published::read());
    let customer = local.customer().await;
    let right = local.post("/v1/invoices", &format!("customer={customer}")).await.ok();
    let operation = "POST /v1/invoices";
    assert_eq!(published.faults(operation, &right), Vec::<String>::new());
    for (field, wrong) in [
        ("total", Value::from("0")),
        ("total", Value::Null),
        ("status", Value::from("drafted")),
        ("lines", Value::Array(Vec::new())),
        ("issuer", serde_json::json!({"type": "me"})),
        ("subscription", Value::Null),
    ] {
        let mut answer = right.clone();
        answer[field] = wrong.clone();
        let faults = published.faults(operation, &answer);
        assert!(faults.len() == 1 && faults[0].contains(field), "{field} = {wrong}: {faults:?}");
    }
    let mut answer = right;
    answer.as_object_mut().unwrap().remove("amount_due");
    assert_eq!(published.faults(operation, &answer), ["POST /v1/invoices.amount_due is missing"]);
}

#[tokio::test]
async fn answers_have_the_published_shape() {
    let (local, published) = (Local::start().await, Published::read());
    let all = "name=N&email=n%40lab.test&phone=1&description=d&balance=-5&address[city]=Toledo&shipping[name]=x\
        &shipping[address][line1]=y&metadata[a]=1&tax_exempt=exempt&preferred_locales[0]=es\
        &invoice_settings[footer]=f&invoice_settings[custom_fields][0][name]=a&invoice_settings[custom_fields][0][value]=b";
    let customer = local.post("/v1/customers", all).await.ok();
    published.check("POST /v1/customers", &customer);
    let customer = crate::id(&customer);
    published.check("GET /v1/customers", &local.get("/v1/customers").await.ok());

    let form = "name=P&id=p&unit_label=seat&url=https%3A%2F%2Fp.test&package_dimensions[height]=1.5\
        &package_dimensions[length]=2&package_dimensions[weight]=3&package_dimensions[width]=4\
        &marketing_features[0][name]=fast&default_price_data[currency]=usd&default_price_data[unit_amount]=5&expand[]=default_price";
    published.check("POST /v1/products", &local.post("/v1/products", form).await.ok());
    published.check("GET /v1/products/{id}", &local.get("/v1/products/p").await.ok());
    published.check("POST /v1/products/{id}", &local.post("/v1/products/p", "description=d").await.ok());

    let tiered = "product=p&currency=usd&billing_scheme=tiered&tiers_mode=graduated&recurring[interval]=month\
        &tiers[0][up_to]=1000&tiers[0][unit_amount]=0&tiers[1][up_to]=inf&tiers[1][unit_amount_decimal]=0.5\
        &expand[]=tiers&expand[]=product";
    let price = local.post("/v1/prices", tiered).await.ok();
    published.check("POST /v1/prices", &price);
    assert_eq!(price["tiers"][1]["unit_amount_decimal"], "0.5");
    assert_eq!(price["tiers"][1]["up_to"], Value::Null);
    assert_eq!(price["product"]["name"], "P");
    published.check("GET /v1/prices", &local.get("/v1/prices?expand[]=data.product").await.ok());

    let draft = local.post("/v1/invoices", &format!("customer={customer}&currency=usd&custom_fields[0][name]=PO&custom_fields[0][value]=7&rendering[pdf][page_size]=a4&auto_advance=true")).await.ok();
    published.check("POST /v1/invoices", &draft);
    let invoice = crate::id(&draft);
    let item = format!(
        "customer={customer}&invoice={invoice}&price_data[currency]=usd&price_data[product]=p&price_data[unit_amount]=250&quantity=3&expand[]=invoice"
    );
    let item = local.post("/v1/invoiceitems", &item).await.ok();
    published.check("POST /v1/invoiceitems", &item);
    let lines = local.get(&format!("/v1/invoices/{invoice}/lines")).await.ok();
    published.check("GET /v1/invoices/{invoice}/lines", &lines);
    let line = crate::id(&lines["data"][0]);
    let changed = local.post(&format!("/v1/invoices/{invoice}/lines/{line}"), "quantity=4").await.ok();
    published.check("POST /v1/invoices/{invoice}/lines/{line_item_id}", &changed);
    assert_eq!(changed["amount"], 1000);
    let finalized = local.post(&format!("/v1/invoices/{invoice}/finalize"), "expand[]=customer").await.ok();
    published.check("POST /v1/invoices/{invoice}/finalize", &finalized);
    assert_eq!(finalized["customer"]["email"], "n@lab.test");
    let paid = local.post(&format!("/v1/invoices/{invoice}/pay"), "payment_method=pm_card_visa").await.ok();
    published.check("POST /v1/invoices/{invoice}/pay", &paid);
    published.check("GET /v1/invoices", &local.get("/v1/invoices").await.ok());
    published.check("GET /v1/invoiceitems", &local.get("/v1/invoiceitems").await.ok());
    published.check("GET /v1/balance", &local.get("/v1/balance").await.ok());
    let deleted = local.delete(&format!("/v1/customers/{customer}")).await.ok();
    published.check("DELETE /v1/customers/{customer}", &deleted);
}
