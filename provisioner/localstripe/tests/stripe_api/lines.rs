//! The lines of a draft: what each says of itself, how many there may be, and the invoice's metadata in the same call.

use serde_json::{Value, json};

use crate::{Local, id, ids};

async fn read(local: &Local, invoice: &str) -> Value {
    local.get(&format!("/v1/invoices/{invoice}")).await.ok()
}

#[tokio::test]
async fn lines_say_what_they_are_and_change_with_the_invoice_in_one_call() {
    let local = Local::start().await;
    let customer = local.customer().await;
    let invoice = local.draft(&customer).await;
    let path = format!("/v1/invoices/{invoice}");
    let two = "lines[0][amount]=8530&lines[0][description]=Amazon+EC2&lines[0][metadata][service]=ec2\
        &lines[0][period][start]=1790812800&lines[0][period][end]=1793491199&lines[0][discountable]=false\
        &lines[1][amount]=-550&lines[1][description]=discount\
        &invoice_metadata[billform_state]=complete&invoice_metadata[billform_total]=7980";
    let drawn = local.post(&format!("{path}/add_lines"), two).await.ok();
    assert_eq!(drawn["metadata"], json!({"billform_state": "complete", "billform_total": "7980"}));
    assert_eq!(
        (&drawn["total"], &drawn["amount_due"], &drawn["amount_remaining"]),
        (&json!(7980), &json!(7980), &json!(7980))
    );
    let line = &drawn["lines"]["data"][0];
    assert!(id(line).starts_with("il_"));
    assert_eq!(
        (&line["amount"], &line["description"], &line["metadata"], &line["discountable"], &line["period"]),
        (
            &json!(8530),
            &json!("Amazon EC2"),
            &json!({"service": "ec2"}),
            &json!(false),
            &json!({"start": 1_790_812_800, "end": 1_793_491_199})
        )
    );
    let changed = format!(
        "lines[0][id]={}&lines[0][amount]=9000&lines[0][description]=EC2&lines[0][metadata][service]=&lines[0][metadata][m]=10\
         &lines[0][discountable]=true&lines[0][period][start]=5&lines[0][period][end]=6&invoice_metadata[billform_total]=8450",
        id(line)
    );
    let changed = local.post(&format!("{path}/update_lines"), &changed).await.ok();
    let (line, was) = (&changed["lines"]["data"][0], id(line));
    assert_eq!((id(line), &line["metadata"], &line["discountable"]), (was, &json!({"m": "10"}), &json!(true)));
    assert_eq!((&changed["total"], &changed["metadata"]["billform_total"]), (&json!(8450), &json!("8450")));
    let gone: Vec<String> = ids(&changed["lines"])
        .iter()
        .enumerate()
        .map(|(n, line)| format!("lines[{n}][id]={line}&lines[{n}][behavior]=delete"))
        .collect();
    let form =
        format!("{}&invoice_metadata[billform_state]=redrawing&invoice_metadata[billform_total]=", gone.join("&"));
    let empty = local.post(&format!("{path}/remove_lines"), &form).await.ok();
    assert_eq!((&empty["total"], ids(&empty["lines"])), (&json!(0), Vec::new()));
    assert_eq!(empty["metadata"], json!({"billform_state": "redrawing"}));
    let items = local.get(&format!("/v1/invoiceitems?customer={customer}")).await.ok();
    assert!(ids(&items).is_empty(), "deleted lines leave no pending item");
}

#[tokio::test]
async fn a_refused_call_changes_neither_lines_nor_metadata() {
    let local = Local::start().await;
    let customer = local.customer().await;
    let invoice = local.draft(&customer).await;
    let path = format!("/v1/invoices/{invoice}");
    local.post(&format!("{path}/add_lines"), "lines[0][amount]=100&invoice_metadata[a]=1").await.ok();
    let before = read(&local, &invoice).await;
    let line = id(&before["lines"]["data"][0]);
    for (step, form) in [
        ("add_lines", "lines[0][amount]=1&lines[1][amount]=x&invoice_metadata[a]=2".to_owned()),
        ("add_lines", format!("lines[0][amount]=1&invoice_metadata[{}]=2", "k".repeat(41))),
        ("update_lines", format!("lines[0][id]={line}&lines[0][amount]=1&lines[1][id]=il_no&invoice_metadata[a]=2")),
        ("update_lines", format!("lines[0][id]={line}&lines[0][amount]=1&invoice_metadata[{}]=2", "k".repeat(41))),
        (
            "remove_lines",
            format!("lines[0][id]={line}&lines[0][behavior]=delete&lines[1][id]=il_no&lines[1][behavior]=delete"),
        ),
        ("remove_lines", format!("lines[0][id]={line}&invoice_metadata[a]=2")),
    ] {
        assert_eq!(local.post(&format!("{path}/{step}"), &form).await.status, 400, "{step} {form}");
        assert_eq!(read(&local, &invoice).await, before, "{step} {form}");
    }
}

#[tokio::test]
async fn an_invoice_takes_250_lines_and_not_one_more() {
    let local = Local::start().await;
    let customer = local.customer().await;
    let invoice = local.draft(&customer).await;
    let path = format!("/v1/invoices/{invoice}");
    let form = |from: i64, to: i64| {
        let line = |n: i64| format!("lines[{}][amount]={n}&lines[{}][description]=service+{n}", n - from, n - from);
        (from..to).map(line).collect::<Vec<_>>().join("&")
    };
    let many = local.post(&format!("{path}/add_lines"), &form(0, 251)).await;
    assert_eq!(many.refusal().0, 400);
    local.post(&format!("{path}/add_lines"), &form(0, 200)).await.ok();
    assert_eq!(local.post(&format!("{path}/add_lines"), &form(200, 251)).await.refusal().0, 400);
    let full = local.post(&format!("{path}/add_lines"), &form(200, 250)).await.ok();
    assert_eq!((&full["total"], &full["lines"]["has_more"]), (&json!(249 * 250 / 2), &json!(true)));
    let item = format!("customer={customer}&invoice={invoice}&amount=1&currency=usd");
    assert_eq!(local.post("/v1/invoiceitems", &item).await.refusal().2, Some("invoice"));
    let mut seen = Vec::new();
    let mut after = String::new();
    loop {
        let page = local.get(&format!("{path}/lines?limit=100{after}")).await.ok();
        seen.extend(page["data"].as_array().unwrap().iter().map(|line| line["amount"].as_i64().unwrap()));
        if page["has_more"] == false {
            break;
        }
        after = format!("&starting_after={}", ids(&page).pop().unwrap());
    }
    assert_eq!(seen, (0..250).collect::<Vec<i64>>());
    local.post(&format!("{path}/finalize"), "").await.ok();
    assert_eq!(
        local.post(&format!("{path}/remove_lines"), "lines[0][id]=x&lines[0][behavior]=delete").await.refusal().1,
        Some("invoice_not_editable")
    );
}
