//! The frame of every page, and text that cannot become markup.

/// A page with that title around that body, which is markup.
pub(super) fn page(title: &str, body: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{title}</title>\n\
         <style>{STYLE}</style>\n</head>\n<body>\n<main>\n<h1>{title}</h1>\n{body}\n</main>\n</body>\n</html>\n",
        title = escaped(title)
    )
}

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;margin:0;background:#f6f8fa;color:#1a1f36}\
main{max-width:34rem;margin:2rem auto;padding:1.5rem;background:#fff;border-radius:.5rem}\
form{margin:0 0 1.5rem}fieldset{border:1px solid #d5dbe1;border-radius:.5rem;padding:1rem}\
label{display:block;margin:.5rem 0}input{display:block;width:100%;box-sizing:border-box;padding:.5rem;font:inherit}\
button{padding:.5rem 1rem;font:inherit}table{width:100%;border-collapse:collapse}td,th{text-align:left;padding:.25rem}\
td form{display:inline;margin:0}[role=alert]{color:#b3093c}";

/// Text for markup and for attributes in double quotes.
pub(super) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for sign in text.chars() {
        match sign {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

/// An amount of minor units as people write it.
pub(super) fn money(amount: i64, currency: &str) -> String {
    rust_decimal::Decimal::new(amount, crate::currency::decimals(currency)).to_string()
}

/// A message that something went wrong; nothing where there is none.
pub(super) fn alert(message: Option<&str>) -> String {
    message.map_or_else(String::new, |message| format!("<p role=\"alert\">{}</p>", escaped(message)))
}

/// The forms in which a customer leaves a method of one of those types.
pub(super) fn method_forms(types: &[&str], action: &str, button: &str, email: &str) -> String {
    let field = |name: &str, label: &str, rest: &str| {
        format!("<label>{label}<input name=\"{name}\" required autocomplete=\"off\" {rest}></label>")
    };
    let form = |kind: &str, legend: &str, fields: String| {
        format!(
            "<form method=\"post\" action=\"{}\" id=\"{kind}\"><fieldset><legend>{legend}</legend>\
             <input type=\"hidden\" name=\"type\" value=\"{kind}\">{fields}\
             <button type=\"submit\">{}</button></fieldset></form>",
            escaped(action),
            escaped(button)
        )
    };
    let email = format!("type=\"email\" value=\"{}\"", escaped(email));
    let mut forms = String::new();
    if types.contains(&"card") {
        let fields = [
            field("number", "Card number", "inputmode=\"numeric\" placeholder=\"1234 1234 1234 1234\""),
            field("expiry", "Expiration", "placeholder=\"MM / YY\""),
            field("cvc", "CVC", "inputmode=\"numeric\""),
            field("name", "Cardholder name", ""),
        ];
        forms.push_str(&form("card", "Card", fields.concat()));
    }
    if types.contains(&"sepa_debit") {
        let fields = [
            field("iban", "IBAN", ""),
            field("name", "Name on the account", ""),
            field("email", "Email", &email),
            "<p>By going on you allow debits from this account according to its mandate.</p>".to_owned(),
        ];
        forms.push_str(&form("sepa_debit", "SEPA debit", fields.concat()));
    }
    if types.contains(&"us_bank_account") {
        let fields = [
            field("account", "Account number", "inputmode=\"numeric\""),
            field("routing", "Routing number", "inputmode=\"numeric\""),
            field("name", "Name on the account", ""),
            "<p>By going on you allow debits from this account according to its mandate.</p>".to_owned(),
        ];
        forms.push_str(&form("us_bank_account", "Bank account", fields.concat()));
    }
    forms
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_stays_text() {
        assert_eq!(escaped("<a href=\"x\">'&"), "&lt;a href=&quot;x&quot;&gt;&#39;&amp;");
        let page = page("A & B", &alert(Some("<script>")));
        assert!(page.contains("<title>A &amp; B</title>") && !page.contains("<script"));
        let forms = method_forms(&["sepa_debit"], "/c/pay/cs_1", "Save", "\"><b>");
        assert!(forms.contains("id=\"sepa_debit\"") && !forms.contains("id=\"card\"") && !forms.contains("<b>"));
    }
}
